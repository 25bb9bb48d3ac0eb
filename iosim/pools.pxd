cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.application cimport WorkerProgram
from iosim.attribution cimport Request
from iosim.completion_port cimport CompletionPort
from iosim.dispatcher cimport Dispatcher
from iosim.kernel_queue cimport KernelThread, Packet
from iosim.thread cimport Thread

cdef int64_t GROW, SHRINK, STATUS_SUCCESS, STATUS_TIMEOUT, TIMER
cdef Packet NO_PACKET

cdef class GrowingPort(CompletionPort):
    cdef public GrowingPool pool
    cpdef void insert(self, Packet packet)
    @cython.locals(waiting=list)
    cpdef void insert_in_apc(self, Packet packet)
    cpdef void release_one(self, Request by)
    @cython.locals(new=bint, packet=Packet)
    cpdef Packet remove(self, KernelThread thread)

cdef class GrowingPool(Actor):
    cdef public Dispatcher dispatcher
    cdef public Clock clock
    cdef public GrowingPort port
    cdef public object params, thread_params
    cdef public list spare, threads
    cdef public int64_t alive, alive_most, retiring
    cdef public bint growing, shrinking
    @cython.locals(program=GrowingWorker, thread=KernelThread)
    cpdef KernelThread new_thread(self)
    @cython.locals(port=GrowingPort, left=int64_t, thread=KernelThread)
    cpdef void look(self)
    cpdef void parked(self, KernelThread thread)
    cpdef void _shrink_in(self, int64_t delay)
    cpdef void fire(self, int64_t what)
    @cython.locals(idle=list, oldest=KernelThread, left=int64_t)
    cpdef void _shrink(self)
    cpdef void retired(self, GrowingWorker program)

cdef class GrowingWorker(WorkerProgram):
    cdef public GrowingPool pool
    cdef public int64_t number
    @cython.locals(worker=KernelThread)
    cpdef bint resume(self, Thread thread)

cdef class PortPerProcessor(CompletionPort):
    cdef public list ports, steps
    cdef public int64_t shift
    @cython.locals(request=Request, place=int64_t)
    cpdef void insert(self, Packet packet)

@cython.locals(thread=KernelThread)
cpdef KernelThread make_thread(Dispatcher dispatcher, WorkerProgram program, int64_t number, object params)
