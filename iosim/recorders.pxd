cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request
from iosim.probes cimport Probes

cdef int64_t COMPLETED, DROPPED, LARGEST_BLOCK, OUTCOME_BITS, ROW, SMALLEST_BLOCK, STATUS_BITS

cdef class RequestColumns:
    cdef public list blocks
    cdef public int64_t count, place, room
    cdef public bint with_causes
    cdef public object causes
    cdef public int64_t[::1] block
    @cython.locals(place=int64_t, block=int64_t[::1])
    cpdef void add(self, Request request, int64_t now)
    cpdef list tallies(self)
    cpdef dict columns(self)
    cpdef int64_t _next_block(self)

cdef class RequestHistograms(RequestColumns):
    cdef public int64_t horizon, warm_up
    cdef public list ended, latency, statuses, wait
    @cython.locals(intended=int64_t, group=int64_t, status=int64_t)
    cpdef void add(self, Request request, int64_t now)
    cpdef list tallies(self)

cdef class Fanout(Probes):
    cdef public list listeners
    @cython.locals(listener=Probes)
    cpdef void wait_began(self, int64_t resource, Request request)
    @cython.locals(listener=Probes)
    cpdef void wait_ended(self, int64_t resource, Request request, int64_t began, int64_t now, Request by)
    @cython.locals(listener=Probes)
    cpdef void held(self, int64_t resource, Request request)
    @cython.locals(listener=Probes)
    cpdef void released(self, int64_t resource, Request request)
    @cython.locals(listener=Probes)
    cpdef void threads_counted(self, int64_t resource, int64_t running, int64_t depth)

cdef class WaitRecords(Probes):
    cdef public object began, by_group, by_index, ended, group, index, resource
    cpdef dict columns(self)
    cpdef void wait_ended(self, int64_t resource, Request request, int64_t began, int64_t now, Request by)

cdef class Timeline(Probes):
    cdef public Clock clock
    cdef public int64_t resource, room, start
    cdef public object depth, running, times
    cpdef void threads_counted(self, int64_t resource, int64_t running, int64_t depth)

cdef class Behind(Probes):
    cdef public int64_t bin_ns, bins, groups
    cdef public Clock clock
    cdef public list count, hold_area, holds, matrix, since
    cdef public dict snapshots
    @cython.locals(now=int64_t, count=list, since=list, area=list, group=int64_t)
    cpdef list _areas(self, int64_t resource)
    cpdef void wait_began(self, int64_t resource, Request request)
    @cython.locals(before=list, parts=list, whole=int64_t, row=int64_t, place=int64_t, sums=list, group=int64_t, part=int64_t)
    cpdef void wait_ended(self, int64_t resource, Request request, int64_t began, int64_t now, Request by)
    cpdef void held(self, int64_t resource, Request request)
    cpdef void released(self, int64_t resource, Request request)

cpdef object unexplained(Request request, int64_t now)
