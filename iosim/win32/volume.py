"""The disk of a system that was given files: NTFS over a disk whose commands all take the same time.

Reads and writes that reach the disk pend and end in a DPC. Cached ones are served as devices/ntfs.py says; what is written
reaches the disk by the lazy writer, FlushFileBuffers, or at once (FILE_FLAG_WRITE_THROUGH).
Simplified: files are as long as they were made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from iosim.cache_manager import CacheManager
from iosim.device_stack import DeviceObject, FileObject
from iosim.devices.ntfs import Ntfs
from iosim.devices.port_driver import PortCosts, PortDriver
from iosim.dispatcher import Dispatcher
from iosim.drives.constant import ConstantDrive
from iosim.file_control import FileControl
from iosim.io_manager import IoManager
from iosim.irp import FLUSH, READ, WRITE, Irp, StatusBlock
from iosim.kernel_queue import NO_LIMIT, KernelQueue
from iosim.lazy_writer import LazyWriter
from iosim.ntstatus import STATUS_DISK_FULL, STATUS_END_OF_FILE, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS
from iosim.page_cache import PageCache
from iosim.system_workers import SystemWorker
from iosim.units import PAGE, US
from iosim.win32.requests import SECTOR, OpenFile

WORKER_PRIORITY = 13  # of the system's critical worker threads [M]


@dataclass(frozen=True, slots=True)
class DiskParams:
    """A disk, its driver's processor time and its cache, for programs; times in ns.

    `latency`: of every command, a flash drive's random read of a page [A]; `slots` commands go on side by side (native
    command queueing has 32, semantics 4.1). Processor time is 0 unless asked for.
    """

    latency: int = 100 * US
    slots: int = 32
    dispatch: int = 0
    start: int = 0
    completion: int = 0
    isr: int = 0
    dpc: int = 0
    page_unlock: int = 0
    cache_pages: int = 1024  # 4 MiB: large enough for a small program to find its pages again [A]
    system_workers: int = 4  # that serve cached misses at a time (0b.20; number [A])
    read_ahead: int = 0  # bytes at a time (3.4); 0: none
    file_system: str = "ntfs"  # or refs, which lets writes beyond the valid data length pend (3.7)
    valid_data: Mapping[str, int] = field(
        default_factory=dict
    )  # bytes, of files that have not been written to their end
    reports_pending: bool = False  # a call that blocked says ERROR_IO_PENDING all the same (3.7)


class FileSystem(Ntfs):
    """NTFS that knows where a file ends, and takes cached writes.

    A scenario needs neither: its requests lie within their files, and it is told of cached writes before time starts.
    """

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Read or write within the file."""
        location = irp.location()
        file = irp.file
        left = file.size - location.offset
        if location.major not in (READ, WRITE, FLUSH):
            return self._end(irp, STATUS_INVALID_DEVICE_REQUEST)
        if location.major == READ:
            if left <= 0:
                return self._end(irp, STATUS_END_OF_FILE)
            location.size = min(location.size, left)
        elif location.size > left:
            return self._end(irp, STATUS_DISK_FULL)
        if not location.size and location.major != FLUSH:
            return self._end(irp, STATUS_SUCCESS)
        return super().dispatch(device, irp)

    def fast_io(
        self, device: DeviceObject, file: FileObject, major: int, offset: int, size: int, block: StatusBlock
    ) -> int:
        """The same within the file; its end is known without a look at the cache."""
        if offset >= file.size:
            block.information = 0
            return STATUS_END_OF_FILE
        return super().fast_io(device, file, major, offset, min(size, file.size - offset), block)

    def _end(self, irp: Irp, status: int) -> int:
        irp.status = status
        self.io.complete(irp)
        return status


class StoredFile:
    """A file of the volume: one extent, and what its file objects share."""

    def __init__(self, base: int, control: FileControl) -> None:
        self.base = base
        self.control = control


class OpenStored(OpenFile):
    """A file of the volume that is open."""

    def __init__(self, io: IoManager, file: FileObject, unbuffered: bool, stored: StoredFile) -> None:
        super().__init__(io, file, unbuffered)
        self.stored = stored


class Volume:
    """The stack, and the files by name; `sizes` in bytes."""

    def __init__(self, io: IoManager, dispatcher: Dispatcher, disk: DiskParams, sizes: Mapping[str, int]) -> None:
        self.io = io
        self.files: dict[str, StoredFile] = {}
        end = 0
        for name, size in sizes.items():
            control = FileControl(len(self.files), size)
            control.valid = disk.valid_data.get(name, size)
            control.extends_synchronously = disk.file_system == "ntfs"
            control.reports_pending = disk.reports_pending
            control.settle()
            self.files[name] = StoredFile(end, control)
            end += -(-size // PAGE) * PAGE
        self.read_ahead = disk.read_ahead
        queue = KernelQueue(io.clock, dispatcher, 0, NO_LIMIT)
        self.cache = CacheManager(io, PageCache(disk.cache_pages), queue)
        drive = ConstantDrive(io.clock, disk.slots, end + PAGE, disk.latency)
        costs = PortCosts(disk.start, disk.completion, disk.isr, disk.dpc, disk.page_unlock, 0)
        bottom = DeviceObject(PortDriver(io, dispatcher.caches, drive, 0, disk.slots, [0], costs), None, 0, end)
        self.cache.writer = LazyWriter(self.cache)
        self.device = self.cache.device = DeviceObject(FileSystem(io, self.cache, disk.dispatch, 0), bottom, 0, end)
        for _ in range(disk.system_workers if sizes else 0):
            dispatcher.make_ready(dispatcher.create_thread(SystemWorker(queue), WORKER_PRIORITY))

    def open(self, name: str, unbuffered: bool) -> OpenStored:
        """A new file object."""
        stored = self.files[name]
        control = stored.control
        file = FileObject(control.number, self.device, stored.base, control.size, not unbuffered)
        file.control = control
        file.read_ahead = 0 if unbuffered else self.read_ahead
        file.sector = SECTOR if unbuffered else 0
        return OpenStored(self.io, file, unbuffered, stored)

    def hit(self, file: FileObject, major: int, offset: int, size: int) -> bool:
        """Whether a cached request ends at once."""
        within = min(size, file.size - offset)
        if within <= 0 or major not in (READ, WRITE):
            return True
        if major == WRITE:
            return self.cache.takes(file, offset, within)
        found = self.cache.resident(file, offset, within)
        self.cache.count(found)
        return found

    def saturated(self) -> bool:
        """No system worker is free for a cached miss."""
        return self.cache.saturated()
