cimport cython
from libc.stdint cimport int64_t

cdef int64_t GOLDEN, LOW_31_BITS, FEWEST_BLOCKS, MIXER, MOST_BLOCKS, MOST_PAGES, MOST_SLOTS, NOWHERE, RESERVED

cdef class BlockMap:
    cdef public int64_t block_pages, blocks, erases, host, moved, page_units, pages_moved, pages_read, slots, units
    cdef public int64_t untouched
    cdef public int64_t[::1] gathered, next_slot, owed, owner, scanned, valid, victim, where, worn
    cdef public list erased
    @cython.locals(unit=int64_t)
    cpdef void write(self, int64_t die, list units)
    cpdef void collect(self, int64_t die)
    cpdef double amplification(self)
    @cython.locals(first=int64_t, place=int64_t, old=int64_t, slot=int64_t, block=int64_t)
    cpdef void _place(self, int64_t die, int64_t unit)
    @cython.locals(opened=int64_t, best=int64_t, least=int64_t, block=int64_t, good=int64_t)
    cpdef bint _choose(self, int64_t die)
    @cython.locals(victim=int64_t, first=int64_t, good=int64_t, slot=int64_t, unit=int64_t, gathered=int64_t)
    cpdef void _collect_page(self, int64_t die)
    cpdef void _wear(self, int64_t die)
    @cython.locals(number=int64_t, unit=int64_t, die=int64_t)
    cpdef void _age(self, int64_t dies)

@cython.locals(of_a_die=int64_t, place=int64_t)
cpdef void repeat(int64_t[::1] column, int64_t dies)

@cython.locals(mixed=int64_t)
cpdef int64_t scattered(int64_t number)
