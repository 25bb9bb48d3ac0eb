cimport cython
from libc.stdint cimport int64_t

from iosim.kernel_queue cimport KernelThread
from iosim.locks cimport ContendedLock, asleep

cdef int64_t ACQUIRED
cdef KernelThread NO_THREAD

cdef class ReaderWriterLock(ContendedLock):
    cdef public KernelThread owner
    cdef public dict sharers, wants_shared
    cpdef bint holds(self, KernelThread thread, bint shared)
    cpdef bint try_acquire(self, KernelThread thread, bint shared=*)
    cpdef bint _admits(self, KernelThread thread, bint shared)
    cpdef bint _free(self)
    @cython.locals(each=KernelThread)
    cpdef bint _writer_before(self, KernelThread thread)
    cpdef void _hold(self, KernelThread thread, bint shared)
    cpdef void _give_up(self, KernelThread thread, bint shared)
    cpdef int64_t _queue(self, KernelThread thread, bint shared, bint waits)
    cpdef int64_t _go_in(self, KernelThread thread)
    @cython.locals(leading=list, thread=KernelThread)
    cpdef list _leading(self)
    @cython.locals(thread=KernelThread)
    cpdef void _hand_to(self, list threads)

cdef class SlimLock(ReaderWriterLock):
    cdef public dict called
    @cython.locals(waits=bint)
    cpdef int64_t acquire(self, KernelThread thread, bint shared=*)
    cpdef bint release(self, KernelThread thread, bint shared=*)
    cpdef bint _admits(self, KernelThread thread, bint shared)
    @cython.locals(thread=KernelThread)
    cpdef void _call(self, list threads)
    cpdef bint _somebody_tries(self)
    @cython.locals(thread=KernelThread)
    cpdef void _call_sleeper(self)

