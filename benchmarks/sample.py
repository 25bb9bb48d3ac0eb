"""One sample in a process of its own: `python -m benchmarks.sample ENGINE MILLISECONDS REPLICATION CORE` prints JSON.

Only the run is timed, with the model built before. With recorders off iosim counts requests and keeps no row of them; with
wait records on it keeps the rows too; the twin keeps three numbers a request. The calibration loop
is timed just before, so that a rate can be read beside the speed of the machine at that moment.
"""

import json
import os
import sys
from collections.abc import Callable
from time import perf_counter

from benchmarks.agreement import BUILDERS, scenario_of
from benchmarks.draws import by_random
from iosim.attribution import Request
from iosim.errors import LawBroken
from iosim.heap_clock import HeapClock
from iosim.machine import Machine
from iosim.recorders import RequestColumns, unexplained

ENGINES = ("port", "port-waits", "port-simpy", "file", "file-simpy")
LOOPS = 2_000_000


class NoRows(RequestColumns):
    """Recorders off: requests are counted, no row is kept; the law that all their time is explained is still held."""

    def add(self, request: Request, now: int) -> None:
        """Count it."""
        if request.mark != now:
            raise LawBroken(unexplained(request, now))
        self.count += 1


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
    if not variant:
        machine.columns = machine.window.columns = NoRows(False)

    def run_iosim() -> tuple[int, int]:
        raw = machine.run()
        return machine.columns.count, raw.events

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
