"""Dispatcher objects and waits for them: order, side effects, several objects at once. Semantics 0b.13; times in ns."""

import pytest
from tiny import GO, WAIT, Step, Tiny, call, compute, note

from iosim.kernel_queue import KernelThread
from iosim.ntstatus import (
    STATUS_ABANDONED_WAIT_0,
    STATUS_INVALID_PARAMETER,
    STATUS_PENDING,
    STATUS_SEMAPHORE_LIMIT_EXCEEDED,
    STATUS_SUCCESS,
    STATUS_TIMEOUT,
)
from iosim.objects import INFINITE, DispatcherObject, Event, Mutex, Semaphore, wait_for


def await_(*objects: DispatcherObject, wait_all: bool = False, timeout: int = INFINITE) -> Step:
    """Wait for them; the status is in the thread."""

    def act(_tiny: Tiny, thread: KernelThread) -> int:
        status = wait_for(thread, list(objects), wait_all, timeout, False)
        if status == STATUS_PENDING:
            return WAIT
        thread.wait_status = status
        return GO

    return Step(act)


# ---- several waiters -------------------------------------------------------------------------------------------------


def test_setting_a_manual_event_wakes_all_who_wait_even_if_the_first_to_run_resets_it() -> None:
    """All waits are satisfied before any of the threads runs, though A runs at that very instant."""
    tiny = Tiny(3)
    event = Event(tiny.dispatcher, manual=True, state=False)
    tiny.start(await_(event), call(event.reset), note("a"), await_(event, timeout=10), note("a again"))
    tiny.start(await_(event), note("b"))
    tiny.start(compute(50), call(event.set), compute(50))
    tiny.run()
    assert tiny.log == [(50, "a"), (50, "b"), (60, "a again")]


def test_a_release_of_two_satisfies_two_waits_before_the_first_thread_can_take_both() -> None:
    tiny = Tiny(3)
    semaphore = Semaphore(tiny.dispatcher, 0, 5)
    tiny.start(await_(semaphore), note("a"), await_(semaphore), note("a again"))
    tiny.start(await_(semaphore), note("b"))
    tiny.start(compute(50), call(lambda: semaphore.release(2)), compute(50), call(lambda: semaphore.release(1)))
    tiny.run()
    assert tiny.log == [(50, "a"), (50, "b"), (100, "a again")]


def test_each_set_of_an_auto_reset_event_satisfies_the_wait_that_began_first() -> None:
    tiny = Tiny(4)
    event = Event(tiny.dispatcher, manual=False, state=False)
    for name, begins in (("c", 30), ("a", 10), ("b", 20)):
        tiny.start(await_(event), note(name), at=begins)
    for time in (50, 60, 70, 80):
        tiny.at(time, event.set)
    tiny.run()
    assert tiny.log == [(50, "a"), (60, "b"), (70, "c")]
    assert event.state  # nobody was left for the fourth


# ---- several objects -------------------------------------------------------------------------------------------------


def test_a_wait_for_all_takes_nothing_until_it_can_take_everything() -> None:
    """A waits for both from the start; B, who came later, gets the first that is set; A gets both at once, at 40."""
    tiny = Tiny(2)
    one, other = (Event(tiny.dispatcher, manual=False, state=False) for _ in range(2))
    tiny.start(await_(one, other, wait_all=True), note("a"))
    tiny.start(await_(one), note("b"), at=5)
    for time, event in ((10, one), (20, other), (40, one)):
        tiny.at(time, event.set)
    tiny.run()
    assert tiny.log == [(10, "b"), (40, "a")]
    assert not one.state
    assert not other.state


def test_of_several_signalled_objects_a_wait_for_any_takes_the_first_in_its_list() -> None:
    tiny = Tiny()
    semaphores = [Semaphore(tiny.dispatcher, count, 9) for count in (0, 2, 3)]
    thread = tiny.start(await_(*semaphores))
    tiny.run()
    assert (thread.wait_status, [each.count for each in semaphores]) == (1, [0, 1, 3])


def test_a_wait_for_all_enters_a_mutex_again_and_tells_of_one_that_was_abandoned() -> None:
    """B owns the first already; A, the owner of the second, ends at 100."""
    tiny = Tiny(2)
    first, second = Mutex(tiny.dispatcher), Mutex(tiny.dispatcher)
    tiny.start(await_(second), compute(100))
    seen: list[tuple[int, int]] = []
    look = call(lambda: seen.append((b.wait_status, first.depth)))
    b = tiny.start(await_(first), compute(10), await_(first, second, wait_all=True), look, note("both"))
    tiny.run()
    assert tiny.log == [(100, "both")]
    assert seen == [(STATUS_ABANDONED_WAIT_0, 2)]


def test_the_first_owner_after_an_abandoned_mutex_alone_is_told() -> None:
    """A ends at 10 as its owner; B has it from then to 20, C after it."""
    tiny = Tiny(3)
    mutex = Mutex(tiny.dispatcher)
    tiny.start(await_(mutex), compute(10))
    b = tiny.start(await_(mutex), compute(10), call(lambda: mutex.release(b)), note("b"))
    c = tiny.start(await_(mutex), note("c"))
    tiny.run()
    assert tiny.log == [(20, "c"), (20, "b")]
    assert (b.wait_status, c.wait_status) == (STATUS_ABANDONED_WAIT_0, STATUS_SUCCESS)


# ---- timeouts and counts ---------------------------------------------------------------------------------------------


def test_0b13_waits_that_end_at_one_tick_end_in_the_order_in_which_they_began() -> None:
    """Due exactly at a tick they end there, a nanosecond later at the next one."""
    tiny = Tiny(tick=100)
    event = Event(tiny.dispatcher, manual=True, state=False)
    threads = [tiny.start(await_(event, timeout=due), note(due)) for due in (150, 101, 100, 200)]
    tiny.run()
    assert tiny.log == [(100, 100), (200, 150), (200, 101), (200, 200)]
    assert [thread.wait_status for thread in threads] == [STATUS_TIMEOUT] * 4


@pytest.mark.parametrize(
    ("count", "status", "left"),
    [(2, STATUS_SUCCESS, 3), (3, STATUS_SEMAPHORE_LIMIT_EXCEEDED, 1), (0, STATUS_INVALID_PARAMETER, 1)],
)
def test_a_semaphore_counts_up_to_its_limit_and_never_by_nothing(count: int, status: int, left: int) -> None:
    semaphore = Semaphore(Tiny().dispatcher, 1, 3)
    assert (semaphore.release(count), semaphore.count) == (status, left)
