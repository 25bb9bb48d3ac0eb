cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.thread cimport Thread

cdef int64_t BIT, HIGHEST_STARVING, PRIORITIES, S, STARVING, TIMER
cdef Thread IDLE_THREAD

cdef class ReadyQueue:
    cdef public list levels
    cdef public int64_t mask
    cpdef void append(self, Thread thread)
    cpdef void push(self, Thread thread)
    cpdef Thread first(self)
    @cython.locals(priority=int64_t, thread=Thread)
    cpdef Thread take(self)
    cpdef void remove(self, Thread thread)
    @cython.locals(priority=int64_t, thread=Thread)
    cpdef Thread best_for(self, int64_t processor)

cdef class BalanceSetManager(Actor):
    cdef public object dispatcher
    cdef public Clock clock
    cdef public bint booked
    cdef public int64_t next_level
    cpdef void book(self)
    @cython.locals(thread=Thread)
    cpdef void fire(self, int64_t what)
    @cython.locals(since=int64_t, found=list, left=int64_t, first=int64_t, step=int64_t, level=int64_t, queue=ReadyQueue, thread=Thread)
    cpdef list starving(self)

