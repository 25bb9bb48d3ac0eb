"""TCP between hosts, and datagrams beside it: segments limited by windows, acknowledged, lost and sent again.

A host is one machine's protocol, bound to a card's driver or to a plain path (paths.py); what it connects are sockets
(devices/winsock.py) or modelled peers that have no operating system. The bytes are counted, not kept: a sequence number is
the number of bytes sent before, and the end of a stream takes one number more.
Source: RFC 9293, RFC 1122 4.2.3.2 (delayed ACK), RFC 896 (Nagle), RFC 5681 and 6582 (slow start, avoidance, NewReno), RFC
3465 (counting bytes, at most two segments an ACK), RFC 6298 with Windows' floor (semantics 0b.22). Simplified: in place of
TIME_WAIT the last connections that have ended are remembered, and what is repeated on them is acknowledged; no selective ACKs
or time stamps, no path MTU discovery; the handshake takes no sequence numbers; probes of a closed window end after some
minutes; what a timer sends costs no processor time.
"""

from array import array
from dataclasses import dataclass
from typing import Any

from iosim.actor import TIMER, Actor, Clock
from iosim.attribution import KERNEL, NO_REQUEST, PROPAGATION, REMOTE_PEER, RETRANSMIT, SEND_WINDOW, Request
from iosim.binding import FrameSink, FrameSource
from iosim.frames import (
    ACK,
    DATA,
    DATAGRAM,
    FIN,
    MSS_IPV4,
    NO_HASH,
    RST,
    SYN,
    SYN_ACK,
    TCP_IPV4,
    UDP_IPV4,
    Frame,
    new_frame,
)
from iosim.ntstatus import STATUS_CONNECTION_REFUSED, STATUS_CONNECTION_RESET, STATUS_IO_TIMEOUT
from iosim.processor import Processor
from iosim.rss import Rss
from iosim.stream_marks import NO_MARKS, StreamMarks
from iosim.units import KIB, MS, S

CLOSED, SYN_SENT, SYN_RECEIVED, ESTABLISHED = range(4)  # states

FIRST_DYNAMIC_PORT = 49152  # IANA's range, Windows' since Vista
LAST_PORT = 65535
ADDRESS_MASK = 0xFFFF_FFFF
TCP, UDP = 6, 17
LONGEST_RTO = 60 * S  # RFC 6298 (2.5)
NO_WINDOW_LIMIT = 1 << 40
REMEMBERED = 4096  # connections that have ended, in place of TIME_WAIT
OFF = -1  # of a timer, a sequence number, a time


@dataclass(frozen=True, slots=True)
class TcpParams:
    """Defaults: Windows 10's Internet template (Get-NetTCPSetting), from memory but for the floor of the RTO (0b.22).

    `segment` is bytes of payload; `receive_buffer` (SO_RCVBUF) is all that may lie here unread, and so the window;
    `initial_window` is in segments, `delayed_ack` and RTOs in ns. Processor times (ns): `segment_cost` for a segment on its
    way down, `receive_cost` for one on its way up.
    """

    segment: int = MSS_IPV4
    receive_buffer: int = 64 * KIB
    initial_window: int = 10
    delayed_ack: int = 40 * MS
    ack_frequency: int = 2  # segments
    initial_rto: int = 1 * S
    minimum_rto: int = 300 * MS
    connect_tries: int = 4
    data_tries: int = 5
    duplicate_acks: int = 3
    segment_cost: int = 0
    receive_cost: int = 0


class Flows:
    """All connections' addresses, whoever they are between: number 2n goes from client to server, 2n + 1 comes back.

    An address is the host's number (an IPv4 address, as a rule) times 65,536, plus the port.
    """

    def __init__(self) -> None:
        self.sources = array("q")  # by flow
        self.senders: list[Connection] = []  # by flow: the side that sends on it, while there is one
        self.known: dict[tuple[int, int], int] = {}  # of datagrams

    def new(self, source: int, target: int) -> int:
        """A new connection; the flow that goes there."""
        self.sources.append(source)
        self.sources.append(target)
        self.senders.append(NO_CONNECTION)
        self.senders.append(NO_CONNECTION)
        return len(self.sources) - 2

    def of_datagrams(self, source: int, target: int) -> int:
        """The flow between two datagram sockets, always the same."""
        pair = (source, target)
        if pair not in self.known:
            self.known[pair] = self.new(source, target)
        return self.known[pair]

    def receiver(self, flow: int) -> "Connection":
        """The side that receives on it, while there is one: it sends on the other flow of the two."""
        return self.senders[flow ^ 1] if 0 <= flow < len(self.senders) else NO_CONNECTION

    def source(self, flow: int) -> int:
        """Whence it comes."""
        return self.sources[flow]

    def target(self, flow: int) -> int:
        """Where it goes."""
        return self.sources[flow ^ 1]


class ConnectionUser:
    """Who is told what happens: AFD, or a modelled peer. `owner` is what it gave with the port or connection.

    Everything happens in the context in which the frame arrived, a DPC as a rule.
    """

    def admits(self, owner: Any) -> bool:
        """A SYN for a port that listens: whether there is room; one that answers yes hears of the connection's fate."""
        return False

    def established(self, owner: Any, connection: "Connection") -> None:
        """A connection has come to the port's owner: from now on it needs an owner of its own."""

    def half_open_failed(self, owner: Any) -> None:
        """One that had been admitted will not come."""

    def connected(self, connection: "Connection") -> None:
        """The other side has answered."""

    def failed(self, connection: "Connection", status: int) -> None:
        """It is gone: refused, timed out, reset."""

    def copy_cost(self, connection: "Connection", before: int, size: int, at_once: int) -> int:
        """Processor time (ns) that `received` will take for so many bytes, behind `before` that have their price already.

        `at_once` 1: they can't stay in the card's buffers, whoever waits for them.
        """
        return 0

    def datagram_copy(self, owner: Any, before: int, size: int, at_once: int) -> int:
        """The same of `datagram`, behind `before` datagrams."""
        return 0

    def received(self, connection: "Connection", size: int, pushed: int, request: Request) -> None:
        """So many bytes more, in order; they count against the window until `consumed`."""

    def acknowledged(self, connection: "Connection") -> None:
        """The other side has everything before `connection.una`."""

    def peer_finished(self, connection: "Connection") -> None:
        """Nothing more will come."""

    def finished(self, connection: "Connection") -> None:
        """The other side knows that nothing more will come from here."""

    def datagram(self, owner: Any, source: int, size: int, request: Request) -> None:
        """A datagram has come to the port's owner."""


NO_USER = ConnectionUser()


class Port:
    """A port that listens or takes datagrams, and whom to tell."""

    def __init__(self, user: ConnectionUser, owner: Any) -> None:
        self.user = user
        self.owner = owner


NO_TCP_PORT = Port(NO_USER, 0)
NO_WAY = FrameSource()
UNPRICED = (
    0,
    0,
    0,
    0,
)  # of a flow: acknowledged up to, growth of the window, bytes let go; bytes (datagrams: frames) landed
NO_RSS: Rss = Rss.__new__(Rss)


class Host(FrameSink):
    """One machine's TCP/IP: its ports, its connections, and the way to other hosts.

    Counters: `retransmitted` segments, `timeouts` of the retransmission timer, `unreachable` datagrams for ports without
    a socket. `processor` is where the code that runs now runs.
    """

    def __init__(self, clock: Clock, flows: Flows, number: int, params: TcpParams) -> None:
        self.clock = clock
        self.flows = flows
        self.number = number
        self.segment = params.segment
        self.receive_buffer = params.receive_buffer
        self.initial_window = params.initial_window * params.segment
        self.delayed_ack = params.delayed_ack
        self.ack_frequency = params.ack_frequency
        self.initial_rto = params.initial_rto
        self.minimum_rto = params.minimum_rto
        self.connect_tries = params.connect_tries
        self.data_tries = params.data_tries
        self.duplicate_acks = params.duplicate_acks
        self.segment_cost = params.segment_cost
        self.receive_cost = params.receive_cost
        self.routes: dict[int, FrameSource] = {}  # by the other host's number
        self.gateway: FrameSource = NO_WAY  # the way to all others
        self.rss = NO_RSS  # of the card at the machine's end, which gives frames their flow's hash
        self.ended: dict[int, int] = {}  # by incoming flow, what had been received; the oldest first
        self.ports: dict[int, Port] = {}
        self.datagram_ports: dict[int, Port] = {}
        self.priced: dict[
            int, tuple[int, int, int, int]
        ] = {}  # by flow, or by port times -1, while a run gets its price
        self.last_port = FIRST_DYNAMIC_PORT - 1
        self.processor = 0
        self.retransmitted = 0
        self.timeouts = 0
        self.unreachable = 0

    # ---- ports -------------------------------------------------------------------------------------------------------

    def reaches(self, address: int) -> bool:
        """Whether there is a way to this address's host."""
        return self.way(address) is not NO_WAY

    def way(self, address: int) -> FrameSource:
        """The one that frames for this address take."""
        return self.routes.get(address >> 16, self.gateway)

    def hash_of(self, flow: int, protocol: int) -> int:
        """What the card writes beside a flow's frames; each direction has its own."""
        rss = self.rss
        if rss is NO_RSS:
            return NO_HASH
        source = self.flows.source(flow)
        target = self.flows.target(flow)
        from_host = source >> 16 & ADDRESS_MASK
        to_host = target >> 16 & ADDRESS_MASK
        return rss.hash_ipv4(protocol, from_host, to_host, source & LAST_PORT, target & LAST_PORT, False)

    def free_port(self) -> int:
        """A dynamic port, the next in turn."""
        self.last_port = self.last_port + 1 if self.last_port < LAST_PORT else FIRST_DYNAMIC_PORT
        return self.last_port

    def listen(self, port: int, user: ConnectionUser, owner: Any) -> None:
        """Connections to this port are welcome."""
        self.ports[port] = Port(user, owner)

    def take_datagrams(self, port: int, user: ConnectionUser, owner: Any) -> None:
        """So are datagrams."""
        self.datagram_ports[port] = Port(user, owner)

    # ---- connections -------------------------------------------------------------------------------------------------

    def connections(self) -> "dict[int, Connection]":
        """Its connections by incoming flow, for whoever looks at all of them."""
        return {
            flow ^ 1: connection
            for flow, connection in enumerate(self.flows.senders)
            if connection is not NO_CONNECTION and connection.host is self
        }

    def connect(self, source: int, target: int, user: ConnectionUser, owner: Any) -> "Connection":
        """Begin a connection; `user` hears of its end."""
        flow = self.flows.new(source, target)
        connection = Connection(self, flow, user, owner)
        connection.begin()
        return connection

    def send_datagram(self, source: int, target: int, size: int, request: Request) -> None:
        """One frame, whatever its size; nobody hears of its fate."""
        flow = self.flows.of_datagrams(source, target)
        frame = new_frame(DATAGRAM, flow, size, UDP_IPV4)
        frame.hash = self.hash_of(flow, UDP)
        frame.request = request
        way = self.way(target)
        way.transmit(frame, self.processor)

    def datagram_cost(self, target: int) -> int:
        """Processor time (ns) of sending one."""
        way = self.way(target)
        return self.segment_cost + way.transmit_cost(NO_FRAME)

    # ---- frames ------------------------------------------------------------------------------------------------------

    def cost(self, frames: list[Frame]) -> int:
        """Of TCP, of copies into receives that were posted before, and of the segments that ACKs let go.

        Frames of one run have their price before any of them is looked at: what an earlier one takes of a connection's
        receives, and lets go of what waits to be sent, is kept in `priced` and is not there for a later one.
        """
        several = len(frames) > 1
        time = len(frames) * self.receive_cost
        for frame in frames:
            connection = self.flows.receiver(frame.flow)
            if connection is not NO_CONNECTION:
                time += self._price(connection, frame, several)
            elif frame.kind == DATAGRAM:
                time += self._datagram_price(frame)
        self.priced.clear()
        return time

    def _price(self, connection: "Connection", frame: Frame, several: bool) -> int:
        acknowledged, grown, let_go, landed = self.priced.get(frame.flow, UNPRICED)
        time = 0
        if frame.payload:
            user = connection.user
            time = user.copy_cost(connection, landed, frame.payload, frame.resources)
            landed += frame.payload
        if connection.nxt < connection.end:
            newly = frame.acknowledged - max(acknowledged, connection.una)
            if newly > 0:
                acknowledged = frame.acknowledged
                grown += connection.growth(newly, connection.congestion + grown)
                more = connection.let_go_by(acknowledged, grown, frame.window)
                time += connection.segments_cost(more) - connection.segments_cost(let_go)
                let_go = more
        if several:
            self.priced[frame.flow] = (acknowledged, grown, let_go, landed)
        return time

    def _datagram_price(self, frame: Frame) -> int:
        number = self.flows.target(frame.flow) & LAST_PORT
        port = self.datagram_ports.get(number, NO_TCP_PORT)
        before = self.priced.get(-number, UNPRICED)[3]
        self.priced[-number] = (0, 0, 0, before + 1)
        user = port.user
        return user.datagram_copy(port.owner, before, frame.payload, frame.resources)

    def indicate(self, frames: list[Frame], processor: Processor) -> None:
        """Frames from a driver's DPC."""
        for frame in frames:
            self.arrive(frame, processor.number)

    def sent(self, frame: Frame) -> None:
        """What has left the card may still have to be sent again: nothing ends here."""

    def arrive(self, frame: Frame, processor: int) -> None:
        """A frame is for one of the connections, or for a port."""
        self.processor = processor
        kind = frame.kind
        if kind == DATAGRAM:
            self._datagram(frame)
            return
        connection = self.flows.receiver(frame.flow)
        if connection is not NO_CONNECTION:
            connection.arrive(frame)
        elif kind == SYN:
            self._admit(frame)
        elif kind in (DATA, FIN):
            if frame.flow in self.ended:
                self._answer(frame, ACK, self.ended[frame.flow])  # the other side has not heard that it is over
            else:
                self._answer(frame, RST, 0)
        elif kind == SYN_ACK:
            self._answer(frame, RST, 0)

    def _datagram(self, frame: Frame) -> None:
        target = self.flows.target(frame.flow)
        port = self.datagram_ports.get(target & LAST_PORT, NO_TCP_PORT)
        if port is NO_TCP_PORT:
            self.unreachable += 1
            if frame.request is not NO_REQUEST:
                frame.request.drop(KERNEL, self.clock.now)
            return
        user = port.user
        user.datagram(port.owner, self.flows.source(frame.flow), frame.payload, frame.request)

    def _admit(self, frame: Frame) -> None:
        """A SYN: without a listener, or with too many waiting, the answer is a RST, as Windows does."""
        port = self.ports.get(self.flows.target(frame.flow) & LAST_PORT, NO_TCP_PORT)
        user = port.user
        if not user.admits(port.owner):
            self._answer(frame, RST, 0)
            return
        connection = Connection(self, frame.flow ^ 1, user, port.owner)
        connection.state = SYN_RECEIVED
        connection.edge = frame.window
        connection.left = self.connect_tries
        connection.greet()

    def remember(self, flow: int, received: int) -> None:
        """A connection has ended both ways."""
        if len(self.ended) == REMEMBERED:
            del self.ended[next(iter(self.ended))]
        self.ended[flow] = received

    def _answer(self, frame: Frame, kind: int, acknowledged: int) -> None:
        answer = new_frame(kind, frame.flow ^ 1, 0, TCP_IPV4)
        answer.hash = self.hash_of(frame.flow ^ 1, TCP)
        answer.acknowledged = acknowledged
        way = self.way(self.flows.source(frame.flow))
        way.transmit(answer, self.processor)


# Shared by all connections that have none: empty lists of their own would take a third of their memory.
NO_FRAMES: list[Frame] = []


class Connection(Actor):
    """One side of a connection, and the actor of its two timers, which end at `resend_due` and `reply_due`.

    Sequence numbers: `una` is the oldest byte that is not acknowledged, `nxt` the next one to send, `highest` what has been
    sent at all, `end` what the user has given, `edge` what the other side has room for; `expected` is the next one to come,
    `unread` the bytes before it that the user has not consumed. Invariants: una <= nxt <= highest <= end + 1, and
    una <= what the other side expects.
    """

    __slots__ = (
        "advertised",
        "blocked",
        "clock",
        "congestion",
        "delivering",
        "duplicates",
        "early",
        "edge",
        "end",
        "expected",
        "fin",
        "fin_at",
        "finished",
        "flow",
        "hash",
        "highest",
        "host",
        "left",
        "marks",
        "no_delay",
        "nxt",
        "orphan",
        "owner",
        "peer_finished",
        "recover",
        "reply_due",
        "reply_entry",
        "resend_due",
        "resend_entry",
        "rto",
        "smoothed",
        "source",
        "state",
        "threshold",
        "timed",
        "timed_at",
        "una",
        "unacknowledged",
        "unread",
        "user",
        "variance",
    )

    def __init__(self, host: Host, flow: int, user: ConnectionUser, owner: Any) -> None:
        super().__init__()
        self.host = host
        self.clock = host.clock
        self.flow = flow  # the outgoing one
        self.hash = host.hash_of(flow, TCP)
        self.user = user
        self.owner = owner
        self.state = CLOSED
        self.una = 0
        self.nxt = 0
        self.highest = 0
        self.end = 0
        self.edge = 0
        self.fin = False  # the stream ends at `end`
        self.finished = False  # and the other side knows
        self.congestion = host.initial_window
        self.threshold = NO_WINDOW_LIMIT
        self.duplicates = 0
        self.recover = OFF  # in fast recovery: until this is acknowledged
        self.blocked = SEND_WINDOW  # why nothing more was sent: a cause
        self.no_delay = False
        self.marks = NO_MARKS  # where requests end in the stream
        self.smoothed = OFF  # round-trip time, ns
        self.variance = 0
        self.rto = host.initial_rto
        self.timed = OFF  # the byte whose round trip is being measured
        self.timed_at = 0
        self.left = host.data_tries
        self.expected = 0
        self.unread = 0
        self.advertised = host.receive_buffer  # the last edge that the other side was told
        self.early = NO_FRAMES  # segments after a hole
        self.unacknowledged = 0  # segments
        self.delivering = False
        self.fin_at = OFF
        self.peer_finished = False
        self.orphan = False  # its socket is closed
        self.resend_due = OFF
        self.resend_entry = OFF  # when the clock will call for it
        self.reply_due = OFF
        self.reply_entry = OFF
        host.flows.senders[flow] = self
        self.source = host.way(host.flows.target(flow))

    # ---- timers: setting one again costs the clock nothing, as an entry that fires early asks anew --------------------

    def _await_ack(self) -> None:
        """Let the retransmission timer end an RTO from now."""
        clock = self.clock
        now = clock.now
        due = now + self.rto
        self.resend_due = due
        entry = self.resend_entry
        if entry != OFF and entry <= due:
            return
        if entry != OFF:  # it comes too late; what makes it dead does so to the other one's
            self.generation += 1
            if self.reply_entry != OFF:
                clock.at(self.reply_entry - now, TIMER, self, 0)
        self.resend_entry = due
        clock.at(self.rto, TIMER, self, 0)

    def _await_data(self) -> None:
        """Let the timer of a delayed ACK end; an earlier entry comes no later than this, as its time is always the same."""
        delay = self.host.delayed_ack
        self.reply_due = self.clock.now + delay
        if self.reply_entry == OFF:
            self.reply_entry = self.reply_due
            self.clock.at(delay, TIMER, self, 0)

    def fire(self, what: int) -> None:
        """A timer has ended, or has been set anew or off since."""
        clock = self.clock
        now = clock.now
        if self.reply_entry == now:
            self.reply_entry = OFF
            if self.reply_due == now:
                self.reply_due = OFF
                self.reply()
            elif self.reply_due != OFF:
                self.reply_entry = self.reply_due
                clock.at(self.reply_due - now, TIMER, self, 0)
        else:
            self.resend_entry = OFF
            if self.resend_due == now:
                self.resend_due = OFF
                self.timed_out()
            elif self.resend_due != OFF:
                self.resend_entry = self.resend_due
                clock.at(self.resend_due - now, TIMER, self, 0)

    # ---- what the user asks for --------------------------------------------------------------------------------------

    def send(self, size: int, request: Request) -> int:
        """So many bytes more for the other side; returns the sequence number behind them."""
        self.end += size
        if request is not NO_REQUEST:
            marks = self.marks
            if marks is NO_MARKS:
                marks = self.marks = StreamMarks()
            marks.append(self.end, request)
        self.push()
        return self.end

    def send_cost(self, size: int) -> int:
        """Processor time (ns) of what `send` would send at once."""
        return self.segments_cost(min(size, min(self.una + self.congestion, self.edge) - self.nxt))

    def segments_cost(self, size: int) -> int:
        """The same for so many bytes in segments."""
        if size <= 0:
            return 0
        host = self.host
        source = self.source
        each = max(host.segment, source.large_send() // host.segment * host.segment)
        return -(-size // each) * (host.segment_cost + source.transmit_cost(NO_FRAME))

    def growth(self, newly: int, congestion: int) -> int:
        """By how much a congestion window of that size grows when so many bytes are acknowledged."""
        segment = self.host.segment
        if congestion < self.threshold:
            return min(newly, 2 * segment)
        return max(1, segment * segment // congestion)

    def let_go_by(self, acknowledged: int, grown: int, window: int) -> int:
        """Bytes that wait and may go once so much is acknowledged and the windows are these: all, or whole segments."""
        allowed = min(acknowledged + self.congestion + grown, max(self.edge, acknowledged + window))
        if allowed >= self.end:
            return self.end - self.nxt
        segment = self.host.segment
        return max(0, allowed - self.nxt) // segment * segment

    def consumed(self, size: int) -> None:
        """The user has taken so many bytes: the other side is told when that makes a difference (RFC 9293 3.8.6.2.2)."""
        self.unread -= size
        if not self.delivering and self._window_gained():
            self.reply()

    def _window_gained(self) -> bool:
        host = self.host
        gained = self.expected + host.receive_buffer - self.unread - self.advertised
        return gained >= min(host.receive_buffer // 2, 2 * host.segment)

    def finish(self) -> None:
        """Nothing more will be sent: a FIN after all that was given."""
        if not self.fin and self.state != CLOSED:
            self.fin = True
            self.push()

    def reset(self) -> None:
        """End it at once, with a RST; the user hears nothing more."""
        if self.state != CLOSED:
            self._emit(RST, self.nxt, 0)
            self._leave()

    def abandon(self) -> None:
        """The user is gone: what was given is still sent, then a FIN; whatever else comes is answered with a RST."""
        self.orphan = True
        self.user = NO_USER
        self.finish()

    # ---- the handshake -----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Ask for the connection."""
        self.state = SYN_SENT
        self.left = self.host.connect_tries
        self.greet()

    def greet(self) -> None:
        """SYN, or the answer to one."""
        self._emit(SYN if self.state == SYN_SENT else SYN_ACK, 0, 0)
        self.timed_at = self.clock.now
        self._await_ack()

    def _establish(self) -> None:
        self.state = ESTABLISHED
        self.resend_due = OFF
        self.left = self.host.data_tries
        if self.rto == self.host.initial_rto:  # the SYN was not repeated
            self._measured(self.clock.now - self.timed_at)
        else:
            self.rto = self.host.initial_rto

    # ---- what arrives ------------------------------------------------------------------------------------------------

    def arrive(self, frame: Frame) -> None:
        """Any frame of this connection."""
        kind = frame.kind
        if kind == RST:
            self._fail(STATUS_CONNECTION_REFUSED if self.state == SYN_SENT else STATUS_CONNECTION_RESET)
            return
        if kind in (SYN, SYN_ACK):
            self._greeted(frame)
            return
        if self.state == SYN_RECEIVED:
            self._establish()
            user = self.user
            user.established(self.owner, self)
        if self.state != ESTABLISHED:
            return
        self._acknowledgement(frame)
        if self.state != ESTABLISHED:
            return
        if kind == DATA:
            self._data(frame)
        elif kind == FIN:
            self._fin(frame)
        elif frame.sequence < self.expected:
            self.reply()  # a probe

    def _greeted(self, frame: Frame) -> None:
        if frame.kind == SYN:
            if self.state == SYN_RECEIVED:
                self.greet()  # our answer was lost
            return
        if self.state == SYN_SENT:
            self.edge = frame.window
            self._establish()
            self.reply()
            user = self.user
            user.connected(self)
            self.push()
        else:
            self.reply()

    def _data(self, frame: Frame) -> None:
        if self.orphan:
            self.reset()
            return
        until = frame.sequence + frame.payload
        if until <= self.expected:
            self.reply()  # sent in vain: the other side lacks an ACK
            return
        if frame.sequence > self.expected:
            self._keep(frame)
            self.reply()
            return
        hole = len(self.early) > 0
        self.unacknowledged += frame.count if frame.count else 1
        self.delivering = True  # one ACK for all of it
        self._deliver(frame, until)
        while self.early and self.early[0].sequence <= self.expected and self.state == ESTABLISHED:
            follower = self.early.pop(0)
            until = follower.sequence + follower.payload
            if until > self.expected:
                if follower.request is not NO_REQUEST:
                    follower.request.travels(RETRANSMIT, self.clock.now)  # it waited for what was lost before it
                self._deliver(follower, until)
        self.delivering = False
        if self.state != ESTABLISHED:
            return
        if self.fin_at == self.expected:
            self._end_of_stream()
        elif hole or self.unacknowledged >= self.host.ack_frequency or self._window_gained():
            self.reply()
        elif self.unacknowledged and self.reply_due == OFF:
            self._await_data()

    def _deliver(self, frame: Frame, until: int) -> None:
        """In pieces that end where a request does: a segment's end, and whose it is, are seen on the sender's side.

        The other requests than the one that the segment carries are told to have been on the way.
        """
        sender: Connection = self.host.flows.senders[self.flow ^ 1]
        if sender is NO_CONNECTION:
            self._give(until, frame.pushed, frame.request)
            return
        marks = sender.marks
        for number in range(marks.head, marks.tail):
            mark = marks.end_at(number)
            if mark > until or self.state != ESTABLISHED:
                break
            if mark > self.expected:
                request = marks.request_at(number)
                request.travels(PROPAGATION, self.clock.now)
                self._give(mark, frame.pushed if mark == until else 0, request)
        if self.expected < until and self.state == ESTABLISHED:
            self._give(until, frame.pushed, NO_REQUEST)

    def _give(self, until: int, pushed: int, request: Request) -> None:
        size = until - self.expected
        self.expected = until
        self.unread += size
        user = self.user
        user.received(self, size, pushed, request)

    def _keep(self, frame: Frame) -> None:
        place = len(self.early)
        while place and self.early[place - 1].sequence > frame.sequence:
            place -= 1
        if not self.early:
            self.early = []
        if not place or self.early[place - 1].sequence != frame.sequence:
            self.early.insert(place, frame)

    def _fin(self, frame: Frame) -> None:
        self.fin_at = frame.sequence
        if self.fin_at == self.expected:
            self._end_of_stream()
        else:
            self.reply()

    def _end_of_stream(self) -> None:
        self.expected += 1
        self.peer_finished = True
        self.reply()
        user = self.user
        user.peer_finished(self)
        self._forget()

    # ---- what is acknowledged ----------------------------------------------------------------------------------------

    def _acknowledgement(self, frame: Frame) -> None:
        acknowledged = frame.acknowledged
        edge = acknowledged + frame.window
        opened = edge > self.edge
        if opened:
            self.edge = edge
        if acknowledged > self.una:
            self._advance(acknowledged)
        elif frame.kind == ACK and not opened and acknowledged == self.una and self.una < self.highest:
            self._duplicate()
        if self.state == ESTABLISHED:
            self.push()

    def _advance(self, acknowledged: int) -> None:
        host = self.host
        newly = acknowledged - self.una
        self.una = acknowledged
        if self.nxt < acknowledged:
            self.nxt = acknowledged
        self.left = host.data_tries
        self.duplicates = 0
        if self.timed != OFF and acknowledged > self.timed:
            self._measured(self.clock.now - self.timed_at)
            self.timed = OFF
        if self.recover == OFF:
            self.congestion += self.growth(newly, self.congestion)
        elif acknowledged >= self.recover:
            self.recover = OFF
            self.congestion = self.threshold
        else:
            self.congestion = max(host.segment, self.congestion - newly + host.segment)
            self._repeat()
        if self.una < self.highest:
            self._await_ack()
        else:
            self.resend_due = OFF
        user = self.user
        user.acknowledged(self)
        if self.fin and acknowledged > self.end and not self.finished:
            self.finished = True
            user = self.user
            user.finished(self)
            self._forget()

    def _duplicate(self) -> None:
        host = self.host
        self.duplicates += 1
        if self.recover != OFF:
            self.congestion += host.segment
        elif self.duplicates == host.duplicate_acks:
            self.threshold = max((self.nxt - self.una) // 2, 2 * host.segment)
            self.recover = self.highest
            self.congestion = self.threshold + host.duplicate_acks * host.segment
            self._repeat()

    def _measured(self, time: int) -> None:
        """A round trip took so long (RFC 6298)."""
        if self.smoothed == OFF:
            self.smoothed = time
            self.variance = time // 2
        else:
            off = self.smoothed - time
            self.variance = (3 * self.variance + (off if off >= 0 else -off)) // 4
            self.smoothed = (7 * self.smoothed + time) // 8
        self.rto = max(self.host.minimum_rto, self.smoothed + 4 * self.variance)

    def timed_out(self) -> None:
        """Nothing has been heard for too long."""
        self.left -= 1
        if self.left < 0:
            if self.una < self.highest or self.state != ESTABLISHED:
                self._emit(RST, self.nxt, 0)
                self._fail(STATUS_IO_TIMEOUT)
            return
        self.host.timeouts += 1
        self.rto = min(2 * self.rto, LONGEST_RTO)
        if self.state != ESTABLISHED:
            self.greet()
            return
        if self.una < self.highest:
            segment = self.host.segment
            self.threshold = max((self.nxt - self.una) // 2, 2 * segment)
            self.congestion = segment
            self.recover = OFF
            self.duplicates = 0
            self.nxt = self.una
            self.push()
        elif self.nxt < self.end:
            self._emit(ACK, self.una - 1, 0)  # a probe: is the window still closed?
        self._await_ack()

    # ---- what is sent ------------------------------------------------------------------------------------------------

    def push(self) -> None:
        """Send what windows and Nagle's rule allow; what is sent again goes segment by segment."""
        if self.state != ESTABLISHED:
            return
        segment = self.host.segment
        while self.nxt < self.end:
            left = self.end - self.nxt
            size = left if left < segment else segment
            allowed = self.una + self.congestion
            if self.edge < allowed:
                allowed = self.edge
            room = allowed - self.nxt
            in_flight = self.nxt > self.una
            if room < size:
                if room <= 0 or in_flight:  # a part of a segment is sent only where nothing else is on its way
                    self.blocked = SEND_WINDOW if self.una + self.congestion < self.edge else REMOTE_PEER
                    break
                size = room
            elif size < segment and in_flight and not self.no_delay and self.nxt >= self.highest:
                self.blocked = REMOTE_PEER  # Nagle: a small one waits for the ACK
                break
            if size == segment and self.nxt >= self.highest:
                size = self._together(left, room)
            self._segment(self.nxt, size)
            self.nxt += size
        if self.fin and self.nxt == self.end:
            self._segment(self.end, 0)
            self.nxt += 1
        if self.nxt > self.highest:
            self.highest = self.nxt
        waits = self.una < self.highest or self.nxt < self.end
        if waits and self.resend_due == OFF:
            self._await_ack()

    def _together(self, left: int, room: int) -> int:
        """Of a segment and more: what goes down at once, as the card cuts it (LSO).

        Whole segments, and a shorter last one if it need not wait (Nagle): on the wire it is as if each went alone.
        """
        segment = self.host.segment
        source = self.source
        most = min(room, source.large_send())
        if left <= most and self.no_delay:
            return left
        return max(segment, min(left, most) // segment * segment)

    def _repeat(self) -> None:
        """The oldest segment once more."""
        self._segment(self.una, min(self.host.segment, self.end - self.una))

    def _segment(self, sequence: int, size: int) -> None:
        again = sequence < self.highest
        if again:
            self.host.retransmitted += 1
            self.timed = OFF  # whose ACK would it be? (Karn)
        elif self.timed == OFF and size > 0:
            self.timed = sequence
            self.timed_at = self.clock.now
        if size <= 0:
            self._emit(FIN, self.end, 0)
            return
        self._emit(DATA, sequence, size)

    def _emit(self, kind: int, sequence: int, size: int) -> None:
        frame = new_frame(kind, self.flow, size, TCP_IPV4)
        frame.hash = self.hash
        frame.sequence = sequence
        if kind == ACK and sequence == self.nxt:
            frame.sequence = self.highest  # after a timeout only a probe looks old
        frame.acknowledged = self.expected
        frame.window = self.host.receive_buffer - self.unread
        if size:
            if size > self.host.segment:
                frame.segment = self.host.segment
            frame.pushed = 1 if sequence + size == self.end else 0
            marks = self.marks
            if not marks.empty():
                self._mark(frame, sequence + size)
        if kind != SYN and kind != RST:
            self.advertised = frame.acknowledged + frame.window
            self.unacknowledged = 0
            self.reply_due = OFF
        source = self.source
        source.transmit(frame, self.host.processor)

    def _mark(self, frame: Frame, until: int) -> None:
        """The segment with a request's last byte carries it; its time up to now is explained by why it is sent now.

        Simplified: of several requests that end in one segment the last is carried.
        """
        marks = self.marks
        while not marks.empty() and marks.end_at(marks.head) <= self.una:
            marks.pop()  # it is acknowledged
        now = self.clock.now
        for number in range(marks.head, marks.tail):
            mark = marks.end_at(number)
            if mark > until:
                break
            if mark > frame.sequence:
                request = marks.request_at(number)
                request.travels(RETRANSMIT if frame.sequence < self.highest else self.blocked, now)
                frame.request = request

    def reply(self) -> None:
        """An ACK, with the window as it is now."""
        if self.state == ESTABLISHED:
            self._emit(ACK, self.nxt, 0)

    # ---- the end -----------------------------------------------------------------------------------------------------

    def _fail(self, status: int) -> None:
        if self.state == CLOSED:
            return
        half_open = self.state == SYN_RECEIVED
        user = self.user
        self._leave()
        if half_open:
            user.half_open_failed(self.owner)
        else:
            user.failed(self, status)

    def _forget(self) -> None:
        """Both directions have ended."""
        if self.finished and self.peer_finished:
            self.host.remember(self.flow ^ 1, self.expected)
            self._leave()

    def _leave(self) -> None:
        self.state = CLOSED
        self.resend_due = OFF
        self.reply_due = OFF
        self.host.flows.senders[self.flow] = NO_CONNECTION


def join(
    near: Host,
    near_user: ConnectionUser,
    near_owner: Any,
    far: Host,
    far_user: ConnectionUser,
    far_owner: Any,
    source: int,
    target: int,
) -> tuple[Connection, Connection]:
    """A connection that has been there for long: both sides established, without a frame; near's side and far's.

    `source` is the address at the far host, the client; `target` the near one's. Nobody is told.
    """
    flow = near.flows.new(source, target)
    here = Connection(near, flow ^ 1, near_user, near_owner)
    there = Connection(far, flow, far_user, far_owner)
    here.edge = far.receive_buffer
    there.edge = near.receive_buffer
    here.state = ESTABLISHED
    there.state = ESTABLISHED
    return here, there


NO_FRAME = new_frame(ACK, 0, 0, TCP_IPV4)
NO_CONNECTION: Connection = Connection.__new__(Connection)
