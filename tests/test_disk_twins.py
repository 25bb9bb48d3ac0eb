"""Disks and locks beside their formulas: given where the scenario satisfies what they assume, refused where it does not."""

from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim.scenario.loader import Scenario, load
from iosim.twins.disks import disk_twin
from iosim.twins.locks import lock_twin

FREE = """\
version: 1
scenario: disk
machine:
  cores_per_node: 4
  dispatcher: {context_switch: 0 ns}
  kernel: {call: 0 ns, remove: 0 ns, irp: 0 ns, page_lock: 0 ns, isr: 0 ns, dpc: 0 ns, dpc_footprint: 0 B}
  stack: {ntfs_down: 0 ns, ntfs_up: 0 ns, volume_down: 0 ns, volume_up: 0 ns, disk_down: 0 ns, disk_up: 0 ns,
          port_start: 0 ns, port_up: 0 ns}
ports: {main: {}}
pools: {workers: {port: main, threads: 4}}
disks: {one: {kind: nvme, units: 1, read: 1 ms, program: 4 ms, overhead: 0 s, bandwidth: 1000 GB/s}}
volumes: {data: {disk: one}}
files: {all: {volume: data, size: 1 GiB}}
locks: {it: {spin: 0 ns}}
handlers: {serve: [read: {file: all, size: 4 KiB}]}
workload: {all: {kind: open, port: main, handler: serve, rate: 500/s}}
run: {duration: 4 s, warm_up: 0.5 s, replications: 5}
"""
READ, WRITE = ({kind: {"file": "all", "size": "4 KiB"}} for kind in ("read", "write"))
HDD: dict[str, Any] = {
    "kind": "hdd",
    "rpm": "7200 rpm",
    "cylinders": 10000,
    "heads": 2,
    "sectors_per_track": 1000,
    "seek": [[1, "0 ns"]],
    "head_switch": "0 ns",
    "overhead": "0 ns",
    "order": "fcfs",
}
LOCKED = {"lock": {"name": "it", "hold": {"exponential": "1 ms"}}}


def load_of(handler: str, rate: str, **more: Any) -> dict[str, Any]:
    return {"kind": "open", "port": "main", "handler": handler, "rate": rate, **more}


@pytest.fixture
def scenario(tmp_path: Path) -> Any:
    """The free disk, changed as asked."""
    path = tmp_path / "disk.yaml"
    path.write_text(FREE, encoding="utf-8")

    def change(changes: dict[str, Any]) -> Scenario:
        return load(path, {name.replace("__", "."): value for name, value in changes.items()})

    return change


def hdd(**changes: Any) -> dict[str, Any]:
    return {"disks": {"one": {**HDD, **changes}}, "workload__all__rate": "60/s"}


# ---- where it holds --------------------------------------------------------------------------------------------------

TWO = {
    "handlers": {"serve": [READ], "put": [WRITE]},
    "workload": {"r": load_of("serve", "250/s"), "w": load_of("put", "50/s")},
}
HOLDS: list[tuple[dict[str, Any], str, Any]] = [
    ({}, "M/D/1", 1.5),
    ({"handlers__serve": [{"read": {"file": "all", "size": "8 KiB"}}], "workload__all__rate": "250/s"}, "M/D/1", 3.0),
    # one slot: overhead and link belong to the service; else they overlap with it
    ({"disks__one__queue_depth": 1, "disks__one__overhead": "0.2 ms"}, "M/D/1", 1.2 + 0.6 * 1.2 / 0.8),
    ({"disks__one__overhead": "0.2 ms", "disks__one__bandwidth": "40.96 MB/s"}, "M/D/1", 1.8),
    # reads and writes: load 0.45, mean 1.5, second moment 3.5 ms^2
    (TWO, "M/G/1", 1.5 + 0.3 * 3.5 / 2 / 0.55),
    ({"disks__one__units": 4, "workload__all__rate": "2000/s"}, "4 times M/D/1", [1.5, 1.5 + 3 * 4e-6]),
    (
        {"disks__one__units": 4, "disks__one__bandwidth": "40.96 MB/s", "workload__all__rate": "2000/s"},
        "4 times M/D/1",
        [1.6, 1.9],
    ),
]


@pytest.mark.parametrize(("changes", "formula", "time"), HOLDS)
def test_a_solid_state_disk_has_the_formula_of_its_units_and_a_run_holds_it(
    scenario: Any, changes: dict[str, Any], formula: str, time: Any
) -> None:
    """The link carries 4 KiB in 4 ns, or in 0.1 ms."""
    twin = iosim.run(scenario(changes), jobs=1).summary["theory"]["disks"]["one"]["twin"]
    says = twin["says"]["time_ns"]
    assert (twin["formula"], twin["kind"]) == (formula, "envelope" if isinstance(time, list) else "exact")
    assert [it / 1e6 for it in as_list(says["theory"])] == pytest.approx(as_list(time), abs=1e-4)
    assert says["agrees"] is True
    assert narrow(says)


def as_list(it: Any) -> list[float]:
    return it if isinstance(it, list) else [it]


def narrow(says: dict[str, Any], share: float = 0.2) -> bool:
    """An interval that could tell the formula from another one."""
    low, high = says["model"]["ci95"]
    return bool(high - low < share * as_list(says["theory"])[0])


def test_an_arm_that_needs_no_time_to_move_is_m_g_1_with_a_uniform_wait_for_the_platter(scenario: Any) -> None:
    """A turn is 8.33 ms and 4 KiB pass in 67 us: give or take those."""
    twin = iosim.run(scenario({**hdd(), "run__duration": "10 s"}), jobs=1).summary["theory"]["disks"]["one"]["twin"]
    low, high = twin["says"]["time_ns"]["theory"]
    turn = 60 / 7200 * 1e9
    mean = turn / 2 + turn * 8 / 1000
    wait = 60e-9 * (mean**2 + turn**2 / 12) / 2 / (1 - 60e-9 * mean)
    assert (twin["formula"], twin["kind"]) == ("M/G/1", "envelope")
    assert low < mean + wait < high < 1.05 * low
    assert twin["says"]["time_ns"]["agrees"] is True
    assert narrow(twin["says"]["time_ns"])


@pytest.mark.parametrize(("threads", "wait"), [(40, 1.0), (3, 0.75)])
def test_a_lock_that_blocks_whoever_waits_is_m_m_1_and_a_run_holds_it(scenario: Any, threads: int, wait: float) -> None:
    """Load 0.5: 1 ms of wait, of which a quarter is at the port where there are three threads only."""
    it = scenario({"handlers__serve": [LOCKED], "pools__workers__threads": threads})
    twin = iosim.run(it, jobs=1).summary["theory"]["locks"]["it"]["twin"]
    says = twin["says"]["time_ns"]
    assert (twin["formula"], twin["kind"]) == (f"M/M/1, {threads} threads", "exact")
    assert says["theory"] / 1e6 == pytest.approx(wait)
    assert says["agrees"] is True
    assert narrow(says, 0.35)


# ---- where it does not -----------------------------------------------------------------------------------------------

DISK_FAILS: list[tuple[dict[str, Any], str]] = [
    (hdd(seek=[[1, "0.1 ms"]]), "the arm and the platter"),
    (hdd(head_switch="0.1 ms"), "the arm and the platter"),
    (hdd(order="sptf"), "order: sptf"),
    (hdd(cache={"segments": 2, "segment_size": "64 KiB"}), "its cache keeps"),
    (hdd(overhead="0.1 ms"), "decodes commands while others are served"),
    (hdd(track_skew="1 ms"), "tracks are not alike"),
    ({**hdd(bandwidth="1 MB/s")}, "the bus does not keep up"),
    ({**hdd(), "files__all__size": "8 MiB"}, "not at every angle alike"),
    ({**hdd(), "workload__all__rate": "300/s"}, "no steady state"),
    ({"disks__one__serial": "1 us", "disks__one__overhead": "1 us"}, "not one fixed time"),
    ({"disks__one__channels": 1}, "not one fixed time"),
    ({"disks__one__slow_reads": [["1 %", "1 ms"]]}, "not one fixed time"),
    ({"disks__one__write_buffer": "1 MiB"}, "not one fixed time"),
    ({"disks__one__overhead": "2 ms"}, "overhead, takes so long"),
    ({"disks__one__bandwidth": "1 MB/s"}, "units may wait for it"),
    ({"disks__one__units": 4, "disks__one__queue_depth": 8}, "all 8 slots"),
    (
        {"disks__one__units": 4, "handlers__serve": [{"read": {"file": "all", "size": "8 KiB"}}]},
        "several units at once",
    ),
    ({"disks__one__units": 4, "files__all__size": "1 MiB"}, "too small to lie evenly"),
    (
        {"disks__one__stripe": "16 KiB", "handlers__serve": [{"read": {"file": "all", "size": "8 KiB"}}]},
        "where it lies",
    ),
    ({"workload__all__rate": "1000/s"}, "no steady state: the load is 1"),
    ({"workload__all__arrivals": "constant"}, "evenly spaced"),
    ({"workload": {"all": {"kind": "closed", "port": "main", "handler": "serve", "clients": 4}}}, "number of clients"),
    ({"handlers__serve": [{"compute": "1 us"}, READ]}, "done something else first"),
    ({"handlers__serve": [{"read": {"file": "all", "size": "4 KiB", "mode": "blocking"}}]}, "threads wait"),
    (
        {"handlers__serve": [{"read": {"file": "all", "size": "4 KiB", "priority": "background"}}]},
        "background ones back",
    ),
    (
        {"handlers__serve": [{"read": {"file": "all", "size": "4 KiB", "offset": "sequential"}}]},
        "not read or written at random",
    ),
    ({"handlers__serve": [{"read": {"file": "all", "size": {"uniform": ["4 KiB", "8 KiB"]}}}]}, "different sizes"),
    ({"files__all__access": "cached", "volumes__data__cache": "1 MiB"}, "is cached"),
    ({"files__all__extents": 3}, "fragmented"),
    ({"volumes__data__filters": [{"name": "f", "altitude": 1}]}, "filters of volume"),
    ({"machine__kernel__irp": "1 us"}, "machine.kernel.irp"),
    ({"machine__stack__ntfs_up": "1 us"}, "machine.stack.ntfs_up"),
    ({"disks__one__pair_depth": 2}, "disks.one.pair_depth"),
    (hdd(redirect=True), "roundabout"),
    ({"handlers__serve": [LOCKED]}, "is not one read or write"),
]


@pytest.mark.parametrize(("changes", "why"), DISK_FAILS)
def test_a_disk_names_the_first_assumption_that_fails(scenario: Any, changes: dict[str, Any], why: str) -> None:
    twin = disk_twin(scenario(changes), "one")
    assert (twin["formula"], twin["says"]) == (None, {})
    assert why in twin["why"]


def test_one_slot_leaves_an_arm_no_choice(scenario: Any) -> None:
    """What waits is in the driver, which serves in the order of arrival."""
    assert disk_twin(scenario(hdd(order="sptf", queue_depth=1)), "one")["formula"] == "M/G/1"


def test_a_disk_that_nobody_goes_to_has_none(scenario: Any) -> None:
    other = {"disks": {"one": HDD, "two": HDD}, "volumes": {"data": {"disk": "two"}}}
    assert disk_twin(scenario(other), "one")["why"] == "no request goes there"


LOCK_FAILS: list[tuple[dict[str, Any], str]] = [
    ({"handlers__serve": [READ]}, "nobody takes it"),
    (
        {"handlers__serve": [{"compute": "1 us"}, LOCKED]},
        "at most 4 threads come, each after it has done something else",
    ),
    ({"workload__all__arrivals": "constant"}, "arrivals are not Poisson: those of class 'all'"),
    ({"locks__it__kind": "slim", "handlers__serve": [{"lock": {**LOCKED["lock"], "shared": True}}]}, "several share"),
    ({"locks__it__spin": "1 us"}, "locks.it.spin"),
    ({"machine__dispatcher__context_switch": "1 us"}, "calls and switches cost"),
    ({"machine__kernel__port_lock": "1 us"}, "the port's own lock"),
    ({"ports__main__concurrency": 1}, "keeps others at the port"),
    ({"handlers__serve": [{"lock": {"name": "it", "hold": "1 ms"}}]}, "not exponential"),
    ({"workload__all__rate": "1000/s"}, "no steady state"),
]


@pytest.mark.parametrize(("changes", "why"), LOCK_FAILS)
def test_a_lock_names_the_first_assumption_that_fails(scenario: Any, changes: dict[str, Any], why: str) -> None:
    twin = lock_twin(scenario({"handlers__serve": [LOCKED], **changes}), "it")
    assert (twin["formula"], twin["says"]) == (None, {})
    assert why in twin["why"]
