from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.interrupts cimport Interrupt
from iosim.processor cimport Processor

cdef int64_t DEVICE

cdef class Coalescer(Actor):
    cdef public Clock clock
    cdef public int64_t count, present, time
    cdef public Interrupt interrupt
    cdef public Processor processor
    cpdef void told(self)
    cpdef void fire(self, int64_t what)
    cpdef void _tell(self)
