"""The API: every call under its real name, to be yielded by a thread's program."""

from iosim.win32.files import FileCalls
from iosim.win32.locks import LockCalls
from iosim.win32.memory import MemoryCalls
from iosim.win32.ports import PortCalls
from iosim.win32.sockets import SocketCalls
from iosim.win32.threadpool import PoolCalls
from iosim.win32.threads import ThreadCalls
from iosim.win32.waits import ObjectCalls


class Api(ThreadCalls, ObjectCalls, LockCalls, PortCalls, FileCalls, SocketCalls, MemoryCalls, PoolCalls):
    """All calls. A handle that is closed or of the wrong kind fails the call with ERROR_INVALID_HANDLE."""
