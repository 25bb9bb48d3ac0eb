"""`iosim verify`: the model beside theory and published measurements."""

import json
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click

from iosim.cli.options import with_format, with_quiet
from iosim.cli.talk import data, talk

if TYPE_CHECKING:
    from iosim.verify import Row, Table

SUBJECTS = ("queues", "network", "storage")
TOLERANCE_MISSED = 3
_WIDTH = 80


@click.command("verify", short_help="Hold the model to theory and to published measurements.")
@click.argument("subject", required=False, type=click.Choice(SUBJECTS))
@click.option(
    "--effort",
    type=click.Choice(("quick", "full")),
    default="quick",
    show_default=True,
    help="full: longer runs, and narrower tolerances where chance plays a part.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Worker processes for the queues; the figures are the same."
)
@with_format("table", "json", "csv")
@with_quiet
def command(subject: str | None, effort: str, jobs: int | None, form: str, quiet: bool) -> int:
    """Print what the model gives beside what theory or a measurement says, and how far apart they are.

    All subjects, if none is named. Exit status 3 when a figure misses its stated tolerance or lies outside of its interval, or
    when the interval is too wide to tell. Intervals are those of 99 % for all figures about queues together.
    """
    from iosim.verify import tables

    subjects = [subject] if subject else list(SUBJECTS)
    found: list[tuple[str, Table]] = []
    for name in subjects:
        for number, table in enumerate(_told(name, tables(name, effort, jobs), quiet)):
            found.append((name, table))
            if form == "table":
                _show(table, first=number == 0 and name == subjects[0])
    rows = [row for _name, table in found for row in table.rows]
    missed = [row for row in rows if not row.met]
    if form == "json":
        data(json.dumps([_as_json(name, table) for name, table in found], indent=2))
    elif form == "csv":
        _write_csv(found)
    elif not quiet:
        undecided = sum(row.verdict == "undecided" for row in rows)
        more = f", {undecided} undecided" if undecided else ""
        talk(f"{len(rows) - len(missed)} of {len(rows)} figures are within their tolerance{more}")
    return TOLERANCE_MISSED if missed else 0


def _told(name: str, found: Any, quiet: bool) -> Any:
    """The tables as they come, and on a terminal which subject is at work."""
    terminal = sys.stderr.isatty() and not quiet
    done = 0
    while True:
        line = f"verifying {name}: {done} tables done"
        if terminal:
            talk(f"\r{line}", end="")
        table = next(found, None)
        if terminal:
            talk(f"\r{' ' * len(line)}\r", end="")
        if table is None:
            return
        done += 1
        yield table


def _show(table: "Table", first: bool) -> None:
    from iosim.cli.tables import show
    from iosim.tables import Table as Shown

    if not first:
        data("")
    heads = ["", "model", "published", "diff.", "within", "result"]
    rows = [_line(row) for row in table.rows]
    show([Shown(table.title, heads, rows, frozenset(heads[1:5]))])
    sources = dict.fromkeys(row.source for row in table.rows)
    for text in (table.note, f"published: {'; '.join(sources)}"):
        data(textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  "))


def _line(row: "Row") -> list[str]:
    from iosim.numbers import show_number

    unit = f" {row.unit}" if row.unit else ""
    tolerance = f"<={show_number(row.tolerance)}{unit}" if row.bound else _share(row.tolerance)
    if row.ends:
        tolerance = f"+-{100 * row.reach:.2g} %"
    difference = "" if row.bound else f"{100 * row.difference:+.1f} %"
    published = f"{show_number(row.published)}{unit}"
    return [
        row.what,
        f"{show_number(row.model)}{unit}",
        published,
        difference,
        tolerance,
        "MISSED" if row.verdict == "missed" else row.verdict,
    ]


def _share(tolerance: float) -> str:
    return f"{100 * tolerance:.3g} %" if tolerance >= 0.0005 else "exact"


def _as_json(subject: str, table: "Table") -> dict[str, Any]:
    rows = [_row(row) for row in table.rows]
    return {"subject": subject, "table": table.title, "note": table.note, "rows": rows}


def _row(row: "Row") -> dict[str, Any]:
    return {
        "what": row.what,
        "unit": row.unit,
        "model": row.model,
        "published": row.published,
        "difference": None if row.bound else row.difference,
        "tolerance": row.tolerance,
        "bound": row.bound,
        "low": row.ends[0] if row.ends else None,
        "high": row.ends[1] if row.ends else None,
        "verdict": row.verdict,
        "met": row.met,
        "source": row.source,
    }


def _write_csv(found: "list[tuple[str, Table]]") -> None:
    import csv

    rows = [{"subject": name, "table": table.title, **_row(row)} for name, table in found for row in table.rows]
    if rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
