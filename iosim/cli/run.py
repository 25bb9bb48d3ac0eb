"""`iosim run`: run a scenario and its study, print the summary, write the results."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from iosim.cli.options import load_scenario, with_format, with_set
from iosim.cli.talk import data, talk
from iosim.clock import NAMES, choose_clock
from iosim.compiled import MODE
from iosim.errors import Mistake, WrongInput


@click.command("run", short_help="Run a scenario and its study.")
@click.argument("scenario")
@with_set
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Start of all random streams, instead of the scenario's."
)
@click.option(
    "--replications", type=click.IntRange(min=1), metavar="N", help="Independent runs, instead of the scenario's."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Worker processes; the results are the same bytes."
)
@click.option(
    "--clock", type=click.Choice(NAMES), help="The event engine [the fastest]; the results are the same bytes."
)
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
    _demand_writable(directory)
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


def _demand_writable(directory: Path) -> None:
    """Find out before an hour of simulation, not after it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise _unusable(directory, error) from None


def _unusable(directory: Path, error: OSError) -> WrongInput:
    return WrongInput([Mistake(f"--out {directory}", 0, 0, "", f"cannot be written: {error.strerror or error}")])


def _write(result: Any, directory: Path, reproducible: bool) -> None:
    try:
        result.write(directory, reproducible)
    except OSError as error:
        raise _unusable(directory, error) from None


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


class Progress:
    """One line on the terminal, from the second second on."""

    def __init__(self) -> None:
        self.since = time.monotonic()
        self.drawn = 0

    def __call__(self, done: int, total: int, label: str) -> None:
        if time.monotonic() - self.since < 1:
            return
        filled = 30 * done // total if total else 0
        line = f"[{'#' * filled}{'-' * (30 - filled)}] {done}/{total} {label}"[:100]
        talk(f"\r{line.ljust(self.drawn)}", end="")
        self.drawn = len(line)

    def clear(self) -> None:
        """Take the line away, so that nothing of it is left among the results."""
        if self.drawn:
            talk(f"\r{' ' * self.drawn}\r", end="")
