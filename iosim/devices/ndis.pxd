cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request
from iosim.binding cimport FrameSink, FrameSource
from iosim.cache cimport Caches
from iosim.dpc cimport Dpc
from iosim.frame_queue cimport FrameQueue
from iosim.frames cimport Frame
from iosim.interrupts cimport Interrupt
from iosim.nic cimport Nic, NicQueue
from iosim.numa cimport NodeMemory, lines_of
from iosim.processor cimport Processor
from iosim.receive_coalescing cimport coalesce

cdef NodeMemory NO_MEMORY
cdef int64_t DESCRIPTOR, DMA, DPC_WAIT, KERNEL, LINK, MEDIUM, MEDIUM_HIGH, MODERATION, NEVER, PROPAGATION, REMOTE_MEMORY, RING
cdef Request NO_REQUEST

cdef class NdisCosts:
    cdef public int64_t dpc, footprint, isr, merge, receive, sent, touch, transmit

cdef class NdisParams:
    cdef public int64_t budget, buffers, large_send
    cdef public bint coalescing, message_signalled

cdef class Miniport(FrameSource):
    cdef public Clock clock
    cdef public Nic nic
    cdef public FrameSink sink
    cdef public NdisCosts costs
    cdef public NdisParams params
    cdef public Caches caches
    cdef public int64_t buffers, indicated, kept, low, merged, propagation, requeued, runs, waiting_most
    cdef public list dpcs, waiting
    cdef public NodeMemory memory
    @cython.locals(dpc=ReceiveDpc, queue=NicQueue, node=int64_t, vector=ReceiveVector, excess=int64_t)
    cpdef void set_memory(self, NodeMemory memory)
    @cython.locals(queue=NicQueue)
    cpdef void start(self)
    cpdef int64_t transmit_cost(self, Frame frame)
    cpdef int64_t large_send(self)
    @cython.locals(queue=NicQueue, waiting=FrameQueue)
    cpdef void transmit(self, Frame frame, int64_t processor)
    @cython.locals(waiting=FrameQueue)
    cpdef void send_waiting(self, NicQueue queue)
    cpdef void keep(self, Frame frame)
    cpdef void give_back(self, Frame frame)

cdef class ReceiveVector(Interrupt):
    cdef public int64_t remote
    cpdef void finished(self, NicQueue queue)

cdef class QueueVector(ReceiveVector):
    cdef public ReceiveDpc dpc
    @cython.locals(dpc=ReceiveDpc, here=Processor)
    cpdef void service(self, object processor)
    cpdef void finished(self, NicQueue queue)

cdef class LineVector(ReceiveVector):
    cdef public list dpcs
    cdef public int64_t working
    @cython.locals(dpc=ReceiveDpc, now=int64_t)
    cpdef void service(self, object processor)
    cpdef void finished(self, NicQueue queue)
    @cython.locals(dpc=ReceiveDpc)
    cpdef void _unmask(self)

cdef class ReceiveDpc(Dpc):
    cdef public Miniport miniport
    cdef public NicQueue queue
    cdef public list frames, left, units
    cdef public int64_t raised, remote, touch
    cdef public ReceiveVector vector
    cpdef void bind(self, ReceiveVector vector, int64_t importance)
    @cython.locals(miniport=Miniport, costs=NdisCosts, queue=NicQueue, now=int64_t, size=int64_t, merged=int64_t, time=int64_t, waiting=FrameQueue)
    cpdef int64_t begin(self, object processor)
    @cython.locals(miniport=Miniport, sink=FrameSink, spare=int64_t, unit=Frame)
    cpdef int64_t _protocol_time(self)
    @cython.locals(memory=NodeMemory, count=int64_t)
    cpdef int64_t _reach(self, int64_t now, int64_t node)
    @cython.locals(memory=NodeMemory, before=int64_t, time=int64_t)
    cpdef int64_t _protocol_time_from(self, int64_t node)
    @cython.locals(raised=int64_t, remote=int64_t, first=bint, size=int64_t, frame=Frame, request=Request)
    cpdef int64_t _explain(self, int64_t now)
    @cython.locals(miniport=Miniport, queue=NicQueue, sink=FrameSink, now=int64_t, remote=int64_t, frames=list, units=list, left=list, frame=Frame, vector=ReceiveVector, here=Processor)
    cpdef void end(self, object processor)

cpdef bint has_work(NicQueue queue, int64_t now)
cpdef int64_t segments(Frame frame)
@cython.locals(request=Request)
cpdef void spend(Frame frame, int64_t cause, int64_t until)
