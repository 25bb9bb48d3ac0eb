"""What NTFS does by IRPs of its own and waits for, in the thread of the call: forced synchronous transfers and flushes.

Such an IRP begins at NTFS, not at the top of the stack: filters above saw the program's. It reports to nobody (2.11).
Source: semantics 3.7; KB 156932 (compressed and encrypted files are read and written synchronously).
"""

from iosim.attribution import BLOCKED_CALL, Request
from iosim.cache_manager import CacheManager
from iosim.device_stack import FileObject
from iosim.irp import FLUSH, NO_IRP, WRITE, Irp
from iosim.kernel_queue import KernelThread
from iosim.kernel_work import KernelWork
from iosim.ntstatus import STATUS_PENDING, is_error
from iosim.outcomes import BLOCKED, OVER, OWES


class OwnIrp(KernelWork):
    """One IRP to the volume, and the wait for it."""

    def __init__(self, cache: CacheManager, file: FileObject, request: Request) -> None:
        super().__init__(request)
        self.cache = cache
        self.file = file
        self.own = NO_IRP

    def send(self, thread: KernelThread, major: int, offset: int, size: int) -> int:
        """BLOCKED, or OVER: it ended at once."""
        io = self.cache.io
        device = self.cache.device
        irp = io.allocate(device.stack_size, thread.processor)
        irp.prepare(self.request, self.file, major, offset, size)
        irp.processor = thread.processor
        irp.paging = True
        self.own = irp
        if io.call_driver(device, irp) != STATUS_PENDING or irp.current > irp.stack_count + 1:
            return OVER  # it pended, but is up already
        io.wait_for(thread, irp, BLOCKED_CALL)
        return BLOCKED

    def take_status(self) -> None:
        """It has ended."""
        self.status = self.own.status
        self.own.free()
        self.own = NO_IRP


BEFORE, SEND, AFTER, LAST = range(4)


class OwnTransfer(OwnIrp):
    """An unbuffered read or write that the caller has to wait for; `last` comes in the end (a log write)."""

    def __init__(self, cache: CacheManager, irp: Irp, pends: bool, last: KernelWork) -> None:
        super().__init__(cache, irp.file, irp.request)
        self.irp = irp
        self.pends = pends
        self.last = last
        self.stage = BEFORE
        location = irp.location()
        self.major = location.major
        self.offset = location.offset
        self.size = location.size

    def go_on(self, thread: KernelThread) -> int:
        """Compress, write, wait; or read, wait, expand."""
        if self.stage == BEFORE:
            self.stage = SEND
            if self.major == WRITE:
                self._owe_transform(thread)
            if thread.owed:
                return OWES
        if self.stage == SEND:
            self.stage = AFTER
            if self.send(thread, self.major, self.offset, self.size) == BLOCKED:
                return BLOCKED
        if self.stage == AFTER:
            self.stage = LAST
            self.take_status()
            if is_error(self.status):
                return OVER
            if self.major == WRITE:
                control = self.file.control
                control.set_valid(self.offset + self.size)
            else:
                self._owe_transform(thread)
            if thread.owed:
                return OWES
        if is_error(self.status):
            return OVER
        last = self.last
        outcome = last.go_on(thread)
        if is_error(last.status):
            self.status = last.status
        return outcome

    def _owe_transform(self, thread: KernelThread) -> None:
        transform = self.file.control.transform_ps
        if transform:
            thread.owe_kernel(self.size * transform // 1000)

    def end(self) -> None:
        """Complete the program's IRP."""
        irp = self.irp
        irp.status = self.status
        if not is_error(self.status):
            irp.information = self.size
        self.cache.io.complete(irp)


class OwnFlush(OwnIrp):
    """IRP_MJ_FLUSH_BUFFERS to the disk."""

    def __init__(self, cache: CacheManager, file: FileObject, request: Request) -> None:
        super().__init__(cache, file, request)
        self.sent = False

    def go_on(self, thread: KernelThread) -> int:
        """Send it once, wait."""
        if not self.sent:
            self.sent = True
            if self.send(thread, FLUSH, 0, 0) == BLOCKED:
                return BLOCKED
        if self.own is not NO_IRP:
            self.take_status()
        return OVER
