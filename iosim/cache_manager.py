"""The page cache of a volume, and the system workers that read in what it lacks.

Pages of 4 KiB, least recently used out first. A hit may also be drawn for the request (a file's `hit_ratio`), so that two
designs see the same hits. A miss is served by a worker thread that blocks in a paging IRP, comes back, copies and completes
the request. Source: semantics 3.1 to 3.3, 0b.17, 0b.20. Left out: read-ahead, dirty pages and the lazy writer,
one paging IRP per missing run (here one for the whole request).
"""

from iosim.attribution import NO_REQUEST, PAGING
from iosim.device_stack import FileObject
from iosim.io_manager import IoManager
from iosim.irp import NO_IRP, READ, Irp
from iosim.kernel_queue import NO_PACKET, KernelQueue, KernelThread, Packet
from iosim.ntstatus import STATUS_PENDING, is_error
from iosim.thread import Program, Thread
from iosim.units import PAGE

FILE_SHIFT = 44  # a page's key is file number << 44 | page number


class PageCache:
    """Which pages are resident; `capacity` in pages, 0 for a cache that never hits."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.pages: dict[int, bool] = {}  # in order of use, oldest first

    def lookup(self, file: int, offset: int, size: int) -> bool:
        """Whether all pages of the range are resident; they become the newest."""
        pages = self.pages
        resident = True
        for page in range(offset // PAGE, (offset + size - 1) // PAGE + 1):
            key = file << FILE_SHIFT | page
            if key in pages:
                del pages[key]
                pages[key] = True
            else:
                resident = False
        return resident

    def fill(self, file: int, offset: int, size: int) -> None:
        """The pages of the range have been read in."""
        pages = self.pages
        if not self.capacity:
            return
        for page in range(offset // PAGE, (offset + size - 1) // PAGE + 1):
            key = file << FILE_SHIFT | page
            pages.pop(key, False)
            pages[key] = True
            if len(pages) > self.capacity:
                del pages[next(iter(pages))]


class WorkItem(Packet):
    """A cached miss on its way to a system worker."""

    def __init__(self, irp: Irp, pages: PageCache) -> None:
        super().__init__(irp.request)
        self.irp = irp
        self.pages = pages


class CacheManager:
    """Hits and misses of the cached files of one volume, and the workers' queue of the whole machine."""

    def __init__(self, io: IoManager, pages: PageCache, queue: KernelQueue) -> None:
        self.io = io
        self.pages = pages
        self.queue = queue
        self.hits = 0
        self.misses = 0

    def resident(self, file: FileObject, offset: int, size: int) -> bool:
        """Whether a cached read of the range would be a hit, by what the cache holds."""
        return self.pages.lookup(file.number, offset, size)

    def count(self, hit: bool) -> None:
        """A cached read begins."""
        if hit:
            self.hits += 1
        else:
            self.misses += 1

    def saturated(self) -> bool:
        """No system worker is free: the issuer of a miss must wait for it itself."""
        return not self.queue.waiting

    def post(self, irp: Irp) -> None:
        """A worker will read the missing pages in."""
        self.queue.insert(WorkItem(irp, self.pages))


TAKE, ISSUE, COPY, FINISH = range(4)


class SystemWorker(Program):
    """Takes a miss, issues the paging IRP at the top of the stack, waits for it, copies, completes."""

    def __init__(self, io: IoManager, queue: KernelQueue) -> None:
        self.io = io
        self.queue = queue
        self.irp = NO_IRP
        self.paging = self.irp
        self.pages = PageCache(0)

    def resume(self, thread: Thread) -> bool:
        """One step further."""
        worker: KernelThread = thread  # type: ignore[assignment]  # the dispatcher makes no other threads
        if worker.stage == ISSUE:
            return self._issue(worker)
        if worker.stage == COPY:
            return self._copy(worker)
        if worker.stage == FINISH:
            self._finish(worker)
        return self._take(worker)

    def _take(self, thread: KernelThread) -> bool:
        packet = thread.packet
        if packet is NO_PACKET:
            if thread.owed:
                return True  # the switch of a thread that starts
            packet = self.queue.remove(thread)
            if packet is NO_PACKET:
                return False
        thread.packet = NO_PACKET
        assert isinstance(packet, WorkItem)
        self.irp = packet.irp
        self.pages = packet.pages
        thread.request = packet.request
        thread.owe_kernel(self.io.issue_cost(self.irp.file, self.irp.location().size))
        thread.stage = ISSUE
        return True

    def _issue(self, thread: KernelThread) -> bool:
        irp = self.irp
        location = irp.location()
        device = irp.file.device
        self.paging = self.io.allocate(device.stack_size, thread.processor)
        self.paging.prepare(irp.request, irp.file, READ, location.offset, location.size)
        self.paging.processor = thread.processor
        self.paging.paging = True
        thread.stage = COPY
        if self.io.call_driver(device, self.paging) != STATUS_PENDING:
            return self._copy(thread)
        self.io.wait_for(thread, self.paging, PAGING)
        return False

    def _copy(self, thread: KernelThread) -> bool:
        irp = self.irp
        location = irp.location()
        irp.status = self.paging.status
        self.paging.free()
        if not is_error(irp.status):
            irp.information = location.size
            self.pages.fill(irp.file.number, location.offset, location.size)
            thread.owe_kernel(self.io.copy_cost(location.size))
        thread.stage = FINISH
        return True

    def _finish(self, thread: KernelThread) -> None:
        irp = self.irp
        thread.last_request = thread.request
        thread.request = NO_REQUEST
        thread.stage = TAKE
        self.io.complete(irp)
