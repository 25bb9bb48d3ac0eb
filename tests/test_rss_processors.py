"""Which processors a card uses: profiles, ranges over groups, siblings, defaults. Cases: semantics 6.2."""

import pytest

from iosim.numa import Topology
from iosim.rss_processors import (
    GIGABIT,
    RssParams,
    RssProfile,
    default_processors,
    group_number,
    in_range,
    rss_processors,
)

TWO_NODES = Topology(2, 8)
RING = Topology(4, 4, [[10, 21, 31, 21], [21, 10, 21, 31], [31, 21, 10, 21], [21, 31, 21, 10]])


def chosen(topology: Topology, threads: int = 1, most: int = 4, **params: object) -> list[int]:
    return rss_processors(RssParams(**params), topology, threads, most)  # type: ignore[arg-type]


def test_6_2_8_second_threads_of_a_core_are_left_out() -> None:
    assert chosen(TWO_NODES, threads=2, profile=RssProfile.CLOSEST_STATIC) == [0, 2, 4, 6]


def test_6_2_9_closest_profiles_go_out_from_the_preferred_node() -> None:
    for profile in (RssProfile.CLOSEST, RssProfile.CLOSEST_STATIC):
        assert chosen(RING, most=9, profile=profile, numa_node=2) == [8, 9, 10, 11, 4, 5, 6, 7, 12]
        assert chosen(RING, most=5, profile=profile) == [0, 1, 2, 3, 4]


def test_6_2_9_numa_profiles_take_nodes_in_turn_whatever_node_is_preferred() -> None:
    for profile in (RssProfile.NUMA, RssProfile.NUMA_STATIC):
        assert chosen(TWO_NODES, profile=profile) == [0, 8, 1, 9]
        assert chosen(TWO_NODES, profile=profile, numa_node=1) == [0, 8, 1, 9]


def test_6_2_9_numa_static_is_the_default_and_the_static_ones_are_not_rebalanced() -> None:
    assert RssParams().profile == RssProfile.NUMA_STATIC
    assert [profile.dynamic for profile in RssProfile] == [True, False, True, False, True]


def test_6_2_9_the_conservative_profile_takes_one() -> None:
    assert chosen(TWO_NODES, profile=RssProfile.CONSERVATIVE) == [0]


def test_6_2_9_defaults_are_4_up_to_a_gigabit_and_16_above_or_2_and_4_without_msi_x() -> None:
    assert [default_processors(speed, True) for speed in (GIGABIT, 10 * GIGABIT)] == [4, 16]
    assert [default_processors(speed, False) for speed in (GIGABIT, 10 * GIGABIT)] == [2, 4]


def test_6_2_10_a_range_goes_by_group_first() -> None:
    base, last = (1, 16), (3, 8)
    assert in_range((2, 63), base, last)
    assert not in_range((3, 9), base, last)
    assert not in_range((0, 32), base, last)
    assert in_range(base, base, last)
    assert in_range(last, base, last)


def test_groups_and_numbers_are_those_of_the_machine() -> None:
    topology = Topology(4, 32)  # two nodes a group
    assert [group_number(topology, number) for number in (0, 63, 64, 127)] == [(0, 0), (0, 63), (1, 0), (1, 63)]
    assert chosen(topology, most=3, profile=RssProfile.CLOSEST, base_processor=(0, 63)) == [63, 64, 65]
    assert chosen(topology, most=9, profile=RssProfile.CLOSEST, base_processor=(1, 62), max_processor=(1, 63)) == [
        126,
        127,
    ]


def test_a_card_can_be_kept_to_one_node() -> None:
    assert chosen(TWO_NODES, most=16, numa_node=1, numa_node_only=True) == list(range(8, 16))


def test_most_processors_and_queues_are_limits() -> None:
    assert chosen(TWO_NODES, max_processors=3) == [0, 8, 1]
    assert chosen(TWO_NODES, max_processors=3, number_of_receive_queues=2) == [0, 8]


def test_a_range_without_processors_is_refused() -> None:
    with pytest.raises(ValueError, match="no processor from 0:20 to 1:0"):
        chosen(TWO_NODES, base_processor=(0, 20))
    with pytest.raises(ValueError, match="no processor from 0:0 to 0:1 on node 1"):
        chosen(TWO_NODES, max_processor=(0, 1), numa_node=1, numa_node_only=True)
