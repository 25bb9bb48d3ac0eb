"""One sample in a process of its own: `python -m benchmarks.sample ENGINE MILLISECONDS REPLICATION CORE` prints JSON.

Only the run is timed, with the model built before; both engines keep what the means are made from. The calibration loop
is timed just before, so that a rate can be read beside the speed of the machine at that moment.
"""

import json
import os
import sys
from collections.abc import Callable
from time import perf_counter

from benchmarks.agreement import BUILDERS, scenario_of
from benchmarks.draws import by_random
from iosim.clock import HeapClock
from iosim.machine import Machine

ENGINES = ("port", "port-waits", "port-simpy", "file", "file-simpy")
LOOPS = 2_000_000


def calibrate() -> float:
    """Rounds a second of a fixed loop of plain Python."""
    began = perf_counter()
    total = 0
    for number in range(LOOPS):
        total += number & 7
    return LOOPS / (perf_counter() - began)


def prepare(engine: str, milliseconds: int, replication: int) -> Callable[[], tuple[int, int]]:
    """Build the model; what is returned runs it, and tells how many requests ended and how many events iosim fired."""
    model, _, variant = engine.partition("-")
    scenario = scenario_of(model, milliseconds)
    if variant == "simpy":
        env, log = BUILDERS[model](scenario, by_random(replication))

        def run_twin() -> tuple[int, int]:
            env.run(until=scenario.model.run.duration)
            return len(log.ended), 0

        return run_twin
    record = ["waits"] if variant else []
    machine = Machine(scenario, HeapClock(), scenario.model.run.seed, replication, {}, record)

    def run_iosim() -> tuple[int, int]:
        raw = machine.run()
        return len(raw.columns["ended"]), raw.events

    return run_iosim


def main(engine: str, milliseconds: int, replication: int, core: int) -> None:
    """Take the sample; a core below 0 pins nothing."""
    if core >= 0:
        os.sched_setaffinity(0, {core})
    run = prepare(engine, milliseconds, replication)
    loops = calibrate()
    began = perf_counter()
    requests, events = run()
    seconds = perf_counter() - began
    print(json.dumps({"requests": requests, "events": events, "seconds": seconds, "loops": loops}))


if __name__ == "__main__":
    main(sys.argv[1], *(int(text) for text in sys.argv[2:5]))
