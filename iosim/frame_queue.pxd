cimport cython
from libc.stdint cimport int64_t

from iosim.frames cimport Frame

cdef class FrameQueue:
    cdef public list places
    cdef public int64_t count, head, mask
    cpdef void append(self, Frame frame)
    @cython.locals(place=int64_t, frame=Frame)
    cpdef Frame pop(self)
    @cython.locals(frame=Frame)
    cpdef Frame at(self, int64_t index)
    @cython.locals(index=int64_t)
    cpdef list listed(self)
    cpdef void clear(self)
