"""Pools that grow and shrink, and ports of which every processor has one.

A pool grows when the oldest packet at its port has waited for `after`, the limit has room and no thread is parked: its
threads are all blocked, or fewer than the limit lets run. Threads are made one at a time; the next one when the last has
come to the port. It shrinks by the thread that has been parked longest, once that is `idle_timeout`, down to `least`. Who
looks is the port, at what changes its state (a packet that no thread took, a thread that blocked): nothing polls, and a
port whose pools are fixed has no part in it. Both times end at a clock tick (0b.13).
Source: semantics 7.8 (grows when all are blocked and work waits). Simplified: making a thread costs processor time of the
new thread itself, before it asks for its first packet, instead of its maker's.
"""

from dataclasses import dataclass

from iosim.actor import TIMER, Actor
from iosim.application import Step, WorkerProgram
from iosim.attribution import Request
from iosim.completion_port import CompletionPort
from iosim.dispatcher import Dispatcher, bit
from iosim.kernel_queue import NO_PACKET, KernelThread, Packet
from iosim.ntstatus import STATUS_SUCCESS, STATUS_TIMEOUT
from iosim.scheduling import FullDispatcher
from iosim.services import Services
from iosim.thread import Thread

GROW, SHRINK = range(2)


@dataclass(frozen=True, slots=True)
class GrowthParams:
    """When a pool gets a thread more, and when it loses one. Times in ns; `creation` is processor time."""

    least: int
    after: int
    idle_timeout: int
    creation: int


@dataclass(frozen=True, slots=True)
class ThreadParams:
    """What the threads of a pool have in common; `affine`: thread k runs on processor k alone, modulo their number.

    `node`: they run on that node's processors only; -1: on any.
    """

    priority: int
    affine: bool = False
    group: int = 0
    foreground: int = 0
    node: int = -1


def make_thread(dispatcher: Dispatcher, program: WorkerProgram, number: int, params: ThreadParams) -> KernelThread:
    """Thread `number` of a pool, not yet made ready."""
    thread = dispatcher.create_thread(program, params.priority)
    if isinstance(dispatcher, FullDispatcher):
        if params.affine:
            dispatcher.bind(thread, number % len(dispatcher.processors))
        elif params.node >= 0:
            topology = dispatcher.caches.topology
            dispatcher.set_group(thread, topology.group_of_node[params.node])
            first = params.node - topology.group_of_node.index(topology.group_of_node[params.node])
            bits = bit(topology.processors_per_node) - 1
            dispatcher.set_affinity(thread, bits << first * topology.processors_per_node)
        elif params.group:
            dispatcher.set_group(thread, params.group)
        dispatcher.set_foreground(thread, params.foreground)
    return thread


class GrowingPort(CompletionPort):
    """A port that tells its pool when packets wait, and when threads come and park."""

    pool: "GrowingPool"

    def insert(self, packet: Packet) -> None:
        """Queue it; perhaps a thread is missing."""
        CompletionPort.insert(self, packet)
        if self.entries:
            self.pool.look()

    def insert_in_apc(self, packet: Packet) -> None:
        """As in any queue; none is missing, as the thread that the APC interrupts is about to look (1.4.5)."""
        waiting = self.waiting
        self.waiting = []
        CompletionPort.insert(self, packet)
        self.waiting = waiting

    def release_one(self, by: Request) -> None:
        """A thread blocks; perhaps one is missing."""
        CompletionPort.release_one(self, by)
        if self.entries:
            self.pool.look()

    def remove(self, thread: KernelThread) -> Packet:
        """A thread comes for the first time, or parks."""
        new = thread.queue is not self
        packet = CompletionPort.remove(self, thread)
        if packet is NO_PACKET:
            self.pool.parked(thread)
        elif new and self.entries:
            self.pool.look()  # now that it is here, another one may be made
        return packet


class GrowingPool(Actor):
    """The threads of a growing pool; `spare` are the programs of those that it may still make, the next one last."""

    def __init__(
        self, dispatcher: Dispatcher, port: GrowingPort, params: GrowthParams, thread_params: ThreadParams
    ) -> None:
        self.dispatcher = dispatcher
        self.clock = dispatcher.clock
        self.generation = 0
        self.port = port
        port.pool = self
        self.params = params
        self.thread_params = thread_params
        self.threads: list[KernelThread] = []  # all that ever were
        self.spare: list[GrowingWorker] = []
        self.alive = 0
        self.alive_most = 0
        self.retiring = 0
        self.growing = False  # it will look again at a time that is set
        self.shrinking = False

    def new_thread(self) -> KernelThread:
        """One thread more, not yet made ready."""
        program = self.spare.pop()
        thread = make_thread(self.dispatcher, program, program.number, self.thread_params)
        self.threads.append(thread)
        self.alive += 1
        self.alive_most = max(self.alive_most, self.alive)
        return thread

    def look(self) -> None:
        """Packets wait: make a thread if one is missing, none is on its way, and there may be more.

        With room under the limit nobody is parked, or the packet would not wait.
        """
        port = self.port
        if port.running >= port.limit or len(port.bound) < self.alive or not self.spare:
            return
        left = self.params.after - (self.clock.now - port.entries[0].entered)
        if left > 0:
            if not self.growing:
                self.growing = True
                self.clock.at(self.dispatcher.next_tick(left), TIMER, self, GROW)
            return
        thread = self.new_thread()
        thread.owe_kernel(self.params.creation)
        self.dispatcher.make_ready(thread)

    def parked(self, thread: KernelThread) -> None:
        """A thread waits for packets."""
        thread.wait_began = self.clock.now
        if not self.shrinking and self.alive > self.params.least:
            self._shrink_in(self.params.idle_timeout)

    def _shrink_in(self, delay: int) -> None:
        self.shrinking = True
        self.clock.at(self.dispatcher.next_tick(delay), TIMER, self, SHRINK)

    def fire(self, what: int) -> None:
        """The oldest packet, or the thread parked longest, may have waited long enough."""
        if what == GROW:
            self.growing = False
            if self.port.entries:
                self.look()
        else:
            self.shrinking = False
            self._shrink()

    def _shrink(self) -> None:
        while self.alive - self.retiring > self.params.least:
            idle = [
                thread for thread in self.port.waiting if not thread.irps
            ]  # who ends takes its requests along (2.8.6)
            if not idle:
                return
            oldest = idle[0]
            left = oldest.wait_began + self.params.idle_timeout - self.clock.now
            if left > 0:
                self._shrink_in(left)
                return
            self.retiring += 1
            self.port.end_wait(oldest, STATUS_TIMEOUT)

    def retired(self, program: "GrowingWorker") -> None:
        """A thread ends; its program may be another thread's."""
        self.retiring -= 1
        self.alive -= 1
        self.spare.append(program)


class GrowingWorker(WorkerProgram):
    """A worker that ends when its wait for a packet times out; `number` is its thread's within the pool."""

    def __init__(self, services: Services, port: CompletionPort, pool: GrowingPool, number: int) -> None:
        super().__init__(services, port)
        self.pool = pool
        self.number = number

    def resume(self, thread: Thread) -> bool:
        """Go on, or end."""
        worker: KernelThread = thread  # type: ignore[assignment]  # the dispatcher makes no other threads
        if worker.wait_status != STATUS_TIMEOUT:
            return WorkerProgram.resume(self, worker)
        if worker.owed:
            return True  # the switch is paid first
        worker.wait_status = STATUS_SUCCESS
        self.pool.retired(self)
        self.pool.dispatcher.terminate(worker)
        return False


class PortPerProcessor(CompletionPort):
    """What a source takes for its port where every processor has one: a request's place depends on its identity alone.

    `steps` are the handler's, by place, each with the files and ports of that place; `shift` is what turns a request's
    index into the number that is dealt out (a client's, or the request's own).
    """

    def __init__(self, ports: list[CompletionPort], steps: list[list[Step]], shift: int) -> None:
        self.ports = ports
        self.steps = steps
        self.shift = shift

    def insert(self, packet: Packet) -> None:
        """To the port of the request's place."""
        request = packet.request
        place = (request.index >> self.shift) % len(self.ports)
        request.steps = self.steps[place]
        self.ports[place].insert(packet)
