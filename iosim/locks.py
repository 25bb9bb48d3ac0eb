"""Locks that threads contend for by spinning and then blocking, and the first of them: the critical section.

Unfair (since 2003 SP1 and Vista): the releaser hands nothing over. A spinner that is running takes the section at once;
else the oldest waiter is woken and must try again, and a newcomer may barge in before it, so that convoys shrink. Fair
(older sections, mutexes, ERESOURCE): ownership goes to who asked first, and stays with a thread that has yet to be
switched in: convoys form. Source: semantics 0b.14. An uncontended acquire or release costs nothing by itself.
"""

from collections import deque

from iosim.actor import Clock
from iosim.attribution import LOCK, NO_REQUEST
from iosim.dispatcher import Dispatcher
from iosim.irp import NO_THREAD
from iosim.kernel_queue import KernelThread
from iosim.modes import PASSIVE
from iosim.probes import NO_PROBES, Probes
from iosim.thread import RUNNING, WAITING

# What became of a try: held; spinning (try again when the time now owed is paid); waiting (try again when woken).
ACQUIRED, SPINNING, BLOCKED = range(3)


class ContendedLock:
    """Who contends for a lock, since when, and how they are told; `spin` is the longest one spins (ns). Areas in ns.

    A thread that got SPINNING or BLOCKED asks again, in the same way, when it goes on.
    """

    def __init__(self, clock: Clock, dispatcher: Dispatcher, number: int, spin: int, fair: bool) -> None:
        self.clock = clock
        self.dispatcher = dispatcher
        self.number = number
        self.spin = spin
        self.fair = fair
        self.contenders: deque[KernelThread] = deque()  # spinning or blocked, oldest first
        self.last_request = NO_REQUEST
        self.probes: Probes = NO_PROBES
        self.watched = False
        self.acquisitions = 0
        self.contended = 0
        self.blocked = 0
        self.area = 0  # ns x contenders
        self.since = 0
        self.sojourns = 0

    def acquire(self, thread: KernelThread, shared: bool = False) -> int:
        """Try, or try again after spinning or being woken: ACQUIRED, SPINNING (time is owed), BLOCKED."""
        raise NotImplementedError

    def try_acquire(self, thread: KernelThread, shared: bool = False) -> bool:
        """Hold the lock if that needs no wait at all."""
        raise NotImplementedError

    def release(self, thread: KernelThread, shared: bool = False) -> bool:
        """Give one hold up; False, and nothing happens, if the thread has none of this kind."""
        raise NotImplementedError

    def _contend(self, thread: KernelThread, waits: bool) -> int:
        """The lock can't be had now: a newcomer spins, if that is allowed; who has spun, or was woken, blocks.

        On a machine of one processor nobody spins (public documentation): the owner would have to run meanwhile.
        """
        if not waits:
            self._join(thread)
            if self.spin and len(self.dispatcher.processors) > 1:
                thread.owe_spin(self.spin)
                return SPINNING
        self.blocked += 1
        self.dispatcher.block(thread, LOCK)
        return BLOCKED

    def _spins(self, thread: KernelThread) -> bool:
        if not thread.owed_spin or thread.state != RUNNING:
            return False
        return self.dispatcher.processors[thread.processor].mode == PASSIVE

    def _tell(self, thread: KernelThread) -> None:
        if self._spins(thread):
            self.dispatcher.processors[thread.processor].end_spin()
        elif asleep(thread):
            self.dispatcher.wake(thread)
        else:
            self._tell_spinner(thread)

    def _tell_spinner(self, thread: KernelThread) -> None:
        """It is off its processor, or held up by an interrupt or APC: it spins no more when it goes on."""
        thread.owed -= thread.owed_spin
        thread.owed_spin = 0
        for frame in thread.apc_frames:
            frame.owed_spin = 0

    def _present(self) -> list[KernelThread]:
        """The contenders that could enter: a suspended one has left its wait, and tries again when it is resumed."""
        return [thread for thread in self.contenders if not (thread.state == WAITING and thread.apc_frames)]

    def _entered(self, thread: KernelThread) -> None:
        self.acquisitions += 1
        if self.watched:
            self.probes.held(self.number, thread.request)

    def _left(self, thread: KernelThread) -> None:
        self.last_request = thread.request
        if self.watched:
            self.probes.released(self.number, thread.request)

    def _join(self, thread: KernelThread) -> None:
        self.contended += 1
        self.settle()
        thread.wait_began = self.clock.now
        self.contenders.append(thread)
        if self.watched:
            self.probes.wait_began(self.number, thread.request)

    def _leave(self, thread: KernelThread) -> None:
        self.settle()
        self.contenders.remove(thread)
        self.sojourns += self.clock.now - thread.wait_began
        if self.watched:
            now = self.clock.now
            self.probes.wait_ended(self.number, thread.request, thread.wait_began, now, self.last_request)

    def settle(self) -> None:
        """Bring the integral up to now."""
        now = self.clock.now
        self.area += len(self.contenders) * (now - self.since)
        self.since = now


class CriticalSection(ContendedLock):
    """Owned by one thread, which may enter it again and must leave it as often (RecursionCount)."""

    def __init__(self, clock: Clock, dispatcher: Dispatcher, number: int, spin: int, fair: bool) -> None:
        super().__init__(clock, dispatcher, number, spin, fair)
        self.owner = NO_THREAD
        self.depth = 0  # how often its owner is inside
        self.called = NO_THREAD  # the sleeper that an unfair release woke, until it has tried

    def acquire(self, thread: KernelThread, shared: bool = False) -> int:
        """EnterCriticalSection; there is no sharing."""
        waits = thread in self.contenders
        if thread is self.called:
            self.called = NO_THREAD
        if self.owner is thread and not waits:
            self.depth += 1
            return ACQUIRED
        if self.owner is NO_THREAD or self.owner is thread:  # its own already, where it was handed over
            if waits:
                self._leave(thread)
            self._own(thread)
            return ACQUIRED
        return self._contend(thread, waits)

    def try_acquire(self, thread: KernelThread, shared: bool = False) -> bool:
        """TryEnterCriticalSection."""
        if self.owner is thread:
            self.depth += 1
            return True
        if self.owner is not NO_THREAD:
            return False
        self._own(thread)
        return True

    def release(self, thread: KernelThread, shared: bool = False) -> bool:
        """LeaveCriticalSection: when the last hold is given up, somebody may enter at this very instant.

        Where the thread is not the owner the real one is corrupted; here nothing happens, and the caller is told.
        """
        if self.owner is not thread:
            return False
        self.depth -= 1
        if self.depth:
            return True
        self.owner = NO_THREAD
        self._left(thread)
        if self.contenders:
            if self.fair:
                self._hand_over()
            else:
                self._invite()
        return True

    def _own(self, thread: KernelThread) -> None:
        self.owner = thread
        self.depth = 1
        self._entered(thread)

    def _hand_over(self) -> None:
        present = self._present()
        if present:
            self.owner = present[0]
            self._tell(self.owner)

    def _invite(self) -> None:
        """Unfair: a running spinner enters now; else nobody is called twice; else the oldest sleeper is woken."""
        for thread in self.contenders:
            if self._spins(thread):
                self._tell(thread)
                return
        for thread in self.contenders:
            if not asleep(thread):  # it may be away for a quantum: it tries when it goes on, but nobody waits for that
                self._tell_spinner(thread)
            elif self.called is NO_THREAD or self.called.apc_frames:
                self.called = thread
                self._tell(thread)
                return


def asleep(thread: KernelThread) -> bool:
    """Whether a contender waits to be woken; one in a kernel APC, or suspended by one, tries again by itself."""
    return thread.state == WAITING and not thread.apc_frames
