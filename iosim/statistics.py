"""What a finite number of runs can say: intervals, warm-up, regime, and refusals.

Pure numerics on columns; knows no result and no scenario, needs numpy alone. Sums are `math.fsum` or elementwise
numpy, and the t quantile is rounded to 12 digits, so that figures are the same to the byte on every processor (numpy's
own sums and products of matrices are not). `quantiles` has quantiles, `stopping` the rule that ends a run. Left out:
spectral variance.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NO_INTERVAL = math.nan  # both ends of an interval that one run, or an unbounded ratio, does not have
WITNESSES = 3  # replications from which they can tell whether a state is still on its way
UNDECIDED = -1  # what `mser5` answers when the series is too short to tell


# --- quantiles of the normal and of Student's t ---------------------------------------------------------------------


def normal_quantile(p: float) -> float:
    """The standard normal's quantile at `p`, 0 < p < 1. Source: Wichura, AS 241 (1988), in the standard library."""
    _check_probability(p)
    return NormalDist().inv_cdf(p)


def t_quantile(p: float, df: float) -> float:
    """Student's t quantile at `p` (0 < p < 1) for `df` >= 1 degrees of freedom, to 12 digits.

    Below 1000 degrees Newton's method on the logarithm of the tail over the logarithm of t: the tail is concave there,
    so after at most one overshoot the steps descend to the root. From 1000 on the Cornish-Fisher series in 1/df.
    Source: Abramowitz and Stegun 26.7.1 and 26.7.5.
    """
    _check_probability(p)
    if not df >= 1:
        raise ValueError(f"degrees of freedom start at 1, not at {df}")
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -t_quantile_of_tail(p, df)
    return t_quantile_of_tail(1 - p, df)


def t_quantile_of_tail(tail: float, df: float) -> float:
    """The t > 0 that Student's t exceeds with probability `tail` (0 < tail < 0.5), to 12 digits."""
    z = -normal_quantile(tail)
    t = _cornish_fisher(z, df) if df >= 1000 else _newton_on_tail(z, tail, df)
    return float(f"{t:.12g}")


def _newton_on_tail(start: float, tail: float, df: float) -> float:
    t = start
    for _ in range(200):
        here = t_tail(t, df)
        step = math.log(here / tail) * here / (t * _t_density(t, df))
        t *= math.exp(step)
        if abs(step) < 1e-15:
            break
    return t


def _cornish_fisher(z: float, df: float) -> float:
    y = z * z
    terms = (
        (y + 1) / 4,
        ((5 * y + 16) * y + 3) / 96,
        (((3 * y + 19) * y + 17) * y - 15) / 384,
        ((((79 * y + 776) * y + 1482) * y - 1920) * y - 945) / 92160,
    )
    return z * (1 + sum(term / df ** (k + 1) for k, term in enumerate(terms)))


def _t_density(t: float, df: float) -> float:
    log_scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    return math.exp(log_scale - (df + 1) / 2 * math.log1p(t * t / df))


def t_tail(t: float, df: float) -> float:
    """P(T > t) for t > 0: half the incomplete beta function at df / (df + t^2)."""
    a, b = df / 2, 0.5
    x, rest = df / (df + t * t), t * t / (df + t * t)
    if x < (a + 1) / (a + b + 2):
        return _incomplete_beta(x, rest, a, b) / 2
    return 0.5 - _incomplete_beta(rest, x, b, a) / 2


def _incomplete_beta(x: float, rest: float, a: float, b: float) -> float:
    """Regularised I_x(a, b), with rest = 1 - x, for x below its mean: Lentz on the continued fraction DLMF 8.17.22."""
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 1000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            fraction *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return math.exp(a * math.log(x) + b * math.log(rest) - log_beta) * fraction / a


def _check_probability(p: float) -> None:
    if not 0 < p < 1:
        raise ValueError(f"a probability between 0 and 1 is needed, not {p}")


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
    _check_probability(level)
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
    means = _block_means(values, batches)
    lag1 = _lag1(means)
    limit = (normal_quantile(0.95) * math.sqrt(batches - 2) - 1) / (batches - 1)
    return BatchMeans(interval(means, level), lag1, limit)


def _block_means(values: Floats, blocks: int) -> list[float]:
    """Means of equal consecutive blocks; what does not fill them is left out at the front."""
    size = len(values) // blocks
    starts = range(len(values) - size * blocks, len(values), size)
    return [math.fsum(values[start : start + size]) / size for start in starts]


def _lag1(means: list[float]) -> float:
    centre = math.fsum(means) / len(means)
    apart = [mean - centre for mean in means]
    square = math.fsum(x * x for x in apart)
    return math.fsum(x * y for x, y in zip(apart[1:], apart[:-1], strict=True)) / square if square > 0 else 0.0


# --- regime ---------------------------------------------------------------------------------------------------------

Kind = Literal["steady", "unstable", "undecided", "terminating"]

TREND = 8  # replications from which each counts as one slope; fewer are cut into steps
LEFT_BEHIND = 0.01  # of the offered requests: more than this and the load is not carried
RISE = 0.5  # of the mean level: who surely gains more over the window is overloaded
NOT_LOOKED_FOR = Estimate(0.0, NO_INTERVAL, NO_INTERVAL, 0)
CLIMB = 1.0  # of the mean level: who may gain more (2 is a climb from 0) has not shown a level


@dataclass(frozen=True, slots=True)
class Regime:
    """What kind of run it was, and why we think so.

    `growth_per_s`: requests in the system (for `unstable` with a named `resource`: in its queue) gained a second.
    `left_behind`: growth of the system as a share of the offered requests. `resource` is "" unless unstable and known.
    """

    kind: Kind
    resource: str
    growth_per_s: Estimate
    left_behind: Estimate
    reason: str


def regime(
    in_system: ArrayLike,
    offered: float,
    window_ns: int,
    queues: Mapping[str, ArrayLike] | None = None,
    loads: Mapping[str, Sequence[float]] | None = None,
    *,
    terminating: bool = False,
    bounded: bool = False,
    level: float = 0.99,
) -> Regime:
    """Tell a steady run from an overloaded one by the trend of the number in the system over the measured window.

    `in_system` and each of `queues`: mean number present, shape (replications, bins), at least 10 equal bins of the
    window *after* warm-up. `offered`: requests offered in the window, mean over replications. G is the growth over the
    window (see `growth`) with its interval [lo, hi] at `level`; e = G / offered and g = G / mean level.

    - terminating: the caller says that the run ends by itself (a trace, a fixed amount of work); nothing is looked at;
    - unstable, unless the load is `bounded` (closed clients: it can't be): at first by the operational bound, where one of
      `loads` (offered work over capacity by resource, one value a replication) surely exceeds 1.01; then by growth, where
      lo(G) > 0 and (lo(e) > 1 % or lo(g) > 1/2);
    - steady: hi(e) < 1 % and hi(g) <= 1 (so also when the system was empty throughout); with fewer than 8 replications,
      whose wide interval can't bound g, lo(G) <= 0 takes the place of the second;
    - undecided: everything else; a longer window decides.

    The resource is the queue whose own growth has the largest lower bound, if above 0, else what exceeds its bound. A
    system that sheds load (drops) is steady by this rule: its drops are counted elsewhere. An overload below 1 % that
    is lost in noise passes as steady or undecided. Raises ValueError for fewer than 10 bins, nothing offered, or an
    empty window.
    """
    if terminating:
        return Regime("terminating", "", NOT_LOOKED_FOR, NOT_LOOKED_FOR, "the run ends by itself")
    if offered <= 0 or window_ns <= 0:
        raise ValueError("a regime needs offered requests and a window")
    present = _as_rows(in_system)
    gained, mean = growth(present, level), math.fsum(present.flat) / present.size
    kind, reason = _judge(gained, gained.scaled(1 / offered), mean, bounded, len(present) < TREND, level)
    resource, shown = "", gained
    over, load = ("", NOT_LOOKED_FOR) if bounded else _over_capacity(loads or {}, level)
    if over:
        kind, reason = "unstable", f"{over} would need {load.value:.1%} of its time ({load.low:.1%} to {load.high:.1%})"
    if kind == "unstable":
        resource, shown = _fastest_growing(queues or {}, gained, level)
        resource = resource or over
    return Regime(kind, resource, shown.scaled(1e9 / window_ns), gained.scaled(1 / offered), reason)


def growth(series: ArrayLike, level: float = 0.99) -> Estimate:
    """How much a level grew over its window, shape (replications, bins), with an interval at `level`.

    Eight or more replications: least squares slope times bins of each, Student's t over replications. Fewer: the mean
    step between 10 consecutive block means, times 10, over all steps of all replications; a steady level turns back, so
    its steps vary more than their sum and the interval errs on the wide side.
    """
    rows = _as_rows(series)
    bins = rows.shape[1]
    if len(rows) >= TREND:
        place = np.arange(bins) - (bins - 1) / 2
        scale = bins / math.fsum(place * place)
        return interval([scale * math.fsum(row * place) for row in rows], level)
    return interval([10 * step for row in rows for step in np.diff(_block_means(row, 10))], level)


def _judge(gained: Estimate, share: Estimate, mean: float, bounded: bool, few: bool, level: float) -> tuple[Kind, str]:
    grows = gained.low > 0
    text = (
        f"{_percent(share.value)} of the offered requests stayed behind ({level:.0%}: {_percent(share.low)} to"
        f" {_percent(share.high)}; steady below {LEFT_BEHIND:.0%})"
    )
    if grows and not bounded and (share.low > LEFT_BEHIND or gained.low > RISE * mean):
        return "unstable", text
    level_shown = not grows if few else gained.high <= CLIMB * mean
    if share.high < LEFT_BEHIND and level_shown:
        return "steady", text
    longer = max(1.5, (max(share.high, -share.low) / LEFT_BEHIND) ** (2 / 3))  # a steady share falls as window^-1.5
    return "undecided", f"{text}; a window about {longer:.1f} times as long may decide"


def _percent(share: float) -> str:
    text = f"{share:.2%}"
    return "0.00%" if text == "-0.00%" else text


def _over_capacity(loads: Mapping[str, Sequence[float]], level: float) -> tuple[str, Estimate]:
    """The resource whose offered work surely exceeds its capacity by most, and its load; "" when there is none."""
    found = {name: interval(values, level) for name, values in loads.items()}
    surely = [name for name, load in found.items() if load.has_interval and load.low > 1 + LEFT_BEHIND]
    worst = max(surely, key=lambda name: found[name].low, default="")
    return worst, found.get(worst, NOT_LOOKED_FOR)


def _fastest_growing(queues: Mapping[str, ArrayLike], gained: Estimate, level: float) -> tuple[str, Estimate]:
    """The queue with the largest lower bound above 0 and its growth; ("", `gained`) when there is none."""
    name, fastest = "", gained
    for candidate, series in queues.items():
        grew = growth(series, level)
        if grew.low > (fastest.low if name else 0.0):
            name, fastest = candidate, grew
    return name, fastest


def _as_rows(series: ArrayLike) -> Floats:
    rows: Floats = np.atleast_2d(np.asarray(series, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] < 10:
        raise ValueError(f"(replications, at least 10 bins) are needed, not {rows.shape}")
    return rows
