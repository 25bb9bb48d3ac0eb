"""Chance with names: raw bits of a counter-based generator, turned into integers by our own pinned transforms.

A draw is addressed, not taken in turn: `variate.value(index)` depends on (seed, replication, name, index) and on nothing
else, so two designs are offered the very same requests and a device added leaves every other draw alone (design 1.3).
The bits are Philox-4x64 (Salmon et al. 2011), which numpy promises to keep. The transforms use only + - * /, comparison,
table look-up and frexp/ldexp/sqrt, which IEEE 754 fixes to the last bit on every machine; numpy's own log and exp are
not so fixed. They work on a block at a time and hand on an array of 64-bit integers.
"""

import hashlib
from array import array
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from iosim.units import PAGE
from iosim.variates import Drawn, Supply, Variate

Floats = np.ndarray[Any, np.dtype[np.float64]]
Transform = Callable[[Floats], Floats]

BLOCK_BITS = 12  # an open source draws 4,096 at a time
CLIENT_BITS = 6  # a closed client draws 64 iterations at a time
LARGEST = float(2**53)  # ns: 104 days; a longer draw is cut, so that sums stay far below 2^63


class Draws(Supply):
    """Blocks of a stream's raw bits, turned into whole numbers by a pinned transform."""

    def __init__(self, key: "StreamKey", transform: Transform) -> None:
        self.key = key
        self.transform = transform

    def block(self, number: int, bits: int) -> "array[int]":
        """The 2^bits numbers of a block, rounded, none above LARGEST."""
        drawn = self.transform(self.key.uniforms(number, bits))
        return array("q", np.rint(np.minimum(drawn, LARGEST)).astype(np.int64).tobytes())


class StreamKey:
    """The name of a stream of raw bits: (seed, replication, name), hashed to the generator's 128-bit key."""

    def __init__(self, seed: int, replication: int, name: str) -> None:
        digest = hashlib.sha256(f"{seed}/{replication}/{name}".encode()).digest()
        self.key = int.from_bytes(
            digest[:16], "little"
        )  # not two words: numpy takes a mixed list for floats and rounds

    def uniforms(self, block: int, bits: int) -> Floats:
        """2^bits numbers strictly between 0 and 1, multiples of 2^-53, of block number `block`."""
        counter = block << (bits - 2)  # four words a count
        raw = np.random.Philox(key=self.key, counter=counter).random_raw(1 << bits)
        uniforms: Floats = ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
        return uniforms


def _exact_table(function: Callable[[Decimal], Decimal], points: list[Decimal]) -> Floats:
    with localcontext() as context:
        context.prec = 40
        return np.array([float(function(point)) for point in points])


# log(m) for m in [1/2, 1): m = c (1 + r) with c one of 128 midpoints, so |r| < 1/256 and six terms of the series do.
_MIDPOINTS = [Decimal(2 * k + 257) / 512 for k in range(128)]
_LOG_TABLE = _exact_table(lambda c: c.ln(), _MIDPOINTS)
_CENTRES = _exact_table(lambda c: c, _MIDPOINTS)
_LN2 = 0.6931471805599453
# exp(x) = 2^k exp(j/128 ln 2) exp(s), |s| < ln2/256.
_EXP_TABLE = _exact_table(lambda j: (j * Decimal(2).ln() / 128).exp(), [Decimal(j) for j in range(128)])
_STEP = 0.0054152123481245725  # ln(2) / 128
_STEP_TAIL = 1.8117553221731575e-19  # the rest of ln(2) / 128


def log(x: Floats) -> Floats:
    """Natural logarithm of positive numbers, the same bits on every machine (error below 2e-16 relative to 1)."""
    mantissa, exponent = np.frexp(x)
    entry = (mantissa * 256.0).astype(np.int64) - 128
    centre = _CENTRES[entry]
    r = (mantissa - centre) / centre
    series = r * (1.0 - r * (0.5 - r * (1.0 / 3.0 - r * (0.25 - r * (0.2 - r * (1.0 / 6.0))))))
    return exponent * _LN2 + (_LOG_TABLE[entry] + series)


def exp(x: Floats) -> Floats:
    """Exponential, the same bits on every machine; x between -700 and 700."""
    steps = np.rint(x / _STEP)
    s = (x - steps * _STEP) - steps * _STEP_TAIL
    series = 1.0 + s * (1.0 + s * (0.5 + s * (1.0 / 6.0 + s * (1.0 / 24.0 + s * (1.0 / 120.0)))))
    whole = steps.astype(np.int64)
    result: Floats = np.ldexp(_EXP_TABLE[whole & 127] * series, (whole >> 7).astype(np.int32))
    return result


def _polynomial(coefficients: tuple[float, ...], x: Floats) -> Floats:
    result = np.zeros_like(x)
    for coefficient in coefficients:
        result = result * x + coefficient
    return result


# Wichura 1988, algorithm AS 241 (PPND16), highest power first.
_A = (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
      13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608)  # fmt: skip
_B = (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
      5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0)  # fmt: skip
_C = (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
      3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734)  # fmt: skip
_D = (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
      0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0)  # fmt: skip
_E = (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
      0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772)  # fmt: skip
_F = (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
      0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0)  # fmt: skip


def normal(u: Floats) -> Floats:
    """Standard normal by inversion (Wichura 1988, AS 241)."""
    q = u - 0.5
    centre = q * _polynomial(_A, 0.180625 - q * q) / _polynomial(_B, 0.180625 - q * q)
    r = np.sqrt(-log(np.minimum(u, 1.0 - u)))
    near = _polynomial(_C, r - 1.6) / _polynomial(_D, r - 1.6)
    far = _polynomial(_E, r - 5.0) / _polynomial(_F, r - 5.0)
    tail = np.where(r <= 5.0, near, far)
    return np.where(np.abs(q) <= 0.425, centre, np.where(q < 0.0, -tail, tail))


def exponential(mean: float) -> Transform:
    """Exponential with this mean."""
    return lambda u: -mean * log(u)


def uniform(low: float, high: float) -> Transform:
    """Uniform between low and high."""
    return lambda u: low + (high - low) * u


def whole(count: int, unit: int = 1) -> Transform:
    """One of 0, unit, ..., (count - 1) * unit, all as likely."""
    return lambda u: np.floor(u * count) * float(unit)


def random_page(size: int, most: int) -> Transform:
    """The start of any page of a file of `size` bytes that leaves room for `most` of them."""
    return whole(max(1, (size - most) // PAGE + 1), PAGE)


def lognormal(median: float, sigma: float) -> Transform:
    """Log-normal by its median and the standard deviation of its logarithm."""
    return lambda u: median * exp(sigma * normal(u))


def pareto(scale: float, shape: float) -> Transform:
    """Pareto: scale * u^(-1/shape), never below scale."""
    return lambda u: scale * exp(np.minimum(-log(u) / shape, 600.0))


def table(values: list[float], cumulative: list[float]) -> Transform:
    """One of `values`; `cumulative` rises to 1 (discrete, empirical step distribution)."""
    steps, bounds = np.array(values, dtype=np.float64), np.array(cumulative[:-1], dtype=np.float64)
    return lambda u: steps[np.searchsorted(bounds, u, side="right")]


class Streams:
    """All the chance of one run: `streams.open(name, transform)` for open sources, `streams.closed(...)` for clients."""

    def __init__(self, seed: int, replication: int) -> None:
        self.seed = seed
        self.replication = replication

    def open(self, name: str, transform: Transform) -> Variate:
        """Addressed by ordinal; 16 blocks of 4,096 are kept."""
        return Drawn(self._draws(name, transform), BLOCK_BITS, 16)

    def closed(self, name: str, transform: Transform, clients: int) -> Variate:
        """Addressed by `client << CLIENT_SHIFT | iteration` (variates.py)."""
        return Drawn(self._draws(name, transform), CLIENT_BITS, 2 * clients + 2)

    def _draws(self, name: str, transform: Transform) -> Draws:
        return Draws(StreamKey(self.seed, self.replication, name), transform)


def empirical(values: list[float], cumulative: list[float]) -> Transform:
    """Straight lines between the points (value, share of values up to it); the first value has its share to itself."""
    points, shares = np.array(values, dtype=np.float64), np.array(cumulative, dtype=np.float64)

    def invert(u: Floats) -> Floats:
        upper = np.searchsorted(shares, u, side="left")
        lower = np.maximum(upper - 1, 0)
        span = np.where(upper > 0, shares[upper] - shares[lower], 1.0)
        return points[lower] + (points[upper] - points[lower]) * ((u - shares[lower]) / span)

    return invert
