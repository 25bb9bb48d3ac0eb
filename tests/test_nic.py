"""The card: drops to the frame, vectors that interrupt their processors alone, tables that change in mid-flight."""

import pytest
from tiny import Tiny
from tiny_net import Far, card, segment, watch

from iosim.moderation import Adaptive, DelayTimer, Moderation, ThrottleGap
from iosim.nic import Nic


def offer(nic: Nic, *times: int, hash: int = 0) -> None:
    for time in times:
        nic.receive(segment(at=time, hash=hash))


def test_N07_a_lone_frame_interrupts_at_once_or_after_the_delay_timer() -> None:
    for moderation, expected in ((Moderation(), 1000), (ThrottleGap(500), 1000), (DelayTimer(500, 0), 1500)):
        tiny = Tiny()
        nic = card(tiny, [0], moderation=moderation)
        watch(tiny, nic)
        offer(nic, 1000)
        assert tiny.run().log == [(expected, (0, 1, 0))]


def test_a_throttle_gap_gathers_what_comes_in_it() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], moderation=ThrottleGap(500))
    watch(tiny, nic)
    offer(nic, 1000, 1100, 1200, 1600, 2500)
    assert tiny.run().log == [(1000, (0, 1, 0)), (1500, (0, 2, 0)), (2000, (0, 1, 0)), (2500, (0, 1, 0))]
    assert nic.queues[0].interrupts == 4


def test_a_delay_timer_with_a_count_interrupts_at_whichever_comes_first() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], moderation=DelayTimer(500, 3))
    watch(tiny, nic)
    offer(nic, 1000, 1100, 1200, 3000, 3100)
    assert tiny.run().log == [(1200, (0, 3, 0)), (3500, (0, 2, 0))]


def test_frames_cost_no_events_while_one_interrupt_gathers_them() -> None:
    """1,000 frames, one look, one service routine; the end of the run is one more."""
    tiny = Tiny()
    nic = card(tiny, [0], ring=1000, moderation=DelayTimer(10_000, 0))
    watch(tiny, nic)
    offer(nic, *range(1000, 2000))
    tiny.run()
    assert tiny.log == [(11_000, (0, 1000, 0))]
    assert tiny.clock.events == 2


def test_6_1_2_a_frame_is_seen_when_it_lies_in_memory() -> None:
    """54 bytes of headers and 1,000 of payload at 1 ns a byte, after 300 ns."""
    tiny = Tiny()
    nic = card(tiny, [0], dma=300, dma_ps=1000)
    watch(tiny, nic)
    offer(nic, 1000)
    assert tiny.run().log == [(2354, (0, 1, 0))]


def test_frames_reach_memory_in_their_order() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], dma=0, dma_ps=1000, moderation=ThrottleGap(10))
    watch(tiny, nic)
    nic.receive(segment(at=1000))
    nic.receive(segment(at=1010, payload=6))  # has 60 bytes: alone it would be there long before the other
    assert tiny.run().log == [(2054, (0, 2, 0))]


def test_memory_on_another_node_is_farther_by_the_distance_table() -> None:
    tiny = Tiny(2, nodes=2)
    near, far = card(tiny, [0, 1], dma=100), card(tiny, [0, 1], dma=100, buffer_node=1)
    assert [queue.rx.dma for queue in near.queues] == [100, 180]
    assert [queue.rx.dma for queue in far.queues] == [180, 180]
    assert [queue.node for queue in near.queues] == [0, 1]


def test_N04_a_ring_of_256_drops_44_of_300_frames_when_no_dpc_takes_any() -> None:
    """To the frame: the first 256 are there, in their order; the card alone counts the rest (6.1.1)."""
    tiny = Tiny()
    nic = card(tiny, [0], ring=256)
    watch(tiny, nic, takes=False)
    for number in range(300):
        nic.receive(segment(at=1000 + number, sequence=number))
    tiny.run()
    assert nic.dropped() == 0  # the clock stopped after the first interrupt: the rest has yet to arrive
    tiny.at(2000, lambda: None)
    tiny.run()
    ring = nic.queues[0].rx
    assert (nic.dropped(), ring.received, ring.used_most, ring.dropped_bytes) == (44, 256, 256, 44 * 1054)
    assert [frame.sequence for frame in ring.take(0, 2000)] == list(range(256))


def test_a_descriptor_that_comes_free_between_two_frames_saves_the_second_alone() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], ring=1)
    ring = nic.queues[0].rx
    offer(nic, 100, 200, 300)
    tiny.at(250, lambda: ring.refill(len(ring.take(0, 250)), 250))
    tiny.run()
    ring.settle(300)
    assert (ring.received, ring.dropped, ring.frames.count) == (2, 1, 1)


def test_N03_a_masked_vector_fills_its_own_ring_and_the_other_processor_is_interrupted() -> None:
    tiny = Tiny(3)
    nic = card(tiny, [1, 2], ring=4)
    watch(tiny, nic)
    nic.queues[0].mask()
    for time in (1000, 1100, 1200):
        offer(nic, time, hash=0)
        offer(nic, time, hash=1)
    tiny.run()
    nic.settle()
    assert tiny.log == [(time, (2, 1, 0)) for time in (1000, 1100, 1200)]
    assert (nic.queues[0].rx.frames.count, nic.queues[0].interrupts) == (3, 0)


def test_6_1_5_a_frame_between_the_last_look_at_the_ring_and_the_unmasking_still_interrupts() -> None:
    """The race of 6.1: level, not edge."""
    tiny = Tiny()
    nic = card(tiny, [0])
    watch(tiny, nic)
    queue = nic.queues[0]
    queue.mask()
    offer(nic, 1000)
    tiny.at(5000, queue.unmask)
    assert tiny.run().log == [(5000, (0, 1, 0))]


def test_6_1_3_an_interrupt_that_is_pending_is_not_raised_again() -> None:
    tiny = Tiny()
    nic = card(tiny, [0])
    watch(tiny, nic, cost=500)
    offer(nic, 1000, 1100, 1600)
    assert tiny.run().log == [(1500, (0, 2, 0)), (2100, (0, 1, 0))]


def test_no_frame_waits_for_ever_when_the_one_that_was_waited_for_is_dropped() -> None:
    """The ring is full when the next frame comes, and has room when the one after it does."""
    tiny = Tiny()
    nic = card(tiny, [0], ring=1)
    watch(tiny, nic)
    queue = nic.queues[0]
    queue.rx.free = 0
    offer(nic, 100, 200)
    tiny.at(150, lambda: queue.rx.refill(1, 150))
    assert tiny.run().log == [(200, (0, 1, 0))]
    assert nic.dropped() == 1


def test_what_has_no_hash_goes_to_the_default_processor() -> None:
    tiny = Tiny(2)
    nic = card(tiny, [1])
    watch(tiny, nic)
    nic.receive(segment(at=1000))
    assert tiny.run().log == [(1000, (1, 1, 0))]


def test_6_2_6_frames_in_flight_follow_a_changed_table_and_what_has_arrived_stays() -> None:
    """For a short time a flow is on two processors."""
    tiny = Tiny(2)
    nic = card(tiny, [0, 1], moderation=DelayTimer(1000, 0))
    watch(tiny, nic)
    offer(nic, 1000, 1100, 1200, 1300, hash=0)
    tiny.at(1150, lambda: nic.move(0, 1))
    assert tiny.run().log == [(2000, (0, 2, 0)), (2200, (1, 2, 0))]


def test_a_table_can_be_filled_anew_but_only_with_processors_that_have_a_queue() -> None:
    tiny = Tiny(4)
    nic = card(tiny, [0, 1])
    nic.fill([1])
    assert set(nic.rss.table.entries) == {1}
    for processor in (3, 9, -1):
        with pytest.raises(ValueError, match=f"processor {processor} has no queue of this card"):
            nic.move(0, processor)
    with pytest.raises(ValueError, match="processor 3 has no queue of this card"):
        nic.fill([0, 3])
    with pytest.raises(ValueError, match="processor 4 is not one of this machine's 0 to 3"):
        card(tiny, [4])


def test_every_queue_is_moderated_by_itself() -> None:
    tiny = Tiny(2)
    for moderation in (Moderation(), ThrottleGap(7), DelayTimer(7, 3), Adaptive((9, 8, 7))):
        first, second = card(tiny, [0, 1], moderation=moderation).queues
        assert type(first.moderation) is type(second.moderation) is type(moderation)
        assert len({id(first.moderation), id(second.moderation), id(moderation)}) == 3
        assert first.moderation.count == moderation.count


# ---- transmission ----------------------------------------------------------------------------------------------------


def test_a_frame_leaves_after_its_fetch_and_interrupts_when_it_has_left() -> None:
    """1054 + 24 byte times of 8 ns after 300 ns of DMA."""
    tiny = Tiny()
    nic = card(tiny, [0], dma=300)
    watch(tiny, nic)
    far = nic.link.end
    assert isinstance(far, Far)
    tiny.at(1000, lambda: nic.transmit(nic.queues[0], segment()))
    assert tiny.run().log == [(1300 + 8624, (0, 0, 1))]
    assert [frame.arrived for frame in far.frames] == [9924]


def test_a_full_transmit_ring_refuses_a_frame_and_takes_it_when_one_has_left() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], transmit_ring=2)
    queue = nic.queues[0]
    assert [nic.transmit(queue, segment()) for _ in range(3)] == [True, True, False]
    assert len(queue.tx.take(8623)) == 0
    assert len(queue.tx.take(8624)) == 1
    assert nic.transmit(queue, segment())


def test_6_4_a_large_send_is_cut_into_segments_and_the_last_one_pushes() -> None:
    tiny = Tiny()
    nic = card(tiny, [0])
    watch(tiny, nic)
    large = segment(payload=64_000, sequence=500, pushed=1)
    large.segment = 1460
    nic.transmit(nic.queues[0], large)
    far = nic.link.end
    assert isinstance(far, Far)
    parts = far.frames
    assert [part.payload for part in parts] == [1460] * 43 + [1220]
    assert [part.sequence for part in parts] == list(range(500, 64_500, 1460))
    assert [part.pushed for part in parts] == [0] * 43 + [1]
    assert {part.size - part.payload for part in parts} == {54}
    last = 43 * 1538 * 8 + (1220 + 54 + 24) * 8
    assert parts[-1].arrived == last
    assert tiny.run().log == [(last, (0, 0, 1))]
    assert large.payload == 64_000


def test_6_2_11_a_frame_leaves_by_the_queue_of_its_hash_or_of_its_sender() -> None:
    tiny = Tiny(4)
    by_hash, by_sender = card(tiny, [0, 1], by_hash=True), card(tiny, [0, 1])
    assert by_hash.transmit_queue(segment(hash=1), 0).number == 1
    assert by_hash.transmit_queue(segment(), 0).number == 0  # without a hash: the sender's
    assert [by_sender.transmit_queue(segment(hash=1), sender).number for sender in range(4)] == [0, 1, 0, 1]


def test_receiving_and_sending_share_a_vector_and_the_earlier_of_both_interrupts() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], moderation=DelayTimer(1000, 0))
    watch(tiny, nic)
    offer(nic, 20_000)
    nic.transmit(nic.queues[0], segment())
    offer(nic, 20_500)
    assert tiny.run().log == [(9624, (0, 0, 1)), (21_000, (0, 2, 0))]


# ---- faults ----------------------------------------------------------------------------------------------------------


def test_a_pulled_cable_loses_what_flies_and_what_is_sent_and_a_plugged_one_nothing() -> None:
    tiny = Tiny()
    nic = card(tiny, [0])
    watch(tiny, nic)
    offer(nic, 1000, 2000, 3000)
    tiny.at(1500, lambda: nic.set_link(False))
    tiny.at(1600, lambda: offer(nic, 1700))
    tiny.at(1800, lambda: nic.set_link(True))
    tiny.at(1900, lambda: offer(nic, 2500))
    assert tiny.run().log == [(1000, (0, 1, 0)), (2500, (0, 1, 0))]
    assert nic.lost == 3


def test_a_reset_loses_what_flies_and_what_lies_in_the_rings_and_frees_their_descriptors() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], ring=4)
    watch(tiny, nic)
    queue = nic.queues[0]
    queue.mask()
    offer(nic, 1000, 1100, 2000, 5000)
    tiny.at(1500, lambda: nic.reset(1000))
    tiny.at(2200, lambda: offer(nic, 2200))
    tiny.at(3000, lambda: offer(nic, 3000))
    tiny.at(4000, queue.unmask)
    assert tiny.run().log == [(4000, (0, 1, 0))]
    assert (nic.lost, nic.dropped(), queue.rx.free, nic.up, nic.link.up) == (5, 0, 4, True, True)
