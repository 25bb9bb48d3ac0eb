cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.attribution cimport Request
from iosim.cache cimport Caches
from iosim.kernel_queue cimport KernelQueue, KernelThread, WaitOwner
from iosim.processor cimport Processor, Scheduler
from iosim.thread cimport Program, Thread

cdef int64_t BIT, DECIDING, EVEN_BITS, HALTED, PASSIVE, READY, READY_QUEUE, RUNNING
cdef int64_t STATUS_TIMEOUT, TERMINATED, TIMER, WAITING
cdef KernelQueue NO_QUEUE
cdef Thread IDLE_THREAD
cdef WaitOwner NO_OWNER

cdef class ApcDelivery:
    cpdef void deliver(self, KernelThread thread)
    cpdef bint stays(self, KernelThread thread)
    cpdef void wake(self, KernelThread thread, int64_t increment)
    cpdef void run_down(self, KernelThread thread)

cdef class Dispatcher(Scheduler):
    cdef public Clock clock
    cdef public Caches caches
    cdef public int64_t idle_count, idle_exit, lowest, per_node, quantum, ready_area, ready_count, ready_mask
    cdef public int64_t ready_since, switch_cost, words
    cdef public list processors, ready, threads, timeouts
    cdef public int64_t[::1] idle
    cdef public ApcDelivery apcs
    cdef public KernelQueue left
    @cython.locals(node=int64_t, processor=Processor, place=int64_t)
    cpdef Processor add_processor(self, int64_t number)
    @cython.locals(thread=KernelThread)
    cpdef KernelThread create_thread(self, Program program, int64_t priority)
    @cython.locals(taker=Processor)
    cpdef void make_ready(self, Thread thread)
    cpdef void make_ready_for_apc(self, Thread thread)
    cpdef void ended_in_apc(self, Thread thread)
    cpdef void bind(self, Thread thread, int64_t number)
    @cython.locals(node=int64_t, first=int64_t, leader=Processor, word=int64_t, mask=int64_t)
    cpdef int64_t _idle_processor(self, Thread thread)
    cpdef int64_t _number_of(self, int64_t word, int64_t mask)
    @cython.locals(victim=Processor, lowest=int64_t, processor=Processor)
    cpdef void _pre_empt_for(self, Thread thread)
    @cython.locals(now=int64_t)
    cpdef void _count_ready(self, int64_t change)
    @cython.locals(queue=KernelQueue, priority=int64_t, thread=Thread, now=int64_t, request=Request, waited=int64_t)
    cpdef Thread next_ready(self, Processor processor)
    @cython.locals(refill=int64_t, cost=int64_t)
    cpdef void _switch_in(self, Thread thread, Processor processor)
    cpdef bint outranked(self, Thread thread)
    cpdef void pre_empted(self, Thread thread)
    cpdef bint quantum_ended(self, Thread thread)
    cpdef void went_idle(self, Processor processor)
    cpdef void left_idle(self, Processor processor)
    cpdef void deliver_apcs(self, Thread thread)
    cpdef bint takes_apcs(self, Thread thread)
    cpdef void block(self, KernelThread thread, int64_t cause)
    @cython.locals(queue=KernelQueue)
    cpdef void give_place_up(self, Thread thread)
    cpdef void wake(self, KernelThread thread, int64_t increment=*)
    @cython.locals(queue=KernelQueue)
    cpdef void terminate(self, KernelThread thread)
    cpdef void arm(self, KernelThread thread, int64_t timeout)
    cpdef void disarm(self, Thread thread)
    @cython.locals(now=int64_t, due=int64_t)
    cpdef int64_t next_tick(self, int64_t delay)
    @cython.locals(processor=Processor)
    cpdef void settle(self)

cdef class Timeout(Actor):
    cdef public Dispatcher dispatcher
    cdef public KernelThread thread
    @cython.locals(thread=KernelThread, wait=WaitOwner)
    cpdef void fire(self, int64_t what)

cpdef void oust(Processor processor, int64_t priority)
@cython.locals(base=int64_t, plain=int64_t, boosted=int64_t)
cpdef void boost(Thread thread, int64_t increment)
cpdef void decay(Thread thread)
@cython.locals(real_time=bint)
cpdef int64_t base_priority(object process_class, int64_t offset)
cpdef int64_t quantum_units(bint long, bint variable, int64_t foreground)
@cython.locals(pairs=int64_t)
cpdef int64_t whole_cores(int64_t mask)
cpdef object bit(object number)
cpdef int64_t lowest_bit(object mask)
