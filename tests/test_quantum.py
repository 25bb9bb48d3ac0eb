"""Quanta in clock ticks: a tick is charged to whoever runs, a satisfied wait costs a unit. Semantics 7.2, 7.4, 0b.12."""

import pytest
from tiny import WAIT, Device, Passing, Scheduled, Step, Tiny, block, compute, note, wait
from tiny_win32 import Log

from iosim.actor import Clock
from iosim.apc import kernel_apcs
from iosim.completion import CompletionMode
from iosim.heap_clock import HeapClock
from iosim.kernel_queue import KernelThread
from iosim.ntstatus import STATUS_PENDING
from iosim.objects import Event, wait_for
from iosim.scheduling import SchedulerParams
from iosim.simpy_clock import SimpyClock
from iosim.win32 import Api, System, ThreadBody

TICKS = SchedulerParams(quantum_mode="ticks")


@pytest.fixture(params=[HeapClock, SimpyClock])
def clock(request: pytest.FixtureRequest) -> type[Clock]:
    kind: type[Clock] = request.param
    return kind


def timed_out(tiny: Scheduled, timeout: int) -> Step:
    """Wait for nothing, until the timeout."""
    nothing = Event(tiny.dispatcher, True, False)

    def act(_tiny: Tiny, thread: KernelThread) -> int:
        assert wait_for(thread, [nothing], False, timeout, False) == STATUS_PENDING
        return WAIT

    return Step(act)


def by_ticks(processors: int = 1, quantum: int = 200, clock: type[Clock] = HeapClock, **tiny: int) -> Scheduled:
    """A tick every 100 ns: a quantum of 200 is 6 units."""
    return Scheduled(processors, TICKS, quantum=quantum, tick=100, clock=clock, **tiny)


def test_0b12_a_tick_is_charged_to_whoever_runs_however_long_it_ran(clock: type[Clock]) -> None:
    """B comes at 90 and is there at the ticks of 100 and 200: its quantum of two ticks is over after 110 ns.

    A, pre-empted with nothing charged, goes on with a full one: ticks at 300 and 400 end it.
    """
    tiny = by_ticks(clock=clock)
    tiny.start(compute(500), note("a"))
    tiny.start(compute(200), note("b"), priority=9, at=90)
    tiny.start(compute(10), note("c"), priority=9, at=95)
    tiny.run()
    assert tiny.log == [(210, "c"), (300, "b"), (710, "a")]


def test_0b12_a_thread_that_is_never_there_at_a_tick_is_never_charged() -> None:
    """It runs for 90 of every 100 ns, 360 in all, and keeps its quantum of 100 (one tick)."""
    tiny = by_ticks(quantum=100)
    steps = [step for _ in range(4) for step in (compute(90), block(10))]
    thread = tiny.start(*steps, note("done"), priority=14, at=5)
    tiny.run()
    assert tiny.log == [(405, "done")]
    assert thread.units == 3
    assert tiny.busy() == {"user": 360}


def test_7_2_ticks_that_fall_into_interrupts_are_charged_to_the_interrupted_thread() -> None:
    """Its quantum ends when the DPC has: at 230, and its equal runs."""
    tiny = by_ticks()
    tiny.start(compute(300), note("a"))
    tiny.start(compute(50), note("b"), at=1)
    Device(tiny.processors[0], 10, 40).at(tiny, 180)
    tiny.run()
    assert tiny.log == [(280, "b"), (400, "a")]


def test_7_2_0b13_a_quantum_ends_when_the_timers_of_its_last_tick_have_expired(clock: type[Clock]) -> None:
    """B's timeout and A's second tick are both at 200: B is ready when A's quantum ends, and goes first."""
    tiny = by_ticks(clock=clock)
    tiny.start(timed_out(tiny, 150), note("b woke"), compute(10), note("b"))
    tiny.start(compute(500), note("a"))
    tiny.run()
    assert tiny.log == [(200, "b woke"), (210, "b"), (510, "a")]


@pytest.mark.parametrize("at", ["the tick", "a DPC in that tick"])
def test_7_2_a_thread_that_is_pre_empted_as_its_quantum_ends_goes_to_the_tail_with_a_full_one(at: str) -> None:
    """C, which is better, wakes at 200, where A's quantum ends: when C waits again it is B's turn."""
    tiny = by_ticks()
    better = tiny.start(*([timed_out(tiny, 150)] if at == "the tick" else [wait()]), compute(10), priority=12)
    first = tiny.start(compute(300), note("a"))
    tiny.start(compute(150), note("b"))
    if at == "a DPC in that tick":
        Device(tiny.processors[0], 10, 40, lambda: tiny.dispatcher.wake(better)).at(tiny, 180)
    units: list[int] = []
    tiny.at(250, lambda: units.append(first.units))
    switches: list[int] = []
    tiny.at(290, lambda: switches.append(first.switches))
    tiny.run()
    assert (units, switches) == ([6], [1])
    assert tiny.log == [(360, "b"), (460, "a")] if at == "the tick" else [(390, "b"), (540, "a")]


def test_7_2_a_satisfied_wait_costs_a_unit_below_priority_14() -> None:
    tiny = by_ticks()
    threads = [tiny.start(wait(), compute(10), priority=priority) for priority in (8, 13, 14, 15)]
    for thread in threads:
        tiny.at(10, lambda it=thread: tiny.dispatcher.wake(it))  # type: ignore[misc]
    tiny.run()
    assert [thread.units for thread in threads] == [5, 5, 6, 6]


def test_7_2_a_real_time_thread_has_a_full_quantum_after_every_wait() -> None:
    """Both are there at the tick of 100; at 14 nothing is paid for the wait, and nothing given."""
    tiny = by_ticks(2)
    threads = [tiny.start(compute(150), block(10), compute(10), priority=priority) for priority in (14, 16)]
    tiny.run()
    assert [thread.units for thread in threads] == [3, 6]


def test_7_2_the_last_unit_paid_for_a_wait_ends_the_quantum() -> None:
    """Six waits with a quantum of six units: full again, and a boosted thread has lost a level."""
    tiny = by_ticks()
    thread = tiny.start(*[block(1) for _ in range(6)], compute(0))
    thread.priority = 12
    seen: list[tuple[int, int]] = []
    for time in (4, 5, 6):
        tiny.at(time, lambda: seen.append((thread.units, thread.priority)))
    tiny.run()
    assert seen == [(2, 12), (1, 12), (6, 11)]


def test_7_2_a_first_boost_refills_before_the_wait_is_charged_and_a_second_does_not() -> None:
    tiny = by_ticks()
    thread = tiny.start(compute(150), wait(), wait(), wait(), compute(0))
    units: list[int] = []

    def wake(increment: int) -> None:
        tiny.dispatcher.wake(thread, increment)
        units.append(thread.units)

    tiny.at(160, lambda: wake(0))
    tiny.at(170, lambda: wake(1))
    tiny.at(180, lambda: wake(2))
    tiny.run()
    assert units == [2, 5, 4]


def test_7_2_a_boost_fades_by_a_level_each_quantum() -> None:
    """Boosted by 2: at 10 until the tick of 200, at 9 until 400, then it shares with its equal at 8, two ticks each."""
    tiny = by_ticks()
    thread = tiny.start(wait(), compute(600), note("boosted"))
    tiny.at(10, lambda: tiny.dispatcher.wake(thread, 2))
    tiny.start(compute(300), note("equal"), at=20)
    seen: list[int] = []
    for time in (150, 250, 450):
        tiny.at(time, lambda: seen.append(thread.priority))
    tiny.run()
    assert seen == [10, 9, 8]
    assert tiny.log == [(900, "equal"), (910, "boosted")]


def test_0b12_the_clock_ticks_for_quanta_only_while_threads_run() -> None:
    """A machine at rest has no events: here from 150 to 5,000; and it ends."""
    tiny = by_ticks(clock=HeapClock)
    tiny.start(compute(150), note("a"))
    tiny.start(compute(150), note("b"), at=5000)
    tiny.run()
    assert tiny.log == [(150, "a"), (5150, "b")]
    assert tiny.clock.events < 20


def test_7_2_quanta_by_ticks_need_a_tick() -> None:
    with pytest.raises(ValueError, match="tick"):
        Scheduled(1, TICKS)


# ---- foreground ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("foreground", "units"), [(0, 6), (1, 12), (2, 18)])
def test_C09_a_process_in_front_has_the_longer_quantum(foreground: int, units: int) -> None:
    """Client default: 2, 4, 6 ticks."""
    params = SchedulerParams(quantum_mode="ticks", foreground_quanta=(400, 600))
    tiny = Scheduled(1, params, quantum=200, tick=100)
    thread = tiny.thread()
    tiny.dispatcher.set_foreground(thread, foreground)
    assert (thread.units, thread.full_quantum) == (units, units * 100 // 3)


def test_C09_with_fixed_quanta_the_foreground_has_no_longer_one() -> None:
    tiny = Scheduled(quantum=200)
    thread = tiny.thread()
    tiny.dispatcher.set_foreground(thread, 2)
    assert (thread.quantum, thread.full_quantum) == (200, 200)


def test_0b12_a_tick_finds_nobody_running_on_a_processor_that_is_waking() -> None:
    """Given at 0, the thread starts at 150: only the tick of 200 is charged."""
    tiny = by_ticks(idle_exit=150)
    thread = tiny.start(compute(100))
    units: list[int] = []
    for time in (110, 210):
        tiny.at(time, lambda: units.append(thread.units))
    tiny.run()
    assert units == [6, 3]


# ---- whose mode it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "tick", "scheduler", "by_ticks"),
    [
        ("direct", 100, None, False),
        ("apc", 100, None, True),
        ("apc", 0, None, False),
        ("apc", 100, SchedulerParams(), False),
        ("direct", 100, TICKS, True),
    ],
)
def test_0b12_a_system_for_programs_has_the_mode_of_its_completions_unless_told_otherwise(
    mode: CompletionMode, tick: int, scheduler: SchedulerParams | None, by_ticks: bool
) -> None:
    """A first quantum of 250 ends at its own end, or at the third tick; two threads of 400 share a processor."""
    system = System(completion_mode=mode, tick=tick, scheduler=scheduler, quantum=250)

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(50)
        yield api.Compute(350)
        log.add("done", 0)

    log = Log(system)
    system.start(program, log)
    system.start(program, log)
    system.run()
    assert system.dispatcher.by_ticks == by_ticks
    assert log.when("done") == ([700, 800] if by_ticks else [650, 800])


# ---- kernel APCs -----------------------------------------------------------------------------------------------------


def units_after_wait(apcs: int, time: int) -> int:
    """Of 6, after a wait from 10 to 90 that is broken off by APCs of so many ns."""

    class Costly(Passing):
        def cost(self, thread: KernelThread) -> int:
            return time

    tiny = by_ticks()
    thread = tiny.start(compute(10), wait(), compute(5))
    delivery = kernel_apcs(tiny.dispatcher)
    for number in range(apcs):
        tiny.at(20 + 10 * number, lambda: delivery.insert(thread, Costly()))
    tiny.at(90, lambda: tiny.dispatcher.wake(thread))
    tiny.run()
    return thread.units


@pytest.mark.parametrize(("apcs", "time"), [(0, 0), (1, 0), (1, 5), (3, 0), (3, 5)])
def test_7_2_kernel_apcs_in_mid_wait_cost_no_unit_the_wait_that_they_broke_off_costs_one(apcs: int, time: int) -> None:
    assert units_after_wait(apcs, time) == 5


def test_7_2_the_wait_costs_its_unit_when_it_ends_while_the_apc_runs() -> None:
    """The APC runs from 20 to 92."""
    assert units_after_wait(1, 72) == 5


def test_7_2_a_real_time_thread_has_no_full_quantum_for_an_apc_alone() -> None:
    """At the tick of 100 it runs, and pays 3 units; the APC at 150 ends no wait."""
    tiny = by_ticks()
    thread = tiny.start(compute(110), wait(), priority=20)
    tiny.at(150, lambda: kernel_apcs(tiny.dispatcher).insert(thread, Passing()))
    tiny.run()
    assert thread.units == 3


def test_7_2_a_suspension_is_no_wait_of_the_threads_own_and_its_resume_costs_a_unit() -> None:
    tiny = by_ticks()
    thread = tiny.start(compute(30), wait(), compute(5))
    delivery = kernel_apcs(tiny.dispatcher)
    tiny.at(10, lambda: delivery.suspend(thread))
    tiny.at(20, lambda: delivery.resume(thread))
    tiny.run()
    assert thread.units == 5
