cimport cython
from libc.stdint cimport int64_t

from iosim.dispatcher cimport Dispatcher
from iosim.kernel_queue cimport KernelThread, WaitOwner

cdef int64_t BLOCKED_CALL, EVENT_INCREMENT, SEMAPHORE_INCREMENT, STATUS_ABANDONED_WAIT_0, STATUS_INVALID_PARAMETER
cdef int64_t STATUS_MUTANT_NOT_OWNED, STATUS_PENDING, STATUS_SEMAPHORE_LIMIT_EXCEEDED, STATUS_SUCCESS
cdef int64_t STATUS_TIMEOUT, STATUS_USER_APC
cdef KernelThread NO_THREAD
cdef WaitOwner NO_OWNER

cdef class DispatcherObject:
    cdef public Dispatcher dispatcher
    cdef public list waits
    cpdef bint signalled(self, KernelThread thread)
    cpdef int64_t satisfy(self, KernelThread thread)
    cpdef void joined(self)
    @cython.locals(served=list, wait=Wait, thread=KernelThread)
    cpdef void serve(self, int64_t increment=*)

cdef class Wait(WaitOwner):
    cdef public KernelThread thread
    cdef public list objects
    cdef public bint over, wait_all
    @cython.locals(thread=KernelThread, place=int64_t, each=DispatcherObject)
    cpdef int64_t satisfied(self)
    @cython.locals(thread=KernelThread, each=DispatcherObject, status=int64_t)
    cpdef int64_t _all(self)
    @cython.locals(each=DispatcherObject)
    cpdef void begin(self)
    @cython.locals(status=int64_t)
    cpdef bint ends_now(self)
    @cython.locals(each=DispatcherObject)
    cpdef void break_off(self, KernelThread thread)
    @cython.locals(found=int64_t, dispatcher=Dispatcher)
    cpdef bint wait_again(self, KernelThread thread, int64_t status)
    cpdef void end_wait(self, KernelThread thread, int64_t status)
    @cython.locals(thread=KernelThread)
    cpdef void _end(self, int64_t status)

cdef class TwoState(DispatcherObject):
    cdef public bint manual, state
    cpdef bint signalled(self, KernelThread thread)
    cpdef int64_t satisfy(self, KernelThread thread)

cdef class Event(TwoState):
    cpdef void set(self, int64_t increment=*)
    cpdef void reset(self)

cdef class Semaphore(DispatcherObject):
    cdef public int64_t count, limit
    cpdef bint signalled(self, KernelThread thread)
    cpdef int64_t satisfy(self, KernelThread thread)
    cpdef int64_t release(self, int64_t count)

cdef class Mutex(DispatcherObject):
    cdef public KernelThread owner
    cdef public int64_t depth
    cdef public bint abandoned
    cpdef bint signalled(self, KernelThread thread)
    cpdef int64_t satisfy(self, KernelThread thread)
    cpdef int64_t release(self, KernelThread thread)
    cpdef void abandon(self)

cdef class Latch(TwoState):
    cpdef void set(self, bint state)

@cython.locals(wait=Wait, status=int64_t, dispatcher=Dispatcher)
cpdef int64_t wait_for(KernelThread thread, list objects, bint wait_all, int64_t timeout, bint alertable)
