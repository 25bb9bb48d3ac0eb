"""Disks, volumes and files as a scenario describes them."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Tag, model_validator

from iosim import units
from iosim.scenario.disk_ports import PortDriven
from iosim.scenario.hard_disk import OnboardCache, Overheads, Seek, SeekFormula, Skew, ZoneOfDisk
from iosim.scenario.quantities import (
    Bandwidth,
    Count,
    Flag,
    Index,
    PositiveSize,
    PositiveTime,
    Ratio,
    Rotation,
    Size,
    Time,
    whole_between,
)
from iosim.scenario.reading import Json, Read, Section, at, by_tag, key, mistake_at, whole_list
from iosim.scenario.volumes import Laid

PAGE = units.PAGE


class Attached(PortDriven):
    """What can be said of any disk."""

    max_transfer: PositiveSize | None = key(
        None,
        "longest transfer that the port driver accepts: longer ones are split into IRPs of the class driver's; left out,"
        " any length",
    )
    scatter_gather_pages: Count | None = key(
        None,
        "4 KiB pages of a buffer that one transfer can gather: longer ones are split as by 'max_transfer'; left out, any"
        " number",
    )

    queue_depth: Count | None = key(None, "commands that the device holds at once; left out, the drive's own")
    interrupt_processor: Index | None = key(
        None,
        "logical processor that the device interrupts; left out, 0 for a disk on SATA, and for one on NVMe the"
        " processor that started the command (a queue pair a processor)",
    )
    interrupt_policy: Literal["all_close", "one_close", "specified", "spread"] | None = key(
        None,
        "which processors the device's interrupts may go to: all_close, those of its NUMA node; one_close, the first of them;"
        " specified, 'interrupt_processors'; spread, all. A disk on SATA has one vector and takes the first; one on NVMe"
        " has one for each, and a processor without one shares another's. Left out, as 'interrupt_processor' says",
    )
    interrupt_processors: tuple[Index, ...] = key((), "logical processors that 'specified' names")
    numa_node: Index = key(0, "NUMA node that the device is attached to", source="a choice", sure="assumed")

    @model_validator(mode="after")
    def _one_policy(self) -> "Attached":
        if (self.interrupt_policy == "specified") != (len(self.interrupt_processors) > 0):
            raise mistake_at(("interrupt_processors",), "goes with 'interrupt_policy: specified', and that with it")
        if self.interrupt_policy is not None and self.interrupt_processor is not None:
            raise mistake_at(
                ("interrupt_processor",), "an 'interrupt_policy' says already which processors; leave one out"
            )
        return self


class PresetDisk(Attached):
    """A known drive, with a few of its settings changed."""

    preset: str = key(..., "name of a known drive")
    order: Literal["fcfs", "sstf", "clook", "sptf"] | None = key(None, "order in which a hard disk serves its queue")
    age_limit: Time | None = key(None, "a command that waited this long goes first (hard disks)")
    read_cache: Flag | None = key(None, "false: a hard disk's buffer keeps nothing and reads nothing ahead")
    write_cache: Flag | None = key(None, "false: a hard disk's writes end on the media, not in its buffer")
    condition: Literal["fresh", "steady"] | None = key(
        None,
        "of a solid-state disk: fresh, or written and overwritten until garbage collection is steady; left out, fresh",
    )
    write_buffer: Size | None = key(None, "of a solid-state disk; left out, the drive's own; 0 B: none")


Order: TypeAlias = Literal["fcfs", "sstf", "clook", "sptf"]


class HddDisk(Attached):
    """A hard disk of one's own."""

    kind: Literal["hdd"] = key(..., "a hard disk")
    rpm: Rotation = key(..., "rotation speed")
    cylinders: Count = key(..., "cylinders")
    heads: Count = key(..., "tracks of a cylinder")
    sectors_per_track: Count | None = key(None, "512-byte sectors of a track, the same on all; else 'zones'")
    zones: tuple[ZoneOfDisk, ...] = key((), "zones of cylinders from the outside in; else 'sectors_per_track'")
    blocks: Count | None = key(None, "sectors that can be addressed; left out, all that are no spares")
    seek: Seek = key(
        ...,
        "seek time by distance: a list of [cylinders, time] with straight lines between; or a file of such lines (a time"
        " without unit is in ms), beside the scenario; or a formula {a, b, c, e, border}: a + b*sqrt(d) below the border,"
        " c + e*d from there",
    )
    head_switch: Time = key(
        "0.1 ms", "changing to another head", source="0.03 to 0.1 ms on three measured drives", sure="measured"
    )
    write_settle: Time = key(
        "0 s",
        "after a move the arm settles for longer before it writes",
        source="0 to 0.46 ms on three measured drives",
        sure="assumed",
    )
    track_skew: Skew | None = key(
        None,
        "rotation by which the next track of a cylinder begins later: a time, or a number of sectors; with zones, theirs",
    )
    cylinder_skew: Skew | None = key(None, "the same from a cylinder to the next")
    overhead: Time = key(
        "0.3 ms", "controller time of a command", source="Cheetah 9LP read miss: 0.284 ms", sure="measured"
    )
    overheads: Overheads | None = key(None, "controller time by kind of command, where it is not 'overhead'")
    bandwidth: Bandwidth = key("300 MB/s", "speed of the bus to the host", source="SATA 3 Gbit/s", sure="documented")
    cache: OnboardCache | None = key(None, "on-board cache; left out, none")
    order: Order = key(
        "sptf",
        "who is next: fcfs as they came; sstf shortest seek; clook up over the cylinders, then back; sptf shortest"
        " positioning time, rotation included",
    )
    age_limit: Time | None = key(None, "a command that waited this long goes first; left out, never")

    @model_validator(mode="after")
    def _one_layout(self) -> "HddDisk":
        if (self.sectors_per_track is None) == (not self.zones):
            raise ValueError("a hard disk has either 'sectors_per_track' or 'zones'")
        for name in ("track_skew", "cylinder_skew"):
            if self.zones and getattr(self, name) is not None:
                raise mistake_at((name,), "each of the 'zones' has its own; write it there")
        if not isinstance(self.seek, SeekFormula) and self.seek[-1][0] > self.cylinders:
            raise mistake_at(("seek",), f"reaches to distance {self.seek[-1][0]}; there are {self.cylinders} cylinders")
        return self


SlowReads: TypeAlias = tuple[tuple[float, int], ...]


def _slow_reads(value: Any) -> SlowReads:
    slow = tuple(at(index, _slow_read, point) for index, point in enumerate(whole_list(value)))
    if sum(share for share, _time in slow) > 1:
        raise ValueError("the shares come to more than 100 %")
    return slow


def _slow_read(point: Any) -> tuple[float, int]:
    share, time = whole_list(point, 2)
    if not isinstance(share, str) or not share.endswith("%"):
        raise ValueError("a slow read is a share of all page reads and a time, like [0.1 %, 1 ms]")
    part = at(0, units.parse_percent, share)
    if part * 1_000_000 % 1:
        raise mistake_at((0,), f"'{share}' is finer than one in a million")
    return float(part), at(1, units.parse_time, time)


def _show_slow_reads(slow: SlowReads) -> list[list[Any]]:
    return [[f"{share * 100:.10g} %", units.format_time(time)] for share, time in slow]


_SLOW_READS_SCHEMA: Json = {"type": "array", "items": {"type": "array"}, "examples": [[["1 %", "20 us"]]]}


class SolidState(Attached):
    """What can be said of a solid-state disk of one's own, on NVMe or SATA."""

    capacity: PositiveSize = key("1 TB", "bytes of the whole disk", source="a choice", sure="assumed")
    units: Count = key(..., "parallel units (channels times dies)")
    read: PositiveTime = key(..., "one unit reads one stripe")
    program: PositiveTime = key(..., "one unit writes one stripe")
    stripe: PositiveSize = key(
        "4 KiB",
        "bytes that lie together in one unit, which reads or programs them at once: a page",
        source="common page size",
        sure="assumed",
    )
    placement: Literal["hashed", "striped"] = key(
        "hashed",
        "which unit has a stripe: hashed, fixed but without a pattern; striped, one after the other in turn",
        source="a choice: no stride of addresses meets one unit alone",
        sure="assumed",
    )
    channels: Count | None = key(
        None, "channels that the units share, each carrying one unit's data at a time; left out, none is in the way"
    )
    channel_bandwidth: Bandwidth = key(
        "400 MB/s", "speed of one channel", source="ONFI 3, typical of 2014 (from memory)", sure="assumed"
    )
    serial: Time = key(
        "0 s",
        "part of the overhead during which the controller takes no other command",
        source="a choice: the controller is not in the way",
        sure="assumed",
    )
    write_bandwidth: Bandwidth | None = key(None, "speed of the link for writes; left out, that for reads")
    slow_reads: Annotated[SlowReads, Read(_slow_reads, _show_slow_reads, _SLOW_READS_SCHEMA)] | None = key(
        None,
        "reads of a page whose data come later than usual (correction, housekeeping): a list of [share, time], drawn for"
        " each page; left out, none",
    )
    write_buffer: Size = key(
        "0 B",
        "a write has ended when its data are in this memory, and the units take them from there; 0 B: when it is programmed",
        source="a choice: off",
        sure="assumed",
    )
    write_overhead: Time | None = key(None, "controller time of a buffered write; left out, 'overhead'")
    power_loss_protection: Flag = key(
        False,
        "the buffer survives a loss of power: a flush has nothing to do",
        source="consumer drives",
        sure="assumed",
    )
    over_provisioning: Ratio = key(
        0.0,
        "flash beyond the capacity, as a share of it: what is overwritten leaves garbage, collected when blocks run short;"
        " 0: blocks are always free",
        source="a choice: off",
        sure="assumed",
    )
    condition: Literal["fresh", "steady"] = key(
        "fresh",
        "fresh: nothing was written yet; steady: everything was, and overwritten at random until that changed nothing more",
        source="a choice",
        sure="assumed",
    )
    erase: PositiveTime = key(
        "3 ms", "one unit erases one block", source="NAND data sheets: 2 to 5 ms (from memory)", sure="assumed"
    )
    pages_per_block: Count = key(
        256, "stripes that a unit erases at once", source="NAND of 2014: 256 to 512 (from memory)", sure="assumed"
    )

    @model_validator(mode="after")
    def _what_goes_with_what(self) -> "SolidState":
        """A value that would change nothing is a mistake; the default is none, as a scenario can be written out in full."""
        for name, needed, default in (
            ("channel_bandwidth", "channels", units.parse_bandwidth("400 MB/s")),
            ("write_overhead", "write_buffer", None),
            ("power_loss_protection", "write_buffer", False),
            ("over_provisioning", "write_buffer", 0.0),
            ("condition", "over_provisioning", "fresh"),
            ("erase", "over_provisioning", 3 * units.MS),
            ("pages_per_block", "over_provisioning", 256),
        ):
            if getattr(self, name) != default and not getattr(self, needed):
                raise mistake_at((name,), f"means nothing without '{needed}'")
        return self


class NvmeDisk(SolidState):
    """A solid-state disk of one's own on NVMe."""

    kind: Literal["nvme"] = key(..., "a solid-state disk on NVMe: many commands at once, a vector for each processor")
    bandwidth: Bandwidth = key("3.2 GB/s", "speed of the link to the host", source="PCIe 3 x4", sure="documented")
    overhead: Time = key("5 us", "controller time of a command", source="Optane P4800X: 8.9 us in all", sure="derived")
    duplex: Flag = key(
        False,
        "reads and writes have the link at the same time, as PCIe lets them; false: one limit for both, as of the"
        " controller's memory",
        source="a choice",
        sure="assumed",
    )


class SataDisk(SolidState):
    """A solid-state disk of one's own on SATA."""

    kind: Literal["ssd"] = key(..., "a solid-state disk on SATA: one queue of 32 commands, one interrupt vector")
    bandwidth: Bandwidth = key(
        "550 MB/s",
        "speed of the link to the host",
        source="SATA 6 Gbit/s, after its coding and frames",
        sure="documented",
    )
    overhead: Time = key(
        "10 us", "controller time of a command", source="860 EVO: 98,000 IOPS at depth 32 (from memory)", sure="derived"
    )


def _disk_tag(value: Json) -> str | None:
    if ("preset" in value) == ("kind" in value):
        return None
    return ":preset" if "preset" in value else f":{value['kind']}" if value["kind"] in ("hdd", "nvme", "ssd") else None


Disk: TypeAlias = Annotated[
    Annotated[PresetDisk, Tag(":preset")]
    | Annotated[HddDisk, Tag(":hdd")]
    | Annotated[NvmeDisk, Tag(":nvme")]
    | Annotated[SataDisk, Tag(":ssd")],
    by_tag(
        _disk_tag, "a disk has either a 'preset' (a known drive) or a 'kind' (hdd, nvme or ssd) with its own settings"
    ),
]


class Volume(Laid):
    """A volume with a file system and a page cache."""

    size: PositiveSize | None = key(None, "bytes; left out, all that its disks have left")
    cache: Size = key("0 B", "memory for its page cache; 0 B keeps nothing", source="a choice", sure="assumed")
    file_system: Literal["ntfs", "refs"] = key(
        "ntfs",
        "ntfs: a write beyond a file's valid data length keeps its thread, on an overlapped handle too; refs: it does not",
        source="Raymond Chen, The Old New Thing, 2018-07-25 and 2018-10-19",
        sure="documented",
    )
    dirty_page_threshold: PositiveSize | None = key(
        None,
        "dirty pages that may wait to be written; a cached write that would lead past them waits; left out, half of 'cache'",
        source="Windows derives it from its memory; half is a choice",
        sure="assumed",
    )
    lazy_write_interval: PositiveTime = key(
        "1 s",
        "the lazy writer wakes so often and queues an eighth of the dirty pages",
        source="Windows documentation, File Caching: once per second, one eighth",
        sure="documented",
    )
    log: Literal["none", "lazy", "write_through"] = key(
        "none",
        "what a change of metadata (a longer valid data length, a handler's 'close') writes to the file system's log: none;"
        " lazy: a dirty page that the lazy writer writes; write_through: the thread waits for it",
        source="metadata is cached unless written through; that it is not modelled is a choice",
        sure="assumed",
    )


# NTFS with clusters of 4 KiB (its documentation). It also keeps a request's bytes far below what a recorded row holds.
LARGEST_FILE = 16 << 40


class File(Section):
    """A file that handlers read and write."""

    volume: str = key(..., "name of the volume")
    size: PositiveSize = key(..., "bytes; at most 16 TiB, as on NTFS with clusters of 4 KiB")
    access: Literal["unbuffered", "cached"] = key(
        "unbuffered", "unbuffered goes to the disk; cached through the page cache"
    )
    hit_ratio: Ratio | None = key(
        None, "share of cached reads that hit, drawn for each request; left out, hits come from the page cache itself"
    )

    skip_on_success: Flag = key(
        False,
        "FILE_SKIP_COMPLETION_PORT_ON_SUCCESS: a request that ends at once (a cached hit) goes on in its thread and queues"
        " no packet; one that pended reports as ever",
        source="off until SetFileCompletionNotificationModes is called",
        sure="documented",
    )

    extents: Annotated[int, whole_between(1, 1_000_000)] = key(
        1,
        "pieces that the file lies in on its volume, of equal size and in a drawn order: a fragmented file; a request that"
        " touches several is split into an IRP for each",
        source="a new file is one piece",
        sure="assumed",
    )
    read_ahead: Size | None = key(
        None,
        "bytes that are read ahead at a time once three cached reads have followed each other; 0 B: none; left out, 64 KiB"
        " for a cached file whose hits are not drawn",
        source="at least a page; NTFS's 64 KiB is from memory of public literature",
        sure="assumed",
    )
    hint: Literal["none", "sequential_scan", "random_access"] = key(
        "none",
        "how the file is opened: FILE_FLAG_SEQUENTIAL_SCAN doubles the read-ahead, FILE_FLAG_RANDOM_ACCESS turns it off",
        source="CreateFile",
        sure="documented",
    )
    write_through: Flag = key(
        False,
        "FILE_FLAG_WRITE_THROUGH: a cached write ends when the disk has it",
        source="CreateFile",
        sure="documented",
    )
    temporary: Flag = key(
        False,
        "FILE_ATTRIBUTE_TEMPORARY: the lazy writer leaves its pages alone, unless a write waits for room",
        source="Windows documentation, File Caching",
        sure="documented",
    )
    dirty_page_threshold: PositiveSize | None = key(
        None, "dirty pages that this file may have; left out, only the volume's threshold counts"
    )
    valid_data: Size | None = key(
        None,
        "how much of the file has ever been written (its valid data length), when time starts; left out, all of it, as after"
        " SetFileValidData",
    )
    stored: Literal["plain", "compressed", "encrypted"] = key(
        "plain",
        "compressed and encrypted files are read and written synchronously, on an overlapped handle too, and the thread pays"
        " for it (machine.kernel.compression, encryption)",
        source="Microsoft KB 156932",
        sure="documented",
    )
    reports_pending: Flag = key(
        False,
        "a call that kept its thread because of 'valid_data' or 'stored' says ERROR_IO_PENDING all the same",
        source="the Old New Thing: it returns success; a test of a small extending write on Vista and later: pending",
        sure="assumed",
    )

    @model_validator(mode="after")
    def _as_large_as_ntfs_has_it(self) -> "File":
        if self.size > LARGEST_FILE:
            raise mistake_at(("size",), f"{self.size} bytes are more than a file can have: 16 TiB at most")
        return self

    @model_validator(mode="after")
    def _cached(self) -> "File":
        if self.hit_ratio is not None and self.access != "cached":
            raise mistake_at(("hit_ratio",), "means nothing for unbuffered access; write 'access: cached' as well")
        return self

    @model_validator(mode="after")
    def _only_cached(self) -> "File":
        if self.access != "cached":
            for name in ("read_ahead", "write_through", "temporary", "dirty_page_threshold"):
                if getattr(self, name):
                    raise mistake_at((name,), "means nothing for unbuffered access; write 'access: cached' as well")
            if self.hint != "none":
                raise mistake_at(("hint",), "means nothing for unbuffered access; write 'access: cached' as well")
        if self.hit_ratio is not None and self.read_ahead:
            raise mistake_at(("read_ahead",), "means nothing where hits are drawn; leave 'hit_ratio' out")
        if self.hint == "random_access" and self.read_ahead:
            raise mistake_at(("read_ahead",), "'hint: random_access' turns it off; leave one out")
        return self

    @model_validator(mode="after")
    def _forced(self) -> "File":
        if self.valid_data is not None and self.valid_data > self.size:
            raise mistake_at(("valid_data",), "more than the file's 'size'")
        if self.extents > max(1, self.size // PAGE):
            raise mistake_at(("extents",), "a file has at most one for each 4 KiB of its 'size'")
        if self.reports_pending and self.stored == "plain" and self.valid_data is None:
            raise mistake_at(
                ("reports_pending",), "no call keeps its thread here; it goes with 'valid_data' or 'stored'"
            )
        return self
