"""What a thread can wait for, and the waits: events, semaphores, mutexes, timers, sleeps.

Source: semantics 1.6, 1.14, 7.3, 7.7, 0b.13. Times in ns, timeouts too.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from iosim.completion_port import CompletionPort
from iosim.dispatcher import Dispatcher
from iosim.kernel_queue import KernelThread
from iosim.ntstatus import (
    ERROR_INVALID_PARAMETER,
    STATUS_PENDING,
    STATUS_TIMEOUT,
    STATUS_USER_APC,
    WAIT_IO_COMPLETION,
    WAIT_TIMEOUT,
    WIN32,
)
from iosim.objects import DispatcherObject, Event, Latch, Mutex, Semaphore, wait_for
from iosim.scheduling import FullDispatcher
from iosim.timers import Timer
from iosim.win32.calls import RETURNED, WAITS, Call, Calls, ProgramError, Refused, SystemCall, YieldCall, nanoseconds
from iosim.win32.handles import Handle, HandleTable

WAIT_OBJECT_0 = 0
WAIT_ABANDONED_0 = 0x80
WAIT_FAILED = 0xFFFFFFFF
MAXIMUM_WAIT_OBJECTS = 64

Waited = TypeVar("Waited", Semaphore, Mutex)


class Waitable:
    """An object of the API that has a dispatcher object to wait for."""

    def awaited(self) -> DispatcherObject:
        """That one."""
        raise NotImplementedError


def dispatcher_object(handles: HandleTable, handle: Any) -> DispatcherObject:
    """What a wait on the handle waits for."""
    if not isinstance(handle, int | None):
        raise ProgramError(f"{handle!r} can't be waited for")
    it = handles.look_up(handle)
    if isinstance(it, Waitable):
        return it.awaited()
    found = it.object if isinstance(it, CompletionPort) else it
    assert isinstance(found, DispatcherObject)
    return found


class WaitCall(SystemCall):
    """Any wait for handles; `value` is what the real call returns."""

    def __init__(
        self, cost: int, handles: HandleTable, names: list[Any], wait_all: bool, timeout: int, alertable: bool
    ) -> None:
        self.cost = cost
        self.handles = handles
        self.names = names
        self.wait_all = wait_all
        self.timeout = timeout
        self.alertable = alertable

    def objects(self) -> list[DispatcherObject]:
        """What it waits for."""
        if not 0 < len(self.names) <= MAXIMUM_WAIT_OBJECTS:
            raise Refused(ERROR_INVALID_PARAMETER)
        found = [dispatcher_object(self.handles, name) for name in self.names]
        if self.wait_all and len(set(found)) < len(found):
            raise Refused(ERROR_INVALID_PARAMETER)  # no object can be taken twice
        return found

    def act(self, thread: KernelThread) -> int:
        """Satisfied at once, or not."""
        status = wait_for(thread, self.objects(), self.wait_all, self.timeout, self.alertable)
        return WAITS if status == STATUS_PENDING else self._ended(status)

    def woken(self, thread: KernelThread) -> int:
        """However the wait ended."""
        return self._ended(thread.wait_status)

    def _ended(self, status: int) -> int:
        self.alerted = status == STATUS_USER_APC
        self.value = wait_result(status)
        return RETURNED

    def refuse(self, error: int) -> None:
        """WAIT_FAILED."""
        self.value = WAIT_FAILED
        self.error = error


def wait_result(status: int) -> int:
    """WAIT_OBJECT_0 + n, WAIT_ABANDONED_0 + n, WAIT_IO_COMPLETION or WAIT_TIMEOUT."""
    return {STATUS_USER_APC: WAIT_IO_COMPLETION, STATUS_TIMEOUT: WAIT_TIMEOUT}.get(status, status)


class SleepCall(SystemCall):
    """Sleep and SleepEx of more than no time."""

    def __init__(self, cost: int, dispatcher: Dispatcher, time: int, alertable: bool) -> None:
        self.cost = cost
        self.dispatcher = dispatcher
        self.time = time
        self.alertable = alertable

    def act(self, thread: KernelThread) -> int:
        """Wait for the tick, or for a user APC."""
        nothing: DispatcherObject = Latch(self.dispatcher)
        status = wait_for(thread, [nothing], False, self.time, self.alertable)
        return WAITS if status == STATUS_PENDING else self._ended(status)

    def woken(self, thread: KernelThread) -> int:
        """By time, or by the APC."""
        return self._ended(thread.wait_status)

    def _ended(self, status: int) -> int:
        self.alerted = status == STATUS_USER_APC
        self.value = WAIT_IO_COMPLETION if self.alerted else 0
        return RETURNED


class ShortSleepCall(YieldCall):
    """SleepEx(0): no wait; pending user APCs run, or else whoever is ready may."""

    def __init__(self, cost: int, dispatcher: FullDispatcher, alertable: bool) -> None:
        super().__init__(cost, dispatcher)
        self.alertable = alertable

    def act(self, thread: KernelThread) -> int:
        """Look for APCs first."""
        if self.alertable and thread.user_apcs:
            self.alerted = True
            self.value = WAIT_IO_COMPLETION
            return RETURNED
        outcome = super().act(thread)
        self.value = 0
        return outcome


class ObjectCalls(Calls):
    """Objects and waits."""

    def CreateEvent(self, manual_reset: bool, initial_state: bool) -> Call:
        """A handle to a new event."""
        return self._new(lambda: Event(self.system.dispatcher, manual_reset, initial_state))

    def SetEvent(self, event: Handle) -> Call:
        """Signal it: True, or False with ERROR_INVALID_HANDLE."""
        return self._event(event, lambda it: it.set())

    def ResetEvent(self, event: Handle) -> Call:
        """Make it unsignalled: True, or False with ERROR_INVALID_HANDLE."""
        return self._event(event, lambda it: it.reset())

    def CreateSemaphore(self, initial_count: int, maximum_count: int) -> Call:
        """A handle to a new semaphore; NULL with ERROR_INVALID_PARAMETER unless 0 <= initial <= maximum, maximum > 0."""
        valid = 0 <= initial_count <= maximum_count > 0
        return self._new(lambda: Semaphore(self.system.dispatcher, initial_count, maximum_count), valid)

    def ReleaseSemaphore(self, semaphore: Handle, count: int = 1) -> Call:
        """Count up: True.

        False with ERROR_TOO_MANY_POSTS beyond the maximum, ERROR_INVALID_PARAMETER for a count below 1, ERROR_INVALID_HANDLE.
        """
        return self._release(semaphore, Semaphore, lambda it, _: it.release(count))

    def CreateMutex(self) -> Call:
        """A handle to a new mutex that nobody owns."""
        return self._new(lambda: Mutex(self.system.dispatcher))

    def ReleaseMutex(self, mutex: Handle) -> Call:
        """Give one hold up: True, or False with ERROR_NOT_OWNER or ERROR_INVALID_HANDLE."""
        return self._release(mutex, Mutex, lambda it, thread: it.release(thread))

    def WaitForSingleObject(self, handle: Handle, timeout: int) -> Call:
        """WAIT_OBJECT_0, WAIT_ABANDONED_0 or WAIT_TIMEOUT; WAIT_FAILED with ERROR_INVALID_HANDLE. `timeout` in ns."""
        return self.WaitForMultipleObjectsEx([handle], False, timeout, False)

    def WaitForSingleObjectEx(self, handle: Handle, timeout: int, alertable: bool) -> Call:
        """The same, or WAIT_IO_COMPLETION: an alertable wait ended for a user APC."""
        return self.WaitForMultipleObjectsEx([handle], False, timeout, alertable)

    def WaitForMultipleObjects(self, handles: list[Handle], wait_all: bool, timeout: int) -> Call:
        """WAIT_OBJECT_0 + n for any (the first in the list), WAIT_OBJECT_0 for all, WAIT_TIMEOUT.

        WAIT_FAILED with ERROR_INVALID_HANDLE, or ERROR_INVALID_PARAMETER for none or more than 64 handles, or one object
        twice in a wait for all.
        """
        return self.WaitForMultipleObjectsEx(handles, wait_all, timeout, False)

    def WaitForMultipleObjectsEx(self, handles: list[Handle], wait_all: bool, timeout: int, alertable: bool) -> Call:
        """The same, or WAIT_IO_COMPLETION."""
        return WaitCall(
            self.cost, self.system.handles, listed(handles), wait_all, nanoseconds(timeout, True), alertable
        )

    def Sleep(self, time: int) -> Call:
        """Wait until the first clock tick at or after `time` ns; 0 gives way to an equal thread instead. Result 0."""
        return self.SleepEx(time, False)

    def SleepEx(self, time: int, alertable: bool) -> Call:
        """The same; an alertable one ends for a user APC with WAIT_IO_COMPLETION."""
        if nanoseconds(time, True):
            return SleepCall(self.cost, self.system.dispatcher, time, alertable)
        return ShortSleepCall(self.cost, self.system.dispatcher, alertable)

    def CreateWaitableTimer(self, manual_reset: bool) -> Call:
        """A handle to a new timer: a manual-reset one notifies everybody, another one synchronizes (one wait a time)."""
        return self._new(lambda: Timer(self.system.dispatcher, manual_reset))

    def SetWaitableTimer(self, timer: Handle, due: int, period: int = 0) -> Call:
        """Signalled at the first clock tick at or after `due` ns from now, then every `period` ns (0: once): True.

        False with ERROR_INVALID_HANDLE. A period keeps the system running until it is cancelled.
        """
        nanoseconds(due)
        nanoseconds(period)
        return self._timer(timer, lambda it: it.set(due, period))

    def CancelWaitableTimer(self, timer: Handle) -> Call:
        """It will not be signalled any more; its state stays: True, or False with ERROR_INVALID_HANDLE."""
        return self._timer(timer, lambda it: it.cancel())

    def _new(self, make: Callable[[], object], valid: bool = True) -> Call:
        def do(_: KernelThread) -> Handle:
            if not valid:
                raise Refused(ERROR_INVALID_PARAMETER)
            return self.system.handles.add(make())

        return self._call(do, failing=0)

    def _event(self, handle: Handle, act: Callable[[Event], None]) -> Call:
        def do(_: KernelThread) -> bool:
            act(self.system.handles.of_kind(handle, Event))
            return True

        return self._call(do)

    def _timer(self, handle: Handle, act: Callable[[Timer], bool]) -> Call:
        def do(_: KernelThread) -> bool:
            act(self.system.handles.of_kind(handle, Timer))
            return True

        return self._call(do)

    def _release(self, handle: Handle, kind: type[Waited], release: Callable[[Waited, KernelThread], int]) -> Call:
        def do(thread: KernelThread) -> bool:
            error = WIN32[release(self.system.handles.of_kind(handle, kind), thread)]
            if error:
                raise Refused(error)
            return True

        return self._call(do)


def listed(handles: Any) -> list[Any]:
    """What WaitForMultipleObjects is given."""
    if isinstance(handles, list | tuple):
        return list(handles)
    raise ProgramError(f"{handles!r} is no list of handles")
