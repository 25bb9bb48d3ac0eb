"""The pictures of a report, drawn from what a directory of results holds, as SVG with the numbers behind them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iosim import pictures, plots
from iosim.attribution import CAUSES
from iosim.cli.numbers import show_time
from iosim.cli.tables import Table
from iosim.results import Study
from iosim.rows import groups
from iosim.thread import KINDS


@dataclass
class Picture:
    """One figure of the page: `svg` is markup, `table` its numbers."""

    title: str
    svg: str
    table: Table


def _value(figure: Any) -> float:
    return float(figure["value"] or 0.0)


def of_run(directory: Path, summary: dict[str, Any]) -> Iterator[Picture]:
    """Latency by class where the rows were kept, where requests' time went, and the processors'."""
    rows = directory / "requests.npz"
    if rows.exists():
        yield latency(rows, summary)
    yield causes(summary)
    yield processor_time(summary)


def latency(path: Path, summary: dict[str, Any]) -> Picture:
    """The distribution of latency, class by class; warm-up is left out."""
    found: dict[str, Any] = {}
    with np.load(path) as columns:
        replications = sorted({name.partition(".")[0] for name in columns if re.fullmatch(r"r\d+\..*", name)})
        for number, name in enumerate(columns["classes"].tolist()):
            parts = []
            for it in replications:
                intended = columns[f"{it}.intended"]
                kept = (groups(columns[f"{it}.outcome"]) == number) & (intended >= summary["warm_up_ns"])
                parts.append((columns[f"{it}.ended"] - intended)[kept])
            found[name] = np.concatenate(parts)
    rows = [
        [name, *(show_time(q["value"]) if q["value"] is not None else "-" for q in _quantiles(it["latency_ns"]))]
        for name, it in summary["classes"].items()
    ]
    heads = ["mean", "p50", "p90", "p99"]
    ax, figure = _panel()
    plots.latency(ax, found)
    table = Table("", ["class", *heads], rows, frozenset(heads))
    return Picture("How long requests took", plots.as_svg(figure), table)


def _quantiles(figures: dict[str, Any]) -> list[Any]:
    return [figures[name] for name in ("mean", "p50", "p90", "p99")]


def causes(summary: dict[str, Any]) -> Picture:
    """Where the time of a request went."""
    found = {
        name: {cause: _value(it["latency_causes_ns"][cause]) for cause in CAUSES}
        for name, it in summary["classes"].items()
    }
    shown = [cause for cause in CAUSES if any(it[cause] for it in found.values())]
    rows = [[cause.replace("_", " "), *(show_time(it[cause]) for it in found.values())] for cause in shown]
    ax, figure = _panel()
    plots.causes(ax, found)
    table = Table("", ["cause (mean)", *found], rows, frozenset(found))
    return Picture("Where the time of a request went", plots.as_svg(figure), table)


def processor_time(summary: dict[str, Any]) -> Picture:
    """What processors spent their time on."""
    shares = {kind: _value(summary["processors"]["share"][kind]) for kind in KINDS}
    ax, figure = _panel()
    plots.processor_time(ax, [summary["scenario"]], [shares], "Scenario")
    rows = [[kind, f"{100 * share:.2f} %"] for kind, share in shares.items() if share]
    return Picture("Processor time", plots.as_svg(figure), Table("", ["", "share"], rows, frozenset(["share"])))


def of_study(study: Study, scenario: dict[str, Any]) -> Iterator[Picture]:
    """The study's figure over what was varied."""
    asked = (scenario.get("study") or {}).get("plot") or {}
    x = asked.get("x") or next(iter(study.vary))
    for figure in dict.fromkeys([asked.get("figure") or "throughput_per_s", "latency_ns.p99", "throughput_per_s"]):
        if all(row["figures"].get(figure, {"value": None})["value"] is None for row in study.rows):
            continue
        ax, whole = _panel()
        pictures.study_lines(study, x, figure, ax)
        yield Picture(f"{pictures.in_words(figure)} over {x}", plots.as_svg(whole), Table("", [], []))


def of_plan(found: dict[str, Any]) -> Iterator[Picture]:
    """The objective over the value looked for, and the resources beside it."""
    from iosim.scenario.expectations import parse_expectation

    points = [it for it in found["scan"] if it["regime"] == "steady" or not found["find"]["unit"]]
    if not points:
        return
    expected = parse_expectation(found["objectives"][0])
    name = f"{found['find']['path']} ({found['find']['unit']})" if found["find"]["unit"] else found["find"]["path"]
    values = [it["expect"][0]["value"] for it in points]
    answer = found["answer"]
    ends = (answer["value"], *(answer["ci95"] or ())) if answer else None
    asked = [it["value"] for it in points]
    ax, figure = _panel()
    plots.planned(ax, asked, values, expected.bound, ends, name, expected.figure)
    yield Picture(
        f"{found['objectives'][0]} over {found['find']['path']}",
        plots.as_svg(figure),
        _scanned(found["find"]["path"], expected.figure, points),
    )
    ax, figure = _panel()
    plots.utilizations(ax, asked, [it["utilization"] for it in points], ends, name)
    names = list(points[0]["utilization"])
    rows = [[f"{it['value']:.5g}", *(f"{it['utilization'].get(each, 0):.1%}" for each in names)] for it in points]
    table = Table("", [found["find"]["path"], *names], rows, frozenset(names))
    yield Picture("Utilization of every resource", plots.as_svg(figure), table)


def _scanned(path: str, figure: str, points: list[dict[str, Any]]) -> Table:
    rows = []
    for it in points:
        value = it["expect"][0]["value"]
        shown = "-" if value is None else f"{value:.5g}"
        rows.append([f"{it['value']:.5g}", shown, "met" if it["met"] else "missed"])
    return Table("", [path, figure, ""], rows, frozenset((path, figure)))


def _panel() -> tuple[Any, Any]:
    figure, (ax,) = plots.figure_overview([""], columns=1)
    return ax, figure
