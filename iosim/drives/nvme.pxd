cimport cython
from libc.stdint cimport int64_t

from iosim.drives.drive cimport Command, Drive

cdef int64_t DEVICE, GOLDEN, LOW_31_BITS, LOW_32_BITS, MEDIA_DONE, TRANSFERRED

cdef class Nvme(Drive):
    cdef public int64_t link_free_at, link_ps_per_byte, link_remainder, program, read, stripe, units
    cdef public int64_t[::1] unit_free_at
    cpdef int64_t unit_of(self, int64_t stripe)
    @cython.locals(arrival=int64_t, service=int64_t, stripe=int64_t, last=int64_t, start=int64_t, done=int64_t)
    cpdef void begin(self, Command command)
    @cython.locals(command=Command)
    cpdef void fire(self, int64_t what)
    @cython.locals(unit=int64_t, start=int64_t)
    cpdef int64_t _occupy(self, int64_t stripe, int64_t arrival, int64_t service)
    @cython.locals(now=int64_t, start=int64_t, ps=int64_t)
    cpdef void _transfer(self, Command command)
    cpdef void forget(self)
