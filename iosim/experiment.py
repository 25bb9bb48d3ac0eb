"""Runs a scenario: its replications, and the cells of its study, on as many processes as asked for.

One runner for both: every (cell, replication) is a task, and results are put together by their names, never by the order in
which they come in, so that one process and many give the same bytes.
"""

import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from iosim import machine, summary
from iosim.clock import choose_clock, make_clock
from iosim.compiled import MODE
from iosim.errors import IosimError, Mistake, WrongInput
from iosim.machine import Raw
from iosim.replication import ALL
from iosim.results import Result, Study
from iosim.scenario.load import AnyReplay, ClosedLoad
from iosim.scenario.loader import Scenario
from iosim.statistics import Estimate, WarmUp, replications_for
from iosim.summary import Summarizer, lookup
from iosim.version import VERSION

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Task:
    """One replication of one cell; cell 0 is the scenario itself."""

    cell: int
    replication: int
    scenario: Scenario
    clock: str
    seed: int
    timeline: bool
    compiled: bool = MODE.compiled  # of the process that asks


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
    `progress(done, total, what)` is called as replications end. Raises WrongInput for a trace that can't be read and for a
    clock that can't be had here, LawBroken when the model is wrong.
    """
    check_arguments(scenario, replications, jobs)
    clock = choose_clock(clock)
    seed = scenario.model.run.seed if seed is None else seed
    for path in scenario.traces.values():
        check_readable(str(path))
    machine.read_traces(scenario)  # mistakes in a trace are told before anything runs
    cells = list(grid(scenario)) if study else []
    tasks = [*_tasks(0, scenario, replications or scenario.model.run.replications, clock, seed)]
    for number, cell in enumerate(cells, 1):
        asked = scenario.model.study
        count = replications or (asked.replications if asked else None) or scenario.model.run.replications
        tasks += _tasks(number, _cell_scenario(scenario, cell), count, clock, seed)
    pending = {number: [task for task in tasks if task.cell == number] for number in range(len(cells) + 1)}
    collected: dict[int, list[Raw]] = {number: [] for number in pending}
    rows: dict[int, dict[str, Any]] = {}
    for done, (task, raw) in enumerate(_all(tasks, jobs), 1):
        collected[task.cell].append(raw)
        if task.cell and len(collected[task.cell]) == len(pending[task.cell]):
            rows[task.cell] = _row(cells[task.cell - 1], task.scenario, collected.pop(task.cell), seed)
        if progress:
            progress(done, len(tasks), f"cell {task.cell} of {len(cells)}" if cells else scenario.name)
    found = _study(scenario, cells, rows) if cells else None
    return _result(scenario, sorted(collected[0], key=lambda raw: raw.replication), clock, seed, found)


def _study_warnings(study: Study, overloads: bool) -> list[str]:
    """One line for each thing that must be said, with the cells that it is said of."""
    said = {
        "the warm-up had not ended in the first half of the run; the second half is measured": [
            row for row in study.rows if any(warning.startswith("warm-up") for warning in row["warnings"])
        ],
        "unstable: no steady figures": [row for row in study.rows if row["regime"] == "unstable" and not overloads],
    }
    return [f"{len(rows)} of {len(study.rows)} cells: {what}" for what, rows in said.items() if rows]


def check_arguments(scenario: Scenario, replications: int | None, jobs: int | None) -> None:
    """Raises TypeError or ValueError that says what is accepted."""
    if not isinstance(scenario, Scenario):
        raise TypeError(f"iosim.run takes a scenario, not {scenario!r}: iosim.run(iosim.load({scenario!r}))")
    for name, value in (("replications", replications), ("jobs", jobs)):
        if value is not None and value < 1:
            raise ValueError(f"{name} is at least 1, not {value}")


def check_readable(path: str) -> None:
    """A trace that is not there is the user's mistake, not the simulator's."""
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise WrongInput([Mistake(path, 0, 0, "", f"the trace can't be read: {error.strerror}")]) from None


def grid(scenario: Scenario) -> Iterator[dict[str, Any]]:
    """The cells of the scenario's study: every combination of the varied values."""
    study = scenario.model.study
    if study is None:
        return
    for values in product(*study.vary.values()):
        yield dict(zip(study.vary, values, strict=True))


def _cell_scenario(scenario: Scenario, cell: dict[str, Any]) -> Scenario:
    return scenario.with_set(cell)


def _tasks(cell: int, scenario: Scenario, count: int, clock: str, seed: int) -> Iterator[Task]:
    for replication in range(count):
        yield Task(cell, replication, scenario, clock, seed, not cell and not replication)


def _all(tasks: list[Task], jobs: int | None) -> Iterable[tuple[Task, Raw]]:
    if jobs == 1 or len(tasks) == 1:
        return map(replicate, tasks)
    import joblib

    processes = min(jobs or joblib.cpu_count(), len(tasks))
    parallel = joblib.Parallel(n_jobs=processes, return_as="generator_unordered", batch_size=1)
    done: Iterable[tuple[Task, Raw]] = parallel(joblib.delayed(replicate)(task) for task in tasks)
    return done


def replicate(task: Task) -> tuple[Task, Raw]:
    """Run one task (in a worker process, as a rule). Raises IosimError in a worker that would mix modes."""
    if task.compiled != MODE.compiled:
        raise IosimError(f"a worker process runs {MODE}, unlike the process that started it; start anew")
    record = set(task.scenario.model.run.record)
    if task.timeline:
        record.add("timeline")
    traces = machine.read_traces(task.scenario)
    it = machine.Machine(task.scenario, make_clock(task.clock), task.seed, task.replication, traces, record)
    return task, it.run()


# ---- putting together ------------------------------------------------------------------------------------------------


def warm_up_of(scenario: Scenario, raws: list[Raw]) -> tuple[int, list[str]]:
    """The warm-up (ns, a whole number of steps) of these replications, and what must be said about it."""
    asked = scenario.model.run.warm_up
    step = raws[0].bin_ns
    if is_replay(scenario):
        return 0, []
    if asked is not None:
        return -(-asked // step) * step, []
    found: WarmUp = summary.find_warm_up(raws)
    if found.decided:
        return found.ns, []
    half = raws[0].horizon // 2 // step * step
    names = ", ".join(found.undecided)
    return half, [f"warm-up: {names} had not settled in the first half of the run; the second half is measured"]


def is_replay(scenario: Scenario) -> bool:
    """Whether the run ends by itself, with the last row of a trace."""
    return any(isinstance(load, AnyReplay) for load in scenario.model.workload.values())


def summarize(scenario: Scenario, raws: list[Raw], seed: int) -> dict[str, Any]:
    """The summary of a scenario's replications."""
    warm_up, warnings = warm_up_of(scenario, raws)
    it = Summarizer(raws, warm_up, is_replay(scenario))
    model = scenario.model
    loads = list(enumerate(model.workload.items()))
    kinds = {load.kind for load in model.workload.values()}
    regime = it.regime(kinds == {"closed"})
    document = {
        "schema_version": summary.SCHEMA_VERSION,
        "scenario": scenario.name,
        "seed": seed,
        "replications": len(raws),
        "simulated_ns": max(raw.end_ns for raw in raws),
        "warm_up_ns": warm_up,
        "events": sum(raw.events for raw in raws),
        "fingerprint": summary.fingerprint(raws),
        "regime": {
            "kind": regime.kind,
            "resource": regime.resource,
            "growth_per_s": None if regime.kind != "unstable" else regime.growth_per_s.value,
            "reason": regime.reason,
        },
        "stop": max((raw.stop for raw in raws), key=lambda stop: stop == "time limit"),
        "latency_origin": latency_origin(scenario),
        **it.request_figures("", ALL),
        "classes": {name: class_figures(it, group, name, load.kind) for group, (name, load) in loads},
        "head_of_line_ns": it.head_of_line(),
        "processors": it.processors(),
        "ports": {name: it.port(name) for name in model.ports},
        "pools": {name: it.pool(name) for name in model.pools},
        "locks": {name: it.lock(name) for name in model.locks},
        "disks": {name: it.disk(name) for name in model.disks},
        "volumes": {name: it.volume(name) for name in model.volumes},
        "nics": {name: it.nic(name) for name in model.nics},
        "numa": it.numa(),
        "theory": {},
    }
    warnings += it.warnings + regime_warnings(scenario, regime.kind, regime.resource, regime.reason)
    if left := document["requests"]["in_flight"]:
        warnings.append(f"{left} counted requests never ended; maxima and tails are lower bounds")
    document["expect"] = [judge(document, expectation, model.overloads) for expectation in model.expect]
    document["warnings"] = list(dict.fromkeys(warnings))
    return document


def class_figures(it: Summarizer, group: int, name: str, kind: str) -> dict[str, Any]:
    """Everything that is told of a class; only closed load has clients whose requests have an order."""
    figures = it.request_figures(f"classes.{name}.", group)
    return {**figures, "out_of_order_share": it.out_of_order(name)} if kind == "closed" else figures


def latency_origin(scenario: Scenario) -> str:
    """What latency is counted from: the intended arrival (open load) or the issue (closed load, replay at depth)."""
    loads = scenario.model.workload.values()
    issued = any(isinstance(it, ClosedLoad) or (isinstance(it, AnyReplay) and it.timing.depth) for it in loads)
    return "issued" if issued else "intended"


def regime_warnings(scenario: Scenario, kind: str, resource: str, reason: str) -> list[str]:
    """What a reader must know before believing the figures."""
    if kind == "unstable" and not scenario.model.overloads:
        where = f" at {resource}" if resource else ""
        return [f"unstable{where}: {reason}; no figure here is a steady one"]
    if kind == "undecided":
        return [f"regime undecided: {reason}"]
    return []


def judge(document: dict[str, Any], expectation: Any, overloads: bool) -> dict[str, Any]:
    """met or missed where the whole interval lies on one side of the bound, else undecided and what it would take."""
    try:
        found = lookup(document, expectation.figure)
    except KeyError:
        found = {"value": None, "ci95": None}
    value, ends = found["value"], found["ci95"]
    verdict, needs = "undecided", ""
    if value is None:
        needs = f"{expectation.figure} has no value here; a longer run may give it one"
    elif trouble := _no_verdict(document, expectation, ends, overloads):
        needs = trouble
    elif len(sides := {expectation.holds(end) for end in (ends or [value])}) == 1:
        verdict = "met" if sides.pop() else "missed"
    else:
        estimate = Estimate(value, ends[0], ends[1], document["replications"])
        distance = abs(value - expectation.bound) or (ends[1] - ends[0]) / 20
        needs = f"the interval holds the bound; about {replications_for(estimate, distance)} replications may decide"
    return {"expect": expectation.text, "verdict": verdict, "value": value, "ci95": ends, "needs": needs}


def _no_verdict(document: dict[str, Any], expectation: Any, ends: Any, overloads: bool) -> str:
    """Why the run itself allows no verdict; empty when it does."""
    regime = document["regime"]
    counted = (
        expectation.figure.startswith(("requests.", "events", "simulated_ns")) or ".requests." in expectation.figure
    )
    if counted:
        return ""
    if regime["kind"] == "unstable" and not overloads:
        return (
            f"the run is unstable{' at ' + regime['resource'] if regime['resource'] else ''}: there is no steady figure"
        )
    if regime["kind"] == "undecided":
        return "the regime is undecided: a longer run"
    if document["requests"]["in_flight"] and expectation.operator.startswith("<"):
        return "requests that never ended make the figure a lower bound"
    if ends is None and regime["kind"] != "terminating":
        return "2 replications or more, for an interval"
    return ""


def _row(cell: dict[str, Any], scenario: Scenario, raws: list[Raw], seed: int) -> dict[str, Any]:
    """A cell's figures; `each` keeps the value of every replication, for pairing."""
    raws = sorted(raws, key=lambda raw: raw.replication)
    document = summarize(scenario, raws, seed)
    it = Summarizer(raws, document["warm_up_ns"], is_replay(scenario))
    return {
        "cell": cell,
        "figures": dict(flatten(document)),
        "each": each_replication(it, list(scenario.model.workload)),
        "regime": document["regime"]["kind"],
        "warnings": [warning for warning in document["warnings"] if warning.startswith(("warm-up", "unstable"))],
    }


def each_replication(it: Summarizer, classes: list[str]) -> dict[str, list[float]]:
    """The figures that are compared pair by pair: one value a replication."""
    found: dict[str, list[float]] = {}
    for group, prefix in enumerate(["", *(f"classes.{name}." for name in classes)], ALL):
        for each in it.replications:
            found.setdefault(f"{prefix}throughput_per_s", []).append(each.throughput(group))
            for column in ("latency", "wait"):
                mean = each.mean_of(column, group) if each.count(group) else 0.0
                found.setdefault(f"{prefix}{column}_ns.mean", []).append(mean)
    return found


def flatten(document: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure of a summary with its path."""
    if isinstance(document, dict) and set(document) == {"value", "ci95"}:
        yield prefix, document
    elif isinstance(document, dict):
        for name, part in document.items():
            yield from flatten(part, f"{prefix}.{name}" if prefix else name)
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield prefix, {"value": document, "ci95": None}


def _study(scenario: Scenario, cells: list[dict[str, Any]], rows: dict[int, dict[str, Any]]) -> Study:
    asked = scenario.model.study
    assert asked is not None
    vary = {path: list(values) for path, values in asked.vary.items()}
    return Study(vary, [rows[number] for number in range(1, len(cells) + 1)], asked.plot)


def _result(scenario: Scenario, raws: list[Raw], clock: str, seed: int, study: Study | None) -> Result:
    document = summarize(scenario, raws, seed)
    if study:
        document["warnings"] += _study_warnings(study, scenario.model.overloads)
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
