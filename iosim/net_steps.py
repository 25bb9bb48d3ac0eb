"""Steps of handlers whose requests come over a network: accept, receive, send, transmit a file, disconnect, and the end.

The last send of a handler takes its request with it: the answer's last byte carries it to its client, which ends it. What
comes after that in the handler is done for a stand-in (net_service.py). A request whose handler sends nothing ends with its
last step.
"""

from iosim.application import Step
from iosim.attribution import BLOCKED_CALL, ENDED, FAILED, LAST_STEP, NO_REQUEST, ON_ITS_WAY, Request
from iosim.device_stack import NOT_FAST, FileObject
from iosim.devices.socket_codes import CHUNK, CHUNKS, DATAGRAM, RECEIVE, SEND, SEND_TO, TRANSMIT
from iosim.devices.winsock import Endpoint, Transmission
from iosim.irp import Irp
from iosim.kernel_queue import NO_PACKET, KernelThread, new_packet
from iosim.net_service import PAID, Service
from iosim.ntstatus import is_error
from iosim.outcomes import AGAIN, DONE, LEFT
from iosim.variates import Variate


class NetStep(Step):
    """A step on the socket that the request came by."""

    def __init__(self, service: Service) -> None:
        super().__init__(service.services)
        self.service = service


class AcceptStep(NetStep):
    """What a program does with a connection that has come by AcceptEx with this request; nothing with any other."""

    def begin(self, thread: KernelThread) -> None:
        """The request is in place of a receive."""
        thread.call = NO_PACKET
        end = self.service.find(thread.request.socket)
        if end.context_due:
            due: Request = end.key
            due.size = -1

    def finish(self, thread: KernelThread) -> int:
        """Make the calls that follow an AcceptEx."""
        end = self.service.find(thread.request.socket)
        due: Request = end.key
        if not end.context_due and thread.call is NO_PACKET and due.size <= 0:
            return DONE
        return AGAIN if self.service.go_on(thread, end) == AGAIN else DONE


class TakeStep(NetStep):
    """Behind a receive of no bytes: receive the request, in as many calls as it takes."""

    def begin(self, thread: KernelThread) -> None:
        """Owe the first."""
        request = thread.request
        end = self.service.find(request.socket)
        thread.call = NO_PACKET
        if end.marks.first() is request:
            self._owe(thread, end)

    def finish(self, thread: KernelThread) -> int:
        """Receive."""
        service = self.service
        request = thread.request
        end = service.find(request.socket)
        if thread.call is NO_PACKET:
            return DONE
        thread.call = NO_PACKET
        afd = service.afd
        host = afd.host
        host.processor = thread.processor
        status = afd.fast_control(end.device, end, RECEIVE, service.size, service.block)
        if status == NOT_FAST or is_error(status):
            request.fail()
        elif end.marks.first() is request:
            self._owe(thread, end)
            return AGAIN
        return DONE

    def _owe(self, thread: KernelThread, end: Endpoint) -> None:
        service = self.service
        service.owe_receive(thread, end)
        thread.call = PAID


class Answer(NetStep):
    """A step that sends. `last`: nothing more is sent for the request, which goes with it."""

    def __init__(self, service: Service, last: bool) -> None:
        super().__init__(service)
        self.last = last

    def rider(self, thread: KernelThread) -> Request:
        """The request that the last byte carries; the thread goes on for a stand-in.

        One whose client has given it up stays: the handler's end is its own.
        """
        request = thread.request
        service = self.service
        if not self.last or request.source is service or request.status == FAILED:
            return NO_REQUEST
        thread.request = service.remainder(request)
        request.socket = ON_ITS_WAY
        return request

    def refused(self, thread: KernelThread, rider: Request) -> int:
        """The call failed at once: the request's handler goes on with its end."""
        if rider is not NO_REQUEST:
            rider.socket = thread.request.socket
            thread.request = rider
        request = thread.request
        request.fail()
        return DONE

    def start(self, thread: KernelThread, irp: Irp) -> int:
        """A send with an IRP; its packet is for nothing but its own removal."""
        service = self.service
        rider = self.rider(thread)
        afd = service.afd
        irp.request = service.told
        afd.carry(irp, rider)
        status = service.io.start(thread, irp, BLOCKED_CALL)
        if is_error(status):
            afd.carried.pop(irp, NO_REQUEST)
            return self.refused(thread, rider)
        return DONE


class SendStep(Answer):
    """Send so many bytes; `echo`: as many as the request has. It goes on when the call returns."""

    def __init__(self, service: Service, size: Variate, echo: bool, last: bool) -> None:
        super().__init__(service, last)
        self.size = size
        self.echo = echo

    def bytes(self, request: Request) -> int:
        """What is sent; at least one, or the client would hear nothing."""
        size = request.size if self.echo else self.size.value(request.index)
        return size if size > 0 else 1

    def begin(self, thread: KernelThread) -> None:
        """Owe the call, with the copy and what leaves at once."""
        service = self.service
        request = thread.request
        size = self.bytes(request)
        request.expected += size
        end = service.find(request.socket)
        if end.kind == DATAGRAM:
            thread.call = service.control(thread.processor, end, SEND_TO, size, request.address, request)
            service.owe(thread, size)
            host = service.afd.host
            thread.owe_kernel(service.io.copy_cost(size) + host.datagram_cost(request.address))
        else:
            self._prepare(thread, end, size)

    def _prepare(self, thread: KernelThread, end: Endpoint, size: int) -> None:
        service = self.service
        afd = service.afd
        if afd.copies(end):
            thread.owe_kernel(service.io.costs.call + afd.cost(end, SEND, size))
            thread.call = PAID
            return
        service.owe(thread, size)
        if not end.send_buffer and not end.waiting:
            thread.owe_kernel(afd.cost(end, SEND, size))
        thread.call = service.control(thread.processor, end, SEND, size, 0, thread.request)

    def finish(self, thread: KernelThread) -> int:
        """Send; a thread that found no room after all pays for an IRP."""
        service = self.service
        request = thread.request
        end = service.find(request.socket)
        afd = service.afd
        call = thread.call
        thread.call = NO_PACKET
        status = afd.send_refusal(end) if end.kind != DATAGRAM else 0
        if call is not PAID:
            irp: Irp = call  # type: ignore[assignment]
            if is_error(status) or not end.handles:
                irp.free()
                return self.refused(thread, NO_REQUEST)
            return self.start(thread, irp)
        if is_error(status):
            return self.refused(thread, NO_REQUEST)
        size = self.bytes(request)
        if not afd.copies(end):
            self._prepare(thread, end, size)
            return AGAIN
        rider = self.rider(thread)
        host = afd.host
        host.processor = thread.processor
        afd.calls += 1
        if is_error(afd.send_now(end, size, rider, service.block)):
            return self.refused(thread, rider)
        if not service.skips:
            service.port.insert(new_packet(service.told))
        return DONE


class TransmitStep(Answer):
    """TransmitFile: always by an IRP, which ends when the whole file is acknowledged."""

    def __init__(self, service: Service, file: FileObject, size: Variate, offset: Variate, last: bool) -> None:
        super().__init__(service, last)
        self.file = file
        self.size = size
        self.offset = offset

    def begin(self, thread: KernelThread) -> None:
        """Owe the call, and the segments that leave in it if the file is in the cache."""
        service = self.service
        request = thread.request
        afd = service.afd
        end = service.find(request.socket)
        file = self.file
        size = min(max(1, self.size.value(request.index)), file.size)
        offset = min(self.offset.value(request.index), file.size - size)
        request.expected += size
        number = afd.prepare_transmission(Transmission(file, offset, size, 0, 0, 0))
        thread.call = service.control(thread.processor, end, TRANSMIT, 0, number, request)
        service.owe(thread, 0)
        if not afd.send_refusal(end) and not end.waiting:
            connection = end.connection
            thread.owe_kernel(connection.send_cost(min(size, CHUNK * CHUNKS)))

    def finish(self, thread: KernelThread) -> int:
        """Call the driver."""
        irp: Irp = thread.call  # type: ignore[assignment]  # `begin` left it there
        thread.call = NO_PACKET
        service = self.service
        end = service.find(thread.request.socket)
        if end.handles:
            return self.start(thread, irp)
        service.afd.transmissions.pop(irp.first().offset)
        irp.free()
        return self.refused(thread, NO_REQUEST)


class DisconnectStep(NetStep):
    """DisconnectEx: the stream ends behind what has been sent; its packet tells when the socket can be used again."""

    def begin(self, thread: KernelThread) -> None:
        """Owe the call."""
        service = self.service
        end = service.find(thread.request.socket)
        due: Request = end.key
        thread.call = NO_PACKET
        if end.handles and not due.write:
            due.write = 1
            service.disconnect(thread, end)

    def finish(self, thread: KernelThread) -> int:
        """Call the driver."""
        service = self.service
        irp = thread.call
        thread.call = NO_PACKET
        if irp is not NO_PACKET:
            service.issue(thread, service.find(thread.request.socket), irp)  # type: ignore[arg-type]
        return DONE


class NextStep(NetStep):
    """The handler's end: the request too, if it is still here, and the next receive is posted."""

    def begin(self, thread: KernelThread) -> None:
        """One receive is over."""
        request = thread.request
        thread.call = NO_PACKET
        if request.source is self.service:
            self._receive_is_due(request)

    def finish(self, thread: KernelThread) -> int:
        """The request has been served, or has failed; then make the calls that the socket is due."""
        service = self.service
        request = thread.request
        if request.source is not service:
            rest = service.remainder(request)
            rest.step = LAST_STEP
            thread.request = rest
            self._receive_is_due(request)
            request.socket = ENDED
            client = request.source
            client.finished(request)
        outcome = service.go_on(thread, service.find(thread.request.socket))
        if outcome == LEFT:
            self.services.let_go(thread)
        return outcome

    def _receive_is_due(self, request: Request) -> None:
        end = self.service.find(request.socket)
        due: Request = end.key
        due.size += 1
