"""`iosim run`: run a scenario and its study, print the summary, write the results."""

from pathlib import Path
from typing import Any

import click

from iosim.cli.options import load_scenario, with_results
from iosim.cli.output import demand_writable, directory_for, show_as, tell, watching, writing
from iosim.cli.progress import Progress
from iosim.cli.talk import talk
from iosim.clock import choose_clock
from iosim.compiled import MODE


@click.command("run", short_help="Run a scenario and its study.")
@click.argument("scenario")
@with_results
@click.option("--reproducible", is_flag=True, help="Leave out wall-clock facts, so that files can be compared.")
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
    directory = directory_for(out, loaded.name)
    demand_writable(directory)
    if not (quiet or MODE.compiled or MODE.asked):
        talk(f"note: {MODE}. The results are the same and take longer; with IOSIM_PURE=1 this line is left out.")
    from iosim.experiment import run

    options = {name: value for name, value in chosen.items() if value is not None}
    with watching(Progress, quiet) as progress:
        result = run(loaded, study=not no_study, progress=progress, **options)
    with writing(directory):
        result.write(directory, reproducible)
    _print(result, form, reproducible)
    tell(result.summary.get("warnings") or (), directory, quiet)
    return int(result.exit_status)


def _print(result: Any, form: str, reproducible: bool) -> None:
    from iosim.cli.summary import as_csv, as_study
    from iosim.summary_tables import tables

    def document() -> dict[str, Any]:
        study = {} if result.study is None else {"study": as_study(result.study)}
        return {**result.document(reproducible), **study}

    show_as(
        form,
        document,
        lambda: as_csv(result.summary, result.study),
        lambda: tables(result.summary, result.verdicts, result.study),
    )
