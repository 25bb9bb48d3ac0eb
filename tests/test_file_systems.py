"""Described file systems: what their keys do to a run, and what is refused with which words."""

from typing import Any

import pytest
from test_machine import Tree, everything_but, run, scenario

from iosim.errors import WrongInput
from iosim.file_systems import needs_cache_workers, read_ahead
from iosim.scenario.storage import File
from iosim.units import KIB, MIB


def tree(file: Tree, *steps: Tree, **volume: Any) -> Tree:
    """One closed client at a time on one file, `kept`, of a volume with a cache of 1 MiB."""
    changed = everything_but("workload.open")
    changed["files"]["kept"] = {"volume": "data", "size": "4 MiB", "access": "cached", **file}
    changed["volumes"]["data"] |= volume
    changed["handlers"]["short"] = [*steps]
    changed["handlers"].pop("mixed")
    changed["workload"]["closed"] |= {"clients": 1, "think": "50 us"}
    changed["run"] |= {"duration": "20 ms"}
    return changed


def sums(file: Tree, *steps: Tree, **volume: Any) -> dict[str, int]:
    """What the volume had counted at the end."""
    samples = run(tree(file, *steps, **volume)).samples
    at = "volumes.data."
    return {name.removeprefix(at): column[-1] for name, column in samples.items() if name.startswith(at)}


ON = {"read": {"file": "kept", "size": "4 KiB", "offset": "sequential"}}
WRITE = {"write": {"file": "kept", "size": "4 KiB", "offset": "sequential"}}
PART = {"write": {"file": "kept", "size": "1000 B", "offset": "sequential"}}


def test_sequential_reads_are_read_ahead_unless_told_otherwise() -> None:
    usual, without = sums({}, ON), sums({"read_ahead": "0 B"}, ON)
    assert usual["misses"] < without["misses"] / 4
    assert usual["read_ahead_pages"] > 0 == without["read_ahead_pages"]


@pytest.mark.parametrize(
    ("file", "size"),
    [
        ({}, 64 * KIB),
        ({"hint": "sequential_scan"}, 128 * KIB),
        ({"hint": "random_access"}, 0),
        ({"read_ahead": "1 MiB", "hint": "sequential_scan"}, 2 * MIB),
        ({"hit_ratio": 0.5}, 0),
        ({"access": "unbuffered"}, 0),
    ],
    ids=str,
)
def test_3_4_how_much_is_read_ahead(file: Tree, size: int) -> None:
    assert read_ahead(File(**{"volume": "data", "size": "1 GiB", "access": "cached", **file})) == size


def test_dirty_pages_are_written_in_the_volumes_own_time() -> None:
    room = {"cache": "8 MiB"}
    soon, late = sums({}, WRITE, lazy_write_interval="1 ms", **room), sums({}, WRITE, **room)
    assert soon["written_pages"] > 0 == late["written_pages"]
    assert late["dirty_area"] > soon["dirty_area"] > 0


def test_a_low_threshold_throttles_and_a_high_one_does_not() -> None:
    low, high = sums({}, WRITE, dirty_page_threshold="16 KiB"), sums({}, WRITE, cache="8 MiB")
    assert low["throttled"] > 10 > high["throttled"] == 0


def test_a_files_own_threshold_does_the_same() -> None:
    assert sums({"dirty_page_threshold": "8 KiB"}, WRITE)["throttled"] > 10


def test_a_write_through_leaves_nothing_dirty() -> None:
    it = sums({"write_through": True}, WRITE)
    assert it["written_pages"] >= it["writes"] - 1 > 10


def test_parts_of_pages_are_read_first() -> None:
    assert sums({}, PART)["paging_reads"] > 10
    assert sums({"valid_data": "0 B"}, PART)["paging_reads"] == 0  # there is nothing to be kept


def test_a_log_is_written_for_every_close_and_through_if_told() -> None:
    close = {"close": {"volume": "data"}}
    counts = {log: sums({}, close, log=log) for log in ("none", "lazy", "write_through")}
    assert counts["none"]["writes"] == 0 < counts["write_through"]["writes"] < counts["lazy"]["writes"]
    assert counts["lazy"]["paging_writes"] == 0 < counts["write_through"]["paging_writes"]


def test_opens_of_many_files_miss_and_of_few_do_not() -> None:
    many, few = (sums({}, {"open": {"volume": "data", "files": files}}) for files in (1_000_000, 4))
    assert many["paging_reads"] > 20 > few["paging_reads"] == 1


def test_a_flush_keeps_its_thread_until_all_is_written() -> None:
    it = sums({}, WRITE, {"flush": {"file": "kept"}})
    assert it["written_pages"] >= it["writes"] - 1 > 10
    assert it["blocked"] == 0  # FlushFileBuffers is synchronous: nobody was promised anything else


def test_only_what_needs_them_has_cache_workers() -> None:
    drawn = tree({"hit_ratio": 0.5}, ON)
    assert not needs_cache_workers(scenario(drawn).model)
    assert needs_cache_workers(scenario(tree({}, ON)).model)
    assert needs_cache_workers(scenario(tree({"hit_ratio": 0.5}, WRITE)).model)
    assert needs_cache_workers(scenario(tree({"hit_ratio": 0.5}, ON, log="lazy")).model)


WRONG: list[tuple[Tree, Tree, str]] = [
    ({"access": "unbuffered", "read_ahead": "64 KiB"}, {}, "read_ahead: means nothing for unbuffered access"),
    ({"access": "unbuffered", "write_through": True}, {}, "write_through: means nothing for unbuffered access"),
    ({"access": "unbuffered", "hint": "random_access"}, {}, "hint: means nothing for unbuffered access"),
    ({"access": "unbuffered", "temporary": True}, {}, "temporary: means nothing for unbuffered access"),
    ({"hit_ratio": 0.5, "read_ahead": "64 KiB"}, {}, "read_ahead: means nothing where hits are drawn"),
    ({"hint": "random_access", "read_ahead": "64 KiB"}, {}, "'hint: random_access' turns it off"),
    ({"valid_data": "5 MiB"}, {}, "valid_data: more than the file's 'size'"),
    ({"reports_pending": True}, {}, "no call keeps its thread here"),
    ({"extents": 5000}, {}, "extents: a file has at most one for each 4 KiB"),
    ({}, {"dirty_page_threshold": "2 MiB"}, "dirty_page_threshold: more than the cache, which has 1 MiB"),
    ({}, {"cache": "0 B"}, "file: a cached file can't be written without a cache; give the volume a 'cache'"),
]


@pytest.mark.parametrize(("file", "volume", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_what_means_nothing_is_refused(file: Tree, volume: Tree, words: str) -> None:
    with pytest.raises(WrongInput) as refusal:
        run(tree(file, WRITE, **volume))
    assert words in str(refusal.value)


def test_a_volume_that_nobody_described_can_not_be_opened() -> None:
    with pytest.raises(WrongInput, match="no volume 'date'"):
        run(tree({}, {"open": {"volume": "date"}}))
