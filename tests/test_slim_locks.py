"""Slim reader/writer locks: exclusive or shared, spinning and then blocking, neither fair nor recursive. Times in ns."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tiny import Device, Step, Tiny, causes, compute, enter, leave, note, pay

import iosim
from iosim.actor import Clock
from iosim.errors import SelfDeadlock
from iosim.heap_clock import HeapClock
from iosim.simpy_clock import SimpyClock
from iosim.slim_locks import SlimLock
from iosim.thread import TERMINATED

SHARED, EXCLUSIVE = True, False


def lock_of(tiny: Tiny, spin: int = 0, fair: bool = False) -> SlimLock:
    return SlimLock(tiny.clock, tiny.dispatcher, 0, spin, fair)


def hold(lock: SlimLock, ns: int, name: str, shared: bool = EXCLUSIVE) -> list[Step]:
    """Take it, say so, hold it for a time, give it up."""
    return [enter(lock, shared), note(f"{name} in"), compute(ns), leave(lock, shared)]


@pytest.mark.parametrize("fair", [False, True])
def test_readers_hold_the_lock_together_and_a_writer_waits_for_the_last_of_them(fair: bool) -> None:
    tiny = Tiny(3)
    lock = lock_of(tiny, fair=fair)
    tiny.start(*hold(lock, 100, "r", SHARED))
    tiny.start(compute(10), *hold(lock, 150, "s", SHARED))
    tiny.start(compute(20), *hold(lock, 50, "w"))
    tiny.run()
    assert tiny.log == [(0, "r in"), (10, "s in"), (160, "w in")]
    assert (lock.acquisitions, lock.contended, lock.blocked) == (3, 1, 1)


@pytest.mark.parametrize("fair", [False, True])
def test_a_writer_keeps_everybody_out_and_all_waiting_readers_come_in_after_it(fair: bool) -> None:
    tiny = Tiny(4)
    lock = lock_of(tiny, fair=fair)
    tiny.start(*hold(lock, 100, "w"))
    tiny.start(compute(10), *hold(lock, 50, "r", SHARED))
    tiny.start(compute(20), *hold(lock, 70, "s", SHARED))
    tiny.start(compute(30), *hold(lock, 50, "v"))
    tiny.run()
    assert tiny.log == [(0, "w in"), (100, "r in"), (100, "s in"), (170, "v in")]


@pytest.mark.parametrize("fair", [False, True])
def test_a_new_reader_queues_behind_a_waiting_writer_although_others_read(fair: bool) -> None:
    """Else a stream of readers would keep the writer out for ever."""
    tiny = Tiny(3)
    lock = lock_of(tiny, fair=fair)
    tiny.start(*hold(lock, 100, "r", SHARED))
    tiny.start(compute(10), *hold(lock, 50, "w"))
    tiny.start(compute(20), *hold(lock, 50, "s", SHARED))
    tiny.run()
    assert tiny.log == [(0, "r in"), (100, "w in"), (150, "s in")]


@pytest.mark.parametrize("shared", [EXCLUSIVE, SHARED])
@pytest.mark.parametrize("clock", [HeapClock, SimpyClock])
@pytest.mark.parametrize("fair", [False, True])
def test_a_spinner_gets_in_at_the_instant_of_the_release(clock: type[Clock], fair: bool, shared: bool) -> None:
    """B spins from 30 to 100 of the 500 ns that it would; no switch is paid."""
    tiny = Tiny(2, switch=7, clock=clock)
    lock = lock_of(tiny, spin=500, fair=fair)
    tiny.start(pay(), *hold(lock, 100, "a"))
    b = tiny.start(compute(30), *hold(lock, 50, "b", shared))
    b.request = request = tiny.request()
    tiny.run()
    assert tiny.log == [(7, "a in"), (107, "b in")]
    assert tiny.busy(1) == {"user": 80, "switch": 7, "spin": 70}
    assert causes(request) == {"user": 80, "wake_and_switch": 7, "lock": 70}
    assert (lock.contended, lock.blocked) == (1, 0)


@pytest.mark.parametrize("fair", [False, True])
def test_a_contender_spins_then_blocks_and_is_switched_in_after_the_release(fair: bool) -> None:
    tiny = Tiny(2, switch=7)
    lock = lock_of(tiny, spin=50, fair=fair)
    tiny.start(pay(), *hold(lock, 300, "a"))
    b = tiny.start(compute(10), *hold(lock, 20, "b", SHARED))
    b.request = request = tiny.request()
    tiny.run()
    assert tiny.log == [(7, "a in"), (314, "b in")]
    assert causes(request) == {"user": 30, "wake_and_switch": 14, "lock": 290}
    assert (lock.contended, lock.blocked, lock.sojourns) == (1, 1, 297)


def contended(fair: bool) -> tuple[Tiny, SlimLock]:
    """Two threads that hold it for 100, three times in a row each; a switch takes 50."""
    tiny = Tiny(2, switch=50)
    lock = lock_of(tiny, fair=fair)
    for name in "ab":
        tiny.start(pay(), *[step for _ in range(3) for step in hold(lock, 100, name)])
    tiny.run()
    return tiny, lock


def test_0b14_a_slim_lock_is_unfair_the_releaser_barges_in_before_the_woken_one() -> None:
    tiny, _ = contended(fair=False)
    assert tiny.log == [(50, "a in"), (150, "a in"), (250, "a in"), (400, "b in"), (500, "b in"), (600, "b in")]


def test_0b14_handed_over_fairly_every_hold_would_pay_a_switch() -> None:
    tiny, _ = contended(fair=True)
    assert [what for _, what in tiny.log] == ["a in", "b in"] * 3
    assert [time for time, _ in tiny.log] == [50, 200, 350, 500, 650, 800]


def test_a_reader_barges_into_a_free_lock_before_the_woken_writer() -> None:
    """W is called at 105 and there at 155, but R has taken the free lock at 120. S, at 130, queues behind W."""
    tiny = Tiny(4, switch=50)
    lock = lock_of(tiny)
    tiny.start(pay(), *hold(lock, 55, "a"))
    tiny.start(pay(), compute(10), *hold(lock, 10, "w"))
    tiny.start(pay(), compute(70), *hold(lock, 100, "r", SHARED))
    tiny.start(pay(), compute(80), *hold(lock, 10, "s", SHARED))
    tiny.run()
    assert tiny.log == [(50, "a in"), (120, "r in"), (270, "w in"), (330, "s in")]


def test_nobody_is_woken_while_somebody_who_was_woken_has_yet_to_try() -> None:
    """B is woken at 150 and there at 200; A has had the lock again from 150 to 160: C sleeps on, one wake a release."""
    tiny = Tiny(3, switch=50)
    lock = lock_of(tiny)
    tiny.start(pay(), *hold(lock, 100, "a"), *hold(lock, 10, "a"))
    b = tiny.start(pay(), compute(1), *hold(lock, 10, "b"))
    c = tiny.start(pay(), compute(2), *hold(lock, 10, "c"))
    tiny.run()
    assert tiny.log == [(50, "a in"), (150, "a in"), (200, "b in"), (260, "c in")]
    assert (b.switches, c.switches) == (2, 2)


def test_of_waiting_readers_and_writers_the_oldest_kind_is_called() -> None:
    """R, then W, then S wait: R alone is called, as a writer stands between it and S."""
    tiny = Tiny(4)
    lock = lock_of(tiny)
    tiny.start(*hold(lock, 100, "a"))
    tiny.start(compute(10), *hold(lock, 10, "r", SHARED))
    tiny.start(compute(20), *hold(lock, 10, "w"))
    tiny.start(compute(30), *hold(lock, 10, "s", SHARED))
    tiny.run()
    assert tiny.log == [(0, "a in"), (100, "r in"), (110, "w in"), (120, "s in")]


def test_a_pre_empted_spinner_does_not_keep_the_sleepers_asleep() -> None:
    """B spins from 20 and is pre-empted at 40 for long; C sleeps from 130 on. At 200 it is C's turn: B is away."""
    tiny = Tiny(3)
    lock = lock_of(tiny, spin=100)
    tiny.start(*hold(lock, 200, "a"), compute(5000), priority=9)
    tiny.start(compute(20), *hold(lock, 10, "b"), priority=7)
    tiny.start(compute(30), *hold(lock, 10, "c"), compute(5000), priority=9)
    tiny.start(compute(1000), at=40)
    tiny.start(compute(1000), at=41)  # on the processor that C leaves
    tiny.run()
    assert tiny.log[:2] == [(0, "a in"), (200, "c in")]
    assert [what for _, what in tiny.log] == ["a in", "c in", "b in"]


# ---- what programs get wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "asked", "said"),
    [
        (EXCLUSIVE, EXCLUSIVE, "thread 0 holds a lock exclusively and asks for it exclusively at 30 ns"),
        (EXCLUSIVE, SHARED, "thread 0 holds a lock exclusively and asks for it shared at 30 ns"),
        (SHARED, EXCLUSIVE, "thread 0 holds a lock shared and asks for it exclusively at 30 ns"),
    ],
)
def test_a_holder_that_would_wait_for_itself_is_named(held: bool, asked: bool, said: str) -> None:
    """The real thread hangs, and says nothing."""
    tiny = Tiny()
    lock = lock_of(tiny)
    tiny.start(enter(lock, held), compute(30), enter(lock, asked))
    with pytest.raises(SelfDeadlock, match=said):
        tiny.run()


def test_a_reader_that_reads_again_hangs_only_if_a_writer_came_in_between() -> None:
    tiny = Tiny(2)
    lock = lock_of(tiny)
    tiny.start(*[enter(lock, SHARED)] * 2, *[leave(lock, SHARED)] * 2, note("twice"))
    tiny.start(enter(lock, SHARED), compute(20), enter(lock, SHARED), at=100)
    tiny.start(enter(lock), at=110)
    with pytest.raises(SelfDeadlock, match="thread 1 holds a lock shared and asks for it shared at 120 ns"):
        tiny.run()
    assert tiny.log == [(0, "twice")]


def test_only_a_hold_of_the_same_kind_can_be_given_up() -> None:
    tiny = Tiny()
    lock = lock_of(tiny)
    one, other = tiny.thread(), tiny.thread()
    assert lock.try_acquire(one, SHARED)
    assert [lock.release(one, EXCLUSIVE), lock.release(other, SHARED), lock.release(one, SHARED)] == [
        False,
        False,
        True,
    ]
    assert lock.try_acquire(one, EXCLUSIVE)
    assert [lock.release(one, SHARED), lock.release(other, EXCLUSIVE)] == [False, False]
    assert lock.release(one, EXCLUSIVE)
    assert not lock.release(one, EXCLUSIVE)


def test_trying_takes_only_what_is_free() -> None:
    tiny = Tiny()
    lock = lock_of(tiny)
    a, b = tiny.thread(), tiny.thread()
    assert [lock.try_acquire(a, SHARED), lock.try_acquire(b, SHARED), lock.try_acquire(b, EXCLUSIVE)] == [
        True,
        True,
        False,
    ]
    lock.release(a, SHARED)
    lock.release(b, SHARED)
    assert [lock.try_acquire(a), lock.try_acquire(b), lock.try_acquire(b, SHARED)] == [True, False, False]
    assert (lock.acquisitions, lock.contended) == (3, 0)


# ---- in a scenario ---------------------------------------------------------------------------------------------------


def served(directory: Path, lock: dict[str, Any], shared: bool) -> float:
    """Requests a second of four processors whose handlers do nothing but hold a lock for 10 us."""
    tree = {
        "version": 1,
        "machine": {"cores_per_node": 4, "dispatcher": {"context_switch": "0 ns"}, "kernel": {"remove": "0 ns"}},
        "locks": {"table": lock},
        "ports": {"main": {}},
        "pools": {"workers": {"port": "main", "threads": 4}},
        "handlers": {"h": [{"lock": {"name": "table", "hold": "10 us", "shared": shared}}]},
        "workload": {"c": {"kind": "closed", "port": "main", "handler": "h", "clients": 8, "think": "0 s"}},
        "run": {"duration": "10 ms", "warm_up": "0 s", "replications": 1},
    }
    path = directory / "slim.yaml"
    path.write_text(json.dumps(tree))
    return float(iosim.run(iosim.load(path)).summary["throughput_per_s"]["value"])


def test_a_handler_shares_a_slim_lock_and_holds_any_other_alone(tmp_path: Path) -> None:
    assert served(tmp_path, {"kind": "slim"}, True) == pytest.approx(400_000, rel=0.01)
    assert served(tmp_path, {"kind": "slim"}, False) == pytest.approx(100_000, rel=0.01)
    assert served(tmp_path, {}, False) == pytest.approx(100_000, rel=0.01)


# ---- any interleaving ------------------------------------------------------------------------------------------------

HOLDS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), min_size=1, max_size=4)


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
def test_nobody_is_lost_and_a_writer_is_always_alone(
    threads: list[tuple[list[tuple[int, int, bool]], int, int]],
    processors: int,
    spin: int,
    switch: int,
    quantum: int,
    fair: bool,
    interrupts: list[int],
) -> None:
    """Whatever the interleaving: pre-empted spinners, pre-empted owners, quanta that end inside, interrupts."""
    tiny = Tiny(processors, switch=switch, quantum=quantum)
    lock = lock_of(tiny, spin, fair)
    for number, (holds, priority, at) in enumerate(threads):
        steps = [pay()]
        for before, inside, shared in holds:
            steps += [compute(before), enter(lock, shared), note((number, shared, 1)), compute(inside)]
            steps += [note((number, shared, -1)), leave(lock, shared)]
        thread = tiny.start(*steps, priority=priority, at=at)
        tiny.at(at, lambda thread=thread: setattr(thread, "request", tiny.request()))  # type: ignore[misc]
    Device(tiny.processors[0], 13, 17).at(tiny, *interrupts)
    tiny.run()
    held = {True: 0, False: 0}
    for _, what in tiny.log:
        assert isinstance(what, tuple)
        held[what[1]] += what[2]
        assert held[False] <= 1
        assert not (held[False] and held[True])
    assert len(tiny.log) == 2 * sum(len(holds) for holds, _, _ in threads)
    assert all(thread.state == TERMINATED for thread in tiny.dispatcher.threads)
    assert lock.acquisitions * 2 == len(tiny.log)
    lock.settle()
    assert (len(lock.contenders), lock.area) == (0, lock.sojourns)
    assert not (lock.wants_shared or lock.called or lock.sharers)
    assert sum(sum(processor.account) for processor in tiny.processors) == processors * tiny.clock.now
    for thread in tiny.dispatcher.threads:
        assert sum(thread.request.ledger) == thread.request.mark - thread.request.intended
