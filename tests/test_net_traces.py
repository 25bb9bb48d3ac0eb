"""Captures and logs as load: which client asked when, for how much, and what it got."""

from fractions import Fraction
from pathlib import Path

import pytest

from iosim.captures import CSV_HEADER, TCP, UDP
from iosim.errors import WrongInput
from iosim.net_traces import NetTrace, read_net_trace

CLIENT, SERVER = "10.0.0.9,5000", "10.0.0.1,80"
HOST = 10 << 24


def capture(path: Path, *rows: tuple[float, str, str, int, int], protocol: str = "tcp") -> Path:
    """Packets: time (s), C(lient's) or S(erver's), flags, sequence, payload."""
    lines = [CSV_HEADER.decode()]
    for time, side, flags, sequence, payload in rows:
        ends = (CLIENT, SERVER) if side == "C" else (SERVER, CLIENT)
        number = sequence if protocol == "tcp" else ""
        lines.append(f"{time},{payload + 54},{protocol},{ends[0]},{ends[1]},{flags},{number},{payload}")
    path.write_text("\n".join(lines) + "\n")
    return path


def rows(trace: NetTrace) -> list[tuple[int, int, int, int]]:
    return list(zip(trace.arrival, trace.client, trace.size, trace.answer, strict=True))


def test_a_request_is_what_goes_up_to_a_push_and_its_answer_what_comes_until_the_next(tmp_path: Path) -> None:
    file = capture(
        tmp_path / "c.csv",
        (0, "C", "S", 99, 0),
        (0.1, "S", "SA", 499, 0),
        (0.2, "C", "A", 100, 1000),
        (0.3, "C", "PA", 1100, 200),
        (0.4, "S", "A", 500, 1460),
        (0.5, "S", "PA", 1960, 40),
        (0.6, "C", "PA", 1300, 10),
        (0.7, "S", "PA", 2000, 7),
    )
    trace = read_net_trace(file, "auto", TCP)
    assert rows(trace) == [(200_000_000, 0, 1200, 1500), (600_000_000, 0, 10, 7)]
    assert list(trace.row) == [3, 7]
    assert list(trace.addresses) == [(HOST + 9) << 16 | 5000]
    assert trace.target == (HOST + 1) << 16 | 80


def test_what_is_sent_twice_counts_once(tmp_path: Path) -> None:
    file = capture(
        tmp_path / "c.csv",
        (0, "C", "PA", 100, 50),
        (0.1, "C", "PA", 100, 50),
        (0.2, "C", "A", 149, 1),
        (0.3, "S", "A", 500, 100),
        (0.4, "S", "A", 550, 100),
    )
    assert rows(read_net_trace(file, "capture", TCP)) == [(0, 0, 50, 150)]


def test_sequence_numbers_go_round(tmp_path: Path) -> None:
    file = capture(tmp_path / "c.csv", (0, "C", "A", (1 << 32) - 10, 20), (1, "C", "PA", 10, 20))
    assert rows(read_net_trace(file, "capture", TCP)) == [(0, 0, 40, 0)]


def test_without_a_handshake_the_lower_port_is_the_servers(tmp_path: Path) -> None:
    file = capture(tmp_path / "c.csv", (0, "S", "PA", 1, 30), (1, "C", "PA", 1, 20))
    trace = read_net_trace(file, "capture", TCP)
    assert rows(trace) == [(1_000_000_000, 0, 20, 0)]
    assert trace.warnings == ["30 bytes that servers sent before they were asked are left out"]


@pytest.mark.parametrize("server", ["10.0.0.9", "10.0.0.9:5000", ":5000"])
def test_the_servers_side_can_be_said(server: str, tmp_path: Path) -> None:
    file = capture(tmp_path / "c.csv", (0, "S", "PA", 1, 30), (1, "C", "PA", 1, 20))
    assert rows(read_net_trace(file, "capture", TCP, server)) == [(0, 0, 30, 20)]


@pytest.mark.parametrize("server", ["10.0.0.7", ":81", "here", "::1", "10.0.0.1:x"])
def test_a_server_that_nobody_asks_is_told(server: str, tmp_path: Path) -> None:
    file = capture(tmp_path / "c.csv", (0, "C", "PA", 1, 30))
    with pytest.raises(WrongInput, match=f"server '{server}'|no client asks for anything at {server}"):
        read_net_trace(file, "capture", TCP, server)


def test_every_datagram_is_a_request(tmp_path: Path) -> None:
    file = capture(tmp_path / "c.csv", (0, "C", "", 0, 30), (1, "C", "", 0, 40), (2, "S", "", 0, 9), protocol="udp")
    assert rows(read_net_trace(file, "auto", UDP)) == [(0, 0, 30, 0), (1_000_000_000, 0, 40, 9)]


def test_a_log_has_clients_times_and_answers(tmp_path: Path) -> None:
    """Two of one second lie half a second apart."""
    line = '{} - - [17/May/2015:10:05:0{} +0000] "GET / HTTP/1.1" 200 {} "-" "-"\n'
    file = tmp_path / "access.log"
    file.write_text(line.format("a", 3, 10) + line.format("b", 3, 20) + line.format("a", 5, 30))
    trace = read_net_trace(file, "auto", TCP)
    assert list(trace.arrival) == [0, 500_000_000, 2_000_000_000]
    assert (list(trace.client), list(trace.answer), trace.clients) == ([0, 1, 0], [10, 20, 30], 2)
    assert (len(trace.size), len(trace.addresses)) == (0, 0)
    assert list(trace.at_speed(Fraction(2)).arrival) == [0, 250_000_000, 1_000_000_000]
    assert len(read_net_trace(file, "combined_log", TCP, limit=2)) == 2


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=r"there is no|No such file|not there"):
        read_net_trace(tmp_path / "x.pcap", "auto", TCP)
