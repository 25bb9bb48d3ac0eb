"""What a program yields: one call of the API on its way into the kernel and out again; and the two ways to refuse one.

A call that the real system refuses ends with its failing value and an error (`Refused`). What the real system would not
survive, or does not define, stops the run with the line of the program (`ProgramError`).
"""

import reprlib
import warnings
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from iosim.errors import IosimError
from iosim.kernel_queue import KernelThread
from iosim.ntstatus import ERROR_SUCCESS
from iosim.objects import INFINITE
from iosim.scheduling import FullDispatcher

if TYPE_CHECKING:
    from iosim.win32.system import System

ThreadBody = Generator["Call", Any, Any]

WIN32_INFINITE = 0xFFFFFFFF  # ms; as ns it would be 4.3 s

Object = TypeVar("Object")

# What became of a call: its result is there; call `woken` when the thread goes on; call `act` again then, or when the time
# now owed is paid; the thread ends.
RETURNED, WAITS, RETRIES, AGAIN, ENDED = range(5)


class ProgramError(IosimError):
    """A program of the simulated machine did what no real call takes; begins with the file and line of the program."""


class PlacedError(ProgramError):
    """One that names its line already. It may pass through other threads, whose calls made its thread go on."""


class Refused(Exception):
    """The call under way fails with this Win32 error."""

    def __init__(self, error: int) -> None:
        self.error = error
        super().__init__(error)


class Call:
    """One call: charged by `begin`, done by `act`; then `value` is its result and `error` what it leaves in GetLastError.

    An `error` of 0 leaves the thread's last error as it is. A call without a `yield` is never done: it warns (RuntimeWarning),
    and what it is used for in place of its result is a ProgramError.
    """

    value: Any = None
    error = ERROR_SUCCESS
    alerted = False  # it ended for a user APC
    yielded = False

    def __repr__(self) -> str:
        return "<a call that was yielded>" if self.yielded else "<a call without `yield`>"

    def __bool__(self) -> bool:
        raise ProgramError(f"{self!r} has no result: write (yield api...)")

    def __del__(self) -> None:
        if not self.yielded:
            warnings.warn("a call of the API without `yield` is never done", RuntimeWarning, stacklevel=2)

    def begin(self, thread: KernelThread) -> None:
        """Owe its processor time."""

    def act(self, thread: KernelThread) -> int:
        """Do it."""
        return RETURNED

    def woken(self, thread: KernelThread) -> int:
        """The thread that waited goes on."""
        return RETURNED

    def refuse(self, error: int) -> None:
        """The result of a call that fails with this error."""
        self.value = False
        self.error = error


def nanoseconds(time: Any, forever: bool = False) -> int:
    """A program's time: whole ns, 0 or more; INFINITE too where waiting for ever has a meaning."""
    if forever and time == WIN32_INFINITE:
        raise ProgramError("0xFFFFFFFF would be 4.3 s, as times are ns: write INFINITE")
    if isinstance(time, int) and (time >= 0 or (forever and time == INFINITE)):
        return time
    raise ProgramError(f"{time!r} is no time: times are whole ns, 0 or more (1 ms is 1_000_000)")


def of_kind(it: Any, kind: type[Object], noun: str) -> Object:
    """What a program hands over, if it is what it has to be."""
    if isinstance(it, kind):
        return it
    raise ProgramError(f"{reprlib.repr(it)} is no {noun}")


class ComputeCall(Call):
    """The work between calls."""

    def __init__(self, time: int) -> None:
        self.time = time

    def begin(self, thread: KernelThread) -> None:
        """User time."""
        thread.owe_user(self.time)


class SystemCall(Call):
    """A call that enters the kernel for `cost` ns and then does one thing at once; `failing`: its result if refused."""

    def __init__(self, cost: int, do: Callable[[KernelThread], Any], failing: Any = False) -> None:
        self.cost = cost
        self.do = do
        self.failing = failing

    def begin(self, thread: KernelThread) -> None:
        """Kernel time."""
        if self.cost:
            thread.owe_kernel(self.cost)

    def act(self, thread: KernelThread) -> int:
        """Do it."""
        self.value = self.do(thread)
        return RETURNED

    def refuse(self, error: int) -> None:
        """The failing value."""
        self.value = self.failing
        self.error = error


class ExitCall(Call):
    """ExitThread."""

    def __init__(self, code: Any) -> None:
        self.value = code

    def act(self, thread: KernelThread) -> int:
        """The thread ends here."""
        return ENDED


class YieldCall(SystemCall):
    """SwitchToThread and Sleep(0): whoever is ready goes first (semantics 1.6: a thread that yields stays active; 7.2)."""

    def __init__(self, cost: int, dispatcher: FullDispatcher) -> None:
        self.cost = cost
        self.dispatcher = dispatcher

    def act(self, thread: KernelThread) -> int:
        """The thread goes on when its turn comes; its result, whether anybody was ready, is known now."""
        self.value = self.dispatcher.yield_processor(thread)
        return WAITS if self.value else RETURNED


class Calls:
    """A part of the API; `cost` (ns) is what a system call takes."""

    def __init__(self, system: "System", cost: int) -> None:
        self.system = system
        self.cost = cost

    def _call(self, do: Callable[[KernelThread], Any], failing: Any = False) -> Call:
        return SystemCall(self.cost, do, failing)
