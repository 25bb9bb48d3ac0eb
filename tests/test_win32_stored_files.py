"""Programs and their stored files: valid data length, write-through, read-ahead, lazy writes (semantics 3.4 to 3.9)."""

from itertools import pairwise
from typing import Any

import pytest
from tiny_win32 import MS, PAGE, US, Log, disk, read, run, write

from iosim.ntstatus import ERROR_INVALID_PARAMETER, ERROR_IO_PENDING
from iosim.win32 import INFINITE, Api, DiskParams, IoResult, Overlapped, System, ThreadBody

LATENCY = 100 * US
S = 1000 * MS
PENDING = IoResult(False, ERROR_IO_PENDING, 0)
DONE = IoResult(True, 0, PAGE)


def unwritten(**options: Any) -> System:
    """The file is 1 MiB long, and only its first page has ever been written."""
    return disk(disk=DiskParams(valid_data={"data": PAGE}, **options))


def two_writes(no_buffering: bool, system: System) -> Log:
    """One beyond the valid data, one inside."""

    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=no_buffering)
        port = yield api.CreateIoCompletionPort(file, None, 1)
        for page in (5, 0):
            log.add("write", (yield write(api, file, PAGE, Overlapped(page * PAGE))))
        for _ in range(2):
            log.add("packet", (yield api.GetQueuedCompletionStatus(port, INFINITE)).overlapped.Offset // PAGE)

    return run(program, system=system)


def test_I24_beyond_the_valid_data_the_caller_waits_and_is_told_of_success_and_inside_it_pends() -> None:
    log = two_writes(True, unwritten())
    assert log.of("write") == [DONE, PENDING]
    assert log.when("write") == [LATENCY, LATENCY]
    assert log.of("packet") == [5, 0]
    assert log.when("packet") == [LATENCY, 2 * LATENCY]


def test_I24_3_7_it_may_say_pending_though_it_kept_its_caller() -> None:
    log = two_writes(True, unwritten(reports_pending=True))
    assert log.of("write") == [PENDING, PENDING]
    assert log.when("write") == [LATENCY, LATENCY]
    assert log.of("packet") == [5, 0]


def test_I24_through_the_cache_both_are_copies() -> None:
    log = two_writes(False, unwritten())
    assert log.of("write") == [DONE, DONE]
    assert log.when("write") == [0, 0]


def test_I25_on_refs_both_pend() -> None:
    log = two_writes(True, unwritten(file_system="refs"))
    assert log.of("write") == [PENDING, PENDING]
    assert log.when("write") == [0, 0]
    assert log.when("packet") == [LATENCY, LATENCY]


def test_3_7_set_file_valid_data_lets_them_pend() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        log.add("set", (yield api.SetFileValidData(file, 1 << 20)))
        log.add("write", (yield write(api, file, PAGE, Overlapped(5 * PAGE))))

    log = run(program, system=unwritten())
    assert (log.one("set"), log.one("write"), log.when("write")) == (True, PENDING, [0])


@pytest.mark.parametrize("length", [PAGE - 1, (1 << 20) + 1])
def test_the_valid_data_neither_shrink_nor_pass_the_end(length: int) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data")
        log.add("set", (yield api.SetFileValidData(file, length)))
        log.add("error", (yield api.GetLastError()))

    log = run(program, system=unwritten())
    assert (log.one("set"), log.one("error")) == (False, ERROR_INVALID_PARAMETER)


def test_a_device_has_no_valid_data() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("NUL")
        log.add("set", (yield api.SetFileValidData(file, 1)))

    assert run(program, system=disk()).one("set") is False


def test_3_9_a_write_through_comes_back_when_the_disk_has_it() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        for flag in (False, True):
            file = yield api.CreateFile("data", write_through=flag)
            log.add("write", (yield write(api, file, PAGE)))

    log = run(program, system=disk())
    assert log.of("write") == [DONE, DONE]
    assert log.when("write") == [0, LATENCY]


def test_3_5_what_nobody_flushes_is_written_after_a_second() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data")
        yield write(api, file, PAGE)

    system = disk()
    run(program, system=system)
    assert system.volume.cache.written_pages == 1
    assert system.clock.now == 2 * S  # it looks once more, finds nothing and sleeps


def test_3_4_a_program_that_reads_on_and_on_finds_its_pages_there() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data")
        for _ in range(6):
            yield read(api, file, PAGE)
            log.add("read", 0)
            yield api.Sleep(MS)

    log = run(program, system=disk(disk=DiskParams(read_ahead=4 * PAGE)))
    waited = [time % MS for time in log.when("read")]
    assert [later - sooner for sooner, later in pairwise([0, *waited])] == [LATENCY] * 3 + [0] * 3
    without = run(program, system=disk())
    assert without.when("read")[-1] % MS == 6 * LATENCY


def test_a_synchronous_write_of_a_part_of_a_page_reads_it_first_in_its_own_call() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data")
        for _ in range(2):
            log.add("write", (yield write(api, file, 10)))

    log = run(program, system=disk())
    assert log.of("write") == [IoResult(True, 0, 10)] * 2
    assert log.when("write") == [LATENCY, LATENCY]
