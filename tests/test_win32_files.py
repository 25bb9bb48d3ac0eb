"""Files, pipes and devices as programs see them. Cases P.., I..: semantics 9.3, 9.7; other rules by their number."""

from typing import Any

import pytest
from tiny_win32 import MS, PAGE, US, Log, disk, new_port, port_of, read, run, write

from iosim.device_stack import NOT_FAST, DeviceObject, Driver, FileObject
from iosim.io_manager import IoManager
from iosim.irp import DEVICE_CONTROL, Irp, StatusBlock
from iosim.ntstatus import (
    ERROR_BROKEN_PIPE,
    ERROR_DISK_FULL,
    ERROR_FILE_NOT_FOUND,
    ERROR_HANDLE_EOF,
    ERROR_INVALID_FUNCTION,
    ERROR_INVALID_PARAMETER,
    ERROR_IO_INCOMPLETE,
    ERROR_IO_PENDING,
    ERROR_MORE_DATA,
    ERROR_NO_DATA,
    ERROR_NOACCESS,
    ERROR_NOT_FOUND,
    ERROR_OPERATION_ABORTED,
    ERROR_PIPE_BUSY,
    ERROR_PIPE_CONNECTED,
    ERROR_PIPE_LISTENING,
    STATUS_CANCELLED,
    STATUS_INVALID_DEVICE_REQUEST,
    STATUS_PENDING,
    STATUS_PIPE_BROKEN,
    STATUS_SUCCESS,
    WAIT_IO_COMPLETION,
    WAIT_TIMEOUT,
)
from iosim.thread import WAITING
from iosim.win32 import (
    FILE_SKIP_COMPLETION_PORT_ON_SUCCESS,
    FILE_SKIP_SET_EVENT_ON_HANDLE,
    INFINITE,
    INVALID_HANDLE_VALUE,
    NULL,
    WAIT_OBJECT_0,
    Api,
    Buffer,
    DiskParams,
    Handle,
    HasOverlappedIoCompleted,
    IoResult,
    Overlapped,
    ProgramError,
    RequestCosts,
    System,
    ThreadBody,
)

PENDING = IoResult(False, ERROR_IO_PENDING, 0)
PIPE = r"\\.\pipe\there"
LATENCY = 100 * US


def done(size: int) -> IoResult:
    return IoResult(True, 0, size)


def failed(error: int, size: int = 0) -> IoResult:
    return IoResult(False, error, size)


@pytest.fixture(params=["heap", "simpy", "apc"])
def system(request: pytest.FixtureRequest) -> System:
    if request.param == "apc":
        return System(processors=4, completion_mode="apc")
    return System(processors=4, clock=request.param)


# ---- association and packets (9.3) -----------------------------------------------------------------------------------


def test_P22_a_synchronous_file_can_not_be_associated(system: System) -> None:
    ours, _ = system.pipe(overlapped=(False, True))

    def program(api: Api, log: Log) -> ThreadBody:
        log.add("port", (yield api.CreateIoCompletionPort(ours, None, 7)))
        log.add("error", (yield api.GetLastError()))

    log = run(program, system=system)
    assert (log.one("port"), log.one("error")) == (NULL, ERROR_INVALID_PARAMETER)
    assert len(system.handles.open) == 4  # the pool's port, two pipe ends, a thread: no port is left behind


@pytest.mark.parametrize("mode", ["direct", "apc"])
def test_P23_a_pended_read_queues_one_packet_when_its_data_comes(mode: Any) -> None:
    system = System(processors=2, completion_mode=mode)
    ours, theirs = system.pipe()
    overlapped = Overlapped()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, "K")
        log.add("read", (yield read(api, ours, 10, overlapped)))
        log.add("depth", len(port_of(port).entries))
        yield write(api, theirs, 3, Overlapped())
        log.add("depth", len(port_of(port).entries))
        log.add("early", overlapped.Internal)
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, 0)))
        log.add("depth", len(port_of(port).entries))

    log = run(program, system=system)
    packet = log.one("packet")
    assert log.one("read") == PENDING
    assert log.of("depth") == [0, 1, 0]
    assert log.one("early") == (STATUS_PENDING if mode == "direct" else STATUS_SUCCESS)  # 2.7: valid once removed
    assert (packet.ok, packet.completion_key, packet.bytes_transferred, packet.error) == (True, "K", 3, 0)
    assert packet.overlapped is overlapped
    assert (overlapped.Internal, overlapped.InternalHigh) == (STATUS_SUCCESS, 3)


def test_P24_a_read_that_ends_at_once_queues_a_packet_all_the_same(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        yield write(api, theirs, 2, Overlapped())
        log.add("read", (yield read(api, ours, 2, Overlapped())))
        log.add("depth", len(port_of(port).entries))
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, 0)).bytes_transferred)

    log = run(program, system=system)
    assert (log.one("read"), log.one("depth"), log.one("packet")) == (done(2), 1, 2)


def test_P25_closing_the_handle_ends_a_pended_read_with_a_packet(system: System) -> None:
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        yield read(api, ours, 2, Overlapped())
        yield api.CloseHandle(ours)
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, 0)))
        log.add("error", (yield api.GetLastError()))
        log.add("next", (yield api.GetQueuedCompletionStatus(port, 0)).error)

    log = run(program, system=system)
    packet = log.one("packet")
    assert (packet.ok, packet.status, packet.bytes_transferred) == (False, STATUS_PIPE_BROKEN, 0)
    assert packet.error == log.one("error") == ERROR_BROKEN_PIPE
    assert log.one("next") == WAIT_TIMEOUT


def test_P26_a_read_that_pends_before_the_association_reports_to_the_port_too(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        yield read(api, ours, 9, Overlapped())
        port = yield api.CreateIoCompletionPort(ours, None, 5)
        yield write(api, theirs, 3, Overlapped())
        packet = yield api.GetQueuedCompletionStatus(port, 0)
        log.add("packet", (packet.completion_key, packet.bytes_transferred))

    assert run(program, system=system).one("packet") == (5, 3)


def test_P27_a_read_with_a_routine_is_refused_on_an_associated_file(system: System) -> None:
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.CreateIoCompletionPort(ours, None, 5)
        log.add("read", (yield api.ReadFileEx(ours, Buffer(9), 9, Overlapped(), ignored)))
        log.add("write", (yield api.WriteFileEx(ours, Buffer(9), 9, Overlapped(), ignored)))

    log = run(program, system=system)
    assert log.one("read") == log.one("write") == failed(ERROR_INVALID_PARAMETER)


def ignored(api: Api, error: int, size: int, overlapped: Overlapped) -> None:
    """A completion routine that does nothing."""


def test_P29_a_synchronous_handle_takes_no_notification_modes(system: System) -> None:
    ours, theirs = system.pipe(overlapped=(False, True))

    def program(api: Api, log: Log) -> ThreadBody:
        log.add("sync", (yield api.SetFileCompletionNotificationModes(ours, 1)))
        log.add("error", (yield api.GetLastError()))
        log.add("overlapped", (yield api.SetFileCompletionNotificationModes(theirs, 1)))

    log = run(program, system=system)
    assert (log.one("sync"), log.one("error"), log.one("overlapped")) == (False, ERROR_INVALID_PARAMETER, True)


@pytest.mark.parametrize("modes", [(), (1,), (1, 0)], ids=["P32", "P33", "P34"])
def test_P32_P33_P34_a_cached_write_reports_unless_told_to_skip_which_nothing_undoes(modes: tuple[int, ...]) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True)
        port = yield api.CreateIoCompletionPort(file, None, 0xDEADBEEF)
        for mode in modes:
            log.add("set", (yield api.SetFileCompletionNotificationModes(file, mode)))
        overlapped = Overlapped()
        log.add("write", (yield write(api, file, PAGE, overlapped)))
        packet = yield api.GetQueuedCompletionStatus(port, 500 * MS)
        log.add("packet", (packet.error, packet.completion_key, packet.overlapped is overlapped))
        log.add("next", (yield api.GetQueuedCompletionStatus(port, 0)).error)

    log = run(program, system=disk())
    assert log.one("write") == done(PAGE)
    assert log.one("packet") == ((WAIT_TIMEOUT, None, False) if modes else (0, 0xDEADBEEF, True))
    assert log.when("packet") == ([500 * MS] if modes else [0])
    assert log.one("next") == WAIT_TIMEOUT


def test_P35_an_unbuffered_read_pends_and_reports_though_told_to_skip() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        port = yield api.CreateIoCompletionPort(file, None, 1)
        yield api.SetFileCompletionNotificationModes(file, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)
        log.add("read", (yield read(api, file, PAGE, Overlapped())))
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, INFINITE)).bytes_transferred)

    log = run(program, system=disk())
    assert log.rows == [(0, "read", PENDING), (LATENCY, "packet", PAGE)]


def test_P37_a_second_association_fails_and_the_first_one_stays(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        first = yield api.CreateIoCompletionPort(ours, None, 1)
        second = yield new_port(api)
        log.add("again", (yield api.CreateIoCompletionPort(ours, second, 2)))
        log.add("again", (yield api.CreateIoCompletionPort(ours, first, 3)))
        log.add("error", (yield api.GetLastError()))
        yield read(api, ours, 1, Overlapped())
        yield write(api, theirs, 1, Overlapped())
        log.add("key", (yield api.GetQueuedCompletionStatus(first, 0)).completion_key)
        log.add("files", port_of(second).files)

    log = run(program, system=system)
    assert log.of("again") == [NULL, NULL]
    assert (log.one("error"), log.one("key"), log.one("files")) == (ERROR_INVALID_PARAMETER, 1, 0)


def test_P38_of_two_threads_that_associate_one_file_at_the_same_time_one_wins(system: System) -> None:
    ours, _ = system.pipe()
    ports = [system.port(), system.port()]

    def program(api: Api, log: Log) -> ThreadBody:
        port = ports[len(log.of("begins"))]
        log.add("begins", 0)
        log.add("port", (yield api.CreateIoCompletionPort(ours, port, 1)))

    log = run(program, program, system=system)
    assert log.of("port") == [ports[0], NULL]
    assert [port_of(port).files for port in ports] == [1, 0]


def test_P40_a_program_that_frees_its_buffer_at_the_call_and_at_the_packet_frees_it_twice() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True)
        port = yield api.CreateIoCompletionPort(file, None, 1)
        buffer = yield api.HeapAlloc(PAGE)
        if (yield api.WriteFile(file, buffer, PAGE, Overlapped())):
            yield api.HeapFree(buffer)
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        log.add("packet", status.ok)
        yield api.HeapFree(buffer)

    system = disk()
    log = Log(system)
    system.start(program, log)
    with pytest.raises(ProgramError, match=r"test_win32_files\.py:\d+: the buffer has been freed before"):
        system.run()
    assert log.one("packet")


def test_1_2_a_port_is_created_and_associated_in_one_call_or_in_two(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 3)
        log.add("same", (yield api.CreateIoCompletionPort(ours, port, 1, 99)) == port)
        log.add("limit", port_of(port).limit)  # looked at at creation only (1.2.1)
        both = yield api.CreateIoCompletionPort(theirs, None, 2, 5)
        log.add("limit", port_of(both).limit)
        log.add("wrong", (yield api.CreateIoCompletionPort(INVALID_HANDLE_VALUE, port, 1)))
        log.add("error", (yield api.GetLastError()))

    log = run(program, system=system)
    assert (log.one("same"), log.of("limit"), log.one("wrong")) == (True, [3, 5], NULL)
    assert log.one("error") == ERROR_INVALID_PARAMETER


def test_1_2_5_a_request_through_a_duplicate_reports_too(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 6)
        twin = yield api.DuplicateHandle(ours)
        yield api.CloseHandle(ours)
        yield write(api, theirs, 1, Overlapped())
        log.add("read", (yield read(api, twin, 1, Overlapped())))
        log.add("key", (yield api.GetQueuedCompletionStatus(port, 0)).completion_key)

    log = run(program, system=system)
    assert (log.one("read"), log.one("key")) == (done(1), 6)


def test_1_3_an_event_with_its_low_bit_set_is_signalled_and_no_packet_queued(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        for bit in (1, 0):
            event = yield api.CreateEvent(True, True)
            yield read(api, ours, 1, Overlapped(event=event | bit))
            log.add("reset", (yield api.WaitForSingleObject(event, 0)))
            yield write(api, theirs, 1, Overlapped())
            log.add("set", (yield api.WaitForSingleObject(event, 0)))
            log.add("depth", len(port_of(port).entries))

    log = run(program, system=system)
    assert log.of("reset") == [WAIT_TIMEOUT] * 2
    assert log.of("set") == [WAIT_OBJECT_0] * 2
    assert log.of("depth") == [0, 1]


def test_1_2_10_an_association_signals_the_files_own_event(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.SetFileCompletionNotificationModes(theirs, FILE_SKIP_SET_EVENT_ON_HANDLE)
        log.add("before", (yield api.WaitForSingleObject(ours, 0)))
        for file in (ours, theirs):
            yield api.CreateIoCompletionPort(file, None, 1)
            log.add("after", (yield api.WaitForSingleObject(file, 0)))

    log = run(program, system=system)
    assert log.one("before") == WAIT_TIMEOUT
    assert log.of("after") == [WAIT_OBJECT_0, WAIT_TIMEOUT]


def test_2_6_3_3_11_a_files_own_event_tells_of_its_latest_request_though_another_one_pends(system: System) -> None:
    """A program that has never waited for the file before finds it so too, and a call that fails at once takes it away."""
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        for file in (ours, theirs):
            yield api.CreateIoCompletionPort(file, None, 1)
        yield read(api, ours, 4, Overlapped())
        yield read(api, ours, 4, Overlapped())
        yield write(api, theirs, 4, Overlapped())
        log.add("one of two ended", (yield api.WaitForSingleObject(ours, 0)))
        yield api.CloseHandle(ours)
        assert (yield write(api, theirs, 4, Overlapped())).error == ERROR_NO_DATA
        log.add("failed at once", (yield api.WaitForSingleObject(theirs, 0)))

    log = run(program, system=system)
    assert log.one("one of two ended") == WAIT_OBJECT_0
    assert log.one("failed at once") == WAIT_TIMEOUT


@pytest.mark.parametrize("modes", [0, FILE_SKIP_SET_EVENT_ON_HANDLE])
def test_1_15_a_files_own_event_can_be_left_alone_but_a_requests_event_is_set(system: System, modes: int) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.SetFileCompletionNotificationModes(ours, modes)
        event = yield api.CreateEvent(True, False)
        for overlapped in (Overlapped(), Overlapped(event=event)):
            yield read(api, ours, 1, overlapped)
            yield write(api, theirs, 1, Overlapped())
        log.add("file", (yield api.WaitForSingleObject(ours, 0)))
        log.add("event", (yield api.WaitForSingleObject(event, 0)))

    def plain(api: Api, log: Log) -> ThreadBody:
        yield api.SetFileCompletionNotificationModes(theirs, modes)
        yield read(api, theirs, 1, Overlapped())
        yield write(api, ours, 1, Overlapped())
        log.add("plain", (yield api.WaitForSingleObject(theirs, 0)))

    log = run(program, system=system)
    assert log.one("event") == WAIT_OBJECT_0
    assert log.one("file") == WAIT_TIMEOUT  # reset by the second read, whose end has an event of its own
    ours, theirs = system.pipe()
    assert run(plain, system=system).one("plain") == (WAIT_TIMEOUT if modes else WAIT_OBJECT_0)


def test_0b5_packets_of_a_port_that_goes_leave_their_overlapped_pending_for_ever(system: System) -> None:
    ours, theirs = system.pipe()
    overlapped = Overlapped()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        yield read(api, ours, 1, overlapped)
        yield write(api, theirs, 1, Overlapped())
        yield api.CloseHandle(ours)
        log.add("depth", len(port_of(port).entries))
        yield api.CloseHandle(port)
        log.add("depth", len(port_of(port).entries))

    log = run(program, system=system)
    assert log.of("depth") == [1, 0]
    assert overlapped.Internal == (STATUS_PENDING if system.io.direct else STATUS_SUCCESS)
    (given,) = {own.total_allocates - own.total_frees for own in system.io.of_one if own.total_allocates}
    assert given == 0  # the IRPs are back on their list


def test_0b6_what_is_in_the_drive_ends_normally_after_the_close() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        port = yield api.CreateIoCompletionPort(file, None, 1)
        yield read(api, file, PAGE, Overlapped())
        yield api.CloseHandle(file)
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, INFINITE)).bytes_transferred)

    assert run(program, system=disk()).rows == [(LATENCY, "packet", PAGE)]


# ---- stored files ----------------------------------------------------------------------------------------------------


def test_a_synchronous_read_comes_back_at_the_end_and_goes_on_where_the_last_one_ended() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", no_buffering=True)
        for _ in range(2):
            log.add("read", (yield read(api, file, 4 * PAGE)))
        log.add("position", file.object.position)
        log.add("placed", (yield read(api, file, PAGE, Overlapped(10 * PAGE))))
        log.add("position", file.object.position)

    log = run(program, system=disk())
    assert log.of("read") == [done(4 * PAGE)] * 2
    assert log.when("read") == [LATENCY, 2 * LATENCY]
    assert log.of("position") == [8 * PAGE, 11 * PAGE]


def test_overlapped_reads_go_on_side_by_side_and_end_in_no_order_of_the_programs() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        port = yield api.CreateIoCompletionPort(file, None, 1)
        for page in range(4):
            yield read(api, file, PAGE, Overlapped(page * PAGE))
        for _ in range(4):
            log.add("end", (yield api.GetQueuedCompletionStatus(port, INFINITE)).overlapped.Offset)

    log = run(program, system=disk(disk=DiskParams(slots=2)))
    assert log.when("end") == [LATENCY, LATENCY, 2 * LATENCY, 2 * LATENCY]
    assert log.of("end") == [0, PAGE, 2 * PAGE, 3 * PAGE]


def test_a_request_costs_its_way_down_its_interrupt_and_its_removal() -> None:
    """Call 10, IRP 20, 2 pages 3 each, drivers 100, start 200; device; ISR 400, DPC 500 + 70 + 2 x 2; removal 9, call 10."""

    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        port = yield api.CreateIoCompletionPort(file, None, 1)
        log.add("begins", 0)
        log.add("read", (yield read(api, file, 2 * PAGE, Overlapped())))
        log.add("end", (yield api.GetQueuedCompletionStatus(port, INFINITE)).ok)

    costs = DiskParams(dispatch=100, start=200, completion=70, isr=400, dpc=500, page_unlock=2)
    log = run(program, system=disk(system_call=10, requests=RequestCosts(20, 3, 9), disk=costs))
    issued = 20 + 10 + 20 + 6 + 100 + 200
    assert log.when("begins") == [20]
    assert log.when("read") == [issued]
    assert log.when("end") == [issued + LATENCY + 400 + 500 + 70 + 4 + 9]


def test_a_cached_read_misses_once_and_is_a_copy_from_then_on() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True)
        port = yield api.CreateIoCompletionPort(file, None, 1)
        for _ in range(2):
            log.add("read", (yield read(api, file, 1000, Overlapped())))
            log.add("packet", (yield api.GetQueuedCompletionStatus(port, INFINITE)).bytes_transferred)

    log = run(program, system=disk(requests=RequestCosts(copy_ps=1000)))
    assert log.of("read") == [PENDING, done(1000)]
    assert log.of("packet") == [1000, 1000]
    missed = LATENCY + 1000
    assert log.when("packet") == [missed, missed + 1000]


def test_0b20_with_all_system_workers_busy_the_issuer_of_a_miss_waits_for_it() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True)
        for page in range(3):
            log.add("read", (yield read(api, file, PAGE, Overlapped(page * PAGE))))

    log = run(program, system=disk(disk=DiskParams(system_workers=1)))
    assert log.of("read") == [PENDING] * 3
    assert log.when("read") == [0, 2 * LATENCY, 3 * LATENCY]


@pytest.mark.parametrize(("overlapped", "irps"), [(False, 1), (True, 3)], ids=["I23", "2_10_1"])
def test_I23_2_10_1_only_a_synchronous_file_that_has_been_cached_is_read_without_an_irp(
    overlapped: bool, irps: int
) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=overlapped)
        for _ in range(3):
            yield read(api, file, 100, Overlapped() if overlapped else None)
            yield api.Sleep(MS)

    system = disk()
    run(program, system=system)
    paging = 1
    assert sum(own.total_allocates for own in system.io.of_more) == irps + paging


@pytest.mark.parametrize(
    ("offset", "size", "heap"), [(0, 335, False), (981, 512, False), (0, 512, True)], ids=["length", "offset", "buffer"]
)
def test_I21_3_8_unbuffered_requests_are_whole_sectors(offset: int, size: int, heap: bool) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        port = yield api.CreateIoCompletionPort(file, None, 1)
        buffer = (yield api.HeapAlloc(PAGE)) if heap else (yield api.VirtualAlloc(PAGE))
        log.add("read", (yield api.ReadFile(file, buffer, size, Overlapped(offset))))
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, MS)).error)

    log = run(program, system=disk())
    assert (log.one("read"), log.one("packet")) == (failed(ERROR_INVALID_PARAMETER), WAIT_TIMEOUT)


def test_a_read_ends_where_the_file_does() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("short", overlapped=True)
        yield write(api, file, 100, Overlapped())
        log.add("read", (yield read(api, file, 80, Overlapped(50))))
        log.add("read", (yield read(api, file, 80, Overlapped(100))))
        log.add("write", (yield write(api, file, 80, Overlapped(50))))
        sync = yield api.CreateFile("short")
        log.add("sync", (yield read(api, sync, 80, Overlapped(100))))
        for _ in range(3):
            log.add("sync", (yield read(api, sync, 80)))
        log.add("sync", (yield read(api, sync, 80, Overlapped(100))))

    log = run(program, system=System(files={"short": 100}))
    assert log.of("read") == [done(50), failed(ERROR_HANDLE_EOF)]
    assert log.one("write") == failed(ERROR_DISK_FULL)
    assert log.of("sync") == [failed(ERROR_HANDLE_EOF), done(80), done(20), done(0), failed(ERROR_HANDLE_EOF)]


def test_a_flush_waits_for_the_disk_once() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True)
        yield write(api, file, PAGE, Overlapped(0))
        yield write(api, file, PAGE, Overlapped(2 * PAGE))
        for _ in range(2):
            log.add("flush", (yield api.FlushFileBuffers(file)))

    log = run(program, system=disk())
    assert log.rows == [(2 * LATENCY, "flush", True), (2 * LATENCY, "flush", True)]  # two runs of pages, once


def test_scatter_and_gather_are_one_request_for_many_pages() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        port = yield api.CreateIoCompletionPort(file, None, 1)
        pages = [Buffer(PAGE) for _ in range(3)]
        log.add("call", (yield api.ReadFileScatter(file, pages, 3 * PAGE, Overlapped())))
        log.add("call", (yield api.WriteFileGather(file, pages, 3 * PAGE, Overlapped())))
        for _ in range(2):
            log.add("packet", (yield api.GetQueuedCompletionStatus(port, INFINITE)).bytes_transferred)

    log = run(program, system=disk())
    assert log.of("call") == [PENDING, PENDING]
    assert log.of("packet") == [3 * PAGE] * 2
    assert log.when("packet") == [LATENCY] * 2


@pytest.mark.parametrize(
    ("flags", "pages", "size"),
    [
        ({"overlapped": True}, 3, 3 * PAGE),
        ({"no_buffering": True}, 3, 3 * PAGE),
        ({"overlapped": True, "no_buffering": True}, 2, 3 * PAGE),
        ({"overlapped": True, "no_buffering": True}, 3, 3 * PAGE - 1),
    ],
    ids=["buffered", "synchronous", "too few pages", "not whole sectors"],
)
def test_scatter_is_refused(flags: dict[str, bool], pages: int, size: int) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", **flags)
        log.add("call", (yield api.ReadFileScatter(file, [Buffer(2 * PAGE)] * pages, size, Overlapped())))

    assert run(program, system=disk()).one("call") == failed(ERROR_INVALID_PARAMETER)


def test_a_scattered_page_may_not_begin_inside_a_page() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        log.add("call", (yield api.ReadFileScatter(file, [Buffer(PAGE, 512)], PAGE, Overlapped())))

    assert run(program, system=disk()).one("call") == failed(ERROR_INVALID_PARAMETER)


def test_a_name_that_nobody_gave_is_not_found() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        log.add("file", (yield api.CreateFile("nothing")))
        log.add("error", (yield api.GetLastError()))
        log.add("pipe", (yield api.CreateNamedPipe("no pipe's name")))
        log.add("error", (yield api.GetLastError()))

    log = run(program)
    assert log.one("file") == log.one("pipe") == INVALID_HANDLE_VALUE
    assert log.of("error") == [ERROR_FILE_NOT_FOUND, ERROR_INVALID_PARAMETER]


def test_the_null_device_ends_everything_at_once() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("NUL")
        log.add("write", (yield write(api, file, 77)))

    assert run(program).rows == [(0, "write", done(77))]


# ---- calls that are wrong in themselves ------------------------------------------------------------------------------


def test_3_10_a_call_without_an_overlapped_is_refused_on_an_overlapped_handle(system: System) -> None:
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        log.add("read", (yield read(api, ours, 1)))
        log.add("write", (yield write(api, ours, 1)))

    assert [row[2] for row in run(program, system=system).rows] == [failed(ERROR_INVALID_PARAMETER)] * 2


def test_2_9_a_null_buffer_fails_the_call_and_queues_nothing(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        yield write(api, theirs, 5, Overlapped())
        log.add("read", (yield api.ReadFile(ours, None, 5, Overlapped())))
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, 0)).error)

    log = run(program, system=system)
    assert (log.one("read"), log.one("packet")) == (failed(ERROR_NOACCESS), WAIT_TIMEOUT)


# ---- outcomes and cancelling -----------------------------------------------------------------------------------------


def test_the_outcome_of_a_request_can_be_asked_for_or_waited_for(system: System) -> None:
    ours, theirs = system.pipe()

    def reader(api: Api, log: Log) -> ThreadBody:
        event = yield api.CreateEvent(True, False)
        for overlapped in (Overlapped(event=event), Overlapped()):
            yield read(api, ours, 9, overlapped)
            log.add("look", (yield api.GetOverlappedResult(ours, overlapped, False)))
            log.add("over", HasOverlappedIoCompleted(overlapped))
            log.add("wait", (yield api.GetOverlappedResult(ours, overlapped, True)))
            log.add("over", HasOverlappedIoCompleted(overlapped))

    def writer(api: Api, log: Log) -> ThreadBody:
        for size in (4, 5):
            yield api.Compute(MS)
            yield write(api, theirs, size, Overlapped())

    log = run(reader, writer, system=system)
    assert log.of("look") == [failed(ERROR_IO_INCOMPLETE)] * 2
    assert log.of("wait") == [done(4), done(5)]
    assert log.when("wait") == [MS, 2 * MS]
    assert log.of("over") == [False, True] * 2


def test_2_7_waiting_for_what_reports_to_a_port_finds_no_outcome_yet(system: System) -> None:
    """The file's event is set in stage 1; the status is written by the thread that removes the packet (not before Vista)."""
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        overlapped = Overlapped()
        yield read(api, ours, 9, overlapped)
        yield write(api, theirs, 4, Overlapped())
        log.add("result", (yield api.GetOverlappedResult(ours, overlapped, True)))
        yield api.GetQueuedCompletionStatus(port, 0)
        log.add("result", (yield api.GetOverlappedResult(ours, overlapped, True)))

    early = done(0) if system.io.direct else done(4)
    assert run(program, system=system).of("result") == [early, done(4)]


def test_a_files_handle_can_be_waited_for_until_its_request_ends() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        yield read(api, file, PAGE, Overlapped())
        log.add("wait", (yield api.WaitForSingleObject(file, INFINITE)))

    assert run(program, system=disk()).rows == [(LATENCY, "wait", WAIT_OBJECT_0)]


def test_1_16_a_cancelled_read_yields_one_packet_with_the_error(system: System) -> None:
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        first, second, third = Overlapped(), Overlapped(), Overlapped()
        for overlapped in (first, second, third):
            yield read(api, ours, 9, overlapped)
        log.add("cancel", (yield api.CancelIoEx(ours, second)))
        packet = yield api.GetQueuedCompletionStatus(port, 0)
        log.add("packet", (packet.overlapped is second, packet.status, packet.error, packet.bytes_transferred))
        log.add("cancel", (yield api.CancelIoEx(ours, second)))
        log.add("error", (yield api.GetLastError()))
        log.add("cancel", (yield api.CancelIoEx(ours)))
        log.add("depth", len(port_of(port).entries))

    log = run(program, system=system)
    assert log.one("packet") == (True, STATUS_CANCELLED, ERROR_OPERATION_ABORTED, 0)
    assert log.of("cancel") == [True, False, True]
    assert (log.one("error"), log.one("depth")) == (ERROR_NOT_FOUND, 2)


def test_a_request_that_asks_for_no_packet_can_be_cancelled_by_its_overlapped(system: System) -> None:
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        event = yield api.CreateEvent(True, False)
        overlapped = Overlapped(event=event | 1)
        yield read(api, ours, 9, overlapped)
        log.add("cancel", (yield api.CancelIoEx(ours, overlapped)))
        log.add("result", (yield api.GetOverlappedResult(ours, overlapped, True)))

    log = run(program, system=system)
    assert (log.one("cancel"), log.one("result")) == (True, failed(ERROR_OPERATION_ABORTED))


def test_I17_1_16_cancel_io_is_about_the_callers_own_and_succeeds_without_any(system: System) -> None:
    ours, _ = system.pipe()

    def reader(api: Api, log: Log) -> ThreadBody:
        overlapped = Overlapped()
        yield read(api, ours, 9, overlapped)
        yield api.Sleep(2 * MS)
        log.add("still", HasOverlappedIoCompleted(overlapped))
        log.add("own", (yield api.CancelIo(ours)))
        log.add("then", overlapped.Internal)
        log.add("nothing", (yield api.CancelIoEx(ours)))
        log.add("error", (yield api.GetLastError()))

    def other(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(MS)
        log.add("other", (yield api.CancelIo(ours)))

    log = run(reader, other, system=system)
    assert (log.one("other"), log.one("still"), log.one("own")) == (True, False, True)
    assert (log.one("then"), log.one("nothing"), log.one("error")) == (STATUS_CANCELLED, False, ERROR_NOT_FOUND)


# ---- completion routines ---------------------------------------------------------------------------------------------


def test_a_completion_routine_runs_in_the_next_alertable_wait_of_its_thread(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        def routine(api: Api, error: int, size: int, overlapped: Overlapped) -> ThreadBody:
            yield api.Compute(US)
            log.add("routine", (error, size, overlapped.Offset))

        log.add("read", (yield api.ReadFileEx(ours, Buffer(9), 9, Overlapped(1), routine)))
        log.add("read", (yield api.ReadFileEx(ours, Buffer(9), 9, Overlapped(2), routine)))
        yield api.CancelIoEx(ours)
        yield write(api, theirs, 3, Overlapped())
        log.add("read", (yield api.ReadFileEx(ours, Buffer(9), 9, Overlapped(3), routine)))
        log.add("sleep", (yield api.SleepEx(MS, False)))
        log.add("sleep", (yield api.SleepEx(MS, True)))
        log.add("write", (yield api.WriteFileEx(ours, Buffer(9), 4, Overlapped(4), routine)))
        event = yield api.CreateEvent(True, False)
        log.add("wait", (yield api.WaitForSingleObjectEx(event, INFINITE, True)))

    log = run(program, system=system)
    assert log.of("read") == [done(0), done(0), done(3)]
    aborted = ERROR_OPERATION_ABORTED
    assert log.of("routine") == [(aborted, 0, 1), (aborted, 0, 2), (0, 3, 3), (0, 4, 4)]
    assert log.when("routine")[:3] == [MS + US, MS + 2 * US, MS + 3 * US]
    assert log.of("sleep") == [0, WAIT_IO_COMPLETION]
    assert log.one("wait") == WAIT_IO_COMPLETION


def test_a_completion_routine_needs_an_overlapped_handle(system: System) -> None:
    ours, _ = system.pipe(overlapped=(False, False))

    def program(api: Api, log: Log) -> ThreadBody:
        log.add("read", (yield api.ReadFileEx(ours, Buffer(9), 9, Overlapped(), ignored)))

    assert run(program, system=system).one("read") == failed(ERROR_INVALID_PARAMETER)


# ---- the end of a thread ---------------------------------------------------------------------------------------------


def test_I19_a_thread_that_ends_takes_its_requests_with_it_but_those_that_report_to_a_port(system: System) -> None:
    ours, theirs = system.pipe()
    alone, _ = system.pipe()
    port = system.port()
    plain = Overlapped()

    def leaver(api: Api, log: Log) -> ThreadBody:
        yield api.CreateIoCompletionPort(ours, port, 1)
        yield read(api, ours, 9, Overlapped())
        yield read(api, alone, 9, plain)
        yield api.ExitThread(42)
        raise AssertionError

    def other(api: Api, log: Log) -> ThreadBody:
        log.add("wait", (yield api.WaitForSingleObject(system.threads[0], INFINITE)))
        log.add("code", (yield api.GetExitCodeThread(system.threads[0])))
        yield write(api, theirs, 3, Overlapped())
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, 0)).bytes_transferred)

    log = run(leaver, other, system=system)
    assert plain.Internal == STATUS_CANCELLED
    survived = 3 if system.io.direct else 0  # before Vista it was cancelled too (1.16)
    assert log.rows == [(0, "wait", WAIT_OBJECT_0), (0, "code", 42), (0, "packet", survived)]


def test_2_8_6_a_thread_whose_request_can_not_be_cancelled_looks_for_its_end_every_100_ms() -> None:
    system = System(files={"data": PAGE}, disk=DiskParams(latency=250 * MS))

    def leaver(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True, no_buffering=True)
        yield read(api, file, PAGE, Overlapped())

    log = Log(system)
    thread = system.start(leaver, log)

    def other(api: Api, log: Log) -> ThreadBody:
        log.add("end", (yield api.WaitForSingleObject(thread, INFINITE)))

    system.start(other, log)
    system.run()
    assert log.rows == [(300 * MS, "end", WAIT_OBJECT_0)]


# ---- pipes -----------------------------------------------------------------------------------------------------------


def test_a_synchronous_read_of_a_pipe_blocks_until_there_is_something(system: System) -> None:
    ours, theirs = system.pipe(overlapped=(False, False))

    def reader(api: Api, log: Log) -> ThreadBody:
        log.add("read", (yield read(api, ours, 9)))
        log.add("read", (yield read(api, ours, 9)))

    def writer(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(MS)
        log.add("write", (yield write(api, theirs, 4)))
        yield api.Compute(MS)
        yield api.CloseHandle(theirs)

    log = run(reader, writer, system=system)
    assert log.of("read") == [done(4), failed(ERROR_BROKEN_PIPE)]
    assert log.when("read") == [MS, 2 * MS]


def test_a_message_that_is_too_long_is_read_in_parts(system: System) -> None:
    ours, theirs = system.pipe(messages=True)

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        yield write(api, theirs, 10, Overlapped())
        log.add("read", (yield read(api, ours, 6, Overlapped())))
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, 0)).error)  # 1.3 row 8
        log.add("read", (yield read(api, ours, 6, Overlapped())))

    log = run(program, system=system)
    assert log.of("read") == [failed(ERROR_MORE_DATA, 6), done(4)]
    assert log.one("packet") == ERROR_MORE_DATA


def test_a_server_waits_for_its_client_and_then_talks_to_it(system: System) -> None:
    def server(api: Api, log: Log) -> ThreadBody:
        pipe = yield api.CreateNamedPipe(PIPE, overlapped=True)
        port = yield api.CreateIoCompletionPort(pipe, None, "pipe")
        log.add("read", (yield read(api, pipe, 5, Overlapped())))
        log.add("connect", (yield api.ConnectNamedPipe(pipe, Overlapped())))
        log.add("connected", (yield api.GetQueuedCompletionStatus(port, INFINITE)).completion_key)
        log.add("connect", (yield api.ConnectNamedPipe(pipe, Overlapped())))
        log.add("read", (yield read(api, pipe, 5, Overlapped())))
        log.add("packet", (yield api.GetQueuedCompletionStatus(port, INFINITE)).bytes_transferred)

    def client(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(MS)
        pipe = yield api.CreateFile(PIPE)
        log.add("second", (yield api.CreateFile(PIPE)))
        log.add("error", (yield api.GetLastError()))
        yield api.Compute(MS)
        log.add("write", (yield write(api, pipe, 5)))

    log = run(server, client, system=system)
    assert log.of("read") == [failed(ERROR_PIPE_LISTENING), PENDING]
    assert log.of("connect") == [PENDING, failed(ERROR_PIPE_CONNECTED)]
    assert (log.when("connected"), log.when("packet")) == ([MS], [2 * MS])
    assert (log.one("second"), log.one("error")) == (INVALID_HANDLE_VALUE, ERROR_PIPE_BUSY)


def test_a_synchronous_server_blocks_until_its_client_comes_and_a_second_instance_serves_the_next(
    system: System,
) -> None:
    def server(api: Api, log: Log) -> ThreadBody:
        for _ in range(2):
            pipe = yield api.CreateNamedPipe(PIPE)
            log.add("connect", (yield api.ConnectNamedPipe(pipe)))

    def client(api: Api, log: Log) -> ThreadBody:
        for _ in range(2):
            yield api.Compute(MS)
            log.add("client", (yield api.CreateFile(PIPE)) != INVALID_HANDLE_VALUE)

    log = run(server, client, system=system)
    assert log.of("connect") == [done(0), done(0)]
    assert log.when("connect") == log.when("client") == [MS, 2 * MS]


def test_a_wait_for_a_client_ends_with_the_handle_or_a_cancel(system: System) -> None:
    def server(api: Api, log: Log) -> ThreadBody:
        pipe = yield api.CreateNamedPipe(PIPE, overlapped=True)
        first, second = Overlapped(), Overlapped()
        yield api.ConnectNamedPipe(pipe, first)
        yield api.CancelIo(pipe)
        yield api.ConnectNamedPipe(pipe, second)
        yield api.CloseHandle(pipe)
        log.add("status", (first.Internal, second.Internal))
        log.add("client", (yield api.CreateFile(PIPE)))
        log.add("error", (yield api.GetLastError()))

    log = run(server, system=system)
    assert log.one("status") == (STATUS_CANCELLED, STATUS_PIPE_BROKEN)
    assert (log.one("client"), log.one("error")) == (INVALID_HANDLE_VALUE, ERROR_FILE_NOT_FOUND)


def test_a_request_that_was_cancelled_is_forgotten_by_the_pipe(system: System) -> None:
    """Its IRP may be another request by the time the client comes."""
    ours, _ = system.pipe()

    def server(api: Api, log: Log) -> ThreadBody:
        pipe = yield api.CreateNamedPipe(PIPE, overlapped=True)
        yield api.ConnectNamedPipe(pipe, Overlapped())
        yield api.CancelIo(pipe)
        overlapped = Overlapped()
        yield read(api, ours, 1, overlapped)
        yield api.CreateFile(PIPE)
        log.add("read", overlapped.Internal)

    assert run(server, system=system).one("read") == STATUS_PENDING


def test_a_write_to_a_pipe_whose_other_end_is_closed_fails(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.CloseHandle(theirs)
        log.add("write", (yield write(api, ours, 5, Overlapped())))

    assert run(program, system=system).one("write") == failed(ERROR_NO_DATA)


def test_a_flush_of_a_pipe_waits_until_all_has_been_read(system: System) -> None:
    ours, theirs = system.pipe()

    def writer(api: Api, log: Log) -> ThreadBody:
        log.add("empty", (yield api.FlushFileBuffers(ours)))
        yield write(api, ours, 10, Overlapped())
        log.add("flush", (yield api.FlushFileBuffers(ours)))
        yield write(api, ours, 10, Overlapped())
        log.add("broken", (yield api.FlushFileBuffers(ours)))
        log.add("error", (yield api.GetLastError()))

    def reader(api: Api, log: Log) -> ThreadBody:
        for _ in range(2):
            yield api.Compute(MS)
            yield read(api, theirs, 5, Overlapped())
        yield api.Compute(MS)
        yield api.CloseHandle(theirs)

    log = run(writer, reader, system=system)
    assert log.rows == [
        (0, "empty", True),
        (2 * MS, "flush", True),
        (3 * MS, "broken", False),
        (3 * MS, "error", ERROR_BROKEN_PIPE),
    ]


def test_a_flush_ends_when_the_write_that_it_waits_for_is_cancelled(system: System) -> None:
    ours, _ = system.pipe(quota=4)
    overlapped = Overlapped()

    def writer(api: Api, log: Log) -> ThreadBody:
        log.add("write", (yield write(api, ours, 5, overlapped)))
        log.add("flush", (yield api.FlushFileBuffers(ours)))

    def canceller(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(MS)
        yield api.CancelIoEx(ours, overlapped)

    assert run(writer, canceller, system=system).rows == [(0, "write", PENDING), (MS, "flush", True)]


# ---- devices ---------------------------------------------------------------------------------------------------------


class Gauge(Driver):
    """Answers control 1 at once and without an IRP, control 2 by an IRP, with 8 bytes each; knows no other."""

    def __init__(self, io: IoManager) -> None:
        self.io = io
        self.majors: list[int] = []

    def fast_control(self, device: DeviceObject, file: FileObject, code: int, size: int, block: StatusBlock) -> int:
        if code != 1:
            return NOT_FAST
        block.information = 8
        return STATUS_SUCCESS

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        self.majors.append(irp.location().major)
        irp.information = 8 * (irp.code == 2)
        status = irp.status = STATUS_SUCCESS if irp.code == 2 else STATUS_INVALID_DEVICE_REQUEST
        self.io.complete(irp)
        return status


@pytest.fixture
def gauge(system: System) -> Gauge:
    driver = Gauge(system.io)
    system.device("gauge", DeviceObject(driver, None, 0, 0))
    return driver


def test_1_3_2_10_3_a_control_is_answered_fast_or_by_an_irp_and_reports_either_way(
    system: System, gauge: Gauge
) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        device = yield api.CreateFile("gauge", overlapped=True)
        port = yield api.CreateIoCompletionPort(device, None, "g")
        for code in (1, 2, 3):
            overlapped = Overlapped()
            log.add("control", (yield api.DeviceIoControl(device, code, 16, overlapped)))
            log.add("irps", len(gauge.majors))
            packet = yield api.GetQueuedCompletionStatus(port, 0)
            log.add("packet", (packet.completion_key, packet.bytes_transferred, packet.overlapped is overlapped))

    log = run(program, system=system)
    assert log.of("control") == [done(8), done(8), failed(ERROR_INVALID_FUNCTION)]
    assert log.of("irps") == [0, 1, 2]
    assert log.of("packet") == [("g", 8, True), ("g", 8, True), (None, None, False)]
    assert gauge.majors == [DEVICE_CONTROL] * 2


@pytest.mark.parametrize("name", ["data", PIPE])
def test_files_and_pipes_know_no_controls(name: str) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        yield api.CreateNamedPipe(PIPE)
        file: Handle = yield api.CreateFile(name)
        log.add("control", (yield api.DeviceIoControl(file, 1, 1)))

    assert run(program, system=disk()).one("control") == failed(ERROR_INVALID_FUNCTION)


def test_a_thread_that_reads_synchronously_is_a_thread_that_waits(system: System) -> None:
    """So that its port lets another one run (semantics 1.6)."""
    ours, _ = system.pipe(overlapped=(False, False))
    port = system.port(1)

    def worker(api: Api, log: Log) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(port, 0)
        log.add("running", port_of(port).running)
        yield read(api, ours, 1)

    log = run(worker, system=system)
    assert (log.one("running"), port_of(port).running) == (1, 0)
    assert system.threads[0].object.thread.state == WAITING
