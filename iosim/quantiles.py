"""Quantiles of finite samples: what a column says, what a tail can carry, and how far a quantile may be off.

Waits of one run resemble each other: a request that waited long had neighbours that waited long. So the requests beyond a
quantile come in clusters, and what counts is how many clusters were seen. The clustering factor is read from the spread of
the numbers beyond among independent replications, over what independent requests would give (at load 0.8 of a single server
it is 50 to 70). Quantiles are never averaged: the value is that of all requests together, the interval comes from the
spread of the replications' own. Left out: quantiles of weighted samples; and intervals of one run by binomial ranks, as those
cover what is independent, which requests of one run never are: they would hold the truth half as often as they promise.
"""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iosim.histogram import rank_of
from iosim.statistics import NO_INTERVAL, Estimate, interval

BEYOND = 20  # effective exceedances that a quantile takes before we name it
REPLICATIONS = 10  # from which their spread tells an interval of a quantile
BLOCKS = 20  # parts, all replications together, whose spread tells the clustering where replications are fewer
UNKNOWN = 70.0  # clustering that is assumed where nothing tells it: that of a single server at load 0.8


def quantile_of_column(values: NDArray[np.integer[Any]], q: float) -> int:
    """The ceil(q * n)-th smallest of n integers: a value that occurred, never an interpolation.

    Raises ValueError for an empty column or `q` outside 0 to 1; `q` means its decimal digits.
    """
    rank = rank_of(len(values), q)
    return int(np.partition(values, rank - 1)[rank - 1])


def quantile_refusal(n: int, q: float, clustering: float = 1.0) -> int:
    """0 when `n` values can carry the quantile `q` (0 < q < 1), else how many values it takes.

    The rule: at least 20 effective values on the thinner side, which are 20 * `clustering` values there; of independent
    values p99 takes 2,000 and p999 20,000.
    """
    if not 0 < q < 1:
        raise ValueError(f"a quantile with two sides lies between 0 and 1, not at {q}")
    thin = min(q, round(1 - q, 12))
    needed = math.ceil(round(BEYOND * clustering / thin, 6))
    return 0 if n >= needed else needed


def clustering(beyond: Sequence[int], sizes: Sequence[int]) -> float:
    """How many values beyond a level count as one: at least 1, from the numbers beyond of two or more samples.

    The variance of the numbers beyond, less what the samples' sizes explain, over that of independent values. Samples are
    independent replications, or long blocks of them. UNKNOWN for fewer than two; 1 where nothing, or all, lies beyond.
    """
    parts = [(count, size) for count, size in zip(beyond, sizes, strict=True) if size]
    if len(parts) < 2:
        return UNKNOWN
    whole = sum(size for _, size in parts)
    share = sum(count for count, _ in parts) / whole
    if not 0 < share < 1:
        return 1.0
    spread = math.fsum((count - share * size) ** 2 for count, size in parts) / (len(parts) - 1)
    return max(1.0, spread / (whole / len(parts) * share * (1 - share)))


def blocks_for(replications: int) -> int:
    """Into how many consecutive blocks each replication is cut before their spread is looked at."""
    return 1 if replications >= REPLICATIONS else math.ceil(BLOCKS / replications)


def quantile_interval(pooled: float, own: Sequence[float], level: float = 0.95) -> Estimate:
    """The quantile of all requests together, with the t interval that the replications' own quantiles span.

    The interval lies around the pooled value, as a quantile of few values is biased, and their mean as well. Fewer than
    10 replications give no interval. Raises ValueError for no replications.
    """
    spread = interval(own, level)
    if len(own) < REPLICATIONS:
        return Estimate(pooled, NO_INTERVAL, NO_INTERVAL, len(own))
    return Estimate(pooled, pooled - spread.half_width, pooled + spread.half_width, len(own))


def ascending(ends: Sequence[tuple[float, float] | None]) -> list[tuple[float, float] | None]:
    """Intervals of ascending quantiles of one column, none beginning below a lower quantile's, nor ending above a higher's.

    Each is found alone, and around a pooled value: where one replication of ten has a burst, p999's is wider than p999 is
    large, and it would reach below p50's. The true quantiles ascend, so every lower one's beginning bounds it as well; a
    bound fails only where the lower one's own did. None (no interval) stays None.
    """
    lows = list(accumulate((-math.inf if it is None else it[0] for it in ends), max))
    highs = list(accumulate((math.inf if it is None else it[1] for it in reversed(ends)), min))[::-1]
    return [None if it is None else (low, high) for it, low, high in zip(ends, lows, highs, strict=True)]
