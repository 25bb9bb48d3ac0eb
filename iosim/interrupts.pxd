from libc.stdint cimport int64_t

from iosim.actor cimport Actor

cdef class Interrupt:
    cdef public int64_t cost
    cdef public bint pending
    cpdef void service(self, object processor)

cdef class Messenger(Actor):
    cdef public object processor
    cdef public bint waits
    cpdef void fire(self, int64_t what)

cdef class InterProcessorInterrupt(Interrupt):
    cpdef void service(self, object processor)

