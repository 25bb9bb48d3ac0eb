"""Runs a scenario at values of an unknown, and says how far each replication is from what is asked of it.

Replication r has the same random streams at every value (design 1.3), so its slack is one function of the value: the searches
of planning.py are paired by themselves. Rows are not kept, but histograms whose buckets end exactly at the objectives' bounds.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from iosim.executors import Executor
from iosim.records import Raw
from iosim.replication import ALL, replication
from iosim.running import Task, replicate
from iosim.scenario.expectations import Expectation
from iosim.scenario.loader import Scenario
from iosim.summaries import is_replay, summarize
from iosim.summary import QUANTILES, lookup
from iosim.unknowns import Unknown
from iosim.workload import NEVER

Said = Callable[[int, int, str], None]

FLOOR = 1e-3  # of the bound: a figure below it is as good as there
STATISTICS = {"wait_ns": "wait", "latency_ns": "latency"}


@dataclass(frozen=True, slots=True)
class Point:
    """The scenario at one value: summary, and each replication's slack and throughput."""

    value: float
    document: dict[str, Any]
    slacks: tuple[float, ...]
    throughputs: tuple[float, ...]

    @property
    def steady(self) -> bool:
        """Whether it carries its load, as far as its replications tell."""
        return bool(self.document["regime"]["kind"] != "unstable")

    @property
    def throughput(self) -> float:
        """Requests a second, the mean over replications."""
        return math.fsum(self.throughputs) / len(self.throughputs)

    @property
    def met(self) -> bool:
        """By the mean over replications; overload meets nothing."""
        return self.steady and math.fsum(self.slacks) <= 0

    @property
    def verdict(self) -> str:
        """Of all objectives, by their intervals: the worst counts. Overload has missed them, whatever it was asked."""
        if not self.steady:
            return "missed"
        found = {it["verdict"] for it in self.document["expect"]}
        return next((it for it in ("missed", "undecided") if it in found), "met")


class Bench:
    """Where values are tried. `scenario` expects the objectives and nothing else."""

    def __init__(
        self, scenario: Scenario, unknown: Unknown, executor: Executor, clock: str, seed: int, said: Said
    ) -> None:
        self.scenario = scenario
        self.unknown = unknown
        self.executor = executor
        self.clock = clock
        self.seed = seed
        self.said = said
        self.runs = 0
        self.lean = False
        self.tried: dict[tuple[int | str, int], float] = {}
        self.kept: dict[tuple[int | str, int], Raw] = {}

    @property
    def objectives(self) -> list[Expectation]:
        """What is asked."""
        return list(self.scenario.model.expect)

    def fix_warm_up(self, ns: int) -> None:
        """One cut for every value from now on; with it, rows need not be kept."""
        self.tried.clear()
        if not is_replay(self.scenario):
            self.scenario = self.scenario.with_set({"run.warm_up": f"{ns} ns", "run.rows": False})
            self.lean = True

    def at(self, value: float) -> Scenario:
        """The scenario there; raises WrongInput where it can't be."""
        return self.scenario.with_set(self.unknown.changes(value))

    def points(self, values: Sequence[float], replications: Sequence[int]) -> list[Point]:
        """The scenario at these values, with these replications; those without rows are kept, and not run again."""
        scenarios = [self.at(value) for value in values]
        keys = [(place, (self.unknown.written(value), it)) for place, value in enumerate(values) for it in replications]
        jobs = [(place, key) for place, key in keys if key not in self.kept]
        raws = [
            [self.kept[key] for at, key in keys if at == place and key in self.kept] for place in range(len(values))
        ]
        tasks = [Task(key[1], scenarios[place], self.clock, self.seed) for place, key in jobs]
        found = [
            self._whole(value, it, own, len(replications))
            for value, it, own in zip(values, scenarios, raws, strict=True)
        ]
        for outcome in self.executor.outcomes(replicate, tasks):
            place, key = jobs[outcome.place]
            raws[place].append(outcome.get())
            if self.lean:
                self.kept[key] = outcome.get()
            self._count(f"{self.unknown.name} at {key[0]}")
            found[place] = self._whole(values[place], scenarios[place], raws[place], len(replications))
            if found[place]:
                raws[place] = []  # rows are let go of as soon as they are summed up
        return [point for point in found if point is not None]

    def _whole(self, value: float, scenario: Scenario, raws: list[Raw], count: int) -> Point | None:
        """The point, once all of its replications are there."""
        if len(raws) < count:
            return None
        raws = sorted(raws, key=lambda raw: raw.replication)
        document = summarize(scenario, raws, self.seed)
        warm_up = document["warm_up_ns"]
        slacks = [self._slack(scenario, raw, warm_up) for raw in raws]
        text = self.unknown.written(value)
        self.tried |= {(text, raw.replication): slack for raw, slack in zip(raws, slacks, strict=True)}
        horizon = NEVER if is_replay(scenario) else raws[0].horizon
        through = [replication(raw, warm_up, horizon).throughput(ALL) for raw in raws]
        return Point(value, document, tuple(slacks), tuple(through))

    def slacks(self, pairs: Sequence[tuple[int, float]]) -> list[float]:
        """Of one replication at one value each."""
        keys = [(self.unknown.written(value), number) for number, value in pairs]
        missing = {key: value for key, (_, value) in zip(keys, pairs, strict=True) if key not in self.tried}
        scenarios = {text: self.at(value) for (text, _), value in missing.items()}
        order = list(missing)
        tasks = [Task(number, scenarios[text], self.clock, self.seed) for text, number in order]
        for outcome in self.executor.outcomes(replicate, tasks):
            text, _ = key = order[outcome.place]
            raw = outcome.get()
            warm_up = scenarios[text].model.run.warm_up or 0
            self.tried[key] = self._slack(scenarios[text], raw, -(-warm_up // raw.bin_ns) * raw.bin_ns)
            self._count(f"replication {key[1]} at {text}")
        return [self.tried[key] for key in keys]

    def _slack(self, scenario: Scenario, raw: Raw, warm_up: int) -> float:
        return max(_slack(it, figure_of(scenario, raw, warm_up, it.figure)) for it in self.objectives)

    def _count(self, what: str) -> None:
        self.runs += 1
        self.said(self.runs, 0, what)


def _slack(objective: Expectation, value: float | None) -> float:
    """Logarithm of the figure over its bound (their difference around 0), positive where it is missed."""
    if value is None or math.isnan(value):
        return math.inf
    bound = objective.bound
    apart = math.log(max(value, FLOOR * bound) / bound) if bound > 0 else value - bound
    return apart if objective.operator.startswith("<") else -apart


def figure_of(scenario: Scenario, raw: Raw, warm_up: int, path: str) -> float | None:
    """What one replication alone gives; None where it has no such figure.

    Quantiles that one replication could not be trusted with are given all the same: what is trusted is the spread of many.
    """
    *before, last = path.split(".")
    column = STATISTICS.get(before[-1]) if before else None
    if column is None:
        found = lookup(summarize(scenario, [raw], 0), path)["value"]
        return None if found is None else float(found)
    it = replication(raw, warm_up, NEVER if is_replay(scenario) else raw.horizon)
    group = raw.classes.index(before[1]) if before[0] == "classes" else ALL
    if not it.count(group):
        return None
    if last in QUANTILES:
        return float(it.sample(column, group).quantile(QUANTILES[last]))
    return it.mean_of(column, group) if last == "mean" else it.largest_of(column, group)


def together(point: Point, objectives: Sequence[Expectation]) -> float:
    """The slack of all replications together: of means over them and of quantiles of all their requests.

    Mean slacks would be biased, as the logarithm of a noisy figure is; they serve where the summary refuses a figure.
    """
    found = [lookup(point.document, it.figure)["value"] for it in objectives]
    if any(value is None for value in found) or not point.steady:
        return mean_slack(point)
    return max(_slack(it, value) for it, value in zip(objectives, found, strict=True))


def mean_slack(point: Point) -> float:
    """How far it is from the objective on average."""
    return math.fsum(point.slacks) / len(point.slacks)
