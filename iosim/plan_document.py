"""What plan.json holds, the picture beside it, and the plan in words and as a frame."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iosim import amounts, figures, plots
from iosim.bottlenecks import resources
from iosim.probing import Point
from iosim.scenario.expectations import parse_expectation
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
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "plan",
        "iosim": VERSION,
        "scenario": plan.scenario.name,
        "effective": plan.scenario.effective(),
        "seed": plan.seed,
        "find": find(plan),
        "objectives": plan.objectives,
        **outcome(plan),
        "feasible": [[part.low, part.high] for part in plan.stretches],
        "scan": [_row(plan, point) for point in plan.scan],
        "roots": [root.x for root in plan.roots],
        "stopping": plan.stopping,
        "warm_up_ns": plan.warm_up_ns,
        "replications_run": plan.runs,
        "knee": plan.knee,
        "scalability": _law(plan),
        "closed": plan.more.get("closed", []),
        **{key: value for key, value in plan.more.items() if key != "closed"},
    }


def find(plan: "Plan") -> dict[str, Any]:
    """What is looked for."""
    it = plan.unknown
    return {"path": it.name, "paths": list(it.paths), "unit": it.unit.strip(), "want": it.want, "today": it.today}


def outcome(plan: "Plan") -> dict[str, Any]:
    """What is answered, of the scenario as it is and with a part lost alike; `headroom` is that of `recommended`.

    `bound` is "at least" or "at most" where the scan ended at the answer, which then is no largest or smallest value.
    """
    return {
        "verdict": plan.verdict,
        "why": plan.why,
        "answer": _figure(plan.answer),
        "bound": plan.bound,
        "recommended": None if plan.recommended is None else plan.unknown.written(plan.recommended),
        "headroom": None if plan.headroom is None else {"value": plan.headroom, "ci95": None},
        "confirmation": _row(plan, plan.confirmation) if plan.confirmation else None,
        "resources": [
            {
                "name": used.name,
                "utilization": {"value": used.utilization, "ci95": None if used.low is None else [used.low, used.high]},
                "full_at_per_s": used.full_at if math.isfinite(used.full_at) else None,
            }
            for used in plan.resources
        ],
        "warnings": plan.warnings,
    }


def outcome_rows(found: Mapping[str, Any], find: Mapping[str, Any]) -> list[tuple[str, str]]:
    """An outcome in words, name by name; `find` is that of the document."""
    unit = find["unit"]
    rows = [("verdict", ": ".join(filter(None, (found["verdict"], found["why"]))))]
    if found["answer"]:
        rows.append((f"{find['want']} {find['path']}", answer_text(found, unit)))
    if confirmed := found["confirmation"]:
        name = "safe value, to be signed" if found["verdict"] == "met" else "not to be signed"
        name = f"met, not shown to be the {find['want']}" if found["headroom"] and bound_of(found) else name
        value = amounts.with_unit(confirmed["value"], unit)
        rows.append((name, f"{value}; fresh replications: {'; '.join(map(_judged, confirmed['expect']))}"))
        caveats = dict.fromkeys(it["caveat"] for it in confirmed["expect"] if it["caveat"])
        rows += [("whose tail", "; ".join(caveats))] if caveats else []
    if find["today"] and found["answer"]:
        today = f"headroom over {amounts.with_unit(find['today'], unit)} today"
        rows.append((today, _room(found["headroom"], find["want"] == "largest", bound_of(found))))
    if found["resources"]:
        tight, *more = map(_used, found["resources"][:3])
        rows.append(("bottleneck", f"{tight}{'; next ' if more else ''}{', '.join(more)}"))
    return rows


def bound_of(found: Mapping[str, Any]) -> str:
    """`at least` or `at most` where the answer is but the end of a scan; of older documents, too."""
    return str(found.get("bound", ""))


def answer_text(found: Mapping[str, Any], unit: str) -> str:
    """The answer of an outcome with its interval, or which bound it is."""
    bound, text = bound_of(found), figure_text(found["answer"], unit)
    return f"{bound} {text}: the scan ended there" if bound else text


def _room(headroom: dict[str, Any] | None, load: bool, bound: str) -> str:
    """How far today is from the safe value: of a load what may be added, of a resource what may be spared."""
    if headroom is None:
        return "not told: no safe value is confirmed"
    share = headroom["value"]
    size = amounts.percent(abs(share))
    if share < 0:
        return f"none: {size} of it is beyond the safe value" if load else f"none: the safe value takes {size} more"
    if bound:
        return f"at least {size} may be {'added' if load else 'spared'}: the scan ended there"
    return f"{size} may be {'added' if load else 'spared'}, up to the safe value"


def figure_text(figure: dict[str, Any], unit: str) -> str:
    """A number of the unknown with its interval."""
    ends = [amounts.with_unit(end, unit) for end in figure["ci95"] or ()]
    return amounts.with_unit(figure["value"], unit) + (f" ({' to '.join(ends)})" if ends else "")


def _judged(verdict: dict[str, Any]) -> str:
    path = parse_expectation(verdict["expect"]).figure
    value = verdict["value"]
    if value is None:
        return f"{verdict['expect']} {verdict['verdict']}"
    between = amounts.interval(value, verdict["ci95"], path)
    return f"{verdict['expect']} {verdict['verdict']} with {amounts.figure(value, path)}{f' ({between})' if between else ''}"


def _used(resource: dict[str, Any]) -> str:
    full = resource["full_at_per_s"]
    at = f", full at {amounts.with_unit(full, '/s')}" if full is not None else ""
    return f"{resource['name']} ({amounts.percent(resource['utilization']['value'])} busy{at})"


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
    figures.save(picture(plan), directory / "plan.png")


def picture(plan: "Plan") -> "Figure":
    """The first objective over the value looked for, the answer and what confirmed it from near, and the utilizations."""
    heading = f"{plan.scenario.name}, seed {plan.seed}, iosim {VERSION}"
    roots, mark, ends = [root.x for root in plan.roots], confirmed(plan), _ends(plan)
    near = ["The answer from near"] if roots and mark and ends else []
    titles = [_objective(plan), *near, "Utilization of every resource"]
    figure, (left, *middle, right) = figures.figure_overview(titles, heading, columns=3)
    draw_objective(plan, left)
    expected = plan.scenario.model.expect[0]
    if middle and mark and ends:
        plots.answered(middle[0], expected.bound, ends, roots, mark, _looked_for(plan), expected.figure)
    points = _drawn(plan)
    used = [{it.name: it.utilization for it in resources(plan.scenario, point.document)} for point in points]
    plots.utilizations(right, [it.value for it in points], used, ends, _looked_for(plan), plan.bound)
    return figure


def small_picture(plan: "Plan") -> "Figure":
    """The first objective alone."""
    figure, panels = figures.figure_overview([_objective(plan)])
    draw_objective(plan, panels[0])
    return figure


def draw_objective(plan: "Plan", ax: "Axes") -> None:
    """The figure of the first objective over the value looked for, its bound, and the answer with its interval."""
    points = _drawn(plan)
    expected = plan.scenario.model.expect[0]
    values = [lookup(it.document, expected.figure)["value"] for it in points]
    at = [it.value for it in points]
    plots.planned(
        ax, at, values, expected.bound, _ends(plan), _looked_for(plan), expected.figure, confirmed(plan), plan.bound
    )


def confirmed(plan: "Plan") -> tuple[float, ...] | None:
    """What fresh replications gave for the first objective: value looked for, figure, ends of its interval."""
    return confirmation_mark(_row(plan, plan.confirmation)) if plan.confirmation else None


def confirmation_mark(row: dict[str, Any]) -> tuple[float, ...] | None:
    """The same of a plan's document."""
    judged = row["expect"][0]
    return None if judged["value"] is None else (row["value"], judged["value"], *(judged["ci95"] or ()))


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
    return [("objective", " and ".join(plan.objectives)), *outcome_rows(outcome(plan), find(plan))]


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
