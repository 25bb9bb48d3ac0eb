"""Pairs of samples A/B in turn, each a fresh process on one core, and what their ratios say."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).parent.parent
SHORTEST = 1.0  # seconds of a sample
AIM = 1.4


@dataclass(frozen=True)
class Target:
    """iosim in one setting (A) beside the twin (B), and the ratio that is asked for."""

    title: str
    ours: str
    theirs: str
    ratio: float
    judged: bool


TARGETS = (
    Target("port only, recorders off", "port", "port-simpy", 2.5, True),
    Target("port only, laws and wait records", "port-waits", "port-simpy", 1.5, False),
    Target("full file path, recorders off", "file", "file-simpy", 2.5, True),
)


@dataclass(frozen=True)
class Sample:
    """What one process measured."""

    requests: int
    events: int
    seconds: float
    loops: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Sampler:
    """Takes samples, each long enough; what it learns about an engine's speed serves the next one."""

    def __init__(self, core: int) -> None:
        self.core = core
        self.milliseconds: dict[str, int] = {}

    def take(self, engine: str, replication: int) -> Sample:
        """A sample of a second at least."""
        asked = self.milliseconds.get(engine, 100)
        while True:
            sample = self._run(engine, asked, replication)
            if sample.seconds >= SHORTEST:
                self.milliseconds[engine] = asked
                return sample
            asked = int(asked * max(1.2, AIM / sample.seconds)) + 1

    def _run(self, engine: str, milliseconds: int, replication: int) -> Sample:
        arguments = [engine, str(milliseconds), str(replication), str(self.core)]
        command = [sys.executable, "-m", "benchmarks.sample", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True)
        return Sample(**json.loads(done.stdout))


@dataclass(frozen=True)
class Outcome:
    """The pairs of one target: samples of A, samples of B."""

    target: Target
    pairs: list[tuple[Sample, Sample]]

    @property
    def ratios(self) -> list[float]:
        """A's rate over B's, pair by pair, rising."""
        return sorted(ours.rate / theirs.rate for ours, theirs in self.pairs)

    @property
    def judged_by(self) -> float:
        """The ratio of rank `rank_of`: the true median lies above it, with 97.5 % confidence."""
        return self.ratios[rank_of(len(self.pairs)) - 1]

    @property
    def met(self) -> bool:
        """Whether even that one reaches the target."""
        return self.judged_by >= self.target.ratio

    def lines(self) -> Iterator[str]:
        """The report."""
        ours, theirs = ([pair[side] for pair in self.pairs] for side in (0, 1))
        goal = "target" if self.target.judged else "aim"
        verdict = ("met" if self.met else "MISSED") if self.target.judged else "reached" if self.met else "not reached"
        rank = rank_of(len(self.pairs))
        yield self.target.title
        yield f"  ratio       median {median(self.ratios):.2f}, number {rank} from below {self.judged_by:.2f}"
        yield f"  {goal:<11} {self.target.ratio}: {verdict}"
        yield f"  ratios      {' '.join(f'{ratio:.2f}' for ratio in self.ratios)}"
        for name, samples in (("iosim", ours), ("SimPy", theirs)):
            rate = median(sample.rate for sample in samples)
            loops = median(sample.loops for sample in samples)
            yield (
                f"  {name}       {rate:>9,.0f} requests/s (median; {min(it.rate for it in samples):,.0f} to "
                f"{max(it.rate for it in samples):,.0f}), {loops / rate:,.0f} calibration rounds a request"
            )
        yield f"  calibration {median(sample.loops for pair in self.pairs for sample in pair):>9,.0f} rounds/s"
        events = sum(sample.events for sample in ours) / sum(sample.requests for sample in ours)
        yield f"  events      {events:.2f} of iosim's clock a request"


def rank_of(pairs: int) -> int:
    """Rank of the ratio that judges: the highest that lies above the true median by chance in 2.5 % at most.

    The 4th of 15. With fewer than 6 pairs there is none, and the smallest stands in.
    """
    tail, rank = 0.0, 0
    while (tail := tail + comb(pairs, rank) / 2**pairs) <= 0.025:
        rank += 1
    return max(rank, 1)


def a_core() -> int:
    """The core to pin to, the last of those this process may use; -1 where processes can't be pinned."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else -1


def compare(target: Target, pairs: int, sampler: Sampler) -> Outcome:
    """A and B in turn; the first of each only finds out how long a sample must be."""
    for engine in (target.ours, target.theirs):
        sampler.take(engine, pairs)
    return Outcome(
        target, [(sampler.take(target.ours, pair), sampler.take(target.theirs, pair)) for pair in range(pairs)]
    )
