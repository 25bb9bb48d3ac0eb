cimport cython
from libc.stdint cimport int64_t

from iosim.device_stack cimport DeviceObject, Driver
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, StackLocation
from iosim.split cimport Leg, Part, Split, Splitter

cdef int64_t BIT, NO_ROUTINE, READ, STATUS_DEVICE_DOES_NOT_EXIST, STATUS_DEVICE_NOT_CONNECTED, STATUS_SUCCESS, WRITE

cdef class JoinedVolume(Splitter):
    cdef public list legs
    @cython.locals(location=StackLocation)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    cpdef int64_t transfer(self, DeviceObject device, Irp irp)
    cpdef int64_t pass_on(self, Irp irp, Leg leg, int64_t shift)
    @cython.locals(below=DeviceObject, driver=Driver, own=int64_t)
    cpdef int64_t several(self, DeviceObject device, int64_t major, int64_t parts, int64_t size)

cdef class StripedVolume(JoinedVolume):
    cdef public int64_t unit
    @cython.locals(location=StackLocation, legs=list, unit=int64_t, offset=int64_t, end=int64_t, row=int64_t, only=Leg, split=Split, start=int64_t, size=int64_t, leg=Leg)
    cpdef int64_t transfer(self, DeviceObject device, Irp irp)
    @cython.locals(parts=int64_t, below=DeviceObject, driver=Driver)
    cpdef int64_t sized_cost(self, DeviceObject device, int64_t major, int64_t size)

cdef class SpannedVolume(JoinedVolume):
    cdef public int64_t[::1] ends
    @cython.locals(location=StackLocation, offset=int64_t, end=int64_t, number=int64_t, before=int64_t, leg=Leg, split=Split, start=int64_t, size=int64_t)
    cpdef int64_t transfer(self, DeviceObject device, Irp irp)
    @cython.locals(below=DeviceObject, driver=Driver)
    cpdef int64_t sized_cost(self, DeviceObject device, int64_t major, int64_t size)

cdef class MirroredVolume(JoinedVolume):
    cdef public int64_t failed, reads, region, turn
    @cython.locals(location=StackLocation, offset=int64_t, size=int64_t, split=Split, chosen=Leg, leg=Leg)
    cpdef int64_t transfer(self, DeviceObject device, Irp irp)
    cpdef void _add(self, Split split, Leg leg, int64_t offset, int64_t size)
    @cython.locals(legs=list, count=int64_t, number=int64_t, leg=Leg)
    cpdef int64_t choose(self, int64_t offset)
    @cython.locals(best=int64_t, least=int64_t, number=int64_t, leg=Leg, distance=int64_t)
    cpdef int64_t _nearest(self, int64_t offset)
    @cython.locals(split=Split, master=Irp, location=StackLocation, here=Leg, legs=list, count=int64_t, number=int64_t, step=int64_t, other=int64_t, leg=Leg, gone=bint)
    cpdef bint tries_again(self, Irp irp, Part part)
    cpdef void _put_out(self, Leg leg)
    @cython.locals(master=Irp, location=StackLocation)
    cpdef void verdict(self, Split split)
    cpdef int64_t sized_cost(self, DeviceObject device, int64_t major, int64_t size)
