"""Who runs where: priorities, quantum, idle processors, switches, waits, timers. Times are ns. Cases C..: semantics 9.10."""

import pytest
from tiny import Device, Tiny, block, call, causes, compute, note, take, wait

from iosim.actor import Clock
from iosim.clock import HeapClock, SimpyClock
from iosim.completion_port import CompletionPort
from iosim.processor import TERMINATED


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


def test_C06_a_pre_empted_thread_goes_on_before_its_equals_with_the_rest_of_its_quantum(clock: type[Clock]) -> None:
    """A runs 0-400; the better thread 400-500; A the other 600 of its quantum, to 1,100; only then B."""
    tiny = Tiny(quantum=1000, clock=clock)
    tiny.start(compute(1500), note("a"))
    tiny.start(compute(200), note("b"))
    tiny.start(compute(100), note("better"), priority=9, at=400)
    tiny.run()
    assert tiny.log == [(500, "better"), (1300, "b"), (1800, "a")]


def test_C07_at_its_quantums_end_a_thread_goes_to_the_tail_with_a_full_one(clock: type[Clock]) -> None:
    """A 0-1,000, B to 2,000, A a full quantum to 3,000, B's last 500, A's last 500."""
    tiny = Tiny(quantum=1000, clock=clock)
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


def place_of_the_returning(tiny: Tiny, *busy: int) -> int:
    """Where a thread that ran on processor 2 runs when it returns and these processors are busy."""
    tiny.dispatcher.idle = [0, 0b01]
    returning = tiny.thread(compute(10), block(1000), compute(10))
    tiny.dispatcher.make_ready(returning)
    assert returning.processor == 2
    tiny.dispatcher.idle = [0b11, 0b10]
    for _ in range(4 - len(busy)):
        pass
    for processor in busy:
        if processor != 2:
            tiny.dispatcher.idle = [1 << processor if processor < 2 else 0, 1 << processor - 2 if processor > 2 else 0]
            tiny.dispatcher.make_ready(tiny.thread(compute(50_000)))
    tiny.dispatcher.idle = [sum(1 << p for p in (0, 1) if p not in busy), sum(1 << p - 2 for p in (3,) if p not in busy)]
    if 2 in busy:
        tiny.at(500, lambda: tiny.dispatcher.make_ready(tiny.thread(compute(50_000))))
        tiny.at(499, lambda: setattr(tiny.dispatcher, "idle", [0, 1]))
        free = list(tiny.dispatcher.idle)
        tiny.at(501, lambda: setattr(tiny.dispatcher, "idle", free))
    tiny.clock.run(100_000)
    return returning.processor
