cimport cython
from libc.stdint cimport int64_t

from iosim.device_stack cimport DeviceObject, Driver
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp

cdef int64_t STATUS_CANCELLED, STATUS_PENDING
cdef Irp NO_IRP

cdef class DeviceQueue:
    cdef public bint busy
    cdef public object entries
    cpdef bint insert(self, Irp irp)
    cpdef Irp remove(self)
    cpdef bint remove_entry(self, Irp irp)

cdef class StartIoDriver(Driver):
    cdef public IoManager io
    cdef public DeviceQueue queue
    cpdef void start(self, DeviceObject device, Irp irp)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    @cython.locals(irp=Irp)
    cpdef void start_next(self, DeviceObject device)
    cpdef void cancelled(self, object device, object irp)

