"""What every program is told and what it answers. Standard library alone: programs in any environment import it.

Told: `name=value` words, whole numbers (ns, counts). `core` below 0 pins nothing. Answered: one line of JSON.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

LOOPS = 2_000_000


def words() -> dict[str, str]:
    """What the command line says."""
    return dict(word.split("=", 1) for word in sys.argv[1:])


def numbers() -> dict[str, float]:
    """The same where all of it is numbers."""
    return {name: float(text) for name, text in words().items()}


def pin(core: int) -> None:
    """To one core, where the system can."""
    if core >= 0 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def calibrate() -> float:
    """Rounds a second of a fixed loop of plain Python."""
    began = perf_counter()
    total = 0
    for number in range(LOOPS):
        total += number & 7
    return LOOPS / (perf_counter() - began)


def timed(run: Callable[[], None]) -> tuple[float, float]:
    """Calibration rounds a second just before, and the seconds that the run takes."""
    loops = calibrate()
    began = perf_counter()
    run()
    return loops, perf_counter() - began


def means(
    duration: int, arrived: Sequence[float], began: Sequence[float], ended: Sequence[float]
) -> tuple[float, float, int]:
    """Mean wait and mean time in the system of the requests that came in the measured part of the run, and their number.

    The first quarter warms up; those of the last tenth might not have ended.
    """
    wait = latency = 0.0
    count = 0
    first, last = duration / 4, duration * 0.9
    for a, b, e in zip(arrived, began, ended, strict=True):
        if first <= a < last:
            wait += b - a
            latency += e - a
            count += 1
    return wait / count, latency / count, count


def answer(
    requests: int,
    loops: float,
    seconds: float,
    wait: float,
    latency: float,
    version: str = "",
    events: int = 0,
    compiled: bool = False,
) -> None:
    """Print it: requests ended, the two of `timed`, means (ns), the engine's version, events of iosim's clock."""
    print(json.dumps(locals()))
