"""Locks held by one thread exclusively or by many shared; the slim reader/writer lock is the plain one of them.

Slim locks are neither fair nor FIFO (public documentation). The waiters queue, spinning or asleep. The release that frees
the lock calls the oldest, or all shared ones up to the first exclusive one; the called try again, and whoever comes first
takes a free lock. While others hold it shared, a newcomer that wants it shared queues behind a waiting writer, so that
readers can't keep writers out [M]. There is no recursion: a holder that would have to wait for itself, where the real
thread hangs for ever, is an error that names it. Fair hand-over, which no slim lock has, is there to compare.

Source: semantics 0b.14; the order of the queue is from memory of public literature.
"""

from iosim.actor import Clock
from iosim.dispatcher import Dispatcher
from iosim.errors import SelfDeadlock
from iosim.irp import NO_THREAD
from iosim.kernel_queue import KernelThread
from iosim.locks import ACQUIRED, ContendedLock, asleep


class ReaderWriterLock(ContendedLock):
    """Who holds a lock, and how; what its contenders want."""

    def __init__(self, clock: Clock, dispatcher: Dispatcher, number: int, spin: int, fair: bool) -> None:
        super().__init__(clock, dispatcher, number, spin, fair)
        self.owner = NO_THREAD  # exclusively
        self.sharers: dict[int, int] = {}  # how often a thread holds it, by its number
        self.wants_shared: dict[int, bool] = {}  # of the contenders, by number

    def holds(self, thread: KernelThread, shared: bool) -> bool:
        """Whether the thread holds the lock in this way."""
        return thread.number in self.sharers if shared else self.owner is thread

    def try_acquire(self, thread: KernelThread, shared: bool = False) -> bool:
        """Hold the lock if that needs no wait at all."""
        if not self._admits(thread, shared):
            return False
        self._hold(thread, shared)
        self._entered(thread)
        return True

    def _admits(self, thread: KernelThread, shared: bool) -> bool:
        """Whether the lock can be had now by a thread that was not handed it."""
        raise NotImplementedError

    def _free(self) -> bool:
        return self.owner is NO_THREAD and not self.sharers

    def _writer_before(self, thread: KernelThread) -> bool:
        """Whether a writer waits, or one that asked before this contender does."""
        for each in self.contenders:
            if each is thread:
                return False
            if not self.wants_shared[each.number]:
                return True
        return False

    def _hold(self, thread: KernelThread, shared: bool) -> None:
        if shared:
            self.sharers[thread.number] = self.sharers.get(thread.number, 0) + 1
        else:
            self.owner = thread

    def _give_up(self, thread: KernelThread, shared: bool) -> None:
        if not shared:
            self.owner = NO_THREAD
        elif self.sharers[thread.number] > 1:
            self.sharers[thread.number] -= 1
        else:
            del self.sharers[thread.number]

    def _queue(self, thread: KernelThread, shared: bool, waits: bool) -> int:
        """Spin or block; raises SelfDeadlock where the wait could never end."""
        if self.owner is thread or thread.number in self.sharers:
            held = "shared" if thread.number in self.sharers else "exclusively"
            asked = "shared" if shared else "exclusively"
            raise SelfDeadlock(thread.number, self.clock.now, f"holds a lock {held} and asks for it {asked}")
        self.wants_shared[thread.number] = shared
        return self._contend(thread, waits)

    def _go_in(self, thread: KernelThread) -> int:
        """A contender holds the lock at last."""
        self._leave(thread)
        del self.wants_shared[thread.number]
        self._entered(thread)
        return ACQUIRED

    def _leading(self) -> list[KernelThread]:
        """The oldest contender if it is a writer, else all readers before the first writer."""
        leading: list[KernelThread] = []
        for thread in self._present():
            if not self.wants_shared[thread.number]:
                return leading if leading else [thread]
            leading.append(thread)
        return leading

    def _hand_to(self, threads: list[KernelThread]) -> None:
        """They hold the lock from now on, though they have yet to be switched in."""
        for thread in threads:
            self._hold(thread, self.wants_shared[thread.number])
        for thread in threads:
            self._tell(thread)


class SlimLock(ReaderWriterLock):
    """SRWLOCK."""

    def __init__(self, clock: Clock, dispatcher: Dispatcher, number: int, spin: int, fair: bool) -> None:
        super().__init__(clock, dispatcher, number, spin, fair)
        self.called: dict[int, bool] = {}  # sleepers that an unfair release woke, until they have tried

    def acquire(self, thread: KernelThread, shared: bool = False) -> int:
        """AcquireSRWLockExclusive, AcquireSRWLockShared."""
        waits = thread.number in self.wants_shared
        if waits:
            self.called.pop(thread.number, False)
            if self.holds(thread, shared):  # it was handed over
                return self._go_in(thread)
        if not self._admits(thread, shared):
            return self._queue(thread, shared, waits)
        self._hold(thread, shared)
        if waits:
            return self._go_in(thread)
        self._entered(thread)
        return ACQUIRED

    def release(self, thread: KernelThread, shared: bool = False) -> bool:
        """ReleaseSRWLockExclusive, ReleaseSRWLockShared; the real one does not look whose hold it is."""
        if not self.holds(thread, shared):
            return False
        self._give_up(thread, shared)
        self._left(thread)
        if self.contenders and self._free():
            if self.fair:
                self._hand_to(self._leading())
            else:
                self._call(self._leading())
        return True

    def _admits(self, thread: KernelThread, shared: bool) -> bool:
        if not shared:
            return self._free()
        return self.owner is NO_THREAD and not (self.sharers and self._writer_before(thread))

    def _call(self, threads: list[KernelThread]) -> None:
        """Let them try: spinners at once, sleepers when they have been switched in."""
        for thread in threads:
            if thread.number not in self.wants_shared:
                continue  # an earlier one's turn let it in
            if asleep(thread):
                self.called[thread.number] = True
            self._tell(thread)
        if self._free() and not self._somebody_tries():
            self._call_sleeper()

    def _somebody_tries(self) -> bool:
        """Whether one that was called is on its way."""
        return len([each for each in self.contenders if each.number in self.called and not each.apc_frames]) > 0

    def _call_sleeper(self) -> None:
        """All that were called are held up, spinners off their processors or in APCs: nobody waits for that."""
        for thread in self.contenders:
            if asleep(thread):
                self.called[thread.number] = True
                self._tell(thread)
                return
