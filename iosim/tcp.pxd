cimport cython
from libc.stdint cimport int32_t, int64_t

from iosim.actor cimport Actor, Clock
from iosim.attribution cimport Request
from iosim.binding cimport FrameSink, FrameSource
from iosim.flag cimport flag
from iosim.frames cimport Frame, new_frame
from iosim.processor cimport Processor
from iosim.rss cimport Rss
from iosim.stream_marks cimport StreamMarks

cdef int64_t ACK, ADDRESS_MASK, DATA, DATAGRAM, FIN, KERNEL, NO_HASH, PROPAGATION, REMOTE_PEER, RETRANSMIT, RST, SEND_WINDOW
cdef int64_t STATUS_CONNECTION_REFUSED, STATUS_CONNECTION_RESET, STATUS_IO_TIMEOUT, SYN, SYN_ACK, TCP, TCP_IPV4, TIMER, UDP, UDP_IPV4
cdef int64_t CLOSED, ESTABLISHED, FIRST_DYNAMIC_PORT, LAST_PORT, LONGEST_RTO, NO_WINDOW_LIMIT, OFF, REMEMBERED
cdef int64_t SYN_RECEIVED, SYN_SENT
cdef Request NO_REQUEST
cdef Rss NO_RSS
cdef StreamMarks NO_MARKS

cdef class Flows:
    cdef public list senders
    cdef public object sources
    cdef public dict known
    cpdef int64_t new(self, int64_t source, int64_t target)
    @cython.locals(pair=tuple)
    cpdef int64_t of_datagrams(self, int64_t source, int64_t target)
    cpdef Connection receiver(self, int64_t flow)
    cpdef int64_t source(self, int64_t flow)
    cpdef int64_t target(self, int64_t flow)

cdef class ConnectionUser:
    cpdef bint admits(self, object owner)
    cpdef void established(self, object owner, Connection connection)
    cpdef void half_open_failed(self, object owner)
    cpdef void connected(self, Connection connection)
    cpdef void failed(self, Connection connection, int64_t status)
    cpdef int64_t copy_cost(self, Connection connection, int64_t before, int64_t size, int64_t at_once)
    cpdef int64_t datagram_copy(self, object owner, int64_t before, int64_t size, int64_t at_once)
    cpdef void received(self, Connection connection, int64_t size, int64_t pushed, Request request)
    cpdef void acknowledged(self, Connection connection)
    cpdef void peer_finished(self, Connection connection)
    cpdef void finished(self, Connection connection)
    cpdef void datagram(self, object owner, int64_t source, int64_t size, Request request)

cdef class Port:
    cdef public ConnectionUser user
    cdef public object owner

cdef class Host(FrameSink):
    cdef public Clock clock
    cdef public Flows flows
    cdef public int64_t ack_frequency, connect_tries, data_tries, delayed_ack, duplicate_acks, initial_rto, initial_window
    cdef public int64_t last_port, minimum_rto, number, processor, receive_buffer, receive_cost, retransmitted, segment
    cdef public int64_t segment_cost, timeouts, unreachable
    cdef public dict datagram_ports, ended, ports, priced, routes
    cdef public FrameSource gateway
    cdef public Rss rss
    cpdef bint reaches(self, int64_t address)
    cpdef FrameSource way(self, int64_t address)
    @cython.locals(rss=Rss, source=int64_t, target=int64_t, from_host=int64_t, to_host=int64_t)
    cpdef int64_t hash_of(self, int64_t flow, int64_t protocol)
    cpdef int64_t free_port(self)
    cpdef void listen(self, int64_t port, ConnectionUser user, object owner)
    cpdef void take_datagrams(self, int64_t port, ConnectionUser user, object owner)
    cpdef dict connections(self)
    @cython.locals(flow=int64_t, connection=Connection)
    cpdef Connection connect(self, int64_t source, int64_t target, ConnectionUser user, object owner)
    @cython.locals(flow=int64_t, frame=Frame, way=FrameSource)
    cpdef void send_datagram(self, int64_t source, int64_t target, int64_t size, Request request)
    @cython.locals(way=FrameSource)
    cpdef int64_t datagram_cost(self, int64_t target)
    @cython.locals(connection=Connection, frame=Frame, several=bint, time=int64_t)
    cpdef int64_t cost(self, list frames)
    @cython.locals(acknowledged=int64_t, grown=int64_t, let_go=int64_t, landed=int64_t, newly=int64_t, more=int64_t, time=int64_t, user=ConnectionUser)
    cpdef int64_t _price(self, Connection connection, Frame frame, bint several)
    @cython.locals(before=int64_t, number=int64_t, port=Port, user=ConnectionUser)
    cpdef int64_t _datagram_price(self, Frame frame)
    @cython.locals(frame=Frame)
    cpdef void indicate(self, list frames, Processor processor)
    cpdef void sent(self, Frame frame)
    @cython.locals(kind=int64_t, connection=Connection)
    cpdef void arrive(self, Frame frame, int64_t processor)
    @cython.locals(target=int64_t, port=Port, user=ConnectionUser)
    cpdef void _datagram(self, Frame frame)
    @cython.locals(port=Port, user=ConnectionUser, connection=Connection)
    cpdef void _admit(self, Frame frame)
    cpdef void remember(self, int64_t flow, int64_t received)
    @cython.locals(answer=Frame, way=FrameSource)
    cpdef void _answer(self, Frame frame, int64_t kind, int64_t acknowledged)

cdef class Connection(Actor):
    cdef public Host host
    cdef public Clock clock
    cdef public ConnectionUser user
    cdef public FrameSource source
    cdef public object owner
    # A cause, a state, numbers of flows, counts of segments and tries have 32 bits: they count what lies in memory.
    cdef public int32_t blocked, duplicates, flow, left, state, unacknowledged
    cdef public int64_t advertised, congestion, edge, end, expected, fin_at, hash, highest, nxt, recover, rto, smoothed
    cdef public int64_t threshold, timed, timed_at, una, unread, variance
    cdef public flag delivering, fin, finished, no_delay, orphan, peer_finished
    cdef public list early
    cdef public StreamMarks marks
    cdef public int64_t reply_due, reply_entry, resend_due, resend_entry
    @cython.locals(clock=Clock, now=int64_t, due=int64_t, entry=int64_t)
    cpdef void _await_ack(self)
    @cython.locals(delay=int64_t)
    cpdef void _await_data(self)
    @cython.locals(clock=Clock, now=int64_t)
    cpdef void fire(self, int64_t what)
    @cython.locals(marks=StreamMarks)
    cpdef int64_t send(self, int64_t size, Request request)
    cpdef int64_t send_cost(self, int64_t size)
    @cython.locals(host=Host, source=FrameSource, each=int64_t)
    cpdef int64_t segments_cost(self, int64_t size)
    @cython.locals(segment=int64_t)
    cpdef int64_t growth(self, int64_t newly, int64_t congestion)
    @cython.locals(allowed=int64_t, segment=int64_t)
    cpdef int64_t let_go_by(self, int64_t acknowledged, int64_t grown, int64_t window)
    cpdef void consumed(self, int64_t size)
    @cython.locals(host=Host, gained=int64_t)
    cpdef bint _window_gained(self)
    cpdef void finish(self)
    cpdef void reset(self)
    cpdef void abandon(self)
    cpdef void begin(self)
    cpdef void greet(self)
    cpdef void _establish(self)
    @cython.locals(kind=int64_t, user=ConnectionUser)
    cpdef void arrive(self, Frame frame)
    @cython.locals(user=ConnectionUser)
    cpdef void _greeted(self, Frame frame)
    @cython.locals(until=int64_t, hole=bint, follower=Frame)
    cpdef void _data(self, Frame frame)
    @cython.locals(sender=Connection, marks=StreamMarks, number=int64_t, mark=int64_t, request=Request)
    cpdef void _deliver(self, Frame frame, int64_t until)
    @cython.locals(size=int64_t, user=ConnectionUser)
    cpdef void _give(self, int64_t until, int64_t pushed, Request request)
    @cython.locals(place=int64_t)
    cpdef void _keep(self, Frame frame)
    cpdef void _fin(self, Frame frame)
    @cython.locals(user=ConnectionUser)
    cpdef void _end_of_stream(self)
    @cython.locals(acknowledged=int64_t, edge=int64_t, opened=bint)
    cpdef void _acknowledgement(self, Frame frame)
    @cython.locals(host=Host, newly=int64_t, user=ConnectionUser)
    cpdef void _advance(self, int64_t acknowledged)
    @cython.locals(segment=int64_t)
    @cython.locals(host=Host)
    cpdef void _duplicate(self)
    @cython.locals(off=int64_t)
    cpdef void _measured(self, int64_t time)
    @cython.locals(segment=int64_t)
    cpdef void timed_out(self)
    @cython.locals(segment=int64_t, left=int64_t, size=int64_t, allowed=int64_t, room=int64_t, in_flight=bint, waits=bint)
    cpdef void push(self)
    cpdef void _repeat(self)
    @cython.locals(segment=int64_t, source=FrameSource, most=int64_t)
    cpdef int64_t _together(self, int64_t left, int64_t room)
    @cython.locals(again=bint)
    cpdef void _segment(self, int64_t sequence, int64_t size)
    @cython.locals(frame=Frame, marks=StreamMarks, source=FrameSource)
    cpdef void _emit(self, int64_t kind, int64_t sequence, int64_t size)
    @cython.locals(marks=StreamMarks, now=int64_t, number=int64_t, mark=int64_t, request=Request)
    cpdef void _mark(self, Frame frame, int64_t until)
    cpdef void reply(self)
    @cython.locals(half_open=bint, user=ConnectionUser)
    cpdef void _fail(self, int64_t status)
    cpdef void _forget(self)
    cpdef void _leave(self)

@cython.locals(flow=int64_t, here=Connection, there=Connection)
cpdef tuple join(Host near, ConnectionUser near_user, object near_owner, Host far, ConnectionUser far_user, object far_owner, int64_t source, int64_t target)
