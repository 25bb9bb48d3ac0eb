"""Cards that fail, clients that misbehave: requests end as they should, and all laws hold (every run checks them)."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

import iosim
from iosim.clock import CLOCKS
from iosim.errors import WrongInput

ENDS = ("completed", "failed", "cancelled", "dropped", "in_flight")
TREE: dict[str, Any] = {
    "version": 1,
    "machine": {"cores_per_node": 2, "tcp": {"minimum_rto": "1 ms", "initial_rto": "1 ms"}},
    "nics": {"nic0": {"interrupt_moderation": "20 us"}},
    "ports": {"p": {}},
    "pools": {"workers": {"port": "p", "threads": 4}},
    "handlers": {"work": [{"accept": {"no_delay": True}}, "recv", {"compute": "10 us"}, {"send": "2 KiB"}]},
    "workload": {},
    "run": {"duration": "10 ms", "warm_up": "0 s", "replications": 1},
}
OPEN = {"kind": "open", "rate": "20000/s", "connections": 10, "round_trip": "100 us"}
UDP = {**OPEN, "protocol": "udp"}
DATAGRAMS = {"handlers.work": ["recv", {"compute": "10 us"}, {"send": "1 KiB"}]}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def scenario(load: dict[str, Any], changes: dict[str, Any] | None = None, fault: dict[str, Any] | None = None) -> Any:
    tree = {**TREE, "workload": {"web": {"nic": "nic0", "handler": "work", **load}}}
    if fault:
        tree["faults"] = {"fault": {"nic": "nic0", **fault}}
    Path("faulty.yaml").write_text(yaml.dump(tree), encoding="utf-8")
    return iosim.load("./faulty.yaml", set=changes or {})


def run(load: dict[str, Any], changes: dict[str, Any] | None = None, fault: dict[str, Any] | None = None) -> Any:
    """The summary; requests are accounted for."""
    summary = iosim.run(scenario(load, changes, fault)).summary
    requests = summary["requests"]
    assert requests["offered"] == sum(requests[end] for end in ENDS)
    return summary


def down(at: str, duration: str | None = None, kind: str = "link_down") -> dict[str, Any]:
    return {"kind": kind, "at": at} | ({"for": duration} if duration else {})


@pytest.mark.parametrize("kind", ["link_down", "nic_reset"])
def test_requests_over_connections_outlive_an_outage_and_are_late(kind: str) -> None:
    summary = run(OPEN, fault=down("4 ms", "2 ms", kind))
    requests = summary["requests"]
    assert requests["completed"] == requests["offered"]
    assert summary["latency_ns"]["max"]["value"] > 2_000_000
    assert summary["nics"]["nic0"]["retransmitted"]["value"] > 0
    assert run(OPEN)["latency_ns"]["max"]["value"] < 1_000_000


@pytest.mark.parametrize("kind", ["link_down", "nic_reset"])
def test_datagrams_of_an_outage_are_dropped_requests(kind: str) -> None:
    """20,000 a second for 2 ms are 40, and some that were on their way."""
    requests = run(UDP, DATAGRAMS, down("4 ms", "2 ms", kind))["requests"]
    assert 20 < requests["dropped"] < 80
    assert requests["completed"] + requests["dropped"] == requests["offered"]


def test_what_lay_in_a_ring_at_a_reset_is_dropped_and_counted_once() -> None:
    """20 datagrams a millisecond and an interrupt in one: a dozen or so lie in the rings."""
    slow = {**DATAGRAMS, "nics.nic0.interrupt_moderation": "1 ms"}
    lost = [run(UDP, slow, down("4900 us", "1 us", kind))["requests"]["dropped"] for kind in ("nic_reset", "link_down")]
    assert 5 < lost[0] - lost[1] < 40


def test_a_link_that_stays_down_leaves_connections_waiting_and_drops_datagrams() -> None:
    summary = run(OPEN, fault=down("5 ms"))
    assert summary["requests"]["in_flight"] > 50
    requests = run(UDP, DATAGRAMS, down("5 ms"))["requests"]
    assert requests["dropped"] > 50
    assert not requests["in_flight"]


def test_an_outage_is_the_same_on_every_clock() -> None:
    faulty = scenario(OPEN, fault=down("4 ms", "2 ms", "nic_reset"))
    assert len({iosim.run(faulty, clock=clock).summary["fingerprint"] for clock in CLOCKS}) == 1


def test_what_a_small_ring_drops_is_sent_again_over_connections_and_lost_without() -> None:
    ring = {"nics.nic0.receive_buffers": 2, "nics.nic0.interrupt_moderation": "200 us"}
    summary = run(OPEN, ring)
    assert summary["nics"]["nic0"]["dropped_per_s"]["value"] > 0
    assert summary["requests"]["failed"] == 0
    assert summary["latency_causes_ns"]["retransmit"]["value"] > 0
    assert run(UDP, {**DATAGRAMS, **ring})["requests"]["dropped"] > 0


def test_a_client_that_stops_reading_stops_its_own_answers_only() -> None:
    small = {"machine.tcp.receive_buffer": "8 KiB"}
    assert run({**OPEN, "reads": "8 KiB"}, small)["requests"]["in_flight"] > 100
    scenario({**OPEN, "rate": "5000/s", "reads": "8 KiB"})
    tree = yaml.safe_load(Path("faulty.yaml").read_text(encoding="utf-8"))
    tree["workload"]["good"] = {"nic": "nic0", "handler": "work", **OPEN}
    tree["machine"]["tcp"]["receive_buffer"] = "8 KiB"
    Path("both.yaml").write_text(yaml.dump(tree), encoding="utf-8")
    requests = iosim.run(iosim.load("./both.yaml")).summary["classes"]["good"]["requests"]
    assert requests["completed"] == requests["offered"]


def test_a_request_that_drips_in_is_late_by_its_drips() -> None:
    """Eight pieces, 200 us apart: 1.4 ms, and no worker waits meanwhile."""
    summary = run(
        {**OPEN, "rate": "2000/s", "connections": 100, "request": "80 B", "pieces": {"size": "10 B", "gap": "200 us"}}
    )
    requests = summary["requests"]
    assert requests["completed"] == requests["offered"]
    assert 1_500_000 < summary["latency_ns"]["mean"]["value"] < 2_500_000
    assert summary["latency_causes_ns"]["remote_peer"]["value"] > 1_300_000
    assert summary["ports"]["p"]["active_mean"]["value"] < 0.3


def test_connections_beyond_the_backlog_are_refused_and_their_requests_fail() -> None:
    crowd = {"kind": "closed", "clients": 50, "think": "100 us", "requests_per_connection": 1, "round_trip": "100 us"}
    tight = {"handlers.work[0].accept": {"posted": 1, "backlog": 1}}
    summary = run(crowd, tight)
    assert summary["requests"]["failed"] > 0
    assert run(crowd, {"handlers.work[0].accept": {"posted": 50}})["requests"]["failed"] == 0


def drawn(draw: random.Random) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]:
    """A load, settings and a fault."""
    udp = draw.random() < 0.25
    load: dict[str, Any] = {
        "round_trip": draw.choice(["0 s", "50 us", "300 us"]),
        "request": draw.choice(["1 B", "600 B", "5 KiB"]),
    }
    if draw.random() < 0.5:
        load |= {"kind": "open", "rate": draw.choice(["5000/s", "40000/s"]), "connections": draw.choice([1, 7, 40])}
    else:
        load |= {"kind": "closed", "clients": draw.choice([1, 8, 30]), "think": {"exponential": "200 us"}}
    if udp:
        load |= {"protocol": "udp"}
    else:
        spice: list[dict[str, Any]] = [
            {"requests_per_connection": draw.choice([1, 3])},
            {"reads": draw.choice(["nothing", "10 KiB"])},
            {"pieces": {"size": "100 B", "gap": "30 us"}},
            {"resets": {"share": 0.2, "after": draw.choice(["0 s", "60 us", "150 us"])}},
        ]
        for each in spice:
            if draw.random() < 0.35:
                load |= each
    settings: dict[str, Any] = {
        "run.duration": "4 ms",
        "machine.cores_per_node": draw.choice([1, 2, 4]),
        "nics.nic0.receive_buffers": draw.choice([2, 8, 512]),
        "nics.nic0.transmit_buffers": draw.choice([4, 512]),
        "nics.nic0.rsc": draw.random() < 0.5,
        "nics.nic0.dpc_budget": draw.choice([0, 2]),
        "nics.nic0.interrupt_moderation": draw.choice(["off", "50 us", "adaptive"]),
    }
    if udp:
        settings |= DATAGRAMS
    else:
        settings["handlers.work[0].accept"] = {
            "no_delay": draw.random() < 0.5,
            "posted": draw.choice([1, 8]),
            "backlog": draw.choice([1, 200]),
            "reuse": draw.random() < 0.5,
            "send_buffer": draw.choice(["0 B", "64 KiB"]),
        }
        settings["handlers.work[1]"] = {"recv": draw.choice([{}, {"zero_byte": True}, {"posted": 3, "size": "1 KiB"}])}
    fault = None
    if draw.random() < 0.8:
        kind = draw.choice(["link_down", "nic_reset"])
        duration = draw.choice(["1 us", "300 us", "2 ms"])
        fault = down(draw.choice(["500 us", "1234567 ns"]), duration, kind)
    return load, settings, fault


@pytest.mark.parametrize("seed", range(14))
def test_random_machines_keep_all_laws_through_faults(seed: int) -> None:
    load, settings, fault = drawn(random.Random(seed))
    summary = run(load, {**settings, "run.seed": seed}, fault)
    assert summary["requests"]["offered"] > 0


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (down("20 ms", "1 ms"), "faults.fault.at: the run has ended by then: 'duration' and warm-up come to 10 ms"),
        ({**down("1 ms"), "nic": "nic1"}, "faults.fault.nic: no network card 'nic1'; did you mean 'nic0'?"),
        ({**down("1 ms"), "disk": "d"}, "faults.fault.disk"),
        (down("1 ms", "0 s"), "faults.fault.for"),
    ],
)
def test_faults_of_cards_that_cannot_be_are_told(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongInput) as wrong:
        scenario(OPEN, fault=fault)
    assert message in str(wrong.value)


def test_a_link_cannot_go_down_while_it_is_down() -> None:
    scenario(OPEN, fault=down("1 ms", "2 ms"))
    tree = yaml.safe_load(Path("faulty.yaml").read_text(encoding="utf-8"))
    tree["faults"]["again"] = {"nic": "nic0", **down("3 ms", "1 ms")}
    Path("twice.yaml").write_text(yaml.dump(tree), encoding="utf-8")
    with pytest.raises(WrongInput) as wrong:
        iosim.load("./twice.yaml")
    assert "faults.again.at: the link of 'nic0' is down then: see 'fault'" in str(wrong.value)
