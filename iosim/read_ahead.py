"""Read-ahead: after two reads that each went on where the one before had ended, the next pages are read in a worker.

So much is read at a time as the file object says (its granularity), and asked for when a reader enters the last part that
was: one part is always ahead. Source: semantics 3.4. Off for drawn hits, which look at no pages.
"""

from iosim.cache_manager import CacheManager
from iosim.device_stack import FileObject
from iosim.kernel_queue import KernelThread
from iosim.outcomes import OWES
from iosim.paging import PageFaults
from iosim.units import PAGE

IN_ORDER = 2  # follow-ups: the third access starts it (two to three, 3.4)


def look_ahead(cache: CacheManager, file: FileObject, offset: int, size: int) -> None:
    """A cached read begins at `offset`."""
    end = offset + size
    if offset == file.next_offset:
        file.in_order += 1
    else:
        file.in_order = 0
        file.ahead_to = 0
    file.next_offset = end
    if file.in_order < IN_ORDER:
        return
    part = file.read_ahead
    start = max(end, file.ahead_to)
    stop = min(-(-end // part) * part + part, file.control.valid)
    if start >= stop:
        return
    file.ahead_to = stop
    first = -(-start // PAGE)
    last = (stop - 1) // PAGE
    if first <= last:
        queue = cache.background
        queue.insert(ReadAhead(cache, file, cache.own, first, last))


class ReadAhead(PageFaults):
    """The pages of one part."""

    def next(self, thread: KernelThread) -> int:
        """As of any fault, and counted."""
        outcome = PageFaults.next(self, thread)
        if outcome == OWES:
            self.cache.read_ahead_pages += self.run.count
        return outcome

    def end(self) -> None:
        """Nobody waits for the whole of it."""
