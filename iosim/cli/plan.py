"""`iosim plan`: the largest load, or the smallest resource, that meets an objective."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from iosim.cli.options import load_scenario, with_results
from iosim.cli.output import demand_writable, directory_for, show_as, tell, watching, writing
from iosim.cli.talk import talk
from iosim.clock import choose_clock

if TYPE_CHECKING:
    from iosim.cli.tables import Table
    from iosim.planning import Plan
    from iosim.scenario import Scenario


@click.command("plan", short_help="Find the largest load or smallest resource that meets an objective.")
@click.argument("scenario")
@click.option(
    "--slo",
    "objectives",
    metavar="'FIGURE < BOUND'",
    multiple=True,
    required=True,
    help="What must hold, like 'p99 < 5 ms' or 'mean wait < 1 ms'. May be repeated: all of them.",
)
@click.option(
    "--find",
    metavar="PATH",
    required=True,
    help="The number that is looked for, like workload.web.rate or pools.workers.threads; a '*' stands for any name.",
)
@click.option("--want", type=click.Choice(("largest", "smallest")), help="[largest of a load, smallest of a resource]")
@click.option(
    "--growth", metavar="SHARE", help="Growth of the load a month, '3 %' or '2 %..4 %': in which month it breaks."
)
@click.option(
    "--lose",
    "parts",
    metavar="PART",
    multiple=True,
    help="The answer without it, too: processor, node, disk, 'disk NAME', queue, or PATH=VALUE. May be repeated.",
)
@click.option(
    "--input",
    "inputs",
    metavar="PATH=LOW..HIGH",
    multiple=True,
    help="The 95 % interval of a value of the scenario; it is carried to the answer. May be repeated.",
)
@with_results
def command(
    scenario: str,
    objectives: tuple[str, ...],
    find: str,
    want: str | None,
    growth: str | None,
    parts: tuple[str, ...],
    inputs: tuple[str, ...],
    changes: tuple[str, ...],
    out: Path | None,
    form: str,
    quiet: bool,
    **chosen: Any,
) -> int:
    """Find the value at PATH that meets the objectives on SCENARIO: the largest load or the smallest resource.

    The answer has an interval and is confirmed on fresh replications; beside it stand the utilization of every resource, the
    bottleneck, the knee and the headroom against today's value. Exit status 3 when the objective can't be met, or that
    could not be decided.
    """
    choose_clock(chosen["clock"])
    loaded = load_scenario(scenario, changes)
    directory = directory_for(out, loaded.name)
    from iosim.plan_document import write
    from iosim.planning import plan, prepare
    from iosim.what_ifs import losses, lost, month_it_breaks, parse_growth, parse_input, uncertainty

    prepare(loaded, objectives, find, want)  # what is wrong is told before anything is written
    a_month = parse_growth(growth) if growth else None
    for part in parts:
        loaded.with_set(lost(loaded, part))
    for text in inputs:
        path, low, high = parse_input(text)
        loaded.with_set({path: low})
        loaded.with_set({path: high})

    demand_writable(directory)
    with watching(_Line, quiet) as progress:

        def again(scenario: "Scenario") -> "Plan":
            return plan(scenario, objectives, find, want=want, progress=progress, **chosen)

        found = again(loaded)
        if a_month:
            found.more["growth"] = month_it_breaks(found, a_month)
        if parts:
            found.more["losses"] = losses(again, loaded, parts)
        if inputs:
            found.more["uncertainty"] = uncertainty(again, loaded, found, inputs)
    with writing(directory):
        write(found, directory)
    show_as(form, found.document, lambda: as_csv(found), lambda: tables(found))
    tell(found.warnings, directory, quiet)
    return found.exit_status


class _Line:
    """How many replications were run and what is at work; nobody knows how many it will take."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, done: int, total: int, label: str) -> None:
        line = f"{done} replications run: {label}"[:100]
        talk(f"\r{line.ljust(self.drawn)}", end="")
        self.drawn = max(self.drawn, len(line))

    def clear(self) -> None:
        """Take the line away."""
        if self.drawn:
            talk(f"\r{' ' * self.drawn}\r", end="")


def as_csv(found: "Plan") -> str:
    """One row a figure, in the form of the other verbs: path, value, low, high."""
    from iosim.cli.summary import figure_rows, figures

    document = found.document()
    words = [[key, document[key] or ""] for key in ("verdict", "why", "recommended")]
    parts = {key: document[key] for key in ("answer", "headroom", "knee", "scalability")}
    parts |= {f"resources.{it['name']}.utilization": it["utilization"] for it in document["resources"]}
    parts |= {f"scan[{it['value']:g}]": it["latency_ns"] for it in document["scan"]}
    return figure_rows(words, figures(parts))


def tables(found: "Plan") -> "list[Table]":
    """The answer first, then what stands behind it."""
    return [_answer(found), _confirmed(found), _resources(found), _scan(found), *_others(found)]


def _number(found: "Plan", value: float) -> str:
    unit = found.unknown.unit.strip()
    return f"{value:.6g}{unit if unit.startswith('/') else f' {unit}' if unit else ''}"


def _answer(found: "Plan") -> "Table":
    from iosim.cli.tables import Table

    it = found.answer
    rows = [
        ["objective", " and ".join(found.objectives)],
        ["verdict", f"{found.verdict}{f': {found.why}' if found.why else ''}"],
    ]
    if it is not None:
        between = f" ({_number(found, it.low)} to {_number(found, it.high)})" if it.has_interval else ""
        rows.append([f"{found.unknown.want} {found.unknown.name}", f"{_number(found, it.value)}{between}"])
    if found.recommended is not None:
        rows.append(["to be on the safe side", str(found.unknown.written(found.recommended))])
    if (room := found.headroom) is not None:
        ends = f" ({room.low:+.1%} to {room.high:+.1%})" if room.has_interval else ""
        rows.append([f"headroom over {_number(found, found.unknown.today)} today", f"{room.value:+.1%}{ends}"])
    if found.knee:
        between = found.knee["between"]
        near = f" ({between[0]:.4g} to {between[1]:.4g})" if between else ""
        rows.append(["knee", f"{found.knee['value']:.4g}{near}: {found.knee['kind']}"])
    rows.append(["scalability", _scalability(found)])
    rows += _around(found)
    return Table("", ["", ""], rows)


def _around(found: "Plan") -> list[list[str]]:
    """Growth, losses and inputs, where they were asked for."""
    rows = []
    if grown := found.more.get("growth"):
        months, (soonest, latest) = grown["months"]["value"], grown["months"]["ci95"]
        rows.append(["months until it breaks", f"{months:.3g} ({soonest:.3g} to {latest:.3g})"])
    for it in found.more.get("losses", ()):
        rows.append([f"without {it['lost']}", f"{it['verdict']}: {_figure(found, it['answer']) or it['why']}"])
    if it := found.more.get("uncertainty"):
        rows.append(
            ["with the inputs' uncertainty", _figure(found, it["answer"]) or "an end of an input has no answer"]
        )
    return rows


def _figure(found: "Plan", figure: dict[str, Any] | None) -> str:
    if figure is None:
        return ""
    ends = figure["ci95"]
    between = f" ({_number(found, ends[0])} to {_number(found, ends[1])})" if ends else ""
    return f"{_number(found, figure['value'])}{between}"


def _scalability(found: "Plan") -> str:
    it = found.scalability
    if it is None:
        return f"not fitted: {found.scalability_reason}"
    peak = f"fastest at {it.peak.value:.4g}" if it.peak else f"no peak named: {it.reason}"
    return f"contention {it.contention.value:.3g}, coherence {it.coherence.value:.3g}; {peak}"


def _confirmed(found: "Plan") -> "Table":
    from iosim.cli.numbers import interval_text, show_figure
    from iosim.cli.summary import read_figure
    from iosim.cli.tables import Table
    from iosim.scenario.expectations import parse_expectation

    rows = []
    for verdict in found.confirmation.document["expect"] if found.confirmation else ():
        path = parse_expectation(verdict["expect"]).figure
        figure = read_figure(verdict)
        rows.append([verdict["expect"], verdict["verdict"], show_figure(figure, path), interval_text(figure, path)])
    title = "confirmed on fresh replications"
    if found.confirmation:
        title += f", {found.unknown.name} = {found.unknown.written(found.confirmation.value)}"
    return Table(title, ["objective", "verdict", "value", "95 % interval"], rows)


def _resources(found: "Plan") -> "Table":
    from iosim.cli.tables import Table

    rows = []
    for place, it in enumerate(found.resources):
        between = "" if it.low is None or it.high is None else f"{it.low:.1%} to {it.high:.1%}"
        full = f"{it.full_at:.5g}/s" if it.full_at < float("inf") else "-"
        rows.append(["bottleneck" if not place else f"next {place}", it.name, f"{it.utilization:.1%}", between, full])
    heads = ["", "resource", "busy", "95 % interval", "full at"]
    return Table("resources there", heads, rows, frozenset(heads[2:]))


def _scan(found: "Plan") -> "Table":
    from iosim.cli.numbers import show_figure
    from iosim.cli.summary import read_figure
    from iosim.cli.tables import Table
    from iosim.scenario.expectations import parse_expectation

    rows = []
    for point in found.scan:
        figures = [
            show_figure(read_figure(it), parse_expectation(it["expect"]).figure) for it in point.document["expect"]
        ]
        rows.append(
            [_number(found, point.value), *figures, "met" if point.met else "missed", point.document["regime"]["kind"]]
        )
    heads = [found.unknown.name, *(text.split("<")[0].split(">")[0].strip() for text in found.objectives), "", "regime"]
    return Table("scan", heads, rows, frozenset(heads[: 1 + len(found.objectives)]))


def _others(found: "Plan") -> "list[Table]":
    from iosim.cli.numbers import show_time
    from iosim.cli.tables import Table

    rows = [
        [
            it["workload"],
            str(it["clients"]),
            f"{it['throughput_per_s']:.5g}/s",
            show_time(it["time_ns"]),
            show_time(it["think_ns"]),
            f"{it['fell']:.1%}",
        ]
        for it in found.more.get("closed", ())
    ]
    heads = ["closed load: X (R + Z) = N", "N", "X", "R", "Z", "offered load fell by"]
    return [Table("", heads, rows, frozenset(heads[1:]))]
