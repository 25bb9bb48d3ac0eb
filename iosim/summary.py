"""From the raw records of a scenario's replications to its summary (design 2.2): figures with intervals, regime, verdicts.

Requests that count are those whose intended arrival lies after the warm-up and before the horizon. Every figure is first
taken of each replication alone; the value is the mean over replications and `ci95` Student's interval around it (null for
one replication). A quantile that the pooled sample can't carry is null, with a warning that names the length it takes.
Times are ns.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from iosim.attribution import CAUSES, COMPLETED
from iosim.machine import Raw
from iosim.processor import KINDS
from iosim.statistics import (
    Estimate,
    Regime,
    WarmUp,
    batch_means,
    interval,
    quantile_of_column,
    quantile_refusal,
    regime,
    slowest_warm_up,
)
from iosim.workload import NEVER

SCHEMA_VERSION = 1
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}

Figures = dict[str, Any]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


class Replication:
    """One replication's records, cut to its measured window [warm_up, horizon)."""

    def __init__(self, raw: Raw, warm_up: int, horizon: int) -> None:
        self.raw = raw
        self.warm_up = warm_up
        columns = {name: np.frombuffer(column, dtype=np.int64) for name, column in raw.columns.items()}
        counted = columns["intended"] >= warm_up
        self.group = columns["group"][counted]
        self.latency = (columns["ended"] - columns["intended"])[counted]
        self.wait = (columns["began"] - columns["intended"])[counted]
        self.status = columns["status"][counted]
        ended = columns["ended"]
        self.end = min(horizon, raw.end_ns)
        self.ended_group = columns["group"][(ended >= warm_up) & (ended < max(self.end, 1))]
        if horizon == NEVER or raw.end_ns < horizon:
            self.ended_group = columns["group"][ended >= warm_up]
        self.times = np.frombuffer(raw.samples["time"], dtype=np.int64)
        self.first = int(np.searchsorted(self.times, warm_up, side="right")) - 1
        self.last = max(self.first + 1, int(np.searchsorted(self.times, self.end, side="left")))
        self.last = min(self.last, len(self.times) - 1)
        self.span = int(self.times[self.last] - self.times[self.first])
        self.seconds = max(self.end - warm_up, 1) / 1e9

    def over(self, name: str) -> int:
        """A sampled figure's change over the window."""
        row = self.raw.samples[name]
        return int(row[self.last] - row[self.first])

    def mean(self, name: str) -> float:
        """A sampled integral's time average over the window."""
        return self.over(name) / max(self.span, 1)

    def levels(self, name: str) -> "Floats":
        """Mean level in each equal step of the window."""
        row = np.frombuffer(self.raw.samples[name], dtype=np.int64)
        levels: Floats = np.diff(row[self.first : self.last + 1]) / np.diff(self.times[self.first : self.last + 1])
        return levels

    def causes(self, group: int) -> "Ints":
        """Summed ns by cause of the class's requests that count (and, bin by bin, of those that did not end)."""
        first = self.warm_up // self.raw.bin_ns
        sums: Ints = np.sum(np.array(self.raw.ledgers[group][first:], dtype=np.int64), axis=0)
        return sums


def find_warm_up(raws: list[Raw]) -> WarmUp:
    """MSER-5 on the number in the system, the completions and every port's queue, averaged over replications.

    The slowest decides. Completions tell where the number can't: closed clients are always in the system. A queue that
    holds less than a tenth of the system's requests has no say: it is empty but for a few bursts, and where those fall
    tells nothing of a warm-up.
    """
    step = raws[0].bin_ns
    steps = min(min(len(raw.samples["time"]) for raw in raws) - 1, raws[0].horizon // step)
    names = [
        "in_system",
        "completed",
        *(name for name in raws[0].samples if name.startswith("ports.") and name.endswith(".depth")),
    ]
    series: dict[str, Any] = {}
    for name in names:
        rows = [np.diff(np.frombuffer(raw.samples[name], dtype=np.int64)[: steps + 1]) / step for raw in raws]
        series[name] = np.array(rows)
    least = series["in_system"].mean() / 10
    times = np.arange(steps) * step
    judged = {name: (times, rows) for name, rows in series.items() if name == "completed" or rows.mean() >= least}
    return slowest_warm_up(judged)


def figure(values: list[float], whole: bool = False) -> Figures:
    """One value a replication to one figure; NaN values (nothing to average) give null."""
    if not values or any(math.isnan(value) for value in values):
        return {"value": None, "ci95": None}
    return shown(interval(values), whole)


def shown(estimate: Estimate, whole: bool = False) -> Figures:
    """An estimate as the summary shows it."""
    ends = [estimate.low, estimate.high] if estimate.has_interval else None
    value: float = estimate.value
    if whole and float(value).is_integer():
        value = int(value)
    return {"value": value, "ci95": ends}


class Summarizer:
    """Turns replications into the summary; collects warnings on the way."""

    def __init__(self, raws: list[Raw], warm_up: int, terminating: bool) -> None:
        self.raws = raws
        self.horizon = NEVER if terminating else raws[0].horizon
        self.terminating = terminating
        self.replications = [Replication(raw, warm_up, self.horizon) for raw in raws]
        self.warnings: list[str] = []
        self.classes = raws[0].classes

    def per_replication(self, take: Callable[[Replication], float]) -> Figures:
        """A figure from one number a replication."""
        return figure([take(each) for each in self.replications])

    # ---- requests ------------------------------------------------------------------------------------------------

    def distribution(self, column: str, where: str, group: int) -> Figures:
        """Mean, quantiles and maximum of latencies or waits of a class (-1: all)."""
        samples = [self.values(each, column, group) for each in self.replications]
        pooled = sum(len(sample) for sample in samples)
        found: Figures = {"mean": self._mean(samples)}
        for name, q in QUANTILES.items():
            needed = quantile_refusal(pooled, q)
            if needed or any(not len(sample) for sample in samples):
                found[name] = {"value": None, "ci95": None}
                if needed and pooled:
                    self.warnings.append(f"{where}.{name}: {pooled} requests can't carry it; {needed} are needed")
            else:
                found[name] = figure([float(quantile_of_column(sample, q)) for sample in samples])
        found["max"] = figure([float(sample.max()) if len(sample) else math.nan for sample in samples])
        return found

    def _mean(self, samples: list[Any]) -> Figures:
        found = figure([float(sample.mean()) if len(sample) else math.nan for sample in samples])
        if len(samples) == 1 and len(samples[0]) >= 400:
            batches = batch_means(samples[0])
            found["ci95"] = [batches.estimate.low, batches.estimate.high]
        return found

    def values(self, each: Replication, column: str, group: int) -> Any:
        """A column of the requests that count, of one class (-1: all)."""
        values = getattr(each, column)
        return values if group < 0 else values[each.group == group]

    def requests(self, group: int) -> Figures:
        """How many were offered and how they ended, summed over replications; `group` -1: all classes."""
        ended = [self.values(each, "status", group) for each in self.replications]
        counts = {name: int(sum((status == code).sum() for status in ended)) for code, name in enumerate(ENDS)}
        left = sum(raw.in_flight for raw in self.raws) if group < 0 else 0
        return {"offered": sum(len(status) for status in ended) + left, **counts, "in_flight": left}

    def throughput(self, group: int) -> Figures:
        """Requests that ended in the window, per second of it."""
        return self.per_replication(
            lambda each: float(
                len(each.ended_group) if group < 0 else (each.ended_group == group).sum()
            ) / each.seconds
        )  # fmt: skip

    def causes(self, group: int) -> Figures:
        """Mean ns a request by cause."""
        groups = range(len(self.classes)) if group < 0 else [group]
        means = []
        for each in self.replications:
            count = max(1, len(self.values(each, "latency", group)))
            means.append(np.sum([each.causes(number) for number in groups], axis=0) / count)
        return {name: figure([float(mean[cause]) for mean in means]) for cause, name in enumerate(CAUSES)}

    def request_figures(self, prefix: str, group: int) -> Figures:
        """Everything that is told of a class, or of all."""
        return {
            "requests": self.requests(group),
            "throughput_per_s": self.throughput(group),
            "latency_ns": self.distribution("latency", f"{prefix}latency_ns", group),
            "wait_ns": self.distribution("wait", f"{prefix}wait_ns", group),
            "latency_causes_ns": self.causes(group),
        }

    # ---- resources -----------------------------------------------------------------------------------------------

    def processors(self) -> Figures:
        """Shares of all processors' time by kind; utilization is what is not idle."""
        total = [sum(each.over(f"processors.{kind}") for kind in KINDS) or 1 for each in self.replications]
        share = {
            kind: figure(
                [each.over(f"processors.{kind}") / whole for each, whole in zip(self.replications, total, strict=True)]
            )
            for kind in KINDS
        }
        idle = [1 - each.over("processors.idle") / whole for each, whole in zip(self.replications, total, strict=True)]
        switches = self.per_replication(lambda each: each.over("switches") / max(each.span, 1) * 1e9)
        return {
            "utilization": figure(idle),
            "share": share,
            "context_switches_per_s": switches,
            "ready_mean": self.per_replication(lambda each: each.mean("ready")),
        }

    def _most(self, name: str) -> Figures:
        return figure([float(raw.extremes[name]) for raw in self.raws])

    def port(self, name: str) -> Figures:
        """One port's packets, queue and running threads."""
        at = f"ports.{name}"
        return {
            "limit": self.raws[0].extremes[f"{at}.limit"],
            "packets": self.per_replication(lambda each: float(each.over(f"{at}.packets"))),
            "queue_mean": self.per_replication(lambda each: each.mean(f"{at}.depth")),
            "queue_max": self._most(f"{at}.queue_max"),
            "active_mean": self.per_replication(lambda each: each.mean(f"{at}.running")),
            "active_max": self._most(f"{at}.active_max"),
            "threads_used": self._most(f"{at}.threads_used"),
        }

    def pool(self, name: str) -> Figures:
        """One pool's threads."""
        switches = [raw.extremes[f"pools.{name}.switches"] / raw.end_ns * 1e9 for raw in self.raws]
        return {"threads": self.raws[0].extremes[f"pools.{name}.threads"], "switches_per_s": figure(switches)}

    def disk(self, name: str) -> Figures:
        """One disk: requests in and above it."""
        at = f"disks.{name}"
        return {
            "commands_per_s": self.per_replication(lambda each: each.over(f"{at}.commands") / max(each.span, 1) * 1e9),
            "utilization": self.per_replication(lambda each: each.mean(f"{at}.busy")),
            "queue_mean": self.per_replication(lambda each: each.mean(f"{at}.present")),
            "queue_max": self._most(f"{at}.present_max"),
            "port_driver_queue_mean": self.per_replication(lambda each: each.mean(f"{at}.waiting")),
            "port_driver_queue_max": self._most(f"{at}.waiting_max"),
        }

    def lock(self, name: str) -> Figures:
        """One lock's traffic."""
        at = f"locks.{name}"
        return {
            "acquisitions_per_s": self.per_replication(
                lambda each: each.over(f"{at}.acquisitions") / max(each.span, 1) * 1e9
            ),
            "contended_share": self.per_replication(
                lambda each: each.over(f"{at}.contended") / max(1, each.over(f"{at}.acquisitions"))
            ),
            "blocked_share": self.per_replication(
                lambda each: each.over(f"{at}.blocked") / max(1, each.over(f"{at}.acquisitions"))
            ),
            "waiting_mean": self.per_replication(lambda each: each.mean(f"{at}.waiting")),
        }

    def head_of_line(self) -> Figures:
        """Mean ns that a class's requests waited at a resource behind *longer* requests of other classes."""
        found: Figures = {}
        for resource, name in enumerate(self.raws[0].resources):
            per_class = {
                label: figure([self._behind_longer(each, resource, group) for each in self.replications])
                for group, label in enumerate(self.classes)
            }
            if any(each["value"] for each in per_class.values()):
                found[name] = per_class
        return found

    def _behind_longer(self, each: Replication, resource: int, group: int) -> float:
        raw = each.raw
        groups = len(self.classes)
        means = [area / max(1, n) for area, n in zip(raw.hold_area[resource], raw.holds[resource], strict=True)]
        row = raw.behind[resource][group * groups : (group + 1) * groups]
        longer = sum(ns for other, ns in enumerate(row) if means[other] > means[group])
        return longer / max(1, int((np.frombuffer(raw.columns["group"], dtype=np.int64) == group).sum()))

    # ---- regime --------------------------------------------------------------------------------------------------

    def regime(self, closed: bool) -> Regime:
        """Steady, unstable, undecided or terminating (statistics.py has the rule)."""
        if self.terminating:
            return regime([], 1.0, 1, terminating=True)
        present, queues = self._levels("in_system"), {}
        for name in self.raws[0].samples:
            if name.endswith((".depth", ".waiting")):
                queues[name.rsplit(".", 1)[0]] = self._levels(name)
        offered = sum(len(each.latency) + each.raw.in_flight for each in self.replications) / len(self.replications)
        window = min(each.span for each in self.replications)
        return regime(present, max(offered, 1e-9), window, queues, bounded=closed)

    def _levels(self, name: str) -> Any:
        levels = [each.levels(name) for each in self.replications]
        shortest = min(len(level) for level in levels)
        return np.array([level[:shortest] for level in levels])


ENDS = ("completed", "failed", "cancelled", "dropped")
assert ENDS[COMPLETED] == "completed"


def fingerprint(raws: list[Raw]) -> str:
    """SHA-256 over every request of every replication in the order of their ends, and the number of events."""
    digest = hashlib.sha256()
    for raw in raws:
        digest.update(f"{raw.replication}:{raw.events}:{raw.end_ns};".encode())
        for name in sorted(raw.columns):
            digest.update(np.frombuffer(raw.columns[name], dtype="<i8").tobytes())
    return digest.hexdigest()


def lookup(summary: Mapping[str, Any], path: str) -> Figures:
    """The figure at a path of the summary, as {"value", "ci95"}; KeyError where there is none."""
    found: Any = summary
    for part in path.split("."):
        found = found[part]
    return found if isinstance(found, dict) else {"value": found, "ci95": None}
