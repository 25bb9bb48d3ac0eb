"""TCP over a plain path: exact timelines of two peers, 1 ms apart. What goes wrong becomes latency (0b.22)."""

import random

import pytest
from tiny import Tiny, causes

from iosim.attribution import NO_REQUEST, Request
from iosim.ntstatus import STATUS_CONNECTION_REFUSED, STATUS_CONNECTION_RESET, STATUS_IO_TIMEOUT
from iosim.paths import PathEnd, PlainPath, plain_path
from iosim.tcp import Connection, ConnectionUser, Flows, Host, TcpParams, join

MS = 1_000_000
S = 1000 * MS
DELAY = MS
RTT = 2 * DELAY
SEGMENT = 1000
NO_DELAYED_ACKS = TcpParams(segment=SEGMENT, ack_frequency=1)
USUAL = TcpParams(segment=SEGMENT)


class Side(ConnectionUser):
    """Writes down what happened and when."""

    def __init__(self, tiny: Tiny) -> None:
        self.tiny = tiny
        self.log: list[tuple[int, object]] = []
        self.got: list[tuple[int, int]] = []
        self.requests: list[Request] = []
        self.reads = True
        self.closes = True

    def admits(self, owner: object) -> bool:
        return True

    def established(self, owner: object, connection: Connection) -> None:
        connection.owner = self
        self.connection = connection
        self.note("established")

    def connected(self, connection: Connection) -> None:
        self.note("connected")

    def failed(self, connection: Connection, status: int) -> None:
        self.note(status)

    def received(self, connection: Connection, size: int, pushed: int, request: Request) -> None:
        self.got.append((self.tiny.clock.now, size))
        if request is not NO_REQUEST:
            self.requests.append(request)
        if self.reads:
            connection.consumed(size)

    def peer_finished(self, connection: Connection) -> None:
        self.note("end")
        if self.closes:
            connection.finish()

    def finished(self, connection: Connection) -> None:
        self.note("finished")

    def note(self, what: object) -> None:
        self.log.append((self.tiny.clock.now, what))

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.got)

    def bursts(self) -> list[tuple[int, int]]:
        """When something came, and how many bytes at that instant."""
        sums: dict[int, int] = {}
        for time, size in self.got:
            sums[time] = sums.get(time, 0) + size
        return list(sums.items())


class Pair(Tiny):
    """A client and a server that are connected from 3 ms on."""

    def __init__(self, params: TcpParams = NO_DELAYED_ACKS, bits: int = 0, open: bool = True) -> None:
        super().__init__(1)
        flows = Flows()
        self.near, self.far = Host(self.clock, flows, 1, params), Host(self.clock, flows, 2, params)
        self.out: PlainPath = plain_path(self.clock, bits, DELAY, PathEnd(self.clock, DELAY, self.far))
        self.back: PlainPath = plain_path(self.clock, bits, DELAY, PathEnd(self.clock, DELAY, self.near))
        self.near.routes[2] = self.out
        self.far.routes[1] = self.back
        self.client, self.server = Side(self), Side(self)
        self.far.listen(80, self.server, 0)
        if open:
            self.connection = self.near.connect(1 << 16 | 5, 2 << 16 | 80, self.client, self.client)
            self.pass_time(3 * DELAY)

    def pass_time(self, ns: int) -> None:
        self.at(self.clock.now + ns, self.clock.stop)
        self.run()

    def lose(self, *numbers: int) -> None:
        """Of the frames that go out from now on."""
        self.out.losses = {self.out.sent_frames + number for number in numbers}

    def ends(self) -> int:
        """Let everything happen; when the server got its last byte."""
        self.run()
        return self.server.got[-1][0]


def since(pair: Pair, start: int) -> list[tuple[int, int]]:
    return [(time - start, size) for time, size in pair.server.bursts()]


# ---- the handshake and the end ---------------------------------------------------------------------------------------


def test_a_connection_takes_a_round_trip_for_one_side_and_one_and_a_half_for_the_other() -> None:
    pair = Pair()
    assert pair.client.log == [(RTT, "connected")]
    assert pair.server.log == [(RTT + DELAY, "established")]


def test_nobody_listens_there_is_a_refusal() -> None:
    pair = Pair(open=False)
    pair.near.connect(1 << 16 | 5, 2 << 16 | 81, pair.client, pair.client)
    pair.run()
    assert pair.client.log == [(RTT, STATUS_CONNECTION_REFUSED)]


def test_a_connection_that_was_there_before_the_run_is_joined_without_a_frame() -> None:
    pair = Pair(open=False)
    here, there = join(
        pair.far, pair.server, pair.server, pair.near, pair.client, pair.client, 1 << 16 | 5, 2 << 16 | 80
    )
    assert (pair.out.sent_frames, pair.client.log, pair.server.log) == (0, [], [])
    assert (pair.far.flows.target(there.flow), pair.far.flows.target(here.flow)) == (2 << 16 | 80, 1 << 16 | 5)
    there.send(500, NO_REQUEST)
    here.send(700, NO_REQUEST)
    pair.run()
    assert (pair.server.got, pair.client.got) == ([(DELAY, 500)], [(DELAY, 700)])


def test_a_host_without_a_way_of_its_own_to_another_takes_the_gateway() -> None:
    pair = Pair(open=False)
    others = 9 << 16 | 5
    assert not pair.far.reaches(others)
    pair.far.gateway = pair.back
    assert pair.far.reaches(others)
    here, there = join(pair.far, pair.server, pair.server, pair.near, pair.client, pair.client, others, 2 << 16 | 80)
    here.send(700, NO_REQUEST)
    pair.run()
    assert (pair.client.got, there.expected) == ([(DELAY, 700)], 700)


def test_both_sides_forget_a_connection_that_has_ended_both_ways() -> None:
    pair = Pair()
    pair.connection.send(500, NO_REQUEST)
    pair.connection.finish()
    pair.run()
    start = 3 * DELAY
    assert pair.server.log[1:] == [(start + DELAY, "end"), (start + RTT + DELAY, "finished")]
    assert pair.client.log[1:] == [(start + RTT, "finished"), (start + RTT, "end")]
    assert (pair.near.connections(), pair.far.connections(), pair.server.bytes) == ({}, {}, 500)


def test_a_reset_is_heard_by_the_other_side_alone() -> None:
    pair = Pair()
    pair.connection.reset()
    pair.run()
    assert pair.server.log[-1] == (4 * DELAY, STATUS_CONNECTION_RESET)
    assert (pair.near.connections(), pair.far.connections(), len(pair.client.log)) == ({}, {}, 1)


@pytest.mark.parametrize(("lost", "connected"), [({0}, 1), ({0, 1}, 3), ({0, 1, 2, 3, 4}, 0)])
def test_a_lost_syn_costs_one_second_then_two(lost: set[int], connected: int) -> None:
    pair = Pair(open=False)
    pair.out.losses = lost
    pair.near.connect(1 << 16 | 5, 2 << 16 | 80, pair.client, pair.client)
    pair.run()
    if connected:
        assert pair.client.log == [(connected * S + RTT, "connected")]
    else:
        assert pair.client.log == [((1 + 2 + 4 + 8 + 16) * S, STATUS_IO_TIMEOUT)]


@pytest.mark.parametrize("number", range(4))
def test_whichever_frame_of_the_handshake_or_the_end_is_lost_all_bytes_arrive_and_both_sides_end(number: int) -> None:
    for way in ("out", "back"):
        pair = Pair(open=False)
        getattr(pair, way).losses = {number}
        connection = pair.near.connect(1 << 16 | 5, 2 << 16 | 80, pair.client, pair.client)
        connection.send(500, NO_REQUEST)
        connection.finish()
        pair.run()
        assert (pair.server.bytes, pair.near.connections(), pair.far.connections()) == (500, {}, {})
        assert "finished" in [what for _, what in pair.client.log]


# ---- windows ---------------------------------------------------------------------------------------------------------


def test_slow_start_doubles_every_round_trip() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1, initial_window=2, receive_buffer=1 << 20))
    pair.connection.send(30 * SEGMENT, NO_REQUEST)
    pair.run()
    rounds = [(DELAY + round * RTT, count * SEGMENT) for round, count in enumerate((2, 4, 8, 16))]
    assert since(pair, 3 * DELAY) == rounds


def test_delayed_acks_do_not_slow_it_down_as_bytes_are_counted() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=2, initial_window=2, receive_buffer=1 << 20))
    pair.connection.send(30 * SEGMENT, NO_REQUEST)
    pair.run()
    assert [size // SEGMENT for _, size in pair.server.bursts()] == [2, 4, 8, 16]


def test_a_peers_window_limits_the_rate_to_one_window_a_round_trip() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1, initial_window=100, receive_buffer=4 * SEGMENT))
    pair.connection.send(20 * SEGMENT, NO_REQUEST)
    pair.run()
    assert since(pair, 3 * DELAY) == [(DELAY + round * RTT, 4 * SEGMENT) for round in range(5)]


def test_a_peer_that_does_not_read_closes_the_window_and_one_that_reads_again_opens_it() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, receive_buffer=4 * SEGMENT))
    pair.server.reads = False
    pair.connection.send(10 * SEGMENT, NO_REQUEST)
    pair.pass_time(200 * MS)
    assert pair.server.bytes == 4 * SEGMENT
    pair.server.reads = True
    pair.server.connection.consumed(4 * SEGMENT)
    pair.pass_time(RTT)
    assert pair.server.bytes == 8 * SEGMENT


def test_a_lost_window_update_is_found_out_by_a_probe() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, receive_buffer=4 * SEGMENT))
    pair.server.reads = False
    pair.connection.send(10 * SEGMENT, NO_REQUEST)
    pair.pass_time(100 * MS)
    pair.server.reads = True
    pair.back.losses = {pair.back.sent_frames}
    pair.server.connection.consumed(4 * SEGMENT)
    pair.run()
    assert (pair.server.bytes, pair.near.timeouts > 0) == (10 * SEGMENT, True)


def test_a_peer_that_never_reads_is_not_probed_for_ever() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, receive_buffer=4 * SEGMENT))
    pair.server.reads = False
    pair.connection.send(10 * SEGMENT, NO_REQUEST)
    pair.run()
    assert (pair.server.bytes, [*pair.near.connections().values()]) == (4 * SEGMENT, [pair.connection])


# ---- delayed ACK and Nagle -------------------------------------------------------------------------------------------


def test_0b22_a_small_write_behind_another_waits_for_the_delayed_ack() -> None:
    """The classic stall: write, write, read."""
    pair = Pair(USUAL)
    start = pair.clock.now
    pair.connection.send(100, NO_REQUEST)
    pair.connection.send(100, NO_REQUEST)
    pair.run()
    assert since(pair, start) == [(DELAY, 100), (DELAY + 40 * MS + RTT, 100)]


def test_without_nagles_rule_it_does_not() -> None:
    pair = Pair(USUAL)
    start = pair.clock.now
    pair.connection.no_delay = True
    pair.connection.send(100, NO_REQUEST)
    pair.connection.send(100, NO_REQUEST)
    pair.run()
    assert since(pair, start) == [(DELAY, 200)]


def test_an_answer_carries_the_ack_that_would_have_been_delayed() -> None:
    pair = Pair(USUAL)
    pair.connection.send(100, NO_REQUEST)
    pair.pass_time(DELAY)
    frames = pair.back.sent_frames
    pair.server.connection.send(50, NO_REQUEST)
    pair.pass_time(100 * MS)
    assert pair.back.sent_frames == frames + 1
    assert pair.connection.una == 100


# ---- loss ------------------------------------------------------------------------------------------------------------


def test_0b22_a_lost_segment_in_a_long_flight_is_sent_again_after_three_duplicate_acks() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1, initial_window=10))
    start = pair.clock.now
    pair.lose(2)
    pair.connection.send(10 * SEGMENT, NO_REQUEST)
    pair.run()
    assert since(pair, start) == [(DELAY, 2 * SEGMENT), (DELAY + RTT, 8 * SEGMENT)]
    assert (pair.near.retransmitted, pair.near.timeouts) == (1, 0)


def test_0b22_a_lost_last_segment_waits_for_the_retransmission_timer_with_its_floor() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1))
    start = pair.clock.now
    pair.lose(4)
    pair.connection.send(5 * SEGMENT, NO_REQUEST)
    pair.run()
    (_, first), (when, last) = since(pair, start)
    assert (first, last) == (4 * SEGMENT, SEGMENT)
    assert when == RTT + 300 * MS + DELAY  # the timer starts anew with the last ACK
    assert (pair.near.retransmitted, pair.near.timeouts) == (1, 1)


def test_the_timer_doubles_and_gives_up_after_five_tries() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1))
    start = pair.clock.now
    pair.lose(0, 1)
    pair.connection.send(10, NO_REQUEST)
    pair.pass_time(2 * S)
    assert since(pair, start) == [(300 * MS + 600 * MS + DELAY, 10)]
    start = pair.clock.now
    pair.lose(*range(20))
    pair.connection.send(10, NO_REQUEST)
    pair.run()
    assert pair.client.log[-1][1] == STATUS_IO_TIMEOUT


def test_new_reno_repairs_a_hole_every_round_trip() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1, initial_window=10))
    start = pair.clock.now
    pair.lose(1, 4)
    pair.connection.send(10 * SEGMENT, NO_REQUEST)
    pair.run()
    assert [time for time, _ in since(pair, start)] == [DELAY, DELAY + RTT, DELAY + 2 * RTT]
    assert (pair.server.bytes, pair.near.timeouts) == (10 * SEGMENT, 0)


def test_after_a_loss_the_window_is_half_of_what_was_in_flight() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1, initial_window=10))
    pair.lose(0)
    pair.connection.send(10 * SEGMENT, NO_REQUEST)
    pair.run()
    assert pair.connection.threshold == pair.connection.congestion == 5 * SEGMENT


@pytest.mark.parametrize("ways", [("out",), ("back",), ("out", "back")])
def test_a_link_that_is_down_for_a_second_delays_and_loses_nothing(ways: tuple[str, ...]) -> None:
    pair = Pair(TcpParams(segment=SEGMENT, receive_buffer=8 * SEGMENT))

    def turn(up: bool) -> None:
        for way in ways:
            getattr(pair, way).link.up = up

    start = pair.clock.now
    pair.at(start + 5 * MS, lambda: turn(False))
    pair.at(start + 1005 * MS, lambda: turn(True))
    pair.connection.send(100 * SEGMENT, NO_REQUEST)
    pair.run()
    assert pair.server.bytes == 100 * SEGMENT
    assert start + 1005 * MS < pair.server.got[-1][0] < start + 4 * S  # the timer had doubled: 300, 600, 1200 ms


# ---- where the time goes ---------------------------------------------------------------------------------------------


def sent(pair: Pair, size: int) -> Request:
    """A request of so many bytes."""
    request = pair.request()
    pair.connection.send(size, request)
    return request


def test_a_requests_time_is_its_link_and_propagation() -> None:
    pair = Pair(bits=8_000_000)  # a byte a us
    pair.run()
    request = sent(pair, 946)
    pair.run()
    wire = (946 + 54 + 24) * 1000
    assert pair.server.requests == [request]
    assert causes(request) == {"link": wire, "propagation": DELAY}


def test_waiting_for_the_window_is_the_windows_and_for_the_peer_the_peers() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1, initial_window=2))
    request = sent(pair, 3 * SEGMENT)
    pair.pass_time(100 * MS)
    assert causes(request) == {"send_window": RTT, "propagation": DELAY}
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1, initial_window=9, receive_buffer=2 * SEGMENT))
    request = sent(pair, 3 * SEGMENT)
    pair.pass_time(100 * MS)
    assert causes(request) == {"remote_peer": RTT, "propagation": DELAY}


def test_what_a_loss_costs_is_retransmission_for_the_lost_and_for_those_behind() -> None:
    pair = Pair(TcpParams(segment=SEGMENT, ack_frequency=1))
    pair.lose(0)
    lost = sent(pair, SEGMENT)
    behind = sent(pair, SEGMENT)
    pair.run()
    assert causes(lost) == {"retransmit": 300 * MS, "propagation": DELAY}
    assert causes(behind) == {"propagation": DELAY, "retransmit": 300 * MS}


# ---- law -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_every_byte_arrives_once_and_in_order_whatever_is_lost(seed: int) -> None:
    """Conservation: no loss ends a request, sequence numbers never go back, and both sides forget each other."""
    chance = random.Random(seed)
    params = TcpParams(
        segment=SEGMENT,
        ack_frequency=chance.choice((1, 2)),
        initial_window=chance.choice((1, 2, 10)),
        receive_buffer=chance.choice((2, 5, 64)) * SEGMENT,
        data_tries=30,
        connect_tries=30,
    )
    pair = Pair(params, bits=chance.choice((0, 10**8)), open=False)
    rate = chance.choice((0.01, 0.1, 0.3))
    pair.out.losses = {number for number in range(20_000) if chance.random() < rate}
    pair.back.losses = {number for number in range(20_000) if chance.random() < rate}
    connection = pair.near.connect(1 << 16 | 5, 2 << 16 | 80, pair.client, pair.client)
    sizes = [chance.choice((1, 100, SEGMENT, 7 * SEGMENT + 3)) for _ in range(20)]
    requests = [pair.request(index) for index in range(20)]

    def send(index: int) -> None:
        requests[index].mark = requests[index].issued = pair.clock.now
        connection.send(sizes[index], requests[index])

    for index in range(20):
        pair.at(chance.randrange(10**9) if index else 0, lambda index=index: send(index))  # type: ignore[misc]
    pair.at(2 * 10**9, connection.finish)
    pair.run()
    assert pair.server.bytes == sum(sizes)
    assert (pair.near.connections(), pair.far.connections()) == ({}, {})
    assert [what for _, what in pair.client.log] == ["connected", "finished", "end"] or pair.client.log[-1][
        1
    ] == "finished"
    for request in pair.server.requests:
        assert sum(request.ledger) == request.mark - request.issued
