"""What a finite number of runs can say, against scipy, brute force and queueing theory."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tiny_queue import Floats, waits

from iosim import statistics as ours
from iosim.statistics import UNDECIDED, Estimate


def present(arrivals: Floats, departures: Floats, edges: Floats) -> Floats:
    """Mean number in the system in each bin between `edges`."""

    def area(instants: Floats) -> Floats:
        ordered = np.sort(instants)
        summed = np.concatenate([[0.0], np.cumsum(ordered)])
        before = np.searchsorted(ordered, edges)
        found: Floats = edges * before - summed[before]
        return found

    mean: Floats = np.diff(area(arrivals) - area(departures)) / np.diff(edges)
    return mean


def queue_lengths(load: float, end: float, replications: int, seed: int, bins: int = 50) -> Floats:
    """M/M/1 over equal bins of the last four fifths of [0, end] in mean service times, one row a replication."""
    generator = np.random.default_rng(seed)
    edges = np.linspace(end / 5, end, bins + 1)
    count = int(1.3 * load * end) + 100
    return np.array([present(*waits(load, count, generator), edges) for _ in range(replications)])


# --- t and normal quantiles


@pytest.mark.parametrize("df", [1, 1.5, 2, 3, 4, 7.3, 9, 19, 30, 100, 500.5, 999.9, 1000, 1500, 1e5, 1e9])
def test_the_t_quantile_agrees_with_scipy(df: float) -> None:
    for p in (1e-12, 1e-6, 0.001, 0.025, 0.1, 0.3, 0.49, 0.5, 0.51, 0.75, 0.95, 0.975, 0.995, 0.9999):
        assert ours.t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9, abs=1e-12)


def test_the_t_quantile_is_rounded_so_that_every_processor_agrees() -> None:
    """The last digits of exp and log differ between processors; results must not."""
    assert ours.t_quantile(0.975, 9) == 2.26215716280


@pytest.mark.parametrize("p", [1e-10, 0.025, 0.3, 0.5, 0.9, 0.999])
def test_the_normal_quantile_agrees_with_scipy(p: float) -> None:
    assert ours.normal_quantile(p) == pytest.approx(stats.norm.ppf(p), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("p", "df"), [(0, 5), (1, 5), (math.nan, 5), (0.9, 0.5), (0.9, math.nan)])
def test_impossible_probabilities_and_degrees_are_refused(p: float, df: float) -> None:
    with pytest.raises(ValueError, match=r"probability|degrees"):
        ours.t_quantile(p, df)


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


# --- regime


def verdicts(load: float, end: float, replications: int = 10, times: int = 20) -> Counter[str]:
    runs = (queue_lengths(load, end, replications, seed) for seed in range(times))
    return Counter(ours.regime(run, offered=0.8 * load * end, window_ns=10**9).kind for run in runs)


@pytest.mark.parametrize("load", [0.02, 0.5, 0.8, 0.9])
def test_a_queue_below_its_capacity_is_steady(load: float) -> None:
    assert verdicts(load, 20_000 / load)["steady"] >= 19


@pytest.mark.parametrize("load", [1.05, 1.2, 3.0])
def test_an_overloaded_queue_is_unstable(load: float) -> None:
    assert verdicts(load, 20_000 / load)["unstable"] >= 19


@pytest.mark.parametrize("load", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("count", [1_000, 5_000])
def test_a_short_window_makes_a_busy_queue_undecided_but_never_unstable(load: float, count: int) -> None:
    assert verdicts(load, count / load)["unstable"] == 0


@pytest.mark.parametrize("load", [1.02, 1.2])
@pytest.mark.parametrize("count", [300, 5_000])
@pytest.mark.parametrize("replications", [1, 3, 10])
def test_a_short_window_never_makes_an_overloaded_queue_steady(load: float, count: int, replications: int) -> None:
    assert verdicts(load, count / load, replications)["steady"] == 0


def test_the_critical_queue_is_not_called_steady() -> None:
    """At load 1 the queue has no level, though it hardly grows."""
    assert verdicts(1.0, 20_000)["steady"] <= 1


@pytest.mark.parametrize(("load", "kind"), [(0.5, "steady"), (1.2, "unstable")])
def test_one_long_replication_is_enough_where_the_case_is_clear(load: float, kind: str) -> None:
    assert verdicts(load, 20_000 / load, replications=1)[kind] >= 19


def test_an_unstable_verdict_names_the_queue_that_grows_and_how_fast() -> None:
    disk = queue_lengths(1.2, 10_000, 10, seed=1)
    steady = queue_lengths(0.5, 10_000, 10, seed=2)
    window_ns = 8_000 * 10**6  # a mean service of 1 ms
    found = ours.regime(disk + steady, 9_600, window_ns, {"cpu": steady, "disk": disk, "idle": 0 * disk})
    assert (found.kind, found.resource) == ("unstable", "disk")
    assert found.growth_per_s.low < 200 < found.growth_per_s.high
    assert found.growth_per_s.half_width < 20
    assert found.left_behind.value == pytest.approx(1 / 6, abs=0.02)


def test_work_beyond_capacity_is_unstable_before_any_queue_shows_it() -> None:
    """The operational bound: what would need more than all of its time can't be steady, however short the window."""
    calm = queue_lengths(0.5, 2_000, 10, seed=2)
    found = ours.regime(calm, 1_000, 10**9, {"cpu": calm}, {"cpu": [1.08, 1.1, 1.12] * 3, "bus": [0.9] * 9})
    assert (found.kind, found.resource) == ("unstable", "cpu")
    assert "cpu would need 110.0% of its time" in found.reason


@pytest.mark.parametrize("loads", [[1.2], [0.9, 1.2, 1.0] * 3, [1.005, 1.006] * 5])
def test_a_bound_that_may_hold_condemns_nobody(loads: list[float]) -> None:
    calm = queue_lengths(0.5, 20_000, 10, seed=2)
    assert ours.regime(calm, 10_000, 10**9, {}, {"cpu": loads}).kind == "steady"
    assert ours.regime(calm, 10_000, 10**9, {}, {"cpu": [1.5] * 9}, bounded=True).kind == "steady"


def test_growth_without_a_queue_to_blame_is_still_unstable() -> None:
    disk = queue_lengths(1.2, 10_000, 10, seed=1)
    found = ours.regime(disk, 9_600, 10**9, {"cpu": 0 * disk})
    assert (found.kind, found.resource) == ("unstable", "")


def test_a_slow_leak_under_a_high_level_is_unstable() -> None:
    """1,000 requests on the wire hide a disk queue that gains 400 in the window: 2 % of the load is never served."""
    noise = np.random.default_rng(4).normal(0, 5, (10, 50))
    found = ours.regime(1000 + noise + np.linspace(0, 400, 50), 20_000, 10**9)
    assert found.kind == "unstable"


def test_sure_growth_that_hardly_moves_the_level_is_steady() -> None:
    """With enough replications any drift is significant; only one that matters makes a verdict."""
    noise = np.random.default_rng(4).normal(0, 0.1, (10, 50))
    found = ours.regime(100 + noise + np.linspace(0, 5, 50), 10**6, 10**9)
    assert found.growth_per_s.low > 0
    assert found.kind == "steady"


def test_a_small_overload_of_a_long_window_is_unstable() -> None:
    """Half a percent too much is below the 1 % of the load, but the queue is nothing but growth."""
    noise = np.random.default_rng(4).normal(0, 5, (10, 50))
    found = ours.regime(noise + np.linspace(0, 5_000, 50), 10**6, 10**9)
    assert found.left_behind.high < 0.01
    assert found.kind == "unstable"


def test_a_closed_load_can_not_be_unstable() -> None:
    climb = np.random.default_rng(4).normal(0, 0.1, (10, 50)) + np.linspace(0, 64, 50)
    assert ours.regime(climb, 1_000, 10**9).kind == "unstable"
    assert ours.regime(climb, 1_000, 10**9, bounded=True).kind == "undecided"


def test_an_empty_system_is_steady() -> None:
    assert ours.regime(np.zeros((10, 20)), 5, 10**9).kind == "steady"


def test_an_undecided_verdict_says_what_it_would_take() -> None:
    found = ours.regime(queue_lengths(0.95, 500, 10, seed=3), 380, 10**9)
    assert found.kind == "undecided"
    assert "times as long" in found.reason


def test_a_run_that_ends_by_itself_is_terminating_whatever_its_queues_do() -> None:
    assert ours.regime(queue_lengths(1.2, 10_000, 10, seed=1), 9_600, 10**9, terminating=True).kind == "terminating"
    assert ours.regime([], 0, 0, terminating=True).kind == "terminating"


def test_a_regime_without_bins_load_or_window_is_refused() -> None:
    bins = np.ones((10, 20))
    for series, offered, window in ((bins[:, :9], 5, 1), (bins, 0, 1), (bins, 5, 0)):
        with pytest.raises(ValueError, match=r"needed|needs"):
            ours.regime(series, offered, window)


@pytest.mark.parametrize("replications", [1, 3, 10])
def test_growth_over_the_window_is_slope_times_width(replications: int) -> None:
    line = np.tile(np.arange(40.0) + 0.5, (replications, 1))
    assert ours.growth(line).value == pytest.approx(40)
