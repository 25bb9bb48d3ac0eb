"""The cache manager of a volume: hits, misses, and the paging IRPs between its page cache and the disk.

A hit is a copy in the caller's thread. What is missing is read by paging IRPs, one for every run of missing pages, which
enter the file-system stack again at the top (0b.17); what is dirty is written by them. Who does so: cache_work.py (reads
and writes of programs), read_ahead.py, lazy_writer.py. A hit may also be drawn for the request (a file's `hit_ratio`), so
that two designs see the same hits. Source: semantics 3.2 to 3.6, 2.11, 0b.17, 0b.20.
"""

from iosim.actor import Clock
from iosim.attribution import Request, background_request
from iosim.device_stack import DeviceObject, FileObject
from iosim.dispatcher import IO_DISK_INCREMENT
from iosim.io_manager import IoManager
from iosim.irp import INVOKE_ALWAYS, READ, WRITE, Irp
from iosim.kernel_queue import KernelQueue
from iosim.kernel_work import KernelWork
from iosim.ntstatus import STATUS_PENDING, is_error
from iosim.page_cache import PageCache, PageRun
from iosim.units import PAGE
from iosim.write_throttle import WriteThrottle


class NoWriter:
    """Of a cache whose dirty pages are written only when somebody asks."""

    def dirtied(self) -> None:
        """There is a dirty page."""

    def hurry(self) -> None:
        """A write waits for fewer of them."""


class CacheManager:
    """One volume's. Misses go to the workers of `queue`, read-ahead and lazy writes to those of `background`.

    `device` is the file system's, which hears of the end of every paging IRP.
    """

    def __init__(self, io: IoManager, pages: PageCache, queue: KernelQueue) -> None:
        self.io = io
        self.clock: Clock = io.clock
        self.pages = pages
        self.queue = queue
        self.background = queue
        self.throttle = WriteThrottle(io.dispatcher, pages, pages.capacity // 2)
        self.writer: object = NoWriter()
        self.device: DeviceObject
        self.own = background_request()  # on whose behalf read-ahead and lazy writes go on
        self.files: dict[int, FileObject] = {}  # by number: one through which its dirty pages can be written
        self.hits = 0
        self.misses = 0
        self.writes = 0
        self.paging_reads = 0
        self.paging_writes = 0
        self.collided = 0  # threads that waited for a page which another one was reading
        self.read_ahead_pages = 0
        self.written_pages = 0
        self.lost_pages = 0  # that could not be written
        self.blocked = 0  # overlapped calls that kept their thread
        self.dirty_most = 0
        self.dirty_area = 0  # ns x pages
        self.dirty_since = 0

    # ---- reads and writes begin --------------------------------------------------------------------------------------

    def resident(self, file: FileObject, offset: int, size: int) -> bool:
        """Whether a cached read of the range would be a hit, by what the cache holds; beyond the valid data is nothing."""
        control = file.control
        if offset + size > control.valid:
            size = control.valid - offset
        return size <= 0 or self.pages.lookup(file.number, offset, size)

    def count(self, hit: bool) -> None:
        """A cached read begins."""
        if hit:
            self.hits += 1
        else:
            self.misses += 1

    def takes(self, file: FileObject, offset: int, size: int) -> bool:
        """Whether a cached write would end at once: nothing to be read before, written through or waited for."""
        control = file.control
        if file.write_through or control.forces(True, offset + size) or not self.pages.capacity:
            return False
        return self.throttle.accepts(control, spanned(offset, size)) and self.edges_resident(file, offset, size)

    def edges_resident(self, file: FileObject, offset: int, size: int) -> bool:
        """Whether the pages that a write covers in part are there, or hold no valid data yet."""
        if file.control.drawn:
            return True
        return self.edge_resident(file, offset) and self.edge_resident(file, offset + size)

    def edge_resident(self, file: FileObject, edge: int) -> bool:
        """The same of the page that an edge of the write cuts."""
        return edge % PAGE == 0 or edge // PAGE * PAGE >= file.control.valid or self.resident(file, edge, 1)

    def soil(self, file: FileObject, offset: int, size: int) -> None:
        """A write was copied in: its pages are dirty, its data are valid."""
        self._count_dirty()
        control = file.control
        control.dirty += self.pages.soil(file.number, offset, size)
        control.set_valid(offset + size)
        self.files[file.number] = file
        self.writes += 1
        dirty = self.pages.dirty_pages()
        if dirty > self.dirty_most:
            self.dirty_most = dirty
        self.writer.dirtied()  # type: ignore[attr-defined]  # a LazyWriter, which knows this class

    def hurry(self) -> None:
        """A write waits: the lazy writer is not to wait for its next second (3.6)."""
        self.writer.hurry()  # type: ignore[attr-defined]

    def saturated(self) -> bool:
        """No system worker is free: the issuer of a miss must wait for it itself."""
        return not self.queue.waiting

    def post(self, work: KernelWork) -> None:
        """A worker will do it."""
        self.queue.insert(work)

    # ---- paging IRPs -------------------------------------------------------------------------------------------------

    def issue(self, run: PageRun, file: FileObject, processor: int) -> Irp:
        """Send a run down from the top of the stack; `run.done` says whether it ended at once. Who waits frees the IRP."""
        device = file.device
        irp = self.io.allocate(device.stack_size, processor)
        offset = run.first * PAGE
        if run.write:
            self.paging_writes += 1
        else:
            self.paging_reads += 1
        irp.prepare(run.request, file, WRITE if run.write else READ, offset, self.size_of(run, file))
        irp.processor = processor
        irp.paging = True
        irp.work = run
        irp.own(self.device, INVOKE_ALWAYS)
        if self.io.call_driver(device, irp) != STATUS_PENDING:
            run.done = True
        return irp

    def size_of(self, run: PageRun, file: FileObject) -> int:
        """Bytes of a run: the last page of a file may be cut."""
        return min(run.count * PAGE, file.size - run.first * PAGE)

    def ended(self, irp: Irp) -> None:
        """A paging IRP is up: its pages are there or clean, and whoever needs them goes on."""
        run: PageRun = irp.work  # type: ignore[assignment]  # `issue` put it there
        run.done = True
        run.status = irp.status
        if run.write:
            self._written(run)
        elif not run.drawn:
            self.pages.read_in(run, not is_error(run.status))
        waiters = run.waiters
        run.waiters = []
        dispatcher = self.io.dispatcher
        for thread in waiters:
            dispatcher.wake(thread, IO_DISK_INCREMENT)

    def _written(self, run: PageRun) -> None:
        self._count_dirty()
        self.written_pages += run.count
        if is_error(run.status):  # as the real one, which says "delayed write failed" and goes on
            self.lost_pages += run.count
        self.pages.written(run)
        self.throttle.release(self.queue)

    def to_write(self, request: Request, file: FileObject, key: int, most: int) -> PageRun:
        """A run that begins with this dirty page, taken off the dirty ones, to be issued now on the request's behalf."""
        self._count_dirty()
        run = self.pages.clean(request, key, most)
        file.control.dirty -= run.count
        return run

    def _count_dirty(self) -> None:
        now = self.clock.now
        self.dirty_area += self.pages.dirty_pages() * (now - self.dirty_since)
        self.dirty_since = now

    def settle(self) -> None:
        """Bring the integral up to now."""
        self._count_dirty()


def spanned(offset: int, size: int) -> int:
    """Pages that a range touches."""
    return (offset + size - 1) // PAGE - offset // PAGE + 1
