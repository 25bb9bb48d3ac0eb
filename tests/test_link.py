"""Wires: the rate of a real Ethernet, overhead included, and an end that knows of a frame before it is there."""

import pytest

from iosim.frames import DATA, MSS_IPV4, TCP_IPV4, Frame, new_frame
from iosim.link import FrameReceiver, Link

GIGABIT = 1_000_000_000


class End(FrameReceiver):
    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def receive(self, frame: Frame) -> None:
        self.frames.append(frame)


def full() -> Frame:
    return new_frame(DATA, 0, MSS_IPV4, TCP_IPV4)


def short() -> Frame:
    return new_frame(DATA, 0, 0, TCP_IPV4)


def test_a_gigabit_carries_1_488_095_of_the_shortest_frames_a_second_and_81_274_full_ones() -> None:
    """The figures that every network tester knows: 84 and 1538 byte times a frame."""
    for make, expected in ((short, 1_488_095), (full, 81_274)):
        link = Link(GIGABIT, 0)
        link.end = End()
        count = 0
        while link.carry(make(), 0) <= 10_000_000:
            count += 1
        assert count == expected // 100


def test_a_byte_at_10_gigabit_takes_800_ps_and_none_is_lost_to_rounding() -> None:
    link = Link(10 * GIGABIT, 0)
    link.end = End()
    left = [link.carry(short(), 0) for _ in range(5)]
    assert left == [68, 135, 202, 269, 336]  # 67.2 ns each, told in whole ns, rounded up
    assert link.busy_ps == 5 * 67_200


def test_frames_wait_for_each_other_and_the_wire_for_them() -> None:
    link = Link(GIGABIT, 5000)
    end = link.end = End()
    assert [link.carry(short(), 0), link.carry(short(), 100), link.carry(short(), 10_000)] == [672, 1344, 10_672]
    assert [frame.arrived for frame in end.frames] == [5672, 6344, 15_672]
    assert (link.frames, link.bytes) == (3, 180)


def test_what_is_sent_while_the_link_is_down_is_lost() -> None:
    link = Link(GIGABIT, 0)
    end = link.end = End()
    link.up = False
    assert link.carry(short(), 0) == 672
    link.up = True
    link.carry(short(), 0)
    assert (len(end.frames), link.lost, link.frames) == (1, 1, 1)


def test_a_rate_that_no_link_has_is_refused() -> None:
    with pytest.raises(ValueError, match="a link of 0 bit/s"):
        Link(0, 0)
