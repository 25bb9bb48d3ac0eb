from libc.stdint cimport int64_t

from iosim.frames cimport Frame
from iosim.processor cimport Processor

cdef class FrameSink:
    cpdef int64_t cost(self, list frames)
    cpdef void indicate(self, list frames, Processor processor)
    cpdef void sent(self, Frame frame)

cdef class FrameSource:
    cpdef int64_t transmit_cost(self, Frame frame)
    cpdef int64_t large_send(self)
    cpdef int64_t large_send(self)
    cpdef void transmit(self, Frame frame, int64_t processor)
    cpdef void keep(self, Frame frame)
    cpdef void give_back(self, Frame frame)
