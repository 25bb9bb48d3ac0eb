"""Threads of the program: starting and ending them, APCs, the work between calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from iosim.apc import KernelApcs, kernel_apcs, queue_user_apc
from iosim.dispatcher import Dispatcher, base_priority
from iosim.kernel_queue import KernelThread
from iosim.ntstatus import ERROR_ACCESS_DENIED, ERROR_GEN_FAILURE, ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED
from iosim.objects import DispatcherObject, Latch
from iosim.thread import TERMINATED
from iosim.win32.calls import (
    Call,
    Calls,
    ComputeCall,
    ExitCall,
    Refused,
    SystemCall,
    ThreadBody,
    YieldCall,
    nanoseconds,
)
from iosim.win32.handles import Handle
from iosim.win32.waits import Waitable

STILL_ACTIVE = 259
MAXIMUM_PROCESSORS = 64
NO_PROCESSOR = NO_COUNT = 0xFFFFFFFF


class ThreadObject(Waitable):
    """A thread: its end can be waited for; `result` is what its generator returned."""

    noun = "Thread"

    def __init__(self, dispatcher: Dispatcher, thread: KernelThread) -> None:
        self.end = Latch(dispatcher)
        self.thread = thread
        self.result: Any = STILL_ACTIVE

    def awaited(self) -> DispatcherObject:
        """Its end."""
        return self.end


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """GetSystemInfo."""

    number_of_processors: int


class ThreadCalls(Calls):
    """Work and threads."""

    def Compute(self, time: int) -> Call:
        """Work in user mode for `time` ns."""
        return ComputeCall(nanoseconds(time))

    def CreateThread(self, program: Callable[..., ThreadBody], *arguments: Any, priority: int = 8) -> Call:
        """Start a thread that runs `program(api, *arguments)`: its handle."""
        return self._call(lambda _: self.system.start(program, *arguments, priority=priority))

    def ExitThread(self, code: Any = 0) -> Call:
        """End the calling thread, when its requests that have to end with it have (semantics 1.16, 2.8.6).

        In a callback of the pool: ProgramError.
        """
        return ExitCall(code)

    def GetExitCodeThread(self, thread: Handle) -> Call:
        """What the thread's program returned, or STILL_ACTIVE; False with ERROR_INVALID_HANDLE."""
        return self._call(lambda _: self.system.handles.of_kind(thread, ThreadObject).result)

    def GetCurrentThread(self) -> Call:
        """A handle to the calling thread. Simplified: its first one, not a number that means a different thread in each."""
        return SystemCall(0, lambda thread: self.system.threads[thread.number])

    def GetCurrentThreadId(self) -> Call:
        """The calling thread's number, its own as long as the system runs."""
        return SystemCall(0, lambda thread: thread.number)

    def GetSystemInfo(self) -> Call:
        """The number of processors."""
        return self._call(lambda _: SystemInfo(len(self.system.dispatcher.processors)))

    def GetLastError(self) -> Call:
        """The error that the thread's last failed call left; calls that succeed leave it as it is."""
        return SystemCall(0, lambda thread: self.system.program(thread).last_error)

    def QueryPerformanceCounter(self) -> Call:
        """The time, in ns."""
        return SystemCall(0, lambda _: self.system.clock.now)

    def SwitchToThread(self) -> Call:
        """Let a ready thread go first: whether there was one."""
        return YieldCall(self.cost, self.system.dispatcher)

    # ---- scheduling --------------------------------------------------------------------------------------------------

    def SetThreadAffinityMask(self, thread: Handle, mask: int) -> Call:
        """Run only on processors whose bit is set, at once: the mask before.

        0 with ERROR_INVALID_PARAMETER for a mask without a processor or with one that is not there, or ERROR_INVALID_HANDLE.
        """
        return self._call(lambda _: self._affinity(thread, mask), failing=0)

    def SetThreadIdealProcessor(self, thread: Handle, processor: int) -> Call:
        """The processor to try first: the one before; MAXIMUM_PROCESSORS changes nothing and tells which it is.

        0xFFFFFFFF with ERROR_INVALID_PARAMETER or ERROR_INVALID_HANDLE.
        """
        return self._call(lambda _: self._ideal(thread, processor), failing=NO_PROCESSOR)

    def SetThreadPriority(self, thread: Handle, offset: int) -> Call:
        """The thread's priority beside its process's normal class: -2 to 2, THREAD_PRIORITY_IDLE, ..._TIME_CRITICAL. True.

        False with ERROR_INVALID_PARAMETER or ERROR_INVALID_HANDLE.
        """
        return self._call(lambda _: self._prioritize(thread, offset))

    def SuspendThread(self, thread: Handle) -> Call:
        """One suspension more, which takes hold when the thread runs its suspend APC (0b.8): how many there were.

        0xFFFFFFFF with ERROR_INVALID_HANDLE, or ERROR_ACCESS_DENIED [M] if the thread has ended.
        """
        return self._call(lambda _: self._suspend(thread), failing=NO_COUNT)

    def ResumeThread(self, thread: Handle) -> Call:
        """One suspension less; the thread goes on when none is left: how many there were.

        0xFFFFFFFF with ERROR_INVALID_HANDLE.
        """
        return self._call(lambda _: self._apcs().resume(self._thread(thread)), failing=NO_COUNT)

    def _apcs(self) -> KernelApcs:
        return kernel_apcs(self.system.dispatcher)

    def _thread(self, handle: Handle) -> KernelThread:
        return self.system.handles.of_kind(handle, ThreadObject).thread

    def _suspend(self, handle: Handle) -> int:
        thread = self._thread(handle)
        if thread.state == TERMINATED:
            raise Refused(ERROR_ACCESS_DENIED)
        return self._apcs().suspend(thread)

    def _affinity(self, handle: Handle, mask: int) -> int:
        before = self.system.dispatcher.set_affinity(self._thread(handle), mask)
        if not before:
            raise Refused(ERROR_INVALID_PARAMETER)
        return before

    def _ideal(self, handle: Handle, processor: int) -> int:
        thread = self._thread(handle)
        if processor == MAXIMUM_PROCESSORS:
            return thread.ideal
        before = self.system.dispatcher.set_ideal_processor(thread, processor)
        if before < 0:
            raise Refused(ERROR_INVALID_PARAMETER)
        return before

    def _prioritize(self, handle: Handle, offset: int) -> bool:
        thread = self._thread(handle)
        try:
            priority = base_priority("normal", offset)
        except ValueError:
            raise Refused(ERROR_INVALID_PARAMETER) from None
        self.system.dispatcher.set_priority(thread, priority)
        return True

    # ---- user APCs ---------------------------------------------------------------------------------------------------

    def QueueUserAPC(self, routine: Callable[..., ThreadBody | None], thread: Handle, argument: Any = None) -> Call:
        """Run `routine(api, argument)` in the thread's next alertable wait, or before its first line: True.

        False with ERROR_INVALID_HANDLE, or ERROR_GEN_FAILURE [M] if the thread has ended.
        """
        return self._call(lambda _: self._queue(thread, routine, argument))

    def _queue(self, thread: Handle, routine: Callable[..., Any], argument: Any) -> bool:
        target = self._thread(thread)
        if target.state == TERMINATED:
            raise Refused(ERROR_GEN_FAILURE)
        queue_user_apc(target, (routine, argument))
        return True

    def EnterUmsSchedulingMode(self) -> Call:
        """User-mode scheduling is gone since Windows 11 (C12): False with ERROR_NOT_SUPPORTED."""
        return self._call(lambda _: self._gone())

    def _gone(self) -> bool:
        raise Refused(ERROR_NOT_SUPPORTED)
