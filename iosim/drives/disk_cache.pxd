cimport cython
from libc.stdint cimport int64_t

cdef class ReadSegments:
    cdef public int64_t growing, limit, segments, size, touches
    cdef public int64_t[::1] ends, starts, used
    @cython.locals(segment=int64_t, comes=bint)
    cpdef int64_t find(self, int64_t block)
    cpdef void touch(self, int64_t segment)
    @cython.locals(oldest=int64_t, segment=int64_t)
    cpdef int64_t take(self, int64_t start, int64_t end)
    cpdef void grow(self, int64_t segment, int64_t end)
    @cython.locals(segment=int64_t)
    cpdef void drop(self, int64_t start, int64_t end)

cdef class WriteSegments:
    cdef public int64_t first_job, held, moving, segments, size
    cdef public int64_t[::1] ends, filling, starts
    cdef public list waiting
    @cython.locals(free=int64_t, segment=int64_t, first=int64_t, last=int64_t)
    cpdef int64_t room(self, int64_t start, int64_t end)
    @cython.locals(job=int64_t)
    cpdef void fill(self, int64_t segment, int64_t start, int64_t end)
    cpdef int64_t filled(self, int64_t segment)
    cpdef void written(self, int64_t segment)
    @cython.locals(segment=int64_t)
    cpdef int64_t holds(self, int64_t start, int64_t end)
    @cython.locals(segment=int64_t)
    cpdef void forget(self)
