"""Where a program's threads run, in which order, and what stops them. Times are ns."""

import pytest
from tiny_win32 import MS, Log, Program, port_of, run

from iosim.dispatcher import THREAD_PRIORITY_IDLE, THREAD_PRIORITY_TIME_CRITICAL
from iosim.ntstatus import ERROR_ACCESS_DENIED, ERROR_INVALID_PARAMETER, ERROR_SUCCESS
from iosim.scheduling import SchedulerParams
from iosim.win32 import INFINITE, Api, Handle, System, ThreadBody
from iosim.win32.threads import MAXIMUM_PROCESSORS, NO_COUNT, NO_PROCESSOR


@pytest.fixture(params=["heap", "simpy"])
def system(request: pytest.FixtureRequest) -> System:
    return System(processors=4, clock=request.param)


def of(log: Log, handle: Handle) -> int:
    """The processor that the thread is on, or was on last."""
    number: int = handle.object.thread.processor
    return number


def computing(who: str, time: int) -> Program:
    """Works, then says so."""

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(time)
        log.add(who, 0)

    return program


# ---- numbers ---------------------------------------------------------------------------------------------------------


def test_a_thread_has_a_number_of_its_own_which_stays_the_same(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        first = yield api.GetCurrentThreadId()
        yield api.Sleep(1 * MS)
        log.add("same", first == (yield api.GetCurrentThreadId()))
        log.add("number", first)

    log = run(program, program, system=system)
    assert log.of("same") == [True, True]
    assert len(set(log.of("number"))) == 2


# ---- affinity --------------------------------------------------------------------------------------------------------


def test_a_new_mask_gives_the_one_before(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        me = yield api.GetCurrentThread()
        for mask in (0b0110, 0b1000, 0b1111, 0b0001):
            log.add("before", (yield api.SetThreadAffinityMask(me, mask)))

    assert run(program, system=system).of("before") == [0b1111, 0b0110, 0b1000, 0b1111]


@pytest.mark.parametrize("mask", [0, -1, 0b10000, 0b10001])
def test_a_mask_without_a_processor_or_with_one_that_is_not_there_is_refused_and_changes_nothing(
    system: System, mask: int
) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        me = yield api.GetCurrentThread()
        yield api.SetThreadAffinityMask(me, 0b0110)
        log.add("result", (yield api.SetThreadAffinityMask(me, mask)))
        log.add("error", (yield api.GetLastError()))
        log.add("still", (yield api.SetThreadAffinityMask(me, 0b1111)))

    log = run(program, system=system)
    assert (log.one("result"), log.one("error"), log.one("still")) == (0, ERROR_INVALID_PARAMETER, 0b0110)


def test_7_3_a_thread_moves_before_the_call_that_set_its_own_mask_returns(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        me = yield api.GetCurrentThread()
        for number in (2, 0, 3):
            yield api.SetThreadAffinityMask(me, 1 << number)
            log.add("on", of(log, me))

    log = run(program, system=system)
    assert (log.of("on"), log.when("on")) == ([2, 0, 3], [0, 0, 0])


def test_7_3_another_running_thread_moves_at_once_and_pays_a_switch() -> None:
    """100 us of work, and a switch of 1 us to begin with; moved at 31 us; a second switch."""
    system = System(processors=2, context_switch=1_000)
    target = system.start(computing("done", 100_000), log := Log(system))

    def mover(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(30_000)
        assert of(log, target) == 0
        yield api.SetThreadAffinityMask((yield api.GetCurrentThread()), 0b10)
        log.add("mask", (yield api.SetThreadAffinityMask(target, 0b10)))
        yield api.Compute(50_000)

    system.start(mover, log)
    system.run()
    assert log.rows == [(31_000, "mask", 0b11), (152_000, "done", 0)]
    assert of(log, target) == 1


def test_7_3_a_waiting_thread_wakes_up_where_it_may_run(system: System) -> None:
    def sleeper(api: Api, log: Log) -> ThreadBody:
        yield api.Sleep(MS)
        log.add("on", of(log, (yield api.GetCurrentThread())))

    log = Log(system)
    handle = system.start(sleeper, log)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(10)
        log.add("mask", (yield api.SetThreadAffinityMask(handle, 0b1000)))

    system.start(program, log)
    system.run()
    assert log.rows == [(10, "mask", 0b1111), (MS, "on", 3)]


# ---- ideal processors ------------------------------------------------------------------------------------------------


def test_a_new_ideal_processor_gives_the_one_before_and_the_maximum_only_asks(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        me = yield api.GetCurrentThread()
        for number in (2, MAXIMUM_PROCESSORS, 1, MAXIMUM_PROCESSORS, MAXIMUM_PROCESSORS):
            log.add("before", (yield api.SetThreadIdealProcessor(me, number)))
        log.add("error", (yield api.GetLastError()))

    log = run(program, system=system)
    assert log.of("before")[1:] == [2, 2, 1, 1]
    assert (MAXIMUM_PROCESSORS, log.one("error")) == (64, ERROR_SUCCESS)


@pytest.mark.parametrize("number", [-1, 4, 63, 65, 1])
def test_an_ideal_processor_that_is_not_there_or_not_allowed_is_refused_and_changes_nothing(
    system: System, number: int
) -> None:
    """The thread may run on 2 and 3."""

    def program(api: Api, log: Log) -> ThreadBody:
        me = yield api.GetCurrentThread()
        yield api.SetThreadAffinityMask(me, 0b1100)
        yield api.SetThreadIdealProcessor(me, 2)
        log.add("result", (yield api.SetThreadIdealProcessor(me, number)))
        log.add("error", (yield api.GetLastError()))
        log.add("still", (yield api.SetThreadIdealProcessor(me, MAXIMUM_PROCESSORS)))

    log = run(program, system=system)
    assert (log.one("result"), log.one("error"), log.one("still")) == (NO_PROCESSOR, ERROR_INVALID_PARAMETER, 2)
    assert NO_PROCESSOR == 0xFFFFFFFF


@pytest.mark.parametrize(("placement", "on"), [("ideal", 3), ("last", 0)])
def test_7_3_the_ideal_processor_is_tried_first_from_the_next_wake_on(placement: str, on: int) -> None:
    system = System(processors=4, scheduler=SchedulerParams(placement=placement))

    def program(api: Api, log: Log) -> ThreadBody:
        me = yield api.GetCurrentThread()
        yield api.SetThreadAffinityMask(me, 1)
        yield api.SetThreadAffinityMask(me, 0b1111)
        yield api.SetThreadIdealProcessor(me, 3)
        log.add("on", of(log, me))
        yield api.Sleep(10)
        log.add("on", of(log, me))

    assert run(program, system=system).of("on") == [0, on]


# ---- priorities ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "priority"),
    [(-2, 6), (-1, 7), (0, 8), (1, 9), (2, 10), (THREAD_PRIORITY_IDLE, 1), (THREAD_PRIORITY_TIME_CRITICAL, 15)],
)
def test_7_1_a_threads_priority_is_beside_that_of_a_normal_process(system: System, offset: int, priority: int) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        me = yield api.GetCurrentThread()
        log.add("result", (yield api.SetThreadPriority(me, offset)))
        log.add("priority", (me.object.thread.base_priority, me.object.thread.priority))

    log = run(program, system=system)
    assert (log.one("result"), log.one("priority")) == (True, (priority, priority))
    assert (THREAD_PRIORITY_IDLE, THREAD_PRIORITY_TIME_CRITICAL) == (-15, 15)


@pytest.mark.parametrize("offset", [-16, -14, -3, 3, 14, 16])
def test_7_1_any_other_priority_is_refused_and_changes_nothing(system: System, offset: int) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        me = yield api.GetCurrentThread()
        yield api.SetThreadPriority(me, 1)
        log.add("result", (yield api.SetThreadPriority(me, offset)))
        log.add("error", (yield api.GetLastError()))
        log.add("priority", me.object.thread.base_priority)

    log = run(program, system=system)
    assert (log.one("result"), log.one("error"), log.one("priority")) == (False, ERROR_INVALID_PARAMETER, 9)


@pytest.mark.parametrize(
    ("offset", "rows"),
    [
        (1, [(110, "other", 0), (200, "program", 0)]),
        (0, [(100, "program", 0), (200, "other", 0)]),
        (-1, [(100, "program", 0), (200, "other", 0)]),
    ],
)
def test_7_1_a_thread_that_is_made_better_than_the_running_one_runs_at_once(
    offset: int, rows: list[tuple[int, str, int]]
) -> None:
    """One processor: the program works from 0, and sets the other's priority at 10. Each works for 100."""
    system = System(processors=1)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(10)
        yield api.SetThreadPriority(other, offset)
        yield api.Compute(90)
        log.add("program", 0)

    log = Log(system)
    system.start(program, log)
    other = system.start(computing("other", 100), log)
    system.run()
    assert log.rows == rows


def test_7_1_a_thread_that_makes_itself_worse_than_a_ready_one_makes_way() -> None:
    system = System(processors=1)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(10)
        yield api.SetThreadPriority((yield api.GetCurrentThread()), THREAD_PRIORITY_IDLE)
        yield api.Compute(90)
        log.add("program", 0)

    assert run(program, computing("other", 100), system=system).rows == [(110, "other", 0), (200, "program", 0)]


# ---- suspension ------------------------------------------------------------------------------------------------------


def test_0b8_suspensions_are_counted_and_the_last_resume_lets_the_thread_go_on(system: System) -> None:
    """1,000 of work; suspended at 300 and 400, resumed at 500 and 600: 300 later."""
    log = Log(system)
    target = system.start(computing("done", 1000), log)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(200)
        log.add("resume", (yield api.ResumeThread(target)))
        for call in (api.SuspendThread, api.SuspendThread, api.ResumeThread, api.ResumeThread):
            yield api.Compute(100)
            log.add(call.__name__, (yield call(target)))
        log.add("resume", (yield api.ResumeThread(target)))

    system.start(program, log)
    system.run()
    assert (log.of("SuspendThread"), log.of("ResumeThread"), log.of("resume")) == ([0, 1], [2, 1], [0, 0])
    assert log.when("done") == [1300]


def test_0b8_a_thread_that_suspends_itself_stops_before_its_next_line(system: System) -> None:
    def suspends(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(10)
        count = yield api.SuspendThread((yield api.GetCurrentThread()))
        log.add("on", count)

    log = Log(system)
    target = system.start(suspends, log)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Sleep(MS)
        log.add("resumed", (yield api.ResumeThread(target)))

    system.start(program, log)
    system.run()
    assert sorted(log.rows) == [(MS, "on", 0), (MS, "resumed", 1)]


@pytest.mark.parametrize("resume", [300, 3000])
def test_0b8_a_sleeping_thread_sleeps_its_time_and_stays_suspended_as_long_as_it_is(
    system: System, resume: int
) -> None:
    def sleeper(api: Api, log: Log) -> ThreadBody:
        yield api.Sleep(1000)
        log.add("on", 0)

    log = Log(system)
    target = system.start(sleeper, log)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(100)
        yield api.SuspendThread(target)
        yield api.Compute(resume - 100)
        yield api.ResumeThread(target)

    system.start(program, log)
    system.run()
    assert log.when("on") == [max(1000, resume)]


def worker(api: Api, log: Log, who: str, port: Handle) -> ThreadBody:
    """Takes one packet, works for 1 ms."""
    status = yield api.GetQueuedCompletionStatus(port, INFINITE)
    log.add(who, status.completion_key)
    yield api.Compute(MS)
    log.add(who, "done")


def test_0b8_1_6_a_running_worker_that_is_suspended_frees_its_place_at_once(system: System) -> None:
    """Limit 1. Resumed, it runs beside the other one, whatever the limit (1.7)."""
    port, log = system.port(1), Log(system)
    system.start(worker, log, "first", port)
    second = system.start(worker, log, "second", port)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(100)
        for key in (1, 2):
            yield api.PostQueuedCompletionStatus(port, 0, key, None)
        yield api.Compute(100)
        log.add("running", port_of(port).running)
        yield api.SuspendThread(second)
        yield api.Compute(100)
        yield api.ResumeThread(second)
        log.add("running", port_of(port).running)

    system.start(program, log)
    system.run()
    assert log.rows[:4] == [(100, "second", 1), (200, "running", 1), (200, "first", 2), (300, "running", 2)]
    assert log.rows[4:] == [(MS + 200, "first", "done"), (MS + 200, "second", "done")]
    assert port_of(port).running == 0


def test_0b8_a_ready_worker_keeps_its_place_until_it_runs_its_suspend_apc() -> None:
    """One processor, held from 200 on by a better thread until 1,200; the worker was suspended at 200."""
    system = System(processors=1)
    port, log = system.port(1), Log(system)
    system.start(worker, log, "first", port)
    second = system.start(worker, log, "second", port)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Sleep(100)
        for key in (1, 2):
            yield api.PostQueuedCompletionStatus(port, 0, key, None)
        yield api.Sleep(100)
        yield api.SuspendThread(second)
        yield api.Compute(1000)
        log.add("running", port_of(port).running)

    system.start(program, log, priority=12)
    system.run()
    assert log.rows == [(100, "second", 1), (1200, "running", 1), (1200, "first", 2), (1200 + MS, "first", "done")]


def test_0b8_a_suspended_parked_worker_takes_no_packet(system: System) -> None:
    """It waited last, so that the first packet would be its own."""
    port, log = system.port(4), Log(system)
    system.start(worker, log, "first", port)
    second = system.start(worker, log, "second", port)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(100)
        yield api.SuspendThread(second)
        yield api.PostQueuedCompletionStatus(port, 0, 1, None)
        yield api.PostQueuedCompletionStatus(port, 0, 2, None)
        yield api.Compute(100)
        yield api.ResumeThread(second)

    system.start(program, log)
    system.run()
    assert log.rows[:2] == [(100, "first", 1), (200, "second", 2)]


def test_suspending_a_thread_that_has_ended_is_refused(system: System) -> None:
    """[M]; a resume finds no suspension."""
    log = Log(system)
    target = system.start(computing("done", 10), log)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.WaitForSingleObject(target, INFINITE)
        log.add("result", (yield api.SuspendThread(target)))
        log.add("error", (yield api.GetLastError()))
        log.add("resume", (yield api.ResumeThread(target)))

    system.start(program, log)
    system.run()
    assert (log.one("result"), log.one("error"), log.one("resume")) == (NO_COUNT, ERROR_ACCESS_DENIED, 0)


# ---- giving way ------------------------------------------------------------------------------------------------------


def test_7_2_switching_with_nobody_ready_is_false_and_takes_no_time(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        log.add("switched", (yield api.SwitchToThread()))

    assert run(program, system=system).rows == [(0, "switched", False)]


@pytest.mark.parametrize("priority", [4, 8])
def test_7_2_switching_lets_an_equal_or_a_worse_ready_thread_go_first(priority: int) -> None:
    system = System(processors=1)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.CreateThread(computing("other", 100), log, priority=priority)
        yield api.Compute(10)
        log.add("switched", (yield api.SwitchToThread()))

    log = run(program, system=system)
    assert log.rows == [(110, "other", 0), (110, "switched", True)]


def test_7_3_a_thread_that_waits_for_another_processor_is_nobody_to_switch_to() -> None:
    system, ready = System(processors=2), list[Handle]()

    def busy(api: Api, log: Log) -> ThreadBody:
        yield api.SetThreadAffinityMask((yield api.GetCurrentThread()), 0b10)
        ready.append((yield api.CreateThread(computing("other", 100), log)))
        yield api.SetThreadAffinityMask(ready[0], 0b10)
        yield api.Compute(1000)
        log.add("switched", (yield api.SwitchToThread()))

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.SetThreadAffinityMask((yield api.GetCurrentThread()), 0b01)
        yield api.Compute(10)
        log.add("alone", (yield api.SwitchToThread()))

    log = run(busy, program, system=system)
    assert log.rows == [(10, "alone", False), (1100, "other", 0), (1100, "switched", True)]
