"""What plan.json holds, the picture beside it, and how a plan shows itself in a notebook."""

import html
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iosim import plots
from iosim.bottlenecks import resources
from iosim.probing import Point
from iosim.statistics import Estimate
from iosim.summary import lookup
from iosim.version import VERSION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from iosim.planning import Plan

SCHEMA_VERSION = 1


def document(plan: "Plan") -> dict[str, Any]:
    """Stable keys; values of what is looked for are in `find.unit`, times in ns."""
    it = plan.unknown
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "plan",
        "iosim": VERSION,
        "scenario": plan.scenario.name,
        "effective": plan.scenario.effective(),
        "seed": plan.seed,
        "find": {"path": it.name, "paths": list(it.paths), "unit": it.unit.strip(), "want": it.want, "today": it.today},
        "objectives": plan.objectives,
        "verdict": plan.verdict,
        "why": plan.why,
        "answer": _figure(plan.answer),
        "recommended": None if plan.recommended is None else it.written(plan.recommended),
        "headroom": _figure(plan.headroom),
        "feasible": [[part.low, part.high] for part in plan.stretches],
        "scan": [_row(plan, point) for point in plan.scan],
        "roots": [root.x for root in plan.roots],
        "stopping": plan.stopping,
        "warm_up_ns": plan.warm_up_ns,
        "replications_run": plan.runs,
        "confirmation": _row(plan, plan.confirmation) if plan.confirmation else None,
        "resources": [
            {
                "name": used.name,
                "utilization": {"value": used.utilization, "ci95": None if used.low is None else [used.low, used.high]},
                "full_at_per_s": used.full_at if math.isfinite(used.full_at) else None,
            }
            for used in plan.resources
        ],
        "knee": plan.knee,
        "scalability": _law(plan),
        "closed": plan.more.get("closed", []),
        **{key: value for key, value in plan.more.items() if key != "closed"},
        "warnings": plan.warnings,
    }


def _figure(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {"value": estimate.value, "ci95": [estimate.low, estimate.high] if estimate.has_interval else None}


def _law(plan: "Plan") -> dict[str, Any]:
    it = plan.scalability
    if it is None:
        return {"fitted": False, "reason": plan.scalability_reason}
    return {
        "fitted": True,
        "x1_per_s": _figure(it.x1),
        "contention": _figure(it.contention),
        "coherence": _figure(it.coherence),
        "peak": _figure(it.peak),
        "reason": it.reason,
        "misfit_chance": it.misfit,
    }


def _row(plan: "Plan", point: Point) -> dict[str, Any]:
    used = resources(plan.scenario, point.document)
    return {
        "value": point.value,
        "met": point.met,
        "regime": point.document["regime"]["kind"],
        "expect": point.document["expect"],
        "throughput_per_s": point.document["throughput_per_s"],
        "latency_ns": point.document["latency_ns"],
        "replications": point.document["replications"],
        "utilization": {it.name: it.utilization for it in used},
    }


def write(plan: "Plan", directory: Path) -> None:
    """plan.json and plan.png, each replaced as a whole."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(plan), indent=2, sort_keys=True, allow_nan=False) + "\n"
    beside = directory / "plan.json.tmp"
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, directory / "plan.json")
    plots.save(picture(plan), directory / "plan.png")


def picture(plan: "Plan") -> "Figure":
    """The figure of the first objective over the value looked for, and the utilizations beside it."""
    heading = f"{plan.scenario.name}, seed {plan.seed}, iosim {VERSION}"
    figure, (left, right) = plots.figure_overview([_objective(plan), "Utilization of every resource"], heading)
    points = [it for it in plan.scan if it.steady or plan.unknown.whole]
    name = plan.unknown.name + (f" ({plan.unknown.unit.strip()})" if plan.unknown.unit.strip() else "")
    expected = plan.scenario.model.expect[0]
    values = [lookup(it.document, expected.figure)["value"] for it in points]
    ends = None
    if plan.answer is not None:
        ends = (plan.answer.value, *((plan.answer.low, plan.answer.high) if plan.answer.has_interval else ()))
    plots.planned(left, [it.value for it in points], values, expected.bound, ends, name, expected.figure)
    used = [{it.name: it.utilization for it in resources(plan.scenario, point.document)} for point in points]
    plots.utilizations(right, [it.value for it in points], used, ends, name)
    return figure


def _objective(plan: "Plan") -> str:
    return plan.objectives[0] + (f" (and {len(plan.objectives) - 1} more)" if len(plan.objectives) > 1 else "")


def as_html(plan: "Plan") -> str:
    """A small table."""
    rows = [("objective", " and ".join(plan.objectives)), ("verdict", plan.verdict)]
    if plan.answer is not None:
        it = plan.answer
        between = f" ({it.low:.6g} to {it.high:.6g})" if it.has_interval else ""
        rows.append((f"{plan.unknown.want} {plan.unknown.name}", f"{it.value:.6g}{plan.unknown.unit}{between}"))
    rows += [("why", plan.why)] if plan.why else []
    cells = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in rows)
    return f"<table>{cells}</table>"
