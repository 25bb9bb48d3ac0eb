"""Little's law and the utilization law of a run, queue by queue: both sides of each, taken from the records apart.

Over a whole run Little's law is an integer identity, which every run is held to (sampler.py). Here it is that of the measured
window, where requests that were inside at its ends leave a small rest.
"""

from collections.abc import Sequence
from typing import Any

from iosim.replication import Replication
from iosim.resource_figures import port_names
from iosim.run_figures import Figures, Runs
from iosim.thread import KINDS


def little(it: Runs, area: Sequence[str], sojourns: Sequence[str], count: Sequence[str]) -> Figures:
    """Mean number (from its integral), rate, mean time (from the sojourns of who left), and number / (rate x time) - 1."""

    def number(each: Replication) -> float:
        return sum(each.mean(name) for name in area)

    def rate(each: Replication) -> float:
        return sum(each.per_second(name) for name in count)

    def time(each: Replication) -> float:
        return sum(each.over(name) for name in sojourns) / max(1, sum(each.over(name) for name in count))

    def rest(each: Replication) -> float:
        product = rate(each) * time(each) / 1e9
        return number(each) / product - 1 if product else 0.0

    rests = [rest(each) for each in it.replications]
    return {
        "number": it.per_replication(number),
        "rate_per_s": it.per_replication(rate),
        "time_ns": it.per_replication(time),
        "difference": sum(rests) / len(rests),
    }


def of_system(it: Runs) -> Figures:
    """All requests, from their issue to their end."""
    return little(it, ["in_system"], ["sojourns"], ["completed"])


def of_port(it: Runs, name: str) -> Figures:
    """Packets that wait."""
    ports = port_names(it.raws[0], name)
    return little(it, *([f"{port}.{what}" for port in ports] for what in ("depth", "sojourns", "packets")))


def of_disk(it: Runs, name: str) -> Figures:
    """Requests in the drive and above it."""
    return little(it, [f"disks.{name}.present"], [f"disks.{name}.sojourns"], [f"disks.{name}.commands"])


def of_lock(it: Runs, name: str) -> Figures:
    """Threads that wait; the time is that of an acquisition, most of which do not wait."""
    return little(it, [f"locks.{name}.waiting"], [f"locks.{name}.sojourns"], [f"locks.{name}.acquisitions"])


def utilization(it: Runs, servers: int, busy: Sequence[str], count: Sequence[str], demand: float | None) -> Figures:
    """U = X D / c: of `servers`, the share that is busy; the demand of one visit, from the records and, if known, described.

    `law` is the utilization that the described demand (ns) and the measured rate give; None where it is not described.
    """

    def share(each: Replication) -> float:
        return sum(each.mean(name) for name in busy) / servers

    def rate(each: Replication) -> float:
        return sum(each.per_second(name) for name in count)

    def each_visit(each: Replication) -> float:
        return sum(each.over(name) for name in busy) / max(1, sum(each.over(name) for name in count))

    law: Any = None if demand is None else it.per_replication(lambda each: rate(each) * demand / 1e9 / servers)
    return {
        "servers": servers,
        "utilization": it.per_replication(share),
        "demand_ns": it.per_replication(each_visit),
        "law": law,
    }


def of_processors(it: Runs, processors: int, demand: float | None) -> Figures:
    """All that they do, for each request that ended."""
    busy = [f"processors.{kind}" for kind in KINDS if kind != "idle"]
    return utilization(it, processors, busy, ["completed"], demand)
