cimport cython
from libc.stdint cimport int64_t

from iosim.device_stack cimport DeviceObject
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, StackLocation
from iosim.split cimport Leg, Split, Splitter

cdef int64_t NO_ROUTINE

cdef class ClassDriver(Splitter):
    cdef public int64_t limit
    cdef public Leg leg
    @cython.locals(location=StackLocation, split=Split, start=int64_t, left=int64_t, size=int64_t)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    @cython.locals(pieces=int64_t)
    cpdef int64_t sized_cost(self, DeviceObject device, int64_t major, int64_t size)
