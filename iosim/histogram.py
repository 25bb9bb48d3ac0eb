"""A latency histogram of bounded memory: exact below 2048, then 1024 equal buckets in every doubling.

Merging is adding, so the result never depends on order or on who recorded what; a quantile comes with the exact bounds
of its bucket, whose width is at most 1/1024 of its lower bound. Values up to given edges (the thresholds of objectives)
are counted exactly: a quantile's bounds never straddle an edge. Left out: the place of a value inside its bucket.
Source: the log-linear layout of HdrHistogram (Tene), here over integers only; plain ints and `array('q')`, no numpy.
"""

from array import array
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

BITS = 10  # 2**10 buckets a doubling: the worst relative width is 1/1024
BUCKETS_PER_DOUBLING = 1 << BITS
HIGHEST = (1 << 63) - 1
BUCKETS = (63 - BITS + 1) * BUCKETS_PER_DOUBLING  # 55296 counters, 442 kB, reach HIGHEST


def rank_of(count: int, q: float) -> int:
    """Which order statistic (1 to `count`) the quantile `q` is: the ceil(q * count)-th smallest value.

    `q` means its decimal digits (0.07 of 100 is the 7th, though the float product lies above 7). Raises ValueError
    unless 0 <= q <= 1 and `count` >= 1; q = 0 is the smallest value.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
    if count < 1:
        raise ValueError("no values, so no quantile")
    return max(1, -int(-Fraction(str(q)) * count // 1))


def bucket_of(value: int) -> int:
    """The bucket that counts `value` (0 to HIGHEST)."""
    shift = value.bit_length() - BITS - 1
    if shift <= 0:
        return value
    return (shift << BITS) + (value >> shift)


def low_of(bucket: int) -> int:
    """The smallest value that `bucket` counts."""
    shift = (bucket >> BITS) - 1
    if shift <= 0:
        return bucket
    return (bucket - (shift << BITS)) << shift


def high_of(bucket: int) -> int:
    """The largest value that `bucket` counts; written so that nothing passes 2^63, also for the last bucket."""
    shift = max(0, (bucket >> BITS) - 1)
    return low_of(bucket) + (HIGHEST >> (63 - shift))


class Histogram:
    """Counts of integers from 0 to HIGHEST (2^63 - 1), in the caller's unit.

    `count`, `total` (the exact sum, a Python int that may pass 2^63) and `max` (0 when empty) are exact, and so is
    `at_most[i]`, the number of values up to `edges[i]`; edges ascend.
    """

    def __init__(self, edges: Iterable[int] = ()) -> None:
        self.edges = sorted(set(edges))
        self.at_most = [0] * len(self.edges)
        self.counts = array("q", bytes(8 * BUCKETS))
        self.count = 0
        self.total = 0
        self.max = 0

    def record(self, value: int) -> None:
        """Count one `value`; raises ValueError outside 0 to HIGHEST."""
        if not 0 <= value <= HIGHEST:
            raise ValueError(f"a histogram counts 0 to {HIGHEST}, not {value}")
        self.counts[bucket_of(value)] += 1
        self.count += 1
        self.total += value
        if value > self.max:
            self.max = value
        for place, edge in enumerate(self.edges):
            if value <= edge:
                self.at_most[place] += 1

    def merge(self, other: "Histogram") -> None:
        """Count all that `other` has counted; the same as having recorded it here. ValueError for other edges."""
        if other.edges != self.edges:
            raise ValueError(f"histograms with edges {self.edges} and {other.edges} don't add up")
        for place, count in enumerate(other.at_most):
            self.at_most[place] += count
        for bucket in range(BUCKETS):
            if other.counts[bucket]:
                self.counts[bucket] += other.counts[bucket]
        self.count += other.count
        self.total += other.total
        self.max = max(self.max, other.max)

    def quantile(self, q: float) -> tuple[int, int]:
        """The smallest and the largest value that the ceil(q * count)-th smallest recorded value may have had.

        Raises ValueError when nothing was recorded or `q` lies outside 0 to 1.
        """
        rank = rank_of(self.count, q)
        left = rank
        for bucket in range(BUCKETS):
            left -= self.counts[bucket]
            if left <= 0:
                return self._between_edges(rank, low_of(bucket), min(high_of(bucket), self.max))
        raise ValueError("the buckets hold fewer values than were counted")

    def _between_edges(self, rank: int, low: int, high: int) -> tuple[int, int]:
        for edge, count in zip(self.edges, self.at_most, strict=True):
            if count >= rank:
                high = min(high, edge)
            else:
                low = max(low, edge + 1)
        return low, high

    def above(self, level: int) -> int:
        """How many values lie above `level`: exact at an edge and at the largest value of a bucket.

        Elsewhere those of the level's own bucket are left out.
        """
        if level in self.edges:
            return self.count - self.at_most[self.edges.index(level)]
        below = 0
        for bucket in range(bucket_of(level) + 1):
            below += self.counts[bucket]
        return self.count - below

    def buckets(self) -> list[tuple[int, int, int]]:
        """Every bucket in use, ascending: (smallest value, largest value, count)."""
        return [(low_of(i), min(high_of(i), self.max), self.counts[i]) for i in range(BUCKETS) if self.counts[i]]

    def encode(self) -> dict[str, Any]:
        """The buckets in use as plain JSON values; `decode` makes the equal histogram of them."""
        used = [[bucket, self.counts[bucket]] for bucket in range(BUCKETS) if self.counts[bucket]]
        edges = [[edge, count] for edge, count in zip(self.edges, self.at_most, strict=True)]
        whole = {"count": self.count, "total": self.total, "max": self.max}
        return {"bits": BITS, **whole, "edges": edges, "buckets": used}


def decode(encoded: dict[str, Any]) -> Histogram:
    """The histogram that `encode` wrote; raises ValueError for another layout or counts that contradict each other."""
    if encoded["bits"] != BITS:
        raise ValueError(f"this histogram has {encoded['bits']} bits a doubling, {BITS} are understood")
    histogram = Histogram([edge for edge, _ in encoded["edges"]])
    histogram.at_most = [count for _, count in encoded["edges"]]
    for bucket, count in encoded["buckets"]:
        if not 0 <= bucket < BUCKETS or count < 1 or histogram.counts[bucket]:
            raise ValueError(f"bucket {bucket} with count {count} can't be")
        histogram.counts[bucket] = count
    histogram.count, histogram.total, histogram.max = encoded["count"], encoded["total"], encoded["max"]
    if sum(histogram.counts) != histogram.count:
        raise ValueError(f"the buckets hold {sum(histogram.counts)} values, the count says {histogram.count}")
    return histogram
