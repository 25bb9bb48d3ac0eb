"""Condition variables: sleep until another thread says that something may have changed, a lock given up meanwhile.

Giving the lock up and falling asleep are one act: no wake is lost in between. A wake hands nothing over: the woken thread
asks for its lock like anybody else, and may find the condition untrue again. A wake with nobody asleep is forgotten. A
sleeper's wait is one that really blocks, so that its port's place is free (semantics 1.6); a timeout ends it at a clock tick
(0b.13). Source: public documentation; the oldest sleeper is woken first [M].
"""

from collections import deque

from iosim.attribution import BLOCKED_CALL
from iosim.dispatcher import Dispatcher
from iosim.kernel_queue import NO_OWNER, KernelThread, WaitOwner
from iosim.locks import ContendedLock
from iosim.ntstatus import STATUS_PENDING, STATUS_RESOURCE_NOT_OWNED, STATUS_SUCCESS, STATUS_TIMEOUT
from iosim.objects import INFINITE


class ConditionVariable(WaitOwner):
    """CONDITION_VARIABLE."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.sleepers: deque[KernelThread] = deque()  # oldest first

    def sleep(self, thread: KernelThread, lock: ContendedLock, shared: bool, timeout: int) -> int:
        """SleepConditionVariableCS, SleepConditionVariableSRW, up to where the lock is asked for again.

        STATUS_PENDING: the thread waits, its program returns False, and its `wait_status` will tell. Else the wait is over
        already. Either way the caller then acquires the lock again; only with STATUS_RESOURCE_NOT_OWNED nothing has happened.
        `timeout` in ns, or INFINITE.
        """
        self.sleepers.append(thread)
        if not lock.release(thread, shared):
            self.sleepers.remove(thread)
            return STATUS_RESOURCE_NOT_OWNED
        if thread not in self.sleepers:
            return STATUS_SUCCESS  # whom the release let in has woken it
        if timeout == 0:
            self.sleepers.remove(thread)
            return STATUS_TIMEOUT
        thread.waits_in = self
        thread.alertable = False
        if timeout != INFINITE:
            self.dispatcher.arm(thread, timeout)
        self.dispatcher.block(thread, BLOCKED_CALL)
        return STATUS_PENDING

    def wake(self) -> None:
        """WakeConditionVariable."""
        if self.sleepers:
            self._wake(self.sleepers.popleft())

    def wake_all(self) -> None:
        """WakeAllConditionVariable: whoever sleeps now."""
        sleepers = list(self.sleepers)
        self.sleepers.clear()
        for thread in sleepers:  # the first may run at this very instant, and wake or sleep in its turn
            self._wake(thread)

    def _wake(self, thread: KernelThread) -> None:
        if thread.waits_in is self:
            self._end(thread, STATUS_SUCCESS)
            return
        if thread.waits_in is not NO_OWNER:  # it runs a kernel APC, and hears of it then
            wait = thread.waits_in
            wait.end_wait(thread, STATUS_SUCCESS)
        # else it is giving its lock up at this very instant

    def wait_again(self, thread: KernelThread, status: int) -> bool:
        """A kernel APC does not cost a sleeper its place."""
        if status == STATUS_PENDING:
            thread.waits_in = self
            self.dispatcher.block(thread, BLOCKED_CALL)
            return False
        if thread in self.sleepers:
            self.sleepers.remove(thread)  # it timed out meanwhile
        if thread.timed:
            self.dispatcher.disarm(thread)
        thread.wait_status = status
        return True

    def end_wait(self, thread: KernelThread, status: int) -> None:
        """The thread goes on; it does not have its lock yet."""
        self.sleepers.remove(thread)
        self._end(thread, status)

    def _end(self, thread: KernelThread, status: int) -> None:
        if thread.timed:
            self.dispatcher.disarm(thread)
        thread.waits_in = NO_OWNER
        thread.wait_status = status
        self.dispatcher.wake(thread)
