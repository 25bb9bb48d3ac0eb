"""M/G/1 with classes, the most urgent first (Cobham 1954; White and Christie 1958): numbers 8."""

from collections.abc import Sequence
from itertools import accumulate


def non_preemptive_waits(
    rates: Sequence[float], means: Sequence[float], second_moments: Sequence[float]
) -> tuple[float, ...]:
    """Mean wait of each class, the most urgent first; whoever is being served is served to the end."""
    residual = sum(rate * square for rate, square in zip(rates, second_moments, strict=True)) / 2
    loads = _loads(rates, means)
    return tuple(residual / ((1 - loads[k]) * (1 - loads[k + 1])) for k in range(len(rates)))


def preemptive_times(
    rates: Sequence[float], means: Sequence[float], second_moments: Sequence[float]
) -> tuple[float, ...]:
    """Mean time in the system of each class, the most urgent first; who is interrupted goes on later where he was."""
    halves = [rate * square / 2 for rate, square in zip(rates, second_moments, strict=True)]
    residuals = list(accumulate(halves))
    loads = _loads(rates, means)
    return tuple(
        means[k] / (1 - loads[k]) + residuals[k] / ((1 - loads[k]) * (1 - loads[k + 1])) for k in range(len(rates))
    )


def _loads(rates: Sequence[float], means: Sequence[float]) -> list[float]:
    """Of all classes before each, and of all of them."""
    return list(accumulate((rate * mean for rate, mean in zip(rates, means, strict=True)), initial=0.0))
