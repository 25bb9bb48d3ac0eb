"""Perturbs every key of a scenario and says which change nothing, hardly anything, or the answer in the wrong direction.

The same requests are offered to both (common random numbers), with one warm-up cut for all. A key is *dead* where all
replications have equal fingerprints; *negligible* where both ends of every figure's 90 % interval lie within 0.5 % of the
figure (two one-sided tests at 5 %); of the *wrong sign* where an interval lies wholly on the side that `expected_signs.py`
rules out. Those intervals are so wide that of a hundred scenarios that do all that they should one is said to have such a key.
A key with a change that the time did not reach is *not judged*, unless another of its changes is wrong already. p99 is a
figure only where the scenario's own runs can carry it.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from iosim.clock import choose_clock
from iosim.expected_signs import TAIL, expected
from iosim.perturbing import Change, perturbations
from iosim.scenario.load import ClosedLoad
from iosim.scenario.loader import Scenario
from iosim.statistics import Estimate, paired
from iosim.traces import read_traces
from iosim.trials import Measured, Progress, Terms, Trials, tried

DEAD, NEGLIGIBLE, MOVES, WRONG, UNDECIDED, UNJUDGED, FAILED = (
    "dead",
    "negligible",
    "moves",
    "wrong sign",
    "undecided",
    "not judged (budget)",
    "not possible",
)
VERDICTS = (WRONG, DEAD, NEGLIGIBLE, UNDECIDED, MOVES, UNJUDGED, FAILED)
EQUIVALENT = 0.005  # of a figure: less is of no consequence
FAMILY = 0.01  # chance that anything right is called wrong
FEWEST = 5  # replications: with fewer, intervals so sure are wider than anything


@dataclass(frozen=True)
class Effect:
    """What one changed value does: by figure the relative difference, or why it could not be run, or not in time."""

    value: Any
    direction: int
    dead: bool = False
    negligible: bool = False
    moves: bool = False
    differences: dict[str, Estimate] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()
    failure: str = ""
    judged: bool = True


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
    """All keys, worst first, and how they were looked at; `cut` is the share of the scenario's time that was run.

    `tail_takes`: 0, or how many times as long a run it takes before p99 may be named; then it is no figure here.
    """

    scenario: str
    seed: int
    replications: int
    factor: float
    cut: float
    tail_takes: float
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
    """Change every key by `factor` up and down, run all, judge. After `budget` seconds it ends, whatever has been run.

    Raises ValueError for a factor of 1 or less, or fewer than 5 replications.
    """
    until = time.monotonic() + budget
    if not factor > 1 or replications < FEWEST:
        raise ValueError(f"the factor is above 1, and there are {FEWEST} replications at least")
    read_traces(scenario)  # mistakes in a trace are told before anything runs
    whole, changes = perturbations(scenario, factor, until)
    changes.sort(key=lambda change: scenario.origin(change.path) == "default")  # what was written comes first
    seed = scenario.model.run.seed if seed is None else seed
    trials = tried(whole, changes, Terms(replications, choose_clock(clock), seed, jobs, until), progress)
    runs = replications * sum(isinstance(it, list) for it in trials.found.values())
    keys = _keys(scenario, whole, changes, _effects(whole, changes, trials))
    return Diagnosis(scenario.name, seed, replications, factor, trials.cut, trials.tail_takes, runs, keys)


# ---- judging ---------------------------------------------------------------------------------------------------------


def _is_mixed(scenario: Scenario) -> bool:
    """Whether the shares of the classes hang on how fast they are."""
    loads = scenario.model.workload.values()
    return len(loads) > 1 and any(isinstance(load, ClosedLoad) for load in loads)


def _effects(whole: Scenario, changes: list[Change], trials: Trials) -> list[Effect]:
    """Of every change; its intervals are as wide as it takes for all that there may be to be right together."""
    names = [name for name in trials.own[0][1] if name != TAIL or not trials.tail_takes] if trials.own else []
    runnable = sum(not change.refused for change in changes)
    chance = FAMILY / max(1, runnable * len(names))
    mixed = _is_mixed(whole)
    return [
        _effect(change, names, trials.own, trials.found.get(place), chance, expected(change.path, mixed)[0])
        for place, change in enumerate(changes)
    ]


def _effect(
    change: Change,
    names: list[str],
    own: list[Measured],
    found: list[Measured] | str | None,
    chance: float,
    signs: dict[str, int],
) -> Effect:
    """By the figures of these names. `chance`: of each single interval to miss the truth, so that all together miss none."""
    if found is None:
        return Effect(change.value, change.direction, judged=False)
    if isinstance(found, str):
        return Effect(change.value, change.direction, failure=found)
    if [digest for digest, _ in found] == [digest for digest, _ in own]:
        return Effect(change.value, change.direction, dead=True)
    differences, close, moved, wrong = {}, True, False, []
    for figure in names:
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
    if not all(effect.judged for effect in ran):
        return UNJUDGED, ""
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
