"""Errors of the disk under cached files: who is told of them, and that nobody waits for ever."""

import pytest
from tiny_cache import TinyCache
from tiny_io import Ladder

from iosim.application import FlushStep, OpenStep
from iosim.attribution import COMPLETED, FAILED
from iosim.device_stack import FileObject
from iosim.drives.faults import MEDIA_ERROR, READS, WRITES, BadRange, Faults
from iosim.irp import WRITE
from iosim.ntfs_metadata import LOG_WRITE_THROUGH, Metadata
from iosim.units import PAGE
from iosim.variates import Constant, Variate

S = 10**9
BASE = (1 << 20) + (1 << 24)  # where the file begins on the disk


def bad(tiny: TinyCache, concerns: int, *pages: int, base: int = BASE) -> TinyCache:
    """These pages of the file can't be read, or written."""
    ranges = [BadRange(MEDIA_ERROR, concerns, base + page * PAGE, base + (page + 1) * PAGE, False) for page in pages]
    tiny.drive.faults = Faults(list(ranges))
    tiny.drive.faulty = True
    return tiny


def outcomes(tiny: TinyCache) -> list[int]:
    """How requests ended, in the order of their numbers; each has ended once, and its time is explained."""
    requests = sorted(tiny.ended.requests, key=lambda request: request.index)
    assert [request.index for request in requests] == list(range(len(requests)))
    ends = {index: time for time, index in tiny.log}
    assert all(sum(request.ledger) == ends[request.index] - request.intended for request in requests)
    assert not tiny.cache.pages.loading
    assert not tiny.cache.pages.writing
    assert (tiny.cache.throttle.promised, len(tiny.cache.throttle.deferred)) == (0, 0)
    return [request.status for request in requests]


@pytest.mark.parametrize("blocking", [False, True])
def test_everybody_who_waits_for_a_page_that_can_not_be_read_tries_for_himself_and_fails_once(blocking: bool) -> None:
    tiny = bad(TinyCache(4, system_workers=3, workers=3), READS, 0)
    tiny.does(tiny.transfer(blocking=blocking))
    tiny.ask_at(2000, 0, 1, 2)
    tiny.run()
    assert outcomes(tiny) == [FAILED] * 3
    assert tiny.cache.paging_reads == 3
    assert tiny.port.packets == (3 if blocking else 6)


def test_what_could_not_be_read_ahead_is_read_again_by_who_needs_it() -> None:
    tiny = bad(TinyCache(), READS, 4)
    tiny.file.read_ahead = 2 * PAGE
    tiny.does(tiny.transfer(offset=Ladder(PAGE)))
    for number in range(6):
        tiny.ask_at(100_000 * (number + 1), number)
    tiny.run()
    assert outcomes(tiny) == [COMPLETED, COMPLETED, COMPLETED, COMPLETED, FAILED, COMPLETED]


@pytest.mark.parametrize("page", [0, 1])
@pytest.mark.parametrize("blocking", [False, True])
def test_a_write_fails_if_either_page_that_it_covers_in_part_can_not_be_read(page: int, blocking: bool) -> None:
    tiny = bad(TinyCache(), READS, page)
    tiny.does(tiny.transfer(WRITE, PAGE, 512, blocking))
    tiny.ask_at(2000, 0)
    tiny.run()
    assert outcomes(tiny) == [FAILED]
    assert tiny.cache.writes == tiny.cache.pages.dirty_pages() == 0


def test_a_write_that_waits_for_the_pages_of_one_that_fails_is_let_in() -> None:
    """One page may be dirty. Request 0 has been promised it, and can't read what it covers in part."""
    tiny = bad(TinyCache(4, system_workers=2), READS, 0)
    tiny.cache.throttle.threshold = 1
    tiny.does(tiny.transfer(WRITE, 512, Ladder(10 * PAGE)))
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert outcomes(tiny) == [FAILED, COMPLETED]
    assert tiny.cache.throttle.throttled == 1


def test_a_write_that_waits_is_let_in_though_what_became_dirty_since_is_temporary() -> None:
    """When it began to wait nothing was dirty: request 0 was still reading the page that it covers in part."""
    tiny = TinyCache(4, system_workers=2)
    tiny.control.temporary = True
    tiny.cache.throttle.threshold = 1
    tiny.does(tiny.transfer(WRITE, 512, Ladder(10 * PAGE)))
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert outcomes(tiny) == [COMPLETED, COMPLETED]


def test_a_write_that_waits_for_pages_that_are_only_promised_does_not_wait_for_the_next_second() -> None:
    tiny = TinyCache(4, system_workers=2)
    tiny.cache.throttle.threshold = 1
    tiny.does(tiny.transfer(WRITE, 512, Ladder(10 * PAGE)))
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert outcomes(tiny) == [COMPLETED, COMPLETED]
    assert tiny.log[-1][0] < 50_000


def test_a_write_through_that_the_disk_refuses_fails() -> None:
    tiny = bad(TinyCache(), WRITES, 1)
    tiny.file.write_through = True
    tiny.does(tiny.transfer(WRITE, PAGE, Ladder(PAGE)))
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert outcomes(tiny) == [COMPLETED, FAILED]
    assert tiny.cache.lost_pages == 1


def test_a_flush_fails_if_a_page_can_not_be_written() -> None:
    tiny = bad(TinyCache(), WRITES, 0)
    write = tiny.transfer(WRITE, PAGE, 0)
    tiny.does(write)
    tiny.ask_at(2000, 0)
    tiny.at(50_000, lambda: tiny.does(FlushStep(tiny.services, tiny.file)))
    tiny.ask_at(50_000, 1)
    tiny.run()
    assert outcomes(tiny) == [COMPLETED, FAILED]


def test_a_flush_fails_if_what_the_lazy_writer_is_writing_can_not_be_written() -> None:
    tiny = bad(TinyCache(), WRITES, 0)
    tiny.does(tiny.transfer(WRITE, PAGE, 0))
    tiny.ask_at(2000, 0)
    tiny.at(S, lambda: tiny.does(FlushStep(tiny.services, tiny.file)))
    tiny.ask_at(S + 5000, 1)
    tiny.run()
    assert outcomes(tiny) == [COMPLETED, FAILED]
    assert tiny.cache.paging_writes == tiny.cache.lost_pages == 1


def test_the_lazy_writer_stays_awake_while_another_writes_what_is_dirty_once_more() -> None:
    """A flush writes page 0 when the lazy writer looks, and the page has been written to meanwhile."""
    tiny = TinyCache(latency=100_000)
    write = tiny.transfer(WRITE, PAGE, 0)
    tiny.does(write)
    tiny.ask_at(2000, 0)
    tiny.at(S - 50_000, lambda: tiny.does(FlushStep(tiny.services, tiny.file)))
    tiny.ask_at(S - 50_000, 1)
    tiny.at(S - 20_000, lambda: tiny.does(write))
    tiny.ask_at(S - 20_000, 2)
    tiny.run()
    assert outcomes(tiny) == [COMPLETED] * 3
    assert (tiny.cache.paging_writes, tiny.cache.pages.dirty_pages()) == (2, 0)


def metadata(tiny: TinyCache) -> Metadata:
    tiny.ntfs.log.open(FileObject(7, tiny.top, 1 << 26, 1 << 16, True), LOG_WRITE_THROUGH)
    return Metadata(tiny.cache, FileObject(8, tiny.top, 1 << 25, 1 << 20, True), tiny.ntfs.log)


def test_opening_a_file_whose_record_can_not_be_read_fails() -> None:
    tiny = bad(TinyCache(), READS, 0, base=(1 << 20) + (1 << 25))
    records: Variate = Ladder(4)  # of 1 KiB
    tiny.does(OpenStep(tiny.services, metadata(tiny), records, 700, 0))
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert outcomes(tiny) == [FAILED, COMPLETED]


@pytest.mark.parametrize("cached", [False, True])
def test_a_write_whose_change_can_not_be_logged_fails(cached: bool) -> None:
    tiny = bad(TinyCache(cached=cached), WRITES, 0, base=(1 << 20) + (1 << 26))
    metadata(tiny)
    tiny.control.valid = 0
    tiny.control.extends_synchronously = True
    tiny.control.settle()
    tiny.does(tiny.transfer(WRITE, PAGE, Constant(0)))
    tiny.ask_at(2000, 0)
    tiny.run()
    assert outcomes(tiny) == [FAILED]
