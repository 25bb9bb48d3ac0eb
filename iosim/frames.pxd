cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request

cdef int64_t SHORTEST
cdef Request NO_REQUEST

cdef class Frame:
    cdef public int64_t acknowledged, arrived, count, flow, hash, kind, left, mergeable, payload, pushed, ready, resources
    cdef public int64_t segment, sequence, size, window
    cdef public Request request

@cython.locals(frame=Frame, size=int64_t)
cpdef Frame new_frame(int64_t kind, int64_t flow, int64_t payload, int64_t headers)

@cython.locals(copy=Frame)
cpdef Frame copy_of(Frame frame)
