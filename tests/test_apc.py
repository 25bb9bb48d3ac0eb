"""Kernel APCs: what holds them back, whom they interrupt, what becomes of waits. Cases: semantics 9.6, 9.8. Times are ns."""

from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tiny import (
    GO,
    RUN,
    WAIT,
    Device,
    Step,
    Tiny,
    block,
    call,
    causes,
    compute,
    enter,
    leave,
    lower_irql,
    note,
    pay,
    raise_irql,
    take,
    wait,
)

from iosim.actor import Clock
from iosim.apc import KernelApc, all_apcs_disabled, is_suspended, kernel_apcs, queue_user_apc
from iosim.attribution import NO_REQUEST, Request
from iosim.dispatcher import Dispatcher
from iosim.heap_clock import HeapClock
from iosim.kernel_queue import KernelQueue, KernelThread, Packet
from iosim.locks import ContendedLock, CriticalSection
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS, STATUS_TIMEOUT, STATUS_USER_APC
from iosim.objects import INFINITE, Event, wait_for
from iosim.resources import Resource
from iosim.scheduling import FullDispatcher
from iosim.simpy_clock import SimpyClock
from iosim.slim_locks import SlimLock
from iosim.thread import APC_LEVEL, DISPATCH_LEVEL, TERMINATED, WAITING


@pytest.fixture(params=[HeapClock, SimpyClock])
def clock(request: pytest.FixtureRequest) -> type[Clock]:
    kind: type[Clock] = request.param
    return kind


class Noting(KernelApc):
    """Takes its time, then writes down that it ran."""

    def __init__(
        self,
        tiny: "Apcs",
        name: str = "apc",
        cost: int = 0,
        special: bool = True,
        then: Callable[[], object] = lambda: None,
        request: Request = NO_REQUEST,
    ) -> None:
        self.tiny = tiny
        self.name = name
        self.time = cost
        self.special = special
        self.then = then
        self.request = request

    def cost(self, thread: KernelThread) -> int:
        return self.time

    def run(self, thread: KernelThread) -> bool:
        self.tiny.log.append((self.tiny.clock.now, self.name))
        self.then()
        return True

    def run_down(self, thread: KernelThread) -> None:
        self.tiny.log.append((self.tiny.clock.now, f"{self.name} run down"))


class Apcs(Tiny):
    """A tiny machine that delivers APCs."""

    def __init__(self, processors: int = 1, *, switch: int = 0, tick: int = 0, smt: float = 0.0) -> None:
        super().__init__(processors, switch=switch, tick=tick, smt=smt)
        self.apcs = kernel_apcs(self.dispatcher)

    def hit(self, time: int, thread: KernelThread, *apcs: KernelApc, increment: int = 0) -> None:
        """Queue these to a thread at a time, from elsewhere."""

        def act() -> None:
            for apc in apcs:
                assert self.apcs.insert(thread, apc, increment)

        self.at(time, act)

    def queue(self, limit: int) -> KernelQueue:
        return KernelQueue(self.clock, self.dispatcher, 0, limit)

    def await_event(self, event: Event, timeout: int = INFINITE, alertable: bool = False) -> Step:
        """Wait for an event; the status is in the thread."""

        def act(_tiny: Tiny, thread: KernelThread) -> int:
            status = wait_for(thread, [event], False, timeout, alertable)
            thread.wait_status = status
            return WAIT if status == STATUS_PENDING else GO

        return Step(act)


def to_itself(apc: KernelApc) -> Step:
    """The thread queues an APC to itself; when the next step begins, the call has returned."""

    def act(tiny: Tiny, thread: KernelThread) -> int:
        kernel_apcs(tiny.dispatcher).insert(thread, apc)
        return RUN

    return Step(act)


def region(name: str) -> Step:
    """enter or leave, critical or guarded."""

    def act(tiny: Tiny, thread: KernelThread) -> int:
        getattr(kernel_apcs(tiny.dispatcher), f"{name}_region")(thread)
        return RUN

    return Step(act)


# ---- what holds them back --------------------------------------------------------------------------------------------


def counters(thread: KernelThread) -> tuple[int, int, bool]:
    return thread.kernel_apc_disable, thread.special_apc_disable, all_apcs_disabled(thread)


def test_D06_critical_regions_count_down_and_up_and_disable_normal_apcs_alone() -> None:
    tiny = Apcs()
    thread = tiny.thread()
    seen = []
    for _ in range(3):
        tiny.apcs.enter_critical_region(thread)
        seen.append(counters(thread))
    for _ in range(3):
        tiny.apcs.leave_critical_region(thread)
        seen.append(counters(thread))
    assert [each[0] for each in seen] == [-1, -2, -3, -2, -1, 0]
    assert {each[1:] for each in seen} == {(0, False)}


def test_D07_a_guarded_region_has_a_counter_of_its_own_and_disables_all() -> None:
    tiny = Apcs()
    thread = tiny.thread()
    tiny.apcs.enter_guarded_region(thread)
    assert counters(thread) == (0, -1, True)
    tiny.apcs.leave_guarded_region(thread)
    assert counters(thread) == (0, 0, False)


def test_D08_at_apc_level_all_are_disabled_although_both_counters_are_0() -> None:
    tiny = Apcs()
    seen: list[tuple[int, int, bool]] = []
    thread = tiny.thread(
        raise_irql(APC_LEVEL),
        call(lambda: seen.append(counters(thread))),
        lower_irql(),
        call(lambda: seen.append(counters(thread))),
    )
    tiny.dispatcher.make_ready(thread)
    tiny.run()
    assert seen == [(0, 0, True), (0, 0, False)]


@pytest.mark.parametrize(
    ("begin", "end", "special", "normal"),
    [
        (compute(0), compute(0), 300, 300),
        (region("enter_critical"), region("leave_critical"), 300, 1000),
        (region("enter_guarded"), region("leave_guarded"), 1000, 1000),
        (raise_irql(APC_LEVEL), lower_irql(), 1000, 1000),
        (raise_irql(DISPATCH_LEVEL), lower_irql(), 1000, 1000),
    ],
)
@pytest.mark.parametrize("by_itself", [False, True])
def test_7_7_when_special_and_normal_kernel_apcs_run(
    begin: Step, end: Step, special: int, normal: int, by_itself: bool
) -> None:
    """In the middle of a computation from 0 to 1,000, or at the end of the region; queued by somebody or by the thread."""
    tiny = Apcs()
    apcs = Noting(tiny, "normal", special=False), Noting(tiny, "special")
    if by_itself:
        tiny.start(begin, compute(300), *(to_itself(apc) for apc in apcs), compute(700), end, note("on"))
    else:
        tiny.hit(300, tiny.start(begin, compute(1000), end, note("on")), *apcs)
    tiny.run()
    both = [(special, "special"), (normal, "normal")]
    if by_itself and normal == 300:
        both.reverse()  # the call that queued the normal one has returned before the special one is queued
    assert tiny.log == [*both, (1000, "on")]


@pytest.mark.parametrize(("levels", "left"), [(1, 1000), (2, 2000)])
def test_7_7_nested_regions_hold_until_the_last_is_left(levels: int, left: int) -> None:
    tiny = Apcs()
    inside = [step for _ in range(levels) for step in (compute(1000), region("leave_critical"))]
    thread = tiny.start(*(region("enter_critical") for _ in range(levels)), *inside)
    tiny.hit(300, thread, Noting(tiny, special=False))
    tiny.run()
    assert tiny.log == [(left, "apc")]


# ---- a thread that runs ----------------------------------------------------------------------------------------------


def test_7_7_a_running_thread_is_interrupted_for_it(clock: type[Clock]) -> None:
    """The inter-processor interrupt at 300 takes 40, the APC 100 and its delivery 20."""
    tiny = Apcs()
    tiny.processors[0].ipi.cost = 40
    tiny.apcs.cost = 20
    thread = tiny.start(compute(1000), note("done"))
    thread.request = request = tiny.request()
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.run()
    assert tiny.log == [(460, "apc"), (1160, "done")]
    assert causes(request) == {"user": 1000, "kernel": 120, "interrupted": 40}
    assert tiny.busy() == {"user": 1000, "kernel": 120, "isr": 40}


def test_the_end_of_a_request_is_on_that_requests_way_and_interrupts_the_threads_own() -> None:
    tiny = Apcs()
    thread = tiny.start(compute(1000), note("done"))
    thread.request = own = tiny.request(1)
    other = tiny.request(2)
    tiny.hit(300, thread, Noting(tiny, cost=100, request=other))
    tiny.run()
    assert tiny.log == [(400, "apc"), (1100, "done")]
    assert causes(own) == {"user": 1000, "interrupted": 100}
    assert causes(other) == {"ready_queue": 300, "kernel": 100}
    assert (own.mark, other.mark) == (1100, 400)


def test_from_a_dpc_on_the_threads_own_processor_no_further_interrupt_is_needed() -> None:
    tiny = Apcs()
    tiny.processors[0].ipi.cost = 40
    thread = tiny.start(compute(1000), note("done"))
    Device(tiny.processors[0], 10, 50, lambda: tiny.apcs.insert(thread, Noting(tiny))).at(tiny, 300)
    tiny.run()
    assert tiny.log == [(360, "apc"), (1060, "done")]
    assert tiny.busy() == {"user": 1000, "isr": 10, "dpc": 50}


def test_on_an_smt_processor_what_is_left_of_the_stretch_keeps_its_pace() -> None:
    """Yield 1.25. 500 of 1,000 done at 800; the APC's 100 take 160; the rest another 800."""
    tiny = Apcs(2, smt=1.25)
    thread = tiny.start(compute(1000), note("done"), last=0)
    tiny.start(compute(5000), last=1)
    tiny.hit(800, thread, Noting(tiny, cost=100))
    tiny.run()
    assert tiny.log == [(960, "apc"), (1760, "done")]


def test_several_run_one_after_the_other_special_ones_first() -> None:
    tiny = Apcs()
    thread = tiny.start(compute(1000), note("done"))
    one, two = Noting(tiny, "normal", 10, special=False), Noting(tiny, "special", 10)
    three = Noting(tiny, "special too", 10)
    tiny.hit(300, thread, one, two, three)
    tiny.run()
    assert tiny.log == [(310, "special"), (320, "special too"), (330, "normal"), (1030, "done")]


def test_a_special_one_interrupts_a_normal_one_and_nothing_interrupts_a_special_one() -> None:
    tiny = Apcs()
    thread = tiny.start(compute(1000), note("done"))
    tiny.hit(300, thread, Noting(tiny, "normal", 100, special=False))
    tiny.hit(350, thread, Noting(tiny, "special", 60))
    tiny.hit(380, thread, Noting(tiny, "late", 10))
    tiny.hit(390, thread, Noting(tiny, "second normal", 10, special=False))
    tiny.run()
    rows = [(410, "special"), (420, "late"), (470, "normal"), (480, "second normal"), (1180, "done")]
    assert tiny.log == rows


def test_a_thread_that_ends_runs_down_what_it_could_not_run() -> None:
    tiny = Apcs()
    thread = tiny.start(region("enter_guarded"), compute(1000))
    tiny.hit(300, thread, Noting(tiny))
    tiny.run()
    assert tiny.log == [(1000, "apc run down")]
    assert not tiny.apcs.insert(thread, Noting(tiny))


# ---- a thread that is ready ------------------------------------------------------------------------------------------


def test_7_7_a_ready_thread_takes_it_when_it_runs() -> None:
    tiny = Apcs(switch=7)
    tiny.start(compute(1000), note("first"))
    thread = tiny.start(compute(500), note("second"))
    request = tiny.request(2)
    tiny.hit(300, thread, Noting(tiny, cost=100, request=request))
    tiny.run()
    assert tiny.log == [(1007, "first"), (1114, "apc"), (1614, "second")]
    assert causes(request) == {"ready_queue": 1014, "kernel": 100}
    assert thread.switches == 1


def test_a_pre_empted_thread_takes_it_before_the_rest_of_its_stretch() -> None:
    tiny = Apcs()
    thread = tiny.start(compute(1000), note("worse"))
    tiny.start(compute(200), note("better"), priority=10, at=100)
    tiny.hit(150, thread, Noting(tiny, cost=50))
    tiny.run()
    assert tiny.log == [(300, "better"), (350, "apc"), (1250, "worse")]


# ---- a thread that waits ---------------------------------------------------------------------------------------------


def test_7_7_a_waiting_thread_is_woken_for_it_and_waits_again() -> None:
    """A call to elsewhere from 7 to 1,007: the APC at 300 does not lengthen it. One more switch."""
    tiny = Apcs(switch=7)
    thread = tiny.start(pay(), block(1000), pay(), note("on"))
    thread.request = own = tiny.request(1)
    other = tiny.request(2)
    tiny.hit(300, thread, Noting(tiny, cost=100, request=other))
    tiny.run()
    assert tiny.log == [(407, "apc"), (1014, "on")]
    assert causes(other) == {"ready_queue": 300, "wake_and_switch": 7, "kernel": 100}
    assert causes(own) == {"blocked_call": 293 + 600, "interrupted": 107, "wake_and_switch": 14}
    assert (own.mark, thread.switches) == (1014, 3)


def test_a_wait_that_ends_while_the_apc_runs_is_over_when_it_has_run() -> None:
    tiny = Apcs()
    thread = tiny.start(block(350), note("on"))
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.run()
    assert tiny.log == [(400, "apc"), (400, "on")]


@pytest.mark.parametrize(("woken", "ends", "switches"), [(350, 400, 2), (600, 600, 3)])
def test_a_wait_without_an_owner_is_ended_by_whoever_wakes_its_thread(woken: int, ends: int, switches: int) -> None:
    """As the wait for an IRP is; with its boost."""
    tiny = Apcs()
    thread = tiny.start(wait(), note("on"), call(lambda: tiny.log.append((0, thread.priority))))
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.at(woken, lambda: tiny.dispatcher.wake(thread, 3))
    tiny.run()
    assert tiny.log == [(400, "apc"), (ends, "on"), (0, 11)]
    assert thread.switches == switches


def test_two_ends_of_requests_wait_for_each_other_and_are_booked_apart() -> None:
    tiny = Apcs(switch=7)
    thread = tiny.start(pay(), block(993), note("on"))
    thread.request = own = tiny.request(1)
    first, second = tiny.request(2), tiny.request(3)
    marks: list[int] = []
    apcs = [
        Noting(tiny, cost=cost, request=each, then=lambda: marks.append(thread.request.index))
        for cost, each in ((100, first), (50, second))
    ]
    tiny.hit(300, thread, *apcs)
    tiny.run()
    assert tiny.log == [(407, "apc"), (457, "apc"), (1000, "on")]
    assert marks == [1, 1]  # an APC does what it does in nobody's time but the thread's own
    assert causes(first) == {"ready_queue": 300, "wake_and_switch": 7, "kernel": 100}
    assert causes(second) == {"ready_queue": 407, "kernel": 50}
    assert causes(own) == {"wake_and_switch": 7, "blocked_call": 293 + 543, "interrupted": 157}


def test_7_4_it_comes_with_the_drivers_boost() -> None:
    tiny = Apcs()
    thread = tiny.start(wait())
    tiny.hit(300, thread, Noting(tiny, then=lambda: tiny.log.append((0, thread.priority))), increment=2)
    tiny.run()
    assert tiny.log == [(300, "apc"), (0, 10)]


@pytest.mark.parametrize("special", [True, False])
def test_7_7_a_wait_in_a_critical_region_is_not_interrupted_by_a_normal_apc(special: bool) -> None:
    tiny = Apcs()
    thread = tiny.start(region("enter_critical"), block(1000), note("on"), region("leave_critical"), note("left"))
    tiny.hit(300, thread, Noting(tiny, special=special))
    tiny.run()
    rows = [(300, "apc"), (1000, "on")] if special else [(1000, "on"), (1000, "apc")]
    assert tiny.log == [*rows, (1000, "left")]


@pytest.mark.parametrize(("set_at", "ends"), [(350, 400), (600, 600)])
def test_a_wait_for_an_object_looks_at_it_again(set_at: int, ends: int) -> None:
    tiny = Apcs()
    event = Event(tiny.dispatcher, False, False)
    thread = tiny.start(tiny.await_event(event), note("on"))
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.at(set_at, event.set)
    tiny.run()
    assert tiny.log == [(400, "apc"), (ends, "on")]
    assert (event.state, event.waits, thread.wait_status) == (False, [], STATUS_SUCCESS)


def test_an_event_that_is_set_and_reset_meanwhile_is_missed() -> None:
    tiny = Apcs()
    event = Event(tiny.dispatcher, True, False)
    thread = tiny.start(tiny.await_event(event), note("on"))
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.at(350, event.set)
    tiny.at(360, event.reset)
    tiny.run()
    assert (tiny.log, thread.state) == ([(400, "apc")], WAITING)


@pytest.mark.parametrize(("timeout", "ends"), [(350, 400), (1000, 1000)])
def test_1_5_6_a_timeout_keeps_its_deadline(timeout: int, ends: int) -> None:
    tiny = Apcs()
    thread = tiny.start(tiny.await_event(Event(tiny.dispatcher, True, False), timeout), note("on"))
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.run()
    assert tiny.log == [(400, "apc"), (ends, "on")]
    assert (thread.wait_status, thread.timed) == (STATUS_TIMEOUT, False)


def test_a_user_apc_that_a_kernel_apc_queues_ends_the_alertable_wait_after_it() -> None:
    tiny = Apcs()
    thread = tiny.start(tiny.await_event(Event(tiny.dispatcher, True, False), 1000, True), note("on"))
    tiny.hit(300, thread, Noting(tiny, cost=100, then=lambda: queue_user_apc(thread, ("routine", 0))))
    tiny.run()
    assert tiny.log == [(400, "apc"), (400, "on")]
    assert (thread.wait_status, thread.timed, thread.user_apcs) == (STATUS_USER_APC, False, [("routine", 0)])


@pytest.mark.parametrize("fair", [True, False])
@pytest.mark.parametrize(("hold", "ends"), [(350, 400), (600, 600)])
def test_a_lock_that_is_released_meanwhile_is_not_missed(fair: bool, hold: int, ends: int) -> None:
    tiny = Apcs(2)
    section = CriticalSection(tiny.clock, tiny.dispatcher, 0, 0, fair)
    tiny.start(enter(section), compute(hold), leave(section), last=0)
    thread = tiny.start(enter(section), note("in"), leave(section), at=10, last=1)
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.run()
    assert tiny.log == [(400, "apc"), (ends, "in")]


def locks_of(tiny: Tiny, spin: int) -> list[ContendedLock]:
    """Every kind: two unfair ones, two fair ones, and the one that nobody spins for."""
    both = [(kind, fair) for fair in (False, True) for kind in (CriticalSection, SlimLock)]
    return [kind(tiny.clock, tiny.dispatcher, 0, spin, fair) for kind, fair in both] + [
        Resource(tiny.clock, tiny.dispatcher, 0)
    ]


def held(lock: ContendedLock, ns: int, name: str) -> list[Step]:
    return [enter(lock), note(f"{name} in"), compute(ns), leave(lock)]


@pytest.mark.parametrize("number", range(5))
def test_0b14_an_apc_gives_nobody_a_lock_that_another_thread_holds(number: int) -> None:
    """B waits for it from 10 on, is hit at 50, and has it at 100 as if nothing had been."""
    tiny = Apcs(2)
    lock = locks_of(tiny, 0)[number]
    tiny.start(*held(lock, 100, "a"))
    b = tiny.start(compute(10), *held(lock, 10, "b"))
    b.request = request = tiny.request()
    tiny.hit(50, b, Noting(tiny, cost=20))
    tiny.run()
    assert tiny.log == [(0, "a in"), (70, "apc"), (100, "b in")]
    assert causes(request) == {"user": 20, "kernel": 20, "lock": 70}
    assert not lock.contenders


@pytest.mark.parametrize("number", range(4))
def test_a_spinner_that_runs_an_apc_enters_after_it_where_the_lock_was_freed_meanwhile(number: int) -> None:
    """B spins from 10 on, 1,000 at most; its APC runs from 50 to 150; the lock is free at 100."""
    tiny = Apcs(2)
    lock = locks_of(tiny, 1000)[number]
    tiny.start(*held(lock, 100, "a"))
    b = tiny.start(compute(10), *held(lock, 10, "b"))
    tiny.hit(50, b, Noting(tiny, cost=100))
    tiny.run()
    assert tiny.log == [(0, "a in"), (150, "apc"), (150, "b in")]


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("number", range(5))
def test_0b8_a_suspended_thread_keeps_nobody_from_a_free_lock(number: int, others: int) -> None:
    """B, who waits longest, is suspended from 50 to 500: the lock, free at 100, is C's; B has it when it is resumed."""
    tiny = Apcs(3)
    lock = locks_of(tiny, 0)[number]
    tiny.start(*held(lock, 100, "a"))
    b = tiny.start(compute(10), *held(lock, 10, "b"))
    for _ in range(others):
        tiny.start(compute(20), *held(lock, 10, "c"))
    tiny.at(50, lambda: tiny.apcs.suspend(b))
    tiny.at(500, lambda: tiny.apcs.resume(b))
    tiny.run()
    assert tiny.log == [(0, "a in"), *[(100, "c in")] * others, (500, "b in")]


def test_7_7_a_user_apc_ends_no_wait_that_is_not_alertable_whatever_the_one_before_was() -> None:
    """Its first wait was alertable and timed out; the second one, broken off for a kernel APC from 50 to 150, is not."""
    tiny = Apcs()
    event = Event(tiny.dispatcher, True, False)
    thread = tiny.start(tiny.await_event(event, timeout=10, alertable=True), wait(), note("woken"))
    tiny.hit(50, thread, Noting(tiny, cost=100))
    tiny.at(70, lambda: queue_user_apc(thread, "user"))
    tiny.at(1000, lambda: tiny.dispatcher.wake(thread))
    tiny.run()
    assert tiny.log == [(150, "apc"), (1000, "woken")]
    assert thread.user_apcs == ["user"]


@pytest.mark.parametrize(("outer", "inner", "special_at"), [("critical", "guarded", 200), ("guarded", "critical", 100)])
def test_7_7_regions_nested_in_either_order_hold_back_what_each_of_them_forbids(
    outer: str, inner: str, special_at: int
) -> None:
    """The outer one is left first, at 100, the other one at 200."""
    tiny = Apcs()
    entering = [region(f"enter_{name}") for name in (outer, inner)]
    leaving = [step for name in (outer, inner) for step in (compute(100), region(f"leave_{name}"))]
    thread = tiny.start(*entering, *leaving, compute(100), note("end"))
    tiny.hit(50, thread, Noting(tiny, "normal", special=False), Noting(tiny, "special"))
    tiny.run()
    assert tiny.log == [(special_at, "special"), (200, "normal"), (300, "end")]


# ---- a thread that is parked in a queue ------------------------------------------------------------------------------


def parked(tiny: Apcs, queue: KernelQueue, count: int) -> list[KernelThread]:
    """Threads that park at 0, in this order."""
    return [tiny.start(pay(), take(queue), compute(10_000)) for _ in range(count)]


def test_K13_1_5_6_it_is_active_while_it_runs_and_parks_again_as_the_newest(clock: type[Clock]) -> None:
    tiny = Apcs()
    queue = tiny.queue(1)
    a, b = parked(tiny, queue, 2)
    during: list[tuple[int, list[KernelThread]]] = []
    tiny.hit(300, a, Noting(tiny, cost=100))
    tiny.at(350, lambda: during.append((queue.running, queue.waiting[:])))
    tiny.at(450, lambda: during.append((queue.running, queue.waiting[:])))
    tiny.insert(500, queue, 1)
    tiny.run()
    assert during == [(1, [b]), (0, [b, a])]
    assert tiny.log == [(400, "apc"), (500, "T0 takes 1")]
    queue.settle()
    assert queue.running_area == 100 + 10_000


def test_a_packet_that_comes_while_it_runs_is_taken_without_parking() -> None:
    tiny = Apcs(switch=7)
    queue = tiny.queue(1)
    thread, _ = parked(tiny, queue, 2)
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.insert(350, queue, 1)  # the limit is reached: nobody is woken
    tiny.run()
    assert tiny.log == [(407, "apc"), (407, "T0 takes 1")]
    assert thread.switches == 2


@pytest.mark.parametrize(("arrives", "taken", "waited"), [(350, 450, 50), (500, 500, 0)])
def test_what_a_parked_thread_still_owes_is_paid_by_the_packet_that_it_gets(
    arrives: int, taken: int, waited: int
) -> None:
    """It owes 50 (a call that ended at once). The packet finds it in the APC, or parked again."""
    tiny = Apcs()
    queue = tiny.queue(1)
    thread = tiny.thread(call(lambda: thread.owe_kernel(50)), take(queue), compute(200), note("done"))
    tiny.dispatcher.make_ready(thread)
    tiny.hit(300, thread, Noting(tiny, cost=100))
    packets: list[Packet] = []
    tiny.at(arrives, lambda: packets.append(tiny.packet(1)))
    tiny.at(arrives, lambda: queue.insert(packets[0]))
    tiny.run()
    assert tiny.log == [(400, "apc"), (taken, "T0 takes 1"), (max(arrives, 400) + 250, "done")]
    assert causes(packets[0].request) == {"kernel": 50, "user": 200} | ({"port_limit": waited} if waited else {})


@pytest.mark.parametrize(("timeout", "ends"), [(350, 407), (1000, 1014)])
def test_1_5_6_a_parked_threads_timeout_keeps_its_deadline(timeout: int, ends: int) -> None:
    tiny = Apcs(switch=7)
    queue = tiny.queue(1)

    def park(_tiny: Tiny, thread: KernelThread) -> int:
        queue.remove(thread)
        tiny.dispatcher.arm(thread, timeout)
        return WAIT

    thread = tiny.start(pay(), Step(park), pay(), note("on"))
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.run()
    assert tiny.log == [(407, "apc"), (ends, "on")]
    assert (thread.wait_status, thread.timed, queue.running, queue.waiting) == (STATUS_TIMEOUT, False, 0, [])


def test_a_packet_taken_after_the_apc_ends_the_timeout() -> None:
    tiny = Apcs()
    queue = tiny.queue(1)

    def park(_tiny: Tiny, thread: KernelThread) -> int:
        queue.remove(thread)
        tiny.dispatcher.arm(thread, 1000)
        return WAIT

    thread = tiny.start(Step(park), note("on"), block(5000), note("end"))
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.insert(350, queue, 1)
    tiny.run()
    assert tiny.log == [(400, "apc"), (400, "on"), (5400, "end")]
    assert not thread.timed


def test_1_5_4a_what_a_thread_queued_to_itself_runs_before_it_parks_and_costs_no_switch() -> None:
    tiny = Apcs(switch=7)
    queue = tiny.queue(1)
    thread = tiny.thread(
        compute(100),
        call(lambda: tiny.apcs.insert(thread, Noting(tiny, cost=30))),
        take(queue),
    )
    tiny.dispatcher.make_ready(thread)
    other = tiny.start(compute(50), note("other"))
    tiny.insert(400, queue, 1)
    tiny.run()
    assert tiny.log == [(137, "apc"), (194, "other"), (400, "T0 takes 1")]
    assert (thread.switches, other.switches) == (2, 1)


@pytest.mark.parametrize(
    ("dispatcher", "makes_way"),
    [
        (Dispatcher, "for a better thread"),
        (FullDispatcher, "for a better thread"),
        (Dispatcher, "at the end of its quantum"),
        (FullDispatcher, "at the end of its quantum"),
        (FullDispatcher, "by itself"),
    ],
)
def test_7_7_a_thread_that_makes_way_at_the_instant_of_an_apc_runs_it_when_it_runs_again(
    monkeypatch: pytest.MonkeyPatch, dispatcher: type[Dispatcher], makes_way: str
) -> None:
    """The interrupt that is to tell it of the APC finds another thread on its processor."""
    monkeypatch.setattr(Apcs, "new_dispatcher", lambda tiny: dispatcher(tiny.clock, tiny.caches, *tiny.times))
    tiny = Apcs()
    other = tiny.thread(compute(100), note("other"), priority=12 if makes_way == "for a better thread" else 8)

    def queue_apc() -> None:
        tiny.apcs.insert(thread, Noting(tiny, cost=30))
        tiny.dispatcher.make_ready(other)

    def give_way(_tiny: Tiny, thread: KernelThread) -> int:
        queue_apc()
        assert isinstance(tiny.dispatcher, FullDispatcher)
        assert tiny.dispatcher.yield_processor(thread)
        return WAIT

    if makes_way == "for a better thread":
        thread = tiny.start(compute(1000), note("thread"))
        tiny.at(300, queue_apc)
    elif makes_way == "at the end of its quantum":
        thread = tiny.start(compute(300), call(queue_apc), compute(700), note("thread"))
        thread.quantum = 300
    else:
        thread = tiny.start(compute(300), Step(give_way), compute(700), note("thread"))
    tiny.run()
    assert tiny.log == [(400, "other"), (430, "apc"), (1130, "thread")]


@pytest.mark.parametrize(("in_apc", "taker"), [(True, "T0 takes 1"), (False, "T1 takes 1")])
def test_1_4_5_an_insert_from_an_apc_on_a_thread_parked_there_wakes_nobody_else(in_apc: bool, taker: str) -> None:
    """The interrupted thread is about to look again: it takes the packet, though another one waits and the limit is 2."""
    tiny = Apcs()
    queue = tiny.queue(2)
    thread, _ = parked(tiny, queue, 2)
    insert = queue.insert_in_apc if in_apc else queue.insert
    tiny.hit(300, thread, Noting(tiny, cost=100, then=lambda: insert(tiny.packet(1))))
    tiny.run()
    assert tiny.log == [(400, "apc"), (400, taker)]


def test_a_queue_that_goes_away_meanwhile_lets_the_thread_go() -> None:
    tiny = Apcs()
    queue = tiny.queue(1)

    def park(_tiny: Tiny, thread: KernelThread) -> int:
        queue.remove(thread)
        return WAIT

    thread = tiny.start(Step(park), note("on"))
    tiny.hit(300, thread, Noting(tiny, cost=100))
    tiny.at(350, queue.run_down)
    tiny.run()
    assert tiny.log == [(400, "apc"), (400, "on")]
    assert queue.bound == {}


# ---- suspension ------------------------------------------------------------------------------------------------------


def suspend_and_resume(tiny: Apcs, thread: KernelThread, suspend: int, resume: int) -> list[int]:
    counts: list[int] = []
    tiny.at(suspend, lambda: counts.append(tiny.apcs.suspend(thread)))
    tiny.at(resume, lambda: counts.append(tiny.apcs.resume(thread)))
    return counts


def test_0b8_a_suspended_thread_stops_where_it_is_and_goes_on_when_resumed(clock: type[Clock]) -> None:
    tiny = Apcs()
    tiny.apcs.cost = 20
    thread = tiny.start(compute(1000), note("done"))
    thread.request = request = tiny.request()
    counts = suspend_and_resume(tiny, thread, 300, 800)
    tiny.run()
    assert (tiny.log, counts) == ([(1500, "done")], [0, 1])
    assert causes(request) == {"user": 1000, "kernel": 20, "blocked_call": 480}
    assert thread.apc_frames == []


def test_0b8_1_6_the_place_at_the_port_is_free_when_the_target_runs_the_suspend_apc() -> None:
    """Limit 1; the thread holds a packet and runs: the interrupt to it takes 40, the delivery 20, then the next is let in."""
    tiny = Apcs()
    tiny.processors[0].ipi.cost = 40
    tiny.apcs.cost = 20
    queue = tiny.queue(1)
    _, active = parked(tiny, queue, 2)
    tiny.insert(100, queue, 1, 2)
    tiny.at(200, lambda: tiny.apcs.suspend(active))
    tiny.run()
    assert tiny.log == [(100, "T1 takes 1"), (260, "T0 takes 2")]
    assert is_suspended(active)


def test_0b8_a_ready_target_that_does_not_run_keeps_its_place() -> None:
    """Pre-empted from 150 to 1,150, suspended at 200: the other worker gets in when the target has run the APC."""
    tiny = Apcs()
    queue = tiny.queue(1)
    _, active = parked(tiny, queue, 2)
    tiny.insert(100, queue, 1, 2)
    tiny.start(compute(1000), note("outsider"), priority=12, at=150)
    tiny.at(200, lambda: tiny.apcs.suspend(active))
    tiny.run()
    assert tiny.log == [(100, "T1 takes 1"), (1150, "outsider"), (1150, "T0 takes 2")]


def test_a_suspended_thread_counts_again_when_it_is_resumed() -> None:
    tiny = Apcs()
    queue = tiny.queue(2)
    (thread,) = parked(tiny, queue, 1)
    tiny.insert(100, queue, 1)
    running: list[int] = []
    suspend_and_resume(tiny, thread, 200, 300)
    for time in (150, 250, 350):
        tiny.at(time, lambda: running.append(queue.running))
    tiny.run()
    assert running == [1, 0, 1]


def test_suspensions_count_and_the_last_resume_lets_it_go() -> None:
    tiny = Apcs()
    thread = tiny.start(compute(1000), note("done"))
    counts = [suspend_and_resume(tiny, thread, 300 + place, 800 + 100 * place) for place in (0, 1)]
    tiny.run()
    assert tiny.log == [(1600, "done")]
    assert (counts, tiny.apcs.resume(thread)) == ([[0, 2], [1, 1]], 0)


def test_a_resume_before_the_apc_could_run_leaves_the_thread_alone() -> None:
    """In a critical region the suspension waits (it is a normal kernel APC)."""
    tiny = Apcs()
    thread = tiny.start(region("enter_critical"), compute(1000), region("leave_critical"), compute(10), note("done"))
    suspend_and_resume(tiny, thread, 300, 800)
    tiny.run()
    assert (tiny.log, thread.suspending) == ([(1010, "done")], False)


def test_a_suspension_waits_for_the_end_of_a_critical_region() -> None:
    tiny = Apcs()
    thread = tiny.start(region("enter_critical"), compute(1000), region("leave_critical"), compute(10), note("done"))
    suspend_and_resume(tiny, thread, 300, 3000)
    tiny.run()
    assert tiny.log == [(3010, "done")]


def test_a_suspended_thread_runs_special_apcs_all_the_same() -> None:
    tiny = Apcs()
    thread = tiny.start(compute(1000), note("done"))
    suspend_and_resume(tiny, thread, 300, 800)
    tiny.hit(500, thread, Noting(tiny, cost=50), Noting(tiny, "normal", 10, special=False))
    tiny.run()
    assert tiny.log == [(550, "apc"), (810, "normal"), (1510, "done")]


def test_a_resume_while_a_special_apc_runs_on_top_of_the_suspension_is_not_missed() -> None:
    tiny = Apcs()
    thread = tiny.start(compute(1000), note("done"))
    suspend_and_resume(tiny, thread, 300, 520)
    tiny.hit(500, thread, Noting(tiny, cost=50))
    tiny.run()
    assert tiny.log == [(550, "apc"), (1250, "done")]


@pytest.mark.parametrize(("blocked", "ends"), [(400, 800), (2000, 2000)])
def test_a_thread_suspended_in_its_wait_goes_on_when_both_are_over(blocked: int, ends: int) -> None:
    tiny = Apcs()
    thread = tiny.start(block(blocked), note("on"))
    suspend_and_resume(tiny, thread, 300, 800)
    tiny.run()
    assert tiny.log == [(ends, "on")]


def test_a_suspended_parked_thread_takes_nothing_and_is_the_newest_afterwards() -> None:
    tiny = Apcs()
    queue = tiny.queue(1)
    a, b = parked(tiny, queue, 2)
    suspend_and_resume(tiny, b, 300, 800)
    waiting: list[list[KernelThread]] = []
    for time in (350, 850):
        tiny.at(time, lambda: waiting.append(queue.waiting[:]))
    tiny.run()
    assert waiting == [[a], [a, b]]
    assert queue.running == 0


def test_a_thread_can_suspend_itself() -> None:
    tiny = Apcs()
    thread = tiny.thread(compute(100), Step(lambda _, thread: tiny.apcs.suspend(thread) * 0), note("on"))
    tiny.dispatcher.make_ready(thread)
    tiny.at(500, lambda: tiny.apcs.resume(thread))
    tiny.run()
    assert tiny.log == [(500, "on")]


# ---- whatever happens ------------------------------------------------------------------------------------------------


class Contention:
    """Three locks of different kinds; who is inside of which, and how."""

    def __init__(self, tiny: Tiny, spin: int, fair: bool) -> None:
        section, slim = (kind(tiny.clock, tiny.dispatcher, 0, spin, fair) for kind in (CriticalSection, SlimLock))
        self.locks: list[ContendedLock] = [section, slim, Resource(tiny.clock, tiny.dispatcher, 0)]
        self.inside = [[0, 0] for _ in self.locks]  # alone, shared

    def moves(self, number: int, shared: bool, change: int) -> Step:
        def act() -> None:
            self.inside[number][shared] += change
            alone, sharing = self.inside[number]
            assert alone + (sharing > 0) <= 1

        return call(act)

    def hold(self, number: int, shared: bool, ns: int) -> list[Step]:
        shared = shared and number > 0  # there is no sharing of a critical section
        lock = self.locks[number]
        going_in = enter(lock, shared), self.moves(number, shared, 1)
        return [*going_in, compute(ns), self.moves(number, shared, -1), leave(lock, shared)]


TIMES = st.sampled_from([0, 1, 10, 50, 100])
HOLDS = st.lists(st.tuples(st.integers(0, 2), st.booleans(), TIMES, TIMES), min_size=1, max_size=4)
THREADS = st.lists(st.tuples(TIMES, st.integers(7, 9), HOLDS), min_size=2, max_size=6)
HITS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 5), st.sampled_from([-1, 0, 25])), max_size=6)


@settings(deadline=None, max_examples=200, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    processors=st.integers(1, 3),
    spin=st.sampled_from([0, 30]),
    fair=st.booleans(),
    switch=st.sampled_from([0, 3]),
    threads=THREADS,
    hits=HITS,
)
def test_apcs_and_suspensions_cost_nobody_a_lock_and_give_nobody_one_that_is_held(
    processors: int,
    spin: int,
    fair: bool,
    switch: int,
    threads: list[tuple[int, int, list[tuple[int, bool, int, int]]]],
    hits: list[tuple[int, int, int]],
) -> None:
    """A hit of -1 suspends for 333 ns, another one is an APC of that time. Every ns of every request has a cause."""
    tiny = Apcs(processors, switch=switch)
    contention = Contention(tiny, spin, fair)
    made = []
    for at, priority, holds in threads:
        steps = [
            step for number, shared, ns, apart in holds for step in (*contention.hold(number, shared, ns), block(apart))
        ]
        made.append(tiny.start(*steps, priority=priority, at=at))
        made[-1].request = tiny.request()

    def hit(thread: KernelThread, time: int) -> None:
        if thread.state == TERMINATED or not thread.switches:
            return
        if time >= 0:
            tiny.apcs.insert(thread, Noting(tiny, cost=time))
        else:
            tiny.apcs.suspend(thread)
            tiny.at(tiny.clock.now + 333, lambda: tiny.apcs.resume(thread))

    for at, number, time in hits:
        target = made[number % len(made)]
        tiny.at(at, lambda it=(target, time): hit(*it))  # type: ignore[misc]
    tiny.run()
    assert [thread.state for thread in made] == [TERMINATED] * len(made)
    assert not any(lock.contenders for lock in contention.locks)
    for thread in made:
        assert sum(thread.request.ledger) == thread.request.mark - thread.request.intended
