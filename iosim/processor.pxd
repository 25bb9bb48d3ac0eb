cimport cython
from libc.stdint cimport int64_t

from iosim.accounts cimport book, book_stolen, scale
from iosim.actor cimport Actor, Clock
from iosim.attribution cimport Request
from iosim.dpc cimport Dpc, DpcQueue
from iosim.interrupts cimport InterProcessorInterrupt, Interrupt, Messenger
from iosim.thread cimport Program, Thread

cdef int64_t DECIDING, DEVICE_IRQL, DEVICE_LEVEL, DISPATCH, DISPATCH_LEVEL, DPC, DPC_RANK, FULL_PACE, HALTED, IDLE
cdef int64_t INTERRUPT_RANK, ISR, KERNEL, PASSIVE, RAISED, REFILL, SIGNAL, SPIN, SWITCH, THREAD_RANK, TICK, USER
cdef int64_t WAKING
cdef Dpc NO_DPC
cdef Interrupt NO_INTERRUPT
cdef Thread IDLE_THREAD

cdef class Scheduler:
    cdef public int64_t tick
    cpdef void make_ready(self, Thread thread)
    cpdef void disarm(self, Thread thread)
    cpdef Thread next_ready(self, Processor processor)
    cpdef bint outranked(self, Thread thread)
    cpdef void pre_empted(self, Thread thread)
    cpdef bint quantum_ended(self, Thread thread)
    cpdef void left_idle(self, Processor processor)
    cpdef int64_t next_tick(self, int64_t delay)
    cpdef void deliver_apcs(self, Thread thread)
    cpdef bint takes_apcs(self, Thread thread)

cdef class Processor(Actor):
    cdef public Clock clock
    cdef public int64_t claimed, dpc_left, interrupted_at, mode, node, number, pace, place, shared_pace, since, word
    cdef public Scheduler scheduler
    cdef public int64_t[::1] account
    cdef public Thread holder, thread
    cdef public Interrupt interrupt
    cdef public list due, interrupts, later
    cdef public Dpc dpc
    cdef public DpcQueue dpcs
    cdef public InterProcessorInterrupt ipi
    cdef public Messenger messenger
    cdef public Processor sibling
    cdef public bint reschedule
    @cython.locals(thread=Thread, owed=int64_t)
    cpdef void begin_stretch(self)
    @cython.locals(thread=Thread, elapsed=int64_t, program=Program, ended=bint)
    cpdef void fire(self, int64_t what)
    @cython.locals(thread=Thread)
    cpdef bint _attends(self)
    cpdef void _begin_raised(self, Thread thread)
    cpdef object _switched_at_dispatch(self)
    cpdef void _drain_first(self, Thread thread)
    cpdef void _book_part(self, Thread thread, int64_t elapsed)
    @cython.locals(account=int64_t[::1], request=Request, ledger=int64_t[::1], owed=int64_t)
    cpdef void _book_all(self, Thread thread)
    @cython.locals(thread=Thread)
    cpdef void run_next(self)
    @cython.locals(thread=Thread, program=Program)
    cpdef void _go_on(self)
    cpdef void _halt(self)
    cpdef void _drain_idle(self)
    @cython.locals(now=int64_t)
    cpdef void _leave_idle(self)
    @cython.locals(program=Program)
    cpdef void take(self, Thread thread)
    @cython.locals(thread=Thread, elapsed=int64_t)
    cpdef void cut_short(self)
    @cython.locals(thread=Thread)
    cpdef void pre_empt(self)
    cpdef void end_quantum(self)
    @cython.locals(thread=Thread)
    cpdef void end_spin(self)
    cpdef void raise_interrupt(self, Interrupt interrupt)
    @cython.locals(now=int64_t)
    cpdef void _stop_for_interrupt(self)
    @cython.locals(interrupt=Interrupt, now=int64_t)
    cpdef void _end_interrupt(self)
    cpdef void signal(self)
    cpdef bint queue_dpc(self, Dpc dpc, object argument=*)
    @cython.locals(tick=int64_t, number=int64_t)
    cpdef void take_dpc(self, Dpc dpc, bint own)
    cpdef bint remove_dpc(self, Dpc dpc)
    cpdef void drain(self)
    cpdef void _ask_for_drain(self)
    cpdef int64_t current_irql(self)
    @cython.locals(thread=Thread, old=int64_t)
    cpdef int64_t raise_irql(self, int64_t level)
    cpdef void lower_irql(self, int64_t level)
    @cython.locals(dpc=Dpc)
    cpdef void _lower(self)
    @cython.locals(now=int64_t, dpc=Dpc)
    cpdef void _end_dpc(self)
    @cython.locals(thread=Thread)
    cpdef void _return_to_thread(self)
    @cython.locals(thread=Thread, owed=int64_t)
    cpdef void _resume_stretch(self)
    @cython.locals(runs=bint)
    cpdef void set_pace(self, int64_t pace)
    @cython.locals(now=int64_t, elapsed=int64_t)
    cpdef void settle(self)

