cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor
from iosim.dispatcher cimport Dispatcher
from iosim.objects cimport TwoState

cdef int64_t TIMER

cdef class Timer(TwoState):
    cdef public bint active
    cdef public int64_t period
    cdef public Expiry expiry
    @cython.locals(was_active=bint)
    cpdef bint set(self, int64_t due, int64_t period)
    @cython.locals(was_active=bint)
    cpdef bint cancel(self)
    @cython.locals(dispatcher=Dispatcher)
    cpdef void _arm(self, int64_t due)
    cpdef void expire(self)

cdef class Expiry(Actor):
    cdef public Timer timer
    cpdef void fire(self, int64_t what)

