"""A described disk into the parameters of the hardware model: a preset with a few changes, or a drive of one's own."""

from dataclasses import replace
from typing import Any

from iosim.drives.geometry import SECTOR, Zone, sector_skew
from iosim.drives.hdd import MINUTE, HddParams
from iosim.drives.seek_curve import Points, seek_points
from iosim.drives.ssd import SsdParams
from iosim.presets import DRIVES
from iosim.scenario.hard_disk import OnboardCache, Sectors, SeekFormula
from iosim.scenario.storage import Disk, HddDisk, NvmeDisk, PresetDisk, SataDisk
from iosim.units import MS, format_time, ps_per_byte


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
        if disk.read_cache is not None or disk.write_cache is not None:
            raise ValueError(f"'{disk.preset}' is not a hard disk; it has no read_cache and no write_cache to switch")
        return _changed(disk.preset, params, changes)
    if changes.keys() & {"condition", "write_buffer"}:
        raise ValueError(f"'{disk.preset}' is not a solid-state disk; it has no condition and no write_buffer")
    return replace(_with_caches(params, disk), **changes)


def _changed(name: str, params: SsdParams, changes: dict[str, Any]) -> SsdParams:
    """A known drive that keeps nothing in a buffer has no garbage collection either."""
    if changes.get("condition") and not params.spare:
        raise ValueError(f"'{name}' has no garbage to collect; it has no condition")
    if changes.get("write_buffer") and not params.write_buffer:
        raise ValueError(f"'{name}' has no write buffer")
    if changes.get("write_buffer") == 0:
        changes = {"spare": 0, **changes}
    return replace(params, **changes)


def _with_caches(params: HddParams, disk: PresetDisk) -> HddParams:
    """Both can be switched off; what the drive does not have can't be switched on."""
    for name, wanted, there in (
        ("read_cache", disk.read_cache, params.segments),
        ("write_cache", disk.write_cache, params.write_segments),
    ):
        if wanted and not there:
            raise ValueError(f"'{disk.preset}' has no {name}")
    if disk.read_cache is False:
        params = replace(params, segments=0, segment_size=0, read_ahead=0)
    if disk.write_cache is False:
        params = replace(params, write_segments=0, write_segment_size=0)
    return params


def _hdd(disk: HddDisk) -> HddParams:
    return HddParams(
        rpm=disk.rpm,
        cylinders=disk.cylinders,
        heads=disk.heads,
        zones=_zones(disk),
        blocks=disk.blocks or 0,
        seek=_seek(disk),
        head_switch=disk.head_switch,
        write_settle=disk.write_settle,
        overhead=disk.overhead,
        overheads=disk.overheads.times(disk.overhead) if disk.overheads else (),
        bus_ps_per_byte=ps_per_byte(disk.bandwidth),
        order=disk.order,
        age_limit=disk.age_limit or 0,
        **_cache(disk.cache),
    )


def _zones(disk: HddDisk) -> tuple[Zone, ...]:
    revolution = MINUTE // disk.rpm
    if disk.sectors_per_track is not None:
        track = disk.sectors_per_track
        return (Zone(0, track, _ns(disk.track_skew, track, revolution), _ns(disk.cylinder_skew, track, revolution)),)
    return tuple(
        Zone(
            zone.first,
            zone.sectors_per_track,
            _ns(zone.track_skew, zone.sectors_per_track, revolution),
            _ns(zone.cylinder_skew, zone.sectors_per_track, revolution),
            -1 if zone.last is None else zone.last,
            zone.spares,
            zone.spare_cylinders,
        )
        for zone in disk.zones
    )


def _ns(skew: int | Sectors | None, track: int, revolution: int) -> int:
    if isinstance(skew, Sectors):
        if skew.count >= track:
            raise ValueError(f"skews: {skew.count} sectors are no less than a track, which has {track}")
        return sector_skew(skew.count, track, revolution)
    if skew is not None and skew >= revolution:
        raise ValueError(
            f"skews: {format_time(skew)} are no less than a revolution, which takes {revolution / MS:.4g} ms"
        )
    return skew or 0


def _seek(disk: HddDisk) -> Points:
    seek = disk.seek
    if isinstance(seek, SeekFormula):
        return seek_points(seek.a, seek.b, seek.c, seek.e, seek.border, disk.cylinders)
    return seek


def _cache(cache: OnboardCache | None) -> dict[str, Any]:
    if cache is None:
        return {}
    segment = cache.segment_size // SECTOR
    ahead = segment if cache.read_ahead is None else cache.read_ahead // SECTOR
    written = (cache.write_segment_size or cache.segment_size) // SECTOR
    return {
        "segments": cache.segments,
        "segment_size": segment if cache.segments else 0,
        "read_ahead": ahead if cache.segments else 0,
        "read_ahead_in_cylinder": cache.read_ahead_stops == "cylinder",
        "read_on_arrival": cache.read_on_arrival,
        "write_segments": cache.write_segments,
        "write_segment_size": written if cache.write_segments else 0,
        "read_hits_on_writes": cache.read_hits_on_writes,
    }


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
