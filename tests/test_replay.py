"""Block traces: four formats give the same columns; a wrong file is refused with places, never with a traceback."""

import gzip
import hashlib
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iosim.errors import WrongInput
from iosim.replay import BlockTrace, read_block_trace, scaled, superposed

DATA = Path(__file__).parent / "data"
SHIPPED = Path(__file__).parent.parent / "scenarios" / "traces"
SAMPLES = {"msr": "msr_sample.csv", "ssdsim": "ssdsim_sample.trace", "blkparse": "blkparse_sample.txt"}


def written(folder: Path, content: str | bytes, name: str = "a.trace") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(trace: BlockTrace) -> list[tuple[int, str, int, int, int, int]]:
    names = [trace.device_names[device] for device in trace.device]
    return list(zip(trace.arrival, names, trace.offset, trace.size, trace.write, trace.row, strict=True))


def complaint(path: Path, format: str = "auto") -> str:
    """What the reader says of a wrong file, without the folder's name."""
    with pytest.raises(WrongInput) as caught:
        read_block_trace(path, format)
    return str(caught.value).replace(f"{path.parent}/", "").replace(f"{path.parent}\\", "")


def test_msr_times_become_ns_and_rows_are_sorted_by_arrival() -> None:
    trace = read_block_trace(DATA / "msr_sample.csv")
    assert rows(trace) == [
        (0, "web_0", 8192, 4096, 0, 1),
        (15_000, "web_0", 1048576, 65536, 1, 2),
        (90_000, "web_1", 7014609920, 24576, 1, 5),
        (100_000, "web_1", 0, 512, 0, 3),
        (100_000, "web_0", 12288, 4096, 0, 4),
        (1_000_000_000, "web_0", 1114112, 65536, 1, 6),
    ]
    assert trace.warnings == ["1 row is earlier than the row before; the trace was sorted by time"]


def test_ssdsim_counts_sectors_and_writes_a_read_as_1() -> None:
    trace = read_block_trace(DATA / "ssdsim_sample.trace")
    assert rows(trace) == [
        (0, "0", 65536, 8192, 0, 1),
        (200_000, "2", 2097152, 4096, 1, 2),
        (200_000, "0", 73728, 8192, 0, 3),
        (900_000, "2", 2101248, 4096, 1, 4),
        (4_000_000, "0", 511999488, 512, 0, 5),
    ]
    assert trace.warnings == []


def test_blkparse_gives_its_queue_events_that_move_data() -> None:
    """Plugs, merges, completions, messages and the closing summary are no requests; flushes move no data."""
    trace = read_block_trace(DATA / "blkparse_sample.txt")
    assert rows(trace) == [
        (0, "8,0", 2048 * 512, 4096, 0, 2),
        (5_000_700, "8,0", 409600 * 512, 32768, 1, 11),
        (5_400_000, "8,0", 2056 * 512, 16384, 0, 16),
        (5_500_000, "8,0", 409664 * 512, 32768, 1, 13),
        (7_300_000, "8,0", 409728 * 512, 4096, 1, 20),
        (9_000_000, "259,2", 16 * 512, 4096, 0, 23),
        (1_250_000_000, "259,2", 7_000_000_000 * 512, 131072, 1, 25),
    ]
    assert (trace.skipped, trace.ignored) == (3, 23)


def test_the_summary_is_exact() -> None:
    assert read_block_trace(DATA / "ssdsim_sample.trace").summary() == {
        "rows": 5,
        "devices": 2,
        "span_ns": 4_000_000,
        "reads": 3,
        "read_share": Fraction(3, 5),
        "bytes": 25088,
        "mean_size": Fraction(25088, 5),
        "largest_size": 8192,
        "skipped": 0,
    }


def test_the_shipped_trace_is_the_published_one_byte_for_byte() -> None:
    content = (SHIPPED / "wsrch_small.trace.gz").read_bytes()
    assert hashlib.sha256(content).hexdigest() == "926e1e8e673a406c8236e43588d53405394f93b85e1a541710bfd346feedd37a"
    assert "SAFARI Research Group at ETH Zurich" in (SHIPPED / "MQSIM_NOTICE.txt").read_text()


def test_the_shipped_trace_has_the_statistics_that_were_counted_independently() -> None:
    summary = read_block_trace(SHIPPED / "wsrch_small.trace.gz").summary()
    assert (summary["rows"], summary["devices"], summary["largest_size"]) == (24_783, 6, 1_137_664)
    assert round(summary["read_share"], 4) == Fraction(9998, 10_000)
    assert (round(summary["mean_size"]), round(Fraction(summary["span_ns"], 10_000_000))) == (15_419, 6_006)


@pytest.mark.parametrize("format", SAMPLES)
def test_a_format_is_recognised_and_gives_the_same_when_it_is_named(format: str) -> None:
    found = read_block_trace(DATA / SAMPLES[format])
    named = read_block_trace(DATA / SAMPLES[format], format)
    assert found.format == named.format == format
    assert rows(found) == rows(named)


@pytest.mark.parametrize("format", SAMPLES)
def test_gzip_is_told_by_the_bytes_and_not_by_the_name(format: str, tmp_path: Path) -> None:
    content = (DATA / SAMPLES[format]).read_bytes()
    packed = written(tmp_path, gzip.compress(content), "plain.txt")
    plain = written(tmp_path, content, "packed.gz")
    assert (
        rows(read_block_trace(packed))
        == rows(read_block_trace(plain))
        == rows(read_block_trace(DATA / SAMPLES[format]))
    )


@pytest.mark.parametrize("format", SAMPLES)
def test_windows_line_ends_a_byte_order_mark_blank_lines_and_comments_change_no_column_but_row(
    format: str, tmp_path: Path
) -> None:
    plain = (DATA / SAMPLES[format]).read_bytes()
    path = written(tmp_path, b"\xef\xbb\xbf# a comment\r\n\r\n" + plain.replace(b"\n", b"\r\n").rstrip())
    expected = [(*row[:5], row[5] + 2) for row in rows(read_block_trace(DATA / SAMPLES[format]))]
    assert rows(read_block_trace(path)) == expected


def test_the_format_shows_even_when_the_first_row_is_wrong(tmp_path: Path) -> None:
    assert complaint(written(tmp_path, "Hello\n1 0 0 8 1\n")).startswith("a.trace:1:6: the row ends after 1 fields")
    assert len(read_block_trace(written(tmp_path, b"\xef\xbb\xbf1 0 0 8 1"))) == 1


def test_a_long_preface_hides_no_format(tmp_path: Path) -> None:
    path = written(tmp_path, "# preface\n" * 1000 + "1 0 0 8 1\n")
    assert list(read_block_trace(path).row) == [1001]


def test_an_msr_header_is_no_request(tmp_path: Path) -> None:
    header = "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n"
    path = written(tmp_path, header + (DATA / "msr_sample.csv").read_text())
    assert len(read_block_trace(path)) == 6


def test_the_limit_takes_the_first_requests_of_the_file_and_reads_no_further(tmp_path: Path) -> None:
    path = written(tmp_path, "1 0 0 8 1\n2 0 8 8 1\nrubbish\n")
    assert list(read_block_trace(path, limit=2).row) == [1, 2]
    assert "a.trace:3:" in complaint(path)


def test_every_wrong_row_is_named_with_its_line_and_column(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "10 0 0 8 1\n11 0 0 -8 1\n12 0 0 0 1\n13 0 x 8 1\n14 0 0 8 2\n15 0 0 8\n16 0 0 8 1 9\n-1 0 0 8 1\n"
        "18 0 99999999999999999999 8 1\n19 0 0 8388608 1\n20 0 18014398509481983 8 0\n",
    )
    assert complaint(path).splitlines() == [
        "a.trace:2:8: sectors: '-8' is too small; 1 or more is needed",
        "a.trace:3:8: sectors: '0' is too small; 1 or more is needed",
        "a.trace:4:6: sector: 'x' is not a whole number",
        "a.trace:5:10: operation: '2' is neither 1 (read) nor 0 (write)",
        "a.trace:6:9: the row ends after 4 fields; 5 are needed: time, device, sector, sectors, 1 (read) or 0 (write)",
        "a.trace:7:12: the row has 6 fields; 5 are needed: time, device, sector, sectors, 1 (read) or 0 (write)",
        "a.trace:8:1: time: '-1' is too small; 0 or more is needed",
        "a.trace:9:6: sector: '99999999999999999999' is too large; at most 18014398509481983",
        "a.trace:10:8: sectors: '8388608' is too large; at most 8388607",
        "a.trace:11:6: sector: 9223372036854775296 is too large; no device ends beyond 9223372036854775807 bytes",
    ]


def test_wrong_msr_rows_are_named_with_their_line_and_column(tmp_path: Path) -> None:
    good = "128166372000000000,web,0,Read,0,4096,12\n"
    path = written(
        tmp_path,
        good
        + "128166372000000000,web,0,Trim,0,4096,12\n128166372000000000,web,zero,Read,0,4096,12\n"
        + "128166372000000000,web,0,Read,0,0,12\n128166372000000000,web,0,Read,,4096,12\n"
        + "128166372000000000,web,0,Read,0,4096\n1_2,web,0,Read,0,4096,12\n",
    )
    assert complaint(path).splitlines() == [
        "a.trace:2:26: type: 'Trim' is neither Read nor Write",
        "a.trace:3:24: disk: 'zero' is not a whole number",
        "a.trace:4:33: size: '0' is too small; 1 or more is needed",
        "a.trace:5:31: offset: '' is not a whole number",
        "a.trace:6:37: the row ends after 6 fields; 7 are needed: time, host, disk, Read or Write, offset, size, "
        "response time",
        "a.trace:7:1: time: '1_2' is not a whole number",
    ]


def test_wrong_blkparse_rows_are_named_with_their_line_and_column(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "8,0 0 1 0.000000000 9 Q R 8 + 8 [x]\n8,0 0 2 0.1\n8,0 0 3 soon 9 Q R 8 + 8 [x]\n8,0 0 4 0.1 9 ? R 8 + 8 [x]\n"
        "8,0 0 5 0.1 9 Q Z 8 + 8 [x]\n8,0 0 6 0.1 9 Q R 8 - 8 [x]\n8,0 0 7 0.1 9 Q W 8 + 0 [x]\n"
        "8:0 0 8 0.1 9 Q W 8 + 1\n8,0 0 9 0.1 9 Q\n8,0 0 10 0.1 9 Q W 8\n",
    )
    assert complaint(path).splitlines() == [
        "a.trace:2:12: the row ends after 4 fields; 6 are needed: device, processor, sequence, time, process, action",
        "a.trace:3:9: time: 'soon' is not seconds with up to 9 decimals",
        "a.trace:4:15: action: '?' is no action of blkparse",
        "a.trace:5:17: flags: 'Z' says neither R nor W, and is no flush or discard",
        "a.trace:6:21: '-' stands where + is needed: sector + sectors",
        "a.trace:7:23: sectors: '0' is too small; 1 or more is needed",
        "a.trace:8:1: device: '8:0' is not major,minor",
        "a.trace:9:16: the row ends after 6 fields; 7 are needed: after action Q come the flags",
        "a.trace:10:21: the row ends after 8 fields; 10 are needed: after the flags come sector + sectors",
    ]


def test_after_twenty_mistakes_the_rest_is_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "1 0 0 8 1\n" + "2 0 0 0 1\n" * 25)
    lines = complaint(path).splitlines()
    assert len(lines) == 21
    assert lines[19].startswith("a.trace:21:7: ")
    assert lines[20] == "a.trace:22:7: and 5 more"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a.trace: holds no request"),
        (b"\n# nothing\n\n", "a.trace: holds no request"),
        (b"8,0 0 1 0.1 9 D R 8 + 8 [x]\n", "a.trace: holds no request; only Q events are (blktrace -a queue)"),
        (b"\x00\x01\x02\xff" * 99, "a.trace: holds binary data"),
        ("1 0 0 8 1\n".encode("utf-16"), "a.trace: holds binary data"),
        (b"\xff\xfe\x80 \x1b[31m\n", "a.trace: the format is not recognised; the first row is '"),
        (b"Timestamp,Response,IOType,LUN,Offset,Size\n", "a.trace: the format is not recognised"),
        (b"PK\x03\x04 and so on", "a.trace: is a zip archive"),
        (b"\x07tae\x00", "a.trace: is raw blktrace output; run blkparse on it"),
        (b"\x1f\x8b", "a.trace:1:1: the gzip data end too early"),
        (gzip.compress(b"1 0 0 8 1\n" * 99, mtime=0)[:-12], "the gzip data end too early; was the download cut off?"),
        (gzip.compress(b"1 0 0 8 1\n", mtime=0) + b"tail", "the gzip data are damaged"),
        (gzip.compress(b"1 0 0 8 1\n", mtime=0)[:10] + b"\xff" * 30, "the gzip data are damaged"),
        (gzip.compress(b"", mtime=0), "a.trace: holds no request"),
    ],
)
def test_a_file_that_is_no_trace_is_refused_with_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    text = complaint(written(tmp_path, content))
    assert said in text
    assert text.isascii() and text.isprintable()


def test_a_truncated_gzip_says_after_which_row(tmp_path: Path) -> None:
    packed = (SHIPPED / "wsrch_small.trace.gz").read_bytes()
    lines = complaint(written(tmp_path, packed[:100_000])).splitlines()
    assert len(lines) == 1
    assert 10_000 < int(lines[0].split(":")[1]) < 15_000


def test_a_row_without_an_end_is_refused_without_keeping_it(tmp_path: Path) -> None:
    path = written(tmp_path, "1 0 0 8 1\n" + "7" * 1_000_000 + "\n2 0 0 0 1\n")
    assert complaint(path).splitlines() == [
        "a.trace:2:4096: the row is longer than 4096 bytes",
        "a.trace:3:7: sectors: '0' is too small; 1 or more is needed",
    ]


def test_a_directory_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    assert "is a directory; a trace is one file" in complaint(tmp_path)
    assert complaint(tmp_path / "none.csv") == "none.csv: cannot be read: No such file or directory"
    assert "holds a NUL" in complaint(tmp_path / "a\0b")


def test_an_unknown_format_and_a_negative_limit_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "1 0 0 8 1\n")
    assert complaint(path, "spc") == "a.trace: format: 'spc' is unknown; accepted: auto, blkparse, disksim, msr, ssdsim"
    with pytest.raises(WrongInput, match="limit: -1 is negative; 0 means all rows"):
        read_block_trace(path, limit=-1)


def test_a_lost_date_is_named_instead_of_a_replay_of_400_years(tmp_path: Path) -> None:
    path = written(tmp_path, "128166372000000000,web,0,Read,0,4096,12\n0,web,0,Read,0,4096,12\n")
    assert complaint(path) == ("a.trace:2:1: time: is more than 292 years before row 1; is one of the two times wrong?")


def test_rows_of_one_instant_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "5 0 1 1 1\n3 0 2 1 1\n5 0 3 1 1\n3 0 4 1 1\n")
    trace = read_block_trace(path)
    assert (list(trace.row), list(trace.arrival)) == ([2, 4, 1, 3], [0, 0, 2, 2])
    assert trace.warnings == ["2 rows are earlier than the row before; the trace was sorted by time"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**62), st.integers(0, 9), st.integers(0, 2**50), st.integers(1, 2**20), st.integers(0, 1)
        ),
        min_size=1,
    )
)
def test_what_is_written_is_read_back_sorted(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[tuple[int, ...]]
) -> None:
    path = written(tmp_path_factory.mktemp("trace"), "".join(" ".join(map(str, row)) + "\n" for row in wanted))
    wanted = [(*row, index) for index, row in enumerate(wanted, 1)]
    wanted.sort(key=lambda row: row[0])
    start = wanted[0][0]
    assert rows(read_block_trace(path)) == [
        (time - start, str(device), sector * 512, sectors * 512, 1 - op, row)
        for time, device, sector, sectors, op, row in wanted
    ]


@given(st.binary(max_size=300), st.sampled_from(["auto", *SAMPLES]))
@example(b"8,0", "blkparse")
@example(b"\xef\xbb\xbf", "blkparse")
@example(b",,,,,,", "msr")
def test_no_bytes_at_all_make_the_reader_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, format: str
) -> None:
    path = written(tmp_path_factory.mktemp("garbage"), content)
    try:
        read_block_trace(path, format)
    except WrongInput as error:
        assert str(error).isascii()


@given(st.sampled_from(list(SAMPLES)), st.integers(0, 400), st.binary(max_size=6))
def test_a_damaged_sample_is_read_or_refused_but_never_more(
    tmp_path_factory: pytest.TempPathFactory, format: str, at: int, damage: bytes
) -> None:
    content = (DATA / SAMPLES[format]).read_bytes()
    path = written(tmp_path_factory.mktemp("damaged"), content[:at] + damage + content[at + len(damage) :])
    try:
        assert len(read_block_trace(path, format)) > 0
    except WrongInput as error:
        assert error.mistakes


def test_twice_the_speed_is_half_the_span_and_nothing_else_changes() -> None:
    trace = read_block_trace(DATA / "msr_sample.csv")
    fast = scaled(trace, Fraction(2))
    assert (trace.span, fast.span) == (1_000_000_000, 500_000_000)
    assert [row[1:] for row in rows(fast)] == [row[1:] for row in rows(trace)]
    assert list(scaled(trace, Fraction(1, 3)).arrival) == [3 * arrival for arrival in trace.arrival]
    assert list(scaled(trace, Fraction(7)).arrival) == [arrival // 7 for arrival in trace.arrival]


def test_a_speed_that_cannot_be_is_refused() -> None:
    trace = read_block_trace(DATA / "msr_sample.csv")
    for speedup in (Fraction(0), Fraction(-1)):
        with pytest.raises(ValueError, match=f"speedup: {speedup} is not positive"):
            scaled(trace, speedup)
    with pytest.raises(ValueError, match="beyond 292 years"):
        scaled(trace, Fraction(1, 10**11))


def test_a_row_costs_no_object_once_it_is_read() -> None:
    """A trace of a million rows is 48 MB of columns, not a million tuples."""
    trace = read_block_trace(SHIPPED / "wsrch_small.trace.gz")
    columns = (trace.arrival, trace.device, trace.offset, trace.size, trace.write, trace.row)
    assert sum(column.itemsize for column in columns) == 48
    assert {len(column) for column in columns} == {len(trace)}


# --- DiskSim's validation traces

DISKSIM = "R Hit   1975456   4  15362.00000  56074.00000\nW Hit 8 16 1000.5 20.25\nR Hit 0 8 1.0 2\n"


def test_a_disksim_row_comes_after_the_response_and_the_think_time_of_the_one_before(tmp_path: Path) -> None:
    """The trace has no clock: what the measured drive and its user took is all that is known of when."""
    trace = read_block_trace(written(tmp_path, DISKSIM))
    assert trace.format == "disksim"
    assert list(trace.arrival) == [0, 71_436_000, 71_436_000 + 1_020_750]
    assert list(trace.think) == [56_074_000, 20_250, 2_000]
    assert (list(trace.offset), list(trace.size)) == ([1975456 * 512, 8 * 512, 0], [2_048, 8_192, 4_096])
    assert list(trace.write) == [0, 1, 0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("X Hit 1 4 1.0 1.0", "1: operation: 'X' is neither R nor W"),
        ("R Hit 1 0 1.0 1.0", "9: sectors: '0' is too small; 1 or more is needed"),
        ("R Hit 1 4 -1 1.0", "11: response time: '-1' is not a number of microseconds"),
        ("R Hit 1 4 1.0 1.0.0", "15: think time: '1.0.0' is not a number of microseconds"),
        ("R Hit 1 4 1.0", "14: the row ends after 5 fields; 6 are needed"),
    ],
)
def test_a_wrong_disksim_row_is_told_with_its_place(tmp_path: Path, row: str, message: str) -> None:
    path = written(tmp_path, DISKSIM + row + "\n")
    with pytest.raises(WrongInput) as told:
        read_block_trace(path, "disksim")
    assert f":4:{message}" in str(told.value)


@pytest.mark.parametrize("name", ["cheetah9LP", "barracuda", "ibm18es"])
def test_the_shipped_disksim_traces_are_those_that_were_published(name: str) -> None:
    """10,000 rows, 65 to 66 % of them reads, 6.2 to 6.4 sectors (the traces' own statistics)."""
    trace = read_block_trace(SHIPPED / f"{name}.trace.gz")
    summary = trace.summary()
    assert (trace.format, summary["rows"], summary["devices"]) == ("disksim", 10_000, 1)
    assert 0.65 <= summary["read_share"] <= 0.66
    assert 6.2 * 512 <= summary["mean_size"] <= 6.4 * 512


# ---- more users ------------------------------------------------------------------------------------------------------


def test_a_trace_laid_over_itself_has_so_many_times_the_requests_in_the_same_time(tmp_path: Path) -> None:
    trace = read_block_trace(written(tmp_path, "0 0 0 1 1\n40 0 8 1 0\n99 0 16 2 1\n"), "ssdsim")
    twice = superposed(trace, 2)
    assert list(twice.arrival) == [0, 40, 49, 50, 90, 99]
    assert list(twice.offset) == [0, 4096, 8192, 0, 4096, 8192]
    assert superposed(trace, 1).arrival == trace.arrival


def test_a_trace_is_not_laid_over_itself_less_than_once(tmp_path: Path) -> None:
    trace = read_block_trace(written(tmp_path, "0 0 0 1 1\n"), "ssdsim")
    with pytest.raises(ValueError, match="copies: 0 is not 1 or more"):
        superposed(trace, 0)
