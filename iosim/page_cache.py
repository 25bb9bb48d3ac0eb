"""Which pages of a volume's files are in memory, which of them are dirty, and which are under way.

Pages of 4 KiB, least recently used out first; a page that is dirty, or being written, stays. A page that is being read is
waited for, not read again (a collided page fault). Source: semantics 3.2 to 3.5. Left out: views of 256 KiB (3.1).
"""

from iosim.attribution import NO_REQUEST, Request
from iosim.kernel_queue import KernelThread
from iosim.kernel_work import KernelWork
from iosim.page_numbers import FILE_SHIFT, PAGE_MASK
from iosim.units import PAGE


class PageRun(KernelWork):
    """Neighbouring pages of a file on their way between disk and cache; `waiters` need one of them."""

    def __init__(self, request: Request, number: int, first: int, count: int, write: bool) -> None:
        super().__init__(request)
        self.number = number
        self.first = first
        self.count = count
        self.write = write
        self.drawn = False  # none of the cache's business: whether they are there is drawn
        self.done = False
        self.waiters: list[KernelThread] = []


NO_RUN = PageRun(NO_REQUEST, 0, 0, 0, False)


class PageCache:
    """Resident pages; `capacity` in pages, 0 for a cache that never hits.

    Every resident page is in `pages` (clean, in order of use, oldest first) or else in `dirty` (in the order in which they
    were written to) or `writing`; one that was written to while it was being written is in both of these.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.pages: dict[int, bool] = {}
        self.dirty: dict[int, bool] = {}
        self.writing: dict[int, PageRun] = {}
        self.loading: dict[int, PageRun] = {}

    def lookup(self, file: int, offset: int, size: int) -> bool:
        """Whether all pages of the range are resident; they become the newest."""
        pages = self.pages
        resident = True
        for page in range(offset // PAGE, (offset + size - 1) // PAGE + 1):
            key = file << FILE_SHIFT | page
            if key in pages:
                del pages[key]
                pages[key] = True
            elif key not in self.dirty and key not in self.writing:
                resident = False
        return resident

    def fill(self, file: int, offset: int, size: int) -> None:
        """The pages of the range have been read in."""
        if not self.capacity:
            return
        for page in range(offset // PAGE, (offset + size - 1) // PAGE + 1):
            self._insert(file << FILE_SHIFT | page)

    def _insert(self, key: int) -> None:
        if key in self.dirty or key in self.writing:
            return
        pages = self.pages
        pages.pop(key, False)
        pages[key] = True
        if len(pages) + len(self.dirty) + len(self.writing) > self.capacity:
            del pages[next(iter(pages))]

    def first_absent(self, file: int, page: int, last: int) -> int:
        """The first page from `page` to `last` that is not resident (it may be under way), or `last + 1`."""
        while page <= last and self.lookup(file, page * PAGE, 1):
            page += 1
        return page

    # ---- under way ---------------------------------------------------------------------------------------------------

    def reserve(self, request: Request, file: int, page: int, last: int) -> PageRun:
        """The run of absent pages that begins with `page`: whoever needs one of them waits from now on."""
        key = file << FILE_SHIFT | page
        run = PageRun(request, file, page, 0, False)
        while page <= last and not self._known(key):
            self.loading[key] = run
            run.count += 1
            page += 1
            key += 1
        return run

    def _known(self, key: int) -> bool:
        return key in self.pages or key in self.loading or key in self.dirty or key in self.writing

    def under_way(self, file: int, page: int) -> bool:
        """Whether the page is being read."""
        return (file << FILE_SHIFT | page) in self.loading

    def reader_of(self, file: int, page: int) -> PageRun:
        """What is reading it."""
        return self.loading[file << FILE_SHIFT | page]

    def read_in(self, run: PageRun, good: bool) -> None:
        """A run has been read, or could not be."""
        key = run.number << FILE_SHIFT | run.first
        for _ in range(run.count):
            del self.loading[key]
            if good and self.capacity:
                self._insert(key)
            key += 1

    # ---- dirty -------------------------------------------------------------------------------------------------------

    def soil(self, file: int, offset: int, size: int) -> int:
        """The range has been written to: how many of its pages were clean."""
        new = 0
        for page in range(offset // PAGE, (offset + size - 1) // PAGE + 1):
            key = file << FILE_SHIFT | page
            if key not in self.dirty:
                self.pages.pop(key, False)
                self.dirty[key] = True
                new += 1
        pages = self.pages
        while pages and len(pages) + len(self.dirty) + len(self.writing) > self.capacity:
            del pages[next(iter(pages))]
        return new

    def dirty_pages(self) -> int:
        """Pages whose contents the disk has not got yet."""
        return len(self.dirty) + len(self.writing)

    def dirty_of(self, file: int) -> list[int]:
        """Keys of a file's dirty pages, in the file's order."""
        return sorted([key for key in self.dirty if key >> FILE_SHIFT == file])

    def writing_of(self, file: int) -> list[int]:
        """Keys of those that are being written."""
        return [key for key in self.writing if key >> FILE_SHIFT == file]

    def clean(self, request: Request, key: int, most: int) -> PageRun:
        """The run of at most so many dirty pages that begins with `key` is about to be written.

        It ends before one that is being written.
        """
        run = PageRun(request, key >> FILE_SHIFT, key & PAGE_MASK, 0, True)
        while key in self.dirty and key not in self.writing and run.count < most:
            del self.dirty[key]
            self.writing[key] = run
            run.count += 1
            key += 1
        return run

    def written(self, run: PageRun) -> None:
        """A run has been written: its pages are clean, but for those that were written to meanwhile."""
        key = run.number << FILE_SHIFT | run.first
        for _ in range(run.count):
            del self.writing[key]
            self._insert(key)
            key += 1
