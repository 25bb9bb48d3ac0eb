"""NTFS: unbuffered requests go to the volume and pend; cached ones are copies, or the cache manager's business.

A cached request that finds its pages, or room for them, is copied and ends at once, in the caller's thread, and still queues
a packet (semantics 1.3 row 5). Another one on an overlapped handle is posted to a system worker; when all of them are busy the
issuer blocks (0b.20). Some are done in the issuing thread although the handle is overlapped: all of a compressed or encrypted
file, and writes beyond the valid data length (3.7; ReFS does not force these). A paging IRP comes in at the top like any other
and goes straight to the volume.
Source: semantics 3, 0b.17, 0b.20. Simplified: what lies between the valid data and a write beyond is not zeroed.
"""

from iosim.cache_manager import CacheManager, spanned
from iosim.cache_work import CachedRead, CachedWrite, FileFlush
from iosim.device_stack import NOT_FAST, DeviceObject, Driver, FileObject
from iosim.extents import send_to_extents
from iosim.io_manager import IoManager
from iosim.irp import FLUSH, NO_ROUTINE, NO_THREAD, READ, WRITE, Irp, StatusBlock
from iosim.kernel_work import NO_WORK, STAYS_IN_CALL, KernelWork
from iosim.ntfs_metadata import LOG_WRITE_THROUGH, Log
from iosim.ntfs_own import OwnFlush, OwnTransfer
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS
from iosim.read_ahead import look_ahead


class Ntfs(Driver):
    """The file system of one volume; `log` is its log, where that is modelled."""

    def __init__(self, io: IoManager, cache: CacheManager, dispatch_ns: int, completion_ns: int) -> None:
        self.io = io
        self.cache = cache
        self.dispatch_ns = dispatch_ns
        self.completion_ns = completion_ns
        self.log = Log()

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Read, write or flush."""
        file = irp.file
        if irp.paging:
            return self._to_volume(device, irp)
        if file.cached:
            return self._cached(irp)
        location = irp.location()
        if location.major == FLUSH:
            return self._flush(irp)
        control = file.control
        if control.special:
            write = location.major == WRITE
            end = location.offset + location.size
            if control.forces(write, end):
                last = self._log_write(irp, write, end)
                return self._in_call(irp, OwnTransfer(self.cache, irp, self._pends(irp, True), last))
        return self._to_volume(device, irp)

    def _to_volume(self, device: DeviceObject, irp: Irp) -> int:
        """From the file's offsets to the volume's, and down."""
        file = irp.file
        if file.control.extent:
            return send_to_extents(self.io, device, irp, file)
        irp.copy_to_next(file.base, NO_ROUTINE)
        return self.io.call_driver(device.lower, irp)

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        """A paging IRP of the cache manager is up, above all drivers of the stack."""
        self.cache.ended(irp)
        return irp.status

    def fast_io(
        self, device: DeviceObject, file: FileObject, major: int, offset: int, size: int, block: StatusBlock
    ) -> int:
        """A cached read that finds its pages is a copy in the caller's thread (semantics 2.10)."""
        if major != READ or not self.cache.resident(file, offset, size):
            return NOT_FAST
        if file.read_ahead:
            look_ahead(self.cache, file, offset, size)
        self.cache.count(True)
        block.information = size
        return STATUS_SUCCESS

    # ---- cached ------------------------------------------------------------------------------------------------------

    def _cached(self, irp: Irp) -> int:
        file = irp.file
        file.cache_map = True
        location = irp.location()
        if location.major == READ:
            if file.read_ahead:
                look_ahead(self.cache, file, location.offset, location.size)
            if irp.hit:
                return self._done(irp, location.size)
            return self._read(irp)
        if location.major == WRITE:
            return self._write(irp)
        return self._flush(irp)

    def _done(self, irp: Irp, size: int) -> int:
        irp.information = size
        self.io.complete(irp)
        return STATUS_SUCCESS

    def _read(self, irp: Irp) -> int:
        """A miss."""
        file = irp.file
        stays = irp.synchronous or file.control.transformed
        work = CachedRead(self.cache, irp, self._pends(irp, stays))
        return self._in_call(irp, work) if stays else self._post(irp, work)

    def _write(self, irp: Irp) -> int:
        """Taken in at once, held back by the throttle, or work for this thread or another."""
        cache = self.cache
        file = irp.file
        location = irp.location()
        end = location.offset + location.size
        control = file.control
        logged = self.log.mode == LOG_WRITE_THROUGH and end > control.valid
        if irp.hit and not logged and cache.takes(file, location.offset, location.size):
            self._log_write(irp, True, end)
            cache.soil(file, location.offset, location.size)
            return self._done(irp, location.size)
        stays = irp.synchronous or control.forces(True, end)
        last = self._log_write(irp, True, end)
        if stays:
            return self._in_call(irp, CachedWrite(cache, irp, self._pends(irp, True), False, last))
        pages = spanned(location.offset, location.size)
        work = CachedWrite(cache, irp, True, True, last)
        throttle = cache.throttle
        if throttle.accepts(control, pages):
            throttle.promised += pages
            return self._post(irp, work)
        irp.mark_pending()
        throttle.defer(NO_THREAD, work, control, pages, False)
        cache.hurry()
        return STATUS_PENDING

    def _flush(self, irp: Irp) -> int:
        """What the file has dirty, then the disk's own write cache."""
        return self._in_call(irp, FileFlush(self.cache, irp, OwnFlush(self.cache, irp.file, irp.request)))

    def _pends(self, irp: Irp, stays: bool) -> bool:
        file = irp.file
        return not stays or (file.control.reports_pending and not irp.synchronous)

    def _log_write(self, irp: Irp, write: bool, end: int) -> KernelWork:
        """A change of the valid data length goes to the log."""
        log = self.log
        file = irp.file
        if write and log.mode and end > file.control.valid:
            return log.record(self.cache, irp.request)
        return NO_WORK

    def _in_call(self, irp: Irp, work: KernelWork) -> int:
        """The issuing thread does it before its call returns."""
        irp.plain = False
        irp.work = work
        if work.pends:
            irp.mark_pending()
        if not irp.synchronous:
            self.cache.blocked += 1
        return STAYS_IN_CALL

    def _post(self, irp: Irp, work: KernelWork) -> int:
        """A system worker does it."""
        irp.mark_pending()
        self.cache.post(work)
        return STATUS_PENDING
