"""Runs a scenario: its replications, then the cells of its study, on as many processes as asked for.

Results are put together by their names, never by the order in which they come in, so that one process and many give the same
bytes.
"""

import platform
from typing import Any

from iosim.clock import choose_clock
from iosim.compiled import MODE
from iosim.executors import local
from iosim.records import Raw
from iosim.results import Result, Study
from iosim.running import check_arguments, check_traces, collect
from iosim.scenario.loader import Scenario
from iosim.stopping import first_look, replicate
from iosim.studies import Progress, grid
from iosim.studies import study as run_study
from iosim.study_store import StudyStore
from iosim.summaries import summarize
from iosim.version import VERSION


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replications: int | None = None,
    jobs: int | None = None,
    clock: str | None = None,
    study: bool = True,
    progress: Progress | None = None,
) -> Result:
    """Run the scenario `replications` times, and the cells of its study unless `study` is False.

    `jobs` processes (default: all cores); `clock` is simpy, heap or fast (default: the fastest here), with the same results.
    `progress(done, total, what)` is called as replications and cells end. Raises WrongInput for a trace that can't be read
    and for a clock that can't be had here, LawBroken when the model is wrong (in a cell: `Result.study.failed` tells).
    """
    check_arguments(scenario, replications, jobs)
    clock = choose_clock(clock)
    seed = scenario.model.run.seed if seed is None else seed
    check_traces(scenario)
    count = first_look(scenario.model.run, replications)
    asked = scenario.model.study if study else None
    total = count + (len(list(grid(asked.vary))) if asked else 0)
    say = progress or (lambda done, total, what: None)
    executor = local(jobs, count)

    def more(first: int, upto: int) -> list[Raw]:
        def ended(done: int) -> None:
            say(done, total - count + upto, scenario.name)

        return collect(executor, scenario, first=first, count=upto, clock=clock, seed=seed, timeline=True, ended=ended)

    raws, document = replicate(scenario.model.run, count, more, lambda raws: summarize(scenario, raws, seed))
    found = None
    if asked:
        with StudyStore() as store:
            found = run_study(
                scenario,
                store,
                seed=seed,
                replications=replications,
                jobs=jobs,
                clock=clock,
                progress=lambda done, cells, what: say(len(raws) + done, len(raws) + cells, what),
            )
    return _result(scenario, raws, document, clock, found)


def _result(scenario: Scenario, raws: list[Raw], document: dict[str, Any], clock: str, study: Study | None) -> Result:
    if study:
        document["warnings"] += study.said(scenario.model.overloads)
    provenance = {
        "iosim": VERSION,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "clock": clock,
        "compiled": MODE.compiled,
        "mode": str(MODE),
        "scenario_sha256": scenario.digest(),
        "source": scenario.source,
    }
    return Result(document, provenance, raws, study, scenario.to_yaml())
