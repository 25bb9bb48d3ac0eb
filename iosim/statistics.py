"""What a finite number of runs can say: intervals over replications, warm-up, and batch means of a single run.

Pure numerics on columns; knows no result and no scenario, needs numpy alone. Sums are `math.fsum` or elementwise
numpy, so that figures are the same to the byte on every processor (numpy's own sums and products of matrices are not).
`student` has the t distribution, `quantiles` quantiles, `regimes` whether a load is carried, `stopping` the rule that ends
a run. Left out: spectral variance.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iosim.student import check_probability, normal_quantile, t_quantile_of_tail

Floats = NDArray[np.float64]

NO_INTERVAL = math.nan  # both ends of an interval that one run, or an unbounded ratio, does not have
WITNESSES = 3  # replications from which they can tell whether a state is still on its way
UNDECIDED = -1  # what `mser5` answers when the series is too short to tell


# --- intervals over replications ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `n` independent values and its two-sided confidence interval.

    Without an interval (`n` < 2, or a ratio that is not bounded) `low` and `high` are NaN; ask `has_interval`.
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def has_interval(self) -> bool:
        """Whether `low` and `high` are numbers."""
        return not math.isnan(self.low)

    @property
    def half_width(self) -> float:
        """Half the interval's width; NaN without an interval."""
        return (self.high - self.low) / 2

    def scaled(self, factor: float) -> "Estimate":
        """The same estimate in another unit; a negative `factor` exchanges the ends."""
        ends = (self.low * factor, self.high * factor)
        return Estimate(self.value * factor, min(ends), max(ends), self.n)


def interval(values: Sequence[float] | Floats, level: float = 0.95) -> Estimate:
    """The mean of one value per replication, with Student's t interval at `level`.

    One value gives no interval. Raises ValueError for no values, or one that is not finite.
    """
    numbers = _finite(values)
    mean, error = _mean_and_error(numbers)
    if len(numbers) < 2:
        return Estimate(mean, NO_INTERVAL, NO_INTERVAL, len(numbers))
    reach = _reach(level, len(numbers) - 1) * error
    return Estimate(mean, mean - reach, mean + reach, len(numbers))


def paired(a: Sequence[float] | Floats, b: Sequence[float] | Floats, level: float = 0.95) -> Estimate:
    """The mean of a[i] - b[i], replication i of both being offered the very same requests, with its t interval.

    Raises ValueError when the lengths differ.
    """
    first, second = _pairs(a, b)
    return interval([x - y for x, y in zip(first, second, strict=True)], level)


def paired_ratio(a: Sequence[float] | Floats, b: Sequence[float] | Floats, level: float = 0.95) -> Estimate:
    """mean(a) / mean(b) over paired replications, with Fieller's interval (exact for normal pairs).

    No interval where Fieller's set is unbounded, that is where mean(b) does not differ from 0 at `level`.
    Raises ValueError when the lengths differ or mean(b) is 0. Source: Fieller (1954).
    """
    first, second = _pairs(a, b)
    n = len(first)
    (mean_a, error_a), (mean_b, error_b) = _mean_and_error(first), _mean_and_error(second)
    if mean_b == 0:
        raise ValueError("a ratio over a mean of 0")
    ratio = mean_a / mean_b
    if n < 2:
        return Estimate(ratio, NO_INTERVAL, NO_INTERVAL, n)
    covariance = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(first, second, strict=True)) / (n - 1) / n
    t2 = _reach(level, n - 1) ** 2
    square, middle = mean_b**2 - t2 * error_b**2, mean_a * mean_b - t2 * covariance
    if square <= 0:
        return Estimate(ratio, NO_INTERVAL, NO_INTERVAL, n)
    root = math.sqrt(max(0.0, middle**2 - square * (mean_a**2 - t2 * error_a**2)))
    return Estimate(ratio, (middle - root) / square, (middle + root) / square, n)


def replications_for(estimate: Estimate, half_width: float) -> int:
    """About how many replications would bring the interval down to `half_width` (same unit), at least those there are.

    Raises ValueError without an interval. The width shrinks with the root of the number; the gain in t is left out.
    """
    if not estimate.has_interval or half_width <= 0:
        raise ValueError("an estimate with an interval and a positive half width are needed")
    return max(estimate.n, math.ceil(estimate.n * (estimate.half_width / half_width) ** 2))


def _reach(level: float, df: int) -> float:
    check_probability(level)
    return t_quantile_of_tail((1 - level) / 2, df)


def _finite(values: Sequence[float] | Floats) -> list[float]:
    numbers = [float(value) for value in values]
    if not numbers:
        raise ValueError("no values, so no mean")
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a mean needs finite values")
    return numbers


def _pairs(a: Sequence[float] | Floats, b: Sequence[float] | Floats) -> tuple[list[float], list[float]]:
    if len(a) != len(b):
        raise ValueError(f"pairs need equal lengths, not {len(a)} and {len(b)}")
    return _finite(a), _finite(b)


def _mean_and_error(numbers: list[float]) -> tuple[float, float]:
    """The mean and its standard error (0 for one number)."""
    n = len(numbers)
    mean = math.fsum(numbers) / n
    if n < 2:
        return mean, 0.0
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in numbers) / (n - 1) / n)


# --- one long series: warm-up and batch means -----------------------------------------------------------------------


def mser5(series: ArrayLike) -> int:
    """How many observations at the front of `series` are warm-up: a multiple of 5, or UNDECIDED.

    Of the truncations d the one with the smallest sum of squares / (m - d)^2 over the remaining m - d of m means of 5;
    ties go to the earliest. The last 5 means are never candidates. UNDECIDED (below 0) when the best truncation lies
    in the second half, or fewer than 10 means exist: the run must be longer. Source: White, Cobb, Spratt (2000).
    """
    values = np.asarray(series, dtype=np.float64)
    m = len(values) // 5
    if m < 10:
        return UNDECIDED
    means = sum((values[k : 5 * m : 5] for k in range(1, 5)), start=values[: 5 * m : 5]) / 5
    best = int(np.argmin(_mser_statistic(means)[: m - 5]))
    return UNDECIDED if best > m // 2 else 5 * best


def _best_in_half(series: Floats) -> int:
    """MSER-5's best truncation of those in the first half; there must be 50 observations."""
    m = len(series) // 5
    means = sum((series[k : 5 * m : 5] for k in range(1, 5)), start=series[: 5 * m : 5]) / 5
    return 5 * int(np.argmin(_mser_statistic(means)[: m // 2 + 1]))


def _halves_differ(rows: Floats) -> bool:
    """Whether the last half surely (99 %) lies above or below the first, each replication being a witness."""
    half = rows.shape[1] // 2
    shift = paired([math.fsum(row[-half:]) for row in rows], [math.fsum(row[:half]) for row in rows], 0.99)
    return shift.low > 0 or shift.high < 0


def _mser_statistic(means: Floats) -> Floats:
    """Sum of squares / (remaining)^2 for every truncation; shifted by the last mean, which keeps the sums small."""
    tail = (means - means[-1])[::-1]
    left = np.arange(1, len(means) + 1, dtype=np.float64)
    squares = np.cumsum(tail**2) - np.cumsum(tail) ** 2 / left
    statistic: Floats = (np.maximum(squares, 0.0) / left**2)[::-1]
    return statistic


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The time until which a run is warm-up, and the state that settles last.

    `ns` is the largest truncation among the states that could be decided; only when `undecided` is empty is it enough.
    """

    ns: int
    slowest: str
    undecided: tuple[str, ...]

    @property
    def decided(self) -> bool:
        """Whether every state had settled in the first half of the run."""
        return not self.undecided


def slowest_warm_up(
    series_by_name: Mapping[str, tuple[ArrayLike, ArrayLike]], rule: Callable[[ArrayLike], int] = mser5
) -> WarmUp:
    """The largest truncation over several states of one system (queues, caches, dirty pages), each (times ns, values).

    Times ascend by equal steps and name the beginning of what the value describes. Values have the shape (times,), or
    (replications, times): then the mean over replications is judged, which settles much more reliably than one run. Where
    nothing settles, the rule's minimum is flat and often lies in the last half by luck (3 of 10 times for a queue at load
    0.5); so with 3 replications or more, a state is undecided only if its last half also surely differs from the first.
    `slowest` is "" when nothing needs a warm-up. Raises ValueError for unequal steps or lengths.
    """
    until, slowest, undecided = 0, "", []
    for name, (times, values) in series_by_name.items():
        instants, states = _equal_steps(name, times, values)
        dropped, rows = rule(states), np.asarray(values, dtype=np.float64)
        if dropped == UNDECIDED and len(states) >= 50 and rows.ndim == 2 and len(rows) >= WITNESSES:
            dropped = UNDECIDED if _halves_differ(rows) else _best_in_half(states)
        if dropped == UNDECIDED:
            undecided.append(name)
        elif dropped > 0 and int(instants[dropped]) > until:
            until, slowest = int(instants[dropped]), name
    return WarmUp(until, slowest, tuple(undecided))


def _equal_steps(name: str, times: ArrayLike, values: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    instants, states = np.asarray(times, dtype=np.int64), np.asarray(values, dtype=np.float64)
    if states.ndim == 2:
        states = states.mean(axis=0)
    if instants.shape != states.shape:
        raise ValueError(f"{name}: {instants.shape} times for {states.shape} values")
    steps = np.diff(instants)
    if len(steps) and (steps[0] <= 0 or np.any(steps != steps[0])):
        raise ValueError(f"{name}: times must ascend by equal steps")
    return instants, states


@dataclass(frozen=True, slots=True)
class BatchMeans:
    """The mean of one long run: `independent` says whether its interval may be used.

    `lag1` is the correlation of neighbouring batches, `limit` what it must stay below.
    """

    estimate: Estimate
    lag1: float
    limit: float

    @property
    def independent(self) -> bool:
        """Whether neighbouring batches differ as strangers do."""
        return self.lag1 < self.limit


def batch_means(series: ArrayLike, batches: int = 20, level: float = 0.95) -> BatchMeans:
    """The mean of a steady series over `batches` (>= 3) equal batches, oldest remainder dropped, with a lag-1 check.

    The batches pass as independent while their lag-1 correlation stays below Anderson's one-sided 5 % point,
    (1.645 sqrt(b - 2) - 1) / (b - 1). Raises ValueError for fewer than two observations a batch.
    Source: Law, Simulation Modeling and Analysis, 9.5.3; Anderson (1942).
    """
    values = np.asarray(series, dtype=np.float64)
    size = len(values) // batches
    if batches < 3 or size < 2:
        raise ValueError(f"{len(values)} observations don't make {batches} batches")
    means = block_means(values, batches)
    lag1 = _lag1(means)
    limit = (normal_quantile(0.95) * math.sqrt(batches - 2) - 1) / (batches - 1)
    return BatchMeans(interval(means, level), lag1, limit)


def block_means(values: Floats, blocks: int) -> list[float]:
    """Means of equal consecutive blocks; what does not fill them is left out at the front."""
    size = len(values) // blocks
    starts = range(len(values) - size * blocks, len(values), size)
    return [math.fsum(values[start : start + size]) / size for start in starts]


def _lag1(means: list[float]) -> float:
    centre = math.fsum(means) / len(means)
    apart = [mean - centre for mean in means]
    square = math.fsum(x * x for x in apart)
    return math.fsum(x * y for x, y in zip(apart[1:], apart[:-1], strict=True)) / square if square > 0 else 0.0
