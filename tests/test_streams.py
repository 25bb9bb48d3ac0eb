"""Chance with names: a draw depends on seed, replication, name and index alone, and is the same bits everywhere."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from iosim import streams
from iosim.streams import (
    StreamKey,
    Streams,
    Transform,
    empirical,
    exponential,
    lognormal,
    normal,
    pareto,
    random_page,
    table,
    uniform,
    whole,
)
from iosim.variates import CLIENT_SHIFT, Constant

TRANSFORMS: dict[str, Transform] = {
    "exponential": exponential(1e6),
    "uniform": uniform(0.0, 1e6),
    "whole": whole(1000, 4096),
    "lognormal": lognormal(16384.0, 0.8),
    "pareto": pareto(1000.0, 1.5),
    "table": table([1.0, 10.0, 100.0], [0.2, 0.7, 1.0]),
    "empirical": empirical([0.0, 10_000.0, 50_000.0], [0.1, 0.5, 1.0]),
}

# Seed 1, replication 0, name "web.gap": the first five, number 4,096 (the second block) and number 1,000,000. A change
# here changes every result of every scenario: it needs a new version of the model, not new numbers.
GOLDEN = {
    "exponential": [107789, 1665690, 14059, 1467238, 1387029, 1000122, 746719],
    "uniform": [897817, 189060, 986039, 230561, 249816, 367834, 473919],
    "whole": [3674112, 774144, 4038656, 942080, 1019904, 1503232, 1937408],
    "lognormal": [45226, 8095, 95109, 9086, 9547, 12506, 15549],
    "pareto": [1075, 3036, 1009, 2660, 2521, 1948, 1645],
    "table": [100, 1, 100, 10, 10, 10, 10],
    "empirical": [41825, 2227, 48883, 3264, 3745, 6696, 9348],
}
PLACES = [0, 1, 2, 3, 4, 4096, 1_000_000]


def drawn(transform: Transform, seed: int = 1, replication: int = 0, name: str = "web.gap") -> list[int]:
    variate = Streams(seed, replication).open(name, transform)
    return [variate.value(place) for place in PLACES]


# ---- pinned ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", sorted(GOLDEN))
def test_the_draws_are_these_and_stay_these(shape: str) -> None:
    assert drawn(TRANSFORMS[shape]) == GOLDEN[shape]


def test_a_closed_clients_draws_are_addressed_by_client_and_iteration() -> None:
    think = Streams(1, 0).closed("web.think", exponential(1e6), 4)
    found = [think.value(client << CLIENT_SHIFT | iteration) for client in range(2) for iteration in range(3)]
    assert found == [199112, 945446, 366848, 1951207, 801596, 620788]


MASK = 2**64 - 1


def philox(counter: int, key: list[int]) -> list[int]:
    """Philox-4x64-10, from the paper (Salmon et al. 2011): shares nothing with numpy's but the first count, which is 1."""
    a, b, c, d = (counter >> shift & MASK for shift in (0, 64, 128, 192))
    first, second = key
    for _ in range(10):
        high, low = divmod(0xD2E7470EE14C6C93 * a, 2**64)
        other_high, other_low = divmod(0xCA5A826395121157 * c, 2**64)
        a, b, c, d = other_high ^ b ^ first, other_low, high ^ d ^ second, low
        first, second = first + 0x9E3779B97F4A7C15 & MASK, second + 0xBB67AE8584CAA73B & MASK
    return [a, b, c, d]


@pytest.mark.parametrize(("block", "bits"), [(0, 12), (3, 12), (5, 6), (1 << 26 | 2, 6)])
@pytest.mark.parametrize("name", ["disk0.gap", "disk1.gap", "web.gap", "a", "b", "c"])
def test_the_bits_are_philoxs_with_the_whole_key(name: str, block: int, bits: int) -> None:
    """Keys with one word above 2^63 and one below were once rounded to floats on the way in, and no two machines agree."""
    digest = sha256(f"7/2/{name}".encode()).digest()
    key = [int.from_bytes(digest[start : start + 8], "little") for start in (0, 8)]
    words = [word for step in (1, 2) for word in philox((block << (bits - 2)) + step, key)]
    expected = [((word >> 12) + 0.5) / 2**52 for word in words]
    assert StreamKey(7, 2, name).uniforms(block, bits)[:8].tolist() == expected


def test_blocks_do_not_overlap() -> None:
    """The last words of one block and the first of the next: all different."""
    key = StreamKey(1, 0, "x")
    numbers = np.concatenate([key.uniforms(block, 6) for block in range(200)])
    assert len(set(numbers.tolist())) == len(numbers)


# ---- addressed -------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(0, 200_000), max_size=40))
def test_a_value_does_not_depend_on_the_order_of_asking(indices: list[int]) -> None:
    """Requests come back out of order, and a second design may skip some: their draws are still their own."""
    fresh = Streams(1, 0)
    asked = fresh.open("x", exponential(1e6))
    once = {index: Streams(1, 0).open("x", exponential(1e6)).value(index) for index in set(indices)}
    assert [asked.value(index) for index in indices] == [once[index] for index in indices]


def test_blocks_that_were_dropped_come_back_the_same() -> None:
    """Sixteen are kept."""
    variate = Streams(1, 0).open("x", exponential(1e6))
    first = [variate.value(block << 12) for block in range(40)]
    assert [variate.value(block << 12) for block in reversed(range(40))] == first[::-1]


def test_another_seed_replication_or_name_draws_otherwise() -> None:
    found = [
        drawn(exponential(1e6), *which)
        for which in ((1, 0, "a"), (2, 0, "a"), (1, 1, "a"), (1, 0, "b"), (11, 0, "a"), (1, 10, "a"))
    ]
    assert len({tuple(draws) for draws in found}) == len(found)


def test_streams_that_are_added_leave_the_others_alone() -> None:
    alone = drawn(exponential(1e6))
    together = Streams(1, 0)
    others = [together.open(f"disk{number}.gap", exponential(1e6)) for number in range(5)]
    variate = together.open("web.gap", exponential(1e6))
    found = []
    for place in PLACES:
        for other in others:
            other.value(place)
        found.append(variate.value(place))
    assert found == alone


def test_a_constant_is_itself() -> None:
    assert {Constant(7).value(index) for index in (0, 1, 10**12)} == {7}


def test_nothing_depends_on_pythons_hashes() -> None:
    program = (
        "from iosim.streams import *; v = Streams(1, 0).open('web.gap', exponential(1e6)); "
        "print([v.value(i) for i in (0, 1, 2, 3, 4, 4096, 1_000_000)])"
    )
    for seed in ("1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(streams.__file__).parents[1])}
        found = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
        )
        assert found.stdout.strip() == str(GOLDEN["exponential"])


# ---- transforms ------------------------------------------------------------------------------------------------------


def uniforms(count_bits: int = 16) -> streams.Floats:
    return StreamKey(3, 0, "moments").uniforms(0, count_bits)


def test_uniforms_lie_strictly_between_0_and_1() -> None:
    u = uniforms(18)
    assert 0.0 < u.min() < 1e-4
    assert 1.0 - 1e-4 < u.max() < 1.0
    assert scipy.stats.kstest(u, "uniform").pvalue > 0.001


# Mean and variance as books give them; "table" and "empirical" by hand.
MOMENTS: list[tuple[str, float, float]] = [
    ("exponential", 1e6, 1e12),
    ("uniform", 5e5, 1e12 / 12),
    ("whole", 4096 * 499.5, 4096**2 * (1000**2 - 1) / 12),
    ("lognormal", 16384 * math.exp(0.32), 16384**2 * (math.exp(0.64) - 1) * math.exp(0.64)),
    ("table", 35.2, 0.2 + 50 + 3000 - 35.2**2),
    ("empirical", 0.4 * 5e3 + 0.5 * 3e4, 0.4 * 1e8 / 3 + 0.5 * (3e4**2 + 4e4**2 / 12) - 17_000**2),
]


@pytest.mark.parametrize(("shape", "mean", "variance"), MOMENTS)
def test_means_and_variances_are_those_of_the_distribution(shape: str, mean: float, variance: float) -> None:
    """65,536 draws: the mean within four standard errors, the variance within 6 %."""
    values = TRANSFORMS[shape](uniforms())
    assert values.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / len(values)))
    assert values.var() == pytest.approx(variance, rel=0.06)


def test_pareto_has_its_median_and_never_falls_below_its_scale() -> None:
    """Its variance is infinite at shape 1.5, so the quantiles are held."""
    values = TRANSFORMS["pareto"](uniforms())
    assert values.min() >= 1000
    for share in (0.5, 0.9, 0.99):
        assert np.quantile(values, share) == pytest.approx(1000 * (1 - share) ** (-1 / 1.5), rel=0.05)


def test_whole_numbers_fill_all_places_and_no_other() -> None:
    values = whole(8, 512)(uniforms())
    assert sorted(set(values.tolist())) == [512.0 * place for place in range(8)]


def test_a_random_page_leaves_room_for_what_is_asked_and_all_such_pages_are_as_likely() -> None:
    values = random_page(8 * 4096, 3 * 4096)(uniforms())
    counts = np.unique(values, return_counts=True)
    assert counts[0].tolist() == [4096 * it for it in range(6)]
    assert counts[1].max() < 1.1 * counts[1].min()


def test_a_tables_shares_are_met_and_the_first_value_of_an_empirical_one_has_its_own() -> None:
    values = TRANSFORMS["table"](uniforms())
    assert [np.mean(values == value) for value in (1, 10, 100)] == pytest.approx([0.2, 0.5, 0.3], abs=0.01)
    lines = TRANSFORMS["empirical"](uniforms())
    assert np.mean(lines == 0) == pytest.approx(0.1, abs=0.01)
    assert np.mean(lines <= 10_000) == pytest.approx(0.5, abs=0.01)
    assert lines.max() <= 50_000


POINTS = np.concatenate([uniforms(14), np.array([2.0**-53, 1e-300, 1e-9, 0.5, 1 - 2.0**-53, 1.0, 2.0, 1e300])])


def test_log_is_right_to_the_last_digits() -> None:
    expected = np.array([math.log(x) for x in POINTS])
    assert np.abs(streams.log(POINTS) - expected).max() < 1e-13
    assert np.abs(streams.log(POINTS) / np.where(expected, expected, 1) - (expected != 0)).max() < 1e-14


def test_exp_is_right_to_the_last_digits() -> None:
    """For arguments that a log-normal or a Pareto meets; at the ends of the range one digit less."""
    points = np.concatenate([np.linspace(-700, 700, 20_001), 1e-9 * (uniforms(8) - 0.5)])
    expected = np.array([math.exp(x) for x in points])
    error = np.abs(streams.exp(points) / expected - 1)
    assert error[np.abs(points) < 50].max() < 1e-14
    assert error.max() < 1e-13


def test_the_normal_is_right_to_the_last_digits() -> None:
    points = np.concatenate([uniforms(14), np.array([1e-300, 1e-20, 1e-12, 1e-5, 0.075, 0.5, 0.925, 1 - 1e-12])])
    expected = ndtri(points)
    assert np.abs(normal(points) - expected).max() < 2e-14 * np.abs(expected).max()
    assert normal(np.array([0.5]))[0] == 0


@pytest.mark.parametrize("function", [streams.log, lambda x: streams.exp(-x), normal])
def test_the_transforms_are_monotonous(function: Callable[[streams.Floats], streams.Floats]) -> None:
    """One uniform a variate by inversion: a larger uniform never gives a value on the wrong side."""
    values = function(np.sort(uniforms(14)))
    steps = np.diff(values)
    assert (steps >= 0).all() or (steps <= 0).all()


def test_no_draw_is_longer_than_104_days() -> None:
    """So that sums of them stay far below 2^63 ns."""
    variate = Streams(1, 0).open("x", pareto(1e9, 0.05))
    assert max(variate.value(index) for index in range(4096)) == 2**53
