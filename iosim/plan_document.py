"""What plan.json holds, the picture beside it, and the plan in words and as a frame."""

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
    import pandas
    from matplotlib.axes import Axes
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
    draw_objective(plan, left)
    points = _drawn(plan)
    used = [{it.name: it.utilization for it in resources(plan.scenario, point.document)} for point in points]
    plots.utilizations(right, [it.value for it in points], used, _ends(plan), _looked_for(plan))
    return figure


def small_picture(plan: "Plan") -> "Figure":
    """The first objective alone."""
    figure, panels = plots.figure_overview([_objective(plan)])
    draw_objective(plan, panels[0])
    return figure


def draw_objective(plan: "Plan", ax: "Axes") -> None:
    """The figure of the first objective over the value looked for, its bound, and the answer with its interval."""
    points = _drawn(plan)
    expected = plan.scenario.model.expect[0]
    values = [lookup(it.document, expected.figure)["value"] for it in points]
    at = [it.value for it in points]
    plots.planned(ax, at, values, expected.bound, _ends(plan), _looked_for(plan), expected.figure)


def _drawn(plan: "Plan") -> list[Point]:
    return [it for it in plan.scan if it.steady or plan.unknown.whole]


def _ends(plan: "Plan") -> tuple[float, ...] | None:
    if plan.answer is None:
        return None
    return (plan.answer.value, *((plan.answer.low, plan.answer.high) if plan.answer.has_interval else ()))


def _looked_for(plan: "Plan") -> str:
    unit = plan.unknown.unit.strip()
    return f"{plan.unknown.name} ({unit})" if unit else plan.unknown.name


def _objective(plan: "Plan") -> str:
    return plan.objectives[0] + (f" (and {len(plan.objectives) - 1} more)" if len(plan.objectives) > 1 else "")


def in_words(plan: "Plan") -> list[tuple[str, str]]:
    """What is asked for and what was found, name by name."""
    rows = [("objective", " and ".join(plan.objectives)), ("verdict", plan.verdict)]
    rows += [("why", plan.why)] if plan.why else []
    if (it := plan.answer) is not None:
        between = f" ({it.low:.6g} to {it.high:.6g})" if it.has_interval else ""
        rows.append((f"{plan.unknown.want} {plan.unknown.name}", f"{it.value:.6g}{plan.unknown.unit}{between}"))
    if plan.recommended is not None:
        rows.append(("to be on the safe side", str(plan.unknown.written(plan.recommended))))
    if (room := plan.headroom) is not None:
        ends = f" ({room.low:+.1%} to {room.high:+.1%})" if room.has_interval else ""
        rows.append((f"headroom over {plan.unknown.today:.6g}{plan.unknown.unit} today", f"{room.value:+.1%}{ends}"))
    if plan.confirmation:
        at = plan.unknown.written(plan.confirmation.value)
        rows.append(("on fresh replications", f"{plan.confirmation.verdict} at {at}"))
    return rows


def to_frame(plan: "Plan") -> "pandas.DataFrame":
    """One row a point of the scan, in the order of its values: the value, its verdict, figures, utilizations."""
    import pandas

    unit = f"_{plan.unknown.unit.strip()}".replace("_/", "_per_").rstrip("_")
    flat = []
    for point in sorted(plan.scan, key=lambda it: it.value):
        row = _row(plan, point)
        line: dict[str, Any] = {f"{plan.unknown.name}{unit}": point.value, "met": point.met, "regime": row["regime"]}
        line["throughput_per_s"] = row["throughput_per_s"]["value"]
        for name, it in row["latency_ns"].items():
            line[f"latency_ns.{name}"] = math.nan if it["value"] is None else it["value"]
        flat.append(line | {f"{name}.utilization": share for name, share in row["utilization"].items()})
    return pandas.DataFrame(flat)
