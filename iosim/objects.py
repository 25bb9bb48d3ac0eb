"""Dispatcher objects: what a thread can wait for. Events, semaphores, mutexes, ends of threads.

A wait names one or more objects and is satisfied by any of them (the first in the list that is signalled) or by all at
once. Satisfying it has a side effect on the object (an auto-reset event is reset, a semaphore counts down, a mutex gets an
owner). Waiters are served in the order in which they came. A finite timeout ends at a clock tick (0b.13). A user APC ends an
alertable wait.

Source: semantics 1.14, 7.3, 7.7, 0b.13; which waits release a port's place: 1.6 (only those that really block).
"""

from iosim.attribution import BLOCKED_CALL
from iosim.dispatcher import EVENT_INCREMENT, SEMAPHORE_INCREMENT, Dispatcher
from iosim.irp import NO_THREAD
from iosim.kernel_queue import NO_OWNER, KernelThread, WaitOwner
from iosim.ntstatus import (
    STATUS_ABANDONED_WAIT_0,
    STATUS_INVALID_PARAMETER,
    STATUS_MUTANT_NOT_OWNED,
    STATUS_PENDING,
    STATUS_SEMAPHORE_LIMIT_EXCEEDED,
    STATUS_SUCCESS,
    STATUS_TIMEOUT,
    STATUS_USER_APC,
)

INFINITE = -1  # ns: a wait without a timeout


class DispatcherObject:
    """Base of everything that can be waited for. `waits` are the unsatisfied waits that name it, oldest first."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.waits: list[Wait] = []

    def signalled(self, thread: KernelThread) -> bool:
        """Whether a wait of this thread could be satisfied now."""
        raise NotImplementedError

    def satisfy(self, thread: KernelThread) -> int:
        """A wait of this thread is satisfied: the side effect; returns 0, or STATUS_ABANDONED_WAIT_0."""
        return STATUS_SUCCESS

    def joined(self) -> None:
        """A wait for this object begins."""

    def serve(self, increment: int = 0) -> None:
        """The object became signalled: satisfy waits, oldest first, while it stays so; the woken get this boost."""
        served = []
        for wait in self.waits[:]:
            if not wait.over and self.signalled(wait.thread) and wait.ends_now():
                served.append(wait.thread)
        for thread in served:  # only now, as one of them may run at this very instant and change the object again
            self.dispatcher.wake(thread, increment)


class Wait(WaitOwner):
    """One thread's wait for one or more objects."""

    def __init__(self, thread: KernelThread, objects: list[DispatcherObject], wait_all: bool) -> None:
        self.thread = thread
        self.objects = objects
        self.wait_all = wait_all
        self.over = False

    def satisfied(self) -> int:
        """The status that ends the wait now, side effects done, or STATUS_PENDING (nothing touched)."""
        thread = self.thread
        if self.wait_all:
            return self._all()
        for place, each in enumerate(self.objects):
            if each.signalled(thread):
                return place + each.satisfy(thread)
        return STATUS_PENDING

    def _all(self) -> int:
        thread = self.thread
        for each in self.objects:
            if not each.signalled(thread):
                return STATUS_PENDING
        status = STATUS_SUCCESS
        for each in self.objects:
            status = max(status, each.satisfy(thread))
        return status

    def begin(self) -> None:
        """It can't be satisfied yet."""
        for each in self.objects:
            each.waits.append(self)
            each.joined()

    def ends_now(self) -> bool:
        """One of the objects became signalled. True: that satisfies the wait, and its thread is to be woken."""
        status = self.satisfied()
        if status == STATUS_PENDING:
            return False
        self._end(status)
        return True

    def break_off(self, thread: KernelThread) -> None:
        """The objects forget it: what is signalled and reset meanwhile is missed (semantics 2.7)."""
        self.over = True
        for each in self.objects:
            each.waits.remove(self)

    def wait_again(self, thread: KernelThread, status: int) -> bool:
        """Look at the objects anew, then at what else has ended the wait."""
        found = self.satisfied()
        dispatcher = self.objects[0].dispatcher
        if found == STATUS_PENDING and status == STATUS_PENDING:
            self.over = False
            thread.waits_in = self
            self.begin()
            dispatcher.block(thread, thread.wait_cause)
            return False
        if thread.timed:
            dispatcher.disarm(thread)
        thread.wait_status = status if found == STATUS_PENDING else found
        return True

    def end_wait(self, thread: KernelThread, status: int) -> None:
        """The wait is over with this status; its thread goes on."""
        self._end(status)
        self.objects[0].dispatcher.wake(thread)

    def _end(self, status: int) -> None:
        thread = self.thread
        self.break_off(thread)
        if thread.timed:
            self.objects[0].dispatcher.disarm(thread)
        thread.waits_in = NO_OWNER
        thread.wait_status = status


class TwoState(DispatcherObject):
    """Signalled or not. `manual` (a notification object): until it is reset; else (synchronization) one wait resets it."""

    def __init__(self, dispatcher: Dispatcher, manual: bool, state: bool) -> None:
        super().__init__(dispatcher)
        self.manual = manual
        self.state = state

    def signalled(self, thread: KernelThread) -> bool:
        """For anybody."""
        return self.state

    def satisfy(self, thread: KernelThread) -> int:
        """One wait, unless `manual`."""
        if not self.manual:
            self.state = False
        return STATUS_SUCCESS


class Event(TwoState):
    """Manual-reset or auto-reset."""

    def set(self, increment: int = EVENT_INCREMENT) -> None:
        """SetEvent; the I/O manager sets it with the driver's boost."""
        self.state = True
        self.serve(increment)

    def reset(self) -> None:
        """ResetEvent."""
        self.state = False


class Semaphore(DispatcherObject):
    """A count that waits take from, never above `limit`."""

    def __init__(self, dispatcher: Dispatcher, count: int, limit: int) -> None:
        super().__init__(dispatcher)
        self.count = count
        self.limit = limit

    def signalled(self, thread: KernelThread) -> bool:
        """While the count is above 0."""
        return self.count > 0

    def satisfy(self, thread: KernelThread) -> int:
        """Count down."""
        self.count -= 1
        return STATUS_SUCCESS

    def release(self, count: int) -> int:
        """Count up; beyond the limit, or by nothing, an error, and nothing happens."""
        if count <= 0:
            return STATUS_INVALID_PARAMETER
        if self.count + count > self.limit:
            return STATUS_SEMAPHORE_LIMIT_EXCEEDED
        self.count += count
        self.serve(SEMAPHORE_INCREMENT)
        return STATUS_SUCCESS


class Mutex(DispatcherObject):
    """Owned by one thread, any number of times; abandoned when its owner ends."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__(dispatcher)
        self.owner = NO_THREAD
        self.depth = 0
        self.abandoned = False

    def signalled(self, thread: KernelThread) -> bool:
        """Free, or the thread's own already."""
        return self.owner is NO_THREAD or self.owner is thread

    def satisfy(self, thread: KernelThread) -> int:
        """The thread owns it, once more; the first owner after an abandoned one is told so."""
        if self.owner is NO_THREAD:
            self.owner = thread
            thread.mutexes.append(self)
        self.depth += 1
        if self.abandoned:
            self.abandoned = False
            return STATUS_ABANDONED_WAIT_0
        return STATUS_SUCCESS

    def release(self, thread: KernelThread) -> int:
        """ReleaseMutex: handed to the oldest waiter when the last hold is given up (0b.14: fair)."""
        if self.owner is not thread:
            return STATUS_MUTANT_NOT_OWNED
        self.depth -= 1
        if not self.depth:
            thread.mutexes.remove(self)
            self.owner = NO_THREAD
            self.serve()
        return STATUS_SUCCESS

    def abandon(self) -> None:
        """The owner ended."""
        self.owner = NO_THREAD
        self.depth = 0
        self.abandoned = True
        self.serve()


class Latch(TwoState):
    """Signalled once and for ever, or as its owner says: the end of a thread."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__(dispatcher, True, False)

    def set(self, state: bool) -> None:
        """The owner says so."""
        self.state = state
        if state:
            self.serve()


def wait_for(
    thread: KernelThread, objects: list[DispatcherObject], wait_all: bool, timeout: int, alertable: bool
) -> int:
    """KeWaitForMultipleObjects: the status at once, or STATUS_PENDING: the thread waits, its program returns False.

    `timeout` in ns; INFINITE, or 0 to only look. When the thread goes on, its `wait_status` tells how the wait ended.
    """
    wait = Wait(thread, objects, wait_all)
    status = wait.satisfied()
    if status != STATUS_PENDING:
        return status
    if alertable and thread.user_apcs:
        return STATUS_USER_APC
    if timeout == 0:
        return STATUS_TIMEOUT
    dispatcher = objects[0].dispatcher
    wait.begin()
    thread.waits_in = wait
    thread.alertable = alertable
    if timeout != INFINITE:
        dispatcher.arm(thread, timeout)
    dispatcher.block(thread, BLOCKED_CALL)
    return STATUS_PENDING
