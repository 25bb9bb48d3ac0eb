"""Where a card's buffers lie matters to service routines, DPCs and workers, by as much as the nodes' memory is apart."""

from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim.errors import WrongInput
from iosim.numa import NodeMemory, Topology

BASE = """
version: 1
machine: {numa_nodes: 2, cores_per_node: 1, memory: {nodes: {}}}
nics: {nic0: {interrupt_moderation: off, rss: {enabled: false}}}
ports: {p: {}}
pools: {workers: {port: p, threads: 1, affinity: processor}}
handlers: {work: [{recv: {}}, {compute: {time: 10 us, touching: {request: 4 KiB}}}, {send: request}]}
workload:
  web: {kind: closed, nic: nic0, clients: 1, think: 1 ms, handler: work, request: 1000 B, round_trip: 100 us}
run: {duration: 5 ms, warm_up: 0 s, replications: 1}
"""
FAR = {"nics.nic0.buffer_node": 1}
ZERO_BYTE = {"handlers.work[0].recv.zero_byte": True}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(changes: dict[str, Any]) -> iosim.Scenario:
    Path("nodes.yaml").write_text(BASE)
    return iosim.load("./nodes.yaml", set=changes)


def summary(changes: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = iosim.run(loaded(changes)).summary
    return found


def remote(changes: dict[str, Any]) -> float:
    value: float = summary(changes)["latency_causes_ns"]["remote_memory"]["value"]
    return value


def line(lines: int, latency: int) -> int:
    """So many lines in a row, ten under way at once; no link is as slow."""
    return latency + (lines - 1) * latency // 10


COPY = line(16, 140) - line(16, 78)  # ns more for 1000 bytes of another node
WORK = line(64, 140) - line(64, 78)  # and for the 4 KiB that the program works on
CHASED = 140 - 78  # and for one line


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 0),
        (FAR, CHASED + 2 * CHASED + COPY),
        ({**FAR, "nics.nic0.rss.base_processor_number": 1}, WORK),
        ({"nics.nic0.rss.base_processor_number": 1}, WORK),
        ({**FAR, **ZERO_BYTE}, CHASED + 2 * CHASED + COPY),
    ],
)
def test_a_request_pays_for_every_line_that_lies_on_another_node(changes: dict[str, Any], expected: int) -> None:
    """The worker runs on node 0. The service routine takes a line, the DPC a descriptor and a header.

    A posted receive is filled by the DPC, so that the program finds its bytes at the DPC's node; one of no bytes leaves them
    in the card's buffer, from which the worker copies them to its own node.
    """
    assert remote(changes) == expected


def test_what_is_paid_for_remote_memory_is_all_that_it_adds() -> None:
    """The card's own way to its buffers, longer by the distance too, is told as dma and link."""
    prices: tuple[dict[str, int] | None, ...] = ({}, None)
    causes = [summary({**FAR, "machine.memory.nodes": nodes})["latency_causes_ns"] for nodes in prices]
    with_price, without = ({name: it["value"] for name, it in each.items()} for each in causes)
    paid = with_price.pop("remote_memory")
    assert without.pop("remote_memory") == 0
    assert paid > 0
    assert with_price == without


def test_without_the_section_a_run_is_as_it_was() -> None:
    """And with it, as long as nothing is remote."""
    plain = summary({"machine.memory.nodes": None})
    assert plain["numa"] == {}
    assert summary({})["fingerprint"] == plain["fingerprint"]


def test_the_price_vanishes_where_other_nodes_are_as_near_as_the_own_one() -> None:
    near = {"machine.memory.nodes": {"remote": "78 ns", "link": "113.1 GB/s"}}
    assert remote({**FAR, **near}) == 0


@pytest.mark.parametrize("nodes", [{"remote": "143 ns"}, {"latencies": [["78 ns", "143 ns"], ["143 ns", "78 ns"]]}])
def test_measured_latencies_take_the_place_of_distances(nodes: dict[str, Any]) -> None:
    expected = 3 * (143 - 78) + line(16, 143) - line(16, 78)
    assert remote({**FAR, "machine.memory.nodes": nodes}) == expected


def test_bytes_are_counted_at_the_node_where_they_lie() -> None:
    """Of each of four requests: two lines and 16 by the DPC from node 1; 64 by the worker from node 0."""
    found = summary({**FAR, "run.duration": "5 ms"})
    served = found["requests"]["completed"]
    rates = {node: {name: it["value"] for name, it in figures.items()} for node, figures in found["numa"].items()}
    assert served == 4
    assert rates["0"]["local_bytes_per_s"] * 5e-3 == pytest.approx(served * 4096)
    assert rates["0"]["remote_bytes_per_s"] == rates["1"]["local_bytes_per_s"] == 0
    assert rates["1"]["remote_bytes_per_s"] * 5e-3 >= served * (2 * 64 + 1000)  # acknowledgements have headers, too


def test_a_node_that_is_asked_for_more_than_it_gives_makes_everybody_wait() -> None:
    """At 1 GB/s the program's 64 KiB take 66 us at best; those who come meanwhile wait, and the node is busy."""
    slow: dict[str, Any] = {
        "machine.memory.nodes": {"bandwidth": "1 GB/s"},
        "machine.cores_per_node": 4,
        "pools.workers.threads": 4,
    }
    slow |= {"handlers.work[1].compute.touching.request": "64 KiB", "workload.web.think": "0 s"}
    alone, together = (summary({**slow, "workload.web.clients": clients}) for clients in (1, 4))
    assert alone["latency_causes_ns"]["remote_memory"]["value"] == 0
    assert together["latency_causes_ns"]["remote_memory"]["value"] > 66_000
    node = together["numa"]["0"]
    share = node["bandwidth_share"]["value"]
    assert 0.9 < share <= 1
    asked = node["local_bytes_per_s"]["value"] + node["remote_bytes_per_s"]["value"]
    assert share <= asked / 1e9 * 1.02  # whole lines are given


def test_the_time_that_a_node_gives_lines_is_counted_up_to_now() -> None:
    memory = NodeMemory(Topology(2, 1), bandwidth=64_000_000)  # a line a microsecond
    memory.stream_excess(0, 640, 0, 1)
    memory.stream_excess(4_000, 640, 1, 1)
    assert [memory.busy(now, 1) for now in (4_000, 10_000, 20_000, 30_000)] == [4_000, 10_000, 20_000, 20_000]
    assert (list(memory.near), list(memory.far)) == ([0, 640], [0, 640])
    assert memory.busy(30_000, 0) == 0


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"remote": "70 ns"}, "memory.nodes.remote: less than 'latency'"),
        ({"peak": "1 GB/s"}, "memory.nodes.peak: less than 'bandwidth'"),
        ({"latencies": [["78 ns"]]}, "memory.nodes.latencies: 1 rows for 2 NUMA nodes"),
        ({"latencies": [["78 ns", "143 ns"], ["143 ns"]]}, r"latencies\[1\]: 1 latencies in a matrix of 2 rows"),
        ({"latencies": [["78 ns", "70 ns"], ["143 ns", "78 ns"]]}, r"latencies\[0\]\[1\]: less than node 0's own"),
        ({"latencies": [["78 ns", "0 ns"], ["143 ns", "78 ns"]]}, r"latencies\[0\]\[1\]: a latency above 0"),
        (
            {"remote": "143 ns", "latencies": [["78 ns", "143 ns"], ["143 ns", "78 ns"]]},
            "memory.nodes.remote: goes without 'latencies'",
        ),
    ],
)
def test_memory_that_cannot_be_is_refused_at_its_key(nodes: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongInput, match=message):
        loaded({"machine.memory.nodes": nodes})
