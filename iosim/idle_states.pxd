cimport cython
from libc.stdint cimport int64_t

from iosim.accounts cimport scale
from iosim.attribution cimport Request
from iosim.processor cimport Processor
from iosim.thread cimport Thread

cdef int64_t FULL_PACE, IDLE, IDLE_STATE_EXIT, THREAD, WAKING

cdef class SleepyProcessor(Processor):
    cdef public int64_t idle_exit, woken
    cpdef void take(self, Thread thread)
    @cython.locals(thread=Thread)
    cpdef void fire(self, int64_t what)
    cpdef void _leave_idle(self)
    @cython.locals(thread=Thread)
    cpdef void _stop_for_interrupt(self)
    @cython.locals(passed=int64_t, request=Request)
    cpdef void _book_exit(self)
    cpdef void set_pace(self, int64_t pace)
    cpdef void settle(self)

