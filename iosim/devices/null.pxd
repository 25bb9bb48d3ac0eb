from libc.stdint cimport int64_t

from iosim.device_stack cimport DeviceObject, Driver
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp

cdef int64_t STATUS_SUCCESS

cdef class NullDriver(Driver):
    cdef public IoManager io
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)

