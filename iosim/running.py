"""One replication, and all replications of a scenario on an executor, sorted by their names, never by when they came in."""

from collections.abc import Callable
from dataclasses import dataclass

from iosim.clock import make_clock
from iosim.compiled import MODE
from iosim.errors import IosimError, Mistake, WrongInput
from iosim.executors import Executor
from iosim.machine import Machine
from iosim.records import Raw
from iosim.scenario.loader import Scenario
from iosim.traces import read_traces


@dataclass(frozen=True)
class Task:
    """One replication of a scenario."""

    replication: int
    scenario: Scenario
    clock: str
    seed: int
    timeline: bool = False
    compiled: bool = MODE.compiled  # of the process that asks


def replicate(task: Task) -> Raw:
    """Run one task (in a worker process, as a rule). Raises IosimError in a worker that would mix modes."""
    if task.compiled != MODE.compiled:
        raise IosimError(f"a worker process runs {MODE}, unlike the process that started it; start anew")
    record = set(task.scenario.model.run.record)
    if task.timeline:
        record.add("timeline")
    traces = read_traces(task.scenario)
    return Machine(task.scenario, make_clock(task.clock), task.seed, task.replication, traces, record).run()


def collect(
    executor: Executor,
    scenario: Scenario,
    *,
    count: int,
    clock: str,
    seed: int,
    first: int = 0,
    timeline: bool = False,
    ended: Callable[[int], None] | None = None,
) -> list[Raw]:
    """Replications `first` to `count` - 1 in their order; `timeline` asks for number 0's. `ended(done)` is called as they end.

    Raises what the first replication raised that failed.
    """
    tasks = [Task(number, scenario, clock, seed, timeline and not number) for number in range(first, count)]
    raws: list[Raw] = []
    for outcome in executor.outcomes(replicate, tasks):
        raws.append(outcome.get())
        if ended:
            ended(first + len(raws))
    return sorted(raws, key=lambda raw: raw.replication)


def check_arguments(scenario: Scenario, replications: int | None, jobs: int | None, verb: str = "run") -> None:
    """Raises TypeError or ValueError that says what is accepted."""
    if not isinstance(scenario, Scenario):
        raise TypeError(f"iosim.{verb} takes a scenario, not {scenario!r}: iosim.{verb}(iosim.load({scenario!r}))")
    for name, value in (("replications", replications), ("jobs", jobs)):
        if value is not None and value < 1:
            raise ValueError(f"{name} is at least 1, not {value}")


def check_traces(scenario: Scenario) -> None:
    """Mistakes in a trace are told before anything runs; raises WrongInput."""
    for path in scenario.traces.values():
        check_readable(str(path))
    read_traces(scenario)


def check_readable(path: str) -> None:
    """A trace that is not there is the user's mistake, not the simulator's."""
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise WrongInput([Mistake(path, 0, 0, "", f"the trace can't be read: {error.strerror}")]) from None
