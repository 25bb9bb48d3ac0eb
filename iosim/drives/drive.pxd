cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.drives.faults cimport Faults

cdef int64_t DEVICE, NO_ANSWER
cdef Faults NO_FAULTS

cdef class Command:
    cdef public int64_t busy, failed, finished, flush, offset, size, started, submitted, tag, transferring, write

cdef class CommandListener:
    cpdef void command_finished(self, Command command)
    cpdef void command_lost(self, Command command)

cdef class Drive(Actor):
    cdef public Clock clock
    cdef public int64_t capacity, in_drive, overhead, slots
    cdef public list commands
    cdef public bint beginning, faulty
    cdef public Faults faults
    cdef public EarlyEnd early
    cdef public CommandListener listener
    @cython.locals(now=int64_t)
    cpdef void submit(self, Command command)
    cpdef void begin(self, Command command)
    cpdef void forget(self)
    @cython.locals(command=Command)
    cpdef void reset(self)
    cpdef bint _goes_wrong(self, Command command)
    cpdef void finish(self, Command command)
    @cython.locals(last=int64_t)
    cpdef object _objection(self, Command command)

cdef class EarlyEnd(Actor):
    cdef public Drive drive
    cpdef void fire(self, int64_t what)

