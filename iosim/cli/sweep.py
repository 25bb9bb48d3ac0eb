"""`iosim sweep`: run a grid of cells, resumable, on all cores or on a Dask cluster."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from iosim.cli.options import load_scenario, with_results
from iosim.cli.output import demand_writable, directory_for, show_as, tell, watching, writing
from iosim.cli.progress import Progress
from iosim.cli.talk import talk
from iosim.clock import choose_clock
from iosim.errors import Mistake, WrongInput

if TYPE_CHECKING:
    from iosim.results import Study
    from iosim.scenario import Scenario

STORE = "study.sqlite"


@click.command("sweep", short_help="Run a grid of cells: every combination of varied values.")
@click.argument("scenario")
@click.option(
    "--vary",
    "varied",
    metavar="PATH=V1,V2,...",
    multiple=True,
    help="Values that one path takes; ranges too: 1..64*2, 0..100+25. May be repeated. [the scenario's 'study:']",
)
@click.option("--cluster", metavar="ADDRESS", help="Run the cells on a Dask cluster, like tcp://HOST:8786.")
@with_results
def command(
    scenario: str,
    varied: tuple[str, ...],
    changes: tuple[str, ...],
    cluster: str | None,
    out: Path | None,
    form: str,
    quiet: bool,
    **chosen: Any,
) -> int:
    """Run every combination of the varied values of SCENARIO, print and write the study.

    Each cell is kept in DIR/study.sqlite as it ends: interrupted, the same command goes on where it was, and only cells
    that have changed (or failed) are run again. DIR/study.json is the same bytes for any number of processes and on a
    cluster. A cell that fails stops no other; the exit status is then 4.
    """
    choose_clock(chosen["clock"])
    loaded = _with_study(load_scenario(scenario, changes), varied)
    directory = directory_for(out, loaded.name)
    with watching(Progress, quiet) as progress:
        study = _run(loaded, directory, cluster, progress, chosen)
    with writing(directory):
        study.write(directory)
    _print(study, form)
    tell(study.said(loaded.model.overloads), directory, quiet)
    return study.exit_status


def _with_study(scenario: "Scenario", varied: tuple[str, ...]) -> "Scenario":
    from iosim.scenario.ranges import parse_vary
    from iosim.studies import with_study

    vary: dict[str, list[Any]] = {}
    mistakes: list[Mistake] = []
    for text in varied:
        try:
            path, values = parse_vary(text)
        except WrongInput as error:
            mistakes += error.mistakes
            continue
        if path in vary:
            mistakes.append(Mistake(f"--vary {text}", 0, 0, "", f"'{path}' is varied already"))
        vary[path] = values
    try:
        found = with_study(scenario, vary or None)
    except WrongInput as error:
        mistakes += [] if not vary and mistakes else error.mistakes
    if mistakes:
        raise WrongInput(mistakes)
    return found


def _run(
    scenario: "Scenario", directory: Path, cluster: str | None, progress: Progress | None, chosen: dict[str, Any]
) -> "Study":
    """Cells that have ended are kept whatever happens; an interrupt says how many."""
    from iosim.running import check_traces
    from iosim.studies import study
    from iosim.study_store import StudyStore

    check_traces(scenario)
    with ExitStack() as stack:
        executor = None
        if cluster:
            from iosim.cluster import Cluster

            executor = stack.enter_context(Cluster(cluster))
        demand_writable(directory)
        store = stack.enter_context(StudyStore(directory / STORE))
        try:
            return study(scenario, store, executor=executor, progress=progress, **chosen)
        except KeyboardInterrupt:
            if progress:
                progress.clear()
            talk(f"cells kept in {store.path}: {len(store.held)}; the same command goes on from there")
            raise


def _print(study: "Study", form: str) -> None:
    from iosim.cli.summary import study_as_csv
    from iosim.summary_tables import study_tables

    show_as(form, study.document, lambda: study_as_csv(study), lambda: study_tables(study))
