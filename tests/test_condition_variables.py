"""Condition variables: the lock is given up and asked for again; a wake hands nothing over. Times in ns."""

import pytest
from tiny import GO, WAIT, Step, Tiny, call, causes, compute, enter, leave, note, pay

from iosim.condition_variables import ConditionVariable
from iosim.kernel_queue import KernelThread
from iosim.locks import ContendedLock, CriticalSection
from iosim.ntstatus import STATUS_PENDING, STATUS_RESOURCE_NOT_OWNED, STATUS_SUCCESS, STATUS_TIMEOUT
from iosim.objects import INFINITE
from iosim.slim_locks import SlimLock


def section_of(tiny: Tiny, fair: bool = False) -> CriticalSection:
    return CriticalSection(tiny.clock, tiny.dispatcher, 0, 0, fair)


def slim_of(tiny: Tiny) -> SlimLock:
    return SlimLock(tiny.clock, tiny.dispatcher, 0, 0, False)


def sleep(
    variable: ConditionVariable, lock: ContendedLock, timeout: int = INFINITE, shared: bool = False
) -> list[Step]:
    """Sleep, then ask for the lock again, as the real call does."""

    def act(_tiny: Tiny, thread: KernelThread) -> int:
        status = variable.sleep(thread, lock, shared, timeout)
        if status == STATUS_PENDING:
            return WAIT
        thread.wait_status = status
        return GO

    return [Step(act), enter(lock, shared)]


def told(name: str) -> Step:
    """Write down how the thread's wait ended."""

    def act(tiny: Tiny, thread: KernelThread) -> int:
        tiny.log.append((tiny.clock.now, (name, thread.wait_status)))
        return GO

    return Step(act)


def test_a_sleeper_gives_its_lock_up_and_has_it_again_when_it_is_woken() -> None:
    """A sleeps from 10; B, waiting since 5, holds from 10 to 60, wakes A at 40: A has the lock when B leaves."""
    tiny = Tiny(2)
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    tiny.start(enter(section), compute(10), *sleep(variable, section), told("a"), leave(section))
    tiny.start(
        compute(5),
        enter(section),
        note("b in"),
        compute(30),
        call(variable.wake),
        compute(20),
        leave(section),
    )
    tiny.run()
    assert tiny.log == [(10, "b in"), (60, ("a", STATUS_SUCCESS))]


def test_the_wake_hands_nothing_over_a_newcomer_may_have_the_lock_first() -> None:
    """A is woken at 107 and switched in by 157; C took the section at 120 and keeps it until 220: A is in at 270."""
    tiny = Tiny(3, switch=50)
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    tiny.start(pay(), enter(section), *sleep(variable, section), told("a"), leave(section))
    tiny.start(compute(57), call(variable.wake))
    tiny.start(pay(), compute(70), enter(section), note("c in"), compute(100), leave(section))
    tiny.run()
    assert tiny.log == [(120, "c in"), (270, ("a", STATUS_SUCCESS))]


def test_the_time_asleep_is_the_calls_and_the_time_for_the_lock_is_the_locks() -> None:
    tiny = Tiny(2)
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    a = tiny.start(enter(section), compute(10), *sleep(variable, section), leave(section))
    a.request = request = tiny.request()
    tiny.start(compute(5), enter(section), compute(30), call(variable.wake), compute(20), leave(section))
    tiny.run()
    assert causes(request) == {"user": 10, "blocked_call": 30, "lock": 20}


def test_one_wake_wakes_the_oldest_sleeper_and_one_for_all_wakes_all() -> None:
    tiny = Tiny(4)
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    for name, at in (("a", 10), ("b", 20), ("c", 30)):
        tiny.start(enter(section), *sleep(variable, section), told(name), leave(section), at=at)
    tiny.at(100, variable.wake)
    tiny.at(200, variable.wake_all)
    tiny.run()
    assert tiny.log == [(100, ("a", 0)), (200, ("b", 0)), (200, ("c", 0))]


def test_a_sleeper_that_runs_at_the_instant_of_the_wake_may_wake_all_in_its_turn() -> None:
    """A goes on at 50, while B's wake is under way, and finds nobody to wake; it sleeps again, and is not woken again."""
    tiny = Tiny(3)
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    again = sleep(variable, section, timeout=20)
    tiny.start(enter(section), *sleep(variable, section), call(variable.wake_all), *again, told("a"), leave(section))
    tiny.start(enter(section), *sleep(variable, section), told("b"), leave(section))
    tiny.start(compute(50), call(variable.wake_all), compute(10))
    tiny.run()
    assert tiny.log == [(50, ("b", STATUS_SUCCESS)), (70, ("a", STATUS_TIMEOUT))]


def test_a_wake_with_nobody_asleep_is_forgotten() -> None:
    tiny = Tiny()
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    variable.wake()
    variable.wake_all()
    tiny.start(enter(section), *sleep(variable, section, 50), told("a"), leave(section))
    tiny.run()
    assert tiny.log == [(50, ("a", STATUS_TIMEOUT))]


def test_a_wake_by_whom_the_release_lets_in_is_not_lost() -> None:
    """B enters at the very instant at which A gives the section up, and wakes it before A has begun to wait."""
    tiny = Tiny(2)
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    a = tiny.start(enter(section), compute(10), *sleep(variable, section), told("a"), leave(section))
    tiny.start(compute(5), enter(section), call(variable.wake), note("b woke"), leave(section))
    tiny.run()
    assert tiny.log == [(10, "b woke"), (10, ("a", STATUS_SUCCESS))]
    assert a.switches == 1  # it did not block
    assert not variable.sleepers


@pytest.mark.parametrize(("timeout", "ends"), [(1, 1000), (985, 1000), (990, 1000), (991, 2000)])
def test_0b13_a_timeout_ends_at_a_tick_and_the_lock_is_taken_again(timeout: int, ends: int) -> None:
    tiny = Tiny(tick=1000)
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    tiny.start(enter(section), compute(10), *sleep(variable, section, timeout), told("a"), leave(section), note("out"))
    tiny.run()
    assert tiny.log == [(ends, ("a", STATUS_TIMEOUT)), (ends, "out")]
    assert not variable.sleepers


def test_a_wake_before_the_timeout_voids_it() -> None:
    tiny = Tiny()
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    again = sleep(variable, section)
    tiny.start(enter(section), *sleep(variable, section, 100), told("a"), *again, told("a again"), leave(section))
    tiny.at(60, variable.wake)
    tiny.at(160, variable.wake)
    tiny.run()
    assert tiny.log == [(60, ("a", STATUS_SUCCESS)), (160, ("a again", STATUS_SUCCESS))]


def test_a_timeout_of_0_gives_the_lock_up_and_blocks_nobody() -> None:
    """B, who waited for the section, has it before A asks again."""
    tiny = Tiny(2)
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    tiny.start(enter(section), compute(10), *sleep(variable, section, 0), told("a"), leave(section))
    tiny.start(compute(5), enter(section), note("b in"), compute(30), leave(section))
    tiny.run()
    assert tiny.log == [(10, "b in"), (40, ("a", STATUS_TIMEOUT))]


def test_who_does_not_hold_the_lock_can_not_sleep_on_it() -> None:
    tiny = Tiny()
    section, slim, variable = section_of(tiny), slim_of(tiny), ConditionVariable(tiny.dispatcher)
    thread = tiny.thread()
    assert variable.sleep(thread, section, False, INFINITE) == STATUS_RESOURCE_NOT_OWNED
    slim.acquire(thread, True)
    assert variable.sleep(thread, slim, False, INFINITE) == STATUS_RESOURCE_NOT_OWNED
    assert slim.holds(thread, True)
    assert not variable.sleepers


@pytest.mark.parametrize("shared", [False, True])
def test_sleepers_on_a_slim_lock_come_back_as_they_held_it(shared: bool) -> None:
    """Sharers come back together, exclusive holders one after the other."""
    tiny = Tiny(3)
    lock, variable = slim_of(tiny), ConditionVariable(tiny.dispatcher)
    for name in "ab":
        tiny.start(
            enter(lock, shared), *sleep(variable, lock, shared=shared), told(name), compute(20), leave(lock, shared)
        )
    tiny.at(100, variable.wake_all)
    tiny.run()
    assert tiny.log == [(100, ("a", 0)), (100 if shared else 120, ("b", 0))]


def test_a_section_entered_twice_stays_the_sleepers() -> None:
    """Only one of its holds is given up: B hangs, as on the real system."""
    tiny = Tiny(2)
    section, variable = section_of(tiny), ConditionVariable(tiny.dispatcher)
    tiny.start(enter(section), enter(section), *sleep(variable, section))
    tiny.start(compute(5), enter(section), note("b in"))
    tiny.run()
    assert tiny.log == []
