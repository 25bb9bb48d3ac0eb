"""The system moves entries of a card's indirection table from its busiest processor to its idlest (semantics 0b.26).

For the profiles that are not static (`RssProfile.dynamic`). Windows' own policy is not published; this one is the plainest
that converges: at every step one entry moves, the one whose frames come nearest to half the difference between the two.
"""

from iosim.actor import TIMER, Actor
from iosim.nic import Nic


class Rebalancer(Actor):
    """Looks every `period` ns, from `start` on; differences up to `slack` percent of the idlest's frames are left alone."""

    def __init__(self, nic: Nic, period: int, slack: int) -> None:
        self.generation = 0
        self.nic = nic
        self.period = period
        self.slack = slack
        self.moves = 0

    def start(self) -> None:
        """From now on."""
        self.nic.clock.at(self.period, TIMER, self, 0)

    def fire(self, what: int) -> None:
        """Move one entry if that helps, and begin to count anew."""
        nic = self.nic
        self.balance()
        for index in range(len(nic.hits)):
            nic.hits[index] = 0
        nic.clock.at(self.period, TIMER, self, 0)

    def balance(self) -> None:
        """Move one entry, if the busiest processor has more than the idlest and an entry below the difference."""
        nic = self.nic
        loads = self.loads()
        busiest = loads.index(max(loads))
        idlest = loads.index(min(loads))
        difference: int = loads[busiest] - loads[idlest]
        if difference * 100 <= self.slack * loads[idlest]:
            return
        best = -1
        nearest = difference
        for index in range(len(nic.hits)):
            hits: int = nic.hits[index]
            if hits and nic.queue_of[nic.rss.table.entries[index]] == busiest and abs(2 * hits - difference) < nearest:
                best = index
                nearest = abs(2 * hits - difference)
        if best >= 0:
            self.moves += 1
            nic.move(best, nic.queues[idlest].processor.number)

    def loads(self) -> list[int]:
        """Frames by queue since the last look."""
        nic = self.nic
        found = [0 for _ in nic.queues]
        for index in range(len(nic.hits)):
            found[nic.queue_of[nic.rss.table.entries[index]]] += nic.hits[index]
        return found
