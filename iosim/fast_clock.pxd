from libc.stdint cimport int64_t, uint64_t
from iosim.actor cimport Actor, Clock

cdef struct Node:
    int64_t time
    int64_t order
    int64_t slot

cdef struct Call:
    int64_t what
    int64_t generation

cdef class FastClock(Clock):
    cdef public int64_t moves
    cdef Node* heap
    cdef Call* calls
    cdef list actors
    cdef Py_ssize_t size, room
    cdef int64_t free
    cdef bint hole
    cdef uint64_t total, weighted
    cpdef void at(self, int64_t delay, int64_t rank, Actor actor, int64_t what)
    cpdef void run(self, int64_t limit)
    cpdef str digest(self)
    cdef void grow(self)
    cdef void sink(self, Node node) noexcept
    cdef void drop_first(self) noexcept
