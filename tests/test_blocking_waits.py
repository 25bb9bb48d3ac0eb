"""Which waits free their thread's place at its port: every one that really blocks, and no other (semantics 1.6, K11).

A port with limit 1. A has taken packet 1; B, parked there, gets packet 2 at the instant at which A's place becomes free: when
A blocks, at 110, or else when it comes back for the next packet, at 160.
"""

from collections.abc import Callable

import pytest
from tiny import EVER, GO, WAIT, Step, Tiny, block, call, compute, enter, leave, take

from iosim.attribution import BLOCKED_CALL
from iosim.completion_port import CompletionPort
from iosim.condition_variables import ConditionVariable
from iosim.kernel_queue import KernelThread
from iosim.locks import ACQUIRED, ContendedLock, CriticalSection
from iosim.ntstatus import STATUS_PENDING
from iosim.objects import INFINITE, DispatcherObject, Event, Latch, Mutex, Semaphore, wait_for
from iosim.resources import STARVE_EXCLUSIVE, WAIT_FOR_EXCLUSIVE, Resource
from iosim.slim_locks import SlimLock
from iosim.timers import Timer
from iosim.win32 import Api, System, ThreadBody

Made = tuple[list[Step], list[Step]]  # what the other thread does at 105, and what A does at 110


def await_(*objects: DispatcherObject, wait_all: bool = False, timeout: int = INFINITE) -> Step:
    def act(_tiny: Tiny, thread: KernelThread) -> int:
        return WAIT if wait_for(thread, list(objects), wait_all, timeout, False) == STATUS_PENDING else GO

    return Step(act)


def an_event(manual: bool) -> Callable[[Tiny, bool], Made]:
    return lambda tiny, blocks: ([], [await_(Event(tiny.dispatcher, manual, not blocks))])


def a_semaphore(tiny: Tiny, blocks: bool) -> Made:
    return [], [await_(Semaphore(tiny.dispatcher, 0 if blocks else 1, 1))]


def a_mutex(tiny: Tiny, blocks: bool) -> Made:
    mutex = Mutex(tiny.dispatcher)
    return ([await_(mutex), compute(1000)] if blocks else []), [await_(mutex)]


def a_timer(manual: bool) -> Callable[[Tiny, bool], Made]:
    def made(tiny: Tiny, blocks: bool) -> Made:
        timer = Timer(tiny.dispatcher, manual)
        timer.set(1000 if blocks else 50, 0)
        return [], [await_(timer)]

    return made


def the_end_of_a_thread(tiny: Tiny, blocks: bool) -> Made:
    latch = Latch(tiny.dispatcher)
    latch.set(not blocks)
    return [], [await_(latch)]


def a_handle_of_a_port(tiny: Tiny, blocks: bool) -> Made:
    other = CompletionPort(tiny.clock, tiny.dispatcher, 1, 1, 1)
    if not blocks:
        other.insert(tiny.packet(9))
    return [], [await_(other.object)]


def several_objects(wait_all: bool) -> Callable[[Tiny, bool], Made]:
    def made(tiny: Tiny, blocks: bool) -> Made:
        one = Event(tiny.dispatcher, True, wait_all or not blocks)
        other = Event(tiny.dispatcher, True, wait_all and not blocks)
        return [], [await_(one, other, wait_all=wait_all)]

    return made


def a_wait_with_a_timeout(tiny: Tiny, blocks: bool) -> Made:
    """Which is 0 where it only looks."""
    return [], [await_(Event(tiny.dispatcher, True, False), timeout=1000 if blocks else 0)]


def held_by_another(lock: ContendedLock, blocks: bool, held: bool, asked: bool) -> Made:
    return ([enter(lock, held), compute(1000), leave(lock, held)] if blocks else []), [enter(lock, asked)]


def a_section(fair: bool) -> Callable[[Tiny, bool], Made]:
    def made(tiny: Tiny, blocks: bool) -> Made:
        return held_by_another(CriticalSection(tiny.clock, tiny.dispatcher, 0, 0, fair), blocks, False, False)

    return made


def a_slim_lock(held: bool, asked: bool) -> Callable[[Tiny, bool], Made]:
    def made(tiny: Tiny, blocks: bool) -> Made:
        return held_by_another(SlimLock(tiny.clock, tiny.dispatcher, 0, 0, False), blocks, held, asked)

    return made


def a_resource(held: bool, asked: bool) -> Callable[[Tiny, bool], Made]:
    def made(tiny: Tiny, blocks: bool) -> Made:
        return held_by_another(Resource(tiny.clock, tiny.dispatcher, 0), blocks, held, asked)

    return made


def a_shared_resource(manner: int) -> Callable[[Tiny, bool], Made]:
    def made(tiny: Tiny, blocks: bool) -> Made:
        resource = Resource(tiny.clock, tiny.dispatcher, 0)

        def ask(tiny: Tiny, thread: KernelThread) -> int:
            if resource.acquire_shared(thread, manner) == ACQUIRED:
                return GO
            tiny.again(thread)
            return WAIT

        return ([enter(resource), compute(1000)] if blocks else []), [Step(ask)]

    return made


def a_condition_variable(slim: bool) -> Callable[[Tiny, bool], Made]:
    """Satisfied at once: with a timeout of 0."""

    def made(tiny: Tiny, blocks: bool) -> Made:
        variable = ConditionVariable(tiny.dispatcher)
        kind = SlimLock if slim else CriticalSection
        lock = kind(tiny.clock, tiny.dispatcher, 0, 0, False)

        def sleep(_tiny: Tiny, thread: KernelThread) -> int:
            return WAIT if variable.sleep(thread, lock, False, 1000 if blocks else 0) == STATUS_PENDING else GO

        return [], [enter(lock), Step(sleep), enter(lock)]

    return made


def a_blocking_call(tiny: Tiny, blocks: bool) -> Made:
    """What a sleep and a synchronous request do; a Sleep(0) is no wait."""
    return [], [block(1000, BLOCKED_CALL)] if blocks else []


KINDS: dict[str, Callable[[Tiny, bool], Made]] = {
    "manual-reset event": an_event(True),
    "auto-reset event": an_event(False),
    "semaphore": a_semaphore,
    "mutex": a_mutex,
    "manual-reset timer": a_timer(True),
    "synchronization timer": a_timer(False),
    "end of a thread": the_end_of_a_thread,
    "handle of a port": a_handle_of_a_port,
    "any of several": several_objects(False),
    "all of several": several_objects(True),
    "with a timeout": a_wait_with_a_timeout,
    "unfair critical section": a_section(False),
    "fair critical section": a_section(True),
    "slim lock, writer behind writer": a_slim_lock(False, False),
    "slim lock, reader behind writer": a_slim_lock(False, True),
    "slim lock, writer behind reader": a_slim_lock(True, False),
    "resource, writer behind writer": a_resource(False, False),
    "resource, reader behind writer": a_resource(False, True),
    "resource, writer behind reader": a_resource(True, False),
    "resource, starving writers": a_shared_resource(STARVE_EXCLUSIVE),
    "resource, waiting for writers": a_shared_resource(WAIT_FOR_EXCLUSIVE),
    "condition variable with a critical section": a_condition_variable(False),
    "condition variable with a slim lock": a_condition_variable(True),
    "blocking call": a_blocking_call,
}


def b_gets_packet_2(kind: Callable[[Tiny, bool], Made], blocks: bool) -> int:
    """When."""
    tiny = Tiny(4)
    port = CompletionPort(tiny.clock, tiny.dispatcher, 0, 1, 4)
    others, own = kind(tiny, blocks)
    tiny.start(take(port))  # B
    tiny.start(compute(1), take(port), compute(10), *own, compute(50), take(port))  # A, parked last
    tiny.start(*others, at=105)
    tiny.insert(100, port, 1, 2)
    tiny.run()
    assert tiny.log[0] == (100, "T1 takes 1")
    (when,) = [time for time, what in tiny.log if what in ("T0 takes 2", "T1 takes 2")]
    assert ((when, "T0 takes 2") in tiny.log) == blocks
    return when


@pytest.mark.parametrize("kind", KINDS)
def test_1_6_a_bound_thread_that_really_blocks_frees_its_place_at_that_instant(kind: str) -> None:
    assert b_gets_packet_2(KINDS[kind], blocks=True) == 110


@pytest.mark.parametrize("kind", KINDS)
def test_K11_a_wait_that_is_satisfied_at_once_frees_no_place(kind: str) -> None:
    assert b_gets_packet_2(KINDS[kind], blocks=False) == 160


@pytest.mark.parametrize("slim", [False, True])
def test_1_6_spinning_frees_no_place_and_blocking_after_it_does(slim: bool) -> None:
    """The lock is held until 1105. A spins from 110 to 140."""

    def made(tiny: Tiny, blocks: bool) -> Made:
        kind = SlimLock if slim else CriticalSection
        return held_by_another(kind(tiny.clock, tiny.dispatcher, 0, 30, False), blocks, False, False)

    assert b_gets_packet_2(made, blocks=True) == 140


@pytest.mark.parametrize("slim", [False, True])
def test_1_6_a_spinner_that_gets_in_keeps_its_place(slim: bool) -> None:
    """A spins from 110 to 125, when the lock becomes free; its next packet comes at 175."""
    tiny = Tiny(4)
    port = CompletionPort(tiny.clock, tiny.dispatcher, 0, 1, 4)
    lock = (SlimLock if slim else CriticalSection)(tiny.clock, tiny.dispatcher, 0, 100, False)
    tiny.start(take(port))
    tiny.start(compute(1), take(port), compute(10), enter(lock), compute(50), leave(lock), take(port))
    tiny.start(enter(lock), compute(20), leave(lock), at=105)
    tiny.insert(100, port, 1, 2)
    tiny.run()
    assert tiny.log == [(100, "T1 takes 1"), (175, "T1 takes 2")]


def test_1_7_a_woken_sleeper_of_a_condition_variable_runs_whatever_the_limit_and_frees_its_place_again_for_the_lock() -> (
    None
):
    """A sleeps from 110, is woken at 300 while B works (two run), and blocks on its section until 400 (one runs)."""
    tiny = Tiny(4)
    port = CompletionPort(tiny.clock, tiny.dispatcher, 0, 1, 4)
    section = CriticalSection(tiny.clock, tiny.dispatcher, 0, 0, False)
    variable = ConditionVariable(tiny.dispatcher)
    counts: list[tuple[int, int]] = []

    def sleep(_tiny: Tiny, thread: KernelThread) -> int:
        assert variable.sleep(thread, section, False, INFINITE) == STATUS_PENDING
        return WAIT

    look = call(lambda: counts.append((tiny.clock.now, port.running)))
    tiny.start(take(port), compute(EVER // 2))
    tiny.start(compute(1), take(port), compute(10), enter(section), Step(sleep), look, enter(section), look)
    tiny.start(enter(section), compute(250), leave(section), at=150)
    tiny.insert(100, port, 1, 2)
    tiny.at(300, variable.wake)
    tiny.at(350, lambda: counts.append((350, port.running)))
    tiny.run()
    assert counts == [(300, 2), (350, 1), (400, 2)]


def test_1_6_whoever_gets_the_place_of_a_thread_that_blocks_may_end_its_wait_at_that_very_instant() -> None:
    """The place is given up when the thread is off its processor: what comes of it meets a thread that waits."""
    system, seen = System(processors=4), list[tuple[int, str]]()
    port = system.port(1)
    event = system.handles.add(Event(system.dispatcher, False, False))

    def setter(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(port, INFINITE)
        yield api.SetEvent(event)
        seen.append((system.clock.now, "set"))

    def waiter(api: Api) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(port, INFINITE)
        yield api.Compute(100)
        yield api.WaitForSingleObject(event, INFINITE)
        seen.append((system.clock.now, "waited"))
        yield api.Compute(100)
        seen.append((system.clock.now, "done"))

    def poster(api: Api) -> ThreadBody:
        for _ in range(2):
            yield api.PostQueuedCompletionStatus(port, 0, 1, None)

    for program in (setter, waiter, poster):
        system.start(program)
    system.run()
    assert sorted(seen) == [(100, "set"), (100, "waited"), (200, "done")]
