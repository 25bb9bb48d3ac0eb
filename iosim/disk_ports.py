"""The port driver over a described disk: set up as its scenario says, with the faults that strike it.

Nothing is decided here: every number comes from the scenario, whose schema has its source.
"""

from collections.abc import Sequence

from iosim.cache import Caches
from iosim.devices.polling_port import PollingPort
from iosim.devices.port_driver import PortCosts, PortDriver
from iosim.devices.recovery import RecoveringPort, RecoveryTimes
from iosim.drives.drive import Drive
from iosim.drives.faults import MEDIA_ERROR, NO_ANSWER, READS, WRITES, BadRange, Fault, Faults, RandomFault
from iosim.io_manager import IoManager
from iosim.scenario.faults import CardFault, DiskFault, MediaError, NoAnswer, Removal
from iosim.scenario.schema import ScenarioModel
from iosim.scenario.steps import ReadStep, WriteStep
from iosim.streams import Streams, table

CONCERNS = {"reads": READS, "writes": WRITES, "both": READS | WRITES}


class DiskPorts:
    """Makes the port drivers of one machine."""

    def __init__(self, model: ScenarioModel, io: IoManager, caches: Caches, streams: Streams) -> None:
        self.model = model
        self.io = io
        self.caches = caches
        self.streams = streams
        self.background = has_background(model)

    def make(
        self,
        name: str,
        drive: Drive,
        number: int,
        depth: int,
        interrupted: Sequence[int],
        costs: PortCosts,
        *,
        sata: bool,
    ) -> PortDriver:
        """The port driver of the disk with this name; `sata`: one vector, and commands that do not queue drain it."""
        disk = self.model.disks[name]
        faults = {
            fault: it for fault, it in self.model.faults.items() if not isinstance(it, CardFault) and it.disk == name
        }
        vectors = list(interrupted)[: 1 if sata else disk.queue_pairs]
        arguments = (self.io, self.caches, drive, number, depth, vectors, costs)
        if disk.completion == "polling":
            port: PortDriver = PollingPort(*arguments)
        elif faults:
            it = disk.recovery
            port = RecoveringPort(*arguments, RecoveryTimes(it.timeout, it.reset, it.error_log, it.retries))
            self._strike(name, port, faults)
        else:
            port = PortDriver(*arguments)
        port.drains = sata
        if disk.pair_depth is not None:
            port.pair_up(disk.pair_depth)
        if disk.coalescing is not None:
            port.coalesce(disk.coalescing.count, disk.coalescing.time)
        if disk.redirect:
            port.redirect()
        if self.background:
            port.hold_background(disk.background.idle_time, disk.background.starvation)
        return port

    def _strike(self, disk: str, port: RecoveringPort, faults: dict[str, DiskFault]) -> None:
        striking: list[Fault] = []
        for name, fault in faults.items():
            if isinstance(fault, Removal):
                port.removed_at(fault.at)
            else:
                striking.append(self._fault(f"disks.{disk}.faults.{name}", fault))
        if striking:
            port.drive.faults = Faults(striking)
            port.drive.faulty = True

    def _fault(self, stream: str, fault: MediaError | NoAnswer) -> Fault:
        failed = MEDIA_ERROR if isinstance(fault, MediaError) else NO_ANSWER
        concerns = CONCERNS[fault.commands]
        if fault.rate is not None:
            chance = self.streams.open(stream, table([1, 0], [float(fault.rate), 1.0]))
            return RandomFault(failed, concerns, chance)
        start, size = fault.offset or 0, fault.size or 0
        healed = isinstance(fault, MediaError) and fault.healed_by_rewrite
        return BadRange(failed, concerns, start, start + size, healed)


def has_background(model: ScenarioModel) -> bool:
    """Whether any transfer of any handler has background priority."""
    for steps in model.handlers.values():
        for step in steps:
            if isinstance(step, ReadStep) and step.read.priority == "background":
                return True
            if isinstance(step, WriteStep) and step.write.priority == "background":
                return True
    return False
