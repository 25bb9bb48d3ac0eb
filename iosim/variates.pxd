cimport cython
from libc.stdint cimport int64_t


cdef int64_t BIT, SPREAD

cdef class Variate:
    cpdef int64_t value(self, int64_t index)

cdef class Constant(Variate):
    cdef public int64_t amount
    cpdef int64_t value(self, int64_t index)

cdef class Column(Variate):
    cdef public int64_t[::1] values
    cpdef int64_t value(self, int64_t index)

cdef class Supply:
    cpdef int64_t[::1] block(self, int64_t number, int64_t bits)

cdef class Block:
    cdef public int64_t[::1] values

cdef class Drawn(Variate):
    cdef public Supply supply
    cdef public int64_t bits, capacity, mask, number
    cdef public Block block
    cdef public dict kept
    @cython.locals(number=int64_t)
    cpdef int64_t value(self, int64_t index)
    cpdef void _turn_to(self, int64_t number)

cdef class Sequential(Variate):
    cdef public int64_t places, size
    @cython.locals(client=int64_t, iteration=int64_t)
    cpdef int64_t value(self, int64_t index)

