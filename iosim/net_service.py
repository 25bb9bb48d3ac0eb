"""The server's side of a workload that comes over a card: its sockets on a port, and the receives that wait on them.

A request comes out of the receive that takes its last byte, as that receive's packet; its handler's steps (net_steps.py)
run in the worker that removes it. Whatever else a worker has to do for a socket is done for a stand-in, whose time is
nobody's: the packet of a receive that brought only a part of a request, or the end of the stream; that of a send, an
AcceptEx or a DisconnectEx; and what is left of a handler when the answer is on its way.
Every packet of a receive is followed by a new receive, so that as many are posted, or on their way to a worker, as there
were at first. Each call is paid before it is made.
Source: semantics 5, 9.4 (W-SOCK). Simplified: parts of a request are put together at no cost.
"""

from dataclasses import dataclass

from iosim.application import Step
from iosim.attribution import BACKGROUND, BLOCKED_CALL, COMPLETED, NO_NODE, Client, Request, new_ledger, new_request
from iosim.completion import SKIP_PORT_ON_SUCCESS
from iosim.completion_port import CompletionPort
from iosim.device_stack import NOT_FAST
from iosim.devices.socket_codes import (
    AREA,
    CONNECTED,
    DATAGRAM,
    NO_ADDRESS,
    RECEIVE,
    REUSE_SOCKET,
    SEND_BUFFER,
    SMALLEST_AREA,
    STREAM,
    SUPER_ACCEPT,
    SUPER_DISCONNECT,
    UNBOUND,
)
from iosim.devices.winsock import Afd, Endpoint
from iosim.io_manager import IoManager
from iosim.irp import DEVICE_CONTROL, NO_THREAD, Irp, StatusBlock
from iosim.kernel_queue import NO_PACKET, KernelThread, Packet, new_packet
from iosim.ntstatus import STATUS_PENDING, is_error
from iosim.numa import NO_MEMORY
from iosim.outcomes import AGAIN, DONE, LEFT
from iosim.services import Services
from iosim.tcp import Connection
from iosim.units import KIB, PAGE

PAID = Packet(new_request(0, BACKGROUND, 0, new_ledger()))  # in place of an IRP: a call that needs none


@dataclass(frozen=True, slots=True)
class ServiceParams:
    """How a program serves its sockets. Sizes are bytes, `open` is the processor time (ns) of a new socket.

    `posted` receives of `size` bytes wait on each socket; `zero_byte`: one of no bytes does, and what has come is received
    when it ends. `accepts` AcceptEx wait on the listener, each for `first` bytes too. `reuse`: sockets that came by
    AcceptEx are disconnected for reuse instead of closed.
    """

    size: int = 4 * KIB
    posted: int = 1
    zero_byte: bool = False
    skip_on_success: bool = False
    send_buffer: int = SEND_BUFFER
    no_delay: bool = False
    accepts: int = 8
    first: int = 0
    backlog: int = 200
    reuse: bool = True
    open: int = 0


class Service(Client):
    """A program's sockets of one kind on one port.

    A socket's key is its stand-in, whose `size` is the number of receives that are due, and `write` 1 from when the
    program gives the connection up.
    """

    def __init__(self, afd: Afd, services: Services, port: CompletionPort, params: ServiceParams) -> None:
        self.afd = afd
        self.services = services
        self.io: IoManager = afd.io
        self.clock = afd.clock
        self.port = port
        self.size = params.size
        self.posted = 1 if params.zero_byte else params.posted
        self.zero_byte = params.zero_byte
        self.skips = params.skip_on_success
        self.send_buffer = params.send_buffer
        self.no_delay = params.no_delay
        self.accepts = params.accepts
        self.first = params.first
        self.backlog = params.backlog
        self.reuse = params.reuse
        self.open = params.open
        self.ledger = new_ledger()
        self.block = StatusBlock()
        self.steps: list[object] = [SocketStep(self)]
        self.disconnected: list[object] = [DisconnectedStep(self)]
        self.told = self.stand_in(0, [SentStep(services)])  # what a send's packet is for
        self.spare: list[Endpoint] = []  # sockets that can be used again
        self.none = Endpoint(-1, afd.device, STREAM, 0)
        self.none.handles = 0
        self.none.key = self.stand_in(0, self.steps)
        self.listener = self.none

    # ---- stand-ins ---------------------------------------------------------------------------------------------------

    def stand_in(self, number: int, steps: list[object]) -> Request:
        """For a socket, or for what no socket is needed for."""
        request = new_request(0, BACKGROUND, self.clock.now, self.ledger)
        request.source = self
        request.steps = steps
        request.socket = number
        request.size = 0
        request.write = 0
        return request

    def remainder(self, request: Request) -> Request:
        """What goes on with a request's handler when the request itself goes on elsewhere."""
        rest = new_request(request.group, request.index, self.clock.now, self.ledger)
        rest.source = self
        rest.steps = request.steps
        rest.step = request.step
        rest.socket = request.socket
        rest.size = request.size
        rest.home = request.home
        rest.began = rest.mark
        return rest

    def finished(self, request: Request) -> None:
        """Nobody waits for a stand-in."""

    # ---- before the run ----------------------------------------------------------------------------------------------

    def attach(self, connection: Connection) -> Endpoint:
        """A connection that is there before the run gets its socket, with its receives posted."""
        end = self.socket(STREAM)
        self.afd.attach(end, connection)
        self._post_all(end)
        return end

    def take_datagrams(self, port: int) -> Endpoint:
        """A datagram socket on this port, with its receives posted."""
        end = self.socket(DATAGRAM)
        self.afd.bind(end, port)
        self._post_all(end)
        return end

    def listen(self, port: int) -> Endpoint:
        """A socket that listens on this port, with its AcceptEx posted."""
        end = self.socket(STREAM)
        self.afd.bind(end, port)
        self.afd.listen(end, self.backlog)
        self.listener = end
        for _ in range(self.accepts):
            self._issue_for_nobody(self.accept_irp(0, self.socket(STREAM)))
        return end

    def socket(self, kind: int) -> Endpoint:
        """A new one, associated with the port."""
        end = self.afd.socket(kind)
        end.send_buffer = self.send_buffer
        end.no_delay = self.no_delay
        self.io.associate(end, self.port, self.stand_in(end.number, self.steps))
        if self.skips:
            self.io.set_notification_modes(end, SKIP_PORT_ON_SUCCESS)
        return end

    def _post_all(self, end: Endpoint) -> None:
        for _ in range(self.posted):
            self._issue_for_nobody(self.receive_irp(0, end))

    def _issue_for_nobody(self, irp: Irp) -> None:
        io = self.io
        io.completion.list_request(NO_THREAD, irp)
        io.call_driver(irp.file.device, irp)

    # ---- IRPs --------------------------------------------------------------------------------------------------------

    def control(self, processor: int, end: Endpoint, code: int, size: int, place: int, request: Request) -> Irp:
        """A device control on a socket, for a request or stand-in."""
        irp = self.io.allocate(1, processor)
        irp.prepare(request, end, DEVICE_CONTROL, place, size)
        irp.code = code
        irp.processor = processor
        irp.reports = True
        return irp

    def receive_irp(self, processor: int, end: Endpoint) -> Irp:
        """A receive."""
        return self.control(processor, end, RECEIVE, 0 if self.zero_byte else self.size, 0, end.key)

    def accept_irp(self, processor: int, taker: Endpoint) -> Irp:
        """An AcceptEx, which reports by its listener."""
        place = SMALLEST_AREA << AREA | taker.number
        return self.control(processor, self.listener, SUPER_ACCEPT, self.first, place, taker.key)

    def owe(self, thread: KernelThread, size: int) -> None:
        """A system call that needs an IRP, and locks the pages of so many bytes."""
        costs = self.io.costs
        device = self.afd.device
        thread.owe_kernel(costs.call + costs.irp + -(-size // PAGE) * costs.page_lock + device.down_ns)

    def owe_receive(self, thread: KernelThread, end: Endpoint) -> None:
        """A receive for which data is there: its copy, from wherever that lies."""
        thread.owe_kernel(self.io.costs.call + self.afd.cost(end, RECEIVE, self.size))
        services = self.services
        if services.memory is not NO_MEMORY and end.home != NO_NODE:
            services.reach(thread, self.afd.copied(end, self.size), end.home)

    # ---- the calls that a socket is due --------------------------------------------------------------------------------

    def find(self, number: int) -> Endpoint:
        """The socket of this number, or `none` if it has been closed."""
        afd = self.afd
        return afd.find(number, self.none)

    def go_on(self, thread: KernelThread, end: Endpoint) -> int:
        """Make the next call. AGAIN: the thread owes for one; LEFT: none is due; DONE: the thread has got a request."""
        while True:
            call = thread.call
            thread.call = NO_PACKET
            if call is PAID:
                if self._receive(thread, end):
                    return DONE
            elif call is not NO_PACKET and self.issue(thread, end, call):  # type: ignore[arg-type]  # an IRP
                return DONE
            if self._has_whole(thread, end):
                marks = end.marks
                request = self.afd.hand_over(end, marks.first(), NO_ADDRESS)
                marks.replace_first(request)
                self._switch(thread, request)
                return DONE
            if not self._next_call(thread, end):
                return LEFT
            if thread.owed:
                return AGAIN

    def _next_call(self, thread: KernelThread, end: Endpoint) -> bool:
        """Owe for the next call, which is left in `thread.call`."""
        due: Request = end.key
        if not end.handles or due.write or (end.kind == STREAM and end.state != CONNECTED):
            due.size = 0
            return False
        if end.context_due:
            self._accepted(thread, end)
            return True
        if end.broken or (end.ended and not end.unread):
            if thread.request.source is not self:
                return False
            self._leave(thread, end)
            return True
        if end.no_sends or due.size <= 0 or len(end.receives) >= self.posted:
            due.size = 0
            return False
        due.size -= 1  # before the call: another worker may look meanwhile
        if end.unread:
            self.owe_receive(thread, end)
            thread.call = PAID
        else:
            irp = self.receive_irp(thread.processor, end)
            self.owe(thread, irp.first().size)
            thread.call = irp
        return True

    def _accepted(self, thread: KernelThread, end: Endpoint) -> None:
        """A connection has come by AcceptEx: SO_UPDATE_ACCEPT_CONTEXT, the first receives, and the next AcceptEx."""
        self.afd.update_context(end)
        end.send_buffer = self.send_buffer
        due: Request = end.key
        due.size += self.posted
        thread.owe_kernel(self.io.costs.call)
        if not self.listener.handles:
            return
        if self.spare:
            taker = self.spare.pop()
        else:
            taker = self.socket(STREAM)
            thread.owe_kernel(self.open)
        self.owe(thread, self.first)
        thread.call = self.accept_irp(thread.processor, taker)

    def _leave(self, thread: KernelThread, end: Endpoint) -> None:
        """The other side has ended, or the connection is gone: the program does with it."""
        if self.reuse and end.accepted and not end.broken and not end.no_sends:
            self.disconnect(thread, end)
        elif not end.disconnects:
            self.close(end)
            thread.owe_kernel(self.io.costs.call)
        due: Request = end.key
        due.write = 1
        due.size = 0

    def disconnect(self, thread: KernelThread, end: Endpoint) -> None:
        """Owe for a DisconnectEx, which is left in `thread.call`."""
        self.owe(thread, 0)
        flags = REUSE_SOCKET if self.reuse and end.accepted else 0
        told = self.stand_in(end.number, self.disconnected)
        thread.call = self.control(thread.processor, end, SUPER_DISCONNECT, 0, flags, told)

    def close(self, end: Endpoint) -> None:
        """closesocket."""
        if end.handles:
            self.io.close(end)

    def again(self, end: Endpoint) -> None:
        """A disconnected socket can be used again."""
        due: Request = end.key
        due.size = due.write = due.step = 0
        due.status = COMPLETED
        self.spare.append(end)

    def _receive(self, thread: KernelThread, end: Endpoint) -> bool:
        """A receive for which data was there when it began; True: the thread goes on with what it brought."""
        afd = self.afd
        block = self.block
        host = afd.host
        host.processor = thread.processor
        status = afd.fast_control(end.device, end, RECEIVE, self.size, block)
        if status == NOT_FAST or is_error(status):
            due: Request = end.key
            due.size += 1
            return False
        return self._brought(thread, end, end.latest)

    def issue(self, thread: KernelThread, end: Endpoint, irp: Irp) -> bool:
        """A call with an IRP, paid; True: as above."""
        code = irp.code
        file = irp.file
        if not file.handles:
            irp.free()
            return False
        status = self.io.start(thread, irp, BLOCKED_CALL)
        if code == SUPER_DISCONNECT:
            if is_error(status):
                self.close(end)
            return False
        if code != RECEIVE or status == STATUS_PENDING or not self.skips or is_error(status):
            return False
        return self._brought(thread, end, irp.request)

    def _brought(self, thread: KernelThread, end: Endpoint, request: Request) -> bool:
        """A receive was done at once: a packet tells, unless the socket's mode is to skip it."""
        due: Request = end.key
        whole = request.socket == end.number and request is not due
        if self.zero_byte or self.skips:
            if not whole:
                due.size += 1
                return False  # and asks for more
            if thread.request.source is self:
                self._switch(thread, request)
                return True
        self.port.insert(new_packet(request if whole else due))
        return False

    def _has_whole(self, thread: KernelThread, end: Endpoint) -> bool:
        """With receives of no bytes: a request is there, to be received by its handler's first step."""
        if not self.zero_byte or thread.request.source is not self or end.marks.empty():
            return False
        due: Request = end.key
        if due.size <= 0 or due.write:
            return False
        due.size -= 1
        return True

    def _switch(self, thread: KernelThread, request: Request) -> None:
        """The thread has done with what it was at, and goes on with a request that needs no packet."""
        self.services.let_go(thread)
        thread.request = request
        thread.request_bytes = 0
        if request.began < 0:
            request.began = self.clock.now
        queue = thread.queue
        if queue.watched:
            queue.probes.held(queue.number, request)


class SocketStep(Step):
    """What a worker does with a packet of a socket that brings no request: what the socket is due."""

    def __init__(self, service: Service) -> None:
        super().__init__(service.services)
        self.service = service

    def begin(self, thread: KernelThread) -> None:
        """A receive is over, so that another is due, unless it was an AcceptEx."""
        thread.call = NO_PACKET
        due = thread.request
        end = self.service.find(due.socket)
        if not end.context_due:
            due.size += 1

    def finish(self, thread: KernelThread) -> int:
        """Make the calls."""
        service = self.service
        due = thread.request
        due.step = 0  # other workers may come here with the same stand-in, in the middle of a call too
        outcome = service.go_on(thread, service.find(due.socket))
        if outcome == AGAIN:
            due.step = 1
        elif outcome == LEFT:
            self.services.let_go(thread)
        return outcome


class SentStep(Step):
    """A send's packet: there is nothing to do."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, charges=False)

    def finish(self, thread: KernelThread) -> int:
        """It has been removed."""
        request = self.services.let_go(thread)
        request.step = 0
        return LEFT


class DisconnectedStep(Step):
    """A DisconnectEx has ended: the socket is used again, or closed."""

    def __init__(self, service: Service) -> None:
        super().__init__(service.services)
        self.service = service

    def begin(self, thread: KernelThread) -> None:
        """Owe the close."""
        end = self.service.find(thread.request.socket)
        if end.handles and end.state != UNBOUND:
            thread.owe_kernel(self.services.io.costs.call)

    def finish(self, thread: KernelThread) -> int:
        """Keep it, or close it."""
        service = self.service
        end = service.find(thread.request.socket)
        if end.handles:
            if end.state == UNBOUND:
                service.again(end)
            else:
                service.close(end)
        self.services.let_go(thread)
        return LEFT
