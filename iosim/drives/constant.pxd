cimport cython
from libc.stdint cimport int64_t

from iosim.drives.drive cimport Command, Drive

cdef int64_t DEVICE

cdef class ConstantDrive(Drive):
    cdef public int64_t latency
    cpdef void begin(self, Command command)
    @cython.locals(command=Command)
    cpdef void fire(self, int64_t what)
    cpdef void forget(self)
