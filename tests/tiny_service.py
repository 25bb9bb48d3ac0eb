"""A server of a few workers over plain paths; clients at the far end write down what became of their requests."""

from collections.abc import Callable, Sequence
from typing import Any

from tiny import Tiny

from iosim.application import ComputeStep, Step, WorkerProgram
from iosim.attribution import (
    COMPLETED,
    ENDED,
    FAILED,
    ON_ITS_WAY,
    SYSTEM_WORKER_QUEUE,
    Client,
    Request,
    new_ledger,
    new_request,
)
from iosim.cache_manager import CacheManager
from iosim.completion_port import CompletionPort
from iosim.device_stack import DeviceObject, FileObject
from iosim.devices.ntfs import Ntfs
from iosim.devices.port_driver import PortCosts, PortDriver
from iosim.devices.socket_codes import CONNECTED
from iosim.devices.winsock import Afd
from iosim.drives.constant import ConstantDrive
from iosim.io_manager import IoCosts, IoManager
from iosim.irp import NO_IRP
from iosim.kernel_queue import NO_LIMIT, KernelQueue, KernelThread
from iosim.net_service import Service, ServiceParams
from iosim.net_steps import NextStep, SendStep
from iosim.page_cache import PageCache
from iosim.paths import MachineEnd, PathEnd, PlainPath, plain_path
from iosim.services import CallCosts, Services
from iosim.system_workers import SystemWorker
from iosim.tcp import Connection, ConnectionUser, Flows, Host, TcpParams, join
from iosim.units import PAGE
from iosim.variates import Constant, Variate

# Processor time (ns), chosen so that every sum tells what it is made of.
CALL, IRP, PAGE_LOCK, REMOVAL, REMOVE, OPEN = 10, 20, 3, 9, 5, 7000
DELAY = 1_000_000  # ns one way
NEAR, FAR = 1, 2
PORT = 80
WORK = 100  # ns of a handler's computing

LATENCY = 10 * DELAY  # of the disk

RECEIVE = CALL + IRP + PAGE_LOCK  # posting one


class Answers(Client):
    """Whose request ended when and how; every ns of it must have its cause."""

    def __init__(self, tiny: "TinyService") -> None:
        self.tiny = tiny
        self.ended: list[tuple[int, int, int]] = []  # when, index, status

    def finished(self, request: Request) -> None:
        now = self.tiny.clock.now
        assert sum(request.ledger) == now - request.issued, (request.index, list(request.ledger))
        assert request.mark == now
        request.socket = ENDED
        self.tiny.open.pop(request)
        self.ended.append((now, request.index, request.status))


class Asker(ConnectionUser):
    """One client: a connection, and the requests on it that have not ended."""

    def __init__(self, tiny: "TinyService") -> None:
        self.tiny = tiny
        self.connection: Connection
        self.pending: list[Request] = []
        self.bytes = 0  # of answers that have come
        self.over = False  # nothing more can be asked
        self.log: list[tuple[int, Any]] = []

    def note(self, what: Any) -> None:
        self.log.append((self.tiny.clock.now, what))

    def ask(self, index: int, size: int) -> Request:
        request = self.tiny.request_of(index, size)
        self.pending.append(request)
        if self.over:
            self.give_up()
        else:
            self.connection.send(size, request)
        return request

    def connected(self, connection: Connection) -> None:
        self.note("connected")

    def received(self, connection: Connection, size: int, pushed: int, request: Request) -> None:
        self.bytes += size
        connection.consumed(size)
        if request in self.pending:
            self.pending.remove(request)
            request.source.finished(request)

    def peer_finished(self, connection: Connection) -> None:
        self.note("end")
        self.over = True
        connection.finish()
        self.give_up()

    def failed(self, connection: Connection, status: int) -> None:
        self.note("failed")
        self.over = True
        self.give_up()

    def give_up(self) -> None:
        """What the server has in its hands it will end, as it can't answer; the rest ends here."""
        pending = self.pending
        self.pending = []
        for request in pending:
            if request not in self.tiny.open:
                continue
            request.status = FAILED
            if request.socket == ON_ITS_WAY:
                request.travels(0, self.tiny.clock.now)
                request.source.finished(request)

    def abort(self) -> None:
        self.connection.reset()
        self.give_up()


class TinyService(Tiny):
    """A near host with a service on its port, whose handler computes and answers with `answer` bytes."""

    def __init__(
        self,
        *,
        workers: int = 1,
        processors: int = 1,
        answer: int | Variate = 300,
        copy_ps: int = 0,
        concurrency: int = 0,
        tcp: TcpParams | None = None,
        losses: set[int] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(processors, switch=0)
        self.open: dict[Request, bool] = {}
        self.io = IoManager(self.dispatcher, IoCosts(CALL, IRP, PAGE_LOCK, REMOVAL, copy_ps))
        self.services = Services(self.dispatcher, self.io, self.caches, CallCosts(REMOVE, CALL, CALL))
        self.port = CompletionPort(self.clock, self.dispatcher, 0, concurrency, processors)
        self.flows = Flows()
        self.near = Host(self.clock, self.flows, NEAR, tcp or TcpParams())
        self.far = Host(self.clock, self.flows, FAR, tcp or TcpParams())
        self.machine_end = MachineEnd(self.clock, DELAY, self.near, self.dispatcher.processors[0])
        self.out: PlainPath = plain_path(self.clock, 0, DELAY, PathEnd(self.clock, DELAY, self.far))
        self.back: PlainPath = plain_path(self.clock, 0, DELAY, self.machine_end)
        self.out.losses = losses or set()
        self.back.losses = losses or set()
        self.near.gateway = self.out
        self.far.gateway = self.back
        self.afd = Afd(self.io, self.near)
        self.service = Service(self.afd, self.services, self.port, ServiceParams(open=OPEN, **params))
        size = Constant(answer) if isinstance(answer, int) else answer
        self.answers = Answers(self)
        self.handler(lambda it: self.compute(WORK), lambda it: SendStep(it, size, False, True))
        for _ in range(workers):
            self.dispatcher.make_ready(self.worker())

    def worker(self) -> KernelThread:
        return self.dispatcher.create_thread(WorkerProgram(self.services, self.port), 8)

    def compute(self, time: int) -> Step:
        return ComputeStep(self.services, Constant(time), 0, 0)

    def handler(self, *steps: Callable[[Service], Step]) -> None:
        """What requests do from now on."""
        self.steps: list[object] = [*(step(self.service) for step in steps), NextStep(self.service)]

    def request_of(self, index: int, size: int) -> Request:
        request = new_request(0, index, self.clock.now, new_ledger())
        request.source = self.answers
        request.steps = self.steps
        request.size = size
        self.open[request] = True
        return request

    def joined(self) -> Asker:
        """A client whose connection was there before."""
        asker = Asker(self)
        source = FAR << 16 | self.far.free_port()
        here, asker.connection = join(self.near, self.afd.side, None, self.far, asker, asker, source, NEAR << 16 | PORT)
        self.service.attach(here)
        return asker

    def connecting(self) -> Asker:
        """A client that connects now."""
        asker = Asker(self)
        source = FAR << 16 | self.far.free_port()
        asker.connection = self.far.connect(source, NEAR << 16 | PORT, asker, asker)
        return asker

    def pass_time(self, ns: int) -> None:
        self.at(self.clock.now + ns, self.clock.stop)
        self.run()

    @property
    def ended(self) -> Sequence[tuple[int, int, int]]:
        return self.answers.ended

    def served(self) -> list[int]:
        """Indices of those that were answered."""
        return [index for _, index, status in self.ended if status == COMPLETED]

    def lost(self) -> list[int]:
        return [index for _, index, status in self.ended if status == FAILED]

    def leaks(self) -> dict[str, int]:
        """What must be 0 when nothing is under way; pages and receives beyond, or short of, those that are posted."""
        ends = self.afd.sockets()
        waiting = [irp for end in ends for irp in (*end.receives, end.opening) if irp is not NO_IRP]
        posted = self.service.posted
        return {
            "pages": self.afd.locked - sum(-(-irp.first().size // PAGE) for irp in waiting),
            "buffered": self.afd.buffered,
            "requests": len(self.open),
            "carried": len(self.afd.carried),
            "receives": sum(posted - len(end.receives) for end in ends if end.state == CONNECTED),
        }


def cached_file(tiny: TinyService) -> FileObject:
    """A file behind a cache of its own, on a disk whose every command takes LATENCY."""
    drive = ConstantDrive(tiny.clock, 8, 1 << 40, LATENCY)
    port = PortDriver(tiny.io, tiny.caches, drive, 0, 8, (0,), PortCosts(0, 0, 0, 0, 0, 0))
    workers = KernelQueue(tiny.clock, tiny.dispatcher, 0, NO_LIMIT)
    workers.cause_limit = workers.cause_thread = workers.cause_order = SYSTEM_WORKER_QUEUE
    cache = CacheManager(tiny.io, PageCache(1000), workers)
    device = DeviceObject(port, None, 0, 1 << 40)
    cache.device = DeviceObject(Ntfs(tiny.io, cache, 0, 0), device, 0, 1 << 30)
    tiny.dispatcher.make_ready(tiny.dispatcher.create_thread(SystemWorker(workers), 12))
    return FileObject(0, cache.device, 1 << 24, 1 << 20, True)
