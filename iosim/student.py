"""Quantiles and tails of the normal and of Student's t, from the standard library alone.

The t quantile is rounded to 12 digits, so that figures are the same to the byte on every processor.
"""

import math
from statistics import NormalDist


def normal_quantile(p: float) -> float:
    """The standard normal's quantile at `p`, 0 < p < 1. Source: Wichura, AS 241 (1988), in the standard library."""
    check_probability(p)
    return NormalDist().inv_cdf(p)


def t_quantile_of_tail(tail: float, df: float) -> float:
    """The t > 0 that Student's t with `df` >= 1 degrees exceeds with probability `tail` (0 < tail < 0.5), to 12 digits.

    Below 1000 degrees Newton's method on the logarithm of the tail over the logarithm of t: the tail is concave there,
    so after at most one overshoot the steps descend to the root. From 1000 on the Cornish-Fisher series in 1/df.
    Source: Abramowitz and Stegun 26.7.1 and 26.7.5.
    """
    if not df >= 1:
        raise ValueError(f"degrees of freedom start at 1, not at {df}")
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


def check_probability(p: float) -> None:
    """Raises ValueError."""
    if not 0 < p < 1:
        raise ValueError(f"a probability between 0 and 1 is needed, not {p}")
