cimport cython
from libc.stdint cimport int64_t

from iosim.apc cimport KernelApc, KernelApcs, interrupted_in, kernel_apcs, queue_user_apc
from iosim.attribution cimport Request, hand_back
from iosim.completion_port cimport CompletionPort
from iosim.device_stack cimport FileObject
from iosim.dispatcher cimport Dispatcher
from iosim.irp cimport Irp, Notice, StatusBlock
from iosim.kernel_queue cimport KernelThread, Packet
from iosim.ntstatus cimport is_error, succeeded
from iosim.objects cimport Event

cdef int64_t READ, TERMINATED
cdef CompletionPort NO_PORT
cdef Irp NO_IRP
cdef KernelThread NO_THREAD
cdef StatusBlock NO_STATUS_BLOCK

cdef class LastStage(KernelApc):
    cdef public Completion completion
    cdef public Irp irp
    cpdef int64_t cost(self, KernelThread thread)
    cpdef bint run(self, KernelThread thread)
    cpdef void run_down(self, KernelThread thread)

cdef class Completion:
    cdef public Dispatcher dispatcher
    cdef public KernelApcs apcs
    cdef public int64_t copy_ps
    cdef public bint buffered_reads, direct, pended_before, with_event
    @cython.locals(file=FileObject)
    cpdef void list_request(self, KernelThread thread, Irp irp)
    @cython.locals(file=FileObject, notice=Notice)
    cpdef bint _links(self, Irp irp)
    @cython.locals(file=FileObject)
    cpdef void unlist(self, Irp irp)
    @cython.locals(waiter=KernelThread, event=Event, thread=KernelThread)
    cpdef Irp end(self, Irp irp)
    @cython.locals(master=Irp)
    cpdef Irp _end_associated(self, Irp irp)
    @cython.locals(file=FileObject, waiter=KernelThread, boost=int64_t)
    cpdef void _link(self, Irp irp)
    cpdef void end_without_thread(self, Irp irp)
    cpdef void _to_thread(self, KernelThread thread, Irp irp)
    cpdef void in_call(self, Irp irp)
    @cython.locals(time=int64_t)
    cpdef void _pay(self, Irp irp)
    @cython.locals(time=int64_t)
    cpdef int64_t last_cost(self, Irp irp)
    cpdef int64_t _copy_out(self, Irp irp)
    @cython.locals(file=FileObject)
    cpdef void last_stage(self, Irp irp)
    @cython.locals(port=CompletionPort, waiter=KernelThread, boost=int64_t)
    cpdef void _queue(self, Irp irp)
    cpdef void _write_block(self, Irp irp)
    @cython.locals(waiter=KernelThread, boost=int64_t)
    cpdef void _free(self, Irp irp)
    @cython.locals(request=Request)
    cpdef void _count(self, Irp irp)
    @cython.locals(file=FileObject, event=Event)
    cpdef void _signal(self, Irp irp)
    cpdef void _wake(self, KernelThread waiter, int64_t boost)
    cpdef void _let_file_go(self, FileObject file)
    cpdef void let_file_go(self, FileObject file)
    cpdef list of_threads(self, FileObject file)

@cython.locals(waiter=KernelThread)
cpdef KernelThread no_longer_awaited(Irp irp)
@cython.locals(file=FileObject)
cpdef bint queues_packet(Irp irp)
@cython.locals(packet=Packet)
cpdef void discard(list packets)
