"""A tiny machine with one disk: NTFS over volume over disk class over port driver, workers on a port, known costs."""

from collections.abc import Callable, Sequence

from tiny import Tiny

from iosim.actor import DEVICE, Clock
from iosim.application import DrawnTransfer, EndStep, Step, WorkerProgram
from iosim.attribution import SYSTEM_WORKER_QUEUE, Client, Request, new_ledger, new_request
from iosim.cache_manager import CacheManager
from iosim.completion_port import CompletionPort
from iosim.device_stack import DeviceObject, FileObject
from iosim.devices.ntfs import Ntfs
from iosim.devices.port_driver import PortCosts, PortDriver
from iosim.devices.volume import PassThrough
from iosim.drives.constant import ConstantDrive
from iosim.drives.drive import Command
from iosim.io_manager import USUAL, IoCosts, IoManager, IoParams
from iosim.irp import READ
from iosim.kernel_queue import NO_LIMIT, KernelQueue, KernelThread
from iosim.page_cache import PageCache
from iosim.services import CallCosts, Services
from iosim.system_workers import SystemWorker
from iosim.units import PAGE
from iosim.variates import Constant, Variate

# Processor time (ns), chosen so that every sum tells what it is made of.
CALL, IRP, PAGE_LOCK, REMOVAL, REMOVE = 10, 20, 3, 9, 5
NTFS, VOLUME, DISK = (100, 30), (40, 8), (50, 6)
START, COMPLETION, ISR, DPC, UNLOCK = 200, 70, 400, 500, 2
LATENCY = 10_000

DOWN = NTFS[0] + VOLUME[0] + DISK[0]
UP = NTFS[1] + VOLUME[1] + DISK[1] + COMPLETION


class StaggeredDrive(ConstantDrive):
    """Every command takes `stagger` ns a tag more; what it was given is written down."""

    def __init__(self, clock: Clock, slots: int, latency: int = LATENCY, stagger: int = 0) -> None:
        super().__init__(clock, slots, 1 << 40, latency)
        self.stagger = stagger
        self.hook: Callable[[Command], object] = lambda command: None
        self.seen: list[tuple[int, int, int]] = []  # when, offset, size

    def begin(self, command: Command) -> None:
        self.seen.append((self.clock.now, command.offset, command.size))
        self.hook(command)
        self.clock.at(self.latency + self.stagger * command.tag, DEVICE, self, command.tag)


class Ended(Client):
    """Writes down whose request ended when."""

    def __init__(self, log: list[tuple[int, object]], clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self.requests: list[Request] = []

    def finished(self, request: Request) -> None:
        self.log.append((self.clock.now, request.index))
        self.requests.append(request)


class Ladder(Variate):
    """Request number n reads at n times a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def value(self, index: int) -> int:
        return index * self.step


class TinyIo(Tiny):
    """A machine whose workers read `size` bytes of a file for every request, then end it."""

    def __init__(
        self,
        processors: int = 1,
        *,
        switch: int = 1000,
        slots: int = 32,
        size: int = 2 * PAGE,
        latency: int = LATENCY,
        stagger: int = 0,
        workers: int = 2,
        concurrency: int = 0,
        cache_pages: int = 0,
        cached: bool = False,
        system_workers: int = 0,
        blocking: bool = False,
        interrupted: Sequence[int] = (0,),
        copy_ps: int = 0,
        hits: list[Variate] | None = None,
        params: IoParams = USUAL,
        port: Callable[..., PortDriver] = PortDriver,
        clock: type[Clock],
    ) -> None:
        super().__init__(processors, switch=switch, clock=clock)
        self.io = IoManager(self.dispatcher, IoCosts(CALL, IRP, PAGE_LOCK, REMOVAL, copy_ps), params)
        self.services = Services(self.dispatcher, self.io, self.caches, CallCosts(REMOVE, CALL, CALL))
        self.drive = StaggeredDrive(self.clock, slots, latency, stagger)
        costs = PortCosts(START, COMPLETION, ISR, DPC, UNLOCK, 0)
        self.port_driver = port(self.io, self.caches, self.drive, 0, slots, interrupted, costs)
        bottom = DeviceObject(self.port_driver, None, 0, 1 << 40)
        disk = DeviceObject(PassThrough(self.io, *DISK), bottom, 0, 1 << 40)
        volume = DeviceObject(PassThrough(self.io, *VOLUME), disk, 1 << 20, 1 << 30)
        self.work_queue = KernelQueue(self.clock, self.dispatcher, 0, NO_LIMIT)
        self.work_queue.cause_limit = SYSTEM_WORKER_QUEUE
        self.work_queue.cause_thread = self.work_queue.cause_order = SYSTEM_WORKER_QUEUE
        self.cache = CacheManager(self.io, PageCache(cache_pages), self.work_queue)
        self.ntfs = Ntfs(self.io, self.cache, *NTFS)
        self.top = self.cache.device = DeviceObject(self.ntfs, volume, 0, 1 << 30)
        self.port = CompletionPort(self.clock, self.dispatcher, 0, concurrency, processors)
        self.file = FileObject(0, self.top, 1 << 24, 1 << 28, cached)
        self.io.associate(self.file, self.port, 0)
        read = DrawnTransfer(
            self.services, self.file, self.cache, READ, blocking, Constant(size), Ladder(size), hits or []
        )
        self.steps: list[object] = [read, EndStep(self.services)]
        self.ended = Ended(self.log, self.clock)
        self.workers = [self.worker(self.port) for _ in range(workers)]
        program = [SystemWorker(self.work_queue) for _ in range(system_workers)]
        self.system_workers = [self.dispatcher.create_thread(each, 12) for each in program]
        for thread in (*self.workers, *self.system_workers):
            self.dispatcher.make_ready(thread)

    def worker(self, port: CompletionPort) -> KernelThread:
        """One more worker of a port, not yet started."""
        return self.dispatcher.create_thread(WorkerProgram(self.services, port), 8)

    def ask(self, *indices: int) -> None:
        """Requests arrive now."""
        for index in indices:
            request = new_request(0, index, self.clock.now, new_ledger())
            request.source = self.ended
            request.steps = self.steps
            self.port.post(request)

    def ask_at(self, time: int, *indices: int) -> None:
        """Requests arrive at a time."""
        self.at(time, lambda: self.ask(*indices))

    def handler(self, *steps: "Callable[[Services], Step]") -> None:
        """Requests do this instead of a read."""
        self.steps = [*(step(self.services) for step in steps), EndStep(self.services)]
