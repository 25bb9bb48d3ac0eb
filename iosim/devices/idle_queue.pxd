cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.irp cimport Irp

cdef int64_t TIMER
cdef Irp NO_IRP

cdef class IdleQueue(Actor):
    cdef public Clock clock
    cdef public int64_t interval, last_turn, normal, quiet_since, starvation
    cdef public object entries
    cdef public Irp served, starting
    cdef public IdleListener waits
    cpdef void insert(self, Irp irp)
    cpdef void normal_came(self)
    cpdef void left(self, Irp irp)
    @cython.locals(waits=IdleListener)
    cpdef void fire(self, int64_t what)
    @cython.locals(starved=int64_t)
    cpdef int64_t _due(self)
    cpdef void _arm(self)

cdef class IdleListener:
    cpdef void turn_came(self, Irp irp)
