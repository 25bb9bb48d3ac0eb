cimport cython
from libc.stdint cimport int64_t

from iosim.drives.drive cimport Command, Drive

cdef int64_t DEVICE, MINUTE

cdef class SeekCurve:
    cdef public list distances, times
    @cython.locals(above=int64_t, near=int64_t, time=int64_t)
    cpdef int64_t time(self, int64_t distance)

cdef class Hdd(Drive):
    cdef public int64_t age_limit, arm, bus_ps_per_byte, free_at, head, head_switch, heads, revolution, taken
    cdef public int64_t track_skew, turn_of_cylinder
    cdef public SeekCurve seek
    cdef public object order
    cdef public list waiting, zone_blocks, zone_cylinders, zone_sectors
    cdef public int64_t[::1] angles, cylinders, head_of, ready, sectors, tracks
    @cython.locals(tag=int64_t, block=int64_t, zone=int64_t, sectors=int64_t, track=int64_t, sector=int64_t, cylinder=int64_t, head=int64_t)
    cpdef void begin(self, Command command)
    cpdef void fire(self, int64_t what)
    cpdef void forget(self)
    @cython.locals(tag=int64_t, time=int64_t)
    cpdef int64_t reaches(self, Command command)
    @cython.locals(now=int64_t, index=int64_t, command=Command, tag=int64_t, reached=int64_t, first_read=int64_t, whole=int64_t, last=int64_t, finished=int64_t)
    cpdef void _serve_next(self)
    cpdef int64_t _starts(self, int64_t tag)
    cpdef int64_t _move(self, int64_t cylinder, int64_t head)
    cpdef int64_t _index_mark(self, int64_t cylinder, int64_t head)
    @cython.locals(tag=int64_t, cylinder=int64_t, head=int64_t, sector=int64_t, track=int64_t, left=int64_t)
    cpdef int64_t _pass_media(self, Command command, int64_t time)
    cpdef int64_t _along(self, int64_t start, int64_t end, int64_t track)
    @cython.locals(blocks=list, zone=int64_t, cylinders=int64_t)
    cpdef list _first_blocks(self)

cpdef int64_t fcfs(Hdd drive)
@cython.locals(best=int64_t, soonest=int64_t, index=int64_t, time=int64_t)
cpdef int64_t sptf(Hdd drive)
