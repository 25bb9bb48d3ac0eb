"""What a thread finds of its working set: nothing lost while all fits, then a staircase, L2 first, then L3. Sizes in bytes."""

import pytest

from iosim.cache import LINE, Caches, lost
from iosim.numa import Topology
from iosim.thread import Program, Thread

KIB = 1024
L2, L3 = 64 * KIB, 256 * KIB
L3_NS, MEMORY_NS = 10, 40


def caches_of(nodes: int = 1, per_node: int = 2, l3_ns: int = L3_NS, memory_ns: int = MEMORY_NS) -> Caches:
    return Caches(Topology(nodes, per_node), L2, L3, l3_ns, memory_ns)


def thread_of(private: int) -> Thread:
    """A thread that has yet to touch anything of `private` bytes."""
    thread = Thread(0, Program(), 8)
    thread.request_bytes = private
    return thread


def turn(caches: Caches, thread: Thread, processor: int) -> int:
    """One turn on a processor: what it pays (ns) to find its set again."""
    cost = caches.refill(thread, processor)
    thread.processor = processor
    caches.left(thread, processor)
    return cost


def round_robin(threads: int, footprint: int, rounds: int = 6) -> list[int]:
    """What each turn of the last round costs when threads take turns on one processor."""
    caches = caches_of()
    crowd = [thread_of(footprint) for _ in range(threads)]
    for _ in range(rounds - 1):
        for thread in crowd:
            turn(caches, thread, 0)
    return [turn(caches, thread, 0) for thread in crowd]


def test_the_first_touch_comes_from_memory() -> None:
    assert turn(caches_of(), thread_of(16 * KIB), 0) == 16 * KIB // LINE * MEMORY_NS


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_as_long_as_all_sets_fit_in_l2_nobody_ever_pays(threads: int) -> None:
    assert round_robin(threads, 16 * KIB) == [0] * threads


def test_past_l2_the_cost_rises_and_saturates_at_the_whole_set_from_l3() -> None:
    """5 sets of 16 KiB in 64: each finds what the others' 64 pushed out - all of it; more of them make it no worse."""
    whole = 16 * KIB // LINE * L3_NS
    assert [max(round_robin(threads, 16 * KIB)) for threads in (4, 5, 8, 16)] == [0, whole, whole, whole]


def test_past_l3_it_rises_again_to_the_whole_set_from_memory_and_stays_there() -> None:
    whole = 16 * KIB // LINE * MEMORY_NS
    assert [max(round_robin(threads, 16 * KIB)) for threads in (17, 32, 200)] == [whole, whole, whole]


@pytest.mark.parametrize(
    ("resident", "fills", "gone"),
    [(100, 0, 0), (100, 900, 0), (100, 901, 1), (100, 950, 50), (100, 1000, 100), (100, 9999, 100)],
)
def test_between_the_steps_the_loss_grows_byte_by_byte(resident: int, fills: int, gone: int) -> None:
    """A cache of 1,000 beside a set of 100 has room for 900 of others'."""
    assert lost(resident, fills, 1000) == gone


def test_a_part_of_the_set_that_was_pushed_out_is_all_that_is_paid_for() -> None:
    """A set of 32 KiB leaves; 40 KiB come in: 8 too many for L2, none for L3."""
    caches, thread = caches_of(), thread_of(32 * KIB)
    turn(caches, thread, 0)
    caches.fill(0, 40 * KIB)
    assert turn(caches, thread, 0) == 8 * KIB // LINE * L3_NS


def test_a_thread_that_changed_core_finds_nothing_in_l2_and_all_in_l3() -> None:
    caches, thread = caches_of(), thread_of(32 * KIB)
    turn(caches, thread, 0)
    assert turn(caches, thread, 1) == 32 * KIB // LINE * L3_NS


def test_a_set_larger_than_l2_pays_for_no_more_than_l2_holds() -> None:
    """What never fitted was never there: its cost is part of the handler's time."""
    caches, thread = caches_of(), thread_of(100 * KIB)
    turn(caches, thread, 0)
    assert turn(caches, thread, 1) == L2 // LINE * L3_NS


@pytest.mark.parametrize(("distance", "line"), [(18, 72), (25, 100)])
def test_a_thread_that_changed_node_finds_nothing_and_its_memory_is_as_far_as_the_table_says(
    distance: int, line: int
) -> None:
    caches = Caches(Topology(2, 1, [[10, distance], [distance, 10]]), L2, L3, L3_NS, MEMORY_NS)
    thread = thread_of(32 * KIB)
    turn(caches, thread, 0)
    assert turn(caches, thread, 1) == 32 * KIB // LINE * line


def test_a_neighbour_on_the_node_pushes_sets_out_of_l3_not_of_l2() -> None:
    """Semantics 0b: a shared L3 is evicted by threads that run now on other cores."""
    caches, thread = caches_of(), thread_of(32 * KIB)
    turn(caches, thread, 0)
    caches.fill(1, 10 * L3)
    assert turn(caches, thread, 0) == 0
    caches.fill(1, 10 * L3)
    assert turn(caches, thread, 1) == 32 * KIB // LINE * MEMORY_NS


def test_another_nodes_caches_are_not_touched() -> None:
    caches, thread = caches_of(nodes=2, per_node=1), thread_of(32 * KIB)
    turn(caches, thread, 0)
    caches.fill(1, 10 * L3)
    assert turn(caches, thread, 0) == 0


def test_where_lines_cost_nothing_nothing_is_paid() -> None:
    """The effect vanishes with its cause (design 1.1)."""
    caches = caches_of(l3_ns=0, memory_ns=0)
    thread = thread_of(32 * KIB)
    assert not caches.costs
    turn(caches, thread, 0)
    caches.fill(0, 10 * L3)
    assert turn(caches, thread, 1) == 0


def test_a_thread_without_a_working_set_pays_nothing_and_pushes_nothing_out() -> None:
    caches = caches_of()
    assert turn(caches, thread_of(0), 0) == 0
    assert list(caches.core_fills) == [0, 0]


def test_growing_pays_for_the_new_part_only_once() -> None:
    caches, thread = caches_of(), thread_of(0)
    assert caches.grow(thread, 0, 8 * KIB) == 8 * KIB // LINE * MEMORY_NS
    assert caches.grow(thread, 0, 12 * KIB) == 4 * KIB // LINE * MEMORY_NS
    assert thread.private == 12 * KIB
    caches.left(thread, 0)
    thread.processor = 0
    assert turn(caches, thread, 0) == 0
