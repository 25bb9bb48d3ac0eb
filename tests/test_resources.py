"""ERESOURCE: shared or exclusive, recursive, handed over fairly (semantics 0b.14). Times in ns."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tiny import GO, WAIT, Step, Tiny, causes, compute, enter, leave, note, pay

from iosim.errors import SelfDeadlock
from iosim.kernel_queue import KernelThread
from iosim.locks import ACQUIRED
from iosim.resources import STARVE_EXCLUSIVE, USUAL, WAIT_FOR_EXCLUSIVE, Resource
from iosim.thread import TERMINATED

SHARED, EXCLUSIVE = True, False


def resource_of(tiny: Tiny) -> Resource:
    return Resource(tiny.clock, tiny.dispatcher, 0)


def hold(resource: Resource, ns: int, name: str, shared: bool = EXCLUSIVE) -> list[Step]:
    return [enter(resource, shared), note(f"{name} in"), compute(ns), leave(resource, shared)]


def share(resource: Resource, manner: int) -> Step:
    """Acquire it shared in a given manner."""

    def act(tiny: Tiny, thread: KernelThread) -> int:
        if resource.acquire_shared(thread, manner) == ACQUIRED:
            return GO
        tiny.again(thread)
        return WAIT

    return Step(act)


def test_0b14_an_exclusive_hold_is_handed_over_and_nobody_barges_in() -> None:
    """A leaves at 150; it is B's from then on, though B is there at 200 only: A, who asks at 150, waits."""
    tiny = Tiny(2, switch=50)
    resource = resource_of(tiny)
    for name in "ab":
        tiny.start(pay(), *[step for _ in range(2) for step in hold(resource, 100, name)])
    tiny.run()
    assert tiny.log == [(50, "a in"), (200, "b in"), (350, "a in"), (500, "b in")]
    assert (resource.acquisitions, resource.contended, resource.blocked) == (4, 3, 3)


def test_after_an_exclusive_owner_all_that_wait_to_share_come_in_before_older_writers() -> None:
    tiny = Tiny(4)
    resource = resource_of(tiny)
    tiny.start(*hold(resource, 100, "a"))
    tiny.start(compute(10), *hold(resource, 10, "w"))
    tiny.start(compute(20), *hold(resource, 30, "r", SHARED))
    tiny.start(compute(30), *hold(resource, 50, "s", SHARED))
    tiny.run()
    assert tiny.log == [(0, "a in"), (100, "r in"), (100, "s in"), (150, "w in")]


def test_after_sharers_the_writer_that_waits_longest_comes_in() -> None:
    tiny = Tiny(4)
    resource = resource_of(tiny)
    tiny.start(*hold(resource, 100, "r", SHARED))
    tiny.start(compute(10), *hold(resource, 10, "v"))
    tiny.start(compute(20), *hold(resource, 10, "w"))
    tiny.start(compute(30), *hold(resource, 10, "s", SHARED))
    tiny.run()
    assert tiny.log == [(0, "r in"), (100, "v in"), (110, "s in"), (120, "w in")]


def test_an_exclusive_owner_takes_it_again_in_either_way_and_leaves_as_often() -> None:
    tiny = Tiny(2)
    resource = resource_of(tiny)
    again = [enter(resource), enter(resource, SHARED), enter(resource)]
    tiny.start(*again, *[step for _ in range(3) for step in (compute(10), leave(resource))], compute(5))
    tiny.start(compute(5), *hold(resource, 10, "b", SHARED))
    tiny.run()
    assert tiny.log == [(30, "b in")]
    assert resource.acquisitions == 2


def test_a_shared_holder_takes_it_shared_again_although_a_writer_waits() -> None:
    """Which would hang with a slim lock."""
    tiny = Tiny(2)
    resource = resource_of(tiny)
    steps = [enter(resource, SHARED), compute(20), enter(resource, SHARED), note("twice"), compute(20)]
    tiny.start(*steps, *[leave(resource, SHARED), compute(20)] * 2)
    tiny.start(compute(10), *hold(resource, 10, "w"))
    tiny.run()
    assert tiny.log == [(20, "twice"), (60, "w in")]


def test_a_shared_holder_that_asks_for_it_exclusively_is_named() -> None:
    tiny = Tiny()
    resource = resource_of(tiny)
    tiny.start(enter(resource, SHARED), compute(30), enter(resource))
    with pytest.raises(SelfDeadlock, match="thread 0 holds a lock shared and asks for it exclusively at 30 ns"):
        tiny.run()


@pytest.mark.parametrize(("manner", "enters"), [(USUAL, 150), (STARVE_EXCLUSIVE, 20), (WAIT_FOR_EXCLUSIVE, 150)])
def test_a_newcomer_that_shares_waits_behind_a_waiting_writer_unless_it_may_starve_it(manner: int, enters: int) -> None:
    tiny = Tiny(3)
    resource = resource_of(tiny)
    tiny.start(*hold(resource, 100, "r", SHARED))
    tiny.start(compute(10), *hold(resource, 50, "w"))
    tiny.start(compute(20), share(resource, manner), note("s in"), leave(resource, SHARED))
    tiny.run()
    assert (enters, "s in") in tiny.log
    assert (100, "w in") in tiny.log


@pytest.mark.parametrize("manner", [USUAL, STARVE_EXCLUSIVE, WAIT_FOR_EXCLUSIVE])
def test_nobody_shares_what_another_owns_exclusively(manner: int) -> None:
    tiny = Tiny(2)
    resource = resource_of(tiny)
    tiny.start(*hold(resource, 100, "w"))
    tiny.start(compute(20), share(resource, manner), note("s in"), leave(resource, SHARED))
    tiny.run()
    assert tiny.log == [(0, "w in"), (100, "s in")]


def test_one_who_always_waits_for_writers_hangs_where_it_shares_already() -> None:
    tiny = Tiny(2)
    resource = resource_of(tiny)
    tiny.start(enter(resource, SHARED), compute(20), share(resource, WAIT_FOR_EXCLUSIVE))
    tiny.start(compute(10), enter(resource))
    with pytest.raises(SelfDeadlock, match="thread 0 holds a lock shared and asks for it shared at 20 ns"):
        tiny.run()


def test_without_wait_it_is_held_at_once_or_not_at_all() -> None:
    tiny = Tiny()
    resource = resource_of(tiny)
    a, b = tiny.thread(), tiny.thread()
    assert [resource.try_acquire(a), resource.try_acquire(b), resource.try_acquire(b, SHARED)] == [True, False, False]
    assert resource.try_acquire(a, SHARED)
    assert [resource.release(b), resource.release(a), resource.release(a), resource.release(a)] == [
        False,
        True,
        True,
        False,
    ]
    assert [resource.try_acquire(a, SHARED), resource.try_acquire(b, SHARED), resource.try_acquire(b)] == [
        True,
        True,
        False,
    ]
    assert resource.contended == 0


def test_the_wait_is_the_locks_time() -> None:
    tiny = Tiny(2, switch=7)
    resource = resource_of(tiny)
    tiny.start(pay(), *hold(resource, 300, "a"))
    b = tiny.start(compute(10), *hold(resource, 20, "b", SHARED))
    b.request = request = tiny.request()
    tiny.run()
    assert tiny.log == [(7, "a in"), (314, "b in")]
    assert causes(request) == {"user": 30, "wake_and_switch": 14, "lock": 290}
    assert tiny.busy(1) == {"user": 30, "switch": 14}  # it does not spin


HOLDS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    threads=st.lists(st.tuples(HOLDS, st.integers(7, 9), st.integers(0, 100)), min_size=1, max_size=6),
    processors=st.integers(1, 3),
    switch=st.sampled_from([0, 20]),
    quantum=st.sampled_from([50, 10_000]),
)
def test_nobody_is_lost_and_a_writer_is_always_alone(
    threads: list[tuple[list[tuple[int, int, bool]], int, int]], processors: int, switch: int, quantum: int
) -> None:
    tiny = Tiny(processors, switch=switch, quantum=quantum)
    resource = resource_of(tiny)
    for number, (holds, priority, at) in enumerate(threads):
        steps = [pay()]
        for before, inside, shared in holds:
            steps += [compute(before), enter(resource, shared), note((number, shared, 1)), compute(inside)]
            steps += [note((number, shared, -1)), leave(resource, shared)]
        tiny.start(*steps, priority=priority, at=at)
    tiny.run()
    held = {True: 0, False: 0}
    for _, what in tiny.log:
        assert isinstance(what, tuple)
        held[what[1]] += what[2]
        assert held[False] <= 1
        assert not (held[False] and held[True])
    assert len(tiny.log) == 2 * sum(len(holds) for holds, _, _ in threads)
    assert all(thread.state == TERMINATED for thread in tiny.dispatcher.threads)
    resource.settle()
    assert (len(resource.contenders), resource.area) == (0, resource.sojourns)
