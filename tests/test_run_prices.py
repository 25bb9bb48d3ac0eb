"""What a driver's run of frames costs above the driver: known before the first is looked at, and right for all together."""

import pytest
from tiny_net import acknowledgement
from tiny_sock import NEAR, TinySock

from iosim.devices.socket_codes import DATAGRAM, RECEIVE
from iosim.devices.winsock import Endpoint
from iosim.frames import DATA, TCP_IPV4, Frame, new_frame
from iosim.frames import DATAGRAM as UDP_FRAME
from iosim.tcp import TcpParams

COSTS = TcpParams(receive_cost=100, segment_cost=1000)
ONE_NS_A_BYTE = 1000  # ps


def acks(end: Endpoint, count: int, segments: int) -> list[Frame]:
    """So many, each for so many segments more."""
    connection = end.connection
    frames = []
    for number in range(1, count + 1):
        frame = acknowledgement(connection.flow ^ 1, connection.una + number * segments * COSTS.segment)
        frame.window = 1 << 30
        frames.append(frame)
    return frames


def data(end: Endpoint, count: int, size: int) -> list[Frame]:
    """So many frames, in order."""
    connection = end.connection
    frames = []
    for number in range(count):
        frame = new_frame(DATA, connection.flow ^ 1, size, TCP_IPV4)
        frame.sequence = connection.expected + number * size
        frame.acknowledged = connection.una
        frame.window = 1 << 30
        frames.append(frame)
    return frames


@pytest.mark.parametrize("slow_start", [True, False])
@pytest.mark.parametrize(("count", "segments"), [(1, 2), (5, 2), (2, 5), (10, 1)])
def test_a_run_of_acks_costs_the_segments_that_it_lets_go_each_once(
    count: int, segments: int, slow_start: bool
) -> None:
    """From ten segments in flight. Every ACK by itself, all from the first one's place, would pay for them again and again."""
    tiny = TinySock(tcp=COSTS)
    end = tiny.connected()
    connection = end.connection
    tiny.send(end, 1000 * COSTS.segment)
    before = connection.nxt
    assert before - connection.una == 10 * COSTS.segment
    if not slow_start:
        connection.threshold = COSTS.segment
    frames = acks(end, count, segments)
    cost = tiny.near.cost(frames)
    tiny.near.indicate(frames, tiny.dispatcher.processors[0])
    sent = (connection.nxt - before) // COSTS.segment
    assert sent >= count * segments
    assert cost == count * COSTS.receive_cost + sent * COSTS.segment_cost


def test_0b23_one_posted_receive_is_copied_into_once_whatever_comes_in_the_run() -> None:
    tiny = TinySock(tcp=COSTS, copy_ps=ONE_NS_A_BYTE)
    end = tiny.connected()
    tiny.receive(end, 1500)
    assert tiny.near.cost(data(end, 3, 1000)) == 3 * COSTS.receive_cost + 1500


def test_6_1_9_what_can_not_stay_in_the_cards_buffers_is_copied_at_once_though_nobody_waits_for_it() -> None:
    tiny = TinySock(tcp=COSTS, copy_ps=ONE_NS_A_BYTE)
    end = tiny.connected()
    frames = data(end, 3, 1000)
    frames[1].resources = 1
    assert tiny.near.cost(frames) == 3 * COSTS.receive_cost + 1000


def test_0b23_of_a_run_of_datagrams_as_many_are_copied_as_receives_wait() -> None:
    tiny = TinySock(tcp=COSTS, copy_ps=ONE_NS_A_BYTE)
    end = tiny.socket(kind=DATAGRAM)
    assert tiny.afd.bind(end, 5000) == 0
    tiny.call(end, RECEIVE, 700)
    tiny.call(end, RECEIVE, 2000)
    flow = tiny.flows.of_datagrams(9 << 16 | 1, NEAR << 16 | 5000)
    frames = [new_frame(UDP_FRAME, flow, 1000, 0) for _ in range(8)]
    assert tiny.near.cost(frames) == 8 * COSTS.receive_cost + 700 + 1000
