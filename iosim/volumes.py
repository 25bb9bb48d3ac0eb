"""The volume managers and class drivers of a described machine: which disk a volume's bytes lie on, and what is split.

Nothing is decided here: every number comes from the scenario, whose schema has its source.
"""

from array import array
from itertools import accumulate

from iosim.device_stack import DeviceObject
from iosim.devices.class_driver import ClassDriver
from iosim.devices.joined_volumes import (
    NEAREST,
    REGION,
    TURNS,
    JoinedVolume,
    MirroredVolume,
    SpannedVolume,
    StripedVolume,
)
from iosim.devices.volume import PassThrough
from iosim.io_manager import IoManager
from iosim.scenario.schema import ScenarioModel
from iosim.scenario.storage import Attached
from iosim.scenario.volumes import capacity, shares
from iosim.split import Leg, Splitter
from iosim.units import PAGE

READS = {"turns": TURNS, "nearest": NEAREST, "region": REGION}


class Volumes:
    """Makes the devices of class drivers and volume managers; `slack` is ns by request class (split.py)."""

    def __init__(self, model: ScenarioModel, io: IoManager) -> None:
        self.model = model
        self.io = io
        self.slack = array("q", bytes(8 * len(model.workload)))
        self.joined: dict[str, JoinedVolume] = {}
        self.class_drivers: dict[str, ClassDriver] = {}
        self.used: dict[str, int] = {}

    @property
    def splitters(self) -> dict[str, Splitter]:
        """Whoever divides requests, by its name in the records."""
        volumes = {f"volumes.{name}": driver for name, driver in self.joined.items()}
        return {**volumes, **{f"disks.{name}": driver for name, driver in self.class_drivers.items()}}

    def class_device(self, name: str, disk: Attached, below: DeviceObject) -> DeviceObject:
        """The class driver's device over the port driver's."""
        stack = self.model.machine.stack
        costs = stack.disk_down, stack.disk_up
        limits = [disk.max_transfer, disk.scatter_gather_pages and disk.scatter_gather_pages * PAGE]
        known = [limit for limit in limits if limit]
        if not known:
            return DeviceObject(PassThrough(self.io, *costs), below, 0, below.size)
        driver = ClassDriver(self.io, *costs, self.slack, below, min(known))
        self.class_drivers[name] = driver
        return DeviceObject(driver, below, 0, below.size)

    def manager(self, name: str, bottoms: dict[str, DeviceObject]) -> DeviceObject:
        """The volume manager's device: the next free stretch of each of its disks."""
        volume = self.model.volumes[name]
        stack = self.model.machine.stack
        costs = stack.volume_down, stack.volume_up
        bases = [self.used.get(disk, 0) for disk in volume.on]
        devices = [bottoms[disk] for disk in volume.on]
        left = [device.size - base for device, base in zip(devices, bases, strict=True)]
        taken = shares(volume, volume.size, left)
        for disk, base, size in zip(volume.on, bases, taken, strict=True):
            self.used[disk] = base + size
        size = capacity(volume, volume.size, taken)
        if volume.layout == "simple":
            return DeviceObject(PassThrough(self.io, *costs), devices[0], bases[0], size)
        legs = [Leg(device, base) for device, base in zip(devices, bases, strict=True)]
        driver: JoinedVolume
        if volume.layout == "stripe":
            driver = StripedVolume(self.io, *costs, self.slack, legs, volume.stripe_unit)
        elif volume.layout == "mirror":
            driver = MirroredVolume(self.io, *costs, self.slack, legs, READS[volume.mirror_reads], size)
        else:
            driver = SpannedVolume(self.io, *costs, self.slack, legs, array("q", accumulate(taken)))
        self.joined[name] = driver
        return DeviceObject(driver, devices[0], 0, size)
