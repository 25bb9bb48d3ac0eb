cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor
from iosim.completion_port cimport CompletionPort
from iosim.kernel_queue cimport KernelThread, Packet

cdef int64_t DPC, LOCK, RUNNING
cdef Packet NO_PACKET

cdef class LockedPort(CompletionPort):
    cdef public int64_t free_at, hold
    cdef public object late
    cdef public Insertion insertion
    cdef public dict turns
    @cython.locals(now=int64_t, wait=int64_t)
    cpdef int64_t turn(self)
    @cython.locals(wait=int64_t)
    cpdef bint enter(self, KernelThread thread)
    @cython.locals(wait=int64_t)
    cpdef void insert(self, Packet packet)
    @cython.locals(packet=Packet)
    cpdef void insert_late(self)
    cpdef void insert_in_turn(self, Packet packet)
    @cython.locals(packet=Packet)
    cpdef Packet remove(self, KernelThread thread)
    @cython.locals(packet=Packet, wait=int64_t)
    cpdef Packet poll(self, KernelThread thread)
    @cython.locals(waiting=list)
    cpdef void insert_in_apc(self, Packet packet)
    cpdef bint wait_again(self, KernelThread thread, int64_t status)
    @cython.locals(discarded=list)
    cpdef list run_down(self)

cdef class Insertion(Actor):
    cdef public LockedPort port
    cpdef void fire(self, int64_t what)

