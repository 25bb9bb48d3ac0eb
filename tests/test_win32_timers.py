"""Waitable timers as programs use them. Times are ns; semantics 0b.13."""

import pytest
from tiny_win32 import MS, Log, Program, run

from iosim.win32 import INFINITE, WAIT_OBJECT_0, WAIT_TIMEOUT, Api, Handle, System, ThreadBody


@pytest.fixture(params=["heap", "simpy"])
def system(request: pytest.FixtureRequest) -> System:
    return System(processors=4, clock=request.param)


def waiter(who: str, timer: list[Handle], timeout: int = INFINITE, after: int = 1) -> Program:
    """Waits for the timer once, from `after` on."""

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(after)
        log.add(who, (yield api.WaitForSingleObject(timer[0], timeout)))

    return program


@pytest.mark.parametrize(("due", "ends"), [(1, MS), (MS - 300, MS), (MS - 299, 2 * MS), (0, MS)])
def test_0b13_a_timer_is_signalled_at_the_first_tick_at_or_after_its_due_time(due: int, ends: int) -> None:
    """Set at 300."""
    system = System(tick=MS)

    def program(api: Api, log: Log) -> ThreadBody:
        timer = yield api.CreateWaitableTimer(False)
        yield api.Compute(300)
        log.add("set", (yield api.SetWaitableTimer(timer, due)))
        log.add("now", (yield api.WaitForSingleObject(timer, 0)))
        log.add("woken", (yield api.WaitForSingleObject(timer, INFINITE)))

    assert run(program, system=system).rows == [(300, "set", True), (300, "now", WAIT_TIMEOUT), (ends, "woken", 0)]


def test_a_timer_that_was_never_set_is_not_signalled(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        log.add("result", (yield api.WaitForSingleObject((yield api.CreateWaitableTimer(True)), 1000)))

    assert run(program, system=system).rows == [(1000, "result", WAIT_TIMEOUT)]


@pytest.mark.parametrize("manual", [True, False])
def test_a_manual_reset_timer_lets_all_waiters_go_and_stays_so_and_another_one_lets_one(
    system: System, manual: bool
) -> None:
    timer: list[Handle] = []

    def program(api: Api, log: Log) -> ThreadBody:
        timer.append((yield api.CreateWaitableTimer(manual)))
        yield api.SetWaitableTimer(timer[0], 100)
        yield api.Compute(200)
        log.add("later", (yield api.WaitForSingleObject(timer[0], 0)))

    log = run(program, waiter("a", timer, 150), waiter("b", timer, 150, 2), system=system)
    if manual:
        assert log.rows == [(100, "a", WAIT_OBJECT_0), (100, "b", WAIT_OBJECT_0), (200, "later", WAIT_OBJECT_0)]
    else:
        assert log.rows == [(100, "a", WAIT_OBJECT_0), (152, "b", WAIT_TIMEOUT), (200, "later", WAIT_TIMEOUT)]


def test_a_period_signals_it_again_and_again_until_it_is_cancelled(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        timer = yield api.CreateWaitableTimer(False)
        yield api.SetWaitableTimer(timer, 100, 30)
        for _ in range(3):
            yield api.WaitForSingleObject(timer, INFINITE)
            log.add("woken", 0)
        log.add("cancelled", (yield api.CancelWaitableTimer(timer)))
        log.add("after", (yield api.WaitForSingleObject(timer, 500)))

    log = run(program, system=system)
    assert log.when("woken") == [100, 130, 160]
    assert log.rows[3:] == [(160, "cancelled", True), (660, "after", WAIT_TIMEOUT)]


@pytest.mark.parametrize(("period", "times"), [(1, [1, 2, 3]), (MS, [1, 2, 3]), (MS + 1, [1, 3, 5])])
def test_0b13_a_period_ends_at_ticks_too(period: int, times: list[int]) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        timer = yield api.CreateWaitableTimer(False)
        yield api.SetWaitableTimer(timer, 10, period)
        for _ in times:
            yield api.WaitForSingleObject(timer, INFINITE)
            log.add("woken", 0)
        yield api.CancelWaitableTimer(timer)

    assert run(program, system=System(tick=MS)).when("woken") == [time * MS for time in times]


def test_a_cancel_keeps_the_state_and_its_waiters_waiting(system: System) -> None:
    """A timer that is over stays signalled; one under way never is. Whether it was under way is not told."""
    timer: list[Handle] = []

    def program(api: Api, log: Log) -> ThreadBody:
        over = yield api.CreateWaitableTimer(True)
        timer.append((yield api.CreateWaitableTimer(True)))
        yield api.SetWaitableTimer(over, 10)
        yield api.SetWaitableTimer(timer[0], 100)
        yield api.Compute(50)
        for each in (over, timer[0], timer[0]):
            log.add("cancelled", (yield api.CancelWaitableTimer(each)))
        log.add("over", (yield api.WaitForSingleObject(over, 0)))

    log = run(program, waiter("a", timer, 500), system=system)
    assert log.of("cancelled") == [True, True, True]
    assert log.rows[3:] == [(50, "over", WAIT_OBJECT_0), (501, "a", WAIT_TIMEOUT)]


def test_setting_it_again_takes_the_signal_away_and_moves_the_due_time(system: System) -> None:
    timer: list[Handle] = []

    def program(api: Api, log: Log) -> ThreadBody:
        timer.append((yield api.CreateWaitableTimer(True)))
        yield api.SetWaitableTimer(timer[0], 50)
        yield api.Compute(60)
        log.add("signalled", (yield api.WaitForSingleObject(timer[0], 0)))
        yield api.SetWaitableTimer(timer[0], 50)
        log.add("again", (yield api.WaitForSingleObject(timer[0], 0)))
        yield api.Compute(40)
        yield api.SetWaitableTimer(timer[0], 50)

    log = run(program, waiter("a", timer, INFINITE, 70), system=system)
    assert log.rows == [(60, "signalled", WAIT_OBJECT_0), (60, "again", WAIT_TIMEOUT), (150, "a", WAIT_OBJECT_0)]


def test_a_timer_is_one_object_of_a_wait_for_any_and_for_all(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        timer = yield api.CreateWaitableTimer(False)
        event = yield api.CreateEvent(False, False)
        yield api.SetWaitableTimer(timer, 100)
        log.add("any", (yield api.WaitForMultipleObjects([event, timer], False, INFINITE)))
        yield api.SetEvent(event)
        yield api.SetWaitableTimer(timer, 100)
        log.add("all", (yield api.WaitForMultipleObjects([event, timer], True, INFINITE)))

    assert run(program, system=system).rows == [(100, "any", WAIT_OBJECT_0 + 1), (200, "all", WAIT_OBJECT_0)]


def test_a_timer_goes_on_when_its_handle_is_closed_while_a_thread_waits_for_it(system: System) -> None:
    """The wait holds the object."""
    timer: list[Handle] = []

    def program(api: Api, log: Log) -> ThreadBody:
        timer.append((yield api.CreateWaitableTimer(False)))
        yield api.SetWaitableTimer(timer[0], 100)
        yield api.Compute(50)
        yield api.CloseHandle(timer[0])

    assert run(program, waiter("a", timer), system=system).rows == [(100, "a", WAIT_OBJECT_0)]


def test_1_6_a_worker_that_waits_for_a_timer_frees_its_place_at_the_port(system: System) -> None:
    port = system.port(1)

    def worker(api: Api, log: Log) -> ThreadBody:
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        log.add("took", status.completion_key)
        if status.completion_key == 1:
            timer = yield api.CreateWaitableTimer(False)
            yield api.SetWaitableTimer(timer, 100)
            yield api.WaitForSingleObject(timer, INFINITE)
        yield api.Compute(1000)
        log.add("done", status.completion_key)

    def feeder(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(10)
        for key in (1, 2):
            yield api.PostQueuedCompletionStatus(port, 0, key, None)

    log = run(worker, worker, feeder, system=system)
    assert log.rows == [(10, "took", 1), (10, "took", 2), (1010, "done", 2), (1110, "done", 1)]
