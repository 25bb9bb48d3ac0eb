"""The storage of a described machine: disks under their port drivers, volumes on them, NTFS on top, files in it.

Nothing is decided here: every number comes from the scenario, whose schema has its source.
"""

from collections.abc import Callable, Sequence

from iosim.actor import Clock
from iosim.cache import Caches
from iosim.cache_manager import CacheManager
from iosim.completion import SKIP_PORT_ON_SUCCESS
from iosim.completion_port import CompletionPort
from iosim.device_stack import DeviceObject, FileObject
from iosim.devices.port_driver import PortCosts, PortDriver
from iosim.disk_ports import DiskPorts
from iosim.drives.block_map import BlockMap
from iosim.drives.buffered_hdd import hard_disk
from iosim.drives.drive import Drive
from iosim.drives.hdd import HddParams
from iosim.drives.ssd import CERTAIN, Ssd, SsdParams
from iosim.file_systems import FileSystems
from iosim.filters import Filters
from iosim.io_manager import IoManager
from iosim.scenario.drive_params import drive_params
from iosim.scenario.schema import ScenarioModel
from iosim.scenario.storage import Attached
from iosim.streams import Streams, whole
from iosim.volumes import Volumes


class Storage:
    """All device stacks of a machine, and what opening a file of a scenario finds there.

    `resource` numbers a place where requests queue, by its name; `streams` is for what drives draw.
    """

    def __init__(
        self,
        model: ScenarioModel,
        io: IoManager,
        caches: Caches,
        file_systems: FileSystems,
        filters: Filters,
        resource: Callable[[str], int],
        streams: Streams,
    ) -> None:
        self.model = model
        self.clock: Clock = io.clock
        self.io = io
        self.caches = caches
        self.resource = resource
        self.streams = streams
        self.ports = DiskPorts(model, io, caches, streams)
        self.disks: dict[str, PortDriver] = {}
        self.file_systems = file_systems
        self.block_maps: dict[str, BlockMap] = {}  # of solid-state disks that collect garbage
        self.filters = filters
        self.volumes = Volumes(model, io)
        self.file_caches: dict[str, CacheManager] = {}
        self.extents: dict[str, tuple[int, DeviceObject, int, int, bool]] = {}  # what opening a file finds
        bottoms = {name: self._disk(name) for name in model.disks}
        self._place_files(self._volumes(bottoms))

    def open(self, name: str, port: CompletionPort) -> FileObject:
        """A file object of its own for every port: an association belongs to the file object (semantics 1.2.5)."""
        file = FileObject(*self.extents[name])
        self.file_systems.opened(file, name)
        self.io.associate(file, port, 0)
        if self.model.files[name].skip_on_success:
            self.io.set_notification_modes(file, SKIP_PORT_ON_SUCCESS)
        return file

    def _volumes(self, bottoms: dict[str, DeviceObject]) -> dict[str, DeviceObject]:
        """The tops of the volumes' stacks."""
        tops: dict[str, DeviceObject] = {}
        for name in self.model.volumes:
            manager = self.volumes.manager(name, bottoms)
            tops[name] = self.file_systems.mount(name, self.filters.attach(name, "volume", manager), manager.size)
        return tops

    def _place_files(self, tops: dict[str, DeviceObject]) -> None:
        """One after the other on their volume."""
        ends = dict.fromkeys(tops, 0)
        for number, (name, file) in enumerate(self.model.files.items()):
            cached = file.access == "cached"
            self.extents[name] = (number, tops[file.volume], ends[file.volume], file.size, cached)
            self.file_caches[name] = self.file_systems.caches[file.volume]
            ends[file.volume] += file.size

    def _disk(self, name: str) -> DeviceObject:
        """The disk's stack up to the class driver."""
        kernel = self.model.machine.kernel
        disk = self.model.disks[name]
        params = drive_params(disk)
        drive: Drive = hard_disk(self.clock, params) if isinstance(params, HddParams) else self._ssd(name, params)
        stack = self.model.machine.stack
        times = (stack.port_start, stack.port_up, kernel.isr, kernel.dpc, kernel.page_lock)
        costs = PortCosts(*times, kernel.dpc_footprint)
        number = self.resource(f"disks.{name}")
        sata = isinstance(params, HddParams) or params.interface == "sata"
        port = self.ports.make(name, drive, number, params.slots, self._interrupted(disk), costs, sata=sata)
        self.disks[name] = port
        bottom = DeviceObject(port, None, 0, drive.capacity)
        return self.volumes.class_device(name, disk, bottom)

    def _ssd(self, name: str, params: SsdParams) -> Ssd:
        drive = Ssd(self.clock, params)
        if params.slow_reads:
            drive.chance = self.streams.open(f"disks.{name}.slow_reads", whole(CERTAIN))
        if params.spare:
            self.block_maps[name] = drive.buffer.maps[0]
        return drive

    def _interrupted(self, disk: Attached) -> Sequence[int]:
        """The processors that the disk's interrupts may go to."""
        dispatcher = self.io.dispatcher
        if disk.interrupt_processor is not None:
            return [disk.interrupt_processor]
        if disk.interrupt_policy == "specified":
            return disk.interrupt_processors
        if disk.interrupt_policy in (None, "spread"):
            return range(len(dispatcher.processors))
        per_node = dispatcher.per_node
        close = range(disk.numa_node * per_node, (disk.numa_node + 1) * per_node)
        return close if disk.interrupt_policy == "all_close" else close[:1]
