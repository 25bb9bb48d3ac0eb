"""One logical processor: interrupts over DPCs over threads, SMT, and every nanosecond accounted for. Times are ns."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tiny import Device, Step, Tick, Tiny, block, call, causes, compute, note

from iosim.actor import THREAD, Clock
from iosim.heap_clock import HeapClock
from iosim.modes import HALTED
from iosim.simpy_clock import SimpyClock


@pytest.fixture(params=[HeapClock, SimpyClock])
def clock(request: pytest.FixtureRequest) -> type[Clock]:
    kind: type[Clock] = request.param
    return kind


# ---- IRQL ------------------------------------------------------------------------------------------------------------


def test_an_interrupt_and_its_dpc_hold_the_thread_up_by_exactly_their_time(clock: type[Clock]) -> None:
    tiny = Tiny(clock=clock)
    thread = tiny.start(compute(1000), note("done"))
    thread.request = request = tiny.request()
    Device(tiny.processors[0], isr=50, dpc=100).at(tiny, 300)
    tiny.run()
    assert tiny.log == [(1150, "done")]
    assert tiny.account() == {"user": 1000, "isr": 50, "dpc": 100}
    assert causes(request) == {"user": 1000, "interrupted": 150}
    assert sum(request.ledger) == request.mark == 1150


def test_an_interrupt_stops_a_dpc_which_then_goes_on(clock: type[Clock]) -> None:
    """Thread 0-300, first ISR to 350, its DPC to 400, second ISR to 450, the DPC's rest to 500, second DPC to 600."""
    tiny = Tiny(clock=clock)
    thread = tiny.start(compute(1000), note("thread"))
    thread.request = request = tiny.request()
    first = Device(tiny.processors[0], 50, 100, lambda: tiny.log.append((tiny.clock.now, "first")))
    second = Device(tiny.processors[0], 50, 100, lambda: tiny.log.append((tiny.clock.now, "second")))
    first.at(tiny, 300)
    second.at(tiny, 400)
    tiny.run()
    assert tiny.log == [(500, "first"), (600, "second"), (1300, "thread")]
    assert tiny.account() == {"user": 1000, "isr": 100, "dpc": 200}
    assert causes(request)["interrupted"] == 300


def test_7_6_4_interrupts_during_a_drain_hold_its_dpc_up_and_their_own_dpcs_wait_behind_it() -> None:
    """The first DPC from 110, 40 of its 100 done at 150; two service routines to 170; it goes on to 230."""
    tiny = Tiny()
    thread = tiny.start(compute(1000), note("done"))
    thread.request = request = tiny.request()
    devices = [Device(tiny.processors[0], 10, 100) for _ in range(3)]
    for device, at in zip(devices, (100, 150, 155), strict=True):
        device.at(tiny, at)
    tiny.run()
    assert [device.dpc.runs for device in devices] == [[110], [230], [330]]
    assert tiny.log == [(1330, "done")]
    assert causes(request) == {"user": 1000, "interrupted": 330}


def test_interrupts_wait_for_each_other() -> None:
    """Simplified: all devices share one level, so the second service routine begins when the first has ended."""
    tiny = Tiny()
    tiny.start(compute(1000), note("thread"))
    log = tiny.log
    Device(tiny.processors[0], 50, 100, lambda: log.append((tiny.clock.now, "first"))).at(tiny, 300)
    Device(tiny.processors[0], 30, 100, lambda: log.append((tiny.clock.now, "second"))).at(tiny, 320)
    tiny.run()
    assert log == [(480, "first"), (580, "second"), (1280, "thread")]


def test_a_vector_that_is_pending_is_not_asserted_twice() -> None:
    tiny = Tiny()
    device = Device(tiny.processors[0], 50, 100)
    device.at(tiny, 0, 10, 49)
    tiny.run()
    assert device.interrupt.queued == [True]
    assert tiny.account() == {"isr": 50, "dpc": 100}


def test_7_6_1_a_dpc_that_is_queued_already_is_not_queued_again_and_runs_once() -> None:
    """Semantics 7.6.1: inserting a queued DPC returns false. Here another DPC holds the processor meanwhile."""
    tiny = Tiny()
    Device(tiny.processors[0], 10, 500).at(tiny, 0)
    device = Device(tiny.processors[0], 10, 100)
    device.at(tiny, 100, 200)
    tiny.run()
    assert device.interrupt.queued == [True, False]
    assert device.dpc.runs == [530]  # 500 of the first DPC and three service routines
    assert tiny.account() == {"isr": 30, "dpc": 600}


def test_7_6_4_a_dpc_may_be_queued_again_while_it_runs() -> None:
    """It left the queue when it began: what arrives now needs another run, in the same drain."""
    tiny = Tiny()
    device = Device(tiny.processors[0], 10, 100)
    device.at(tiny, 0, 50)
    tiny.run()
    assert device.interrupt.queued == [True, True]
    assert device.dpc.runs == [10, 120]


def test_an_interrupt_on_an_idle_processor_is_no_idle_time() -> None:
    tiny = Tiny()
    Device(tiny.processors[0], 50, 100).at(tiny, 300)
    tiny.at(1000, lambda: None)
    tiny.run()
    assert tiny.account() == {"idle": 850, "isr": 50, "dpc": 100}


def test_what_ends_at_the_instant_of_an_interrupt_waits_for_it_all_the_same() -> None:
    """Devices go first at one instant (Rank), so the thread's last nanosecond is done but its program is not asked yet."""
    tiny = Tiny()
    tiny.start(compute(300), note("done"))
    Device(tiny.processors[0], 50, 100).at(tiny, 300)
    tiny.run()
    assert tiny.log == [(450, "done")]


def test_0b7_a_worker_woken_by_a_dpc_on_its_own_processor_runs_when_the_drain_has_ended() -> None:
    tiny = Tiny(1, switch=7)
    sleeper = tiny.thread(note("awake"))
    Device(tiny.processors[0], 10, 100, lambda: tiny.dispatcher.make_ready(sleeper)).at(tiny, 0)
    Device(tiny.processors[0], 10, 200).at(tiny, 50)
    tiny.run()
    assert tiny.log == [(320, "awake")]


def test_0b7_on_another_idle_processor_it_runs_while_the_dpcs_go_on() -> None:
    tiny = Tiny(2, switch=7)
    sleeper = tiny.thread(compute(5), note("awake"))
    Device(tiny.processors[0], 10, 100, lambda: tiny.dispatcher.make_ready(sleeper)).at(tiny, 0)
    Device(tiny.processors[0], 10, 200).at(tiny, 50)
    tiny.run()
    assert tiny.log == [(132, "awake")]
    assert tiny.account(1) == {"idle": 120 + 320 - 132, "switch": 7, "user": 5}


def test_a_dpc_that_wakes_a_better_thread_pre_empts_the_interrupted_one_after_the_drain() -> None:
    tiny = Tiny(1)
    better = tiny.thread(compute(100), note("better"), priority=10)
    tiny.start(compute(1000), note("worse"))
    Device(tiny.processors[0], 10, 100, lambda: tiny.dispatcher.make_ready(better)).at(tiny, 400)
    tiny.run()
    assert tiny.log == [(610, "better"), (1210, "worse")]


# ---- SMT -------------------------------------------------------------------------------------------------------------


def test_0b11_two_busy_siblings_do_yield_times_the_work_of_one(clock: type[Clock]) -> None:
    """Yield 1.25: 2,000 ns of work are done in 1,600."""
    tiny = Tiny(2, smt=1.25, clock=clock)
    tiny.start(compute(1000), note("a"))
    tiny.start(compute(1000), note("b"))
    tiny.run()
    assert tiny.log == [(1600, "a"), (1600, "b")]
    assert tiny.account(0) == tiny.account(1) == {"user": 1600}


def test_one_busy_sibling_alone_is_not_slowed() -> None:
    tiny = Tiny(2, smt=1.25)
    tiny.start(compute(1000), note("a"))
    tiny.run()
    assert tiny.log == [(1000, "a")]


def test_a_sibling_speeds_up_when_the_other_goes_idle_and_slows_down_when_it_comes_back() -> None:
    """A (1,000): 500 of its work by 800, beside B; alone to 900 (100); beside C to 1,060 (100); alone to the end."""
    tiny = Tiny(2, smt=1.25)
    tiny.start(compute(1000), note("a"))
    tiny.start(compute(500), note("b"))
    tiny.start(compute(100), note("c"), at=900)
    tiny.run()
    assert tiny.log == [(800, "b"), (1060, "c"), (1360, "a")]
    assert tiny.busy(0) == {"user": 1360}


def test_processors_of_different_cores_do_not_slow_each_other() -> None:
    tiny = Tiny(4, smt=1.25)
    tiny.start(compute(1000), note("a"), last=1)
    tiny.start(compute(1000), note("b"), last=2)
    tiny.run()
    assert tiny.log == [(1000, "a"), (1000, "b")]


def test_service_routines_slow_the_sibling_but_are_not_slowed() -> None:
    """Simplified, as the module says. Thread: 300 alone, 150 beside ISR and DPC (93 of work, a rest of 607), then alone."""
    tiny = Tiny(2, smt=1.25)
    tiny.start(compute(1000), note("thread"))
    Device(tiny.processors[1], 50, 100).at(tiny, 300)
    tiny.run()
    assert tiny.busy(1) == {"isr": 50, "dpc": 100}
    assert tiny.log == [(1056, "thread")]


# ---- accounts --------------------------------------------------------------------------------------------------------


def check_sums(tiny: Tiny) -> None:
    """At any settled instant a processor's kinds sum to the clock."""
    tiny.dispatcher.settle()
    for processor in tiny.processors:
        assert sum(processor.account) == tiny.clock.now
        assert min(processor.account) >= 0


TIMES = st.integers(0, 2000)
STEPS = st.lists(st.one_of(st.builds(compute, st.integers(0, 700)), st.builds(block, st.integers(0, 300))), max_size=5)
THREADS = st.lists(st.tuples(STEPS, st.integers(7, 9), TIMES), max_size=6)
INTERRUPTS = st.lists(st.tuples(st.integers(0, 1), TIMES), max_size=6)


def busy_machine(
    clock: type[Clock], threads: list[tuple[list[Step], int, int]], interrupts: list[tuple[int, int]], smt: float
) -> tuple[Tiny, list[Device]]:
    tiny = Tiny(2, switch=13, quantum=250, smt=smt, l2=300, l3=400, l3_line=32, memory_line=64, clock=clock)
    for number, (steps, priority, at) in enumerate(threads):
        thread = tiny.start(*steps, note(number), priority=priority, at=at)
        thread.request = tiny.request(number)
        thread.private = 90
    devices = [Device(processor, 31, 57) for processor in tiny.processors]
    for number, at in interrupts:
        devices[number].at(tiny, at)
    return tiny, devices


@settings(deadline=None, max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(threads=THREADS, interrupts=INTERRUPTS, smt=st.sampled_from([0.0, 1.0, 1.3, 2.0]))
def test_whatever_happens_the_accounts_add_up_and_looking_changes_nothing(
    threads: list[tuple[list[Step], int, int]], interrupts: list[tuple[int, int]], smt: float
) -> None:
    """Pre-emption, quantum ends, interrupts, SMT and refill all at once, looked at every 7 ns, and not at all."""
    watched, _ = busy_machine(HeapClock, threads, interrupts, smt)
    Tick(watched.clock, 7, lambda: check_sums(watched))
    watched.run()
    unwatched, devices = busy_machine(SimpyClock, threads, interrupts, smt)
    unwatched.run()
    assert watched.log == unwatched.log
    assert len(unwatched.log) == len(threads)
    check_sums(unwatched)
    assert [watched.busy(number) for number in (0, 1)] == [unwatched.busy(number) for number in (0, 1)]
    for number, device in enumerate(devices):
        assert unwatched.busy(number).get("isr", 0) == 31 * len(device.interrupt.queued)
        assert unwatched.busy(number).get("dpc", 0) == 57 * len(device.dpc.runs)
    for thread in unwatched.dispatcher.threads:
        request = thread.request
        assert sum(request.ledger) == request.mark - request.intended


def test_a_processor_has_one_pending_event_at_most() -> None:
    """Its end of stretch, DPC or service routine: everything else that it had asked for is dead."""
    tiny = Tiny(1, quantum=100)
    tiny.start(compute(1000))
    Device(tiny.processors[0], 50, 100).at(tiny, 30, 90, 410)
    live: list[int] = []

    def look() -> None:
        heap = tiny.clock.heap  # type: ignore[attr-defined]
        processor = tiny.processors[0]
        live.append(sum(1 for entry in heap if entry[3] is processor and entry[5] == processor.generation))
        assert live[-1] == (processor.mode != HALTED)

    for time in range(0, 1600, 10):
        tiny.at(time + 1, look)
    tiny.run()
    assert set(live) == {0, 1}


def test_a_better_thread_that_becomes_ready_while_a_program_is_asked_goes_first() -> None:
    """Even where everything before cost nothing: the priority holds at once, not after the present stretch."""
    tiny = Tiny(1)
    better = tiny.thread(compute(10), note("better"), priority=10)
    wake = call(lambda: tiny.dispatcher.make_ready(better))
    tiny.start(compute(100), wake, compute(100), note("worse"))
    tiny.run()
    assert tiny.log == [(110, "better"), (210, "worse")]


def test_the_same_holds_for_a_program_that_is_asked_for_the_first_time() -> None:
    tiny = Tiny(1)
    better = tiny.thread(compute(10), note("better"), priority=10)
    tiny.start(call(lambda: tiny.dispatcher.make_ready(better)), compute(100), note("worse"))
    tiny.run()
    assert tiny.log == [(10, "better"), (110, "worse")]


def test_an_interrupt_at_the_very_instant_a_processor_goes_idle_is_served() -> None:
    tiny = Tiny(1)
    tiny.start(compute(100))
    device = Device(tiny.processors[0], 5, 5)
    tiny.at(100, device.raise_interrupt, THREAD)
    tiny.run()
    assert device.dpc.runs == [105]
