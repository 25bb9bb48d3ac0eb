"""AFD without programs: what ends when, with which status, in which order. S..: semantics 9.4; 5.n: rules."""

import pytest
from tiny_pipe import APC_MODE
from tiny_sock import DELAY, FAR, NEAR, TinySock

from iosim.device_stack import NOT_FAST
from iosim.devices.socket_codes import BOUND, DATAGRAM, RECEIVE, REUSE_SOCKET, SD_SEND, SEND_TO, UNBOUND
from iosim.io_manager import USUAL, IoParams
from iosim.ntstatus import (
    STATUS_BUFFER_OVERFLOW,
    STATUS_BUFFER_TOO_SMALL,
    STATUS_CANCELLED,
    STATUS_CONNECTION_ABORTED,
    STATUS_CONNECTION_ACTIVE,
    STATUS_CONNECTION_DISCONNECTED,
    STATUS_CONNECTION_REFUSED,
    STATUS_CONNECTION_RESET,
    STATUS_HOST_UNREACHABLE,
    STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_CONNECTION,
    STATUS_INVALID_PARAMETER,
    STATUS_LOCAL_DISCONNECT,
    STATUS_PENDING,
    STATUS_SUCCESS,
)
from iosim.units import PAGE

KEY, OTHER = 125, 236
WAY = DELAY


@pytest.fixture(params=[USUAL, APC_MODE], ids=["direct", "apc"])
def mode(request: pytest.FixtureRequest) -> IoParams:
    params: IoParams = request.param
    return params


# ---- receive ---------------------------------------------------------------------------------------------------------


def test_5_2_a_receive_pends_locks_its_pages_and_ends_with_the_data(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    status, block = tiny.receive(end, 100)
    assert (status, tiny.depth, tiny.afd.locked) == (STATUS_PENDING, 0, 1)
    tiny.peer.connection.send(3, end.latest)
    tiny.pass_time(2 * DELAY)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 3)
    assert (tiny.depth, tiny.afd.locked) == (0, 0)


def test_S03_a_receive_that_finds_data_ends_at_once_and_queues_a_packet(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    tiny.peer.connection.send(7, end.latest)
    tiny.pass_time(2 * DELAY)
    status, block = tiny.receive(end, 5)
    assert (status, block.information, tiny.depth) == (STATUS_SUCCESS, 5, 1)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 5)
    assert tiny.receive(end, 5)[1].information == 2


def test_S04_5_14_after_a_graceful_close_data_comes_first_then_success_and_no_bytes(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    tiny.peer.connection.send(3, end.latest)
    tiny.peer.connection.finish()
    tiny.pass_time(2 * DELAY)
    assert [tiny.receive(end, 8)[1].information for _ in range(3)] == [3, 0, 0]
    assert [tiny.take()[2:] for _ in range(3)] == [(STATUS_SUCCESS, 3), (STATUS_SUCCESS, 0), (STATUS_SUCCESS, 0)]


def test_5_14_a_graceful_close_ends_all_pending_receives_with_no_bytes(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    blocks = [tiny.receive(end, 8)[1] for _ in range(3)]
    tiny.peer.connection.finish()
    tiny.pass_time(2 * DELAY)
    assert [tiny.take() for _ in range(3)] == [(KEY, block, STATUS_SUCCESS, 0) for block in blocks]
    assert tiny.afd.locked == 0


def test_S39_5_3_posted_receives_share_what_arrives_in_their_order(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    first, second, third = (tiny.receive(end, 4)[1] for _ in range(3))
    tiny.peer.connection.send(6, end.latest)
    tiny.pass_time(2 * DELAY)
    assert [tiny.take() for _ in range(2)] == [(KEY, first, STATUS_SUCCESS, 4), (KEY, second, STATUS_SUCCESS, 2)]
    tiny.peer.connection.send(1, end.latest)
    tiny.pass_time(50 * DELAY)  # Nagle and the delayed ACK
    assert tiny.take() == (KEY, third, STATUS_SUCCESS, 1)


def test_5_5_a_receive_of_no_bytes_locks_nothing_ends_with_data_and_takes_none(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    status, block = tiny.receive(end, 0)
    assert (status, tiny.afd.locked) == (STATUS_PENDING, 0)
    tiny.peer.connection.send(9, end.latest)
    tiny.pass_time(2 * DELAY)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 0)
    status, block = tiny.receive(end, 100)
    assert (status, block.information) == (STATUS_SUCCESS, 9)


def test_S06_a_receive_on_an_unconnected_socket_fails_without_a_packet(mode: IoParams) -> None:
    tiny = TinySock(mode)
    assert tiny.receive(tiny.socket(KEY), 4)[0] == STATUS_INVALID_CONNECTION
    assert tiny.depth == 0


def test_5_9_too_many_locked_pages_fail_a_receive_at_once_without_a_packet() -> None:
    tiny = TinySock(locked_most=3)
    end = tiny.connected(KEY)
    assert [tiny.receive(end, size)[0] for size in (1, PAGE + 1, 1)] == [
        STATUS_PENDING,
        STATUS_PENDING,
        STATUS_INSUFFICIENT_RESOURCES,
    ]
    assert (tiny.depth, tiny.afd.locked, tiny.afd.refused) == (0, 3, 1)
    assert tiny.receive(end, 0)[0] == STATUS_PENDING  # of no bytes: it locks nothing


def test_a_pending_receive_can_be_cancelled(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    _, block = tiny.receive(end, 4)
    assert tiny.io.cancel_io(end) == 1
    assert tiny.take() == (KEY, block, STATUS_CANCELLED, 0)
    assert (tiny.afd.locked, end.receives) == (0, [])


@pytest.mark.parametrize(("hold", "got"), [(0, 1460), (20 * DELAY, 3000)])
def test_0b24_a_receive_that_is_filled_in_part_can_wait_for_the_end_of_a_send(hold: int, got: int) -> None:
    tiny = TinySock(hold=hold)
    end = tiny.connected(KEY)
    _, block = tiny.receive(end, 4000)
    tiny.receive(end, 4000)
    tiny.peer.connection.no_delay = True
    tiny.peer.connection.send(3000, end.latest)  # three segments, the last one with PSH
    tiny.pass_time(DELAY + 1)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, got)


def test_0b24_but_for_so_long_only_and_a_full_buffer_is_enough() -> None:
    tiny = TinySock(hold=20 * DELAY)
    end = tiny.connected(KEY)
    small, large = tiny.receive(end, 1000)[1], tiny.receive(end, 4000)[1]
    connection = tiny.peer.connection
    connection.edge = connection.una + 1460  # a window of one segment: the rest comes later
    connection.send(2000, end.latest)
    tiny.pass_time(DELAY + 1)
    assert tiny.take() == (KEY, small, STATUS_SUCCESS, 1000)
    tiny.pass_time(20 * DELAY - 2)
    assert tiny.depth == 0
    tiny.pass_time(2)
    assert tiny.take() == (KEY, large, STATUS_SUCCESS, 460)


def test_0b24_held_data_keeps_its_order_before_receives_that_come_later() -> None:
    tiny = TinySock(hold=20 * DELAY)
    end = tiny.connected(KEY)
    blocks = [tiny.receive(end, 4000)[1]]
    connection = tiny.peer.connection
    connection.edge = connection.una + 1460
    connection.send(2000, end.latest)
    tiny.pass_time(2 * DELAY)
    assert (end.unread, tiny.depth) == (1460, 0)
    status, block = tiny.receive(end, 10)
    blocks.append(block)
    assert status == STATUS_PENDING
    tiny.pass_time(100 * DELAY)
    assert [tiny.take()[1] for _ in range(2)] == blocks


# ---- resets and closes -----------------------------------------------------------------------------------------------


def test_S01_5_15_a_reset_ends_a_pending_receive_once(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    _, block = tiny.receive(end, 4)
    tiny.peer.connection.reset()
    tiny.pass_time(2 * DELAY)
    assert tiny.take() == (KEY, block, STATUS_CONNECTION_RESET, 0)
    assert tiny.depth == 0


def test_5_15_after_a_reset_calls_fail_at_once_without_a_packet(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    tiny.peer.connection.send(3, end.latest)
    tiny.peer.connection.reset()
    tiny.pass_time(2 * DELAY)
    assert [tiny.receive(end, 4)[0], tiny.send(end, 4)[0]] == [STATUS_CONNECTION_RESET, STATUS_CONNECTION_RESET]
    assert tiny.depth == 0


def test_S25_5_16_a_local_close_ends_a_pending_receive_once(mode: IoParams) -> None:
    """XP says that the name was deleted: another status becomes that error."""
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    _, block = tiny.receive(end, 4)
    tiny.io.duplicate(end)
    tiny.io.close(end)
    assert tiny.depth == 0  # not the last handle
    tiny.io.close(end)
    status = STATUS_CONNECTION_ABORTED if mode is USUAL else STATUS_LOCAL_DISCONNECT
    assert tiny.take() == (KEY, block, status, 0)
    assert tiny.depth == 0


def test_S26_S11_closing_with_nothing_pending_queues_nothing(mode: IoParams) -> None:
    tiny = TinySock(mode)
    tiny.io.close(tiny.connected(KEY))
    tiny.io.close(tiny.listener(KEY))
    tiny.pass_time(10 * DELAY)
    assert tiny.depth == 0


@pytest.mark.parametrize(
    ("unread", "linger", "end"), [(0, -1, "end"), (1, -1, "reset"), (0, 0, "reset"), (0, 5, "end")]
)
def test_5_17_a_close_sends_a_reset_with_unread_data_or_no_linger_time(unread: int, linger: int, end: str) -> None:
    tiny = TinySock()
    ours = tiny.connected()
    ours.linger = linger
    if unread:
        tiny.peer.connection.send(unread, ours.latest)
    tiny.pass_time(2 * DELAY)
    tiny.io.close(ours)
    tiny.pass_time(4 * DELAY)
    assert tiny.peer.log[-1 if end == "reset" else 1][1] == ("end" if end == "end" else STATUS_CONNECTION_RESET)
    assert tiny.near.connections() == {}


def test_a_closed_sockets_buffered_data_still_arrives_and_its_peers_data_is_answered_with_a_reset() -> None:
    tiny = TinySock()
    end = tiny.connected()
    tiny.peer.closes = False
    tiny.send(end, 5000)
    tiny.io.close(end)
    tiny.pass_time(50 * DELAY)
    assert (tiny.peer.bytes, tiny.peer.log[-1][1]) == (5000, "end")
    tiny.peer.connection.send(1, end.latest)
    tiny.pass_time(4 * DELAY)
    assert tiny.peer.log[-1][1] == STATUS_CONNECTION_RESET


# ---- send ------------------------------------------------------------------------------------------------------------


def test_5_6_a_send_is_copied_whole_even_past_the_limit_and_the_next_one_waits_for_room(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    end.send_buffer = 4096
    assert tiny.send(end, 4095)[0] == STATUS_SUCCESS
    status, block = tiny.send(end, 9000)  # one byte is free
    assert (status, block.information, end.buffered) == (STATUS_SUCCESS, 9000, 13095)
    status, last = tiny.send(end, 10)
    assert (status, tiny.depth, tiny.afd.locked) == (STATUS_PENDING, 2, 1)
    tiny.take(), tiny.take()
    tiny.pass_time(40 * DELAY)
    assert tiny.depth == 0  # Nagle keeps the last part of the 9000 back, and the other side its ACK
    tiny.pass_time(10 * DELAY)
    assert tiny.take() == (KEY, last, STATUS_SUCCESS, 10)
    tiny.pass_time(100 * DELAY)
    assert (tiny.peer.bytes, end.buffered, tiny.afd.buffered, tiny.afd.locked) == (13105, 0, 0, 0)


def test_5_6_without_a_send_buffer_a_send_ends_when_it_is_acknowledged(mode: IoParams) -> None:
    """0b.22: with one send outstanding, that is when the other side's delayed ACK comes."""
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    end.send_buffer = 0
    status, block = tiny.send(end, 1000)
    assert (status, tiny.afd.locked) == (STATUS_PENDING, 1)
    start = tiny.clock.now
    tiny.pass_time(41 * DELAY)
    assert tiny.depth == 0
    tiny.pass_time(DELAY + 10)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 1000)
    assert tiny.clock.now - start < 43 * DELAY  # 40 ms, and there and back
    assert tiny.afd.locked == 0


def test_5_7_sends_that_wait_go_out_in_their_order(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    end.send_buffer = 1
    blocks = [tiny.send(end, size)[1] for size in (2000, 2000, 2000)]
    tiny.pass_time(300 * DELAY)
    assert [tiny.take()[1] for _ in range(3)] == blocks
    assert tiny.peer.bytes == 6000


def test_5_8_a_send_of_any_size_ends_whole() -> None:
    tiny = TinySock()
    end = tiny.connected(KEY)
    assert tiny.send(end, 10_000_000)[1].information == 10_000_000
    tiny.pass_time(5000 * DELAY)
    assert tiny.peer.bytes == 10_000_000


def test_5_9_a_full_buffer_pool_fails_a_send_at_once() -> None:
    tiny = TinySock(buffered_most=5000)
    end = tiny.connected(KEY)
    assert tiny.send(end, 4000)[0] == STATUS_SUCCESS
    assert tiny.send(end, 4000)[0] == STATUS_INSUFFICIENT_RESOURCES
    assert tiny.depth == 1


def test_a_send_that_waits_can_be_cancelled_and_its_data_is_not_sent(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    end.send_buffer = 1
    tiny.send(end, 100)
    _, block = tiny.send(end, 100)
    assert tiny.io.cancel_io(end) == 1
    tiny.take()
    assert tiny.take() == (KEY, block, STATUS_CANCELLED, 0)
    tiny.pass_time(50 * DELAY)
    assert tiny.peer.bytes == 100


# ---- accept ----------------------------------------------------------------------------------------------------------


def test_S30_accept_ex_without_a_receive_length_ends_with_the_connection(mode: IoParams) -> None:
    tiny = TinySock(mode)
    listener, end = tiny.listener(KEY), tiny.socket(OTHER)
    _, block = tiny.accept_ex(listener, end)
    tiny.client()
    tiny.pass_time(2 * DELAY)
    assert tiny.depth == 0  # the handshake's third part is still on its way
    tiny.pass_time(DELAY + 10)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 0)


def test_5_10_accept_ex_with_a_receive_length_waits_for_the_first_byte(mode: IoParams) -> None:
    tiny = TinySock(mode)
    listener, end = tiny.listener(KEY), tiny.socket(OTHER)
    _, block = tiny.accept_ex(listener, end, 100)
    client = tiny.client()
    tiny.pass_time(10 * DELAY)
    assert (tiny.depth, end.connected_at, tiny.afd.locked) == (0, 3 * WAY, 1)
    client.send(5, end.latest)
    tiny.pass_time(2 * DELAY)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 5)
    assert tiny.depth == 0


def test_S12_accept_ex_ends_with_no_bytes_when_the_client_closes_silently(mode: IoParams) -> None:
    tiny = TinySock(mode)
    listener, end = tiny.listener(KEY), tiny.socket(OTHER)
    _, block = tiny.accept_ex(listener, end, 100)
    client = tiny.client()
    tiny.pass_time(3 * DELAY)
    client.finish()
    tiny.pass_time(3 * DELAY)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 0)
    assert tiny.depth == 0


def test_S13_the_first_byte_comes_on_the_listeners_key_though_the_socket_is_closed_then(mode: IoParams) -> None:
    tiny = TinySock(mode)
    listener, end = tiny.listener(KEY), tiny.socket(OTHER)
    _, block = tiny.accept_ex(listener, end, 100)
    client = tiny.client()
    client.send(1, end.latest)
    tiny.pass_time(100 * DELAY)
    tiny.io.close(end)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 1)
    assert tiny.depth == 0


@pytest.mark.parametrize("late", [False, True])
def test_S07_S08_closing_the_listener_cancels_a_pending_accept_ex(mode: IoParams, late: bool) -> None:
    tiny = TinySock(mode)
    listener, end = tiny.listener(-1 if late else KEY), tiny.socket()
    _, block = tiny.accept_ex(listener, end, 100)
    if late:
        assert tiny.io.associate(listener, tiny.port, KEY) == 0
    tiny.io.close(listener)
    assert tiny.take() == (KEY, block, STATUS_CANCELLED, 0)
    assert (tiny.depth, end.state, tiny.afd.locked) == (0, UNBOUND, 0)


def test_closing_the_listener_resets_whom_accept_ex_waits_to_hear_from_and_the_backlog() -> None:
    tiny = TinySock()
    listener, end = tiny.listener(KEY), tiny.socket()
    tiny.accept_ex(listener, end, 100)
    tiny.client(), tiny.client()
    tiny.pass_time(4 * DELAY)
    assert len(listener.backlog) == 1
    tiny.io.close(listener)
    tiny.pass_time(2 * DELAY)
    assert [what for _, what in tiny.peer.log[2:]] == [STATUS_CONNECTION_RESET, STATUS_CONNECTION_RESET]
    assert tiny.near.connections() == {}


def test_S32_a_local_area_that_is_too_small_fails_late_and_leaves_the_connection(mode: IoParams) -> None:
    tiny = TinySock(mode)
    listener, end = tiny.listener(KEY), tiny.socket()
    status, block = tiny.accept_ex(listener, end, 0, area=3)
    assert status == STATUS_PENDING
    tiny.client()
    tiny.pass_time(4 * DELAY)
    assert tiny.take() == (KEY, block, STATUS_BUFFER_TOO_SMALL, 0)
    assert (len(listener.backlog), end.state) == (1, UNBOUND)
    status, block = tiny.accept(listener)
    assert (status, tiny.take()[2], listener.backlog) == (STATUS_PENDING, STATUS_SUCCESS, [])


def test_S34_a_socket_in_a_pending_accept_ex_can_be_used_for_nothing_else(mode: IoParams) -> None:
    tiny = TinySock(mode)
    listener, end = tiny.listener(KEY), tiny.socket()
    assert tiny.accept_ex(listener, end)[0] == STATUS_PENDING
    again = tiny.accept_ex(listener, end)[0], tiny.connect(end)[0], tiny.connect_ex(end)[0]
    assert again == (STATUS_INVALID_PARAMETER,) * 3
    assert tiny.depth == 0


def test_S35_accept_ex_wants_an_unbound_stream_socket_and_a_listener(mode: IoParams) -> None:
    tiny = TinySock(mode)
    listener, udp, bound = tiny.listener(KEY), tiny.socket(kind=DATAGRAM), tiny.socket()
    tiny.afd.bind(bound, 99)
    refused = [tiny.accept_ex(listener, end)[0] for end in (udp, bound, tiny.connected())]
    refused.append(tiny.accept_ex(bound, tiny.socket())[0])
    assert refused == [STATUS_INVALID_PARAMETER] * 4


def test_S41_closing_the_accept_socket_fails_the_accept_ex_that_a_silent_client_holds(mode: IoParams) -> None:
    tiny = TinySock(mode)
    listener, end = tiny.listener(KEY), tiny.socket()
    _, block = tiny.accept_ex(listener, end, 100)
    assert end.connected_at == -1
    tiny.client()
    tiny.pass_time(10 * DELAY)
    assert end.connected_at == 3 * WAY
    tiny.io.close(end)
    assert tiny.take() == (KEY, block, STATUS_CONNECTION_ABORTED, 0)
    tiny.pass_time(2 * DELAY)
    assert tiny.peer.log[-1][1] == STATUS_CONNECTION_RESET


def test_5_10_a_backlog_that_is_full_refuses_and_accepts_oldest_first(mode: IoParams) -> None:
    tiny = TinySock(mode)
    listener = tiny.listener(KEY, backlog=2)
    flows = [tiny.client().flow for _ in range(3)]
    tiny.pass_time(4 * DELAY)
    assert STATUS_CONNECTION_REFUSED in [what for _, what in tiny.peer.log]
    assert [end.connection.flow ^ 1 for end in listener.backlog] == flows[:2]
    first, second = tiny.socket(), tiny.socket()
    tiny.accept_ex(listener, first)
    tiny.accept_ex(listener, second)
    assert [end.connection.flow ^ 1 for end in (first, second)] == flows[:2]
    assert (tiny.depth, listener.backlog) == (2, [])


def test_5_10_an_accepted_socket_lacks_its_listeners_properties_until_it_asks_for_them() -> None:
    tiny = TinySock()
    listener, end = tiny.listener(), tiny.socket()
    listener.send_buffer = 1234
    tiny.accept_ex(listener, end)
    tiny.client()
    tiny.pass_time(4 * DELAY)
    assert tiny.afd.shutdown(end, SD_SEND) == STATUS_INVALID_CONNECTION
    assert tiny.afd.update_context(end) == STATUS_SUCCESS
    assert (end.send_buffer, tiny.afd.shutdown(end, SD_SEND)) == (1234, STATUS_SUCCESS)


# ---- connect ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 3])
def test_S16_5_11_connect_ex_pends_and_reports_the_bytes_that_went_with_it(mode: IoParams, size: int) -> None:
    tiny = TinySock(mode)
    end = tiny.socket(KEY)
    tiny.afd.bind(end, 0)
    status, block = tiny.connect_ex(end, size)
    assert status == STATUS_PENDING
    tiny.pass_time(2 * WAY)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, size)
    tiny.pass_time(2 * DELAY)
    assert tiny.peer.bytes == size


def test_S15_connect_queues_nothing(mode: IoParams) -> None:
    tiny = TinySock(mode)
    tiny.connected(KEY)
    end = tiny.socket(KEY)
    assert tiny.afd.begin_connect(end, FAR << 16 | 80) == STATUS_PENDING
    tiny.pass_time(4 * DELAY)
    assert (tiny.depth, end.writable()) == (0, True)


def test_S19_connect_ex_to_a_closed_port_reports_its_refusal_in_spite_of_the_skip_flag(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.socket(KEY)
    tiny.io.set_notification_modes(end, 1)
    tiny.afd.bind(end, 0)
    _, block = tiny.connect_ex(end, port=81)
    tiny.pass_time(2 * WAY)
    assert tiny.take() == (KEY, block, STATUS_CONNECTION_REFUSED, 0)
    assert end.state == BOUND


def test_S37_5_11_connect_ex_wants_a_bound_socket_that_is_not_connected(mode: IoParams) -> None:
    tiny = TinySock(mode)
    refused = tiny.connect_ex(tiny.connected(KEY))[0], tiny.connect_ex(tiny.socket(KEY))[0]
    assert refused == (STATUS_CONNECTION_ACTIVE, STATUS_INVALID_PARAMETER)
    nowhere = tiny.socket()
    assert tiny.call(nowhere, 5, 0, 99 << 16)[0] == STATUS_HOST_UNREACHABLE
    assert tiny.depth == 0


# ---- disconnect ------------------------------------------------------------------------------------------------------


def test_S21_5_12_disconnect_ex_pends_and_queues_a_packet_in_spite_of_the_skip_flag(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    tiny.io.set_notification_modes(end, 1)
    status, block = tiny.disconnect_ex(end)
    assert status == STATUS_PENDING
    tiny.pass_time(2 * WAY)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 0)
    assert tiny.send(end, 1)[0] == STATUS_CONNECTION_DISCONNECTED


def test_5_12_a_socket_that_was_disconnected_for_reuse_connects_again(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    tiny.disconnect_ex(end, REUSE_SOCKET)
    tiny.pass_time(4 * WAY)
    assert (tiny.take()[2], end.state) == (STATUS_SUCCESS, BOUND)
    assert tiny.connect_ex(end)[0] == STATUS_PENDING
    tiny.pass_time(4 * WAY)
    assert tiny.take()[2] == STATUS_SUCCESS


def test_5_12_an_accepted_socket_that_is_reused_can_be_accepted_again() -> None:
    tiny = TinySock()
    listener, end = tiny.listener(KEY), tiny.socket()
    for _ in range(2):
        tiny.accept_ex(listener, end)
        tiny.client()
        tiny.pass_time(4 * WAY)
        tiny.take()
        tiny.disconnect_ex(end, REUSE_SOCKET)
        tiny.pass_time(4 * WAY)
        assert end.state == UNBOUND


def test_S20_shutdown_queues_nothing_and_ends_the_stream_behind_what_was_sent(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.connected(KEY)
    tiny.send(end, 3000)
    tiny.take()
    assert tiny.afd.shutdown(end, SD_SEND) == STATUS_SUCCESS
    assert tiny.send(end, 1)[0] == STATUS_CONNECTION_DISCONNECTED
    tiny.pass_time(4 * WAY)
    assert (tiny.depth, tiny.peer.bytes, "end" in [what for _, what in tiny.peer.log]) == (0, 3000, True)


# ---- datagrams -------------------------------------------------------------------------------------------------------


def test_5_4_one_receive_takes_one_datagram_and_the_rest_of_a_longer_one_is_lost(mode: IoParams) -> None:
    tiny = TinySock(mode)
    end = tiny.socket(KEY, DATAGRAM)
    tiny.afd.bind(end, 53)
    _, waiting = tiny.receive(end, 4)
    for size in (10, 5, 6):
        tiny.far.send_datagram(FAR << 16 | 9, NEAR << 16 | 53, size, end.latest)
    tiny.pass_time(2 * DELAY)
    assert tiny.take() == (KEY, waiting, STATUS_BUFFER_OVERFLOW, 4)
    found = [tiny.receive(end, 5) for _ in range(2)]
    assert [(status, block.information) for status, block in found] == [
        (STATUS_SUCCESS, 5),
        (STATUS_BUFFER_OVERFLOW, 5),
    ]
    assert (tiny.depth, tiny.afd.buffered, end.remote) == (2, 0, FAR << 16 | 9)


def test_a_datagram_for_nobody_is_counted_and_one_that_is_sent_ends_at_once() -> None:
    tiny = TinySock()
    end = tiny.socket(kind=DATAGRAM)
    assert tiny.call(end, SEND_TO, 100, FAR << 16 | 7)[0] == STATUS_SUCCESS
    tiny.pass_time(2 * DELAY)
    assert tiny.far.unreachable == 1


# ---- where the copy is paid ------------------------------------------------------------------------------------------


def test_0b23_a_posted_receive_is_filled_in_the_dpc_and_an_unposted_one_by_its_caller() -> None:
    """Also (6.1.7) and (6.1.8)."""
    tiny = TinySock(copy_ps=1000)
    end = tiny.connected(KEY)
    tiny.receive(end, 300)
    tiny.peer.connection.send(1000, end.latest)
    tiny.pass_time(3 * DELAY)
    assert tiny.busy(0) == {"dpc": 300}
    assert tiny.afd.cost(end, RECEIVE, 5000) == 700


def test_what_can_not_be_done_at_once_needs_an_irp() -> None:
    tiny = TinySock()
    end = tiny.connected()
    block = tiny.receive(end, 1)[1]
    assert tiny.afd.fast_control(end.device, end, RECEIVE, 4, block) == NOT_FAST
