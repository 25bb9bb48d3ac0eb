"""Who is served next by the arm of a hard disk: chosen inside the drive, which alone knows where everything lies.

- fcfs: first come, first served;
- sstf: shortest seek first, by cylinders; starves the edges;
- clook: up over the cylinders to the last that is asked for, then back to the lowest; nobody starves;
- sptf: shortest positioning time first: whose first block can be under its head soonest; fastest, and starves.

Of equals the older goes first. Source: semantics 4.1 (ageing); Worthington, Ganger, Patt 1994 for the orders.
"""

from iosim.drives.mechanism import Mechanism


class Order:
    """First come, first served; the base of the others."""

    def choose(self, mechanism: Mechanism, jobs: list[int]) -> int:
        """The index of the one that is served next; `jobs` is not empty and in the order of arrival."""
        return 0


class ShortestSeek(Order):
    """The nearest cylinder."""

    def choose(self, mechanism: Mechanism, jobs: list[int]) -> int:
        """Of the same distance the older."""
        cylinders, arm = mechanism.cylinders, mechanism.arm
        best, nearest = 0, -1
        for index in range(len(jobs)):
            distance = cylinders[jobs[index]] - arm
            if distance < 0:
                distance = -distance
            if nearest < 0 or distance < nearest:
                best, nearest = index, distance
        return best


class CircularLook(Order):
    """The next cylinder from the arm upwards; beyond the last the lowest of all."""

    def choose(self, mechanism: Mechanism, jobs: list[int]) -> int:
        """Those on the arm's own cylinder count as ahead."""
        cylinders, arm = mechanism.cylinders, mechanism.arm
        best, nearest = 0, -1
        for index in range(len(jobs)):
            distance = cylinders[jobs[index]] - arm
            if distance < 0:
                distance += BEHIND
            if nearest < 0 or distance < nearest:
                best, nearest = index, distance
        return best


class ShortestPositioning(Order):
    """Seek and rotation together."""

    def choose(self, mechanism: Mechanism, jobs: list[int]) -> int:
        """Whose first block can be reached soonest."""
        best, soonest = 0, -1
        for index in range(len(jobs)):
            time = mechanism.reaches(jobs[index])
            if soonest < 0 or time < soonest:
                best, soonest = index, time
        return best


BEHIND = 2**32  # more than any disk has cylinders

ORDERS: dict[str, type[Order]] = {
    "fcfs": Order,
    "sstf": ShortestSeek,
    "clook": CircularLook,
    "sptf": ShortestPositioning,
}
