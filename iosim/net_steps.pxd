cimport cython
from libc.stdint cimport int64_t

from iosim.application cimport Step
from iosim.attribution cimport Client, Request
from iosim.device_stack cimport FileObject
from iosim.devices.winsock cimport Afd, Endpoint, Transmission
from iosim.irp cimport Irp
from iosim.kernel_queue cimport KernelThread, Packet, new_packet
from iosim.net_service cimport Service
from iosim.ntstatus cimport is_error
from iosim.tcp cimport Connection, Host
from iosim.variates cimport Variate

cdef int64_t AGAIN, BLOCKED_CALL, CHUNK, CHUNKS, DATAGRAM, DONE, ENDED, FAILED, LAST_STEP, LEFT, NOT_FAST, ON_ITS_WAY, RECEIVE, SEND
cdef int64_t SEND_TO, TRANSMIT
cdef Packet NO_PACKET, PAID
cdef Request NO_REQUEST

cdef class NetStep(Step):
    cdef public Service service

cdef class AcceptStep(NetStep):
    @cython.locals(end=Endpoint, due=Request)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(end=Endpoint, due=Request)
    cpdef int64_t finish(self, KernelThread thread)

cdef class TakeStep(NetStep):
    @cython.locals(request=Request, end=Endpoint)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(service=Service, request=Request, end=Endpoint, afd=Afd, host=Host, status=int64_t)
    cpdef int64_t finish(self, KernelThread thread)
    @cython.locals(service=Service)
    cpdef void _owe(self, KernelThread thread, Endpoint end)

cdef class Answer(NetStep):
    cdef public bint last
    @cython.locals(request=Request, service=Service)
    cpdef Request rider(self, KernelThread thread)
    @cython.locals(request=Request)
    cpdef int64_t refused(self, KernelThread thread, Request rider)
    @cython.locals(service=Service, rider=Request, afd=Afd, status=int64_t)
    cpdef int64_t start(self, KernelThread thread, Irp irp)

cdef class SendStep(Answer):
    cdef public Variate size
    cdef public bint echo
    @cython.locals(size=int64_t)
    cpdef int64_t bytes(self, Request request)
    @cython.locals(service=Service, request=Request, size=int64_t, end=Endpoint, host=Host)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(service=Service, afd=Afd)
    cpdef void _prepare(self, KernelThread thread, Endpoint end, int64_t size)
    @cython.locals(service=Service, request=Request, end=Endpoint, afd=Afd, call=Packet, status=int64_t, irp=Irp, size=int64_t, rider=Request, host=Host)
    cpdef int64_t finish(self, KernelThread thread)

cdef class TransmitStep(Answer):
    cdef public FileObject file
    cdef public Variate offset, size
    @cython.locals(service=Service, request=Request, afd=Afd, end=Endpoint, file=FileObject, size=int64_t, offset=int64_t, number=int64_t, connection=Connection)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(irp=Irp, service=Service, end=Endpoint)
    cpdef int64_t finish(self, KernelThread thread)

cdef class DisconnectStep(NetStep):
    @cython.locals(service=Service, end=Endpoint, due=Request)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(service=Service, irp=Packet)
    cpdef int64_t finish(self, KernelThread thread)

cdef class NextStep(NetStep):
    @cython.locals(request=Request)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(service=Service, request=Request, rest=Request, client=Client, outcome=int64_t)
    cpdef int64_t finish(self, KernelThread thread)
    @cython.locals(end=Endpoint, due=Request)
    cpdef void _receive_is_due(self, Request request)
