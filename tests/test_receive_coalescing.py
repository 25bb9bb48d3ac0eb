"""Receive segment coalescing by Microsoft's published rules (semantics 6.4)."""

from tiny_net import acknowledgement, segment

from iosim.frames import DATAGRAM, FIN, MSS_IPV4, Frame
from iosim.receive_coalescing import coalesce


def shown(frames: list[Frame]) -> list[tuple[int, int, int]]:
    """Sequence number, payload and count of each."""
    return [(frame.sequence, frame.payload, frame.count) for frame in frames]


def test_N08_adjacent_segments_make_one_unit_and_a_gap_begins_another() -> None:
    units = coalesce([segment(sequence=0), segment(sequence=1000), segment(sequence=3000)])
    assert shown(units) == [(0, 2000, 2), (3000, 1000, 0)]
    assert units[0].size == 2054


def test_N10_a_unit_has_psh_if_a_segment_in_it_had() -> None:
    parts = [segment(sequence=0), segment(sequence=1000, pushed=1), segment(sequence=2000)]
    (unit,) = coalesce(parts)
    assert (unit.pushed, unit.count, unit.payload) == (1, 3, 3000)
    assert (parts[0].pushed, parts[0].payload, parts[0].count) == (0, 1000, 0)  # which the sender may still have


def test_6_4_a_retransmitted_segment_begins_another_unit() -> None:
    assert shown(coalesce([segment(sequence=0), segment(sequence=0)])) == [(0, 1000, 0), (0, 1000, 0)]


def test_6_4_a_pure_acknowledgement_goes_up_alone_and_closes_the_unit() -> None:
    """So that nothing of a flow changes its order."""
    frames = [segment(sequence=0), acknowledgement(), segment(sequence=1000), segment(sequence=2000)]
    assert shown(coalesce(frames)) == [(0, 1000, 0), (0, 0, 0), (1000, 2000, 2)]


def test_6_4_units_of_flows_whose_segments_alternate() -> None:
    frames = [segment(flow, sequence) for sequence in (0, 1000) for flow in (1, 2)]
    assert [(unit.flow, unit.payload) for unit in coalesce(frames)] == [(1, 2000), (2, 2000)]


def test_6_4_other_options_ipsec_fragments_and_the_end_of_a_connection_are_never_merged() -> None:
    odd = segment(sequence=1000)
    odd.mergeable = 0
    assert len(coalesce([segment(sequence=0), odd, segment(sequence=2000)])) == 3
    assert len(coalesce([segment(sequence=0), segment(sequence=1000, kind=FIN)])) == 2
    assert len(coalesce([segment(kind=DATAGRAM), segment(sequence=1000, kind=DATAGRAM)])) == 2


def test_6_4_the_unit_carries_the_newest_acknowledgement_and_an_older_one_begins_another() -> None:
    units = coalesce(
        [
            segment(sequence=0, acknowledged=5),
            segment(sequence=1000, acknowledged=9),
            segment(sequence=2000, acknowledged=7),
        ]
    )
    assert [(unit.payload, unit.acknowledged) for unit in units] == [(2000, 9), (1000, 7)]


def test_a_unit_is_no_longer_than_an_ip_packet() -> None:
    """44 full segments: 40 + 44 * 1460 = 64,280 bytes; one more would be 65,740."""
    frames = [segment(sequence=number * MSS_IPV4, payload=MSS_IPV4) for number in range(100)]
    assert [unit.count for unit in coalesce(frames)] == [44, 44, 12]


def test_a_lone_segment_is_not_touched() -> None:
    frame = segment()
    (unit,) = coalesce([frame])
    assert unit is frame
