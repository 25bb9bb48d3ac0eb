
cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.cache_manager cimport CacheManager, spanned
from iosim.device_stack cimport FileObject
from iosim.file_control cimport FileControl
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, StackLocation
from iosim.kernel_queue cimport KernelThread
from iosim.kernel_work cimport KernelWork
from iosim.ntstatus cimport is_error
from iosim.page_cache cimport PageCache
from iosim.paging cimport PageFaults, WriteOut, keys_of
from iosim.write_throttle cimport WriteThrottle

cdef int64_t ADMIT, BLOCKED, COPY, EDGES, FAULT, LAST, OVER, OWES, PAGE, READY, THROUGH
cdef KernelWork NO_WORK

cdef class CachedTransfer(KernelWork):
    cdef public CacheManager cache
    cdef public Irp irp
    cdef public int64_t offset, size, stage
    cpdef void owe_copy(self, KernelThread thread)
    @cython.locals(irp=Irp)
    cpdef void end(self)

cdef class CachedRead(CachedTransfer):
    cdef public PageFaults faults
    @cython.locals(faults=PageFaults, outcome=int64_t, transform=int64_t)
    cpdef int64_t go_on(self, KernelThread thread)

cdef class CachedWrite(CachedTransfer):
    cdef public KernelWork last, through
    cdef public int64_t pages
    cdef public list edges
    cpdef int64_t go_on(self, KernelThread thread)
    @cython.locals(throttle=WriteThrottle, control=FileControl)
    cpdef bint _admit(self, KernelThread thread)
    @cython.locals(faults=PageFaults, outcome=int64_t)
    cpdef int64_t _read_edges(self, KernelThread thread)
    @cython.locals(cache=CacheManager, file=FileObject, keys=list)
    cpdef void _soil(self)
    @cython.locals(through=KernelWork, last=KernelWork, outcome=int64_t)
    cpdef int64_t _finish(self, KernelThread thread)

cdef class FileFlush(KernelWork):
    cdef public CacheManager cache
    cdef public Irp irp
    cdef public WriteOut out
    cdef public KernelWork last
    @cython.locals(out=WriteOut, last=KernelWork, outcome=int64_t)
    cpdef int64_t go_on(self, KernelThread thread)
    @cython.locals(irp=Irp)
    cpdef void end(self)
