cimport cython
from libc.stdint cimport int64_t

from iosim.application cimport DrawnTransfer
from iosim.attribution cimport Request
from iosim.devices.polling_port cimport PollingPort
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp
from iosim.kernel_queue cimport KernelThread

cdef int64_t AGAIN, DONE, LONG

cdef class PolledTransfer(DrawnTransfer):
    cdef public PollingPort port
    cdef public Request stand_in
    @cython.locals(irp=Irp, request=Request)
    cpdef int64_t finish(self, KernelThread thread)
    @cython.locals(io=IoManager)
    cpdef void _issue(self, KernelThread thread, Irp irp)
