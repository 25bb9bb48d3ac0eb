cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor
from iosim.drives.dies cimport Dies
from iosim.drives.drive cimport Command, Drive
from iosim.drives.write_buffer cimport RoomListener, WriteBuffer
from iosim.variates cimport Variate

cdef int64_t DEVICE, GOLDEN, LOW_31_BITS, LOW_32_BITS, MEDIA_DONE, TRANSFERRED, UNIT

cdef class Ssd(Drive):
    cdef public int64_t controller_free_at, page_reads, program, read, read_ps, serial, stripe, units, upstream
    cdef public int64_t write_overhead, write_ps
    cdef public bint buffered, may_be_slow, protected, striped
    cdef public Dies dies
    cdef public WriteBuffer buffer
    cdef public PageReads pages
    cdef public Variate chance
    cdef public list due, flushes, slow_bounds, slow_times
    cdef public object stalled
    cdef public int64_t[::1] link_free_at, link_remainder, pages_end, pages_left, promised
    cpdef int64_t unit_of(self, int64_t stripe)
    @cython.locals(submitted=int64_t, arrival=int64_t, tag=int64_t, write=int64_t, dies=Dies, service=int64_t, slow=bint, crossing=bint, stripe=int64_t, last=int64_t, share=int64_t, ready=int64_t, first=int64_t, done=int64_t, die=int64_t, start=int64_t, end=int64_t)
    cpdef void begin(self, Command command)
    @cython.locals(command=Command, now=int64_t, pages=int64_t, end=int64_t)
    cpdef void page_read(self, int64_t tag, int64_t die)
    @cython.locals(command=Command)
    cpdef void fire(self, int64_t what)
    @cython.locals(tag=int64_t, now=int64_t, side=int64_t)
    cpdef void forget(self)
    @cython.locals(taken=int64_t)
    cpdef int64_t _wait_for_controller(self, int64_t submitted)
    @cython.locals(chance=int64_t, kind=int64_t, time=int64_t)
    cpdef int64_t _slowness(self)
    @cython.locals(now=int64_t, side=int64_t, start=int64_t, ps=int64_t, end=int64_t)
    cpdef void _transfer(self, Command command)
    cpdef void _admit(self, Command command)
    @cython.locals(units=int64_t)
    cpdef bint _has_room(self, Command command)
    @cython.locals(of_a_stripe=int64_t, unit=int64_t, last=int64_t, stripe=int64_t)
    cpdef void _put(self, Command command)
    cpdef void page_programmed(self)
    @cython.locals(due=list)
    cpdef void _flush(self, Command command)

cdef class PageReads(Actor):
    cdef public Ssd drive
    @cython.locals(drive=Ssd)
    cpdef void fire(self, int64_t what)

cdef class BufferLink(RoomListener):
    cdef public Ssd drive
    cpdef void page_programmed(self)
