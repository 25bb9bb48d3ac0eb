from libc.stdint cimport int64_t

from iosim.device_stack cimport DeviceObject, Driver
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp

cdef int64_t NO_ROUTINE

cdef class PassThrough(Driver):
    cdef public int64_t completion_ns, dispatch_ns
    cdef public IoManager io
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)

