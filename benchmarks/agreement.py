"""Whether a SimPy twin and iosim are the same system: the same waits, with the same draws and with draws of their own.

With the same draws, the very requests are compared; what is left is what the twin leaves out (see its module). With
draws of their own, the mean over replications must agree within a 99 % interval, or to one per cent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import simpy

from benchmarks import simpy_file, simpy_port
from benchmarks.draws import Chance, by_random, by_streams
from benchmarks.simpy_port import Log
from iosim.heap_clock import HeapClock
from iosim.machine import Machine, Raw
from iosim.scenario.loader import Scenario, load
from iosim.statistics import interval

HERE = Path(__file__).parent
BUILDERS: dict[str, Callable[[Scenario, Chance], tuple[simpy.Environment, Log]]] = {
    "port": simpy_port.build,
    "file": simpy_file.build,
}
TOLERANCE = 0.01  # of iosim's mean
DRAIN = 100_000_000  # ns that the twin goes on, so that those who came before the end are served


@dataclass
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
            f"{self.name:<34} iosim {self.iosim:>11,.1f} ns, twin {self.twin:>11,.1f} ns, "
            f"difference {share:+.3%} +- {self.half / self.iosim:.3%}: {verdict}"
        )


def scenario_of(model: str, milliseconds: int) -> Scenario:
    """`port` or `file`, for so much simulated time."""
    return load(HERE / f"{model}.yaml", set={"run.duration": f"{milliseconds} ms"})


def run_iosim(scenario: Scenario, seed: int, replication: int) -> Raw:
    """One replication with nothing recorded but rows and sums."""
    return Machine(scenario, HeapClock(), seed, replication, {}).run()


def run_twin(model: str, scenario: Scenario, chance: Chance) -> Log:
    """One replication of the SimPy model."""
    env, log = BUILDERS[model](scenario, chance)
    env.run(until=scenario.model.run.duration + DRAIN)
    return log


def means(scenario: Scenario, arrived: list[float], began: list[float], ended: list[float]) -> Means:
    """Over the requests that came within the run; the first quarter of it warms up."""
    end = scenario.model.run.duration
    rows = [row for row in zip(arrived, began, ended, strict=True) if end / 4 <= row[0] < end]
    return Means(fmean(b - a for a, b, _ in rows), fmean(e - a for a, _, e in rows))


def means_of_raw(scenario: Scenario, raw: Raw) -> Means:
    """The same from what iosim recorded."""
    columns = raw.columns
    if waited := [figure for name, figure in raw.extremes.items() if name.endswith(".waiting_max") and figure]:
        raise ValueError(f"{max(waited)} requests waited for a command slot, and the twin has none")
    return means(scenario, list(columns["intended"]), list(columns["began"]), list(columns["ended"]))


def means_of_log(scenario: Scenario, log: Log) -> Means:
    """The same from what the twin logged."""
    return means(scenario, log.arrived, log.began, log.ended)


def with_the_same_draws(model: str, scenario: Scenario, twin: Scenario, seed: int = 1) -> list[Comparison]:
    """One replication of each, every request with the same numbers in both; `twin` is what the twin is told to be."""
    ours = means_of_raw(scenario, run_iosim(scenario, seed, 0))
    theirs = means_of_log(twin, run_twin(model, twin, by_streams(seed, 0)))
    return [
        Comparison(f"{model}, same draws: wait", ours.wait, theirs.wait, 0.0),
        Comparison(f"{model}, same draws: latency", ours.latency, theirs.latency, 0.0),
    ]


def with_draws_of_their_own(model: str, scenario: Scenario, replications: int, seed: int = 1) -> list[Comparison]:
    """So many replications of each, nothing in common but the parameters."""
    ours = [means_of_raw(scenario, run_iosim(scenario, seed, number)) for number in range(replications)]
    theirs = [means_of_log(scenario, run_twin(model, scenario, by_random(number))) for number in range(replications)]
    return [
        _compare(f"{model}, {replications} replications: wait", [it.wait for it in ours], [it.wait for it in theirs]),
        _compare(
            f"{model}, {replications} replications: latency",
            [it.latency for it in ours],
            [it.latency for it in theirs],
        ),
    ]


def _compare(name: str, ours: list[float], theirs: list[float]) -> Comparison:
    found = interval([a - b for a, b in zip(ours, theirs, strict=True)], 0.99)
    return Comparison(name, fmean(ours), fmean(theirs), found.half_width)
