"""Deferred procedure calls, and the queue of them that every processor has.

A DPC is queued once at a time. Whether its processor is asked to drain the queue at once hangs on its importance and on who
queues it; what need not be drained at once waits for a drain that comes anyway: at the clock tick, when the processor goes
idle, or for another DPC's sake. Source: semantics 7.6, 11.9 (on another processor medium-high starts at once, as high does).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iosim.processor import Processor

LOW, MEDIUM, MEDIUM_HIGH, HIGH = range(4)

DEPTH_LIMIT = 4  # queued DPCs from which on any insert asks for a drain (semantics 7.6.3)
MINIMUM_RATE = 3  # requests a clock tick below which DPCs of low importance are drained at once too (7.6.3)
LONG_AGO = 32  # ticks after which nothing is left of an older request rate


class Dpc:
    """A deferred procedure call: queued once at a time, run at DISPATCH_LEVEL by the drain (semantics 7.6).

    It goes to the processor that queues it, unless it is aimed at one. `argument` is the one it was queued with.
    """

    def __init__(self, importance: int = MEDIUM) -> None:
        self.queued = False
        self.importance = importance
        self.aimed = False
        self.usual = importance == MEDIUM  # and not aimed: a service routine's DPC, which needs no rules
        self.argument: Any = 0
        self.processor: Processor  # in whose queue it is, or was last

    def aim(self, processor: "Processor") -> None:
        """From now on it goes to this processor, whoever queues it."""
        self.processor = processor
        self.aimed = True
        self.usual = False

    def unqueue(self) -> None:
        """Take it out of the queue that it is in."""
        self.processor.dpcs.remove(self)

    def begin(self, processor: "Processor") -> int:
        """Decide what this run will do; returns its processor time (ns)."""
        raise NotImplementedError

    def end(self, processor: "Processor") -> None:
        """The time has been spent: do it."""
        raise NotImplementedError


NO_DPC = Dpc()


class DpcQueue:
    """The queue of one processor: `due` is what the next way down runs, `later` what waits for a drain that comes anyway.

    Invariant: while `due` holds something, `later` is empty.
    """

    def __init__(self) -> None:
        self.due: list[Dpc] = []
        self.later: list[Dpc] = []
        self.depth_limit = DEPTH_LIMIT
        self.minimum_rate = MINIMUM_RATE
        self.requests = 0
        self.rate = 0  # requests a tick
        self.rated_tick = 0
        self.rated_requests = 0

    def insert(self, dpc: Dpc, own: bool, draining: bool, tick: int) -> bool:
        """Queue a DPC; True: a drain must be asked for (7.6.3).

        `own`: queued by this processor itself. `draining`: it drains now, to the end of the queue. `tick`: number of the
        present clock tick.
        """
        self.requests += 1
        if draining or self.due:
            put(self.due, dpc)
            return False
        put(self.later, dpc)
        if not self._asks(dpc.importance, own, tick):
            return False
        self.gather()
        return True

    def _asks(self, importance: int, own: bool, tick: int) -> bool:
        if len(self.later) >= self.depth_limit:
            return True
        if not own:
            return importance >= MEDIUM_HIGH
        return importance != LOW or self.request_rate(tick) < self.minimum_rate

    def request_rate(self, tick: int) -> int:
        """Requests a tick: at every tick the mean of the old rate and of the requests since the tick before [M].

        Simplified: looked at only when it is asked for, so that the requests of several ticks count as spread evenly.
        """
        passed = tick - self.rated_tick
        if passed:
            each = (self.requests - self.rated_requests) // passed
            for _ in range(min(passed, LONG_AGO)):
                self.rate = (each + self.rate) >> 1
            self.rated_tick = tick
            self.rated_requests = self.requests
        return self.rate

    def gather(self) -> None:
        """What waited is due now, before anything else."""
        self.due.extend(self.later)
        self.later.clear()

    def remove(self, dpc: Dpc) -> None:
        """Take a queued DPC out: it does not run."""
        (self.due if dpc in self.due else self.later).remove(dpc)


def put(queue: list[Dpc], dpc: Dpc) -> None:
    """High importance goes to the head, everything else to the tail (7.6.2)."""
    if dpc.importance == HIGH:
        queue.insert(0, dpc)
    else:
        queue.append(dpc)
