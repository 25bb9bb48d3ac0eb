"""How results show themselves in a notebook: a table, a small picture, and folded away what a reader may ask for next.

No scripts and nothing from elsewhere, so that an export of the notebook keeps all of it; pictures carry their words.
"""

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from iosim import amounts, captions, figures, pictures, plan_document, plots, stacks
from iosim.attribution import CAUSES
from iosim.markup import escape, facts, folded, fragment, paragraph, table
from iosim.units import as_written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from iosim.comparison import Comparison
    from iosim.planning import Plan
    from iosim.results import Result, Study

MOST_CELLS = 12  # of a study that its table shows
MOST_CAUSES = 8
COARSE = 72  # dots an inch: a picture of 20 kB
CHOSEN = ("throughput_per_s", "latency_ns.mean", "latency_ns.p99")


# ---- one run ---------------------------------------------------------------------------------------------------------


def of_result(result: "Result") -> str:
    """The headline, latencies by class, where the time went, what was expected, and the machine."""
    it = result.summary
    rows = [
        ("scenario", pictures.heading(it)),
        ("regime", _regime(it["regime"])),
        ("throughput", f"{_said(it['throughput_per_s'], '')} requests/s"),
    ]
    rows += [("expected", f"{one['expect']}: {one['verdict']}") for one in result.verdicts]
    rows += [("warning", text) for text in it["warnings"]]
    return fragment(
        [
            facts(rows),
            _latencies(it),
            _picture(_result_picture(result)),
            folded("Where the time of a request went", _causes(it)),
            machine(result.effective),
        ]
    )


def _regime(regime: Mapping[str, Any]) -> str:
    return f"{regime['kind']}, at {regime['resource']}" if regime.get("resource") else str(regime["kind"])


def _latencies(summary: Mapping[str, Any]) -> str:
    """All requests, and each class where there are several."""
    classes = summary["classes"]
    groups = {"all": summary, **classes} if len(classes) > 1 else {next(iter(classes)): summary}
    heads = ("mean", "p50", "p90", "p99")
    rows = [[name, *(_said(it["latency_ns"][head], "_ns") for head in heads)] for name, it in groups.items()]
    return table(["latency", *heads], rows)


def _causes(summary: Mapping[str, Any]) -> str:
    means = {cause: summary["latency_causes_ns"][cause]["value"] or 0.0 for cause in CAUSES}
    whole = sum(means.values()) or 1.0
    ranked = sorted((cause for cause in CAUSES if means[cause]), key=lambda cause: -means[cause])
    rows = [[_plain(cause), amounts.time(means[cause]), f"{means[cause] / whole:.1%}"] for cause in ranked]
    return table(["cause", "mean", "share"], rows)


def _result_picture(result: "Result") -> "Figure":
    """Latency by class; where time went if no rows were kept."""
    name = "causes" if result.raws[0].tallies else "latency"
    title, draw = pictures.RUN_PICTURES[name]
    figure, panels = figures.figure_overview([title])
    draw(result, panels[0])
    return figure


# ---- studies ---------------------------------------------------------------------------------------------------------


def of_study(study: "Study") -> str:
    """Cells with their figures, the study's first figure, and what must be said of it."""
    asked = study.plot_request
    paths = [
        path
        for path in dict.fromkeys([*([asked.figure] if asked else ()), *CHOSEN])
        if any(path in row["figures"] for row in study.rows)
    ]
    rows = [
        [
            *(str(as_written(value)) for value in row["cell"].values()),
            row["regime"],
            *(_said(row["figures"].get(path), path) for path in paths),
        ]
        for row in study.rows
    ]
    more = len(rows) - MOST_CELLS
    heads = [*study.vary, "regime", *map(pictures.in_words, paths)]
    figure = None
    if study.rows:
        figure, panels = figures.figure_overview([pictures.in_words(paths[0])])
        pictures.study_lines(study, asked.x if asked else next(iter(study.vary)), paths[0], panels[0])
    return fragment(
        [
            facts([("study", pictures.heading(study.about))] if study.about else []),
            table(heads, rows[:MOST_CELLS], words=len(study.vary) + 1),
            paragraph(f"and {more} more cells: to_frame() has them all" if more > 0 else ""),
            _picture(figure) if figure else "",
            *(paragraph(text) for text in study.said(overloads=False)),
            machine(study.effective),
        ]
    )


# ---- comparisons and plans -------------------------------------------------------------------------------------------


def of_comparison(found: "Comparison") -> str:
    """The verdict in words, the figures that people decide by, where the time went in both, and what moved."""
    parts: list[str] = []
    for it in found.document["against"]:
        parts += [
            f"<p><strong>{escape(it['verdict'])}</strong></p>",
            _headlines(it),
            _picture(_both_causes(it)),
            folded("Causes that moved (mean of a request)", _moved(it)),
        ]
    return fragment([*parts, *(paragraph(f"warning: {text}") for text in found.warnings)])


def _headlines(it: Mapping[str, Any]) -> str:
    rows = [
        [
            pictures.in_words(line["figure"]),
            line["verdict"],
            *(_value(line[side], line["figure"]) for side in ("base", "other")),
            _said(line["difference"], line["figure"]),
        ]
        for line in it["headlines"]
    ]
    return table(["", "verdict", it["base"], it["other"], "difference (95 % interval)"], rows, words=2)


def _both_causes(it: Mapping[str, Any]) -> "Figure | None":
    """Every cause in both designs, one bar each."""
    bars = pictures.both_causes(it)
    if not any(map(any, (bar.values() for bar in bars.values()))):
        return None
    figure, panels = figures.figure_overview(["Where the time of a request went"])
    plots.causes(panels[0], bars)
    return figure


def _moved(it: Mapping[str, Any]) -> str:
    rows = [
        [
            _plain(row["cause"]),
            *(_value(row[side], "_ns") for side in ("base", "other")),
            _said(row["difference"], "_ns"),
        ]
        for row in it["causes"]
        if row["moved"]
    ]
    return table(["cause", it["base"], it["other"], "difference (95 % interval)"], rows[:MOST_CAUSES])


def of_plan(plan: "Plan") -> str:
    """The answer with its interval, whether fresh replications confirm it, and how full everything is there."""
    used = [
        [
            it.name,
            f"{it.utilization:.1%}",
            "" if it.low is None or it.high is None else f"{it.low:.1%} to {it.high:.1%}",
        ]
        for it in plan.resources
    ]
    return fragment(
        [
            facts(plan_document.in_words(plan)),
            _picture(plan_document.small_picture(plan)) if plan.scan else "",
            folded("How full everything is at the answer", table(["resource", "utilization", "95 % interval"], used)),
            *(paragraph(f"warning: {text}") for text in plan.warnings),
            machine(plan.scenario.to_yaml()),
        ]
    )


# ---- parts -----------------------------------------------------------------------------------------------------------


def machine(effective: str) -> str:
    """The device stack of an effective scenario, folded; nothing without one."""
    return folded("Device stack", stacks.as_svg(yaml.safe_load(effective))) if effective else ""


def _picture(figure: "Figure | None") -> str:
    if figure is None:
        return ""
    words = captions.all_alt_text(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=COARSE)
    return f'<img alt="{escape(words)}" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _value(value: float | None, path: str) -> str:
    """A time in the unit that suits it, or a number."""
    if value is None:
        return "-"
    return amounts.time(value) if amounts.is_time(path) else amounts.number(value)


def _said(figure: Mapping[str, Any] | None, path: str) -> str:
    """Value and interval; a dash where it was refused."""
    if figure is None or figure["value"] is None:
        return "-"
    ends = figure["ci95"]
    between = f" ({_value(ends[0], path)} to {_value(ends[1], path)})" if ends and ends[0] != ends[1] else ""
    return _value(figure["value"], path) + between
