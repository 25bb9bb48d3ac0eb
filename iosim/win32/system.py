"""A machine for programs: processors, a dispatcher, an I/O manager with pipes and, if it is given files, a disk."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from iosim.cache import Caches
from iosim.clock import make_clock
from iosim.completion import CompletionMode, discard
from iosim.completion_port import CompletionPort
from iosim.device_stack import DeviceObject
from iosim.io_manager import IoCosts, IoManager, IoParams
from iosim.kernel_queue import KernelThread
from iosim.locks import CriticalSection
from iosim.numa import Topology
from iosim.scheduling import PLAIN, QUANTUM_MODES, FullDispatcher, SchedulerParams
from iosim.services import CallCosts, Services
from iosim.win32.api import Api
from iosim.win32.calls import ProgramError, ThreadBody
from iosim.win32.handles import Handle, HandleTable
from iosim.win32.names import Names
from iosim.win32.network import Network, NetworkParams
from iosim.win32.program import GeneratorProgram, Starter
from iosim.win32.requests import OpenFile
from iosim.win32.threadpool import MAXIMUM_THREADS, ThreadPool
from iosim.win32.threads import ThreadObject
from iosim.win32.volume import DiskParams, Volume


@dataclass(frozen=True, slots=True)
class RequestCosts:
    """Processor time (ns) of a request beside the system call: 0, so that a program's own time stands out.

    `irp` to make and send one, `page_lock` a page of an unbuffered one, `removal` of its packet, `copy_ps` per byte copied.
    """

    irp: int = 0
    page_lock: int = 0
    removal: int = 0
    copy_ps: int = 0


FREE = RequestCosts()
USUAL_DISK = DiskParams()
USUAL_NETWORK = NetworkParams()


class System:
    """The machine. Costs in ns; `files` are sizes in bytes by name, on one disk.

    `close_mode` is abandon (Vista and later) or keep (XP, 2003); `completion_mode` direct (Vista and later) or apc.
    `scheduler`: placement, queues and quanta (scheduling.py); left out, quanta by ticks in apc mode if there is a `tick`.
    """

    def __init__(
        self,
        processors: int = 1,
        *,
        clock: str | None = None,
        system_call: int = 0,
        context_switch: int = 0,
        quantum: int = 187_500_000,
        tick: int = 0,
        idle_exit: int = 0,
        scheduler: SchedulerParams | None = None,
        close_mode: str = "abandon",
        completion_mode: CompletionMode = "direct",
        requests: RequestCosts = FREE,
        files: Mapping[str, int] | None = None,
        disk: DiskParams = USUAL_DISK,
        pool_threads: int = MAXIMUM_THREADS,
        network: NetworkParams = USUAL_NETWORK,
    ) -> None:
        self.clock = make_clock(clock)
        caches = Caches(Topology(1, processors), 1, 1, 0, 0)
        mode = QUANTUM_MODES[completion_mode] if tick else PLAIN.quantum_mode
        scheduler = scheduler or SchedulerParams(quantum_mode=mode)
        self.dispatcher = FullDispatcher(self.clock, caches, context_switch, quantum, tick, idle_exit, scheduler)
        for number in range(processors):
            self.dispatcher.add_processor(number)
        costs = IoCosts(system_call, requests.irp, requests.page_lock, requests.removal, requests.copy_ps)
        self.io = IoManager(self.dispatcher, costs, IoParams(completion_mode))
        self.services = Services(self.dispatcher, self.io, caches, CallCosts(system_call, system_call, system_call))
        self.volume = Volume(self.io, self.dispatcher, disk, files or {})
        self.names = Names(self.io, self.volume)
        self.close_mode = close_mode
        self.api = Api(self, system_call)
        self.handles = HandleTable()
        self.threads: dict[int, Handle] = {}
        self.ports: list[CompletionPort] = []
        self.pool = ThreadPool(self, pool_threads)
        self.network = Network(self.clock, self.io, self.dispatcher.processors[0], network)

    # ---- what is there before the first thread runs ------------------------------------------------------------------

    def start(self, program: Callable[..., ThreadBody], *arguments: Any, priority: int = 8) -> Handle:
        """A thread that runs `program(api, *arguments)` from now on: its handle."""
        body = body_of(program, self.api, arguments)
        runner = GeneratorProgram(self)
        runner.push(body)
        thread = self.dispatcher.create_thread(runner, priority)
        runner.push(runner.user_apcs(thread))
        handle = self.threads[thread.number] = self.handles.add(ThreadObject(self.dispatcher, thread))
        Starter(self.dispatcher, thread)
        return handle

    def port(self, concurrency: int = 0) -> Handle:
        """A new completion port."""
        return self.handles.add(self.new_port(concurrency))

    def new_port(self, concurrency: int) -> CompletionPort:
        """The same, as yet without a handle but to be given one."""
        processors = len(self.dispatcher.processors)
        port = CompletionPort(self.clock, self.dispatcher, len(self.ports), concurrency, processors)
        port.keeps_waiters = self.close_mode == "keep"
        self.ports.append(port)
        return port

    def pipe(
        self, *, overlapped: tuple[bool, bool] = (True, True), messages: bool = False, quota: int = 4096
    ) -> tuple[Handle, Handle]:
        """Both ends of a new pipe, each overlapped or not."""
        pair = self.names.pair(messages, quota)
        for opened, flag in zip(pair, overlapped, strict=True):
            opened.file.synchronous = not flag
        first, second = pair
        return self.handles.add(first), self.handles.add(second)

    def device(self, name: str, device: DeviceObject) -> None:
        """CreateFile opens this device (the top of a stack) by this name from now on."""
        self.names.devices[name] = device

    def section(self, spin: int = 0, fair: bool = False) -> CriticalSection:
        """A critical section (InitializeCriticalSectionAndSpinCount; `spin` in ns)."""
        return CriticalSection(self.clock, self.dispatcher, 0, spin, fair)

    # ---- while threads run -------------------------------------------------------------------------------------------

    def program(self, thread: KernelThread) -> GeneratorProgram:
        """What the thread runs."""
        runner = thread.program
        assert isinstance(runner, GeneratorProgram)
        return runner

    def ended(self, thread: KernelThread, result: Any) -> None:
        """The thread's program is over."""
        it: ThreadObject = self.threads[thread.number].object
        it.result = result
        it.end.set(True)

    def close(self, handle: Handle) -> bool:
        """Close an open handle."""
        it = self.handles.remove(handle)
        if isinstance(it, CompletionPort):
            discard(it.close_handle())
        elif isinstance(it, OpenFile):
            self.io.close(it.file)
        return True

    def run(self, limit: int = 10_000_000) -> None:
        """Run until nothing is left to happen (or `limit` events have); what never ended is in `unfinished()`."""
        try:
            self.clock.run(limit)
        except ProgramError as error:
            raise error.with_traceback(None) from None  # its message has the program's line; the rest is ours

    def unfinished(self) -> list[str]:
        """Threads of programs that have not ended, each with the line where it stands: what a hang looks like."""
        runners = (self.program(handle.object.thread) for handle in self.threads.values())
        return [runner.stands() for runner in runners if runner.bodies and not runner.pooled]


def body_of(program: Any, api: Api, arguments: tuple[Any, ...]) -> ThreadBody:
    """The generator that a thread is to run."""
    if isinstance(program, Generator):
        raise ProgramError(f"{program!r} has begun already: a thread starts with the function and its arguments")
    if not callable(program):
        raise ProgramError(f"{program!r} is no program: a thread starts with a generator function and its arguments")
    try:
        body = program(api, *arguments)
    except TypeError as error:
        raise ProgramError(f"{error} (the first is the api)") from error
    if isinstance(body, Generator):
        return body
    code = getattr(program, "__code__", None)
    place = f"{code.co_filename}:{code.co_firstlineno}" if code else repr(program)
    raise ProgramError(f"{place}: a thread's program is a generator function, one with a yield")
