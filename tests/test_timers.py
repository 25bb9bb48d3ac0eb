"""Waitable timers: due times, periods, the clock tick (semantics 0b.13). Times in ns."""

import pytest
from tiny import GO, WAIT, Step, Tiny, call, compute

from iosim.actor import Clock
from iosim.heap_clock import HeapClock
from iosim.kernel_queue import KernelThread
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS, STATUS_TIMEOUT
from iosim.objects import INFINITE, DispatcherObject, wait_for
from iosim.simpy_clock import SimpyClock
from iosim.timers import Timer


def await_(it: DispatcherObject, name: str, timeout: int = INFINITE) -> list[Step]:
    """Wait for an object; write down when and how that ended."""

    def begin(_tiny: Tiny, thread: KernelThread) -> int:
        thread.wait_status = wait_for(thread, [it], False, timeout, False)
        return WAIT if thread.wait_status == STATUS_PENDING else GO

    def end(tiny: Tiny, thread: KernelThread) -> int:
        tiny.log.append((tiny.clock.now, (name, thread.wait_status)))
        return GO

    return [Step(begin), Step(end)]


@pytest.mark.parametrize("clock", [HeapClock, SimpyClock])
@pytest.mark.parametrize(("due", "ends"), [(0, 1000), (1, 1000), (970, 1000), (971, 2000)])
def test_0b13_a_timer_expires_at_the_first_tick_at_or_after_its_due_time(
    due: int, ends: int, clock: type[Clock]
) -> None:
    tiny = Tiny(tick=1000, clock=clock)
    timer = Timer(tiny.dispatcher, True)
    tiny.start(compute(30), call(lambda: timer.set(due, 0)), *await_(timer, "a"))
    tiny.run()
    assert tiny.log == [(ends, ("a", STATUS_SUCCESS))]
    assert not timer.active


def test_without_a_tick_a_timer_is_exact() -> None:
    tiny = Tiny()
    timer = Timer(tiny.dispatcher, True)
    tiny.start(compute(30), call(lambda: timer.set(17, 0)), *await_(timer, "a"))
    tiny.run()
    assert tiny.log == [(47, ("a", STATUS_SUCCESS))]


@pytest.mark.parametrize("manual", [True, False])
def test_a_manual_timer_lets_everybody_through_and_a_synchronization_timer_one(manual: bool) -> None:
    """B waits with A; C asks when the timer has expired."""
    tiny = Tiny(3)
    timer = Timer(tiny.dispatcher, manual)
    timer.set(100, 0)
    tiny.start(*await_(timer, "a", 500))
    tiny.start(*await_(timer, "b", 500))
    tiny.start(compute(200), *await_(timer, "c", 500))
    tiny.run()
    through = [(100, ("b", STATUS_SUCCESS)), (200, ("c", STATUS_SUCCESS))]
    late = [(500, ("b", STATUS_TIMEOUT)), (700, ("c", STATUS_TIMEOUT))]
    assert tiny.log == [(100, ("a", STATUS_SUCCESS)), *(through if manual else late)]


def test_a_period_makes_it_expire_again_until_it_is_cancelled() -> None:
    tiny = Tiny()
    timer = Timer(tiny.dispatcher, False)
    timer.set(100, 30)
    tiny.start(*[step for _ in range(3) for step in await_(timer, "a")], call(timer.cancel))
    tiny.run()
    assert [time for time, _ in tiny.log] == [100, 130, 160]
    assert not timer.active
    assert tiny.clock.events < 20


@pytest.mark.parametrize(
    ("period", "times"), [(1, [1000, 2000, 3000]), (1000, [1000, 2000, 3000]), (1500, [1000, 3000, 5000])]
)
def test_a_period_counts_from_the_tick_of_the_expiry(period: int, times: list[int]) -> None:
    tiny = Tiny(tick=1000)
    timer = Timer(tiny.dispatcher, False)
    timer.set(400, period)
    tiny.start(*[step for _ in range(3) for step in await_(timer, "a")], call(timer.cancel))
    tiny.run()
    assert [time for time, _ in tiny.log] == times


def test_a_synchronization_timer_that_nobody_waited_for_counts_no_periods() -> None:
    """It expires at 100, 130 and 160; whoever comes at 170 finds one signal, not three."""
    tiny = Tiny()
    timer = Timer(tiny.dispatcher, False)
    timer.set(100, 30)
    tiny.start(compute(170), *await_(timer, "a"), *await_(timer, "a"), call(timer.cancel))
    tiny.run()
    assert [time for time, _ in tiny.log] == [170, 190]


def test_setting_it_again_takes_the_signal_and_the_old_due_time_away() -> None:
    tiny = Tiny(2)
    timer = Timer(tiny.dispatcher, True)
    said: list[bool] = []
    said.append(timer.set(100, 0))
    tiny.at(50, lambda: said.append(timer.set(100, 0)))  # now due at 150
    tiny.at(200, lambda: said.append(timer.set(100, 0)))  # it was signalled
    tiny.start(*await_(timer, "a"), compute(60), *await_(timer, "a"))
    tiny.run()
    assert [time for time, _ in tiny.log] == [150, 300]
    assert said == [False, True, False]


def test_a_cancelled_timer_never_expires_and_keeps_its_state() -> None:
    tiny = Tiny()
    timer = Timer(tiny.dispatcher, True)
    timer.set(100, 0)
    assert timer.cancel()
    assert not timer.cancel()
    tiny.start(*await_(timer, "a", 500))
    tiny.run()
    assert tiny.log == [(500, ("a", STATUS_TIMEOUT))]
    timer.set(10, 0)
    tiny.run()
    assert timer.state
    assert not timer.cancel()
    assert timer.state


def test_a_wait_for_a_timer_and_another_object_ends_with_the_first() -> None:
    tiny = Tiny(2)
    early, late = Timer(tiny.dispatcher, False), Timer(tiny.dispatcher, False)
    early.set(50, 0)
    late.set(80, 0)

    def both(all_: bool) -> Step:
        def act(_tiny: Tiny, thread: KernelThread) -> int:
            thread.wait_status = wait_for(thread, [late, early], all_, INFINITE, False)
            return WAIT if thread.wait_status == STATUS_PENDING else GO

        return Step(act)

    def told(tiny: Tiny, thread: KernelThread) -> int:
        tiny.log.append((tiny.clock.now, thread.wait_status))
        return GO

    tiny.start(both(False), Step(told), call(lambda: early.set(100, 0)), both(True), Step(told))
    tiny.run()
    assert tiny.log == [(50, 1), (150, 0)]
