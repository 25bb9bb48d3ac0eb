"""The plain heap as the clock: no dependency, no compiler."""

from heapq import heappop, heappush

from iosim.actor import Actor, Clock


class HeapClock(Clock):
    """A heap of plain tuples."""

    def __init__(self) -> None:
        super().__init__()
        self.heap: list[tuple[int, int, int, Actor, int, int]] = []

    def at(self, delay: int, rank: int, actor: Actor, what: int) -> None:
        """Call `actor.fire(what)` in `delay` ns; of equal instants the lower `rank`, then the older entry goes first."""
        if delay < 0:
            raise ValueError(f"a call can't be {-delay} ns ago")
        heappush(self.heap, (self.now + delay, rank, self.sequence, actor, what, actor.generation))
        self.sequence += 1

    def run(self, limit: int) -> None:
        """Fire what is due until nothing is left, `stop` is called or `limit` more events have fired."""
        heap = self.heap
        left = limit
        self.running = True
        while left and heap:
            self.now, _rank, _sequence, actor, what, generation = heappop(heap)
            if generation == actor.generation:
                self.events += 1
                actor.fire(what)
                if not self.running:
                    return
                left -= 1
