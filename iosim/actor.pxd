from libc.stdint cimport int64_t


cdef class Actor:
    cdef public int64_t generation
    cpdef void fire(self, int64_t what)

cdef class Clock:
    cdef public int64_t events, now, sequence
    cdef public bint running
    cpdef void at(self, int64_t delay, int64_t rank, Actor actor, int64_t what)
    cpdef void run(self, int64_t limit)
    cpdef str digest(self)
    cpdef void stop(self)

