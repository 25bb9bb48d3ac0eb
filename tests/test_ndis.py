"""The miniport: interrupts, budgets, masks, coalescing, scarce buffers and where the time goes. Cases: semantics 9.9, 6.1."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import Tiny, causes, compute, note
from tiny_net import Protocol, card, miniport, segment

from iosim.errors import BugCheck
from iosim.frames import Frame
from iosim.moderation import DelayTimer, ThrottleGap
from iosim.nic import Nic


def offer(nic: Nic, *times: int, hash: int = 0, flow: int = -1) -> None:
    """Segments that do not follow each other, so that none is merged."""
    for time in times:
        nic.receive(segment(at=time, hash=hash, flow=flow, sequence=time * 10_000))


def test_the_timeline_of_one_frame_and_of_one_that_comes_too_late_for_its_run() -> None:
    """DMA 100, service routine 200, DPC 30 + 50 a frame, protocol 20 a frame.

    The second frame is in memory at 1380, while the first one's run (1300 to 1400) is on: the DPC is queued again, and nobody
    interrupts.
    """
    tiny = Tiny()
    nic = card(tiny, [0], dma=100)
    driver = miniport(tiny, nic, Protocol(tiny, cost=20), {"isr": 200, "dpc": 30, "receive": 50})
    offer(nic, 1000, 1280, 3000)
    tiny.run()
    assert tiny.log == [(1400, (0, 1)), (1500, (0, 1)), (3400, (0, 1))]
    assert (driver.runs, driver.requeued, nic.queues[0].interrupts) == (3, 1, 2)
    assert tiny.busy() == {"isr": 400, "dpc": 300}


def test_N01_a_budget_of_64_takes_200_frames_in_runs_of_64_64_64_and_8_all_of_them_masked() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], moderation=DelayTimer(1000, 0))
    queue = nic.queues[0]
    masked: list[bool] = []
    sink = Protocol(tiny, then=lambda frames: masked.append(queue.masked))
    driver = miniport(tiny, nic, sink, {"receive": 10}, budget=64)
    offer(nic, *range(1000, 1200))
    tiny.run()
    assert tiny.log == [(2640, (0, 64)), (3280, (0, 64)), (3920, (0, 64)), (4000, (0, 8))]
    assert masked == [True] * 4
    assert not queue.masked
    assert (driver.requeued, queue.interrupts) == (3, 1)


def test_0b25_6_1_5_without_a_budget_one_run_takes_them_all() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], moderation=DelayTimer(1000, 0))
    driver = miniport(tiny, nic, Protocol(tiny), {"receive": 10})
    offer(nic, *range(1000, 1200))
    tiny.run()
    assert tiny.log == [(4000, (0, 200))]
    assert driver.requeued == 0


def test_6_1_5_other_dpcs_come_between_two_runs() -> None:
    """More are pending: the DPC goes behind what waits."""
    from tiny import Device

    tiny = Tiny()
    nic = card(tiny, [0], moderation=DelayTimer(1000, 0))
    miniport(tiny, nic, Protocol(tiny), {"receive": 10}, budget=1)
    device = Device(tiny.processors[0], 0, 5, lambda: tiny.log.append((tiny.clock.now, "other")))
    offer(nic, 1000, 1001)
    device.at(tiny, 2005)
    tiny.run()
    assert tiny.log == [(2010, (0, 1)), (2015, "other"), (2025, (0, 1))]


def test_6_1_4_service_routine_and_dpc_run_on_the_processor_of_the_vector() -> None:
    tiny = Tiny(3)
    nic = card(tiny, [1, 2])
    miniport(tiny, nic, Protocol(tiny), {"isr": 10, "dpc": 5})
    offer(nic, 1000, hash=1)
    tiny.run()
    assert tiny.log == [(1015, (2, 1))]
    assert [tiny.busy(number) for number in range(3)] == [{}, {}, {"isr": 10, "dpc": 5}]


def test_N03_while_one_processors_vector_is_masked_only_the_other_one_is_interrupted() -> None:
    tiny = Tiny(2)
    nic = card(tiny, [0, 1])
    miniport(tiny, nic, Protocol(tiny), {"dpc": 10_000})
    offer(nic, 1000, 2000, 3000, hash=0)
    offer(nic, 2500, hash=1)
    tiny.run()
    assert tiny.log == [(11_000, (0, 1)), (12_500, (1, 1)), (21_000, (0, 2))]
    assert [queue.interrupts for queue in nic.queues] == [1, 1]


def test_N04_a_dpc_that_is_held_off_costs_exactly_what_the_ring_can_not_hold() -> None:
    """A longer DPC of another device sits on the processor; 256 of 300 frames are delivered."""
    from tiny import Device

    tiny = Tiny()
    nic = card(tiny, [0], ring=256)
    sink = Protocol(tiny)
    miniport(tiny, nic, sink)
    Device(tiny.processors[0], 0, 100_000).at(tiny, 500)
    offer(nic, *range(1000, 1300))
    tiny.run()
    assert tiny.log == [(100_500, (0, 256))]
    assert nic.dropped() == 44
    assert [frame.arrived for frame in sink.frames] == list(range(1000, 1256))


def test_6_1_6_the_protocol_runs_in_the_dpc_and_holds_a_thread_up() -> None:
    tiny = Tiny()
    nic = card(tiny, [0])
    miniport(tiny, nic, Protocol(tiny, cost=20), {"isr": 100, "dpc": 30, "receive": 50})
    tiny.start(compute(2000), note("thread"))
    offer(nic, 1000)
    assert tiny.run().log == [(1200, (0, 1)), (2200, "thread")]


def test_frames_that_never_stop_starve_the_thread() -> None:
    """Receive livelock: a frame every 100 ns, 110 ns of DPC each; the thread comes when the last one has been dealt with."""
    tiny = Tiny()
    nic = card(tiny, [0], ring=64)
    miniport(tiny, nic, Protocol(tiny), {"receive": 110})
    tiny.start(compute(2000), note("thread"))
    offer(nic, *range(1000, 101_000, 100))
    tiny.run()
    assert tiny.log[-1][1] == "thread"
    assert tiny.log[-1][0] > 101_000
    assert nic.dropped() > 0


# ---- coalescing ------------------------------------------------------------------------------------------------------


def in_order(nic: Nic, count: int, flow: int = 1) -> None:
    for number in range(count):
        nic.receive(segment(flow, number * 1000, at=1000 + number, hash=0))


def test_6_4_segments_of_one_run_are_merged_and_the_protocol_pays_once() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], moderation=DelayTimer(1000, 0))
    sink = Protocol(tiny, cost=100)
    driver = miniport(tiny, nic, sink, {"receive": 10, "merge": 1})
    in_order(nic, 5)
    tiny.run()
    assert tiny.log == [(2000 + 50 + 4 + 100, (0, 1))]
    assert (sink.frames[0].count, sink.frames[0].payload, driver.merged, driver.indicated) == (5, 5000, 4, 1)


def test_coalescing_can_be_switched_off() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], moderation=DelayTimer(1000, 0))
    driver = miniport(tiny, nic, Protocol(tiny, cost=100), {"receive": 10}, coalescing=False)
    in_order(nic, 5)
    assert tiny.run().log == [(2550, (0, 5))]
    assert driver.merged == 0


# ---- buffers ---------------------------------------------------------------------------------------------------------


def test_6_1_9_when_buffers_are_scarce_the_protocol_has_to_copy_and_can_not_keep_them() -> None:
    """Three spare buffers, which the protocol keeps; the next frames come with the flag set, until it gives one back."""
    tiny = Tiny()
    nic = card(tiny, [0])
    kept: list[Frame] = []

    def keep(frames: list[Frame]) -> None:
        for frame in frames:
            if not frame.resources:
                driver.keep(frame)
                kept.append(frame)

    sink = Protocol(tiny, then=keep)
    driver = miniport(tiny, nic, sink, buffers=3)
    offer(nic, *range(1000, 6000, 1000))
    tiny.at(5500, lambda: driver.give_back(kept.pop()))
    offer(nic, 6000)
    tiny.run()
    assert [frame.resources for frame in sink.frames] == [0, 0, 0, 1, 1, 0]
    assert (driver.low, driver.kept, nic.dropped()) == (2, 3, 0)


def test_6_1_9_keeping_a_frame_that_had_to_be_copied_stops_the_machine() -> None:
    tiny = Tiny()
    nic = card(tiny, [0])
    driver = miniport(tiny, nic, Protocol(tiny, then=lambda frames: driver.keep(frames[0])), buffers=0)
    offer(nic, 1000)
    with pytest.raises(BugCheck, match="BUGCODE_NDIS_DRIVER"):
        tiny.run()


def test_a_merged_unit_needs_a_buffer_for_each_of_its_segments() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], moderation=DelayTimer(1000, 0))
    sink = Protocol(tiny, then=lambda frames: driver.keep(frames[0]))
    driver = miniport(tiny, nic, sink, buffers=5)
    in_order(nic, 5)
    tiny.run()
    assert driver.kept == 5
    driver.give_back(sink.frames[0])
    assert driver.kept == 0


# ---- sending ---------------------------------------------------------------------------------------------------------


def test_a_sent_frame_is_completed_by_the_dpc() -> None:
    """1078 byte times of 8 ns, a service routine of 100, a DPC of 10 + 5."""
    tiny = Tiny()
    nic = card(tiny, [0])
    driver = miniport(tiny, nic, Protocol(tiny), {"isr": 100, "dpc": 10, "sent": 5, "transmit": 495})
    frame = segment(sequence=7)
    assert driver.transmit_cost(frame) == 495
    tiny.at(1000, lambda: driver.transmit(frame, 0))
    assert tiny.run().log == [(1000 + 8624 + 115, "sent 7")]


def test_frames_wait_for_a_full_transmit_ring_in_their_order() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], transmit_ring=1)
    driver = miniport(tiny, nic, Protocol(tiny), {"transmit": 1000})
    for number in range(3):
        driver.transmit(segment(sequence=number), 0)
    tiny.run()
    # The DPC that completes one frame starts the next: 1,000 ns between two of them.
    assert tiny.log == [(9624, "sent 0"), (19_248, "sent 1"), (27_872, "sent 2")]
    assert (driver.waiting_most, nic.queues[0].tx.sent) == (2, 3)


# ---- one vector for all ----------------------------------------------------------------------------------------------


def test_a_card_with_one_vector_interrupts_one_processor_and_aims_its_dpcs_at_the_others() -> None:
    tiny = Tiny(2)
    nic = card(tiny, [0, 1])
    miniport(tiny, nic, Protocol(tiny), {"isr": 100, "dpc": 10}, message_signalled=False)
    offer(nic, 1000, 3000, hash=1)
    offer(nic, 3000, hash=0)
    tiny.run()
    assert sorted(tiny.log) == [(1110, (1, 1)), (3110, (0, 1)), (3110, (1, 1))]
    assert [tiny.busy(number) for number in range(2)] == [{"isr": 200, "dpc": 10}, {"dpc": 20}]
    assert not any(queue.masked for queue in nic.queues)


def test_with_one_vector_all_queues_stay_masked_until_the_last_dpc_is_through() -> None:
    tiny = Tiny(2)
    nic = card(tiny, [0, 1])
    miniport(tiny, nic, Protocol(tiny), {"dpc": 500}, message_signalled=False)
    offer(nic, 1000, hash=1)
    offer(nic, 1200, hash=0)
    assert tiny.run().log == [(1500, (1, 1)), (2000, (0, 1))]


# ---- memory, time and events -----------------------------------------------------------------------------------------


def test_headers_in_the_memory_of_another_node_cost_more() -> None:
    tiny = Tiny(2, nodes=2)
    nic = card(tiny, [0, 1], buffer_node=0)
    driver = miniport(tiny, nic, Protocol(tiny), {"touch": 100})
    assert [dpc.touch for dpc in driver.dpcs] == [100, 180]
    offer(nic, 1000, hash=1)
    assert tiny.run().log == [(1180, (1, 1))]


def test_a_run_evicts_what_threads_have_in_the_caches() -> None:
    tiny = Tiny()
    nic = card(tiny, [0])
    miniport(tiny, nic, Protocol(tiny), {"footprint": 4096})
    offer(nic, 1000, 2000)
    tiny.run()
    assert (tiny.caches.core_fills[0], tiny.caches.node_fills[0]) == (8192, 8192)


def test_the_causes_of_a_frames_time_are_wire_memory_moderation_queue_and_processor() -> None:
    """Sent at 0, here at 1000, in memory at 1100, interrupt at 1500 (a gap of 500 after one at 1000), DPC from 1700."""
    tiny = Tiny()
    nic = card(tiny, [0], dma=100, moderation=ThrottleGap(500))
    nic.queues[0].moderation.raised(1000)
    miniport(tiny, nic, Protocol(tiny, cost=20), {"isr": 200, "dpc": 30, "receive": 50})
    first, second = segment(at=1000), segment(at=1450, sequence=9999)
    first.request, second.request = tiny.request(1), tiny.request(2)
    nic.receive(first)
    nic.receive(second)
    tiny.run()
    # Two frames: 30 + 2 * (50 + 20). The second is in memory at 1550, when the vector is being served already.
    assert causes(first.request) == {"link": 1000, "dma": 100, "moderation": 400, "dpc_wait": 200, "kernel": 170}
    assert causes(second.request) == {"link": 1450, "dma": 100, "ring": 150, "kernel": 170}
    assert first.request.mark == second.request.mark == 1870


def test_frames_of_one_request_explain_its_time_once() -> None:
    tiny = Tiny()
    nic = card(tiny, [0], moderation=DelayTimer(500, 0))
    miniport(tiny, nic, Protocol(tiny), {"receive": 50})
    request = tiny.request()
    for time in (1000, 1200):
        frame = segment(at=time, sequence=time)
        frame.request = request
        nic.receive(frame)
    tiny.run()
    assert causes(request) == {"link": 1200, "moderation": 300, "kernel": 100}


@settings(max_examples=100, deadline=None)
@given(
    resets=st.lists(st.tuples(st.integers(1_000, 60_000), st.integers(1, 5_000)), max_size=4),
    ring=st.integers(1, 20),
    budget=st.integers(0, 6),
    buffers=st.integers(0, 4),
)
def test_resets_under_load_lose_no_count_and_no_descriptor(
    resets: list[tuple[int, int]], ring: int, budget: int, buffers: int
) -> None:
    """The law of frames: each is indicated, merged, dropped or lost; and sending ends for all that was sent."""
    tiny = Tiny(2)
    nic = card(tiny, [0, 1], ring=ring, transmit_ring=2, moderation=ThrottleGap(700))
    costs = {"isr": 50, "dpc": 30, "receive": 120, "sent": 20}
    driver = miniport(tiny, nic, Protocol(tiny, cost=90), costs, budget=budget, buffers=buffers)
    for number in range(300):
        nic.receive(segment(number % 3, number // 3 * 1000, at=1000 + 170 * number, hash=number % 3))
    for number in range(8):
        driver.transmit(segment(sequence=number), number % 2)
    for at, duration in resets:
        tiny.at(at, lambda duration=duration: nic.reset(duration))  # type: ignore[misc]
    tiny.run()
    nic.settle()
    assert driver.indicated + driver.merged + nic.dropped() + nic.lost == 300
    assert sum(queue.tx.sent for queue in nic.queues) == 8
    for queue in nic.queues:
        assert (queue.rx.free, queue.tx.free, queue.masked) == (queue.rx.size, queue.tx.size, False)


@pytest.mark.parametrize(("gap", "events"), [(0, 3000), (2_000, 1500), (50_000, 60), (500_000, 6)])
def test_events_per_packet_fall_with_the_batch(gap: int, events: int) -> None:
    """1,000 frames, one a us: three events an interrupt, so 3 a frame without moderation and 0.06 at 20,000 a second."""
    tiny = Tiny()
    nic = card(tiny, [0], ring=1024, moderation=ThrottleGap(gap))
    miniport(tiny, nic, Protocol(tiny))
    for number in range(1000):
        nic.receive(segment(number, at=1_000 * (number + 1)))
    tiny.clock.run(100_000)
    assert tiny.clock.events == pytest.approx(events, abs=3)
    assert len(tiny.log) == pytest.approx(events / 3, abs=1)


def test_every_frame_is_accounted_for() -> None:
    """What the link carried is indicated, merged, dropped, lost or still in the ring."""
    tiny = Tiny(2)
    nic = card(tiny, [0, 1], ring=8, moderation=ThrottleGap(3_000))
    driver = miniport(tiny, nic, Protocol(tiny, cost=300), {"isr": 100, "receive": 200}, budget=5)
    for number in range(2000):
        nic.receive(segment(number % 3, number // 3 * 1000, at=1000 + 170 * number, hash=number % 3))
    tiny.at(100_000, lambda: nic.set_link(False))
    tiny.at(110_000, lambda: nic.set_link(True))
    tiny.run()
    nic.settle()
    waiting = sum(queue.rx.frames.count for queue in nic.queues)
    assert driver.indicated + driver.merged + nic.dropped() + nic.lost + waiting == 2000
    assert waiting == 0
    assert nic.dropped() > 0
    for queue in nic.queues:
        assert queue.rx.free == queue.rx.size
