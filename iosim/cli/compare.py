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
    from iosim.cli.tables import Table
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


def all_tables(document: dict[str, Any]) -> "list[Table]":
    """Of every other design: the verdict in words, then its tables."""
    from iosim.cli.tables import Table

    found = []
    for it in document["against"]:
        found += [Table("", [""], [[it["verdict"]]]), *tables(it)]
    return found


def tables(it: dict[str, Any]) -> "list[Table]":
    """Figures that people decide by, then requests, causes that moved, and where it began."""
    return [_headlines(it), _requests(it), _causes(it), _divergence(it)]


def _headlines(it: dict[str, Any]) -> "Table":
    from iosim.amounts import without_unit
    from iosim.cli.tables import Table

    rows, note = [], ""
    for line in it["headlines"]:
        path = line["figure"]
        rows.append([without_unit(path), *_numbers(path, line), line["verdict"]])
        name = path.rpartition(".")[2]
        if path in it["quantiles"]:
            rows[-1][0] = f"{without_unit(path)}: difference of the {name}s"
            apart = it["quantiles"][path][f"{name}_of_differences"]
            empty = {"base": None, "other": None, "difference": apart}
            takes = apart["takes"] and f"takes {apart['takes']}"
            rows.append([f"{without_unit(path)}: {name} of the differences", *_numbers(path, empty), takes])
            note = (
                f"Difference of the {name}s: how far the tail has moved. {name} of the differences: how much longer each"
                f" request that ended in both took in {it['other']}, and of these the {name}."
            )
    heads = ["", it["base"], it["other"], "difference", "95 % interval", "verdict"]
    return Table("", heads, rows, frozenset(heads[1:5]), note)


def _numbers(path: str, line: dict[str, Any]) -> list[str]:
    from iosim import amounts

    difference = line["difference"]
    between = amounts.interval(difference["value"], difference["ci95"], path)
    return [*(amounts.figure(it, path) for it in (line["base"], line["other"], difference["value"])), between]


def _requests(it: dict[str, Any]) -> "Table":
    from iosim.cli.tables import Table

    if not it["requests"]:
        return Table("", [""], [])
    groups = {"all": it["requests"], **(it["requests"]["classes"] if len(it["requests"]["classes"]) > 1 else {})}
    rows = []
    for name, shares in groups.items():
        row = [name, str(shares["paired"])]
        for which in ("better", "worse"):
            ends = shares[which]["ci95"]
            between = f" ({max(0.0, ends[0]):.1%} to {min(1.0, ends[1]):.1%})" if ends else ""
            row.append(f"{shares[which]['value']:.1%}{between}")
        rows.append([*row, str(shares["never_ended"]["base"]), str(shares["never_ended"]["other"])])
    heads = ["requests", "in both", "got better", "got worse", f"never ended: {it['base']}", it["other"]]
    note = "By the latency of each request; one that fails or never ends in one design only counts as worse there."
    return Table("who got better, who got worse", heads, rows, frozenset(heads[1:]), note)


def _causes(it: dict[str, Any]) -> "Table":
    from iosim.cli.tables import Table

    moved = [row for row in it["causes"] if row["moved"]]
    rows = [
        [
            row["cause"].replace("_", " "),
            *_numbers("_ns", row),
            "<0.0001" if row["p_holm"] < 1e-4 else f"{row['p_holm']:.2g}",
        ]
        for row in moved
    ]
    every = len(it["causes"])
    heads = ["cause", it["base"], it["other"], "difference", "95 % interval", "chance of a fluke"]
    note = (
        f"{len(moved)} of {every} causes have moved; of the others that can't be said. A fluke: so large a difference where"
        f" there is none (paired t test, corrected for looking at {every} causes by Holm's rule)."
    )
    return Table("causes that moved, mean of a request", heads, rows, frozenset(heads[1:]), note)


def _whose(found: dict[str, Any]) -> str:
    if "client" in found:
        return f"request {found['iteration']} of client {found['client']} of '{found['class']}'"
    return f"request {found['request']} of '{found['class']}'"


def _divergence(it: dict[str, Any]) -> "Table":
    from iosim.cli.numbers import show_time
    from iosim.cli.tables import Table

    found = it["first_divergence"]
    if found is None:
        return Table("", [""], [])
    cause = f", by {found['cause']}" if found["cause"] else ""
    line = (
        f"{_whose(found)} (replication {found['replication']}) is {found['stage']} at"
        f" {show_time(found['base_ns'])} in {it['base']} and at {show_time(found['other_ns'])} in {it['other']}{cause}"
    )
    return Table("first divergence", [""], [[line]])
