cimport cython
from libc.stdint cimport int32_t, int64_t, uint32_t

from iosim.canceller cimport Canceller
from iosim.completion_port cimport CompletionPort
from iosim.file_control cimport FileControl
from iosim.flag cimport flag
from iosim.irp cimport Irp, StatusBlock
from iosim.irp_list cimport IrpList
from iosim.objects cimport Event

cdef int64_t STATUS_SUCCESS
cdef CompletionPort NO_PORT

cdef class Driver(Canceller):
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    cpdef int64_t completed(self, DeviceObject device, Irp irp)
    cpdef int64_t start_cost(self)
    @cython.locals(lower=DeviceObject, driver=Driver)
    cpdef int64_t sized_cost(self, DeviceObject device, int64_t major, int64_t size)
    cpdef void cleanup(self, DeviceObject device, FileObject file)
    cpdef int64_t fast_io(self, DeviceObject device, FileObject file, int64_t major, int64_t offset, int64_t size, StatusBlock block)
    cpdef int64_t fast_control(self, DeviceObject device, FileObject file, int64_t code, int64_t size, StatusBlock block)

cdef class UsersDriver(Driver):
    cdef public object driver
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    cpdef int64_t completed(self, DeviceObject device, Irp irp)
    cpdef int64_t fast_io(self, DeviceObject device, FileObject file, int64_t major, int64_t offset, int64_t size, StatusBlock block)
    cpdef int64_t fast_control(self, DeviceObject device, FileObject file, int64_t code, int64_t size, StatusBlock block)
    cpdef int64_t _status(self, object routine, object answer)

cdef class DeviceObject:
    cdef public Driver bottom, driver, entry
    cdef public int64_t base, dispatch_ns, down_ns, method, scan_ps, size, stack_size, up_ns
    cdef public DeviceObject lower
    cdef public bint sized

cdef class FileObject:
    # Counts, numbers and codes have 32 bits; what is in bytes has 64.
    cdef public int32_t handles, modes, number, sector
    cdef public uint32_t final_status
    cdef public int64_t ahead_to, base, in_order, next_offset, read_ahead, size
    cdef public DeviceObject device
    cdef public FileControl control
    cdef public flag background, cache_map, cached, gone, plain, signalled, synchronous, waited, write_through
    cdef public CompletionPort port
    cdef public object key
    cdef public IrpList irps
    cdef public Event event
    cpdef void signal(self, int64_t increment)
    cpdef void reset(self)

