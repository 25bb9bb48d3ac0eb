"""How a volume lies on its disks, and the filter drivers of its stack, as a scenario describes them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from iosim.scenario.quantities import Bandwidth, Flag, Index, PositiveSize, Time
from iosim.scenario.reading import Section, key, mistake_at
from iosim.units import KIB


class FilterDriver(Section):
    """A filter driver of a volume's stack."""

    name: str = key(..., "name of the filter")
    altitude: Index = key(
        ...,
        "where it stands among the filters of its place: the highest is asked first (virus scanners: 320,000 to 329,998)",
    )
    over: Literal["file_system", "volume"] = key(
        "file_system",
        "file_system: it sees what programs ask for, and a cached miss once more as a paging IRP; volume: between the file"
        " system and the volume manager, it sees only what goes to the disks",
        source="most filters are file-system minifilters",
        sure="documented",
    )
    pre: Time = key(
        "1 us",
        "processor time of a read or write on its way down",
        source="common order of magnitude for an idle minifilter: 0.5 to 2 us",
        sure="assumed",
    )
    post: Time = key(
        "0.5 us",
        "the same on its way up",
        source="common order of magnitude for an idle minifilter: 0.2 to 1 us",
        sure="assumed",
    )
    scan: Bandwidth | None = key(
        None,
        "how fast it looks at the bytes of a read or write, in processor time on the way down; left out, it does not",
    )
    create: Time = key(
        "0 s", "processor time of a handler's 'open' (over: file_system)", source="a choice", sure="assumed"
    )
    cleanup: Time = key(
        "0 s", "processor time of a handler's 'close' (over: file_system)", source="a choice", sure="assumed"
    )
    delay: Time = key(
        "0 s",
        "how long it holds a read or write back on its way down, on no processor (it asks a service or another machine)",
        source="a choice",
        sure="assumed",
    )
    synchronous: Flag = key(
        False,
        "'post' needs PASSIVE_LEVEL and is done by a system worker thread; paging IRPs are let through without it",
        source="FltDoCompletionProcessingWhenSafe; a choice",
        sure="assumed",
    )

    @model_validator(mode="after")
    def _where(self) -> "FilterDriver":
        if self.over == "volume":
            for name in ("create", "cleanup", "synchronous"):
                if getattr(self, name):
                    raise mistake_at((name,), "a filter over the volume sees no file, only transfers; leave it out")
        return self


Layout = Literal["simple", "stripe", "mirror", "span"]


class Laid(Section):
    """Where a volume is."""

    disk: str | None = key(None, "name of its disk; or 'disks', if there are several")
    disks: Annotated[tuple[str, ...], Field(max_length=32)] = key(
        (), "names of its disks, for a 'layout' of several; at most 32, as of a dynamic volume"
    )
    layout: Layout = key(
        "simple",
        "simple: on one disk; stripe: unit after unit on disk after disk; mirror: all on every disk; span: one disk"
        " after the other",
        source="a volume is created simple",
        sure="documented",
    )
    stripe_unit: PositiveSize = key(
        "64 KiB",
        "bytes that lie together on a disk (layout: stripe); a multiple of 512 B",
        source="Windows dynamic disks: 64 KB, fixed",
        sure="documented",
    )
    mirror_reads: Literal["turns", "nearest", "region"] = key(
        "turns",
        "which disk reads (layout: mirror): they take turns; that whose last transfer was nearest; or each has a region",
        source="a choice",
        sure="assumed",
    )
    filters: Annotated[tuple[FilterDriver, ...], Field(max_length=50)] = key(
        (), "filter drivers of its stack, in any order: their 'altitude' says which is asked first"
    )

    @model_validator(mode="after")
    def _laid_out(self) -> "Laid":
        if (self.disk is None) == (not self.disks):
            raise mistake_at(("disk",), "a volume has either a 'disk' or 'disks'")
        if (self.layout == "simple") != (len(self.on) == 1):
            wanted = "two or more 'disks'" if len(self.on) == 1 else "one disk; several are a stripe, mirror or span"
            raise mistake_at(("layout",), f"'layout: {self.layout}' goes with {wanted}")
        if len(set(self.disks)) < len(self.disks):
            raise mistake_at(("disks",), "names a disk twice")
        return self

    @model_validator(mode="after")
    def _meant(self) -> "Laid":
        for name, layout, usual in (("stripe_unit", "stripe", 64 * KIB), ("mirror_reads", "mirror", "turns")):
            if getattr(self, name) != usual and self.layout != layout:
                raise mistake_at((name,), f"means nothing without 'layout: {layout}'")
        if self.stripe_unit % 512:
            raise mistake_at(("stripe_unit",), "not a multiple of 512 B")
        places = [(it.over, it.altitude) for it in self.filters]
        for number, place in enumerate(places):
            if place in places[:number]:
                raise mistake_at(("filters", number, "altitude"), "another filter stands there already")
        names = [it.name for it in self.filters]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise mistake_at(("filters", number, "name"), "another filter has this name")
        return self

    @property
    def on(self) -> tuple[str, ...]:
        """All its disks."""
        return self.disks if self.disk is None else (self.disk,)


def shares(volume: Laid, size: int | None, left: list[int]) -> list[int]:
    """Bytes that the volume takes of each of its disks, which have so much left; may be more than there is.

    `size`: of the volume; None takes what there is.
    """
    if volume.layout == "stripe":
        unit = volume.stripe_unit
        rows = min(left) // unit if size is None else -(-size // (unit * len(left)))
        return [rows * unit] * len(left)
    if volume.layout == "mirror":
        return [min(left) if size is None else size] * len(left)
    if size is None:
        return left
    found = []
    for number, room in enumerate(left):
        here = size if number == len(left) - 1 else min(size, room)
        found.append(here)
        size -= here
    return found


def capacity(volume: Laid, size: int | None, taken: list[int]) -> int:
    """Bytes of the volume that takes so much of its disks."""
    if size is not None:
        return size
    return taken[0] if volume.layout == "mirror" else sum(taken)
