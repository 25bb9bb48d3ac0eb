"""The system of port.yaml on SimPy's event list alone: no process, no resource; a timeout calls the next thing to do.

Costs are 0, so it does not matter which thread does something: threads and processors are counts.
"""

from collections import deque
from typing import Any

import simpy

from benchmarks.peers.draws import Chance
from benchmarks.peers.simpy_port import Log, Times, times_of
from iosim.scenario.loader import Scenario


class Request:
    """What was drawn for it (ns), and when it came and first ran."""

    __slots__ = ("arrived", "began", "block", "last", "owed")

    def __init__(self, arrived: float, first: float, block: float, last: float) -> None:
        self.arrived = arrived
        self.began = -1.0
        self.owed = first  # processor time, before it blocks or ends
        self.block = block
        self.last = last


class Server:
    """Packets, parked threads, places in the port, idle processors, threads that are ready."""

    def __init__(
        self, env: simpy.Environment, threads: int, limit: int, processors: int, times: Times, log: Log
    ) -> None:
        self.env = env
        self.limit = limit
        self.running = 0
        self.parked = threads
        self.idle = processors
        self.packets: deque[Request] = deque()
        self.ready: deque[Request] = deque()
        self.times = times
        self.log = log
        env.timeout(times.gap()).callbacks.append(self.arrive)

    def arrive(self, _event: simpy.Event) -> None:
        """One request now, the next after its gap."""
        env, times = self.env, self.times
        env.timeout(times.gap()).callbacks.append(self.arrive)
        request = Request(env.now, times.first(), times.block(), times.last())
        if self.parked and self.running < self.limit:
            self.parked -= 1
            self.running += 1
            self.make_ready(request)
        else:
            self.packets.append(request)

    def make_ready(self, request: Request) -> None:
        """A thread has been given the request, or goes on with it."""
        if self.idle:
            self.idle -= 1
            self.compute(request)
        else:
            self.ready.append(request)

    def compute(self, request: Request) -> None:
        """A thread has a processor."""
        if request.began < 0:
            request.began = self.env.now
        self.env.timeout(request.owed, request).callbacks.append(self.computed)

    def computed(self, event: Any) -> None:
        """The request blocks, or has ended."""
        request = event.value
        if request.block >= 0:
            block, request.block, request.owed = request.block, -1.0, request.last
            self.env.timeout(block, request).callbacks.append(self.unblock)
            self.running -= 1
            if self.packets and self.parked and self.running < self.limit:
                self.parked -= 1
                self.running += 1
                self.ready.append(self.packets.popleft())
        else:
            log = self.log
            log.arrived.append(request.arrived)
            log.began.append(request.began)
            log.ended.append(self.env.now)
            if self.packets and self.running <= self.limit:
                self.compute(self.packets.popleft())  # by the same thread, which does not leave its processor
                return
            self.running -= 1
            self.parked += 1
        if self.ready:
            self.compute(self.ready.popleft())
        else:
            self.idle += 1

    def unblock(self, event: Any) -> None:
        """The thread runs, whatever the limit."""
        self.running += 1
        self.make_ready(event.value)


def build(scenario: Scenario, chance: Chance) -> tuple[simpy.Environment, Log]:
    """The model, ready for `env.run(until=...)`, with the numbers of the scenario."""
    model = scenario.model
    (pool,), (port,) = model.pools.values(), model.ports.values()
    assert isinstance(pool.threads, int) and isinstance(port.concurrency, int)
    env = simpy.Environment()
    log = Log()
    Server(env, pool.threads, port.concurrency, model.machine.processors, times_of(scenario, chance), log)
    return env, log
