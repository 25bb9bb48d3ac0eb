"""The disk of a system that was given files: NTFS over a disk whose commands all take the same time.

Reads and writes that reach the disk pend and end in a DPC. Cached ones are served as devices/ntfs.py says.
Simplified: files are as long as they were made; what is written to the cache never reaches the disk but by
FlushFileBuffers, which writes all of it in one piece.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from iosim.cache_manager import CacheManager, PageCache, SystemWorker
from iosim.device_stack import DeviceObject, FileObject
from iosim.devices.ntfs import Ntfs
from iosim.devices.port_driver import PortCosts, PortDriver
from iosim.dispatcher import Dispatcher
from iosim.drives.constant import ConstantDrive
from iosim.io_manager import IoManager
from iosim.irp import READ, WRITE, Irp, StatusBlock
from iosim.kernel_queue import NO_LIMIT, KernelQueue
from iosim.ntstatus import STATUS_DISK_FULL, STATUS_END_OF_FILE, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS
from iosim.units import PAGE, US
from iosim.win32.requests import OpenFile

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


class FileSystem(Ntfs):
    """NTFS that knows where a file ends, and takes cached writes.

    A scenario needs neither: its requests lie within their files, and it is told of cached writes before time starts.
    """

    stored: "list[StoredFile]"  # by number

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Read or write within the file."""
        location = irp.location()
        file = irp.file
        left = file.size - location.offset
        if location.major not in (READ, WRITE):
            return self._end(irp, STATUS_INVALID_DEVICE_REQUEST)
        if location.major == READ:
            if left <= 0:
                return self._end(irp, STATUS_END_OF_FILE)
            location.size = min(location.size, left)
        elif location.size > left:
            return self._end(irp, STATUS_DISK_FULL)
        elif file.cached and not irp.paging and location.size:
            self.cache.pages.fill(file.number, location.offset, location.size)
            self.stored[file.number].written(location.offset, location.size)
        if not location.size:
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
    """A file of the volume: one extent; which of it has been written to the cache and not to the disk."""

    def __init__(self, number: int, base: int, size: int) -> None:
        self.number = number
        self.base = base
        self.size = size
        self.dirty_from = size
        self.dirty_to = 0

    def written(self, offset: int, size: int) -> None:
        """These bytes are in the cache only."""
        self.dirty_from = min(self.dirty_from, offset)
        self.dirty_to = max(self.dirty_to, offset + size)

    def flushed(self) -> tuple[int, int]:
        """Offset and size of what the disk is to get now, so that it has it all."""
        offset, size = self.dirty_from, max(0, self.dirty_to - self.dirty_from)
        self.dirty_from = self.size
        self.dirty_to = 0
        return offset, size


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
            self.files[name] = StoredFile(len(self.files), end, size)
            end += -(-size // PAGE) * PAGE
        queue = KernelQueue(io.clock, dispatcher, 0, NO_LIMIT)
        self.cache = CacheManager(io, PageCache(disk.cache_pages), queue)
        drive = ConstantDrive(io.clock, disk.slots, end + PAGE, disk.latency)
        costs = PortCosts(disk.start, disk.completion, disk.isr, disk.dpc, disk.page_unlock, 0)
        bottom = DeviceObject(PortDriver(io, dispatcher.caches, drive, 0, disk.slots, [0], costs), None, 0, end)
        system = FileSystem(io, self.cache, disk.dispatch, 0)
        system.stored = list(self.files.values())
        self.device = DeviceObject(system, bottom, 0, end)
        for _ in range(disk.system_workers if sizes else 0):
            dispatcher.make_ready(dispatcher.create_thread(SystemWorker(io, queue), WORKER_PRIORITY))

    def open(self, name: str, unbuffered: bool) -> OpenStored:
        """A new file object."""
        stored = self.files[name]
        return OpenStored(self.io, self._file(stored, not unbuffered), unbuffered, stored)

    def past_cache(self, stored: StoredFile) -> OpenStored:
        """The file as the system writes what its cache holds."""
        return OpenStored(self.io, self._file(stored, False), False, stored)

    def _file(self, stored: StoredFile, cached: bool) -> FileObject:
        return FileObject(stored.number, self.device, stored.base, stored.size, cached)

    def hit(self, file: FileObject, major: int, offset: int, size: int) -> bool:
        """Whether a cached request ends at once; a write does, as the cache takes it in."""
        within = min(size, file.size - offset)
        if major != READ or within <= 0:
            return True
        found = self.cache.resident(file, offset, within)
        self.cache.count(found)
        return found

    def saturated(self) -> bool:
        """No system worker is free for a cached miss."""
        return self.cache.saturated()
