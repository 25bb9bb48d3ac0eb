"""Clients at the far end of a card's wire: they ask over TCP connections or by datagrams, and read what comes back.

A request begins when its client asks, travels with the last byte of what is sent for it, and ends when the last byte of its
answer has been read, when its handler ends without one, or when what carried it is lost: a connection that is refused, reset
or closed fails what is under way on it, a datagram that nobody takes is dropped.
Clients misbehave where that is asked for: they stop reading, send a request in drips, reset their connection.
Simplified: clients take no time of their own; what a load's round trip has beyond the wire's is spent on the way there.
Source: semantics 5, 5.15 (what a peer's end does to a server); RFC 9293, 768.
"""

from array import array
from dataclasses import dataclass
from typing import Any

from iosim.actor import ARRIVAL, DEVICE, TIMER, Actor, Clock
from iosim.attribution import ENDED, FAILED, LINK, NO_REQUEST, ON_ITS_WAY, PROPAGATION, REMOTE_PEER, Request, new_ledger
from iosim.binding import FrameSource
from iosim.client_addresses import ClientAddresses
from iosim.completion_port import CompletionPort
from iosim.frame_queue import FrameQueue
from iosim.frames import DATAGRAM, UDP_IPV4, Frame, new_frame
from iosim.tcp import NO_CONNECTION, NO_USER, Connection, ConnectionUser, Host, join
from iosim.variates import CLIENT_SHIFT, MOST_ITERATIONS, Variate
from iosim.workload import RowPace, Source, Window

ALL = -1  # that a client reads
PORT_MASK = 0xFFFF
UDP = 17


@dataclass(frozen=True, slots=True)
class ClientParams:
    """How clients behave. Sizes in bytes, times in ns.

    `datagrams`: UDP in place of TCP. `per_connection`: a client asks so often on a connection, then closes it (0: they are
    there before the run and stay). `reads`: a client takes so much of a connection's answers and no more. `piece`, `gap`:
    a request is sent in pieces of this size, so far apart (0: at once). `reset_after`: when a client that resets its
    connection does so after it has asked. `no_delay`: TCP_NODELAY.
    """

    datagrams: bool = False
    per_connection: int = 0
    reads: int = ALL
    piece: int = 0
    gap: int = 0
    reset_after: int = 0
    no_delay: bool = True


@dataclass(frozen=True, slots=True)
class CrowdParams:
    """Who asks: so many `clients`, whence their connections come, and what they send.

    `sizes` are those of requests (bytes); `resets` draws 1 for a request whose client resets its connection, and is empty
    where none does.
    """

    clients: int
    addresses: ClientAddresses
    sizes: Variate
    resets: list[Variate]
    params: ClientParams


class LongWay(FrameSource):
    """More of a way before the wire that all clients of a card share: so many ns, at an event a frame."""

    def __init__(self, clock: Clock, delay: int, way: FrameSource) -> None:
        self.clock = clock
        self.delay = delay
        self.way = way
        self.frames = FrameQueue()
        self.alarm = WayAlarm(self)

    def transmit_cost(self, frame: Frame) -> int:
        """Clients have no processors."""
        return 0

    def transmit(self, frame: Frame, processor: int) -> None:
        """It reaches the wire later."""
        self.frames.append(frame)
        self.clock.at(self.delay, DEVICE, self.alarm, 0)

    def arrived(self) -> None:
        """The oldest has reached it."""
        frame = self.frames.pop()
        request = frame.request
        if request is not NO_REQUEST:
            request.travels(PROPAGATION, self.clock.now)
        way = self.way
        way.transmit(frame, 0)


class WayAlarm(Actor):
    """Calls when a frame has come so far."""

    def __init__(self, long_way: LongWay) -> None:
        super().__init__()
        self.long_way = long_way

    def fire(self, what: int) -> None:
        """Now."""
        long_way = self.long_way
        long_way.arrived()


class Reach:
    """Whom clients ask, and how they get there.

    `near` is the server's host and `target` the service's address on it (tcp.py), `far` the host of all clients, whose frames
    take `way`. `service` is the program's side (net_service.py): it listens, and takes connections that are there already.
    """

    def __init__(self, near: Host, far: Host, target: int, way: FrameSource, service: Any) -> None:
        self.near = near
        self.far = far
        self.target = target
        self.way = way
        self.service = service


NO_REQUESTS: list[Request] = []  # shared by all ends that have none


class ClientEnd:
    """A client's end of one connection: what has been asked on it, and what of that has not ended."""

    __slots__ = ("asked", "busy", "connected", "connection", "number", "over", "read", "under_way", "waiting")

    def __init__(self, number: int) -> None:
        self.number = number  # the client's
        self.connection = NO_CONNECTION
        self.connected = False
        self.over = False
        self.busy = False  # a request is being sent in pieces
        self.asked = 0
        self.read = 0  # bytes
        self.under_way = NO_REQUESTS
        self.waiting = NO_REQUESTS  # have not been sent yet


NO_END = ClientEnd(-1)
NONE_LIVE = ClientEnd(-1)  # of a request that has ended; datagrams' have NO_END


class ClientSide(ConnectionUser):
    """What TCP and UDP tell the clients of a source; a connection's owner is its end."""

    def __init__(self, source: "NetworkSource") -> None:
        self.source = source

    def connected(self, connection: Connection) -> None:
        """The server has answered: send what waits."""
        source = self.source
        source.connected(connection.owner)

    def failed(self, connection: Connection, status: int) -> None:
        """Refused, reset, timed out."""
        source = self.source
        source.lost(connection.owner)

    def received(self, connection: Connection, size: int, pushed: int, request: Request) -> None:
        """Some of an answer; `request` ends with it."""
        source = self.source
        source.received(connection.owner, size, request)

    def peer_finished(self, connection: Connection) -> None:
        """The server closes: so does the client."""
        connection.finish()
        source = self.source
        source.lost(connection.owner)

    def datagram(self, owner: Any, source: int, size: int, request: Request) -> None:
        """An answer; of which load says the request, as two may have a client with this port."""
        if request is not NO_REQUEST:
            asker = request.source
            asker.finished(request)


class Drip(Actor):
    """Sends a request in pieces."""

    def __init__(self, source: "NetworkSource", end: ClientEnd, request: Request) -> None:
        super().__init__()
        self.source = source
        self.end = end
        self.request = request
        self.left = request.size

    def fire(self, what: int) -> None:
        """One more piece, unless the connection is gone."""
        source = self.source
        end = self.end
        request = self.request
        if end.over:
            return
        connection = end.connection
        if self.left > source.piece:
            self.left -= source.piece
            connection.send(source.piece, NO_REQUEST)
            source.clock.at(source.gap, TIMER, self, 0)
            return
        request.travels(REMOTE_PEER, source.clock.now)
        connection.send(self.left, request)
        end.busy = False
        source.send_waiting(end)


class ResetAlarm(Actor):
    """Resets a request's connection, if it is still under way."""

    def __init__(self, source: "NetworkSource", request: Request) -> None:
        super().__init__()
        self.source = source
        self.request = request

    def fire(self, what: int) -> None:
        """Now."""
        source = self.source
        source.reset(self.request)


SCRATCH = new_ledger()  # of what is done for requests that have ended


class NetworkSource(Source):
    """Clients that ask over a network; subclasses say when. Client n's present connection is `ends[n]`.

    `refused` counts connections that did not come about or ended under way.
    """

    def __init__(
        self, clock: Clock, window: Window, group: int, port: CompletionPort, reach: Reach, crowd: CrowdParams
    ) -> None:
        super().__init__(clock, window, group, port)
        self.reach = reach
        self.near = reach.near
        self.far = reach.far
        self.target = reach.target
        self.way = reach.way
        self.addresses = crowd.addresses
        self.clients = crowd.clients
        self.sizes = crowd.sizes
        self.resets = crowd.resets
        params = crowd.params
        self.datagrams = params.datagrams
        if self.datagrams:
            self.keeps_causes = True  # as one may be dropped, whose time is no part of latency
        self.per_connection = params.per_connection
        self.reads = params.reads
        self.piece = params.piece
        self.gap = params.gap
        self.reset_after = params.reset_after
        self.no_delay = params.no_delay
        self.side = ClientSide(self)
        self.ends = [NO_END] * self.clients
        self.made = [0] * self.clients  # connections of each client so far
        self.live: dict[int, ClientEnd] = {}  # requests that have not ended, and where they are under way
        self.refused = 0

    # ---- before the run ----------------------------------------------------------------------------------------------

    def meet(self) -> None:
        """The service opens its port; connections that stay are there already."""
        self.window.sources_open += 1
        service = self.reach.service
        port = self.target & PORT_MASK
        if self.datagrams:
            service.take_datagrams(port)
            for number in range(self.clients):
                self.far.take_datagrams(self.addresses.source(number) & PORT_MASK, self.side, 0)
            return
        service.listen(port)
        if self.per_connection:
            return
        for number in range(self.clients):
            end = ClientEnd(number)
            source = self._next_address(number)
            target = self.addresses.target(number, self.target)
            near, far = join(self.near, NO_USER, 0, self.far, self.side, end, source, target)
            self._own(end, far)
            end.connected = True
            service.attach(near)

    def _next_address(self, number: int) -> int:
        """Of a client's next connection: each has one of its own, whoever connects first."""
        made = self.made[number]
        self.made[number] = made + 1
        return self.addresses.source(number + made * self.clients)

    def _own(self, end: ClientEnd, connection: Connection) -> None:
        connection.source = self.way
        connection.no_delay = self.no_delay
        end.connection = connection
        self.ends[end.number] = end

    # ---- asking ------------------------------------------------------------------------------------------------------

    def issue(self, index: int, number: int) -> None:
        """Client `number` asks."""
        request = self.ask(index)
        size = self.sizes.value(index)
        request.target = number
        request.size = size if size > 0 else 1
        if self.datagrams:
            self._send_datagram(request, number)
            return
        end = self.ends[number]
        if end is NO_END:
            end = self._connect(number)
        self.live[index] = end
        if end.under_way is NO_REQUESTS:
            end.under_way = []
        end.under_way.append(request)
        if end.waiting is NO_REQUESTS:
            end.waiting = [request]
        else:
            end.waiting.append(request)
        end.asked += 1
        if end.asked == self.per_connection:
            self.ends[number] = NO_END  # its next request needs a new one
        for drawn in self.resets:
            if drawn.value(index) == 1:
                self.clock.at(self.reset_after, TIMER, ResetAlarm(self, request), 0)
        self.send_waiting(end)

    def _connect(self, number: int) -> ClientEnd:
        end = ClientEnd(number)
        far = self.far
        flows = far.flows
        flow = flows.new(self._next_address(number), self.target)
        connection = Connection(far, flow, self.side, end)
        self._own(end, connection)
        connection.begin()
        return end

    def _send_datagram(self, request: Request, number: int) -> None:
        self.live[request.index] = NO_END
        far = self.far
        flows = far.flows
        flow = flows.of_datagrams(self.addresses.source(number), self.target)
        frame = new_frame(DATAGRAM, flow, request.size, UDP_IPV4)
        frame.hash = far.hash_of(flow, UDP)
        frame.request = request
        way = self.way
        way.transmit(frame, 0)

    def send_waiting(self, end: ClientEnd) -> None:
        """Send what waits for the connection, or for the end of a request that is sent in pieces."""
        connection = end.connection
        while end.waiting and end.connected and not end.busy:
            request = end.waiting[0]
            if len(end.waiting) > 1:
                del end.waiting[0]
            else:
                end.waiting = NO_REQUESTS
            request.travels(REMOTE_PEER, self.clock.now)
            if self.piece and request.size > self.piece:
                end.busy = True
                drip = Drip(self, end, request)
                drip.fire(0)
            else:
                connection.send(request.size, request)

    # ---- what comes back ---------------------------------------------------------------------------------------------

    def connected(self, end: ClientEnd) -> None:
        """The handshake is over."""
        end.connected = True
        self.send_waiting(end)

    def received(self, end: ClientEnd, size: int, request: Request) -> None:
        """Read it, unless the client has stopped reading."""
        end.read += size
        if self.reads != ALL and end.read > self.reads:
            return
        connection = end.connection
        connection.consumed(size)
        if request is not NO_REQUEST:
            self.finished(request)

    def lost(self, end: ClientEnd) -> None:
        """The connection is gone, and with it what is under way on it."""
        end.over = True
        end.waiting = NO_REQUESTS
        if self.ends[end.number] is end:
            self.ends[end.number] = NO_END
        if end.under_way:
            self.refused += 1
        for request in list(end.under_way):
            request.status = FAILED
            self.finished(request)

    def reset(self, request: Request) -> None:
        """The client has had enough of this request: it resets the connection."""
        end = self.live.get(request.index, NO_END)
        if end is NO_END:
            return
        connection = end.connection
        connection.reset()
        self.lost(end)

    def finished(self, request: Request) -> None:
        """The answer has come, or none will: its handler has ended without one, or what carried it is lost."""
        end = self.live.pop(request.index, NONE_LIVE)
        if end is NONE_LIVE:
            return
        now = self.clock.now
        if request.mark != now:  # that a link was down is told for when it would have left
            request.spend(LINK if request.mark > now else REMOTE_PEER, now)
        if request.began < 0:
            request.began = now
        if request.socket == ON_ITS_WAY:
            request.socket = ENDED
        Source.finished(self, request)
        request.ledger = SCRATCH
        if end is NO_END:
            return
        under_way = end.under_way
        for place in range(len(under_way)):  # few; list.remove would compare them by Python's rules
            if under_way[place] is request:
                del under_way[place]
                break
        if end.asked == self.per_connection and not end.under_way and not end.over:
            end.over = True
            connection = end.connection
            connection.finish()


class OpenNetworkSource(NetworkSource):
    """Requests come by themselves, each on a connection that is drawn (`which`)."""

    def __init__(
        self,
        clock: Clock,
        window: Window,
        group: int,
        port: CompletionPort,
        reach: Reach,
        crowd: CrowdParams,
        gap: Variate,
        which: Variate,
    ) -> None:
        super().__init__(clock, window, group, port, reach, crowd)
        self.gaps = gap
        self.which = which
        self.next = 0

    def start(self) -> None:
        """The first request comes after its gap."""
        self.meet()
        self.clock.at(self.gaps.value(0), ARRIVAL, self, 0)

    def fire(self, what: int) -> None:
        """One request now, the next after its gap."""
        index = self.next
        self.next = index + 1
        self.clock.at(self.gaps.value(index + 1), ARRIVAL, self, 0)
        self.issue(index, self.which.value(index))


class ClosedNetworkSource(NetworkSource):
    """Clients that think, ask, and wait for the answer; each keeps `outstanding` requests under way.

    As without a network (workload.PipelinedSource), slot s of a client asks for its iterations s, s + outstanding, ...
    """

    def __init__(
        self,
        clock: Clock,
        window: Window,
        group: int,
        port: CompletionPort,
        reach: Reach,
        crowd: CrowdParams,
        think: Variate,
        outstanding: int,
    ) -> None:
        super().__init__(clock, window, group, port, reach, crowd)
        self.answers = True
        self.think = think
        self.outstanding = outstanding
        self.next = [client << CLIENT_SHIFT | slot for client in range(crowd.clients) for slot in range(outstanding)]

    def start(self) -> None:
        """Every slot of every client begins with a thought."""
        self.meet()
        for slot, index in enumerate(self.next):
            self.clock.at(self.think.value(index), ARRIVAL, self, slot)

    def fire(self, what: int) -> None:
        """Slot number `what` (of all clients') asks."""
        index = self.next[what]
        self.issue(index, index >> CLIENT_SHIFT)

    def served(self, request: Request, now: int) -> None:
        """The slot thinks again."""
        index = request.index
        slot = (index >> CLIENT_SHIFT) * self.outstanding + (index & MOST_ITERATIONS) % self.outstanding
        self.next[slot] = index + self.outstanding
        self.clock.at(self.think.value(index + self.outstanding), ARRIVAL, self, slot)


class ReplayNetworkSource(NetworkSource):
    """The requests of a capture or log, as `pace` says; `client` asks for each."""

    def __init__(
        self,
        clock: Clock,
        window: Window,
        group: int,
        port: CompletionPort,
        reach: Reach,
        crowd: CrowdParams,
        client: "array[int]",
        pace: RowPace,
    ) -> None:
        super().__init__(clock, window, group, port, reach, crowd)
        self.answers = True
        self.client = client
        self.pace = pace

    def start(self) -> None:
        """The first row, or the first `depth` rows."""
        self.meet()
        pace = self.pace
        pace.begin(self)

    def fire(self, what: int) -> None:
        """One row."""
        pace = self.pace
        row = pace.take(self)
        self.issue(row, self.client[row])

    def served(self, request: Request, now: int) -> None:
        """At a fixed depth, an answer makes room for the next row."""
        pace = self.pace
        pace.answered(self, request.index)
