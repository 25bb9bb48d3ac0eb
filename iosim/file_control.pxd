
cimport cython
from libc.stdint cimport int64_t

cdef class FileControl:
    cdef public int64_t dirty, dirty_limit, extent, number, size, transform_ps, valid
    cdef public bint drawn, extends_synchronously, reports_pending, special, temporary, transformed
    cpdef void settle(self)
    cdef public object places
    cpdef int64_t place(self, int64_t offset)
    @cython.locals(there=int64_t, number=int64_t)
    cpdef int64_t within(self, int64_t offset, int64_t size)
    cpdef void set_valid(self, int64_t valid)
    cpdef bint forces(self, bint write, int64_t end)
