"""What a request asks of every resource, and the bounds that follow, against what runs of bundled scenarios use."""

from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim.demands import described
from iosim.scenario.loader import Scenario, load
from iosim.theory import closed_network

TWO = """\
version: 1
scenario: two
machine: {cores_per_node: 4, kernel: {remove: 1 us, post: 2 us, call: 3 us, irp: 4 us}}
locks: {one: {}}
disks: {flash: {kind: nvme, units: 8, read: 80 us, program: 300 us}}
volumes: {data: {disk: flash}}
files: {rows: {volume: data, size: 1 GiB}}
ports: {main: {concurrency: 0}, second: {concurrency: 2}}
pools: {workers: {port: main, threads: 3/processor}, others: {port: second, threads: 5}}
handlers:
  page: [{compute: 20 us}, {read: {file: rows, size: 8 KiB}}, {post: {port: second}}, {compute: {exponential: 50 us}}]
  ask: [{compute: 10 us}, {block: 400 us}, {lock: {name: one, hold: 5 us}}]
workload:
  pages: {kind: open, port: main, handler: page, rate: 2000/s}
  asks: {kind: open, port: main, handler: ask, rate: 1000/s}
"""


@pytest.fixture
def two(tmp_path: Path) -> Scenario:
    path = tmp_path / "two.yaml"
    path.write_text(TWO, encoding="utf-8")
    return load(path)


def test_a_request_s_demands_are_added_up_step_by_step(two: Scenario) -> None:
    """The way down of a read: call 3 + IRP 4 + drivers 3.3 + two pages 0.2 us; two dies for 80 us."""
    found = described(two)
    pages, asks = found.classes["pages"].resources, found.classes["asks"].resources
    assert pages["processors"] == pytest.approx(1000 * (1 + 20 + 7 + 3.3 + 0.2 + 2 + 1 + 50))
    assert pages["disks.flash"] == pytest.approx(160_000)
    assert pages["ports.second"] == pages["threads.second"] == pytest.approx(51_000)
    assert asks == pytest.approx({"processors": 16_000, "threads.main": 416_000, "locks.one": 5000})
    assert found.classes["asks"].alone == 416_000
    assert found.classes["pages"].alone == pytest.approx(pages["processors"] + 85_000)
    servers = {"processors": 4, "threads.main": 12, "ports.second": 2, "threads.second": 5, "locks.one": 1}
    assert found.servers == servers | {"disks.flash": 8, "disks.flash.link": 1, "disks.flash.controller": 1}


def test_of_a_drive_dies_link_and_controller_are_asked_for_each_command(two: Scenario) -> None:
    """A part of a page takes its die as long as a whole one; bytes take the link, commands the controller."""
    faster = two.with_set({"disks.flash.bandwidth": "4 GB/s"})
    asked = described(faster).classes["pages"].resources
    assert asked["disks.flash.link"] == pytest.approx(8192 / 4, rel=1e-3)
    assert asked["disks.flash.controller"] == 0
    small = described(faster.with_set({"handlers.page[1].read.size": "512 B"})).classes["pages"].resources
    assert small["disks.flash"] == pytest.approx(80_000)
    assert small["disks.flash.link"] == pytest.approx(512 / 4, rel=1e-3)


def test_the_limit_of_a_port_whose_threads_block_is_no_bound(two: Scenario) -> None:
    """A thread that blocked and woke runs beyond it."""
    assert "ports.main" not in described(two).servers


def test_the_highest_rate_of_a_class_leaves_the_others_theirs(two: Scenario) -> None:
    found = described(two)
    rate, full = found.most("asks")
    assert full == "threads.main"
    assert rate == pytest.approx((12 - 2000 / 1e9 * found.classes["pages"].resources["threads.main"]) / 416_000 * 1e9)
    assert found.of_class("pages").bottleneck == "ports.second"
    assert next(iter(found.loads())) == "disks.flash" or found.loads()["ports.second"] == pytest.approx(0.051)


def test_without_demands_nothing_is_bounded() -> None:
    found = described(load("trace-replay"))
    assert found.most("search") == (float("inf"), "")


@pytest.mark.parametrize("name", ["head-of-line", "thread-thrashing", "nvme-queues", "filter-tax", "async-turns-sync"])
def test_the_demands_of_bundled_scenarios_are_lower_bounds_of_what_runs_use(name: str) -> None:
    it = load(name, {"run.replications": 2, "run.duration": "100 ms"})
    summary: dict[str, Any] = iosim.run(it, study=False, jobs=1).summary
    used = summary["processors"]["utilization"]["value"] * it.model.machine.processors
    surely = sum(
        figures["throughput_per_s"]["value"] / 1e9 * described(it).classes[label].resources["processors"]
        for label, figures in summary["classes"].items()
    )
    assert 0.2 * used < surely <= 1.05 * used


def test_bounds_and_product_form_enclose_a_closed_load(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    load_ = "  all: {kind: closed, port: main, handler: ask, clients: 40, think: 1 ms}\n"
    path.write_text(TWO[: TWO.index("  pages: {kind")] + load_, encoding="utf-8")
    it = described(load(path)).classes["all"]
    bound = described(load(path)).of_class("all")
    assert (it.clients, it.think) == (40, 1e6)
    assert bound.bottleneck == "threads.main"
    best = closed_network(40, it.think, [it.resources["threads.main"]], [12])
    assert best.throughput <= bound.throughput(it.clients, it.think)


NET = """version: 1
scenario: card
machine: {cores_per_node: 2, kernel: {remove: 0 ns}, tcp: {receive: 1 us, segment: 0 ns}}
nics: {nic0: {link: 10 Gbit/s, rsc: false, costs: {receive: 350 ns}}}
ports: {main: {}}
pools: {workers: {port: main, threads: 2}}
handlers: {take: [{compute: 5 us}]}
workload: {feed: {kind: open, nic: nic0, rate: 2000/s, connections: 16, request: 14600 B, handler: take}}
run: {duration: 50 ms, warm_up: 5 ms, replications: 2}
"""


@pytest.mark.parametrize(
    ("protocol", "request_size", "frames", "headers"),
    [
        ("tcp", "14600 B", 10, 54),
        ("tcp", {"uniform": ["1 B", "2919 B"]}, 1, 54),
        ("tcp", "2190 B", 1.5, 54),
        ("udp", "14600 B", 1, 42),
    ],
)
def test_a_datagram_is_one_frame_and_a_stream_no_fewer_than_its_mean_fills(
    tmp_path: Path, protocol: str, request_size: Any, frames: float, headers: int
) -> None:
    """Segments rounded up from the mean would be no lower bound: most sizes may lie below it."""
    path = tmp_path / "card.yaml"
    path.write_text(NET)
    load = iosim.load(path, set={"workload.feed.protocol": protocol, "workload.feed.request": request_size})
    found = described(load).classes["feed"].resources
    size = load.model.workload["feed"].request.mean()
    assert found["processors"] == pytest.approx(5_000 + frames * (350 + 1_000))
    assert found["nics.nic0.link_in"] == pytest.approx((size + frames * (headers + 24)) * 0.8)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_the_demands_of_load_over_a_card_are_lower_bounds_of_what_runs_use(tmp_path: Path, protocol: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(NET)
    load = iosim.load(path, set={"workload.feed.protocol": protocol})
    summary: dict[str, Any] = iosim.run(load, jobs=1).summary
    used = summary["processors"]["utilization"]["value"] * load.model.machine.processors
    surely = summary["throughput_per_s"]["value"] / 1e9 * described(load).classes["feed"].resources["processors"]
    assert 0.2 * used < surely <= used
