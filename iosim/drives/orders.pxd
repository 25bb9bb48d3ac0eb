cimport cython
from libc.stdint cimport int64_t

from iosim.drives.mechanism cimport Mechanism

cdef int64_t BEHIND

cdef class Order:
    cpdef int64_t choose(self, Mechanism mechanism, list jobs)

cdef class ShortestSeek(Order):
    @cython.locals(cylinders=int64_t[::1], arm=int64_t, best=int64_t, nearest=int64_t, index=int64_t, distance=int64_t)
    cpdef int64_t choose(self, Mechanism mechanism, list jobs)

cdef class CircularLook(Order):
    @cython.locals(cylinders=int64_t[::1], arm=int64_t, best=int64_t, nearest=int64_t, index=int64_t, distance=int64_t)
    cpdef int64_t choose(self, Mechanism mechanism, list jobs)

cdef class ShortestPositioning(Order):
    @cython.locals(best=int64_t, soonest=int64_t, index=int64_t, time=int64_t)
    cpdef int64_t choose(self, Mechanism mechanism, list jobs)
