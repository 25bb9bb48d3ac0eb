"""Real block traces as columns: which bytes of which device were asked for, and when.

Reads four text formats, plain or gzipped (told by the bytes, not by the name):

- `msr`: MSR Cambridge CSV as SNIA publishes it: Timestamp (100 ns FILETIME), Hostname, DiskNumber, Type, Offset, Size,
  ResponseTime; offsets and sizes in bytes;
- `ssdsim`: SSDSim's and MQSim's ASCII traces: arrival (ns), device, LBN (512 B), sectors, 1 = read or 0 = write;
- `disksim`: DiskSim's validation traces: R or W, a word, LBN (512 B), sectors, measured response time (us), think time
  (us) from its end to the next row; a row's time is what both made of it on the measured drive;
- `blkparse`: blkparse's default text; only Q events (a request reaches the block layer) are requests.

Blank lines and lines that start with `#` are skipped everywhere, as is an MSR header.
Left out: response times (but for what they say of the next row's time), processes and priorities of the traced system;
a replay simulates its own.
"""

import re
from array import array
from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from iosim.errors import Mistake, WrongInput
from iosim.packed_files import BadField, Damaged, Stream, Unreadable, unpacked

SECTOR = 512
MAX_INT = 2**63 - 1  # columns are int64
MAX_SIZE = 2**32 - 1  # ReadFile takes a DWORD
MAX_LINE = 4096
FIRST_ROWS = 20  # what the format is told by
MAX_MISTAKES = 20

# Time, device, offset, size, write, think time (ns); time in the format's own ticks, or that from this row to the next.
Row = tuple[int, bytes, int, int, int, int]

IGNORED: Row = (-1, b"", 0, 0, 0, 0)  # no request at all: another event, a message, a summary line
SKIPPED: Row = (-2, b"", 0, 0, 0, 0)  # a request that moves no data: flush, discard, packet command


class BlockTrace:
    """A block trace sorted by arrival, one typed column a field.

    `arrival` is ns since the earliest row, `device` an index into `device_names` (in order of first appearance),
    `offset` and `size` are bytes, `write` is 1 or 0, `row` the line in the file, counted from 1. Rows that arrive
    together keep the file's order. `think` is ns from the end of a row to the next one, where the format has it; else it is
    empty. `skipped` counts requests without data (flush, discard), `ignored` lines that are no
    request (a header, blkparse's other events); `warnings` are sentences for the reader.

    Invariant: all columns (but `think`) are equally long and not empty; `arrival` starts at 0 and never falls.
    """

    def __init__(self, source: str, format: str) -> None:
        self.source = source
        self.format = format
        self.arrival = array("q")
        self.device = array("q")
        self.device_names: list[str] = []
        self.offset = array("q")
        self.size = array("q")
        self.write = array("q")
        self.think = array("q")
        self.row = array("q")
        self.skipped = 0
        self.ignored = 0
        self.warnings: list[str] = []

    def __len__(self) -> int:
        return len(self.arrival)

    @property
    def span(self) -> int:
        """Return the ns from the first arrival to the last."""
        return self.arrival[-1]

    def summary(self) -> dict[str, int | Fraction]:
        """Return counts and exact shares, for comparing with what is published of a trace; sizes in bytes."""
        rows, size, writes = len(self), sum(self.size), sum(self.write)
        return {
            "rows": rows,
            "devices": len(self.device_names),
            "span_ns": self.span,
            "reads": rows - writes,
            "read_share": Fraction(rows - writes, rows),
            "bytes": size,
            "mean_size": Fraction(size, rows),
            "largest_size": max(self.size),
            "skipped": self.skipped,
        }


def scaled(trace: BlockTrace, speedup: Fraction) -> BlockTrace:
    """Return the trace with all arrivals `speedup` times as early, rounded down to a ns; other columns are shared.

    Raises ValueError unless `speedup` is positive and the last arrival still fits 64 bits.
    """
    if speedup <= 0:
        raise ValueError(f"speedup: {speedup} is not positive")
    times, divisor = speedup.denominator, speedup.numerator
    if trace.span * times // divisor > MAX_INT:
        raise ValueError(f"speedup: {speedup} stretches the trace beyond 292 years")
    result = BlockTrace(trace.source, trace.format)
    result.arrival = array("q", [arrival * times // divisor for arrival in trace.arrival])
    result.device, result.device_names = trace.device, trace.device_names
    result.offset, result.size, result.write, result.row = trace.offset, trace.size, trace.write, trace.row
    result.think = trace.think
    result.skipped, result.ignored, result.warnings = trace.skipped, trace.ignored, trace.warnings
    return result


def superposed(trace: BlockTrace, copies: int) -> BlockTrace:
    """The trace laid over itself: copy c begins c / copies of its length later, and what sticks out comes at the front.

    So many times the users, each with the pauses that they had; a trace that is only faster has the same users in a hurry,
    whose bursts are as large as before and closer together. Rows that arrive together keep the order of the copies.
    """
    if copies < 1:
        raise ValueError(f"copies: {copies} is not 1 or more")
    length = trace.span + 1
    rows = range(len(trace.arrival))
    order = sorted(
        ((trace.arrival[row] + copy * length // copies) % length, copy, row) for copy in range(copies) for row in rows
    )
    first = order[0][0]
    result = BlockTrace(trace.source, trace.format)
    result.device_names = trace.device_names
    result.skipped, result.ignored, result.warnings = trace.skipped, trace.ignored, trace.warnings
    result.arrival = array("q", [arrival - first for arrival, _, _ in order])
    for name in ("device", "offset", "size", "write", "row"):
        column = getattr(trace, name)
        setattr(result, name, array("q", [column[row] for _, _, row in order]))
    return result


def read_block_trace(path: str | Path, format: str = "auto", limit: int = 0) -> BlockTrace:
    """Read a block trace, or its first `limit` requests in the file's order (0: all).

    `format` is auto, msr, ssdsim, blkparse or disksim; auto looks at the first 20 rows. Raises WrongInput with the
    places of the first 20 mistakes.
    """
    return _Reading(str(path), format, limit).read(Path(path))


class _Layout:
    """How the rows of one format look: `ticks` of how many ns, `field` matches what stands between separators."""

    def __init__(
        self, looks: str, field: str, tick_ns: int, parse: Callable[[bytes], Row], empty: str, gaps: bool = False
    ) -> None:
        self.looks = re.compile(looks.encode(), re.IGNORECASE)
        self.field = re.compile(field.encode())
        self.tick_ns = tick_ns
        self.parse = parse
        self.empty = empty
        self.gaps = gaps  # a row's time is that to the next row, and it has a think time

    def column(self, line: bytes, index: int) -> int:
        """Return where field `index` starts, counted from 1; past the end if the row has fewer."""
        starts = [match.start() for match in self.field.finditer(line)]
        return starts[index] + 1 if index < len(starts) else len(line.rstrip()) + 1


class _Reading:
    """One pass over a file: columns grow, mistakes are noted, no row is kept."""

    def __init__(self, source: str, format: str, limit: int) -> None:
        self.source = source
        self.limit = limit
        self.trace = BlockTrace(source, format)
        self.times = array("q")
        self.devices: dict[bytes, int] = {}
        self.mistakes: list[Mistake] = []
        self.unnamed = 0  # mistakes beyond MAX_MISTAKES
        self.line_number = 0
        if format != "auto" and format not in LAYOUTS:
            raise self.refusal("format", f"{format!r} is unknown; accepted: auto, {', '.join(sorted(LAYOUTS))}")
        if limit < 0:
            raise self.refusal("limit", f"{limit} is negative; 0 means all rows")

    def read(self, path: Path) -> BlockTrace:
        try:
            with unpacked(path, "a trace") as stream:
                self.read_stream(stream)
        except Damaged as damage:
            self.note(self.line_number + 1, 1, "", str(damage))
        except Unreadable as reason:
            raise self.refusal("", str(reason)) from reason.__cause__
        return self.finish()

    def read_stream(self, stream: Stream) -> None:
        self.refuse_binary(stream.peek(MAX_LINE))
        first: list[tuple[int, bytes]] = []
        while len(first) < FIRST_ROWS and (line := self.next_row(stream)):
            first.append((self.line_number, line))
        if self.trace.format == "auto":
            self.trace.format = self.detect([line for _, line in first])
        layout = LAYOUTS[self.trace.format]
        for number, line in first:
            if not self.limit_reached():
                self.take(layout, number, line)
        while not self.limit_reached() and (line := self.next_row(stream)):
            self.take(layout, self.line_number, line)

    def next_row(self, stream: Stream) -> bytes:
        """Return the next line that is neither blank nor a comment nor endless; nothing at the end."""
        while line := stream.readline(MAX_LINE):
            self.line_number += 1
            if self.line_number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")  # a byte order mark
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                self.note(self.line_number, MAX_LINE, "", f"the row is longer than {MAX_LINE} bytes")
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_LINE)
            elif line.strip() and not line.startswith(b"#"):
                return line
        return b""

    def limit_reached(self) -> bool:
        return self.limit > 0 and len(self.times) == self.limit

    def refuse_binary(self, head: bytes) -> None:
        for magic, what in BINARY.items():
            if head.startswith(magic):
                raise self.refusal("", what)
        if b"\0" in head:
            raise self.refusal("", f"holds binary data; a trace is text, plain or gzipped, in {FORMATS}")

    def detect(self, rows: list[bytes]) -> str:
        """Return the format that most of the first rows look like."""
        votes = {name: sum(1 for row in rows if layout.looks.match(row)) for name, layout in LAYOUTS.items()}
        best = max(votes, key=votes.__getitem__)
        if rows and not votes[best]:
            raise self.refusal("", f"the format is not recognised; the first row is {_shown(rows[0])}, not {FORMATS}")
        return best

    def take(self, layout: _Layout, number: int, line: bytes) -> None:
        try:
            row = layout.parse(line)
        except BadField as bad:
            self.note(number, layout.column(line, bad.index), bad.name, str(bad))
            return
        if row is IGNORED:
            self.trace.ignored += 1
        elif row is SKIPPED:
            self.trace.skipped += 1
        else:
            self.append(number, row)

    def append(self, number: int, row: Row) -> None:
        time, name, offset, size, write, think = row
        device = self.devices.setdefault(name, len(self.devices))
        self.times.append(time)
        self.trace.device.append(device)
        self.trace.offset.append(offset)
        self.trace.size.append(size)
        self.trace.write.append(write)
        self.trace.row.append(number)
        if LAYOUTS[self.trace.format].gaps:
            self.trace.think.append(think)

    def note(self, line: int, column: int, field: str, message: str) -> None:
        """Keep a mistake; the one after the last that is kept becomes the place of "and N more"."""
        if len(self.mistakes) <= MAX_MISTAKES:
            self.mistakes.append(Mistake(self.source, line, column, field, message))
        self.unnamed += len(self.mistakes) > MAX_MISTAKES

    def finish(self) -> BlockTrace:
        if self.unnamed:
            place = self.mistakes.pop()
            self.mistakes.append(Mistake(self.source, place.line, place.column, "", f"and {self.unnamed} more"))
        if self.mistakes:
            raise WrongInput(self.mistakes)
        if not self.times:
            raise self.refusal("", f"holds no request; {LAYOUTS[self.trace.format].empty}")
        self.trace.device_names = [name.decode("utf-8", "backslashreplace") for name in self.devices]
        if LAYOUTS[self.trace.format].gaps:
            self.times = array("q", accumulate(self.times[:-1], initial=0))
        self.sort()
        self.set_arrivals(LAYOUTS[self.trace.format].tick_ns)
        return self.trace

    def sort(self) -> None:
        """Put the columns in order of time; most traces are, or nearly."""
        times, trace = self.times, self.trace
        early = sum(1 for index in range(1, len(times)) if times[index] < times[index - 1])
        if not early:
            return
        order = array("q", sorted(range(len(times)), key=times.__getitem__))
        self.times = _picked(times, order)
        trace.device, trace.offset = _picked(trace.device, order), _picked(trace.offset, order)
        trace.size, trace.write = _picked(trace.size, order), _picked(trace.write, order)
        trace.row = _picked(trace.row, order)
        rows = "1 row is" if early == 1 else f"{early} rows are"
        trace.warnings.append(f"{rows} earlier than the row before; the trace was sorted by time")

    def set_arrivals(self, tick_ns: int) -> None:
        first = self.times[0]
        span = (self.times[-1] - first) * tick_ns
        if span > MAX_INT:
            message = f"is more than 292 years before row {self.trace.row[-1]}; is one of the two times wrong?"
            raise WrongInput([Mistake(self.source, self.trace.row[0], 1, "time", message)])
        self.trace.arrival = array("q", [(time - first) * tick_ns for time in self.times])

    def refusal(self, field: str, message: str) -> WrongInput:
        return WrongInput([Mistake(self.source, 0, 0, field, message)])


def _picked(column: "array[int]", order: "array[int]") -> "array[int]":
    return array(column.typecode, [column[index] for index in order])


def _shown(text: bytes) -> str:
    """Return bytes of a file as they can be printed anywhere: ASCII, and not too many."""
    shown = ascii(text.strip().decode("utf-8", "backslashreplace"))
    return shown if len(shown) <= 60 else f"{shown[:56]}...'"


def _number(fields: list[bytes], index: int, name: str, least: int = 0, most: int = MAX_INT) -> int:
    text = fields[index].strip()
    if text.isdigit() and len(text) < 20:
        value = int(text)
        if least <= value <= most:
            return value
    negative = text[:1] == b"-" and text[1:].isdigit()
    if not text.isdigit() and not negative:
        raise BadField(index, name, f"{_shown(text)} is not a whole number")
    if negative or int(text[:20]) < least:
        raise BadField(index, name, f"{_shown(text)} is too small; {least} or more is needed")
    raise BadField(index, name, f"{_shown(text)} is too large; at most {most}")


def _sectors(fields: list[bytes], at: int, count: int) -> tuple[int, int]:
    """Return offset and size in bytes of a row that gives 512-byte blocks."""
    offset = _number(fields, at, "sector", 0, MAX_INT // SECTOR) * SECTOR
    size = _number(fields, count, "sectors", 1, MAX_SIZE // SECTOR) * SECTOR
    return offset, _checked_end(offset, size, at, "sector")


def _checked_end(offset: int, size: int, index: int, name: str) -> int:
    if offset > MAX_INT - size:
        raise BadField(index, name, f"{offset} is too large; no device ends beyond {MAX_INT} bytes")
    return size


def _need(fields: list[bytes], count: int, exactly: bool, what: str) -> None:
    if len(fields) < count:
        raise BadField(len(fields), "", f"the row ends after {len(fields)} fields; {count} are needed: {what}")
    if exactly and len(fields) > count:
        raise BadField(count, "", f"the row has {len(fields)} fields; {count} are needed: {what}")


def _parse_msr(line: bytes) -> Row:
    """Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime; the response time is not looked at."""
    fields = line.split(b",")
    if fields[0].strip().lower() == b"timestamp":
        return IGNORED
    _need(fields, 7, True, "time, host, disk, Read or Write, offset, size, response time")
    kind = fields[3].strip().lower()
    if kind != b"read" and kind != b"write":
        raise BadField(3, "type", f"{_shown(fields[3])} is neither Read nor Write")
    time = _number(fields, 0, "time")
    name = b"%s_%d" % (fields[1].strip(), _number(fields, 2, "disk"))  # the data set names its files so: hm_0.csv
    offset = _number(fields, 4, "offset")
    size = _checked_end(offset, _number(fields, 5, "size", 1, MAX_SIZE), 4, "offset")
    return time, name, offset, size, int(kind == b"write"), 0


def _parse_ssdsim(line: bytes) -> Row:
    fields = line.split()
    _need(fields, 5, True, "time, device, sector, sectors, 1 (read) or 0 (write)")
    time = _number(fields, 0, "time")
    name = b"%d" % _number(fields, 1, "device")
    offset, size = _sectors(fields, 2, 3)
    if fields[4] != b"0" and fields[4] != b"1":
        raise BadField(4, "operation", f"{_shown(fields[4])} is neither 1 (read) nor 0 (write)")
    return time, name, offset, size, int(fields[4] == b"0"), 0


def _parse_blkparse(line: bytes) -> Row:
    """Device, processor, sequence, time, process, action, RWBS, then what the action has to say (man blkparse)."""
    fields = line.split(None, 10)
    if not BLKPARSE_DEVICE.match(fields[0]):
        if BLKPARSE_SUMMARY.match(line):
            return IGNORED
        raise BadField(0, "device", f"{_shown(fields[0])} is not major,minor")
    _need(fields, 6, False, "device, processor, sequence, time, process, action")
    if fields[5] != b"Q":
        if fields[5] not in BLKPARSE_ACTIONS:
            raise BadField(5, "action", f"{_shown(fields[5])} is no action of blkparse")
        return IGNORED
    _need(fields, 7, False, "after action Q come the flags")
    write = _blkparse_direction(fields[6])
    if write < 0 or len(fields) < 8 or fields[7].startswith(b"["):
        return SKIPPED
    if len(fields) > 8 and fields[8].startswith(b"("):  # a SCSI packet command: its bytes are listed
        return SKIPPED
    _need(fields, 10, False, "after the flags come sector + sectors")
    if fields[8] != b"+":
        raise BadField(8, "", f"{_shown(fields[8])} stands where + is needed: sector + sectors")
    if fields[9] == b"0" and b"F" in fields[6]:
        return SKIPPED
    offset, size = _sectors(fields, 7, 9)
    return _blkparse_time(fields), fields[0], offset, size, write, 0


def _blkparse_direction(flags: bytes) -> int:
    """Return 0 for a read, 1 for a write, -1 for neither (discard, erase, flush without data).

    RWBS has a leading F for a flush before the data, then one letter for what it is, then letters for how.
    """
    kind = flags[1:2] if flags[:1] == b"F" else flags[:1]
    if kind == b"R":
        return 0
    if kind == b"W":
        return 1
    if kind in (b"D", b"E", b"N", b"F", b""):
        return -1
    raise BadField(6, "flags", f"{_shown(flags)} says neither R nor W, and is no flush or discard")


def _blkparse_time(fields: list[bytes]) -> int:
    seconds, point, fraction = fields[3].partition(b".")
    if point and seconds.isdigit() and fraction.isdigit() and len(seconds) < 10 and len(fraction) < 10:
        return int(seconds) * 1_000_000_000 + int(fraction.ljust(9, b"0"))
    raise BadField(3, "time", f"{_shown(fields[3])} is not seconds with up to 9 decimals")


def _parse_disksim(line: bytes) -> Row:
    """R or W, a word that is the same everywhere, sector, sectors, response time (us), think time (us)."""
    fields = line.split()
    _need(fields, 6, True, "R or W, a word, sector, sectors, response time, think time")
    kind = fields[0].upper()
    if kind != b"R" and kind != b"W":
        raise BadField(0, "operation", f"{_shown(fields[0])} is neither R nor W")
    offset, size = _sectors(fields, 2, 3)
    response, think = _microseconds(fields, 4, "response time"), _microseconds(fields, 5, "think time")
    return response + think, b"0", offset, size, int(kind == b"W"), think


def _microseconds(fields: list[bytes], index: int, name: str) -> int:
    """ns; below that is cut off."""
    whole, _, fraction = fields[index].partition(b".")
    if whole.isdigit() and len(whole) < 13 and (fraction.isdigit() or not fraction):
        return int(whole) * 1000 + int(fraction[:3].ljust(3, b"0"))
    raise BadField(index, name, f"{_shown(fields[index])} is not a number of microseconds")


BLKPARSE_DEVICE = re.compile(rb"\d+,\d+$")
BLKPARSE_ACTIONS = frozenset(b"A B C D F G I M P R S T U UT X m".split())
BLKPARSE_SUMMARY = re.compile(
    rb"\s*(CPU\d+ \(|Total \(|Throughput|Events \(|Skips:|Input file |(PC )?(Reads?|Writes?) |IO unplugs|Timer unplugs"
    rb"|(Allocation|Dispatch|Completion) wait)"
)

LAYOUTS = {
    "msr": _Layout(
        r"\s*(-?\d+|timestamp)\s*(,[^,]*){6}$",
        r"(?:^|(?<=,))[^,\r\n]*",
        100,
        _parse_msr,
        "every row of an MSR file is one",
    ),
    "ssdsim": _Layout(r"\s*(-?\d+\s+){4}-?\d+\s*$", r"\S+", 1, _parse_ssdsim, "every row of an SSDSim trace is one"),
    "disksim": _Layout(
        r"\s*[RW]\s+[a-z]+\s+\d+\s+\d+\s+[\d.]+\s+[\d.]+\s*$",
        r"\S+",
        1,
        _parse_disksim,
        "every row of a DiskSim trace is one",
        gaps=True,
    ),
    "blkparse": _Layout(
        r"\s*\d+,\d+\s+\d+\s+\d+\s+\d+\.\d+\s", r"\S+", 1, _parse_blkparse, "only Q events are (blktrace -a queue)"
    ),
}
FORMATS = "one of the formats blkparse, disksim, msr and ssdsim"
BINARY = {
    b"PK\x03\x04": "is a zip archive; unpack it",
    b"BZh": "is packed with bzip2; unpack it, or pack it with gzip",
    b"\xfd7zXZ": "is packed with xz; unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "is packed with zstd; unpack it, or pack it with gzip",
    b"7z\xbc\xaf": "is a 7z archive; unpack it",
    b"\x07tae": "is raw blktrace output; run blkparse on it",
}
