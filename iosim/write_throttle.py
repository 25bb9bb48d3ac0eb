"""Write throttling: how many dirty pages there may be, and who waits until there are fewer.

A cached write is taken in unless that would lead past the dirty page threshold of the cache or the file's own; one that is
larger than the threshold is when there are no others. What is held back goes on in its order as pages are written: its
thread, if that waits, or else a system worker. Source: semantics 3.6 (DDI CcCanIWrite).
"""

from collections import deque

from iosim.attribution import WRITE_THROTTLE
from iosim.dispatcher import Dispatcher
from iosim.file_control import FileControl
from iosim.irp import NO_THREAD
from iosim.kernel_queue import KernelQueue, KernelThread
from iosim.kernel_work import KernelWork
from iosim.page_cache import PageCache


class Deferred:
    """A write that waits, and how many pages it will make dirty; `thread` waits with it, or nobody does."""

    def __init__(self, work: KernelWork, control: FileControl, pages: int, thread: KernelThread) -> None:
        self.work = work
        self.control = control
        self.pages = pages
        self.thread = thread


class WriteThrottle:
    """The threshold of one cache, in pages, and the writes that wait for it, oldest first.

    `promised`: pages of writes that were let in and have yet to make them dirty.
    """

    def __init__(self, dispatcher: Dispatcher, pages: PageCache, threshold: int) -> None:
        self.dispatcher = dispatcher
        self.pages = pages
        self.threshold = threshold
        self.deferred: deque[Deferred] = deque()
        self.promised = 0
        self.throttled = 0  # writes that ever waited

    def accepts(self, control: FileControl, pages: int) -> bool:
        """Whether a write of so many pages may go on at once."""
        return not self.deferred and self._fits(control, pages)

    def _fits(self, control: FileControl, pages: int) -> bool:
        dirty = self.pages.dirty_pages() + self.promised
        if dirty and dirty + pages > self.threshold:
            return False
        return not control.dirty or control.dirty + pages <= control.dirty_limit

    def wanted(self) -> int:
        """Pages that the oldest write that waits will make dirty."""
        return self.deferred[0].pages if self.deferred else 0

    def defer(self, thread: KernelThread, work: KernelWork, control: FileControl, pages: int, waits: bool) -> None:
        """It may not; `waits`: its thread waits with it."""
        self.throttled += 1
        self.deferred.append(Deferred(work, control, pages, thread if waits else NO_THREAD))
        if waits:
            self.dispatcher.block(thread, WRITE_THROTTLE)

    def release(self, queue: KernelQueue) -> None:
        """There are fewer dirty pages: let in what fits now. Without a thread that waits, a worker of `queue` does it."""
        while self.deferred:
            it = self.deferred[0]
            if not self._fits(it.control, it.pages):
                return
            self.deferred.popleft()
            self.promised += it.pages
            if it.thread is NO_THREAD:
                request = it.work.request
                request.spend(WRITE_THROTTLE, self.dispatcher.clock.now)
                queue.insert(it.work)
            else:
                self.dispatcher.wake(it.thread)
