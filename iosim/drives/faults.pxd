cimport cython
from libc.stdint cimport int64_t

from iosim.variates cimport Variate

cdef class Fault:
    cdef public int64_t concerns, failed
    cpdef bint strikes(self, int64_t number, int64_t offset, int64_t size, int64_t write)
    cpdef void written(self, int64_t offset, int64_t size)

cdef class RandomFault(Fault):
    cdef public Variate chance
    cpdef bint strikes(self, int64_t number, int64_t offset, int64_t size, int64_t write)

cdef class BadRange(Fault):
    cdef public list bad
    cdef public bint healed
    @cython.locals(struck=bint, start=int64_t, end=int64_t)
    cpdef bint strikes(self, int64_t number, int64_t offset, int64_t size, int64_t write)
    @cython.locals(left=list, start=int64_t, end=int64_t)
    cpdef void written(self, int64_t offset, int64_t size)

cdef class Faults:
    cdef public list faults
    cdef public int64_t commands
    @cython.locals(number=int64_t, concerned=int64_t, fault=Fault)
    cpdef int64_t outcome(self, int64_t offset, int64_t size, int64_t write)
