"""Semantics 1 once more, in variants: other limits, several ports, both completion modes, costs, ticks, the same instant.

One exact program a rule and a case that test_port_rules.py, test_win32.py and test_win32_files.py do not have.
"""

from collections.abc import Callable
from typing import Any

import pytest
from tiny_win32 import MS, port_of, read, write

from iosim.actor import DEVICE, Actor
from iosim.completion import CompletionMode
from iosim.device_stack import NOT_FAST, DeviceObject, Driver, FileObject
from iosim.io_manager import IoManager
from iosim.irp import Irp, StatusBlock
from iosim.ntstatus import (
    ERROR_ABANDONED_WAIT_0,
    ERROR_BROKEN_PIPE,
    ERROR_INVALID_FUNCTION,
    ERROR_INVALID_HANDLE,
    ERROR_MORE_DATA,
    ERROR_OPERATION_ABORTED,
    ERROR_SUCCESS,
    STATUS_BUFFER_OVERFLOW,
    STATUS_CANCELLED,
    STATUS_INVALID_DEVICE_REQUEST,
    STATUS_PENDING,
    STATUS_SUCCESS,
    WAIT_IO_COMPLETION,
    WAIT_TIMEOUT,
)
from iosim.win32 import INFINITE, Api, Handle, HasOverlappedIoCompleted, Overlapped, RequestCosts, System, ThreadBody

Rows = list[Any]

both_modes = pytest.mark.parametrize("mode", ["direct", "apc"])


def what(answer: Any) -> Any:
    """Keys of a batch, the key of a packet, or the error."""
    if isinstance(answer, list):
        return [status.completion_key for status in answer]
    return answer.completion_key if answer.ok else answer.error


def worker(api: Api, system: System, rows: Rows, who: str, port: Handle, rounds: int = 1000) -> ThreadBody:
    """Takes packets until there is none; a packet's bytes are the ns that it computes."""
    for _ in range(rounds):
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        rows.append((system.clock.now, who, what(status)))
        if status.overlapped is None and not status.ok:
            return
        yield api.Compute(status.bytes_transferred)


def drained(api: Api, port: Handle, blocks: list[Overlapped], rows: Rows) -> ThreadBody:
    """Takes what is there: which request, and its error."""
    while True:
        status = yield api.GetQueuedCompletionStatus(port, 0)
        if status.overlapped is None:
            return
        rows.append((blocks.index(status.overlapped), status.error))


# ---- 1.2, 1.3: association and packets -------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_1_2_5_duplicates_may_be_closed_in_any_order_and_only_the_last_close_ends_the_read(
    order: tuple[int, ...],
) -> None:
    system, rows = System(), Rows()
    first, _ = system.pipe()
    port = system.port()

    def program(api: Api) -> ThreadBody:
        handles = [first, (yield api.DuplicateHandle(first))]
        handles.append((yield api.DuplicateHandle(handles[1])))
        yield api.CreateIoCompletionPort(handles[1], port, "key")
        yield read(api, handles[2], 4, Overlapped())
        for place in order:
            rows.append((yield api.GetQueuedCompletionStatus(port, 0)).error)
            yield api.CloseHandle(handles[place])
        packet = yield api.GetQueuedCompletionStatus(port, 0)
        rows.append((packet.completion_key, packet.error))

    system.start(program)
    system.run()
    assert rows == [*[WAIT_TIMEOUT] * 3, ("key", ERROR_BROKEN_PIPE)]
    assert port_of(port).files == 0


FAST, REFUSED, PART, BY_IRP, LATE = range(1, 6)
ANSWERS = {  # status and bytes
    FAST: (STATUS_SUCCESS, 8),
    REFUSED: (STATUS_INVALID_DEVICE_REQUEST, 0),
    PART: (STATUS_BUFFER_OVERFLOW, 4),
}


class Meter(Driver):
    """Answers some controls without an IRP, one by an IRP at once, and one by an IRP after 1 ms; reads end at once."""

    def __init__(self, io: IoManager) -> None:
        self.io = io
        self.offsets: list[int] = []
        self.late: list[Irp] = []
        self.timer = MeterTimer(self)

    def fast_control(self, device: DeviceObject, file: FileObject, code: int, size: int, block: StatusBlock) -> int:
        if code not in ANSWERS:
            return NOT_FAST
        status, block.information = ANSWERS[code]
        return status

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        self.offsets.append(irp.location().offset)
        if irp.code == LATE:
            irp.mark_pending()
            self.late.append(irp)
            self.io.clock.at(MS, DEVICE, self.timer, 0)
            return STATUS_PENDING
        return self.end(irp)

    def end(self, irp: Irp) -> int:
        irp.information = irp.location().size
        self.io.complete(irp)
        return STATUS_SUCCESS


class MeterTimer(Actor):
    """Apart from the driver: no class can have two compiled bases."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter

    def fire(self, what: int) -> None:
        self.meter.end(self.meter.late.pop())


def metered(**options: Any) -> tuple[System, Meter]:
    system = System(processors=2, **options)
    meter = Meter(system.io)
    system.device("meter", DeviceObject(meter, None, 0, 0))
    return system, meter


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("low_bit", [0, 1])
def test_1_3_what_a_control_that_ends_at_once_reports_to_whom(skip: int, low_bit: int) -> None:
    """Fast or by an IRP: the event in any case, a packet for success without skip flag and for a warning (rows 3, 5, 6, 8)."""
    system, _ = metered()
    rows = Rows()

    def program(api: Api) -> ThreadBody:
        device = yield api.CreateFile("meter", overlapped=True)
        port = yield api.CreateIoCompletionPort(device, None, 1)
        yield api.SetFileCompletionNotificationModes(device, skip)
        for code in (FAST, REFUSED, PART, BY_IRP):
            event = yield api.CreateEvent(True, False)
            result = yield api.DeviceIoControl(device, code, 8, Overlapped(event=event | low_bit))
            packet = yield api.GetQueuedCompletionStatus(port, 0)
            rows.append((result.error, result.bytes_transferred, packet.bytes_transferred))
            assert (yield api.WaitForSingleObject(event, 0)) == 0

    system.start(program)
    system.run()
    success = 8 if not (skip or low_bit) else None
    assert rows == [
        (ERROR_SUCCESS, 8, success),
        (ERROR_INVALID_FUNCTION, 0, None),
        (ERROR_MORE_DATA, 4, None if low_bit else 4),
        (ERROR_SUCCESS, 8, success),
    ]


@both_modes
def test_1_3_row_2_a_control_without_an_overlapped_waits_for_its_end_and_queues_nothing(mode: CompletionMode) -> None:
    """On an overlapped handle too; a wait that frees the place at the port (1.6)."""
    system, _ = metered(completion_mode=mode)
    rows = Rows()
    counts: list[int] = []

    def looker(api: Api, port: Handle) -> ThreadBody:
        yield api.Sleep(MS // 2)
        counts.append(port_of(port).running)

    def program(api: Api) -> ThreadBody:
        device = yield api.CreateFile("meter", overlapped=True)
        port = yield api.CreateIoCompletionPort(device, None, 1)
        yield api.GetQueuedCompletionStatus(port, 0)
        yield api.CreateThread(looker, port)
        for code in (FAST, REFUSED, BY_IRP, LATE):
            result = yield api.DeviceIoControl(device, code, 8)
            rows.append((system.clock.now, result.error, result.bytes_transferred))
            assert (yield api.GetQueuedCompletionStatus(port, 0)).error == WAIT_TIMEOUT
        counts.append(port_of(port).running)

    system.start(program)
    system.run()
    assert rows == [
        (0, ERROR_SUCCESS, 8),
        (0, ERROR_INVALID_FUNCTION, 0),
        (0, ERROR_SUCCESS, 8),
        (MS, ERROR_SUCCESS, 8),
    ]
    assert counts == [0, 1]


def test_2_10_3_a_fast_control_on_a_handle_that_is_closed_during_the_call_fails() -> None:
    system, _ = metered(system_call=10)
    rows = Rows()

    def program(api: Api) -> ThreadBody:
        device = yield api.CreateFile("meter", overlapped=True)
        yield api.CreateThread(closer, device)
        yield api.Compute(5)
        rows.append((yield api.DeviceIoControl(device, FAST, 8, Overlapped())).error)

    def closer(api: Api, device: Handle) -> ThreadBody:
        yield api.CloseHandle(device)

    system.start(program)
    system.run()
    assert rows == [ERROR_INVALID_HANDLE]


def test_a_control_does_not_move_the_place_where_a_synchronous_handle_reads_on() -> None:
    system, meter = metered()

    def program(api: Api) -> ThreadBody:
        device = yield api.CreateFile("meter")
        yield read(api, device, 16)
        for code in (FAST, BY_IRP):
            yield api.DeviceIoControl(device, code, 8)
        yield read(api, device, 16)

    system.start(program)
    system.run()
    assert meter.offsets == [0, 16, 16]


@pytest.mark.parametrize(("mode", "modes", "takes"), [("direct", 0, 10), ("direct", 1, 110), ("apc", 0, 110)])
def test_0b1_a_read_that_ends_at_once_pays_for_its_end_before_it_returns_unless_a_remover_does(
    mode: CompletionMode, modes: int, takes: int
) -> None:
    """Call 10, removal 100; the packet, if there is one, costs its remover the call and what is left."""
    system, rows = System(system_call=10, requests=RequestCosts(removal=100), completion_mode=mode), Rows()
    ours, theirs = system.pipe()

    def program(api: Api) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        yield api.SetFileCompletionNotificationModes(ours, modes)
        yield write(api, theirs, 4, Overlapped())
        began = system.clock.now
        yield read(api, ours, 4, Overlapped())
        rows.append(system.clock.now - began)
        began = system.clock.now
        yield api.GetQueuedCompletionStatus(port, 0)
        rows.append(system.clock.now - began)

    system.start(program)
    system.run()
    assert rows == [takes, 120 - takes if not modes else 10]


# ---- 1.4, 1.5: insert and remove -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "by_other"), [(1, False), (2, True)])
def test_1_4_a_post_from_an_apc_is_a_post_like_any_other(limit: int, by_other: bool) -> None:
    """The APC's thread has left its wait and counts: at limit 1 its packet waits for itself, with room the other gets it."""
    system, rows = System(processors=4), Rows()
    port = system.port(limit)

    def post(api: Api, _: Any) -> ThreadBody:
        yield api.PostQueuedCompletionStatus(port, 0, "own", None)

    def alerted(api: Api) -> ThreadBody:
        for _ in range(2):
            rows.append(what((yield api.GetQueuedCompletionStatusEx(port, 4, 5 * MS, True))))

    def main(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        yield api.QueueUserAPC(post, thread)

    system.start(worker, system, rows, "other", port)
    thread = system.start(alerted)
    system.start(main)
    system.run()
    took = [(MS, "other", "own")] if by_other else []
    assert [row for row in rows if isinstance(row, tuple)] == took
    assert [row for row in rows if not isinstance(row, tuple)] == [
        WAIT_IO_COMPLETION,
        WAIT_TIMEOUT if by_other else ["own"],
    ]


@pytest.mark.parametrize("clock", ["heap", "simpy"])
def test_1_5_6_a_packet_at_the_instant_of_the_timeout_is_taken(clock: str) -> None:
    """Threads go before timers at one instant (actor.py); the thread is neither woken twice nor is the packet lost."""
    system, rows = System(processors=2, clock=clock), Rows()
    port = system.port(1)

    def patient(api: Api) -> ThreadBody:
        for _ in range(2):
            rows.append((what((yield api.GetQueuedCompletionStatus(port, 10 * MS))), system.clock.now))

    def poster(api: Api) -> ThreadBody:
        yield api.Compute(10 * MS)
        yield api.PostQueuedCompletionStatus(port, 0, "packet", None)

    system.start(patient)
    system.start(poster)
    system.run()
    assert rows == [("packet", 10 * MS), (WAIT_TIMEOUT, 20 * MS)]


def test_0b13_timeouts_of_removes_end_at_ticks_and_a_suspension_does_not_move_them() -> None:
    """From 3 ms on, with a tick of 10 ms: 1 ns, 7 ms, 7 ms and 1 ns, 15 ms with a suspension from 42 to 45 ms."""
    system, rows = System(processors=2, tick=10 * MS), Rows()
    port = system.port()

    def patient(api: Api) -> ThreadBody:
        yield api.Compute(3 * MS)
        for timeout in (1, 7 * MS, 10 * MS + 1, 15 * MS):
            yield api.GetQueuedCompletionStatus(port, timeout)
            rows.append(system.clock.now)

    def suspender(api: Api) -> ThreadBody:
        yield api.Compute(42 * MS)
        yield api.SuspendThread(thread)
        yield api.Compute(3 * MS)
        yield api.ResumeThread(thread)

    thread = system.start(patient)
    system.start(suspender)
    system.run()
    assert rows == [10 * MS, 20 * MS, 40 * MS, 60 * MS]


def test_1_5_8_with_costs_a_woken_thread_counts_before_its_switch_and_takes_the_next_packet_without_one() -> None:
    """One processor, call 10, switch 100: the second post, at 230, finds the limit reached by a thread that begins at 330."""
    system, rows = System(system_call=10, context_switch=100), Rows()
    port = system.port(1)

    def poster(api: Api) -> ThreadBody:
        for key in (1, 2):
            yield api.PostQueuedCompletionStatus(port, 0, key, None)
            rows.append((system.clock.now, port_of(port).running, len(port_of(port).entries)))

    system.start(worker, system, rows, "A", port, 2)
    system.start(poster)
    system.run()
    assert rows == [(220, 1, 0), (230, 1, 1), (330, "A", 1), (340, "A", 2)]


def test_1_5_2_a_thread_that_came_back_from_a_wait_and_turns_to_another_port_takes_its_overshoot_along() -> None:
    system, rows = System(processors=4), Rows()
    old, new = system.port(1), system.port(1)

    def turning(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(old, 0)
        for key in (1, 2):
            yield api.PostQueuedCompletionStatus(old, 10 * MS, key, None)
        yield api.Sleep(MS)
        rows.append((port_of(old).running, port_of(new).running))
        yield api.GetQueuedCompletionStatus(new, 0)
        rows.append((port_of(old).running, port_of(new).running))

    system.start(worker, system, rows, "B", old, 2)
    system.start(turning)
    system.run()
    assert rows == [(0, "B", 1), (2, 0), (1, 1), (10 * MS, "B", 2)]


# ---- 1.6, 1.7: who gives a place up ----------------------------------------------------------------------------------


@both_modes
def test_1_6_1_7_a_worker_that_reads_synchronously_lets_another_in_and_overshoots_when_its_data_comes(
    mode: CompletionMode,
) -> None:
    """Limit 1: B comes in at 1 ms; A is back at 3 ms, and parks in front of packet 3, which B takes at 6 ms."""
    system, rows = System(processors=4, completion_mode=mode), Rows()
    ours, theirs = system.pipe(overlapped=(False, True))
    port = system.port(1)

    def reader(api: Api) -> ThreadBody:
        yield from worker(api, system, rows, "A", port, 1)
        result = yield read(api, ours, 4)
        rows.append((system.clock.now, "A has read", result.bytes_transferred, port_of(port).running))
        yield from worker(api, system, rows, "A", port)

    def main(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        for key, work in ((1, 0), (2, 5 * MS), (3, 0)):
            yield api.PostQueuedCompletionStatus(port, work, key, None)
        yield api.Compute(2 * MS)
        yield write(api, theirs, 4, Overlapped())

    system.start(worker, system, rows, "B", port)
    system.start(reader)
    system.start(main)
    system.run()
    assert rows == [(MS, "A", 1), (MS, "B", 2), (3 * MS, "A has read", 4, 2), (6 * MS, "B", 3)]


SYNCHRONOUS: dict[str, Callable[[Api, Handle], Any]] = {
    "a write beyond the quota": lambda api, pipe: write(api, pipe, 8),
    "a flush": lambda api, pipe: api.FlushFileBuffers(pipe),
}


@pytest.mark.parametrize("call", SYNCHRONOUS)
def test_1_6_any_synchronous_call_on_a_pipe_that_has_to_wait_frees_the_place(call: str) -> None:
    """Quota 8, 8 bytes are unread until 2 ms; B comes in at 1 ms. What does not have to wait frees nothing."""
    system, rows = System(processors=4), Rows()
    ours, theirs = system.pipe(overlapped=(False, False), quota=8)
    port = system.port(1)

    def caller(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(port, 0)
        yield write(api, ours, 8)
        rows.append(port_of(port).running)
        yield SYNCHRONOUS[call](api, ours)
        rows.append((system.clock.now, port_of(port).running))

    def main(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        yield api.PostQueuedCompletionStatus(port, 9 * MS, 1, None)
        yield api.Sleep(MS)
        yield read(api, theirs, 8)

    system.start(worker, system, rows, "B", port)
    system.start(caller)
    system.start(main)
    system.run()
    assert rows == [1, (MS, "B", 1), (2 * MS, 2)]


def test_1_6_an_active_worker_that_is_suspended_lets_another_work_and_has_its_place_again_when_resumed() -> None:
    """A has 7 of 10 ms to go from 9 ms on; B, who has parked meanwhile, is not let in beside it."""
    system, rows = System(processors=4), Rows()
    port = system.port(1)

    def main(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        for key, work in ((1, 10 * MS), (2, MS), (3, MS)):
            yield api.PostQueuedCompletionStatus(port, work, key, None)
        yield api.Compute(3 * MS)
        yield api.SuspendThread(thread)
        yield api.Compute(5 * MS)
        rows.append(port_of(port).running)
        yield api.ResumeThread(thread)
        yield api.PostQueuedCompletionStatus(port, MS, 4, None)

    system.start(worker, system, rows, "B", port)
    thread = system.start(worker, system, rows, "A", port)
    system.start(main)
    system.run()
    assert rows == [(MS, "A", 1), (4 * MS, "B", 2), (5 * MS, "B", 3), 0, (16 * MS, "A", 4)]


def test_0b8_a_thread_that_is_suspended_while_it_is_ready_keeps_its_place_until_it_runs_the_apc() -> None:
    """One processor, which the suspender keeps until 2 ms."""
    system, rows = System(), Rows()
    port = system.port(1)

    def main(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        for key in (1, 2):
            yield api.PostQueuedCompletionStatus(port, 0, key, None)
        yield api.SuspendThread(thread)
        yield api.Compute(MS)
        rows.append((port_of(port).running, len(port_of(port).entries)))
        yield api.Sleep(MS)
        yield api.ResumeThread(thread)

    system.start(worker, system, rows, "A", port)
    thread = system.start(worker, system, rows, "B", port)
    system.start(main, priority=12)
    system.run()
    assert rows == [(1, 1), (2 * MS, "A", 2), (3 * MS, "B", 1)]


@pytest.mark.parametrize("processors", [1, 2])
def test_0b8_a_thread_can_be_suspended_before_its_first_line(processors: int) -> None:
    system, rows = System(processors), Rows()

    def first_line(api: Api) -> ThreadBody:
        rows.append(system.clock.now)
        yield api.Compute(0)

    def main(api: Api) -> ThreadBody:
        thread = yield api.CreateThread(first_line)
        assert (yield api.SuspendThread(thread)) == 0
        yield api.Sleep(MS)
        assert (yield api.ResumeThread(thread)) == 1

    system.start(main)
    system.run()
    assert rows == [MS]


def test_1_8_a_loop_over_three_ports_is_bound_to_one_at_a_time() -> None:
    system, rows = System(), Rows()
    ports = [system.port(limit) for limit in (1, 2, 1)]

    def program(api: Api) -> ThreadBody:
        for place in (0, 1, 2, 0, 2):
            yield api.GetQueuedCompletionStatus(ports[place], 0)
            rows.append([(port_of(port).running, len(port_of(port).bound)) for port in ports])

    system.start(program)
    system.run()
    assert rows == [[(1, 1) if place == here else (0, 0) for place in range(3)] for here in (0, 1, 2, 0, 2)]


# ---- 1.11: alertable batches, and user APCs --------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0, 3 * MS])
@pytest.mark.parametrize("alertable", [False, True])
@pytest.mark.parametrize("packet", [False, True])
@pytest.mark.parametrize("bound", [False, True])
def test_1_11_4_1_11_5_packet_or_apc(bound: bool, packet: bool, alertable: bool, timeout: int) -> None:
    """A bound thread's packet wins, else an APC that the call looks at; then an unbound thread stays unbound."""
    system, rows = System(), Rows()
    port = system.port(1)
    ran: list[int] = []

    def program(api: Api) -> ThreadBody:
        if bound:
            yield api.GetQueuedCompletionStatus(port, 0)
        yield api.QueueUserAPC(lambda _, argument: ran.append(argument), (yield api.GetCurrentThread()), 7)
        if packet:
            yield api.PostQueuedCompletionStatus(port, 0, "packet", None)
        answer = yield api.GetQueuedCompletionStatusEx(port, 4, timeout, alertable)
        rows.append((what(answer), system.clock.now, port_of(port).running, ran))

    system.start(program)
    system.run()
    if alertable and not (bound and packet):
        assert rows == [(WAIT_IO_COMPLETION, 0, int(bound), [7])]
    elif packet:
        assert rows == [(["packet"], 0, 1, [])]
    else:
        assert rows == [(WAIT_TIMEOUT, timeout, 1, [])]


def test_7_7_user_apcs_run_in_the_order_in_which_they_were_queued_plain_functions_too() -> None:
    """Those that an APC queues run before the call returns; an alertable wait inside an APC runs what is left."""
    system, rows = System(), Rows()

    def plain(_: Api, name: str) -> None:
        rows.append(name)

    def queues(api: Api, name: str) -> ThreadBody:
        rows.append(name)
        yield api.QueueUserAPC(plain, (yield api.GetCurrentThread()), "queued by an APC")

    def waits(api: Api, name: str) -> ThreadBody:
        rows.append(name)
        rows.append((yield api.SleepEx(0, True)))

    def program(api: Api) -> ThreadBody:
        thread = yield api.GetCurrentThread()
        for routine, name in ((plain, "1"), (plain, "2"), (queues, "3"), (waits, "4"), (plain, "5")):
            yield api.QueueUserAPC(routine, thread, name)
        rows.append((yield api.SleepEx(MS, True)))

    system.start(program)
    system.run()
    assert rows == ["1", "2", "3", "4", "5", "queued by an APC", WAIT_IO_COMPLETION, WAIT_IO_COMPLETION]


def test_a_user_apc_that_comes_before_a_threads_first_line_runs_before_it() -> None:
    system, rows = System(), Rows()

    def first_line(api: Api) -> ThreadBody:
        rows.append("first line")
        yield api.Compute(0)

    def main(api: Api) -> ThreadBody:
        thread = yield api.CreateThread(first_line)
        yield api.QueueUserAPC(lambda _, argument: rows.append(argument), thread, "APC")

    system.start(main)
    system.run()
    assert rows == ["APC", "first line"]


def test_1_11_2_a_batch_costs_one_call_and_the_removal_of_each_request() -> None:
    system, rows = System(system_call=10, requests=RequestCosts(removal=100)), Rows()
    ours, theirs = system.pipe()

    def program(api: Api) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        yield write(api, theirs, 12, Overlapped())
        for _ in range(3):
            yield read(api, ours, 4, Overlapped())
        yield api.PostQueuedCompletionStatus(port, 0, 2, None)
        began = system.clock.now
        rows.append(what((yield api.GetQueuedCompletionStatusEx(port, 8, 0))))
        rows.append(system.clock.now - began)

    system.start(program)
    system.run()
    assert rows == [[1, 1, 1, 2], 310]


def test_0b9_1_11_3_at_a_limit_of_two_each_parked_batch_caller_wakes_with_one_packet_and_then_takes_batches() -> None:
    system, rows = System(processors=4), Rows()
    port = system.port(2)

    def batcher(api: Api, who: str) -> ThreadBody:
        while True:
            rows.append((what((yield api.GetQueuedCompletionStatusEx(port, 3, INFINITE))), who, system.clock.now))
            yield api.Compute(10 * MS)

    def main(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        for key in range(9):
            yield api.PostQueuedCompletionStatus(port, 0, key, None)

    for who in "ABC":
        system.start(batcher, who)
    system.start(main)
    system.run()
    assert rows == [
        ([0], "C", MS),
        ([1], "B", MS),
        ([2, 3, 4], "C", 11 * MS),
        ([5, 6, 7], "B", 11 * MS),
        ([8], "C", 21 * MS),
    ]


# ---- 1.13: closing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_file", [False, True])
@pytest.mark.parametrize(
    ("close_mode", "ends"), [("abandon", (3 * MS, ERROR_ABANDONED_WAIT_0)), ("keep", (50 * MS, WAIT_TIMEOUT))]
)
def test_1_13_a_parked_thread_that_is_suspended_at_the_close_hears_of_it_when_resumed_or_keeps_waiting(
    close_mode: str, ends: tuple[int, int], with_file: bool
) -> None:
    """Whether the port is kept by a file object or not; when the last waiter has gone it is not."""
    system, rows = System(processors=2, close_mode=close_mode), Rows()
    port = system.port(1)
    ours, _ = system.pipe()

    def waiter(api: Api) -> ThreadBody:
        status = yield api.GetQueuedCompletionStatus(port, 50 * MS)
        rows.append((system.clock.now, status.error))

    def main(api: Api) -> ThreadBody:
        if with_file:
            yield api.CreateIoCompletionPort(ours, port, 1)
        yield api.Sleep(MS)
        yield api.SuspendThread(thread)
        yield api.Sleep(MS)
        yield api.CloseHandle(port)
        yield api.Sleep(MS)
        yield api.ResumeThread(thread)

    thread = system.start(waiter)
    system.start(main)
    system.run()
    assert rows == [ends]
    assert (port_of(port).waiting, port_of(port).bound) == ([], {})


def test_1_13_on_xp_a_thread_that_stayed_parked_takes_a_packet_of_an_associated_file() -> None:
    """The newest waiter takes the data at 2 ms, the other one the end of the second read at 3 ms; then the port is gone."""
    system, rows = System(processors=4, close_mode="keep"), Rows()
    port = system.port(1)
    ours, theirs = system.pipe()

    def main(api: Api) -> ThreadBody:
        yield api.CreateIoCompletionPort(ours, port, "key")
        for _ in range(2):
            yield read(api, ours, 4, Overlapped())
        yield api.Sleep(MS)
        yield api.CloseHandle(port)
        yield api.Sleep(MS)
        yield write(api, theirs, 4, Overlapped())
        yield api.Sleep(MS)
        yield api.CloseHandle(ours)

    for who in ("old", "new"):
        system.start(worker, system, rows, who, port)
    system.start(main)
    system.run()
    assert rows == [
        (2 * MS, "new", "key"),
        (2 * MS + 4, "new", ERROR_INVALID_HANDLE),
        (3 * MS, "old", ERROR_BROKEN_PIPE),
        (3 * MS, "old", ERROR_INVALID_HANDLE),
    ]
    assert (port_of(port).files, port_of(port).bound) == (0, {})


@pytest.mark.parametrize("touch", ["an APC", "a suspension"])
def test_1_13_whoever_goes_on_first_at_the_close_takes_nobody_elses_end_away(touch: str) -> None:
    system, rows = System(processors=4), Rows()
    port = system.port()

    def waiter(api: Api, number: int) -> ThreadBody:
        status = yield api.GetQueuedCompletionStatusEx(port, 1, INFINITE, True)
        rows.append((number, status.error))
        if number == 0 and touch == "an APC":
            yield api.QueueUserAPC(lambda _, argument: None, threads[1])
        elif number == 0:
            yield api.SuspendThread(threads[1])
            yield api.ResumeThread(threads[1])

    def main(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        yield api.CloseHandle(port)

    threads = [system.start(waiter, number) for number in range(2)]
    system.start(main)
    system.run()
    assert rows == [(0, ERROR_ABANDONED_WAIT_0), (1, ERROR_ABANDONED_WAIT_0)]


@pytest.mark.parametrize("timeout", [INFINITE, MS, 0])
def test_1_13_who_gets_the_place_on_the_old_port_may_close_the_new_one_at_that_instant(timeout: int) -> None:
    """1.5.2 lets B go before A parks on the port that B closes: A's call is abandoned, not lost."""
    system, rows = System(processors=2), Rows()
    old, new = system.port(1), system.port(1)

    def closer(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(old, INFINITE)
        yield api.CloseHandle(new)

    def turning(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(old, 0)
        yield api.PostQueuedCompletionStatus(old, 0, 1, None)
        rows.append((what((yield api.GetQueuedCompletionStatus(new, timeout))), system.clock.now))

    system.start(closer)
    system.start(turning)
    system.run()
    assert rows == [(ERROR_ABANDONED_WAIT_0, 0)]
    assert port_of(old).bound == port_of(new).bound == {}


@pytest.mark.parametrize(("mode", "told"), [("direct", False), ("apc", True)])
def test_0b5_a_request_that_ends_after_the_port_was_closed_tells_its_overlapped_only_in_apc_mode(
    mode: CompletionMode, told: bool
) -> None:
    system, rows = System(completion_mode=mode), Rows()
    ours, theirs = system.pipe()
    port = system.port()

    def program(api: Api) -> ThreadBody:
        overlapped = Overlapped()
        yield api.CreateIoCompletionPort(ours, port, 1)
        yield read(api, ours, 4, overlapped)
        yield api.CloseHandle(port)
        yield write(api, theirs, 4, Overlapped())
        rows.append((HasOverlappedIoCompleted(overlapped), len(port_of(port).entries)))
        yield api.CloseHandle(ours)
        rows.append((HasOverlappedIoCompleted(overlapped), len(port_of(port).entries)))

    system.start(program)
    system.run()
    assert rows == [(told, 1), (told, 0)]


# ---- 1.14: waiting on the handle -------------------------------------------------------------------------------------


def test_1_14_a_packet_that_the_limit_keeps_from_parked_removers_wakes_the_waiters_on_the_handle() -> None:
    """One of them is an active thread of the port, which gives its place up for that wait like for any other."""
    system, rows = System(processors=4), Rows()
    port = system.port(1)

    def waiter(api: Api, who: str, active: bool) -> ThreadBody:
        if active:
            yield api.GetQueuedCompletionStatus(port, 0)
        outcome = yield api.WaitForSingleObject(port, 50 * MS)
        rows.append((system.clock.now, who, outcome))

    def main(api: Api) -> ThreadBody:
        for key in (1, 2):
            yield api.Sleep(MS)
            yield api.PostQueuedCompletionStatus(port, 5 * MS, key, None)

    for who in ("R", "S"):
        system.start(worker, system, rows, who, port)
    system.start(waiter, "X", False)
    system.start(waiter, "Y", True)
    system.start(main)
    system.run()
    assert rows == [(MS, "S", 1), (2 * MS, "X", 0), (2 * MS, "Y", 0), (6 * MS, "S", 2)]
    assert port_of(port).running_most == 2


def test_1_14_a_wait_for_all_does_not_keep_the_packet() -> None:
    """The first packet is gone when the event comes; the event is not taken before the second one is there."""
    system, rows = System(processors=2), Rows()
    port = system.port(1)

    def main(api: Api) -> ThreadBody:
        event = yield api.CreateEvent(False, False)
        yield api.CreateThread(waiter, event)
        for key in (1, 2):
            yield api.Sleep(MS)
            yield api.PostQueuedCompletionStatus(port, 0, key, None)
            if key == 1:
                yield api.GetQueuedCompletionStatus(port, 0)
                yield api.SetEvent(event)

    def waiter(api: Api, event: Handle) -> ThreadBody:
        rows.append((yield api.WaitForMultipleObjects([event, port], True, INFINITE)))
        rows.append((system.clock.now, len(port_of(port).entries), (yield api.WaitForSingleObject(event, 0))))

    system.start(main)
    system.run()
    assert rows == [0, (2 * MS, 1, WAIT_TIMEOUT)]


# ---- 1.16: cancellation ----------------------------------------------------------------------------------------------


@both_modes
@pytest.mark.parametrize("by_issuer", [False, True])
def test_1_16_a_read_that_was_associated_while_it_pended_and_then_cancelled_yields_its_one_packet(
    mode: CompletionMode, by_issuer: bool
) -> None:
    """CancelIo of another thread succeeds and does nothing."""
    system, rows = System(processors=2, completion_mode=mode), Rows()
    ours, _ = system.pipe()
    port = system.port()
    overlapped = Overlapped()

    def issuer(api: Api) -> ThreadBody:
        yield read(api, ours, 4, overlapped)
        yield api.CreateIoCompletionPort(ours, port, 1)
        if by_issuer:
            assert (yield api.CancelIo(ours))
        yield api.Sleep(5 * MS)

    def other(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        if not by_issuer:
            assert (yield api.CancelIo(ours))
            assert (yield api.GetQueuedCompletionStatus(port, 0)).error == WAIT_TIMEOUT
            assert (yield api.CancelIoEx(ours, overlapped))
        yield from drained(api, port, [overlapped], rows)

    system.start(issuer)
    system.start(other)
    system.run()
    assert rows == [(0, ERROR_OPERATION_ABORTED)]
    assert overlapped.Internal == STATUS_CANCELLED


@pytest.mark.parametrize(
    ("mode", "packets"),
    [
        ("direct", [(2, ERROR_OPERATION_ABORTED), "written", (0, ERROR_SUCCESS)]),
        ("apc", [(0, ERROR_OPERATION_ABORTED), (2, ERROR_OPERATION_ABORTED), "written"]),
    ],
)
def test_I19_1_16_what_of_a_threads_requests_survives_it(mode: CompletionMode, packets: Rows) -> None:
    """Three reads: one that reports to a port, one that does not, one that reports and has an event."""
    system, rows = System(processors=2, completion_mode=mode), Rows()
    ours, theirs = system.pipe()
    loose, _ = system.pipe()
    port = system.port()
    blocks = [Overlapped() for _ in range(3)]

    def issuer(api: Api) -> ThreadBody:
        blocks[2].hEvent = yield api.CreateEvent(True, False)
        yield api.CreateIoCompletionPort(ours, port, 1)
        for pipe, overlapped in zip((ours, loose, ours), blocks, strict=True):
            yield read(api, pipe, 4, overlapped)

    def other(api: Api) -> ThreadBody:
        yield api.WaitForSingleObject(thread, INFINITE)
        yield from drained(api, port, blocks, rows)
        yield write(api, theirs, 4, Overlapped())
        rows.append("written")
        yield from drained(api, port, blocks, rows)

    thread = system.start(issuer)
    system.start(other)
    system.run()
    assert rows == packets
    assert blocks[1].Internal == STATUS_CANCELLED


@both_modes
def test_1_16_who_hears_of_the_first_broken_read_may_cancel_the_others_at_that_instant(mode: CompletionMode) -> None:
    """They are on their way to the same end already: one packet each."""
    system, rows = System(processors=2, completion_mode=mode), Rows()
    ours, theirs = system.pipe()
    blocks = [Overlapped() for _ in range(3)]

    def reader(api: Api) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        for overlapped in blocks:
            yield read(api, ours, 4, overlapped)
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        rows.append((blocks.index(status.overlapped), status.error))
        yield api.CancelIoEx(ours)
        yield api.Sleep(MS)
        yield from drained(api, port, blocks, rows)

    def closer(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        yield api.CloseHandle(theirs)

    system.start(reader)
    system.start(closer)
    system.run()
    assert rows == [(number, ERROR_BROKEN_PIPE) for number in range(3)]


def test_1_16_who_hears_of_a_client_may_cancel_the_other_waits_for_it_at_that_instant() -> None:
    system, rows = System(processors=2), Rows()
    name = r"\\.\pipe\waits"
    blocks = [Overlapped(), Overlapped()]

    def server(api: Api) -> ThreadBody:
        pipe = yield api.CreateNamedPipe(name, overlapped=True)
        port = yield api.CreateIoCompletionPort(pipe, None, 1)
        for overlapped in blocks:
            yield api.ConnectNamedPipe(pipe, overlapped)
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        rows.append((blocks.index(status.overlapped), status.error))
        yield api.CancelIoEx(pipe)
        yield api.Sleep(MS)
        yield from drained(api, port, blocks, rows)

    def client(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        yield api.CreateFile(name)

    system.start(server)
    system.start(client)
    system.run()
    assert rows == [(0, ERROR_SUCCESS), (1, ERROR_SUCCESS)]


# ---- 7.8: the pool ---------------------------------------------------------------------------------------------------


def test_7_8_a_callback_that_turns_to_a_port_of_its_own_leaves_its_place_in_the_pool() -> None:
    """One processor: the second callback has a thread of its own while the first one waits elsewhere."""
    system, rows = System(), Rows()
    other = system.port()

    def elsewhere(api: Api, context: Any, work: Any) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(other, 10 * MS)
        rows.append((system.clock.now, "first"))

    def main(api: Api) -> ThreadBody:
        first = yield api.CreateThreadpoolWork(elsewhere)
        second = yield api.CreateThreadpoolWork(lambda *_: rows.append((system.clock.now, "second")))
        yield api.SubmitThreadpoolWork(first)
        yield api.Sleep(MS)
        yield api.SubmitThreadpoolWork(second)

    system.start(main)
    system.run()
    assert rows == [(MS, "second"), (10 * MS, "first")]
