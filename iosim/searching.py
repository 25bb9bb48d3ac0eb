"""Where a noisy function crosses 0: the numerics of a search, without any simulator in them.

The function is a *slack*: below 0 where the objective is met, above where it is missed, infinite where nothing steady is
there to judge. Replication r is one function of x (the same random numbers at every x), so it has a root of its own; the
roots of all replications are independent, and their t interval is that of the answer. Left out: functions of several
unknowns.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 40  # of evaluations, after which a root is what its bracket's middle is
OUTWARD = 6  # steps that a bracket is moved in search of a change of sign

Evaluate = Callable[[Sequence[tuple[int, float]]], Sequence[float]]  # slack of (replication, x), many at a time


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring points where the objective is met. `below` and `above` are the missed points beside it, if any."""

    low: float
    high: float
    below: float | None
    above: float | None


def stretches(points: Sequence[float], met: Sequence[bool]) -> list[Stretch]:
    """Where the objective is met, as far as ascending coarse points tell; several where it fails in between."""
    found = []
    start = None
    for place, (point, good) in enumerate(zip(points, met, strict=True)):
        if good and start is None:
            start = place
        last = place + 1 == len(points)
        if start is not None and (last or not met[place + 1]) and good:
            below = points[start - 1] if start else None
            above = None if last else points[place + 1]
            found.append(Stretch(points[start], point, below, above))
            start = None
    return found


@dataclass(frozen=True, slots=True)
class Root:
    """One replication's root; `beyond` is -1 or 1 where it lies below or above the limits, and `x` is the limit."""

    x: float
    beyond: int = 0


class _Bracket:
    """One replication's way to its root: a step by the Illinois rule, or halving where a slack is infinite."""

    def __init__(self, low: float, high: float, at_low: float, at_high: float) -> None:
        self.low, self.high = low, high
        self.at_low, self.at_high = at_low, at_high
        self.side = 0
        self.last = math.nan
        self.close = False

    @property
    def holds(self) -> bool:
        """Whether the sign changes between its ends; 0 counts as met."""
        return (self.at_low > 0) != (self.at_high > 0)

    def guess(self) -> float:
        """Where the straight line through both ends crosses 0, kept off the ends."""
        if not (math.isfinite(self.at_low) and math.isfinite(self.at_high)):
            return (self.low + self.high) / 2
        share = self.at_low / (self.at_low - self.at_high)
        return self.low + min(max(share, 0.01), 0.99) * (self.high - self.low)

    def narrow(self, x: float, slack: float, tolerance: float) -> None:
        """Take a new point in place of the end with the same sign; an end that stays twice counts half (Illinois)."""
        self.close = math.isfinite(slack) and abs(x - self.last) <= tolerance * abs(x)
        self.last = x
        if (slack > 0) == (self.at_low > 0):
            self.low, self.at_low = x, slack
            self.at_high /= 2 if self.side == 1 else 1
            self.side = 1
        else:
            self.high, self.at_high = x, slack
            self.at_low /= 2 if self.side == -1 else 1
            self.side = -1

    def done(self, tolerance: float) -> bool:
        """Found as closely as asked: the bracket is narrow, or the last two steps fell together."""
        return self.close or self.high - self.low <= tolerance * abs(self.high)


def roots(
    evaluate: Evaluate,
    replications: Sequence[int],
    low: float,
    high: float,
    limits: tuple[float, float],
    rises: bool,
    tolerance: float = 1e-3,
) -> list[Root]:
    """Every replication's own root, looked for between `low` and `high` and around, never outside the limits.

    `rises`: whether the slack grows with x there. `tolerance` is a share of x. Every round evaluates all replications that
    are still looking, so that they can be worked on in parallel. Source of the step: Dowell and Jarratt (1971), "Illinois".
    """
    slacks = list(evaluate([(r, x) for r in replications for x in (low, high)]))
    ways = {r: _Bracket(low, high, slacks[2 * place], slacks[2 * place + 1]) for place, r in enumerate(replications)}
    _move_outward(evaluate, ways, limits, rises)
    for _ in range(ROUNDS):
        looking = [r for r, way in ways.items() if way.holds and not way.done(tolerance)]
        if not looking:
            break
        guesses = [(r, ways[r].guess()) for r in looking]
        for (r, x), slack in zip(guesses, evaluate(guesses), strict=True):
            ways[r].narrow(x, slack, tolerance)
    return [_root(ways[r]) for r in replications]


def _move_outward(evaluate: Evaluate, ways: dict[int, _Bracket], limits: tuple[float, float], rises: bool) -> None:
    """Brackets that do not hold a root are moved to where it must be, in growing steps."""
    for _ in range(OUTWARD):
        moved = []
        for r, way in ways.items():
            if way.holds:
                continue
            up = (way.at_high <= 0) == rises
            width = 2 * (way.high - way.low)
            x = min(way.high + width, limits[1]) if up else max(way.low - width, limits[0])
            if way.low < x < way.high or x in (way.low, way.high):
                continue  # at the limit
            moved.append((r, x, up))
        if not moved:
            return
        for (r, x, up), slack in zip(moved, evaluate([(r, x) for r, x, _ in moved]), strict=True):
            way = ways[r]
            if up:
                way.low, way.at_low, way.high, way.at_high = way.high, way.at_high, x, slack
            else:
                way.low, way.at_low, way.high, way.at_high = x, slack, way.low, way.at_low


def _root(way: _Bracket) -> Root:
    if way.holds:
        return Root(way.last if way.close else way.guess() if math.isfinite(way.at_low + way.at_high) else way.low)
    return Root(way.high, 1) if way.at_high <= 0 else Root(way.low, -1)


def smallest_whole(met: Callable[[int], bool], missed: int, good: int) -> int:
    """The whole number next to where a judgement changes, on the side of `good`: by halving, 1 % of itself apart at most."""
    while abs(good - missed) > max(1, abs(good) // 100):
        middle = (good + missed) // 2
        if met(middle):
            good = middle
        else:
            missed = middle
    return good
