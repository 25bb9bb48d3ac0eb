"""The parameters of a known drive as people read them: each with its unit, long lists line by line."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from iosim.drives.geometry import SECTOR
from iosim.drives.hdd import HddParams
from iosim.drives.ssd import SsdParams
from iosim.units import format_size, format_time

_TIMES = frozenset(("head_switch", "write_settle", "overhead", "read", "program", "serial", "erase"))
_SIZES = frozenset(("capacity", "stripe", "write_buffer"))
_UNSET = {
    "write_ps_per_byte": ("write speed", "as the link"),
    "write_overhead": ("write_overhead", "as 'overhead'"),
    "age_limit": ("age_limit", "none"),
    "channels": ("channels", "no limit"),
    "channel_ps_per_byte": ("channel speed", "no limit"),
    "blocks": ("blocks", "all"),
}  # what a 0 says
_IN_SECTORS = frozenset(("segment_size", "read_ahead", "write_segment_size"))
_KINDS = tuple(
    f"{what} after {before}"
    for what in ("read hit", "read miss", "write hit", "write miss")
    for before in ("read", "write")
)
_PER_LINE = 4  # seek points


def in_words(params: HddParams | SsdParams) -> Iterator[tuple[str, list[str]]]:
    """Every parameter by name: one text, or several where it is a list."""
    for name, value in asdict(params).items():
        if name == "zones":
            yield name, [_zone(zone) for zone in value]
        elif name == "seek":
            points = [f"{distance}: {format_time(time)}" for distance, time in value]
            yield "seek", [", ".join(points[at : at + _PER_LINE]) for at in range(0, len(points), _PER_LINE)]
        elif name == "overheads":
            yield name, [f"{kind} {format_time(time)}" for kind, time in zip(_KINDS, value, strict=False)]
        elif name == "slow_reads":
            yield (
                name,
                [f"{millionths / 10_000:g} % of page reads {format_time(time)} later" for millionths, time in value],
            )
        else:
            yield _plain(name, value)


def _zone(zone: dict[str, Any]) -> str:
    last = f"to {zone['last']}" if zone["last"] >= 0 else "on"
    text = f"cylinders {zone['first']} {last}: {zone['sectors']} sectors a track, skews of"
    text += f" {_us(zone['track_skew'])} a track and {_us(zone['cylinder_skew'])} a cylinder"
    if not zone["spares"]:
        return text
    every = f" every {zone['spare_cylinders']} cylinders" if zone["spare_cylinders"] else ""
    return f"{text}, {zone['spares']} spare sectors{every}"


def _us(time: int) -> str:
    return f"{time / 1000:.0f} us"


def _plain(name: str, value: Any) -> tuple[str, list[str]]:
    if not value and name in _UNSET:
        return _UNSET[name][0], [_UNSET[name][1]]
    if name.endswith("_ps_per_byte"):
        speed = f"{1_000_000 / value:.4g} MB/s" if value else "no limit"
        return f"{name.removesuffix('_ps_per_byte')} speed", [speed]
    if name in _TIMES or name in ("age_limit", "write_overhead"):
        return name, [format_time(value)]
    if name in _SIZES:
        return name, [format_size(value)]
    if name in _IN_SECTORS:
        return name, [format_size(value * SECTOR)]
    if name == "spare":
        return name, [f"{value / 10:g} % of the capacity"]
    return name, [str(value).lower() if isinstance(value, bool) else str(value)]
