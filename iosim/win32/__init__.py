"""Simulated Win32: threads of the simulated machine as Python generators that call the API under its real names.

Every `yield` is a call into the kernel; the thread goes on when the call returns, with its result. The program
is one more actor beside the step objects of a scenario: a call is charged when it begins and acts when its time is paid.
A server with overlapped reads of a file, as in a textbook:

>>> from iosim.win32 import ERROR_IO_PENDING, INFINITE, INVALID_HANDLE_VALUE, MS, Buffer, Overlapped, System
>>> class Read(Overlapped):  # what the program wants to find at the end of the request
...     def __init__(self, offset):
...         super().__init__(offset)
...         self.buffer = Buffer(4096)
...
...     def on_completion(self, api, status):
...         yield api.Compute(50_000)  # ns
...         now = yield api.QueryPerformanceCounter()
...         print(now, status.completion_key, self.Offset, status.bytes_transferred)
>>> def worker(api, port):
...     while True:
...         status = yield api.GetQueuedCompletionStatus(port, INFINITE)
...         if status.overlapped is None:
...             return
...         yield from status.overlapped.on_completion(api, status)
>>> def server(api):
...     port = yield api.CreateIoCompletionPort(INVALID_HANDLE_VALUE, None, 0, 1)
...     workers = []
...     for _ in range(2):
...         workers.append((yield api.CreateThread(worker, port)))
...     file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
...     yield api.CreateIoCompletionPort(file, port, "data")
...     for offset in (0, 4096, 8192):
...         read = Read(offset)
...         result = yield api.ReadFile(file, read.buffer, 4096, read)
...         assert not result and result.error == ERROR_IO_PENDING
...     yield api.Sleep(1 * MS)
...     for _ in workers:
...         yield api.PostQueuedCompletionStatus(port, 0, 0, None)
...     yield api.WaitForMultipleObjects(workers, True, INFINITE)
>>> system = System(processors=2, files={"data": 1 << 20})
>>> thread = system.start(server)
>>> system.run()
150000 data 0 4096
200000 data 4096 4096
250000 data 8192 4096

A call that fails returns what the real one does (False, 0, INVALID_HANDLE_VALUE, WAIT_FAILED, ...) and leaves its error in
`GetLastError`; results that have an `error` carry it too. What the real system would not survive, or does not define, is a
`ProgramError` that begins with the program's own file and line.

What differs from the real headers: times are whole ns, not ms (`SleepEx` and timeouts too; `20 * MS`), and INFINITE is -1;
results that the real calls write through pointers come back (`IoResult`, `CompletionStatus`, a new lock); security
attributes, names of objects and access flags are left out; `CreateFile` says `overlapped=True` for FILE_FLAG_OVERLAPPED.
`yield from` runs a part of a program that is a generator of its own; without it, nothing of it happens, and nobody is told.

To look on: `handle.object` is the object behind a handle. A port's has `limit`, `running` (active threads), `entries` (queued
packets), `waiting` (parked threads, the newest last) and `bound`. When `system.run()` comes back and threads have not
ended, as in a deadlock, `system.unfinished()` says at which line each stands. Calls take no time unless told to
(`System(system_call=300)`).

Source: semantics 1.10 to 1.16, 2.6 to 2.10, 7.7, 7.8 (the numbers are those of docs/conformance.md). Left out: the bytes
themselves.
"""

from iosim.completion import SKIP_PORT_ON_SUCCESS as FILE_SKIP_COMPLETION_PORT_ON_SUCCESS
from iosim.completion import SKIP_SET_EVENT as FILE_SKIP_SET_EVENT_ON_HANDLE
from iosim.completion import SKIP_USER_EVENT_ON_FAST_IO as FILE_SKIP_SET_USER_EVENT_ON_FAST_IO
from iosim.completion_port import CompletionPort
from iosim.ntstatus import (
    ERROR_ABANDONED_WAIT_0,
    ERROR_BAD_LENGTH,
    ERROR_BROKEN_PIPE,
    ERROR_DISK_FULL,
    ERROR_FILE_NOT_FOUND,
    ERROR_GEN_FAILURE,
    ERROR_HANDLE_EOF,
    ERROR_INVALID_FUNCTION,
    ERROR_INVALID_HANDLE,
    ERROR_INVALID_PARAMETER,
    ERROR_INVALID_USER_BUFFER,
    ERROR_IO_INCOMPLETE,
    ERROR_IO_PENDING,
    ERROR_MORE_DATA,
    ERROR_NO_DATA,
    ERROR_NO_SYSTEM_RESOURCES,
    ERROR_NOACCESS,
    ERROR_NOT_FOUND,
    ERROR_NOT_OWNER,
    ERROR_NOT_SUPPORTED,
    ERROR_OPERATION_ABORTED,
    ERROR_PIPE_BUSY,
    ERROR_PIPE_CONNECTED,
    ERROR_PIPE_LISTENING,
    ERROR_SUCCESS,
    ERROR_TIMEOUT,
    ERROR_TOO_MANY_POSTS,
    WAIT_IO_COMPLETION,
    WAIT_TIMEOUT,
    WSA_IO_PENDING,
)
from iosim.objects import INFINITE
from iosim.units import MS, US, S
from iosim.win32.api import Api
from iosim.win32.calls import Call, ProgramError, ThreadBody
from iosim.win32.handles import INVALID_HANDLE_VALUE, NULL, Handle
from iosim.win32.memory import Buffer, HasOverlappedIoCompleted, Overlapped
from iosim.win32.network import NetworkParams
from iosim.win32.ports import CompletionStatus
from iosim.win32.requests import IoResult
from iosim.win32.sockets import (
    AF_INET,
    FIONBIO,
    INVALID_SOCKET,
    IPPROTO_TCP,
    SIO_ADDRESS_LIST_QUERY,
    SO_CONNECT_TIME,
    SO_ERROR,
    SO_LINGER,
    SO_SNDBUF,
    SO_UPDATE_ACCEPT_CONTEXT,
    SO_UPDATE_CONNECT_CONTEXT,
    SOCK_DGRAM,
    SOCK_STREAM,
    SOCKET_ERROR,
    SOL_SOCKET,
    TCP_NODELAY,
    TF_DISCONNECT,
    TF_REUSE_SOCKET,
    TF_WRITE_BEHIND,
    SelectResult,
    parts,
)
from iosim.win32.system import RequestCosts, System
from iosim.win32.threadpool import ThreadpoolIo, ThreadpoolWork
from iosim.win32.threads import STILL_ACTIVE
from iosim.win32.volume import DiskParams
from iosim.win32.waits import MAXIMUM_WAIT_OBJECTS, WAIT_ABANDONED_0, WAIT_FAILED, WAIT_OBJECT_0

__all__ = [
    "AF_INET",
    "ERROR_ABANDONED_WAIT_0",
    "ERROR_BAD_LENGTH",
    "ERROR_BROKEN_PIPE",
    "ERROR_DISK_FULL",
    "ERROR_FILE_NOT_FOUND",
    "ERROR_GEN_FAILURE",
    "ERROR_HANDLE_EOF",
    "ERROR_INVALID_FUNCTION",
    "ERROR_INVALID_HANDLE",
    "ERROR_INVALID_PARAMETER",
    "ERROR_INVALID_USER_BUFFER",
    "ERROR_IO_INCOMPLETE",
    "ERROR_IO_PENDING",
    "ERROR_MORE_DATA",
    "ERROR_NOACCESS",
    "ERROR_NOT_FOUND",
    "ERROR_NOT_OWNER",
    "ERROR_NOT_SUPPORTED",
    "ERROR_NO_DATA",
    "ERROR_NO_SYSTEM_RESOURCES",
    "ERROR_OPERATION_ABORTED",
    "ERROR_PIPE_BUSY",
    "ERROR_PIPE_CONNECTED",
    "ERROR_PIPE_LISTENING",
    "ERROR_SUCCESS",
    "ERROR_TIMEOUT",
    "ERROR_TOO_MANY_POSTS",
    "FILE_SKIP_COMPLETION_PORT_ON_SUCCESS",
    "FILE_SKIP_SET_EVENT_ON_HANDLE",
    "FILE_SKIP_SET_USER_EVENT_ON_FAST_IO",
    "FIONBIO",
    "INFINITE",
    "INVALID_HANDLE_VALUE",
    "INVALID_SOCKET",
    "IPPROTO_TCP",
    "MAXIMUM_WAIT_OBJECTS",
    "MS",
    "NULL",
    "SIO_ADDRESS_LIST_QUERY",
    "SOCKET_ERROR",
    "SOCK_DGRAM",
    "SOCK_STREAM",
    "SOL_SOCKET",
    "SO_CONNECT_TIME",
    "SO_ERROR",
    "SO_LINGER",
    "SO_SNDBUF",
    "SO_UPDATE_ACCEPT_CONTEXT",
    "SO_UPDATE_CONNECT_CONTEXT",
    "STILL_ACTIVE",
    "TCP_NODELAY",
    "TF_DISCONNECT",
    "TF_REUSE_SOCKET",
    "TF_WRITE_BEHIND",
    "US",
    "WAIT_ABANDONED_0",
    "WAIT_FAILED",
    "WAIT_IO_COMPLETION",
    "WAIT_OBJECT_0",
    "WAIT_TIMEOUT",
    "WSA_IO_PENDING",
    "Api",
    "Buffer",
    "Call",
    "CompletionPort",
    "CompletionStatus",
    "DiskParams",
    "Handle",
    "HasOverlappedIoCompleted",
    "IoResult",
    "NetworkParams",
    "Overlapped",
    "ProgramError",
    "RequestCosts",
    "S",
    "SelectResult",
    "System",
    "ThreadBody",
    "ThreadpoolIo",
    "ThreadpoolWork",
    "parts",
]
