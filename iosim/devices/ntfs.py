"""NTFS: unbuffered requests go to the volume and pend; cached reads are copies, or the cache manager's business.

A cached read that finds its pages is copied and ends at once, in the caller's thread, and still queues a packet
(semantics 1.3 row 5). A miss on an overlapped handle is posted to a system worker; when all of them are busy the issuer
blocks (0b.20). A paging IRP comes in at the top like any other and goes straight to the volume.
Source: semantics 3, 0b.17, 0b.20. Simplified: a file is one extent; no metadata, no log; cached writes are refused.
"""

from iosim.cache_manager import CacheManager
from iosim.device_stack import NOT_FAST, DeviceObject, Driver, FileObject
from iosim.io_manager import IoManager
from iosim.irp import NO_ROUTINE, READ, Irp, StatusBlock
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS


class Ntfs(Driver):
    """The file system of one volume."""

    def __init__(self, io: IoManager, cache: CacheManager, dispatch_ns: int, completion_ns: int) -> None:
        self.io = io
        self.cache = cache
        self.dispatch_ns = dispatch_ns
        self.completion_ns = completion_ns

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Read or write."""
        file = irp.file
        if file.cached and not irp.paging:
            return self._cached(irp)
        irp.copy_to_next(file.base, NO_ROUTINE)
        return self.io.call_driver(device.lower, irp)

    def fast_io(
        self, device: DeviceObject, file: FileObject, major: int, offset: int, size: int, block: StatusBlock
    ) -> int:
        """A cached read that finds its pages is a copy in the caller's thread (semantics 2.10)."""
        if major != READ or not self.cache.resident(file, offset, size):
            return NOT_FAST
        self.cache.count(True)
        block.information = size
        return STATUS_SUCCESS

    def _cached(self, irp: Irp) -> int:
        irp.file.cache_map = True
        if irp.hit:
            irp.information = irp.location().size
            self.io.complete(irp)
            return STATUS_SUCCESS
        irp.mark_pending()
        self.cache.post(irp)
        return STATUS_PENDING
