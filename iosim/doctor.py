"""Perturbs every key of a scenario and says which change nothing, hardly anything, or the answer in the wrong direction.

The same requests are offered to both (common random numbers), with one warm-up cut for all. A key is *dead* where all
replications have equal fingerprints; *negligible* where both ends of every figure's 90 % interval lie within 0.5 % of the
figure (two one-sided tests at 5 %); of the *wrong sign* where an interval lies wholly on the side that `expected_signs.py`
rules out. Those intervals are so wide that of a hundred scenarios that do all that they should one is said to have such a key.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from iosim import executors
from iosim.clock import choose_clock
from iosim.errors import IosimError
from iosim.expected_signs import BUSY, LATENCY, OWN, RATE, TAIL, expected
from iosim.judging import is_replay, warm_up_of
from iosim.machine import Raw, read_traces
from iosim.perturbing import Change, perturbations
from iosim.replication import ALL, replication
from iosim.running import Task, replicate
from iosim.scenario.load import ClosedLoad
from iosim.scenario.loader import Scenario
from iosim.statistics import Estimate, paired
from iosim.thread import KINDS
from iosim.workload import NEVER

DEAD, NEGLIGIBLE, MOVES, WRONG, UNDECIDED, FAILED = (
    "dead",
    "negligible",
    "moves",
    "wrong sign",
    "undecided",
    "not possible",
)
VERDICTS = (WRONG, DEAD, NEGLIGIBLE, UNDECIDED, MOVES, FAILED)
EQUIVALENT = 0.005  # of a figure: less is of no consequence
FAMILY = 0.01  # chance that anything right is called wrong
SHORTEST = 1 / 50  # of the scenario's time, to which a run is cut for lack of time
FEWEST = 5  # replications: with fewer, intervals so sure are wider than anything
EVENTS = 20  # times as many as the scenario's own run takes, and a changed one is stopped

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Effect:
    """What one changed value does: by figure the relative difference, or why it could not be run."""

    value: Any
    direction: int
    dead: bool = False
    negligible: bool = False
    moves: bool = False
    differences: dict[str, Estimate] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class KeyReport:
    """One key: its value, where it was written, what its changes do, and the verdict."""

    path: str
    value: Any
    origin: str
    verdict: str
    why: str
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class Diagnosis:
    """All keys, worst first, and how they were looked at; `cut` is the share of the scenario's time that was run."""

    scenario: str
    seed: int
    replications: int
    factor: float
    cut: float
    runs: int
    keys: tuple[KeyReport, ...]

    @property
    def exit_status(self) -> int:
        """3 where a key moves the answer the wrong way."""
        return 3 if any(key.verdict == WRONG for key in self.keys) else 0


def diagnose(
    scenario: Scenario,
    *,
    factor: float = 2.0,
    replications: int = 8,
    seed: int | None = None,
    jobs: int | None = None,
    budget: float = 120.0,
    clock: str | None = None,
    progress: Progress | None = None,
) -> Diagnosis:
    """Change every key by `factor` up and down, run all, judge. About `budget` seconds at most: runs are cut shorter for it.

    Raises ValueError for a factor of 1 or less, or fewer than 5 replications.
    """
    if not factor > 1 or replications < FEWEST:
        raise ValueError(f"the factor is above 1, and there are {FEWEST} replications at least")
    read_traces(scenario)  # mistakes in a trace are told before anything runs
    whole, changes = perturbations(scenario, factor)
    runnable = [place for place, change in enumerate(changes) if not change.refused]
    chosen = choose_clock(clock)
    seed = scenario.model.run.seed if seed is None else seed
    whole, cut = _within(whole, len(runnable) * replications, jobs, budget, chosen, seed)
    base = [replicate(Task(number, whole, chosen, seed)) for number in range(replications)]
    warm_up, _ = warm_up_of(whole, base)
    horizon = NEVER if is_replay(whole) else base[0].horizon
    own = [_figures(raw, warm_up, horizon) for raw in base]
    most = EVENTS * max(raw.events for raw in base)
    items = [_Item(whole, changes[it], replications, chosen, seed, warm_up, horizon, most) for it in runnable]
    found: dict[int, Any] = {place: change.refused for place, change in enumerate(changes) if change.refused}
    for done, outcome in enumerate(executors.local(jobs, len(items)).outcomes(_changed, items), 1):
        found[runnable[outcome.place]] = outcome.failure.text if outcome.failure else outcome.value
        if progress:
            progress(done, len(items))
    chance = FAMILY / max(1, len(items) * len(own[0][1]))
    mixed = _is_mixed(whole)
    effects = [_effect(it, own, found[place], chance, expected(it.path, mixed)[0]) for place, it in enumerate(changes)]
    keys = _keys(scenario, whole, changes, effects)
    return Diagnosis(scenario.name, seed, replications, factor, cut, len(items) * replications, keys)


def _within(
    whole: Scenario, runs: int, jobs: int | None, budget: float, clock: str, seed: int
) -> tuple[Scenario, float]:
    """The scenario cut so short that all runs fit into the budget; one run tells how long they take."""
    began = time.perf_counter()
    replicate(Task(0, whole, clock, seed))
    once = time.perf_counter() - began
    workers = executors.local(jobs, runs).workers
    share = min(1.0, budget * workers / max(once * runs, 1e-9))
    if share >= 1 or is_replay(whole):
        return whole, 1.0
    share = max(share, SHORTEST)
    run = whole.model.run
    changes: dict[str, Any] = {"run.duration": f"{max(1, round(run.duration * share))} ns"}
    if run.warm_up:
        changes["run.warm_up"] = f"{round(run.warm_up * share)} ns"
    return whole.with_set(changes), share


@dataclass(frozen=True)
class _Item:
    """A change to be run in a worker process."""

    scenario: Scenario
    change: Change
    replications: int
    clock: str
    seed: int
    warm_up: int
    horizon: int
    most: int


def _changed(item: _Item) -> list[tuple[str, dict[str, float]]]:
    """Fingerprint and figures of every replication; raises what speaks against them."""
    scenario = item.scenario.with_set({item.change.path: item.change.value, "run.max_events": item.most})
    found = []
    for number in range(item.replications):
        raw = replicate(Task(number, scenario, item.clock, item.seed))
        found.append(_figures(raw, item.warm_up, item.horizon))
    return found


def _figures(raw: Raw, warm_up: int, horizon: int) -> tuple[str, dict[str, float]]:
    it = replication(raw, warm_up, horizon)
    if not it.count(ALL):
        raise IosimError("no request ended in the measured window")
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


# ---- judging ---------------------------------------------------------------------------------------------------------


def _is_mixed(scenario: Scenario) -> bool:
    """Whether the shares of the classes hang on how fast they are."""
    loads = scenario.model.workload.values()
    return len(loads) > 1 and any(isinstance(load, ClosedLoad) for load in loads)


def _effect(
    change: Change, own: list[tuple[str, dict[str, float]]], found: Any, chance: float, signs: dict[str, int]
) -> Effect:
    """`chance`: of each single interval to miss the truth, so that all of them together miss none."""
    if isinstance(found, str):
        return Effect(change.value, change.direction, failure=found)
    if [digest for digest, _ in found] == [digest for digest, _ in own]:
        return Effect(change.value, change.direction, dead=True)
    differences, close, moved, wrong = {}, True, False, []
    for figure in own[0][1]:
        before = [figures[figure] for _, figures in own]
        after = [figures[figure] for _, figures in found]
        scale = abs(sum(before) / len(before)) or 1.0
        sure = paired(after, before, 1 - chance).scaled(1 / scale)
        likely = paired(after, before, 0.9).scaled(1 / scale)
        differences[figure] = paired(after, before).scaled(1 / scale)
        close = close and likely.low > -EQUIVALENT and likely.high < EQUIVALENT
        moved = moved or sure.low > 0 or sure.high < 0
        due = signs.get(figure, 0) * change.direction
        if (due > 0 and sure.high < 0) or (due < 0 and sure.low > 0):
            wrong.append(figure)
    return Effect(change.value, change.direction, False, close, moved, differences, tuple(wrong))


def _keys(scenario: Scenario, whole: Scenario, changes: list[Change], effects: list[Effect]) -> tuple[KeyReport, ...]:
    by_path: dict[str, list[Effect]] = {}
    for change, effect in zip(changes, effects, strict=True):
        by_path.setdefault(change.path, []).append(effect)
    reports = [
        KeyReport(path, whole.get(path), scenario.origin(path), *_verdict(path, found), tuple(found))
        for path, found in by_path.items()
    ]
    return tuple(sorted(reports, key=lambda it: (VERDICTS.index(it.verdict), it.origin == "default")))


def _verdict(path: str, effects: list[Effect]) -> tuple[str, str]:
    ran = [effect for effect in effects if not effect.failure]
    if not ran:
        return FAILED, effects[0].failure.splitlines()[0]
    if any(effect.wrong for effect in ran):
        return WRONG, expected(path)[1]
    if all(effect.dead for effect in ran):
        return DEAD, ""
    if all(effect.dead or effect.negligible for effect in ran):
        return NEGLIGIBLE, ""
    return (MOVES, "") if any(effect.moves for effect in ran) else (UNDECIDED, "")


def largest(key: KeyReport) -> Iterator[tuple[Effect, str, Estimate]]:
    """Of each change that ran, the figure that it changes most."""
    for effect in key.effects:
        shown = {name: it for name, it in effect.differences.items() if not effect.wrong or name in effect.wrong}
        if shown:
            name = max(shown, key=lambda it: abs(shown[it].value))
            yield effect, name, shown[name]
