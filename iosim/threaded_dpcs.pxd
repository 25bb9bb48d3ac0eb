cimport cython
from libc.stdint cimport int64_t

from iosim.dispatcher cimport Dispatcher
from iosim.dpc cimport Dpc
from iosim.kernel_queue cimport KernelThread
from iosim.processor cimport Processor
from iosim.thread cimport Program, Thread

cdef int64_t BLOCKED_CALL, MEDIUM, PRIORITIES, WAITING

cdef class ThreadedDpc(Dpc):
    cdef public DpcThreads threads
    cdef public bint handed_on
    cpdef int64_t cost(self, Processor processor)
    cpdef void routine(self, Processor processor)
    cpdef int64_t begin(self, object processor)
    cpdef void end(self, object processor)
    cpdef void unqueue(self)

cdef class DpcThread(Program):
    cdef public Dispatcher dispatcher
    cdef public Processor processor
    cdef public object queue, running
    cdef public KernelThread thread
    cpdef void take(self, ThreadedDpc dpc)
    cpdef bint resume(self, Thread thread)
    @cython.locals(dpc=ThreadedDpc)
    cpdef void _begin(self, KernelThread thread)

cdef class DpcThreads:
    cdef public bint enabled
    cdef public list of

