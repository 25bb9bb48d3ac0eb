"""A plan's document as tables for people, or as rows of figures for a spreadsheet."""

from typing import Any

from iosim import amounts
from iosim.cli.summary import figure_rows
from iosim.numbers import figures
from iosim.plan_document import figure_text, outcome_rows
from iosim.scenario.expectations import parse_expectation
from iosim.tables import Table

Document = dict[str, Any]


def as_csv(document: Document) -> str:
    """One row a figure, in the form of the other verbs: path, value, low, high."""
    words = [[key, document[key] or ""] for key in ("verdict", "why", "recommended", "bound")]
    parts = {key: document[key] for key in ("answer", "headroom", "knee", "scalability")}
    parts |= {f"resources.{it['name']}.utilization": it["utilization"] for it in document["resources"]}
    parts |= {f"scan[{it['value']:g}]": it["latency_ns"] for it in document["scan"]}
    for it in document.get("losses", ()):
        at = f"losses[{it['lost']}]"
        words += [[f"{at}.{key}", it[key] or ""] for key in ("verdict", "why", "recommended", "bound")]
        parts |= {at: {key: it[key] for key in ("answer", "headroom")}}
    return figure_rows(words, figures(parts))


def tables(document: Document) -> list[Table]:
    """The answer first, then the answers with a part lost, then what stands behind it."""
    behind = (_confirmed, _resources, _scan, _closed)
    return [_answer(document), *_losses(document), *(table(document) for table in behind)]


def _answer(document: Document) -> Table:
    rows = [("objective", " and ".join(document["objectives"])), *outcome_rows(document, document["find"])]
    rows += [*_knee(document), ("scalability", _scalability(document["scalability"])), *_around(document)]
    return Table("", ["", ""], [list(row) for row in rows])


def _losses(document: Document) -> list[Table]:
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


def _confirmed(document: Document) -> Table:
    confirmed = document["confirmation"]
    rows = []
    for verdict in confirmed["expect"] if confirmed else ():
        path, value = parse_expectation(verdict["expect"]).figure, verdict["value"]
        between = amounts.interval(value, verdict["ci95"], path)
        rows.append([verdict["expect"], verdict["verdict"], amounts.figure(value, path), between])
    title = ""
    if confirmed:
        value = amounts.with_unit(confirmed["value"], document["find"]["unit"])
        title = f"{confirmed['replications']} fresh replications with {document['find']['path']} = {value}"
    return Table(title, ["objective", "verdict", "value", "95 % interval"], rows)


def _resources(document: Document) -> Table:
    rows = []
    for place, it in enumerate(document["resources"]):
        ends = it["utilization"]["ci95"]
        between = f"{amounts.percent(ends[0])} to {amounts.percent(ends[1])}" if ends else ""
        full = "-" if it["full_at_per_s"] is None else amounts.with_unit(it["full_at_per_s"], "/s")
        name = f"next {place}" if place else "bottleneck"
        rows.append([name, it["name"], amounts.percent(it["utilization"]["value"]), between, full])
    heads = ["", "resource", "busy", "95 % interval", "full at"]
    return Table("resources there", heads, rows, frozenset(heads[2:]))


def _scan(document: Document) -> Table:
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


def _closed(document: Document) -> Table:
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
