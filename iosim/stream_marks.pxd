cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request

cdef Request NO_REQUEST

cdef class StreamMarks:
    cdef public list ends, requests
    cdef public int64_t head, mask, tail
    @cython.locals(place=int64_t)
    cpdef void append(self, int64_t end, Request request)
    @cython.locals(number=int64_t, end=int64_t, request=Request)
    cpdef void _grow(self)
    cpdef void pop(self)
    cpdef bint empty(self)
    cpdef int64_t end_at(self, int64_t number)
    cpdef Request request_at(self, int64_t number)
    cpdef Request first(self)
    cpdef void replace_first(self, Request request)
