cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.attribution cimport Request
from iosim.frames cimport Frame, copy_of
from iosim.interrupts cimport Interrupt
from iosim.link cimport FrameReceiver, Link
from iosim.moderation cimport Moderation
from iosim.processor cimport Processor
from iosim.rings cimport RxRing, TxRing
from iosim.rss cimport Rss

cdef int64_t DATAGRAM, DEVICE, LINK, NEVER, NO_HASH
cdef Request NO_REQUEST
cdef Interrupt NO_INTERRUPT
cdef Request NO_REQUEST

cdef class NicParams:
    cdef public int64_t buffer_node, dma, dma_ps, node, rx_ring, tx_ring
    cdef public bint transmit_by_hash

cdef class NicQueue(Actor):
    cdef public Clock clock
    cdef public int64_t interrupts, look_at, node, number, raised_at
    cdef public Processor interrupted, processor
    cdef public RxRing rx
    cdef public TxRing tx
    cdef public Moderation moderation
    cdef public Interrupt vector
    cdef public bint masked
    @cython.locals(rx=RxRing, when=int64_t)
    cpdef void expect(self, Frame frame)
    cpdef void send(self, Frame frame, int64_t done)
    @cython.locals(first=int64_t, done=int64_t, moment=int64_t, full=int64_t)
    cpdef int64_t due(self)
    @cython.locals(now=int64_t, when=int64_t)
    cpdef void fire(self, int64_t what)
    cpdef void mask(self)
    cpdef void unmask(self)
    cpdef void replan(self)
    cpdef void _forget_look(self)
    @cython.locals(now=int64_t)
    cpdef void _plan(self, int64_t when)

cdef class Nic(FrameReceiver):
    cdef public Clock clock
    cdef public NicParams params
    cdef public Rss rss
    cdef public Link link
    cdef public bint up
    cdef public int64_t cleared, lost
    cdef public list queue_of, queues
    cdef public int64_t[::1] hits
    cdef public LinkUp restart
    @cython.locals(number=int64_t, found=NicQueue)
    cpdef NicQueue queue_for(self, int64_t hash_value)
    @cython.locals(queue=NicQueue)
    cpdef void receive(self, Frame frame)
    cpdef void move(self, int64_t index, int64_t processor)
    cpdef void fill(self, list processors)
    cpdef void _check(self, int64_t processor)
    @cython.locals(now=int64_t, flying=list, queue=NicQueue, rx=RxRing, frame=Frame)
    cpdef void _sort_again(self)
    @cython.locals(number=int64_t, found=NicQueue)
    cpdef NicQueue transmit_queue(self, Frame frame, int64_t processor)
    @cython.locals(tx=TxRing, ready=int64_t, done=int64_t)
    cpdef bint transmit(self, NicQueue queue, Frame frame)
    @cython.locals(headers=int64_t, link=Link, left=int64_t, done=int64_t, part=Frame)
    cpdef int64_t _cut(self, Frame frame, int64_t ready)
    @cython.locals(request=Request)
    cpdef void lose(self, Frame frame)
    @cython.locals(coming=list, queue=NicQueue, rx=RxRing, frame=Frame)
    cpdef void set_link(self, bint up)
    @cython.locals(queue=NicQueue, rx=RxRing, lost=list, frame=Frame)
    cpdef void reset(self, int64_t duration)
    @cython.locals(queue=NicQueue)
    cpdef void settle(self)
    @cython.locals(queue=NicQueue, total=int64_t)
    cpdef int64_t dropped(self)

cdef class LinkUp(Actor):
    cdef public Nic nic
    cpdef void fire(self, int64_t what)

cpdef int64_t arrival(Frame frame)
