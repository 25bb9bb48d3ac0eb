"""Cached reads: one paging IRP a missing run, collided faults, who blocks, read-ahead (semantics 3.2 to 3.4, 0b.17, 0b.20)."""

import pytest
from tiny import causes
from tiny_cache import CACHED, TinyCache, Watcher, dpc, issue
from tiny_io import ISR, LATENCY, REMOVAL, REMOVE, Ladder

from iosim.device_stack import DeviceObject
from iosim.units import PAGE
from iosim.variates import Constant


def test_3_3_every_run_of_missing_pages_is_one_paging_irp() -> None:
    """Six pages of which 1 and 4 are there: three reads, one after the other, by the same worker."""
    tiny = TinyCache(size=6 * PAGE)
    for page in (1, 4):
        tiny.cache.pages.fill(0, page * PAGE, PAGE)
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.commands() == [(0, 1), (2, 2), (5, 1)]
    reads = sum(issue(pages) + LATENCY + ISR + dpc(pages) for pages in (1, 2, 1))
    assert tiny.log == [(2000 + REMOVE + CACHED + reads + REMOVE + REMOVAL, 0)]
    assert (tiny.cache.misses, tiny.cache.paging_reads) == (1, 3)


def test_a_read_that_begins_inside_a_page_reads_the_page_in_whole() -> None:
    tiny = TinyCache()
    tiny.does(tiny.transfer(size=100, offset=3 * PAGE + 4000))
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.commands() == [(3, 2)]
    assert tiny.ended.requests[0].bytes == 100


def test_two_reads_of_one_missing_page_read_it_once_and_the_second_waits() -> None:
    """A collided page fault: the second worker waits for what the first is reading, and both are up with it."""
    tiny = TinyCache(4, system_workers=2)
    tiny.does(tiny.transfer(offset=7 * PAGE))
    tiny.ask_at(2000, 0)
    tiny.ask_at(5000, 1)
    tiny.run()
    assert tiny.commands() == [(7, 1)]
    assert (tiny.cache.collided, tiny.cache.misses) == (1, 2)
    up = 2000 + REMOVE + CACHED + issue(1) + LATENCY + ISR + dpc(1)
    assert [ended for ended, _ in tiny.log] == [up + REMOVE + REMOVAL] * 2
    (second,) = [request for request in tiny.ended.requests if request.index == 1]
    assert causes(second)["paging"] == up - (5000 + REMOVE + CACHED)
    assert "device_service" not in causes(second)


def test_0b17_a_filter_above_the_file_system_sees_a_missing_read_twice() -> None:
    tiny = TinyCache(size=2 * PAGE)
    watcher = Watcher(tiny)
    tiny.file.device = DeviceObject(watcher, tiny.top, 0, 1 << 30)
    tiny.ask_at(2000, 0)
    tiny.ask_at(100_000, 0)
    tiny.run()
    assert watcher.passed == [(False, 2 * PAGE), (True, 2 * PAGE), (False, 2 * PAGE)]  # the last one hits
    assert len(tiny.log) == 2


def test_0b20_an_issuer_that_blocks_gives_its_place_at_the_port_up_and_another_worker_is_released() -> None:
    """Limit 1, two workers. The second miss finds the system worker busy: its issuer leaves the count, the third goes on."""
    tiny = TinyCache(concurrency=1, workers=2)
    counts: list[tuple[int, int]] = []
    tiny.ask_at(2000, 1, 2, 3)
    tiny.at(2000 + 3 * REMOVE + 3 * CACHED - 1, lambda: counts.append((tiny.port.running, len(tiny.port.entries))))
    tiny.at(6000, lambda: counts.append((tiny.port.running, len(tiny.port.entries))))
    tiny.run()
    assert counts == [
        (1, 0),
        (0, 0),
    ]  # the third request is under way, in the other thread; then both threads are blocked
    assert tiny.cache.blocked == 2
    assert [index for _, index in tiny.log] == [1, 2, 3]


def test_with_a_system_worker_for_each_no_issuer_blocks() -> None:
    tiny = TinyCache(concurrency=1, workers=2, system_workers=3)
    tiny.ask_at(2000, 1, 2, 3)
    tiny.run()
    assert tiny.cache.blocked == 0
    assert len(tiny.log) == 3


def test_a_blocking_read_that_misses_is_served_by_its_own_thread() -> None:
    """On a synchronous handle the copy faults where it is: no system worker is asked (3.3)."""
    tiny = TinyCache()
    tiny.does(tiny.transfer(offset=PAGE, blocking=True))
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.work_queue.packets == 0
    assert tiny.log == [(2000 + REMOVE + CACHED + issue(1) + LATENCY + ISR + dpc(1), 0)]
    assert tiny.cache.blocked == 0  # nobody was surprised


# ---- read-ahead ------------------------------------------------------------------------------------------------------


def reader(read_ahead: int, step: int = PAGE, **options: object) -> TinyCache:
    """Every 100 us a page is read, `step` bytes further on each time."""
    tiny = TinyCache(cache_pages=1000, **options)  # type: ignore[arg-type]
    tiny.file.read_ahead = read_ahead
    tiny.does(tiny.transfer(offset=Ladder(step)))
    for number in range(12):
        tiny.ask_at(100_000 * (number + 1), number)
    tiny.run()
    return tiny


def test_3_4_the_third_read_in_a_row_starts_the_read_ahead_and_the_next_ones_hit() -> None:
    """Parts of 4 pages: the third read ends at page 3, so up to page 8 is read; each part is asked for one part ahead."""
    tiny = reader(4 * PAGE)
    assert tiny.commands() == [(0, 1), (1, 1), (2, 1), (3, 5), (8, 4), (12, 4)]
    assert (tiny.cache.misses, tiny.cache.hits) == (3, 9)
    assert tiny.cache.read_ahead_pages == 13


def test_without_read_ahead_every_read_misses() -> None:
    assert reader(0).cache.misses == 12


@pytest.mark.parametrize("step", [2 * PAGE, 0])
def test_reads_that_do_not_follow_each_other_start_none(step: int) -> None:
    assert reader(4 * PAGE, step).cache.read_ahead_pages == 0


def test_a_read_of_pages_that_are_being_read_ahead_waits_for_them() -> None:
    """The fourth read comes while its page is under way: it waits, and the page is read once."""
    tiny = TinyCache(4, latency=1_000_000, cache_pages=1000)
    tiny.file.read_ahead = 4 * PAGE
    tiny.cache.pages.fill(0, 0, 3 * PAGE)
    tiny.does(tiny.transfer(offset=Ladder(PAGE)))
    for number in range(4):
        tiny.ask_at(10_000 * (number + 1), number)
    tiny.run()
    assert tiny.commands() == [(3, 5)]
    assert (tiny.cache.hits, tiny.cache.misses, tiny.cache.collided) == (3, 1, 1)
    assert causes(tiny.ended.requests[3])["paging"] > 900_000


def test_read_ahead_ends_where_the_valid_data_do() -> None:
    tiny = TinyCache(cache_pages=1000)
    tiny.file.read_ahead = 100 * PAGE
    tiny.control.valid = 5 * PAGE
    tiny.does(tiny.transfer(offset=Ladder(PAGE)))
    for number in range(7):
        tiny.ask_at(100_000 * (number + 1), number)
    tiny.run()
    assert sorted(tiny.commands()) == [(0, 1), (1, 1), (2, 1), (3, 2)]
    assert tiny.cache.misses == 3  # what was never written is zero, and needs no disk


def test_hits_that_are_drawn_start_none() -> None:
    """A file with `hit_ratio` has no read-ahead at all (file_systems.py); its missing reads are one run each."""
    tiny = TinyCache(size=4 * PAGE, hits=[Constant(0)])
    tiny.control.drawn = True
    tiny.ask_at(2000, 0)
    tiny.ask_at(100_000, 0)
    tiny.run()
    assert tiny.commands() == [(0, 4), (0, 4)]
