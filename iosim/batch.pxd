cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.completion_port cimport CompletionPort
from iosim.kernel_queue cimport KernelThread, Packet
from iosim.probes cimport Probes
from iosim.services cimport Services

cdef Packet NO_PACKET
cdef Probes NO_PROBES
cdef Request NO_REQUEST

cdef class BatchServices(Services):
    cdef public int64_t calls, most, number, packets, taken
    cdef public object entries
    cdef public Request holder
    cdef public Probes probes
    cdef public bint watched
    @cython.locals(request=Request)
    cpdef bint remove(self, KernelThread thread, CompletionPort port)
    @cython.locals(packet=Packet, others=list, cost=int64_t, other=Packet)
    cpdef bint _fetch(self, KernelThread thread, CompletionPort port)
    @cython.locals(now=int64_t, request=Request)
    cpdef void _turn_to_next(self, KernelThread thread, CompletionPort port)
    cpdef void _release(self)

cpdef int64_t removal(Packet packet)
