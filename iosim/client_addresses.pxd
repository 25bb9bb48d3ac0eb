cimport cython
from libc.stdint cimport int64_t

from iosim.variates cimport Variate

cdef int64_t FIRST_PORT, PORTS, PORT_BITS

cdef class ClientAddresses:
    cpdef int64_t source(self, int64_t index)
    cpdef int64_t target(self, int64_t index, int64_t usual)

cdef class SequentialAddresses(ClientAddresses):
    cdef public int64_t first_host
    cpdef int64_t source(self, int64_t index)

cdef class RandomAddresses(ClientAddresses):
    cdef public int64_t hosts, network
    cdef public Variate drawn
    @cython.locals(drawn=Variate, host=int64_t, port=int64_t)
    cpdef int64_t source(self, int64_t index)

cdef class GivenAddresses(ClientAddresses):
    cdef public int64_t[::1] addresses, targets
    cpdef int64_t source(self, int64_t index)
    cpdef int64_t target(self, int64_t index, int64_t usual)

cdef class ReplyAddresses(ClientAddresses):
    cdef public ClientAddresses requests
    cdef public int64_t server
    cpdef int64_t source(self, int64_t index)
    cpdef int64_t target(self, int64_t index, int64_t usual)
