"""The lazy writer: about once a second one eighth of the dirty pages is queued to be written, the oldest first.

More of them if so many became dirty since the last time that the next second would lead past the threshold, and at once
when a write waits for that. A file's pages are one piece of work, which a worker writes run by run. Temporary files are
left alone.
Simplified: its own look at the pages takes no processor time, and every volume has one of its own.
Source: semantics 3.5, 3.6.
"""

from iosim.actor import TIMER, Actor
from iosim.cache_manager import CacheManager
from iosim.device_stack import FileObject
from iosim.page_numbers import FILE_SHIFT
from iosim.paging import WriteOut
from iosim.units import S

SHARE = 8


class LazyWriter(Actor):
    """One cache's, every `period` ns. It sleeps while nothing is dirty. `queued`: pieces of work that have not ended."""

    def __init__(self, cache: CacheManager, period: int = S) -> None:
        super().__init__()
        self.cache = cache
        self.period = period
        self.awake = False
        self.queued = 0
        self.chosen: dict[int, bool] = {}  # pages that are queued, by key
        self.total = 0  # pages that had ever become dirty at the last look

    def dirtied(self) -> None:
        """There is a dirty page, and perhaps a write that has been waiting for one to be written."""
        if not self.awake:
            self.awake = True
            self.cache.clock.at(self.period, TIMER, self, 0)
        if self.cache.throttle.deferred:
            self.hurry()

    def fire(self, what: int) -> None:
        """A second has passed: what became dirty in it may do so again in the next."""
        ever = self.cache.pages.dirty_pages() + self.cache.written_pages
        produced = ever - self.total
        self.total = ever
        self.look(produced, bool(self.cache.throttle.deferred))
        if self.queued or self.cache.pages.writing:  # what is being written by another may be dirty once more
            self.cache.clock.at(self.period, TIMER, self, 0)
        else:
            self.awake = False

    def hurry(self) -> None:
        """A write waits; whoever writes already will look again at the end."""
        if not self.queued:
            self.look(self.cache.throttle.wanted(), True)

    def look(self, more: int, hurried: bool) -> None:
        """Queue what is due: an eighth, or what leads past the threshold when `more` pages become dirty."""
        cache = self.cache
        pages = cache.pages
        dirty = pages.dirty_pages()
        due = max(-(-dirty // SHARE), dirty + more - cache.throttle.threshold)
        by_file: dict[int, list[int]] = {}
        for key in pages.dirty:
            if due <= 0:
                break
            number = key >> FILE_SHIFT
            file = cache.files[number]
            if (file.control.temporary and not hurried) or key in self.chosen or key in pages.writing:
                continue
            by_file.setdefault(number, []).append(key)
            self.chosen[key] = True
            due -= 1
        for number, keys in by_file.items():
            self.queued += 1
            queue = cache.background
            queue.insert(LazyWrite(self, cache.files[number], sorted(keys)))

    def ended(self, keys: list[int]) -> None:
        """A piece of work has been done."""
        self.queued -= 1
        for key in keys:
            del self.chosen[key]
        if self.cache.throttle.deferred:
            self.hurry()


class LazyWrite(WriteOut):
    """Some pages of one file."""

    def __init__(self, writer: LazyWriter, file: FileObject, keys: list[int]) -> None:
        super().__init__(writer.cache, file, writer.cache.own, keys, False)
        self.writer = writer

    def end(self) -> None:
        """Tell the lazy writer."""
        self.writer.ended(self.keys)
