"""The latencies or waits of one replication, or of all together: as a column, or as a histogram where no rows were kept.

Here is the one place where a quantile of them is named or refused: runs, sweeps, comparisons, plans and the doctor ask it.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from iosim.histogram import Histogram
from iosim.quantiles import blocks_for, clustering, quantile_of_column, quantile_refusal

Ints = np.ndarray[Any, np.dtype[np.int64]]


class Sample(Protocol):
    """What both kinds answer; values are ns."""

    def __len__(self) -> int: ...

    def quantile(self, q: float) -> int:
        """The ceil(q * n)-th smallest value; there must be values."""
        ...

    def beyond(self, level: int, blocks: int) -> list[tuple[int, int]]:
        """How many values lie beyond `level`, of how many, in each of up to `blocks` consecutive parts."""
        ...


class Column:
    """Every value, in the order in which requests ended."""

    def __init__(self, values: Ints) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def quantile(self, q: float) -> int:
        """A value that occurred."""
        return quantile_of_column(self.values, q)

    def beyond(self, level: int, blocks: int) -> list[tuple[int, int]]:
        """Parts as equal as can be."""
        return [(int((part > level).sum()), len(part)) for part in np.array_split(self.values, blocks)]


class Tally:
    """Counts alone; there are no parts, as nothing is known of the order."""

    def __init__(self, histogram: Histogram) -> None:
        self.histogram = histogram

    def __len__(self) -> int:
        return int(self.histogram.count)

    def quantile(self, q: float) -> int:
        """The upper bound of its bucket: at most 1/1024 above the true value, and on the same side of every objective."""
        return self.histogram.quantile(q)[1]

    def beyond(self, level: int, blocks: int) -> list[tuple[int, int]]:
        """One part; exact where `level` is the end of a bucket or an objective's threshold, as a quantile is."""
        return [(self.histogram.above(level), self.histogram.count)]


def together(samples: Sequence[Sample]) -> Sample:
    """All values of samples of one kind; quantiles are taken of these, never averaged."""
    if len(samples) == 1:
        return samples[0]
    columns = [it.values for it in samples if isinstance(it, Column)]
    if columns:
        return Column(np.concatenate(columns))
    return Tally(merged([it.histogram for it in samples if isinstance(it, Tally)]))


def carried(samples: Sequence[Sample], q: float, clustered: bool = True) -> tuple[int, float]:
    """The quantile of all replications' values, and 0; or how many times as many values it takes before it may be named.

    `clustered`: values of one replication resemble their neighbours, and the spread of the replications' own numbers beyond
    tells how much; else all are independent. No sample may be empty.
    """
    whole = together(samples)
    pooled = whole.quantile(q)
    factor = 1.0
    if clustered:
        parts = [part for sample in samples for part in sample.beyond(pooled, blocks_for(len(samples)))]
        factor = clustering([beyond for beyond, _ in parts], [size for _, size in parts])
    return pooled, quantile_refusal(len(whole), q, factor) / len(whole)


def merged(histograms: Sequence[Histogram]) -> Histogram:
    """One histogram of all: counts are added."""
    whole = Histogram(histograms[0].edges)
    for histogram in histograms:
        whole.merge(histogram)
    return whole
