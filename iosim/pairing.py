"""Two designs that were offered the same requests, request by request; and what may be concluded from such pairs.

Pairs of one run resemble each other as its requests do, so no interval comes from them: each replication gives one number (a
difference, a share, a quantile of differences), and intervals are Student's t over replications. Rows are numpy columns of one
replication; times are ns.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iosim.attribution import COMPLETED
from iosim.records import Raw
from iosim.replication import replication
from iosim.rows import groups, statuses, transferred
from iosim.student import t_tail

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Pairs:
    """One class in one replication of two designs: the requests that ended in both, and how many did not."""

    index: Ints  # identity within the class
    base: Mapping[str, Ints]  # columns of the first design, row by row those of `other`
    other: Mapping[str, Ints]
    only_base: int  # ended there and not in the other one
    only_other: int
    left_base: int  # counted requests that never ended
    left_other: int

    def __len__(self) -> int:
        return len(self.index)

    def latency(self) -> Ints:
        """By how much each that completed in both took longer in the other design."""
        both = self._completed(self.base) & self._completed(self.other)
        return (_span(self.other, "ended") - _span(self.base, "ended"))[both]

    def wait(self) -> Ints:
        """By how much each that completed in both waited longer for a thread."""
        both = self._completed(self.base) & self._completed(self.other)
        return (_span(self.other, "began") - _span(self.base, "began"))[both]

    @property
    def worse(self) -> int:
        """Took longer, completed only in the first design, or never ended in the other."""
        lost = self._completed(self.base) & ~self._completed(self.other)
        return int((self.latency() > 0).sum() + lost.sum()) + min(self.only_base, self.left_other)

    @property
    def better(self) -> int:
        """The reverse. What completed in neither is neither better nor worse."""
        won = self._completed(self.other) & ~self._completed(self.base)
        return int((self.latency() < 0).sum() + won.sum()) + min(self.only_other, self.left_base)

    @property
    def all(self) -> int:
        """Requests that were asked in both designs."""
        return len(self) + min(self.only_base, self.left_other) + min(self.only_other, self.left_base)

    @property
    def unshared(self) -> int:
        """Requests that one design was asked for and the other was not."""
        return self.only_base + self.only_other + len(self) - self.all

    def _completed(self, side: Mapping[str, Ints]) -> Flags:
        flags: Flags = statuses(side["outcome"]) == COMPLETED
        return flags

    def moved(self) -> int:
        """Requests that clients wanted at another time: the designs were not offered the same (closed clients aside)."""
        return int((self.base["intended"] != self.other["intended"]).sum())

    def resized(self) -> int:
        """Requests that transferred another number of bytes, of those that completed in both."""
        both = self._completed(self.base) & self._completed(self.other)
        return int((transferred(self.base["outcome"]) != transferred(self.other["outcome"]))[both].sum())


def _span(side: Mapping[str, Ints], end: str) -> Ints:
    return side[end] - side["intended"]


def pair(base: Raw, other: Raw, name: str, cut: int) -> Pairs:
    """The requests of class `name` that both designs count: wanted at `cut` or later. Both must have kept rows."""
    sides = [_rows(raw, raw.classes.index(name)) for raw in (base, other)]
    (first, second) = sides
    _, at_first, at_second = np.intersect1d(first["index"], second["index"], assume_unique=True, return_indices=True)
    counted = (first["intended"][at_first] >= cut) & (second["intended"][at_second] >= cut)
    at_first, at_second = at_first[counted], at_second[counted]
    alone = [
        int(((mine["intended"] >= cut) & ~np.isin(mine["index"], theirs["index"], assume_unique=True)).sum())
        for mine, theirs in ((first, second), (second, first))
    ]
    left = [_left(raw, name, cut) for raw in (base, other)]
    columns = [
        {column: values[at] for column, values in side.items()}
        for side, at in zip(sides, (at_first, at_second), strict=True)
    ]
    return Pairs(first["index"][at_first], columns[0], columns[1], alone[0], alone[1], left[0], left[1])


def _left(raw: Raw, name: str, cut: int) -> int:
    """Counted requests that never ended; what was asked is known by steps."""
    up = -(-cut // raw.bin_ns) * raw.bin_ns
    return replication(raw, up, raw.horizon).left_of(raw.classes.index(name))


def _rows(raw: Raw, group: int) -> dict[str, Ints]:
    columns = {name: np.frombuffer(column, dtype=np.int64) for name, column in raw.columns.items()}
    mine = groups(columns["outcome"]) == group
    return {name: values[mine] for name, values in columns.items()}


# ---- the first divergence --------------------------------------------------------------------------------------------

STAGES = {"intended": "wanted", "issued": "issued", "began": "begun", "ended": "ended"}


def first_divergence(base: Raw, other: Raw, names: Sequence[str], causes: Sequence[str]) -> dict[str, Any] | None:
    """The earliest instant at which one request's life differs: which, at what stage, when in both; None if none differs.

    Warm-up and all; where causes were kept, the one whose share of that request's time differs most is named.
    """
    earliest: dict[str, Any] | None = None
    for name in names:
        pairs = pair(base, other, name, 0)
        for stage in STAGES:
            mine, theirs = pairs.base[stage], pairs.other[stage]
            differ = np.flatnonzero((mine != theirs) & (mine >= 0) & (theirs >= 0))
            if not len(differ):
                continue
            at = np.minimum(mine[differ], theirs[differ])
            place = differ[int(np.argmin(at))]
            when = int(at.min())
            if earliest is None or when < earliest["ns"]:
                earliest = {
                    "ns": when,
                    "replication": base.replication,
                    "class": name,
                    "request": int(pairs.index[place]),
                    "stage": STAGES[stage],
                    "base_ns": int(mine[place]),
                    "other_ns": int(theirs[place]),
                }
    if earliest is not None:
        earliest["cause"] = _cause(base, other, earliest, causes)
    return earliest


def _cause(base: Raw, other: Raw, found: Mapping[str, Any], causes: Sequence[str]) -> str | None:
    """The cause that the request spent the most different time on."""
    ledgers = []
    for raw in (base, other):
        if not len(raw.causes):
            return None
        columns = {name: np.frombuffer(column, dtype=np.int64) for name, column in raw.columns.items()}
        group = raw.classes.index(found["class"])
        (row,) = np.flatnonzero((columns["index"] == found["request"]) & (groups(columns["outcome"]) == group))
        every = np.frombuffer(raw.causes, dtype=np.int64).reshape(-1, len(causes))
        ledgers.append(every[row])
    apart = np.abs(ledgers[1] - ledgers[0])
    return causes[int(np.argmax(apart))] if apart.any() else None


# ---- what may be concluded -------------------------------------------------------------------------------------------


def paired_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of 'the mean difference is 0' by the paired t test; 1 for fewer than two, 0 for equal ones not 0."""
    n = len(differences)
    if n < 2:
        return 1.0
    mean = math.fsum(differences) / n
    error = math.sqrt(math.fsum((it - mean) ** 2 for it in differences) / (n - 1) / n)
    if error <= abs(mean) * 1e-12:
        return 1.0 if mean == 0 else 0.0
    return 2 * t_tail(abs(mean) / error, n - 1) if mean else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, so that at level a one false alarm among all has at most probability a.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, least = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = least
    return adjusted


def gain(base: Sequence[float], other: Sequence[float]) -> float | None:
    """How many times as many requests it would take unpaired: the variance of unpaired differences over that of the pairs'.

    None where that says nothing: fewer than two, or pairs that differ by a constant.
    """
    if len(base) < 2:
        return None
    paired = float(np.var(np.subtract(other, base), ddof=1))
    apart = float(np.var(base, ddof=1) + np.var(other, ddof=1))
    return apart / paired if paired > 0 else None
