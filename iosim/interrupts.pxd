cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor

cdef class Interrupt
cdef class Messenger(Actor)
cdef class InterProcessorInterrupt(Interrupt)

from iosim.processor cimport Processor

cdef class Interrupt:
    cdef public int64_t cost
    cdef public bint pending
    cpdef void service(self, Processor processor)

cdef class Messenger(Actor):
    cdef public Processor processor
    cdef public bint waits
    @cython.locals(processor=Processor)
    cpdef void fire(self, int64_t what)

cdef class InterProcessorInterrupt(Interrupt):
    cpdef void service(self, Processor processor)

