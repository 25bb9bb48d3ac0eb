cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.attribution cimport Client, Request, new_ledger, new_request
from iosim.completion_port cimport CompletionPort
from iosim.kernel_queue cimport new_packet
from iosim.recorders cimport RequestColumns
from iosim.variates cimport Variate

cdef int64_t ARRIVAL, CLIENT_SHIFT, DROPPED, MOST_ITERATIONS, STOP

cdef class Window(Actor):
    cdef public Clock clock
    cdef public int64_t area, bin_ns, bins, horizon, limit, live, offered, present, present_starts, since, sojourns
    cdef public int64_t sources_open
    cdef public RequestColumns columns
    cpdef void fire(self, int64_t what)
    cpdef void settle(self)

cdef class Source(Client):
    cdef public Clock clock
    cdef public Window window
    cdef public bint answers, keeps_causes
    cdef public int64_t asked, ended, group, latencies, turn
    cdef public CompletionPort port
    cdef public list asked_before, ledgers, steps
    cdef public int64_t[::1] ledger
    @cython.locals(now=int64_t, window=Window, request=Request, ledger=int64_t[::1])
    cpdef Request ask(self, int64_t index)
    @cython.locals(window=Window, place=int64_t)
    cpdef void _turn_ledger(self, int64_t now)
    @cython.locals(window=Window, now=int64_t, issued=int64_t)
    cpdef void finished(self, Request request)
    @cython.locals(window=Window, total=int64_t[::1], cause=int64_t, spent=int64_t)
    cpdef void _count(self, Request request, int64_t now)
    @cython.locals(booked=int64_t)
    cpdef void check_causes(self)
    cpdef void served(self, Request request, int64_t now)
    cpdef void start(self)

cdef class OpenSource(Source):
    cdef public Variate gap
    cdef public int64_t next
    cpdef void start(self)
    @cython.locals(index=int64_t)
    cpdef void fire(self, int64_t what)

cdef class ClosedSource(Source):
    cdef public int64_t clients
    cdef public Variate think
    cdef public list iterations
    @cython.locals(client=int64_t)
    cpdef void start(self)
    cpdef void fire(self, int64_t what)
    @cython.locals(client=int64_t, iteration=int64_t)
    cpdef void served(self, Request request, int64_t now)

cdef class PipelinedSource(ClosedSource):
    cdef public int64_t answered, outstanding, overtook
    cdef public list next, under_way
    @cython.locals(slot=int64_t, index=int64_t)
    cpdef void start(self)
    @cython.locals(index=int64_t)
    cpdef void fire(self, int64_t what)
    @cython.locals(index=int64_t, client=int64_t, under_way=dict, slot=int64_t)
    cpdef void served(self, Request request, int64_t now)

cdef class RowPace:
    cdef public int64_t[::1] arrival, think
    cdef public bint thinks
    cdef public int64_t coming, depth, next
    @cython.locals(clock=Clock)
    cpdef void begin(self, Source source)
    @cython.locals(clock=Clock, row=int64_t, window=Window)
    cpdef int64_t take(self, Source source)
    @cython.locals(clock=Clock)
    cpdef void answered(self, Source source, int64_t row)

cdef class ReplaySource(Source):
    cdef public int64_t[::1] offset, size, target, write
    cdef public RowPace pace
    @cython.locals(pace=RowPace)
    cpdef void start(self)
    @cython.locals(row=int64_t, request=Request, pace=RowPace)
    cpdef void fire(self, int64_t what)
    @cython.locals(pace=RowPace)
    cpdef void served(self, Request request, int64_t now)
