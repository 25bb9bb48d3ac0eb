"""The Universal Scalability Law, fitted to what is known (numbers 8)."""

import random

import pytest

from iosim.scaling import fit

NUMBERS = [2, 4, 8, 16, 32, 64, 96, 128]


def law(number: float, a: float, b: float, x1: float = 100.0) -> float:
    return x1 * number / (1 + a * (number - 1) + b * number * (number - 1))


def noisy(a: float, b: float, replications: int = 10, spread: float = 0.005) -> list[list[float]]:
    chance = random.Random(7)
    return [[law(n, a, b) * chance.gauss(1, spread) for _ in range(replications)] for n in NUMBERS]


def test_contention_coherence_and_peak_are_found() -> None:
    """a 0.02, b 0.0005: fastest at 44.27."""
    found = fit(NUMBERS, noisy(0.02, 0.0005))
    for estimate, truth in ((found.x1, 100), (found.contention, 0.02), (found.coherence, 0.0005), (found.peak, 44.27)):
        assert estimate is not None
        assert estimate.value == pytest.approx(truth, rel=0.08)
        assert estimate.low < truth < estimate.high
    assert found.misfit > 0.01
    assert found.at(64) == pytest.approx(1496.73, rel=0.02)


def test_no_peak_is_named_where_there_may_be_none() -> None:
    found = fit(NUMBERS, noisy(0.03, 0.0))
    assert found.peak is None
    assert found.coherence.value >= 0
    assert found.reason


def test_a_peak_takes_two_points_past_it() -> None:
    found = fit(NUMBERS[:6], noisy(0.02, 0.0005)[:6])
    assert found.peak is None
    assert "past the largest" in found.reason


def test_nothing_is_said_of_more_than_twice_the_data() -> None:
    with pytest.raises(ValueError, match="nothing is said"):
        fit(NUMBERS, noisy(0.02, 0.0005)).at(257)


def test_six_points_are_needed() -> None:
    with pytest.raises(ValueError, match="6 points"):
        fit(NUMBERS[:5], noisy(0.02, 0.0005)[:5])


def test_what_the_law_does_not_describe_is_told() -> None:
    """A plateau and then a cliff: no peak of the law."""
    rows = [[x * (1 if n < 64 else 0.3) for x in row] for n, row in zip(NUMBERS, noisy(0.02, 0.0), strict=True)]
    found = fit(NUMBERS, rows)
    assert found.misfit < 0.01
    assert found.peak is None
