
cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor
from iosim.cache_manager cimport CacheManager
from iosim.device_stack cimport FileObject
from iosim.kernel_queue cimport KernelQueue
from iosim.page_cache cimport PageCache
from iosim.paging cimport WriteOut

cdef int64_t FILE_SHIFT, SHARE, TIMER

cdef class LazyWriter(Actor):
    cdef public CacheManager cache
    cdef public bint awake
    cdef public int64_t period, queued, total
    cdef public dict chosen
    cpdef void dirtied(self)
    @cython.locals(ever=int64_t, produced=int64_t)
    cpdef void fire(self, int64_t what)
    cpdef void hurry(self)
    @cython.locals(cache=CacheManager, pages=PageCache, dirty=int64_t, due=int64_t, by_file=dict, key=int64_t, number=int64_t, file=FileObject, keys=list, queue=KernelQueue)
    cpdef void look(self, int64_t more, bint hurried)
    @cython.locals(key=int64_t)
    cpdef void ended(self, list keys)

cdef class LazyWrite(WriteOut):
    cdef public LazyWriter writer
    cpdef void end(self)
