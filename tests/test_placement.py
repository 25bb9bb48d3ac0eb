"""Which processor a woken thread gets, and where it waits: ideal processors, queues a processor, groups. Semantics 7.3."""

import pytest
from tiny import Scheduled, block, causes, compute, note

from iosim.clock import CLOCKS
from iosim.numa import Topology
from iosim.scheduling import PLAIN, SchedulerParams, next_to_the_right

IDEAL = SchedulerParams(placement="ideal")
APART = SchedulerParams(ready_queues="per_processor")


# ---- ideal processors ------------------------------------------------------------------------------------------------


def test_7_3_ideal_processors_go_to_the_right_from_the_seed_and_wrap_to_the_highest() -> None:
    tiny = Scheduled(4)
    assert [tiny.thread().ideal for _ in range(6)] == [3, 2, 1, 0, 3, 2]


def test_7_3_ideal_processors_of_a_process_stay_on_its_node() -> None:
    tiny = Scheduled(8, nodes=2)
    assert [tiny.thread().ideal for _ in range(5)] == [3, 2, 1, 0, 3]


def test_7_3_the_next_ideal_processor_is_on_another_core_than_the_last_one() -> None:
    """Siblings are 0 and 1, 2 and 3: from 0 not to 1 but to 3, from 3 not to 2 but to 1."""
    tiny = Scheduled(4, smt=1.25)
    assert [tiny.thread().ideal for _ in range(4)] == [3, 1, 3, 1]


def test_7_3_siblings_are_avoided_only_if_possible() -> None:
    tiny = Scheduled(2, smt=1.25)
    assert [tiny.thread().ideal for _ in range(3)] == [1, 0, 1]


@pytest.mark.parametrize(
    ("processor", "mask", "next_one"), [(3, 0b1111, 2), (0, 0b1111, 3), (3, 0b1001, 0), (1, 0b0010, 1), (2, 0b1100, 3)]
)
def test_7_3_to_the_right_means_to_a_lower_number(processor: int, mask: int, next_one: int) -> None:
    assert next_to_the_right(processor, mask) == next_one


def test_7_3_setting_the_ideal_processor_gives_the_one_before_and_refuses_where_the_thread_cant_run() -> None:
    tiny = Scheduled(4)
    thread = tiny.thread()
    tiny.dispatcher.set_affinity(thread, 0b0111)
    assert [tiny.dispatcher.set_ideal_processor(thread, number) for number in (1, 0, 3, 4, -1)] == [2, 1, -1, -1, -1]
    assert thread.ideal == 0


# ---- placement -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("busy", "chosen"),
    [((), 3), ((3,), 1), ((1, 3), 2), ((2, 3), 1), ((1, 2, 3), 0), ((0, 1, 2), 3), ((0, 1, 3), 2)],
)
def test_7_3_ideal_then_last_then_others_of_the_ideal_ones_node_then_other_nodes(
    busy: tuple[int, ...], chosen: int
) -> None:
    """Nodes {0, 1} and {2, 3}; the ideal processor is 3, the last one 1."""
    tiny = Scheduled(4, IDEAL, nodes=2)
    for processor in busy:
        hog = tiny.start(compute(1000))
        hog.ideal = processor
    thread = tiny.start(compute(10), note("done"), at=10, last=1)
    thread.ideal = 3
    tiny.run()
    assert (thread.processor, tiny.log) == (chosen, [(20, "done")])


def test_7_3_by_the_last_processor_a_thread_goes_back_where_its_cache_lines_are() -> None:
    tiny = Scheduled(4)
    thread = tiny.start(compute(10), note("done"), last=1)
    thread.ideal = 3
    tiny.run()
    assert thread.processor == 1


def test_7_3_an_ideal_processor_whose_sibling_is_busy_is_passed_over() -> None:
    """Siblings {0, 1} and {2, 3}, all of one node; 3 is busy."""
    tiny = Scheduled(4, IDEAL, smt=1.25)
    tiny.start(compute(1000)).ideal = 3
    thread = tiny.start(compute(10), at=10)
    thread.ideal = 2
    tiny.run()
    assert thread.processor == 0


@pytest.mark.parametrize(("placement", "log"), [("last", [(400, "9"), (1000, "7"), (1100, "6")]), ("ideal", [])])
def test_7_3_by_the_ideal_processor_a_thread_pre_empts_there_or_not_at_all(
    placement: str, log: list[tuple[int, object]]
) -> None:
    """Ideal is processor 0 with the better of two worse threads; by the last processor the worst one anywhere goes."""
    tiny = Scheduled(2, SchedulerParams(placement=placement))
    tiny.start(compute(1000), note("7"), priority=7, last=0).ideal = 0
    tiny.start(compute(1000), note("6"), priority=6, last=1).ideal = 1
    tiny.start(compute(100), note("9"), priority=9, at=300, last=1).ideal = 0
    tiny.run()
    assert tiny.log == (log or [(400, "9"), (1000, "6"), (1100, "7")])


def test_7_3_a_thread_that_cant_pre_empt_on_its_ideal_processor_waits_although_a_worse_one_runs() -> None:
    tiny = Scheduled(2, IDEAL)
    tiny.start(compute(500), note("10"), priority=10).ideal = 0
    tiny.start(compute(1000), note("6"), priority=6).ideal = 1
    tiny.start(compute(100), note("9"), priority=9, at=300).ideal = 0
    tiny.run()
    assert tiny.log == [(500, "10"), (600, "9"), (1000, "6")]


# ---- ready queues ----------------------------------------------------------------------------------------------------


def test_0b16_with_a_queue_a_processor_a_thread_waits_for_its_ideal_one() -> None:
    """Processor 1 is free first, at 200, but 0 has something better to do: nobody there waits for it."""
    tiny = Scheduled(2, APART)
    tiny.start(compute(500), note("zero"), last=0).ideal = 0
    tiny.start(compute(200), note("one"), last=1).ideal = 1
    tiny.start(compute(10), note("for one"), at=10).ideal = 1
    tiny.start(compute(10), note("better, for one"), priority=7, at=20).ideal = 1
    thread = tiny.start(compute(400), note("for zero"), at=5)
    thread.ideal = 0
    tiny.run()
    assert tiny.log == [(200, "one"), (210, "for one"), (220, "better, for one"), (500, "zero"), (620, "for zero")]
    assert thread.processor == 1  # idle from 220 on, it took what waited for processor 0


def test_7_3_with_a_queue_a_processor_a_thread_pre_empts_on_its_ideal_one_only() -> None:
    """The worst thread of all runs on processor 1."""
    tiny = Scheduled(2, APART)
    tiny.start(compute(1000), note("7"), priority=7, last=0).ideal = 0
    tiny.start(compute(1000), note("6"), priority=6, last=1).ideal = 1
    tiny.start(compute(100), note("9"), priority=9, at=300).ideal = 0
    tiny.run()
    assert tiny.log == [(400, "9"), (1000, "6"), (1100, "7")]


def test_0b16_with_a_shared_queue_the_oldest_goes_to_whoever_is_free() -> None:
    tiny = Scheduled(2)
    tiny.start(compute(500), note("zero"), last=0)
    tiny.start(compute(200), note("one"), last=1)
    tiny.start(compute(400), note("older"), at=5).ideal = 0
    tiny.start(compute(10), note("younger"), at=10).ideal = 1
    tiny.run()
    assert tiny.log == [(200, "one"), (500, "zero"), (510, "younger"), (600, "older")]


def test_0b16_an_idle_processor_takes_the_best_thread_that_waits_elsewhere_of_equals_one_of_its_node() -> None:
    """Nodes {0, 1} and {2, 3}; processor 3 is free at 100 and nothing waits there."""
    tiny = Scheduled(4, APART, nodes=2)
    for processor, time in enumerate((1000, 1000, 1000, 100)):
        tiny.start(compute(time), priority=10, last=processor).ideal = processor
    for name, priority, ideal in (("far", 8, 0), ("near", 8, 2), ("best", 9, 1), ("worst", 7, 2)):
        tiny.start(compute(10), note(name), priority=priority, at=10).ideal = ideal
    tiny.run()
    assert tiny.log == [(110, "best"), (120, "near"), (130, "far"), (140, "worst")]


def test_0b16_an_affine_thread_is_not_taken_to_a_processor_that_it_may_not_use() -> None:
    tiny = Scheduled(2, APART)
    tiny.start(compute(1000), priority=10, last=0).ideal = 0
    tiny.start(compute(100), priority=10, last=1).ideal = 1
    pinned = tiny.start(compute(10), note("pinned"), priority=9, at=10)
    tiny.dispatcher.set_affinity(pinned, 0b01)
    tiny.start(compute(10), note("free"), at=20).ideal = 0
    tiny.run()
    assert tiny.log == [(110, "free"), (1010, "pinned")]


def test_what_a_stolen_thread_waited_is_ready_queue_time() -> None:
    tiny = Scheduled(2, APART, switch=50)
    tiny.start(compute(1000), last=0).ideal = 0
    tiny.start(compute(250), last=1).ideal = 1
    thread = tiny.start(compute(100), note("done"), at=100)
    thread.ideal = 0
    thread.request = request = tiny.request()
    tiny.at(100, lambda: setattr(request, "mark", 100))
    tiny.run()
    assert tiny.log == [(450, "done")]
    assert causes(request) == {"ready_queue": 200, "wake_and_switch": 50, "user": 100}
    assert tiny.dispatcher.ready_area == 200


# ---- groups ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "processors", "groups"),
    [(1, 64, [0]), (2, 32, [0, 0]), (2, 48, [0, 1]), (4, 24, [0, 0, 1, 1]), (5, 20, [0, 0, 0, 1, 1])],
)
def test_groups_are_of_whole_nodes_and_at_most_64_processors(nodes: int, processors: int, groups: list[int]) -> None:
    topology = Topology(nodes, processors)
    assert topology.group_of_node == groups
    assert topology.groups == groups[-1] + 1


@pytest.mark.parametrize("params", [PLAIN, APART])
@pytest.mark.parametrize("clock", CLOCKS.values(), ids=list(CLOCKS))
def test_a_thread_stays_in_its_group_while_the_other_is_idle(clock: type, params: SchedulerParams) -> None:
    """Two groups of one node with 33 processors each: 40 threads of group 0 share 33.

    A thread of the other group comes and goes: its processor finds nothing else to do.
    """
    tiny = Scheduled(66, params, nodes=2, clock=clock)
    tiny.dispatcher.set_group(tiny.start(compute(20)), 1)
    threads = [tiny.start(compute(100), block(10), compute(100), note(number)) for number in range(40)]
    tiny.run()
    assert max(thread.processor for thread in threads) == 32
    assert tiny.log[-1][0] == 310


def test_a_thread_of_another_group_runs_there_and_its_masks_count_from_its_first_processor() -> None:
    tiny = Scheduled(66, nodes=2)
    thread = tiny.start(compute(10), note("done"))
    assert [tiny.dispatcher.set_group(thread, group) for group in (2, -1, 1)] == [-1, -1, 0]
    assert thread.ideal == 65
    assert tiny.dispatcher.set_affinity(thread, 0b100) == (1 << 33) - 1
    assert tiny.dispatcher.set_ideal_processor(thread, 2) == 2
    tiny.run()
    assert thread.processor == 35


def test_a_running_thread_that_changes_group_moves() -> None:
    tiny = Scheduled(66, nodes=2)
    thread = tiny.start(compute(100), note("done"))
    tiny.at(40, lambda: tiny.dispatcher.set_group(thread, 1))
    tiny.run()
    assert (thread.processor, tiny.log) == (33, [(100, "done")])
