"""A processor that takes time to come out of its idle state when a thread is given to it.

The waker goes on at once; the thread starts when the inter-processor interrupt (or the write to the monitored line) has
arrived and the core has left its idle state. That time is idle time of the processor, and `idle_state_exit` of the thread's
request. A device's interrupt that comes meanwhile finds the core awake for the thread too.

Source: semantics 0b.7. Simplified: one time whatever the state and however long the processor has been idle; a device's
interrupt wakes an idle processor at no cost.
"""

from iosim.accounts import scale
from iosim.actor import THREAD, Clock
from iosim.attribution import IDLE_STATE_EXIT
from iosim.modes import FULL_PACE, WAKING
from iosim.processor import Processor, Scheduler
from iosim.thread import IDLE, Thread


class SleepyProcessor(Processor):
    """`idle_exit` (ns) lies between the wake and the thread's first instant; the processor counts as taken meanwhile."""

    def __init__(self, clock: Clock, number: int, node: int, scheduler: Scheduler, idle_exit: int) -> None:
        super().__init__(clock, number, node, scheduler)
        self.idle_exit = idle_exit
        self.woken = 0  # ns: when it began to wake

    def take(self, thread: Thread) -> None:
        """An idle processor gets a thread, whose switch has been charged: it begins to wake."""
        self.thread = thread
        self.mode = WAKING
        self.woken = self.clock.now
        self.clock.at(self.idle_exit, THREAD, self, 0)

    def fire(self, what: int) -> None:
        """What the processor was doing has ended: its wake, or a stretch of its thread."""
        if self.mode != WAKING:
            Processor.fire(self, what)
            return
        thread = self.thread
        self._book_exit()
        if self.scheduler.outranked(thread):  # a better one became ready meanwhile
            self._leave_idle()
            thread.planned = True
            self.scheduler.pre_empted(thread)
            self.run_next()
        else:
            Processor.take(self, thread)

    def _leave_idle(self) -> None:
        Processor._leave_idle(self)
        if self.sibling.mode == WAKING:  # it needs nothing of the core yet
            self.pace = FULL_PACE

    def _stop_for_interrupt(self) -> None:
        if self.mode != WAKING:
            Processor._stop_for_interrupt(self)
            return
        thread = self.thread
        self._book_exit()
        self.generation += 1
        self._leave_idle()
        if self.pace != FULL_PACE:
            scale(thread, self.pace, FULL_PACE)
        thread.planned = False  # its stretch is resumed, not begun
        self.interrupted_at = self.clock.now

    def _book_exit(self) -> None:
        """The request waited for the processor: just so long, so that time which nobody explained is not hidden."""
        passed = self.clock.now - self.woken
        request = self.thread.request
        request.ledger[IDLE_STATE_EXIT] += passed
        request.mark += passed

    def set_pace(self, pace: int) -> None:
        """Nothing of the thread's is being paid yet: what is owed is paced when the stretch begins."""
        if self.mode != WAKING:
            Processor.set_pace(self, pace)

    def settle(self) -> None:
        """Book up to now."""
        if self.mode != WAKING:
            Processor.settle(self)
            return
        self.account[IDLE] += self.clock.now - self.since
        self.since = self.clock.now
