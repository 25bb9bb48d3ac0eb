cimport cython
from libc.stdint cimport int32_t, int64_t

from iosim.actor cimport Actor

cdef class Client(Actor):
    cpdef void finished(self, Request request)

cdef class Nobody(Client):
    cpdef void finished(self, Request request)

cdef class Request:
    # Numbers of classes, nodes, sockets, files, clients and steps have 32 bits: of each there is an object.
    cdef public int32_t group, home, socket, status, step, target, write
    cdef public int64_t address, began, bytes, expected, index, intended, issued, mark, offset, size
    cdef public int64_t[::1] ledger
    cdef public Client source
    cdef public list steps
    cpdef void fail(self)
    @cython.locals(spent=int64_t)
    cpdef void spend(self, int64_t cause, int64_t now)
    cpdef void travels(self, int64_t cause, int64_t until)
    @cython.locals(source=Client)
    cpdef void drop(self, int64_t cause, int64_t now)

cpdef object new_ledger()
@cython.locals(request=Request)
cpdef Request new_request(int64_t group, int64_t index, int64_t now, int64_t[::1] ledger)
cpdef Request background_request()
@cython.locals(ghost=Request)
cpdef Request ghost_of(Request request)
@cython.locals(part=Request)
cpdef Request part_of(Request request)
@cython.locals(told=int64_t, cause=int64_t, step=int64_t, spent=int64_t, known=int64_t)
cpdef void hand_back(Request part, Request request)
@cython.locals(ledger=int64_t[::1], whole=int64_t, cause=int64_t)
cpdef void recovered(Request part)
@cython.locals(ledger=int64_t[::1])
cpdef void rebook(Request request, int64_t cause, int64_t time)
@cython.locals(ledger=int64_t[::1])
cpdef void rebook_refill(Request request, int64_t time)
