
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.kernel_queue cimport KernelThread, Packet

cdef int64_t OVER, STATUS_SUCCESS
cdef Request NO_REQUEST

cdef class KernelWork(Packet):
    cdef public bint pends
    cdef public int64_t status
    cpdef int64_t go_on(self, KernelThread thread)
    cpdef void end(self)

cdef class NoWork(KernelWork):
    cpdef int64_t go_on(self, KernelThread thread)
