cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor
from iosim.drives.disk_cache cimport ReadSegments, WriteSegments
from iosim.drives.drive cimport Command
from iosim.drives.hdd cimport Hdd
from iosim.drives.mechanism cimport Mechanism

cdef int64_t DEVICE, NEVER, NONE, READ_HIT, READ_MISS, SECTOR, WRITE_HIT, WRITE_MISS

cdef class BufferedHdd(Hdd):
    cdef public ReadSegments read
    cdef public WriteSegments written
    cdef public Destage destage
    cdef public list blocked, flushes
    cdef public bint hits_on_writes, in_cylinder, on_arrival
    cdef public int64_t bus_free_at, end, promised_from, promised_to, read_ahead
    cdef public int64_t[::1] in_part, segment_of
    @cython.locals(first=int64_t, end=int64_t)
    cpdef void begin(self, Command command)
    @cython.locals(generation=int64_t)
    cpdef void fire(self, int64_t what)
    @cython.locals(command=Command, first=int64_t, end=int64_t, segment=int64_t)
    cpdef void destaged(self)
    @cython.locals(segment=int64_t)
    cpdef void forget(self)
    @cython.locals(ended=list, tag=int64_t)
    cpdef void _end_flushes(self)
    cpdef void _flush(self, Command command)
    @cython.locals(read=ReadSegments, segment=int64_t, kind=int64_t)
    cpdef void _read(self, Command command, int64_t first, int64_t end)
    @cython.locals(segment=int64_t)
    cpdef void _write(self, Command command, int64_t first, int64_t end)
    cpdef void _hit(self, Command command, int64_t there)
    @cython.locals(ready=int64_t)
    cpdef void _fill(self, Command command, int64_t segment, int64_t first, int64_t end)
    @cython.locals(whole=int64_t, start=int64_t)
    cpdef void _transfer(self, Command command, int64_t earliest)
    @cython.locals(segment=int64_t, first=int64_t)
    cpdef void _buffered(self, Command command)
    @cython.locals(now=int64_t)
    cpdef void _whole(self, int64_t segment)
    @cython.locals(waiting=list, pieces=list, jobs=list, job=int64_t)
    cpdef void _serve_next(self)
    @cython.locals(tag=int64_t, mechanism=Mechanism, read=ReadSegments, end=int64_t, first=int64_t, arrived=int64_t, reached=int64_t, first_read=int64_t, passed=int64_t, start=int64_t, early=int64_t)
    cpdef void _serve(self, Command command)
    @cython.locals(mechanism=Mechanism, read=ReadSegments, segment=int64_t, passed=int64_t)
    cpdef void _read_on(self, Command command, int64_t end)
    @cython.locals(now=int64_t, whole=int64_t, last=int64_t, finished=int64_t)
    cpdef void _over_the_bus(self, Command command, int64_t first_read, int64_t passed)
    @cython.locals(mechanism=Mechanism, written=WriteSegments, segment=int64_t, passed=int64_t)
    cpdef void _to_media(self, int64_t job)
    @cython.locals(limit=int64_t)
    cpdef void _read_ahead_from(self, int64_t segment, int64_t block)
    @cython.locals(read=ReadSegments, mechanism=Mechanism)
    cpdef void _look_ahead(self, int64_t until)
    @cython.locals(read=ReadSegments, mechanism=Mechanism)
    cpdef void _end_read_ahead(self, int64_t at)

cdef class Destage(Actor):
    cdef public BufferedHdd drive
    cpdef void fire(self, int64_t what)
