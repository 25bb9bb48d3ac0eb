"""Where the time goes: the share of each module and function of iosim, and how often each is called.

Shares come from a timer that looks every few milliseconds which function is running (signals; not on Windows). Calls
come from cProfile in a second run, whose own times are not used: it makes short functions look long.
"""

import cProfile
import pstats
import signal
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

from benchmarks.install import CHECKOUT
from benchmarks.peers.iosim_run import machine_of
from benchmarks.systems import scenario_of

MILLISECONDS = {
    "mm4": (16000, 1000),
    "port": (8000, 500),
    "file": (4000, 250),
    "echo": (2000, 100),
}  # simulated, for shares and for calls
SHOWN = 25

Place = tuple[str, int, str]  # file, first line, function: pstats' own key


class Watch:
    """Counts the functions that are found running."""

    def __init__(self) -> None:
        self.found: Counter[CodeType] = Counter()

    def look(self, _signal: int, frame: FrameType | None) -> None:
        """The timer went off."""
        if frame is not None:
            self.found[frame.f_code] += 1

    def shares(self) -> dict[Place, float]:
        """By function."""
        total = sum(self.found.values())
        shares: Counter[Place] = Counter()
        for code, count in self.found.items():
            shares[code.co_filename, code.co_firstlineno, code.co_name] += count
        return {place: count / total for place, count in shares.items()}


def sampled(engine: str) -> dict[Place, float]:
    """Share of processor time by function."""
    machine = machine_of(scenario_of(engine, MILLISECONDS[engine][0]), 0)
    watch = Watch()
    before = signal.signal(signal.SIGPROF, watch.look)
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    machine.run()
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)
    return watch.shares()


def counted(engine: str) -> tuple[dict[Place, float], float]:
    """Calls a request by function, built-in ones too, and clock events a request."""
    machine = machine_of(scenario_of(engine, MILLISECONDS[engine][1]), 0)
    profile = cProfile.Profile()
    profile.enable()
    events = machine.run().events
    profile.disable()
    requests = machine.columns.count
    statistics = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return {place: figures[1] / requests for place, figures in statistics.items()}, events / requests


def report(engine: str) -> None:
    """Print both."""
    shares = sampled(engine) if hasattr(signal, "setitimer") else {}
    calls, events = counted(engine)
    print(f"{engine}: {events:.2f} clock events and {sum(calls.values()):.0f} calls a request\n")
    print("share   calls a request   module")
    by_file: Counter[str] = Counter()
    calls_by_file: Counter[str] = Counter()
    for place in {*shares, *calls}:
        by_file[shown(place)] += shares.get(place, 0.0)  # type: ignore[assignment]
        calls_by_file[shown(place)] += calls.get(place, 0.0)  # type: ignore[assignment]
    for name in sorted(by_file, key=lambda name: -by_file[name]):
        if by_file[name] >= 0.002 or calls_by_file[name] >= 0.5:
            print(f"{by_file[name]:>5.1%} {calls_by_file[name]:>17.1f}   {name}")
    print("\nshare   calls a request   function")
    for place in sorted(shares or calls, key=lambda place: (-shares.get(place, 0.0), -calls.get(place, 0.0)))[:SHOWN]:
        print(f"{shares.get(place, 0.0):>5.1%} {calls.get(place, 0.0):>17.2f}   {shown(place)}: {place[2]}")


def shown(place: Place) -> str:
    """The file as a reader knows it."""
    path = Path(place[0])
    return str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else path.name
