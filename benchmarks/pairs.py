"""Rounds of samples in turn, each a fresh process on one core, and what the ratios of pairs say."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import comb
from pathlib import Path
from statistics import median

from benchmarks.install import CHECKOUT, LONGEST, Missing
from benchmarks.registry import CIMBA, CPP, ENGINES, IOSIM, PLAIN, SIMPY, Command, Engine, prepared
from benchmarks.systems import TITLES, numbers_of, scenario_of

SHORTEST = 1.0  # seconds of a sample
AIM = 1.4
FIRST = 100  # ms of simulated time of an engine's very first sample
FEW = 5  # rounds for engines that no target names


@dataclass(frozen=True)
class Target:
    """The ratio that is asked of iosim in one setting (A) beside a peer (B)."""

    system: str
    ours: Engine
    theirs: Engine
    ratio: float


TARGETS = (
    Target("mm4", IOSIM, SIMPY, 40),
    Target("mm4", IOSIM, CIMBA, 1),
    Target("port", IOSIM, SIMPY, 30),
    Target("port", IOSIM, CIMBA, 1),
    Target("port", PLAIN, SIMPY, 2.5),
    Target("file", IOSIM, SIMPY, 40),
    Target("file", IOSIM, CPP, 0.25),
    Target("file", PLAIN, SIMPY, 2.5),
    Target("echo", IOSIM, SIMPY, 20),  # 0.6 of the file path's ratio
)
# Those whose ratios are judged, so that the two of a pair are taken one right after the other.
IN_TURN = {
    "mm4": (CIMBA, IOSIM, SIMPY),
    "port": (CIMBA, IOSIM, SIMPY, PLAIN),
    "file": (CPP, IOSIM, SIMPY, PLAIN),
    "echo": (IOSIM, SIMPY),
}


@dataclass(frozen=True)
class Sample:
    """What one process measured: the names are those of benchmarks/peers/answer.py."""

    requests: int
    seconds: float
    wait: float
    latency: float
    loops: float = 0.0
    version: str = ""
    events: int = 0
    compiled: bool = False

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Sampler:
    """Takes samples, each long enough; what it learns about an engine's speed serves the next one.

    `requests`: every sample has about so many, however long it takes; 0: as many as a second needs.
    """

    def __init__(self, core: int, cache: Path, requests: int = 0) -> None:
        self.core = core
        self.cache = cache
        self.requests = requests
        self.milliseconds: dict[tuple[str, str], int] = {}
        self.commands: dict[tuple[str, str], Command] = {}

    def take(self, engine: Engine, system: str, seed: int) -> Sample:
        """A sample of a second at least; raises Missing where the engine can't run."""
        asked = self.milliseconds.get((engine.name, system)) or self._first(system)
        while True:
            sample = self.run(engine, system, asked, seed)
            if self.requests or sample.seconds >= SHORTEST:
                self.milliseconds[engine.name, system] = asked
                return sample
            asked = int(asked * max(1.2, min(AIM / sample.seconds, 1000.0))) + 1

    def _first(self, system: str) -> int:
        if not self.requests:
            return FIRST
        return round(self.requests * numbers_of(scenario_of(system, FIRST))["gap"] / 1e6)

    def run(self, engine: Engine, system: str, milliseconds: int, seed: int) -> Sample:
        """One process, for so much simulated time; raises Missing with the last line of what it complained of."""
        place = engine.name, system
        if place not in self.commands:
            self.commands[place] = prepared(engine, system, self.cache)
        command = self.commands[place](milliseconds, seed, self.core)
        try:
            done = subprocess.run(
                command, cwd=CHECKOUT, env=surroundings(engine), capture_output=True, text=True, timeout=LONGEST
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Missing(str(error)) from error
        if done.returncode:
            raise Missing(f"it failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}")
        sample = Sample(**json.loads(done.stdout.splitlines()[-1]))
        if engine is IOSIM and not sample.compiled:
            raise Missing("iosim runs in plain Python here")
        return sample


def surroundings(engine: Engine) -> dict[str, str]:
    """The environment of its processes."""
    kept = {name: value for name, value in os.environ.items() if name != "IOSIM_PURE"}
    return kept | {"IOSIM_PURE": "1"} if engine.pure else kept


@dataclass
class Field:
    """One system's samples: by engine, one a round; and why others have none."""

    system: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def ratios(self, ours: Engine, theirs: Engine) -> list[float]:
        """A's rate over B's, round by round, rising."""
        pairs = zip(self.samples.get(ours.name, ()), self.samples.get(theirs.name, ()), strict=False)
        return sorted(a.rate / b.rate for a, b in pairs)


def measure(system: str, rounds: int, sampler: Sampler, only: Sequence[str] = ()) -> Field:
    """All engines in turn; the first sample of each only finds out whether it runs and how long a sample must be."""
    found = Field(system)
    taking = []
    for engine in [*IN_TURN[system], *(it for it in ENGINES if it not in IN_TURN[system])]:
        if (only and engine.name not in only) or (engine.only and system not in engine.only):
            continue
        try:
            sampler.take(engine, system, rounds)
            taking.append(engine)
            found.samples[engine.name] = []
        except Missing as reason:
            found.missing[engine.name] = str(reason)
    for number in range(rounds):
        for engine in taking:
            if engine in IN_TURN[system] or number < FEW:
                found.samples[engine.name].append(sampler.take(engine, system, number))
    return found


def rank_of(pairs: int) -> int:
    """Rank of the ratio that judges: the highest that lies above the true median by chance in 2.5 % at most.

    The 4th of 15. With fewer than 6 pairs there is none, and the smallest stands in.
    """
    tail, rank = 0.0, 0
    while (tail := tail + comb(pairs, rank) / 2**pairs) <= 0.025:
        rank += 1
    return max(rank, 1)


def judged_by(ratios: Sequence[float]) -> float:
    """The ratio of rank `rank_of`, of rising ones: the true median lies above it, with 97.5 % confidence."""
    return ratios[rank_of(len(ratios)) - 1]


def a_core() -> int:
    """The core to pin to, the last of those this process may use; -1 where processes can't be pinned."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else -1


# ---- the table -----------------------------------------------------------------------------------------------------------

HEAD = f"{'':<36}{'requests/s':>12}{'rounds':>8}{'compiled / it':>16}{'plain / it':>16}   target"


def table(found: Field) -> Iterator[str]:
    """One system: a row an engine, with the ratios of compiled and of plain iosim beside it: median, the one that judges."""
    yield f"\n{TITLES[found.system]}"
    yield HEAD
    for engine in ENGINES:
        samples = found.samples.get(engine.name)
        if samples:
            yield _row(found, engine, samples)
        elif engine.name in found.missing:
            yield f"  {engine.title:<34}skipped: {found.missing[engine.name]}"
    for target in targets_of(found):
        ratios = found.ratios(target.ours, target.theirs)
        named = f"{target.ours.title} / {target.theirs.title}"
        yield f"  ratios of {named}: {' '.join(f'{ratio:.4g}' for ratio in ratios)}"
    ours = found.samples.get(IOSIM.name) or found.samples.get(PLAIN.name)
    if ours:
        events = sum(it.events for it in ours) / sum(it.requests for it in ours)
        loops = median(it.loops for it in ours)
        yield f"  {events:.2f} clock events a request; {loops:,.0f} calibration rounds/s"


def targets_of(found: Field) -> list[Target]:
    """Those of the system whose two engines have samples."""
    here = [target for target in TARGETS if target.system == found.system]
    return [target for target in here if found.ratios(target.ours, target.theirs)]


def _row(found: Field, engine: Engine, samples: list[Sample]) -> str:
    rate = median(sample.rate for sample in samples)
    loops = median(sample.loops for sample in samples)
    title = f"{engine.title} {samples[0].version}".strip()
    cells = [_cell(found.ratios(ours, engine)) if ours is not engine else "" for ours in (IOSIM, PLAIN)]
    work = f"{loops / rate:,.0f}" if loops else ""
    verdicts = [_verdict(found, target) for target in targets_of(found) if target.theirs is engine]
    return f"  {title:<34}{rate:>12,.0f}{work:>8}{cells[0]:>16}{cells[1]:>16}   {'; '.join(verdicts)}".rstrip()


def _cell(ratios: list[float]) -> str:
    return f"{median(ratios):.3g} ({judged_by(ratios):.3g})" if ratios else ""


def _verdict(found: Field, target: Target) -> str:
    kind = "compiled" if target.ours is IOSIM else "plain"
    return f"{kind} {target.ratio:g}: {'met' if met(found, target) else 'MISSED'}"


def met(found: Field, target: Target) -> bool:
    """Whether even the ratio that judges reaches the target."""
    return judged_by(found.ratios(target.ours, target.theirs)) >= target.ratio


def unjudged(found: Field) -> list[Target]:
    """Targets of the system that could not be judged here."""
    here = [target for target in TARGETS if target.system == found.system]
    return [target for target in here if target not in targets_of(found)]


def say(lines: Iterator[str]) -> None:
    """Print at once."""
    print("\n".join(lines), flush=True)
    sys.stdout.flush()
