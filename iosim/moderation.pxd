cimport cython
from libc.stdint cimport int64_t

cdef int64_t NEVER, S, US

cdef class Moderation:
    cdef public int64_t count
    cpdef Moderation another(self)
    cpdef int64_t moment(self, int64_t first)
    cpdef void raised(self, int64_t now)
    cpdef void served(self, int64_t frames, int64_t size)

cdef class ThrottleGap(Moderation):
    cdef public int64_t gap, last
    cpdef Moderation another(self)
    @cython.locals(earliest=int64_t)
    cpdef int64_t moment(self, int64_t first)
    cpdef void raised(self, int64_t now)

cdef class DelayTimer(Moderation):
    cdef public int64_t delay
    cpdef Moderation another(self)
    cpdef int64_t moment(self, int64_t first)

cdef class Adaptive(ThrottleGap):
    cdef public tuple rates
    cdef public int64_t kind, rate
    cpdef Moderation another(self)
    @cython.locals(wanted=int64_t)
    cpdef void served(self, int64_t frames, int64_t size)

cpdef int64_t next_class(int64_t kind, int64_t frames, int64_t size)
cpdef int64_t _after_low_latency(int64_t frames, int64_t size)
