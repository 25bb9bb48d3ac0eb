"""`iosim check`: validate scenarios and run nothing."""

import json
from dataclasses import asdict
from typing import Any

import click

from iosim.cli.options import load_scenario, with_format, with_set
from iosim.cli.talk import data, talk
from iosim.errors import Mistake, WrongInput


@click.command("check", short_help="Validate scenarios without running them.")
@click.argument("scenarios", metavar="SCENARIO...", nargs=-1, required=True)
@with_set
@with_format("table", "json")
@click.option("--quiet", is_flag=True, help="Say nothing about scenarios that are right.")
def command(scenarios: tuple[str, ...], changes: tuple[str, ...], form: str, quiet: bool) -> int:
    """Validate scenarios without running them; every mistake is one line, all at once."""
    found = {name: _mistakes(name, changes) for name in scenarios}
    missing = {name: load_scenario(name, changes).missing for name, mistakes in found.items() if not mistakes}
    if form == "json":
        data(json.dumps([_as_json(name, mistakes) for name, mistakes in found.items()], indent=2))
    for name, mistakes in found.items():
        for mistake in mistakes if form != "json" else ():
            talk(str(mistake))
        if not mistakes and form != "json" and not quiet:
            later = f", once {' and '.join(missing[name])} is given" if missing[name] else ""
            data(f"{name}: ok{later}")
    return WrongInput.exit_status if any(found.values()) else 0


def _mistakes(name: str, changes: tuple[str, ...]) -> list[Mistake]:
    try:
        load_scenario(name, changes)
    except WrongInput as error:
        return error.mistakes
    return []


def _as_json(name: str, mistakes: list[Mistake]) -> dict[str, Any]:
    return {"scenario": name, "ok": not mistakes, "mistakes": [asdict(mistake) for mistake in mistakes]}
