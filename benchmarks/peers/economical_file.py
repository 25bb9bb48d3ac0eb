"""The system of file.yaml on SimPy's event list alone: no process, no resource; a timeout calls the next thing to do.

The rules are those of cpp/file.cpp, which says them. An interrupt cuts a stretch of thread time short: the timeout that was
to end it finds its stamp outdated. Left out: quanta, which last ten thousand stretches, and the switches when threads start.
"""

from collections import deque
from typing import Any

import simpy

from benchmarks.peers.draws import Chance
from benchmarks.peers.simpy_file import Costs, Times, costs, drive_of, times_of
from benchmarks.peers.simpy_port import Log
from iosim.actor import Clock
from iosim.drives.ssd import Ssd, SsdParams
from iosim.scenario.loader import Scenario
from iosim.units import PAGE

IDLE, RUNNING, IN_SERVICE, IN_DPC = range(4)


class Request:
    """What was drawn for it (ns; the page), when it came and first ran, and the processor that started its read."""

    __slots__ = ("arrived", "began", "first", "last", "page", "processor", "read")

    def __init__(self, arrived: float, first: float, page: int, last: float) -> None:
        self.arrived = arrived
        self.began = -1.0
        self.first = first
        self.page = page
        self.last = last
        self.read = False
        self.processor: Processor


class Thread:
    """A worker: what it owes (ns of processor time), for which request, and where it ran last."""

    def __init__(self) -> None:
        self.owed = 0.0
        self.request: Request | None = None
        self.processor: Processor | None = None


class Processor:
    """Interrupt service over DPC over a thread."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.env = server.env
        self.mode = IDLE
        self.thread: Thread | None = None
        self.since = 0.0
        self.stamp = 0
        self.asserted = False
        self.due = False  # the DPC
        self.dpc_left = 0.0
        self.in_dpc = False
        self.finished: list[Request] = []
        self.batch: list[Request] = []

    def run(self) -> None:
        """The thread's stretch begins, or what is left of it."""
        thread = self.thread
        assert thread is not None
        self.mode = RUNNING
        self.since = self.env.now
        self.env.timeout(thread.owed, self.stamp).callbacks.append(self.end_stretch)

    def end_stretch(self, event: simpy.Event) -> None:
        """All that the thread owed has been paid, unless the stretch was cut short."""
        if event.value != self.stamp:
            return
        thread = self.thread
        assert thread is not None
        thread.owed = 0.0
        if self.server.resume(thread):
            self.run()
        else:
            self.server.next_thread(self)

    def interrupt(self) -> None:
        """The drive asserts the vector; what is asserted already is not asserted twice."""
        if self.asserted:
            return
        self.asserted = True
        now = self.env.now
        self.stamp += 1
        if self.mode == RUNNING:
            assert self.thread is not None
            self.thread.owed -= now - self.since
        elif self.mode == IN_DPC:
            self.dpc_left -= now - self.since
        else:
            self.server.idle.remove(self)
        self.mode = IN_SERVICE
        self.env.timeout(self.server.isr).callbacks.append(self.end_service)

    def end_service(self, _event: simpy.Event) -> None:
        """The service routine asks for the DPC."""
        self.asserted = False
        self.due = True
        self.lower()

    def lower(self) -> None:
        """Go on with the DPC, begin the one that is due, or return to the thread."""
        if not self.in_dpc and self.due:
            self.due = False
            self.in_dpc = True
            self.batch, self.finished = self.finished, []
            self.dpc_left = self.server.dpc + self.server.up * len(self.batch)
        if self.in_dpc:
            self.mode = IN_DPC
            self.since = self.env.now
            self.env.timeout(self.dpc_left, self.stamp).callbacks.append(self.end_dpc)
        elif self.thread is not None:
            self.run()
        else:
            self.server.next_thread(self)

    def end_dpc(self, event: simpy.Event) -> None:
        """The packets of all commands that it completed."""
        if event.value != self.stamp:
            return
        self.in_dpc = False
        for request in self.batch:
            self.server.insert(request)
        self.lower()


class Server:
    """The port, its threads, the processors, the drive."""

    def __init__(
        self,
        env: simpy.Environment,
        threads: int,
        limit: int,
        processors: int,
        costs: Costs,
        service: tuple[int, int, int],
        params: SsdParams,
        size: int,
        times: Times,
        log: Log,
    ) -> None:
        self.env = env
        self.limit = limit
        self.costs = costs
        self.isr, self.dpc, self.up = service
        self.running = 0
        self.parked = [Thread() for _ in range(threads)]
        self.packets: deque[Request] = deque()
        self.ready: deque[Thread] = deque()
        self.processors = [Processor(self) for _ in range(processors)]
        self.idle = self.processors[:]
        self.unit_of = Ssd(Clock(), params).unit_of
        self.unit_free_at = [0.0] * params.units
        self.link_free_at = 0.0
        self.overhead = params.overhead
        self.read = params.read
        self.transfer = size * params.link_ps_per_byte / 1000
        self.times = times
        self.log = log
        env.timeout(times.gap()).callbacks.append(self.arrive)

    def arrive(self, _event: simpy.Event) -> None:
        """One request now, the next after its gap."""
        env, times = self.env, self.times
        env.timeout(times.gap()).callbacks.append(self.arrive)
        self.insert(Request(env.now, times.first(), int(times.page()), times.last()))

    def insert(self, request: Request) -> None:
        """To the newest parked thread, if the limit allows."""
        if not self.parked or self.running >= self.limit:
            self.packets.append(request)
            return
        thread = self.parked.pop()
        self.running += 1
        thread.request = request
        processor = thread.processor
        if processor is None or processor.mode != IDLE:
            if not self.idle:
                self.ready.append(thread)
                return
            processor = self.idle[0]
        self.idle.remove(processor)
        self.switch_to(thread, processor)

    def switch_to(self, thread: Thread, processor: Processor) -> None:
        """A woken thread has been given a processor."""
        thread.processor = processor
        processor.thread = thread
        thread.owed = self.costs.switch
        assert thread.request is not None
        self.turn_to(thread, thread.request)
        processor.run()

    def turn_to(self, thread: Thread, request: Request) -> None:
        """What the thread owes for the packet that it has removed."""
        thread.request = request
        costs = self.costs
        if request.read:
            thread.owed += costs.remove + costs.free + request.last
        else:
            request.began = self.env.now
            thread.owed += costs.remove + request.first + costs.down

    def resume(self, thread: Thread) -> bool:
        """A stretch has ended: start the read, or end the request; then the next packet. False: it parks."""
        request = thread.request
        assert request is not None and thread.processor is not None
        if request.read:
            log = self.log
            log.arrived.append(request.arrived)
            log.began.append(request.began)
            log.ended.append(self.env.now)
        else:
            request.read = True
            request.processor = thread.processor
            self.submit(request)
        if self.packets and self.running <= self.limit:
            self.turn_to(thread, self.packets.popleft())
            return True
        self.running -= 1
        thread.request = None
        self.parked.append(thread)
        return False

    def next_thread(self, processor: Processor) -> None:
        """The oldest ready one, or the processor is idle."""
        if self.ready:
            self.switch_to(self.ready.popleft(), processor)
            return
        processor.thread = None
        processor.mode = IDLE
        self.idle.append(processor)
        self.idle.sort(key=self.processors.index)

    def submit(self, request: Request) -> None:
        """Its flash unit serves in order of arrival."""
        now = self.env.now
        unit = self.unit_of(request.page)
        done = max(self.unit_free_at[unit], now + self.overhead) + self.read
        self.unit_free_at[unit] = done
        self.env.timeout(done - now, request).callbacks.append(self.media_done)

    def media_done(self, event: Any) -> None:
        """The link serves in order, too."""
        now = self.env.now
        self.link_free_at = max(self.link_free_at, now) + self.transfer
        self.env.timeout(self.link_free_at - now, event.value).callbacks.append(self.transferred)

    def transferred(self, event: Any) -> None:
        """The drive is done with the command."""
        request = event.value
        request.processor.finished.append(request)
        request.processor.interrupt()


def build(scenario: Scenario, chance: Chance) -> tuple[simpy.Environment, Log]:
    """The model, ready for `env.run(until=...)`, with the numbers of the scenario."""
    model = scenario.model
    (pool,), (port,), (disk,) = model.pools.values(), model.ports.values(), model.disks.values()
    assert isinstance(pool.threads, int) and isinstance(port.concurrency, int)
    assert disk.interrupt_processor is None
    params, size = drive_of(scenario)
    cost = costs(scenario, -(-size // PAGE))
    kernel = model.machine.kernel
    service = (kernel.isr, kernel.dpc, cost.up - kernel.isr - kernel.dpc)
    env = simpy.Environment()
    log = Log()
    Server(
        env,
        pool.threads,
        port.concurrency,
        model.machine.processors,
        cost,
        service,
        params,
        size,
        times_of(scenario, chance),
        log,
    )
    return env, log
