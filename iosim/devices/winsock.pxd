cimport cython
from libc.stdint cimport int32_t, int64_t, uint32_t

from iosim.actor cimport Actor, Clock
from iosim.attribution cimport Request, ghost_of, hand_back, part_of
from iosim.device_stack cimport DeviceObject, Driver, FileObject
from iosim.file_control cimport FileControl
from iosim.flag cimport flag
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, Notice, StackLocation, StatusBlock
from iosim.numa cimport NodeMemory
from iosim.objects cimport Event
from iosim.stream_marks cimport StreamMarks
from iosim.tcp cimport Connection, ConnectionUser, Host

cdef int64_t CONNECTION_ORDER, ENDED, IO_NETWORK_INCREMENT, KERNEL, NEITHER, NOT_FAST, PAGE, STATUS_ADDRESS_ALREADY_EXISTS, STATUS_BUFFER_OVERFLOW
cdef int64_t STATUS_BUFFER_TOO_SMALL, STATUS_CANCELLED, STATUS_CONNECTION_ABORTED, STATUS_CONNECTION_ACTIVE
cdef int64_t STATUS_CONNECTION_DISCONNECTED, STATUS_HOST_UNREACHABLE, STATUS_INSUFFICIENT_RESOURCES
cdef int64_t STATUS_INVALID_CONNECTION, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_LOCAL_DISCONNECT
cdef int64_t STATUS_NOT_SUPPORTED, STATUS_PENDING, STATUS_SUCCESS
cdef int64_t TIMER, INVOKE_ALWAYS, READ, STATUS_MORE_PROCESSING_REQUIRED
cdef int64_t NO_NODE
cdef int64_t ACCEPT, AREA, BOUND, CHUNK, CHUNKS, CONNECT, CONNECTED, CONNECTING, DATAGRAM, DISCONNECT, ENDLESS
cdef int64_t LISTENING, LIST_ADDRESSES, NEVER, NO_ADDRESS, NO_LINGER, NUMBER_MASK, PORT_MASK, RECEIVE, REUSE_SOCKET
cdef int64_t SD_RECEIVE, SD_SEND, SEND, SEND_BUFFER, SEND_TO, SMALLEST_AREA, STREAM, SUPER_ACCEPT, SUPER_CONNECT
cdef int64_t SUPER_DISCONNECT, TAKEN, TRANSMIT, UNBOUND, WRITE_BEHIND
cdef Connection NO_CONNECTION
cdef FileControl NO_CONTROL
cdef Irp NO_IRP
cdef NodeMemory NO_MEMORY
cdef Notice NO_NOTICE
cdef Request NO_REQUEST
cdef HoldTimer NO_HOLD
cdef StreamMarks NO_MARKS
cdef Transmission NO_TRANSMISSION

cdef class Transmission:
    cdef public FileObject file
    cdef public int64_t flags, head, left, offset, size, tail, under_way
    cdef public bint reading
    cdef public Irp irp
    cdef public Endpoint end
    cdef public Request request
    cpdef bint unfinished(self)

cdef class Sent:
    cdef public int64_t size, until
    cdef public Irp irp
    cdef public Transmission transmission

@cython.locals(sent=Sent)
cpdef Sent new_sent(int64_t until, int64_t size, Irp irp)

cdef class Datagram:
    cdef public int64_t size, source
    cdef public Request request

cdef class HoldTimer(Actor):
    cdef public Afd afd
    cdef public Endpoint end
    @cython.locals(end=Endpoint)
    cpdef void fire(self, int64_t what)

cdef class Endpoint(FileObject):
    # So here, and seconds that a linger lasts: 16 bits in the real interface.
    cdef public int32_t half_open, home, kind, linger, state
    cdef public uint32_t broken, connect_failed
    cdef public int64_t backlog_limit, buffered, connected_at, local, remote, send_buffer, taken, unread
    cdef public flag accepted, context_due, ended, no_delay, no_receives, no_sends, non_blocking, pushed, reuse
    cdef public Connection connection
    cdef public Endpoint listener
    cdef public HoldTimer held
    cdef public Irp opening
    cdef public Request latest
    cdef public StreamMarks marks
    cdef public Transmission transmission
    cdef public list acceptors, backlog, datagrams, disconnects, receives, sent, waiting, watchers
    cpdef void clear(self, int64_t state)
    cpdef bint readable(self)
    cpdef bint writable(self)

cdef class Afd(Driver):
    cdef public IoManager io
    cdef public Clock clock
    cdef public Host host
    cdef public int64_t buffered, buffered_most, calls, dispatch_ns, hold, last_number, locked, locked_area, locked_high
    cdef public int64_t locked_most, locked_since, overflowed, refused
    cdef public DeviceObject device
    cdef public NodeMemory memory
    cdef public TransportSide side
    cdef public list by_number
    cdef public dict bound, carried, reads, transmissions
    @cython.locals(end=Endpoint)
    cpdef Endpoint socket(self, int64_t kind)
    @cython.locals(number=int64_t)
    cpdef void _name(self, Endpoint end)
    @cython.locals(end=Endpoint)
    cpdef Endpoint find(self, int64_t number, Endpoint missing)
    cpdef list sockets(self)
    @cython.locals(kind=int64_t)
    cpdef int64_t bind(self, Endpoint end, int64_t port)
    cpdef int64_t listen(self, Endpoint end, int64_t backlog)
    cpdef int64_t shutdown(self, Endpoint end, int64_t how)
    cpdef void attach(self, Endpoint end, Connection connection)
    @cython.locals(status=int64_t)
    cpdef int64_t begin_connect(self, Endpoint end, int64_t target)
    cpdef int64_t update_context(self, Endpoint end)
    cpdef void set_no_delay(self, Endpoint end, bint on)
    @cython.locals(time=int64_t, connection=Connection)
    cpdef int64_t cost(self, Endpoint end, int64_t code, int64_t size)
    @cython.locals(there=int64_t)
    cpdef int64_t copied(self, Endpoint end, int64_t size)
    @cython.locals(status=int64_t)
    cpdef int64_t fast_control(self, DeviceObject device, FileObject file, int64_t code, int64_t size, StatusBlock block)
    @cython.locals(end=FileObject, code=int64_t)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    cpdef int64_t _receive_refusal(self, Endpoint end)
    @cython.locals(status=int64_t, datagram=Datagram)
    cpdef int64_t _fast_receive(self, Endpoint end, int64_t size, StatusBlock block)
    @cython.locals(size=int64_t, status=int64_t, block=StatusBlock)
    cpdef int64_t _receive(self, Irp irp, Endpoint end)
    @cython.locals(size=int64_t, marks=StreamMarks, mark=int64_t, request=Request, connection=Connection)
    cpdef int64_t _take(self, Endpoint end, int64_t room)
    cpdef Request hand_over(self, Endpoint end, Request request, int64_t source)
    @cython.locals(memory=NodeMemory)
    cpdef void _landed(self, Request request)
    @cython.locals(irp=Irp, size=int64_t)
    cpdef void _feed(self, Endpoint end)
    @cython.locals(irp=Irp)
    cpdef Irp _next_receive(self, Endpoint end)
    @cython.locals(first=Irp)
    cpdef bint _holds(self, Endpoint end)
    cpdef void hold_ended(self, Endpoint end)
    cpdef void _received(self, Irp irp, Request request, int64_t status, int64_t size)
    cpdef int64_t send_refusal(self, Endpoint end)
    cpdef bint copies(self, Endpoint end)
    @cython.locals(status=int64_t)
    cpdef int64_t send_now(self, Endpoint end, int64_t size, Request request, StatusBlock block)
    cpdef void carry(self, Irp irp, Request request)
    cpdef Request _carried(self, Irp irp)
    cpdef bint _buffer(self, Endpoint end, int64_t size, Request request)
    @cython.locals(connection=Connection)
    cpdef void _transmit(self, Endpoint end, int64_t size, Request request, Irp irp)
    cpdef void _keep(self, Endpoint end, Sent sent)
    cpdef void _wait(self, Endpoint end, Irp irp)
    @cython.locals(size=int64_t, status=int64_t, done=bint)
    cpdef int64_t _send(self, Irp irp, Endpoint end)
    @cython.locals(connection=Connection, done=Sent)
    cpdef void _drain(self, Endpoint end)
    @cython.locals(connection=Connection, irp=Irp, size=int64_t)
    cpdef void _send_waiting(self, Endpoint end)
    cpdef int64_t prepare_transmission(self, Transmission transmission)
    @cython.locals(transmission=Transmission, flags=int64_t, status=int64_t, connection=Connection)
    cpdef int64_t _transmit_file(self, Irp irp, Endpoint end)
    @cython.locals(file=FileObject, device=DeviceObject, block=StatusBlock, entry=Driver)
    cpdef bint _cached(self, Transmission transmission)
    @cython.locals(transmission=Transmission)
    cpdef void _begin_transmission(self, Irp irp, Endpoint end)
    @cython.locals(end=Endpoint)
    cpdef void _go_on(self, Transmission transmission)
    @cython.locals(end=Endpoint, connection=Connection, sent=Sent, last=bint)
    cpdef void _give(self, Transmission transmission, int64_t size)
    @cython.locals(file=FileObject, device=DeviceObject, entry=Driver, block=StatusBlock, offset=int64_t, status=int64_t, irp=Irp, end=Endpoint, request=Request)
    cpdef void _read(self, Transmission transmission, int64_t size)
    @cython.locals(transmission=Transmission, status=int64_t, size=int64_t, end=Endpoint)
    cpdef int64_t completed(self, DeviceObject device, Irp irp)
    @cython.locals(connection=Connection)
    cpdef void _break_off(self, Endpoint end, int64_t status)
    cpdef void _chunk_done(self, Transmission transmission)
    @cython.locals(irp=Irp, end=Endpoint)
    cpdef void _transmitted(self, Transmission transmission)
    cpdef void _ends_with(self, Endpoint end, int64_t flags)
    @cython.locals(connection=Connection)
    cpdef void _end_sends(self, Endpoint end)
    @cython.locals(location=StackLocation)
    cpdef int64_t _send_to(self, Irp irp, Endpoint end)
    @cython.locals(irp=Irp, room=int64_t, status=int64_t)
    cpdef void datagram(self, Endpoint end, int64_t source, int64_t size, Request request)
    cpdef int64_t _accept(self, Irp irp, Endpoint listener)
    @cython.locals(end=Endpoint)
    cpdef int64_t _super_accept(self, Irp irp, Endpoint listener)
    cpdef int64_t _await_connection(self, Irp irp, Endpoint listener)
    cpdef bint admits(self, Endpoint listener)
    @cython.locals(end=Endpoint)
    cpdef void arrived(self, Endpoint listener, Connection connection)
    @cython.locals(irp=Irp, end=Endpoint, taker=Endpoint, location=StackLocation)
    cpdef void _match(self, Endpoint listener)
    @cython.locals(listener=FileObject)
    cpdef Endpoint _taker(self, Irp irp)
    @cython.locals(connection=Connection)
    cpdef void _adopt(self, Endpoint end, Endpoint arrival)
    @cython.locals(irp=Irp, room=int64_t, size=int64_t)
    cpdef void _accepted(self, Endpoint end)
    @cython.locals(connection=Connection)
    cpdef void _give_up(self, Endpoint end)
    cpdef int64_t _connect_refusal(self, Endpoint end, int64_t target, bint bound)
    @cython.locals(location=StackLocation, target=int64_t, status=int64_t)
    cpdef int64_t _connect_request(self, Irp irp, Endpoint end)
    cpdef void _connect(self, Endpoint end, int64_t target, Irp irp)
    @cython.locals(irp=Irp, size=int64_t)
    cpdef void connected(self, Endpoint end)
    @cython.locals(irp=Irp)
    cpdef void failed(self, Endpoint end, int64_t status)
    @cython.locals(listener=Endpoint)
    cpdef void _break(self, Endpoint end, int64_t status)
    @cython.locals(ended=list, owned=list, sent=list, item=Sent, irp=Irp, transmission=Transmission, transmissions=list)
    cpdef void _end_all(self, Endpoint end, int64_t status)
    cpdef int64_t _disconnect(self, Irp irp, Endpoint end)
    @cython.locals(connection=Connection, irps=list, accepted=bint, irp=Irp, size=int64_t)
    cpdef void _disconnected(self, Endpoint end)
    @cython.locals(room=int64_t, location=StackLocation, irp=Irp, copied=int64_t)
    cpdef int64_t copy_cost(self, Endpoint end, int64_t before, int64_t size, int64_t at_once)
    @cython.locals(room=int64_t, irp=Irp, location=StackLocation)
    cpdef int64_t datagram_copy(self, Endpoint end, int64_t before, int64_t size, int64_t at_once)
    @cython.locals(memory=NodeMemory)
    cpdef int64_t _copy(self, int64_t copied)
    cpdef void _lies(self, Endpoint end)
    @cython.locals(connection=Connection, marks=StreamMarks)
    cpdef void received(self, Endpoint end, int64_t size, int64_t pushed, Request request)
    cpdef void peer_finished(self, Endpoint end)
    cpdef void acknowledged(self, Endpoint end)
    cpdef void finished(self, Endpoint end)
    @cython.locals(event=Event)
    cpdef void _changed(self, Endpoint end)
    @cython.locals(pages=int64_t)
    cpdef bint _lock(self, int64_t size)
    @cython.locals(pages=int64_t)
    cpdef void _unlock(self, int64_t size)
    cpdef void _locks(self, int64_t pages)
    @cython.locals(now=int64_t)
    cpdef void settle(self)
    @cython.locals(end=FileObject, connection=Connection)
    cpdef void cancelled(self, object device, object irp)
    @cython.locals(end=Endpoint, datagram=Datagram)
    cpdef void cleanup(self, DeviceObject device, FileObject file)
    @cython.locals(backlog=list, end=Endpoint, connection=Connection)
    cpdef void _turn_away(self, Endpoint listener)
    @cython.locals(irp=Irp, listener=Endpoint)
    cpdef void _abort_accept(self, Endpoint end)
    @cython.locals(connection=Connection, unsent=bint, item=Sent)
    cpdef void _close(self, Endpoint end)

cdef class TransportSide(ConnectionUser):
    cdef public Afd afd
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
