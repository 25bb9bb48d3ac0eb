"""The regime that a run is told to have: steady, unstable for one of two reasons, undecided for one of two, or none."""

from pathlib import Path
from typing import Any

import pytest

import iosim

PORT = """\
version: 1
scenario: port
machine: {cores_per_node: 2, dispatcher: {context_switch: 0 ns}, kernel: {remove: 0 ns, post: 0 ns}}
ports: {main: {concurrency: 2}}
pools: {workers: {port: main, threads: 2}}
disks: {one: {kind: nvme, units: 8, read: 50 us, program: 50 us}}
volumes: {data: {disk: one, cache: 64 MiB}}
files: {table: {volume: data, size: 16 MiB, access: cached, read_ahead: 0 B}}
handlers: {serve: [{compute: {exponential: 100 us}}]}
workload: {all: {kind: open, port: main, handler: serve, rate: 10000/s}}
run: {duration: 400 ms, warm_up: 40 ms, replications: 5}
"""
BLOCKS = {"handlers.serve": [{"block": "1 ms"}]}  # two threads: 2,000 a second, and processors have nothing to do
FILLS = {
    "handlers.serve": [{"read": {"file": "table", "size": "4 KiB"}}],
    "workload.all.rate": "4000/s",
    "run.warm_up": None,
}


@pytest.fixture
def summary(tmp_path: Path) -> Any:
    path = tmp_path / "port.yaml"
    path.write_text(PORT)

    def run(changes: dict[str, Any]) -> Any:
        return iosim.run(iosim.load(path, set=changes), jobs=1).summary

    return run


def test_a_load_that_is_carried_is_steady(summary: Any) -> None:
    found = summary({})
    assert (found["regime"]["kind"], found["regime"]["resource"]) == ("steady", "")
    assert found["regime"]["growth_per_s"] is None
    assert not any("regime" in line or "unstable" in line for line in found["warnings"])


def test_more_work_than_processors_have_time_for_is_unstable_by_the_bound(summary: Any) -> None:
    """30,000 a second of 100 us each are three processors."""
    found = summary({"workload.all.rate": "30000/s"})
    assert found["regime"]["kind"] == "unstable"
    assert "processors would need 1" in found["regime"]["reason"]
    assert found["latency_ns"]["mean"]["ci95"] is None
    assert any(line.startswith("unstable at ports.main: processors would need") for line in found["warnings"])


def test_a_queue_that_grows_though_processors_idle_is_unstable_and_named(summary: Any) -> None:
    """1,000 requests a second too many: that is what the queue gains."""
    found = summary({**BLOCKS, "workload.all.rate": "3000/s"})
    assert (found["regime"]["kind"], found["regime"]["resource"]) == ("unstable", "ports.main")
    assert "stayed behind" in found["regime"]["reason"]
    assert found["regime"]["growth_per_s"] == pytest.approx(1000, rel=0.15)


def test_too_short_a_run_is_undecided_and_says_how_long_a_window_may_decide(summary: Any) -> None:
    found = summary({**BLOCKS, "workload.all.rate": "1950/s", "run.duration": "80 ms"})
    assert found["regime"]["kind"] == "undecided"
    assert "times as long may decide" in found["regime"]["reason"]
    assert any(line.startswith("regime undecided:") for line in found["warnings"])


def test_a_cache_that_fills_past_half_of_the_run_is_undecided(summary: Any) -> None:
    """Its misses are the slowest state, and whoever misses is longer in the system; latency plays no part."""
    found = summary(FILLS)
    assert found["regime"]["kind"] == "undecided"
    assert "warm-up: in_system, volumes.data.misses had not settled in the first half" in found["regime"]["reason"]
    assert found["warm_up_ns"] == pytest.approx(found["simulated_ns"] / 2, rel=0.01)


def test_two_replications_can_not_tell_a_state_on_its_way_from_luck_and_warn(summary: Any) -> None:
    """MSER-5 alone puts its cut into the last half of three steady runs of ten."""
    found = summary({**FILLS, "run.replications": 2})
    assert found["regime"]["kind"] == "steady"
    assert any("had not settled in the first half of the run" in line for line in found["warnings"])


def test_a_cache_that_has_filled_in_the_first_half_is_cut_off_and_steady(summary: Any) -> None:
    found = summary({**FILLS, "files.table.size": "256 KiB"})
    assert found["regime"]["kind"] == "steady"
    assert 0 < found["warm_up_ns"] < found["simulated_ns"] / 2


def test_closed_clients_are_never_unstable(summary: Any) -> None:
    clients = {"kind": "closed", "port": "main", "handler": "serve", "clients": 50}
    assert summary({**BLOCKS, "workload": {"all": clients}})["regime"]["kind"] == "steady"
