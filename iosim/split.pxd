cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request, hand_back, part_of, recovered
from iosim.device_stack cimport DeviceObject, Driver
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, IrpPart, StackLocation
from iosim.ntstatus cimport is_error

cdef int64_t INVOKE_ALWAYS, IO_DISK_INCREMENT, STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING, STATUS_SUCCESS

cdef class Leg:
    cdef public DeviceObject device
    cdef public int64_t base, last
    cdef public bint failed

cdef class Split:
    cdef public Irp master
    cdef public DeviceObject device
    cdef public list irps
    cdef public int64_t ends, good, left, status, unpaid, written

cdef class Part(IrpPart):
    cdef public Split split
    cdef public Leg leg
    cdef public int64_t size, start, tried
    @cython.locals(split=Split, master=Irp, device=DeviceObject)
    cpdef int64_t pays_up(self)

cdef class Splitter(Driver):
    cdef public IoManager io
    cdef public Clock clock
    cdef public int64_t completion_ns, dispatch_ns, parts, retries, splits
    cdef public bint sized
    cdef public int64_t[::1] slack
    @cython.locals(location=StackLocation, split=Split)
    cpdef Split begin(self, DeviceObject device, Irp irp)
    @cython.locals(device=DeviceObject, master=Irp, location=StackLocation, irp=Irp)
    cpdef void add(self, Split split, Leg leg, int64_t offset, int64_t start, int64_t size)
    @cython.locals(irp=Irp, part=Part, leg=Leg)
    cpdef int64_t send(self, Split split)
    @cython.locals(split=Split, leg=Leg)
    cpdef int64_t to_all(self, DeviceObject device, Irp irp, list legs)
    @cython.locals(part=Part, split=Split)
    cpdef int64_t completed(self, DeviceObject device, Irp irp)
    cpdef bint tries_again(self, Irp irp, Part part)
    cpdef void verdict(self, Split split)
    @cython.locals(split=Split, request=Request, master=Irp, location=StackLocation, first=StackLocation)
    cpdef void again(self, Irp irp, Part part, Leg leg, int64_t offset)
    @cython.locals(split=Split)
    cpdef void _failed(self, Irp irp, Part part)
    @cython.locals(master=Irp, request=Request)
    cpdef void _last(self, Irp irp, Split split)
    @cython.locals(below=DeviceObject, bottom=Driver)
    cpdef int64_t part_cost(self, DeviceObject device)
