
cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.kernel_queue cimport KernelQueue, KernelThread, Packet
from iosim.kernel_work cimport KernelWork
from iosim.thread cimport Program, Thread

cdef int64_t BLOCKED, OVER
cdef KernelWork NO_WORK
cdef Packet NO_PACKET
cdef Request NO_REQUEST

cdef class SystemWorker(Program):
    cdef public KernelQueue queue
    cdef public KernelWork work
    @cython.locals(worker=KernelThread, work=KernelWork, outcome=int64_t)
    cpdef bint resume(self, Thread thread)
    @cython.locals(packet=Packet)
    cpdef bint _take(self, KernelThread thread)
    @cython.locals(work=KernelWork)
    cpdef void _finish(self, KernelThread thread)
