"""A plan's document as tables, for the terminal and for the page of a report."""

from collections.abc import Mapping
from typing import Any

from iosim import amounts
from iosim.plan_document import figure_text, outcome_rows
from iosim.scenario.expectations import parse_expectation
from iosim.tables import Table

Document = Mapping[str, Any]


def tables(document: Document) -> list[Table]:
    """The answer first, then the answers with a part lost, then what stands behind it."""
    behind = (confirmed, resources, scan, closed)
    return [answer(document), *losses(document), *(table(document) for table in behind)]


def answer(document: Document) -> Table:
    """What was found, with headroom, knee, scalability, growth and the inputs' uncertainty."""
    rows = [("objective", " and ".join(document["objectives"])), *outcome_rows(document, document["find"])]
    rows += [*_knee(document), ("scalability", _scalability(document["scalability"])), *_around(document)]
    return Table("", ["", ""], [list(row) for row in rows])


def losses(document: Document) -> list[Table]:
    """In the same words as the answer itself."""
    return [
        Table(f"without {it['lost']}", ["", ""], [list(row) for row in outcome_rows(it, document["find"])])
        for it in document.get("losses", ())
    ]


def _knee(document: Document) -> list[tuple[str, str]]:
    knee = document["knee"]
    if not knee:
        return []
    figure = {"value": knee["value"], "ci95": knee["between"]}
    text = " ".join(filter(None, (knee["bound"], figure_text(figure, document["find"]["unit"]))))
    return [("knee", f"{text}: {knee['kind']}")]


def _around(document: Document) -> list[tuple[str, str]]:
    """Growth and inputs, where they were asked for."""
    rows = []
    if grown := document.get("growth"):
        months = figure_text(grown["months"], "")
        rows.append(("months until the safe value is used up", " ".join(filter(None, (grown["bound"], months)))))
    if it := document.get("uncertainty"):
        text = (
            figure_text(it["answer"], document["find"]["unit"]) if it["answer"] else "an end of an input has no answer"
        )
        rows.append(("with the inputs' uncertainty", text))
    return rows


def _scalability(law: Document) -> str:
    if not law["fitted"]:
        return f"not fitted: {law['reason']}"
    peak = f"fastest at {amounts.number(law['peak']['value'])}" if law["peak"] else f"no peak named: {law['reason']}"
    contention, coherence = (amounts.number(law[name]["value"]) for name in ("contention", "coherence"))
    return f"contention {contention}, coherence {coherence}; {peak}"


def confirmed(document: Document) -> Table:
    """What fresh replications gave at the value to be signed."""
    fresh = document["confirmation"]
    rows = []
    for verdict in fresh["expect"] if fresh else ():
        path, value = parse_expectation(verdict["expect"]).figure, verdict["value"]
        between = amounts.interval(value, verdict["ci95"], path)
        rows.append([verdict["expect"], verdict["verdict"], amounts.figure(value, path), between])
    title = ""
    if fresh:
        value = amounts.with_unit(fresh["value"], document["find"]["unit"])
        title = f"{fresh['replications']} fresh replications with {document['find']['path']} = {value}"
    return Table(title, ["objective", "verdict", "value", "95 % interval"], rows)


def resources(document: Document) -> Table:
    """How busy each is at the answer, the bottleneck first."""
    rows = []
    for place, it in enumerate(document["resources"]):
        ends = it["utilization"]["ci95"]
        between = f"{amounts.percent(ends[0])} to {amounts.percent(ends[1])}" if ends else ""
        full = "-" if it["full_at_per_s"] is None else amounts.with_unit(it["full_at_per_s"], "/s")
        name = f"next {place}" if place else "bottleneck"
        rows.append([name, it["name"], amounts.percent(it["utilization"]["value"]), between, full])
    heads = ["", "resource", "busy", "95 % interval", "full at"]
    return Table("resources there", heads, rows, frozenset(heads[2:]))


def scan(document: Document) -> Table:
    """Every value that was tried, with the figures of the objectives."""
    paths = [parse_expectation(text).figure for text in document["objectives"]]
    rows = [
        [
            amounts.with_unit(point["value"], document["find"]["unit"]),
            *(amounts.figure(it["value"], path) for it, path in zip(point["expect"], paths, strict=True)),
            "met" if point["met"] else "missed",
            point["regime"],
        ]
        for point in document["scan"]
    ]
    heads = [document["find"]["path"], *map(amounts.without_unit, paths), "", "regime"]
    return Table("scan", heads, rows, frozenset(heads[: 1 + len(paths)]))


def closed(document: Document) -> Table:
    """By how much closed classes throttled themselves."""
    rows = [
        [
            it["workload"],
            amounts.number(it["clients"]),
            amounts.with_unit(it["throughput_per_s"], "/s"),
            amounts.time(it["time_ns"]),
            amounts.time(it["think_ns"]),
            "-" if it["fell"] is None else amounts.percent(it["fell"]),
        ]
        for it in document["closed"]
    ]
    heads = ["closed load: X (R + Z) = N", "N", "X", "R", "Z", "offered load fell by"]
    return Table("", heads, rows, frozenset(heads[1:]))
