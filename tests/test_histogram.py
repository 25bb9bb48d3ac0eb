"""The latency histogram: bounded, mergeable, and honest about what it no longer knows."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iosim.histogram import BUCKETS, HIGHEST, Histogram, bucket_of, decode, high_of, low_of, rank_of

values = st.one_of(st.integers(0, 600), st.integers(0, 10**10), st.integers(0, HIGHEST))
columns = st.lists(values, min_size=1, max_size=60)


def recorded(column: Sequence[int]) -> Histogram:
    histogram = Histogram()
    for value in column:
        histogram.record(value)
    return histogram


def test_buckets_tile_the_integers_without_gap_or_overlap() -> None:
    assert low_of(0) == 0
    assert all(high_of(bucket) + 1 == low_of(bucket + 1) for bucket in range(BUCKETS - 1))
    assert high_of(BUCKETS - 1) == HIGHEST


@given(values)
@example(0)
@example(2047)
@example(2048)
@example(HIGHEST)
def test_every_value_lies_in_its_bucket_which_is_at_most_a_1024th_wide(value: int) -> None:
    bucket = bucket_of(value)
    low, high = low_of(bucket), high_of(bucket)
    assert low <= value <= high
    assert (high - low) * 1024 <= low


@pytest.mark.parametrize("value", [0, 1, 1023, 1024, 2047])
def test_small_values_are_exact(value: int) -> None:
    assert recorded([value]).quantile(0.5) == (value, value)
    assert low_of(bucket_of(value)) == high_of(bucket_of(value)) == value


@given(columns, st.sampled_from([0, 0.01, 0.07, 0.5, 0.9, 0.99, 0.999, 1]))
def test_the_true_order_statistic_lies_within_the_bounds_of_the_quantile(column: list[int], q: float) -> None:
    low, high = recorded(column).quantile(q)
    assert low <= sorted(column)[rank_of(len(column), q) - 1] <= high
    assert (high - low) * 1024 <= low


@given(columns)
def test_the_top_quantile_never_exceeds_the_maximum(column: list[int]) -> None:
    assert recorded(column).quantile(1)[1] == max(column)


@given(columns, columns)
def test_merging_equals_recording_everything_in_one(first: list[int], second: list[int]) -> None:
    merged = recorded(first)
    merged.merge(recorded(second))
    together = recorded(second + first)
    assert merged.encode() == together.encode()
    assert (merged.count, merged.total, merged.max) == (len(first + second), sum(first + second), max(first + second))


@given(st.lists(values, max_size=60))
def test_a_histogram_survives_the_way_through_json(column: list[int]) -> None:
    histogram = recorded(column)
    back = decode(json.loads(json.dumps(histogram.encode())))
    assert list(back.counts) == list(histogram.counts)
    assert (back.count, back.total, back.max) == (histogram.count, histogram.total, histogram.max)


def test_only_buckets_in_use_are_written() -> None:
    assert recorded([3, 3, 700]).encode()["buckets"] == [[3, 2], [bucket_of(700), 1]]
    assert recorded([3, 3, 700]).buckets() == [(3, 3, 2), (700, 700, 1)]


@pytest.mark.parametrize("value", [-1, HIGHEST + 1])
def test_a_value_that_no_bucket_counts_is_refused(value: int) -> None:
    """A negative latency is a broken clock; counting it in the last bucket would hide that."""
    with pytest.raises((ValueError, OverflowError), match=r"counts 0 to|too large"):  # compiled, 2^63 is no number
        Histogram().record(value)


@pytest.mark.parametrize("q", [-0.1, 1.1, float("nan")])
def test_a_quantile_outside_zero_to_one_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        recorded([1]).quantile(q)


def test_an_empty_histogram_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        Histogram().quantile(0.5)


@pytest.mark.parametrize(
    "change",
    [{"bits": 8}, {"count": 3}, {"buckets": [[1, 1], [1, 1]]}, {"buckets": [[-1, 2]]}, {"buckets": [[1, 0], [2, 2]]}],
)
def test_a_record_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"bits|bucket"):
        decode(recorded([1, 2]).encode() | change)


@pytest.mark.parametrize(("count", "q", "rank"), [(100, 0.07, 7), (10_000, 0.999, 9_990), (3, 0.5, 2), (5, 0, 1)])
def test_a_quantile_means_its_decimal_digits(count: int, q: float, rank: int) -> None:
    """0.07 * 100 is 7.000000000000001 in floats; its ceiling would name the 8th value."""
    assert rank_of(count, q) == rank


@given(columns, st.integers(0, 10**7), st.integers(1, 999))
def test_a_quantile_is_never_on_the_wrong_side_of_an_edge(column: list[int], edge: int, per_mille: int) -> None:
    """An objective's verdict must not hang on the width of a bucket."""
    histogram = Histogram([edge])
    for value in column:
        histogram.record(value)
    exact = sorted(column)[rank_of(len(column), per_mille / 1000) - 1]
    low, high = histogram.quantile(per_mille / 1000)
    assert low <= exact <= high
    assert (high <= edge) == (exact <= edge)
    assert histogram.above(edge) == sum(value > edge for value in column)


def test_edges_survive_json_and_merging_and_only_equal_ones_add_up() -> None:
    histogram = Histogram([7, 5])
    for value in (4, 5, 6, 9):
        histogram.record(value)
    back = decode(json.loads(json.dumps(histogram.encode())))
    back.merge(histogram)
    assert (back.edges, back.at_most, back.above(5)) == ([5, 7], [4, 6], 4)
    with pytest.raises(ValueError, match="don't add up"):
        back.merge(Histogram())
