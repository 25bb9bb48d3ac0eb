
from libc.stdint cimport int64_t

cdef class FileControl:
    cdef public int64_t dirty, dirty_limit, number, size, transform_ps, valid
    cdef public bint drawn, extends_synchronously, reports_pending, special, temporary, transformed
    cpdef void settle(self)
    cpdef void set_valid(self, int64_t valid)
    cpdef bint forces(self, bint write, int64_t end)
