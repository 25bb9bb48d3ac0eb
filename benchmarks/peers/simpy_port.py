"""The system of port.yaml as a SimPy user would write it: one process a request, resources to wait for, `with` blocks.

Frozen: iosim is judged against this file, so it changes only when the system does. It is meant to be good SimPy, with
no event that a careful user would leave out; benchmarks/agreement.py holds it to iosim's waits, request by request.
"""

from collections.abc import Generator
from dataclasses import dataclass, field

import simpy

from benchmarks.peers.draws import Chance, Draw, every
from iosim.scenario.load import OpenLoad
from iosim.scenario.loader import Scenario
from iosim.scenario.steps import BlockStep, ComputeStep
from iosim.units import S

Process = Generator[simpy.Event, object, None]


@dataclass
class Times:
    """What is drawn for each request (ns)."""

    gap: Draw
    first: Draw
    block: Draw
    last: Draw


@dataclass
class Log:
    """When each request arrived, first ran and ended (ns), in the order of their ends."""

    arrived: list[float] = field(default_factory=list)
    began: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)


class Server:
    """Threads, places in the port, processors.

    A thread that unblocks takes a place whether there is one or not, which no SimPy resource allows: `excess` counts
    the places taken beyond the limit, and they are paid back first.
    """

    def __init__(self, env: simpy.Environment, threads: int, limit: int, processors: int) -> None:
        self.threads = simpy.Resource(env, threads)
        self.places = simpy.Container(env, init=limit)
        self.processors = simpy.Resource(env, processors)
        self.excess = 0

    def give_place_up(self) -> None:
        """The thread waits elsewhere, or has ended its request."""
        if self.excess:
            self.excess -= 1
        else:
            self.places.put(1)

    def take_place_back(self) -> None:
        """The thread goes on at once."""
        if self.places.level:
            self.places.get(1)
        else:
            self.excess += 1


def request(env: simpy.Environment, server: Server, first: float, block: float, last: float, log: Log) -> Process:
    """One request from its arrival to its end."""
    arrived = env.now
    with server.threads.request() as thread:
        yield thread
        yield server.places.get(1)
        with server.processors.request() as processor:
            yield processor
            began = env.now
            yield env.timeout(first)
        server.give_place_up()
        yield env.timeout(block)
        server.take_place_back()
        with server.processors.request() as processor:
            yield processor
            yield env.timeout(last)
        server.give_place_up()
    log.arrived.append(arrived)
    log.began.append(began)
    log.ended.append(env.now)


def arrivals(env: simpy.Environment, server: Server, times: Times, log: Log) -> Process:
    """Requests come whatever happens."""
    while True:
        yield env.timeout(times.gap())
        env.process(request(env, server, times.first(), times.block(), times.last(), log))


def times_of(scenario: Scenario, chance: Chance) -> Times:
    """What is drawn, by the names of iosim's streams."""
    model = scenario.model
    (load,), (name,) = model.workload.values(), model.workload
    assert isinstance(load, OpenLoad)
    first, block, last = model.handlers[load.handler]
    assert isinstance(first, ComputeStep) and isinstance(block, BlockStep) and isinstance(last, ComputeStep)
    return Times(
        chance(f"{name}.gap", every(float(S / load.rate))),
        chance(f"{name}.0.time", first.compute.time),
        chance(f"{name}.1.time", block.block.time),
        chance(f"{name}.2.time", last.compute.time),
    )


def build(scenario: Scenario, chance: Chance) -> tuple[simpy.Environment, Log]:
    """The model, ready for `env.run(until=...)`, with the numbers of the scenario."""
    model = scenario.model
    (pool,), (port,) = model.pools.values(), model.ports.values()
    assert isinstance(pool.threads, int) and isinstance(port.concurrency, int)
    env = simpy.Environment()
    server = Server(env, pool.threads, port.concurrency, model.machine.processors)
    log = Log()
    env.process(arrivals(env, server, times_of(scenario, chance), log))
    return env, log
