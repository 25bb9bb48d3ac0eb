"""What a finite number of runs can say, against scipy, brute force and queueing theory."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tiny_queue import queue_lengths, waits

from iosim import statistics as ours
from iosim.statistics import UNDECIDED, Estimate

# --- intervals


def test_an_interval_is_the_mean_and_students_t() -> None:
    values = [4.0, 6.0, 5.0, 9.0]
    expected = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    found = ours.interval(values)
    assert (found.value, found.n) == (6.0, 4)
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9)


def test_the_level_widens_the_interval() -> None:
    assert ours.interval([1.0, 2.0], 0.99).half_width > ours.interval([1.0, 2.0], 0.9).half_width


def test_one_replication_has_a_value_but_no_interval() -> None:
    found = ours.interval([3.0])
    assert (found.value, found.n, found.has_interval) == (3.0, 1, False)
    assert not (found.low <= 3.0 <= found.high)


def test_equal_replications_have_an_interval_without_width() -> None:
    assert ours.interval([3.0, 3.0]) == Estimate(3.0, 3.0, 3.0, 2)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_values_that_have_no_mean_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="mean"):
        ours.interval(values)


def test_the_order_of_replications_does_not_change_a_digit() -> None:
    """Workers finish in any order; the summary must not tell."""
    values = list(np.random.default_rng(3).lognormal(10, 4, 50))
    assert ours.interval(values) == ours.interval(values[::-1])


def test_the_interval_covers_the_mean_wait_of_mm1_as_often_as_it_promises() -> None:
    """M/M/1 at load 0.5: mean time in system 2; 10 replications of 4,000 after 400, 400 times."""
    generator = np.random.default_rng(20_261_122)
    covered = 0
    for _ in range(400):
        means = []
        for _ in range(10):
            arrivals, departures = waits(0.5, 4_400, generator)
            means.append(float(np.mean((departures - arrivals)[400:])))
        found = ours.interval(means)
        covered += found.low <= 2.0 <= found.high
    assert 0.92 * 400 <= covered <= 0.975 * 400


def test_a_negative_factor_exchanges_the_ends() -> None:
    assert Estimate(2.0, 1.0, 4.0, 3).scaled(-10) == Estimate(-20.0, -40.0, -10.0, 3)


def test_paired_differences_are_sharper_than_the_noise_that_both_share() -> None:
    shared = np.random.default_rng(1).normal(100, 30, 10)
    found = ours.paired(shared + 1 + 0.1 * np.arange(10), shared)
    assert found.value == pytest.approx(1.45)
    assert 1 < found.low < found.high < 2


def test_unequal_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="equal lengths"):
        ours.paired([1.0, 2.0], [1.0])


def test_fiellers_ends_are_the_ratios_that_a_t_test_just_accepts() -> None:
    """By definition rho is inside exactly when a - rho b does not differ from 0."""
    generator = np.random.default_rng(5)
    b = generator.normal(10, 2, 8)
    a = 1.5 * b + generator.normal(0, 1, 8)
    found = ours.paired_ratio(a, b)
    assert found.value == pytest.approx(np.mean(a) / np.mean(b))
    for end in (found.low, found.high):
        assert stats.ttest_1samp(a - end * b, 0).pvalue == pytest.approx(0.05, abs=1e-9)
    assert found.low < found.value < found.high


def test_a_ratio_over_something_that_may_be_zero_has_no_interval() -> None:
    assert not ours.paired_ratio([1.0, 2.0, 3.0], [-1.0, 1.0, 0.5]).has_interval
    with pytest.raises(ValueError, match="mean of 0"):
        ours.paired_ratio([1.0, 2.0], [-1.0, 1.0])


def test_halving_an_interval_takes_four_times_the_replications() -> None:
    assert ours.replications_for(Estimate(10.0, 8.0, 12.0, 10), 1.0) == 40
    assert ours.replications_for(Estimate(10.0, 8.0, 12.0, 10), 5.0) == 10
    with pytest.raises(ValueError, match="interval"):
        ours.replications_for(ours.interval([1.0]), 1.0)


# --- warm-up


def mser_scores(series: list[int]) -> list[float]:
    """The definition, in exact fractions, for every truncation of the means of 5 that may be chosen."""
    means = [Fraction(sum(series[k : k + 5]), 5) for k in range(0, len(series) - 4, 5)]
    scores = []
    for d in range(len(means) - 5):
        kept = means[d:]
        centre = sum(kept, Fraction(0)) / len(kept)
        scores.append(float(sum(((x - centre) ** 2 for x in kept), Fraction(0)) / len(kept) ** 2))
    return scores


@given(st.lists(st.integers(0, 100), min_size=50, max_size=120))
def test_mser5_chooses_what_brute_force_finds_best(series: list[int]) -> None:
    scores, half = mser_scores(series), len(series) // 5 // 2
    best = {d for d, score in enumerate(scores) if score <= min(scores) + 1e-9}  # floats may break a tie either way
    found = ours.mser5(series)
    if found == UNDECIDED:
        assert max(best) > half
    else:
        assert found % 5 == 0
        assert found // 5 in best
        assert found // 5 <= half


def test_mser5_cuts_off_a_climb_and_keeps_the_rest() -> None:
    climb = np.concatenate([np.linspace(0, 50, 200), np.full(800, 50.0)])
    noise = np.random.default_rng(2).normal(0, 1, 1000)
    assert 150 <= ours.mser5(climb + noise) <= 210
    assert ours.mser5(50 + noise) < 250
    assert ours.mser5(np.full(100, 7.0)) == 0


def test_mser5_does_not_answer_for_a_series_that_never_settles() -> None:
    assert ours.mser5(np.arange(1000.0)) == UNDECIDED
    assert ours.mser5(np.full(49, 1.0)) == UNDECIDED
    assert UNDECIDED < 0


def test_the_slowest_state_sets_the_warm_up() -> None:
    """A cache fills long after the queues have settled."""
    times = np.arange(0, 1_000_000, 1_000)
    quick = np.where(times < 50_000, 0.0, 10.0)
    slow = np.where(times < 300_000, 0.0, 4096.0)
    found = ours.slowest_warm_up({"queue": (times, quick), "cache": (times, slow)})
    assert (found.ns, found.slowest, found.decided) == (300_000, "cache", True)


def test_a_state_that_never_settles_is_named() -> None:
    times = np.arange(1000)
    found = ours.slowest_warm_up({"calm": (times, np.ones(1000)), "dirty pages": (times, times)})
    assert (found.ns, found.slowest, found.undecided) == (0, "", ("dirty pages",))
    assert not found.decided


def test_replications_are_averaged_before_the_warm_up_is_judged() -> None:
    """Two runs whose climbs cancel have no common warm-up, whatever each alone would say."""
    times = np.arange(100)
    up = np.where(times < 30, 0.0, 1.0)
    assert ours.slowest_warm_up({"one": (times, up)}).ns == 30
    assert ours.slowest_warm_up({"both": (times, [up, 1 - up])}).ns == 0


def test_a_flat_state_is_not_undecided_by_luck() -> None:
    """Queues without a trend, but with bursts: MSER-5 alone puts its cut into the last half of many of them."""
    times, states = np.arange(200), [queue_lengths(0.9, 3_000, 10, seed, 200) for seed in range(60)]
    alone = sum(ours.mser5(rows.mean(axis=0)) == UNDECIDED for rows in states)
    together = sum(not ours.slowest_warm_up({"queue": (times, rows)}).decided for rows in states)
    assert (alone >= 5, together <= 2) == (True, True), (alone, together)


def test_a_state_still_on_its_way_is_undecided_in_replications_too() -> None:
    times = np.arange(200)
    rows = np.linspace(0, 5, 200) + np.random.default_rng(6).normal(0, 1, (3, 200))
    assert ours.slowest_warm_up({"cache": (times, rows)}).undecided == ("cache",)


@pytest.mark.parametrize("times", [[0, 1, 3], [0, 0, 0], [2, 1, 0], [0, 1]])
def test_uneven_sampling_is_refused(times: list[int]) -> None:
    with pytest.raises(ValueError, match="state"):
        ours.slowest_warm_up({"state": (times, [1.0, 2.0, 3.0])})


# --- batch means


def test_batch_means_use_equal_batches_at_the_end_of_the_series() -> None:
    found = ours.batch_means([99.0, 1, 1, 2, 2, 3, 3], batches=3)
    assert found.estimate == ours.interval([1.0, 2.0, 3.0])


def test_batches_of_independent_values_pass_and_of_a_slow_walk_do_not() -> None:
    noise = np.random.default_rng(80).normal(0, 1, 4000)
    assert ours.batch_means(noise).independent
    walk = ours.batch_means(np.cumsum(noise))
    assert not walk.independent
    assert walk.lag1 > 0.5


def test_the_lag_one_check_refuses_one_independent_series_in_twenty() -> None:
    noise = np.random.default_rng(9).normal(0, 1, (1000, 40))
    refused = sum(not ours.batch_means(row).independent for row in noise)
    assert 30 <= refused <= 70


def test_batch_means_of_a_long_mm1_cover_theory() -> None:
    arrivals, departures = waits(0.8, 400_000, np.random.default_rng(11))
    found = ours.batch_means((departures - arrivals)[20_000:])
    assert found.independent
    assert found.estimate.low <= 5.0 <= found.estimate.high
    assert found.estimate.half_width < 0.5


def test_too_few_observations_make_no_batches() -> None:
    with pytest.raises(ValueError, match="batches"):
        ours.batch_means(np.ones(39), batches=20)
    with pytest.raises(ValueError, match="batches"):
        ours.batch_means(np.ones(39), batches=2)
