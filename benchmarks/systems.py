"""The four systems, from their YAML files, and the numbers that a program outside needs to be the same."""

from pathlib import Path

from benchmarks.peers.simpy_file import costs
from iosim.drives.ssd import SsdParams
from iosim.scenario.drive_params import drive_params
from iosim.scenario.load import OpenLoad
from iosim.scenario.loader import Scenario, load
from iosim.scenario.net_load import OpenNetLoad
from iosim.scenario.steps import BlockStep, ComputeStep, ReadStep
from iosim.units import PAGE, S

HERE = Path(__file__).parent
TITLES = {
    "mm4": "(a) M/M/4: one compute step a request, four servers",
    "port": "(b) a port with a limit, a LIFO pool, a blocking call a request",
    "file": "(c) the full file path: compute, read 4 KiB overlapped through NTFS from NVMe, compute",
    "echo": "(d) the echo path: a request over TCP and a card with four queues, compute, the answer",
}


def scenario_of(system: str, milliseconds: int) -> Scenario:
    """`mm4`, `port`, `file` or `echo`, for so much simulated time."""
    return load(HERE / f"{system}.yaml", set={"run.duration": f"{milliseconds} ms"})


def numbers_of(scenario: Scenario) -> dict[str, float]:
    """Times in ns, counts; the names are those that the programs ask for."""
    model = scenario.model
    (source,), (pool,), (port,) = model.workload.values(), model.pools.values(), model.ports.values()
    assert (
        isinstance(source, OpenLoad | OpenNetLoad)
        and isinstance(pool.threads, int)
        and isinstance(port.concurrency, int)
    )
    found = {
        "duration": model.run.duration,
        "gap": float(S / source.rate),
        "limit": port.concurrency,
        "threads": pool.threads,
        "processors": model.machine.processors,
    }
    for name, step in zip(("first", "middle", "last"), model.handlers[source.handler], strict=False):
        if isinstance(step, ComputeStep):
            found[name] = step.compute.time.values[0]
        elif isinstance(step, BlockStep):
            found["block"] = step.block.time.values[0]
        elif isinstance(step, ReadStep):
            found |= _path(scenario, step)
    return found


def _path(scenario: Scenario, step: ReadStep) -> dict[str, float]:
    """The way of one read through the kernel and the drive."""
    model = scenario.model
    machine = model.machine
    (disk,), (file,) = model.disks.values(), model.files.values()
    (size,) = step.read.size.values
    params = drive_params(disk)
    assert isinstance(params, SsdParams) and size <= params.stripe == PAGE
    it = costs(scenario, -(-size // PAGE))
    return {
        "switch": it.switch,
        "quantum": machine.dispatcher.quantum,
        "remove": it.remove,
        "free": it.free,
        "down": it.down,
        "isr": machine.kernel.isr,
        "dpc": machine.kernel.dpc,
        "up": it.up - machine.kernel.isr - machine.kernel.dpc,  # of each command that a DPC completes
        "pages": file.size // PAGE,
        "units": params.units,
        "slots": params.slots,
        "read": params.read,
        "overhead": params.overhead,
        "transfer_ps": size * params.link_ps_per_byte,
    }
