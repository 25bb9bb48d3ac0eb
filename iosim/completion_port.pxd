cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.kernel_queue cimport KernelQueue, KernelThread, Packet, new_packet
from iosim.objects cimport DispatcherObject

cdef int64_t STATUS_ABANDONED_WAIT_0

cdef class CompletionPort(KernelQueue):
    cdef public PortObject object
    cdef public int64_t broken_off, files, handles
    cdef public bint keeps_waiters
    cpdef void post(self, Request request)
    cpdef void unclaimed(self)
    cpdef list close_handle(self)
    @cython.locals(packet=Packet)
    cpdef void _let_go(self, KernelThread thread, int64_t status)
    cpdef void break_off(self, KernelThread thread)
    @cython.locals(over=bint, packet=Packet)
    cpdef bint wait_again(self, KernelThread thread, int64_t status)
    cpdef list file_gone(self)
    cpdef list _die_unreferenced(self)

cdef class PortObject(DispatcherObject):
    cdef public CompletionPort port
    cdef public bint closed
    cpdef bint signalled(self, KernelThread thread)
    cpdef void joined(self)

