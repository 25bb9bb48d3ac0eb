"""Locks of the program: critical sections, slim reader/writer locks, condition variables. None of them is a handle.

What the real system does not define, or does not survive (a lock left by who does not hold it, asked for by who holds it in
a way that can't be granted), is a ProgramError. Source: semantics 0b.13, 0b.14. Times in ns, timeouts too.
"""

from typing import Any

from iosim.condition_variables import ConditionVariable
from iosim.errors import SelfDeadlock
from iosim.kernel_queue import KernelThread
from iosim.locks import ACQUIRED, SPINNING, ContendedLock, CriticalSection
from iosim.ntstatus import ERROR_TIMEOUT, STATUS_PENDING, STATUS_RESOURCE_NOT_OWNED, STATUS_TIMEOUT
from iosim.slim_locks import SlimLock
from iosim.win32.calls import (
    AGAIN,
    RETRIES,
    RETURNED,
    WAITS,
    Call,
    Calls,
    ProgramError,
    SystemCall,
    nanoseconds,
    of_kind,
)


class AcquireCall(Call):
    """Hold a lock, sooner or later: spins, then blocks."""

    def __init__(self, lock: ContendedLock, shared: bool = False) -> None:
        self.lock = lock
        self.shared = shared

    def act(self, thread: KernelThread) -> int:
        """Try."""
        try:
            outcome = self.lock.acquire(thread, self.shared)
        except SelfDeadlock as error:
            raise ProgramError(error) from None
        if outcome == ACQUIRED:
            return RETURNED
        return AGAIN if outcome == SPINNING else RETRIES


class SleepConditionCall(AcquireCall):
    """Sleep on a condition variable, then hold the lock again; `value` is a BOOL."""

    def __init__(self, variable: ConditionVariable, lock: ContendedLock, shared: bool, timeout: int) -> None:
        super().__init__(lock, shared)
        self.variable = variable
        self.timeout = timeout
        self.slept = False

    def begin(self, thread: KernelThread) -> None:
        """It takes no time by itself."""
        self.slept = False

    def act(self, thread: KernelThread) -> int:
        """Sleep, if that has not been done; then the lock."""
        if self.slept:
            return super().act(thread)
        self.slept = True
        status = self.variable.sleep(thread, self.lock, self.shared, self.timeout)
        if status == STATUS_PENDING:
            return WAITS
        if status == STATUS_RESOURCE_NOT_OWNED:
            raise ProgramError("a thread sleeps on a condition variable with a lock that it does not hold")
        return self._over(thread, status)

    def woken(self, thread: KernelThread) -> int:
        """By another thread, or by time."""
        return self._over(thread, thread.wait_status)

    def _over(self, thread: KernelThread, status: int) -> int:
        self.value = status != STATUS_TIMEOUT
        if not self.value:
            self.error = ERROR_TIMEOUT
        return super().act(thread)


def give_up(thread: KernelThread, lock: ContendedLock, shared: bool) -> None:
    """One hold less."""
    if not lock.release(thread, shared):
        raise ProgramError("a thread gives up a lock that it does not hold: the lock would be corrupt")


def critical_section(it: Any) -> CriticalSection:
    """What a program hands over as one."""
    return of_kind(it, CriticalSection, "critical section")


def slim_lock(it: Any) -> SlimLock:
    """The same."""
    return of_kind(it, SlimLock, "slim reader/writer lock")


def condition(it: Any) -> ConditionVariable:
    """The same."""
    return of_kind(it, ConditionVariable, "condition variable")


class LockCalls(Calls):
    """Critical sections, slim reader/writer locks and condition variables."""

    def InitializeCriticalSection(self) -> Call:
        """A new critical section whose contenders block at once. It is no handle."""
        return self.InitializeCriticalSectionAndSpinCount(0)

    def InitializeCriticalSectionAndSpinCount(self, spin: int) -> Call:
        """A new critical section whose contenders spin for `spin` ns before they block."""
        return SystemCall(0, lambda _: self.system.section(nanoseconds(spin)))

    def EnterCriticalSection(self, section: CriticalSection) -> Call:
        """Own it, sooner or later; its owner may enter again."""
        return AcquireCall(critical_section(section))

    def TryEnterCriticalSection(self, section: CriticalSection) -> Call:
        """Own it now: True; False if another thread does."""
        return SystemCall(0, lambda thread: critical_section(section).try_acquire(thread))

    def LeaveCriticalSection(self, section: CriticalSection) -> Call:
        """Let others in, when the owner has left as often as it entered. By a thread that does not own it: ProgramError."""
        return SystemCall(0, lambda thread: give_up(thread, critical_section(section), False))

    def InitializeSRWLock(self, spin: int = 0) -> Call:
        """A new slim reader/writer lock; contenders spin for `spin` ns first."""
        return SystemCall(0, lambda _: SlimLock(self.system.clock, self.system.dispatcher, 0, nanoseconds(spin), False))

    def AcquireSRWLockExclusive(self, lock: SlimLock) -> Call:
        """Hold it alone. By a thread that holds it already, which would hang for ever: ProgramError."""
        return AcquireCall(slim_lock(lock))

    def AcquireSRWLockShared(self, lock: SlimLock) -> Call:
        """Hold it with others that share it; errors as above."""
        return AcquireCall(slim_lock(lock), True)

    def TryAcquireSRWLockExclusive(self, lock: SlimLock) -> Call:
        """Hold it alone now: True; False if that would take a wait."""
        return SystemCall(0, lambda thread: slim_lock(lock).try_acquire(thread))

    def TryAcquireSRWLockShared(self, lock: SlimLock) -> Call:
        """Share it now: True; False if that would take a wait."""
        return SystemCall(0, lambda thread: slim_lock(lock).try_acquire(thread, True))

    def ReleaseSRWLockExclusive(self, lock: SlimLock) -> Call:
        """Give it up. By a thread that does not hold it so: ProgramError."""
        return SystemCall(0, lambda thread: give_up(thread, slim_lock(lock), False))

    def ReleaseSRWLockShared(self, lock: SlimLock) -> Call:
        """Share it no longer; errors as above."""
        return SystemCall(0, lambda thread: give_up(thread, slim_lock(lock), True))

    def InitializeConditionVariable(self) -> Call:
        """A new condition variable."""
        return SystemCall(0, lambda _: ConditionVariable(self.system.dispatcher))

    def SleepConditionVariableCS(self, variable: ConditionVariable, section: CriticalSection, timeout: int) -> Call:
        """Give the section up and sleep until woken, then own it again: True; False with ERROR_TIMEOUT.

        With a section that the thread does not own: ProgramError.
        """
        return SleepConditionCall(condition(variable), critical_section(section), False, nanoseconds(timeout, True))

    def SleepConditionVariableSRW(
        self, variable: ConditionVariable, lock: SlimLock, timeout: int, shared: bool = False
    ) -> Call:
        """The same with a slim lock, held in shared mode if so said."""
        return SleepConditionCall(condition(variable), slim_lock(lock), shared, nanoseconds(timeout, True))

    def WakeConditionVariable(self, variable: ConditionVariable) -> Call:
        """Wake the thread that has slept longest, if any does."""
        return SystemCall(0, lambda _: condition(variable).wake())

    def WakeAllConditionVariable(self, variable: ConditionVariable) -> Call:
        """Wake all that sleep now."""
        return SystemCall(0, lambda _: condition(variable).wake_all())
