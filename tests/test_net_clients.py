"""Clients over a network: exact timelines of a server that is 1 ms away, and laws that hold whatever goes wrong."""

from array import array

import pytest
from tiny_clients import CLIENTS, HORIZON, PORT, SERVER, TinyClients

from iosim.attribution import COMPLETED, DROPPED, FAILED, NO_REQUEST
from iosim.client_addresses import GivenAddresses, RandomAddresses, SequentialAddresses
from iosim.ntstatus import STATUS_CONNECTION_RESET
from iosim.streams import Streams, whole
from iosim.units import MS
from iosim.variates import CLIENT_SHIFT


def test_a_request_on_a_connection_that_is_there_takes_a_round_trip_and_the_servers_time() -> None:
    tiny = TinyClients(work=3 * MS)
    tiny.open(10 * MS)
    assert tiny.serve() == [(index, COMPLETED, 5) for index in range(9)]
    assert tiny.service.log[0] == (11 * MS, 0)
    assert tiny.spent() == {"user": 27, "propagation": 18}


def test_a_request_whose_handler_sends_nothing_ends_with_it() -> None:
    tiny = TinyClients(work=3 * MS, answer=0)
    tiny.open(10 * MS)
    assert tiny.serve()[0] == (0, COMPLETED, 4)


def test_a_request_and_an_answer_of_many_segments_end_with_their_last_byte() -> None:
    """Both fit the first window of ten segments, so neither has to wait for an ACK."""
    tiny = TinyClients(answer=10_000)
    tiny.open(10 * MS, size=14_000)
    assert tiny.serve()[0] == (0, COMPLETED, 2)


def test_an_answer_beyond_the_first_window_takes_another_round_trip() -> None:
    tiny = TinyClients(answer=20_000)
    tiny.open(50 * MS)
    assert tiny.serve() == [(0, COMPLETED, 4)]
    assert tiny.spent() == {"propagation": 2, "send_window": 2}


def test_a_closed_client_asks_again_after_its_answer_and_its_thought() -> None:
    tiny = TinyClients(work=1 * MS)
    tiny.closed(clients=2, think=7 * MS)
    assert tiny.serve()[:4] == [
        (0, COMPLETED, 3),
        (1 << CLIENT_SHIFT, COMPLETED, 3),
        (1, COMPLETED, 3),
        (1 << CLIENT_SHIFT | 1, COMPLETED, 3),
    ]
    assert [time // MS for time, _ in tiny.service.log[:5:2]] == [8, 18, 28]


def test_a_pipelining_client_keeps_so_many_under_way_on_one_connection() -> None:
    tiny = TinyClients(work=4 * MS)
    tiny.closed(think=4 * MS, outstanding=3)
    ended = tiny.serve()
    assert ended[:6] == [(index, COMPLETED, 6) for index in range(6)]
    assert len(tiny.service.sources) == 1


def test_connections_have_addresses_of_their_own() -> None:
    tiny = TinyClients()
    tiny.open(10 * MS, clients=3, which=lambda index: index % 3)
    tiny.serve()
    assert tiny.service.sources == [CLIENTS << 16 | 49_152 + port for port in range(3)]


def test_clients_that_close_after_so_many_requests_connect_anew_from_the_next_port() -> None:
    """The handshake takes a round trip, which only the first request on a connection sees."""
    tiny = TinyClients()
    tiny.closed(think=8 * MS, per_connection=2)
    ended = tiny.serve()
    assert ended[:4] == [(0, COMPLETED, 4), (1, COMPLETED, 2), (2, COMPLETED, 4), (3, COMPLETED, 2)]
    assert tiny.spent()["remote_peer"] == 2 * 5
    assert tiny.service.sources[:2] == [CLIENTS << 16 | 49_152, CLIENTS << 16 | 49_153]
    assert len(tiny.near.connections()) <= 1  # the last one is being closed


def test_open_requests_beyond_a_connections_number_take_a_new_one_beside_it() -> None:
    tiny = TinyClients(work=20 * MS)
    tiny.open(5 * MS, per_connection=1)
    assert {row[1:] for row in tiny.serve()} == {(COMPLETED, 24)}
    assert tiny.service.came >= 19  # the load goes on until the last of them has ended


def test_a_connection_that_is_refused_fails_its_request() -> None:
    """The backlog takes two connections; a RST comes back for all that follow."""
    tiny = TinyClients(backlog=2)
    tiny.closed(think=8 * MS, per_connection=1)
    ended = tiny.serve()
    assert ended[:4] == [(0, COMPLETED, 4), (1, COMPLETED, 4), (2, FAILED, 2), (3, FAILED, 2)]
    assert tiny.source.refused == len(ended) - 2
    assert tiny.window.live == 0


def test_a_server_that_closes_makes_its_client_connect_anew() -> None:
    tiny = TinyClients()
    tiny.service.closes_after = 1
    tiny.closed(think=8 * MS)
    ended = tiny.serve()
    assert ended[:3] == [(0, COMPLETED, 2), (1, COMPLETED, 4), (2, COMPLETED, 2)]


def test_what_is_under_way_when_the_server_closes_fails() -> None:
    tiny = TinyClients(work=3 * MS)
    tiny.service.closes_after = 1
    tiny.open(3 * MS)
    assert tiny.serve()[:3] == [(0, COMPLETED, 5), (1, FAILED, 2), (2, COMPLETED, 7)]


def test_a_client_that_resets_its_connection_fails_its_request_and_the_server_hears() -> None:
    tiny = TinyClients(work=20 * MS)
    tiny.closed(think=5 * MS, resets=lambda index: int(index == 1), reset_after=10 * MS)
    ended = tiny.serve()
    assert ended[:3] == [(0, COMPLETED, 22), (1, FAILED, 10), (2, COMPLETED, 24)]
    assert tiny.service.gone == [STATUS_CONNECTION_RESET]


def test_a_request_that_ended_before_its_reset_is_left_alone() -> None:
    tiny = TinyClients()
    tiny.closed(think=5 * MS, resets=lambda index: 1, reset_after=3 * MS)
    assert {row[1:] for row in tiny.serve()} == {(COMPLETED, 2)}


@pytest.mark.parametrize("reads", [0, 150_000])
def test_a_client_that_stops_reading_closes_its_window_and_gets_no_more_answers(reads: int) -> None:
    tiny = TinyClients(answer=50_000)
    tiny.closed(think=5 * MS, reads=reads)
    ended = tiny.serve()
    assert len(ended) == reads // 50_000
    assert tiny.window.live == 1
    (near,) = tiny.near.connections().values()
    assert near.end == reads + 50_000


def test_answers_behind_a_closed_window_stay_in_flight() -> None:
    tiny = TinyClients(answer=50_000)
    tiny.open(10 * MS, reads=0)
    assert tiny.serve() == []
    assert tiny.window.live == 9
    (near,) = tiny.near.connections().values()
    assert near.una == tiny.near.receive_buffer


def test_a_request_in_drips_arrives_with_its_last_piece() -> None:
    tiny = TinyClients()
    tiny.open(50 * MS, size=10, piece=3, gap=6 * MS)
    assert tiny.serve() == [(0, COMPLETED, 3 * 6 + 2)]
    assert tiny.spent() == {"remote_peer": 18, "propagation": 2}


def test_requests_in_drips_follow_each_other_on_a_connection() -> None:
    tiny = TinyClients()
    tiny.open(10 * MS, size=2, piece=1, gap=15 * MS)
    assert [row[2] for row in tiny.serve()[:3]] == [17, 22, 27]


def test_a_drip_ends_with_its_connection() -> None:
    tiny = TinyClients()
    tiny.closed(think=5 * MS, size=10, piece=1, gap=3 * MS, resets=lambda index: 1, reset_after=10 * MS)
    assert {row[1:] for row in tiny.serve()} == {(FAILED, 10)}
    assert tiny.service.log == []


def test_datagrams_need_no_connection() -> None:
    tiny = TinyClients(work=3 * MS)
    tiny.closed(think=5 * MS, datagrams=True)
    assert {row[1:] for row in tiny.serve()} == {(COMPLETED, 5)}
    assert not tiny.far.connections()


def test_a_datagram_for_a_port_without_a_socket_is_dropped() -> None:
    tiny = TinyClients()
    tiny.open(10 * MS, datagrams=True)
    tiny.source.meet()
    del tiny.near.datagram_ports[PORT]
    tiny.service.take_datagrams = lambda port: None  # type: ignore[method-assign]
    assert tiny.serve() == [(index, DROPPED, 1) for index in range(9)]


def test_the_run_ends_with_its_requests_whatever_has_happened() -> None:
    """A law: offered = completed + failed + dropped + in flight, and every nanosecond has a cause."""
    tiny = TinyClients(work=2 * MS, answer=3000, backlog=40)
    tiny.closed(
        clients=20, outstanding=2, size=4000, per_connection=3, resets=lambda index: index % 7 // 6, reset_after=MS
    )
    ended = tiny.serve()
    assert {row[1] for row in ended} == {COMPLETED, FAILED}
    assert tiny.window.offered == len(ended)
    assert tiny.window.present == sum(len(end.under_way) for end in set(tiny.source.live.values()))
    assert tiny.clock.now >= HORIZON


def test_ports_rise_and_go_on_with_the_next_client() -> None:
    addresses = SequentialAddresses(CLIENTS)
    assert addresses.source(16_383) == CLIENTS << 16 | 65_535
    assert addresses.source(16_384) == (CLIENTS + 1) << 16 | 49_152


def test_drawn_addresses_lie_in_their_network_and_stay() -> None:
    drawn = Streams(1, 0).open("addresses", whole(1 << 30))
    addresses = RandomAddresses(CLIENTS, 256, drawn)
    found = [addresses.source(index) for index in range(200)]
    assert len(set(found)) > 190
    assert all(0 <= (it >> 16) - CLIENTS < 256 and it & 0xFFFF >= 49_152 for it in found)
    assert addresses.source(7) == found[7]


def test_given_addresses_come_again() -> None:
    addresses = GivenAddresses(array("q", [SERVER << 16 | 1, SERVER << 16 | 2]), array("q"))
    assert [addresses.source(index) & 0xFFFF for index in range(3)] == [1, 2, 1]


def test_a_datagram_on_a_link_that_is_down_is_dropped_and_the_answer_too() -> None:
    tiny = TinyClients(work=5 * MS)
    tiny.open(10 * MS, datagrams=True)
    tiny.at(15 * MS, lambda: setattr(tiny.out.link, "up", False))
    tiny.at(18 * MS, lambda: setattr(tiny.out.link, "up", True))
    tiny.at(30 * MS, lambda: setattr(tiny.back.link, "up", False))
    tiny.at(31 * MS, lambda: setattr(tiny.back.link, "up", True))
    found = tiny.serve()[:4]
    assert found == [(0, DROPPED, 6), (1, COMPLETED, 7), (2, DROPPED, 0), (3, COMPLETED, 7)]


def test_a_datagram_that_answers_nothing_is_ignored() -> None:
    tiny = TinyClients(work=3 * MS)
    tiny.open(10 * MS, datagrams=True)
    client = tiny.source.addresses.source(0)
    tiny.at(5 * MS, lambda: tiny.near.send_datagram(SERVER << 16 | PORT, client, 10, NO_REQUEST))
    assert {row[1:] for row in tiny.serve()} == {(COMPLETED, 5)}
