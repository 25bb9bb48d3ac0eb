"""Requests that come over a card, through receives that were posted, to a worker and back: end to end, by the nanosecond."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import iosim
from iosim.clock import CLOCKS
from iosim.errors import WrongInput

# Every cost is another number, so that a sum tells what it is made of.
TINY = """\
version: 1
machine:
  cores_per_node: 1
  dispatcher: {context_switch: 1 us}
  kernel: {call: 100 ns, remove: 200 ns, irp: 30 ns, page_lock: 7 ns, copy: 1 GB/s, dpc_footprint: 0 B}
  tcp: {segment: 600 ns, receive: 700 ns, afd: 50 ns}
nics:
  nic0:
    link: 1 Gbit/s
    interrupt_moderation: off
    dma: 400 ns
    bus: 8 Gbit/s
    costs: {isr: 500 ns, dpc: 210 ns, receive: 350 ns, transmit: 490 ns}
ports: {main: {}}
pools: {workers: {port: main, threads: 1}}
handlers: {echo: [{accept: {no_delay: true}}, {compute: 15 us}, {send: 200 B}]}
workload: {web: {kind: closed, nic: nic0, clients: 1, think: 10 ms, round_trip: 100 us, request: 500 B, handler: echo}}
run: {duration: 25 ms, warm_up: 0 s, replications: 1}
"""
TCP_HEADERS, UDP_HEADERS, ETHERNET = 54, 42, 24  # bytes; what Ethernet adds on the wire
COPY, BIT = 1, 8  # ns a byte, copied and on the wire


def of(changes: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    summary: dict[str, Any] = iosim.run(iosim.load("./tiny.yaml", set=changes or {}), **options).summary
    return summary


def causes(summary: dict[str, Any]) -> dict[str, int]:
    return {name: it["value"] for name, it in summary["latency_causes_ns"].items() if it["value"]}


def value(summary: dict[str, Any], path: str) -> float:
    found: Any = summary
    for part in path.split("."):
        found = found[part]
    return float(found["value"])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_nanosecond_of_an_echo_has_its_cause() -> None:
    summary = of()
    arriving, leaving = 500 + TCP_HEADERS, 200 + TCP_HEADERS
    into_memory, out_of_memory = 400 + arriving, 400 + leaving  # 1 ns a byte
    dpc = 210 + 350 + 700 + 500 * COPY  # the driver, TCP, the copy into the receive that was posted
    send = 100 + 200 * COPY + 600 + 490  # the call, the copy into AFD's buffer, TCP, the driver
    expected = {
        "propagation": 100_000,
        "link": (arriving + ETHERNET + leaving + ETHERNET) * BIT + out_of_memory,
        "dma": into_memory,
        "dpc_wait": 500,  # the service routine
        "kernel": dpc + 200 + 30 + send,  # removal of the packet, its IRP's end
        "wake_and_switch": 1000,
        "user": 15_000,
    }
    assert causes(summary) == expected
    assert value(summary, "latency_ns.mean") == value(summary, "latency_ns.max") == sum(expected.values())
    assert summary["requests"]["completed"] == 2
    card = summary["nics"]["nic0"]
    assert value(card, "interrupts_per_s") * 0.025 == 4  # each request's frame, and the answer that has left
    assert value(card, "bytes_in_per_s") * 0.025 == 2 * arriving
    assert value(card, "bytes_out_per_s") * 0.025 == 2 * leaving
    assert value(card, "link_in_share") * 25_000_000 == 2 * (arriving + ETHERNET) * BIT


def test_so_it_is_with_a_datagram_which_is_received_and_sent_by_irps() -> None:
    load = {"workload.web.protocol": "udp", "handlers.echo": [{"compute": "15 us"}, {"send": "200 B"}]}
    summary = of(load)
    arriving, leaving = 500 + UDP_HEADERS, 200 + UDP_HEADERS
    send = 100 + 30 + 7 + 50 + 200 * COPY + 600 + 490
    found = causes(summary)
    assert found["kernel"] == 210 + 350 + 700 + 500 * COPY + 200 + 30 + send
    assert found["link"] == (arriving + leaving + 2 * ETHERNET) * BIT + 400 + leaving
    assert sum(found.values()) == value(summary, "latency_ns.mean")


def test_a_moderated_card_brings_frames_in_batches() -> None:
    """100,000 frames a second, one interrupt in 100 us at most: 10 frames each, which waited for half of that."""
    load = {
        "workload.web": {
            "kind": "open",
            "nic": "nic0",
            "rate": "100000/s",
            "arrivals": "constant",
            "connections": 50,
            "protocol": "udp",
            "handler": "echo",
            "request": "100 B",
        },
        "nics.nic0.interrupt_moderation": "100 us",
        "handlers.echo": [{"compute": "1 us"}, {"send": "10 B"}],
        "run.duration": "5 ms",
    }
    summary = of({**load, "run.warm_up": "1 ms"})
    assert 9_000 < value(summary, "nics.nic0.interrupts_per_s") <= 10_000
    assert value(summary, "nics.nic0.frames_per_interrupt") == pytest.approx(10, rel=0.1)
    assert 30_000 < causes(summary)["moderation"] < 70_000
    assert value(summary, "nics.nic0.ring_max") >= 10


def test_datagrams_that_find_no_descriptor_are_dropped_requests() -> None:
    load = {
        "workload.web": {
            "kind": "open",
            "nic": "nic0",
            "protocol": "udp",
            "rate": "100000/s",
            "arrivals": "constant",
            "connections": 50,
            "handler": "echo",
            "request": "100 B",
        },
        "nics.nic0.interrupt_moderation": "100 us",
        "nics.nic0.receive_buffers": 4,
        "handlers.echo": [{"compute": "1 us"}, {"send": "10 B"}],
        "run.duration": "5 ms",
    }
    summary = of(load)
    requests = summary["requests"]
    assert requests["dropped"] > requests["offered"] // 2
    assert requests["offered"] == requests["completed"] + requests["dropped"] + requests["in_flight"]
    assert value(summary, "nics.nic0.dropped_per_s") * 0.005 == pytest.approx(requests["dropped"], abs=10)


def test_an_echo_is_the_same_on_every_clock_and_another_with_another_seed() -> None:
    changes = {"run.duration": "3 ms", "run.warm_up": "0 s", "run.replications": 1}
    scenario = iosim.load("echo-server", set=changes)
    prints = {clock: iosim.run(scenario, clock=clock).summary["fingerprint"] for clock in CLOCKS}
    assert len(set(prints.values())) == 1
    assert iosim.run(scenario, seed=2).summary["fingerprint"] not in prints.values()


def test_what_an_answer_holds_may_be_the_request_or_what_was_read_last() -> None:
    """Bytes of frames that left, 54 of headers each: 2 requests of 500 B, or 2 reads of 300 B."""
    assert value(of({"handlers.echo[2].send": "request"}), "nics.nic0.bytes_out_per_s") * 0.025 == 2 * 554
    read = {
        "disks": {"d": {"preset": "nvme-datacentre-flash"}},
        "volumes": {"v": {"disk": "d"}},
        "files": {"f": {"volume": "v", "size": "1 MiB"}},
        "handlers.echo": [
            {"accept": {"no_delay": True}},
            {"read": {"file": "f", "size": "300 B"}},
            {"send": "last_read"},
        ],
    }
    summary = of(read)
    assert value(summary, "nics.nic0.bytes_out_per_s") * 0.025 == 2 * 354
    assert causes(summary)["device_service"] > 50_000


def test_a_file_is_sent_by_the_kernel_and_the_connection_ended() -> None:
    changes = {
        "disks": {"d": {"preset": "nvme-datacentre-flash"}},
        "volumes": {"v": {"disk": "d"}},
        "files": {"f": {"volume": "v", "size": "10 KiB"}},
        "handlers.echo": [{"accept": {"no_delay": True}}, "recv", {"transmit_file": {"file": "f"}}, "disconnect"],
        "workload.web.requests_per_connection": 1,
    }
    summary = of(changes)
    assert summary["requests"]["completed"] == 2
    assert value(summary, "nics.nic0.bytes_out_per_s") * 0.025 > 2 * 10 * 1024


@pytest.mark.parametrize(
    ("steps", "load", "message"),
    [
        (
            "[compute: 1 us, accept]",
            "",
            "only as first step: connections come before requests do",
        ),
        ("[send: 1 B, recv]", "", "only as first step, or behind 'accept'"),
        ("[send: last_read]", "", "there is no 'read' before this step"),
        (
            "[send: logged]",
            "",
            "only a replay of a capture or log knows what was sent then",
        ),
        ("[send: reqest]", "", "'reqest' is not one of request, last_read, logged, nor a size like '4 KiB'"),
        ("[send: 1 B, disconnect]", "protocol: udp, ", "datagrams have no connection"),
        ("[send: 64 KiB]", "protocol: udp, ", "a datagram has at most"),
        ("[transmit_file: {file: g}]", "", "handlers.echo[0].transmit_file.file: no file 'g'"),
        (
            "[transmit_file: {file: f, size: 2 MiB}]",
            "",
            "handlers.echo[0].transmit_file.size: reaches 2 MiB into a file of",
        ),
        ("[transmit_file: {file: f, offset: 1 MiB}]", "", "handlers.echo[0].transmit_file.offset: reaches"),
        (
            "[post: {port: each}]",
            "",
            "handlers.echo[0].post.port: load over a card can't go to 'each', a port for each",
        ),
    ],
)
def test_steps_on_sockets_that_cannot_be_are_told_with_their_place(steps: str, load: str, message: str) -> None:
    tree = yaml.safe_load(TINY.replace("moderation: off", "moderation: 'off'"))
    tree["handlers"]["echo"] = yaml.safe_load(steps)
    tree["workload"]["web"] |= yaml.safe_load(f"{{{load}}}")
    tree |= {"disks": {"d": {"preset": "nvme-datacentre-flash"}}, "volumes": {"v": {"disk": "d"}}}
    tree |= {"files": {"f": {"volume": "v", "size": "1 MiB"}}}
    tree["ports"]["each"] = {"per": "processor"}
    tree["pools"]["eachs"] = {"port": "each", "threads": 1}
    tree["workload"]["web"]["port"] = "main"
    Path("wrong.yaml").write_text(yaml.dump(tree), encoding="utf-8")
    with pytest.raises(WrongInput) as wrong:
        iosim.load("./wrong.yaml")
    assert message in str(wrong.value)


def test_a_step_on_a_socket_needs_load_over_a_card() -> None:
    text = TINY.replace("nic: nic0, ", "port: main, ").replace("round_trip: 100 us, request: 500 B, ", "")
    Path("wrong.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(WrongInput) as wrong:
        iosim.load("./wrong.yaml")
    assert "only load over a card ('nic') has a socket; workload 'web' is not one" in str(wrong.value)
