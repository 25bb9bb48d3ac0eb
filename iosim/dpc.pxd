cimport cython
from libc.stdint cimport int64_t


cdef int64_t DEPTH_LIMIT, LONG_AGO, MINIMUM_RATE

cdef class Dpc:
    cdef public bint aimed, queued, usual
    cdef public int64_t importance
    cdef public object argument, processor
    cpdef void aim(self, object processor)
    cpdef void unqueue(self)
    cpdef int64_t begin(self, object processor)
    cpdef void end(self, object processor)

cdef class DpcQueue:
    cdef public list due, later
    cdef public int64_t depth_limit, minimum_rate, rate, rated_requests, rated_tick, requests
    cpdef bint insert(self, Dpc dpc, bint own, bint draining, int64_t tick)
    cpdef bint _asks(self, int64_t importance, bint own, int64_t tick)
    @cython.locals(passed=int64_t, each=int64_t)
    cpdef int64_t request_rate(self, int64_t tick)
    cpdef void gather(self)
    cpdef void remove(self, Dpc dpc)

cpdef void put(list queue, Dpc dpc)
