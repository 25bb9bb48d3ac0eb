"""Named pipes: two ends, each a file object with a queue of data or of readers that wait for it.

A read finds data and ends at once, or pends. A write goes to readers first; what is left is kept while the end's quota
lasts, else the write pends until its data fits or has been read. A close breaks the pipe: reads that pend end with
STATUS_PIPE_BROKEN, what was written can still be read. In message mode a read takes one message, or the part of it that it
has room for with STATUS_BUFFER_OVERFLOW. Source: semantics 9.3 (W-FILE test_file_io_completion), 2.8 for the cancel protocol;
the rest [M]. An end made by `instance` listens: a request to connect pends until the other end is opened. A flush pends until
all that was written has been read. Simplified: bytes are counted, not kept; an end can't be disconnected and used again.
"""

from collections import deque

from iosim.device_stack import NEITHER, DeviceObject, Driver, FileObject
from iosim.dispatcher import IO_NAMED_PIPE_INCREMENT
from iosim.io_manager import IoManager
from iosim.irp import CONNECT, FLUSH, NO_IRP, READ, WRITE, Irp
from iosim.ntstatus import (
    STATUS_BUFFER_OVERFLOW,
    STATUS_CANCELLED,
    STATUS_INVALID_DEVICE_REQUEST,
    STATUS_PENDING,
    STATUS_PIPE_BROKEN,
    STATUS_PIPE_CLOSING,
    STATUS_PIPE_CONNECTED,
    STATUS_PIPE_LISTENING,
    STATUS_SUCCESS,
    succeeded,
)


class PipeData:
    """What one write left to be read; `irp` is that write while it pends, else NO_IRP."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.irp = NO_IRP


class PipeEnd(FileObject):
    """One end of a pipe: what it can read, or who waits to read. Never both."""

    def __init__(self, number: int, device: DeviceObject, quota: int, messages: bool) -> None:
        super().__init__(number, device, 0, 0, False)
        self.quota = quota  # bytes that may wait to be read here
        self.messages = messages
        self.peer = self
        self.connected = True
        self.listening = False  # nobody has opened the other end yet
        self.waiters: list[Irp] = []  # requests to connect; flushes of the other end, while there is data here
        self.inbound: deque[PipeData] = deque()
        self.unread = 0  # bytes inbound
        self.readers: deque[Irp] = deque()


class NamedPipe(Driver):
    """The named pipe file system (NPFS)."""

    def __init__(self, io: IoManager, dispatch_ns: int = 0) -> None:
        self.io = io
        self.dispatch_ns = dispatch_ns
        self.device = DeviceObject(self, None, 0, 0, NEITHER)

    def pair(self, number: int, quota: int = 4096, messages: bool = False) -> tuple[PipeEnd, PipeEnd]:
        """Two connected ends, overlapped until somebody says otherwise."""
        first = PipeEnd(number, self.device, quota, messages)
        second = PipeEnd(number + 1, self.device, quota, messages)
        first.peer, second.peer = second, first
        return first, second

    def instance(self, number: int, quota: int = 4096, messages: bool = False) -> PipeEnd:
        """A server's end, which listens; its peer waits to be opened."""
        end, _ = self.pair(number, quota, messages)
        end.listening = True
        return end

    def open(self, end: PipeEnd) -> PipeEnd:
        """A client opens the other end of one that listens: whoever waits to connect is told."""
        end.listening = False
        self._release(end, STATUS_SUCCESS)
        return end.peer

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Read, write, connect or flush."""
        end = irp.file
        assert isinstance(end, PipeEnd)
        major = irp.location().major
        if major == CONNECT:
            return self._wait(irp, end) if end.listening else self.io.complete_with(irp, STATUS_PIPE_CONNECTED, 0)
        if major not in (READ, WRITE, FLUSH):
            return self.io.complete_with(irp, STATUS_INVALID_DEVICE_REQUEST, 0)
        if end.listening:
            return self.io.complete_with(irp, STATUS_PIPE_LISTENING, 0)
        if major == READ:
            return self._read(irp, end)
        if major == WRITE:
            return self._write(irp, end)
        return self._wait(irp, end.peer) if end.peer.inbound else self.io.complete_with(irp, STATUS_SUCCESS, 0)

    # ---- connect and flush -------------------------------------------------------------------------------------------

    def _wait(self, irp: Irp, at: PipeEnd) -> int:
        irp.mark_pending()
        at.waiters.append(irp)
        if not irp.enqueued(self):
            self.cancelled(self.device, irp)
        return STATUS_PENDING

    def _release(self, end: PipeEnd, status: int) -> None:
        """What waited at this end has come: a client, or the end of the data."""
        waiters, end.waiters = end.waiters, []
        boost = IO_NAMED_PIPE_INCREMENT if succeeded(status) else 0
        for irp in taken(waiters):
            self.io.complete_with(irp, status, 0, boost)

    # ---- read --------------------------------------------------------------------------------------------------------

    def _read(self, irp: Irp, end: PipeEnd) -> int:
        if end.inbound:
            self._fill(irp, end)
            return self.io.complete_with(irp, irp.status, irp.information)
        if not end.peer.connected:
            return self.io.complete_with(irp, STATUS_PIPE_BROKEN, 0)
        irp.mark_pending()
        end.readers.append(irp)
        if not irp.enqueued(self):
            self.cancelled(self.device, irp)
        return STATUS_PENDING

    def _fill(self, irp: Irp, end: PipeEnd) -> None:
        """Move what is there to a read: status and bytes are in the IRP then."""
        room = irp.location().size
        left = room
        while end.inbound:
            data = end.inbound[0]
            part = min(left, data.size)
            left -= part
            data.size -= part
            end.unread -= part
            if data.size:
                break
            end.inbound.popleft()
            self._written(data)
            if end.messages:
                break
        irp.information = room - left
        irp.status = STATUS_BUFFER_OVERFLOW if end.messages and end.inbound and data.size else STATUS_SUCCESS
        self._admit(end)
        if end.waiters and not end.inbound:
            self._release(end, STATUS_SUCCESS)

    def _admit(self, end: PipeEnd) -> None:
        """There may be room now for data whose writes pend, oldest first."""
        before = 0
        for data in [*end.inbound]:
            before += data.size
            if before > end.quota:
                return
            self._written(data)

    def _written(self, data: PipeData) -> None:
        """The write that pended with this data, if one did, is done."""
        irp = data.irp
        data.irp = NO_IRP
        if irp is not NO_IRP and irp.dequeued():
            self.io.complete_with(irp, STATUS_SUCCESS, irp.location().size, IO_NAMED_PIPE_INCREMENT)

    # ---- write -------------------------------------------------------------------------------------------------------

    def _write(self, irp: Irp, end: PipeEnd) -> int:
        to = end.peer
        size = irp.location().size
        if not to.connected:
            return self.io.complete_with(irp, STATUS_PIPE_CLOSING, 0)
        data = PipeData(size)
        to.inbound.append(data)
        to.unread += size
        if to.readers:
            self._feed(to)
        if not size and not to.messages and data in to.inbound:
            to.inbound.remove(data)  # nothing, in a stream of bytes
        if not data.size or to.unread <= to.quota:
            return self.io.complete_with(irp, STATUS_SUCCESS, size)
        irp.mark_pending()
        data.irp = irp
        if not irp.enqueued(self):
            self.cancelled(self.device, irp)
        return STATUS_PENDING

    def _feed(self, end: PipeEnd) -> None:
        """Readers waited: the oldest that is not being cancelled takes what there is, then the next."""
        while end.readers and end.inbound and (end.inbound[0].size or end.messages):
            irp = end.readers.popleft()
            if irp.dequeued():
                self._fill(irp, end)
                self.io.complete_with(irp, irp.status, irp.information, IO_NAMED_PIPE_INCREMENT)

    # ---- ends --------------------------------------------------------------------------------------------------------

    def cancelled(self, device: DeviceObject, irp: Irp) -> None:
        """A read that waits, or a write whose data is not in yet: that data goes with it."""
        end = irp.file
        assert isinstance(end, PipeEnd)
        if irp in end.readers:
            end.readers.remove(irp)
        elif irp.location().major == WRITE:
            self._take_back(irp, end.peer)
        else:
            at = end if irp in end.waiters else end.peer
            at.waiters.remove(irp)
        self.io.complete_with(irp, STATUS_CANCELLED, 0, 0)
        self._admit(end.peer)

    def _take_back(self, irp: Irp, to: PipeEnd) -> None:
        for data in [*to.inbound]:
            if data.irp is irp:
                data.irp = NO_IRP
                to.inbound.remove(data)
                to.unread -= data.size
        if not to.inbound:
            self._release(to, STATUS_SUCCESS)

    def cleanup(self, device: DeviceObject, file: FileObject) -> None:
        """The end is closed: what pends on the pipe ends, but what it has written can be read (P25)."""
        assert isinstance(file, PipeEnd)
        file.connected = False
        peer = file.peer
        broken = [*file.readers, *peer.readers]
        broken += [data.irp for end in (file, peer) for data in end.inbound if data.irp is not NO_IRP]
        file.readers.clear()
        peer.readers.clear()
        for irp in taken(broken):
            writer = irp.file
            assert isinstance(writer, PipeEnd)
            self._take_back(irp, writer.peer)
            self.io.complete_with(irp, STATUS_PIPE_BROKEN, 0, 0)
        file.inbound.clear()
        file.unread = 0
        for each in (file, peer):
            self._release(each, STATUS_PIPE_BROKEN)


def taken(irps: list[Irp]) -> list[Irp]:
    """Those that are the driver's to end. All before the first ends: whoever hears of that may cancel the others at once."""
    return [irp for irp in irps if irp.dequeued()]
