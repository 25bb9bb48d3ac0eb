"""Socket calls. Source: semantics 5, 9.4 (W-SOCK); names, options and errors as documented.

What the real calls write through pointers comes back; addresses are (host, port), as in `("127.0.0.1", 80)`. Left out: the
address of a datagram's sender, out-of-band data, MSG_PEEK and MSG_WAITALL, event objects of a socket (WSAEventSelect).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iosim.devices.socket_codes import (
    ACCEPT,
    AREA,
    CONNECT,
    DATAGRAM,
    DISCONNECT,
    LIST_ADDRESSES,
    NEVER,
    NO_ADDRESS,
    NO_LINGER,
    RECEIVE,
    REUSE_SOCKET,
    SEND,
    SEND_TO,
    STREAM,
    SUPER_ACCEPT,
    SUPER_CONNECT,
    SUPER_DISCONNECT,
    TRANSMIT,
    WRITE_BEHIND,
)
from iosim.devices.winsock import Afd, Endpoint, Transmission
from iosim.io_manager import IoManager
from iosim.irp import DEVICE_CONTROL
from iosim.kernel_queue import KernelThread
from iosim.ntstatus import (
    ERROR_INVALID_HANDLE,
    ERROR_INVALID_PARAMETER,
    STATUS_PENDING,
    STATUS_TIMEOUT,
    WSAEFAULT,
    WSAEINVAL,
    WSAENOTCONN,
    WSAENOTSOCK,
    WSAEOPNOTSUPP,
    WSAEWOULDBLOCK,
    succeeded,
    winsock_error_of,
)
from iosim.objects import INFINITE, Event, wait_for
from iosim.units import PAGE, S
from iosim.win32.calls import RETURNED, WAITS, Call, Calls, ProgramError, Refused, nanoseconds, of_kind
from iosim.win32.files import ResultCall
from iosim.win32.handles import Handle
from iosim.win32.memory import Buffer, Overlapped
from iosim.win32.network import Address
from iosim.win32.requests import OpenFile, RequestCall, Routine
from iosim.win32.waits import WaitCall

if TYPE_CHECKING:
    from iosim.win32.system import System

SOCKET_ERROR = -1
INVALID_SOCKET = -1
AF_INET = 2
SOCK_STREAM, SOCK_DGRAM = STREAM, DATAGRAM
SOL_SOCKET = 0xFFFF
IPPROTO_TCP = 6
TCP_NODELAY = 1
SO_LINGER = 0x80
SO_SNDBUF = 0x1001
SO_ERROR = 0x1007
SO_UPDATE_ACCEPT_CONTEXT = 0x700B
SO_CONNECT_TIME = 0x700C
SO_UPDATE_CONNECT_CONTEXT = 0x7010
FIONBIO = 0x8004667E
SIO_ADDRESS_LIST_QUERY = 0x48000016
TF_DISCONNECT = DISCONNECT
TF_REUSE_SOCKET = REUSE_SOCKET
TF_WRITE_BEHIND = WRITE_BEHIND
MOST_BYTES = 2_147_483_646  # of a TransmitFile
WSA_INFINITE = INFINITE

WINSOCK_ERRORS = {ERROR_INVALID_HANDLE: WSAENOTSOCK, ERROR_INVALID_PARAMETER: WSAEINVAL}


class OpenSocket(OpenFile):
    """A socket as programs know it."""

    noun = "Socket"
    file: Endpoint

    def __init__(self, io: IoManager, end: Endpoint) -> None:
        super().__init__(io, end)


@dataclass(frozen=True, slots=True)
class SelectResult:
    """What select gives: how many sockets are ready (0: the time is over, SOCKET_ERROR), and which."""

    count: int
    readable: Sequence[Handle] = ()
    writable: Sequence[Handle] = ()
    excepted: Sequence[Handle] = ()


class SocketCall(RequestCall):
    """A request on a socket, tried without an IRP first; `place` goes where a file's offset would."""

    def __init__(
        self,
        system: "System",
        handle: Any,
        code: int,
        buffers: Sequence[Buffer | None] = (),
        overlapped: Overlapped | None = None,
        routine: Routine | None = None,
        place: int = 0,
    ) -> None:
        size = sum(buffer.size for buffer in buffers if isinstance(buffer, Buffer))
        super().__init__(system, handle, DEVICE_CONTROL, size, overlapped, buffers, routine, code)
        self.place = place
        self.afd: Afd = system.network.afd

    @property
    def end(self) -> Endpoint:
        """The socket's file object."""
        end = self.file
        assert isinstance(end, Endpoint)
        return end

    def begin(self, thread: KernelThread) -> None:
        """The system call, and what is copied or sent in it."""
        super().begin(thread)
        if self.fast:
            thread.owe_kernel(self.afd.cost(self.end, self.code, self.size))

    def _open_file(self) -> OpenFile:
        return self.system.handles.of_kind(self.handle, OpenSocket)

    def _waits_by_itself(self) -> bool:
        """Sockets are overlapped, and without an OVERLAPPED a call waits all the same (5.1)."""
        return self.overlapped is None

    def _check(self) -> None:
        for buffer in self.buffers:
            if buffer is not None:
                buffer.check(buffer.size)
        if self.system.io.refuses(self.file, self.notice):
            raise Refused(WSAEINVAL)

    def offset(self) -> int:
        """What the device control is about beside its size."""
        return self.place

    def _try_fast(self, thread: KernelThread) -> int:
        self.afd.host.processor = thread.processor
        return super()._try_fast(thread)

    def _prepare(self, thread: KernelThread) -> None:
        """It needs an IRP: AFD locks the pages (0b.2)."""
        if None in self.buffers and self.size:
            self._prepare_in_vain(thread)
            return
        if self.end.non_blocking and self.overlapped is None and not self._ends_at_once():
            raise Refused(WSAEWOULDBLOCK)
        io = self.system.io
        irp = io.allocate(1, thread.processor)
        irp.prepare(thread.request, self.file, DEVICE_CONTROL, self.place, self.size)
        irp.code = self.code
        irp.tell(self.notice)
        irp.synchronous = self.waits
        costs = io.costs
        thread.owe_kernel(costs.irp + -(-self.size // PAGE) * costs.page_lock + self.file.device.down_ns)
        self.irp = irp

    def _ends_at_once(self) -> bool:
        """Whether it would not wait, on a socket that must not."""
        return self.code == SEND_TO

    def _error_of(self, status: int) -> int:
        return winsock_error_of(status)

    def refuse(self, error: int) -> None:
        """The failing value, with Winsock's error."""
        super().refuse(WINSOCK_ERRORS.get(error, error))


class ConnectCall(SocketCall):
    """connect(): 0 or SOCKET_ERROR."""

    def _prepare(self, thread: KernelThread) -> None:
        """On a socket that does not block it only begins."""
        if self.end.non_blocking:
            status = self.afd.begin_connect(self.end, self.place)
            raise Refused(WSAEWOULDBLOCK if status == STATUS_PENDING else winsock_error_of(status))
        super()._prepare(thread)

    def _ended(self, status: int) -> int:
        super()._ended(status)
        self.value = 0 if succeeded(status) else SOCKET_ERROR
        return RETURNED

    def refuse(self, error: int) -> None:
        """SOCKET_ERROR."""
        super().refuse(error)
        self.value = SOCKET_ERROR


class AcceptCall(SocketCall):
    """accept(): a new socket, or INVALID_SOCKET."""

    def _ends_at_once(self) -> bool:
        return len(self.end.backlog) > 0

    def _ended(self, status: int) -> int:
        super()._ended(status)
        self.value = INVALID_SOCKET
        if succeeded(status):
            end = self.afd.by_number[self.notice.block.information]
            self.value = self.system.handles.add(OpenSocket(self.system.io, end))
        return RETURNED

    def refuse(self, error: int) -> None:
        """INVALID_SOCKET."""
        super().refuse(error)
        self.value = INVALID_SOCKET


class SocketResultCall(ResultCall):
    """WSAGetOverlappedResult: the same with Winsock's errors."""

    def _error_of(self, status: int) -> int:
        return winsock_error_of(status)


class SelectCall(WaitCall):
    """select: looks at all, and waits for any of them to change."""

    def __init__(self, api: "SocketCalls", sets: list[Sequence[Handle] | None], timeout: int) -> None:
        super().__init__(api.cost, api.system.handles, [], False, timeout, False)
        self.api = api
        self.sets = sets

    def act(self, thread: KernelThread) -> int:
        """At once, or not."""
        sets = [list(each or ()) for each in self.sets]
        if not any(sets):
            raise Refused(WSAEINVAL)
        self.found = [[(handle, self.api.endpoint(handle)) for handle in each] for each in sets]
        self.ends = [end for each in self.found for _, end in each]
        self.deadline = self.timeout if self.timeout == INFINITE else self.api.system.clock.now + self.timeout
        self.event = Event(self.api.system.dispatcher, True, False)
        for end in self.ends:
            end.watchers = [*end.watchers, self.event]
        return self._look(thread)

    def woken(self, thread: KernelThread) -> int:
        """Something has changed, or the time is over."""
        if thread.wait_status == STATUS_TIMEOUT:
            return self._ready([[], [], []])
        self.event.reset()
        return self._look(thread)

    def _look(self, thread: KernelThread) -> int:
        read, write, fail = self.found
        ready = [
            [handle for handle, end in read if end.readable()],
            [handle for handle, end in write if end.writable()],
            [handle for handle, end in fail if end.connect_failed],
        ]
        left = self.deadline if self.deadline == INFINITE else max(0, self.deadline - self.api.system.clock.now)
        if any(ready) or not left:
            return self._ready(ready)
        wait_for(thread, [self.event], False, left, False)
        return WAITS

    def _ready(self, ready: list[list[Handle]]) -> int:
        for end in self.ends:
            end.watchers = [event for event in end.watchers if event is not self.event]
        self.value = SelectResult(sum(map(len, ready)), *ready)
        return RETURNED

    def refuse(self, error: int) -> None:
        """SOCKET_ERROR."""
        self.value = SelectResult(SOCKET_ERROR)
        self.error = WINSOCK_ERRORS.get(error, error)


def buffers_of(buffers: Any) -> list[Buffer | None]:
    """A WSABUF array: one Buffer, or a sequence of them."""
    if buffers is None:
        return []
    return [buffers] if isinstance(buffers, Buffer) else list(buffers)


def parts(buffers: Sequence[Buffer], size: int) -> list[int]:
    """How many of so many bytes received lie in each buffer: they fill them in their order, without holes (5.3)."""
    found = []
    for buffer in buffers:
        found.append(min(size, buffer.size))
        size -= found[-1]
    return found


class SocketCalls(Calls):
    """Sockets. Those that give an IoResult are true when done at once, which queues a packet all the same (1.3)."""

    def endpoint(self, socket: Any) -> Endpoint:
        """The file object of a socket's handle."""
        return self.system.handles.of_kind(socket, OpenSocket).file

    # ---- sockets and their names -------------------------------------------------------------------------------------

    def WSASocket(self, family: int = AF_INET, kind: int = SOCK_STREAM) -> Call:
        """A new overlapped socket: its handle, which the file calls take too."""
        if family != AF_INET or kind not in (SOCK_STREAM, SOCK_DGRAM):
            raise ProgramError("sockets are AF_INET, and SOCK_STREAM or SOCK_DGRAM")
        return self._call(lambda _: self._socket(kind), failing=INVALID_SOCKET)

    socket = WSASocket

    def _socket(self, kind: int) -> Handle:
        return self.system.handles.add(OpenSocket(self.system.io, self.system.network.afd.socket(kind)))

    def closesocket(self, socket: Handle) -> Call:
        """0. With unread data, SO_LINGER of 0 or sends that wait the connection is reset; what pends ends (5.16, 5.17)."""
        return self._winsock(socket, lambda end: self._close(socket))

    def _close(self, socket: Handle) -> int:
        self.system.close(socket)
        return 0

    def bind(self, socket: Handle, address: Address) -> Call:
        """0, or WSAEINVAL (bound already), WSAEADDRINUSE. Port 0: any."""
        return self._status(socket, lambda end: self.system.network.afd.bind(end, address[1]))

    def listen(self, socket: Handle, backlog: int) -> Call:
        """0, or WSAEINVAL (not bound), WSAEISCONN, WSAEOPNOTSUPP (a datagram socket)."""
        return self._status(socket, lambda end: self.system.network.afd.listen(end, backlog))

    def getsockname(self, socket: Handle) -> Call:
        """Its own address; SOCKET_ERROR with WSAEINVAL if it has none."""
        return self._winsock(socket, lambda end: self._name(end.local, WSAEINVAL))

    def getpeername(self, socket: Handle) -> Call:
        """The other side's; WSAENOTCONN, also after AcceptEx until SO_UPDATE_ACCEPT_CONTEXT is set."""
        return self._winsock(socket, lambda end: self._name(NO_ADDRESS if end.context_due else end.remote, WSAENOTCONN))

    def _name(self, number: int, error: int) -> Address:
        if number == NO_ADDRESS:
            raise Refused(error)
        return self.system.network.address(number)

    # ---- accept, connect, disconnect ---------------------------------------------------------------------------------

    def accept(self, socket: Handle) -> Call:
        """Wait for a connection: its socket; INVALID_SOCKET with WSAEINVAL, WSAEWOULDBLOCK."""
        return AcceptCall(self.system, socket, ACCEPT)

    def AcceptEx(
        self,
        listener: Handle,
        socket: Handle,
        buffer: Buffer | None,
        receive_length: int,
        local_address_length: int,
        remote_address_length: int,
        overlapped: Overlapped,
    ) -> Call:
        """Accept into `socket`, with the first data if `receive_length` > 0: an IoResult, ERROR_IO_PENDING as a rule.

        WSAEINVAL: no listener, or a socket that is bound, connected or in another AcceptEx; WSAEFAULT: no room for the
        remote address. Too little room for the local one (an address and 16 bytes): ERROR_INSUFFICIENT_BUFFER later.
        """
        system = self.system

        def taken() -> int:
            if remote_address_length <= 0:
                raise Refused(WSAEFAULT)
            return local_address_length << AREA | self.endpoint(socket).number

        return FirstCall(system, listener, SUPER_ACCEPT, receive_length, buffer, overlapped, taken)

    def GetAcceptExSockaddrs(self, socket: Handle) -> Call:
        """Local and remote address of what AcceptEx has accepted into this socket."""
        return self._winsock(
            socket, lambda end: (self._name(end.local, WSAEINVAL), self._name(end.remote, WSAENOTCONN))
        )

    def connect(self, socket: Handle, address: Address) -> Call:
        """0 when connected; SOCKET_ERROR with WSAECONNREFUSED, WSAETIMEDOUT, WSAEISCONN, WSAEHOSTUNREACH, WSAEWOULDBLOCK.

        Never a packet (5.11).
        """
        return ConnectCall(self.system, socket, CONNECT, place=self.system.network.number(address))

    def ConnectEx(
        self, socket: Handle, address: Address, buffer: Buffer | None, size: int, overlapped: Overlapped
    ) -> Call:
        """Connect a bound socket and send `size` bytes: an IoResult; ERROR_IO_PENDING, WSAEINVAL, WSAEISCONN.

        Later ERROR_CONNECTION_REFUSED, ERROR_SEM_TIMEOUT.
        """
        place = self.system.network.number(address)
        return FirstCall(self.system, socket, SUPER_CONNECT, size, buffer, overlapped, lambda: place)

    def DisconnectEx(self, socket: Handle, overlapped: Overlapped | None = None, flags: int = 0) -> Call:
        """End the stream; TF_REUSE_SOCKET: and let the socket be used again. Without an OVERLAPPED it waits: no packet."""
        return SocketCall(self.system, socket, SUPER_DISCONNECT, (), overlapped, place=flags)

    def shutdown(self, socket: Handle, how: int) -> Call:
        """SD_RECEIVE 0, SD_SEND 1, SD_BOTH 2: 0, or WSAENOTCONN."""
        return self._status(socket, lambda end: self.system.network.afd.shutdown(end, how))

    def WSASendDisconnect(self, socket: Handle) -> Call:
        """shutdown with SD_SEND."""
        return self.shutdown(socket, 1)

    def WSARecvDisconnect(self, socket: Handle) -> Call:
        """shutdown with SD_RECEIVE."""
        return self.shutdown(socket, 0)

    # ---- data --------------------------------------------------------------------------------------------------------

    def WSARecv(
        self,
        socket: Handle,
        buffers: Buffer | Sequence[Buffer] | None,
        overlapped: Overlapped | None = None,
        routine: Routine | None = None,
    ) -> Call:
        """Receive what there is, as an IoResult; 0 bytes: the other side has ended its stream.

        WSA_IO_PENDING; WSAENOTCONN, WSAECONNRESET, WSAESHUTDOWN, WSAENOBUFS, WSAEMSGSIZE (a longer datagram), without an
        OVERLAPPED the call waits (WSAEWOULDBLOCK if the socket must not). At the end ERROR_NETNAME_DELETED on a port, or
        WSAECONNRESET from Winsock's own calls. Without buffers, or with empty ones: tells that there is data (5.5).
        """
        return SocketCall(self.system, socket, RECEIVE, buffers_of(buffers), overlapped, routine)

    def WSASend(
        self,
        socket: Handle,
        buffers: Buffer | Sequence[Buffer] | None,
        overlapped: Overlapped | None = None,
        routine: Routine | None = None,
    ) -> Call:
        """Send, as above: true when all is copied (SO_SNDBUF), which says nothing of its arrival (5.6)."""
        return SocketCall(self.system, socket, SEND, buffers_of(buffers), overlapped, routine)

    WSARecvFrom = WSARecv

    def WSASendTo(
        self,
        socket: Handle,
        buffers: Buffer | Sequence[Buffer] | None,
        address: Address,
        overlapped: Overlapped | None = None,
    ) -> Call:
        """Send a datagram; an unbound socket is bound by that."""
        place = self.system.network.number(address)
        return SocketCall(self.system, socket, SEND_TO, buffers_of(buffers), overlapped, place=place)

    def recv(self, socket: Handle, buffer: Buffer, size: int) -> Call:
        """WSARecv that waits, of `size` bytes: an IoResult."""
        return FirstCall(self.system, socket, RECEIVE, size, buffer, None, lambda: 0)

    def send(self, socket: Handle, buffer: Buffer, size: int) -> Call:
        """The same for WSASend."""
        return FirstCall(self.system, socket, SEND, size, buffer, None, lambda: 0)

    def TransmitFile(
        self,
        socket: Handle,
        file: Handle,
        size: int = 0,
        overlapped: Overlapped | None = None,
        head: Buffer | None = None,
        tail: Buffer | None = None,
        flags: int = 0,
    ) -> Call:
        """Send `head`, `size` bytes of a file (0: all that is left of it) and `tail`, as an IoResult (5.13).

        The file's place is the OVERLAPPED's, else where its handle stands. TF_DISCONNECT: then end the stream;
        TF_REUSE_SOCKET: and let the socket be used again (WSAEINVAL without TF_DISCONNECT); TF_WRITE_BEHIND: do not wait if
        the file is cached. WSAEINVAL beyond 2,147,483,646 bytes. Without an OVERLAPPED the call waits.
        """

        def prepared() -> int:
            opened = self.system.handles.of_kind(file, OpenFile)
            place = opened.position if overlapped is None else overlapped.Offset
            length = size or max(0, opened.file.size - place)
            first, last = (buffer.size if buffer is not None else 0 for buffer in (head, tail))
            if first + length + last > MOST_BYTES or place + length > opened.file.size:
                raise Refused(WSAEINVAL)
            return self.system.network.afd.prepare_transmission(
                Transmission(opened.file, place, length, first, last, flags)
            )

        return FirstCall(self.system, socket, TRANSMIT, 0, None, overlapped, prepared)

    # ---- options -----------------------------------------------------------------------------------------------------

    def setsockopt(self, socket: Handle, level: int, option: int, value: Any) -> Call:
        """SO_SNDBUF (bytes), SO_LINGER ((on, seconds)), SO_UPDATE_ACCEPT_CONTEXT (the listener), TCP_NODELAY: 0."""
        return self._winsock(socket, lambda end: self._set(end, level, option, value))

    def _set(self, end: Endpoint, level: int, option: int, value: Any) -> int:
        afd = self.system.network.afd
        if (level, option) == (IPPROTO_TCP, TCP_NODELAY):
            afd.set_no_delay(end, bool(value))
        elif level != SOL_SOCKET:
            raise Refused(WSAEINVAL)
        elif option == SO_SNDBUF:
            end.send_buffer = value
        elif option == SO_LINGER:
            end.linger = value[1] if value[0] else NO_LINGER
        elif option == SO_UPDATE_ACCEPT_CONTEXT:
            if status := afd.update_context(end):
                raise Refused(winsock_error_of(status))
        elif option != SO_UPDATE_CONNECT_CONTEXT:
            raise Refused(WSAEOPNOTSUPP)
        return 0

    def getsockopt(self, socket: Handle, level: int, option: int) -> Call:
        """SO_SNDBUF; SO_CONNECT_TIME (seconds, 0xFFFFFFFF: not connected); SO_ERROR (of a connect that did not wait)."""
        return self._winsock(socket, lambda end: self._get(end, option))

    def _get(self, end: Endpoint, option: int) -> int:
        if option == SO_SNDBUF:
            return end.send_buffer
        if option == SO_CONNECT_TIME:
            return 0xFFFFFFFF if end.connected_at == NEVER else (self.system.clock.now - end.connected_at) // S
        if option == SO_ERROR:
            return winsock_error_of(end.connect_failed)
        raise Refused(WSAEOPNOTSUPP)

    def ioctlsocket(self, socket: Handle, command: int, value: int) -> Call:
        """FIONBIO: whether calls without an OVERLAPPED wait. 0, or WSAEINVAL for another command."""

        def do(end: Endpoint) -> int:
            if command != FIONBIO:
                raise Refused(WSAEINVAL)
            end.non_blocking = bool(value)
            return 0

        return self._winsock(socket, do)

    def WSAIoctl(self, socket: Handle, code: int, overlapped: Overlapped | None = None) -> Call:
        """SIO_ADDRESS_LIST_QUERY succeeds at once: an IoResult, and a packet of 0 bytes. Else WSAEOPNOTSUPP."""
        if code != SIO_ADDRESS_LIST_QUERY:
            return self._winsock(socket, self._unsupported)
        return SocketCall(self.system, socket, LIST_ADDRESSES, (), overlapped)

    def _unsupported(self, end: Endpoint) -> int:
        raise Refused(WSAEOPNOTSUPP)

    # ---- waiting -----------------------------------------------------------------------------------------------------

    def select(
        self,
        read: Sequence[Handle] | None,
        write: Sequence[Handle] | None,
        fail: Sequence[Handle] | None,
        timeout: int = INFINITE,
    ) -> Call:
        """Wait until one of the sockets is ready, as a SelectResult; three NULL sets: WSAEINVAL. `timeout` in ns."""
        return SelectCall(self, [read, write, fail], nanoseconds(timeout, forever=True))

    def WSAGetOverlappedResult(self, socket: Handle, overlapped: Overlapped, wait: bool) -> Call:
        """GetOverlappedResult with Winsock's errors."""
        return SocketResultCall(self, socket, overlapped, wait)

    def WSAWaitForMultipleEvents(
        self, events: Sequence[Handle], wait_all: bool, timeout: int, alertable: bool = False
    ) -> Call:
        """WaitForMultipleObjectsEx: of several signalled events the lowest index (S43)."""
        return WaitCall(
            self.cost, self.system.handles, list(events), wait_all, nanoseconds(timeout, forever=True), alertable
        )

    # ---- how they are made -------------------------------------------------------------------------------------------

    def _status(self, socket: Any, do: Any) -> Call:
        def run(end: Endpoint) -> int:
            if status := do(end):
                raise Refused(winsock_error_of(status))
            return 0

        return self._winsock(socket, run)

    def _winsock(self, socket: Any, do: Any) -> Call:
        """A call that needs no request."""

        def run(thread: KernelThread) -> Any:
            try:
                end = self.endpoint(socket)
            except Refused:
                raise Refused(WSAENOTSOCK) from None
            self.system.network.afd.host.processor = thread.processor
            return do(end)

        return self._call(run, failing=SOCKET_ERROR)


class FirstCall(SocketCall):
    """A call that says how much of its one buffer it means, and finds out late what else it is about."""

    def __init__(
        self,
        system: "System",
        handle: Any,
        code: int,
        size: int,
        buffer: Buffer | None,
        overlapped: Overlapped | None,
        find_place: Any,
    ) -> None:
        super().__init__(system, handle, code, [buffer] if size else (), overlapped)
        self.size = size
        self.find_place = find_place

    def _check(self) -> None:
        for buffer in self.buffers:
            if buffer is not None:
                of_kind(buffer, Buffer, "Buffer").check(self.size)
        self.place = self.find_place()
