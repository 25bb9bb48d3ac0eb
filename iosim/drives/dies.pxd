cimport cython
from libc.stdint cimport int64_t

cdef class Dies:
    cdef public int64_t channel_ps_per_byte, channels, dies
    cdef public int64_t[::1] channel_free_at, free_at
    @cython.locals(start=int64_t)
    cpdef int64_t occupy(self, int64_t die, int64_t arrival, int64_t service)
    @cython.locals(channel=int64_t, start=int64_t, end=int64_t)
    cpdef int64_t cross(self, int64_t die, int64_t arrival, int64_t size)
