"""Faults and port drivers as scenarios describe them: the whole machine, its laws checked at the end of each run."""

import random
from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim.errors import WrongInput

SCENARIO = """
version: 1
machine: {cores_per_node: 4}
disks:
  d: {kind: nvme, units: 16, read: 20 us, program: 60 us, capacity: 1 GiB}
volumes: {v: {disk: d}}
files:
  f: {volume: v, size: 100 MB}
  g: {volume: v, size: 100 MB}
ports: {main: {}}
pools: {workers: {port: main, threads: 16}}
handlers:
  reads:
    - read: {file: f, size: 4 KiB}
    - compute: 5 us
  writes:
    - write: {file: g, size: 8 KiB}
workload:
  readers: {kind: closed, port: main, handler: reads, clients: 20}
  writers: {kind: open, port: main, handler: writes, rate: 5000/s}
run: {duration: 10 ms, warm_up: 2 ms, replications: 1}
"""
QUICK_HDD = {  # as fast as a small run needs it
    "kind": "hdd",
    "rpm": "100000 rpm",
    "cylinders": 500,
    "heads": 8,
    "sectors_per_track": 500,
    "seek": [[1, "20 us"], [400, "100 us"]],
    "overhead": "5 us",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "faults.yaml"
    file.write_text(SCENARIO)
    return file


def summary(path: Path, **changes: Any) -> dict[str, Any]:
    given = {name.replace("__", "."): value for name, value in changes.items()}
    found: dict[str, Any] = iosim.run(iosim.load(path, set=given), study=False).summary
    return found


def refusal(path: Path, **changes: Any) -> str:
    with pytest.raises(WrongInput) as caught:
        summary(path, **changes)
    return str(caught.value)


def test_without_faults_nothing_fails_and_the_events_are_the_same(path: Path) -> None:
    plain = summary(path)
    never = summary(path, faults={"x": {"kind": "media_error", "disk": "d", "rate": 0.0}})
    assert plain["fingerprint"] == never["fingerprint"]
    assert plain["requests"]["failed"] == never["requests"]["failed"] == 0
    assert "resets" not in plain["disks"]["d"]
    assert never["disks"]["d"]["failures_per_s"]["value"] == 0


def test_errors_at_random_fail_their_share_of_the_requests(path: Path) -> None:
    found = summary(path, faults={"x": {"kind": "media_error", "disk": "d", "rate": 0.1, "commands": "reads"}})
    readers, writers = found["classes"]["readers"]["requests"], found["classes"]["writers"]["requests"]
    assert readers["failed"] / readers["offered"] == pytest.approx(0.1, abs=0.02)
    assert writers["failed"] == 0


def test_errors_at_an_address_fail_the_requests_that_go_there_until_it_is_written(path: Path) -> None:
    """The first half of file f is bad; then writers write all of it, page by page, and reads succeed."""
    bad = {"kind": "media_error", "disk": "d", "offset": "0 B", "size": "50 MB", "commands": "reads"}
    found = summary(path, faults={"x": bad})["classes"]["readers"]["requests"]
    assert found["failed"] / found["offered"] == pytest.approx(0.5, abs=0.05)
    small = {"files.f.size": "64 KiB", "handlers.writes": [{"write": {"file": "f", "size": "64 KiB"}}]}
    healed = {**bad, "size": "64 KiB", "healed_by_rewrite": True}
    result = iosim.run(iosim.load(path, set={"faults": {"x": healed}, **small}), study=False).summary
    assert result["classes"]["readers"]["requests"]["failed"] == 0


def test_what_is_never_answered_costs_time_that_is_told_as_fault_recovery(path: Path) -> None:
    fault = {"x": {"kind": "no_answer", "disk": "d", "rate": 0.002}}
    recovery = {"timeout": "500 us", "reset": "200 us"}
    found = summary(path, faults=fault, disks__d__recovery=recovery)
    assert found["requests"]["failed"] == 0
    assert found["latency_causes_ns"]["fault_recovery"]["value"] > 1_000
    assert found["disks"]["d"]["resets"]["value"] >= 1
    assert found["disks"]["d"]["reissued"]["value"] >= found["disks"]["d"]["resets"]["value"]


def test_after_the_removal_of_its_disk_every_request_fails(path: Path) -> None:
    found = summary(path, faults={"x": {"kind": "removal", "disk": "d", "at": "7 ms"}})["requests"]
    assert found["completed"] > 0
    assert found["failed"] > 0
    assert found["in_flight"] == 0


def test_background_writes_wait_while_there_are_reads(path: Path) -> None:
    """With readers all the time, writes get their starvation turns alone; without them they are hardly delayed."""
    background = [{"write": {"file": "g", "size": "8 KiB", "priority": "background"}}]
    times = {"idle_time": "100 us", "starvation": "1 ms"}
    rare = {"handlers__writes": background, "disks__d__background": times, "workload__writers__rate": "500/s"}
    crowded = summary(path, **rare)["classes"]["writers"]["latency_ns"]["mean"]["value"]
    alone = summary(path, **rare, workload__readers__think="100 ms")["classes"]["writers"]["latency_ns"]["mean"][
        "value"
    ]
    hasty = summary(path, workload__writers__rate="500/s")["classes"]["writers"]["latency_ns"]["mean"]["value"]
    assert crowded > 400_000
    assert alone < 250_000
    assert hasty < 150_000


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_whatever_goes_wrong(path: Path, seed: int) -> None:
    """Random port drivers, faults and modes; each run checks its laws, and every counted request has ended."""
    draw = random.Random(seed)
    sata = draw.random() < 0.5
    disk = dict(QUICK_HDD) if sata else {"kind": "nvme", "units": 16, "read": "20 us", "program": "60 us"}
    disk["queue_depth"] = draw.choice([1, 2, 8, 32])
    if not sata:
        disk["queue_pairs"] = draw.choice([1, 2, 3, 4])
        disk["pair_depth"] = draw.choice([1, 2, 50])
    if draw.random() < 0.4:
        disk["coalescing"] = {"count": draw.choice([2, 4, 16]), "time": draw.choice(["100 us", "1 ms"])}
    if sata or disk["queue_pairs"] == 1:
        disk["redirect"] = draw.random() < 0.5
    disk["recovery"] = {
        "timeout": draw.choice(["300 us", "1 ms"]),
        "reset": draw.choice(["0 s", "100 us"]),
        "retries": draw.choice([0, 1, 3]),
        "error_log": draw.choice(["0 s", "100 us"]),
    }
    disk["background"] = {"idle_time": draw.choice(["0 s", "100 us"]), "starvation": draw.choice(["200 us", "2 ms"])}
    faults = {
        "error": {"kind": "media_error", "disk": "d", "rate": draw.choice([0.01, 0.1])},
        "silence": {"kind": "no_answer", "disk": "d", "rate": draw.choice([0.0, 0.01]), "commands": "writes"},
        "end": {"kind": "removal", "disk": "d", "at": draw.choice(["1 ms", "5 ms", "9 ms"])},
    }
    mode, hint = draw.choice(["overlapped", "blocking"]), draw.choice(["normal", "background"])
    found = summary(
        path,
        disks__d=disk,
        faults=faults,
        handlers__writes=[{"write": {"file": "g", "size": "8 KiB", "mode": mode, "priority": hint}}],
        machine__kernel__completion_mode=draw.choice(["direct", "apc"]),
        workload__writers__rate="2000/s",
    )["requests"]
    assert found["in_flight"] == 0
    assert found["failed"] > 0
    assert found["completed"] + found["failed"] == found["offered"]


def test_the_page_about_faults_says_what_is_accepted(path: Path) -> None:
    """Its example, over the small machine of these tests."""
    page = (Path(__file__).parent.parent / "docs" / "faults.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0].replace("data:", "d:").replace("disk: data", "disk: d")
    head, tail = SCENARIO.split("disks:\n")
    path.write_text(head + example + tail.split("capacity: 1 GiB}\n", 1)[1])
    model = iosim.load(path, set={"run.duration": "2 s"}).model
    assert sorted(model.faults) == ["pulled", "scratch", "stuck", "worn"]
    assert model.disks["d"].recovery.retries == 4


# ---- what means nothing is refused -----------------------------------------------------------------------------------


def test_faults_are_told_apart_and_must_strike_something(path: Path) -> None:
    assert "no disk 'e'" in refusal(path, faults={"x": {"kind": "removal", "disk": "e", "at": "1 ms"}})
    assert "strikes either by chance" in refusal(path, faults={"x": {"kind": "no_answer", "disk": "d"}})
    both = {"kind": "no_answer", "disk": "d", "rate": 0.1, "offset": "0 B", "size": "1 MB"}
    assert "strikes either by chance" in refusal(path, faults={"x": both})
    beyond = {"kind": "no_answer", "disk": "d", "offset": "1 GiB", "size": "1 MB"}
    assert "ends beyond disk 'd'" in refusal(path, faults={"x": beyond})
    heals = {"kind": "media_error", "disk": "d", "rate": 0.1, "healed_by_rewrite": True}
    assert "can be healed" in refusal(path, faults={"x": heals})
    late = {"x": {"kind": "removal", "disk": "d", "at": "1 h"}}
    assert "faults.x.at: the run has ended by then: 'duration' and warm-up come to" in refusal(path, faults=late)
    gone = {name: {"kind": "removal", "disk": "d", "at": "1 ms"} for name in "xy"}
    assert "pulled out already" in refusal(path, faults=gone)
    assert "a fault needs 'kind'" in refusal(path, faults={"x": {"kind": "fire", "disk": "d"}})


def test_sata_has_no_queue_pairs_and_several_vectors_are_not_redirected(path: Path) -> None:
    assert "only NVMe has queue pairs" in refusal(path, disks__d={**QUICK_HDD, "queue_pairs": 2})
    assert "only one vector" in refusal(path, disks__d__redirect=True)


def test_a_polled_disk_has_blocking_unbuffered_calls_and_nothing_that_interrupts(path: Path) -> None:
    polled = {"disks__d__completion": "polling"}
    assert "write 'mode: blocking'" in refusal(path, **polled)
    assert "a polled disk has unbuffered files only" in refusal(path, **polled, files__f__access="cached")
    assert "has no interrupts" in refusal(path, **polled, disks__d__coalescing={"count": 2, "time": "1 ms"})
    fault = {"x": {"kind": "removal", "disk": "d", "at": "1 ms"}}
    assert "nobody there deals with faults" in refusal(path, **polled, faults=fault)


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"handlers__reads": [{"flush": {"file": "f"}}]}, "nobody spins for the flush"),
        ({"handlers__reads": [{"open": {"volume": "v"}}]}, "nobody spins for the records"),
        ({"handlers__reads": [{"close": {"volume": "v"}}], "volumes__v__log": "lazy"}, "nobody spins for the log"),
        ({"files__f__extents": 2}, "files in one piece"),
        ({"files__f__valid_data": "4 KiB"}, "waits for such writes by itself"),
        ({"files__f__stored": "compressed"}, "waits for such transfers by itself"),
    ],
)
def test_on_a_polled_disk_nothing_is_waited_for_by_others_than_the_caller(
    path: Path, changes: dict[str, Any], objection: str
) -> None:
    """Nobody would look for its end."""
    assert objection in refusal(path, disks__d__completion="polling", **changes)
