"""Every kind of wait, broken off by a kernel APC or a suspension: it ends as it would have, when it would have. Times are ns.

A worker holds its port's only place and waits from 10 on; from 300 to 400 (or at 300 alone) it runs a kernel APC, or is
suspended. Semantics 7.7, 1.5.6, 1.6, 1.7, 0b.8.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tiny import GO, WAIT, Passing, Step, Tiny, block, call, compute, enter, leave, note, take, wait
from tiny_pipe import APC_MODE, TinyPipe

from iosim.apc import kernel_apcs
from iosim.completion_port import CompletionPort
from iosim.condition_variables import ConditionVariable
from iosim.dispatcher import Dispatcher
from iosim.io_manager import USUAL, IoParams
from iosim.kernel_queue import NO_OWNER, NO_PACKET, KernelThread
from iosim.locks import ContendedLock, CriticalSection
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS, STATUS_TIMEOUT
from iosim.objects import INFINITE, DispatcherObject, Event, Latch, Mutex, Semaphore, wait_for
from iosim.resources import Resource
from iosim.scheduling import FullDispatcher, SchedulerParams
from iosim.slim_locks import SlimLock
from iosim.thread import TERMINATED
from iosim.timers import Timer

FROM, TO = 300, 400


class Broken(TinyPipe):
    """A worker's port with one place, two processors."""

    def __init__(self, full: bool = False, params: IoParams = USUAL) -> None:
        self.full = full
        super().__init__(params)
        self.port = CompletionPort(self.clock, self.dispatcher, 0, 1, 2)
        self.holder = self.thread()  # of locks

    def new_dispatcher(self) -> Dispatcher:
        if self.full:
            params = SchedulerParams("ideal", "per_processor", "ticks")
            return FullDispatcher(self.clock, self.caches, 0, 1_000_000, 50, 0, params)
        return super().new_dispatcher()


@dataclass
class Made:
    """A wait: what the worker does, what satisfies it, what is left of it at the end."""

    steps: list[Step]
    satisfy: Callable[[], object]
    left: Callable[[], object] = lambda: False  # something true, if anything is


def await_objects(objects: list[DispatcherObject], wait_all: bool, timeout: int) -> list[Step]:
    def act(_tiny: Tiny, thread: KernelThread) -> int:
        status = wait_for(thread, objects, wait_all, timeout, False)
        assert status == STATUS_PENDING
        return WAIT

    return [Step(act)]


def signalled_or_awaited(objects: list[Event]) -> list[Event]:
    return [each for each in objects if each.waits or each.state]


def waits(objects: list[DispatcherObject]) -> Callable[[], object]:
    return lambda: [each.waits for each in objects if each.waits]


def any_event(tiny: Broken, timeout: int) -> Made:
    objects = [Event(tiny.dispatcher, False, False) for _ in range(2)]
    return Made(await_objects([*objects], False, timeout), objects[0].set, lambda: signalled_or_awaited(objects))


def all_events(tiny: Broken, timeout: int) -> Made:
    objects = [Event(tiny.dispatcher, False, False) for _ in range(2)]

    def satisfy() -> None:
        for each in objects:
            each.set()

    return Made(
        await_objects([*objects], True, timeout),
        satisfy,
        lambda: signalled_or_awaited(objects),
    )


def a_mutex(tiny: Broken, timeout: int) -> Made:
    mutex = Mutex(tiny.dispatcher)
    mutex.satisfy(tiny.holder)
    return Made(await_objects([mutex], False, timeout), lambda: mutex.release(tiny.holder), waits([mutex]))


def a_semaphore(tiny: Broken, timeout: int) -> Made:
    semaphore = Semaphore(tiny.dispatcher, 0, 5)
    return Made(
        await_objects([semaphore], False, timeout),
        lambda: semaphore.release(1),
        lambda: semaphore.waits or semaphore.count,
    )


def a_timer(tiny: Broken, timeout: int) -> Made:
    timer = Timer(tiny.dispatcher, False)
    return Made(await_objects([timer], False, timeout), timer.expire, lambda: timer.waits or timer.state)


def a_sleep(tiny: Broken, timeout: int) -> Made:
    """Nobody but time ends it."""
    nothing: list[DispatcherObject] = [Latch(tiny.dispatcher)]
    return Made(await_objects(nothing, False, timeout), lambda: None, waits(nothing))


def a_call(tiny: Broken, timeout: int) -> Made:
    """To elsewhere; nobody but time ends it."""
    return Made([block(timeout)], lambda: None)


def a_wait_without_an_owner(tiny: Broken, timeout: int) -> Made:
    def satisfy() -> None:
        (thread,) = tiny.port.bound.values()
        tiny.dispatcher.wake(thread)

    return Made([wait()], satisfy)


def held(lock: ContendedLock, tiny: Broken, holds: bool, asks: bool) -> Made:
    lock.acquire(tiny.holder, holds)
    return Made([enter(lock, asks)], lambda: lock.release(tiny.holder, holds), lambda: lock.contenders)


def a_section(fair: bool) -> Callable[[Broken, int], Made]:
    return lambda tiny, _: held(CriticalSection(tiny.clock, tiny.dispatcher, 0, 0, fair), tiny, False, False)


def a_slim_lock(holds: bool, asks: bool, fair: bool = False) -> Callable[[Broken, int], Made]:
    return lambda tiny, _: held(SlimLock(tiny.clock, tiny.dispatcher, 0, 0, fair), tiny, holds, asks)


def a_resource(holds: bool, asks: bool) -> Callable[[Broken, int], Made]:
    return lambda tiny, _: held(Resource(tiny.clock, tiny.dispatcher, 0), tiny, holds, asks)


def a_condition_variable(slim: bool) -> Callable[[Broken, int], Made]:
    def made(tiny: Broken, timeout: int) -> Made:
        variable = ConditionVariable(tiny.dispatcher)
        lock = (SlimLock if slim else CriticalSection)(tiny.clock, tiny.dispatcher, 0, 0, False)

        def sleep(_tiny: Tiny, thread: KernelThread) -> int:
            assert variable.sleep(thread, lock, False, timeout) == STATUS_PENDING
            return WAIT

        return Made([enter(lock), Step(sleep), enter(lock)], variable.wake, lambda: variable.sleepers)

    return made


def a_synchronous_read(tiny: Broken, timeout: int) -> Made:
    tiny.ours.synchronous = True

    def read(_tiny: Tiny, thread: KernelThread) -> int:
        status, _ = tiny.issue(tiny.ours, 1, thread=thread)
        assert status == STATUS_PENDING
        return WAIT

    return Made([Step(read)], lambda: tiny.write(tiny.theirs, 1), lambda: not tiny.ours.irps.empty())


def a_remove(tiny: Broken, timeout: int) -> Made:
    """From the port that the worker is bound to."""

    def park(_tiny: Tiny, thread: KernelThread) -> int:
        assert tiny.port.remove(thread) is NO_PACKET
        if timeout != INFINITE:
            tiny.dispatcher.arm(thread, timeout)
        return WAIT

    def taken(_tiny: Tiny, thread: KernelThread) -> int:
        if thread.packet is not NO_PACKET:
            thread.packet = NO_PACKET
            thread.wait_status = STATUS_SUCCESS
        return GO

    return Made(
        [Step(park), Step(taken)],
        lambda: tiny.port.insert(tiny.packet(9)),
        lambda: tiny.port.waiting or tiny.port.entries,
    )


WITH_TIMEOUT: dict[str, Callable[[Broken, int], Made]] = {
    "any of two events": any_event,
    "all of two events": all_events,
    "mutex": a_mutex,
    "semaphore": a_semaphore,
    "timer": a_timer,
    "condition variable with a critical section": a_condition_variable(False),
    "condition variable with a slim lock": a_condition_variable(True),
    "remove from the port": a_remove,
}
TIMED = {**WITH_TIMEOUT, "Sleep": a_sleep, "call to elsewhere": a_call}
SATISFIED = {
    **WITH_TIMEOUT,
    "wait without an owner": a_wait_without_an_owner,
    "unfair critical section": a_section(False),
    "fair critical section": a_section(True),
    "slim lock, writer behind writer": a_slim_lock(False, False),
    "slim lock, reader behind writer": a_slim_lock(False, True),
    "slim lock, writer behind reader": a_slim_lock(True, False),
    "slim lock, fair": a_slim_lock(False, False, True),
    "resource, writer behind writer": a_resource(False, False),
    "resource, reader behind writer": a_resource(False, True),
    "resource, writer behind reader": a_resource(True, False),
    "synchronous read": a_synchronous_read,
}

BREAKS = ["not", "in no time", "100 long", "twice", "suspended", "suspended, and an APC"]


class Lasting(Passing):
    """Runs for so long."""

    def __init__(self, time: int) -> None:
        super().__init__()
        self.time = time

    def cost(self, thread: KernelThread) -> int:
        return self.time


def break_off(tiny: Tiny, thread: KernelThread, how: str) -> None:
    """From 300 to 400, or at 300 alone."""
    apcs = kernel_apcs(tiny.dispatcher)
    hits = {"in no time": [(FROM, 0)], "100 long": [(FROM, 100)], "twice": [(FROM, 60), (FROM + 30, 40)]}
    for time, cost in hits.get(how, []):
        tiny.at(time, lambda cost=cost: apcs.insert(thread, Lasting(cost)))  # type: ignore[misc]
    if how.startswith("suspended"):
        tiny.at(FROM, lambda: apcs.suspend(thread))
        tiny.at(TO, lambda: apcs.resume(thread))
    if how.endswith("APC"):
        tiny.at(FROM + 20, lambda: apcs.insert(thread, Lasting(10)))


def running_after_wait(how: str, ends: int) -> list[int]:
    """Of the port, at 200, 310, 325, 390, 500 and 1,100."""
    over = int(how in ("not", "in no time") and ends < 390)
    during = {"100 long": [1, 1, 1], "twice": [1, 1, 1], "suspended": [0, 0, 0], "suspended, and an APC": [0, 1, 0]}
    return [0, *during.get(how, [0, 0, over]), int(ends < 500), 1]


def go(tiny: Broken, made: Made, how: str, ends: int) -> KernelThread:
    """Run it; everything that must hold at the end, but for how the wait ended."""
    steps = [take(tiny.port), compute(10), *made.steps, note("on"), compute(10_000), note("done")]
    thread = tiny.start(*steps)
    tiny.insert(0, tiny.port, 1)
    break_off(tiny, thread, how)
    running: list[int] = []
    for time in (200, 310, 325, 390, 500, 1100):
        tiny.at(time, lambda: running.append(tiny.port.running))
    tiny.run()
    assert tiny.log == [(0, "T3 takes 1"), (ends, "on"), (ends + 10_000, "done")]
    assert running == running_after_wait(how, ends)
    assert not made.left()
    assert (thread.state, thread.timed, thread.apc_frames, thread.waits_in) == (TERMINATED, False, [], NO_OWNER)
    assert tiny.port.running == 0
    request = thread.request
    assert sum(request.ledger) == request.mark - request.intended
    return thread


@pytest.mark.parametrize("full", [False, True], ids=["plain", "full"])
@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("kind", SATISFIED)
def test_7_7_a_wait_that_was_broken_off_is_satisfied_when_it_would_have_been(kind: str, how: str, full: bool) -> None:
    tiny = Broken(full)
    made = SATISFIED[kind](tiny, INFINITE)
    tiny.at(600, made.satisfy)
    go(tiny, made, how, 600)


@pytest.mark.parametrize("full", [False, True], ids=["plain", "full"])
@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("kind", SATISFIED)
def test_7_7_a_wait_that_is_satisfied_meanwhile_ends_with_the_apc(kind: str, how: str, full: bool) -> None:
    tiny = Broken(full)
    made = SATISFIED[kind](tiny, 1000 if kind in WITH_TIMEOUT else INFINITE)
    tiny.at(350, made.satisfy)
    go(tiny, made, how, 350 if how in ("not", "in no time") else TO)


@pytest.mark.parametrize("full", [False, True], ids=["plain", "full"])
@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("kind", TIMED)
@pytest.mark.parametrize("deadline", [350, 600])
def test_1_5_6_a_wait_that_was_broken_off_keeps_its_deadline(kind: str, how: str, full: bool, deadline: int) -> None:
    """Both are at a tick where there are ticks."""
    tiny = Broken(full)
    made = TIMED[kind](tiny, deadline - 10)
    ends = deadline if how in ("not", "in no time") else max(deadline, TO)
    thread = go(tiny, made, how, ends)
    if kind != "call to elsewhere":
        assert thread.wait_status == STATUS_TIMEOUT


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("at", [350, 600])
def test_in_apc_mode_a_synchronous_read_ends_by_an_apc_of_its_own_and_at_the_same_time(how: str, at: int) -> None:
    tiny = Broken(params=APC_MODE)
    made = a_synchronous_read(tiny, INFINITE)
    tiny.at(at, made.satisfy)
    go(tiny, made, how, at if at == 600 or how in ("not", "in no time") else TO)


# ---- others who wait for the same ------------------------------------------------------------------------------------


def lock_of(tiny: Tiny, kind: str, spin: int = 0) -> ContendedLock:
    makers = {"section": CriticalSection, "slim": SlimLock}
    return makers[kind](tiny.clock, tiny.dispatcher, 0, spin, False)


@pytest.mark.parametrize("how", ["100 long", "twice", "suspended", "suspended, and an APC"])
@pytest.mark.parametrize("kind", ["section", "slim"])
def test_0b14_a_lock_that_is_released_while_its_oldest_sleeper_is_held_up_goes_to_the_next(kind: str, how: str) -> None:
    """A and B sleep for it; released at 350, it is B's at once, until 450; A, back at 400, has it then."""
    tiny = Tiny(3)
    lock = lock_of(tiny, kind)
    holder = tiny.thread()
    lock.acquire(holder)
    a = tiny.start(compute(1), enter(lock), note("a"), leave(lock))
    tiny.start(compute(2), enter(lock), note("b"), compute(100), leave(lock))
    break_off(tiny, a, how)
    tiny.at(350, lambda: lock.release(holder))
    tiny.run()
    assert tiny.log == [(350, "b"), (450, "a")]
    assert not lock.contenders


@pytest.mark.parametrize("kind", ["section", "slim"])
def test_0b14_a_sleeper_that_is_suspended_after_it_was_called_keeps_nobody_else_waiting(kind: str) -> None:
    """A is called at 200, but runs (on the one processor) only at 300, when it is suspended: B is called at 600."""
    tiny = Tiny(switch=0)
    lock = lock_of(tiny, kind)
    holder = tiny.thread()
    apcs = kernel_apcs(tiny.dispatcher)
    lock.acquire(holder)
    a = tiny.start(compute(1), enter(lock), note("a"), leave(lock))
    tiny.start(compute(2), enter(lock), note("b"), leave(lock))
    tiny.start(compute(200), note("better"), priority=10, at=100)
    tiny.at(200, lambda: lock.release(holder))
    tiny.at(250, lambda: apcs.suspend(a))
    tiny.at(500, lambda: lock.acquire(holder))
    tiny.at(600, lambda: lock.release(holder))
    tiny.at(900, lambda: apcs.resume(a))
    tiny.run()
    assert tiny.log == [(300, "better"), (600, "b"), (900, "a")]


@pytest.mark.parametrize(("kind", "shared"), [("section", False), ("slim", False), ("slim", True)])
@pytest.mark.parametrize(("release", "ends"), [(350, 400), (450, 450)])
def test_a_spinner_that_runs_an_apc_spins_no_more_when_the_lock_has_been_released_meanwhile(
    kind: str, shared: bool, release: int, ends: int
) -> None:
    """It may spin for 500 from 10 on."""
    tiny = Tiny(2)
    lock = lock_of(tiny, kind, 500)
    holder = tiny.thread()
    lock.acquire(holder)
    thread = tiny.start(compute(10), enter(lock, shared), note("in"), leave(lock, shared))
    break_off(tiny, thread, "100 long")
    tiny.at(release, lambda: lock.release(holder))
    tiny.run()
    assert tiny.log == [(ends, "in")]


@pytest.mark.parametrize("how", BREAKS)
def test_a_sleeper_keeps_its_place_in_the_order_of_a_condition_variable(how: str) -> None:
    """A slept first. One wake at 350 is A's, whether it hears of it then or at 400; one at 600 is B's."""
    tiny = Tiny(3)
    section = lock_of(tiny, "section")
    variable = ConditionVariable(tiny.dispatcher)

    def sleep(_tiny: Tiny, thread: KernelThread) -> int:
        assert variable.sleep(thread, section, False, INFINITE) == STATUS_PENDING
        return WAIT

    threads = [
        tiny.start(compute(at), enter(section), Step(sleep), enter(section), note(who), leave(section))
        for at, who in ((1, "a"), (2, "b"))
    ]
    break_off(tiny, threads[0], how)
    tiny.at(350, variable.wake)
    tiny.at(600, variable.wake)
    tiny.run()
    assert tiny.log == [(350 if how in ("not", "in no time") else TO, "a"), (600, "b")]


@pytest.mark.parametrize("how", BREAKS)
def test_2_7_an_object_that_is_signalled_once_while_its_oldest_waiter_is_held_up_goes_to_the_next(how: str) -> None:
    """A dispatcher object forgets a waiter that runs an APC: it is the newest afterwards."""
    tiny = Tiny(3)
    event = Event(tiny.dispatcher, False, False)
    threads = [
        tiny.start(compute(at), *await_objects([event], False, INFINITE), note(who)) for at, who in ((1, "a"), (2, "b"))
    ]
    break_off(tiny, threads[0], how)
    tiny.at(350, event.set)
    tiny.at(600, event.set)
    tiny.run()
    first, second = ("a", "b") if how == "not" else ("b", "a")
    assert tiny.log == [(350, first), (600, second)]


@pytest.mark.parametrize("foreground", [0, 2])
@pytest.mark.parametrize("increment", [0, 1])
def test_7_4_a_wake_boosts_a_thread_in_an_apc_as_any_other(increment: int, foreground: int) -> None:
    """Without an increment, only one in front."""
    tiny = Tiny()
    thread = tiny.start(wait(), call(lambda: tiny.log.append((tiny.clock.now, thread.priority))))
    thread.foreground = foreground
    break_off(tiny, thread, "100 long")
    tiny.at(350, lambda: tiny.dispatcher.wake(thread, increment))
    tiny.run()
    assert tiny.log == [(400, 8 + increment + foreground)]
