"""Waitable timers: dispatcher objects that become signalled at the clock tick at or after their due time.

A manual-reset timer stays signalled until it is set again; a synchronization timer satisfies one wait. A period counts
from the tick at which the timer expired, so that one shorter than a tick expires at every tick. Source: semantics 0b.13; what
setting and cancelling do to the state: public documentation [M]. Left out: a DPC or APC of the timer's own.
"""

from iosim.actor import TIMER, Actor
from iosim.dispatcher import Dispatcher
from iosim.objects import TwoState


class Timer(TwoState):
    """CreateWaitableTimer; `manual`: it notifies everybody, else it synchronizes one."""

    def __init__(self, dispatcher: Dispatcher, manual: bool) -> None:
        super().__init__(dispatcher, manual, False)
        self.active = False  # it will expire
        self.period = 0
        self.expiry = Expiry(self)

    def set(self, due: int, period: int) -> bool:
        """Expire in `due` ns and, unless `period` (ns) is 0, again and again; True if it was under way before.

        Until then the timer is not signalled. One with a period keeps the clock busy until it is cancelled.
        """
        was_active = self.cancel()
        self.state = False
        self.active = True
        self.period = period
        self._arm(due)
        return was_active

    def cancel(self) -> bool:
        """It will not expire; its state stays. True if it was under way."""
        was_active = self.active
        self.active = False
        self.expiry.generation += 1
        return was_active

    def _arm(self, due: int) -> None:
        dispatcher = self.dispatcher
        dispatcher.clock.at(dispatcher.next_tick(due), TIMER, self.expiry, 0)

    def expire(self) -> None:
        """Its time has come."""
        if self.period:
            self._arm(self.period)
        else:
            self.active = False
        self.state = True
        self.serve()


class Expiry(Actor):
    """Fires one timer."""

    def __init__(self, timer: Timer) -> None:
        self.timer = timer
        self.generation = 0

    def fire(self, what: int) -> None:
        """Now."""
        self.timer.expire()
