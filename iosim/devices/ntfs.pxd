
cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.cache_manager cimport CacheManager, spanned
from iosim.cache_work cimport CachedRead, CachedWrite, FileFlush
from iosim.device_stack cimport DeviceObject, Driver, FileObject
from iosim.ntfs_metadata cimport Log
from iosim.ntfs_own cimport OwnFlush, OwnTransfer
from iosim.extents cimport send_to_extents
from iosim.file_control cimport FileControl
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, StackLocation, StatusBlock
from iosim.kernel_queue cimport KernelThread
from iosim.kernel_work cimport KernelWork
from iosim.read_ahead cimport look_ahead
from iosim.write_throttle cimport WriteThrottle

cdef int64_t FLUSH, LOG_WRITE_THROUGH, NOT_FAST, NO_ROUTINE, READ, STATUS_PENDING, STATUS_SUCCESS, STAYS_IN_CALL, WRITE
cdef KernelThread NO_THREAD
cdef KernelWork NO_WORK

cdef class Ntfs(Driver):
    cdef public int64_t completion_ns, dispatch_ns
    cdef public IoManager io
    cdef public CacheManager cache
    cdef public Log log
    @cython.locals(file=FileObject, location=StackLocation, write=bint, end=int64_t, last=KernelWork, control=FileControl)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    @cython.locals(file=FileObject)
    cpdef int64_t _to_volume(self, DeviceObject device, Irp irp)
    cpdef int64_t completed(self, DeviceObject device, Irp irp)
    cpdef int64_t fast_io(self, DeviceObject device, FileObject file, int64_t major, int64_t offset, int64_t size, StatusBlock block)
    @cython.locals(file=FileObject, location=StackLocation)
    cpdef int64_t _cached(self, Irp irp)
    cpdef int64_t _done(self, Irp irp, int64_t size)
    @cython.locals(file=FileObject, stays=bint, work=CachedRead)
    cpdef int64_t _read(self, Irp irp)
    @cython.locals(cache=CacheManager, file=FileObject, control=FileControl, location=StackLocation, end=int64_t, logged=bint, last=KernelWork, pages=int64_t, work=CachedWrite, throttle=WriteThrottle)
    cpdef int64_t _write(self, Irp irp)
    cpdef int64_t _flush(self, Irp irp)
    @cython.locals(file=FileObject)
    cpdef bint _pends(self, Irp irp, bint stays)
    @cython.locals(file=FileObject, log=Log)
    cpdef KernelWork _log_write(self, Irp irp, bint write, int64_t end)
    cpdef int64_t _in_call(self, Irp irp, KernelWork work)
    cpdef int64_t _post(self, Irp irp, KernelWork work)
