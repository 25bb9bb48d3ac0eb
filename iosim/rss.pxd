cimport cython
from libc.stdint cimport int64_t

cdef int64_t NO_HASH, TCP, UDP

cdef class RssHash:
    cdef public object key
    cdef public int64_t[::1] table
    cpdef int64_t hash_ipv4(self, int64_t source, int64_t destination)
    cpdef int64_t hash_tcp_ipv4(self, int64_t source, int64_t destination, int64_t source_port, int64_t destination_port)
    cpdef int64_t hash_ipv6(self, bytes source, bytes destination)
    cpdef int64_t hash_tcp_ipv6(self, bytes source, bytes destination, int64_t source_port, int64_t destination_port)
    cpdef int64_t hash_bytes(self, bytes data)
    @cython.locals(row=int64_t, table=int64_t[::1])
    cpdef int64_t add_word(self, int64_t position, int64_t word)
    @cython.locals(row=int64_t, result=int64_t, byte=int64_t)
    cpdef int64_t add_bytes(self, int64_t position, object data)

cpdef object toeplitz_table(bytes key)

cdef class IndirectionTable:
    cdef public int64_t base, mask, queues
    cdef public int64_t[::1] entries
    cpdef void fill(self, list processors)
    cpdef int64_t index_of(self, int64_t hash_value)
    cpdef int64_t processor_of(self, int64_t hash_value)
    cpdef void move(self, int64_t index, int64_t processor)

cdef class Rss:
    cdef public RssHash rss_hash
    cdef public IndirectionTable table
    cdef public int64_t default_processor
    cdef public bint ipv4, ipv6, tcp_ipv4, tcp_ipv6, udp_ipv4, udp_ipv6
    @cython.locals(ports=bint)
    cpdef int64_t hash_ipv4(self, int64_t protocol, int64_t source, int64_t destination, int64_t source_port, int64_t destination_port, bint fragment)
    @cython.locals(ports=bint)
    cpdef int64_t hash_ipv6(self, int64_t protocol, bytes source, bytes destination, int64_t source_port, int64_t destination_port, bint fragment)
    cpdef int64_t processor_of(self, int64_t hash_value)
