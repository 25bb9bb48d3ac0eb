"""Semantics 1 sentence by sentence, as programs see it: the rules of the completion port that no conformance case holds.

Cases K.. and P.. are in test_kernel_queue.py and test_win32.py, files in test_association.py, test_completion.py and
test_cancel.py. Any order of all this is in test_queue_model.py and test_races.py.
"""

from typing import Any

import pytest
from tiny import Passing
from tiny_pipe import APC_MODE, TinyPipe

from iosim.apc import kernel_apcs
from iosim.completion import SKIP_PORT_ON_SUCCESS
from iosim.device_stack import DeviceObject, Driver, FileObject
from iosim.io_manager import USUAL, IoParams
from iosim.irp import Notice, StatusBlock
from iosim.ntstatus import (
    ERROR_ABANDONED_WAIT_0,
    ERROR_INVALID_HANDLE,
    ERROR_SUCCESS,
    STATUS_CANCELLED,
    STATUS_END_OF_FILE,
    STATUS_SUCCESS,
    STATUS_USER_APC,
    WAIT_TIMEOUT,
    WIN32,
)
from iosim.win32 import INFINITE, WAIT_OBJECT_0, Api, Handle, System, ThreadBody
from iosim.win32 import WAIT_TIMEOUT as TIMED_OUT

MS = 1_000_000
EXIT = "exit"

Rows = list[Any]


def worker(api: Api, system: System, rows: Rows, who: str, port: Handle, after: int = 0) -> ThreadBody:
    """Takes packets for ever; a packet's bytes are the ns that it computes."""
    yield api.Compute(after)
    while True:
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        rows.append((system.clock.now, who, status.completion_key))
        yield api.Compute(status.bytes_transferred)


def poster(api: Api, port: Handle, after: int, *packets: tuple[Any, int]) -> ThreadBody:
    """Posts packets: key and bytes."""
    yield api.Compute(after)
    for key, work in packets:
        yield api.PostQueuedCompletionStatus(port, work, key, None)


def running(port: Handle) -> int:
    return int(port.object.running)


def depth(port: Handle) -> int:
    return len(port.object.entries)


# ---- 1.4, 1.5: insert and remove -------------------------------------------------------------------------------------


def test_1_4_1_a_packet_that_is_handed_over_cancels_the_timeout() -> None:
    """The second wait has none: nothing may end it at 10 ms but a packet."""
    system, rows = System(processors=2), Rows()
    port = system.port()

    def patient(api: Api) -> ThreadBody:
        for timeout in (10 * MS, INFINITE):
            status = yield api.GetQueuedCompletionStatus(port, timeout)
            rows.append((system.clock.now, status.completion_key))

    system.start(patient)
    system.start(poster, port, MS, (1, 0))
    system.start(poster, port, 20 * MS, (2, 0))
    system.run()
    assert rows == [(MS, 1), (20 * MS, 2)]


@pytest.mark.parametrize(("priority", "starts"), [(8, 5 * MS), (9, 2 * MS)])
def test_1_4_4_an_insert_pre_empts_nobody_but_the_woken_thread_competes_by_its_priority(
    priority: int, starts: int
) -> None:
    """One processor; an active thread posts at 2 ms and computes on to 5 ms."""
    system, rows = System(processors=1), Rows()
    port = system.port(2)

    def active(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(port, 0)
        yield api.Compute(2 * MS)
        yield api.PostQueuedCompletionStatus(port, 0, 1, None)
        yield api.Compute(3 * MS)

    system.start(worker, system, rows, "woken", port, priority=priority)
    system.start(active)
    system.run()
    assert rows == [(starts, "woken", 1)]


def test_1_5_6_a_kernel_apc_does_not_prolong_a_timeout() -> None:
    system, rows = System(processors=2), Rows()
    port = system.port()

    def patient(api: Api) -> ThreadBody:
        status = yield api.GetQueuedCompletionStatus(port, 10 * MS)
        rows.append((system.clock.now, status.error))

    thread = system.start(patient).object.thread

    def apc(api: Api) -> ThreadBody:
        yield api.Compute(4 * MS)
        kernel_apcs(system.dispatcher).insert(thread, Passing())

    system.start(apc)
    system.run()
    assert rows == [(10 * MS, WAIT_TIMEOUT)]


def test_1_5_8_a_thread_counts_from_the_moment_it_is_ready_though_no_processor_runs_it() -> None:
    """One processor, which a poster of higher priority keeps: the second packet finds the limit reached."""
    system = System(processors=1)
    port = system.port(1)
    counts: list[tuple[int, int]] = []

    def busy(api: Api) -> ThreadBody:
        yield api.Sleep(MS)
        for key in (1, 2):
            yield api.PostQueuedCompletionStatus(port, 0, key, None)
            counts.append((running(port), depth(port)))

    rows = Rows()
    for who in "AB":
        system.start(worker, system, rows, who, port)
    system.start(busy, priority=12)
    system.run()
    assert counts == [(1, 0), (1, 1)]
    assert rows == [(MS, "B", 1), (MS, "B", 2)]


# ---- 1.6, 1.7: who gives a place up, and overshoot -------------------------------------------------------------------

WAYS = {
    "an event": True,
    "a mutex": True,
    "a semaphore": True,
    "a sleep": True,
    "a critical section": True,
    "a signalled event": False,
    "a free mutex": False,
    "a sleep of 0": False,
    "a spin": False,
    "computing": False,
}


@pytest.mark.parametrize("way", WAYS)
def test_1_6_only_a_wait_that_really_blocks_lets_another_thread_in(way: str) -> None:
    """A holds the only place, packet 2 waits, B is parked; somebody else has the locks from 0 to 9 ms."""
    system, rows = System(processors=3), Rows()
    port = system.port(1)
    kept: dict[str, Any] = {}
    section = system.section(20 * MS if way == "a spin" else 0)

    def keeper(api: Api) -> ThreadBody:
        kept["mutex"] = yield api.CreateMutex()
        kept["free"] = yield api.CreateMutex()
        yield api.WaitForSingleObject(kept["mutex"], INFINITE)
        kept["event"] = yield api.CreateEvent(True, False)
        kept["signalled"] = yield api.CreateEvent(True, True)
        kept["semaphore"] = yield api.CreateSemaphore(0, 1)
        yield api.EnterCriticalSection(section)
        yield api.Compute(9 * MS)
        yield api.LeaveCriticalSection(section)
        yield api.ReleaseMutex(kept["mutex"])
        yield api.ReleaseSemaphore(kept["semaphore"])
        yield api.SetEvent(kept["event"])

    def holder(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(port, INFINITE)
        yield api.Compute(MS)
        yield {
            "an event": lambda: api.WaitForSingleObject(kept["event"], INFINITE),
            "a mutex": lambda: api.WaitForSingleObject(kept["mutex"], INFINITE),
            "a semaphore": lambda: api.WaitForSingleObject(kept["semaphore"], INFINITE),
            "a sleep": lambda: api.Sleep(5 * MS),
            "a critical section": lambda: api.EnterCriticalSection(section),
            "a signalled event": lambda: api.WaitForSingleObject(kept["signalled"], INFINITE),
            "a free mutex": lambda: api.WaitForSingleObject(kept["free"], INFINITE),
            "a sleep of 0": lambda: api.Sleep(0),
            "a spin": lambda: api.EnterCriticalSection(section),
            "computing": lambda: api.Compute(MS),
        }[way]()
        yield api.Compute(20 * MS)

    system.start(keeper)
    system.start(worker, system, rows, "B", port)
    system.start(holder)
    system.start(poster, port, MS, (1, 0), (2, 0))
    system.run()
    assert (rows[0] == (2 * MS, "B", 2)) == WAYS[way]
    assert [row[1:] for row in rows] == [("B", 2)]


@pytest.mark.parametrize("blockers", [1, 2, 4])
def test_1_7_the_overshoot_is_at_most_the_threads_that_blocked_with_a_packet_in_hand(blockers: int) -> None:
    """Limit 1: each lets the next in, the last one computes; when all are back nobody else is let in."""
    system = System(processors=8)
    port = system.port(1)

    def blocking(api: Api) -> ThreadBody:
        while True:
            status = yield api.GetQueuedCompletionStatus(port, INFINITE)
            if status.completion_key == "block":
                yield api.Sleep(5 * MS - system.clock.now)
            yield api.Compute(10 * MS)

    seen: list[tuple[int, int]] = []

    def late(api: Api) -> ThreadBody:
        yield from poster(api, port, 6 * MS, *[("late", 0)] * 8)
        seen.append((running(port), depth(port)))

    for _ in range(blockers + 2):
        system.start(blocking)
    system.start(poster, port, MS, *[("block", 0)] * blockers, ("compute", 0))
    system.start(late)
    system.run()
    assert seen == [(1 + blockers, 8)]
    assert port.object.running_most == 1 + blockers


# ---- 1.8: what binds -------------------------------------------------------------------------------------------------


def test_1_8_neither_a_post_nor_a_wait_on_the_handle_binds() -> None:
    """1.14: nor does such a wait count."""
    system = System()
    port = system.port()
    seen: list[tuple[int, int]] = []

    def outsider(api: Api) -> ThreadBody:
        assert (yield api.WaitForSingleObject(port, 0)) == TIMED_OUT
        yield api.PostQueuedCompletionStatus(port, 0, 1, None)
        assert (yield api.WaitForSingleObject(port, INFINITE)) == WAIT_OBJECT_0
        seen.append((len(port.object.bound), running(port)))
        yield api.GetQueuedCompletionStatus(port, 0)
        seen.append((len(port.object.bound), running(port)))
        assert (yield api.WaitForSingleObject(port, 0)) == TIMED_OUT  # no unclaimed packet: not signalled (1.14)

    system.start(outsider)
    system.run()
    assert seen == [(0, 0), (1, 1)]


def test_1_8_a_loop_over_two_ports_binds_anew_on_every_call_and_frees_a_place_each_time() -> None:
    """A goes back and forth; whenever it leaves a port, a packet there goes to who is parked."""
    system, rows = System(processors=4), Rows()
    ports = [system.port(1), system.port(1)]
    bound: list[tuple[int, int]] = []

    def nested(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        for turn in range(4):
            here, there = ports[turn % 2], ports[1 - turn % 2]
            yield api.GetQueuedCompletionStatus(here, 0)
            bound.append((len(here.object.bound), len(there.object.bound)))
            yield api.PostQueuedCompletionStatus(here, 0, turn, None)  # the limit keeps it until A has gone
            yield api.Compute(MS)

    for place, port in enumerate(ports):
        system.start(worker, system, rows, f"parked {place}", port)
    system.start(nested)
    system.run()
    assert bound == [(2, 1)] * 4
    assert rows == [(turn * MS + 2 * MS, f"parked {turn % 2}", turn) for turn in range(4)]


# ---- 1.9: order ------------------------------------------------------------------------------------------------------


def test_1_9_1_packets_leave_in_order_but_two_workers_may_end_them_in_another() -> None:
    system, rows = System(processors=2), Rows()
    port = system.port(2)
    ended: list[Any] = []

    def ends(api: Api) -> ThreadBody:
        while True:
            status = yield api.GetQueuedCompletionStatus(port, INFINITE)
            rows.append(status.completion_key)
            yield api.Compute(status.bytes_transferred)
            ended.append(status.completion_key)

    for _ in range(2):
        system.start(ends)
    system.start(poster, port, 0, ("long", 5 * MS), ("short", MS))
    system.run()
    assert (rows, ended) == (["long", "short"], ["short", "long"])


@pytest.mark.parametrize("params", [USUAL, APC_MODE])
def test_1_9_3_packets_come_in_the_order_of_completion_not_of_issue(params: IoParams) -> None:
    tiny = TinyPipe(params)
    tiny.associated(tiny.late)
    blocks = [tiny.issue(tiny.late, 512)[1] for _ in range(3)]
    for place in (2, 0, 1):
        irp = next(irp for irp in tiny.driver.queue if irp.notice.block is blocks[place])
        assert tiny.driver.dequeue(irp)
        tiny.driver.end(irp, STATUS_SUCCESS)
    assert [tiny.take()[1] for _ in range(3)] == [blocks[2], blocks[0], blocks[1]]


# ---- 1.10: what the call returns -------------------------------------------------------------------------------------


def test_1_10_what_the_call_returns_tells_a_failed_operation_from_no_packet() -> None:
    """TRUE with any overlapped; FALSE with one: the packet is gone; FALSE and NULL: nothing was removed or touched."""
    system, rows = System(processors=3), Rows()
    port, other = system.port(), system.port()

    def calls(api: Api) -> ThreadBody:
        yield api.PostQueuedCompletionStatus(port, 3, "k", "overlapped")
        yield api.PostQueuedCompletionStatus(port, 4, "k", None)
        yield api.PostQueuedCompletionStatus(port, 0, "k", "overlapped", STATUS_END_OF_FILE)
        for timeout in (0, 0, 0, 0, MS):
            status = yield api.GetQueuedCompletionStatus(port, timeout)
            rows.append((status.ok, status.overlapped, status.error, status.completion_key, status.bytes_transferred))
        yield api.CloseHandle(other)
        status = yield api.GetQueuedCompletionStatus(other, 0)
        rows.append((status.ok, status.overlapped, status.error, status.completion_key, status.bytes_transferred))

    def abandoned(api: Api) -> ThreadBody:
        status = yield api.GetQueuedCompletionStatus(other, INFINITE)
        rows.append((status.ok, status.overlapped, status.error, status.completion_key, status.bytes_transferred))

    system.start(abandoned)
    system.start(calls)
    system.run()
    assert rows[:5] == [
        (True, "overlapped", ERROR_SUCCESS, "k", 3),
        (True, None, ERROR_SUCCESS, "k", 4),
        (False, "overlapped", WIN32[STATUS_END_OF_FILE], "k", 0),
        (False, None, WAIT_TIMEOUT, None, None),
        (False, None, WAIT_TIMEOUT, None, None),
    ]
    assert sorted(rows[5:], key=str) == sorted(
        [(False, None, error, None, None) for error in (ERROR_INVALID_HANDLE, ERROR_ABANDONED_WAIT_0)], key=str
    )


# ---- 1.11: batches ---------------------------------------------------------------------------------------------------


def keys(answer: Any) -> Any:
    return [status.completion_key for status in answer] if isinstance(answer, list) else answer.error


def batcher(api: Api, system: System, rows: Rows, who: str, port: Handle, work: int) -> ThreadBody:
    while True:
        answer = yield api.GetQueuedCompletionStatusEx(port, 8, INFINITE)
        rows.append((system.clock.now, who, keys(answer)))
        yield api.Compute(work)


def test_1_11_1_a_batch_never_waits_for_a_second_packet_and_a_failed_operation_does_not_fail_it() -> None:
    system, rows = System(processors=2), Rows()
    port = system.port()

    def taker(api: Api) -> ThreadBody:
        answer = yield api.GetQueuedCompletionStatusEx(port, 4, INFINITE)
        rows.append((system.clock.now, [(status.completion_key, status.status) for status in answer]))

    def failing(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        yield api.PostQueuedCompletionStatus(port, 0, 1, "overlapped", STATUS_CANCELLED)
        yield api.Compute(MS)
        yield api.PostQueuedCompletionStatus(port, 0, 2, None)

    system.start(taker)
    system.start(failing)
    system.run()
    assert rows == [(MS, [(1, STATUS_CANCELLED)])]


def test_1_11_2_a_batch_takes_one_place_however_many_packets_it_holds() -> None:
    """Limit 2: two batches of 8 run side by side, and not one packet more."""
    system, rows = System(processors=4), Rows()
    port = system.port(2)
    system.start(poster, port, 0, *[(key, 0) for key in range(20)])
    for who in "ABC":

        def later(api: Api, who: str = who) -> ThreadBody:
            yield api.Compute(MS)
            yield from batcher(api, system, rows, who, port, 10 * MS)

        system.start(later)
    system.run()
    assert rows[:2] == [(MS, "A", [*range(8)]), (MS, "B", [*range(8, 16)])]
    assert rows[2][0] == 11 * MS
    assert port.object.running_most == 2


def test_0b9_1_11_3_below_the_limit_each_packet_wakes_another_batch_caller() -> None:
    system, rows = System(processors=4), Rows()
    port = system.port(4)
    for who in "ABC":
        system.start(batcher, system, rows, who, port, MS)
    system.start(poster, port, MS, (1, 0), (2, 0), (3, 0))
    system.run()
    assert sorted(rows) == [(MS, "A", [3]), (MS, "B", [2]), (MS, "C", [1])]


def test_0b9_1_11_3_at_the_limit_packets_gather_and_one_caller_takes_them_all() -> None:
    system, rows = System(processors=4), Rows()
    port = system.port(1)
    for who in "ABC":
        system.start(batcher, system, rows, who, port, MS)
    system.start(poster, port, MS, (1, 0))
    system.start(poster, port, MS + MS // 2, (2, 0), (3, 0))
    system.run()
    assert rows == [(MS, "C", [1]), (2 * MS, "C", [2, 3])]


def test_1_11_4_an_apc_wins_over_a_packet_that_the_limit_keeps() -> None:
    """Limit 1; A blocked, came back, and B is active too: A may not have the packet, so its APC ends the call."""
    system, rows = System(processors=3), Rows()
    port = system.port(1)
    me: list[Any] = []

    def a(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(port, INFINITE)
        yield api.Sleep(2 * MS)
        yield api.QueueUserAPC(lambda api, argument: rows.append("apc"), me[0])
        rows.append((running(port), depth(port)))
        answer = yield api.GetQueuedCompletionStatusEx(port, 4, INFINITE, True)
        rows.append(answer.status)
        rows.append((running(port), depth(port)))

    system.start(worker, system, [], "B", port)
    me.append(system.start(a))
    system.start(poster, port, MS, (1, 0), (2, 50 * MS), (3, 0))
    system.run()
    assert rows == [(2, 1), "apc", STATUS_USER_APC, (2, 1)]


def test_1_11_5_a_single_remove_is_never_alertable() -> None:
    system, rows = System(processors=2), Rows()
    port = system.port()

    def single(api: Api) -> ThreadBody:
        status = yield api.GetQueuedCompletionStatus(port, 5 * MS)
        rows.append((system.clock.now, status.error))

    handle = system.start(single)

    def alerter(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        yield api.QueueUserAPC(lambda api, argument: rows.append("apc"), handle)

    system.start(alerter)
    system.run()
    assert rows == [(5 * MS, WAIT_TIMEOUT)]


def test_1_11_6_a_batch_that_times_out_has_no_packets_to_be_read() -> None:
    system, rows = System(), Rows()
    port = system.port()

    def taker(api: Api) -> ThreadBody:
        rows.append(keys((yield api.GetQueuedCompletionStatusEx(port, 4, MS))))

    system.start(taker)
    system.run()
    assert rows == [WAIT_TIMEOUT]


# ---- 1.12: the exit patterns -----------------------------------------------------------------------------------------


def exiting(api: Api, rows: Rows, who: str, port: Handle, leaves: bool, reposts: bool) -> ThreadBody:
    while True:
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        rows.append((who, status.completion_key))
        if status.completion_key == EXIT:
            if reposts:
                yield api.PostQueuedCompletionStatus(port, 0, EXIT, None)
            if leaves:
                return
        yield api.Compute(MS)


def exits(leaves: bool, reposts: bool, packets: int) -> tuple[System, Handle, Rows]:
    """Three workers under a limit of 1; one piece of work is queued before the exit packets."""
    system, rows = System(processors=4), Rows()
    port = system.port(1)
    for who in "ABC":
        system.start(exiting, rows, who, port, leaves, reposts)
    system.start(poster, port, MS, ("work", 0), *[(EXIT, 0)] * packets)
    system.run()
    return system, port, rows


def test_1_12_with_an_exit_packet_for_each_worker_all_leave_after_the_work_that_was_queued_before() -> None:
    _, port, rows = exits(True, False, 3)
    assert rows == [("C", "work"), ("C", EXIT), ("B", EXIT), ("A", EXIT)]
    assert (len(port.object.bound), running(port), depth(port)) == (0, 0, 0)


def test_1_12_one_worker_that_removes_again_eats_the_exit_packets_of_the_others() -> None:
    _, port, rows = exits(False, False, 3)
    assert rows == [("C", "work"), ("C", EXIT), ("C", EXIT), ("C", EXIT)]
    assert [thread.number for thread in port.object.waiting] == [0, 1, 2]


def test_1_12_one_exit_packet_that_every_worker_posts_again_ends_them_all() -> None:
    _, port, rows = exits(True, True, 1)
    assert rows == [("C", "work"), ("C", EXIT), ("B", EXIT), ("A", EXIT)]
    assert (len(port.object.bound), depth(port)) == (0, 1)


# ---- 1.13: closing ---------------------------------------------------------------------------------------------------


def test_1_13_on_xp_a_thread_that_stayed_parked_still_times_out_and_then_the_port_is_gone() -> None:
    system, rows = System(processors=3, close_mode="keep"), Rows()
    port = system.port()

    def patient(api: Api, timeout: int) -> ThreadBody:
        status = yield api.GetQueuedCompletionStatus(port, timeout)
        rows.append((system.clock.now, status.error, len(port.object.bound)))

    def closing(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(port, 0)
        yield api.Compute(MS)
        yield api.CloseHandle(port)
        yield api.Compute(50 * MS)

    for timeout in (5 * MS, 9 * MS):
        system.start(patient, timeout)
    system.start(closing)
    system.run()
    assert rows == [(5 * MS, WAIT_TIMEOUT, 3), (9 * MS, WAIT_TIMEOUT, 0)]
    assert running(port) == 0


def test_1_13_packets_that_nobody_will_take_are_freed_when_the_last_kept_waiter_goes() -> None:
    """The limit keeps an IRP from the parked thread; it goes back to its lookaside list, its block stays pending."""
    tiny = TinyPipe()
    port = tiny.port
    port.limit = 1
    port.keeps_waiters = True
    tiny.associated(tiny.late)
    tiny.issue(tiny.late, 512)
    port.poll(tiny.two)
    port.remove(tiny.one)
    irp = tiny.driver.queue[0]
    assert tiny.driver.dequeue(irp)
    tiny.driver.end(irp, STATUS_SUCCESS)
    frees = irp.lookaside.total_frees
    tiny.io.close(tiny.late)
    assert port.close_handle() == []
    port.end_wait(tiny.one, STATUS_USER_APC)
    assert (tiny.depth, irp.lookaside.total_frees, len(port.bound)) == (0, frees + 1, 0)


def test_1_13_a_mini_packet_of_a_port_that_is_gone_goes_back_to_its_lookaside_list() -> None:
    tiny = TinyPipe()
    quick = FileObject(3, DeviceObject(Quick(), None, 0, 0), 0, 0, False)
    tiny.associated(quick)
    block = StatusBlock()
    assert tiny.io.fast_control(quick, 1, 5, Notice(block, block)) == STATUS_SUCCESS
    tiny.port.close_handle()
    lists = tiny.io.mini.private[0]
    assert (tiny.depth, lists.total_frees) == (1, 0)
    tiny.io.close(quick)
    assert (tiny.depth, lists.total_frees, len(lists.entries)) == (0, 1, 1)


class Quick(Driver):
    """Satisfies device controls without an IRP."""

    def fast_control(self, device: DeviceObject, file: FileObject, code: int, size: int, block: StatusBlock) -> int:
        return STATUS_SUCCESS


# ---- 1.15: notification modes ----------------------------------------------------------------------------------------


def test_1_15_a_mode_is_the_file_objects_own() -> None:
    """Two file objects of one device: only the one that asked for it skips the port."""
    tiny = TinyPipe()
    for end in (tiny.ours, tiny.theirs):
        tiny.associated(end)
        tiny.write(end.peer, 2)
    tiny.io.set_notification_modes(tiny.ours, SKIP_PORT_ON_SUCCESS)
    for end in (tiny.ours, tiny.theirs):
        assert tiny.issue(end, 2)[0] == STATUS_SUCCESS
    assert tiny.depth == 1
