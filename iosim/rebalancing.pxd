cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor
from iosim.nic cimport Nic

cdef int64_t TIMER

cdef class Rebalancer(Actor):
    cdef public Nic nic
    cdef public int64_t moves, period, slack
    cpdef void start(self)
    @cython.locals(nic=Nic, index=int64_t)
    cpdef void fire(self, int64_t what)
    @cython.locals(nic=Nic, loads=list, busiest=int64_t, idlest=int64_t, difference=int64_t, best=int64_t, nearest=int64_t, index=int64_t, hits=int64_t)
    cpdef void balance(self)
    @cython.locals(nic=Nic, found=list, index=int64_t)
    cpdef list loads(self)
