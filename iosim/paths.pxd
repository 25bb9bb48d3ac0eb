cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.attribution cimport Request
from iosim.binding cimport FrameSource
from iosim.dpc cimport Dpc
from iosim.frame_queue cimport FrameQueue
from iosim.frames cimport Frame
from iosim.interrupts cimport Interrupt
from iosim.link cimport FrameReceiver, Link
from iosim.processor cimport Processor
from iosim.tcp cimport Host

cdef int64_t DEVICE, DPC_WAIT, KERNEL, LINK, PROPAGATION
cdef Request NO_REQUEST

cdef class PathCosts:
    cdef public int64_t dpc, isr, send

cdef class PlainPath(FrameSource):
    cdef public Clock clock
    cdef public Link link
    cdef public PathCosts costs
    cdef public set losses
    cdef public int64_t sent_frames
    cpdef int64_t transmit_cost(self, Frame frame)
    @cython.locals(end=FrameReceiver)
    cpdef void transmit(self, Frame frame, int64_t processor)
    cpdef void keep(self, Frame frame)
    cpdef void give_back(self, Frame frame)

cdef class SwiftLink(Link):
    @cython.locals(end=FrameReceiver)
    cpdef int64_t carry(self, Frame frame, int64_t ready)

cdef class Nowhere(FrameReceiver):
    cpdef void receive(self, Frame frame)

cdef class PathEnd(FrameReceiver):
    cdef public Clock clock
    cdef public int64_t propagation
    cdef public Host host
    cdef public FrameQueue frames
    cdef public ArrivalAlarm alarm
    cpdef void receive(self, Frame frame)
    @cython.locals(frame=Frame, request=Request)
    cpdef void arrived(self)
    @cython.locals(host=Host)
    cpdef void deliver(self, Frame frame)

cdef class ArrivalAlarm(Actor):
    cdef public PathEnd end
    @cython.locals(end=PathEnd)
    cpdef void fire(self, int64_t what)

cdef class MachineEnd(PathEnd):
    cdef public Processor processor
    cdef public PathCosts costs
    cdef public list there
    cdef public ArrivalVector vector
    @cython.locals(processor=Processor)
    cpdef void deliver(self, Frame frame)

cdef class ArrivalVector(Interrupt):
    cdef public ArrivalDpc dpc
    cpdef void service(self, object processor)

cdef class ArrivalDpc(Dpc):
    cdef public MachineEnd machine_end
    cdef public list batch
    @cython.locals(end=MachineEnd, host=Host, frame=Frame)
    cpdef int64_t begin(self, object processor)
    @cython.locals(batch=list, end=MachineEnd, host=Host, now=int64_t, frame=Frame)
    cpdef void end(self, object processor)

@cython.locals(link=Link)
cpdef PlainPath plain_path(Clock clock, int64_t bits_per_second, int64_t propagation, PathEnd end, PathCosts costs=*)
