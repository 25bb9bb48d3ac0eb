"""Who runs where: priorities, quantum, idle processors, switches, waits, timers. Times are ns. Cases C..: semantics 9.10."""

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from tiny import (
    GO,
    WAIT,
    Device,
    Scheduled,
    Step,
    Tiny,
    block,
    call,
    causes,
    compute,
    lower_irql,
    note,
    raise_irql,
    take,
    wait,
)

from iosim.actor import Clock
from iosim.completion_port import CompletionPort
from iosim.dispatcher import (
    THREAD_PRIORITY_IDLE,
    THREAD_PRIORITY_TIME_CRITICAL,
    base_priority,
    boost,
    decay,
    quantum_units,
)
from iosim.heap_clock import HeapClock
from iosim.kernel_queue import KernelQueue, KernelThread
from iosim.modes import HALTED, PASSIVE
from iosim.ntstatus import STATUS_PENDING
from iosim.objects import INFINITE, Event, wait_for
from iosim.scheduling import SchedulerParams
from iosim.simpy_clock import SimpyClock
from iosim.thread import DISPATCH_LEVEL, READY, TERMINATED, Program
from iosim.win32 import Api, Handle, System, ThreadBody


@pytest.fixture(params=[HeapClock, SimpyClock])
def clock(request: pytest.FixtureRequest) -> type[Clock]:
    kind: type[Clock] = request.param
    return kind


# ---- priorities and quantum ------------------------------------------------------------------------------------------


def test_the_highest_ready_priority_runs_and_equals_take_turns_in_order() -> None:
    tiny = Tiny()
    for name, priority in (("a", 8), ("b", 8), ("c", 9), ("d", 8)):
        tiny.start(compute(100), note(name), priority=priority)
    tiny.run()
    assert tiny.log == [(100, "c"), (200, "a"), (300, "b"), (400, "d")]


QUANTA = pytest.mark.parametrize("mode", ["cycles", "ticks"])  # a tick every 100 ns: nothing here tells them apart


@QUANTA
def test_C06_a_pre_empted_thread_goes_on_before_its_equals_with_the_rest_of_its_quantum(
    mode: str, clock: type[Clock]
) -> None:
    """A runs 0-400; the better thread 400-500; A the other 600 of its quantum, to 1,100; only then B."""
    tiny = Scheduled(1, SchedulerParams(quantum_mode=mode), quantum=1000, tick=100, clock=clock)
    tiny.start(compute(1500), note("a"))
    tiny.start(compute(200), note("b"))
    tiny.start(compute(100), note("better"), priority=9, at=400)
    tiny.run()
    assert tiny.log == [(500, "better"), (1300, "b"), (1800, "a")]


@QUANTA
def test_C07_at_its_quantums_end_a_thread_goes_to_the_tail_with_a_full_one(mode: str, clock: type[Clock]) -> None:
    """A 0-1,000, B to 2,000, A a full quantum to 3,000, B's last 500, A's last 500."""
    tiny = Scheduled(1, SchedulerParams(quantum_mode=mode), quantum=1000, tick=100, clock=clock)
    a = tiny.start(compute(2500), note("a"))
    tiny.start(compute(1500), note("b"))
    tiny.run()
    assert tiny.log == [(3500, "b"), (4000, "a")]
    assert a.switches == 3


def test_a_quantum_that_ends_with_nobody_else_ready_changes_nothing() -> None:
    tiny = Tiny(quantum=1000, switch=50)
    thread = tiny.start(compute(2500), note("a"))
    tiny.start(compute(10), note("worse"), priority=7)
    tiny.run()
    assert tiny.log == [(2550, "a"), (2610, "worse")]
    assert thread.switches == 1


def test_a_quantum_that_ends_with_the_stretch_is_refilled_before_the_next_one() -> None:
    tiny = Tiny(quantum=1000)
    tiny.start(compute(1000), compute(900), note("a"))
    tiny.start(compute(100), note("b"))
    tiny.run()
    assert tiny.log == [(1100, "b"), (2000, "a")]


def test_interrupts_are_not_charged_to_the_quantum() -> None:
    """Semantics 0b.12: processor cycles are charged, and those of ISR and DPC left out."""
    tiny = Tiny(quantum=1000)
    tiny.start(compute(1500), note("a"))
    tiny.start(compute(100), note("b"))
    Device(tiny.processors[0], 50, 150).at(tiny, 500)
    tiny.run()
    assert tiny.log == [(1300, "b"), (1800, "a")]


def test_a_better_thread_pre_empts_the_worst_running_one() -> None:
    tiny = Tiny(2)
    tiny.start(compute(1000), note("8"), priority=8)
    tiny.start(compute(1000), note("7"), priority=7)
    tiny.start(compute(100), note("9"), priority=9, at=300)
    tiny.run()
    assert tiny.log == [(400, "9"), (1000, "8"), (1100, "7")]


def test_an_equal_thread_pre_empts_nobody() -> None:
    tiny = Tiny()
    tiny.start(compute(1000), note("first"))
    tiny.start(compute(100), note("second"), at=300)
    tiny.run()
    assert tiny.log == [(1000, "first"), (1100, "second")]


@pytest.mark.parametrize("kind", [Tiny, Scheduled])
def test_7_1_two_better_threads_that_one_thread_wakes_pre_empt_it_and_the_next_worst(kind: type[Tiny]) -> None:
    """The waker, at 1, can make way for one of them only; the other one takes the processor of the thread at 2."""
    tiny = kind(2)
    x, y = (tiny.start(wait(), compute(100), note(name), priority=10) for name in "xy")
    wakes = [call(lambda it=it: tiny.dispatcher.wake(it)) for it in (x, y)]  # type: ignore[misc]
    tiny.start(compute(1000), note("two"), priority=2, last=1)
    tiny.start(compute(50), *wakes, compute(50), note("one"), priority=1, last=0)
    tiny.run()
    assert tiny.log == [(150, "x"), (150, "y"), (200, "one"), (1100, "two")]


def test_0b10_a_thread_that_is_woken_by_a_holder_of_a_spin_lock_pre_empts_elsewhere() -> None:
    """The holder is the worst of all, but can't be pre-empted; where it lowers its IRQL the other one goes on."""
    tiny = Tiny(2)
    woken = tiny.start(wait(), compute(100), note("woken"), priority=10)
    tiny.start(compute(1000), note("two"), priority=2, last=1)
    wake = call(lambda: tiny.dispatcher.wake(woken))
    steps = raise_irql(DISPATCH_LEVEL), compute(50), wake, compute(50), lower_irql(), note("lowered")
    tiny.start(*steps, priority=1, last=0)
    tiny.run()
    assert tiny.log == [(150, "woken"), (150, "lowered"), (1050, "two")]


def test_7_2_threads_that_pre_empt_each_other_go_on_in_reverse_order() -> None:
    """Each pays for the switch back: 5 from 8 to 14, at 0, 20, 40 and 60."""
    tiny = Tiny(switch=5)
    for place, priority in enumerate((8, 10, 12, 14)):
        tiny.start(compute(100), note(priority), priority=priority, at=20 * place)
    tiny.run()
    assert tiny.log == [(165, 14), (255, 12), (345, 10), (435, 8)]


def test_7_2_a_thread_that_is_pre_empted_twice_keeps_what_is_left_of_its_quantum() -> None:
    """A's 100 end at 120: 40, 30 and 30, with two pre-emptions of 10 between."""
    tiny = Tiny(quantum=100)
    tiny.start(compute(150), note("a"))
    tiny.start(compute(10), note("b"))
    for time in (40, 80):
        tiny.start(compute(10), priority=9, at=time)
    tiny.run()
    assert tiny.log == [(130, "b"), (180, "a")]


def test_7_1_three_equals_take_turns() -> None:
    tiny = Tiny(quantum=100)
    for name in "abc":
        tiny.start(compute(250), note(name))
    tiny.run()
    assert tiny.log == [(650, "a"), (700, "b"), (750, "c")]


def test_a_thread_that_becomes_ready_during_an_interrupt_gets_the_processor_after_it() -> None:
    """A processor at raised IRQL is not pre-empted; the choice is made when it returns to its thread."""
    tiny = Tiny()
    tiny.start(compute(1000), note("worse"))
    tiny.start(compute(100), note("better"), priority=9, at=330)
    Device(tiny.processors[0], 50, 100).at(tiny, 300)
    tiny.run()
    assert tiny.log == [(550, "better"), (1250, "worse")]


# ---- where -----------------------------------------------------------------------------------------------------------


def test_a_thread_comes_back_to_its_last_processor_if_that_is_idle() -> None:
    tiny = Tiny(4, nodes=2)
    threads = [tiny.start(compute(100), block(100), compute(10)) for _ in range(4)]
    tiny.run()
    assert [thread.processor for thread in threads] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("busy", "chosen"), [((), 2), ((0, 1, 3), 2), ((2,), 3), ((2, 3), 0), ((0, 2, 3), 1), ((0, 1, 2), 3)]
)
def test_a_woken_thread_goes_to_its_last_processor_else_one_of_its_node_else_any(
    busy: tuple[int, ...], chosen: int
) -> None:
    """Two nodes of two processors; it ran on processor 2 before (semantics 7.3)."""
    tiny = Tiny(4, nodes=2)
    for processor in busy:
        tiny.start(compute(1000), last=processor)
    thread = tiny.start(compute(10), note("done"), at=10, last=2)
    tiny.run()
    assert thread.processor == chosen
    assert tiny.log == [(20, "done")]


def test_with_no_idle_processor_it_waits_for_any() -> None:
    tiny = Tiny(2)
    tiny.start(compute(100), last=0)
    tiny.start(compute(90), last=1)
    thread = tiny.start(compute(10), note("done"), at=10, last=0)
    thread.request = request = tiny.request()
    tiny.at(10, lambda: setattr(request, "mark", 10))
    tiny.run()
    assert tiny.log == [(100, "done")]
    assert thread.processor == 1
    assert causes(request) == {"ready_queue": 80, "user": 10}


# ---- switches --------------------------------------------------------------------------------------------------------


def test_a_switch_is_charged_once_each_time_a_processor_turns_to_a_thread() -> None:
    """A: 50 + 400; better: 50 + 100; A again: 50 + 600. An interrupt that returns to the same thread is no switch."""
    tiny = Tiny(switch=50)
    a = tiny.start(compute(1000), note("a"))
    tiny.start(compute(100), note("better"), priority=9, at=450)
    Device(tiny.processors[0], 10, 20).at(tiny, 800)
    tiny.run()
    assert tiny.log == [(600, "better"), (1280, "a")]
    assert tiny.account() == {"switch": 150, "user": 1100, "isr": 10, "dpc": 20}
    assert (a.switches, sum(thread.switches for thread in tiny.dispatcher.threads)) == (2, 3)


def test_the_unpaid_rest_of_a_switch_stays_owed() -> None:
    """Pre-empted after 20 of the 50 ns: when it returns it owes the rest and a new switch."""
    tiny = Tiny(switch=50)
    tiny.start(compute(100), note("a"))
    tiny.start(compute(100), note("better"), priority=9, at=20)
    tiny.run()
    assert tiny.log == [(170, "better"), (350, "a")]
    assert tiny.account() == {"switch": 150, "user": 200}


def test_kinds_of_time_are_paid_in_the_written_order() -> None:
    """Switch, refill, kernel, user, spin: an interrupt in between shows how far it has come."""
    tiny = Tiny(switch=10)

    def charge() -> None:
        thread.owe_spin(10)
        thread.owe_user(10)
        thread.owe_kernel(10)
        thread.owe_refill(10)

    thread = tiny.start(call(charge), compute(0))
    seen: list[dict[str, int]] = []

    def look() -> None:
        tiny.dispatcher.settle()
        seen.append(tiny.account())

    for time in (5, 15, 25, 35, 45):
        tiny.at(time, look)
    tiny.run()
    order = ["switch", "refill", "kernel", "user", "spin"]
    for place, account in enumerate(seen):
        assert account == dict.fromkeys(order[:place], 10) | {order[place]: 5}


# ---- waits -----------------------------------------------------------------------------------------------------------


def test_a_wait_of_the_request_has_the_waits_cause() -> None:
    tiny = Tiny(switch=50)
    thread = tiny.start(compute(100), block(300), compute(100), note("done"))
    thread.request = request = tiny.request()
    tiny.run()
    assert tiny.log == [(600, "done")]
    assert causes(request) == {"user": 200, "wake_and_switch": 100, "blocked_call": 300}
    assert sum(request.ledger) == request.mark == 600


def test_a_bound_thread_that_blocks_lets_another_in_and_overshoots_when_it_comes_back(clock: type[Clock]) -> None:
    """K01c and K01d of semantics 9.6 on real processors: limit 1; T1 blocks for 300 ns in mid-request."""
    tiny = Tiny(2, clock=clock)
    port = CompletionPort(tiny.clock, tiny.dispatcher, 0, 1, 2)
    counts: list[tuple[int, int]] = []
    look = call(lambda: counts.append((tiny.clock.now, port.running)))
    tiny.start(take(port), look, compute(500), look)
    tiny.start(take(port), compute(100), look, block(300), look, compute(50), look)
    tiny.insert(1000, port, 1, 2)
    tiny.run()
    assert tiny.log == [(1000, "T1 takes 1"), (1100, "T0 takes 2")]
    assert counts == [(1100, 1), (1100, 1), (1400, 2), (1450, 2), (1600, 1)]


def test_a_thread_that_ends_leaves_its_queue() -> None:
    tiny = Tiny()
    port = CompletionPort(tiny.clock, tiny.dispatcher, 0, 1, 1)
    tiny.start(take(port), compute(100))
    thread = tiny.start(take(port), compute(100))
    tiny.insert(50, port, 1, 2)
    tiny.run()
    assert tiny.log == [(50, "T1 takes 1"), (150, "T0 takes 2")]
    assert thread.state == TERMINATED
    assert (port.running, len(port.bound)) == (0, 0)


def test_a_wait_that_another_thread_ends_at_the_same_instant_is_not_lost() -> None:
    tiny = Tiny(2)
    sleeper = tiny.start(compute(100), wait(), note("awake"))
    tiny.start(compute(100), call(lambda: tiny.dispatcher.wake(sleeper)), compute(50), note("waker"))
    tiny.run()
    assert tiny.log == [(100, "awake"), (150, "waker")]


# ---- timers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "asked", "ends"),
    [(0, 1, 1000), (0, 1000, 1000), (1, 999, 1000), (1, 1000, 2000), (500, 600, 2000), (999, 1, 1000), (1000, 0, 1000)],
)
def test_0b13_a_timer_expires_at_the_first_tick_that_is_no_earlier_than_asked(now: int, asked: int, ends: int) -> None:
    """Semantics 0b.13: finite timeouts round up."""
    tiny = Tiny(tick=1000)
    tiny.clock.now = now
    assert now + tiny.dispatcher.next_tick(asked) == ends


def test_without_a_tick_a_timer_is_exact() -> None:
    assert Tiny(tick=0).dispatcher.next_tick(17) == 17


def test_ready_threads_are_integrated_over_time() -> None:
    """Ns x threads that were ready and had no processor: b from 0 to 100, c from 0 to 200."""
    tiny = Tiny()
    for _ in range(3):
        tiny.start(compute(100))
    tiny.run()
    assert tiny.dispatcher.ready_area == 300


# ---- boosts and quanta -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("increment", "priority"), [(1, 9), (2, 10), (6, 14)])
def test_C01_a_wake_boosts_to_base_plus_increment(increment: int, priority: int) -> None:
    thread = KernelThread(0, Program(), 8)
    boost(thread, increment)
    boost(thread, increment)  # boosts do not add up
    assert thread.priority == priority


def test_C03_a_boost_is_capped_at_15() -> None:
    thread = KernelThread(0, Program(), 13)
    boost(thread, 6)
    assert thread.priority == 15


def test_C04_real_time_threads_are_not_boosted() -> None:
    thread = KernelThread(0, Program(), 16)
    boost(thread, 6)
    assert thread.priority == 16


def test_a_smaller_boost_does_not_lower_a_boosted_thread() -> None:
    thread = KernelThread(0, Program(), 8)
    boost(thread, 6)
    boost(thread, 1)
    assert thread.priority == 14


@pytest.mark.parametrize(("foreground", "priority"), [(0, 9), (1, 10), (2, 11)])
def test_7_4_a_process_in_front_adds_its_separation_to_a_boost_and_loses_it_at_once(
    foreground: int, priority: int
) -> None:
    """A second boost finds the first one's foreground part pending; after one quantum only the base is left."""
    thread = KernelThread(0, Program(), 8)
    thread.foreground = foreground
    boost(thread, 1)
    assert thread.priority == priority
    boost(thread, 6)
    assert thread.priority == (14 if foreground == 0 else priority)
    if foreground:
        decay(thread)
        assert (thread.priority, thread.priority_decrement) == (8, 0)


@pytest.mark.parametrize(("foreground", "priority"), [(0, 8), (1, 9), (2, 10)])
def test_7_4_the_end_of_any_wait_but_a_ports_lifts_a_thread_in_front(foreground: int, priority: int) -> None:
    """Base plus an increment of 0 plus the separation; a port's wake carries none (0b.15)."""
    tiny = Tiny()
    port = KernelQueue(tiny.clock, tiny.dispatcher, 0, 1)
    seen: list[int] = []
    look = call(lambda: seen.append(thread.priority))
    thread = tiny.start(take(port), look, compute(10), block(100), look)
    thread.foreground = foreground
    tiny.insert(50, port, 1)
    tiny.run()
    assert seen == [8, priority]


def test_7_4_a_boost_is_capped_at_15_with_its_foreground_part() -> None:
    thread = KernelThread(0, Program(), 12)
    thread.foreground = 2
    boost(thread, 2)
    assert (thread.priority, thread.priority_decrement) == (15, 1)


def test_7_4_a_thread_whose_boosts_are_disabled_has_none() -> None:
    thread = KernelThread(0, Program(), 8)
    thread.boosts = False
    boost(thread, 6)
    assert thread.priority == 8


def test_7_4_a_boost_decays_by_a_level_each_quantum_down_to_the_base() -> None:
    thread = KernelThread(0, Program(), 8)
    boost(thread, 2)
    seen = []
    for _ in range(3):
        decay(thread)
        seen.append(thread.priority)
    assert seen == [9, 8, 8]


@pytest.mark.parametrize(
    ("process_class", "base"),
    [("idle", 4), ("below_normal", 6), ("normal", 8), ("above_normal", 10), ("high", 13), ("real_time", 24)],
)
def test_7_1_a_threads_base_priority_is_that_of_its_class_and_an_offset(process_class: str, base: int) -> None:
    assert [base_priority(process_class, offset) - base for offset in range(-2, 3)] == [-2, -1, 0, 1, 2]
    ends = [base_priority(process_class, end) for end in (THREAD_PRIORITY_IDLE, THREAD_PRIORITY_TIME_CRITICAL)]
    assert ends == ([16, 31] if process_class == "real_time" else [1, 15])


@pytest.mark.parametrize(("process_class", "offset"), [("urgent", 0), ("normal", 3), ("normal", -3)])
def test_7_1_other_classes_and_offsets_are_refused(process_class: str, offset: int) -> None:
    with pytest.raises(ValueError, match="priority"):
        base_priority(process_class, offset)


def test_C09_the_quantum_tables() -> None:
    """In units of a third of a clock tick: client 2 and 6 ticks, server 12."""
    client = [quantum_units(False, True, foreground) for foreground in range(3)]
    assert client == [6, 12, 18]
    assert [quantum_units(True, True, foreground) for foreground in range(3)] == [12, 24, 36]
    assert {quantum_units(True, False, foreground) for foreground in range(3)} == {36}
    assert {quantum_units(False, False, foreground) for foreground in range(3)} == {18}


def test_a_boosted_thread_runs_before_its_equals_and_loses_one_level_each_quantum() -> None:
    """Woken by an event with +1 on one processor: it pre-empts its equal at once, and shares with it after a quantum."""
    system = System(processors=1, quantum=1000)
    event: list[Handle] = []
    seen: list[tuple[str, int]] = []

    def woken(api: Api) -> ThreadBody:
        event.append((yield api.CreateEvent(False, False)))
        yield api.WaitForSingleObject(event[0], INFINITE)
        seen.append(("priority", system.threads[0].object.thread.priority))
        yield api.Compute(1500)
        seen.append(("priority", system.threads[0].object.thread.priority))
        seen.append(("woken", system.clock.now))

    def equal(api: Api) -> ThreadBody:
        yield api.Compute(100)
        yield api.SetEvent(event[0])
        yield api.Compute(2000)
        seen.append(("equal", system.clock.now))

    system.start(woken)
    system.start(equal)
    system.run()
    assert seen == [("priority", 9), ("priority", 8), ("woken", 2500), ("equal", 3600)]


# ---- whatever happens ------------------------------------------------------------------------------------------------


def awaits(number: int) -> Step:
    """Wait for an event of the test, 200 at most."""

    def act(tiny: Tiny, thread: KernelThread) -> int:
        return WAIT if wait_for(thread, [EVENTS_OF[tiny][number]], False, 200, False) == STATUS_PENDING else GO

    return Step(act)


def sets(number: int) -> Step:
    """Set it, for those who wait now; the second one with a boost."""

    def act(tiny: Tiny, _thread: KernelThread) -> int:
        EVENTS_OF[tiny][number].set(number)
        EVENTS_OF[tiny][number].reset()
        return GO

    return Step(act)


EVENTS_OF: dict[Tiny, list[Event]] = {}
TIMES = st.sampled_from([0, 1, 10, 50, 100])
STEPS = st.one_of(TIMES.map(compute), st.integers(0, 1).map(awaits), st.integers(0, 1).map(sets))
THREADS = st.lists(
    st.tuples(TIMES, st.integers(6, 11), st.lists(STEPS, min_size=1, max_size=6)), min_size=1, max_size=9
)
INTERRUPTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400)), max_size=6)


@settings(deadline=None, max_examples=200, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    kind=st.sampled_from([Tiny, Scheduled]),
    idle_exit=st.sampled_from([0, 7]),
    processors=st.integers(1, 4),
    switch=st.sampled_from([0, 3]),
    threads=THREADS,
    interrupts=INTERRUPTS,
)
@example(
    kind=Tiny,
    idle_exit=0,
    processors=2,
    switch=0,
    threads=[(0, 10, [awaits(0), compute(100)])] * 2
    + [(1, 7, [compute(100)]), (1, 6, [compute(10), sets(0), compute(100)])],
    interrupts=[],
)
def test_7_1_nobody_who_is_ready_has_a_higher_priority_than_a_thread_that_runs(
    kind: type[Tiny],
    idle_exit: int,
    processors: int,
    switch: int,
    threads: list[tuple[int, int, list[Step]]],
    interrupts: list[tuple[int, int]],
) -> None:
    """Threads and DPCs wake several others at once; above threads' level a processor is not asked."""
    tiny = kind(processors, idle_exit=idle_exit, quantum=60, tick=20, switch=switch)
    EVENTS_OF[tiny] = [Event(tiny.dispatcher, manual, False) for manual in (True, False)]
    made = [tiny.start(*steps, priority=priority, at=at) for at, priority, steps in threads]
    for number, at in interrupts:
        event = EVENTS_OF[tiny][number % 2]
        Device(tiny.processors[number % processors], 5, 11, event.set).at(tiny, at)

    def look() -> None:
        best = max((thread.priority for thread in made if thread.state == READY), default=-1)
        for processor in tiny.processors:
            assert processor.mode != PASSIVE or processor.thread.priority >= best
            assert processor.mode != HALTED or best < 0

    for time in range(0, 1500, 7):
        tiny.at(time, look, rank=80)
    tiny.run()
    assert [thread.state for thread in made] == [TERMINATED] * len(made)
    del EVENTS_OF[tiny]
