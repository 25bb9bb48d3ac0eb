cimport cython
from libc.stdint cimport int64_t

from iosim.cache_manager cimport CacheManager
from iosim.device_stack cimport DeviceObject, Driver, FileObject
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, StatusBlock

cdef int64_t NOT_FAST, NO_ROUTINE, READ, STATUS_PENDING, STATUS_SUCCESS

cdef class Ntfs(Driver):
    cdef public int64_t completion_ns, dispatch_ns
    cdef public IoManager io
    cdef public CacheManager cache
    @cython.locals(file=FileObject)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    cpdef int64_t fast_io(self, DeviceObject device, FileObject file, int64_t major, int64_t offset, int64_t size, StatusBlock block)
    cpdef int64_t _cached(self, Irp irp)

