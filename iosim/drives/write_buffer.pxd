cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.drives.block_map cimport BlockMap
from iosim.drives.dies cimport Dies

cdef int64_t DEVICE, UNIT

cdef class RoomListener:
    cpdef void page_programmed(self)

cdef class WriteBuffer(Actor):
    cdef public Clock clock
    cdef public Dies dies
    cdef public int64_t busy, erase, held, page, page_units, program, read, size
    cdef public list maps, waiting
    cdef public RoomListener listener
    cdef public int64_t[::1] programmed, under_way
    cdef public bint flushing
    cpdef bint reserve(self, int64_t size)
    @cython.locals(waiting=list)
    cpdef void put(self, int64_t die, int64_t unit)
    @cython.locals(fullest=int64_t, die=int64_t)
    cpdef void unblock(self)
    @cython.locals(die=int64_t)
    cpdef void flush(self)
    @cython.locals(die=int64_t)
    cpdef list due(self)
    @cython.locals(behind=int64_t, die=int64_t)
    cpdef bint has_programmed(self, list due)
    cpdef void fire(self, int64_t what)
    @cython.locals(waiting=list, units=list, now=int64_t, service=int64_t, start=int64_t)
    cpdef void _program(self, int64_t die)
    @cython.locals(reads=int64_t, moves=int64_t, erases=int64_t)
    cpdef int64_t _collect(self, BlockMap blocks, int64_t die, list units)
