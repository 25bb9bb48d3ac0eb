"""`iosim list`: the scenarios that come with iosim."""

import json

import click

from iosim.cli.options import with_format
from iosim.cli.talk import data


@click.command("list")
@with_format("table", "json")
def command(form: str) -> None:
    """Show the bundled scenarios."""
    from iosim.cli.tables import show
    from iosim.scenario import load
    from iosim.scenario.sources import bundled
    from iosim.tables import Table

    rows = [[name, load(name).model.description] for name in bundled()]
    if form == "json":
        data(json.dumps([{"name": name, "description": text} for name, text in rows], indent=2))
    else:
        show([Table("", ["scenario", "what it shows"], rows)])
