"""Runs a scenario and every change of it within a budget of time; what the time does not reach is told apart from the rest.

All runs are in worker processes, even with one job, because those can be ended in the middle of a run. Runs are cut shorter
where all would take longer; keys that the scenario writes itself come first, for where even that is too long.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from iosim.errors import IosimError
from iosim.executors import Processes, apart
from iosim.expected_signs import BUSY, LATENCY, OWN, RATE, TAIL
from iosim.perturbing import Change
from iosim.records import Raw
from iosim.replication import ALL, replication
from iosim.running import Task, replicate
from iosim.samples import named
from iosim.scenario.loader import Scenario
from iosim.summaries import is_replay, warm_up_of
from iosim.thread import KINDS
from iosim.units import format_time
from iosim.workload import NEVER

SHORTEST = 1 / 50  # of the scenario's time, to which a run is cut for lack of time
LONGER = 1 / 5  # of the scenario's time, for a second look at how long runs take
DEAR = 0.05  # of the time that is left, which that look may take
SLACK = 2  # times as long as the scenario's own run a changed one may take on average: more load, more to do
EVENTS = 20  # times as many as the scenario's own run takes, and a changed one is stopped

Progress = Callable[[int, int], None]
Measured = tuple[str, dict[str, float]]  # of one replication: fingerprint and figures


@dataclass
class Trials:
    """What was run: by place in the list of changes its replications, or why it could not be run.

    `own` are the scenario's own replications, empty where the time did not even reach those; `cut` is the share of the
    scenario's time that was run. `tail_takes`: 0, or how many times as long a run it takes before p99 may be named.
    """

    own: list[Measured] = field(default_factory=list)
    found: dict[int, list[Measured] | str] = field(default_factory=dict)
    cut: float = 1.0
    tail_takes: float = 0.0


@dataclass(frozen=True)
class Terms:
    """How it is run: so many replications of everything, on one clock, from one seed, until `until` (time.monotonic())."""

    replications: int
    clock: str
    seed: int
    jobs: int | None
    until: float


def tried(whole: Scenario, changes: Sequence[Change], terms: Terms, progress: Progress | None = None) -> Trials:
    """Run the scenario itself, then its changes in their order, until the time is up."""
    trials = Trials(found={place: change.refused for place, change in enumerate(changes) if change.refused})
    places = [place for place in range(len(changes)) if place not in trials.found]
    executor = apart(terms.jobs)
    with suppress(TimeoutError):
        scenario, trials.cut = _shortened(whole, len(places), executor, terms)
        frame = _own(trials, scenario, executor, terms)
        items = [(frame, changes[place]) for place in places]
        for done, outcome in enumerate(executor.outcomes(_changed, items, terms.until), 1):
            trials.found[places[outcome.place]] = outcome.failure.text if outcome.failure else outcome.value
            if progress:
                progress(done, len(items))
    return trials


# ---- how long a run may be -------------------------------------------------------------------------------------------


def _shortened(whole: Scenario, changes: int, executor: Processes, terms: Terms) -> tuple[Scenario, float]:
    """The scenario cut so short that all runs fit into the time, and its share. Raises TimeoutError."""
    if is_replay(whole):
        return whole, 1.0
    looks = [(Task(0, whole, terms.clock, terms.seed), DEAR * (terms.until - time.monotonic()))] * executor.workers
    slowest = max((it.get() for it in executor.outcomes(_pace, looks, terms.until)), key=sum)  # all at once, as later
    runs = SLACK * (changes + 1) * terms.replications / executor.workers
    share = share_for(terms.until - time.monotonic(), runs, *slowest)
    return _cut(whole, share), share


def share_for(left: float, runs: float, fixed: float, growing: float) -> float:
    """Of the scenario's time, what so many runs fit into `left` s; each takes `fixed` s, and a whole one `growing` s more.

    No less than SHORTEST, and no less than what takes half of `fixed`: shorter runs would hardly end sooner.
    """
    growing = max(growing, 1e-9)
    return min(1.0, max(SHORTEST, fixed / 2 / growing, (left / runs - fixed) / growing))


def _pace(how: tuple[Task, float]) -> tuple[float, float]:
    """What every run takes (s), and what a whole one takes more, from a short run and one longer as far as it is not dear."""
    task, dear = how
    _seconds(task, SHORTEST)  # loads what all runs need
    short = _seconds(task, SHORTEST)
    longer = max(2 * SHORTEST, min(LONGER, SHORTEST * dear / short))
    growing = max(0.0, _seconds(task, longer) - short) / (longer - SHORTEST)
    return max(0.0, short - growing * SHORTEST), growing


def _seconds(task: Task, share: float) -> float:
    """What one replication of so much of the scenario's time takes."""
    scenario = _cut(task.scenario, share)
    began = time.perf_counter()
    replicate(replace(task, scenario=scenario))
    return time.perf_counter() - began


def _cut(whole: Scenario, share: float) -> Scenario:
    if share >= 1:
        return whole
    run = whole.model.run
    changes = {"run.duration": f"{max(1, round(run.duration * share))} ns"}
    if run.warm_up:
        changes["run.warm_up"] = f"{round(run.warm_up * share)} ns"
    return whole.with_set(changes)


# ---- what is run -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Frame:
    """What all changes have in common: the scenario, the measured window (ns), and how many events are enough."""

    scenario: Scenario
    terms: Terms
    warm_up: int
    horizon: int
    most: int


def _own(trials: Trials, scenario: Scenario, executor: Processes, terms: Terms) -> _Frame:
    """Run the scenario itself and keep what it did; all changes get its window. Raises TimeoutError."""
    tasks = [Task(number, scenario, terms.clock, terms.seed) for number in range(terms.replications)]
    raws = sorted(
        (it.get() for it in executor.outcomes(replicate, tasks, terms.until)), key=lambda raw: raw.replication
    )
    warm_up, _ = warm_up_of(scenario, raws)
    horizon = NEVER if is_replay(scenario) else raws[0].horizon
    trials.own = [_measured(raw, warm_up, horizon) for raw in raws]
    samples = [replication(raw, warm_up, horizon).sample("latency", ALL) for raw in raws]
    _, trials.tail_takes = named(samples, 0.99, clustered=not is_replay(scenario))
    return _Frame(scenario, terms, warm_up, horizon, EVENTS * max(raw.events for raw in raws))


def _changed(item: tuple[_Frame, Change]) -> list[Measured]:
    """Every replication of a change; raises what speaks against them."""
    frame, change = item
    scenario = frame.scenario.with_set({change.path: change.value, "run.max_events": frame.most})
    tasks = [Task(number, scenario, frame.terms.clock, frame.terms.seed) for number in range(frame.terms.replications)]
    return [_measured(replicate(task), frame.warm_up, frame.horizon) for task in tasks]


def _measured(raw: Raw, warm_up: int, horizon: int) -> Measured:
    it = replication(raw, warm_up, horizon)
    if not it.count(ALL):
        length = format_time(min(horizon, raw.end_ns) - warm_up)
        raise IosimError(f"no request ended in the measured window ({length}): a longer run, or a larger budget")
    whole = sum(it.over(f"processors.{kind}") for kind in KINDS) or 1
    figures = {
        LATENCY: it.mean_of("latency", ALL),
        TAIL: float(it.sample("latency", ALL).quantile(0.99)),
        RATE: it.throughput(ALL),
        BUSY: 1 - it.over("processors.idle") / whole,
    }
    for group, name in enumerate(raw.classes):
        figures[OWN.replace("*", name)] = it.throughput(group)
    return f"{raw.events}:{raw.end_ns}:{raw.digest}", figures
