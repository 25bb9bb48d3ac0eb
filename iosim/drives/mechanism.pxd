cimport cython
from libc.stdint cimport int64_t

from iosim.drives.geometry cimport Geometry
from iosim.drives.seek_curve cimport SeekCurve

cdef class Mechanism:
    cdef public Geometry geometry
    cdef public SeekCurve seek
    cdef public int64_t arm, block, free_at, head, head_switch, heads, revolution, time, write_settle
    cdef public int64_t[::1] angles, blocks, cylinders, head_of, ready, runs, sectors, settle, since, tracks
    @cython.locals(geometry=Geometry)
    cpdef void place(self, int64_t job, int64_t block, int64_t ready, int64_t write, int64_t since)
    @cython.locals(ready=int64_t)
    cpdef int64_t starts(self, int64_t job)
    @cython.locals(time=int64_t)
    cpdef int64_t arrives(self, int64_t job)
    @cython.locals(time=int64_t)
    cpdef int64_t reaches(self, int64_t job)
    @cython.locals(distance=int64_t, time=int64_t)
    cpdef int64_t move(self, int64_t cylinder, int64_t head)
    @cython.locals(sector=int64_t, track=int64_t)
    cpdef int64_t passes(self, int64_t job, int64_t count, int64_t reached)
    @cython.locals(geometry=Geometry, count=int64_t, sector=int64_t, track=int64_t, passed=int64_t)
    cpdef void advance(self, int64_t end, int64_t until)
    @cython.locals(geometry=Geometry)
    cpdef void stop(self, int64_t at)
    cpdef int64_t along(self, int64_t start, int64_t end, int64_t track)
    @cython.locals(into=int64_t)
    cpdef int64_t _passed(self, int64_t sector, int64_t track, int64_t time)
    @cython.locals(geometry=Geometry, mark=int64_t)
    cpdef void _to_track(self)
