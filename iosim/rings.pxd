cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.frame_queue cimport FrameQueue
from iosim.frames cimport Frame

cdef int64_t DATAGRAM, RING
cdef Request NO_REQUEST

cdef class RxRing:
    cdef public int64_t dma, dma_ps, dropped, dropped_bytes, free, ready, received, size, used_most
    cdef public FrameQueue coming, frames
    @cython.locals(ready=int64_t)
    cpdef void expect(self, Frame frame)
    @cython.locals(coming=FrameQueue, frames=FrameQueue, frame=Frame, request=Request)
    cpdef void settle(self, int64_t now)
    @cython.locals(frame=Frame)
    cpdef int64_t first_ready(self)
    @cython.locals(waiting=int64_t, frame=Frame)
    cpdef int64_t ready_of(self, int64_t index)
    @cython.locals(frame=Frame)
    cpdef int64_t last_in_memory(self)
    @cython.locals(frame=Frame)
    cpdef bint holds(self, int64_t now)
    @cython.locals(frames=FrameQueue, taken=list, frame=Frame)
    cpdef list take(self, int64_t most, int64_t now)
    cpdef void refill(self, int64_t count, int64_t now)

cdef class TxRing:
    cdef public int64_t free, sent, size
    cdef public FrameQueue frames
    cpdef void put(self, Frame frame, int64_t done)
    @cython.locals(frame=Frame)
    cpdef int64_t first_done(self)
    @cython.locals(frames=FrameQueue, taken=list, frame=Frame)
    cpdef list take(self, int64_t now)
