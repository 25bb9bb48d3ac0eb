"""Page faults and the writing of dirty pages, as work of a thread that waits for each of its paging IRPs.

Source: semantics 2.11, 3.2, 3.3, 3.5.
"""

from iosim.attribution import PAGING, Request
from iosim.cache_manager import CacheManager
from iosim.device_stack import FileObject
from iosim.irp import NO_IRP, READ, WRITE
from iosim.kernel_queue import KernelThread
from iosim.kernel_work import KernelWork
from iosim.ntstatus import is_error
from iosim.outcomes import BLOCKED, OVER, OWES
from iosim.page_cache import NO_RUN, PageRun
from iosim.page_numbers import FILE_SHIFT, MOST_PAGES


class PageMover(KernelWork):
    """One paging IRP after the other: a run is taken, its way down is paid, it is issued and waited for."""

    def __init__(self, cache: CacheManager, file: FileObject, request: Request) -> None:
        super().__init__(request)
        self.cache = cache
        self.file = file
        self.run = NO_RUN  # taken, or under way
        self.paging = NO_IRP  # by which it is under way
        self.joined = NO_RUN  # another's, that is waited for

    def go_on(self, thread: KernelThread) -> int:
        """One stretch further."""
        while True:
            if self.paging is not NO_IRP:
                self._arrived()
            elif self.run is not NO_RUN:
                if not self._issue(thread):
                    return BLOCKED
                continue
            outcome = OVER if is_error(self.status) else self.next(thread)
            if outcome != OWES or thread.owed:
                return outcome

    def next(self, thread: KernelThread) -> int:
        """Take a run and owe its way down (OWES), wait for one that is another's (BLOCKED), or there is none (OVER)."""
        raise NotImplementedError

    def _owe(self, thread: KernelThread) -> None:
        io = self.cache.io
        thread.owe_kernel(
            io.issue_cost(self.file, self.cache.size_of(self.run, self.file), WRITE if self.run.write else READ)
        )

    def _issue(self, thread: KernelThread) -> bool:
        """False: it is under way, and the thread waits."""
        run = self.run
        self.paging = self.cache.issue(run, self.file, thread.processor)
        if run.done:
            return True
        io = self.cache.io
        io.wait_for(thread, self.paging, PAGING)
        return False

    def _arrived(self) -> None:
        self.status = self.run.status
        self.paging.free()
        self.paging = NO_IRP
        self.run = NO_RUN

    def _join(self, thread: KernelThread, run: PageRun) -> int:
        """Wait for what another thread moves."""
        self.joined = run
        run.waiters.append(thread)
        dispatcher = self.cache.io.dispatcher
        dispatcher.block(thread, PAGING)
        return BLOCKED


class PageFaults(PageMover):
    """Bring the pages `page` to `last` in: what is absent by a read of each run, what is under way by waiting for it."""

    def __init__(self, cache: CacheManager, file: FileObject, request: Request, page: int, last: int) -> None:
        super().__init__(cache, file, request)
        self.page = page
        self.last = last

    def next(self, thread: KernelThread) -> int:
        """The next absent page."""
        joined = self.joined
        if joined is not NO_RUN:  # one that could not be read is tried again
            self.joined = NO_RUN
            if not is_error(joined.status):
                self.page = joined.first + joined.count
        pages = self.cache.pages
        number = self.file.number
        if self.file.control.drawn:
            return self._all(thread)
        self.page = pages.first_absent(number, self.page, self.last)
        if self.page > self.last:
            return OVER
        if pages.under_way(number, self.page):
            self.cache.collided += 1
            return self._join(thread, pages.reader_of(number, self.page))
        self.run = pages.reserve(self.request, number, self.page, self.last)
        self.page += self.run.count
        self._owe(thread)
        return OWES

    def _all(self, thread: KernelThread) -> int:
        """It was drawn that they are absent."""
        if self.page > self.last:
            return OVER
        self.run = PageRun(self.request, self.file.number, self.page, self.last - self.page + 1, False)
        self.run.drawn = True
        self.page = self.last + 1
        self._owe(thread)
        return OWES


class WriteOut(PageMover):
    """Write pages of a file, given by their keys in order, as far as they are dirty.

    `joins`: also wait for those that are being written, as a flush must.
    """

    def __init__(self, cache: CacheManager, file: FileObject, request: Request, keys: list[int], joins: bool) -> None:
        super().__init__(cache, file, request)
        self.keys = keys
        self.place = 0
        self.joins = joins

    def next(self, thread: KernelThread) -> int:
        """The next run of dirty pages."""
        pages = self.cache.pages
        joined = self.joined
        if joined is not NO_RUN:  # what could not be written is lost, unless it is dirty once more
            self.joined = NO_RUN
            if is_error(joined.status) and self.keys[self.place] not in pages.dirty:
                self.status = joined.status
                return OVER
        while self.place < len(self.keys):
            key = self.keys[self.place]
            if key in pages.writing and self.joins:
                return self._join(thread, pages.writing[key])
            self.place += 1
            if key in pages.dirty and key not in pages.writing:
                self.run = self.cache.to_write(self.request, self.file, key, self._neighbours(key))
                self._owe(thread)
                transform = self.file.control.transform_ps
                if transform:
                    thread.owe_kernel(self.cache.size_of(self.run, self.file) * transform // 1000)
                return OWES
        return OVER

    def _neighbours(self, key: int) -> int:
        """How many pages that follow each other are to be written from this one on."""
        place = self.place
        while place < len(self.keys) and self.keys[place] == key + place - self.place + 1:
            place += 1
        return min(place - self.place + 1, MOST_PAGES)


def keys_of(number: int, first: int, count: int) -> list[int]:
    """Keys of pages `first` and on."""
    return [number << FILE_SHIFT | page for page in range(first, first + count)]
