cimport cython
from libc.stdint cimport int64_t

cdef class Geometry:
    cdef public int64_t blocks, cylinder, head, heads, index_mark, left, revolution, run, sector, sectors
    cdef public list first_blocks
    cdef public int64_t[::1] cylinder_turns, first_cylinders, range_blocks, range_tracks, track_sectors, track_skews
    @cython.locals(rest=int64_t)
    cpdef int64_t cylinder_end(self, int64_t block)
    @cython.locals(zone=int64_t, sectors=int64_t, size=int64_t, place=int64_t, track=int64_t, sector=int64_t, run=int64_t, cylinder=int64_t, head=int64_t, turn=int64_t)
    cpdef void locate(self, int64_t block)
