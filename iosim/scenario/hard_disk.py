"""What a scenario says of a hard disk's inside: zones, skews, seek curve, on-board cache, overheads by kind."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import model_validator

from iosim import units
from iosim.errors import Mistake
from iosim.scenario.nodes import Node
from iosim.scenario.overrides import find
from iosim.scenario.quantities import Count, Flag, Index, PositiveSize, Size, Time
from iosim.scenario.reading import Json, Read, Section, at, key, mistake_at, whole, whole_list
from iosim.scenario.sources import bundled_directory

SECTOR = 512

Points: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Sectors:
    """A skew that is given in sectors of its track."""

    count: int


def _skew(value: Any) -> int | Sectors:
    if isinstance(value, str) and (sectors := re.fullmatch(r"\s*(\d{1,9})\s*sectors?\s*", value)):
        return Sectors(int(sectors[1]))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        count = whole(value)
        if count < 0:
            raise ValueError(f"{count} sectors; 0 or more are needed")
        return Sectors(count)
    try:
        return units.parse_time(value)
    except ValueError as error:
        raise ValueError(f"{error}; a skew may also be sectors, like '97 sectors'") from None


def _show_skew(value: int | Sectors) -> str:
    return f"{value.count} sectors" if isinstance(value, Sectors) else units.format_time(value)


Skew: TypeAlias = Annotated[
    int | Sectors, Read(_skew, _show_skew, {"type": ["integer", "string"], "examples": ["97 sectors", "2.3 ms"]})
]


@dataclass(frozen=True, slots=True)
class SeekFormula:
    """`a + b*sqrt(d)` below distance `border`, `c + e*d` from there; ns."""

    a: int
    b: int
    c: int
    e: int
    border: int


_TERMS = ("a", "b", "c", "e")


def _seek(value: Any) -> Points | SeekFormula:
    if isinstance(value, dict):
        return _formula(value)
    if isinstance(value, str):
        raise ValueError(
            f"no file of seek times '{value[:60]}' was read; a list of points, a formula or a file is needed"
        )
    points = tuple(at(index, _point, point) for index, point in enumerate(whole_list(value)))
    if any(later[0] <= earlier[0] for earlier, later in pairwise(points)):
        raise ValueError("distances must rise from point to point")
    if points[0] == (0, 0) and len(points) > 1:
        return points[1:]  # staying takes no time anyway
    return points


def _point(point: Any) -> tuple[int, int]:
    distance, time = whole_list(point, 2)
    if isinstance(distance, bool) or not isinstance(distance, int) or distance < 0:
        raise ValueError("a seek point is a whole number of cylinders and a time, like [100, 2 ms]")
    return distance, at(1, units.parse_time, time)


def _formula(value: dict[str, Any]) -> SeekFormula:
    names = (*_TERMS, "border")
    for name in value:
        if name not in names:
            raise mistake_at((name,), f"unknown term of the seek formula (known: {', '.join(names)})", on_key=True)
    if missing := [name for name in names if name not in value]:
        raise ValueError(
            f"the seek formula lacks {', '.join(missing)}: a + b*sqrt(d) below 'border', c + e*d from there"
        )
    border = at("border", whole, value["border"])
    if border < 1:
        raise mistake_at(("border",), "a distance of 1 cylinder or more is needed")
    a, b, c, e = (at(name, units.parse_time, value[name]) for name in _TERMS)
    return SeekFormula(a, b, c, e, border)


def _show_seek(seek: Points | SeekFormula) -> Any:
    if isinstance(seek, SeekFormula):
        return {**{name: units.format_time(getattr(seek, name)) for name in _TERMS}, "border": seek.border}
    return [[distance, units.format_time(time)] for distance, time in seek]


_SEEK_SCHEMA: Json = {
    "anyOf": [
        {"type": "array", "items": {"type": "array"}},
        {"type": "object", "required": [*_TERMS, "border"]},
        {"type": "string"},
    ],
    "examples": [[[1, "1 ms"], [1000, "5 ms"]], "my.seek"],
}
Seek: TypeAlias = Annotated[Points | SeekFormula, Read(_seek, _show_seek, _SEEK_SCHEMA)]


class ZoneOfDisk(Section):
    """Cylinders with equally many sectors a track."""

    first: Index = key(..., "first cylinder of the zone; the first zone begins at 0")
    last: Index | None = key(None, "last cylinder; left out, the one before the next zone")
    sectors_per_track: Count = key(..., "512-byte sectors of a track")
    track_skew: Skew = key(
        "0 s",
        "rotation by which the next track of a cylinder begins later: a time, or sectors ('97 sectors', or just 97)",
        source="a choice",
        sure="assumed",
    )
    cylinder_skew: Skew = key("0 s", "the same from a cylinder to the next", source="a choice", sure="assumed")
    spares: Index = key(0, "spare sectors that no address reaches", source="a choice", sure="assumed")
    spare_cylinders: Index = key(
        0, "they lie at the end of each so many cylinders; 0, at the zone's end", source="a choice", sure="assumed"
    )


class OnboardCache(Section):
    """The buffer in the drive."""

    segments: Index = key(
        ..., "runs of blocks that it keeps of what was read; 0: none, so that nothing is read ahead either"
    )
    segment_size: PositiveSize = key(..., "bytes of a segment, a multiple of 512")
    read_ahead: Size | None = key(
        None, "how far it reads on after the data, until the arm is needed; left out, a segment"
    )
    read_ahead_stops: Literal["never", "cylinder"] = key(
        "never", "cylinder: read-ahead ends with the cylinder", source="a choice", sure="assumed"
    )
    read_on_arrival: Flag = key(
        False, "keeps what passes under the head before the first sector, too", source="a choice", sure="assumed"
    )
    write_segments: Index = key(
        0,
        "runs of written blocks that may wait in the buffer: a write ends once it is in one; 0: it ends on the media",
        source="a choice",
        sure="assumed",
    )
    write_segment_size: PositiveSize | None = key(None, "bytes of each of those; left out, 'segment_size'")
    read_hits_on_writes: Flag = key(
        True,
        "what was written stays readable in a read segment",
        source="two of three measured drives",
        sure="documented",
    )

    @model_validator(mode="after")
    def _in_sectors(self) -> "OnboardCache":
        for name in ("segment_size", "read_ahead", "write_segment_size"):
            size = getattr(self, name)
            if size is not None and size % SECTOR:
                raise mistake_at((name,), f"{size} bytes are no whole number of sectors of {SECTOR}")
        if self.write_segment_size is not None and not self.write_segments:
            raise mistake_at(("write_segment_size",), "means nothing without 'write_segments'")
        if self.read_ahead is not None and not self.segments:
            raise mistake_at(("read_ahead",), "means nothing without 'segments'")
        return self


class Overheads(Section):
    """Controller time by kind of command and by the kind before it; a hit is what needs no arm."""

    read_hit_after_read: Time | None = key(None, "left out, 'overhead' of the disk")
    read_hit_after_write: Time | None = key(None, "left out, 'overhead' of the disk")
    read_miss_after_read: Time | None = key(None, "left out, 'overhead' of the disk")
    read_miss_after_write: Time | None = key(None, "left out, 'overhead' of the disk")
    write_hit_after_read: Time | None = key(None, "left out, 'overhead' of the disk")
    write_hit_after_write: Time | None = key(None, "left out, 'overhead' of the disk")
    write_miss_after_read: Time | None = key(None, "left out, 'overhead' of the disk")
    write_miss_after_write: Time | None = key(None, "left out, 'overhead' of the disk")

    def times(self, overhead: int) -> tuple[int, ...]:
        """All eight, in the drive's order."""
        kinds = (getattr(self, name) for name in type(self).model_fields)
        return tuple(overhead if kind is None else kind for kind in kinds)


def read_seek_files(tree: Node, plain: Any) -> list[Mistake]:
    """Put the points of a file in the place of its name, in `plain`; returns what is wrong with the files.

    A file is looked for beside the scenario that names it, then among the bundled ones.
    """
    mistakes: list[Mistake] = []
    disks = plain.get("disks") if isinstance(plain, dict) else None
    for name, disk in disks.items() if isinstance(disks, dict) else ():
        if isinstance(disk, dict) and (file := _file_of(disk.get("seek"))):
            node = find(tree, ("disks", name, "seek"))
            source = node.place.source if node else ""
            beside = (Path() if source.startswith("--set ") else Path(source).parent) / file
            inside = bundled_directory() / file
            path = inside if not beside.is_file() and inside.is_file() else beside
            disk["seek"], found = _points_of(path)
            if found and not found[0].line and node:
                found = [node.place.mistake(f"disks.{name}.seek", f"{path}: {found[0].message}")]
            mistakes += found
    return mistakes


def _file_of(seek: Any) -> str:
    """The file that is named: `seek: NAME`, or `seek: {file: NAME}`; empty if none is."""
    if isinstance(seek, dict) and seek.keys() == {"file"}:
        seek = seek["file"]
    return seek if isinstance(seek, str) else ""


_LARGEST_FILE = 1 << 20
_NOTHING = [[1, "0 s"]]  # stands for a file that could not be read


def _points_of(path: Path) -> tuple[list[list[Any]], list[Mistake]]:
    """Lines of `distance, time`; a time without unit is in ms, as in DiskSim's files.

    The first line may be a title; one that ends in another unit (`time_us`) says what the numbers are. `0,0` is passed over.
    """
    try:
        data = path.read_bytes()[: _LARGEST_FILE + 1]
        text = data.decode("utf-8-sig")
    except OSError as error:
        return _NOTHING, [Mistake(str(path), 0, 0, "", f"cannot be read: {error.strerror or error}")]
    except UnicodeDecodeError:
        return _NOTHING, [Mistake(str(path), 0, 0, "", "is no text file of lines 'distance,time'")]
    if len(data) > _LARGEST_FILE:
        return _NOTHING, [Mistake(str(path), 0, 0, "", f"is larger than {_LARGEST_FILE >> 20} MiB")]
    points: list[list[Any]] = []
    mistakes: list[Mistake] = []
    last, unit = 0, "ms"
    for number, line in enumerate(text.splitlines(), 1):
        try:
            point = _file_point(line, unit)
            if point is None or (point == (0, 0) and not last):
                continue
            if point[0] <= last:
                raise ValueError(f"distance {point[0]} after {last}; distances must rise, from 1 on")
            last = point[0]
            points.append([point[0], units.format_time(point[1])])
        except ValueError as error:
            if number == 1 and re.match("[^0-9]*[A-Za-z]", line):
                unit = _unit_of(line)
            else:
                mistakes.append(Mistake(str(path), number, 1, "", str(error)))
    if not points and not mistakes:
        mistakes = [Mistake(str(path), 0, 0, "", "holds no line 'distance,time'")]
    return (points if points and not mistakes else _NOTHING), mistakes[:20]


def _unit_of(title: str) -> str:
    words = re.findall("[a-z]+", title.lower())
    return words[-1] if words and words[-1] in ("ns", "us", "ms", "s") else "ms"


def _file_point(line: str, unit: str) -> tuple[int, int] | None:
    stripped = line.strip()
    if not stripped or stripped.startswith("#"):
        return None
    for separator in (",", ";", None):
        if separator is None or separator in stripped:
            parts = [part.strip() for part in stripped.split(separator, 1)]
            break
    if len(parts) != 2 or not parts[0].isascii() or not parts[0].isdigit() or len(parts[0]) > 9:
        raise ValueError(
            f"'{stripped[:40]}' is not 'distance,time': a whole number of cylinders and a time (ms, or with a unit)"
        )
    time = parts[1]
    return int(parts[0]), units.parse_time(time if time[-1:].isalpha() else f"{time} {unit}")
