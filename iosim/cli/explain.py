"""`iosim explain`: the value of every key and where it came from."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from iosim.cli.options import load_scenario, with_format, with_set
from iosim.cli.talk import data

if TYPE_CHECKING:
    from iosim.scenario import Scenario
    from iosim.tables import Table


@click.command("explain", short_help="Show every value and where it comes from.")
@click.argument("scenario", required=False)
@with_set
@click.option("--defaults", is_flag=True, help="Every default number: value, source and how sure it is.")
@with_format("table", "json")
def command(scenario: str | None, changes: tuple[str, ...], defaults: bool, form: str) -> None:
    """Show the effective value of every key of SCENARIO and where it was written.

    With --defaults: every default number with its source and how sure it is; with a SCENARIO those that it depends on,
    which are those that a report's page counts.
    """
    if scenario is None and not defaults:
        raise click.UsageError("a SCENARIO or --defaults is needed")
    loaded = load_scenario(scenario, changes) if scenario else None
    if loaded and not defaults:
        _print(["key", "value", "from"], [list(row) for row in _values(loaded)], form)
        return
    keys, drives = _sourced(loaded)
    _print(["key", "value", "unit", "source", "how sure"], keys, form, drives)


def _values(scenario: "Scenario") -> Iterator[tuple[str, str, str]]:
    from iosim.scenario.fields import leaves

    for path, value in leaves(scenario.effective()):
        yield path, value, scenario.origin(path)


def _sourced(scenario: "Scenario | None") -> tuple[list[list[str]], list[list[str]]]:
    """Default numbers and known drives: all there are, or those that a scenario depends on."""
    from iosim.scenario.fields import defaults, drives
    from iosim.scenario.used import used_defaults

    known = list(drives())
    found = used_defaults(scenario.effective()) if scenario else (it for it in [*defaults(), *known] if it.source)
    rows: tuple[list[list[str]], list[list[str]]] = ([], [])
    for it in found:
        number, _, unit = it.value.partition(" ")
        quantity = unit and number.replace(".", "").isdigit() and " " not in unit
        value = [number, unit] if quantity else [it.value, ""]
        rows[it in known].append([it.path, *value, it.source, it.sure])
    return rows


def _print(headers: list[str], rows: list[list[str]], form: str, drives: Sequence[list[str]] = ()) -> None:
    if form == "json":
        data(json.dumps([dict(zip(headers, row, strict=True)) for row in [*rows, *drives]], indent=2))
        return
    from iosim.cli.tables import show
    from iosim.tables import Table

    show([Table("", headers, rows), *(_card(headers, row) for row in drives)])


def _card(headers: list[str], row: list[str]) -> "Table":
    """A drive with its long texts, line by line."""
    import textwrap

    from iosim.tables import Table

    lines = [
        [head if number == 0 else "", line]
        for head, text in zip(headers[1:], row[1:], strict=True)
        for number, line in enumerate(textwrap.wrap(text, 100))
    ]
    return Table(f"disk preset {row[0]}", ["", ""], lines)
