"""The pictures of a report, drawn from what a directory of results holds, as SVG with the numbers behind them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iosim import amounts, figures, pictures, plan_tables, plots
from iosim.attribution import CAUSES
from iosim.numbers import read_figure, show_figure, show_time
from iosim.plan_document import bound_of, confirmation_mark
from iosim.results import Study, latencies
from iosim.scenario.expectations import parse_expectation
from iosim.tables import Table

HEADS = ("mean", "p50", "p90", "p99")


@dataclass
class Picture:
    """One figure of the page: `svg` is markup, `table` its numbers."""

    title: str
    svg: str
    table: Table


def of_run(directory: Path, summary: Mapping[str, Any]) -> Iterator[Picture]:
    """Latency by class where the rows were kept, where requests' time went, and the processors'."""
    rows = directory / "requests.npz"
    if rows.exists():
        yield latency(rows, summary)
    yield causes("Where the time of a request went", pictures.mean_causes(summary))
    yield processor_time(summary)


def latency(path: Path, summary: Mapping[str, Any]) -> Picture:
    """The distribution of latency, class by class; warm-up is left out."""
    with np.load(path) as columns:
        numbers = sorted({name.partition(".")[0] for name in columns if re.fullmatch(r"r\d+\..*", name)})
        replications = [{it: columns[f"{n}.{it}"] for it in ("outcome", "intended", "ended")} for n in numbers]
        found = latencies(replications, columns["classes"].tolist(), summary["warm_up_ns"])
    rows = [
        [name, *(show_figure(read_figure(it["latency_ns"][head]), "_ns") for head in HEADS)]
        for name, it in summary["classes"].items()
    ]
    ax, figure = _panel()
    plots.latency(ax, found, pictures.refused(summary))
    return Picture(
        "How long requests took", figures.as_svg(figure), Table("", ["class", *HEADS], rows, frozenset(HEADS))
    )


def causes(title: str, found: Mapping[str, Mapping[str, float]]) -> Picture:
    """Where the time of a request went, in each class or design."""
    shown = [cause for cause in CAUSES if any(it[cause] for it in found.values())]
    rows = [[cause.replace("_", " "), *(show_time(it[cause]) for it in found.values())] for cause in shown]
    ax, figure = _panel()
    plots.causes(ax, found)
    return Picture(title, figures.as_svg(figure), Table("", ["cause (mean)", *found], rows, frozenset(found)))


def processor_time(summary: Mapping[str, Any]) -> Picture:
    """What processors spent their time on."""
    shares = pictures.shares(summary)
    ax, figure = _panel()
    plots.processor_time(ax, [summary["scenario"]], [shares], "Scenario")
    rows = [[kind, f"{100 * share:.2f} %"] for kind, share in shares.items() if share]
    return Picture("Processor time", figures.as_svg(figure), Table("", ["", "share"], rows, frozenset(["share"])))


def of_comparison(against: Sequence[Mapping[str, Any]]) -> Iterator[Picture]:
    """Where the time of a request went, in the first design and in each other."""
    for it in against:
        yield causes("Where the time of a request went", pictures.both_causes(it))


def of_study(study: Study, scenario: Mapping[str, Any]) -> Iterator[Picture]:
    """The study's figure over what was varied."""
    asked = (scenario.get("study") or {}).get("plot") or {}
    x = asked.get("x") or next(iter(study.vary))
    for figure in dict.fromkeys([asked.get("figure") or "throughput_per_s", "latency_ns.p99", "throughput_per_s"]):
        if all(row["figures"].get(figure, {"value": None})["value"] is None for row in study.rows):
            continue
        ax, whole = _panel()
        pictures.study_lines(study, x, figure, ax)
        yield Picture(f"{pictures.in_words(figure)} over {x}", figures.as_svg(whole), Table("", [], []))


def of_plan(found: Mapping[str, Any]) -> Iterator[Picture]:
    """The objective over the value looked for, and the resources beside it."""
    find, objective = found["find"], found["objectives"][0]
    points = [it for it in found["scan"] if it["regime"] != "unstable" or not find["unit"]]
    if not points:
        return
    expected = parse_expectation(objective)
    name = f"{find['path']} ({find['unit']})" if find["unit"] else find["path"]
    values = [it["expect"][0]["value"] for it in points]
    answer = found["answer"]
    ends = (answer["value"], *(answer["ci95"] or ())) if answer else None
    asked = [it["value"] for it in points]
    ax, figure = _panel()
    mark = confirmation_mark(found["confirmation"]) if found.get("confirmation") else None
    plots.planned(ax, asked, values, expected.bound, ends, name, expected.figure, mark, bound_of(found))
    yield Picture(f"{objective} over {find['path']}", figures.as_svg(figure), plan_tables.scan(found))
    ax, figure = _panel()
    plots.utilizations(ax, asked, [it["utilization"] for it in points], ends, name, bound_of(found))
    names = list(points[0]["utilization"])
    rows = [
        [
            amounts.with_unit(it["value"], find["unit"]),
            *(amounts.percent(it["utilization"].get(each, 0)) for each in names),
        ]
        for it in points
    ]
    table = Table("", [find["path"], *names], rows, frozenset((find["path"], *names)))
    yield Picture("Utilization of every resource", figures.as_svg(figure), table)


def _panel() -> tuple[Any, Any]:
    figure, (ax,) = figures.figure_overview([""], columns=1)
    return ax, figure
