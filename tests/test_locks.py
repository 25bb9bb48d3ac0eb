"""Critical sections: spin, then block; unfair (barging) or fair (handed over). Exact timelines in ns."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tiny import Device, Step, Tiny, causes, compute, enter, leave, note, pay

from iosim.actor import Clock
from iosim.heap_clock import HeapClock
from iosim.locks import CriticalSection
from iosim.simpy_clock import SimpyClock
from iosim.thread import TERMINATED


def section_of(tiny: Tiny, spin: int = 0, fair: bool = False) -> CriticalSection:
    return CriticalSection(tiny.clock, tiny.dispatcher, 0, spin, fair)


def hold(section: CriticalSection, ns: int, name: str) -> list[Step]:
    """Enter, say so, hold for a time, leave."""
    return [enter(section), note(f"{name} in"), compute(ns), leave(section)]


def test_an_uncontended_section_costs_nothing() -> None:
    tiny = Tiny()
    section = section_of(tiny)
    tiny.start(*hold(section, 100, "a"), *hold(section, 100, "a"))
    tiny.run()
    assert tiny.log == [(0, "a in"), (100, "a in")]
    assert (section.acquisitions, section.contended, section.blocked) == (2, 0, 0)


@pytest.mark.parametrize("clock", [HeapClock, SimpyClock])
@pytest.mark.parametrize("fair", [False, True])
def test_a_spinner_gets_in_at_the_instant_of_the_release(clock: type[Clock], fair: bool) -> None:
    """B spins from 30 to 100 of the 500 ns that it would; no switch is paid. Its processor and its request lost 70 ns."""
    tiny = Tiny(2, switch=7, clock=clock)
    section = section_of(tiny, spin=500, fair=fair)
    tiny.start(pay(), *hold(section, 100, "a"))
    b = tiny.start(compute(30), *hold(section, 50, "b"))
    b.request = request = tiny.request()
    tiny.run()
    assert tiny.log == [(7, "a in"), (107, "b in")]
    assert tiny.busy(1) == {"user": 80, "switch": 7, "spin": 70}
    assert causes(request) == {"user": 80, "wake_and_switch": 7, "lock": 70}
    assert (section.contended, section.blocked) == (1, 0)


@pytest.mark.parametrize("fair", [False, True])
def test_a_contender_spins_then_blocks_and_is_switched_in_after_the_release(fair: bool) -> None:
    """A holds 7-307. B spins 17-67, waits to 307, is switched in by 314. Of its request, 17-307 is the lock's time."""
    tiny = Tiny(2, switch=7)
    section = section_of(tiny, spin=50, fair=fair)
    tiny.start(pay(), *hold(section, 300, "a"))
    b = tiny.start(compute(10), *hold(section, 20, "b"))
    b.request = request = tiny.request()
    tiny.run()
    assert tiny.log == [(7, "a in"), (314, "b in")]
    assert tiny.busy(1) == {"user": 30, "switch": 14, "spin": 50}
    assert causes(request) == {"user": 30, "wake_and_switch": 14, "lock": 290}
    assert (section.contended, section.blocked, section.sojourns) == (1, 1, 297)


def test_without_spinning_a_contender_blocks_at_once() -> None:
    tiny = Tiny(2)
    section = section_of(tiny)
    tiny.start(*hold(section, 100, "a"))
    tiny.start(*hold(section, 100, "b"))
    tiny.run()
    assert tiny.log == [(0, "a in"), (100, "b in")]
    assert tiny.busy(1) == {"user": 100}


def test_on_a_single_processor_nobody_spins() -> None:
    """The owner can't run meanwhile. B pre-empts A at 30, finds the section taken, blocks; A leaves at 100."""
    tiny = Tiny()
    section = section_of(tiny, spin=1000)
    tiny.start(*hold(section, 100, "a"), compute(50))
    tiny.start(*hold(section, 10, "b"), priority=9, at=30)
    tiny.run()
    assert tiny.log == [(0, "a in"), (100, "b in")]
    assert tiny.busy() == {"user": 160}


# Two threads that hold for 100 and want it again at once, and a third that asks once. A switch takes 50.
#
#   unfair: A leaves at 150, wakes B, and is in again before B has been switched in: B finds it taken and blocks again
#   fair:   the section is B's from 150 on, though B is not there yet: A blocks, then C, and everybody pays a switch


def contended(fair: bool) -> tuple[Tiny, CriticalSection]:
    tiny = Tiny(2, switch=50)
    section = section_of(tiny, fair=fair)
    tiny.start(pay(), *[step for _ in range(3) for step in hold(section, 100, "a")])
    tiny.start(pay(), *[step for _ in range(3) for step in hold(section, 100, "b")])
    tiny.run()
    return tiny, section


def test_0b14_an_unfair_section_lets_the_releaser_barge_in_again_before_the_woken_one() -> None:
    """B is woken at 150 and 250, pays its switch, and finds the section taken; A has done all its work by 350."""
    tiny, section = contended(fair=False)
    assert tiny.log == [(50, "a in"), (150, "a in"), (250, "a in"), (400, "b in"), (500, "b in"), (600, "b in")]
    assert section.blocked == 3
    assert tiny.clock.now == 700


def test_0b14_a_fair_section_is_handed_over_and_a_convoy_forms() -> None:
    """Every hand-over costs a switch while nobody is inside: 6 holds take 150 each, though each processor has one thread."""
    tiny, section = contended(fair=True)
    names = [what for _, what in tiny.log]
    assert names == ["a in", "b in", "a in", "b in", "a in", "b in"]
    assert [time for time, _ in tiny.log] == [50, 200, 350, 500, 650, 800]
    assert tiny.clock.now == 900
    assert section.blocked == 5


def test_fair_contenders_enter_in_the_order_in_which_they_asked() -> None:
    tiny = Tiny(4)
    section = section_of(tiny, fair=True)
    tiny.start(*hold(section, 100, "a"))
    for name, delay in (("d", 30), ("b", 10), ("c", 20)):
        tiny.start(compute(delay), *hold(section, 10, name))
    tiny.run()
    assert [what for _, what in tiny.log] == ["a in", "b in", "c in", "d in"]


def test_a_running_spinner_goes_before_older_sleepers_where_the_section_is_unfair() -> None:
    """B asked first and sleeps; C spins when A leaves: no switch is needed for it."""
    tiny = Tiny(3, switch=5)
    section = section_of(tiny, spin=40)
    tiny.start(pay(), *hold(section, 100, "a"))
    tiny.start(compute(10), *hold(section, 10, "b"))
    tiny.start(compute(80), *hold(section, 10, "c"))
    tiny.run()
    assert tiny.log == [(5, "a in"), (105, "c in"), (120, "b in")]


def test_nobody_is_woken_while_somebody_who_was_woken_has_yet_to_try() -> None:
    """Unfair: B was woken by the first release and is being switched in at the second; C sleeps on, one wake a release."""
    tiny = Tiny(3, switch=50)
    section = section_of(tiny)
    tiny.start(pay(), *hold(section, 100, "a"), *hold(section, 10, "a"))
    b = tiny.start(pay(), compute(1), *hold(section, 10, "b"))
    c = tiny.start(pay(), compute(2), *hold(section, 10, "c"))
    tiny.run()
    assert tiny.log == [(50, "a in"), (150, "a in"), (200, "b in"), (260, "c in")]
    assert (b.switches, c.switches) == (2, 2)


def test_a_pre_empted_spinner_spins_no_more_when_the_section_was_freed_meanwhile() -> None:
    """B spins from 20, is pre-empted from 40 to 240; the section is free from 100 on; B enters as it returns."""
    tiny = Tiny(2)
    section = section_of(tiny, spin=1000)
    tiny.start(*hold(section, 100, "a"), compute(900), priority=9)
    tiny.start(compute(20), *hold(section, 10, "b"))
    tiny.start(compute(200), priority=9, at=40)
    tiny.run()
    assert tiny.log == [(0, "a in"), (240, "b in")]
    assert tiny.busy(1) == {"user": 230, "spin": 20}


def test_a_pre_empted_spinner_does_not_keep_the_sleepers_asleep() -> None:
    """B sleeps from 55 on; C spins from 80 and is pre-empted at 90, for long. At the release at 105 B is the one to wake.

    Spinning is no queueing: who was pre-empted in it may be away for a quantum, with the section free and others asleep.
    """
    tiny = Tiny(3, switch=5)
    section = section_of(tiny, spin=40)
    tiny.start(pay(), *hold(section, 100, "a"), compute(2000), priority=9)
    tiny.start(compute(10), *hold(section, 10, "b"), compute(2000), priority=9)
    tiny.start(compute(75), *hold(section, 10, "c"), priority=7)
    tiny.start(compute(3000), at=88)  # on the processor that B left; B will pre-empt it
    tiny.start(compute(1000), priority=9, at=90)
    tiny.run()
    assert tiny.log[:2] == [(5, "a in"), (110, "b in")]
    assert [what for _, what in tiny.log] == ["a in", "b in", "c in"]


def test_a_spinner_held_up_by_an_interrupt_enters_when_it_is_over() -> None:
    tiny = Tiny(2)
    section = section_of(tiny, spin=1000)
    tiny.start(*hold(section, 100, "a"))
    b = tiny.start(compute(20), *hold(section, 10, "b"))
    b.request = request = tiny.request()
    Device(tiny.processors[1], 50, 50).at(tiny, 90)
    tiny.run()
    assert tiny.log == [(0, "a in"), (190, "b in")]
    assert causes(request) == {"user": 30, "lock": 70, "interrupted": 100}


# ---- recursion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fair", [False, True])
def test_an_owner_that_enters_again_keeps_others_out_until_it_has_left_as_often(fair: bool) -> None:
    """RecursionCount: A enters three times and leaves at 10, 20 and 30; B, who asked at 5, is in at 30."""
    tiny = Tiny(2)
    section = section_of(tiny, fair=fair)
    leaving = [step for _ in range(3) for step in (compute(10), leave(section))]
    tiny.start(enter(section), enter(section), enter(section), note("a in"), *leaving, note("a out"), compute(5))
    tiny.start(compute(5), *hold(section, 10, "b"))
    tiny.run()
    assert sorted(tiny.log) == [(0, "a in"), (30, "a out"), (30, "b in")]
    assert (section.acquisitions, section.contended) == (2, 1)


def test_an_owner_to_whom_the_section_was_handed_over_owns_it_once() -> None:
    """Fair: B is inside once, however often it was asked to try; one leave lets C in."""
    tiny = Tiny(3, switch=5)
    section = section_of(tiny, fair=True)
    tiny.start(pay(), *hold(section, 100, "a"))
    tiny.start(compute(10), *hold(section, 10, "b"))
    tiny.start(compute(20), *hold(section, 10, "c"))
    tiny.run()
    assert tiny.log == [(5, "a in"), (110, "b in"), (125, "c in")]


def test_only_the_owner_can_leave() -> None:
    tiny = Tiny()
    section = section_of(tiny)
    owner, other = tiny.thread(), tiny.thread()
    assert not section.release(other)
    assert section.try_acquire(owner)
    assert not section.release(other)
    assert section.release(owner)
    assert not section.release(owner)
    assert section.try_acquire(other)


def test_trying_enters_only_where_nobody_else_is() -> None:
    tiny = Tiny()
    section = section_of(tiny)
    owner, other = tiny.thread(), tiny.thread()
    assert [section.try_acquire(each) for each in (owner, other, owner)] == [True, False, True]
    assert section.release(owner)
    assert not section.try_acquire(other)  # the owner is inside once more
    assert section.release(owner)
    assert section.try_acquire(other)
    assert section.contended == 0


HOLDS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=80, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    threads=st.lists(st.tuples(HOLDS, st.integers(7, 9), st.integers(0, 100)), min_size=1, max_size=6),
    processors=st.integers(1, 3),
    spin=st.sampled_from([0, 15, 1000]),
    switch=st.sampled_from([0, 20]),
    quantum=st.sampled_from([50, 10_000]),
    fair=st.booleans(),
    interrupts=st.lists(st.integers(0, 400), max_size=3),
)
def test_nobody_is_lost_and_never_two_are_inside(
    threads: list[tuple[list[tuple[int, int]], int, int]],
    processors: int,
    spin: int,
    switch: int,
    quantum: int,
    fair: bool,
    interrupts: list[int],
) -> None:
    """Whatever the interleaving: pre-empted spinners, pre-empted owners, quanta that end inside, interrupts."""
    tiny = Tiny(processors, switch=switch, quantum=quantum)
    section = section_of(tiny, spin, fair)
    for number, (holds, priority, at) in enumerate(threads):
        steps = [pay()]
        for before, inside in holds:
            steps += [compute(before), enter(section), note(number), compute(inside), note(number), leave(section)]
        thread = tiny.start(*steps, priority=priority, at=at)
        tiny.at(at, lambda thread=thread: setattr(thread, "request", tiny.request()))  # type: ignore[misc]
    Device(tiny.processors[0], 13, 17).at(tiny, *interrupts)
    tiny.run()
    entered = [what for _, what in tiny.log]
    assert entered[::2] == entered[1::2]  # whoever enters is the next to leave
    assert len(entered) == 2 * sum(len(holds) for holds, _, _ in threads)
    assert all(thread.state == TERMINATED for thread in tiny.dispatcher.threads)
    assert section.acquisitions * 2 == len(entered)
    section.settle()
    assert (len(section.contenders), section.area) == (0, section.sojourns)
    assert sum(sum(processor.account) for processor in tiny.processors) == processors * tiny.clock.now
    for thread in tiny.dispatcher.threads:
        assert sum(thread.request.ledger) == thread.request.mark - thread.request.intended
