from libc.stdint cimport int64_t

from iosim.attribution cimport Request

cdef class Probes:
    cpdef void wait_began(self, int64_t resource, Request request)
    cpdef void wait_ended(self, int64_t resource, Request request, int64_t began, int64_t now, Request by)
    cpdef void held(self, int64_t resource, Request request)
    cpdef void released(self, int64_t resource, Request request)
    cpdef void threads_counted(self, int64_t resource, int64_t running, int64_t depth)

