"""SimPy's environment as the clock, where a user's own SimPy processes can live. The only place that imports simpy."""

from heapq import heappush
from typing import Any

import simpy

from iosim.actor import USER, Actor, Clock, shown


class _Entry:
    """The lightest thing that SimPy's event list will carry."""

    __slots__ = ("_defused", "_ok", "_value", "actor", "callbacks", "clock", "generation", "rank", "what")

    def __init__(self, clock: "SimpyClock", rank: int, actor: Actor, what: int) -> None:
        self.clock = clock
        self.rank = rank
        self.actor = actor
        self.what = what
        self.generation = actor.generation
        self.callbacks = (self.fire,)
        self._ok = True
        self._value = None

    def fire(self, _event: object) -> None:
        clock = self.clock
        clock.now = int(clock.env.now)
        if self.generation == self.actor.generation:
            clock.events += 1
            clock.total += clock.now + self.rank + self.what
            clock.weighted += clock.total
            self.actor.fire(self.what)


class _Environment(simpy.Environment):
    """SimPy's environment with whole nanoseconds, its own events ranked after the model's."""

    def schedule(self, event: Any, priority: Any = 1, delay: Any = 0) -> None:
        """Queue a SimPy event; raises ValueError for a delay that is no whole number of nanoseconds."""
        if not isinstance(delay, int):
            raise ValueError(f"a SimPy process on this clock waits whole nanoseconds; {delay!r} is no int")
        heappush(self._queue, (self._now + delay, USER + priority, next(self._eid), event))

    def queue_entry(self, entry: _Entry, delay: int) -> None:
        heappush(self._queue, (self._now + delay, entry.rank, next(self._eid), entry))  # type: ignore[misc]


class SimpyClock(Clock):
    """SimPy's environment as the clock: a user's own SimPy processes live on `env`, at `Rank.USER`."""

    def __init__(self) -> None:
        super().__init__()
        self.env = _Environment(initial_time=0)
        self.total = self.weighted = 0  # of which `digest` is made; they may grow beyond 64 bits

    def at(self, delay: int, rank: int, actor: Actor, what: int) -> None:
        """Call `actor.fire(what)` in `delay` ns; of equal instants the lower `rank`, then the older entry goes first."""
        if delay < 0:
            raise ValueError(f"a call can't be {-delay} ns ago")
        self.env.queue_entry(_Entry(self, rank, actor, what), delay)

    def run(self, limit: int) -> None:
        """Fire what is due until nothing is left, `stop` is called or `limit` more events have fired."""
        env = self.env
        last = self.events + limit
        self.running = True
        while self.running and env._queue and self.events < last:
            self.now = int(env._queue[0][0])  # before the step, as a user's own process asks for the time too
            env.step()

    def digest(self) -> str:
        """The model's events so far, in their order."""
        return shown(self.total, self.weighted)
