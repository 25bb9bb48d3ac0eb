"""A processor comes out of its idle state: when its thread starts, and where the time went. Semantics 0b.7. Times are ns."""

import pytest
from tiny import CountingDpc, Device, Scheduled, Tiny, block, call, causes, compute, note, wait

from iosim.actor import Clock
from iosim.apc import kernel_apcs
from iosim.dpc import LOW
from iosim.heap_clock import HeapClock
from iosim.simpy_clock import SimpyClock


@pytest.fixture(params=[HeapClock, SimpyClock])
def clock(request: pytest.FixtureRequest) -> type[Clock]:
    kind: type[Clock] = request.param
    return kind


def test_0b7_a_thread_starts_when_its_processor_has_left_its_idle_state_and_the_waker_goes_on(
    clock: type[Clock],
) -> None:
    """Woken at 1,300, it starts at 1,500, and pays for this switch and for the one to its first wait."""
    tiny = Tiny(2, switch=10, idle_exit=200, clock=clock)
    sleeper = tiny.start(wait(), compute(100), note("woken"), last=1)
    tiny.start(compute(90), call(lambda: tiny.dispatcher.wake(sleeper)), compute(400), note("waker"), at=1000, last=0)
    tiny.run()
    assert tiny.log == [(1300 + 200 + 20 + 100, "woken"), (1700, "waker")]
    assert tiny.account(1) == {"switch": 20, "user": 100, "idle": 1700 - 120}


def test_0b7_the_time_is_the_requests_idle_state_exit() -> None:
    tiny = Tiny(idle_exit=200, switch=10)
    thread = tiny.start(compute(100), block(1000), compute(100), note("done"))
    thread.request = request = tiny.request()
    tiny.run()
    assert tiny.log == [(1620, "done")]
    assert causes(request) == {"idle_state_exit": 400, "wake_and_switch": 20, "user": 200, "blocked_call": 1000}
    assert sum(request.ledger) == request.mark == 1620


def test_0b7_a_processor_that_is_busy_has_no_idle_state_to_leave() -> None:
    """Only the first start pays: the second thread is there when the first one ends."""
    tiny = Tiny(idle_exit=200)
    tiny.start(compute(100), note("first"))
    tiny.start(compute(100), note("second"))
    tiny.run()
    assert tiny.log == [(300, "first"), (400, "second")]


def test_0b7_a_thread_woken_from_a_dpc_of_the_only_processor_starts_when_the_drain_ends() -> None:
    tiny = Tiny(idle_exit=200)
    sleeper = tiny.start(wait(), compute(10), note("woken"))
    Device(tiny.processors[0], 10, 50, lambda: tiny.dispatcher.wake(sleeper)).at(tiny, 1000)
    tiny.run()
    assert tiny.log == [(1070, "woken")]


def test_0b7_a_thread_woken_from_a_dpc_starts_on_an_idle_processor_while_the_drain_goes_on() -> None:
    """Two DPCs of 50: the first one's end wakes the thread at 1,060; the second one ends at 1,110."""
    tiny = Tiny(2, idle_exit=20)
    sleeper = tiny.start(wait(), compute(10), note("woken"), last=0)
    Device(tiny.processors[0], 10, 50, lambda: tiny.dispatcher.wake(sleeper)).at(tiny, 1000)
    Device(tiny.processors[0], 0, 50, lambda: tiny.log.append((tiny.clock.now, "drained"))).at(tiny, 1005)
    tiny.run()
    assert tiny.log == [(1090, "woken"), (1110, "drained")]
    assert sleeper.processor == 1


@pytest.mark.parametrize("idle_exit", [0, 200])
def test_0b7_a_long_drain_delays_the_woken_thread_on_its_own_processor_alone(idle_exit: int) -> None:
    """Five interrupts of 10, then five DPCs of 100, from 1,050 to 1,550; the first one wakes two threads, at 1,150."""
    tiny = Tiny(2, idle_exit=idle_exit)
    here, there = (tiny.start(wait(), compute(1000), note(name)) for name in ("here", "there"))

    def wake() -> None:
        tiny.dispatcher.wake(there)  # to processor 1, which is idle
        tiny.dispatcher.wake(here)

    for number in range(5):
        device = Device(tiny.processors[0], 10, 100, wake if not number else lambda: None)
        device.at(tiny, 1000 + number)
    tiny.run()
    assert tiny.log == [(1150 + idle_exit + 1000, "there"), (2550, "here")]


def test_a_processor_that_is_waking_gets_no_second_thread(clock: type[Clock]) -> None:
    """The second takes the other one; the third waits until the first has ended."""
    tiny = Tiny(2, idle_exit=200, clock=clock)
    threads = [tiny.start(compute(100), note(number), at=10 * number, last=0) for number in range(3)]
    tiny.run()
    assert tiny.log == [(300, 0), (310, 1), (400, 2)]
    assert [thread.processor for thread in threads] == [0, 1, 0]


def test_a_better_thread_that_becomes_ready_during_the_wake_runs_first(clock: type[Clock]) -> None:
    tiny = Tiny(idle_exit=200, clock=clock)
    worse = tiny.start(compute(100), note("worse"))
    tiny.start(compute(100), note("better"), priority=9, at=50)
    worse.request = request = tiny.request()
    tiny.run()
    assert tiny.log == [(300, "better"), (400, "worse")]
    assert causes(request) == {"idle_state_exit": 200, "ready_queue": 100, "user": 100}


def test_an_interrupt_finds_the_waking_processor_awake_and_its_thread_starts_after_the_drain(
    clock: type[Clock],
) -> None:
    tiny = Tiny(idle_exit=200, switch=10, clock=clock)
    thread = tiny.start(compute(100), note("done"), compute(5), block(10), compute(5), note("again"))
    thread.request = request = tiny.request()
    Device(tiny.processors[0], 20, 30).at(tiny, 80)
    tiny.run()
    assert tiny.log[0] == (80 + 50 + 10 + 100, "done")
    assert tiny.log[1] == (245 + 10 + 200 + 10 + 5, "again")
    assert causes(request) == {
        "idle_state_exit": 80 + 200,
        "interrupted": 50,
        "wake_and_switch": 20,
        "user": 110,
        "blocked_call": 10,
    }
    assert tiny.account() == {"idle": 80 + 210, "isr": 20, "dpc": 30, "switch": 20, "user": 110}


def test_a_thread_with_time_left_from_before_goes_on_after_an_interrupt_of_the_waking_processor() -> None:
    """It moves to the idle processor 1 in mid-stretch, which is interrupted while it wakes; later it waits as ever."""
    tiny = Scheduled(2, idle_exit=200)
    thread = tiny.start(compute(500), note("moved"), block(100), note("woken"), last=0)
    tiny.at(300, lambda: tiny.dispatcher.set_affinity(thread, 0b10))
    Device(tiny.processors[1], 20, 30).at(tiny, 350)
    planned: list[bool] = []
    tiny.at(500, lambda: planned.append(thread.planned))
    tiny.run()
    assert tiny.log == [(400 + 400, "moved"), (800 + 100 + 200, "woken")]
    assert planned == [False]  # it runs: whatever wakes it next asks its program
    assert tiny.busy(0) == {"user": 100}
    assert tiny.busy(1) == {"user": 400, "isr": 20, "dpc": 30}


def test_7_6_3_a_dpc_that_waited_for_the_tick_wakes_the_processor_at_once() -> None:
    """The tick of 1,000 is an interrupt: the thread, given at 800, starts when the DPC has run."""
    tiny = Tiny(2, tick=1000, idle_exit=400)
    dpc = CountingDpc(50, importance=LOW)
    dpc.aim(tiny.processors[1])
    tiny.start(compute(2000), last=0)
    tiny.at(500, lambda: tiny.processors[0].queue_dpc(dpc))
    tiny.start(compute(100), note("done"), last=1, at=800)
    tiny.run()
    assert dpc.runs == [1000]
    assert tiny.log == [(1150, "done")]


def test_0b8_a_thread_that_is_suspended_while_its_processor_wakes_does_nothing_before() -> None:
    tiny = Tiny(idle_exit=200)
    apcs = kernel_apcs(tiny.dispatcher)
    thread = tiny.start(wait(), note("done"))
    tiny.at(1000, lambda: tiny.dispatcher.wake(thread))
    tiny.at(1100, lambda: apcs.suspend(thread))
    tiny.at(2000, lambda: apcs.resume(thread))
    tiny.run()
    assert tiny.log == [(2200, "done")]


def test_a_better_thread_takes_a_waking_processor_over_after_its_interrupt() -> None:
    tiny = Tiny(idle_exit=200)
    tiny.start(compute(100), note("worse"))
    Device(tiny.processors[0], 20, 30).at(tiny, 80)
    tiny.start(compute(100), note("better"), priority=9, at=90)
    tiny.run()
    assert tiny.log == [(230, "better"), (330, "worse")]


@pytest.mark.parametrize("interrupted", [False, True])
def test_with_smt_the_pace_is_shared_from_the_threads_first_instant_on(interrupted: bool) -> None:
    """Two busy siblings do 1.0 of one, a switch is 40: A alone 200 to 300, both to 780, B's last 200 alone to 980.

    Interrupted from 250 to 300, B shares the core from 250 on: A has done 50 by then, and the other 290 by 830; B has
    done its switch by 380 and 225 by 830.
    """
    tiny = Tiny(2, smt=1.0, idle_exit=200, switch=40)
    tiny.start(compute(300), note("a"), last=0)
    tiny.start(compute(400), note("b"), at=100, last=1)
    if interrupted:
        Device(tiny.processors[1], 50).at(tiny, 250)
    tiny.run()
    assert tiny.log == ([(830, "a"), (1005, "b")] if interrupted else [(780, "a"), (980, "b")])


def test_time_is_booked_as_idle_up_to_any_instant_of_the_wake() -> None:
    tiny = Tiny(idle_exit=200)
    tiny.start(compute(100), at=50)
    seen = []

    def look() -> None:
        tiny.dispatcher.settle()
        seen.append(tiny.account())

    for time in (100, 249, 300):
        tiny.at(time, look)
    tiny.run()
    assert seen == [{"idle": 100}, {"idle": 249}, {"idle": 250, "user": 50}]


def test_with_an_exit_of_0_nothing_is_different() -> None:
    """The effect vanishes with its cost: not one event more."""
    runs = []
    for tiny in (Tiny(2), Tiny(2, idle_exit=0)):
        tiny.start(compute(100), block(50), compute(100), note("a"))
        tiny.start(compute(130), block(50), compute(100), note("b"))
        runs.append((tiny.run().log, tiny.clock.events))
    assert runs[0] == runs[1]
    assert runs[0][0] == [(250, "a"), (280, "b")]
