cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.frames cimport Frame

cdef int64_t BITS_AND_PS, DATAGRAM, LINK, PS, WIRE_OVERHEAD
cdef Request NO_REQUEST
cdef FrameReceiver NO_RECEIVER

cdef class FrameReceiver:
    cpdef void receive(self, Frame frame)

cdef class Link:
    cdef public int64_t busy_ps, bytes, frames, free_ps, lost, propagation, ps_per_byte
    cdef public bint up
    cdef public FrameReceiver end
    @cython.locals(time=int64_t, begun=int64_t, left=int64_t)
    cpdef int64_t carry(self, Frame frame, int64_t ready)
    @cython.locals(request=Request)
    cpdef void lose(self, Frame frame, int64_t left)
