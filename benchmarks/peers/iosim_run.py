"""iosim itself, laws on and one row a request; `record=waits` adds a row a wait.

Only the run is timed, with the machine built before: it ends with the check of all laws and the rows as columns. Compiled or
plain is decided by how iosim is installed and by IOSIM_PURE; the clock is the fastest that there is.
"""

from benchmarks.peers.answer import answer, means, pin, timed, words
from benchmarks.systems import scenario_of
from iosim.clock import make_clock
from iosim.compiled import MODE
from iosim.machine import Machine
from iosim.records import Raw
from iosim.scenario.loader import Scenario
from iosim.version import VERSION


def machine_of(scenario: Scenario, replication: int, record: tuple[str, ...] = ()) -> Machine:
    """Built and ready to run."""
    return Machine(scenario, make_clock(), scenario.model.run.seed, replication, {}, record)


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
    answer(len(rows[0]), loops, seconds, wait, latency, VERSION, raws[0].events, MODE.compiled)


if __name__ == "__main__":
    main()
