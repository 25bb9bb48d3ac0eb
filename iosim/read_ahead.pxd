
cimport cython
from libc.stdint cimport int64_t

from iosim.cache_manager cimport CacheManager
from iosim.device_stack cimport FileObject
from iosim.kernel_queue cimport KernelQueue, KernelThread
from iosim.paging cimport PageFaults

cdef int64_t IN_ORDER, OWES, PAGE

@cython.locals(end=int64_t, part=int64_t, start=int64_t, stop=int64_t, first=int64_t, last=int64_t, queue=KernelQueue)
cpdef void look_ahead(CacheManager cache, FileObject file, int64_t offset, int64_t size)

cdef class ReadAhead(PageFaults):
    @cython.locals(outcome=int64_t)
    cpdef int64_t next(self, KernelThread thread)
    cpdef void end(self)
