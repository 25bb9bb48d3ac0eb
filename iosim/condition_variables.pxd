cimport cython
from libc.stdint cimport int64_t

from iosim.dispatcher cimport Dispatcher
from iosim.kernel_queue cimport KernelThread, WaitOwner
from iosim.locks cimport ContendedLock

cdef int64_t BLOCKED_CALL, INFINITE, STATUS_PENDING, STATUS_RESOURCE_NOT_OWNED, STATUS_SUCCESS, STATUS_TIMEOUT
cdef WaitOwner NO_OWNER

cdef class ConditionVariable(WaitOwner):
    cdef public Dispatcher dispatcher
    cdef public object sleepers
    cpdef int64_t sleep(self, KernelThread thread, ContendedLock lock, bint shared, int64_t timeout)
    cpdef void wake(self)
    @cython.locals(sleepers=list, thread=KernelThread)
    cpdef void wake_all(self)
    @cython.locals(wait=WaitOwner)
    cpdef void _wake(self, KernelThread thread)
    cpdef bint wait_again(self, KernelThread thread, int64_t status)
    cpdef void end_wait(self, KernelThread thread, int64_t status)
    cpdef void _end(self, KernelThread thread, int64_t status)

