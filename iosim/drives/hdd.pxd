cimport cython
from libc.stdint cimport int64_t

from iosim.drives.drive cimport Command, Drive
from iosim.drives.mechanism cimport Mechanism
from iosim.drives.orders cimport Order

cdef int64_t DEVICE, SECTOR

cdef class Hdd(Drive):
    cdef public Mechanism mechanism
    cdef public Order order
    cdef public int64_t after, age_limit, bus_ps_per_byte, revolution, taken
    cdef public list waiting
    cdef public int64_t[::1] overhead_of, overheads
    cpdef void begin(self, Command command)
    @cython.locals(generation=int64_t)
    cpdef void fire(self, int64_t what)
    cpdef void forget(self)
    @cython.locals(tag=int64_t, overhead=int64_t)
    cpdef void _join(self, Command command, int64_t block, int64_t kind)
    @cython.locals(overhead=int64_t)
    cpdef int64_t _decodes(self, Command command, int64_t kind)
    @cython.locals(mechanism=Mechanism, index=int64_t, oldest=int64_t)
    cpdef int64_t _choose(self, list jobs)
    @cython.locals(tag=int64_t)
    cpdef void _serve_next(self)
    @cython.locals(mechanism=Mechanism, now=int64_t, tag=int64_t, reached=int64_t, first_read=int64_t, count=int64_t, passed=int64_t, whole=int64_t, last=int64_t, finished=int64_t)
    cpdef void _serve(self, Command command)
