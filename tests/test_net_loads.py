"""Load over a card as scenario files describe it: what is accepted, what is told to be wrong, and what comes of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import iosim
from iosim.captures import CSV_HEADER
from iosim.errors import WrongInput
from iosim.network_loads import NetworkLoads
from iosim.networks import CLIENTS

BASE = """
version: 1
machine: {cores_per_node: 2}
nics: {nic0: {link: 10 Gbit/s}}
ports: {p: {}}
pools: {workers: {port: p, threads: 4}}
handlers: {work: [{compute: 10 us}]}
workload:
  web: {nic: nic0, handler: work, round_trip: 100 us, LOAD}
run: {duration: 10 ms, warm_up: 0 s, replications: 1}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def scenario(load: str, changes: dict[str, Any] | None = None) -> iosim.Scenario:
    Path("net.yaml").write_text(BASE.replace("LOAD", load))
    return iosim.load("./net.yaml", set=changes or {})


def figures(load: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    requests: dict[str, Any] = iosim.run(scenario(load, changes)).summary["requests"]
    assert requests["offered"] == sum(requests[end] for end in ENDS)
    return {"offered": requests["offered"]} | {end: requests[end] for end in ENDS if requests[end]}


ENDS = ("completed", "failed", "cancelled", "dropped", "in_flight")
OPEN = "kind: open, rate: 2000/s, arrivals: constant, connections: 10"


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (OPEN, {"offered": 19, "completed": 19}),
        (f"{OPEN}, protocol: udp", {"offered": 19, "completed": 19}),
        (f"{OPEN}, requests_per_connection: 2, addresses: sequential", {"offered": 19, "completed": 19}),
        (f"{OPEN}, resets: {{share: 1, after: 10 us}}", {"offered": 19, "failed": 19}),
        (f"{OPEN}, pieces: {{size: 100 B, gap: 50 us}}, nagle: true", {"offered": 19, "completed": 19}),
        ("kind: closed, clients: 3, think: 3 ms", {"offered": 9, "completed": 9}),
        ("kind: closed, clients: 1, think: 3 ms, outstanding: 3", {"offered": 9, "completed": 9}),
    ],
)
def test_requests_come_over_the_card_and_end(load: str, expected: dict[str, int]) -> None:
    assert figures(load) == expected


@pytest.mark.parametrize(
    ("more", "used"),
    [("", 2), (", addresses: sequential", 2), (", addresses: sequential, protocol: udp", 1)],
)
def test_connections_are_spread_over_the_cards_processors_by_their_addresses(more: str, used: int) -> None:
    """Random clients hit both, the ports of one client too; datagrams go by their hosts alone."""
    processors = iosim.run(scenario(OPEN + more)).summary["nics"]["nic0"]["processors"]
    assert sum(it["frames_per_s"]["value"] > 0 for it in processors.values()) == used


def test_rising_addresses_begin_where_the_cards_own_clients_do() -> None:
    described = scenario(f"{OPEN}, addresses: sequential")
    unused: Any = None
    loads = NetworkLoads(described, unused, unused, unused, unused)
    second: Any = SimpleNamespace(params=SimpleNamespace(clients=CLIENTS + (1 << 16)))
    load: Any = described.model.workload["web"]
    assert loads._addresses("web", load, second, None).source(0) >> 16 == CLIENTS + (1 << 16)


def test_a_longer_round_trip_than_the_cards_other_loads_have_is_spent_on_the_way() -> None:
    """The handler sends nothing, so what is seen of the round trip is the way there."""
    near = "kind: closed, clients: 1, think: 3 ms"
    both = f"{near}}}\n  far: {{nic: nic0, handler: work, {near}, round_trip: 1 ms"
    classes = iosim.run(scenario(both)).summary["classes"]
    means = [classes[name]["latency_ns"]["mean"]["value"] for name in ("web", "far")]
    assert means[1] - means[0] == pytest.approx(900_000, abs=1000)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        ("kind: open, rate: 1/s", "workload.web.connections: required key is missing"),
        ("kind: open, rate: 1/s, connections: 0", "workload.web.connections: 0 is not 1 or more"),
        ("kind: closed, clients: 2000000", "workload.web.clients: 2000000 is more than 1000000"),
        (f"{OPEN}, request: 0 B", "workload.web.request: a request of 0 bytes can't be seen"),
        (f"{OPEN}, addresses: 5", "workload.web.addresses: 5 is neither random nor sequential nor"),
        (f"{OPEN}, addresses: x.pcap", "workload.web.addresses: no such file"),
        (f"{OPEN}, protocol: udp, reads: nothing", "workload.web.reads: datagrams have no connection"),
        (f"{OPEN}, protocol: udp, nagle: true", "workload.web.nagle: datagrams have no connection"),
        (f"{OPEN}, protocol: udp, request: 70 kB", "workload.web.request: a datagram has at most 65507 B"),
        (f"{OPEN}, reads: some", "workload.web.reads: 'some' is not one of all, nothing"),
        (f"{OPEN}, outstanding: 2", "workload.web.outstanding: unknown key"),
        ("kind: replay, trace: x.pcap", "workload.web.trace: no such file"),
        ("kind: replay, trace: x.pcap, map: f", "workload.web.map: unknown key"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(load: str, message: str) -> None:
    with pytest.raises(WrongInput, match=message):
        scenario(load)


def test_a_card_that_is_not_there_is_told() -> None:
    with pytest.raises(WrongInput, match=r"workload\.web\.nic: no network card 'nic1'; did you mean 'nic0'"):
        scenario(OPEN, {"workload.web.nic": "nic1"})


def test_with_several_ports_the_load_has_to_say_which() -> None:
    Path("two.yaml").write_text(BASE.replace("LOAD", OPEN).replace("{p: {}}", "{p: {}, q: {}}"))
    with pytest.raises(WrongInput, match=r"workload\.web\.port: required key is missing"):
        iosim.load("./two.yaml")
    assert scenario(OPEN).model.workload["web"].port == "p"


def test_sockets_are_on_one_port() -> None:
    with pytest.raises(WrongInput, match="a socket is on one port; 'p' is one for each processor"):
        scenario(OPEN, {"ports.p.per": "processor"})


CAPTURE = """\
0,100,tcp,10.0.0.9,5000,10.0.0.1,445,S,99,0
0.001,154,tcp,10.0.0.9,5000,10.0.0.1,445,PA,100,100
0.002,154,tcp,10.0.0.1,445,10.0.0.9,5000,PA,100,700
0.003,154,tcp,10.0.0.8,5001,10.0.0.1,445,PA,100,300
0.005,154,tcp,10.0.0.9,5000,10.0.0.1,445,PA,200,50
"""


def test_a_captures_requests_are_played() -> None:
    Path("c.csv").write_text(CSV_HEADER.decode() + "\n" + CAPTURE)
    assert figures("kind: replay, trace: c.csv") == {"offered": 3, "completed": 3}
    assert figures("kind: replay, trace: c.csv, timing: {depth: 1}, requests: 2") == {"offered": 2, "completed": 2}
    with pytest.raises(WrongInput, match=r"no client asks for anything at 10\.0\.0\.8"):
        figures("kind: replay, trace: c.csv, server: 10.0.0.8")
    with pytest.raises(WrongInput, match="a capture says itself which requests share a connection"):
        figures("kind: replay, trace: c.csv, requests_per_connection: 3")


def test_a_captures_clients_ask_from_their_addresses() -> None:
    Path("c.csv").write_text(CSV_HEADER.decode() + "\n" + CAPTURE)
    assert figures(f"{OPEN}, addresses: c.csv")["completed"] == 19
    with pytest.raises(WrongInput, match="holds no UDP connection over IPv4"):
        figures(f"{OPEN}, addresses: c.csv, protocol: udp")


def test_a_logs_requests_are_played_by_its_clients() -> None:
    line = '{} - - [17/May/2015:10:05:00 +0000] "GET / HTTP/1.1" 200 {} "-" "-"\n'
    Path("access.log").write_text(line.format("a", 10) + line.format("b", 20) + line.format("a", 30))
    load = "kind: replay, trace: access.log, timing: {speedup: 100}, requests_per_connection: 1"
    assert figures(load) == {"offered": 3, "completed": 3}


# ---- what goes wrong -------------------------------------------------------------------------------------------------


def answers(*steps: dict[str, Any]) -> dict[str, Any]:
    """A handler that computes for 10 us and sends, or these steps in place of it; one that overloads its machine may."""
    return {"handlers.work": [*steps] or [{"compute": "10 us"}, {"send": "100 kB"}], "overloads": True}


def test_a_client_that_stops_reading_leaves_its_requests_in_flight() -> None:
    """The first answer of each connection does not fit its window of 64 KiB; those behind it wait for it."""
    assert figures(f"{OPEN}, reads: nothing", answers()) == {"offered": 19, "in_flight": 19}
    three = figures("kind: closed, clients: 3, reads: 250 kB", answers())
    assert three == {"offered": 9, "completed": 6, "in_flight": 3}


def test_connections_that_find_the_backlog_full_are_refused() -> None:
    steps = {"accept": {"posted": 1, "backlog": 2}}, {"compute": "100 us"}, {"send": "100 B"}
    load = "kind: closed, clients: 50, think: 30 ms, requests_per_connection: 1"
    changes = answers(*steps) | {"workload.web.think": {"uniform": ["1 ms", "1.05 ms"]}}
    found = figures(load, changes | {"run.duration": "1.2 ms"})
    assert found["completed"] >= 3  # one AcceptEx and two places
    assert found["failed"] > 30


def test_datagrams_that_find_no_buffer_of_the_card_are_dropped() -> None:
    small = {"nics.nic0.receive_buffers": 8, "nics.nic0.interrupt_moderation": "100 us", "run.duration": "1 ms"}
    load = "kind: open, rate: 1000000/s, connections: 4, protocol: udp, request: 100 B"
    found = figures(load, answers({"compute": "1 us"}, {"send": "100 B"}) | small)
    assert found["dropped"] > 500
    assert found["completed"] > 100
    assert set(found) == {"offered", "completed", "dropped"}


def test_a_log_says_how_much_is_sent_back() -> None:
    line = 'a - - [17/May/2015:10:05:00 +0000] "GET / HTTP/1.1" 200 {} "-" "-"\n'
    Path("access.log").write_text(line.format(30_000) + line.format(20_000))
    it = iosim.run(scenario("kind: replay, trace: access.log, request: 200 B", answers({"send": "logged"})))
    out = it.summary["nics"]["nic0"]
    assert (
        out["bytes_out_per_s"]["value"] / out["frames_out_per_s"]["value"] > 1000
    )  # segments of answers, and few ACKs
    assert it.summary["requests"]["completed"] == 2


def test_the_captured_connections_of_smb_multichannel_leave_half_the_processors_idle() -> None:
    """Four real connections hash to processors 2 and 3 of four, with the verification key and the default table."""
    trace = "traces/smb3_multichannel_headers.csv.gz"
    load = f"kind: replay, trace: {trace}, timing: {{speedup: 100}}, requests: 250"
    it = iosim.run(scenario(load, {"machine.cores_per_node": 4}))
    frames = [it.summary["nics"]["nic0"]["processors"][str(number)]["frames_per_s"]["value"] for number in range(4)]
    assert frames[:2] == [0, 0]
    assert min(frames[2:]) > 0
