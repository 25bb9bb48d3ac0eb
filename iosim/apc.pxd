cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request
from iosim.dispatcher cimport ApcDelivery, Dispatcher, boost
from iosim.kernel_queue cimport KernelQueue, KernelThread, WaitOwner
from iosim.processor cimport Processor
from iosim.thread cimport Program, Thread

cdef int64_t APC_LEVEL, BLOCKED_CALL, DECIDING, INTERRUPTED, LOCK, NEXT, PASSIVE, READY, READY_QUEUE, RUN, RUNNING
cdef int64_t STATUS_PENDING, STATUS_SUCCESS, STATUS_USER_APC, TERMINATED, WAITING, WAKING
cdef KernelQueue NO_QUEUE
cdef Request NO_REQUEST
cdef WaitOwner NO_OWNER

cdef class KernelApc:
    cdef public bint special
    cdef public Request request
    cpdef int64_t cost(self, KernelThread thread)
    cpdef bint run(self, KernelThread thread)
    cpdef void run_down(self, KernelThread thread)

cdef class SuspendApc(KernelApc):
    cdef public Dispatcher dispatcher
    cpdef bint run(self, KernelThread thread)

cdef class BrokenWait(WaitOwner):
    cdef public int64_t status
    cpdef void end_wait(self, KernelThread thread, int64_t status)

cdef class ApcFrame(Program):
    cdef public KernelApcs apcs
    cdef public int64_t old_irql, owed_kernel, owed_spin, owed_user, stage, wait_cause
    cdef public KernelApc apc
    cdef public bint waited
    cdef public WaitOwner waits_in
    cdef public BrokenWait broken
    cdef public Program program
    cdef public Request request
    @cython.locals(mine=KernelThread)
    cpdef bint resume(self, Thread thread)
    @cython.locals(apc=KernelApc, time=int64_t)
    cpdef bint _begin(self, KernelThread thread)
    cpdef void lend(self, KernelThread thread, KernelApc apc)
    @cython.locals(apc=KernelApc)
    cpdef bint _end(self, KernelThread thread)
    @cython.locals(rest=int64_t, program=Program)
    cpdef bint _go_back(self, KernelThread thread)
    @cython.locals(dispatcher=Dispatcher, over=bint)
    cpdef bint _wait_over(self, KernelThread thread)

cdef class KernelApcs(ApcDelivery):
    cdef public Dispatcher dispatcher
    cdef public Clock clock
    cdef public int64_t cost
    cpdef bint insert(self, KernelThread thread, KernelApc apc, int64_t increment=*)
    cpdef void _interrupt(self, KernelThread thread, Processor processor)
    @cython.locals(processor=Processor)
    cpdef bint _leaving(self, KernelThread thread)
    @cython.locals(frames=list)
    cpdef bint _deliverable(self, KernelThread thread)
    @cython.locals(frame=ApcFrame)
    cpdef ApcFrame _push(self, KernelThread thread, bint waited)
    @cython.locals(owner=WaitOwner, frame=ApcFrame)
    cpdef void _break_wait(self, KernelThread thread)
    cpdef void _active_again(self, KernelThread thread)
    cpdef void deliver(self, KernelThread thread)
    cpdef bint stays(self, KernelThread thread)
    cpdef void wake(self, KernelThread thread, int64_t increment)
    cpdef void run_down(self, KernelThread thread)
    cpdef void enter_critical_region(self, KernelThread thread)
    cpdef void leave_critical_region(self, KernelThread thread)
    cpdef void enter_guarded_region(self, KernelThread thread)
    cpdef void leave_guarded_region(self, KernelThread thread)
    cpdef void look_again(self, KernelThread thread)
    @cython.locals(before=int64_t)
    cpdef int64_t suspend(self, KernelThread thread)
    @cython.locals(before=int64_t)
    cpdef int64_t resume(self, KernelThread thread)

cpdef KernelApcs kernel_apcs(Dispatcher dispatcher)
@cython.locals(apc=KernelApc)
cpdef bint is_suspended(KernelThread thread)
@cython.locals(found=KernelApc, oldest=KernelApc)
cpdef KernelApc next_apc(KernelThread thread)
cpdef bint in_normal_apc(KernelThread thread)
cpdef bint all_apcs_disabled(KernelThread thread)
cpdef bint interrupted_in(KernelThread thread, KernelQueue queue)
@cython.locals(wait=WaitOwner)
cpdef void queue_user_apc(KernelThread thread, object apc)
