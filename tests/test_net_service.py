"""Requests that come over a connection, and what the server's workers do with them: exact timelines of tiny machines."""

import pytest
from tiny import named
from tiny_service import (
    CALL,
    DELAY,
    FAR,
    IRP,
    LATENCY,
    NEAR,
    OPEN,
    PORT,
    RECEIVE,
    REMOVAL,
    REMOVE,
    WORK,
    TinyService,
    cached_file,
)

from iosim.application import PostStep
from iosim.attribution import CAUSES, COMPLETED, DROPPED, FAILED, Request
from iosim.completion_port import CompletionPort
from iosim.devices.socket_codes import UNBOUND
from iosim.net_steps import AcceptStep, DisconnectStep, SendStep, TakeStep, TransmitStep
from iosim.tcp import ConnectionUser, TcpParams
from iosim.variates import Constant

NOTHING = {"pages": 0, "buffered": 0, "requests": 0, "carried": 0, "receives": 0}
SERVING = REMOVE + REMOVAL + WORK + CALL  # up to where the answer leaves
SETTLE = 10 * DELAY


def test_a_request_is_received_served_and_answered_and_each_ns_has_its_cause() -> None:
    tiny = TinyService()
    client = tiny.joined()
    request = client.ask(7, 100)
    tiny.run()
    assert tiny.ended == [(2 * DELAY + SERVING, 7, COMPLETED)]
    assert named(CAUSES, request.ledger) == {
        "propagation": 2 * DELAY,
        "user": WORK,
        "kernel": REMOVE + REMOVAL + CALL,
    }
    assert client.bytes == 300
    assert tiny.leaks() == NOTHING


def test_the_next_receive_and_the_packet_of_the_send_cost_the_worker_but_no_request() -> None:
    tiny = TinyService()
    tiny.joined().ask(7, 100)
    tiny.run()
    assert tiny.account(0)["kernel"] == REMOVE + REMOVAL + CALL + RECEIVE + REMOVE


def test_a_socket_that_skips_packets_of_success_saves_the_packet_of_the_send() -> None:
    tiny = TinyService(skip_on_success=True)
    tiny.joined().ask(7, 100)
    tiny.run()
    assert tiny.account(0)["kernel"] == REMOVE + REMOVAL + CALL + RECEIVE
    assert tiny.leaks() == NOTHING


def test_a_request_larger_than_a_receive_takes_several_packets_and_is_served_once_it_is_whole() -> None:
    """Three segments: each ends a receive, and the worker posts the next one."""
    tiny = TinyService(size=2000)
    client = tiny.joined()
    client.ask(7, 4000)
    tiny.run()
    assert tiny.served() == [7]
    parts = 2 * (REMOVE + REMOVAL + RECEIVE)
    # what came while nobody had posted a receive is copied at once: no IRP
    whole = REMOVE + WORK + CALL + RECEIVE + REMOVE
    assert tiny.account(0)["kernel"] + tiny.account(0)["user"] <= parts + whole + REMOVAL
    assert tiny.leaks() == NOTHING


def test_what_came_while_no_receive_was_posted_waits_for_its_connection() -> None:
    tiny = TinyService()
    client = tiny.joined()
    client.connection.no_delay = True
    first, second = client.ask(1, 100), client.ask(2, 100)
    tiny.run()
    assert tiny.served() == [1, 2]
    assert "connection_order" not in named(CAUSES, first.ledger)
    waited = named(CAUSES, second.ledger)["connection_order"]
    # until the worker has served the first, and has called for the next
    assert waited == SERVING + CALL
    assert tiny.leaks() == NOTHING


def test_with_two_receives_posted_two_workers_serve_one_connection_at_a_time() -> None:
    tiny = TinyService(posted=2, workers=2, processors=2, no_delay=True)
    client = tiny.joined()
    client.connection.no_delay = True
    first, second = client.ask(1, 100), client.ask(2, 100)
    tiny.run()
    assert tiny.ended == [(2 * DELAY + SERVING, 1, COMPLETED), (2 * DELAY + SERVING, 2, COMPLETED)]
    assert named(CAUSES, second.ledger) == named(CAUSES, first.ledger)
    assert tiny.leaks() == NOTHING


def test_requests_that_end_in_one_segment_are_served_one_after_the_other() -> None:
    """Nagle's rule puts the second and third into one segment; each comes out of a receive of its own."""
    tiny = TinyService()
    client = tiny.joined()
    for index in (1, 2, 3):
        client.ask(index, 100)
    tiny.run()
    assert tiny.served() == [1, 2, 3]
    assert client.bytes == 900
    assert tiny.leaks() == NOTHING


def test_behind_a_receive_of_no_bytes_the_handler_begins_with_one_of_many() -> None:
    tiny = TinyService(zero_byte=True, size=1000)
    tiny.handler(TakeStep, lambda it: tiny.compute(WORK), lambda it: SendStep(it, Constant(300), False, True))
    client = tiny.joined()
    assert tiny.afd.locked == 0
    client.ask(7, 1400)
    tiny.run()
    # two calls take 1400 bytes; the receive of no bytes that is posted then locks no page
    assert tiny.ended == [(2 * DELAY + REMOVE + REMOVAL + 2 * CALL + WORK + CALL, 7, COMPLETED)]
    assert tiny.account(0)["kernel"] == REMOVE + REMOVAL + 2 * CALL + CALL + (CALL + IRP) + REMOVE
    assert tiny.leaks() == NOTHING


@pytest.mark.parametrize("size", [3000, 5000])
def test_a_request_that_came_in_part_behind_a_receive_of_no_bytes_is_drained_first(size: int) -> None:
    tiny = TinyService(zero_byte=True, size=1000)
    tiny.handler(TakeStep, lambda it: tiny.compute(WORK), lambda it: SendStep(it, Constant(300), False, True))
    client = tiny.joined()
    client.ask(7, size)
    client.ask(8, size)
    tiny.run()
    assert tiny.served() == [7, 8]
    assert tiny.leaks() == NOTHING


def test_a_send_without_a_buffer_ends_when_it_is_acknowledged() -> None:
    tiny = TinyService(send_buffer=0)
    client = tiny.joined()
    client.ask(7, 100)
    tiny.pass_time(2 * DELAY)
    assert tiny.afd.locked == 2  # the send's page, and the next receive's
    tiny.pass_time(100 * DELAY)
    assert tiny.served() == [7]
    assert tiny.leaks() == NOTHING


def test_a_send_that_finds_no_room_in_the_buffer_waits_for_it() -> None:
    tiny = TinyService(send_buffer=1000, answer=3000, tcp=None)
    client = tiny.joined()
    client.connection.no_delay = True
    for index in range(4):
        client.ask(index, 100)
    tiny.run()
    assert tiny.served() == [0, 1, 2, 3]
    assert client.bytes == 12_000
    assert tiny.leaks() == NOTHING


def test_an_answer_in_two_sends_ends_with_the_last_of_them() -> None:
    tiny = TinyService()
    tiny.handler(
        lambda it: SendStep(it, Constant(100), False, False),
        lambda it: tiny.compute(WORK),
        lambda it: SendStep(it, Constant(200), False, True),
        lambda it: tiny.compute(1000),
    )
    client = tiny.joined()
    client.connection.no_delay = True
    here = next(iter(tiny.near.connections().values()))
    here.no_delay = True
    request = client.ask(7, 100)
    tiny.run()
    assert tiny.ended == [(2 * DELAY + SERVING + CALL, 7, COMPLETED)]
    assert (request.expected, client.bytes) == (300, 300)
    assert tiny.account(0)["user"] == WORK + 1000


def test_a_handler_that_sends_nothing_ends_its_request_at_its_end() -> None:
    tiny = TinyService()
    tiny.handler(lambda it: tiny.compute(WORK))
    client = tiny.joined()
    client.ask(7, 100)
    tiny.run()
    assert tiny.ended == [(DELAY + REMOVE + REMOVAL + WORK, 7, COMPLETED)]
    assert tiny.leaks() == NOTHING


def test_a_handler_may_go_on_at_another_port_before_it_answers() -> None:
    tiny = TinyService(workers=1)
    other = CompletionPort(tiny.clock, tiny.dispatcher, 1, 0, 1)
    tiny.handler(
        lambda it: PostStep(it.services, other),
        lambda it: SendStep(it, Constant(300), False, True),
    )
    worker = tiny.worker()
    worker.program.port = other  # type: ignore[attr-defined]
    tiny.dispatcher.make_ready(worker)
    client = tiny.joined()
    client.ask(7, 100)
    client.ask(8, 100)
    tiny.run()
    assert tiny.served() == [7, 8]
    assert tiny.leaks() == NOTHING


# ---- accepts -------------------------------------------------------------------------------------------------------


def accepting(**params: object) -> TinyService:
    tiny = TinyService(**params)  # type: ignore[arg-type]
    tiny.handler(AcceptStep, lambda it: tiny.compute(WORK), lambda it: SendStep(it, Constant(300), False, True))
    tiny.service.listen(80)
    return tiny


@pytest.mark.parametrize("first", [0, 1000])
def test_connections_are_accepted_by_sockets_that_wait_and_each_is_followed_by_another(first: int) -> None:
    """The handshake takes three ways; AcceptEx with data ends with the request."""
    tiny = accepting(accepts=2, first=first)
    clients = [tiny.connecting() for _ in range(3)]
    for number, client in enumerate(clients):
        client.ask(number, 100)
    tiny.pass_time(50 * DELAY)
    assert sorted(tiny.served()) == [0, 1, 2]
    assert len(tiny.service.listener.acceptors) == 2
    assert tiny.leaks() == NOTHING


def test_what_follows_an_accept_with_data_is_paid_by_the_request() -> None:
    tiny = accepting(accepts=1, first=1000)
    client = tiny.connecting()
    request = client.ask(7, 100)
    tiny.pass_time(50 * DELAY)
    follows = CALL + OPEN + CALL + IRP + 3  # SO_UPDATE_ACCEPT_CONTEXT, a new socket, AcceptEx with its page
    assert named(CAUSES, request.ledger)["kernel"] == REMOVE + REMOVAL + follows + CALL


def test_more_connections_than_the_backlog_holds_are_refused() -> None:
    tiny = accepting(accepts=1, backlog=1)
    clients = [tiny.connecting() for _ in range(4)]
    for number, client in enumerate(clients):
        client.ask(number, 100)
    tiny.pass_time(100 * DELAY)
    assert (len(tiny.served()), len(tiny.lost())) == (2, 2)
    assert tiny.leaks() == NOTHING


@pytest.mark.parametrize("reuse", [True, False])
def test_a_client_that_closes_is_disconnected_and_its_socket_used_again(reuse: bool) -> None:
    tiny = accepting(accepts=1, reuse=reuse)
    for number in range(3):
        client = tiny.connecting()
        client.ask(number, 100)
        tiny.pass_time(SETTLE)
        client.connection.finish()
        tiny.pass_time(SETTLE)
    assert tiny.served() == [0, 1, 2]
    assert tiny.near.connections() == {}
    states = [end.state for end in tiny.afd.sockets()]
    assert len(states) == (3 if reuse else 2)  # listener, what AcceptEx has, and one that is spare
    assert states.count(UNBOUND) == (1 if reuse else 0)
    assert tiny.leaks() == NOTHING


@pytest.mark.parametrize("reuse", [True, False])
def test_a_server_that_disconnects_after_its_answer_lets_the_client_have_all_of_it(reuse: bool) -> None:
    tiny = accepting(accepts=1, reuse=reuse)
    tiny.handler(
        AcceptStep,
        lambda it: SendStep(it, Constant(5000), False, True),
        DisconnectStep,
    )
    for number in range(3):
        client = tiny.connecting()
        client.ask(number, 100)
        tiny.pass_time(8 * SETTLE)
        assert client.log[-1][1] == "end"
    assert tiny.served() == [0, 1, 2]
    assert tiny.near.connections() == {}
    assert len(tiny.afd.sockets()) == (3 if reuse else 2)
    assert tiny.leaks() == NOTHING


# ---- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_request_whose_client_resets_while_it_is_served_fails_in_its_handler() -> None:
    tiny = TinyService()
    tiny.handler(lambda it: tiny.compute(3 * DELAY), lambda it: SendStep(it, Constant(300), False, True))
    client = tiny.joined()
    client.ask(7, 100)
    tiny.pass_time(2 * DELAY)
    client.abort()
    tiny.run()
    assert [(index, status) for _, index, status in tiny.ended] == [(7, FAILED)]
    assert tiny.afd.sockets() == []
    assert tiny.leaks() == NOTHING


def test_a_request_whose_client_resets_before_it_was_received_is_ended_by_the_client() -> None:
    tiny = TinyService()
    client = tiny.joined()
    client.ask(7, 100)
    tiny.pass_time(DELAY // 2)
    client.abort()
    tiny.run()
    assert tiny.ended == [(DELAY // 2, 7, FAILED)]
    assert tiny.afd.sockets() == []
    assert tiny.leaks() == NOTHING


def test_a_request_whose_socket_was_closed_meanwhile_fails() -> None:
    tiny = TinyService()
    tiny.handler(lambda it: tiny.compute(3 * DELAY), lambda it: SendStep(it, Constant(300), False, True))
    client = tiny.joined()
    request = client.ask(7, 100)
    tiny.pass_time(2 * DELAY)
    tiny.service.close(tiny.service.find(request.socket))
    tiny.run()
    assert tiny.lost() == [7]
    assert tiny.leaks() == NOTHING


# ---- datagrams -------------------------------------------------------------------------------------------------------


class Sender(ConnectionUser):
    """A client that asks by datagrams."""

    def __init__(self, tiny: TinyService, port: int = 5000) -> None:
        self.tiny = tiny
        self.address = FAR << 16 | port
        tiny.far.take_datagrams(port, self, self)

    def ask(self, index: int, size: int) -> Request:
        request = self.tiny.request_of(index, size)
        self.tiny.far.send_datagram(self.address, NEAR << 16 | PORT, size, request)
        return request

    def datagram(self, owner: object, source: int, size: int, request: Request) -> None:
        assert size == request.expected
        request.source.finished(request)


def test_a_datagram_is_answered_to_where_it_came_from() -> None:
    tiny = TinyService()
    tiny.service.take_datagrams(PORT)
    senders = [Sender(tiny, 5000), Sender(tiny, 5001)]
    senders[0].ask(1, 100)
    second = senders[1].ask(2, 100)
    tiny.run()
    answering = REMOVE + REMOVAL + WORK + CALL + IRP + 3  # a datagram for an address of its own takes an IRP
    assert tiny.ended == [
        (2 * DELAY + answering, 1, COMPLETED),
        # copied at once, with a packet that is no IRP, behind that of the first one's send
        (2 * DELAY + 2 * answering + CALL + REMOVE, 2, COMPLETED),
    ]
    assert named(CAUSES, second.ledger)["connection_order"] == answering + CALL
    assert tiny.leaks()["pages"] == 0


def test_datagrams_for_which_their_socket_has_no_room_are_dropped() -> None:
    tiny = TinyService(tcp=TcpParams(receive_buffer=250))
    tiny.service.take_datagrams(PORT)
    sender = Sender(tiny)
    for index in range(5):
        sender.ask(index, 100)
    tiny.run()
    assert [(index, status) for _, index, status in tiny.ended if status == DROPPED] == [(3, DROPPED), (4, DROPPED)]
    assert tiny.served() == [0, 1, 2]
    assert (tiny.afd.overflowed, tiny.afd.buffered, tiny.leaks()["requests"]) == (2, 0, 0)


def test_a_datagram_for_a_port_without_a_socket_is_dropped() -> None:
    tiny = TinyService()
    Sender(tiny).ask(1, 100)
    tiny.run()
    assert tiny.ended == [(DELAY, 1, DROPPED)]


# ---- files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_sent_from_the_disk_and_from_the_cache_once_it_is_there() -> None:
    tiny = TinyService(no_delay=True)
    file = cached_file(tiny)
    tiny.handler(lambda it: TransmitStep(it, file, Constant(6000), Constant(0), True))
    client = tiny.joined()
    missed = client.ask(1, 100)
    tiny.run()
    found = client.ask(2, 100)
    tiny.run()
    assert tiny.served() == [1, 2]
    assert client.bytes == 12_000
    assert named(CAUSES, missed.ledger)["device_service"] == LATENCY
    assert "device_service" not in named(CAUSES, found.ledger)
    assert found.expected == 6000
    assert tiny.leaks() == NOTHING


def test_a_file_whose_client_resets_during_the_read_is_sent_to_nobody() -> None:
    tiny = TinyService()
    file = cached_file(tiny)
    tiny.handler(lambda it: TransmitStep(it, file, Constant(6000), Constant(0), True))
    client = tiny.joined()
    client.ask(1, 100)
    tiny.pass_time(DELAY + LATENCY // 2)
    client.abort()
    tiny.run()
    assert tiny.lost() == [1]
    assert (tiny.afd.reads, tiny.afd.transmissions) == ({}, {})
    assert tiny.leaks() == NOTHING
