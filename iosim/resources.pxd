cimport cython
from libc.stdint cimport int64_t

from iosim.kernel_queue cimport KernelThread
from iosim.slim_locks cimport ReaderWriterLock

cdef int64_t ACQUIRED
cdef KernelThread NO_THREAD

cdef class Resource(ReaderWriterLock):
    cdef public int64_t depth, manner
    cpdef int64_t acquire(self, KernelThread thread, bint shared=*)
    cpdef int64_t _try_again(self, KernelThread thread, bint shared)
    cpdef bint try_acquire(self, KernelThread thread, bint shared=*)
    @cython.locals(outcome=int64_t)
    cpdef int64_t acquire_shared(self, KernelThread thread, int64_t manner)
    cpdef bint release(self, KernelThread thread, bint shared=*)
    @cython.locals(recursive=bint)
    cpdef bint _admits(self, KernelThread thread, bint shared)
    cpdef void _hold(self, KernelThread thread, bint shared)
    @cython.locals(present=list, readers=list, writers=list)
    cpdef void _hand_over(self, bint readers_first)

