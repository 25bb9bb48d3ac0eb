cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request
from iosim.dispatcher cimport Dispatcher
from iosim.kernel_queue cimport KernelThread
from iosim.probes cimport Probes

cdef int64_t BLOCKED, LOCK, PASSIVE, RUNNING, WAITING
cdef KernelThread NO_THREAD
cdef Probes NO_PROBES
cdef Request NO_REQUEST

cdef class ContendedLock:
    cdef public Clock clock
    cdef public Dispatcher dispatcher
    cdef public int64_t acquisitions, area, blocked, contended, number, since, sojourns, spin
    cdef public bint fair, watched
    cdef public object contenders
    cdef public Request last_request
    cdef public Probes probes
    cpdef int64_t acquire(self, KernelThread thread, bint shared=*)
    cpdef bint try_acquire(self, KernelThread thread, bint shared=*)
    cpdef bint release(self, KernelThread thread, bint shared=*)
    cpdef int64_t _contend(self, KernelThread thread, bint waits)
    cpdef bint _spins(self, KernelThread thread)
    cpdef void _tell(self, KernelThread thread)
    cpdef void _tell_spinner(self, KernelThread thread)
    cpdef list _present(self)
    cpdef void _entered(self, KernelThread thread)
    cpdef void _left(self, KernelThread thread)
    cpdef void _join(self, KernelThread thread)
    @cython.locals(now=int64_t)
    cpdef void _leave(self, KernelThread thread)
    @cython.locals(now=int64_t)
    cpdef void settle(self)

cdef class CriticalSection(ContendedLock):
    cdef public KernelThread called, owner
    cdef public int64_t depth
    @cython.locals(waits=bint)
    cpdef int64_t acquire(self, KernelThread thread, bint shared=*)
    cpdef bint try_acquire(self, KernelThread thread, bint shared=*)
    cpdef bint release(self, KernelThread thread, bint shared=*)
    cpdef void _own(self, KernelThread thread)
    @cython.locals(present=list)
    cpdef void _hand_over(self)
    @cython.locals(thread=KernelThread)
    cpdef void _invite(self)

cpdef bint asleep(KernelThread thread)
