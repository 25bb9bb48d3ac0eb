"""Studies: grids of cells, each a scenario with its replications, worked on by an executor and put together by their keys.

A cell's key is the hash of everything that its figures depend on: the effective scenario (with seed and number of
replications), what is in the traces that it reads, and the version of the model. Equal keys mean equal bytes, so a cell
that a store already has is not run again, and the order in which cells come in plays no part.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from iosim.clock import choose_clock
from iosim.cluster import Cluster
from iosim.compiled import HERE
from iosim.errors import IosimError, Mistake, WrongInput
from iosim.executors import Executor, Outcome, Serial, attempt, local
from iosim.records import Raw
from iosim.results import Study
from iosim.running import Task, check_arguments, check_traces, collect, replicate
from iosim.scenario.loader import Scenario
from iosim.scenario.overrides import as_text
from iosim.study_store import IN_MEMORY, Record, StudyStore
from iosim.summaries import each_replication, flatten, is_replay, summarize
from iosim.summary import Summarizer
from iosim.version import VERSION

Cell = dict[str, Any]  # the varied paths and their values
Progress = Callable[[int, int, str], None]

FEW = 4  # cells a worker: with fewer, the last ones would keep some workers waiting


@cache
def model_version() -> str:
    """The version, and a digest of all of the package's sources: a changed model is another one, released or not."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.rglob("*.py"), *HERE.rglob("*.pyx")], key=lambda path: path.relative_to(HERE).as_posix()):
        digest.update(path.relative_to(HERE).as_posix().encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return f"{VERSION}+{digest.hexdigest()[:16]}"


@dataclass(frozen=True)
class CellTask:
    """One cell's work: all of its replications."""

    scenario: Scenario  # with its seed and number of replications
    clock: str
    model: str  # that of the process that asks

    @property
    def count(self) -> int:
        """Its replications."""
        return self.scenario.model.run.replications

    def key(self) -> str:
        """SHA-256 of everything that the figures depend on."""
        parts = [self.scenario.digest(), self.model, *(_content(path) for path in self.scenario.traces.values())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def grid(vary: Mapping[str, Sequence[Any]]) -> Iterator[Cell]:
    """Every combination of the varied values."""
    for values in product(*vary.values()):
        yield dict(zip(vary, values, strict=True))


def cell_task(scenario: Scenario, cell: Cell, clock: str, seed: int, replications: int | None) -> CellTask:
    """What is to be done for a cell; raises WrongInput where its values do not go together."""
    asked = scenario.model.study
    count = replications or (asked.replications if asked else None)
    fixed: Cell = {"run.seed": seed} | ({"run.replications": count} if count else {})
    return CellTask(scenario.with_set({"study": None, **fixed, **cell}), clock, model_version())


def run_cell(task: CellTask) -> dict[str, Any]:
    """Run a whole cell in this process. Raises IosimError in one that has another version of iosim."""
    _check_version(task)
    seed = task.scenario.model.run.seed
    return figures_of(task, collect(Serial(), task.scenario, count=task.count, clock=task.clock, seed=seed))


def _check_version(task: CellTask) -> None:
    if task.model != model_version():
        raise IosimError(
            f"a worker has iosim {model_version()}, and the study was begun by {task.model}; start it anew"
        )


def figures_of(task: CellTask, raws: list[Raw]) -> dict[str, Any]:
    """`summary` (design 2.2) and `each`, the value of every replication."""
    document = summarize(task.scenario, raws, task.scenario.model.run.seed)
    it = Summarizer(raws, document["warm_up_ns"], is_replay(task.scenario))
    return {"summary": document, "each": each_replication(it, list(task.scenario.model.workload))}


def replicate_cell(part: tuple[CellTask, int]) -> Raw:
    """One replication of a cell."""
    task, replication = part
    _check_version(task)
    return replicate(Task(replication, task.scenario, task.clock, task.scenario.model.run.seed))


def work_off(tasks: Sequence[CellTask], executor: Executor) -> Iterator[Outcome]:
    """Every cell's figures (or what ended it), as cells end; few cells are handed out by replication, lest workers idle."""
    if len(tasks) >= FEW * executor.workers or executor.workers == 1:
        yield from executor.outcomes(run_cell, tasks)
        return
    parts = [(place, number) for place, task in enumerate(tasks) for number in range(task.count)]
    ended: dict[int, list[Outcome]] = {place: [] for place in range(len(tasks))}
    for outcome in executor.outcomes(replicate_cell, [(tasks[place], number) for place, number in parts]):
        place = parts[outcome.place][0]
        ended[place].append(outcome)
        if len(ended[place]) == tasks[place].count:
            yield attempt(_put_together, place, (tasks[place], ended.pop(place)))


def _put_together(ended: tuple[CellTask, list[Outcome]]) -> dict[str, Any]:
    task, outcomes = ended
    return figures_of(task, [outcome.get() for outcome in sorted(outcomes, key=lambda outcome: outcome.place)])


# ---- studies ---------------------------------------------------------------------------------------------------------


def sweep(
    scenario: Scenario,
    vary: Mapping[str, Sequence[Any]] | None = None,
    *,
    seed: int | None = None,
    replications: int | None = None,
    jobs: int | None = None,
    clock: str | None = None,
    store: Path | str | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> Study:
    """Run every combination of the varied values (`vary`: path to values; without it the scenario's own `study`).

    `store` is a file that keeps the cells: what is there already is not run again. A cell that fails is in `Study.failed`
    and stops no other. `cluster` is the address of a Dask scheduler. The rest is as in `iosim.run`.

    Raises WrongInput for unknown paths and illegal values before anything runs, and for a store or cluster that can't be used.
    """
    check_arguments(scenario, replications, jobs, "sweep")
    scenario = with_study(scenario, vary)
    check_traces(scenario)
    with ExitStack() as stack:
        executor = stack.enter_context(Cluster(cluster)) if cluster else None
        kept = stack.enter_context(StudyStore(IN_MEMORY if store is None else store))
        return study(
            scenario,
            kept,
            seed=seed,
            replications=replications,
            jobs=jobs,
            clock=clock,
            executor=executor,
            progress=progress,
        )


def with_study(scenario: Scenario, vary: Mapping[str, Sequence[Any]] | None) -> Scenario:
    """The scenario with this study instead of its own; raises WrongInput that names every value that can't be."""
    if vary is None:
        if scenario.model.study is None:
            raise WrongInput(
                [Mistake(scenario.source, 0, 0, "", "nothing is varied: it has no 'study', and no --vary is given")]
            )
        return scenario
    alone = scenario.with_set({"study": None})
    mistakes: dict[str, Mistake] = {}
    for path, values in vary.items():
        for value in values:
            try:
                alone.with_set({path: value})
            except WrongInput as error:
                for it in error.mistakes:
                    said = it.message if it.path in ("", path) else f"{it.path}: {it.message}"
                    mistakes.setdefault(said, Mistake(f"--vary {path}={as_text(value)}", 0, 0, "", said))
    if mistakes:
        raise WrongInput([*mistakes.values()])
    return alone.with_set({"study": {"vary": {path: list(values) for path, values in vary.items()}}})


def study(
    scenario: Scenario,
    store: StudyStore,
    *,
    seed: int | None = None,
    replications: int | None = None,
    jobs: int | None = None,
    clock: str | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Study:
    """The scenario's study, worked off on `executor` (None: on this machine); cells go into the store as they end."""
    asked = scenario.model.study
    assert asked is not None
    clock = choose_clock(clock)
    seed = scenario.model.run.seed if seed is None else seed
    plan = [_planned(scenario, cell, clock, seed, replications) for cell in grid(asked.vary)]
    tasks = {it.key: it.task for it in plan if it.task is not None}
    records = store.finished([*tasks])
    missing = [key for key in tasks if key not in records]
    if progress:
        progress(len(records), len(tasks), "cells")
    todo = [tasks[key] for key in missing]
    executor = executor or local(jobs, sum(task.count for task in todo))
    for outcome in work_off(todo, executor):
        key = missing[outcome.place]
        records[key] = _recorded(outcome)
        store.put(key, records[key])
        if progress:
            progress(len(records), len(tasks), "cells")
    return _study(scenario, seed, replications, plan, records)


@dataclass(frozen=True)
class Planned:
    """A cell of the grid: what is to be done, or why that can't be."""

    cell: Cell
    key: str
    task: CellTask | None
    refused: Record


def _planned(scenario: Scenario, cell: Cell, clock: str, seed: int, replications: int | None) -> Planned:
    try:
        task = cell_task(scenario, cell, clock, seed, replications)
    except WrongInput as error:  # values that are legal, but not with each other
        text = "; ".join(f"{it.path}: {it.message}" if it.path else it.message for it in error.mistakes)
        key = hashlib.sha256(json.dumps([scenario.digest(), cell], sort_keys=True, default=str).encode()).hexdigest()
        return Planned(cell, key, None, Record(None, text, error.exit_status))
    return Planned(cell, task.key(), task, Record(None))


def _recorded(outcome: Outcome) -> Record:
    if outcome.failure is None:
        return Record(json.dumps(outcome.value, allow_nan=False))
    error = outcome.failure.error
    return Record(None, outcome.failure.text, getattr(error, "exit_status", 1), outcome.failure.trace)


def _study(
    scenario: Scenario, seed: int, replications: int | None, plan: list[Planned], records: dict[str, Record]
) -> Study:
    asked = scenario.model.study
    assert asked is not None
    rows, failed = [], []
    for it in plan:
        record = records[it.key] if it.task else it.refused
        if record.figures is None:
            failed.append({"key": it.key, "cell": it.cell, "error": record.error, "exit_status": record.exit_status})
        else:
            rows.append(_row(it.cell, it.key, json.loads(record.figures)))
    count = replications or asked.replications or scenario.model.run.replications
    about = {
        "scenario": scenario.name,
        "effective": scenario.effective(),
        "seed": seed,
        "replications": count,
        "model": model_version(),
    }
    vary = {path: list(values) for path, values in asked.vary.items()}
    return Study(vary, rows, asked.plot, failed, about, scenario.to_yaml())


def _row(cell: Cell, key: str, found: dict[str, Any]) -> dict[str, Any]:
    """A cell's figures as the study shows them; `each` has the value of every replication, for pairing."""
    document = found["summary"]
    return {
        "key": key,
        "cell": cell,
        "figures": dict(flatten(document)),
        "each": found["each"],
        "regime": document["regime"]["kind"],
        "expect": document["expect"],
        "warnings": document["warnings"],
        "summary": document,
    }
