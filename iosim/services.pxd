cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request, rebook_refill
from iosim.cache cimport Caches
from iosim.completion_port cimport CompletionPort
from iosim.device_stack cimport FileObject
from iosim.dispatcher cimport Dispatcher
from iosim.io_manager cimport IoCosts, IoManager
from iosim.irp cimport Irp
from iosim.kernel_queue cimport KernelQueue, KernelThread, Packet
from iosim.kernel_work cimport KernelWork
from iosim.numa cimport NodeMemory
from iosim.ntstatus cimport is_error, succeeded

cdef NodeMemory NO_MEMORY
cdef int64_t AGAIN, BLOCKED, BLOCKED_CALL, DONE, LEFT, LEFT_AND_WAITS, NO_NODE, SKIP_PORT_ON_SUCCESS, STATUS_PENDING, STAYS
cdef int64_t STAYS_IN_CALL, TIMER, WAITS
cdef KernelWork NO_WORK
cdef Packet NO_PACKET
cdef Request NO_REQUEST

cdef class CallCosts:
    cdef public int64_t block, post, remove

cdef class Services:
    cdef public Dispatcher dispatcher
    cdef public Clock clock
    cdef public IoManager io
    cdef public Caches caches
    cdef public CallCosts costs
    cdef public NodeMemory memory
    @cython.locals(more=int64_t, request=Request)
    cpdef void touch(self, KernelThread thread, int64_t private, int64_t request_bytes)
    @cython.locals(memory=NodeMemory, excess=int64_t)
    cpdef void reach(self, KernelThread thread, int64_t size, int64_t node)
    @cython.locals(packet=Packet, request=Request, cost=int64_t)
    cpdef bint remove(self, KernelThread thread, CompletionPort port)
    @cython.locals(request=Request)
    cpdef void post(self, KernelThread thread, CompletionPort port)
    @cython.locals(request=Request, queue=KernelQueue)
    cpdef Request let_go(self, KernelThread thread)
    cpdef void wait(self, KernelThread thread, int64_t time, int64_t cause)
    @cython.locals(irp=Irp, costs=IoCosts, way=int64_t)
    cpdef Irp prepare(self, KernelThread thread, FileObject file, int64_t major, int64_t offset, int64_t size, bint hit)
    @cython.locals(irp=Irp, io=IoManager, file=FileObject, blocks_issuer=bint, request=Request, status=int64_t, queue=KernelQueue)
    cpdef int64_t issue(self, KernelThread thread, bint blocking, bint saturated)

    cpdef bint _goes_on(self, FileObject file, int64_t status)
    @cython.locals(io=IoManager)
    cpdef int64_t _in_thread(self, KernelThread thread, Request request)
    @cython.locals(io=IoManager, work=KernelWork, outcome=int64_t, pends=bint, status=int64_t, request=Request, file=FileObject, queue=KernelQueue)
    cpdef int64_t _work(self, KernelThread thread, Irp irp, bint blocking)
