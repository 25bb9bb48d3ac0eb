"""One replication's records, cut to its measured window [warm-up, horizon): from rows, or from histograms.

Requests that count are those whose intended arrival lies in the window. Times are ns; a class is its number, ALL for every
class together.
"""

from typing import Any

import numpy as np

from iosim.attribution import CANCELLED, COMPLETED, DROPPED, FAILED
from iosim.histogram import decode
from iosim.records import Raw
from iosim.rows import groups, statuses
from iosim.samples import Column, Sample, Tally, merged
from iosim.workload import NEVER

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

ALL = -1
ENDS_OF = {"latency": "ended", "wait": "began"}  # both begin with the intended arrival
ENDS = {"completed": COMPLETED, "failed": FAILED, "cancelled": CANCELLED, "dropped": DROPPED}


class Replication:
    """What the samples tell; subclasses tell of requests."""

    def __init__(self, raw: Raw, warm_up: int, horizon: int) -> None:
        self.raw = raw
        self.warm_up = warm_up
        self.horizon = horizon
        self.end = min(horizon, raw.end_ns)
        self.seconds = max(self.end - warm_up, 1) / 1e9
        self.times = np.frombuffer(raw.samples["time"], dtype=np.int64)
        self.first = int(np.searchsorted(self.times, warm_up, side="right")) - 1
        last = max(self.first + 1, int(np.searchsorted(self.times, self.end, side="left")))
        self.last = min(last, len(self.times) - 1)
        self.span = int(self.times[self.last] - self.times[self.first])

    # ---- requests ------------------------------------------------------------------------------------------------

    def count(self, group: int) -> int:
        """Requests of the class that count and have ended, but for dropped ones: those have no latency."""
        raise NotImplementedError

    def ended_as(self, group: int, status: int) -> int:
        """Those that ended with this status."""
        raise NotImplementedError

    def throughput(self, group: int) -> float:
        """Requests of the class that were completed in the window (whenever they came), per second of it."""
        raise NotImplementedError

    def mean_of(self, column: str, group: int) -> float:
        """Mean latency or wait; NaN for no requests."""
        raise NotImplementedError

    def sample(self, column: str, group: int) -> Sample:
        """The class's latencies or waits, for quantiles."""
        raise NotImplementedError

    def largest_of(self, column: str, group: int) -> float:
        """Largest latency or wait; NaN for no requests."""
        raise NotImplementedError

    def causes(self, group: int) -> Ints:
        """Summed ns by cause of the class's requests that count (and, as far as they came, of those that did not end)."""
        first = self.warm_up // self.raw.bin_ns
        sums: Ints = np.sum(np.array(self.raw.ledgers[group][first:], dtype=np.int64), axis=0)
        return sums

    def left_of(self, group: int) -> int:
        """Requests of the class that count and never ended."""
        groups = range(len(self.raw.classes)) if group == ALL else [group]
        ended = self.count(group) + self.ended_as(group, DROPPED)
        return sum(self._asked(number) for number in groups) - ended

    def _asked(self, group: int) -> int:
        first = self.warm_up // self.raw.bin_ns
        before = next((asked for place, asked in self.raw.asked_before[group] if place >= first), self.raw.asked[group])
        return self.raw.asked[group] - before

    def behind(self, resource: int) -> Ints:
        """ns that requests which count waited at the resource, shape (classes, classes): who, behind whom."""
        groups = len(self.raw.classes)
        first = self.warm_up // self.raw.bin_ns
        rows = [sums for place, sums in self.raw.behind[resource].items() if place >= first]
        matrix: Ints = np.sum(np.array(rows or [[0] * groups**2], dtype=np.int64), axis=0).reshape(groups, groups)
        return matrix

    # ---- samples -------------------------------------------------------------------------------------------------

    def over(self, name: str) -> int:
        """A sampled figure's change over the window."""
        row = self.raw.samples[name]
        return int(row[self.last] - row[self.first])

    def mean(self, name: str) -> float:
        """A sampled integral's time average over the window."""
        return self.over(name) / max(self.span, 1)

    def per_second(self, name: str) -> float:
        """A sampled count per second of the window."""
        return self.over(name) / max(self.span, 1) * 1e9

    def levels(self, name: str) -> Floats:
        """Mean level in each equal step of the window."""
        row = np.frombuffer(self.raw.samples[name], dtype=np.int64)
        levels: Floats = np.diff(row[self.first : self.last + 1]) / np.diff(self.times[self.first : self.last + 1])
        return levels


class FromRows(Replication):
    """A row a request was kept."""

    def __init__(self, raw: Raw, warm_up: int, horizon: int) -> None:
        super().__init__(raw, warm_up, horizon)
        columns = {name: np.frombuffer(column, dtype=np.int64) for name, column in raw.columns.items()}
        counted = columns["intended"] >= warm_up
        self.columns = columns
        self.group = groups(columns["outcome"]).astype(np.int16)
        self.status = statuses(columns["outcome"]).astype(np.int8)
        ended = columns["ended"]
        until = horizon if raw.end_ns > horizon else NEVER
        self.completed = self.group[(ended >= warm_up) & (ended < until) & (self.status == COMPLETED)]
        self.counted_group, self.counted_status = self.group[counted], self.status[counted]
        answered = counted & (self.status != DROPPED)
        self.counted = slice(None) if answered.all() else answered  # a slice is no copy
        self.group = self.group[self.counted]

    def column(self, column: str, group: int) -> Ints:
        """Latencies or waits of the class, in the order of their ends; made when asked for, as rows may be many."""
        values: Ints = (self.columns[ENDS_OF[column]] - self.columns["intended"])[self.counted]
        return values if group == ALL or len(self.raw.classes) == 1 else values[self.group == group]

    def count(self, group: int) -> int:
        """Rows of the class."""
        return len(self.group) if group == ALL else int((self.group == group).sum())

    def ended_as(self, group: int, status: int) -> int:
        """Rows of the class with this status."""
        return int(((self.counted_status == status) & ((self.counted_group == group) | (group == ALL))).sum())

    def throughput(self, group: int) -> float:
        """By the instants of their ends."""
        return int(((self.completed == group) | (group == ALL)).sum()) / self.seconds

    def mean_of(self, column: str, group: int) -> float:
        """Exact."""
        values = self.column(column, group)
        return float(values.mean()) if len(values) else float("nan")

    def sample(self, column: str, group: int) -> Sample:
        """Every value."""
        return Column(self.column(column, group))

    def largest_of(self, column: str, group: int) -> float:
        """Exact."""
        values = self.column(column, group)
        return float(values.max()) if len(values) else float("nan")


class FromHistograms(Replication):
    """No rows were kept: histograms by class, whose window was fixed before the run."""

    def __init__(self, raw: Raw, warm_up: int, horizon: int) -> None:
        super().__init__(raw, warm_up, horizon)
        groups = range(len(raw.classes))
        self.histograms = {
            column: {group: decode(raw.tallies[group][column]) for group in groups} for column in ("latency", "wait")
        }
        for each in self.histograms.values():
            each[ALL] = merged([each[group] for group in groups])

    def _summed(self, key: str, group: int, place: int) -> int:
        groups = range(len(self.raw.classes)) if group == ALL else [group]
        return sum(self.raw.tallies[number][key][place] for number in groups)

    def count(self, group: int) -> int:
        """As counted."""
        return self.histograms["latency"][group].count

    def ended_as(self, group: int, status: int) -> int:
        """As counted."""
        return self._summed("statuses", group, status)

    def throughput(self, group: int) -> float:
        """As counted."""
        return self._summed("ended", group, 0) / self.seconds

    def mean_of(self, column: str, group: int) -> float:
        """Exact: the sum is kept."""
        it = self.histograms[column][group]
        return it.total / it.count if it.count else float("nan")

    def sample(self, column: str, group: int) -> Sample:
        """Counts."""
        return Tally(self.histograms[column][group])

    def largest_of(self, column: str, group: int) -> float:
        """Exact."""
        it = self.histograms[column][group]
        return float(it.max) if it.count else float("nan")


def replication(raw: Raw, warm_up: int, horizon: int) -> Replication:
    """From what was kept."""
    return FromHistograms(raw, warm_up, horizon) if raw.tallies else FromRows(raw, warm_up, horizon)
