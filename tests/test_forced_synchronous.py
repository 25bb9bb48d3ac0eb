"""When an overlapped call keeps its thread: valid data length, compressed and encrypted files, log writes (semantics 3.7)."""

from typing import Any

import pytest
from tiny import causes
from tiny_cache import TinyCache, dpc, issue
from tiny_io import ISR, LATENCY, PAGE_LOCK, REMOVAL, REMOVE, Ladder

from iosim.application import CloseStep, OpenStep
from iosim.device_stack import FileObject
from iosim.irp import READ, WRITE
from iosim.ntfs_metadata import LOG_LAZY, LOG_WRITE_THROUGH, Metadata
from iosim.units import PAGE
from iosim.variates import Constant

DISPATCHED = 10 + 20 + PAGE_LOCK + 190 + 200  # the way down of an unbuffered page


def log_of(valid: int, ntfs: bool = True, **options: Any) -> TinyCache:
    """Limit 1, two workers on two processors; request n writes page n without a cache; `valid` bytes are valid."""
    tiny = TinyCache(concurrency=1, cached=False, **options)
    tiny.control.valid = valid
    tiny.control.extends_synchronously = ntfs
    tiny.control.settle()
    tiny.does(tiny.transfer(WRITE, PAGE, Ladder(PAGE)))
    return tiny


def counts(tiny: TinyCache, *times: int) -> list[tuple[int, int]]:
    """Threads that count as running at the port, and those that are parked there, at these times."""
    found: list[tuple[int, int]] = []
    for time in times:
        tiny.at(time, lambda: found.append((tiny.port.running, len(tiny.port.waiting))))
    return found


def test_I24_a_write_beyond_the_valid_data_keeps_its_thread_until_the_disk_has_it() -> None:
    """The port's count falls, and the call returns success: its packet comes from the thread itself."""
    tiny = log_of(valid=0)
    found = counts(tiny, 2000 + REMOVE + DISPATCHED - 1, 5000)
    tiny.ask_at(2000, 0)
    tiny.run()
    assert found == [(1, 1), (0, 1)]
    up = 2000 + REMOVE + DISPATCHED + LATENCY + ISR + dpc(1)
    assert tiny.log == [(up + REMOVE + REMOVAL, 0)]
    assert (tiny.cache.blocked, tiny.control.valid) == (1, PAGE)
    (request,) = tiny.ended.requests
    assert request.bytes == PAGE
    assert sum(request.ledger) == up + REMOVE + REMOVAL - 2000


def test_I24_a_write_inside_the_valid_data_pends() -> None:
    tiny = log_of(valid=PAGE)
    found = counts(tiny, 5000)
    tiny.ask_at(2000, 0)
    tiny.run()
    assert found == [(0, 2)]  # its thread is back at the port
    assert tiny.cache.blocked == 0


def test_I24_set_file_valid_data_is_the_cure() -> None:
    tiny = log_of(valid=0)
    tiny.control.set_valid(8 * PAGE)
    tiny.ask_at(2000, *range(8))
    tiny.run()
    assert tiny.cache.blocked == 0
    tiny.ask(8)
    tiny.run()
    assert tiny.cache.blocked == 1


def test_I25_refs_does_not_force_it() -> None:
    tiny = log_of(valid=0, ntfs=False)
    found = counts(tiny, 5000)
    tiny.ask_at(2000, 0)
    tiny.run()
    assert found == [(0, 2)]
    assert tiny.cache.blocked == 0


def test_the_release_of_another_worker_is_what_the_port_makes_of_it() -> None:
    """Two writes, limit 1: the second worker is released when the first one blocks, and blocks too."""
    tiny = log_of(valid=0)
    found = counts(tiny, 2000 + REMOVE + 100, 5000)
    tiny.ask_at(2000, 0, 1, 2)
    tiny.run()
    assert found == [(1, 1), (0, 0)]
    assert [seen[0] < 4000 for seen in tiny.drive.seen] == [True, True, False]  # the third waits for a thread
    waited = causes(tiny.ended.requests[2])
    assert waited["no_free_thread"] > LATENCY / 2


@pytest.mark.parametrize(("pending", "skips"), [(False, True), (True, False)])
def test_3_7_what_it_reports_decides_whether_skip_on_success_skips(pending: bool, skips: bool) -> None:
    """A call that says success queues no packet then; one that says pending does, though it kept its thread too."""
    tiny = log_of(valid=0)
    tiny.control.reports_pending = pending
    tiny.io.set_notification_modes(tiny.file, 1)
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.port.packets == (1 if skips else 2)
    assert tiny.cache.blocked == 1
    assert len(tiny.log) == 1
    assert sum(tiny.ended.requests[0].ledger) == tiny.log[0][0] - 2000


@pytest.mark.parametrize("major", [READ, WRITE])
def test_3_7_compressed_files_are_synchronous_both_ways_and_their_thread_pays(major: int) -> None:
    tiny = TinyCache(cached=False)
    tiny.control.transformed = True
    tiny.control.transform_ps = 2000
    tiny.control.settle()
    tiny.does(tiny.transfer(major, PAGE, 0))
    tiny.ask_at(2000, 0)
    tiny.run()
    up = 2000 + REMOVE + DISPATCHED + 2 * PAGE + LATENCY + ISR + dpc(1)
    assert tiny.log == [(up + REMOVE + REMOVAL, 0)]
    assert tiny.cache.blocked == 1


def test_a_cached_miss_of_a_compressed_file_is_served_by_its_own_thread() -> None:
    tiny = TinyCache()
    tiny.control.transformed = True
    tiny.control.transform_ps = 2000
    tiny.control.settle()
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.work_queue.packets == 0
    assert tiny.cache.blocked == 1
    assert tiny.log[0][0] == 2000 + REMOVE + 130 + issue(1) + LATENCY + ISR + dpc(1) + 2 * PAGE + REMOVE + REMOVAL


def test_a_cached_write_beyond_the_valid_data_may_wait_in_its_thread_for_the_throttle() -> None:
    tiny = TinyCache()
    tiny.control.valid = 0
    tiny.control.extends_synchronously = True
    tiny.control.settle()
    tiny.cache.throttle.threshold = 1
    tiny.does(tiny.transfer(WRITE, PAGE, Ladder(PAGE)))
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert causes(tiny.ended.requests[1])["write_throttle"] > LATENCY
    assert tiny.work_queue.packets == 0
    assert tiny.control.valid == 2 * PAGE


# ---- metadata --------------------------------------------------------------------------------------------------------


def logged(mode: int, valid: int = 0) -> TinyCache:
    tiny = log_of(valid)
    tiny.ntfs.log.open(FileObject(7, tiny.top, 1 << 26, 1 << 16, True), mode)
    tiny.ask_at(2000, 0)
    tiny.run()
    return tiny


def test_a_longer_valid_data_length_is_logged_and_with_write_through_the_thread_waits_for_that_too() -> None:
    without, with_log = log_of(0), logged(LOG_WRITE_THROUGH)
    without.ask_at(2000, 0)
    without.run()
    assert with_log.log[0][0] - without.log[0][0] == issue(1) + LATENCY + ISR + dpc(1)
    assert len(with_log.drive.seen) == 2


def test_a_lazy_log_is_written_by_the_lazy_writer() -> None:
    tiny = logged(LOG_LAZY)
    assert [seen[0] // 10**9 for seen in tiny.drive.seen] == [0, 1]
    assert tiny.ntfs.log.records == 1


def test_a_write_inside_the_valid_data_changes_no_metadata() -> None:
    tiny = logged(LOG_WRITE_THROUGH, valid=PAGE)
    assert (len(tiny.drive.seen), tiny.ntfs.log.records) == (1, 0)


def opener(records: list[int], mode: int = 0) -> TinyCache:
    """Every request opens a file and closes it; `records`: whose records they need."""
    tiny = TinyCache()
    if mode:
        tiny.ntfs.log.open(FileObject(7, tiny.top, 1 << 26, 1 << 16, True), mode)
    metadata = Metadata(tiny.cache, FileObject(8, tiny.top, 1 << 25, 1 << 20, True), tiny.ntfs.log)

    class Listed(Constant):
        def value(self, index: int) -> int:
            return records[index]

    opening = OpenStep(tiny.services, metadata, Listed(0), 700, 0)
    tiny.does(opening, CloseStep(tiny.services, metadata, Constant(0), 300, 0))
    for number in range(len(records)):
        tiny.ask_at(100_000 * (number + 1), number)
    tiny.run()
    return tiny


def test_opening_waits_for_a_record_that_is_not_in_memory_and_the_next_one_in_its_page_is() -> None:
    """Four records of 1 KiB a page: 0 misses, 3 hits, 4 misses."""
    tiny = opener([0, 3, 4])
    costs = REMOVE + 700 + 300
    miss = issue(1) + LATENCY + ISR + dpc(1)
    assert [time % 100_000 for time, _ in tiny.log] == [costs + miss, costs, costs + miss]
    assert causes(tiny.ended.requests[0])["device_service"] == LATENCY


def test_closing_logs_what_has_changed_where_there_is_a_log() -> None:
    assert opener([0, 0], LOG_WRITE_THROUGH).log[1][0] - opener([0, 0]).log[1][0] == issue(1) + LATENCY + ISR + dpc(1)
