"""Ready threads by priority, and the relief of those that nobody lets run.

Source: semantics 7.1, 0b.15, 0b.16. The figures of the relief (16 looked at and 10 lifted a pass, twice the quantum) are
from memory of public literature.
"""

from collections import deque
from typing import TYPE_CHECKING

from iosim.actor import TIMER, Actor
from iosim.thread import IDLE_THREAD, Thread
from iosim.units import BIT, S

if TYPE_CHECKING:
    from iosim.scheduling import FullDispatcher

PRIORITIES = 32
STARVING = 4 * S  # ready for longer than this
SCANNED = 16  # threads that a pass looks at, and
LIFTED = 10  # that it lifts, at most
HIGHEST_STARVING = 14  # a thread at 15 or in the real-time range is not lifted


class ReadyQueue:
    """Threads that are ready, oldest first at each priority. `mask` bit p: somebody is ready at priority p."""

    def __init__(self) -> None:
        self.levels: list[deque[Thread]] = [deque() for _ in range(PRIORITIES)]
        self.mask = 0

    def append(self, thread: Thread) -> None:
        """To the tail of its level."""
        self.levels[thread.priority].append(thread)
        self.mask |= BIT << thread.priority

    def push(self, thread: Thread) -> None:
        """To the head of its level."""
        self.levels[thread.priority].appendleft(thread)
        self.mask |= BIT << thread.priority

    def first(self) -> Thread:
        """The oldest of the best, who stays; the queue must not be empty."""
        return self.levels[self.mask.bit_length() - 1][0]

    def take(self) -> Thread:
        """The oldest of the best; the queue must not be empty."""
        priority = self.mask.bit_length() - 1
        level = self.levels[priority]
        thread = level.popleft()
        if not level:
            self.mask ^= BIT << priority
        return thread

    def remove(self, thread: Thread) -> None:
        """Out of its level."""
        level = self.levels[thread.priority]
        level.remove(thread)
        if not level:
            self.mask ^= BIT << thread.priority

    def best_for(self, processor: int) -> Thread:
        """The best thread that may run on a processor; it stays queued. IDLE_THREAD for none."""
        for priority in range(self.mask.bit_length() - 1, -1, -1):
            for thread in self.levels[priority]:
                if not thread.affinity or thread.affinity >> processor & 1:
                    return thread
        return IDLE_THREAD


class BalanceSetManager(Actor):
    """Once a second, lifts threads that have been ready for more than four to priority 15, for one quantum (0b.15).

    It wakes only while somebody is ready, so that a machine with nothing to do comes to rest. A pass begins at the
    priority where the one before ran out of threads to look at.
    """

    def __init__(self, dispatcher: "FullDispatcher") -> None:
        super().__init__()
        self.dispatcher = dispatcher
        self.clock = dispatcher.clock
        self.booked = False
        self.next_level = 1

    def book(self) -> None:
        """Wake at the next full second."""
        self.booked = True
        self.clock.at(S - self.clock.now % S, TIMER, self, 0)

    def fire(self, what: int) -> None:
        """One pass."""
        self.booked = False
        for thread in self.starving():
            self.dispatcher.lift(thread)
        if self.dispatcher.ready_count and not self.booked:
            self.book()

    def starving(self) -> list[Thread]:
        """Those to lift in this pass."""
        since = self.clock.now - STARVING
        found: list[Thread] = []
        left = SCANNED
        first = self.next_level
        for step in range(HIGHEST_STARVING):
            level = (first - 1 + step) % HIGHEST_STARVING + 1
            for queue in self.dispatcher.queues():
                for thread in queue.levels[level]:
                    if not left or len(found) == LIFTED:
                        self.next_level = level
                        return found
                    left -= 1
                    if thread.ready_since < since:
                        found.append(thread)
        return found
