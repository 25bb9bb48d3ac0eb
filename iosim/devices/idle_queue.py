"""Requests of background priority wait here, above a port driver's queue, while the disk has better things to do.

One of them goes on when no request of normal priority has been in the driver or its drive for `interval`; while they keep
coming one goes on all the same, `starvation` after the one before it. There is never more than one in the drive.
Source: semantics 0b.19 (that there is such a queue); the times are those of the published class driver [M].
"""

from collections import deque

from iosim.actor import TIMER, Actor, Clock
from iosim.irp import NO_IRP, Irp


class IdleQueue(Actor):
    """Which background request goes on, and when; `release` is called then, and says so to the port driver.

    Times in ns. Invariant: while something waits and none is served, a timer is set.
    """

    def __init__(self, clock: Clock, interval: int, starvation: int) -> None:
        super().__init__()
        self.clock = clock
        self.interval = interval
        self.starvation = starvation
        self.entries: deque[Irp] = deque()
        self.served = NO_IRP  # the one that went on, until the drive has finished it
        self.starting = NO_IRP  # the same, until it is in the port driver's queue
        self.normal = 0  # requests of normal priority in the driver and its drive
        self.quiet_since = 0  # when the last of them left
        self.last_turn = 0  # when a background request went on, or one came to an empty queue
        self.waits = IdleListener()

    def insert(self, irp: Irp) -> None:
        """A background request."""
        if not self.entries and self.served is NO_IRP:
            self.last_turn = self.clock.now
        self.entries.append(irp)
        self._arm()

    def normal_came(self) -> None:
        """A request of normal priority enters the driver."""
        self.normal += 1

    def left(self, irp: Irp) -> None:
        """The drive has finished a request, or will not have it."""
        if irp is self.served:
            self.served = NO_IRP
        else:
            self.normal -= 1
            if not self.normal:
                self.quiet_since = self.clock.now
        self._arm()

    def fire(self, what: int) -> None:
        """Look whether it is time, or when it may be."""
        if self.entries and self.served is NO_IRP and self._due() <= self.clock.now:
            self.served = self.starting = self.entries.popleft()
            self.last_turn = self.clock.now
            waits = self.waits
            waits.turn_came(self.served)
        else:
            self._arm()

    def _due(self) -> int:
        starved = self.last_turn + self.starvation
        return starved if self.normal else min(starved, self.quiet_since + self.interval)

    def _arm(self) -> None:
        """Set the timer; one that is set already looks again."""
        if self.entries and self.served is NO_IRP:
            self.generation += 1
            self.clock.at(max(0, self._due() - self.clock.now), TIMER, self, 0)


class IdleListener:
    """Who is told that a background request may go on."""

    def turn_came(self, irp: Irp) -> None:
        """It may enter the port driver's queue now."""
        raise NotImplementedError
