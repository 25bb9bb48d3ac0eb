"""AFD: sockets as file objects, between programs and TCP/IP.

Calls are device controls (semantics 5.1), most of them tried without an IRP first. Data that is there is copied at once;
else a receive pends, its pages locked, and is filled in the order posted by the DPC in which data arrives (5.2, 5.3, 0b.23). A
send is copied whole while less than SO_SNDBUF is unacknowledged, else it waits; without a send buffer it locks its pages until
it is acknowledged (5.6).
Source: semantics 5, 9.4 (W-SOCK), 0b.22, 0b.23. Simplified: bytes are counted, not kept; a request's pages are those of one
buffer; a half-open connection counts against the backlog; a close while sends wait resets the connection; of out-of-band data,
IPv6 and raw sockets there are none.
"""

from typing import Any

from iosim.actor import TIMER, Actor
from iosim.attribution import (
    CONNECTION_ORDER,
    ENDED,
    KERNEL,
    NO_NODE,
    NO_REQUEST,
    Request,
    ghost_of,
    hand_back,
    part_of,
)
from iosim.device_stack import NEITHER, NOT_FAST, DeviceObject, Driver, FileObject
from iosim.devices.socket_codes import (
    ACCEPT,
    AREA,
    BOUND,
    CHUNK,
    CHUNKS,
    CONNECT,
    CONNECTED,
    CONNECTING,
    DATAGRAM,
    DISCONNECT,
    ENDLESS,
    LIST_ADDRESSES,
    LISTENING,
    NEVER,
    NO_ADDRESS,
    NO_LINGER,
    NUMBER_MASK,
    PORT_MASK,
    RECEIVE,
    REUSE_SOCKET,
    SD_RECEIVE,
    SD_SEND,
    SEND,
    SEND_BUFFER,
    SEND_TO,
    SMALLEST_AREA,
    STREAM,
    SUPER_ACCEPT,
    SUPER_CONNECT,
    SUPER_DISCONNECT,
    TAKEN,
    TRANSMIT,
    UNBOUND,
    WRITE_BEHIND,
)
from iosim.dispatcher import IO_NETWORK_INCREMENT
from iosim.file_control import NO_CONTROL
from iosim.io_manager import IoManager
from iosim.irp import INVOKE_ALWAYS, NO_IRP, NO_NOTICE, READ, Irp, StatusBlock
from iosim.ntstatus import (
    STATUS_ADDRESS_ALREADY_EXISTS,
    STATUS_BUFFER_OVERFLOW,
    STATUS_BUFFER_TOO_SMALL,
    STATUS_CANCELLED,
    STATUS_CONNECTION_ABORTED,
    STATUS_CONNECTION_ACTIVE,
    STATUS_CONNECTION_DISCONNECTED,
    STATUS_HOST_UNREACHABLE,
    STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_CONNECTION,
    STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER,
    STATUS_LOCAL_DISCONNECT,
    STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_NOT_SUPPORTED,
    STATUS_PENDING,
    STATUS_SUCCESS,
)
from iosim.numa import NO_MEMORY
from iosim.objects import Event
from iosim.stream_marks import NO_MARKS, StreamMarks
from iosim.tcp import NO_CONNECTION, Connection, ConnectionUser, Host
from iosim.units import PAGE

NO_EVENTS: list[Event] = []
NO_IRPS: list[
    Irp
] = []  # shared by all sockets that have none, as an empty list each would take most of a socket's memory


class Transmission:
    """A TransmitFile: what is left of head, file and tail (bytes), and how many chunks are under way."""

    def __init__(self, file: FileObject, offset: int, size: int, head: int, tail: int, flags: int) -> None:
        self.file = file
        self.offset = offset
        self.left = size
        self.head = head
        self.tail = tail
        self.flags = flags
        self.size = head + size + tail
        self.irp = NO_IRP
        self.end: Endpoint
        self.under_way = 0
        self.reading = False
        self.request = NO_REQUEST  # that its last byte carries

    def unfinished(self) -> bool:
        """Not all of it has been given to the transport."""
        return self.head + self.left + self.tail > 0 or self.reading


NO_TRANSMISSION: Transmission = Transmission.__new__(Transmission)


class Sent:
    """What one send has given to the transport: where it ends in the stream, and its IRP if that waits for the ACK."""

    until: int
    size: int
    irp: Irp
    transmission: Transmission


def new_sent(until: int, size: int, irp: Irp) -> Sent:
    """One of `size` bytes that ends at `until`."""
    sent = Sent.__new__(Sent)  # its numbers are no arguments: compiled, that would make an object of each
    sent.until = until
    sent.size = size
    sent.irp = irp
    sent.transmission = NO_TRANSMISSION
    return sent


NO_SENT: list[Sent] = []


class Datagram:
    """One that waits to be received."""

    def __init__(self, source: int, size: int, request: Request) -> None:
        self.source = source
        self.size = size
        self.request = request


NO_DATAGRAMS: list[Datagram] = []


class HoldTimer(Actor):
    """Ends the wait of a receive that is filled in part."""

    def __init__(self, afd: "Afd", end: "Endpoint") -> None:
        super().__init__()
        self.afd = afd
        self.end = end
        afd.clock.at(afd.hold, TIMER, self, 0)

    def fire(self, what: int) -> None:
        """Unless what it was for has been received since."""
        end = self.end
        if end.held is self:
            self.afd.hold_ended(end)


NO_HOLD: HoldTimer = HoldTimer.__new__(HoldTimer)


class Endpoint(FileObject):
    """A socket. Invariant, but for what is held: it never has both unread data and receives that pend.

    Addresses as in tcp.py, NO_ADDRESS for none. `broken` is the status with which its connection ended.
    """

    __slots__ = (
        "accepted",
        "acceptors",
        "backlog",
        "backlog_limit",
        "broken",
        "buffered",
        "connect_failed",
        "connected_at",
        "connection",
        "context_due",
        "datagrams",
        "disconnects",
        "ended",
        "half_open",
        "held",
        "home",
        "kind",
        "latest",
        "linger",
        "listener",
        "local",
        "marks",
        "no_delay",
        "no_receives",
        "no_sends",
        "non_blocking",
        "opening",
        "pushed",
        "receives",
        "remote",
        "reuse",
        "send_buffer",
        "sent",
        "state",
        "taken",
        "transmission",
        "unread",
        "waiting",
        "watchers",
    )

    def __init__(self, number: int, device: DeviceObject, kind: int, send_buffer: int) -> None:
        super().__init__(number, device, 0, 0, False, control=NO_CONTROL)
        self.kind = kind
        self.send_buffer = send_buffer  # bytes: SO_SNDBUF
        self.linger = NO_LINGER  # seconds: SO_LINGER
        self.non_blocking = False
        self.no_delay = False  # TCP_NODELAY
        self.local = NO_ADDRESS
        self.watchers = NO_EVENTS  # to be set whenever something has changed
        self.opening = NO_IRP  # the AcceptEx or connect that has the socket
        self.listener = self  # whose AcceptEx it is, or in whose backlog
        self.acceptors = NO_IRPS
        self.backlog = NO_BACKLOG
        self.backlog_limit = 0
        self.half_open = 0
        self.clear(UNBOUND)

    def clear(self, state: int) -> None:
        """As it was before it was connected."""
        self.state = state
        self.remote = NO_ADDRESS
        self.connection = NO_CONNECTION
        self.connected_at = NEVER
        self.accepted = False  # by AcceptEx
        self.context_due = False  # SO_UPDATE_ACCEPT_CONTEXT has not been set
        self.connect_failed = STATUS_SUCCESS
        self.broken = STATUS_SUCCESS
        self.ended = False  # nothing more will come
        self.no_sends = False  # shutdown
        self.no_receives = False
        self.unread = 0
        self.home = NO_NODE  # of the buffers that unread data lie in
        self.pushed = False  # a send's end is among the unread data, or has been waited for long enough
        self.held = NO_HOLD
        self.taken = 0  # bytes that receives have taken in all
        self.marks = NO_MARKS  # where requests end in the unread data, counted as `taken` is
        self.latest = NO_REQUEST  # the one that ends with what was taken last
        self.receives = NO_IRPS
        self.datagrams: list[Datagram] = [] if self.kind == DATAGRAM else NO_DATAGRAMS
        self.waiting = NO_IRPS  # sends that have not been given to the transport
        self.sent = NO_SENT  # and what has not been acknowledged
        self.buffered = 0  # bytes of it that were copied
        self.transmission = NO_TRANSMISSION  # the TransmitFile that goes on, first of those that wait
        self.disconnects = NO_IRPS
        self.reuse = False  # DisconnectEx asks for that

    def readable(self) -> bool:
        """For select: a receive or accept would not wait."""
        return self.unread > 0 or self.ended or self.broken != 0 or len(self.backlog) > 0 or len(self.datagrams) > 0

    def writable(self) -> bool:
        """A send would not wait."""
        if self.kind == DATAGRAM:
            return True
        if self.state != CONNECTED:
            return False
        return self.broken != 0 or self.buffered < self.send_buffer or not self.send_buffer


NO_BACKLOG: list[Endpoint] = []


class Afd(Driver):
    """The driver; `locked_most` pages may be locked by requests that pend, `buffered_most` bytes lie in its buffers (5.9).

    `locked` and `buffered` are what there is now, `refused` the calls that failed for it, `overflowed` the datagrams for which
    their socket had no room, `calls` all calls. `hold` (ns): a receive that would be filled in part waits for the end of a
    send (PSH) or a full buffer, at most so long (0b.24, 85 %); 0: it does not.
    """

    def __init__(
        self,
        io: IoManager,
        host: Host,
        dispatch_ns: int = 0,
        locked_most: int = ENDLESS,
        buffered_most: int = ENDLESS,
        hold: int = 0,
    ) -> None:
        self.io = io
        self.clock = io.clock
        self.host = host
        self.dispatch_ns = dispatch_ns
        self.device = DeviceObject(self, None, 0, 0, NEITHER)
        self.side = TransportSide(self)
        self.by_number: list[Any] = []  # its sockets, with None where there is none
        self.bound: dict[int, Endpoint] = {}  # by kind and port
        self.last_number = 0
        self.locked = 0
        self.locked_high = 0
        self.locked_area = 0  # page ns, up to `locked_since`
        self.locked_since = 0
        self.calls = 0
        self.locked_most = locked_most
        self.buffered = 0
        self.buffered_most = buffered_most
        self.memory = NO_MEMORY
        self.hold = hold
        self.refused = 0
        self.overflowed = 0
        self.carried: dict[Irp, Request] = {}
        self.transmissions: dict[int, Transmission] = {}  # by number, before they are asked for
        self.reads: dict[Irp, Transmission] = {}

    # ---- calls that need no IRP ---------------------------------------------------------------------------------------

    def socket(self, kind: int) -> Endpoint:
        """A new one, overlapped (5.1)."""
        self.last_number += 1
        end = Endpoint(self.last_number, self.device, kind, SEND_BUFFER)
        self._name(end)
        return end

    def _name(self, end: Endpoint) -> None:
        """From now on its number is known."""
        number = end.number
        while len(self.by_number) <= number:
            self.by_number.append(None)
        self.by_number[number] = end

    def find(self, number: int, missing: Endpoint) -> Endpoint:
        """The socket of this number, or else `missing`. Programs ask several times a request."""
        if number < 0 or number >= len(self.by_number):
            return missing
        end: Endpoint | None = self.by_number[number]
        return end if end is not None else missing

    def sockets(self) -> list[Endpoint]:
        """All that there are, oldest first."""
        return [end for end in self.by_number if end is not None]

    def bind(self, end: Endpoint, port: int) -> int:
        """Give it a port of this host; 0: any."""
        if end.state != UNBOUND or end.local != NO_ADDRESS:
            return STATUS_INVALID_PARAMETER
        kind = end.kind << 16
        if port and kind | port in self.bound:
            return STATUS_ADDRESS_ALREADY_EXISTS
        while not port:
            port = self.host.free_port()
            if kind | port in self.bound:
                port = 0
        self.bound[kind | port] = end
        end.local = self.host.number << 16 | port
        end.state = BOUND
        if end.kind == DATAGRAM:
            self.host.take_datagrams(port, self.side, end)
        return STATUS_SUCCESS

    def listen(self, end: Endpoint, backlog: int) -> int:
        """Connections are welcome, and `backlog` of them may wait."""
        if end.kind != STREAM:
            return STATUS_NOT_SUPPORTED
        if end.state != BOUND and end.state != LISTENING:
            return STATUS_CONNECTION_ACTIVE if end.state == CONNECTED else STATUS_INVALID_PARAMETER
        if end.state != LISTENING:
            end.acceptors = []
            end.backlog = []
        end.state = LISTENING
        end.backlog_limit = max(1, backlog)
        self.host.listen(end.local & PORT_MASK, self.side, end)
        return STATUS_SUCCESS

    def shutdown(self, end: Endpoint, how: int) -> int:
        """No more sends, receives or both; never a packet (5.12)."""
        if end.state != CONNECTED or end.context_due:
            return STATUS_INVALID_CONNECTION
        if end.broken:
            return end.broken
        if how != SD_SEND:
            end.no_receives = True
        if how != SD_RECEIVE:
            self._end_sends(end)
        return STATUS_SUCCESS

    def attach(self, end: Endpoint, connection: Connection) -> None:
        """A connection that is established already is this socket's."""
        end.state = CONNECTED
        end.local = self.host.flows.source(connection.flow)
        end.remote = self.host.flows.target(connection.flow)
        end.connection = connection
        end.connected_at = self.clock.now
        connection.user = self.side
        connection.owner = end
        connection.no_delay = end.no_delay

    def begin_connect(self, end: Endpoint, target: int) -> int:
        """connect() on a socket that does not block: STATUS_PENDING, and `connected` or `connect_failed` later."""
        status = self._connect_refusal(end, target, False)
        if not status:
            status = STATUS_PENDING
            self._connect(end, target, NO_IRP)
        return status

    def update_context(self, end: Endpoint) -> int:
        """SO_UPDATE_ACCEPT_CONTEXT: the listener's properties (5.10)."""
        if not end.context_due:
            return STATUS_INVALID_PARAMETER if end.state != CONNECTED else STATUS_SUCCESS
        end.context_due = False
        end.send_buffer = end.listener.send_buffer
        end.linger = end.listener.linger
        return STATUS_SUCCESS

    def set_no_delay(self, end: Endpoint, on: bool) -> None:
        """Nagle's rule, or not; for this connection or the next."""
        end.no_delay = on
        if end.connection is not NO_CONNECTION:
            end.connection.no_delay = on

    def cost(self, end: Endpoint, code: int, size: int) -> int:
        """Processor time (ns) of what a call will do in its caller: the copy, and the segments that leave at once."""
        if code == RECEIVE:
            return self.io.copy_cost(self.copied(end, size))
        if code != SEND or end.state != CONNECTED:
            return 0
        time = self.io.copy_cost(size) if self.copies(end) else 0
        connection = end.connection
        return time + connection.send_cost(size)

    def copied(self, end: Endpoint, size: int) -> int:
        """Bytes that a receive would find, and copy in its caller."""
        there = end.datagrams[0].size if end.datagrams else end.unread
        return min(size, there)

    # ---- dispatch ----------------------------------------------------------------------------------------------------

    def fast_control(self, device: DeviceObject, file: FileObject, code: int, size: int, block: StatusBlock) -> int:
        """What can be done at once, errors among it, needs no IRP (2.10.3)."""
        assert isinstance(file, Endpoint)
        status = NOT_FAST
        block.information = 0
        if code == RECEIVE:
            status = self._fast_receive(file, size, block)
        elif code == SEND:
            status = self.send_now(file, size, NO_REQUEST, block)
        elif code == LIST_ADDRESSES:
            status = STATUS_SUCCESS
        if status != NOT_FAST:
            self.calls += 1
        return status

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Everything else, and what pends."""
        end = irp.file
        assert isinstance(end, Endpoint)
        self.calls += 1
        self.host.processor = irp.processor
        code = irp.code
        if code == RECEIVE:
            return self._receive(irp, end)
        if code == SEND:
            return self._send(irp, end)
        if code == SEND_TO:
            return self._send_to(irp, end)
        if code == ACCEPT:
            return self._accept(irp, end)
        if code == SUPER_ACCEPT:
            return self._super_accept(irp, end)
        if code in (CONNECT, SUPER_CONNECT):
            return self._connect_request(irp, end)
        if code == SUPER_DISCONNECT:
            return self._disconnect(irp, end)
        if code == TRANSMIT:
            return self._transmit_file(irp, end)
        return self.io.complete_with(irp, STATUS_INVALID_DEVICE_REQUEST, 0)

    # ---- receive -----------------------------------------------------------------------------------------------------

    def _receive_refusal(self, end: Endpoint) -> int:
        if end.kind == DATAGRAM:
            return STATUS_INVALID_PARAMETER if end.local == NO_ADDRESS else STATUS_SUCCESS
        if end.state != CONNECTED:
            return STATUS_INVALID_CONNECTION
        if end.broken:
            return end.broken
        return STATUS_CONNECTION_DISCONNECTED if end.no_receives else STATUS_SUCCESS

    def _fast_receive(self, end: Endpoint, size: int, block: StatusBlock) -> int:
        status = self._receive_refusal(end)
        if status:
            return status
        if end.datagrams:
            datagram = end.datagrams.pop(0)
            end.remote = end.remote if end.connected_at != NEVER else datagram.source
            self.buffered -= datagram.size
            end.unread -= datagram.size
            end.latest = self.hand_over(end, datagram.request, datagram.source)
            self._landed(end.latest)
            block.information = min(size, datagram.size)
            return STATUS_BUFFER_OVERFLOW if datagram.size > size else STATUS_SUCCESS
        if (end.unread or end.ended) and not end.receives:
            block.information = self._take(end, size)
            return STATUS_SUCCESS
        return NOT_FAST

    def _receive(self, irp: Irp, end: Endpoint) -> int:
        """Whoever comes here found nothing a moment ago; that may have changed."""
        size = irp.location().size
        status = self._receive_refusal(end)
        if not status and not end.receives and (end.unread or end.ended or end.datagrams):
            block = irp.notice.block if irp.notice is not NO_NOTICE else StatusBlock()
            status = self._fast_receive(end, size, block)
            if end.latest is not NO_REQUEST:
                irp.request = end.latest
            return self.io.complete_with(irp, status, block.information)
        if not status and not self._lock(size):
            status = STATUS_INSUFFICIENT_RESOURCES
        if status:
            return self.io.complete_with(irp, status, 0)
        irp.mark_pending()
        if end.receives is NO_IRPS:
            end.receives = [irp]  # most sockets have one: a list that begins empty would make room for four
        else:
            end.receives.append(irp)
        if not irp.enqueued(self):
            self.cancelled(self.device, irp)
        return STATUS_PENDING

    def _take(self, end: Endpoint, room: int) -> int:
        """Move unread data into a buffer; returns the bytes. `end.latest` is the request that ends with them.

        Simplified: a receive ends where a request does, though more may be there. One of no bytes is told of a request that
        is there whole.
        """
        end.latest = NO_REQUEST
        size = min(room, end.unread)
        marks = end.marks
        if not marks.empty():
            mark = marks.end_at(marks.head)
            size = min(size, mark - end.taken)
            if not room or end.taken + size == mark:
                request = self.hand_over(end, marks.first(), NO_ADDRESS)
                marks.replace_first(request)
                end.latest = request
        if size:
            end.unread -= size
            end.taken += size
            if end.latest is not NO_REQUEST:
                marks.pop()
                self._landed(end.latest)
            if not end.unread:
                end.pushed = False
                end.held = NO_HOLD
            connection = end.connection
            connection.consumed(size)
        return size

    def hand_over(self, end: Endpoint, request: Request, source: int) -> Request:
        """A program hears of the request: it waited until somebody received it. Returns what the program works for."""
        if request is NO_REQUEST or request.socket == end.number:
            return request
        if request.socket == ENDED:
            request = ghost_of(request)
        request.travels(CONNECTION_ORDER, self.clock.now)
        request.socket = end.number
        request.address = source
        return request

    def _landed(self, request: Request) -> None:
        """A request's bytes lie with whoever copied them.

        Simplified: at that processor's node, in whose caches they are, wherever the program's buffer is.
        """
        memory = self.memory
        if memory is not NO_MEMORY and request is not NO_REQUEST:
            request.home = memory.topology.node_of(self.host.processor)

    def _feed(self, end: Endpoint) -> None:
        """Data has come, or will come no more: the oldest receive takes what it has room for, the next one the rest (5.3).

        One of no bytes ends and takes nothing (5.5).
        """
        while end.receives and (end.unread or end.ended):
            if self.hold and self._holds(end):
                return
            irp = self._next_receive(end)
            if irp.dequeued():
                size = self._take(end, irp.location().size)
                self._received(irp, end.latest, STATUS_SUCCESS, size)

    def _next_receive(self, end: Endpoint) -> Irp:
        """Take the oldest out; there has to be one."""
        irp = end.receives[0]
        if len(end.receives) > 1:
            del end.receives[0]
        else:
            end.receives = NO_IRPS
        return irp

    def _holds(self, end: Endpoint) -> bool:
        """Whether the oldest receive waits for more (0b.24); one of no bytes does not."""
        first: Irp = end.receives[0]
        if end.pushed or end.ended or end.unread >= first.location().size:
            return False
        if end.held is NO_HOLD:
            end.held = HoldTimer(self, end)
        return True

    def hold_ended(self, end: Endpoint) -> None:
        """It has waited for long enough."""
        end.pushed = True
        self._feed(end)

    def _received(self, irp: Irp, request: Request, status: int, size: int) -> None:
        self._unlock(irp.location().size)
        if request is not NO_REQUEST:
            irp.request = request
        self.io.complete_with(irp, status, size, IO_NETWORK_INCREMENT)

    # ---- send --------------------------------------------------------------------------------------------------------

    def send_refusal(self, end: Endpoint) -> int:
        if end.kind == DATAGRAM:
            return STATUS_INVALID_CONNECTION if end.connected_at == NEVER else STATUS_SUCCESS
        if end.state != CONNECTED:
            return STATUS_INVALID_CONNECTION
        if end.broken:
            return end.broken
        return STATUS_CONNECTION_DISCONNECTED if end.no_sends else STATUS_SUCCESS

    def copies(self, end: Endpoint) -> bool:
        """Whether a send is copied and done: the whole of it, even past the limit (5.6)."""
        return end.buffered < end.send_buffer and not end.waiting

    def send_now(self, end: Endpoint, size: int, request: Request, block: StatusBlock) -> int:
        """A send without an IRP, or NOT_FAST; its last byte carries the request."""
        status = self.send_refusal(end)
        if status:
            return status
        if end.kind == DATAGRAM:
            self.host.send_datagram(end.local, end.remote, size, request)
        elif not self.copies(end):
            return NOT_FAST
        elif not self._buffer(end, size, request):
            return STATUS_INSUFFICIENT_RESOURCES
        block.information = size
        return STATUS_SUCCESS

    def carry(self, irp: Irp, request: Request) -> None:
        """What a send's IRP, or a TransmitFile's, gives to the transport will carry this request, and not the IRP's own."""
        self.carried[irp] = request

    def _carried(self, irp: Irp) -> Request:
        return self.carried.pop(irp, irp.request)

    def _buffer(self, end: Endpoint, size: int, request: Request) -> bool:
        """Copy and give to the transport; False: there is no room for the copy."""
        if self.buffered + size > self.buffered_most:
            self.refused += 1
            return False
        end.buffered += size
        self.buffered += size
        self._transmit(end, size, request, NO_IRP)
        return True

    def _transmit(self, end: Endpoint, size: int, request: Request, irp: Irp) -> None:
        if size:
            connection = end.connection
            self._keep(end, new_sent(connection.end + size, size, irp))
            connection.send(size, request)

    def _keep(self, end: Endpoint, sent: Sent) -> None:
        """Until it is acknowledged."""
        if end.sent is NO_SENT:
            end.sent = [sent]
        else:
            end.sent.append(sent)

    def _wait(self, end: Endpoint, irp: Irp) -> None:
        """A send's turn comes later."""
        if end.waiting is NO_IRPS:
            end.waiting = []
        end.waiting.append(irp)

    def _send(self, irp: Irp, end: Endpoint) -> int:
        size = irp.location().size
        status = self.send_refusal(end)
        if status:
            return self.io.complete_with(irp, status, 0)
        if self.copies(end) or not size:
            done = self._buffer(end, size, self._carried(irp))
            return self.io.complete_with(
                irp, STATUS_SUCCESS if done else STATUS_INSUFFICIENT_RESOURCES, size if done else 0
            )
        if not self._lock(size):
            return self.io.complete_with(irp, STATUS_INSUFFICIENT_RESOURCES, 0)
        irp.mark_pending()
        if not end.send_buffer and not end.waiting:
            self._transmit(end, size, self._carried(irp), irp)  # from the caller's pages; it can't be called back
            return STATUS_PENDING
        self._wait(end, irp)
        if not irp.enqueued(self):
            self.cancelled(self.device, irp)
        return STATUS_PENDING

    def _drain(self, end: Endpoint) -> None:
        """Something has been acknowledged: buffers are free again, and sends that waited go on in their order (5.7)."""
        connection = end.connection
        while end.sent:
            done = end.sent[0]
            if done.until > connection.una:
                break
            if len(end.sent) > 1:
                del end.sent[0]
            else:
                end.sent = NO_SENT
            if done.transmission is not NO_TRANSMISSION:
                self._chunk_done(done.transmission)
            elif done.irp is NO_IRP:
                end.buffered -= done.size
                self.buffered -= done.size
            else:
                self._unlock(done.size)
                self.io.complete_with(done.irp, STATUS_SUCCESS, done.size, IO_NETWORK_INCREMENT)
        self._send_waiting(end)

    def _send_waiting(self, end: Endpoint) -> None:
        connection = end.connection
        while end.waiting and (end.buffered < end.send_buffer or not end.send_buffer):
            irp = end.waiting[0]
            if irp.code == TRANSMIT:
                if end.transmission is NO_TRANSMISSION:
                    self._begin_transmission(irp, end)
                if end.transmission is not NO_TRANSMISSION:
                    break
                continue
            size = irp.location().size
            if end.send_buffer and self.buffered + size > self.buffered_most and end.sent:
                break
            end.waiting.pop(0)
            if irp.dequeued():
                if end.send_buffer:
                    end.buffered += size
                    self.buffered += size
                    self._transmit(end, size, self._carried(irp), NO_IRP)
                    self._unlock(size)
                    self.io.complete_with(irp, STATUS_SUCCESS, size, IO_NETWORK_INCREMENT)
                else:
                    self._transmit(end, size, self._carried(irp), irp)
        if end.no_sends and not end.waiting:
            connection.finish()

    # ---- TransmitFile (5.13) -----------------------------------------------------------------------------------------

    def prepare_transmission(self, transmission: Transmission) -> int:
        """The number by which the device control that comes next names it."""
        self.last_number += 1
        self.transmissions[self.last_number] = transmission
        return self.last_number

    def _transmit_file(self, irp: Irp, end: Endpoint) -> int:
        """It takes its turn among the sends, and ends when all of it is acknowledged."""
        transmission = self.transmissions[irp.location().offset]
        flags = transmission.flags
        status = self.send_refusal(end)
        if flags & REUSE_SOCKET and not flags & DISCONNECT:
            status = STATUS_INVALID_PARAMETER
        if status:
            self.transmissions.pop(irp.location().offset)
            return self.io.complete_with(irp, status, 0)
        if flags & WRITE_BEHIND and not end.waiting and self._cached(transmission):
            self.transmissions.pop(irp.location().offset)
            connection = end.connection
            self._keep(end, new_sent(connection.end + transmission.size, 0, NO_IRP))
            connection.send(transmission.size, self._carried(irp))
            self._ends_with(end, flags)
            return self.io.complete_with(irp, STATUS_SUCCESS, transmission.size)
        irp.mark_pending()
        self._wait(end, irp)
        if not irp.enqueued(self):
            self.cancelled(self.device, irp)
        elif end.waiting[0] is irp:
            self._begin_transmission(irp, end)
        return STATUS_PENDING

    def _cached(self, transmission: Transmission) -> bool:
        """Whether the file's pages can be had at once."""
        file = transmission.file
        device = file.device
        block = StatusBlock()
        if not transmission.left:
            return True
        entry = device.entry
        return entry.fast_io(device, file, READ, transmission.offset, transmission.left, block) == STATUS_SUCCESS

    def _begin_transmission(self, irp: Irp, end: Endpoint) -> None:
        transmission = self.transmissions.pop(irp.location().offset)
        if not irp.dequeued():
            return
        transmission.irp = irp
        transmission.request = self._carried(irp)
        transmission.end = end
        end.transmission = transmission
        self._go_on(transmission)

    def _go_on(self, transmission: Transmission) -> None:
        """Head, file, tail: as much as may be under way at a time. The file's pages are sent as they lie in its cache."""
        end = transmission.end
        while transmission.under_way < CHUNKS and not transmission.reading:
            if transmission.head:
                self._give(transmission, transmission.head)
                transmission.head = 0
            elif transmission.left:
                self._read(transmission, min(CHUNK, transmission.left))
            elif transmission.tail:
                self._give(transmission, transmission.tail)
                transmission.tail = 0
            else:
                break
        if not transmission.unfinished() and end.transmission is transmission:
            end.transmission = NO_TRANSMISSION
            end.waiting.pop(0)
            self._ends_with(end, transmission.flags)
            if not transmission.under_way:
                self._transmitted(transmission)
            self._send_waiting(end)

    def _give(self, transmission: Transmission, size: int) -> None:
        end = transmission.end
        connection = end.connection
        sent = new_sent(connection.end + size, 0, NO_IRP)
        sent.transmission = transmission
        transmission.under_way += 1
        self._keep(end, sent)
        last = transmission.head + transmission.left + transmission.tail == size
        connection.send(size, transmission.request if last else NO_REQUEST)

    def _read(self, transmission: Transmission, size: int) -> None:
        """From the cache at once, else by an IRP of AFD's own."""
        file = transmission.file
        end = transmission.end
        device = file.device
        entry = device.entry
        block = StatusBlock()
        offset = transmission.offset
        status = entry.fast_io(device, file, READ, offset, size, block)
        if status == STATUS_SUCCESS:
            self._give(transmission, size)
            transmission.offset += size
            transmission.left -= size
            return
        transmission.reading = True
        request = transmission.request
        if (
            request is not NO_REQUEST
        ):  # so far it waited for what was sent before; the client may end it during the read
            request.travels(end.connection.blocked, self.clock.now)
            request = part_of(request)
        irp = self.io.allocate(device.stack_size, transmission.irp.processor)
        irp.prepare(request, file, READ, offset, size)
        irp.processor = transmission.irp.processor
        irp.own(self.device, INVOKE_ALWAYS)
        self.reads[irp] = transmission
        self.io.call_driver(device, irp)

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        """A part of a file has been read in."""
        transmission = self.reads.pop(irp)
        status = irp.status
        size = irp.information
        irp.free()
        transmission.reading = False
        end = transmission.end
        if transmission.irp is not NO_IRP:
            if transmission.request is not NO_REQUEST:
                hand_back(irp.request, transmission.request)
            if status or not size:
                self._break_off(end, status if status else STATUS_CANCELLED)
            else:
                self._give(transmission, size)
                transmission.offset += size
                transmission.left -= size
                self._go_on(transmission)
        return STATUS_MORE_PROCESSING_REQUIRED

    def _break_off(self, end: Endpoint, status: int) -> None:
        """The file can't be read: the connection is reset, as half of it has been sent."""
        connection = end.connection
        connection.reset()
        self._break(end, status)

    def _chunk_done(self, transmission: Transmission) -> None:
        transmission.under_way -= 1
        if transmission.unfinished():
            self._go_on(transmission)
        elif not transmission.under_way:
            self._transmitted(transmission)

    def _transmitted(self, transmission: Transmission) -> None:
        irp = transmission.irp
        transmission.irp = NO_IRP
        if irp is NO_IRP:
            return
        end = transmission.end
        if transmission.flags & REUSE_SOCKET:
            end.disconnects = [*end.disconnects, irp]  # it ends when the socket can be used again
            irp.information = transmission.size
            self._disconnected(end)
        else:
            self.io.complete_with(irp, STATUS_SUCCESS, transmission.size, IO_NETWORK_INCREMENT)

    def _ends_with(self, end: Endpoint, flags: int) -> None:
        """TF_DISCONNECT: the stream ends behind the file."""
        if flags & DISCONNECT:
            if flags & REUSE_SOCKET:
                end.reuse = True
            self._end_sends(end)

    def _end_sends(self, end: Endpoint) -> None:
        """A FIN, behind all that has been sent."""
        end.no_sends = True
        if not end.waiting:
            connection = end.connection
            connection.finish()

    def _send_to(self, irp: Irp, end: Endpoint) -> int:
        """A datagram for an address of its own."""
        location = irp.location()
        if end.kind != DATAGRAM:
            return self.io.complete_with(irp, STATUS_NOT_SUPPORTED, 0)
        if not self.host.reaches(location.offset):
            return self.io.complete_with(irp, STATUS_HOST_UNREACHABLE, 0)
        if end.local == NO_ADDRESS:
            self.bind(end, 0)
        self.host.send_datagram(end.local, location.offset, location.size, self._carried(irp))
        return self.io.complete_with(irp, STATUS_SUCCESS, location.size)

    def datagram(self, end: Endpoint, source: int, size: int, request: Request) -> None:
        """One receive takes one datagram, or the part of it that it has room for (5.4)."""
        if end.connected_at != NEVER and source != end.remote:
            return
        while end.receives:
            irp = self._next_receive(end)
            if irp.dequeued():
                if end.connected_at == NEVER:
                    end.remote = source
                room = irp.location().size
                status = STATUS_BUFFER_OVERFLOW if size > room else STATUS_SUCCESS
                request = self.hand_over(end, request, source)
                self._landed(request)
                self._received(irp, request, status, min(size, room))
                return
        if self.buffered + size <= self.buffered_most and end.unread + size <= self.host.receive_buffer:
            self.buffered += size
            end.unread += size
            self._lies(end)
            end.datagrams.append(Datagram(source, size, request))
            self._changed(end)
            return
        self.overflowed += 1
        if request is not NO_REQUEST:
            request.drop(KERNEL, self.clock.now)

    # ---- accept ------------------------------------------------------------------------------------------------------

    def _accept(self, irp: Irp, listener: Endpoint) -> int:
        """accept(): the information is the new socket's number."""
        if listener.state != LISTENING:
            return self.io.complete_with(irp, STATUS_INVALID_PARAMETER, 0)
        return self._await_connection(irp, listener)

    def _super_accept(self, irp: Irp, listener: Endpoint) -> int:
        end = self._taker(irp)
        if listener.state != LISTENING or end.kind != STREAM or end.state != UNBOUND:
            return self.io.complete_with(irp, STATUS_INVALID_PARAMETER, 0)
        if not self._lock(irp.location().size):
            return self.io.complete_with(irp, STATUS_INSUFFICIENT_RESOURCES, 0)
        end.state = TAKEN
        end.opening = irp
        end.listener = listener
        return self._await_connection(irp, listener)

    def _await_connection(self, irp: Irp, listener: Endpoint) -> int:
        irp.mark_pending()
        listener.acceptors.append(irp)
        if not irp.enqueued(self):
            self.cancelled(self.device, irp)
        self._match(listener)
        return STATUS_PENDING

    def admits(self, listener: Endpoint) -> bool:
        """A SYN has come; it counts from now on."""
        if len(listener.backlog) + listener.half_open >= listener.backlog_limit + len(listener.acceptors):
            return False
        listener.half_open += 1
        return True

    def arrived(self, listener: Endpoint, connection: Connection) -> None:
        """A connection has been made to a port that listens."""
        listener.half_open -= 1
        if listener.state != LISTENING:
            connection.reset()
            return
        self.last_number += 1
        end = Endpoint(self.last_number, self.device, STREAM, listener.send_buffer)
        end.state = CONNECTED
        end.local = listener.local
        end.remote = self.host.flows.target(connection.flow)
        end.connection = connection
        end.connected_at = self.clock.now
        end.listener = listener
        connection.owner = end
        listener.backlog.append(end)
        self._match(listener)
        self._changed(listener)

    def _match(self, listener: Endpoint) -> None:
        """The oldest accept takes the oldest connection."""
        while listener.acceptors and listener.backlog:
            irp = listener.acceptors[0]
            if irp.code == ACCEPT:
                listener.acceptors.pop(0)
                if irp.dequeued():
                    end = listener.backlog.pop(0)
                    self._name(end)
                    self.io.complete_with(irp, STATUS_SUCCESS, end.number, IO_NETWORK_INCREMENT)
                continue
            listener.acceptors.pop(0)
            taker = self._taker(irp)
            location = irp.location()
            if location.offset >> AREA < SMALLEST_AREA:  # the connection stays (S32)
                if irp.dequeued():
                    self._give_up(taker)
                    self._unlock(location.size)
                    self.io.complete_with(irp, STATUS_BUFFER_TOO_SMALL, 0, IO_NETWORK_INCREMENT)
                continue
            self._adopt(taker, listener.backlog.pop(0))
            if not location.size or taker.unread or taker.ended or taker.broken:
                self._accepted(taker)

    def _taker(self, irp: Irp) -> Endpoint:
        """The socket of an AcceptEx; the listener itself if there is none of this number."""
        listener = irp.file
        assert isinstance(listener, Endpoint)
        return self.find(irp.location().offset & NUMBER_MASK, listener)

    def _adopt(self, end: Endpoint, arrival: Endpoint) -> None:
        """AcceptEx's socket is the connection's from now on."""
        connection = arrival.connection
        connection.owner = end
        connection.no_delay = end.no_delay
        end.connection = connection
        end.local = arrival.local
        end.remote = arrival.remote
        end.connected_at = arrival.connected_at
        end.unread = arrival.unread
        end.home = arrival.home
        end.marks = arrival.marks
        end.ended = arrival.ended
        end.broken = arrival.broken

    def _accepted(self, end: Endpoint) -> None:
        """AcceptEx ends: with the connection, with its first data, or with its end (5.10)."""
        irp = end.opening
        if not irp.dequeued():
            return
        end.opening = NO_IRP
        end.state = CONNECTED
        end.accepted = True
        end.context_due = True
        if end.broken:
            self._received(irp, NO_REQUEST, end.broken, 0)
        else:
            room = irp.location().size
            size = self._take(end, room) if room else 0
            self._received(irp, end.latest if room else NO_REQUEST, STATUS_SUCCESS, size)

    def _give_up(self, end: Endpoint) -> None:
        """AcceptEx has no use for the socket any more."""
        end.opening = NO_IRP
        if end.state == TAKEN:
            connection = end.connection
            if connection is not NO_CONNECTION:
                connection.reset()
            end.local = NO_ADDRESS
            end.clear(UNBOUND)

    # ---- connect and disconnect --------------------------------------------------------------------------------------

    def _connect_refusal(self, end: Endpoint, target: int, bound: bool) -> int:
        if end.state == CONNECTED:
            return STATUS_CONNECTION_ACTIVE
        if end.state != BOUND and (bound or end.state != UNBOUND):
            return STATUS_INVALID_PARAMETER
        return STATUS_SUCCESS if self.host.reaches(target) else STATUS_HOST_UNREACHABLE

    def _connect_request(self, irp: Irp, end: Endpoint) -> int:
        """connect() and ConnectEx, which needs a bound socket (5.11)."""
        location = irp.location()
        target = location.offset
        if end.kind == DATAGRAM:
            if end.local == NO_ADDRESS:
                self.bind(end, 0)
            end.remote = target
            end.connected_at = self.clock.now
            return self.io.complete_with(irp, STATUS_SUCCESS, 0)
        status = self._connect_refusal(end, target, irp.code == SUPER_CONNECT)
        if not status and not self._lock(location.size):
            status = STATUS_INSUFFICIENT_RESOURCES
        if status:
            return self.io.complete_with(irp, status, 0)
        irp.mark_pending()
        self._connect(end, target, irp)
        if not irp.enqueued(self):
            self.cancelled(self.device, irp)
        return STATUS_PENDING

    def _connect(self, end: Endpoint, target: int, irp: Irp) -> None:
        if end.local == NO_ADDRESS:
            self.bind(end, 0)
        end.opening = irp
        end.state = CONNECTING
        end.remote = target
        end.connect_failed = STATUS_SUCCESS
        end.connection = self.host.connect(end.local, target, self.side, end)
        end.connection.no_delay = end.no_delay

    def connected(self, end: Endpoint) -> None:
        """The other side has answered; the first data goes with it."""
        end.state = CONNECTED
        end.connected_at = self.clock.now
        irp = end.opening
        end.opening = NO_IRP
        if irp is not NO_IRP and irp.dequeued():
            size = irp.location().size
            end.buffered += size
            self.buffered += size
            self._transmit(end, size, irp.request, NO_IRP)
            self._unlock(size)
            self.io.complete_with(irp, STATUS_SUCCESS, size, IO_NETWORK_INCREMENT)
        self._changed(end)

    def failed(self, end: Endpoint, status: int) -> None:
        """Refused, timed out, or reset by the other side."""
        if end.state == CONNECTING:
            irp = end.opening
            end.opening = NO_IRP
            end.clear(BOUND)
            end.connect_failed = status
            if irp is not NO_IRP and irp.dequeued():
                self._unlock(irp.location().size)
                self.io.complete_with(irp, status, 0, IO_NETWORK_INCREMENT)
        else:
            self._break(end, status)
        self._changed(end)

    def _break(self, end: Endpoint, status: int) -> None:
        """The connection is gone, and unread data with it: all that pends ends (5.15)."""
        end.broken = status
        end.unread = 0
        end.marks = NO_MARKS
        listener = end.listener
        if end in listener.backlog:
            listener.backlog.remove(end)
        if end.state == TAKEN:
            self._accepted(end)
        self._end_all(end, status)

    def _end_all(self, end: Endpoint, status: int) -> None:
        """Everything that pends on a connection, oldest first of each kind."""
        ended = end.receives + end.waiting
        owned = end.disconnects
        sent = end.sent
        end.receives = NO_IRPS
        end.waiting = NO_IRPS
        end.disconnects = NO_IRPS
        end.sent = NO_SENT
        owned = owned + [irp for irp in ended if irp.dequeued()]
        transmissions = [item.transmission for item in sent]
        transmissions.append(end.transmission)
        end.transmission = NO_TRANSMISSION
        for transmission in transmissions:
            if transmission is not NO_TRANSMISSION and transmission.irp is not NO_IRP:
                owned.append(transmission.irp)
                transmission.irp = NO_IRP
        for item in sent:
            if item.irp is NO_IRP:
                self.buffered -= item.size
            else:
                owned.append(item.irp)
        end.buffered = 0
        for irp in owned:
            self.carried.pop(irp, NO_REQUEST)
            if irp.code == TRANSMIT:
                self.transmissions.pop(irp.location().offset, NO_TRANSMISSION)
            elif irp.code != SUPER_DISCONNECT:
                self._unlock(irp.location().size)
            self.io.complete_with(irp, status, 0, IO_NETWORK_INCREMENT)

    def _disconnect(self, irp: Irp, end: Endpoint) -> int:
        """DisconnectEx; its flags are the offset. It always pends (5.12), and can't be cancelled."""
        if end.state != CONNECTED:
            return self.io.complete_with(irp, STATUS_INVALID_CONNECTION, 0)
        if end.broken:
            return self.io.complete_with(irp, end.broken, 0)
        irp.mark_pending()
        end.disconnects = [*end.disconnects, irp]
        if irp.location().offset & REUSE_SOCKET:
            end.reuse = True
        self._end_sends(end)
        self._disconnected(end)
        return STATUS_PENDING

    def _disconnected(self, end: Endpoint) -> None:
        """Whether DisconnectEx is done: the other side knows; to use the socket again it must have ended, too."""
        connection = end.connection
        if not end.disconnects or not connection.finished or (end.reuse and not connection.peer_finished):
            return
        irps = end.disconnects
        end.disconnects = NO_IRPS
        if end.reuse:
            self._end_all(end, STATUS_CONNECTION_ABORTED)
            accepted = end.accepted
            if accepted:
                end.local = NO_ADDRESS
            end.clear(UNBOUND if accepted else BOUND)
        for irp in irps:
            size = irp.information if irp.code == TRANSMIT else 0
            self.io.complete_with(irp, STATUS_SUCCESS, size, IO_NETWORK_INCREMENT)

    # ---- what the transport says -------------------------------------------------------------------------------------

    def copy_cost(self, end: Endpoint, before: int, size: int, at_once: int) -> int:
        """Of the copy into receives that were posted before, in the DPC (0b.23); the rest is copied by whoever asks later.

        `before` bytes are ahead of these in the same run. `at_once` 1: the card lacks buffers, all is copied now (6.1.9).
        """
        room = -before
        if end.opening is not NO_IRP:
            location = end.opening.location()
            room = location.size
        for irp in end.receives:
            if room >= size:
                break
            room += irp.location().size
        copied = size if at_once else max(0, min(room, size))
        return self._copy(copied)

    def _copy(self, copied: int) -> int:
        memory = self.memory
        if memory is NO_MEMORY:
            return self.io.copy_cost(copied)
        return self.io.copy_cost(copied) + memory.stream_excess(self.clock.now, copied, memory.here, memory.there)

    def datagram_copy(self, end: Endpoint, before: int, size: int, at_once: int) -> int:
        """The same of a datagram behind so many others."""
        room = 0
        if before < len(end.receives):
            irp = end.receives[before]
            location = irp.location()
            room = location.size
        return self._copy(size if at_once else min(room, size))

    def _lies(self, end: Endpoint) -> None:
        """Data stay in the card's buffers for now. Simplified: all of a socket's lie where the last ones do."""
        if self.memory is not NO_MEMORY:
            end.home = self.memory.there

    def received(self, end: Endpoint, size: int, pushed: int, request: Request) -> None:
        """Bytes have arrived."""
        if end.no_receives:
            connection = end.connection
            connection.consumed(size)
            return
        end.unread += size
        self._lies(end)
        if pushed:
            end.pushed = True
        if request is not NO_REQUEST:
            if end.marks is NO_MARKS:
                end.marks = StreamMarks()
            marks = end.marks
            marks.append(end.taken + end.unread, request)
        if end.state == TAKEN:
            self._accepted(end)
        else:
            self._feed(end)
        self._changed(end)

    def peer_finished(self, end: Endpoint) -> None:
        """All pending receives end with success and no bytes (5.14)."""
        end.ended = True
        if end.state == TAKEN:
            self._accepted(end)
        else:
            self._feed(end)
        self._disconnected(end)
        self._changed(end)

    def acknowledged(self, end: Endpoint) -> None:
        """The transport needs less of what was sent."""
        self._drain(end)
        self._changed(end)

    def finished(self, end: Endpoint) -> None:
        """The other side knows of the end."""
        self._disconnected(end)

    def _changed(self, end: Endpoint) -> None:
        """Whoever selects looks again."""
        for event in end.watchers:
            event.set(IO_NETWORK_INCREMENT)

    # ---- ends --------------------------------------------------------------------------------------------------------

    def _lock(self, size: int) -> bool:
        """Whole pages, even for a few bytes; none for no bytes (5.5, 5.9). False: too many are locked."""
        pages = -(-size // PAGE)
        if self.locked + pages > self.locked_most:
            self.refused += 1
            return False
        self._locks(pages)
        return True

    def _unlock(self, size: int) -> None:
        pages = -(-size // PAGE)
        self._locks(-pages)

    def _locks(self, pages: int) -> None:
        self.settle()
        self.locked += pages
        if self.locked > self.locked_high:
            self.locked_high = self.locked

    def settle(self) -> None:
        """Book the pages that have been locked up to now."""
        now = self.clock.now
        self.locked_area += self.locked * (now - self.locked_since)
        self.locked_since = now

    def cancelled(self, device: DeviceObject, irp: Irp) -> None:
        """A request that waits: for data, for room, for a connection."""
        end = irp.file
        assert isinstance(end, Endpoint)
        if irp in end.receives:
            end.receives.remove(irp)
        elif irp in end.waiting:
            end.waiting.remove(irp)
        elif irp.code == SUPER_ACCEPT or irp.code == ACCEPT:
            if irp in end.acceptors:
                end.acceptors.remove(irp)
            if irp.code == SUPER_ACCEPT:
                self._give_up(self._taker(irp))
        elif end.opening is irp:
            connection = end.connection
            connection.reset()
            end.opening = NO_IRP
            end.clear(BOUND)
        self.carried.pop(irp, NO_REQUEST)
        if irp.code == TRANSMIT:
            self.transmissions.pop(irp.location().offset, NO_TRANSMISSION)
        elif irp.code != ACCEPT:
            self._unlock(irp.location().size)
        self.io.complete_with(irp, STATUS_CANCELLED, 0, 0)
        if end.no_sends and end.state == CONNECTED and not end.waiting:
            self._end_sends(end)

    def cleanup(self, device: DeviceObject, file: FileObject) -> None:
        """The last handle is closed (5.16, 5.17). What waits for a connection is cancelled after this, as with any file."""
        assert isinstance(file, Endpoint)
        end = file
        if end.number < len(self.by_number):
            self.by_number[end.number] = None
        if end.state == LISTENING:
            end.state = BOUND
            self.host.ports.pop(end.local & PORT_MASK, 0)
            self._turn_away(end)
        elif end.state == TAKEN:
            self._abort_accept(end)
        elif end.state == CONNECTED:
            self._close(end)
        elif end.kind == DATAGRAM and end.local != NO_ADDRESS:
            self.host.datagram_ports.pop(end.local & PORT_MASK, 0)
            for datagram in end.datagrams:
                self.buffered -= datagram.size
        if end.local != NO_ADDRESS and self.bound.get(end.kind << 16 | end.local & PORT_MASK, file) is end:
            self.bound.pop(end.kind << 16 | end.local & PORT_MASK, end)

    def _turn_away(self, listener: Endpoint) -> None:
        """Connections that nobody has accepted."""
        backlog = listener.backlog
        listener.backlog = NO_BACKLOG
        for end in backlog:
            connection = end.connection
            connection.reset()

    def _abort_accept(self, end: Endpoint) -> None:
        """The socket of an AcceptEx that pends on its listener (S41)."""
        irp = end.opening
        listener = end.listener
        if irp in listener.acceptors:
            listener.acceptors.remove(irp)
        if irp.dequeued():
            self._give_up(end)
            self._unlock(irp.location().size)
            self.io.complete_with(irp, STATUS_CONNECTION_ABORTED, 0, IO_NETWORK_INCREMENT)

    def _close(self, end: Endpoint) -> None:
        """With unread data, a linger time of 0 or sends that wait: a RST, else a FIN."""
        connection = end.connection
        unsent = len(end.waiting) > 0
        for item in end.sent:
            if item.irp is not NO_IRP or item.transmission is not NO_TRANSMISSION:
                unsent = True
        if end.unread or not end.linger or unsent:
            connection.reset()
        else:
            connection.abandon()
        self._end_all(end, STATUS_CONNECTION_ABORTED if self.io.direct else STATUS_LOCAL_DISCONNECT)


class TransportSide(ConnectionUser):
    """The transport's side of AFD."""

    def __init__(self, afd: Afd) -> None:
        self.afd = afd

    def admits(self, owner: Endpoint) -> bool:
        """Whether the backlog has room."""
        return self.afd.admits(owner)

    def established(self, owner: Endpoint, connection: Connection) -> None:
        """Pass it on."""
        self.afd.arrived(owner, connection)

    def half_open_failed(self, owner: Endpoint) -> None:
        """It counts no longer."""
        owner.half_open -= 1

    def connected(self, connection: Connection) -> None:
        """Pass it on."""
        self.afd.connected(connection.owner)

    def failed(self, connection: Connection, status: int) -> None:
        """Pass it on."""
        self.afd.failed(connection.owner, status)

    def copy_cost(self, connection: Connection, before: int, size: int, at_once: int) -> int:
        """Pass it on."""
        return self.afd.copy_cost(connection.owner, before, size, at_once)

    def datagram_copy(self, owner: Endpoint, before: int, size: int, at_once: int) -> int:
        """One receive takes a datagram, if one waits that those before did not take."""
        return self.afd.datagram_copy(owner, before, size, at_once)

    def received(self, connection: Connection, size: int, pushed: int, request: Request) -> None:
        """Pass it on."""
        self.afd.received(connection.owner, size, pushed, request)

    def acknowledged(self, connection: Connection) -> None:
        """Pass it on."""
        self.afd.acknowledged(connection.owner)

    def peer_finished(self, connection: Connection) -> None:
        """Pass it on."""
        self.afd.peer_finished(connection.owner)

    def finished(self, connection: Connection) -> None:
        """Pass it on."""
        self.afd.finished(connection.owner)

    def datagram(self, owner: Endpoint, source: int, size: int, request: Request) -> None:
        """Pass it on."""
        self.afd.datagram(owner, source, size, request)
