"""Cached reads and writes that can't end at once: what a system worker does for them, or the issuing thread in its call.

Source: semantics 3.3, 3.6, 3.7, 3.9. A cached write of a part of a page that is not resident reads the page first.
"""

from iosim.cache_manager import CacheManager, spanned
from iosim.irp import Irp
from iosim.kernel_queue import KernelThread
from iosim.kernel_work import NO_WORK, KernelWork
from iosim.ntstatus import is_error
from iosim.outcomes import BLOCKED, OVER, OWES
from iosim.paging import PageFaults, WriteOut, keys_of
from iosim.units import PAGE


class CachedTransfer(KernelWork):
    """What reads and writes have in common; `pends`: its call has returned, or will return, STATUS_PENDING."""

    def __init__(self, cache: CacheManager, irp: Irp, pends: bool) -> None:
        super().__init__(irp.request)
        self.cache = cache
        self.irp = irp
        self.pends = pends
        location = irp.location()
        self.offset = location.offset
        self.size = location.size
        self.stage = 0

    def owe_copy(self, thread: KernelThread) -> None:
        """Between the cache and the user's buffer."""
        thread.owe_kernel(self.cache.io.copy_cost(self.size))

    def end(self) -> None:
        """Complete the IRP."""
        irp = self.irp
        irp.status = self.status
        if not is_error(self.status):
            irp.information = self.size
        self.cache.io.complete(irp)


FAULT, READY = range(2)


class CachedRead(CachedTransfer):
    """Bring in what is missing, then copy all of it. What was never written is not read."""

    def __init__(self, cache: CacheManager, irp: Irp, pends: bool) -> None:
        super().__init__(cache, irp, pends)
        end = min(self.offset + self.size, irp.file.control.valid)
        self.faults = PageFaults(cache, irp.file, irp.request, self.offset // PAGE, (end - 1) // PAGE)

    def go_on(self, thread: KernelThread) -> int:
        """Faults, then the copy."""
        if self.stage == FAULT:
            faults = self.faults
            outcome = faults.go_on(thread)
            if outcome != OVER:
                return outcome
            self.stage = READY
            self.status = faults.status
            if not is_error(self.status):
                self.owe_copy(thread)
                transform = self.irp.file.control.transform_ps
                if transform:
                    thread.owe_kernel(self.size * transform // 1000)
            if thread.owed:
                return OWES
        return OVER


ADMIT, EDGES, COPY, THROUGH, LAST = range(5)


class CachedWrite(CachedTransfer):
    """Be let in, read what it covers in part, copy, and write it through if that was asked for.

    `admitted`: the write throttle counts on its pages already. `last`: what is to be done in the end (a log write).
    """

    def __init__(self, cache: CacheManager, irp: Irp, pends: bool, admitted: bool, last: KernelWork) -> None:
        super().__init__(cache, irp, pends)
        self.last = last
        self.stage = EDGES if admitted else ADMIT
        self.pages = spanned(self.offset, self.size)
        self.edges: list[PageFaults] = []
        self.through = NO_WORK
        end = self.offset + self.size
        for edge in (self.offset, end):
            if not cache.edge_resident(irp.file, edge) and not irp.file.control.drawn:
                page = edge // PAGE
                self.edges.append(PageFaults(cache, irp.file, irp.request, page, page))

    def go_on(self, thread: KernelThread) -> int:
        """One stretch further."""
        if self.stage == ADMIT:
            self.stage = EDGES
            if not self._admit(thread):
                return BLOCKED
        if self.stage == EDGES:
            if self._read_edges(thread) == BLOCKED:
                return BLOCKED
            if not thread.owed and not self.edges:
                self.stage = COPY
                if not self.irp.hit and not is_error(self.status):  # else it was paid on the way down
                    self.owe_copy(thread)
            if thread.owed:
                return OWES
        if self.stage == COPY:
            self._soil()
            self.stage = THROUGH
        return self._finish(thread)

    def _admit(self, thread: KernelThread) -> bool:
        """False: too much is dirty, and the thread waits until it is let in."""
        throttle = self.cache.throttle
        control = self.irp.file.control
        if throttle.accepts(control, self.pages):
            throttle.promised += self.pages
            return True
        throttle.defer(thread, self, control, self.pages, True)
        self.cache.hurry()
        return False

    def _read_edges(self, thread: KernelThread) -> int:
        while self.edges:
            faults = self.edges[0]
            outcome = faults.go_on(thread)
            if outcome != OVER:
                return outcome
            self.status = faults.status
            self.edges.pop(0)
            if is_error(self.status):
                self.edges.clear()
        return OVER

    def _soil(self) -> None:
        cache = self.cache
        cache.throttle.promised -= self.pages
        file = self.irp.file
        if is_error(self.status):
            self.last = NO_WORK
            cache.throttle.release(cache.queue)  # the pages that it does not need after all
            return
        cache.soil(file, self.offset, self.size)
        if file.write_through:
            keys = keys_of(file.number, self.offset // PAGE, self.pages)
            self.through = WriteOut(cache, file, self.request, keys, True)

    def _finish(self, thread: KernelThread) -> int:
        """Written through, and logged."""
        if self.stage == THROUGH:
            through = self.through
            outcome = through.go_on(thread)
            if outcome != OVER:
                return outcome
            self.stage = LAST
            if is_error(through.status):
                self.status = through.status
                self.last = NO_WORK
        last = self.last
        outcome = last.go_on(thread)
        if is_error(last.status):
            self.status = last.status
        return outcome


class FileFlush(KernelWork):
    """FlushFileBuffers: all that is dirty of the file, and being written, then what is below (`last`)."""

    def __init__(self, cache: CacheManager, irp: Irp, last: KernelWork) -> None:
        super().__init__(irp.request)
        self.cache = cache
        self.irp = irp
        file = irp.file
        pages = cache.pages
        keys = {*pages.dirty_of(file.number), *pages.writing_of(file.number)}
        self.out = WriteOut(cache, file, irp.request, sorted(keys), True)
        self.last = last

    def go_on(self, thread: KernelThread) -> int:
        """One stretch further."""
        out = self.out
        outcome = out.go_on(thread)
        if outcome != OVER:
            return outcome
        last = self.last
        outcome = last.go_on(thread)
        self.status = out.status if is_error(out.status) else last.status
        return outcome

    def end(self) -> None:
        """Complete the IRP."""
        irp = self.irp
        irp.status = self.status
        self.cache.io.complete(irp)
