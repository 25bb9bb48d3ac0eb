"""Figures of a run: one number a replication, their mean and its interval."""

import math
from collections.abc import Callable
from typing import Any

from iosim.records import Raw
from iosim.replication import Replication, replication
from iosim.statistics import Estimate, interval

NOTHING: dict[str, Any] = {"value": None, "ci95": None}

Figures = dict[str, Any]


def figure(values: list[float], whole: bool = False) -> Figures:
    """One value a replication to one figure; NaN values (nothing to average) give null."""
    if not values or any(math.isnan(value) for value in values):
        return NOTHING
    return shown(interval(values), whole)


def shown(estimate: Estimate, whole: bool = False) -> Figures:
    """An estimate as the summary shows it."""
    ends = [max(estimate.low, 0.0), estimate.high] if estimate.has_interval else None  # no figure is negative
    value: float = estimate.value
    if whole and float(value).is_integer():
        value = int(value)
    return {"value": value, "ci95": ends}


class Runs:
    """The replications of one scenario, each from its warm-up (ns) to the horizon (ns)."""

    def __init__(self, raws: list[Raw], warm_up: int, horizon: int) -> None:
        self.raws = raws
        self.replications = [replication(raw, warm_up, horizon) for raw in raws]

    def per_replication(self, take: Callable[[Replication], float]) -> Figures:
        """A figure from one number a replication."""
        return figure([take(each) for each in self.replications])

    def mean(self, sample: str) -> Figures:
        """A level over time."""
        return self.per_replication(lambda each: each.mean(sample))

    def rate(self, sample: str) -> Figures:
        """What is counted, per second."""
        return self.per_replication(lambda each: each.per_second(sample))

    def rate_of_some(self, sample: str) -> Figures:
        """The same of what is sampled only where there is something to count."""
        return self.per_replication(lambda each: over(each, sample) / max(each.span, 1) * 1e9)

    def ratio(self, at: str, what: str, to: str) -> Figures:
        """Of two counts of one resource."""
        return self.per_replication(lambda each: each.over(f"{at}.{what}") / max(1, each.over(f"{at}.{to}")))

    def most(self, names: list[str], of: Callable[[list[int]], int] = max) -> Figures:
        """Of whole runs: the largest, or the sum, of these extremes."""
        return figure([float(of([raw.extremes[name] for name in names])) for raw in self.raws])

    def most_of_some(self, extreme: str) -> Figures:
        """Of whole runs: an extreme that not every machine has; 0 where there is none."""
        return figure([float(raw.extremes.get(extreme, 0)) for raw in self.raws])


def over(each: Replication, sample: str) -> int:
    """How much was counted in the window of what is sampled only where there is something to count."""
    return each.over(sample) if sample in each.raw.samples else 0
