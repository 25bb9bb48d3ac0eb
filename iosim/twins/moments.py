"""Mean and second moment of described times, and of their sums: what formulas ask of a service."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from iosim.scenario.distributions import Distribution


@dataclass(frozen=True, slots=True)
class Moments:
    """Of a time in ns. `exponential`: it is exponential, not merely alike."""

    mean: float
    second: float
    exponential: bool = False

    @property
    def fixed(self) -> bool:
        """Whether it is always the same."""
        return abs(self.second - self.mean**2) <= 1e-9 * self.mean**2

    def plus(self, constant: float) -> "Moments":
        """With so much more each time."""
        if not constant:
            return self
        return Moments(self.mean + constant, self.second + 2 * self.mean * constant + constant**2)


NOTHING = Moments(0.0, 0.0)


def moments_of(it: Distribution) -> Moments:
    """Infinite where there is no second moment."""
    mean = it.mean()
    if it.shape == "exponential":
        return Moments(mean, 2 * mean**2, exponential=True)
    return Moments(mean, _second(it))


def _second(it: Distribution) -> float:
    values, numbers = [float(value) for value in it.values], it.numbers
    if it.shape == "fixed":
        return values[0] ** 2
    if it.shape == "uniform":
        low, high = values
        return (low * low + low * high + high * high) / 3
    if it.shape == "lognormal":
        return values[0] ** 2 * math.exp(2 * numbers[0] ** 2)
    if it.shape == "pareto":
        return values[0] ** 2 * numbers[0] / (numbers[0] - 2) if numbers[0] > 2 else math.inf
    if it.shape == "choice":
        return sum(value**2 * weight for value, weight in zip(values, numbers, strict=True))
    points = list(zip(values, numbers, strict=True))
    found = values[0] ** 2 * numbers[0]
    for (low, p), (high, q) in pairwise(points):
        found += (low * low + low * high + high * high) / 3 * (q - p)
    return found


def summed(parts: Iterable[Moments]) -> Moments:
    """Of independent times one after the other."""
    total = NOTHING
    for part in parts:
        if not total.mean:
            total = part
        elif part.mean:
            second = total.second + 2 * total.mean * part.mean + part.second
            total = Moments(total.mean + part.mean, second)
    return total


def mixed(parts: list[tuple[float, Moments]]) -> Moments:
    """Of a time that is each of these with its weight."""
    whole = sum(weight for weight, _ in parts)
    mean = sum(weight * part.mean for weight, part in parts) / whole
    second = sum(weight * part.second for weight, part in parts) / whole
    same = all(part.exponential and part.mean == parts[0][1].mean for _, part in parts)
    return Moments(mean, second, same)
