cimport cython
from libc.stdint cimport int64_t


cdef class Topology:
    cdef public int64_t groups, nodes, processors, processors_per_node
    cdef public int64_t[::1] table
    cdef public list group_of_node
    cpdef int64_t node_of(self, int64_t processor)
    cpdef int64_t distance(self, int64_t a, int64_t b)
    cpdef int64_t remote_ns(self, int64_t local_ns, int64_t a, int64_t b)


cdef class Buffer:
    cdef public int64_t node, size


cdef class NodeMemory:
    cdef public Topology topology
    cdef public int64_t bandwidth, excess_ns, here, link, peak, queue, spent, streams, there
    cdef public int64_t[::1] booked, far, free_at, latencies, lines, lines_before, near, window
    cpdef int64_t latency(self, int64_t a, int64_t b)
    @cython.locals(time=int64_t)
    cpdef int64_t stream_excess(self, int64_t now, int64_t size, int64_t a, int64_t b)
    @cython.locals(time=int64_t)
    cpdef int64_t chase_excess(self, int64_t now, int64_t lines, int64_t a, int64_t b)
    cpdef int64_t _counted(self, int64_t excess, int64_t size, int64_t a, int64_t b)
    cpdef int64_t busy(self, int64_t now, int64_t node)
    cpdef int64_t idle_chase(self, int64_t lines, int64_t a, int64_t b)
    cpdef int64_t idle_stream(self, int64_t size, int64_t a, int64_t b)
    cpdef int64_t excess(self, int64_t size, int64_t a, int64_t b)
    cpdef int64_t touch(self, int64_t now, Buffer buffer, int64_t a)
    cpdef int64_t stream(self, int64_t now, int64_t size, int64_t a, int64_t b)
    cpdef int64_t chase(self, int64_t now, int64_t lines, int64_t a, int64_t b)
    cpdef int64_t streamed(self, int64_t size, int64_t first, int64_t a, int64_t b)
    cpdef int64_t loaded(self, int64_t now, int64_t a, int64_t b)
    cpdef int64_t waiting(self, int64_t load)
    cpdef void turn(self, int64_t now, int64_t node)
    cpdef int64_t book(self, int64_t now, int64_t lines, int64_t node)

cpdef int64_t lines_of(int64_t size)
cpdef list default_distances(int64_t nodes)
cpdef void check_entry(int64_t a, int64_t b, object entry)
