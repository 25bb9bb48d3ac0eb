"""`iosim compare`: the same requests in two designs or more; what differs, why, and whether that can be said."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from iosim.cli.options import load_scenario, with_results
from iosim.cli.output import csv_text, demand_writable, directory_for, show_as, tell, watching, writing
from iosim.cli.progress import Progress
from iosim.clock import choose_clock
from iosim.errors import Mistake, WrongInput

if TYPE_CHECKING:
    from iosim.scenario import Scenario

FILE = "comparison.json"


@click.command("compare", short_help="The same requests in two designs: what differs, and why.")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option(
    "--against",
    "variants",
    metavar="PATH=VALUE",
    multiple=True,
    help="One more design: the first scenario with this changed; several changes with ';' between. May be repeated.",
)
@with_results
def command(
    scenarios: tuple[str, ...],
    variants: tuple[str, ...],
    changes: tuple[str, ...],
    out: Path | None,
    form: str,
    quiet: bool,
    **chosen: Any,
) -> int:
    """Compare the first SCENARIO with each of the others, request by request, under the same seed.

    All differences are 'other minus first', with 95 % intervals over replications. --set changes all of them.
    """
    choose_clock(chosen["clock"])
    designs = _designs(scenarios, variants, changes)
    first = next(iter(designs.values()))
    directory = directory_for(out, first.name)
    from iosim.comparison import compare
    from iosim.comparison_tables import all_tables
    from iosim.results import to_json, write_text

    demand_writable(directory)
    with watching(Progress, quiet) as progress:
        found = compare(*designs.values(), names=[*designs], progress=progress, **chosen)
    with writing(directory):
        write_text(directory / FILE, to_json(found.document))
    show_as(form, lambda: found.document, lambda: as_csv(found.document), lambda: all_tables(found.document))
    tell(found.warnings, directory / FILE, quiet)
    return 0


def _designs(names: tuple[str, ...], variants: tuple[str, ...], changes: tuple[str, ...]) -> "dict[str, Scenario]":
    """By what they are called on the command line; every mistake at once."""
    found: dict[str, Scenario] = {}
    mistakes: list[Mistake] = []
    asked = [(name, name, changes) for name in names]
    for variant in variants:
        own = tuple(part.strip() for part in variant.split(";"))
        asked.append((variant, names[0], (*changes, *own)))
    for label, name, sets in asked:
        if label in found:
            mistakes.append(Mistake(label, 0, 0, "", "is compared with itself"))
            continue
        try:
            found[label] = load_scenario(name, sets)
        except WrongInput as error:
            mistakes += error.mistakes
    if len(asked) < 2:
        mistakes.append(
            Mistake("compare", 0, 0, "", "two designs are needed: another SCENARIO, or --against PATH=VALUE")
        )
    if mistakes:
        raise WrongInput(list(dict.fromkeys(mistakes)))
    return found


def as_csv(document: dict[str, Any]) -> str:
    """One row a figure of each design: who, path, base, other, difference, low, high."""
    lines = []
    for it in document["against"]:
        rows = [(path, row, row["difference"]) for path, row in it["figures"].items()]
        for path, both in it["quantiles"].items():
            rows += [(f"{path} {name}", row, row) for name, row in both.items()]
        rows += [(f"requests.{name}", {}, it["requests"][name]) for name in ("better", "worse") if it["requests"]]
        for path, row, difference in rows:
            ends = difference["ci95"] or [None, None]
            lines.append([it["other"], path, row.get("base"), row.get("other"), difference["value"], *ends])
    return csv_text(["design", "path", "base", "other", "difference", "low", "high"], lines)
