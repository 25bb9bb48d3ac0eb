"""Critical sections, slim locks and condition variables as programs use them. Times are ns."""

from collections.abc import Callable
from typing import Any

import pytest
from tiny_win32 import MS, Log, line_marked, run

from iosim.condition_variables import ConditionVariable
from iosim.locks import CriticalSection
from iosim.ntstatus import ERROR_SUCCESS, ERROR_TIMEOUT
from iosim.slim_locks import SlimLock
from iosim.thread import SPIN
from iosim.win32 import INFINITE, Api, Call, ProgramError, System, ThreadBody

US = 1_000

Body = Callable[[Api, Log], ThreadBody]


@pytest.fixture(params=["heap", "simpy"])
def system(request: pytest.FixtureRequest) -> System:
    return System(processors=4, clock=request.param)


def mistake(*programs: Body, system: System | None = None) -> str:
    """What the run says, without the directory."""
    with pytest.raises(ProgramError) as caught:
        run(*programs, system=system)
    return str(caught.value).removeprefix(__file__.removesuffix("test_win32_locks.py"))


def here(mark: str) -> str:
    return f"test_win32_locks.py:{line_marked(__file__, mark)}: "


def new_section(system: System, spin: int = 0) -> CriticalSection:
    return system.section(spin)


def new_slim(system: System) -> SlimLock:
    return SlimLock(system.clock, system.dispatcher, 0, 0, False)


def new_variable(system: System) -> ConditionVariable:
    return ConditionVariable(system.dispatcher)


# ---- critical sections -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tried", [True, False])
def test_a_section_opens_when_its_owner_has_left_as_often_as_it_entered_however_it_entered(
    system: System, tried: bool
) -> None:
    """Entered at 0 by a call, at 10 us by a try or a call; left at 20 us and at 30 us."""
    section = new_section(system)

    def owner(api: Api, log: Log) -> ThreadBody:
        yield api.EnterCriticalSection(section)
        yield api.Compute(10 * US)
        yield api.TryEnterCriticalSection(section) if tried else api.EnterCriticalSection(section)
        log.add("depth", section.depth)
        for _ in range(2):
            yield api.Compute(10 * US)
            yield api.LeaveCriticalSection(section)

    def other(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(1)
        yield api.EnterCriticalSection(section)
        log.add("in", section.depth)
        yield api.LeaveCriticalSection(section)

    log = run(owner, other, system=system)
    assert (log.one("depth"), log.rows[-1]) == (2, (30 * US, "in", 1))


def test_0b14_a_newcomer_may_enter_before_the_woken_waiter_which_then_waits_on() -> None:
    """Left at 10 us; the waiter is switched in by 12 us; the newcomer entered at 11 us, for 10 us: 21 and one switch."""
    system = System(processors=3, context_switch=2 * US)
    section = new_section(system)

    def owner(api: Api, log: Log) -> ThreadBody:
        yield api.EnterCriticalSection(section)
        yield api.Compute(8 * US)
        yield api.LeaveCriticalSection(section)

    def entering(who: str, after: int) -> Body:
        def program(api: Api, log: Log) -> ThreadBody:
            yield api.Compute(after)
            yield api.EnterCriticalSection(section)
            log.add(who, 0)
            yield api.Compute(10 * US)
            yield api.LeaveCriticalSection(section)

        return program

    log = run(owner, entering("waiter", US), entering("newcomer", 9 * US), system=system)
    assert log.rows == [(11 * US, "newcomer", 0), (23 * US, "waiter", 0)]


def test_1_6_a_contender_spins_before_it_blocks_and_frees_its_place_only_then() -> None:
    """It spins from 20 us to 50 us; the section opens at 100 us. The port's other packet is taken at 50 us."""
    system = System(processors=4)
    port = system.port(1)
    sections: list[CriticalSection] = []

    def owner(api: Api, log: Log) -> ThreadBody:
        sections.append((yield api.InitializeCriticalSectionAndSpinCount(30 * US)))
        yield api.EnterCriticalSection(sections[0])
        yield api.Compute(10 * US)
        yield api.PostQueuedCompletionStatus(port, 0, 1, None)
        yield api.PostQueuedCompletionStatus(port, 0, 2, None)
        yield api.Compute(90 * US)
        yield api.LeaveCriticalSection(sections[0])

    def worker(api: Api, log: Log) -> ThreadBody:
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        log.add("took", status.completion_key)
        yield api.Compute(10 * US)
        yield api.EnterCriticalSection(sections[0])
        log.add("in", status.completion_key)
        yield api.LeaveCriticalSection(sections[0])

    log = run(owner, worker, worker, system=system)
    assert log.rows == [(10 * US, "took", 1), (50 * US, "took", 2), (100 * US, "in", 1), (100 * US, "in", 2)]
    assert sum(processor.account[SPIN] for processor in system.dispatcher.processors) == 60 * US


# ---- slim locks ------------------------------------------------------------------------------------------------------


def holding(lock: SlimLock, shared: bool, time: int, who: str, after: int = 0) -> Body:
    """Asks at `after`, holds for `time`."""

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(after)
        yield api.AcquireSRWLockShared(lock) if shared else api.AcquireSRWLockExclusive(lock)
        log.add(who, 0)
        yield api.Compute(time)
        yield api.ReleaseSRWLockShared(lock) if shared else api.ReleaseSRWLockExclusive(lock)

    return program


@pytest.mark.parametrize(
    ("shared", "times"),
    [((True, True), (0, 1)), ((True, False), (0, 10)), ((False, True), (0, 10)), ((False, False), (0, 10))],
)
def test_sharers_hold_a_slim_lock_together_and_an_exclusive_holder_alone(
    system: System, shared: tuple[bool, bool], times: tuple[int, int]
) -> None:
    """Asked for at 0 and at 1, held for 10."""
    lock = new_slim(system)
    log = run(holding(lock, shared[0], 10, "a"), holding(lock, shared[1], 10, "b", 1), system=system)
    assert (log.when("a"), log.when("b")) == ([times[0]], [times[1]])


def test_0b14_a_reader_that_comes_after_a_writer_waits_behind_it(system: System) -> None:
    lock = new_slim(system)
    programs = [holding(lock, True, 10, "r"), holding(lock, False, 10, "w", 1), holding(lock, True, 10, "late r", 2)]
    log = run(*programs, system=system)
    assert log.rows == [(0, "r", 0), (10, "w", 0), (20, "late r", 0)]


@pytest.mark.parametrize(
    ("held", "answers"),
    [("not", (True, True)), ("shared", (False, True)), ("exclusive", (False, False))],
)
@pytest.mark.parametrize("own", [True, False])
def test_a_try_never_waits_and_says_whether_it_holds_the_lock_now(
    system: System, held: str, answers: tuple[bool, bool], own: bool
) -> None:
    """Not even where the thread itself is in its own way."""
    lock = new_slim(system)

    def hold(api: Api) -> ThreadBody:
        if held != "not":
            yield api.AcquireSRWLockShared(lock) if held == "shared" else api.AcquireSRWLockExclusive(lock)

    def program(api: Api, log: Log) -> ThreadBody:
        if own:
            yield from hold(api)
        else:
            yield api.Compute(10)
        log.add("exclusive", (yield api.TryAcquireSRWLockExclusive(lock)))
        if log.one("exclusive"):
            yield api.ReleaseSRWLockExclusive(lock)
        log.add("shared", (yield api.TryAcquireSRWLockShared(lock)))
        if log.one("shared"):
            yield api.ReleaseSRWLockShared(lock)

    def other(api: Api, log: Log) -> ThreadBody:
        if not own:
            yield from hold(api)
        yield api.Compute(20)

    log = run(program, other, system=system)
    assert (log.one("exclusive"), log.one("shared")) == answers
    assert log.when("shared") == [0 if own else 10]
    assert lock.contended == 0


@pytest.mark.parametrize("shared", [True, False])
def test_what_was_tried_successfully_is_held(system: System, shared: bool) -> None:
    lock = new_slim(system)

    def program(api: Api, log: Log) -> ThreadBody:
        got = yield api.TryAcquireSRWLockShared(lock) if shared else api.TryAcquireSRWLockExclusive(lock)
        log.add("got", got)
        yield api.Compute(10)
        yield api.ReleaseSRWLockShared(lock) if shared else api.ReleaseSRWLockExclusive(lock)

    log = run(program, holding(lock, False, 1, "writer", 5), system=system)
    assert log.rows == [(0, "got", True), (10, "writer", 0)]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (False, False, "holds a lock exclusively and asks for it exclusively"),
        (False, True, "holds a lock exclusively and asks for it shared"),
        (True, False, "holds a lock shared and asks for it exclusively"),
    ],
)
def test_who_would_wait_for_itself_is_told_its_line(system: System, first: bool, second: bool, words: str) -> None:
    def acquire(api: Api, lock: SlimLock, shared: bool) -> Call:
        return api.AcquireSRWLockShared(lock) if shared else api.AcquireSRWLockExclusive(lock)

    def program(api: Api, log: Log) -> ThreadBody:
        lock = yield api.InitializeSRWLock()
        yield acquire(api, lock, first)
        yield api.Compute(5)
        yield acquire(api, lock, second)  # here: recursion

    assert (
        mistake(program, system=system)
        == here("here: recursion") + f"thread 0 {words} at 5 ns: it would wait for itself"
    )


def test_a_sharer_may_share_again_but_not_behind_a_writer(system: System) -> None:
    """The deadlock that shows only under contention."""
    lock = new_slim(system)

    def reader(api: Api, log: Log) -> ThreadBody:
        yield api.AcquireSRWLockShared(lock)
        yield api.AcquireSRWLockShared(lock)
        log.add("twice", 0)
        yield api.Compute(10)
        yield api.AcquireSRWLockShared(lock)  # here: behind a writer

    said = mistake(reader, holding(lock, False, 1, "w", 5), system=system)
    assert said.startswith(here("here: behind a writer") + "thread 0 holds a lock shared and asks for it shared")


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("hold", ["not at all", "in the other way", "another's"])
def test_a_slim_lock_is_released_by_its_holder_in_the_way_it_is_held(system: System, shared: bool, hold: str) -> None:
    lock = new_slim(system)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(5)
        if hold == "in the other way":
            yield api.AcquireSRWLockExclusive(lock) if shared else api.AcquireSRWLockShared(lock)
        yield api.ReleaseSRWLockShared(lock) if shared else api.ReleaseSRWLockExclusive(lock)  # here: not its hold

    others = [holding(lock, shared, 100, "holder")] if hold == "another's" else []
    text = "a thread gives up a lock that it does not hold: the lock would be corrupt"
    assert mistake(program, *others, system=system) == here("here: not its hold") + text


# ---- condition variables ---------------------------------------------------------------------------------------------


class Kind:
    """The calls of a condition variable with one kind of lock."""

    def __init__(self, system: System, name: str) -> None:
        self.name = name
        self.shared = name == "shared"
        self.lock: Any = new_section(system) if name == "section" else new_slim(system)
        self.variable = new_variable(system)

    def acquire(self, api: Api) -> Call:
        if self.name == "section":
            return api.EnterCriticalSection(self.lock)
        return api.AcquireSRWLockShared(self.lock) if self.shared else api.AcquireSRWLockExclusive(self.lock)

    def release(self, api: Api) -> Call:
        if self.name == "section":
            return api.LeaveCriticalSection(self.lock)
        return api.ReleaseSRWLockShared(self.lock) if self.shared else api.ReleaseSRWLockExclusive(self.lock)

    def sleep(self, api: Api, timeout: int) -> Call:
        if self.name == "section":
            return api.SleepConditionVariableCS(self.variable, self.lock, timeout)
        return api.SleepConditionVariableSRW(self.variable, self.lock, timeout, self.shared)

    def sleeper(self, who: str, timeout: int = INFINITE, after: int = 0, hold: int = 0) -> Body:
        """Takes the lock, sleeps, says how that ended, keeps the lock for `hold`."""

        def program(api: Api, log: Log) -> ThreadBody:
            yield api.Compute(after)
            yield self.acquire(api)
            slept = yield self.sleep(api, timeout)
            log.add(who, (slept, (yield api.GetLastError())))
            yield api.Compute(hold)
            yield self.release(api)

        return program


KINDS = ["section", "exclusive", "shared"]


@pytest.fixture(params=KINDS)
def kind(system: System, request: pytest.FixtureRequest) -> Kind:
    return Kind(system, request.param)


def test_one_wake_wakes_the_oldest_sleeper_and_wake_all_all_of_them(system: System, kind: Kind) -> None:
    """Three sleep; after one wake at 100 and one for all at 200 those that need the lock alone hold it for 10 each."""

    def waker(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(100)
        yield api.WakeConditionVariable(kind.variable)
        yield api.Compute(100)
        yield api.WakeAllConditionVariable(kind.variable)

    log = run(*(kind.sleeper(who, after=at, hold=10) for at, who in enumerate("abc")), waker, system=system)
    woken = (True, ERROR_SUCCESS)
    assert log.rows == [(100, "a", woken), (200, "b", woken), (200 if kind.shared else 210, "c", woken)]


def test_the_sleeper_has_the_lock_again_only_when_the_waker_has_given_it_up(system: System, kind: Kind) -> None:
    """The wake is said at 100, inside; the waker leaves at 150. It comes in at all because the sleeper gave the lock up."""

    def waker(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(50)
        yield kind.acquire(api)
        yield api.Compute(50)
        yield api.WakeConditionVariable(kind.variable)
        yield api.Compute(50)
        yield kind.release(api)

    log = run(kind.sleeper("a"), waker, system=system)
    assert log.rows == [(100 if kind.shared else 150, "a", (True, ERROR_SUCCESS))]


@pytest.mark.parametrize(("timeout", "ends"), [(MS, MS), (MS - 5, MS), (MS - 4, 2 * MS), (1, MS)])
@pytest.mark.parametrize("name", KINDS)
def test_0b13_a_sleep_times_out_at_a_tick_with_error_timeout_and_the_lock_held(
    name: str, timeout: int, ends: int
) -> None:
    """Asleep from 5 on where the timeout is not a whole tick."""
    system = System(tick=MS)
    kind = Kind(system, name)
    log = run(kind.sleeper("a", timeout, 0 if timeout == MS else 5), system=system)
    assert log.rows == [(ends, "a", (False, ERROR_TIMEOUT))]
    assert not kind.variable.sleepers


def test_who_timed_out_waits_for_the_lock_all_the_same(system: System, kind: Kind) -> None:
    """Out of time at 100; another holds the lock from 50 to 150."""

    def holder(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(50)
        yield kind.acquire(api)
        yield api.Compute(100)
        yield kind.release(api)

    log = run(kind.sleeper("a", 100), holder, system=system)
    assert log.rows == [(100 if kind.shared else 150, "a", (False, ERROR_TIMEOUT))]


def test_a_sleep_of_no_time_is_a_timeout_at_once(system: System, kind: Kind) -> None:
    assert run(kind.sleeper("a", 0), system=system).rows == [(0, "a", (False, ERROR_TIMEOUT))]


@pytest.mark.parametrize("hold", ["not at all", "in the other way", "another's"])
def test_sleeping_without_the_lock_names_the_programs_line(system: System, kind: Kind, hold: str) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(5)
        if hold == "in the other way" and kind.name != "section":
            yield api.AcquireSRWLockExclusive(kind.lock) if kind.shared else api.AcquireSRWLockShared(kind.lock)
        yield kind.sleep(api, INFINITE)  # here: without the lock

    def holder(api: Api, log: Log) -> ThreadBody:
        if hold == "another's":
            yield kind.acquire(api)
        yield api.Compute(100)

    text = "a thread sleeps on a condition variable with a lock that it does not hold"
    assert mistake(program, holder, system=system) == here("here: without the lock") + text
    assert not kind.variable.sleepers


def test_1_6_a_worker_that_sleeps_frees_its_place_at_the_port_and_counts_again_when_woken(
    system: System, kind: Kind
) -> None:
    """Asleep from 110 to 300. The second packet is taken at 110; when both run, one more than the limit runs."""
    port = system.port(1)

    def feeder(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(100)
        yield api.PostQueuedCompletionStatus(port, 0, 1, None)
        yield api.PostQueuedCompletionStatus(port, 0, 2, None)
        yield api.Compute(200)
        yield api.WakeConditionVariable(kind.variable)
        yield api.Compute(1)
        log.add("running", port.object.running)

    def worker(api: Api, log: Log) -> ThreadBody:
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        log.add("took", status.completion_key)
        yield api.Compute(10)
        if status.completion_key == 1:
            yield kind.acquire(api)
            yield kind.sleep(api, INFINITE)
            log.add("awake", port.object.running)
            yield kind.release(api)
        log.add("running", port.object.running)
        yield api.Compute(1000)

    log = run(worker, worker, feeder, system=system)
    assert log.rows[:2] == [(100, "took", 1), (110, "took", 2)]
    assert (300, "awake", 2) in log.rows
    assert log.of("running") == [1, 2, 2]
    assert port.object.running == 0


@pytest.mark.parametrize("times", [1, 2])
def test_a_program_that_waits_for_a_condition_in_a_loop_misses_nothing(system: System, kind: Kind, times: int) -> None:
    """The idiom of the documentation: a queue whose taker sleeps while it is empty. Wakes hand nothing over."""
    items: list[int] = []

    def taker(api: Api, log: Log) -> ThreadBody:
        for _ in range(6 // times):
            yield kind.acquire(api)
            while not items:
                yield kind.sleep(api, INFINITE)
            log.add("item", items.pop(0))
            yield kind.release(api)
            yield api.Compute(3)

    def maker(api: Api, log: Log) -> ThreadBody:
        for item in range(6):
            yield api.Compute(item)
            yield kind.acquire(api)
            items.append(item)
            yield kind.release(api)
            yield api.WakeConditionVariable(kind.variable)

    log = run(*[taker] * times, maker, system=system)
    assert log.of("item") == list(range(6))
