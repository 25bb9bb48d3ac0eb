cimport cython
from libc.stdint cimport int32_t, int64_t

from iosim.actor cimport Actor, Clock
from iosim.attribution cimport Client, Request
from iosim.binding cimport FrameSource
from iosim.client_addresses cimport ClientAddresses
from iosim.flag cimport flag
from iosim.frame_queue cimport FrameQueue
from iosim.frames cimport Frame, new_frame
from iosim.tcp cimport Connection, ConnectionUser, Flows, Host
from iosim.variates cimport Variate
from iosim.workload cimport RowPace, Source

cdef int64_t ALL, ARRIVAL, CLIENT_SHIFT, DATAGRAM, DEVICE, ENDED, FAILED, LINK, MOST_ITERATIONS, ON_ITS_WAY
cdef int64_t PORT_MASK, PROPAGATION, REMOTE_PEER, TIMER, UDP, UDP_IPV4
cdef Request NO_REQUEST
cdef ClientEnd NO_END, NONE_LIVE
cdef int64_t[::1] SCRATCH

cdef class LongWay(FrameSource):
    cdef public Clock clock
    cdef public int64_t delay
    cdef public FrameSource way
    cdef public FrameQueue frames
    cdef public WayAlarm alarm
    cpdef int64_t transmit_cost(self, Frame frame)
    cpdef void transmit(self, Frame frame, int64_t processor)
    @cython.locals(frame=Frame, request=Request, way=FrameSource)
    cpdef void arrived(self)

cdef class WayAlarm(Actor):
    cdef public LongWay long_way
    @cython.locals(long_way=LongWay)
    cpdef void fire(self, int64_t what)

cdef class Reach:
    cdef public Host far, near
    cdef public int64_t target
    cdef public FrameSource way
    cdef public object service

cdef class ClientEnd:
    cdef public flag busy, connected, over
    cdef public int32_t asked, number
    cdef public int64_t read
    cdef public Connection connection
    cdef public list under_way, waiting

cdef class ClientSide(ConnectionUser):
    cdef public NetworkSource source
    @cython.locals(source=NetworkSource)
    cpdef void connected(self, Connection connection)
    @cython.locals(source=NetworkSource)
    cpdef void failed(self, Connection connection, int64_t status)
    @cython.locals(source=NetworkSource)
    cpdef void received(self, Connection connection, int64_t size, int64_t pushed, Request request)
    @cython.locals(source=NetworkSource)
    cpdef void peer_finished(self, Connection connection)
    @cython.locals(asker=Client)
    cpdef void datagram(self, object owner, int64_t source, int64_t size, Request request)

cdef class Drip(Actor):
    cdef public NetworkSource source
    cdef public ClientEnd end
    cdef public Request request
    cdef public int64_t left
    @cython.locals(source=NetworkSource, end=ClientEnd, request=Request, connection=Connection)
    cpdef void fire(self, int64_t what)

cdef class ResetAlarm(Actor):
    cdef public NetworkSource source
    cdef public Request request
    @cython.locals(source=NetworkSource)
    cpdef void fire(self, int64_t what)

cdef class NetworkSource(Source):
    cdef public Reach reach
    cdef public Host far, near
    cdef public int64_t clients, gap, per_connection, piece, reads, refused, reset_after, target
    cdef public FrameSource way
    cdef public ClientAddresses addresses
    cdef public Variate sizes
    cdef public list ends, made, resets
    cdef public bint datagrams, no_delay
    cdef public ClientSide side
    cdef public dict live
    @cython.locals(end=ClientEnd, far=Connection, near=Connection)
    cpdef void meet(self)
    @cython.locals(made=int64_t)
    cpdef int64_t _next_address(self, int64_t number)
    cpdef void _own(self, ClientEnd end, Connection connection)
    @cython.locals(request=Request, size=int64_t, end=ClientEnd, drawn=Variate)
    cpdef void issue(self, int64_t index, int64_t number)
    @cython.locals(end=ClientEnd, far=Host, flows=Flows, flow=int64_t, connection=Connection)
    cpdef ClientEnd _connect(self, int64_t number)
    @cython.locals(far=Host, flows=Flows, flow=int64_t, frame=Frame, way=FrameSource)
    cpdef void _send_datagram(self, Request request, int64_t number)
    @cython.locals(connection=Connection, request=Request, drip=Drip)
    cpdef void send_waiting(self, ClientEnd end)
    cpdef void connected(self, ClientEnd end)
    @cython.locals(connection=Connection)
    cpdef void received(self, ClientEnd end, int64_t size, Request request)
    @cython.locals(request=Request)
    cpdef void lost(self, ClientEnd end)
    @cython.locals(end=ClientEnd, connection=Connection)
    cpdef void reset(self, Request request)
    @cython.locals(end=ClientEnd, now=int64_t, under_way=list, place=int64_t, connection=Connection)
    cpdef void finished(self, Request request)

cdef class OpenNetworkSource(NetworkSource):
    cdef public Variate gaps, which
    cdef public int64_t next
    cpdef void start(self)
    @cython.locals(index=int64_t)
    cpdef void fire(self, int64_t what)

cdef class ClosedNetworkSource(NetworkSource):
    cdef public Variate think
    cdef public int64_t outstanding
    cdef public list next
    cpdef void start(self)
    @cython.locals(index=int64_t)
    cpdef void fire(self, int64_t what)
    @cython.locals(index=int64_t, slot=int64_t)
    cpdef void served(self, Request request, int64_t now)

cdef class ReplayNetworkSource(NetworkSource):
    cdef public int64_t[::1] client
    cdef public RowPace pace
    @cython.locals(pace=RowPace)
    cpdef void start(self)
    @cython.locals(row=int64_t, pace=RowPace)
    cpdef void fire(self, int64_t what)
    @cython.locals(pace=RowPace)
    cpdef void served(self, Request request, int64_t now)
