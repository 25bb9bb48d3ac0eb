"""A described disk into the parameters of the hardware model: a preset with a few changes, or a drive of one's own."""

from dataclasses import replace
from typing import Any

from iosim.drives.hdd import HddParams
from iosim.drives.nvme import NvmeParams
from iosim.presets import DRIVES
from iosim.scenario.storage import Disk, HddDisk, NvmeDisk, PresetDisk
from iosim.units import ps_per_byte


def drive_params(disk: Disk) -> HddParams | NvmeParams:
    """The hardware's parameters; ValueError where there is no such drive or it can't have these settings."""
    if isinstance(disk, PresetDisk):
        return _from_preset(disk)
    params = _hdd(disk) if isinstance(disk, HddDisk) else _nvme(disk)
    return replace(params, slots=disk.queue_depth or params.slots)


def _from_preset(disk: PresetDisk) -> HddParams | NvmeParams:
    if disk.preset not in DRIVES:
        raise ValueError(f"no preset '{disk.preset}'")
    params = DRIVES[disk.preset].params
    wanted = {"slots": disk.queue_depth, "order": disk.order, "age_limit": disk.age_limit}
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    if isinstance(params, NvmeParams) and changes.keys() - {"slots"}:
        raise ValueError(f"'{disk.preset}' is not a hard disk; it has no order and no age_limit")
    return replace(params, **changes)


def _hdd(disk: HddDisk) -> HddParams:
    return HddParams(
        rpm=disk.rpm,
        cylinders=disk.cylinders,
        heads=disk.heads,
        zones=((0, disk.sectors_per_track),),
        seek=disk.seek,
        head_switch=disk.head_switch,
        track_skew=disk.track_skew,
        cylinder_skew=disk.cylinder_skew,
        overhead=disk.overhead,
        bus_ps_per_byte=ps_per_byte(disk.bandwidth),
        order=disk.order,
        age_limit=disk.age_limit or 0,
    )


def _nvme(disk: NvmeDisk) -> NvmeParams:
    return NvmeParams(
        capacity=disk.capacity,
        units=disk.units,
        stripe=disk.stripe,
        read=disk.read,
        program=disk.program,
        overhead=disk.overhead,
        link_ps_per_byte=ps_per_byte(disk.bandwidth),
    )
