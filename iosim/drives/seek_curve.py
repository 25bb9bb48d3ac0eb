"""How long the arm of a hard disk takes for a distance: measured points with straight lines between, or the usual formula.

Source: Ruemmler and Wilkes 1994 for the formula's shape; semantics 4.4.
"""

from array import array
from bisect import bisect_right
from math import isqrt

Points = tuple[tuple[int, int], ...]  # (distance in cylinders, ns), rising distances


def seek_points(a: int, b: int, c: int, e: int, border: int, cylinders: int) -> Points:
    """The table of the usual formula, all in ns: `a + b*sqrt(d)` below distance `border`, `c + e*d` from there.

    Exact at every distance. HP 97560 (semantics 4.4): `seek_points(3_240_000, 400_000, 8_000_000, 8_000, 383, 1962)`.
    """
    short = tuple((d, a + isqrt(b * b * d)) for d in range(1, min(border, cylinders)))
    if border >= cylinders:
        return short
    far = ((cylinders - 1, c + e * (cylinders - 1)),) if border < cylinders - 1 else ()
    return (*short, (border, c + e * border), *far)


class SeekCurve:
    """Time to move the arm by a number of cylinders: straight lines between measured points, 0 for staying.

    `table` holds what was asked before, by distance: the orders ask for every command that waits.
    """

    def __init__(self, points: Points) -> None:
        self.distances = [0, *(distance for distance, _time in points)]
        self.times = [0, *(time for _distance, time in points)]
        self.furthest = self.distances[-1]
        self.table = array("q", [-1]) * (self.furthest + 1)

    def time(self, distance: int) -> int:
        """ns for `distance` cylinders, rounded down; beyond the last point the curve is flat."""
        if distance > self.furthest:
            distance = self.furthest
        time = self.table[distance]
        if time < 0:
            time = self.table[distance] = self._between(distance)
        return time

    def _between(self, distance: int) -> int:
        above = bisect_right(self.distances, distance)
        if above == len(self.distances):
            return self.times[-1]
        near, time = self.distances[above - 1], self.times[above - 1]
        return time + (self.times[above] - time) * (distance - near) // (self.distances[above] - near)
