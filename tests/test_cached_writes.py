"""Cached writes: dirty pages, the lazy writer, throttling, write-through, flushes (semantics 3.5, 3.6, 3.9)."""

from typing import Any

import pytest
from tiny import causes
from tiny_cache import CACHED, TinyCache, dpc, issue
from tiny_io import ISR, LATENCY, REMOVAL, REMOVE, Ladder

from iosim.application import FlushStep
from iosim.device_stack import DeviceObject, Driver
from iosim.irp import WRITE, Irp
from iosim.ntstatus import STATUS_INVALID_DEVICE_REQUEST
from iosim.units import PAGE

S = 10**9
FLUSHED = (0, 0)  # the disk's own flush: a command without data, which this drive takes its time for like any other
FLUSH = LATENCY + ISR + dpc(0)


def writer(pages: int = 1, **options: Any) -> TinyCache:
    """Request n writes `pages` pages at its own place."""
    tiny = TinyCache(**options)
    tiny.does(tiny.transfer(WRITE, pages * PAGE, Ladder(pages * PAGE), blocking=options.get("blocking", False)))
    return tiny


def test_a_write_of_whole_pages_is_a_copy_that_ends_at_once_and_reports() -> None:
    tiny = writer(2, copy_ps=1000)
    tiny.ask_at(2000, 0)
    tiny.at(50_000, lambda: tiny.log.append((tiny.cache.pages.dirty_pages(), "dirty")))
    tiny.run()
    assert tiny.log == [(2000 + REMOVE + CACHED + 8192 + REMOVE + REMOVAL, 0), (2, "dirty")]
    assert tiny.port.packets == 2


def test_3_5_after_a_second_the_lazy_writer_writes_an_eighth_the_oldest_first() -> None:
    """16 pages, two a second; then an eighth of 14 rounds up to two, and so on until nothing is dirty and it sleeps."""
    tiny = writer(1)
    tiny.ask_at(2000, *range(16))
    tiny.run()
    assert tiny.commands()[:4] == [(0, 2), (2, 2), (4, 2), (6, 2)]
    assert [seen[0] // S for seen in tiny.drive.seen[:3]] == [1, 2, 3]
    assert sum(pages for _, pages in tiny.commands()) == 16
    assert not tiny.cache.pages.dirty
    assert not tiny.control.dirty
    assert not tiny.writer.awake


def test_where_nothing_is_written_the_lazy_writer_costs_no_event() -> None:
    tiny = TinyCache()
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.clock.now < S


def test_a_page_that_is_written_to_again_is_written_once() -> None:
    tiny = TinyCache()
    tiny.does(tiny.transfer(WRITE, PAGE, 3 * PAGE))
    for number in range(5):
        tiny.ask_at(1000 * (number + 1), number)
    tiny.run()
    assert tiny.commands() == [(3, 1)]
    assert (tiny.cache.writes, tiny.cache.written_pages) == (5, 1)


def test_a_page_that_is_written_to_while_it_is_being_written_is_written_again() -> None:
    tiny = writer()
    tiny.does(tiny.transfer(WRITE, PAGE, 0))
    tiny.ask_at(1000, 0)
    tiny.ask_at(S + 5000, 1)
    tiny.run()
    assert tiny.commands() == [(0, 1), (0, 1)]
    assert [seen[0] // S for seen in tiny.drive.seen] == [1, 2]


def test_temporary_files_are_left_alone() -> None:
    tiny = writer()
    tiny.control.temporary = True
    tiny.ask_at(2000, *range(4))
    tiny.run()
    assert tiny.drive.seen == []
    assert tiny.cache.pages.dirty_pages() == 4


def test_dirty_pages_are_not_dropped_for_others() -> None:
    """A cache of 4 pages with 2 dirty ones: reads push each other out."""
    tiny = writer(1, cache_pages=4)
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    reads = tiny.transfer(offset=Ladder(PAGE))
    tiny.does(reads)
    tiny.cache.soil(tiny.file, 0, 2 * PAGE)
    for number in range(10, 16):
        tiny.ask(number)
    tiny.cache.writer = TinyCache().cache.writer
    tiny.run()
    assert len(tiny.cache.pages.pages) + tiny.cache.pages.dirty_pages() == 4
    assert tiny.cache.resident(tiny.file, 0, 2 * PAGE)


# ---- parts of pages --------------------------------------------------------------------------------------------------


def test_a_write_of_a_part_of_a_page_reads_the_page_first() -> None:
    """By a system worker; the rest of the pages is written in whole and not read."""
    tiny = TinyCache()
    tiny.does(tiny.transfer(WRITE, 3 * PAGE, PAGE + 100))
    tiny.ask_at(2000, 0)
    tiny.at(900_000, lambda: tiny.log.append((tiny.cache.pages.dirty_pages(), "dirty")))
    tiny.run()
    assert tiny.commands()[:2] == [(1, 1), (4, 1)]
    reads = 2 * (issue(1) + LATENCY + ISR + dpc(1))
    assert tiny.log == [(2000 + REMOVE + CACHED + reads + REMOVE + REMOVAL, 0), (4, "dirty")]


@pytest.mark.parametrize("known", ["resident", "beyond the valid data"])
def test_it_does_not_if_the_page_is_there_or_has_nothing_to_be_kept(known: str) -> None:
    tiny = TinyCache()
    if known == "resident":
        tiny.cache.pages.fill(0, PAGE, PAGE)
    else:
        tiny.control.valid = PAGE
    tiny.does(tiny.transfer(WRITE, 100, PAGE + 100))
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.log == [(2000 + REMOVE + CACHED + REMOVE + REMOVAL, 0)]
    assert tiny.commands() == [(1, 1)]  # the lazy writer's


# ---- throttling ------------------------------------------------------------------------------------------------------


def test_3_6_past_the_threshold_an_overlapped_write_is_deferred_until_pages_have_been_written() -> None:
    """Two pages may be dirty. The third write has the lazy writer write at once, and is done by a system worker."""
    tiny = writer()
    tiny.cache.throttle.threshold = 2
    tiny.ask_at(2000, 0, 1, 2)
    tiny.run()
    ended = {index: time for time, index in tiny.log}
    assert ended[1] < 3000 < LATENCY < ended[2] < 3 * LATENCY
    third = tiny.ended.requests[-1]
    assert causes(third)["write_throttle"] > LATENCY
    assert sum(third.ledger) == ended[2] - 2000
    assert tiny.cache.throttle.throttled == 1
    assert tiny.cache.blocked == 0  # its thread was free


def test_a_blocking_write_waits_for_that_in_its_thread() -> None:
    tiny = writer(blocking=True)
    tiny.cache.throttle.threshold = 2
    tiny.ask_at(2000, 0, 1, 2)
    running: list[int] = []
    tiny.at(8000, lambda: running.append(tiny.port.running))
    tiny.run()
    assert running == [0]
    assert tiny.work_queue.packets == 0
    assert causes(tiny.ended.requests[-1])["write_throttle"] > LATENCY


def test_below_the_threshold_nobody_waits() -> None:
    tiny = writer()
    tiny.cache.throttle.threshold = 3
    tiny.ask_at(2000, 0, 1, 2)
    tiny.run()
    assert tiny.cache.throttle.throttled == 0
    assert all("write_throttle" not in causes(request) for request in tiny.ended.requests)


def test_a_file_may_have_a_threshold_of_its_own() -> None:
    tiny = writer()
    tiny.control.dirty_limit = 2
    tiny.ask_at(2000, 0, 1, 2)
    tiny.run()
    assert tiny.cache.throttle.throttled == 1
    assert len(tiny.log) == 3


def test_a_write_larger_than_the_threshold_is_taken_in_when_nothing_is_dirty() -> None:
    tiny = writer(8)
    tiny.cache.throttle.threshold = 2
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert [index for _, index in tiny.log] == [0, 1]
    assert tiny.cache.throttle.throttled == 1


def test_writes_are_let_in_in_their_order() -> None:
    tiny = writer(processors=4)
    tiny.cache.throttle.threshold = 1
    tiny.ask_at(2000, *range(6))
    tiny.run()
    assert [index for _, index in tiny.log] == list(range(6))
    assert tiny.cache.throttle.promised == 0


def test_when_a_write_waits_temporary_files_are_written_too() -> None:
    """Else nobody would ever make room."""
    tiny = writer()
    tiny.control.temporary = True
    tiny.cache.throttle.threshold = 1
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert len(tiny.log) == 2


# ---- write-through and flush -----------------------------------------------------------------------------------------


def test_3_9_a_write_through_ends_when_the_disk_has_it() -> None:
    tiny = writer(2)
    tiny.file.write_through = True
    tiny.ask_at(2000, 0)
    tiny.run()
    through = issue(2) + LATENCY + ISR + dpc(2)
    assert tiny.log == [(2000 + REMOVE + CACHED + through + REMOVE + REMOVAL, 0)]
    assert not tiny.cache.pages.dirty
    assert tiny.cache.resident(tiny.file, 0, 2 * PAGE)


def test_a_flush_writes_what_is_dirty_of_its_file_and_waits_for_it() -> None:
    tiny = TinyCache()
    write = tiny.transfer(WRITE, PAGE, Ladder(10 * PAGE))
    tiny.does(write)
    tiny.ask_at(2000, 0, 1)
    tiny.at(50_000, lambda: tiny.does(FlushStep(tiny.services, tiny.file)))
    tiny.ask_at(50_000, 5)
    tiny.ask_at(500_000, 6)
    tiny.run()
    assert tiny.commands() == [(0, 1), (10, 1), (0, 0), FLUSHED]
    times = {index: time for time, index in tiny.log}
    assert times[5] == 50_000 + REMOVE + CACHED + 2 * (issue(1) + LATENCY + ISR + dpc(1)) + FLUSH
    assert times[6] == 500_000 + REMOVE + CACHED + FLUSH  # nothing left to write


def test_a_flush_waits_for_what_the_lazy_writer_is_writing() -> None:
    tiny = writer()
    tiny.ask_at(2000, 0)
    tiny.at(S, lambda: tiny.does(FlushStep(tiny.services, tiny.file)))
    tiny.ask_at(S + 5000, 1)
    tiny.run()
    assert tiny.commands() == [(0, 1), FLUSHED]
    assert tiny.log[-1] == (S + 2000 + REMOVE + CACHED + issue(1) + LATENCY + ISR + dpc(1) + FLUSH, 1)


def test_3_5_more_is_written_if_as_much_again_would_lead_past_the_threshold() -> None:
    """40 pages in the first second and room for 50: 30 of them, not an eighth."""
    tiny = writer()
    tiny.cache.throttle.threshold = 50
    tiny.ask_at(2000, *range(40))
    tiny.run()
    first = [pages for (time, _, _), (_, pages) in zip(tiny.drive.seen, tiny.commands(), strict=True) if time < 2 * S]
    assert sum(first) == 30


# ---- errors ----------------------------------------------------------------------------------------------------------


class Broken(Driver):
    """A volume that can't: every request ends at once, with an error."""

    def __init__(self, tiny: TinyCache) -> None:
        self.tiny = tiny

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        irp.status = STATUS_INVALID_DEVICE_REQUEST
        self.tiny.io.complete(irp)
        return STATUS_INVALID_DEVICE_REQUEST


def broken(tiny: TinyCache) -> TinyCache:
    tiny.top.lower = DeviceObject(Broken(tiny), None, 0, 1 << 30)
    return tiny


def test_a_page_that_can_not_be_read_fails_its_request_after_it_pended_with_a_packet() -> None:
    tiny = broken(TinyCache())
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.port.packets == 2
    assert tiny.ended.requests[0].bytes == 0
    assert not tiny.cache.resident(tiny.file, 0, PAGE)
    assert not tiny.cache.pages.loading


def test_a_part_of_a_page_that_can_not_be_read_makes_nothing_dirty() -> None:
    tiny = broken(TinyCache())
    tiny.does(tiny.transfer(WRITE, 100, 100))
    tiny.ask_at(2000, 0)
    tiny.run()
    assert (tiny.cache.writes, tiny.cache.throttle.promised, tiny.ended.requests[0].bytes) == (0, 0, 0)


def test_a_page_that_can_not_be_written_is_lost() -> None:
    """As the real system says: delayed write failed."""
    tiny = broken(writer())
    tiny.ask_at(2000, 0)
    tiny.run()
    assert (tiny.cache.lost_pages, tiny.cache.pages.dirty_pages()) == (1, 0)


def test_an_extending_write_that_fails_ends_in_its_thread_without_a_packet() -> None:
    """It never pended: the call returns the error (1.3 row 3), and nothing more is valid."""
    tiny = broken(writer(cached=False))
    tiny.control.valid = 0
    tiny.control.extends_synchronously = True
    tiny.control.settle()
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.port.packets == 1
    assert (len(tiny.log), tiny.control.valid) == (1, 0)
