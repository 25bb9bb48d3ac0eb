cimport cython
from libc.stdint cimport int64_t

from iosim.kernel_queue cimport Packet

cdef Packet NO_PACKET

cdef class LookasideList:
    cdef public int64_t allocate_misses, depth, free_misses, total_allocates, total_frees
    cdef public list entries

cdef class PrivateList(LookasideList):
    cdef public LookasideList shared
    cdef public list pool
    cpdef Packet take(self)
    @cython.locals(shared=LookasideList)
    cpdef Packet take_shared(self)
    cpdef void give(self, Packet block)
    @cython.locals(shared=LookasideList)
    cpdef void give_shared(self, Packet block)

cdef class Lookaside:
    cdef public LookasideList shared
    cdef public list pool, private

