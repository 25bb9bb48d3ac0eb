"""Request logs: lines become columns, addresses become numbers; a wrong line is refused at its column."""

import gzip
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iosim.errors import WrongInput
from iosim.request_logs import METHODS, OTHER, parsed, read_request_log

SHIPPED = Path(__file__).parent.parent / "scenarios" / "traces"
LINE = 'web-1 - {user} [17/May/2015:10:05:{second:02} +0000] "{request}" 200 {size} "-" "a \\" quoted agent"\n'


def line(second: int = 3, request: str = "GET / HTTP/1.1", size: str = "5", user: str = "-") -> str:
    return LINE.format(second=second, request=request, size=size, user=user)


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "access.log"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def complaint(folder: Path, content: str | bytes) -> str:
    path = written(folder, content)
    with pytest.raises(WrongInput) as caught:
        read_request_log(path)
    return str(caught.value).replace(str(path), "access.log")


def test_rows_are_sorted_by_time_with_a_warning(tmp_path: Path) -> None:
    log = read_request_log(written(tmp_path, line(9) + "\n" + line(3, "HEAD /a b HTTP/1.0", "-") + line(9, "", "70")))
    assert (list(log.time), list(log.size), list(log.row)) == ([0, 6 * 10**9, 6 * 10**9], [0, 5, 70], [3, 1, 4])
    assert (list(log.method), list(log.client), log.clients) == ([METHODS.index("HEAD"), 0, OTHER], [0, 0, 0], 1)
    assert log.warnings == ["1 row is earlier than the row before; the log was sorted by time"]


def test_the_common_format_and_users_with_spaces_are_read_too(tmp_path: Path) -> None:
    common = '1.2.3.4 - a user [29/Feb/2016:23:59:59 -0130] "POST /x HTTP/1.1" 304 7'
    log = read_request_log(written(tmp_path, common))
    assert (list(log.status), list(log.size), METHODS[log.method[0]]) == ([304], [7], "POST")


@settings(deadline=None)
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_times_are_those_of_the_calendar(when: datetime, zone: int) -> None:
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    sign, minutes = "-" if zone < 0 else "+", abs(zone)
    text = f"{when.day:02}/{months[when.month - 1]}/{when.year:04}:{when:%H:%M:%S} {sign}{minutes // 60:02}{minutes % 60:02}"
    expected = (when.replace(microsecond=0) - datetime(1970, 1, 1)).total_seconds() - zone * 60
    assert parsed(f'h - - [{text}] "GET / HTTP/1.1" 200 1'.encode())[1] == expected


def test_a_limit_takes_the_first_rows_and_gzip_makes_no_difference(tmp_path: Path) -> None:
    log = read_request_log(written(tmp_path, gzip.compress((line(9) + line(3) + line(1)).encode())), 2)
    assert list(log.row) == [2, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no request"),
        ("a\0b", "holds binary data"),
        ("nonsense\n", "access.log:1:1: host: 'nonsense' does not begin with one"),
        (line().replace("17/May", "31/Feb"), "access.log:1:11: time: [31/Feb/2015:10:05:03 +0000] is no time"),
        (line() + line().replace("May", "Mai"), "access.log:2:11: time: [17/Mai/2015:10:05:03 +0000] is no time"),
        (line().replace("[17", "17"), "access.log:1:7: identity and user: "),
        (line().replace('"GET', "GET"), "access.log:1:40: request: 'GET / "),
        (line().replace(" 200 ", " 2x0 "), "access.log:1:57: status: '2x0 5 "),
        (line(size="x"), "access.log:1:61: bytes: 'x "),
        (line(size="9" * 19), "access.log:1:61: bytes: 9999999999999999999 is too large"),
        (b"x" * 70_000, "access.log:1:65536: the line is longer than 65536 bytes"),
        (gzip.compress(line().encode() * 99)[:-9], "the gzip data end too early"),
    ],
)
def test_a_wrong_log_is_refused_at_its_place(content: str | bytes, message: str, tmp_path: Path) -> None:
    assert message in complaint(tmp_path, content)


def test_the_first_twenty_mistakes_are_told(tmp_path: Path) -> None:
    assert complaint(tmp_path, "nonsense\n" * 30).count("host:") == 20


def test_the_real_log_reads_as_it_was_counted() -> None:
    """Ten thousand requests of May 2015 (elastic/examples, Apache-2.0), client addresses replaced by numbers."""
    log = read_request_log(SHIPPED / "apache_access_10000.log.gz")
    assert (len(log), log.span, log.clients) == (10_000, 298_859 * 10**9, 1753)
    assert Counter(METHODS[method] for method in log.method) == {"GET": 9952, "HEAD": 42, "POST": 5, "OPTIONS": 1}
    assert Counter(log.status) >= Counter({200: 9126, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3})
    assert max(log.size) == 69_192_717
    assert log.warnings[0].endswith("rows are earlier than the row before; the log was sorted by time")
