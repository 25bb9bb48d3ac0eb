"""`iosim run`: run a scenario and its study, print the summary, write the results."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from iosim.cli.options import load_scenario, with_format, with_run, with_set
from iosim.cli.output import demand_writable, unusable
from iosim.cli.progress import Progress
from iosim.cli.talk import data, talk
from iosim.clock import choose_clock
from iosim.compiled import MODE


@click.command("run", short_help="Run a scenario and its study.")
@click.argument("scenario")
@with_set
@with_run
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where results go [iosim-out/SCENARIO].")
@with_format("table", "json", "csv")
@click.option("--reproducible", is_flag=True, help="Leave out wall-clock facts, so that files can be compared.")
@click.option("--quiet", is_flag=True, help="No talk on stderr, only the results.")
@click.option("--no-study", is_flag=True, help="Leave the scenario's 'study:' out.")
def command(
    scenario: str,
    changes: tuple[str, ...],
    out: Path | None,
    form: str,
    reproducible: bool,
    quiet: bool,
    no_study: bool,
    **chosen: Any,
) -> int:
    """Run SCENARIO (and its study), print the summary and write results and figures.

    Tables leave out figures of disks and volumes that are 0 for all of them; json and csv have every figure.
    """
    choose_clock(chosen["clock"])
    loaded = load_scenario(scenario, changes)
    directory = out or Path("iosim-out") / loaded.name
    demand_writable(directory)
    if not (quiet or MODE.compiled or MODE.asked):
        talk(f"note: {MODE}. The results are the same and take longer; with IOSIM_PURE=1 this line is left out.")
    from iosim.experiment import run

    options = {name: value for name, value in chosen.items() if value is not None}
    progress = Progress() if sys.stderr.isatty() and not quiet else None
    try:
        result = run(loaded, study=not no_study, progress=progress, **options)
    finally:
        if progress:
            progress.clear()
    _write(result, directory, reproducible)
    _print(result, form, reproducible)
    if not quiet:
        _talk(result, directory)
    return int(result.exit_status)


def _write(result: Any, directory: Path, reproducible: bool) -> None:
    try:
        result.write(directory, reproducible)
    except OSError as error:
        raise unusable(directory, error) from None


def _print(result: Any, form: str, reproducible: bool) -> None:
    from iosim.cli.summary import as_csv, as_study, tables
    from iosim.cli.tables import show

    if form == "json":
        document = dict(result.document(reproducible))
        if result.study is not None:
            document["study"] = as_study(result.study)
        data(json.dumps(document, indent=2, sort_keys=True, allow_nan=False))
    elif form == "csv":
        data(as_csv(result.summary, result.study))
    else:
        show(tables(result.summary, result.verdicts, result.study))


def _talk(result: Any, directory: Path) -> None:
    for warning in result.summary.get("warnings") or ():
        talk(f"warning: {warning}")
    talk(f"results in {directory}{os.sep}")
