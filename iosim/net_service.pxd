cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.application cimport Step
from iosim.attribution cimport Client, Request, new_request
from iosim.completion_port cimport CompletionPort
from iosim.device_stack cimport DeviceObject, FileObject
from iosim.devices.winsock cimport Afd, Endpoint
from iosim.io_manager cimport IoCosts, IoManager
from iosim.irp cimport Irp, StatusBlock
from iosim.kernel_queue cimport KernelQueue, KernelThread, Packet, new_packet
from iosim.ntstatus cimport is_error
from iosim.numa cimport NodeMemory
from iosim.services cimport Services
from iosim.stream_marks cimport StreamMarks
from iosim.tcp cimport Connection, Host

cdef int64_t AGAIN, AREA, BLOCKED_CALL, COMPLETED, CONNECTED, DATAGRAM, DEVICE_CONTROL, DONE, LEFT, NOT_FAST, NO_ADDRESS
cdef int64_t NO_NODE
cdef NodeMemory NO_MEMORY
cdef int64_t PAGE, RECEIVE, REUSE_SOCKET, SKIP_PORT_ON_SUCCESS, SMALLEST_AREA, STATUS_PENDING, STREAM, SUPER_ACCEPT
cdef int64_t SUPER_DISCONNECT, UNBOUND
cdef KernelThread NO_THREAD
cdef Packet NO_PACKET

cdef class Service(Client):
    cdef public Afd afd
    cdef public Services services
    cdef public IoManager io
    cdef public Clock clock
    cdef public CompletionPort port
    cdef public int64_t accepts, backlog, first, open, posted, send_buffer, size
    cdef public bint no_delay, reuse, skips, zero_byte
    cdef public int64_t[::1] ledger
    cdef public StatusBlock block
    cdef public list disconnected, spare, steps
    cdef public Request told
    cdef public Endpoint listener, none
    @cython.locals(request=Request)
    cpdef Request stand_in(self, int64_t number, list steps)
    @cython.locals(rest=Request)
    cpdef Request remainder(self, Request request)
    cpdef void finished(self, Request request)
    @cython.locals(end=Endpoint)
    cpdef Endpoint attach(self, Connection connection)
    @cython.locals(end=Endpoint)
    cpdef Endpoint take_datagrams(self, int64_t port)
    @cython.locals(end=Endpoint)
    cpdef Endpoint listen(self, int64_t port)
    @cython.locals(end=Endpoint)
    cpdef Endpoint socket(self, int64_t kind)
    cpdef void _post_all(self, Endpoint end)
    @cython.locals(io=IoManager)
    cpdef void _issue_for_nobody(self, Irp irp)
    @cython.locals(irp=Irp)
    cpdef Irp control(self, int64_t processor, Endpoint end, int64_t code, int64_t size, int64_t place, Request request)
    cpdef Irp receive_irp(self, int64_t processor, Endpoint end)
    @cython.locals(place=int64_t)
    cpdef Irp accept_irp(self, int64_t processor, Endpoint taker)
    @cython.locals(costs=IoCosts, device=DeviceObject)
    cpdef void owe(self, KernelThread thread, int64_t size)
    @cython.locals(services=Services)
    cpdef void owe_receive(self, KernelThread thread, Endpoint end)
    @cython.locals(afd=Afd)
    cpdef Endpoint find(self, int64_t number)
    @cython.locals(call=Packet, marks=StreamMarks, request=Request)
    cpdef int64_t go_on(self, KernelThread thread, Endpoint end)
    @cython.locals(due=Request, irp=Irp)
    cpdef bint _next_call(self, KernelThread thread, Endpoint end)
    @cython.locals(due=Request, taker=Endpoint)
    cpdef void _accepted(self, KernelThread thread, Endpoint end)
    @cython.locals(due=Request)
    cpdef void _leave(self, KernelThread thread, Endpoint end)
    @cython.locals(flags=int64_t, told=Request)
    cpdef void disconnect(self, KernelThread thread, Endpoint end)
    cpdef void close(self, Endpoint end)
    @cython.locals(due=Request)
    cpdef void again(self, Endpoint end)
    @cython.locals(afd=Afd, block=StatusBlock, host=Host, status=int64_t, due=Request)
    cpdef bint _receive(self, KernelThread thread, Endpoint end)
    @cython.locals(code=int64_t, file=FileObject, status=int64_t)
    cpdef bint issue(self, KernelThread thread, Endpoint end, Irp irp)
    @cython.locals(due=Request, whole=bint)
    cpdef bint _brought(self, KernelThread thread, Endpoint end, Request request)
    @cython.locals(due=Request)
    cpdef bint _has_whole(self, KernelThread thread, Endpoint end)
    @cython.locals(queue=KernelQueue)
    cpdef void _switch(self, KernelThread thread, Request request)

cdef class SocketStep(Step):
    cdef public Service service
    @cython.locals(due=Request, end=Endpoint)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(service=Service, due=Request, outcome=int64_t)
    cpdef int64_t finish(self, KernelThread thread)

cdef class SentStep(Step):
    @cython.locals(request=Request)
    cpdef int64_t finish(self, KernelThread thread)

cdef class DisconnectedStep(Step):
    cdef public Service service
    @cython.locals(end=Endpoint)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(service=Service, end=Endpoint)
    cpdef int64_t finish(self, KernelThread thread)
