from libc.stdint cimport int64_t


cdef class Topology:
    cdef public int64_t groups, nodes, processors, processors_per_node
    cdef public int64_t[::1] table
    cdef public list group_of_node
    cpdef int64_t node_of(self, int64_t processor)
    cpdef int64_t distance(self, int64_t a, int64_t b)
    cpdef int64_t remote_ns(self, int64_t local_ns, int64_t a, int64_t b)

cpdef list default_distances(int64_t nodes)
cpdef void check_entry(int64_t a, int64_t b, object entry)
