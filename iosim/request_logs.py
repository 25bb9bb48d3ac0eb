"""Request logs of web servers as columns: who asked, when, and how many bytes went back.

Reads the combined log format (and the common one, which ends after the bytes), plain or gzipped:
`host identity user [day/month/year:hour:minute:second zone] "request" status bytes "referrer" "agent"`.
Times are whole seconds, written when a request ends: many share one, and some are earlier than the row before.
Left out: names, paths, referrers and agents; a replay asks for bytes. Clients become numbers in order of appearance.
Source: Apache HTTP Server's documentation of mod_log_config.
"""

import re
from array import array
from pathlib import Path

from iosim.errors import Mistake, WrongInput
from iosim.packed_files import Damaged, Stream, Unreadable, unpacked
from iosim.units import S

MAX_LINE = 65_536  # a request line and two headers of 8 KiB each, and room
MAX_SIZE = 2**62  # bytes of one response, so that sums of two fit 64 bits
MAX_MISTAKES = 20
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE")
OTHER = len(METHODS)

QUOTED = r'"((?:[^"\\]|\\.)*)"'
PARTS = (
    ("host", re.compile(rb"(\S+) ")),
    ("identity and user", re.compile(rb"\S+ .*? (?=\[)")),
    ("time", re.compile(rb"\[(\d\d)/([A-Z][a-z][a-z])/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] ")),
    ("request", re.compile(QUOTED.encode() + b" ")),
    ("status", re.compile(rb"([1-9]\d\d) ")),
    ("bytes", re.compile(rb"(\d{1,19}|-)(?= |$)")),
)
MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class RequestLog:
    """A log sorted by time, one typed column a field.

    `time` is ns since the earliest request (whole seconds), `client` a number from 0 in order of appearance in the file,
    `method` an index into METHODS or OTHER, `status` HTTP's, `size` the bytes of the response's body, `row` the line in
    the file. Requests of one second keep the file's order. `clients` is how many there are.

    Invariant: all columns are equally long and not empty; `time` starts at 0 and never falls.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.time = array("q")
        self.client = array("q")
        self.method = array("q")
        self.status = array("q")
        self.size = array("q")
        self.row = array("q")
        self.clients = 0
        self.warnings: list[str] = []

    def __len__(self) -> int:
        return len(self.time)

    @property
    def span(self) -> int:
        """Return the ns from the first request to the last."""
        return self.time[-1]


COLUMNS = ("time", "client", "method", "status", "size", "row")


def read_request_log(path: str | Path, limit: int = 0) -> RequestLog:
    """Read a log, or its first `limit` requests in the file's order (0: all).

    Raises WrongInput with the places of the first 20 mistakes.
    """
    return _Reading(str(path), limit).read(Path(path))


class _BadPart(Exception):
    """A line is wrong at byte `at`."""

    def __init__(self, at: int, name: str, message: str) -> None:
        self.at = at
        self.name = name
        super().__init__(message)


class _Reading:
    """One pass over a file: columns grow, mistakes are noted, no line is kept."""

    def __init__(self, source: str, limit: int) -> None:
        self.source = source
        self.limit = limit
        self.log = RequestLog(source)
        self.hosts: dict[bytes, int] = {}
        self.mistakes: list[Mistake] = []
        self.line = 0
        if limit < 0:
            raise self.refusal(f"limit: {limit} is negative; 0 means all requests")

    def read(self, path: Path) -> RequestLog:
        try:
            with unpacked(path, "a log") as stream:
                self.read_lines(stream)
        except Damaged as damage:
            self.note(self.line + 1, 1, "", str(damage))
        except Unreadable as reason:
            raise self.refusal(str(reason)) from reason.__cause__
        return self.finish()

    def read_lines(self, stream: Stream) -> None:
        if b"\0" in stream.peek(4096)[:4096]:
            raise self.refusal("holds binary data; a request log is text, plain or gzipped")
        while not self.limit or len(self.log) < self.limit:
            line = stream.readline(MAX_LINE)
            if not line or len(self.mistakes) == MAX_MISTAKES:
                return
            self.line += 1
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                self.note(self.line, MAX_LINE, "", f"the line is longer than {MAX_LINE} bytes")
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_LINE)
            elif line.strip():
                self.take(line.rstrip(b"\r\n"))

    def take(self, line: bytes) -> None:
        try:
            host, time, method, status, size = parsed(line)
        except _BadPart as bad:
            self.note(self.line, bad.at + 1, bad.name, str(bad))
            return
        row = (time, self.hosts.setdefault(host, len(self.hosts)), method, status, size, self.line)
        for name, value in zip(COLUMNS, row, strict=True):
            getattr(self.log, name).append(value)

    def note(self, line: int, column: int, part: str, message: str) -> None:
        self.mistakes.append(Mistake(self.source, line, column, part, message))

    def finish(self) -> RequestLog:
        it = self.log
        if self.mistakes:
            raise WrongInput(self.mistakes)
        if not len(it):
            raise self.refusal("holds no request")
        it.clients = len(self.hosts)
        early = sum(1 for index in range(1, len(it)) if it.time[index] < it.time[index - 1])
        if early:
            order = sorted(range(len(it)), key=it.time.__getitem__)
            for name in COLUMNS:
                column = getattr(it, name)
                setattr(it, name, array("q", [column[index] for index in order]))
            rows = "1 row is" if early == 1 else f"{early} rows are"
            it.warnings.append(f"{rows} earlier than the row before; the log was sorted by time")
        first = it.time[0]
        if (it.time[-1] - first) * S > 2**63 - 1:
            raise self.refusal(f"rows {it.row[0]} and {it.row[-1]} are more than 292 years apart")
        it.time = array("q", [(time - first) * S for time in it.time])
        return it

    def refusal(self, message: str) -> WrongInput:
        return WrongInput([Mistake(self.source, 0, 0, "", message)])


def parsed(line: bytes) -> tuple[bytes, int, int, int, int]:
    """Return host, seconds since 1970, method, status and bytes of one line; _BadPart where it stops fitting."""
    at, found = 0, list[re.Match[bytes]]()
    for name, pattern in PARTS:
        match = pattern.match(line, at)
        if not match:
            shown = ascii(line[at : at + 40].decode("utf-8", "backslashreplace"))
            raise _BadPart(at, name, f"{shown} does not begin with one, as the combined log format needs here")
        found.append(match)
        at = match.end()
    host, _, time, request, status, size = found
    word = request[1].split(b" ", 1)[0].decode("ascii", "replace")
    method = METHODS.index(word) if word in METHODS else OTHER
    sent = 0 if size[1] == b"-" else int(size[1])
    if sent > MAX_SIZE:
        raise _BadPart(size.start(), "bytes", f"{sent} is too large; at most {MAX_SIZE}")
    return host[1], seconds(time), method, int(status[1]), sent


def seconds(match: re.Match[bytes]) -> int:
    """Return the seconds since 1970 (UTC) of a log's time."""
    day, month, year = int(match[1]), MONTHS.get(match[2], -1), int(match[3])
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if month < 0 or not 1 <= day <= DAYS[month] + (leap and month == 1) or hour > 23 or minute > 59 or second > 60:
        raise _BadPart(match.start(), "time", f"{match[0].strip().decode()} is no time")
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719_162  # 1 January 1970 is day 719,162
    days += sum(DAYS[:month]) + (leap and month > 1) + day - 1
    zone = (int(match[8]) * 60 + int(match[9])) * (-60 if match[7] == b"-" else 60)
    return days * 86_400 + hour * 3600 + minute * 60 + second - zone
