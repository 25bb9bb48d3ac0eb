"""What the replications of a scenario say together: its summary, its regime in words, and a verdict on each expectation."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from iosim import resource_figures, summary
from iosim.closed_loops import caveat, closed_loops, throttled_warnings
from iosim.records import Raw
from iosim.replication import ALL
from iosim.scenario.load import AnyReplay, ClosedLoad
from iosim.scenario.loader import Scenario
from iosim.statistics import WarmUp
from iosim.summary import Summarizer
from iosim.twins import theory
from iosim.verdicts import judge

GROWING = (
    "latency_ns",
    "wait_ns",
    "latency_causes_ns",
)  # what goes on growing while a run is unstable: no interval holds it


def warm_up_of(scenario: Scenario, raws: list[Raw]) -> tuple[int, list[str]]:
    """The warm-up (ns, a whole number of steps) of these replications, and what must be said about it."""
    asked = scenario.model.run.warm_up
    step = raws[0].bin_ns
    if is_replay(scenario):
        return 0, []
    if asked is not None:
        return -(-asked // step) * step, []
    found: WarmUp = summary.find_warm_up(raws)
    if found.decided:
        return found.ns, []
    half = raws[0].horizon // 2 // step * step
    names = ", ".join(found.undecided)
    return half, [f"warm-up: {names} had not settled in the first half of the run; the second half is measured"]


def is_replay(scenario: Scenario) -> bool:
    """Whether the run ends by itself, with the last row of a trace."""
    return any(isinstance(load, AnyReplay) for load in scenario.model.workload.values())


def summarize(scenario: Scenario, raws: list[Raw], seed: int, cut: int | None = None) -> dict[str, Any]:
    """The summary of a scenario's replications; `cut` (ns, a whole number of steps) is a warm-up found elsewhere."""
    warm_up, warnings = warm_up_of(scenario, raws) if cut is None else (cut, [])
    it = Summarizer(raws, warm_up, is_replay(scenario))
    model = scenario.model
    loads = list(enumerate(model.workload.items()))
    kinds = {load.kind for load in model.workload.values()}
    regime = it.regime(kinds == {"closed"})
    if warnings and regime.kind == "steady":
        regime = replace(regime, kind="undecided", reason=f"{warnings[0]}; a longer run decides")
    document = {
        "schema_version": summary.SCHEMA_VERSION,
        "scenario": scenario.name,
        "seed": seed,
        "replications": len(raws),
        "simulated_ns": max(raw.end_ns for raw in raws),
        "warm_up_ns": warm_up,
        "events": sum(raw.events for raw in raws),
        "fingerprint": summary.fingerprint(raws),
        "regime": {
            "kind": regime.kind,
            "resource": regime.resource,
            "growth_per_s": None if regime.kind != "unstable" else regime.growth_per_s.value,
            "reason": regime.reason,
        },
        "stop": max((raw.stop for raw in raws), key=lambda stop: stop == "time limit"),
        "latency_origin": latency_origin(scenario),
        **it.request_figures("", ALL),
        "classes": {name: class_figures(it, group, name, load.kind) for group, (name, load) in loads},
        "head_of_line_ns": it.head_of_line(),
        "processors": resource_figures.processors(it),
        "ports": {name: resource_figures.port(it, name) for name in model.ports},
        "pools": {name: resource_figures.pool(it, name) for name in model.pools},
        "locks": {name: resource_figures.lock(it, name) for name in model.locks},
        "disks": {name: resource_figures.disk(it, name) for name in model.disks},
        "volumes": {name: resource_figures.volume(it, name) for name in model.volumes},
        "nics": {name: resource_figures.nic(it, name) for name in model.nics},
        "numa": resource_figures.numa(it),
    }
    document["theory"] = theory(scenario, it, document)
    loops = closed_loops(scenario, document["classes"])
    for name, loop in loops.items():
        document["classes"][name]["closed_load"] = loop
    warnings += throttled_warnings({name: loop["self_throttled"] for name, loop in loops.items()})
    warnings += it.warnings + it.refusals() + regime_warnings(scenario, regime.kind, regime.resource, regime.reason)
    if left := document["requests"]["in_flight"]:
        warnings.append(f"{left} counted requests never ended; maxima and tails are lower bounds")
    if regime.kind == "unstable" and not model.overloads:
        for part in (document, *document["classes"].values()):
            for name in GROWING:
                part[name] = {statistic: {**it, "ci95": None} for statistic, it in part[name].items()}
    document["stopping"] = None  # a number was asked for; `stopping` says it where a rule ends the run
    document["refused"] = it.refused
    document["batch_means"] = it.batch_means
    document["expect"] = [
        {**judge(document, it, model.overloads), "caveat": caveat(loops, it.figure)} for it in model.expect
    ]
    document["warnings"] = list(dict.fromkeys(warnings))
    return document


def class_figures(it: Summarizer, group: int, name: str, kind: str) -> dict[str, Any]:
    """Everything that is told of a class; only closed load has clients whose requests have an order."""
    figures = it.request_figures(f"classes.{name}.", group)
    return {**figures, "out_of_order_share": it.out_of_order(name)} if kind == "closed" else figures


def latency_origin(scenario: Scenario) -> str:
    """What latency is counted from: the intended arrival (open load) or the issue (closed load, replay at depth)."""
    loads = scenario.model.workload.values()
    issued = any(isinstance(it, ClosedLoad) or (isinstance(it, AnyReplay) and it.timing.depth) for it in loads)
    return "issued" if issued else "intended"


def regime_warnings(scenario: Scenario, kind: str, resource: str, reason: str) -> list[str]:
    """What a reader must know before believing the figures."""
    if kind == "unstable" and not scenario.model.overloads:
        where = f" at {resource}" if resource else ""
        return [f"unstable{where}: {reason}; no figure here is a steady one"]
    if kind == "undecided":
        return [f"regime undecided: {reason}"]
    return []


def each_replication(it: Summarizer, classes: list[str]) -> dict[str, list[float]]:
    """The figures that are compared pair by pair: one value a replication."""
    found: dict[str, list[float]] = {}
    for group, prefix in enumerate(["", *(f"classes.{name}." for name in classes)], ALL):
        for each in it.replications:
            found.setdefault(f"{prefix}throughput_per_s", []).append(each.throughput(group))
            for column in ("latency", "wait"):
                mean = each.mean_of(column, group) if each.count(group) else 0.0
                found.setdefault(f"{prefix}{column}_ns.mean", []).append(mean)
    return found


def flatten(document: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure of a summary with its path."""
    if isinstance(document, dict) and set(document) == {"value", "ci95"}:
        yield prefix, document
    elif isinstance(document, dict):
        for name, part in document.items():
            yield from flatten(part, f"{prefix}.{name}" if prefix else name)
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield prefix, {"value": document, "ci95": None}
