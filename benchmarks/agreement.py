"""Whether a peer's program and iosim are the same system: the same waits, with the same draws and with draws of their own.

With the same draws, the very requests are compared: the C++ programs have the same times to the nanosecond; what is left of
the SimPy programs is what they leave out (see the modules). With draws of their own, the means over replications must agree
within a 99 % interval, or to one per cent. M/M/4 must also agree with the formula.
"""

import json
import subprocess
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import factorial
from pathlib import Path
from statistics import fmean

from benchmarks.install import Missing, program_of
from benchmarks.pairs import Sample, Sampler
from benchmarks.peers.answer import means
from benchmarks.peers.draws import Chance, by_streams, every, places
from benchmarks.peers.simpy_run import builder_of
from benchmarks.registry import CIMBA, CIW, CPP, ECONOMICAL, IOSIM, PLAIN, SALABIM, SIMPY, Engine
from benchmarks.systems import numbers_of, scenario_of
from iosim.clock import make_clock
from iosim.machine import Machine
from iosim.records import Raw
from iosim.scenario.distributions import Distribution
from iosim.scenario.loader import Scenario
from iosim.statistics import interval

MILLISECONDS = {
    "mm4": 4000,
    "port": 3000,
    "file": 1000,
    "echo": 1000,
}  # of a replication, for intervals that are narrow enough
SHORT = 200  # ms where the draws are the same
TOLERANCE = 0.01  # of iosim's mean
DRAIN = 100_000_000  # ns that a SimPy program goes on, so that those who came before the end are served
STREAMS = {  # in the order of the C++ programs' columns; which of iosim's streams, and whose number it is
    "mm4": (("gap", "gap"), ("0.time", "first")),
    "port": (("gap", "gap"), ("0.time", "first"), ("1.time", "block"), ("2.time", "last")),
    "file": (("gap", "gap"), ("0.time", "first"), ("1.offset", "pages"), ("2.time", "last")),
}


@dataclass(frozen=True)
class Means:
    """Mean wait for a thread and mean time in the system (ns)."""

    wait: float
    latency: float


@dataclass
class Comparison:
    """A mean (ns) of both, and half the width of the 99 % interval of their difference (0: the same draws)."""

    name: str
    iosim: float
    twin: float
    half: float

    @property
    def difference(self) -> float:
        """iosim's less the twin's (ns)."""
        return self.iosim - self.twin

    @property
    def agrees(self) -> bool:
        """The interval holds 0, or the difference is small."""
        return abs(self.difference) <= max(self.half, TOLERANCE * self.iosim)

    @property
    def sharp(self) -> bool:
        """An interval so narrow that a difference of 8 % would be seen."""
        return self.half < 0.08 * self.iosim

    def __str__(self) -> str:
        share = self.difference / self.iosim
        verdict = "agree" if self.agrees and self.sharp else "blunt" if self.agrees else "DIFFER"
        return (
            f"{self.name:<44} here {self.iosim:>11,.1f} ns, it {self.twin:>11,.1f} ns, "
            f"difference {share:+.3%} +- {self.half / self.iosim:.3%}: {verdict}"
        )


# ---- the same draws --------------------------------------------------------------------------------------------------


def run_iosim(scenario: Scenario, seed: int, replication: int) -> Means:
    """One replication with nothing recorded but rows and sums."""
    return means_of_raw(scenario, Machine(scenario, make_clock(), seed, replication, {}).run())


def means_of_raw(scenario: Scenario, raw: Raw) -> Means:
    """From what iosim recorded."""
    columns = raw.columns
    if waited := [figure for name, figure in raw.extremes.items() if name.endswith(".waiting_max") and figure]:
        raise ValueError(f"{max(waited)} requests waited for a command slot, and the twin has none")
    found = means(scenario.model.run.duration, columns["intended"], columns["began"], columns["ended"])
    return Means(*found[:2])


def run_twin(style: str, system: str, scenario: Scenario, chance: Chance) -> Means:
    """One replication of a SimPy program."""
    duration = scenario.model.run.duration
    env, log = builder_of(style, system)(scenario, chance)
    env.run(until=duration + DRAIN)
    return Means(*means(duration, log.arrived, log.began, log.ended)[:2])


def run_cpp(system: str, scenario: Scenario, cache: Path, seed: int = 1) -> Means:
    """One replication of the C++ program with iosim's draws; raises Missing where there is no compiler."""
    program = program_of(system, cache)
    numbers = numbers_of(scenario) | {"seed": seed, "core": -1}
    with tempfile.TemporaryDirectory() as place:
        drawn = Path(place) / "drawn"
        with drawn.open("wb") as file:
            for column in columns_of(system, scenario, seed):
                column.tofile(file)
        words = [*(f"{name}={value}" for name, value in numbers.items()), f"drawn={drawn}"]
        done = subprocess.run([*program, *words], check=True, stdout=subprocess.PIPE, text=True)
    sample = Sample(**json.loads(done.stdout))
    return Means(sample.wait, sample.latency)


def columns_of(system: str, scenario: Scenario, seed: int) -> Iterator["array[int]"]:
    """What iosim draws for each request, column by column, and for more requests than there will be."""
    (name,) = scenario.model.workload
    numbers = numbers_of(scenario)
    rows = round(numbers["duration"] / numbers["gap"] * 1.2) + 1000
    chance = by_streams(seed, 0)
    for stream, number in STREAMS[system]:
        value = numbers[number]
        it: Distribution = places(int(value)) if number == "pages" else every(value)
        draw = chance(f"{name}.{stream}", it)
        yield array("q", (int(draw()) for _ in range(rows)))


def with_the_same_draws(style: str, system: str, scenario: Scenario, twin: Scenario, seed: int = 1) -> list[Comparison]:
    """One replication of each, every request with the same numbers in both; `twin` is what the twin is told to be."""
    theirs = run_twin(style, system, twin, by_streams(seed, 0))
    return _compared(f"{system}, {style}, same draws", run_iosim(scenario, seed, 0), theirs)


def cpp_with_the_same_draws(system: str, sampler: Sampler) -> list[Comparison]:
    """The same for the C++ program; raises Missing."""
    scenario = scenario_of(system, SHORT)
    if system in CPP.lacks:
        raise Missing(CPP.lacks[system])
    ours = run_iosim(scenario, 1, 0)
    return _compared(f"{system}, C++, same draws", ours, run_cpp(system, scenario, sampler.cache))


def salabim_with_the_same_draws(system: str, sampler: Sampler) -> list[Comparison]:
    """salabim beside SimPy: both draw the same with Python's `random`, in the same order; raises Missing."""
    theirs = sampler.run(SALABIM, system, SHORT, 1)
    ours = sampler.run(SIMPY, system, SHORT, 1)
    name = f"{system}, salabim, same draws as SimPy"
    return _compared(name, Means(ours.wait, ours.latency), Means(theirs.wait, theirs.latency))


def _compared(name: str, ours: Means, theirs: Means) -> list[Comparison]:
    return [
        Comparison(f"{name}: wait", ours.wait, theirs.wait, 0.0),
        Comparison(f"{name}: latency", ours.latency, theirs.latency, 0.0),
    ]


# ---- draws of their own ----------------------------------------------------------------------------------------------


def samples_of(engine: Engine, system: str, milliseconds: int, replications: int, sampler: Sampler) -> list[Sample]:
    """So many replications; raises Missing."""
    return [sampler.run(engine, system, milliseconds, number) for number in range(replications)]


def with_draws_of_their_own(name: str, ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[Comparison]:
    """Replications of both, nothing in common but the parameters."""
    title = f"{name}, {len(ours)} replications"
    return [
        _interval(f"{title}: wait", [it.wait for it in ours], [it.wait for it in theirs]),
        _interval(f"{title}: latency", [it.latency for it in ours], [it.latency for it in theirs]),
    ]


def with_the_formula(ours: Sequence[Sample], scenario: Scenario) -> Comparison:
    """iosim's M/M/4 against the mean wait by Erlang's C."""
    numbers = numbers_of(scenario)
    wait = erlang_wait(int(numbers["limit"]), numbers["first"] / numbers["gap"], numbers["first"])
    return _interval("mm4, formula: wait", [it.wait for it in ours], [wait for _ in ours])


def erlang_wait(servers: int, load: float, service: float) -> float:
    """Mean wait in M/M/c; `load` in servers, `service` the mean service time, whose unit the wait has."""
    terms = [load**k / factorial(k) for k in range(servers)]
    last = load**servers / factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last) * service / (servers - load)


def _interval(name: str, ours: list[float], theirs: list[float]) -> Comparison:
    found = interval([a - b for a, b in zip(ours, theirs, strict=True)], 0.99)
    return Comparison(name, fmean(ours), fmean(theirs), found.half_width)


# ---- all of it -------------------------------------------------------------------------------------------------------


def report(systems: dict[str, int], replications: int, sampler: Sampler) -> int:
    """Every program beside iosim, for so many ms; 1 when a mean differs, or when intervals are too wide to tell."""
    bad = 0
    for system, milliseconds in systems.items():
        short = scenario_of(system, SHORT)
        for engine in (SIMPY, ECONOMICAL):
            if system not in engine.lacks:
                bad += _print(with_the_same_draws(engine.name, system, short, short))
        for found in (cpp_with_the_same_draws, salabim_with_the_same_draws):
            try:
                bad += _print(found(system, sampler))
            except Missing as reason:
                print(f"{system}, {found.__name__.partition('_')[0]}: skipped: {reason}")
        try:
            ours = samples_of(IOSIM, system, milliseconds, replications, sampler)
        except Missing:
            ours = samples_of(PLAIN, system, milliseconds, replications, sampler)
        if system == "mm4":
            bad += _print([with_the_formula(ours, scenario_of(system, milliseconds))])
        for engine in (SIMPY, ECONOMICAL, CIW, CIMBA, CPP):
            try:
                theirs = samples_of(engine, system, milliseconds, replications, sampler)
            except Missing as reason:
                print(f"{system}, {engine.title}: skipped: {reason}", flush=True)
                continue
            bad += _print(with_draws_of_their_own(f"{system}, {engine.title}", ours, theirs))
    return 1 if bad else 0


def _print(found: list[Comparison]) -> int:
    for comparison in found:
        print(comparison, flush=True)
    return sum(not (it.agrees and it.sharp) for it in found)
