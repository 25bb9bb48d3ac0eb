"""Quantiles: nearest rank, refused when too few independent requests lie beyond, with intervals that promise the truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iosim import quantiles as ours
from iosim.histogram import Histogram
from iosim.samples import Column, Tally, together


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.integers(0, 1000))
def test_a_quantile_is_the_order_statistic_of_its_rank(column: list[int], per_mille: int) -> None:
    rank = max(1, -(-per_mille * len(column) // 1000))
    assert ours.quantile_of_column(np.array(column, dtype=np.int64), per_mille / 1000) == sorted(column)[rank - 1]


def test_an_empty_column_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        ours.quantile_of_column(np.array([], dtype=np.int64), 0.5)


@pytest.mark.parametrize(("q", "needed"), [(0.5, 40), (0.9, 200), (0.99, 2_000), (0.999, 20_000), (0.01, 2_000)])
def test_a_tail_takes_twenty_independent_observations_beyond_it(q: float, needed: int) -> None:
    assert ours.quantile_refusal(needed - 1, q) == needed
    assert ours.quantile_refusal(needed, q) == 0


def test_clustered_observations_take_as_many_more_as_cluster() -> None:
    assert ours.quantile_refusal(100_000, 0.99, clustering=60) == 120_000
    with pytest.raises(ValueError, match="two sides"):
        ours.quantile_refusal(10, 1.0)


def test_independent_values_do_not_cluster() -> None:
    counts = np.random.default_rng(4).binomial(1000, 0.01, 400)
    assert ours.clustering(list(counts), [1000] * 400) == pytest.approx(1, abs=0.2)


def test_copies_cluster_as_many_times_as_they_were_copied() -> None:
    counts = 25 * np.random.default_rng(5).binomial(1000, 0.01, 400)
    assert ours.clustering(list(counts), [25_000] * 400) == pytest.approx(25, rel=0.2)


def test_samples_of_unequal_sizes_that_agree_do_not_cluster() -> None:
    assert ours.clustering([10, 100, 1000], [100, 1000, 10_000]) == 1


@pytest.mark.parametrize(("counts", "sizes"), [([3], [100]), ([3, 0], [100, 0])])
def test_one_sample_tells_nothing_of_clusters(counts: list[int], sizes: list[int]) -> None:
    assert ours.clustering(counts, sizes) == ours.UNKNOWN


def test_equal_values_do_not_cluster() -> None:
    """Constant latencies: nothing lies beyond the quantile, and it is known exactly."""
    assert ours.clustering([0, 0, 0], [100, 100, 100]) == 1


def test_fewer_replications_are_cut_into_twenty_blocks_or_more() -> None:
    assert [ours.blocks_for(n) for n in (1, 3, 9, 10, 50)] == [20, 7, 3, 1, 1]


def test_the_interval_lies_around_the_value_of_all_requests() -> None:
    found = ours.quantile_interval(100.0, [90.0, 110.0] * 5)
    assert (found.value, found.n) == (100, 10)
    assert found.half_width == pytest.approx(2.262157 * math.sqrt(1000 / 9 / 10))


def test_a_tail_that_one_replication_stretches_does_not_reach_below_the_median() -> None:
    """p999 of ten replications is 8, but 40 in one: alone it would be 8 give or take 9."""
    p999 = ours.quantile_interval(8.0, [5.0] * 9 + [40.0])
    assert p999.low < 1.0
    assert ours.ascending([(3.9, 4.1), None, (p999.low, p999.high)]) == [(3.9, 4.1), None, (3.9, p999.high)]


def test_nor_does_a_lower_quantile_reach_above_a_higher_one() -> None:
    assert ours.ascending([(1.0, 90.0), (2.0, 5.0)]) == [(1.0, 5.0), (2.0, 5.0)]


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 2000)), min_size=1, max_size=4))
def test_intervals_in_order_still_hold_their_values(found: list[tuple[int, int]]) -> None:
    values = sorted(value for value, _ in found)
    ends = ours.ascending([(value - width, value + width) for value, (_, width) in zip(values, found, strict=True)])
    assert all(it is not None and it[0] <= value <= it[1] for it, value in zip(ends, values, strict=True))


def test_nine_replications_give_a_quantile_no_interval() -> None:
    found = ours.quantile_interval(5.0, [5.0] * 9)
    assert (found.value, found.has_interval) == (5, False)


# --- the two kinds of samples


def both(values: list[int], edges: list[int]) -> tuple[Column, Tally]:
    histogram = Histogram(edges)
    for value in values:
        histogram.record(value)
    return Column(np.array(values, dtype=np.int64)), Tally(histogram)


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=60),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=60),
    st.integers(1, 999),
)
def test_counts_tell_what_columns_tell_within_a_bucket(first: list[int], second: list[int], per_mille: int) -> None:
    (column, tally), (other, counts) = both(first, []), both(second, [])
    whole, rough = together([column, other]), together([tally, counts])
    exact = whole.quantile(per_mille / 1000)
    assert len(whole) == len(rough)
    assert exact <= rough.quantile(per_mille / 1000) <= exact * 1025 / 1024
    level = rough.quantile(per_mille / 1000)
    assert sum(beyond for beyond, _ in rough.beyond(level, 4)) == sum(beyond for beyond, _ in whole.beyond(level, 4))


def test_blocks_hold_every_value_once_in_the_order_of_time() -> None:
    column, _ = both([5, 5, 1, 1, 5], [])
    assert column.beyond(4, 2) == [(2, 3), (1, 2)]
