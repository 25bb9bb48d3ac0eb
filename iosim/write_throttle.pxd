
cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.dispatcher cimport Dispatcher
from iosim.file_control cimport FileControl
from iosim.kernel_queue cimport KernelQueue, KernelThread
from iosim.kernel_work cimport KernelWork
from iosim.page_cache cimport PageCache

cdef int64_t WRITE_THROTTLE
cdef KernelThread NO_THREAD

cdef class Deferred:
    cdef public KernelWork work
    cdef public FileControl control
    cdef public int64_t pages
    cdef public KernelThread thread

cdef class WriteThrottle:
    cdef public Dispatcher dispatcher
    cdef public PageCache pages
    cdef public int64_t promised, threshold, throttled
    cdef public object deferred
    cpdef bint accepts(self, FileControl control, int64_t pages)
    @cython.locals(dirty=int64_t)
    cpdef bint _fits(self, FileControl control, int64_t pages)
    cpdef int64_t wanted(self)
    cpdef void defer(self, KernelThread thread, KernelWork work, FileControl control, int64_t pages, bint waits)
    @cython.locals(it=Deferred, request=Request)
    cpdef void release(self, KernelQueue queue)
