"""Tiny machines for exact timelines: every cost is 0 unless a test gives one, and threads do what a list says.

tiny = Tiny(processors=2, switch=50)
a = tiny.start(compute(1000), note("a"), block(300), note("a"))
tiny.run()
assert tiny.log == [(1050, "a"), (1400, "a")]
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from iosim.actor import ARRIVAL, DEVICE, SAMPLE, TIMER, Actor, Clock
from iosim.apc import KernelApc
from iosim.attribution import BLOCKED_CALL, CAUSES, NO_REQUEST, Request, new_ledger, new_request
from iosim.cache import Caches
from iosim.dispatcher import Dispatcher
from iosim.dpc import MEDIUM, Dpc
from iosim.heap_clock import HeapClock
from iosim.interrupts import Interrupt
from iosim.kernel_queue import NO_PACKET, KernelQueue, KernelThread, Packet
from iosim.locks import ACQUIRED, SPINNING, ContendedLock
from iosim.modes import FULL_PACE
from iosim.numa import Topology
from iosim.processor import Processor
from iosim.scheduling import PLAIN, FullDispatcher, SchedulerParams
from iosim.thread import KINDS, PASSIVE_LEVEL, Program, Thread

EVER = 10**12  # ns: longer than any test
EVENTS = 100_000

RUN, WAIT, GO = range(3)  # what a scripted step makes of its thread: it owes time, it waits, it goes straight on


class Late(Actor):
    """Does something at a given time."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.act = act

    def fire(self, what: int) -> None:
        self.act()


class Tick(Actor):
    """Does something every `step` ns, when the instant has settled."""

    def __init__(self, clock: Clock, step: int, act: Callable[[], object]) -> None:
        super().__init__()
        self.clock = clock
        self.step = step
        self.act = act
        self.left = 10_000
        clock.at(0, SAMPLE, self, 0)

    def fire(self, what: int) -> None:
        self.act()
        self.left -= 1
        if self.left:
            self.clock.at(self.step, SAMPLE, self, 0)


@dataclass
class Step:
    """One thing that a scripted thread does."""

    act: "Callable[[Tiny, KernelThread], int]"


class Script(Program):
    """Does one step after the other, then ends."""

    def __init__(self, tiny: "Tiny", steps: Iterable[Step]) -> None:
        self.tiny = tiny
        self.steps = list(steps)
        self.next = 0

    def resume(self, thread: Thread) -> bool:
        assert isinstance(thread, KernelThread)
        while self.next < len(self.steps):
            step = self.steps[self.next]
            self.next += 1
            outcome = step.act(self.tiny, thread)
            if outcome != GO:
                return outcome == RUN
        self.tiny.dispatcher.terminate(thread)
        return False


def compute(ns: int) -> Step:
    """Run in user mode."""

    def act(_tiny: "Tiny", thread: KernelThread) -> int:
        thread.owe_user(ns)
        return RUN

    return Step(act)


def pay() -> Step:
    """Come back when what is owed so far (a switch) has been paid."""
    return compute(0)


def block(ns: int, cause: int = BLOCKED_CALL) -> Step:
    """Wait in the kernel for so long."""

    def act(tiny: "Tiny", thread: KernelThread) -> int:
        tiny.clock.at(ns, TIMER, tiny.dispatcher.timeouts[thread.number], 0)
        tiny.dispatcher.block(thread, cause)
        return WAIT

    return Step(act)


def wait(cause: int = BLOCKED_CALL) -> Step:
    """Wait in the kernel until the test says `tiny.dispatcher.wake`."""

    def act(tiny: "Tiny", thread: KernelThread) -> int:
        tiny.dispatcher.block(thread, cause)
        return WAIT

    return Step(act)


def note(what: object) -> Step:
    """Write down what and when."""

    def act(tiny: "Tiny", _thread: KernelThread) -> int:
        tiny.log.append((tiny.clock.now, what))
        return GO

    return Step(act)


def call(does: Callable[[], object]) -> Step:
    """Do anything, in no time."""

    def act(_tiny: "Tiny", _thread: KernelThread) -> int:
        does()
        return GO

    return Step(act)


def take(queue: KernelQueue) -> Step:
    """Remove a packet and write down whose it was; the thread works for that request from now on."""

    def act(tiny: "Tiny", thread: KernelThread) -> int:
        packet = thread.packet
        if packet is NO_PACKET:
            thread.last_request, thread.request = thread.request, NO_REQUEST
            packet = queue.remove(thread)
            if packet is NO_PACKET:
                tiny.again(thread)
                return WAIT
        thread.packet = NO_PACKET
        thread.request = packet.request
        tiny.log.append((tiny.clock.now, f"T{thread.number} takes {packet.request.index}"))
        return GO

    return Step(act)


def enter(lock: ContendedLock, shared: bool = False) -> Step:
    """Take a lock, as a worker does: what is owed so far (a switch) is paid before each try."""

    def act(tiny: "Tiny", thread: KernelThread) -> int:
        if thread.owed:
            tiny.again(thread)
            return RUN
        outcome = lock.acquire(thread, shared)
        if outcome == ACQUIRED:
            return GO
        tiny.again(thread)
        return RUN if outcome == SPINNING else WAIT

    return Step(act)


def leave(lock: ContendedLock, shared: bool = False) -> Step:
    """Give it up."""

    def act(_tiny: "Tiny", thread: KernelThread) -> int:
        assert lock.release(thread, shared)
        return GO

    return Step(act)


class Tiny:
    """Processors, a dispatcher and a log; `nodes` share the processors evenly, `smt` pairs them up."""

    def __init__(
        self,
        processors: int = 1,
        *,
        nodes: int = 1,
        switch: int = 0,
        quantum: int = EVER,
        tick: int = 0,
        l2: int = 1 << 20,
        l3: int = 1 << 24,
        l3_line: int = 0,
        memory_line: int = 0,
        smt: float = 0.0,
        idle_exit: int = 0,
        clock: type[Clock] = HeapClock,
    ) -> None:
        self.clock = clock()
        self.caches = Caches(Topology(nodes, processors // nodes), l2, l3, l3_line, memory_line)
        self.times = switch, quantum, tick, idle_exit
        self.dispatcher = self.new_dispatcher()
        self.processors = [self.dispatcher.add_processor(number) for number in range(processors)]
        if smt:
            for first, second in zip(self.processors[::2], self.processors[1::2], strict=True):
                first.sibling, second.sibling = second, first
                first.shared_pace = second.shared_pace = round(2 * FULL_PACE / smt)
        self.log: list[tuple[int, object]] = []

    def new_dispatcher(self) -> Dispatcher:
        """The plain one."""
        return Dispatcher(self.clock, self.caches, *self.times)

    def thread(self, *steps: Step, priority: int = 8) -> KernelThread:
        """A thread that has yet to be made ready."""
        return self.dispatcher.create_thread(Script(self, steps), priority)

    def start(self, *steps: Step, priority: int = 8, at: int = 0, last: int = -1) -> KernelThread:
        """A thread that is made ready at a time; `last` is the processor where it ran before."""
        thread = self.thread(*steps, priority=priority)
        thread.processor = last
        self.at(at, lambda: self.dispatcher.make_ready(thread))
        return thread

    def again(self, thread: KernelThread) -> None:
        """The step that the thread is in will be repeated."""
        assert isinstance(thread.program, Script)
        thread.program.next -= 1

    def at(self, time: int, act: Callable[[], object], rank: int = ARRIVAL) -> None:
        """Do something at a time; of equal times, what was asked for first goes first."""
        self.clock.at(time - self.clock.now, rank, Late(act), 0)

    def request(self, index: int = 0) -> Request:
        """A request that is issued now, with a ledger of its own."""
        return new_request(0, index, self.clock.now, new_ledger())

    def packet(self, index: int = 0) -> Packet:
        """A mini packet of a request that is issued now."""
        return Packet(self.request(index))

    def insert(self, time: int, queue: KernelQueue, *indices: int) -> None:
        """Packets of new requests arrive at a time."""

        def insert() -> None:
            for index in indices:
                queue.insert(self.packet(index))

        self.at(time, insert)

    def run(self) -> "Tiny":
        """Until nothing is left to happen."""
        self.clock.run(EVENTS)
        self.dispatcher.settle()
        return self

    def account(self, processor: int = 0) -> dict[str, int]:
        """A processor's time by kind, zeros left out."""
        return named(KINDS, self.processors[processor].account)

    def busy(self, processor: int = 0) -> dict[str, int]:
        """The same without idle time, which goes on to the last entry of the clock, dead or alive."""
        account = self.account(processor)
        account.pop("idle", None)
        return account


class Scheduled(Tiny):
    """A tiny machine whose scheduler has everything that can be set."""

    dispatcher: FullDispatcher

    def __init__(self, processors: int = 1, params: SchedulerParams = PLAIN, **tiny: Any) -> None:
        self.params = params
        super().__init__(processors, **tiny)

    def new_dispatcher(self) -> FullDispatcher:
        """The full one."""
        return FullDispatcher(self.clock, self.caches, *self.times, self.params)


def named(names: Iterable[str], values: Iterable[int]) -> dict[str, int]:
    """The values that are not 0, by name."""
    return {name: value for name, value in zip(names, values, strict=True) if value}


def causes(request: Request) -> dict[str, int]:
    """Where the request's time went, zeros left out."""
    return named(CAUSES, request.ledger)


def queue(dpc: Dpc, argument: object = 0) -> Step:
    """Queue a DPC from a thread; when the next step begins, the call has returned."""

    def act(tiny: "Tiny", thread: KernelThread) -> int:
        tiny.log.append((tiny.clock.now, tiny.processors[thread.processor].queue_dpc(dpc, argument)))
        return RUN

    return Step(act)


def remove(dpc: Dpc) -> Step:
    """Take it out of its queue again."""

    def act(tiny: "Tiny", thread: KernelThread) -> int:
        tiny.log.append((tiny.clock.now, tiny.processors[thread.processor].remove_dpc(dpc)))
        return GO

    return Step(act)


def raise_irql(level: int) -> Step:
    """From now on the thread is at this IRQL."""

    def act(tiny: "Tiny", thread: KernelThread) -> int:
        tiny.processors[thread.processor].raise_irql(level)
        return GO

    return Step(act)


def lower_irql(level: int = PASSIVE_LEVEL) -> Step:
    """Back to this one; when the next step begins, what had waited for it has run."""

    def act(tiny: "Tiny", thread: KernelThread) -> int:
        tiny.processors[thread.processor].lower_irql(level)
        return RUN

    return Step(act)


class Passing(KernelApc):
    """Takes no time and does nothing but to interrupt what its thread does."""

    def run(self, thread: KernelThread) -> bool:
        return True


class Device:
    """Interrupts a processor; its service routine queues a DPC that calls `then` at its end."""

    def __init__(self, processor: Processor, isr: int, dpc: int = 0, then: Callable[[], object] = lambda: None) -> None:
        self.processor = processor
        self.dpc = CountingDpc(dpc, then)
        self.interrupt = QueuingInterrupt(isr, self.dpc)

    def raise_interrupt(self) -> None:
        self.processor.raise_interrupt(self.interrupt)

    def at(self, tiny: Tiny, *times: int) -> None:
        """Interrupt at these times."""
        for time in times:
            tiny.at(time, self.raise_interrupt, DEVICE)


class CountingDpc(Dpc):
    """Takes `cost`, counts its runs, then does something."""

    def __init__(self, cost: int, then: Callable[[], object] = lambda: None, importance: int = MEDIUM) -> None:
        super().__init__(importance)
        self.cost = cost
        self.then = then
        self.runs: list[int] = []  # when each began

    def begin(self, processor: Processor) -> int:
        self.runs.append(processor.clock.now)
        return self.cost

    def end(self, processor: Processor) -> None:
        self.then()


class QueuingInterrupt(Interrupt):
    """Its service routine only asks for the DPC."""

    def __init__(self, cost: int, dpc: Dpc) -> None:
        super().__init__(cost)
        self.dpc = dpc
        self.queued: list[bool] = []  # what queue_dpc answered

    def service(self, processor: Processor) -> None:
        self.queued.append(processor.queue_dpc(self.dpc))
