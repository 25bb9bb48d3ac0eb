"""Which resource is full first: never one that has been seen to carry more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim.bottlenecks import Used, resources, resources_towards

DRIVEN = """
version: 1
scenario: driven
description: Reads of one drive by threads that wait for them.
machine: {cores_per_node: 8}
disks: {drive: {preset: nvme-datacentre-flash}}
volumes: {data: {disk: drive}}
files: {rows: {volume: data, size: 16 GiB}}
ports: {main: {concurrency: 64}}
pools: {workers: {port: main, threads: 64}}
handlers: {request: [{read: {file: rows, size: 16 KiB, offset: random, mode: blocking}}]}
workload: {web: {kind: open, port: main, handler: request, rate: 20000/s}}
run: {duration: 20 ms, warm_up: 5 ms, seed: 1, replications: 2}
"""


def run(tmp_path: Path, changes: Mapping[str, Any]) -> tuple[iosim.Scenario, dict[str, Any]]:
    (tmp_path / "it.yaml").write_text(DRIVEN)
    scenario = iosim.load(tmp_path / "it.yaml", set=dict(changes))
    return scenario, iosim.run(scenario, study=False, jobs=1).summary


def by_name(used: list[Used]) -> dict[str, Used]:
    return {it.name: it for it in used}


def test_a_busy_solid_state_drive_is_not_called_full_below_what_it_serves(tmp_path: Path) -> None:
    """With a command in it all the time, it has room for many more."""
    scenario, light = run(tmp_path, {"workload.web.rate": "40000/s"})
    _, heavy = run(tmp_path, {"workload.web.rate": "80000/s"})
    served = heavy["throughput_per_s"]["value"]
    assert served > 70_000
    assert light["disks"]["drive"]["busy_share"]["value"] > 0.9
    drive = {name: it for name, it in by_name(resources(scenario, light)).items() if name.startswith("disks.")}
    assert {"disks.drive", "disks.drive.link"} <= drive.keys()
    assert min(it.full_at for it in drive.values()) > served
    assert drive["disks.drive"].utilization < 0.2


def test_what_a_heavier_run_carried_lies_below_every_bound(tmp_path: Path) -> None:
    """A light run's processors wake and idle more for each request, and would be full too early."""
    scenario, light = run(tmp_path, {})
    _, heavy = run(tmp_path, {"workload.web.rate": "80000/s"})
    used = resources_towards(scenario, light, heavy)
    assert min(it.full_at for it in used) > heavy["throughput_per_s"]["value"]
    assert [it.full_at for it in used] == sorted(it.full_at for it in used)
    before = by_name(resources(scenario, light))
    assert {it.name: it.utilization for it in used} == {name: it.utilization for name, it in before.items()}


def test_a_hard_disk_is_used_for_the_share_of_time_that_it_is_busy(tmp_path: Path) -> None:
    """It does one thing at a time."""
    changes = {
        "disks.drive.preset": "sata-7200",
        "workload.web.rate": "50/s",
        "run.duration": "1 s",
        "run.warm_up": "100 ms",
    }
    scenario, summary = run(tmp_path, changes)
    busy = summary["disks"]["drive"]["busy_share"]
    found = by_name(resources(scenario, summary))["disks.drive"]
    assert 0 < found.utilization < 1
    assert (found.utilization, [found.low, found.high]) == (busy["value"], busy["ci95"])
    assert found.full_at == pytest.approx(summary["throughput_per_s"]["value"] / busy["value"])
    assert summary["theory"]["disks"]["drive"]["utilization"]["utilization"] == busy


def test_the_laws_beside_a_run_do_not_call_a_solid_state_drive_full(tmp_path: Path) -> None:
    _, summary = run(tmp_path, {})
    assert summary["theory"]["disks"]["drive"]["utilization"] is None


def test_the_wire_of_a_network_card_is_a_resource_in_each_direction() -> None:
    scenario = iosim.load("web-server", set={"run.replications": 2, "run.duration": "20 ms"})
    summary = iosim.run(scenario, study=False, jobs=1).summary
    used = by_name(resources(scenario, summary))
    for name, nic in summary["nics"].items():
        assert used[f"nics.{name}.link_in"].utilization == nic["link_in_share"]["value"] > 0
        assert used[f"nics.{name}.link_out"].utilization == nic["link_out_share"]["value"] > 0
