"""What a summary tells of requests (design 2.2), who waited behind whom, and the regime; of resources: resource_figures.py.

Requests that count are those whose intended arrival lies after the warm-up and before the horizon. Every figure is first
taken of each replication alone; the value is the mean over replications and `ci95` Student's interval around it (null for
one replication). Quantiles and maxima are those of all replications' requests together; a quantile's interval takes 10
replications, and a maximum, which grows with the run, has none. A quantile that the sample can't carry is null, and
`refused` names the length it takes (`quantiles` has the rules). Times are ns.
"""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from iosim.attribution import CAUSES, DROPPED
from iosim.quantiles import ascending
from iosim.records import Raw
from iosim.regimes import Regime, regime
from iosim.replication import ALL, ENDS, FromRows, Replication
from iosim.run_figures import NOTHING, Figures, Runs, figure, over, shown
from iosim.samples import Sample, named
from iosim.statistics import WarmUp, batch_means, slowest_warm_up
from iosim.thread import KINDS
from iosim.units import format_time
from iosim.workload import NEVER

SCHEMA_VERSION = 1
BATCHES = 20
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}


def find_warm_up(raws: list[Raw]) -> WarmUp:
    """MSER-5 on states averaged over replications (never on latency); the slowest decides.

    States: the number in the system, completions, every port's queue, and misses of every cache, which fall as it fills.
    A disk's queue is part of the number in the system; its own noise would only cut more. Completions tell where the number
    can't: closed clients are always in the system. A queue that holds less than a tenth of the system's requests has no
    say, nor has a cache with less than a miss a step: where its few bursts fall tells nothing of a warm-up. Dirty pages
    come and go with the lazy writer's scans and never settle.
    """
    step = raws[0].bin_ns
    steps = min(min(len(raw.samples["time"]) for raw in raws) - 1, raws[0].horizon // step)
    series: dict[str, Any] = {}
    for name in filter(_is_state, raws[0].samples):
        rows = [np.diff(np.frombuffer(raw.samples[name], dtype=np.int64)[: steps + 1]) / step for raw in raws]
        series[name] = np.array(rows)
    least = series["in_system"].mean() / 10
    judged = {"completed": series.pop("completed")}
    for name, rows in series.items():
        enough = 1 / step if name.endswith(".misses") else least
        if rows.mean() >= enough:
            judged[name] = rows
    times = np.arange(steps) * step
    return slowest_warm_up({name: (times, rows) for name, rows in judged.items()})


def _is_state(sample: str) -> bool:
    return sample in ("in_system", "completed") or sample.endswith((".depth", ".misses"))


class Summarizer(Runs):
    """Turns replications into the summary; collects warnings on the way."""

    def __init__(self, raws: list[Raw], warm_up: int, terminating: bool) -> None:
        super().__init__(raws, warm_up, NEVER if terminating else raws[0].horizon)
        self.terminating = terminating
        self.warnings: list[str] = []
        self.batch_means: dict[str, Figures] = {}  # of one replication's means, by path
        self.refused: dict[str, str] = {}  # figures that are null, and what they take
        self.classes = raws[0].classes

    # ---- requests ------------------------------------------------------------------------------------------------

    def distribution(self, column: str, where: str, group: int) -> Figures:
        """Mean, quantiles and maximum of latencies or waits of a class."""
        samples = [each.sample(column, group) for each in self.replications]
        found: Figures = {"mean": self._mean(column, where, group)}
        if all(map(len, samples)):
            for name, q in QUANTILES.items():
                found[name], times = self._quantile(samples, q)
                if times:
                    self.refused[f"{where}.{name}"] = self._longer(times)
            ends = ascending([found[name]["ci95"] for name in QUANTILES])
            for name, it in zip(QUANTILES, ends, strict=True):
                found[name] = {**found[name], "ci95": it and [*it]}
        else:
            found.update(dict.fromkeys(QUANTILES, NOTHING))
        largest = [each.largest_of(column, group) for each in self.replications]
        found["max"] = NOTHING if any(map(math.isnan, largest)) else {"value": max(largest), "ci95": None}
        return found

    def _quantile(self, samples: list[Sample], q: float) -> tuple[Figures, float]:
        """The figure, and 0; or null and how many times as long a run it takes.

        A path that ends by itself is what was asked for: its own requests are no sample of others.
        """
        estimate, times = named(samples, q, clustered=not self.terminating)
        return shown(estimate) if estimate else NOTHING, times

    def refusals(self) -> list[str]:
        """One line for all quantiles that are left out, with what the one that needs most of all requests' takes."""
        if not self.refused:
            return []
        by_column: dict[str, list[str]] = {}
        for path in self.refused:
            column, _, name = path.rpartition(".")
            if len(self.classes) == 1 and column.startswith("classes."):
                continue  # it would say the same again
            by_column.setdefault(column, []).append(name)
        told = "; ".join(f"{column} {', '.join(names)}" for column, names in by_column.items())
        first = next(iter(by_column))
        last = f"{first}.{by_column[first][-1]}"
        return [f"too few independent requests lie beyond {told}: {last} takes {self.refused[last]}"]

    def _longer(self, times: float) -> str:
        """What a run `times` as long would be: of the time measured, or of replications."""
        runs = len(self.replications)
        if self.terminating:
            return f"{times:.1f} times as many requests"
        ns = self.replications[0].seconds * times * 1e9
        grain = 10 ** max(0, int(math.log10(ns)) - 1)  # two digits are plenty
        length = format_time(math.ceil(ns / grain) * grain)
        return f"{length} measured in each replication, or {math.ceil(runs * times)} replications"

    def _mean(self, column: str, where: str, group: int) -> Figures:
        """One replication's mean has the interval of its batch means, if its batches pass as independent."""
        found = figure([each.mean_of(column, group) for each in self.replications])
        only = self.replications[0]
        if len(self.replications) > 1 or self.terminating or not isinstance(only, FromRows) or only.count(group) < 400:
            return found
        batches = batch_means(only.column(column, group), BATCHES)
        path = f"{where}.mean"
        lags = {"batches": BATCHES, "lag1": batches.lag1, "limit": batches.limit, "independent": batches.independent}
        self.batch_means[path] = lags
        if batches.independent:
            return {**found, "ci95": shown(batches.estimate)["ci95"]}
        lag = f"neighbouring batches are alike (lag 1: {batches.lag1:.2f}, limit {batches.limit:.2f})"
        self.warnings.append(f"{path} has no interval: {lag}; a longer run, or 2 replications or more")
        return found

    def out_of_order(self, name: str) -> Figures:
        """Share of a closed class's requests that ended before an earlier one of their client's."""
        return self.per_replication(lambda each: self._overtaking(each, f"classes.{name}"))

    def _overtaking(self, each: Replication, at: str) -> float:
        if f"{at}.overtook" not in each.raw.samples:
            return 0.0  # one request at a time
        return each.over(f"{at}.overtook") / max(1, each.over(f"{at}.answered"))

    def requests(self, group: int) -> Figures:
        """How many were offered and how they ended, summed over replications."""
        counts = {name: sum(each.ended_as(group, end) for each in self.replications) for name, end in ENDS.items()}
        left = sum(each.left_of(group) for each in self.replications)
        return {"offered": sum(counts.values()) + left, **counts, "in_flight": left}

    def throughput(self, group: int) -> Figures:
        """Requests that ended in the window, per second of it."""
        return self.per_replication(lambda each: each.throughput(group))

    def causes(self, group: int) -> Figures:
        """Mean ns a request by cause."""
        groups = range(len(self.classes)) if group == ALL else [group]
        means = []
        for each in self.replications:
            sums = np.sum([each.causes(number) for number in groups], axis=0)
            means.append(sums / max(1, each.count(group)))
        return {name: figure([float(mean[cause]) for mean in means]) for cause, name in enumerate(CAUSES)}

    def slack(self, group: int) -> Figures:
        """Mean ns a request by which parallel parts of it (of striped volumes, split transfers) ended before the last one."""
        names = self.classes if group == ALL else [self.classes[group]]
        return self.per_replication(
            lambda each: sum(over(each, f"classes.{name}.slack") for name in names) / max(1, each.count(group))
        )

    def request_figures(self, prefix: str, group: int) -> Figures:
        """Everything that is told of a class, or of all."""
        return {
            "requests": self.requests(group),
            "throughput_per_s": self.throughput(group),
            "latency_ns": self.distribution("latency", f"{prefix}latency_ns", group),
            "wait_ns": self.distribution("wait", f"{prefix}wait_ns", group),
            "latency_causes_ns": self.causes(group),
            "slack_ns": self.slack(group),
        }

    # ---- who waited behind whom ----------------------------------------------------------------------------------

    def head_of_line(self) -> Figures:
        """Mean ns that a class's requests waited at a resource behind *longer* requests of other classes."""
        found: Figures = {}
        resources = self.raws[0].resources
        for name in dict.fromkeys(resources):  # threads that take batches share one name
            numbers = [number for number, other in enumerate(resources) if other == name]
            per_class = {
                label: figure([self._behind_longer(each, numbers, group) for each in self.replications])
                for group, label in enumerate(self.classes)
            }
            if any(each["value"] for each in per_class.values()):
                found[name] = per_class
        return found

    def _behind_longer(self, each: Replication, numbers: list[int], group: int) -> float:
        raw = each.raw
        groups = range(len(self.classes))
        areas = [sum(raw.hold_area[number][other] for number in numbers) for other in groups]
        holds = [sum(raw.holds[number][other] for number in numbers) for other in groups]
        means = [area / max(1, n) for area, n in zip(areas, holds, strict=True)]
        row = sum(each.behind(number)[group] for number in numbers)
        longer = sum(int(row[other]) for other in groups if means[other] > means[group])
        return longer / max(1, each.count(group))

    # ---- regime --------------------------------------------------------------------------------------------------

    def regime(self, closed: bool) -> Regime:
        """Steady, unstable, undecided or terminating (regimes.py has the rule)."""
        if self.terminating:
            return regime([], 1.0, 1, terminating=True)
        present, queues = self._late_levels("in_system"), {}
        for name in self.raws[0].samples:
            if name.endswith((".depth", ".waiting")):
                queues[name.rsplit(".", 1)[0]] = self._late_levels(name)
        late = present.shape[1] * self.raws[0].bin_ns
        whole = min(each.span for each in self.replications)
        offered = sum(self._offered(each) for each in self.replications) / len(self.replications) * late / max(whole, 1)
        return regime(present, max(offered, 1e-9), late, queues, self._loads(), bounded=closed)

    def _offered(self, each: Replication) -> int:
        return each.count(ALL) + each.ended_as(ALL, DROPPED) + each.raw.in_flight

    def _loads(self) -> dict[str, list[float]]:
        """Work offered to the processors over what they can do (utilization law): their use times offered over ended.

        Not of drives: a busy drive of many channels may have room for more.
        """
        found = []
        for each in self.replications:
            total = sum(each.over(f"processors.{kind}") for kind in KINDS) or 1
            excess = self._offered(each) / max(1.0, each.throughput(ALL) * each.seconds)
            found.append((1 - each.over("processors.idle") / total) * excess)
        return {"processors": found}

    def _late_levels(self, name: str) -> Any:
        """Mean level in each step of the run's last half (or of the window, if that is shorter)."""
        half = self.raws[0].horizon // 2 // self.raws[0].bin_ns
        levels = [each.levels(name)[max(0, half - each.first) :] for each in self.replications]
        shortest = min(len(level) for level in levels)
        return np.array([level[:shortest] for level in levels])


def fingerprint(raws: list[Raw]) -> str:
    """SHA-256 over the events of every replication: their number, the last one's time, and the clock's digest of all.

    What was kept of the run (rows, histograms, causes, waits, timelines) plays no part.
    """
    lines = (f"{raw.replication}:{raw.events}:{raw.end_ns}:{raw.digest};" for raw in raws)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def lookup(summary: Mapping[str, Any], path: str) -> Figures:
    """The figure at a path of the summary, as {"value", "ci95"}; KeyError where there is none."""
    found: Any = summary
    for part in path.split("."):
        found = found[part]
    return found if isinstance(found, dict) else {"value": found, "ci95": None}
