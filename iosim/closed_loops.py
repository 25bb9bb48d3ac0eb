"""What a closed load made of itself: its clients wait for their answers, and so ask for less the later these come.

Source: the interactive response time law, N = X (R + Z) (Denning and Buzen 1978). `self_throttled` is the share of the load
that the same clients would have offered to an idle machine (with R the least time that a request can take) and did not.
"""

from collections.abc import Mapping
from typing import Any

from iosim.demands import described
from iosim.scenario.load import ClosedLoad
from iosim.scenario.loader import Scenario

TAILS = ("p50", "p90", "p99", "p999", "max")
TELLING = 0.05  # share of the load from which tails are of another load than the clients would offer


def closed_loops(scenario: Scenario, classes: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """By closed class: its clients, the mean think time (ns), the clients by the law, and the share that is throttled."""
    loads = {name: load for name, load in scenario.model.workload.items() if isinstance(load, ClosedLoad)}
    if not loads:
        return {}
    demands = described(scenario).classes
    return {name: _of_class(load, demands[name].alone, classes[name]) for name, load in loads.items()}


def _of_class(load: ClosedLoad, alone: float, figures: dict[str, Any]) -> dict[str, float | None]:
    clients = load.clients * load.outstanding
    think = float(load.think.mean())
    rate = figures["throughput_per_s"]["value"] / 1e9
    time = figures["latency_ns"]["mean"]["value"]
    offered = clients / (think + alone) if think + alone else 0.0
    return {
        "clients": clients,
        "think_ns": think,
        "clients_by_law": None if time is None else rate * (time + think),
        "self_throttled": max(0.0, 1 - rate / offered) if offered else None,
    }


def caveat(loops: dict[str, dict[str, float | None]], figure: str) -> str:
    """What belongs to every verdict on this figure, if it is a tail of closed classes: whose tail it is. Empty for others."""
    parts = figure.split(".")
    if not ({"latency_ns", "wait_ns"} & {*parts} and parts[-1] in TAILS):
        return ""
    names = [parts[1]] if parts[0] == "classes" else [*loops]
    return "; ".join(
        f"self-throttled: the offered load of closed class '{name}' fell {fallen(loops[name]['self_throttled'])}"
        for name in names
        if name in loops
    )


def fallen(share: float | None) -> str:
    """By how much the offered load of a class fell, and against what: `run`, `plan` and `compare` say the same."""
    return "by nobody knows how much" if share is None else f"by {share:.1%} against an idle machine"


def throttled_warnings(shares: Mapping[str, float | None]) -> list[str]:
    """What a reader of a tail must know, by the class's `self_throttled`."""
    return [
        f"class '{name}' is closed and self-throttled: its offered load fell {fallen(share)}, and its tails are of that load"
        for name, share in shares.items()
        if share is not None and share >= TELLING
    ]
