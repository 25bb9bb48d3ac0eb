cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.dispatcher cimport Dispatcher, bit, decay, lowest_bit, oust
from iosim.kernel_queue cimport KernelQueue, KernelThread
from iosim.processor cimport Processor
from iosim.ready_queues cimport BalanceSetManager, ReadyQueue
from iosim.thread cimport Program, Thread

cdef int64_t CHARGE, DECIDING, END, ENDLESS, HALTED, INTERRUPT, NO_PRIORITY, NO_PROCESSOR, PASSIVE, READY
cdef int64_t READY_QUEUE, REAL_TIME, RUNNING, SHARED, TIMER, UNITS_A_TICK, WAITS_ARE_CHARGED_BELOW, WAKING, WORD
cdef KernelQueue NO_QUEUE
cdef Thread IDLE_THREAD

cdef class FullDispatcher(Dispatcher):
    cdef public bint by_ideal, by_ticks, per_processor, relieves
    cdef public object quanta
    cdef public list group_masks, group_of_node, own, seeds, shared, standby
    cdef public int64_t own_count, turns
    cdef public Thread displaced
    cdef public QuantumTick quantum_tick
    cdef public BalanceSetManager balance_set_manager
    @cython.locals(processor=Processor)
    cpdef Processor add_processor(self, int64_t number)
    @cython.locals(thread=KernelThread)
    cpdef KernelThread create_thread(self, Program program, int64_t priority)
    @cython.locals(seed=int64_t, processor=Processor)
    cpdef int64_t _next_ideal(self, object group)
    cpdef object set_affinity(self, Thread thread, object mask)
    cpdef void bind(self, Thread thread, int64_t number)
    cpdef int64_t set_ideal_processor(self, Thread thread, int64_t number)
    cpdef int64_t set_group(self, Thread thread, object group)
    cpdef void set_priority(self, Thread thread, int64_t priority)
    cpdef void set_foreground(self, Thread thread, int64_t separation)
    @cython.locals(number=int64_t, queue=ReadyQueue)
    cpdef bint yield_processor(self, KernelThread thread)
    cpdef object _allowed(self, Thread thread)
    cpdef void _withdraw(self, Thread thread)
    cpdef void _put_back(self, Thread thread)
    cpdef void make_ready(self, Thread thread)
    cpdef void make_ready_for_apc(self, Thread thread)
    cpdef void ended_in_apc(self, Thread thread)
    @cython.locals(number=int64_t, victim=int64_t)
    cpdef void _place(self, Thread thread)
    @cython.locals(taker=Processor)
    cpdef void _hand(self, Thread thread, int64_t number)
    cpdef int64_t _home(self, Thread thread, int64_t number)
    @cython.locals(home=int64_t, number=int64_t, processor=Processor, other=int64_t)
    cpdef int64_t _idle_for(self, Thread thread)
    @cython.locals(leader=Processor)
    cpdef object _whole_cores(self, int64_t node, object mask)
    @cython.locals(word=int64_t)
    cpdef object _idle_on(self, int64_t node, object allowed)
    @cython.locals(victim=int64_t, lowest=int64_t, processor=Processor)
    cpdef int64_t _victim_of(self, Thread thread)
    cpdef list queues(self)
    @cython.locals(queue=ReadyQueue)
    cpdef void _queue(self, Thread thread, int64_t where, bint first)
    cpdef void _unqueue(self, Thread thread)
    @cython.locals(thread=Thread)
    cpdef Thread _taken(self, ReadyQueue queue)
    @cython.locals(own=ReadyQueue, shared=ReadyQueue, better=int64_t)
    cpdef ReadyQueue _better_queue(self, int64_t number)
    @cython.locals(thread=Thread, queue=ReadyQueue)
    cpdef Thread _choose(self, Processor processor)
    @cython.locals(found=Thread, near=bint, number=int64_t, queue=ReadyQueue, thread=Thread, same=bint)
    cpdef Thread _steal(self, Processor processor)
    @cython.locals(thread=Thread)
    cpdef Thread next_ready(self, Processor processor)
    @cython.locals(thread=Thread, number=int64_t)
    cpdef void _find_another(self)
    cpdef void _switch_in(self, Thread thread, Processor processor)
    @cython.locals(number=int64_t)
    cpdef bint outranked(self, Thread thread)
    @cython.locals(over=bint)
    cpdef void pre_empted(self, Thread thread)
    @cython.locals(number=int64_t)
    cpdef bint quantum_ended(self, Thread thread)
    cpdef void _end_quantum(self, Thread thread)
    cpdef void lift(self, Thread thread)

cdef class QuantumTick(Actor):
    cdef public FullDispatcher dispatcher
    cdef public Clock clock
    cdef public bint booked
    @cython.locals(tick=int64_t)
    cpdef void book(self)
    @cython.locals(processor=Processor, thread=Thread)
    cpdef void fire(self, int64_t what)
    @cython.locals(busy=bint, over=bint, processor=Processor, thread=Thread)
    cpdef void _charge(self)

cpdef void refill(Thread thread, bint by_ticks)
cpdef void charge_wait(Thread thread)
cpdef int64_t next_to_the_right(int64_t processor, object mask)
