cimport cython
from libc.stdint cimport int64_t

cdef class SeekCurve:
    cdef public list distances, times
    cdef public int64_t furthest
    cdef public int64_t[::1] table
    @cython.locals(time=int64_t)
    cpdef int64_t time(self, int64_t distance)
    @cython.locals(above=int64_t, near=int64_t, time=int64_t)
    cpdef int64_t _between(self, int64_t distance)
