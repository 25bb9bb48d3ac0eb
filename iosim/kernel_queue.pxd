cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request
from iosim.flag cimport flag
from iosim.probes cimport Probes
from iosim.processor cimport Scheduler
from iosim.thread cimport Thread

cdef int64_t NO_FREE_THREAD, PORT_LIMIT, PORT_ORDER, STATUS_ABANDONED_WAIT_0, STATUS_PENDING, STATUS_SUCCESS
cdef int64_t WAITING
cdef Probes NO_PROBES
cdef Request NO_REQUEST

@cython.locals(packet=Packet)
cpdef Packet new_packet(Request request)

cdef class Packet:
    cdef public Request request
    cdef public flag is_irp
    cdef public int64_t entered, headed, limited
    cpdef int64_t removed(self)
    cpdef void free(self)

cdef class WaitOwner:
    cpdef void end_wait(self, KernelThread thread, int64_t status)
    cpdef void break_off(self, KernelThread thread)
    cpdef bint wait_again(self, KernelThread thread, int64_t status)

cdef class KernelThread(Thread):
    cdef public KernelQueue queue
    cdef public Packet call, packet
    cdef public Request last_request
    cdef public WaitOwner waits_in
    cdef public int64_t kernel_apc_disable, special_apc_disable, suspend_count, wait_status
    cdef public bint alertable, suspending, timed
    cdef public list apc_frames, kernel_apcs, mutexes, user_apcs
    cdef public dict irps

cdef class KernelQueue(WaitOwner):
    cdef public Clock clock
    cdef public Scheduler scheduler
    cdef public int64_t cause_limit, cause_order, cause_thread, depth_area, depth_most, depth_since, limit
    cdef public int64_t limited_ns, number, packets, running, running_area, running_most, running_since, sojourns
    cdef public object entries
    cdef public list waiting
    cdef public dict bound
    cdef public Probes probes
    cdef public bint awaited, watched
    @cython.locals(now=int64_t, depth=int64_t)
    cpdef void insert(self, Packet packet)
    cpdef void unclaimed(self)
    cpdef void _head(self, Packet packet, int64_t now)
    @cython.locals(now=int64_t, packet=Packet, request=Request)
    cpdef Packet _take(self, Request by, bint begins=*)
    @cython.locals(limited=int64_t, ledger=int64_t[::1])
    cpdef void _explain(self, Packet packet, Request request, int64_t now)
    @cython.locals(thread=KernelThread, now=int64_t, passed=int64_t)
    cpdef void _hand(self, Packet packet)
    @cython.locals(bound=bint)
    cpdef Packet remove(self, KernelThread thread)
    @cython.locals(free=bint)
    cpdef Packet poll(self, KernelThread thread)
    @cython.locals(packets=list)
    cpdef list take_more(self, KernelThread thread, int64_t most)
    cpdef void end_wait(self, KernelThread thread, int64_t status)
    cpdef void _let_go(self, KernelThread thread, int64_t status)
    cpdef void break_off(self, KernelThread thread)
    cpdef bint wait_again(self, KernelThread thread, int64_t status)
    @cython.locals(waiting=list)
    cpdef void insert_in_apc(self, Packet packet)
    @cython.locals(thread=KernelThread)
    cpdef void abandon(self)
    @cython.locals(thread=KernelThread, discarded=list)
    cpdef list run_down(self)
    @cython.locals(queue=KernelQueue)
    cpdef void _bind(self, KernelThread thread)
    cpdef void unbind(self, KernelThread thread)
    @cython.locals(now=int64_t, running=int64_t, passed=int64_t)
    cpdef void release_one(self, Request by)
    @cython.locals(now=int64_t, running=int64_t, passed=int64_t)
    cpdef void unblocked(self)
    @cython.locals(now=int64_t, running=int64_t, passed=int64_t)
    cpdef void _count(self, int64_t change)
    @cython.locals(now=int64_t)
    cpdef void settle(self)

