"""The plain heap as the clock: no dependency, no compiler."""

from heapq import heappop, heappush

from iosim.actor import Actor, Clock, shown


class HeapClock(Clock):
    """A heap of plain tuples."""

    def __init__(self) -> None:
        super().__init__()
        self.heap: list[tuple[int, int, int, Actor, int, int]] = []
        self.total = self.weighted = 0  # of which `digest` is made; they may grow beyond 64 bits

    def at(self, delay: int, rank: int, actor: Actor, what: int) -> None:
        """Call `actor.fire(what)` in `delay` ns; of equal instants the lower `rank`, then the older entry goes first."""
        if delay < 0:
            raise ValueError(f"a call can't be {-delay} ns ago")
        heappush(self.heap, (self.now + delay, rank, self.sequence, actor, what, actor.generation))
        self.sequence += 1

    def run(self, limit: int) -> None:
        """Fire what is due until nothing is left, `stop` is called or `limit` more events have fired."""
        heap = self.heap
        total, weighted = self.total, self.weighted
        fired = 0
        self.running = True
        try:
            for fired in range(1, limit + 1):
                while heap:
                    self.now, rank, _sequence, actor, what, generation = heappop(heap)
                    if generation == actor.generation:
                        break
                else:
                    fired -= 1
                    return
                total += self.now + (rank + what)
                weighted += total
                actor.fire(what)
                if not self.running:
                    return
        finally:
            self.events += fired
            self.total, self.weighted = total, weighted

    def digest(self) -> str:
        """The events so far, in their order."""
        return shown(self.total, self.weighted)
