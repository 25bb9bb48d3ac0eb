"""Searching noisy functions for where they cross 0, with functions that tell what is right."""

import math
import random
from collections.abc import Sequence

import pytest

from iosim.searching import Root, roots, smallest_whole, stretches


class Noisy:
    """slack_r(x) = log(x / root_r) * steepness: every replication has a root of its own. Counts what it is asked."""

    def __init__(self, own: list[float], steepness: float = 8.0) -> None:
        self.own = own
        self.steepness = steepness
        self.asked: list[tuple[int, float]] = []

    def __call__(self, pairs: Sequence[tuple[int, float]]) -> list[float]:
        self.asked += pairs
        return [self.steepness * math.log(x / self.own[r]) for r, x in pairs]


def test_every_replication_finds_its_own_root() -> None:
    chance = random.Random(1)
    noisy = Noisy([100 * chance.lognormvariate(0, 0.02) for _ in range(20)])
    found = roots(noisy, range(20), 97, 103, (50, 200), rises=True)
    assert [it.x for it in found] == pytest.approx(noisy.own, rel=1e-3)
    assert all(it.beyond == 0 for it in found)


def test_few_evaluations_are_enough() -> None:
    """Each is a whole run of the simulator."""
    noisy = Noisy([99.0, 100.0, 101.0, 102.0])
    roots(noisy, range(4), 97, 103, (50, 200), rises=True)
    assert len(noisy.asked) <= 6 * 4


@pytest.mark.parametrize("own", [60.0, 170.0])
def test_roots_outside_of_the_first_bracket_are_found(own: float) -> None:
    assert roots(Noisy([own]), [0], 97, 103, (50, 200), rises=True)[0].x == pytest.approx(own, rel=1e-3)


def test_roots_beyond_the_limits_are_told_as_such() -> None:
    found = roots(Noisy([20.0, 500.0]), [0, 1], 97, 103, (50, 200), rises=True)
    assert found == [Root(50, -1), Root(200, 1)]


def test_a_slack_that_falls_is_searched_the_other_way() -> None:
    falling = Noisy([100.0, 140.0], steepness=-8.0)
    found = roots(falling, [0, 1], 97, 103, (50, 200), rises=False)
    assert [it.x for it in found] == pytest.approx([100, 140], rel=1e-3)


def test_infinite_slacks_are_halved_around() -> None:
    """Overload has no figure at all."""

    def cliff(pairs: Sequence[tuple[int, float]]) -> list[float]:
        return [-1.0 if x < 123.4 else math.inf for _, x in pairs]

    assert roots(cliff, [0], 97, 130, (50, 200), rises=True)[0].x == pytest.approx(123.4, rel=2e-3)


def test_an_objective_may_be_met_in_several_intervals() -> None:
    found = stretches([1, 2, 3, 4, 5, 6], [False, True, True, False, True, False])
    assert [(it.low, it.high, it.below, it.above) for it in found] == [(2, 3, 1, 4), (5, 5, 4, 6)]
    assert stretches([1, 2], [False, False]) == []
    assert stretches([1, 2], [True, True])[0].above is None


def test_whole_numbers_are_halved() -> None:
    assert smallest_whole(lambda number: number >= 13, 1, 64) == 13
    assert smallest_whole(lambda number: number <= 13, 64, 1) == 13
