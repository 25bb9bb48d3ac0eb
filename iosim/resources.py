"""ERESOURCE: the kernel's own reader/writer lock, as file systems use it. Recursive, and handed over fairly.

A thread that owns it exclusively may take it again in either way. A shared holder may take it shared again; asking for it
exclusively hangs on the real system for ever, and is an error here. When the exclusive owner leaves, all that wait to share
it get it; when the last sharer leaves, the exclusive one that waits longest. Source: semantics 0b.14 (hand-over); the rest
from public driver documentation and memory of public literature [M]. Left out: owner boosts, a spin before the wait.
"""

from iosim.actor import Clock
from iosim.dispatcher import Dispatcher
from iosim.irp import NO_THREAD
from iosim.kernel_queue import KernelThread
from iosim.locks import ACQUIRED
from iosim.slim_locks import ReaderWriterLock

# How sharers treat exclusive waiters: wait behind them unless they share it already; go in before them; always wait.
USUAL, STARVE_EXCLUSIVE, WAIT_FOR_EXCLUSIVE = range(3)


class Resource(ReaderWriterLock):
    """ERESOURCE. `contended` is its ContentionCount."""

    def __init__(self, clock: Clock, dispatcher: Dispatcher, number: int) -> None:
        super().__init__(clock, dispatcher, number, 0, True)
        self.depth = 0  # holds of the exclusive owner, of either kind
        self.manner = USUAL  # of the sharer that is asking now

    def acquire(self, thread: KernelThread, shared: bool = False) -> int:
        """ExAcquireResourceExclusive, ExAcquireResourceShared, with Wait: ACQUIRED or BLOCKED."""
        if thread.number in self.wants_shared:
            return self._try_again(thread, shared)
        if self.try_acquire(thread, shared):
            return ACQUIRED
        return self._queue(thread, shared, False)

    def _try_again(self, thread: KernelThread, shared: bool) -> int:
        """Who waits is woken by the hand-over alone, or looks up after a kernel APC."""
        if not self.holds(thread, shared):
            if not self._admits(thread, shared):
                return self._queue(thread, shared, True)
            self._hold(thread, shared)
        return self._go_in(thread)

    def try_acquire(self, thread: KernelThread, shared: bool = False) -> bool:
        """The same without Wait."""
        if self.owner is thread:
            self.depth += 1
            return True
        return ReaderWriterLock.try_acquire(self, thread, shared)

    def acquire_shared(self, thread: KernelThread, manner: int) -> int:
        """ExAcquireSharedStarveExclusive, ExAcquireSharedWaitForExclusive, with Wait."""
        self.manner = manner
        outcome = self.acquire(thread, True)
        self.manner = USUAL
        return outcome

    def release(self, thread: KernelThread, shared: bool = False) -> bool:
        """ExReleaseResource: the kind of hold is looked up, whatever is said."""
        if self.owner is thread:
            self.depth -= 1
            if self.depth:
                return True
            self._give_up(thread, False)
            self._left(thread)
            self._hand_over(True)
        elif thread.number in self.sharers:
            self._give_up(thread, True)
            self._left(thread)
            self._hand_over(False)
        else:
            return False
        return True

    def _admits(self, thread: KernelThread, shared: bool) -> bool:
        if self._free():
            return True
        if not shared or self.owner is not NO_THREAD:
            return False
        if self.manner == STARVE_EXCLUSIVE:
            return True
        recursive = thread.number in self.sharers and self.manner == USUAL
        return recursive or not self._writer_before(thread)

    def _hold(self, thread: KernelThread, shared: bool) -> None:
        ReaderWriterLock._hold(self, thread, shared)
        self.depth = 0 if shared else 1

    def _hand_over(self, readers_first: bool) -> None:
        """After an exclusive owner to all who wait to share, after sharers to a writer; else to whoever is there."""
        if not self.contenders or not self._free():
            return
        present = self._present()
        readers = [thread for thread in present if self.wants_shared[thread.number]]
        writers = [thread for thread in present if not self.wants_shared[thread.number]]
        self._hand_to(readers if readers and (readers_first or not writers) else writers[:1])
