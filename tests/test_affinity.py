"""Where a thread may run: masks, new priorities, yields, on tiny machines. Times are ns. Semantics 7.2, 7.3, 0b.16."""

import pytest
from tiny import Device, Scheduled, Step, Tiny, call, causes, compute, note

from iosim.actor import Clock
from iosim.heap_clock import HeapClock
from iosim.kernel_queue import KernelThread
from iosim.simpy_clock import SimpyClock
from iosim.thread import READY
from iosim.win32 import Api, System, ThreadBody


@pytest.fixture(params=[HeapClock, SimpyClock])
def clock(request: pytest.FixtureRequest) -> type[Clock]:
    kind: type[Clock] = request.param
    return kind


def pinned(tiny: Scheduled, mask: int, *steps: Step, priority: int = 8, at: int = 0) -> KernelThread:
    """A thread that may run on some processors only."""
    thread = tiny.start(*steps, priority=priority, at=at)
    assert tiny.dispatcher.set_affinity(thread, mask)
    return thread


# ---- affinity --------------------------------------------------------------------------------------------------------


def test_7_3_an_affine_thread_waits_for_its_processor_while_others_are_idle(clock: type[Clock]) -> None:
    tiny = Scheduled(3, clock=clock)
    tiny.start(compute(500), note("first"), last=1)
    thread = pinned(tiny, 0b010, compute(100), note("affine"))
    tiny.run()
    assert tiny.log == [(500, "first"), (600, "affine")]
    assert thread.processor == 1


def test_7_3_an_affine_thread_takes_any_idle_processor_of_its_mask() -> None:
    """Its last one is busy, 0 and 3 are idle, the mask is of 1 and 3."""
    tiny = Scheduled(4)
    tiny.start(compute(500), last=1)
    tiny.start(compute(500), last=2)
    thread = pinned(tiny, 0b1010, compute(100), note("affine"), at=10)
    thread.processor = 1
    tiny.run()
    assert tiny.log == [(110, "affine")]
    assert thread.processor == 3


def test_7_1_threads_that_are_bound_do_not_keep_an_equal_one_from_its_turn() -> None:
    """Round robin inside a level holds over a processor's own queue and the shared one."""
    tiny = Scheduled(2, quantum=100)
    for number in range(2):
        pinned(tiny, 1 << number, compute(1000), note(f"bound {number}"))
    tiny.start(compute(200), note("free"), at=10)
    tiny.run()
    assert tiny.log == [(300, "free"), (1100, "bound 0"), (1100, "bound 1")]


def test_7_2_a_pre_empted_thread_comes_before_an_equal_one_of_the_other_queue() -> None:
    """The bound one was pre-empted, and goes on before the one that has been ready longer (C06)."""
    tiny = Scheduled(2, quantum=1000)
    pinned(tiny, 0b01, compute(100), note("bound"))
    tiny.start(compute(500), last=1)
    tiny.start(compute(10), note("free"), at=10)
    pinned(tiny, 0b01, compute(20), note("better"), priority=9, at=50)
    tiny.run()
    assert tiny.log[:3] == [(70, "better"), (120, "bound"), (130, "free")]


def test_0b16_affine_threads_wait_apart_and_a_processor_takes_the_better_of_both_queues() -> None:
    """Processor 0 is free at 100: the better thread of its own queue goes first, then the shared one, then the worse."""
    tiny = Scheduled(2)
    tiny.start(compute(100), priority=10, last=0)
    tiny.start(compute(1000), priority=10, last=1)
    tiny.start(compute(10), note("shared"), priority=8, at=10)
    pinned(tiny, 0b01, compute(10), note("worse"), priority=7, at=20)
    pinned(tiny, 0b01, compute(10), note("better"), priority=9, at=30)
    tiny.run()
    assert tiny.log == [(110, "better"), (120, "shared"), (130, "worse")]


def test_7_1_of_equals_in_both_queues_the_one_that_has_been_ready_longer_goes_first() -> None:
    tiny = Scheduled(2)
    tiny.start(compute(100), last=0)
    tiny.start(compute(1000), last=1)
    tiny.start(compute(10), note("shared"), at=10)
    pinned(tiny, 0b01, compute(10), note("own"), at=20)
    tiny.run()
    assert tiny.log == [(110, "shared"), (120, "own")]


def test_0b16_a_mask_of_all_processors_is_no_affinity() -> None:
    """The thread waits in the shared queue with all others, and may be taken by any processor."""
    tiny = Scheduled()
    tiny.start(compute(100))
    tiny.start(compute(10), note("older"), at=10)
    thread = pinned(tiny, 0b1, compute(10), note("anywhere"), at=20)
    tiny.run()
    assert tiny.log == [(110, "older"), (120, "anywhere")]
    assert thread.affinity == 0


def test_7_3_an_affine_thread_pre_empts_the_worst_thread_that_it_may_replace() -> None:
    """The worst of all runs on processor 0, out of reach."""
    tiny = Scheduled(3)
    tiny.start(compute(1000), note("5"), priority=5, last=0)
    tiny.start(compute(1000), note("7"), priority=7, last=1)
    tiny.start(compute(1000), note("6"), priority=6, last=2)
    thread = pinned(tiny, 0b110, compute(100), note("affine"), at=300)
    tiny.run()
    assert tiny.log == [(400, "affine"), (1000, "5"), (1000, "7"), (1100, "6")]
    assert thread.processor == 2


def test_a_thread_that_an_affine_one_pushes_aside_goes_to_an_idle_processor(clock: type[Clock]) -> None:
    """The affine thread can't use the idle processor, the one that made way for it can."""
    tiny = Scheduled(2, switch=50, clock=clock)
    aside = tiny.start(compute(1000), note("aside"), last=0)
    pinned(tiny, 0b01, compute(100), note("affine"), priority=9, at=250)
    tiny.run()
    assert tiny.log == [(400, "affine"), (1100, "aside")]
    assert (aside.processor, aside.switches) == (1, 2)
    assert (tiny.busy(0), tiny.busy(1)) == ({"switch": 100, "user": 300}, {"switch": 50, "user": 800})


def test_with_smt_a_thread_pushed_aside_to_the_sibling_goes_on_at_half_the_pace() -> None:
    """Two busy siblings do 1.0 of one: 200 alone, then 2 x 100 together, 700 alone from 400 on."""
    tiny = Scheduled(2, smt=1.0)
    tiny.start(compute(1000), note("aside"), last=0)
    pinned(tiny, 0b01, compute(100), note("affine"), priority=9, at=200)
    tiny.run()
    assert tiny.log == [(400, "affine"), (1100, "aside")]


def test_a_quantum_that_ends_for_an_affine_thread_sends_the_other_to_an_idle_processor() -> None:
    tiny = Scheduled(2, quantum=400)
    tiny.start(compute(1000), note("free"), last=0)
    pinned(tiny, 0b01, compute(100), note("affine"), at=10)
    tiny.run()
    assert tiny.log == [(500, "affine"), (1000, "free")]


def test_7_3_a_new_mask_moves_a_running_thread_at_once() -> None:
    tiny = Scheduled(2, switch=50)
    thread = tiny.start(compute(1000), note("moved"), last=0)
    tiny.at(350, lambda: tiny.dispatcher.set_affinity(thread, 0b10))
    tiny.run()
    assert tiny.log == [(1100, "moved")]
    assert (tiny.busy(0), tiny.busy(1)) == ({"switch": 50, "user": 300}, {"switch": 50, "user": 700})


def test_7_3_a_thread_that_sets_its_own_mask_goes_on_where_it_may() -> None:
    tiny = Scheduled(2)
    seen: list[int] = []
    thread = tiny.thread(
        compute(100),
        call(lambda: tiny.dispatcher.set_affinity(thread, 0b10)),
        compute(100),
        call(lambda: seen.append(thread.processor)),
        note("done"),
    )
    thread.processor = 0
    tiny.at(0, lambda: tiny.dispatcher.make_ready(thread))
    tiny.run()
    assert tiny.log == [(200, "done")]
    assert seen == [1]


def test_7_3_a_thread_that_must_move_pre_empts_a_worse_one_there() -> None:
    tiny = Scheduled(2)
    thread = tiny.start(compute(1000), note("moved"), last=0)
    tiny.start(compute(1000), note("worse"), priority=7, last=1)
    tiny.at(300, lambda: tiny.dispatcher.set_affinity(thread, 0b10))
    tiny.run()
    assert tiny.log == [(1000, "moved"), (1000, "worse")]  # the worse one takes processor 0 over
    assert thread.processor == 1


def test_a_running_thread_that_is_interrupted_moves_when_the_interrupt_is_over() -> None:
    tiny = Scheduled(2)
    thread = tiny.start(compute(1000), note("moved"), last=0)
    Device(tiny.processors[0], 50, 100).at(tiny, 300)
    tiny.at(330, lambda: tiny.dispatcher.set_affinity(thread, 0b10))
    tiny.run()
    assert tiny.log == [(1150, "moved")]
    assert tiny.busy(0) == {"user": 300, "isr": 50, "dpc": 100}


def test_7_3_a_new_mask_places_a_ready_thread_anew_and_its_wait_is_explained() -> None:
    """It waits for processor 0 from 10 to 200, when it may use the idle one."""
    tiny = Scheduled(2)
    tiny.start(compute(1000), last=0)
    thread = pinned(tiny, 0b01, compute(100), note("done"), at=10)
    thread.request = request = tiny.request()
    tiny.at(10, lambda: setattr(request, "mark", 10))
    tiny.at(200, lambda: tiny.dispatcher.set_affinity(thread, 0b11))
    tiny.run()
    assert tiny.log == [(300, "done")]
    assert causes(request) == {"ready_queue": 190, "user": 100}
    assert tiny.dispatcher.ready_area == 190


def test_7_3_setting_a_mask_gives_the_one_before_and_the_ideal_processor_follows() -> None:
    tiny = Scheduled(4)
    thread = tiny.thread()
    set_affinity = tiny.dispatcher.set_affinity
    assert [set_affinity(thread, mask) for mask in (0b0110, 0b0001, 0b1111, 0b1000)] == [0b1111, 0b0110, 1, 0b1111]
    assert thread.ideal == 3
    set_affinity(thread, 0b0101)
    assert thread.ideal == 2


@pytest.mark.parametrize("mask", [0, -1, 0b100, 0b101])
def test_7_3_a_mask_without_a_processor_or_with_one_that_is_not_there_changes_nothing(mask: int) -> None:
    tiny = Scheduled(2)
    thread = tiny.thread()
    tiny.dispatcher.set_affinity(thread, 0b10)
    assert tiny.dispatcher.set_affinity(thread, mask) == 0
    assert (thread.affinity, thread.ideal) == (0b10, 1)


# ---- priority --------------------------------------------------------------------------------------------------------


def test_7_1_a_ready_thread_whose_priority_is_raised_pre_empts() -> None:
    tiny = Scheduled()
    tiny.start(compute(1000), note("first"))
    thread = tiny.start(compute(100), note("raised"), priority=6)
    tiny.at(300, lambda: tiny.dispatcher.set_priority(thread, 9))
    tiny.run()
    assert tiny.log == [(400, "raised"), (1100, "first")]
    assert (thread.base_priority, thread.priority) == (9, 9)


def test_7_1_a_ready_thread_with_a_new_priority_is_the_last_of_its_level() -> None:
    tiny = Scheduled()
    tiny.start(compute(1000))
    thread = tiny.start(compute(10), note("lowered"), at=1)
    tiny.start(compute(10), note("worse"), priority=7, at=2)
    tiny.start(compute(10), note("equal"), at=3)
    tiny.at(300, lambda: tiny.dispatcher.set_priority(thread, 7))
    tiny.run()
    assert tiny.log == [(1010, "equal"), (1020, "worse"), (1030, "lowered")]


@pytest.mark.parametrize(("priority", "log"), [(7, [(400, "b"), (1100, "a")]), (8, [(1000, "a"), (1100, "b")])])
def test_7_1_a_running_thread_that_falls_below_a_ready_one_loses_its_processor(
    priority: int, log: list[tuple[int, object]]
) -> None:
    tiny = Scheduled()
    thread = tiny.start(compute(1000), note("a"), priority=9)
    tiny.start(compute(100), note("b"))
    tiny.at(300, lambda: tiny.dispatcher.set_priority(thread, priority))
    tiny.run()
    assert tiny.log == log


def test_7_1_a_thread_that_lowers_itself_makes_way_at_once() -> None:
    tiny = Scheduled()
    thread = tiny.thread(
        compute(300), call(lambda: tiny.dispatcher.set_priority(thread, 7)), compute(700), note("lowered")
    )
    tiny.at(0, lambda: tiny.dispatcher.make_ready(thread))
    tiny.start(compute(100), note("b"), at=1)
    tiny.run()
    assert tiny.log == [(400, "b"), (1100, "lowered")]


def test_7_1_a_thread_that_fell_below_all_others_is_pre_empted_by_them() -> None:
    """All began at 8, where nobody pre-empts anybody."""
    tiny = Scheduled()
    thread = tiny.start(compute(1000), note("lowered"))
    tiny.at(100, lambda: tiny.dispatcher.set_priority(thread, 5))
    tiny.start(compute(100), note("other"), at=300)
    tiny.run()
    assert tiny.log == [(400, "other"), (1100, "lowered")]


def test_7_1_a_new_priority_drops_the_boost() -> None:
    tiny = Scheduled()
    thread = tiny.thread()
    thread.priority, thread.priority_decrement = 14, 2
    tiny.dispatcher.set_priority(thread, 9)
    assert (thread.base_priority, thread.priority, thread.priority_decrement) == (9, 9, 0)


# ---- yield -----------------------------------------------------------------------------------------------------------


def yields(tiny: Scheduled, said: list[bool]) -> Step:
    """SwitchToThread."""

    def act(_tiny: Tiny, thread: KernelThread) -> int:
        said.append(tiny.dispatcher.yield_processor(thread))
        return 1 if said[-1] else 2  # it waits for its turn, or goes straight on

    return Step(act)


def test_7_2_a_yield_with_nobody_ready_is_none() -> None:
    tiny = Scheduled(2)
    said: list[bool] = []
    thread = tiny.start(compute(100), yields(tiny, said), compute(100), note("done"))
    tiny.run()
    assert (said, tiny.log, thread.switches) == ([False], [(200, "done")], 1)


@pytest.mark.parametrize("priority", [8, 3])
def test_7_2_a_yield_lets_whoever_is_ready_go_first_and_refills_the_quantum(priority: int, clock: type[Clock]) -> None:
    """Equal or worse: it runs from 300 to 400. Back, the yielder has a full quantum of 1,000 and keeps its processor
    until 1,400 (with its old one, only until 1,100)."""
    tiny = Scheduled(quantum=1000, switch=0, clock=clock)
    said: list[bool] = []
    thread = tiny.start(compute(300), yields(tiny, said), compute(1000), note("yielder"))
    tiny.start(compute(100), note("other"), priority=priority)
    tiny.start(compute(10), note("equal"), at=1350)
    tiny.run()
    assert (said, thread.switches) == ([True], 2)
    assert tiny.log == [(400, "other"), (1400, "yielder"), (1410, "equal")]


def test_7_2_a_yield_costs_a_level_of_the_boost_and_goes_to_the_tail() -> None:
    """Boosted to 9, it is 8 afterwards: behind its equal, whose turn comes after the other's."""
    tiny = Scheduled()
    said: list[bool] = []
    thread = tiny.start(compute(100), yields(tiny, said), compute(100), note("yielder"))
    thread.priority = 9
    tiny.start(compute(50), note("first"), at=1)
    tiny.start(compute(50), note("second"), at=2)
    tiny.run()
    assert tiny.log == [(150, "first"), (200, "second"), (300, "yielder")]
    assert thread.priority == 8


def test_a_thread_that_yields_to_an_affine_one_goes_to_an_idle_processor() -> None:
    tiny = Scheduled(2)
    said: list[bool] = []
    thread = tiny.start(compute(100), yields(tiny, said), compute(100), note("yielder"), last=0)
    pinned(tiny, 0b01, compute(500), note("affine"), at=10)
    tiny.run()
    assert tiny.log == [(200, "yielder"), (600, "affine")]
    assert (thread.processor, thread.state) == (1, 3)
    assert READY not in [each.state for each in tiny.dispatcher.threads]


def test_7_2_sleep_0_gives_way_to_whoever_is_ready() -> None:
    """With nobody ready it goes straight on."""
    system = System()
    seen: list[tuple[str, int]] = []

    def sleeper(api: Api) -> ThreadBody:
        for _ in range(2):
            yield api.Compute(100)
            seen.append(("slept", (yield api.Sleep(0))))
            seen.append(("goes on", system.clock.now))

    def other(api: Api) -> ThreadBody:
        yield api.Compute(50)
        seen.append(("other", system.clock.now))

    system.start(sleeper)
    system.start(other, priority=4)
    system.run()
    assert seen == [("other", 150), ("slept", 0), ("goes on", 150), ("slept", 0), ("goes on", 250)]
