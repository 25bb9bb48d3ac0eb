"""What programs open by name: files of the volume, pipes that listen, devices."""

from iosim.device_stack import DeviceObject, FileObject
from iosim.devices.named_pipe import NamedPipe, PipeEnd
from iosim.devices.null import NullDriver
from iosim.io_manager import IoManager
from iosim.ntstatus import ERROR_FILE_NOT_FOUND, ERROR_INVALID_PARAMETER, ERROR_PIPE_BUSY
from iosim.win32.calls import Refused
from iosim.win32.requests import OpenFile
from iosim.win32.volume import Volume

PIPE = "\\\\.\\pipe\\"


class Names:
    """The name space of a system; `NUL` is there from the start."""

    def __init__(self, io: IoManager, volume: Volume) -> None:
        self.io = io
        self.volume = volume
        self.pipes = NamedPipe(io)
        self.instances: dict[str, list[PipeEnd]] = {}  # by name, oldest first
        self.devices = {"NUL": DeviceObject(NullDriver(io), None, 0, 0)}
        self.next = len(volume.files)  # number of the next file object that is not stored

    def _number(self) -> int:
        self.next += 2  # a pipe takes two
        return self.next - 2

    def open(self, name: str, unbuffered: bool) -> OpenFile:
        """A new file object of this name."""
        if name in self.volume.files:
            return self.volume.open(name, unbuffered)
        if name in self.devices:
            return OpenFile(self.io, FileObject(self._number(), self.devices[name], 0, 0, False), unbuffered)
        if name in self.instances:
            return OpenFile(self.io, self._client(name))
        raise Refused(ERROR_FILE_NOT_FOUND)

    def _client(self, name: str) -> PipeEnd:
        """The other end of the oldest instance that listens."""
        alive = [end for end in self.instances[name] if end.connected]
        self.instances[name] = alive
        for end in alive:
            if end.listening:
                return self.pipes.open(end)
        raise Refused(ERROR_PIPE_BUSY if alive else ERROR_FILE_NOT_FOUND)

    def pipe(self, name: str, messages: bool, quota: int) -> OpenFile:
        """A new instance of a named pipe."""
        if not name.startswith(PIPE):
            raise Refused(ERROR_INVALID_PARAMETER)
        end = self.pipes.instance(self._number(), quota, messages)
        self.instances.setdefault(name, []).append(end)
        return OpenFile(self.io, end)

    def pair(self, messages: bool, quota: int) -> tuple[OpenFile, OpenFile]:
        """Both ends of a pipe without a name."""
        first, second = self.pipes.pair(self._number(), quota, messages)
        return OpenFile(self.io, first), OpenFile(self.io, second)
