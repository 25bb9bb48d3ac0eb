"""Nodes and distances: the table says how much farther a remote node is than the own one."""

import pytest

from iosim.numa import REMOTE_DISTANCE, Topology, default_distances

# A 4-socket Xeon ring as its firmware reports it (numbers 7).
RING = [[10, 21, 31, 21], [21, 10, 21, 31], [31, 21, 10, 21], [21, 31, 21, 10]]


def test_processors_are_numbered_through_node_by_node() -> None:
    topology = Topology(2, 4)
    assert [topology.node_of(processor) for processor in range(8)] == [0, 0, 0, 0, 1, 1, 1, 1]


def test_without_a_table_every_other_node_is_as_far_as_measured_on_two_sockets() -> None:
    """78 ns local and 143 ns remote on 2x Xeon 8269CY (numbers 7); a whole SLIT entry comes within 2 % of it."""
    topology = Topology(2, 26)
    assert default_distances(2) == [[10, REMOTE_DISTANCE], [REMOTE_DISTANCE, 10]]
    assert topology.remote_ns(78, 0, 0) == 78
    assert topology.remote_ns(78, 0, 1) == 140
    assert abs(topology.remote_ns(78, 0, 1) - 143) * 50 <= 143 + 50


def test_two_hops_around_a_ring_cost_more_than_one() -> None:
    topology = Topology(4, 1, RING)
    assert [topology.remote_ns(100, 0, node) for node in range(4)] == [100, 210, 310, 210]


def test_the_way_back_is_as_long() -> None:
    topology = Topology(4, 2, RING)
    nodes = range(4)
    assert all(topology.distance(a, b) == topology.distance(b, a) for a in nodes for b in nodes)


def test_remote_time_is_rounded_down_and_nothing_stays_nothing() -> None:
    topology = Topology(2, 1, [[10, 21], [21, 10]])
    assert topology.remote_ns(3, 0, 1) == 6
    assert topology.remote_ns(0, 0, 1) == 0


def test_one_node_needs_no_table() -> None:
    topology = Topology(1, 8)
    assert topology.distance(0, 0) == 10
    assert topology.node_of(7) == 0


def test_the_table_is_copied_so_that_a_later_change_does_not_move_the_machine() -> None:
    rows = [[10, 20], [20, 10]]
    topology = Topology(2, 1, rows)
    rows[0][1] = 99
    assert topology.distance(0, 1) == 20


@pytest.mark.parametrize(
    ("nodes", "processors", "distances", "message"),
    [
        (0, 1, [], "nodes: 0 is too few"),
        (2, 0, [], "processors_per_node: 0 is too few"),
        (2, 1, [[10, 20]], "1 rows for 2 nodes"),
        (2, 1, [[10, 20], [20]], r"distances\[1\]: 1 entries for 2 nodes"),
        (2, 1, [[10, 20], [21, 10]], r"distances\[0\]\[1\]: 20 there and 21 back"),
        (2, 1, [[11, 20], [20, 10]], r"distances\[0\]\[0\]: 11 on the diagonal"),
        (2, 1, [[10, 9], [9, 10]], r"distances\[0\]\[1\]: 9 is outside 10 \(local\) to 254"),
        (2, 1, [[10, 255], [255, 10]], r"distances\[0\]\[1\]: 255 is outside"),
        (2, 1, [[10, 20.5], [20.5, 10]], r"distances\[0\]\[1\]: 20.5 is not a whole number"),
        (2, 1, [[10, True], [True, 10]], r"distances\[0\]\[1\]: True is not a whole number"),
    ],
)
def test_an_impossible_machine_is_refused_at_the_entry(
    nodes: int, processors: int, distances: list[list[int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Topology(nodes, processors, distances)


def test_a_processor_or_node_outside_the_machine_is_refused() -> None:
    topology = Topology(2, 4)
    for processor in (-1, 8):
        with pytest.raises(ValueError, match=f"processor {processor} is not one of this machine's 0 to 7"):
            topology.node_of(processor)
    for a, b, wrong in ((-1, 0, -1), (2, 0, 2), (0, -1, -1), (0, 2, 2)):
        with pytest.raises(ValueError, match=f"node {wrong} is not one of this machine's 0 to 1"):
            topology.distance(a, b)
