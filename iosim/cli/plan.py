"""`iosim plan`: the largest load, or the smallest resource, that meets an objective."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from iosim.cli.options import load_scenario, with_results
from iosim.cli.output import demand_writable, directory_for, show_as, tell, watching, writing
from iosim.cli.talk import talk
from iosim.clock import choose_clock

if TYPE_CHECKING:
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
    from iosim.cli.plan_rows import as_csv
    from iosim.plan_document import write
    from iosim.plan_tables import tables
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
    document = found.document()
    show_as(form, lambda: document, lambda: as_csv(document), lambda: tables(document))
    lost_too = [f"without {it['lost']}: {line}" for it in found.more.get("losses", ()) for line in it["warnings"]]
    tell([*found.warnings, *lost_too], directory, quiet)
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
