"""M/M/4 as a SimPy user would write it: one process a customer, a `Resource`, a `with` block.

Frozen, like simpy_port.py: iosim is judged against this file.
"""

import simpy

from benchmarks.peers.draws import Chance, Draw, every
from benchmarks.peers.simpy_port import Log, Process
from iosim.scenario.load import OpenLoad
from iosim.scenario.loader import Scenario
from iosim.scenario.steps import ComputeStep
from iosim.units import S


def customer(env: simpy.Environment, servers: simpy.Resource, service: float, log: Log) -> Process:
    """One customer from its arrival to its end."""
    arrived = env.now
    with servers.request() as server:
        yield server
        began = env.now
        yield env.timeout(service)
    log.arrived.append(arrived)
    log.began.append(began)
    log.ended.append(env.now)


def arrivals(env: simpy.Environment, servers: simpy.Resource, gap: Draw, service: Draw, log: Log) -> Process:
    """Customers come whatever happens."""
    while True:
        yield env.timeout(gap())
        env.process(customer(env, servers, service(), log))


def draws(scenario: Scenario, chance: Chance) -> tuple[Draw, Draw]:
    """Gap and service time (ns) of each customer."""
    model = scenario.model
    (load,), (name,) = model.workload.values(), model.workload
    (step,) = model.handlers["request"]
    assert isinstance(load, OpenLoad) and isinstance(step, ComputeStep)
    gap = chance(f"{name}.gap", every(float(S / load.rate)))
    return gap, chance(f"{name}.0.time", step.compute.time)


def build(scenario: Scenario, chance: Chance) -> tuple[simpy.Environment, Log]:
    """The model, ready for `env.run(until=...)`, with the numbers of the scenario."""
    (port,) = scenario.model.ports.values()
    assert isinstance(port.concurrency, int)
    env = simpy.Environment()
    servers = simpy.Resource(env, port.concurrency)
    log = Log()
    env.process(arrivals(env, servers, *draws(scenario, chance), log))
    return env, log
