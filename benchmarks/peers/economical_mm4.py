"""M/M/4 with SimPy's event list and nothing else of it: no process, no resource; a timeout calls the next thing to do.

What a user gets who leaves SimPy's style behind for speed, and keeps its clock.
"""

from collections import deque
from typing import Any

import simpy

from benchmarks.peers.draws import Chance, Draw
from benchmarks.peers.simpy_mm4 import draws
from benchmarks.peers.simpy_port import Log
from iosim.scenario.loader import Scenario


class Customer:
    """When it came and began (ns), and how long its service takes."""

    __slots__ = ("arrived", "began", "service")

    def __init__(self, arrived: float, service: float) -> None:
        self.arrived = arrived
        self.service = service
        self.began = arrived


class Station:
    """Customers FIFO, idle servers."""

    def __init__(self, env: simpy.Environment, servers: int, gap: Draw, service: Draw, log: Log) -> None:
        self.env = env
        self.idle = servers
        self.queue: deque[Customer] = deque()
        self.gap = gap
        self.service = service
        self.log = log
        env.timeout(gap()).callbacks.append(self.arrive)

    def arrive(self, _event: simpy.Event) -> None:
        """One customer now, the next after its gap."""
        env = self.env
        env.timeout(self.gap()).callbacks.append(self.arrive)
        customer = Customer(env.now, self.service())
        if self.idle:
            self.idle -= 1
            env.timeout(customer.service, customer).callbacks.append(self.end)
        else:
            self.queue.append(customer)

    def end(self, event: Any) -> None:
        """The customer has been served: the server takes the next."""
        env = self.env
        now = env.now
        customer = event.value
        log = self.log
        log.arrived.append(customer.arrived)
        log.began.append(customer.began)
        log.ended.append(now)
        if self.queue:
            customer = self.queue.popleft()
            customer.began = now
            env.timeout(customer.service, customer).callbacks.append(self.end)
        else:
            self.idle += 1


def build(scenario: Scenario, chance: Chance) -> tuple[simpy.Environment, Log]:
    """The model, ready for `env.run(until=...)`, with the numbers of the scenario."""
    (port,) = scenario.model.ports.values()
    assert isinstance(port.concurrency, int)
    env = simpy.Environment()
    log = Log()
    Station(env, port.concurrency, *draws(scenario, chance), log)
    return env, log
