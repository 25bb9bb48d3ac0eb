cimport cython
from libc.stdint cimport int64_t


cdef int64_t BITS, BUCKETS_PER_DOUBLING

cdef class Histogram:
    cdef public int64_t[::1] counts
    cdef public int64_t count, max
    cdef public object total
    cdef public list at_most, edges
    @cython.locals(place=int64_t, edge=int64_t)
    cpdef void record(self, int64_t value)
    @cython.locals(bucket=int64_t, place=int64_t, count=int64_t)
    cpdef void merge(self, Histogram other)
    @cython.locals(rank=int64_t, left=int64_t, bucket=int64_t)
    cpdef (int64_t, int64_t) quantile(self, double q)
    @cython.locals(edge=int64_t, count=int64_t)
    cpdef (int64_t, int64_t) _between_edges(self, int64_t rank, int64_t low, int64_t high)
    @cython.locals(below=int64_t, bucket=int64_t)
    cpdef int64_t above(self, int64_t level)
    cpdef list buckets(self)
    @cython.locals(used=list, whole=dict)
    cpdef dict encode(self)

cpdef int64_t rank_of(int64_t count, double q)
@cython.locals(shift=int64_t)
cpdef int64_t bucket_of(int64_t value)
@cython.locals(shift=int64_t)
cpdef int64_t low_of(int64_t bucket)
@cython.locals(shift=int64_t)
cpdef int64_t high_of(int64_t bucket)
@cython.locals(histogram=Histogram)
cpdef Histogram decode(dict encoded)
