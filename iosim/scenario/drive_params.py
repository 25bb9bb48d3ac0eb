"""A described disk into the parameters of the hardware model: a preset with a few changes, or a drive of one's own."""

from dataclasses import replace
from typing import Any

from iosim.drives.hdd import HddParams
from iosim.drives.ssd import SsdParams
from iosim.presets import DRIVES
from iosim.scenario.storage import Disk, HddDisk, NvmeDisk, PresetDisk, SataDisk
from iosim.units import ps_per_byte


def drive_params(disk: Disk) -> HddParams | SsdParams:
    """The hardware's parameters; ValueError where there is no such drive or it can't have these settings."""
    if isinstance(disk, PresetDisk):
        return _from_preset(disk)
    params = _hdd(disk) if isinstance(disk, HddDisk) else _ssd(disk)
    return replace(params, slots=disk.queue_depth or params.slots)


def _from_preset(disk: PresetDisk) -> HddParams | SsdParams:
    if disk.preset not in DRIVES:
        raise ValueError(f"no preset '{disk.preset}'")
    params = DRIVES[disk.preset].params
    wanted = {
        "slots": disk.queue_depth,
        "order": disk.order,
        "age_limit": disk.age_limit,
        "condition": disk.condition,
        "write_buffer": disk.write_buffer,
    }
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    if isinstance(params, SsdParams):
        if changes.keys() & {"order", "age_limit"}:
            raise ValueError(f"'{disk.preset}' is not a hard disk; it has no order and no age_limit")
        return _changed(disk.preset, params, changes)
    if changes.keys() & {"condition", "write_buffer"}:
        raise ValueError(f"'{disk.preset}' is not a solid-state disk; it has no condition and no write_buffer")
    return replace(params, **changes)


def _changed(name: str, params: SsdParams, changes: dict[str, Any]) -> SsdParams:
    """A known drive that keeps nothing in a buffer has no garbage collection either."""
    if changes.get("condition") and not params.spare:
        raise ValueError(f"'{name}' has no garbage to collect; it has no condition")
    if changes.get("write_buffer") and not params.write_buffer:
        raise ValueError(f"'{name}' has no write buffer")
    if changes.get("write_buffer") == 0:
        changes = {"spare": 0, **changes}
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


def _ssd(disk: NvmeDisk | SataDisk) -> SsdParams:
    sata = isinstance(disk, SataDisk)
    return SsdParams(
        capacity=disk.capacity,
        units=disk.units,
        stripe=disk.stripe,
        read=disk.read,
        program=disk.program,
        overhead=disk.overhead,
        link_ps_per_byte=ps_per_byte(disk.bandwidth),
        slots=32 if sata else 1024,
        interface="sata" if sata else "nvme",
        serial=disk.serial,
        write_ps_per_byte=ps_per_byte(disk.write_bandwidth) if disk.write_bandwidth else 0,
        duplex=isinstance(disk, NvmeDisk) and disk.duplex,
        channels=disk.channels or 0,
        channel_ps_per_byte=ps_per_byte(disk.channel_bandwidth),
        placement=disk.placement,
        write_buffer=disk.write_buffer,
        write_overhead=disk.write_overhead or 0,
        protected=disk.power_loss_protection,
        spare=round(1000 * disk.over_provisioning),
        condition=disk.condition,
        erase=disk.erase,
        block_pages=disk.pages_per_block,
        slow_reads=tuple((round(1_000_000 * share), time) for share, time in disk.slow_reads or ()),
    )
