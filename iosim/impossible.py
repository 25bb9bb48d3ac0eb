"""Why no value meets the objectives of a plan, in words: what the nearest point of the scan gives, and the bound behind it.

A request takes no less than its own work alone (R >= D), and no more of them a second are carried than the first full
resource lets through (X <= servers / D): the asymptotic bounds of Denning and Buzen (1978). Which of them is told depends on
what is asked: of latency the first, of throughput and of a load that nothing carries the second; of waiting what the time
of a request goes to.
"""

import math
from typing import TYPE_CHECKING, Any

from iosim import amounts
from iosim.demands import described
from iosim.scenario.expectations import Expectation

if TYPE_CHECKING:
    from iosim.planning import Plan
    from iosim.probing import Point


def why_impossible(plan: "Plan", nearest: "Point") -> str:
    """`nearest` is the point of the scan that comes nearest to the objectives; `plan.at` is there."""
    where = f"{plan.unknown.name} = {amounts.with_unit(nearest.value, plan.unknown.unit)}"
    if not nearest.steady:
        return (
            f"the load is more than can be carried at any value tried; at {where} it is unstable. {_full(plan)}".strip()
        )
    missed = [
        objective
        for objective, verdict in zip(plan.scenario.model.expect, nearest.document["expect"], strict=True)
        if verdict["value"] is None or not objective.holds(verdict["value"])
    ]
    told = ", ".join(_told(it, nearest.document) for it in missed)
    reasons = dict.fromkeys(_reason(plan, nearest, it) for it in missed)
    even = "even" if plan.unknown.largest else "no value helps:"
    return " ".join([f"{even} at {where}, which comes nearest of all that was tried, {told}.", *filter(None, reasons)])


def _told(objective: Expectation, document: dict[str, Any]) -> str:
    value = next(it["value"] for it in document["expect"] if it["expect"] == objective.text)
    figure, bound = (amounts.figure(it, objective.figure) for it in (value, objective.bound))
    caveat = next(it["caveat"] for it in document["expect"] if it["expect"] == objective.text)
    told = f"{amounts.without_unit(objective.figure)} is {figure}, not {objective.operator} {bound}"
    return f"{told} ({caveat})" if caveat else told


def _reason(plan: "Plan", nearest: "Point", objective: Expectation) -> str:
    parts = objective.figure.split(".")
    if "latency_ns" not in parts and "wait_ns" not in parts:
        return _full(plan)
    name = parts[1] if parts[0] == "classes" else ""
    figures = nearest.document["classes"][name] if name else nearest.document
    demands = described(plan.scenario.with_set(plan.unknown.changes(nearest.value)))
    alone = demands.classes[name].alone if name else demands.of_mix().alone
    if "latency_ns" in parts and alone >= objective.bound:
        return f"Asymptotic bound: a request takes {amounts.time(alone)} on average even alone on an idle machine."
    cause, time = max(figures["latency_causes_ns"].items(), key=lambda it: it[1]["value"] or 0.0)
    mean = figures["latency_ns"]["mean"]["value"]
    if not mean:
        return ""
    return f"On average a request takes {amounts.time(mean)} there, most of it {cause} ({amounts.time(time['value'])})."


def _full(plan: "Plan") -> str:
    tight = next((it for it in plan.resources if math.isfinite(it.full_at)), None)
    if tight is None:
        return ""
    share, rate = amounts.percent(tight.utilization), amounts.with_unit(tight.full_at, "/s")
    return f"Asymptotic bound: {tight.name} is {share} busy there, and full at {rate}."
