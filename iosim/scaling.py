"""How throughput grows with the number of clients, threads or processors: the Universal Scalability Law, fitted.

X(N) = X1 N / (1 + a (N - 1) + b N (N - 1)), a for contention and b for coherence (Gunther). N / X is linear in X1, a and b, so
one weighted least-squares step fits it; a and b are never negative. Every replication is fitted by itself too: their spread
gives the intervals. A peak is named only when b is surely above 0, and nothing is said of more than twice the data.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iosim.statistics import Estimate, interval
from iosim.theory import scalability, scalability_peak

Floats = NDArray[np.float64]

FEWEST = 6  # points
PAST = 2  # of them beyond the largest throughput, or the peak is a guess
REACH = 2.0  # times the largest number: what lies beyond is no business of the fit
UNFIT = 0.01  # chance of a misfit this large if the law were true


@dataclass(frozen=True, slots=True)
class Scalability:
    """A fitted law. `peak` is None where none can be named, and `reason` says why; `misfit` is the chance of so bad a fit."""

    x1: Estimate
    contention: Estimate
    coherence: Estimate
    peak: Estimate | None
    reason: str
    misfit: float
    numbers: tuple[float, ...]

    def at(self, number: float) -> float:
        """Throughput with so many; ValueError beyond twice the data."""
        if number > REACH * max(self.numbers):
            raise ValueError(f"the data end at {max(self.numbers):g}: nothing is said of {number:g}")
        return scalability(number, self.contention.value, self.coherence.value, self.x1.value)


def fit(numbers: Sequence[float], throughputs: ArrayLike) -> Scalability:
    """Fit the law to throughputs of the shape (numbers, replications), of 2 replications or more.

    Raises ValueError for fewer than six numbers.
    """
    sizes = np.asarray(numbers, dtype=np.float64)
    rows = np.asarray(throughputs, dtype=np.float64)
    if len(sizes) < FEWEST:
        raise ValueError(f"{FEWEST} points or more are needed, not {len(sizes)}")
    means = rows.mean(axis=1)
    error = rows.std(axis=1, ddof=1) / math.sqrt(rows.shape[1])
    error = np.maximum(error, 1e-6 * means)  # replications that can't differ are no infinite weight
    weights = means**2 / (sizes * error)  # of N / X, whose error is N dX / X^2
    x1, a, b = _fitted(sizes, means, weights, never_negative=True)
    each = np.array([_fitted(sizes, row, weights, never_negative=False) for row in rows.T])
    spread = [interval(list(column)) for column in each.T]
    misfit = _misfit(sizes, means, error, (x1, a, b))
    found = [_around(value, it) for value, it in zip((x1, a, b), spread, strict=True)]
    peak, reason = _peak(sizes, means, found[1], found[2], spread[2], misfit, each)
    return Scalability(found[0], found[1], found[2], peak, reason, misfit, tuple(float(it) for it in sizes))


def _around(value: float, spread: Estimate) -> Estimate:
    return Estimate(value, value - spread.half_width, value + spread.half_width, spread.n)


def _fitted(sizes: Floats, throughputs: Floats, weights: Floats, *, never_negative: bool) -> tuple[float, float, float]:
    """X1, a, b; of the fits with b, a or both left at 0 the best that is allowed, where negative ones are not."""
    columns = np.stack([np.ones_like(sizes), sizes - 1, sizes * (sizes - 1)], axis=1)
    target = sizes / throughputs
    best: tuple[float, Floats] | None = None
    for kept in ([0, 1, 2], [0, 1], [0, 2], [0]):
        part = np.zeros(3)
        part[kept] = np.linalg.lstsq(columns[:, kept] * weights[:, None], target * weights, rcond=None)[0]
        square = float(np.sum(((columns @ part - target) * weights) ** 2))
        allowed = part[0] > 0 and (part[1:] >= 0).all()
        if allowed and (best is None or square < best[0]):
            best = (square, part)
        if not never_negative:
            best = (square, part)
            break
    assert best is not None  # the last one is the weighted mean of N / X
    first, second, third = best[1]
    return 1 / first, second / first, third / first


def _misfit(sizes: Floats, means: Floats, error: Floats, law: tuple[float, float, float]) -> float:
    """The chance of residuals this large from the replications' noise alone: chi-square by Wilson and Hilferty (1931)."""
    x1, a, b = law
    said = [scalability(n, a, b, x1) for n in sizes]
    residuals = [(mean - it) / e for it, mean, e in zip(said, means, error, strict=True)]
    df = len(sizes) - 3
    z = ((math.fsum(r * r for r in residuals) / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    return 0.5 * math.erfc(z / math.sqrt(2))


def _peak(
    sizes: Floats, means: Floats, a: Estimate, b: Estimate, spread: Estimate, misfit: float, each: Any
) -> tuple[Estimate | None, str]:
    """Where it is fastest, or why that is not said."""
    past = len(sizes) - 1 - int(np.argmax(means))
    if past < PAST:
        return None, f"{past} points lie past the largest throughput, and a peak takes {PAST}"
    if not (spread.low > 0 and b.value > 0):
        return None, "the interval of the coherence touches 0: there may be no peak"
    if misfit < UNFIT:
        return None, "the law does not fit: residuals are larger than replications explain"
    value = scalability_peak(a.value, b.value)
    if value > REACH * sizes.max():
        return None, f"it would lie beyond twice the data, at {value:.4g}"
    own = [scalability_peak(row[1], row[2]) for row in each if row[2] > 0]
    return (_around(value, interval(own)), "") if len(own) == len(each) else (None, "replications disagree on a peak")
