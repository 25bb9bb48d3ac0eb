"""iosim itself, laws on and one row a request; `record=waits` adds a row a wait.

Only the run is timed, with the machine built before: it ends with the check of all laws and the rows as columns. Compiled or
plain is decided by how iosim is installed and by IOSIM_PURE; the clock is the fastest that there is.
"""

from collections.abc import Callable

from benchmarks.peers.answer import answer, means, pin, timed, words
from benchmarks.systems import scenario_of
from iosim import clock, kernel_queue
from iosim.actor import Clock
from iosim.machine import Machine, Raw
from iosim.scenario.loader import Scenario
from iosim.version import VERSION


def fastest_clock() -> Clock:
    """A new one of the fastest kind."""
    kinds: dict[str, Callable[[], Clock]] = {**clock.CLOCKS}
    return kinds.get("fast", kinds["heap"])()


def compiled() -> bool:
    """Whether the mechanisms are compiled (they all are, or none is)."""
    return not str(kernel_queue.__file__).endswith(".py")


def machine_of(scenario: Scenario, replication: int, record: tuple[str, ...] = ()) -> Machine:
    """Built and ready to run."""
    return Machine(scenario, fastest_clock(), scenario.model.run.seed, replication, {}, record)


def main() -> None:
    """Time one run."""
    given = words()
    pin(int(given["core"]))
    scenario = scenario_of(given["system"], int(given["milliseconds"]))
    machine = machine_of(scenario, int(given["seed"]), tuple(given.get("record", "").split()))
    raws: list[Raw] = []
    loops, seconds = timed(lambda: raws.append(machine.run()))
    columns = raws[0].columns
    rows = columns["intended"], columns["began"], columns["ended"]
    wait, latency, _ = means(scenario.model.run.duration, *rows)
    answer(len(rows[0]), loops, seconds, wait, latency, VERSION, raws[0].events, compiled())


if __name__ == "__main__":
    main()
