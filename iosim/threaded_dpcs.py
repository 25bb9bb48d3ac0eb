"""Threaded DPCs: routines that run at PASSIVE_LEVEL, in a real-time thread of their processor, instead of in its drain.

Pre-empted by interrupts and by ordinary DPCs, they hold up every thread of a lower priority, but no DPC. Where they are
switched off they are ordinary DPCs. Source: semantics 7.6 for the queue; the thread and its priority 31 [M].
Simplified: the thread is bound to its processor only by a dispatcher that knows affinities; another one may run it elsewhere.
"""

from collections import deque

from iosim.attribution import BLOCKED_CALL
from iosim.dispatcher import PRIORITIES, Dispatcher
from iosim.dpc import MEDIUM, Dpc
from iosim.kernel_queue import KernelThread
from iosim.processor import Processor
from iosim.thread import WAITING, Program, Thread


class ThreadedDpc(Dpc):
    """Its `begin` and `end` are called by the drain, and hand it on; a driver's own overrides `cost` and `routine`."""

    def __init__(self, threads: "DpcThreads", importance: int = MEDIUM) -> None:
        super().__init__(importance)
        self.threads = threads
        self.handed_on = False  # it left the processor's queue for the thread's

    def cost(self, processor: Processor) -> int:
        """Processor time (ns) of the run that begins."""
        raise NotImplementedError

    def routine(self, processor: Processor) -> None:
        """The time has been spent: do it."""
        raise NotImplementedError

    def begin(self, processor: Processor) -> int:
        """The drain has it: only an event is set."""
        return 0 if self.threads.enabled else self.cost(processor)

    def end(self, processor: Processor) -> None:
        """To the thread; it counts as queued until that begins with it."""
        if self.threads.enabled:
            self.queued = self.handed_on = True
            self.threads.of[processor.number].take(self)
        else:
            self.routine(processor)

    def unqueue(self) -> None:
        """Out of whichever queue it is in."""
        if self.handed_on:
            self.handed_on = False
            self.threads.of[self.processor.number].queue.remove(self)
        else:
            Dpc.unqueue(self)


class DpcThread(Program):
    """The thread of one processor: takes what is queued, in this order, then waits."""

    def __init__(self, dispatcher: Dispatcher, processor: Processor) -> None:
        self.dispatcher = dispatcher
        self.processor = processor
        self.queue: deque[ThreadedDpc] = deque()
        self.running: deque[ThreadedDpc] = deque()  # at most one
        self.thread: KernelThread = dispatcher.create_thread(self, PRIORITIES - 1)
        dispatcher.bind(self.thread, processor.number)

    def take(self, dpc: ThreadedDpc) -> None:
        """One more; the thread is woken if it waits."""
        self.queue.append(dpc)
        if self.thread.state == WAITING:
            self.dispatcher.wake(self.thread)

    def resume(self, thread: Thread) -> bool:
        """One routine after the other."""
        assert isinstance(thread, KernelThread)
        while True:
            if self.running:
                self.running.popleft().routine(self.processor)
            elif thread.owed:
                return True  # the switch is paid first
            elif not self.queue:
                self.dispatcher.block(thread, BLOCKED_CALL)
                return False
            else:
                self._begin(thread)
                return True

    def _begin(self, thread: KernelThread) -> None:
        dpc = self.queue.popleft()
        dpc.queued = dpc.handed_on = False
        self.running.append(dpc)
        thread.owe_kernel(dpc.cost(self.processor))


class DpcThreads:
    """One thread a processor, made together; `enabled` False: threaded DPCs are ordinary ones."""

    def __init__(self, dispatcher: Dispatcher, enabled: bool = True) -> None:
        self.enabled = enabled
        self.of = [DpcThread(dispatcher, processor) for processor in dispatcher.processors]
