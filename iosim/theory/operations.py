"""What holds whatever the distributions are: operational bounds (Denning and Buzen 1978), and scalability (Gunther)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that resources can carry: `rate` requests a unit of time, `bottleneck` first; `alone` is a request's time.

    `order` has every resource with the rate at which it is full, the narrowest first.
    """

    rate: float
    bottleneck: str
    alone: float
    order: tuple[tuple[str, float], ...]

    def knee(self, think: float = 0.0) -> float:
        """N*: the number of closed clients beyond which some surely wait."""
        return (think + self.alone) * self.rate

    def throughput(self, clients: float, think: float = 0.0) -> float:
        """The most that so many closed clients get."""
        return min(self.rate, clients / (think + self.alone)) if think + self.alone else self.rate


def bounds(demands: Mapping[str, float], servers: Mapping[str, int], alone: float | None = None) -> Bounds:
    """From a request's service demand at each resource and how many servers that has.

    `alone`: a request's time without any other; left out, it is at one resource after the other. X <= min over resources of
    servers / demand. Without any demand nothing is a bound: the rate is infinite.
    """
    full = [(name, servers[name] / demand) for name, demand in demands.items() if demand > 0]
    order = tuple(sorted(full, key=lambda it: it[1]))
    time = sum(demands.values()) if alone is None else alone
    return Bounds(order[0][1], order[0][0], time, order) if order else Bounds(math.inf, "", time, ())


def scalability(number: float, contention: float, coherence: float, alone: float = 1.0) -> float:
    """Universal Scalability Law: the speed of so many together, where one `alone` has that speed."""
    return alone * number / (1 + contention * (number - 1) + coherence * number * (number - 1))


def scalability_peak(contention: float, coherence: float) -> float:
    """The number that is fastest; infinite where `coherence` is 0. Where one is in another's way from the start, 0."""
    return math.sqrt(max(0.0, 1 - contention) / coherence) if coherence > 0 else math.inf
