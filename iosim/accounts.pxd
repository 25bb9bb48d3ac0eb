cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.thread cimport Thread

cdef int64_t INTERRUPTED, KERNEL, REFILL, SPIN, SWITCH, USER

@cython.locals(paid_switch=int64_t, left=int64_t, paid_refill=int64_t, paid_kernel=int64_t, paid_user=int64_t, paid_spin=int64_t, request=Request)
cpdef void book(Thread thread, int64_t[::1] account, int64_t elapsed)
cpdef void _book_kind(int64_t[::1] account, Request request, int64_t kind, int64_t paid)
@cython.locals(request=Request)
cpdef void book_stolen(Thread thread)
cpdef void scale(Thread thread, int64_t numerator, int64_t denominator)
