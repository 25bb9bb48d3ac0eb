"""Two machines' sockets, or a machine's and a bare TCP peer, without threads that run: every call takes no time.

`near` and `far` are hosts on one clock, with a plain path each way; AFD is on the near one, on the far one too unless
`peer` is asked for. Calls are issued in the name of a thread that exists for its lists only.
"""

from typing import Any

from tiny import Tiny

from iosim.attribution import BLOCKED_CALL, NO_REQUEST, Request
from iosim.completion_port import CompletionPort
from iosim.device_stack import NOT_FAST
from iosim.devices.socket_codes import (
    ACCEPT,
    AREA,
    CONNECT,
    RECEIVE,
    SEND,
    STREAM,
    SUPER_ACCEPT,
    SUPER_CONNECT,
    SUPER_DISCONNECT,
)
from iosim.devices.winsock import Afd, Endpoint
from iosim.io_manager import USUAL, IoCosts, IoManager, IoParams, MiniPacket
from iosim.irp import DEVICE_CONTROL, NO_STATUS_BLOCK, Irp, Notice, StatusBlock
from iosim.kernel_queue import NO_PACKET
from iosim.ntstatus import STATUS_PENDING
from iosim.paths import MachineEnd, PathEnd, PlainPath, plain_path
from iosim.tcp import Connection, ConnectionUser, Flows, Host, TcpParams

DELAY = 1_000_000  # ns one way
FAST = 0  # bit/s: frames take no time but the delay
NEAR, FAR = 1, 2
AREA_BYTES = 32

Taken = tuple[int, StatusBlock, int, int]


class Peer(ConnectionUser):
    """A modelled peer: takes what comes unless told otherwise, and writes down what happened."""

    def __init__(self, tiny: "TinySock") -> None:
        self.tiny = tiny
        self.log: list[tuple[int, Any]] = []
        self.connection: Connection
        self.reads = True
        self.closes = True  # answers the end of the stream with its own

    def note(self, what: Any) -> None:
        self.log.append((self.tiny.clock.now, what))

    def admits(self, owner: Any) -> bool:
        return True

    def established(self, owner: Any, connection: Connection) -> None:
        connection.owner = self
        self.connection = connection
        self.note("established")

    def connected(self, connection: Connection) -> None:
        self.note("connected")

    def failed(self, connection: Connection, status: int) -> None:
        self.note(status)

    def received(self, connection: Connection, size: int, pushed: int, request: Request) -> None:
        self.note(size)
        if self.reads:
            connection.consumed(size)

    def peer_finished(self, connection: Connection) -> None:
        self.note("end")
        if self.closes:
            connection.finish()

    def finished(self, connection: Connection) -> None:
        self.note("finished")

    @property
    def bytes(self) -> int:
        return sum(what for _, what in self.log if isinstance(what, int) and what < 1 << 30)


class TinySock(Tiny):
    """Two hosts; AFD on the near one, `peer` on port 80 of the far one."""

    def __init__(
        self,
        params: IoParams = USUAL,
        *,
        tcp: TcpParams | None = None,
        delay: int = DELAY,
        bits: int = FAST,
        copy_ps: int = 0,
        locked_most: int = 1 << 40,
        buffered_most: int = 1 << 40,
        hold: int = 0,
    ) -> None:
        super().__init__(2)
        self.io = IoManager(self.dispatcher, IoCosts(0, 0, 0, 0, copy_ps), params)
        self.port = CompletionPort(self.clock, self.dispatcher, 0, 0, 2)
        self.flows = Flows()
        self.near = Host(self.clock, self.flows, NEAR, tcp or TcpParams())
        self.far = Host(self.clock, self.flows, FAR, tcp or TcpParams())
        self.machine_end = MachineEnd(self.clock, delay, self.near, self.dispatcher.processors[0])
        self.out: PlainPath = plain_path(self.clock, bits, delay, PathEnd(self.clock, delay, self.far))
        self.back: PlainPath = plain_path(self.clock, bits, delay, self.machine_end)
        self.near.routes[FAR] = self.out
        self.far.routes[NEAR] = self.back
        self.afd = Afd(self.io, self.near, locked_most=locked_most, buffered_most=buffered_most, hold=hold)
        self.peer = Peer(self)
        self.far.listen(80, self.peer, self.peer)
        self.one, self.two = self.thread(), self.thread()
        self.one.processor = self.two.processor = 0

    # ---- sockets -----------------------------------------------------------------------------------------------------

    def socket(self, key: int = -1, kind: int = STREAM) -> Endpoint:
        """A new socket, associated if it has a key."""
        end = self.afd.socket(kind)
        if key >= 0:
            assert self.io.associate(end, self.port, key) == 0
        return end

    def listener(self, key: int = -1, backlog: int = 5, port: int = 80) -> Endpoint:
        end = self.socket(key)
        assert self.afd.bind(end, port) == 0
        assert self.afd.listen(end, backlog) == 0
        return end

    def call(
        self,
        end: Endpoint,
        code: int,
        size: int = 0,
        offset: int = 0,
        *,
        null_context: bool = False,
        request: Request = NO_REQUEST,
    ) -> tuple[int, StatusBlock]:
        """A device control, without an IRP if that is possible: what it returns, and the status block."""
        block = StatusBlock()
        block.status = STATUS_PENDING
        notice = Notice(block, NO_STATUS_BLOCK if null_context else block)
        if request is NO_REQUEST:
            status = self.io.fast_control(end, code, size, notice)
            if status != NOT_FAST:
                return status, block
        irp = self.io.allocate(1)
        irp.prepare(request, end, DEVICE_CONTROL, offset, size)
        irp.code = code
        irp.tell(notice)
        return self.io.start(self.one, irp, BLOCKED_CALL), block

    def receive(self, end: Endpoint, size: int) -> tuple[int, StatusBlock]:
        return self.call(end, RECEIVE, size)

    def send(self, end: Endpoint, size: int, request: Request = NO_REQUEST) -> tuple[int, StatusBlock]:
        return self.call(end, SEND, size, request=request)

    def accept(self, listener: Endpoint) -> tuple[int, StatusBlock]:
        return self.call(listener, ACCEPT)

    def accept_ex(
        self, listener: Endpoint, end: Endpoint, size: int = 0, area: int = AREA_BYTES
    ) -> tuple[int, StatusBlock]:
        return self.call(listener, SUPER_ACCEPT, size, area << AREA | end.number)

    def connect(self, end: Endpoint, port: int = 80) -> tuple[int, StatusBlock]:
        return self.call(end, CONNECT, 0, FAR << 16 | port, null_context=True)

    def connect_ex(self, end: Endpoint, size: int = 0, port: int = 80) -> tuple[int, StatusBlock]:
        return self.call(end, SUPER_CONNECT, size, FAR << 16 | port)

    def disconnect_ex(self, end: Endpoint, flags: int = 0) -> tuple[int, StatusBlock]:
        return self.call(end, SUPER_DISCONNECT, 0, flags)

    def connected(self, key: int = -1) -> Endpoint:
        """A socket that is connected to the peer."""
        end = self.socket(key)
        assert self.connect(end)[0] == STATUS_PENDING
        self.pass_time(3 * DELAY + 10)
        return end

    def client(self, port: int = 80) -> Connection:
        """The peer begins a connection to the near host."""
        self.peer.connection = self.far.connect(
            FAR << 16 | self.far.free_port(), NEAR << 16 | port, self.peer, self.peer
        )
        return self.peer.connection

    # ---- packets -----------------------------------------------------------------------------------------------------

    def pass_time(self, ns: int) -> None:
        """Let so much time pass."""
        self.at(self.clock.now + ns, self.clock.stop)
        self.run()

    @property
    def depth(self) -> int:
        return len(self.port.entries)

    def take(self) -> Taken:
        """The oldest packet: key, block, status, information."""
        packet = self.port.poll(self.two)
        assert packet is not NO_PACKET, "no packet"
        assert isinstance(packet, Irp | MiniPacket)
        found = packet.file.key, packet.notice.context, packet.status, packet.information
        packet.removed()
        return found
