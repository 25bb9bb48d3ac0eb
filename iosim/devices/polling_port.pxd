cimport cython
from libc.stdint cimport int64_t

from iosim.devices.coalescing cimport Coalescer
from iosim.devices.port_driver cimport PortDriver, Vector
from iosim.drives.drive cimport Command
from iosim.irp cimport Irp
from iosim.kernel_queue cimport KernelThread
from iosim.processor cimport Processor

cdef int64_t PAGE, PASSIVE, READY_QUEUE, RUNNING, STATUS_SUCCESS

cdef class Silence(Coalescer):
    cpdef void told(self)

cdef class PollingPort(PortDriver):
    cdef public dict ended
    @cython.locals(tag=int64_t, irp=Irp, vector=Vector, thread=KernelThread, processor=Processor)
    cpdef void finished(self, Command command)
    @cython.locals(command=Command, time=int64_t)
    cpdef int64_t reap(self, Irp irp, int64_t processor)
