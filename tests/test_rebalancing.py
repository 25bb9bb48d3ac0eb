"""Rebalancing an indirection table by load: entries move until none is worth it, and no further. Rule 0b.26."""

from tiny import Tiny
from tiny_net import Protocol, card, miniport, segment

from iosim.nic import Nic
from iosim.rebalancing import Rebalancer


def load(nic: Nic, *hits: int) -> None:
    """So many frames for each entry of the table, all at one time."""
    for index, count in enumerate(hits):
        for _ in range(count):
            frame = segment(hash=index)
            frame.arrived = nic.clock.now
            nic.receive(frame)


def entries(nic: Nic) -> list[int]:
    return list(nic.rss.table.entries)


def test_0b26_the_entry_nearest_to_half_the_difference_moves_to_the_idlest_processor() -> None:
    """Processor 0 has 50 + 10 + 16 frames, processor 1 has 2 + 4: of the 70 too many, half are 35, and 50 is nearest."""
    tiny = Tiny(2)
    nic = card(tiny, [0, 1])
    balancer = Rebalancer(nic, 1000, 10)
    load(nic, 50, 2, 10, 4, 16)
    assert balancer.loads() == [76, 6]
    balancer.balance()
    assert entries(nic) == [1, 1, 0, 1, 0, 1, 0, 1]
    assert balancer.loads() == [26, 56]


def test_one_heavy_flow_is_not_sent_to_and_fro() -> None:
    """An entry that is all of the difference would only make the other processor the busy one."""
    tiny = Tiny(2)
    nic = card(tiny, [0, 1])
    balancer = Rebalancer(nic, 1000, 10)
    load(nic, 100)
    balancer.balance()
    assert (balancer.moves, entries(nic)) == (0, [0, 1] * 4)


def test_small_differences_are_left_alone() -> None:
    tiny = Tiny(2)
    nic = card(tiny, [0, 1])
    balancer = Rebalancer(nic, 1000, 10)
    load(nic, 60, 100, 50)
    balancer.balance()
    assert balancer.moves == 0
    load(nic, 1)
    balancer.balance()
    assert balancer.moves == 0  # 111 and 100: 11 percent, but no entry is smaller than the difference


def test_0b26_a_skewed_load_is_spread_step_by_step_and_every_period_counts_anew() -> None:
    """Eight equal entries, all on processor 0 of four: after six steps each processor has two."""
    tiny = Tiny(4)
    nic = card(tiny, [0, 1, 2, 3])
    miniport(tiny, nic, Protocol(tiny))
    nic.fill([0])
    balancer = Rebalancer(nic, 1000, 10)
    balancer.start()
    for step in range(12):
        tiny.at(1000 * step + 500, lambda: load(nic, *[5] * 8))
    tiny.at(12_400, tiny.clock.stop)
    tiny.run()
    assert balancer.moves == 6
    assert sorted(entries(nic)) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert sum(nic.hits) == 0
