"""What is kept of a run: a row a request, sums of causes per class and bin, wait records, who waited behind whom.

Rows and sums are always kept; wait records, causes per request and the timeline of running threads on demand
(`run: {record: [...]}`), since the same seed brings them back.
"""

from array import array
from typing import Any

from iosim.actor import Clock
from iosim.attribution import COMPLETED, DROPPED, Request
from iosim.errors import LawBroken
from iosim.histogram import Histogram
from iosim.probes import Probes
from iosim.rows import COLUMNS, LARGEST_BLOCK, OUTCOME_BITS, ROW, SMALLEST_BLOCK, STATUS_BITS


class RequestColumns:
    """One row a request that has ended, in the order of their ends; times in ns.

    `blocks` hold them one after the other, ROW numbers each; `block` is the last one, used up to `place` of its `room`.
    """

    def __init__(self, with_causes: bool) -> None:
        self.blocks: list[array[int]] = []
        self.place = 0  # no block yet: the first row makes one
        self.room = 0
        self.count = 0
        self.with_causes = with_causes
        self.causes = array("q")  # CAUSE_COUNT numbers a row, if asked for

    def add(self, request: Request, now: int) -> None:
        """The request ended now; all its time must be explained (design 1.2)."""
        if request.mark != now:
            raise LawBroken(unexplained(request, now))
        self.count += 1
        place = self.place
        if place == self.room:
            place = self._next_block()
        block = self.block
        block[place] = request.bytes << OUTCOME_BITS | request.group << STATUS_BITS | request.status
        block[place + 1] = request.intended
        block[place + 2] = request.issued
        block[place + 3] = request.began
        block[place + 4] = now
        block[place + 5] = request.index
        self.place = place + ROW
        if self.with_causes:
            self.causes.extend(request.ledger)

    def tallies(self) -> list[dict[str, Any]]:
        """Nothing: the rows tell all."""
        return []

    def columns(self) -> "dict[str, array[int]]":
        """The rows by column; they are handed over, block by block, and are no longer here afterwards."""
        columns = {name: array("q") for name in COLUMNS}
        if self.blocks:
            self.blocks[-1] = self.blocks[-1][: self.place]
        for number, rows in enumerate(self.blocks):
            self.blocks[number] = array("q")
            for place, name in enumerate(COLUMNS):
                columns[name].extend(rows[place::ROW])
        self.blocks = []
        self.block = array("q")
        self.place = self.room = 0
        return columns

    def _next_block(self) -> int:
        self.room = min(2 * self.room, LARGEST_BLOCK) or SMALLEST_BLOCK
        self.blocks.append(array("q", [0]) * self.room)
        self.block = self.blocks[-1]
        return 0


class RequestHistograms(RequestColumns):
    """No row a request: histograms of latency and wait by class, in memory that does not grow; exact counts at edges (ns).

    The window [warm_up, horizon) must be known before the run, as nothing can be cut out of a histogram afterwards.
    """

    def __init__(
        self, groups: int, warm_up: int, horizon: int, latency_edges: list[int], wait_edges: list[int]
    ) -> None:
        super().__init__(False)
        self.warm_up = warm_up
        self.horizon = horizon
        self.latency = [Histogram(latency_edges) for _ in range(groups)]
        self.wait = [Histogram(wait_edges) for _ in range(groups)]
        self.statuses = [[0] * 4 for _ in range(groups)]
        self.ended = [0] * groups

    def add(self, request: Request, now: int) -> None:
        """The request ended now; all its time must be explained."""
        intended, group = request.intended, request.group
        if request.mark != now:
            raise LawBroken(unexplained(request, now))
        self.count += 1
        status = request.status
        if self.warm_up <= now < self.horizon and status == COMPLETED:
            self.ended[group] += 1
        if intended >= self.warm_up:
            self.statuses[group][status] += 1
            if status != DROPPED:
                self.latency[group].record(now - intended)
                self.wait[group].record(request.began - intended)

    def tallies(self) -> list[dict[str, Any]]:
        """What was counted, by class, as plain values."""
        return [
            {"latency": latency.encode(), "wait": wait.encode(), "statuses": statuses, "ended": [ended]}
            for latency, wait, statuses, ended in zip(self.latency, self.wait, self.statuses, self.ended, strict=True)
        ]


def unexplained(request: Request, now: int) -> str:
    """The broken law in words."""
    return (
        f"request {request.index} of class {request.group}: {request.mark - request.intended} ns are explained, "
        f"its latency is {now - request.intended} ns (at {now} ns)"
    )


class Fanout(Probes):
    """States every fact to several listeners."""

    def __init__(self, listeners: list[Probes]) -> None:
        self.listeners = listeners

    def wait_began(self, resource: int, request: Request) -> None:
        """To all."""
        for listener in self.listeners:
            listener.wait_began(resource, request)

    def wait_ended(self, resource: int, request: Request, began: int, now: int, by: Request) -> None:
        """To all."""
        for listener in self.listeners:
            listener.wait_ended(resource, request, began, now, by)

    def held(self, resource: int, request: Request) -> None:
        """To all."""
        for listener in self.listeners:
            listener.held(resource, request)

    def released(self, resource: int, request: Request) -> None:
        """To all."""
        for listener in self.listeners:
            listener.released(resource, request)

    def threads_counted(self, resource: int, running: int, depth: int) -> None:
        """To all."""
        for listener in self.listeners:
            listener.threads_counted(resource, running, depth)


class WaitRecords(Probes):
    """One row a wait: at which resource, whose request (class, index), from when to when, and who ended it."""

    def __init__(self) -> None:
        self.resource = array("q")
        self.group = array("q")
        self.index = array("q")
        self.began = array("q")
        self.ended = array("q")
        self.by_group = array("q")
        self.by_index = array("q")

    def columns(self) -> "dict[str, array[int]]":
        """The rows by column; empty without any."""
        if not self.began:
            return {}
        return {
            "resource": self.resource,
            "group": self.group,
            "index": self.index,
            "began": self.began,
            "ended": self.ended,
            "by_group": self.by_group,
            "by_index": self.by_index,
        }

    def wait_ended(self, resource: int, request: Request, began: int, now: int, by: Request) -> None:
        """One row, unless the system itself waits."""
        if request.index < 0:
            return
        self.resource.append(resource)
        self.group.append(request.group)
        self.index.append(request.index)
        self.began.append(began)
        self.ended.append(now)
        self.by_group.append(by.group)
        self.by_index.append(by.index)


class Timeline(Probes):
    """Running threads and waiting packets of one port, at every change; the first `room` of them after `start` ns."""

    def __init__(self, clock: Clock, resource: int, start: int, room: int) -> None:
        self.clock = clock
        self.resource = resource
        self.start = start
        self.room = room
        self.times = array("q")
        self.running = array("q")
        self.depth = array("q")

    def threads_counted(self, resource: int, running: int, depth: int) -> None:
        """One point."""
        if resource == self.resource and self.clock.now >= self.start and len(self.times) < self.room:
            self.times.append(self.clock.now)
            self.running.append(running)
            self.depth.append(depth)


class Behind(Probes):
    """Who waited behind whom: a wait at a resource is divided among the classes whose requests held it meanwhile.

    `matrix[resource][bin][waiter * groups + holder]` in ns, by the bin of the waiter's intended arrival; a wait's parts sum
    to it, up to rounding by one ns a class.
    `hold_area` and `holds` give a class's mean time in the resource, which tells the longer of two.
    """

    def __init__(self, clock: Clock, groups: int, resources: int, bin_ns: int, bins: int) -> None:
        self.bin_ns = bin_ns
        self.bins = bins
        self.clock = clock
        self.groups = groups
        self.count = [[0] * groups for _ in range(resources)]
        self.hold_area = [[0] * groups for _ in range(resources)]
        self.since = [[0] * groups for _ in range(resources)]
        self.holds = [[0] * groups for _ in range(resources)]
        self.matrix: list[dict[int, list[int]]] = [{} for _ in range(resources)]
        self.snapshots: dict[Request, list[int]] = {}  # a request, or a part of one, waits in one place at a time

    def _areas(self, resource: int) -> list[int]:
        now = self.clock.now
        count, since, area = self.count[resource], self.since[resource], self.hold_area[resource]
        for group in range(self.groups):
            area[group] += count[group] * (now - since[group])
            since[group] = now
        return area

    def wait_began(self, resource: int, request: Request) -> None:
        """Remember what had been held so far."""
        if request.index < 0:
            return
        self.snapshots[request] = self._areas(resource)[:]

    def wait_ended(self, resource: int, request: Request, began: int, now: int, by: Request) -> None:
        """Divide the wait."""
        if request.index < 0:
            return
        before = self.snapshots.pop(request, [])
        if not before:
            return
        parts = [after - earlier for after, earlier in zip(self._areas(resource), before, strict=True)]
        whole = sum(parts)
        row = request.group * self.groups
        if whole:
            place = min(request.intended // self.bin_ns, self.bins - 1)
            sums = self.matrix[resource].setdefault(place, [0] * (self.groups * self.groups))
            for group, part in enumerate(parts):
                sums[row + group] += part * (now - began) // whole

    def held(self, resource: int, request: Request) -> None:
        """One more of its class; the system's own requests are of none."""
        if request.index < 0:
            return
        self._areas(resource)
        self.count[resource][request.group] += 1
        self.holds[resource][request.group] += 1

    def released(self, resource: int, request: Request) -> None:
        """One less."""
        if request.index < 0:
            return
        self._areas(resource)
        self.count[resource][request.group] -= 1
