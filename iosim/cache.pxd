cimport cython
from libc.stdint cimport int64_t

from iosim.numa cimport Topology
from iosim.thread cimport Thread

cdef class Caches:
    cdef public Topology topology
    cdef public int64_t l2, l3, l3_line, memory_line, processors_per_node
    cdef public int64_t[::1] core_fills, node_fills
    cdef public bint costs
    @cython.locals(footprint=int64_t, node=int64_t, before=int64_t, lost_core=int64_t, lost_node=int64_t, line=int64_t, home=int64_t)
    cpdef int64_t refill(self, Thread thread, int64_t processor)
    @cython.locals(growth=int64_t)
    cpdef int64_t grow(self, Thread thread, int64_t processor, int64_t private)
    cpdef void fill(self, int64_t processor, int64_t size)
    cpdef void left(self, Thread thread, int64_t processor)

cpdef int64_t lost(int64_t resident, int64_t fills, int64_t size)
