"""The calls, from programs that are written as practitioners write them. Cases P.. and K..: semantics 9.1, 9.2, 9.6."""

import doctest
from collections.abc import Iterator
from typing import Any

import pytest
from tiny import Passing
from tiny_win32 import Log

import iosim.win32
from iosim.apc import kernel_apcs
from iosim.ntstatus import (
    ERROR_ABANDONED_WAIT_0,
    ERROR_INVALID_HANDLE,
    ERROR_NOT_OWNER,
    ERROR_NOT_SUPPORTED,
    ERROR_TOO_MANY_POSTS,
    STATUS_ABANDONED_WAIT_0,
    STATUS_INVALID_DEVICE_REQUEST,
    STATUS_TIMEOUT,
    STATUS_USER_APC,
    WAIT_IO_COMPLETION,
    WAIT_TIMEOUT,
)
from iosim.win32 import (
    INFINITE,
    WAIT_ABANDONED_0,
    WAIT_FAILED,
    WAIT_OBJECT_0,
    Api,
    Handle,
    ProgramError,
    System,
    ThreadBody,
)

MS = 1_000_000


@pytest.fixture(params=["heap", "simpy"])
def system(request: pytest.FixtureRequest) -> System:
    return System(processors=4, clock=request.param)


@pytest.fixture
def log(system: System) -> Log:
    return Log(system)


def watcher(api: Api, log: Log, who: str, port: Handle, timeout: int) -> ThreadBody:
    """Waits on the port's handle, as on any object."""
    log.add(who, (yield api.WaitForSingleObject(port, timeout)))


def remover(api: Api, log: Log, who: str, port: Handle, timeout: int, after: int = 0) -> ThreadBody:
    """Removes one packet."""
    yield api.Compute(after)
    log.add(who, (yield api.GetQueuedCompletionStatus(port, timeout)))


def batch(api: Api, log: Log, who: str, port: Handle, most: int, timeout: int, alert: bool) -> ThreadBody:
    """Removes a batch."""
    log.add(who, (yield api.GetQueuedCompletionStatusEx(port, most, timeout, alert)))


def poster(api: Api, port: Handle, after: int, *keys: int) -> ThreadBody:
    yield api.Compute(after)
    for key in keys:
        yield api.PostQueuedCompletionStatus(port, 10 * key, key, f"overlapped {key}")


def closer(api: Api, port: Handle, after: int) -> ThreadBody:
    yield api.Compute(after)
    yield api.CloseHandle(port)


# ---- waiting on the handle, closing ----------------------------------------------------------------------------------


def test_P01_a_packet_wakes_every_waiter_on_the_handle_and_stays(system: System, log: Log) -> None:
    port = system.port()
    system.start(watcher, log, "X", port, INFINITE)
    system.start(watcher, log, "Y", port, INFINITE)
    system.start(poster, port, MS, 1)
    system.start(remover, log, "Z", port, INFINITE, 2 * MS)
    system.run()
    assert log.of("X") == log.of("Y") == [WAIT_OBJECT_0]
    assert [status.completion_key for status in log.of("Z")] == [1]


def test_P02_a_parked_remover_has_precedence_over_a_waiter_on_the_handle(system: System, log: Log) -> None:
    port = system.port()
    system.start(remover, log, "X", port, INFINITE)
    system.start(watcher, log, "Y", port, 100 * MS)
    system.start(poster, port, MS, 1)
    system.run()
    assert log.of("X")[0].completion_key == 1
    assert log.rows[-1] == (100 * MS, "Y", WAIT_TIMEOUT)


def test_P04_closing_the_last_handle_wakes_the_waiters_on_it(system: System, log: Log) -> None:
    port = system.port()
    system.start(watcher, log, "X", port, INFINITE)
    system.start(watcher, log, "Y", port, INFINITE)
    system.start(closer, port, MS)
    system.run()
    assert log.rows == [(MS, "X", WAIT_OBJECT_0), (MS, "Y", WAIT_OBJECT_0)]


@pytest.mark.parametrize("case", ["P05", "P07"])
def test_P05_P07_closing_the_last_handle_abandons_the_parked_threads(system: System, log: Log, case: str) -> None:
    """P05 looks at the native status, P07 at the Win32 result."""
    port = system.port()
    system.start(remover, log, "X", port, INFINITE)
    system.start(remover, log, "Y", port, INFINITE)
    system.start(closer, port, MS)
    system.run()
    for who in "XY":
        (status,) = log.of(who)
        if case == "P05":
            assert status.status == STATUS_ABANDONED_WAIT_0
        assert (status.ok, status.overlapped, status.error) == (False, None, ERROR_ABANDONED_WAIT_0)


def test_P08_the_ex_call_is_abandoned_too(system: System, log: Log) -> None:
    port = system.port()
    for who in "XY":
        system.start(batch, log, who, port, 8, INFINITE, True)
    system.start(closer, port, MS)
    system.run()
    for who in "XY":
        (status,) = log.of(who)
        assert (status.ok, status.error, status.status) == (False, ERROR_ABANDONED_WAIT_0, STATUS_ABANDONED_WAIT_0)


def test_P09_on_xp_parked_threads_keep_waiting_after_the_close(log: Log) -> None:
    system = System(processors=2, close_mode="keep")
    port = system.port()
    parked = system.start(remover, log, "X", port, INFINITE)
    system.start(closer, port, MS)
    system.run()
    assert log.of("X") == []
    assert parked.object.thread in port.object.waiting


def test_1_13_a_remove_after_the_close_finds_an_invalid_handle(system: System, log: Log) -> None:
    port = system.port()
    system.start(closer, port, MS)
    system.start(remover, log, "X", port, INFINITE, 2 * MS)
    system.run()
    assert log.of("X")[0].error == ERROR_INVALID_HANDLE


def test_1_13_closing_one_of_two_handles_changes_nothing(system: System, log: Log) -> None:
    port = system.port()

    def duplicator(api: Api) -> ThreadBody:
        second = yield api.DuplicateHandle(port)
        yield from closer(api, port, MS)
        yield from poster(api, second, MS, 7)

    system.start(remover, log, "X", port, INFINITE)
    system.start(duplicator)
    system.run()
    assert log.of("X")[0].completion_key == 7


# ---- remove and post -------------------------------------------------------------------------------------------------


def noted(api: Api, argument: Any) -> None:
    argument.append("apc")


def p12(api: Api, log: Log, first: Handle, second: Handle, ran: list[str], me: list[Any]) -> ThreadBody:
    """P11, P12 and P13 in a row, by one thread."""
    yield api.PostQueuedCompletionStatus(first, 0, 1, None)
    log.add("P11", (yield api.GetQueuedCompletionStatusEx(first, 2, 0, True)))
    yield api.QueueUserAPC(noted, me[0], ran)
    yield api.PostQueuedCompletionStatus(second, 0, 2, None)
    log.add("P12", (yield api.GetQueuedCompletionStatusEx(second, 1, 0, True)))
    log.add("P12 apcs", list(ran))
    log.add("P12 packet", (yield api.WaitForSingleObject(second, 0)))
    yield api.CloseHandle(first)
    yield api.QueueUserAPC(noted, me[0], ran)
    log.add("P13", (yield api.GetQueuedCompletionStatusEx(second, 1, 0, True)))
    log.add("P13 apcs", list(ran))
    log.add("later", (yield api.GetQueuedCompletionStatusEx(second, 1, 0, False)))


@pytest.fixture
def p12_log(system: System, log: Log) -> Log:
    first, second = system.port(), system.port()
    me: list[Any] = []
    me.append(system.start(p12, log, first, second, [], me))
    system.run()
    return log


def test_P11_an_alertable_batch_takes_the_one_packet_there_is(p12_log: Log) -> None:
    assert [status.completion_key for status in p12_log.of("P11")[0]] == [1]


def test_P12_an_apc_wins_over_a_packet_for_a_thread_that_is_not_bound_here(p12_log: Log) -> None:
    assert p12_log.of("P12")[0].status == STATUS_USER_APC
    assert p12_log.of("P12 apcs") == [["apc"]]
    assert p12_log.of("P12 packet") == [WAIT_OBJECT_0]  # it is still there


def test_P13_such_a_call_does_not_bind_the_thread(p12_log: Log) -> None:
    assert p12_log.of("P13")[0].status == STATUS_USER_APC
    assert p12_log.of("P13 apcs") == [["apc", "apc"]]
    assert [status.completion_key for status in p12_log.of("later")[0]] == [2]


def bound_then_apc(api: Api, log: Log, port: Handle, ran: list[str], me: list[Any]) -> ThreadBody:
    yield api.GetQueuedCompletionStatusEx(port, 1, 0, True)  # binds
    yield api.PostQueuedCompletionStatus(port, 0, 5, None)
    yield api.QueueUserAPC(noted, me[0], ran)
    log.add("first", (yield api.GetQueuedCompletionStatusEx(port, 1, 0, True)))
    log.add("apcs", list(ran))
    log.add("second", (yield api.GetQueuedCompletionStatusEx(port, 1, 0, True)))


def test_1_11_4_a_bound_thread_takes_its_packet_before_its_apc(system: System, log: Log) -> None:
    port = system.port()
    me: list[Any] = []
    me.append(system.start(bound_then_apc, log, port, [], me))
    system.run()
    assert log.of("first")[0][0].completion_key == 5
    assert log.of("apcs") == [[]]
    assert log.of("second")[0].status == STATUS_USER_APC


def test_P16_a_look_at_an_empty_port_times_out(system: System, log: Log) -> None:
    port = system.port()
    system.start(remover, log, "X", port, 0)
    system.run()
    assert (log.of("X")[0].status, log.of("X")[0].error) == (STATUS_TIMEOUT, WAIT_TIMEOUT)


def p17(api: Api, log: Log, port: Handle) -> ThreadBody:
    value = object()
    information = 0x1234567800000003
    yield api.PostQueuedCompletionStatus(port, information, "K", value, STATUS_INVALID_DEVICE_REQUEST)
    log.add("depth", len(port.object.entries))
    status = yield api.GetQueuedCompletionStatus(port, INFINITE)
    log.add("depth", len(port.object.entries))
    verbatim = (status.completion_key, status.overlapped is value, status.status, status.bytes_transferred)
    log.add("X", verbatim == ("K", True, STATUS_INVALID_DEVICE_REQUEST, information))


def test_P17_a_posted_packet_comes_back_verbatim(system: System, log: Log) -> None:
    system.start(p17, log, system.port())
    system.run()
    assert log.of("depth") == [1, 0]
    assert log.of("X") == [True]


@pytest.mark.parametrize("most", [2, 1], ids=["P18", "P19"])
def test_P18_P19_batches_keep_the_order_of_the_posts(system: System, log: Log, most: int) -> None:
    port = system.port()
    system.start(poster, port, 0, 1, 2)

    def taker(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        for _ in range(2 // most):
            log.add("X", [outcome(status) for status in (yield api.GetQueuedCompletionStatusEx(port, most, 0))])

    def outcome(status: Any) -> tuple[object, ...]:
        return status.completion_key, status.overlapped, status.bytes_transferred, status.ok

    system.start(taker)
    system.run()
    first, second = (1, "overlapped 1", 10, True), (2, "overlapped 2", 20, True)
    assert log.of("X") == ([[first, second]] if most == 2 else [[first], [second]])


def test_P21_an_apc_ends_a_look_at_an_empty_port(system: System, log: Log) -> None:
    port, ran = system.port(), list[str]()
    me: list[Any] = []

    def program(api: Api) -> ThreadBody:
        yield api.QueueUserAPC(noted, me[0], ran)
        log.add("X", (yield api.GetQueuedCompletionStatusEx(port, 1, 0, True)))

    me.append(system.start(program))
    system.run()
    assert log.of("X")[0].status == STATUS_USER_APC
    assert ran == ["apc"]


def test_1_11_5_a_pending_apc_is_ignored_by_a_call_that_is_not_alertable(system: System, log: Log) -> None:
    port, ran = system.port(), list[str]()
    me: list[Any] = []

    def program(api: Api) -> ThreadBody:
        yield api.QueueUserAPC(noted, me[0], ran)
        log.add("X", (yield api.GetQueuedCompletionStatusEx(port, 1, 5 * MS, False)))

    me.append(system.start(program))
    system.run()
    assert (log.rows[-1][0], log.of("X")[0].error, ran) == (5 * MS, WAIT_TIMEOUT, [])


# ---- the counters, by real threads -----------------------------------------------------------------------------------


def test_K04_a_thread_whose_remove_timed_out_is_active_and_keeps_packets_from_parked_ones(
    system: System, log: Log
) -> None:
    port = system.port(1)

    def a(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        log.add("A", (yield api.GetQueuedCompletionStatus(port, 10 * MS)).error)
        log.add("c", port.object.running)
        yield api.Compute(20 * MS)
        log.add("A", (yield api.GetQueuedCompletionStatus(port, INFINITE)).completion_key)

    system.start(remover, log, "B", port, INFINITE)
    system.start(a)
    system.start(poster, port, 15 * MS, 1)
    system.run()
    assert log.rows == [(11 * MS, "A", WAIT_TIMEOUT), (11 * MS, "c", 1), (31 * MS, "A", 1)]


@pytest.mark.parametrize("exits", [False, True])
def test_K04_the_packet_goes_to_the_parked_thread_when_that_thread_blocks_or_exits(
    system: System, log: Log, exits: bool
) -> None:
    port = system.port(1)

    def a(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        yield api.GetQueuedCompletionStatus(port, 10 * MS)
        yield api.Compute(20 * MS)
        if not exits:
            yield api.Sleep(50 * MS)

    def b(api: Api) -> ThreadBody:
        log.add("B", (yield api.GetQueuedCompletionStatus(port, INFINITE)).completion_key)

    system.start(b)
    system.start(a)
    system.start(poster, port, 15 * MS, 1)
    system.run()
    assert log.rows == [(31 * MS, "B", 1)]


def test_K11_a_satisfied_wait_and_sleep_0_release_nobody(system: System, log: Log) -> None:
    """Limit 1: A works, packet 2 is queued, B is parked until A really blocks."""
    port = system.port(1)

    def a(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        log.add("A", (yield api.GetQueuedCompletionStatus(port, INFINITE)).completion_key)
        signalled = yield api.CreateEvent(True, True)
        for _ in range(2):
            yield api.Compute(2 * MS)
            yield api.WaitForSingleObject(signalled, INFINITE)
            yield api.Compute(2 * MS)
            yield api.Sleep(0)
        log.add("A", "blocks")
        yield api.Sleep(MS)

    system.start(remover, log, "B", port, INFINITE)
    system.start(a)
    system.start(poster, port, 2 * MS, 1, 2)
    system.run()
    assert log.rows[:2] == [(2 * MS, "A", 1), (10 * MS, "A", "blocks")]
    assert [(time, who, what.completion_key) for time, who, what in log.rows[2:]] == [(10 * MS, "B", 2)]


def test_K07_polling_counts_once(system: System, log: Log) -> None:
    port = system.port(3)

    def a(api: Api) -> ThreadBody:
        for _ in range(3):
            yield api.GetQueuedCompletionStatus(port, 0)
            log.add("c", port.object.running)

    system.start(a)
    system.run()
    assert log.of("c") == [1, 1, 1]


def test_K13_a_kernel_apc_makes_a_parked_thread_the_newest_waiter(system: System, log: Log) -> None:
    port = system.port(1)
    a = system.start(remover, log, "A", port, INFINITE)
    b = system.start(remover, log, "B", port, INFINITE)

    def apc(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        assert [a.object.thread, b.object.thread] == port.object.waiting
        kernel_apcs(system.dispatcher).insert(a.object.thread, Passing())
        assert [b.object.thread, a.object.thread] == port.object.waiting
        yield api.PostQueuedCompletionStatus(port, 0, 1, None)

    system.start(apc)
    system.run()
    assert [who for _, who, _ in log.rows] == ["A"]


def test_K18_a_port_that_dies_lets_its_threads_go(system: System, log: Log) -> None:
    first, second = system.port(1), system.port(1)

    def a(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(first, 0)
        yield api.Compute(2 * MS)
        log.add("bound", len(first.object.bound))
        log.add("A", (yield api.GetQueuedCompletionStatus(second, 0)).error)
        log.add("counts", (first.object.running, second.object.running))

    system.start(a)
    system.start(closer, first, MS)
    system.run()
    assert log.of("bound") == [0]
    assert log.of("counts") == [(0, 1)]


def test_1_13_posts_to_a_closed_port_fail_and_queued_packets_are_discarded(system: System, log: Log) -> None:
    port = system.port()

    def a(api: Api) -> ThreadBody:
        yield api.PostQueuedCompletionStatus(port, 0, 1, None)
        yield api.CloseHandle(port)
        log.add("depth", len(port.object.entries))
        log.add("posted", (yield api.PostQueuedCompletionStatus(port, 0, 2, None)))

    system.start(a)
    system.run()
    assert (log.of("depth"), log.of("posted")) == ([0], [False])


def test_1_11_2_a_batch_uses_one_place_under_the_limit(system: System, log: Log) -> None:
    """1.11.2: packets in a batch wait behind each other inside the thread."""
    port = system.port(2)

    def a(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        yield api.GetQueuedCompletionStatusEx(port, 10, INFINITE)
        log.add("c, d", (port.object.running, len(port.object.entries)))

    system.start(poster, port, 0, 1, 2, 3)
    system.start(a)
    system.run()
    assert log.of("c, d") == [(1, 0)]


# ---- waits -----------------------------------------------------------------------------------------------------------


def test_wait_any_gives_the_first_signalled_object_of_the_list(system: System, log: Log) -> None:
    def a(api: Api) -> ThreadBody:
        events = []
        for signalled in (False, True, False, True):
            events.append((yield api.CreateEvent(False, signalled)))
        log.add("X", (yield api.WaitForMultipleObjects(events, False, INFINITE)))
        log.add("X", (yield api.WaitForMultipleObjects(events, False, INFINITE)))
        log.add("X", (yield api.WaitForMultipleObjects(events, False, 3 * MS)))

    system.start(a)
    system.run()
    assert log.of("X") == [1, 3, WAIT_TIMEOUT]
    assert log.rows[-1][0] == 3 * MS


def test_wait_all_takes_nothing_until_it_can_take_all(system: System, log: Log) -> None:
    first, second = [], []

    def a(api: Api) -> ThreadBody:
        first.append((yield api.CreateEvent(False, True)))
        second.append((yield api.CreateEvent(False, False)))
        log.add("A", (yield api.WaitForMultipleObjects([first[0], second[0]], True, INFINITE)))

    def b(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        log.add("B", (yield api.WaitForSingleObject(first[0], 0)))  # still signalled: A took nothing
        yield api.SetEvent(second[0])
        yield api.Compute(MS)
        yield api.SetEvent(first[0])

    system.start(a)
    system.start(b)
    system.run()
    assert log.rows == [(MS, "B", WAIT_OBJECT_0), (2 * MS, "A", WAIT_OBJECT_0)]


def test_a_mutex_is_handed_over_in_order_and_abandoned_by_a_thread_that_ends(system: System, log: Log) -> None:
    mutex: list[Any] = []

    def owner(api: Api) -> ThreadBody:
        mutex.append((yield api.CreateMutex()))
        yield api.WaitForSingleObject(mutex[0], INFINITE)
        yield api.WaitForSingleObject(mutex[0], INFINITE)  # twice: recursion
        yield api.ReleaseMutex(mutex[0])
        yield api.Compute(5 * MS)

    def waiter(api: Api, who: str, after: int) -> ThreadBody:
        yield api.Compute(after)
        log.add(who, (yield api.WaitForSingleObject(mutex[0], INFINITE)))
        yield api.Compute(MS)
        log.add(who, (yield api.ReleaseMutex(mutex[0])))
        log.add(who, ((yield api.ReleaseMutex(mutex[0])), (yield api.GetLastError())))

    system.start(owner)
    system.start(waiter, "B", MS)
    system.start(waiter, "C", 2 * MS)
    system.run()
    assert log.of("B") == [WAIT_ABANDONED_0, True, (False, ERROR_NOT_OWNER)]
    assert log.of("C") == [WAIT_OBJECT_0, True, (False, ERROR_NOT_OWNER)]
    assert next(row[0] for row in log.rows if row[1] == "C") == 6 * MS


def test_a_semaphore_lets_as_many_in_as_it_counts(system: System, log: Log) -> None:
    def main(api: Api) -> ThreadBody:
        semaphore = yield api.CreateSemaphore(1, 2)
        for who in "ABC":
            yield api.CreateThread(user, semaphore, who)
        yield api.Compute(MS)
        log.add("release", (yield api.ReleaseSemaphore(semaphore, 3)))
        log.add("error", (yield api.GetLastError()))
        yield api.ReleaseSemaphore(semaphore, 2)

    def user(api: Api, semaphore: Any, who: str) -> ThreadBody:
        yield api.WaitForSingleObject(semaphore, INFINITE)
        log.add(who, "in")

    system.start(main)
    system.run()
    assert [time for time, who, _ in log.rows if who in "ABC"] == [0, MS, MS]
    assert (log.one("release"), log.one("error")) == (False, ERROR_TOO_MANY_POSTS)


@pytest.mark.parametrize("plain", [False, True])
def test_7_7_user_apcs_run_in_the_order_they_were_queued_be_they_functions_or_programs(
    system: System, log: Log, plain: bool
) -> None:
    def program(api: Api, number: int) -> ThreadBody:
        log.add("apc", number)
        yield api.Compute(MS)

    def function(_api: Api, number: int) -> None:
        log.add("apc", number)

    def worker(api: Api) -> ThreadBody:
        for number in range(3):
            yield api.QueueUserAPC(function if plain else program, (yield api.GetCurrentThread()), number)
        yield api.SleepEx(MS, True)

    system.start(worker)
    system.run()
    assert log.of("apc") == [0, 1, 2]


def test_7_7_an_apc_that_is_queued_while_another_one_runs_runs_before_the_wait_returns(
    system: System, log: Log
) -> None:
    """The first, of 1 ms, wakes the thread at 1 ms; the other two are queued at once."""

    def apc(api: Api, number: int) -> ThreadBody:
        log.add("apc", number)
        yield api.Compute(MS)

    def worker(api: Api) -> ThreadBody:
        log.add("sleep", (yield api.SleepEx(100 * MS, True)))
        log.add("again", (yield api.SleepEx(0, True)))

    thread = system.start(worker)

    def queuer(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        for number in range(3):
            yield api.QueueUserAPC(apc, thread, number)

    system.start(queuer)
    system.run()
    assert [(time // MS, who, what) for time, who, what in log.rows] == [
        *[(1 + number, "apc", number) for number in range(3)],
        (4, "sleep", WAIT_IO_COMPLETION),
        (4, "again", 0),
    ]


def test_an_alertable_sleep_ends_for_an_apc_whose_program_runs_first(system: System, log: Log) -> None:
    def routine(api: Api, argument: Any) -> ThreadBody:
        yield api.Compute(MS)
        log.add("apc", argument)

    def sleeper(api: Api) -> ThreadBody:
        log.add("X", (yield api.SleepEx(100 * MS, True)))

    target = system.start(sleeper)

    def waker(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        yield api.QueueUserAPC(routine, target, 7)

    system.start(waker)
    system.run()
    assert log.rows == [(2 * MS, "apc", 7), (2 * MS, "X", WAIT_IO_COMPLETION)]


def test_the_end_of_a_thread_can_be_waited_for(system: System, log: Log) -> None:
    def child(api: Api) -> ThreadBody:
        yield api.Compute(3 * MS)
        return 42

    def parent(api: Api) -> ThreadBody:
        handle = yield api.CreateThread(child)
        yield api.WaitForSingleObject(handle, INFINITE)
        log.add("parent", (yield api.GetExitCodeThread(handle)))

    system.start(parent)
    system.run()
    assert log.rows == [(3 * MS, "parent", 42)]


def test_more_than_64_handles_can_not_be_waited_for(system: System, log: Log) -> None:
    def program(api: Api) -> ThreadBody:
        event = yield api.CreateEvent(True, True)
        log.add("X", (yield api.WaitForMultipleObjects([event] * 65, False, INFINITE)))

    system.start(program)
    system.run()
    assert log.of("X") == [WAIT_FAILED]


def test_a_blocked_worker_releases_another_and_all_run_when_it_returns(log: Log, system: System) -> None:
    """The port's whole point, from programs: K01c and K01d."""
    port = system.port(1)
    event: list[Any] = []

    def worker(api: Api, who: str) -> ThreadBody:
        while True:
            status = yield api.GetQueuedCompletionStatus(port, INFINITE)
            log.add(who, status.completion_key)
            if status.completion_key == 1:
                yield api.WaitForSingleObject(event[0], INFINITE)
                log.add("running", port.object.running)
            yield api.Compute(MS)

    def main(api: Api) -> ThreadBody:
        event.append((yield api.CreateEvent(True, False)))
        for who in "AB":
            yield api.CreateThread(worker, who)
        yield api.Compute(MS)
        for key in (1, 2, 3):
            yield api.PostQueuedCompletionStatus(port, 0, key, None)
        yield api.Compute(MS // 2)
        yield api.SetEvent(event[0])

    system.start(main)
    system.run()
    assert log.rows[:3] == [(MS, "B", 1), (MS, "A", 2), (MS + MS // 2, "running", 2)]
    assert log.rows[3] == (2 * MS + MS // 2, "B", 3)


def test_C12_user_mode_scheduling_is_not_supported(system: System, log: Log) -> None:
    def program(api: Api) -> ThreadBody:
        log.add("X", ((yield api.EnterUmsSchedulingMode()), (yield api.GetLastError())))

    system.start(program)
    system.run()
    assert log.of("X") == [(False, ERROR_NOT_SUPPORTED)]


def test_a_program_that_yields_no_call_is_told_its_line(system: System) -> None:
    def wrong(api: Api) -> Iterator[Any]:
        yield api.Compute(5)
        yield 17

    system.start(wrong)  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match=r"test_win32\.py:\d+: a thread yields calls of the API, not 17"):
        system.run()


def test_what_can_not_be_waited_for_is_refused(system: System) -> None:
    def wrong(api: Api) -> ThreadBody:
        yield api.WaitForSingleObject("event", INFINITE)  # type: ignore[arg-type]

    system.start(wrong)
    with pytest.raises(ProgramError, match=r"test_win32\.py:\d+: 'event' can't be waited for"):
        system.run()


def test_the_example_of_the_package_is_run() -> None:
    done = doctest.testmod(iosim.win32)
    assert (done.failed, done.attempted) == (0, 7)
