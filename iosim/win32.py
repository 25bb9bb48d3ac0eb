"""Simulated Win32: threads of the simulated machine as Python generators that call the API under its real names.

    def worker(api, port):
        while True:
            status = yield api.GetQueuedCompletionStatus(port, INFINITE)
            if status.completion_key == EXIT_KEY:
                return
            yield api.Compute(50 * US)

    system = System(processors=2)
    port = system.api.port(concurrency=1)
    system.start(worker, port)
    system.run()

Every `yield` hands a call to the kernel's one door; the thread goes on when the call returns, with its result. The program
is one more actor beside the step objects of a scenario: a call is charged when it begins and acts when its time is paid.

What a call returns carries what the real one leaves in GetLastError as `error`. Times are ns (`SleepEx` and timeouts
too: this is a simulator). Source: semantics 1.10 to 1.14, 7.7, design 2.4. Left out: files, pipes and sockets.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from iosim.actor import THREAD, Actor
from iosim.apc import queue_user_apc
from iosim.cache import Caches
from iosim.clock import CLOCKS
from iosim.completion_port import CompletionPort
from iosim.dispatcher import Dispatcher
from iosim.errors import IosimError
from iosim.irp import NO_THREAD
from iosim.kernel_queue import NO_PACKET, KernelThread, Packet
from iosim.locks import ACQUIRED, SPINNING, CriticalSection
from iosim.ntstatus import (
    ERROR_INVALID_HANDLE,
    ERROR_NOT_SUPPORTED,
    ERROR_SUCCESS,
    STATUS_PENDING,
    STATUS_SUCCESS,
    STATUS_TIMEOUT,
    STATUS_USER_APC,
    WAIT_IO_COMPLETION,
    WAIT_TIMEOUT,
    WIN32,
)
from iosim.numa import Topology
from iosim.objects import INFINITE, DispatcherObject, Event, Latch, Mutex, Semaphore, wait_for
from iosim.processor import NO_REQUEST, Program, Thread
from iosim.scheduling import PLAIN, FullDispatcher, SchedulerParams

__all__ = [
    "INFINITE",
    "MAXIMUM_WAIT_OBJECTS",
    "WAIT_ABANDONED_0",
    "WAIT_FAILED",
    "WAIT_IO_COMPLETION",
    "WAIT_OBJECT_0",
    "WAIT_TIMEOUT",
    "Api",
    "Call",
    "CompletionPort",
    "CompletionStatus",
    "ProgramError",
    "System",
    "ThreadBody",
]

WAIT_OBJECT_0 = 0
WAIT_ABANDONED_0 = 0x80
WAIT_FAILED = 0xFFFFFFFF
MAXIMUM_WAIT_OBJECTS = 64

ThreadBody = Generator["Call", Any, Any]

# What became of a call: its result is there; call `woken` when the thread goes on; call `act` again then, or when the time
# now owed is paid; the thread ended.
RETURNED, WAITS, RETRIES, AGAIN, ENDED = range(5)


class ProgramError(IosimError):
    """A program of the simulated machine did what no real call takes; names the line of the program."""


@dataclass(frozen=True, slots=True)
class CompletionStatus:
    """What GetQueuedCompletionStatus gives: `ok` is its BOOL, `error` what GetLastError would say.

    Without a packet `overlapped` is None and key and bytes are not to be read (they are None here).
    """

    ok: bool
    completion_key: Any
    bytes_transferred: int | None
    overlapped: Any
    error: int
    status: int


class PostedPacket(Packet):
    """A mini packet: key, overlapped and byte count as they were posted, none of them looked at (semantics 1.12)."""

    __slots__ = ("completion_key", "information", "overlapped", "status")

    def __init__(self, completion_key: Any, overlapped: Any, information: int, status: int) -> None:
        super().__init__(NO_REQUEST)
        self.completion_key = completion_key
        self.overlapped = overlapped
        self.information = information
        self.status = status


class Call:
    """One call of the API on its way: charged by `begin`, done by `act`; `value` is its result."""

    value: Any = None

    def begin(self, thread: KernelThread) -> None:
        """Owe its processor time."""

    def act(self, thread: KernelThread) -> int:
        """Do it."""
        return RETURNED

    def woken(self, thread: KernelThread) -> int:
        """The thread that waited goes on."""
        return RETURNED


class ComputeCall(Call):
    """The work between calls."""

    def __init__(self, time: int) -> None:
        self.time = time

    def begin(self, thread: KernelThread) -> None:
        """User time."""
        thread.owe_user(self.time)


class SystemCall(Call):
    """A call that enters the kernel for `cost` ns and then does one thing at once."""

    def __init__(self, cost: int, do: Callable[[KernelThread], Any]) -> None:
        self.cost = cost
        self.do = do

    def begin(self, thread: KernelThread) -> None:
        """Kernel time."""
        if self.cost:
            thread.owe_kernel(self.cost)

    def act(self, thread: KernelThread) -> int:
        """Do it."""
        self.value = self.do(thread)
        return RETURNED


class ExitCall(Call):
    """ExitThread."""

    def act(self, thread: KernelThread) -> int:
        """The thread ends here."""
        return ENDED


class WaitCall(SystemCall):
    """Any wait for objects; `value` is what the real call returns."""

    def __init__(
        self, cost: int, objects: list[DispatcherObject], wait_all: bool, timeout: int, alertable: bool
    ) -> None:
        self.cost = cost
        self.objects = objects
        self.wait_all = wait_all
        self.timeout = timeout
        self.alertable = alertable

    def act(self, thread: KernelThread) -> int:
        """Satisfied at once, or not."""
        status = wait_for(thread, self.objects, self.wait_all, self.timeout, self.alertable)
        if status == STATUS_PENDING:
            return WAITS
        self.value = wait_result(status)
        return RETURNED

    def woken(self, thread: KernelThread) -> int:
        """However the wait ended."""
        self.value = wait_result(thread.wait_status)
        return RETURNED


def wait_result(status: int) -> int:
    """WAIT_OBJECT_0 + n, WAIT_ABANDONED_0 + n, WAIT_IO_COMPLETION or WAIT_TIMEOUT."""
    return {STATUS_USER_APC: WAIT_IO_COMPLETION, STATUS_TIMEOUT: WAIT_TIMEOUT}.get(status, status)


class SleepCall(SystemCall):
    """Sleep and SleepEx: 0 lets whoever is ready go first, and is no wait (semantics 1.6, 7.2)."""

    def __init__(self, cost: int, dispatcher: FullDispatcher, time: int, alertable: bool) -> None:
        self.cost = cost
        self.dispatcher = dispatcher
        self.time = time
        self.alertable = alertable

    def act(self, thread: KernelThread) -> int:
        """Wait for the tick, or for a user APC."""
        if self.alertable and thread.user_apcs:
            self.value = WAIT_IO_COMPLETION
            return RETURNED
        self.value = 0
        if not self.time:
            thread.wait_status = STATUS_SUCCESS
            return WAITS if self.dispatcher.yield_processor(thread) else RETURNED
        nothing: DispatcherObject = Latch(self.dispatcher)
        wait_for(thread, [nothing], False, self.time, self.alertable)
        return WAITS

    def woken(self, thread: KernelThread) -> int:
        """By time, or by the APC."""
        self.value = WAIT_IO_COMPLETION if thread.wait_status == STATUS_USER_APC else 0
        return RETURNED


class EnterCall(Call):
    """EnterCriticalSection: spins, then blocks (locks.py)."""

    def __init__(self, section: CriticalSection) -> None:
        self.section = section

    def act(self, thread: KernelThread) -> int:
        """Try."""
        outcome = self.section.acquire(thread)
        if outcome == ACQUIRED:
            return RETURNED
        return AGAIN if outcome == SPINNING else RETRIES


class RemoveCall(SystemCall):
    """GetQueuedCompletionStatus and its Ex form (`most` > 0: a list of at most so many)."""

    def __init__(self, cost: int, port: CompletionPort, timeout: int, most: int, alertable: bool) -> None:
        self.cost = cost
        self.port = port
        self.timeout = timeout
        self.most = most
        self.alertable = alertable

    def act(self, thread: KernelThread) -> int:
        """A packet at once, or a status, or park (semantics 1.5, 1.11)."""
        port = self.port
        if port.object.closed:
            return self._none(ERROR_INVALID_HANDLE, STATUS_SUCCESS)
        if self.alertable and thread.user_apcs and not self._packet_wins(thread):
            return self._none(WAIT_IO_COMPLETION, STATUS_USER_APC)
        if self.timeout == 0:
            packet = port.poll(thread)
            return self._got(thread, packet) if packet is not NO_PACKET else self._none(WAIT_TIMEOUT, STATUS_TIMEOUT)
        packet = port.remove(thread)
        if packet is not NO_PACKET:
            return self._got(thread, packet)
        thread.alertable = self.alertable
        if self.timeout != INFINITE:
            port.object.dispatcher.arm(thread, self.timeout)
        return WAITS

    def _packet_wins(self, thread: KernelThread) -> bool:
        """Only a bound thread takes a packet before its APC (semantics 1.11.4)."""
        port = self.port
        return thread.queue is port and len(port.entries) > 0 and port.running <= port.limit

    def woken(self, thread: KernelThread) -> int:
        """Handed a packet; or timed out, abandoned, called for an APC."""
        packet = thread.packet
        if packet is not NO_PACKET:
            thread.packet = NO_PACKET
            return self._got(thread, packet)
        return self._none(WIN32[thread.wait_status], thread.wait_status)

    def _got(self, thread: KernelThread, packet: Packet) -> int:
        if not self.most:
            self.value = completion_status(packet)
            return RETURNED
        packets = [packet, *self.port.take_more(thread, self.most - 1)]
        self.value = [completion_status(each) for each in packets]
        return RETURNED

    def _none(self, error: int, status: int) -> int:
        nothing = CompletionStatus(False, None, None, None, error, status)
        self.value = nothing
        return RETURNED


def completion_status(packet: Packet) -> CompletionStatus:
    """The outcome of a removed packet; a failed operation is FALSE with its error, and the packet is gone (1.10)."""
    assert isinstance(packet, PostedPacket)
    error = WIN32.get(packet.status, packet.status)
    ok = packet.status >> 31 == 0
    return CompletionStatus(
        ok, packet.completion_key, packet.information, packet.overlapped, ERROR_SUCCESS if ok else error, packet.status
    )


class GeneratorProgram(Program):
    """A thread whose program is a generator of calls; user APCs run on top of it, each to its end."""

    def __init__(self, system: "System") -> None:
        self.system = system
        self.bodies: list[ThreadBody] = []
        self.values: list[Any] = []  # what each body waits to be sent
        self.call = Call()
        self.stage = RETURNED

    def resume(self, thread: Thread) -> bool:
        """Go on until the program's next call takes time or waits."""
        assert isinstance(thread, KernelThread)
        if self.stage == RETURNED and thread.owed:
            return True  # the switch to a thread that starts is paid before its first line
        while True:
            if self.stage == RETURNED:
                if not self._ask(thread):
                    return False
                self.call.begin(thread)
                self.stage = RETRIES
                if thread.owed:
                    return True
            outcome = self.call.woken(thread) if self.stage == WAITS else self.call.act(thread)
            if outcome == RETURNED:
                self.stage = RETURNED
                self.values[-1] = self.call.value
                self._deliver_apcs(thread)
            elif outcome == ENDED:
                self._end(thread, 0)
                return False
            else:
                self.stage = WAITS if outcome == WAITS else RETRIES
                return outcome == AGAIN

    def _ask(self, thread: KernelThread) -> bool:
        """The program's next call; False when it has ended."""
        while True:
            body, value = self.bodies[-1], self.values[-1]
            try:
                call = body.send(value)
            except StopIteration as end:
                self.bodies.pop()
                self.values.pop()
                if self.bodies:
                    continue  # an APC has run: its caller goes on with the result that it was to get
                self._end(thread, end.value)
                return False
            except ProgramError as error:
                raise ProgramError(f"{line_of(error)}: {error}") from None
            if not isinstance(call, Call):
                raise ProgramError(f"{place_of(body)}: a thread yields calls of the API, not {call!r}")
            self.values[-1] = None
            self.call = call
            return True

    def _deliver_apcs(self, thread: KernelThread) -> None:
        """WAIT_IO_COMPLETION: all pending user APCs run, in the order they were queued, before the call returns."""
        value = self.values[-1]
        alerted = (
            value == WAIT_IO_COMPLETION if isinstance(value, int) else getattr(value, "status", 0) == STATUS_USER_APC
        )
        if not alerted:
            return
        routines, thread.user_apcs = thread.user_apcs, []
        for routine, argument in reversed(routines):
            body = routine(self.system.api, argument)
            if body is not None:
                self.bodies.append(body)
                self.values.append(None)

    def _end(self, thread: KernelThread, code: Any) -> None:
        self.system.ended(thread, code)
        self.system.dispatcher.terminate(thread)


def place_of(body: Any) -> str:
    """File and line where a generator stands, the innermost one."""
    while isinstance(body.gi_yieldfrom, Generator):
        body = body.gi_yieldfrom
    frame = body.gi_frame
    return f"{body.gi_code.co_filename}:{frame.f_lineno if frame else body.gi_code.co_firstlineno}"


def line_of(error: BaseException) -> str:
    """File and line of the program's own frame, the first below the kernel's."""
    trace = error.__traceback__
    below = trace.tb_next if trace and trace.tb_next else trace
    return f"{below.tb_frame.f_code.co_filename}:{below.tb_lineno}" if below else "a program"


class Starter(Actor):
    """Makes a new thread ready once the present instant's caller has finished."""

    def __init__(self, dispatcher: Dispatcher, thread: KernelThread) -> None:
        self.dispatcher = dispatcher
        self.thread = thread

    def fire(self, what: int) -> None:
        """Now."""
        self.dispatcher.make_ready(self.thread)


class ThreadHandle:
    """A thread of the program: its end can be waited for; `result` is what its generator returned."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.object = Latch(dispatcher)
        self.thread = NO_THREAD
        self.result: Any = None


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """GetSystemInfo."""

    number_of_processors: int


class Api:
    """The calls. Every one is yielded by a thread's program; `cost` (ns) is what a system call takes."""

    def __init__(self, system: "System", cost: int) -> None:
        self.system = system
        self.cost = cost

    def _call(self, do: Callable[[KernelThread], Any]) -> Call:
        return SystemCall(self.cost, do)

    # ---- work and threads ----------------------------------------------------------------------------------------

    def Compute(self, time: int) -> Call:
        """Work in user mode for `time` ns."""
        return ComputeCall(time)

    def CreateThread(self, program: Callable[..., ThreadBody], *arguments: Any, priority: int = 8) -> Call:
        """Start a thread that runs `program(api, *arguments)`; its handle."""
        return self._call(lambda _: self.system.start(program, *arguments, priority=priority))

    def ExitThread(self) -> Call:
        """End the calling thread."""
        return ExitCall()

    def GetSystemInfo(self) -> Call:
        """The number of processors."""
        return self._call(lambda _: SystemInfo(len(self.system.dispatcher.processors)))

    def Sleep(self, time: int) -> Call:
        """Wait until the first clock tick at or after `time` ns."""
        return SleepCall(self.cost, self.system.dispatcher, time, False)

    def SleepEx(self, time: int, alertable: bool) -> Call:
        """The same; an alertable one ends for a user APC with WAIT_IO_COMPLETION."""
        return SleepCall(self.cost, self.system.dispatcher, time, alertable)

    def QueueUserAPC(
        self, routine: Callable[..., ThreadBody | None], thread: ThreadHandle, argument: Any = None
    ) -> Call:
        """Run `routine(api, argument)` in the thread's next alertable wait."""
        return self._call(lambda _: self.system.queue_apc(thread.thread, routine, argument))

    # ---- completion ports ----------------------------------------------------------------------------------------

    def CreateIoCompletionPort(self, concurrency: int = 0) -> Call:
        """A new port (the association of files comes with the file calls); 0: as many as there are processors."""
        return self._call(lambda _: self.system.port(concurrency))

    def GetQueuedCompletionStatus(self, port: CompletionPort, timeout: int) -> Call:
        """One packet; `timeout` in ns, INFINITE, or 0 to look only. Gives a CompletionStatus."""
        return RemoveCall(self.cost, port, timeout, 0, False)

    def GetQueuedCompletionStatusEx(
        self, port: CompletionPort, count: int, timeout: int, alertable: bool = False
    ) -> Call:
        """Up to `count` packets in one call: a list of CompletionStatus, or one CompletionStatus that says why not."""
        return RemoveCall(self.cost, port, timeout, count, alertable)

    def PostQueuedCompletionStatus(
        self, port: CompletionPort, bytes_transferred: int, completion_key: Any, overlapped: Any, status: int = 0
    ) -> Call:
        """Queue a packet; True, or ERROR_INVALID_HANDLE's False once the port is closed.

        `status` is what only the native call can set: the Win32 one always posts success.
        """
        packet = PostedPacket(completion_key, overlapped, bytes_transferred, status)
        return self._call(lambda _: self.system.post(port, packet))

    # ---- objects and waits ---------------------------------------------------------------------------------------

    def CreateEvent(self, manual_reset: bool, initial_state: bool) -> Call:
        """An event."""
        return self._call(lambda _: Event(self.system.dispatcher, manual_reset, initial_state))

    def SetEvent(self, event: Event) -> Call:
        """Signal it."""
        return self._call(lambda _: event.set())

    def ResetEvent(self, event: Event) -> Call:
        """Make it unsignalled."""
        return self._call(lambda _: event.reset())

    def CreateSemaphore(self, initial_count: int, maximum_count: int) -> Call:
        """A semaphore."""
        return self._call(lambda _: Semaphore(self.system.dispatcher, initial_count, maximum_count))

    def ReleaseSemaphore(self, semaphore: Semaphore, count: int = 1) -> Call:
        """Count up; 0, or the Win32 error."""
        return self._call(lambda _: WIN32[semaphore.release(count)])

    def CreateMutex(self) -> Call:
        """A mutex that nobody owns."""
        return self._call(lambda _: Mutex(self.system.dispatcher))

    def ReleaseMutex(self, mutex: Mutex) -> Call:
        """Give one hold up; 0, or ERROR_NOT_OWNER."""
        return self._call(lambda thread: WIN32[mutex.release(thread)])

    def WaitForSingleObject(self, handle: Any, timeout: int) -> Call:
        """WAIT_OBJECT_0, WAIT_ABANDONED_0 or WAIT_TIMEOUT."""
        return WaitCall(self.cost, [waitable(handle)], False, timeout, False)

    def WaitForMultipleObjects(self, handles: list[Any], wait_all: bool, timeout: int) -> Call:
        """WAIT_OBJECT_0 + n for any (the first in the list), WAIT_OBJECT_0 for all; at most 64 handles."""
        if not 0 < len(handles) <= MAXIMUM_WAIT_OBJECTS:
            return self._call(lambda _: WAIT_FAILED)
        return WaitCall(self.cost, [waitable(handle) for handle in handles], wait_all, timeout, False)

    def EnterCriticalSection(self, section: CriticalSection) -> Call:
        """Own it, sooner or later."""
        return EnterCall(section)

    def LeaveCriticalSection(self, section: CriticalSection) -> Call:
        """Let others in."""
        return SystemCall(0, lambda thread: section.release(thread))

    def CloseHandle(self, handle: Any) -> Call:
        """Close a port's handle: parked threads get ERROR_ABANDONED_WAIT_0 (semantics 1.13). Others need no closing."""
        return self._call(lambda _: self.system.close(handle))

    def EnterUmsSchedulingMode(self) -> Call:
        """User-mode scheduling is gone since Windows 11 (C12): ERROR_NOT_SUPPORTED."""
        return self._call(lambda _: ERROR_NOT_SUPPORTED)


def waitable(handle: Any) -> DispatcherObject:
    """The dispatcher object behind a handle."""
    it = getattr(handle, "object", handle)
    if not isinstance(it, DispatcherObject):
        raise ProgramError(f"{handle!r} can't be waited for")
    return it


class System:
    """A machine for programs: processors and a dispatcher, no devices. Costs in ns.

    `close_mode` is abandon (Vista and later) or keep (XP, 2003). `scheduler`: placement, queues and quanta (scheduling.py).
    """

    def __init__(
        self,
        processors: int = 1,
        *,
        clock: str = "heap",
        system_call: int = 0,
        context_switch: int = 0,
        quantum: int = 187_500_000,
        tick: int = 0,
        idle_exit: int = 0,
        scheduler: SchedulerParams = PLAIN,
        close_mode: str = "abandon",
    ) -> None:
        self.clock = CLOCKS[clock]()
        caches = Caches(Topology(1, processors), 1, 1, 0, 0)
        self.dispatcher = FullDispatcher(self.clock, caches, context_switch, quantum, tick, idle_exit, scheduler)
        for number in range(processors):
            self.dispatcher.add_processor(number)
        self.close_mode = close_mode
        self.api = Api(self, system_call)
        self.threads: dict[int, ThreadHandle] = {}
        self.ports: list[CompletionPort] = []

    def start(self, program: Callable[..., ThreadBody], *arguments: Any, priority: int = 8) -> ThreadHandle:
        """A thread that runs `program(api, *arguments)` from now on."""
        runner = GeneratorProgram(self)
        runner.bodies.append(program(self.api, *arguments))
        runner.values.append(None)
        handle = ThreadHandle(self.dispatcher)
        handle.thread = self.dispatcher.create_thread(runner, priority)
        self.threads[handle.thread.number] = handle
        self.clock.at(0, THREAD, Starter(self.dispatcher, handle.thread), 0)
        return handle

    def ended(self, thread: KernelThread, result: Any) -> None:
        """The thread's program is over."""
        handle = self.threads[thread.number]
        handle.result = result
        handle.object.set(True)

    def port(self, concurrency: int = 0) -> CompletionPort:
        """A new completion port."""
        processors = len(self.dispatcher.processors)
        port = CompletionPort(self.clock, self.dispatcher, len(self.ports), concurrency, processors)
        port.keeps_waiters = self.close_mode == "keep"
        self.ports.append(port)
        return port

    def section(self, spin: int = 0, fair: bool = False) -> CriticalSection:
        """A critical section (InitializeCriticalSectionAndSpinCount; `spin` in ns)."""
        return CriticalSection(self.clock, self.dispatcher, 0, spin, fair)

    def post(self, port: CompletionPort, packet: Packet) -> bool:
        """Queue a packet unless the port is closed."""
        if port.object.closed:
            return False
        port.insert(packet)
        return True

    def close(self, handle: Any) -> bool:
        """Close a handle; False for one that is closed already."""
        if isinstance(handle, CompletionPort):
            if handle.object.closed:
                return False
            handle.close_handle()
        return True

    def queue_apc(self, thread: KernelThread, routine: Callable[..., Any], argument: Any) -> bool:
        """Queue a user APC; an alertable wait of the thread ends for it at once (semantics 7.7)."""
        queue_user_apc(thread, (routine, argument))
        return True

    def run(self, limit: int = 10_000_000) -> None:
        """Run until nothing is left to happen (or `limit` events have)."""
        self.clock.run(limit)
