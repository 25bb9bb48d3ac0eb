"""Disks of a volume that fail: a mirror hides it, a stripe can't, and nothing is ever lost."""

import random
from pathlib import Path
from typing import Any

import pytest
from test_fault_scenarios import SCENARIO, summary

TWO = SCENARIO.replace(
    "volumes: {v: {disk: d}}",
    "  e: {kind: nvme, units: 16, read: 20 us, program: 60 us, capacity: 1 GiB}\n"
    "volumes: {v: {disks: [d, e], layout: mirror}}",
)
ERRORS = {"x": {"kind": "media_error", "disk": "d", "rate": 0.1, "commands": "reads"}}
GONE = {"x": {"kind": "removal", "disk": "d", "at": "5 ms"}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mirror.yaml"
    file.write_text(TWO)
    return file


def volume(found: dict[str, Any], figure: str) -> float:
    return float(found["volumes"]["v"][figure]["value"])


def test_what_one_disk_can_not_read_the_other_does(path: Path) -> None:
    """A tenth of the reads of one disk fails; each costs another read, and the first one was in vain."""
    found, good = summary(path, faults=ERRORS), summary(path)
    assert found["requests"]["failed"] == 0
    reads = found["classes"]["readers"]["throughput_per_s"]["value"]
    assert volume(found, "retried_parts_per_s") == pytest.approx(0.05 * reads, rel=0.1)
    assert found["latency_causes_ns"]["fault_recovery"]["value"] > 500
    assert volume(good, "retried_parts_per_s") == good["latency_causes_ns"]["fault_recovery"]["value"] == 0


def test_errors_on_both_disks_fail_the_reads_that_meet_two(path: Path) -> None:
    both = {**ERRORS, "y": {**ERRORS["x"], "disk": "e"}}
    readers = summary(path, faults=both)["classes"]["readers"]["requests"]
    assert readers["failed"] / readers["offered"] == pytest.approx(0.01, abs=0.005)


def test_a_mirror_outlives_one_of_its_disks_and_a_stripe_does_not(path: Path) -> None:
    mirror = summary(path, faults=GONE)
    assert (mirror["requests"]["failed"], volume(mirror, "failed_disks")) == (0, 1)
    stripe = summary(path, faults=GONE, volumes__v__layout="stripe")
    assert stripe["requests"]["failed"] > 0 == volume(stripe, "failed_disks")


def test_a_mirror_whose_last_disk_goes_fails_every_request(path: Path) -> None:
    last = {**GONE, "y": {"kind": "removal", "disk": "e", "at": "8 ms"}}
    found = summary(path, faults=last)
    assert found["requests"]["failed"] > 0 == found["requests"]["in_flight"]
    assert volume(found, "failed_disks") == 1


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_whatever_goes_wrong_with_the_disks_of_a_volume(path: Path, seed: int) -> None:
    """Each run checks its laws, and every counted request has ended."""
    draw = random.Random(seed)
    faults = {
        "error": {"kind": "media_error", "disk": "d", "rate": draw.choice([0.01, 0.2])},
        "other": {"kind": "media_error", "disk": "e", "rate": draw.choice([0.0, 0.1]), "commands": "writes"},
        "silence": {"kind": "no_answer", "disk": "e", "rate": draw.choice([0.0, 0.01])},
        "end": {"kind": "removal", "disk": draw.choice("de"), "at": draw.choice(["1 ms", "5 ms", "9 ms"])},
    }
    changes: dict[str, Any] = {"disks__d__max_transfer": draw.choice(["4 KiB", "1 MiB"])}
    for disk in "de":
        changes[f"disks__{disk}__queue_depth"] = draw.choice([1, 4, 32])
        recovery = {"timeout": draw.choice(["300 us", "1 ms"]), "reset": "100 us", "retries": draw.choice([0, 2])}
        changes[f"disks__{disk}__recovery"] = recovery
    layout = draw.choice(["mirror", "mirror", "stripe", "span"])
    unit = {"volumes__v__stripe_unit": "4 KiB"} if layout == "stripe" else {}
    extents = draw.choice([1, 1000])
    found = summary(
        path,
        faults=faults,
        volumes__v__layout=layout,
        **unit,
        files__g__extents=extents,
        machine__kernel__completion_mode=draw.choice(["direct", "apc"]),
        volumes__v__filters=draw.choice([[], [{"name": "f", "altitude": 1, "delay": "10 us", "synchronous": True}]]),
        **changes,
    )["requests"]
    assert found["in_flight"] == 0
    assert found["completed"] + found["failed"] == found["offered"]


def test_a_thread_that_tells_of_another_end_while_its_own_parts_are_under_way_books_that_time_once(path: Path) -> None:
    """In `apc` mode the ends of overlapped requests interrupt a thread that waits for a striped write of its own."""
    found = summary(
        path,
        volumes__v__layout="stripe",
        volumes__v__stripe_unit="4 KiB",
        volumes__v__cache="16 MiB",
        files__g__access="cached",
        handlers__reads=[{"read": {"file": "f", "size": "8 KiB"}}, {"compute": "5 us"}],
        handlers__writes=[{"write": {"file": "g", "size": "6 KiB"}}],
        handlers__flushes=[{"flush": {"file": "g"}}],
        workload__flushers={"kind": "open", "port": "main", "handler": "flushes", "rate": "300/s"},
        machine__kernel__completion_mode="apc",
    )
    assert found["classes"]["flushers"]["requests"]["completed"] > 0  # and the causes sum to the latencies


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_of_cached_files_whatever_goes_wrong_with_their_disks(path: Path, seed: int) -> None:
    """Throttled, written through, logged, read ahead, in pieces, split, filtered: the laws hold and every request ends."""
    draw = random.Random(seed)
    faults = {
        "error": {"kind": "media_error", "disk": "d", "rate": draw.choice([0.01, 0.2])},
        "silence": {"kind": "no_answer", "disk": "e", "rate": draw.choice([0.0, 0.01])},
    }
    if draw.random() < 0.3:
        faults["end"] = {"kind": "removal", "disk": "d", "at": "5 ms"}
    changes: dict[str, Any] = {"disks__d__max_transfer": draw.choice(["4 KiB", "1 MiB"])}
    for disk in "de":
        changes[f"disks__{disk}__recovery"] = {"timeout": "300 us", "reset": "100 us", "retries": draw.choice([0, 2])}
    for file in "fg":
        changes[f"files__{file}__access"] = "cached"
        changes[f"files__{file}__write_through"] = draw.random() < 0.3
        changes[f"files__{file}__extents"] = draw.choice([1, 1000])
        changes[f"files__{file}__stored"] = draw.choice(["plain", "plain", "compressed"])
    layout = draw.choice(["mirror", "stripe", "span"])
    if layout == "stripe":
        changes["volumes__v__stripe_unit"] = "4 KiB"
    found = summary(
        path,
        faults=faults,
        volumes__v__layout=layout,
        volumes__v__cache=draw.choice(["64 KiB", "16 MiB"]),
        volumes__v__dirty_page_threshold=draw.choice(["8 KiB", "32 KiB"]),
        volumes__v__lazy_write_interval=draw.choice(["200 us", "3 ms"]),
        volumes__v__log=draw.choice(["none", "lazy", "write_through"]),
        volumes__v__filters=draw.choice([[], [{"name": "f", "altitude": 1, "delay": "10 us", "synchronous": True}]]),
        files__g__temporary=draw.random() < 0.3,
        handlers__reads=[{"read": {"file": "f", "size": "6 KiB", "mode": draw.choice(["overlapped", "blocking"])}}],
        handlers__writes=[
            {"open": {"volume": "v", "files": 5000}},
            {"write": {"file": "g", "size": "6 KiB", "mode": draw.choice(["overlapped", "blocking"])}},
            {"flush": {"file": "g"}},
            {"close": {"volume": "v"}},
        ],
        machine__kernel__completion_mode=draw.choice(["direct", "apc"]),
        workload__readers__clients=3,
        workload__writers__rate="400/s",
        **changes,
    )["requests"]
    assert found["in_flight"] == 0
    assert found["completed"] + found["failed"] == found["offered"]
