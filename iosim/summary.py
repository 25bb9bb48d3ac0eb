"""From the raw records of a scenario's replications to its summary (design 2.2): figures with intervals, regime, verdicts.

Requests that count are those whose intended arrival lies after the warm-up and before the horizon. Every figure is first
taken of each replication alone; the value is the mean over replications and `ci95` Student's interval around it (null for
one replication). Quantiles and maxima are those of all replications' requests together; a quantile's interval takes 10
replications, and a maximum, which grows with the run, has none. A quantile that the sample can't carry is null, and
`refused` names the length it takes (`quantiles` has the rules). Times are ns.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from iosim.attribution import CAUSES, DROPPED
from iosim.quantiles import ascending
from iosim.records import Raw
from iosim.regimes import Regime, regime
from iosim.replication import ALL, ENDS, FromRows, Replication, replication
from iosim.samples import Sample, named
from iosim.statistics import Estimate, WarmUp, batch_means, interval, slowest_warm_up
from iosim.thread import KINDS
from iosim.units import format_time
from iosim.workload import NEVER

SCHEMA_VERSION = 1
BATCHES = 20
NOTHING: dict[str, Any] = {"value": None, "ci95": None}
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}

Figures = dict[str, Any]


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


class Summarizer:
    """Turns replications into the summary; collects warnings on the way."""

    def __init__(self, raws: list[Raw], warm_up: int, terminating: bool) -> None:
        self.raws = raws
        self.horizon = NEVER if terminating else raws[0].horizon
        self.terminating = terminating
        self.replications = [replication(raw, warm_up, self.horizon) for raw in raws]
        self.warnings: list[str] = []
        self.batch_means: dict[str, Figures] = {}  # of one replication's means, by path
        self.refused: dict[str, str] = {}  # figures that are null, and what they take
        self.classes = raws[0].classes

    def per_replication(self, take: Callable[[Replication], float]) -> Figures:
        """A figure from one number a replication."""
        return figure([take(each) for each in self.replications])

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
            lambda each: sum(self._over(each, f"classes.{name}.slack") for name in names) / max(1, each.count(group))
        )

    def _over(self, each: Replication, sample: str) -> int:
        """Of a figure that is sampled only where there is something to count."""
        return each.over(sample) if sample in each.raw.samples else 0

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
        switches = self.per_replication(lambda each: each.per_second("switches"))
        return {
            "utilization": figure(idle),
            "share": share,
            "context_switches_per_s": switches,
            "ready_mean": self.per_replication(lambda each: each.mean("ready")),
        }

    def _most(self, names: list[str], of: Callable[[list[int]], int] = max) -> Figures:
        return figure([float(of([raw.extremes[name] for name in names])) for raw in self.raws])

    def port(self, name: str) -> Figures:
        """One port's packets, queue and running threads; of a port for each processor, all of them together.

        The maxima are then those of the single port that had the largest.
        """
        ports = port_names(self.raws[0], name)
        largest = {what: [f"{at}.{what}" for at in ports] for what in ("queue_max", "active_max", "threads_used")}
        return {
            "limit": sum(self.raws[0].extremes[f"{at}.limit"] for at in ports),
            "packets": self.per_replication(lambda each: float(sum(each.over(f"{at}.packets") for at in ports))),
            "queue_mean": self.per_replication(lambda each: sum(each.mean(f"{at}.depth") for at in ports)),
            "queue_max": self._most(largest["queue_max"], max),
            "active_mean": self.per_replication(lambda each: sum(each.mean(f"{at}.running") for at in ports)),
            "active_max": self._most(largest["active_max"], max),
            "threads_used": self._most(largest["threads_used"], sum),
        }

    def pool(self, name: str) -> Figures:
        """One pool's threads, those that it had at most (if it grows), and the packets that a call of a batch brought."""
        at = f"pools.{name}"
        return {
            "threads": self.raws[0].extremes[f"{at}.threads"],
            "threads_max": self._most([f"{at}.threads_max"]),
            "packets_per_call": self.per_replication(lambda each: self._per_call(each, at)),
            "switches_per_s": self.per_replication(lambda each: each.per_second(f"{at}.switches")),
        }

    def _per_call(self, each: Replication, at: str) -> float:
        if f"{at}.calls" not in each.raw.samples:
            return 1.0  # GetQueuedCompletionStatus takes one
        return each.over(f"{at}.taken") / max(1, each.over(f"{at}.calls"))

    def disk(self, name: str) -> Figures:
        """One disk: requests in and above it, its interrupts, and units of flash programmed for each that was written.

        `busy_share` is the share of time with a command or more in it: of a hard disk its utilization, of a solid-state drive,
        which works on many at once, not (bottlenecks.py).
        """
        at = f"disks.{name}"
        return {
            "commands_per_s": self.per_replication(lambda each: each.per_second(f"{at}.commands")),
            "busy_share": self.per_replication(lambda each: each.mean(f"{at}.busy")),
            "queue_mean": self.per_replication(lambda each: each.mean(f"{at}.present")),
            "queue_max": self._most([f"{at}.present_max"]),
            "port_driver_queue_mean": self.per_replication(lambda each: each.mean(f"{at}.waiting")),
            "port_driver_queue_max": self._most([f"{at}.waiting_max"]),
            "interrupts_per_s": self.per_replication(lambda each: each.per_second(f"{at}.interrupts")),
            "split_requests_per_s": self._rate_of_some(f"{at}.splits"),
            "write_amplification": self.per_replication(lambda each: self._amplification(each, at)),
            **self._faults(at),
        }

    def _faults(self, at: str) -> Figures:
        """Of a disk with faults: requests that ended with its errors, resets of the whole run, commands issued anew."""
        if f"{at}.resets" not in self.raws[0].extremes:
            return {}
        return {
            "failures_per_s": self.per_replication(lambda each: each.per_second(f"{at}.failures")),
            "resets": figure([float(raw.extremes[f"{at}.resets"]) for raw in self.raws]),
            "reissued": figure([float(raw.extremes[f"{at}.reissued"]) for raw in self.raws]),
        }

    def _amplification(self, each: Replication, at: str) -> float:
        if f"{at}.units_written" not in each.raw.samples:
            return 1.0  # nothing is moved
        return 1 + each.over(f"{at}.units_moved") / max(1, each.over(f"{at}.units_written"))

    def volume(self, name: str) -> Figures:
        """One volume's page cache: reads that found all their pages, and those that did not; what it read and wrote itself.

        `blocked_issuers_per_s`: overlapped calls that kept their thread, for whatever reason.
        """
        at = f"volumes.{name}"
        rates = {
            "cache_hits": "hits",
            "cache_misses": "misses",
            "cached_writes": "writes",
            "paging_reads": "paging_reads",
            "paging_writes": "paging_writes",
            "collided_faults": "collided",
            "read_ahead_pages": "read_ahead_pages",
            "written_pages": "written_pages",
            "throttled_writes": "throttled",
            "blocked_issuers": "blocked",
        }
        found = {f"{what}_per_s": self._rate(f"{at}.{sample}") for what, sample in rates.items()}
        for what, sample in (("split_requests", "splits"), ("parts", "parts"), ("retried_parts", "retries")):
            found[f"{what}_per_s"] = self._rate_of_some(f"{at}.{sample}")
        found["failed_disks"] = self._most_of_some(f"{at}.failed_disks")
        if filters := self._filters(at):
            found["filters"] = filters
        found["cache_hit_share"] = self.per_replication(lambda each: self._hit_share(each, at))
        found["dirty_pages_mean"] = self.per_replication(lambda each: each.mean(f"{at}.dirty_area"))
        found["dirty_pages_max"] = self._most([f"{at}.dirty_max"])
        return found

    def _hit_share(self, each: Replication, at: str) -> float:
        hits = each.over(f"{at}.hits")
        return hits / max(1, hits + each.over(f"{at}.misses"))

    def _filters(self, at: str) -> Figures:
        """By filter: reads and writes that it saw, of programs and of the memory manager, and how many it held on average."""
        names = [name.removesuffix(".held") for name in self.raws[0].samples if name.startswith(f"{at}.filters.")]
        return {
            name.rsplit(".", 1)[1]: {
                "requests_per_s": self._rate(f"{name}.seen"),
                "paging_requests_per_s": self._rate(f"{name}.paging_seen"),
                "held_mean": self.per_replication(lambda each, name=name: each.mean(f"{name}.held")),  # type: ignore[misc]
            }
            for name in dict.fromkeys(names)
            if f"{name}.held" in self.raws[0].samples
        }

    def _rate_of_some(self, sample: str) -> Figures:
        return self.per_replication(lambda each: self._over(each, sample) / max(each.span, 1) * 1e9)

    def _most_of_some(self, extreme: str) -> Figures:
        return figure([float(raw.extremes.get(extreme, 0)) for raw in self.raws])

    def _rate(self, sample: str) -> Figures:
        return self.per_replication(lambda each: each.per_second(sample))

    def nic(self, name: str) -> Figures:
        """One network card: frames, what its driver made of them, and how they were spread over processors.

        `dropped`: for lack of a receive descriptor, or with the link down. `socket_calls` and `locked_pages` (by receives and
        sends that wait) are of the programs' sockets on it. `ring_max` and `locked_pages_max` are of the whole run.
        """
        at = f"nics.{name}"
        rates = "frames_in", "frames_out", "bytes_in", "bytes_out", "dropped", "interrupts"
        found = {f"{what}_per_s": self._rate(f"{at}.{what}") for what in rates}
        found["frames_per_interrupt"] = self._ratio(at, "frames_in", "interrupts")
        found["dpc_runs_per_s"] = self._rate(f"{at}.runs")
        found["frames_per_dpc_run"] = self._ratio(at, "frames_in", "runs")
        found["merged_share"] = self._ratio(at, "merged", "frames_in")
        found["copied_per_s"] = self._rate(f"{at}.copied")
        found["link_in_share"] = self.per_replication(lambda each: each.mean(f"{at}.link_in"))
        found["link_out_share"] = self.per_replication(lambda each: each.mean(f"{at}.link_out"))
        found["ring_max"] = self._most([f"{at}.ring_max"])
        found["socket_calls_per_s"] = self._rate(f"{at}.socket_calls")
        found["locked_pages_mean"] = self.per_replication(lambda each: each.mean(f"{at}.locked_area"))
        found["locked_pages_max"] = self._most([f"{at}.locked_pages_max"])
        for what in ("moved_entries", "retransmitted", "unreachable"):
            found[what] = figure([float(raw.extremes[f"{at}.{what}"]) for raw in self.raws])
        found["processors"] = self._spread(at)
        return found

    def _ratio(self, at: str, what: str, to: str) -> Figures:
        return self.per_replication(lambda each: each.over(f"{at}.{what}") / max(1, each.over(f"{at}.{to}")))

    def _spread(self, at: str) -> Figures:
        """By processor that a queue interrupts."""
        ends = ".frames"
        places = [it.removesuffix(ends) for it in self.raws[0].samples if it.startswith(f"{at}.processors.")]
        return {
            place.rsplit(".", 1)[1]: {
                "frames_per_s": self._rate(f"{place}.frames"),
                "interrupts_per_s": self._rate(f"{place}.interrupts"),
            }
            for place in places
            if f"{place}.frames" in self.raws[0].samples
        }

    def numa(self) -> Figures:
        """By node, where touching its memory has a price: bytes of it that its own and other processors touched."""
        nodes = [name.removesuffix(".busy") for name in self.raws[0].samples if name.startswith("numa.")]
        return {
            at.removeprefix("numa."): {
                "local_bytes_per_s": self._rate(f"{at}.local"),
                "remote_bytes_per_s": self._rate(f"{at}.remote"),
                "bandwidth_share": self.per_replication(lambda each, at=at: each.mean(f"{at}.busy")),  # type: ignore[misc]
            }
            for at in nodes
            if f"{at}.busy" in self.raws[0].samples
        }

    def lock(self, name: str) -> Figures:
        """One lock's traffic."""
        at = f"locks.{name}"
        return {
            "acquisitions_per_s": self.per_replication(lambda each: each.per_second(f"{at}.acquisitions")),
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


def port_names(raw: Raw, name: str) -> list[str]:
    """What a described port is called in the records: itself, or `ports.NAME[0]`, ... where every processor has one."""
    if f"ports.{name}.limit" in raw.extremes:
        return [f"ports.{name}"]
    return [it for it in raw.resources if it.startswith(f"ports.{name}[")]


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
