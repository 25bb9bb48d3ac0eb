"""The ports of a scenario as stations of a queueing network, or the first reason why they are none.

Decided from the scenario alone, never from how near a figure comes. Source: numbers 8, completion port invariants: with
workers that never block and limit c <= processors, a port is M/M/c whatever the number of its threads from c on.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from iosim.scenario.load import ClosedLoad, OpenLoad
from iosim.scenario.loader import Scenario
from iosim.scenario.net_load import NetLoad
from iosim.scenario.quantities import count_on
from iosim.scenario.schema import ScenarioModel
from iosim.twins.moments import Moments, mixed, moments_of, summed
from iosim.units import S


@dataclass(frozen=True, slots=True)
class Visit:
    """A class's part at one port: `place` is 0 at the first of its ports; `computing` is `service` without its calls. ns."""

    name: str
    place: int
    computing: Moments
    service: Moments


@dataclass(frozen=True, slots=True)
class Station:
    """A port whose workers only compute: what it serves, by how many servers, and what waking a thread costs (ns)."""

    servers: int
    visits: tuple[Visit, ...]
    wake: int


class Untrue(Exception):
    """An assumption that the scenario does not satisfy, in words."""


def station(scenario: Scenario, port: str, alone: bool = True) -> Station:
    """The port as a station; raises Untrue with the first assumption that fails.

    `alone`: its threads find a processor whenever they may run, as there are enough for those of all ports.
    """
    model = scenario.model
    processors_are_alike(model)
    _nothing_else_interferes(model)
    visits = tuple(visit for name in model.workload for visit in _visits(model, name) if _port_of(model, visit) == port)
    if not visits:
        raise Untrue("no request goes there")
    servers = servers_of(model, port)
    if alone and sum(servers_of(model, name) for name in model.ports) > model.machine.processors:
        raise Untrue(f"more threads may run at once than there are processors ({model.machine.processors})")
    wake = model.machine.dispatcher.context_switch + model.machine.dispatcher.idle_exit
    return Station(servers, visits, wake)


def _port_of(model: ScenarioModel, visit: Visit) -> str:
    return ports_of(model, visit.name)[visit.place]


def ports_of(model: ScenarioModel, name: str) -> list[str]:
    """The ports that a class goes through, in order."""
    load = model.workload[name]
    steps = model.handlers[load.handler] if load.handler else ()
    return [load.port, *(body.port for kind, body in (next(iter(step)) for step in steps) if kind == "post")]


def processors_are_alike(model: ScenarioModel) -> None:
    """No processor, and no port, is slowed down by others; raises Untrue."""
    machine = model.machine
    if machine.smt.threads > 1:
        raise Untrue("hyper-threads share a core: how fast one is depends on its sibling")
    if machine.kernel.port_lock:
        raise Untrue("the port's own lock holds threads up (machine.kernel.port_lock)")


def _nothing_else_interferes(model: ScenarioModel) -> None:
    for name, load in model.workload.items():
        if isinstance(load, NetLoad):
            raise Untrue(
                f"arrivals are not Poisson: those of class '{name}' come over a network card, several at a time"
            )
        if not isinstance(load, (OpenLoad, ClosedLoad)):
            how = "is replayed" if load.kind == "replay" else f"is of kind '{load.kind}'"
            raise Untrue(f"arrivals are not Poisson: class '{name}' {how}")
        for step in model.handlers[load.handler or ""]:
            kind, body = next(iter(step))
            if kind not in ("compute", "post"):
                what = _WHAT.get(kind, f"it has a step '{kind}'")
                raise Untrue(f"handler '{load.handler}' does not only compute: {what}")
            if kind == "compute" and (body.touching.private or body.touching.request):
                raise Untrue(
                    f"service depends on the past: handler '{load.handler}' touches memory, which is warm or cold"
                )


_WHAT = {
    "block": "it blocks its thread ('block')",
    "close": "it closes files",
    "flush": "it waits for a disk ('flush')",
    "lock": "it takes a lock",
    "open": "it opens files",
    "read": "it waits for a read",
    "sleep": "it sleeps",
    "transfer": "it waits for a disk",
    "write": "it waits for a write",
}


def servers_of(model: ScenarioModel, port: str) -> int:
    """How many of the port's threads may run at once; raises Untrue where that is not one number for all."""
    processors = model.machine.processors
    it = model.ports[port]
    if it.per == "processor":
        raise Untrue(f"'{port}' is a port for each processor")
    pools = [(name, pool) for name, pool in model.pools.items() if pool.port == port]
    for name, pool in pools:
        if pool.grows:
            raise Untrue(f"the number of servers changes: pool '{name}' grows")
        if pool.batch > 1:
            raise Untrue(f"packets are taken in batches (pools.{name}.batch)")
        if pool.affinity != "any":
            raise Untrue(f"the threads of pool '{name}' are tied to processors")
    threads = sum(count_on(pool.threads, processors) for _, pool in pools)
    if not threads:
        raise Untrue(f"no pool serves port '{port}'")
    return min(count_on(it.concurrency, processors) or processors, threads)


def _visits(model: ScenarioModel, name: str) -> list[Visit]:
    """What a class asks of each of its ports: the calls that every packet costs, and what the handler computes there."""
    load = model.workload[name]
    kernel = model.machine.kernel
    steps = [next(iter(step)) for step in model.handlers[load.handler or ""]]
    parts: list[list[Moments]] = [[]]
    extra = [kernel.remove]
    for posts, group in groupby(steps, key=lambda step: step[0] == "post"):
        for _, body in group:
            if posts:
                extra[-1] += kernel.post
                extra.append(kernel.remove)
                parts.append([])
            else:
                parts[-1].append(moments_of(body.time))
    computing = [summed(part) for part in parts]
    return [Visit(name, place, it, it.plus(extra[place])) for place, it in enumerate(computing)]


def open_rate(scenario: Scenario, it: Station) -> float:
    """Arrivals per ns, all Poisson; raises Untrue where they are not."""
    rate = Fraction(0)
    for visit in it.visits:
        load = scenario.model.workload[visit.name]
        if not isinstance(load, OpenLoad):
            raise Untrue(f"arrivals are not Poisson: class '{visit.name}' has a fixed number of clients")
        if load.arrivals != "poisson":
            raise Untrue(f"arrivals are not Poisson: those of class '{visit.name}' are evenly spaced")
        if visit.place and not _passes_on(scenario):
            raise Untrue(
                f"arrivals are not Poisson: class '{visit.name}' comes from a port whose services are not exponential, or"
                " whose threads cost something to wake"
            )
        rate += load.rate
    return float(rate) / S


def _passes_on(scenario: Scenario) -> bool:
    """Whether all ports are exponential and free of costs, so that each sends Poisson streams on (Jackson)."""
    for port in scenario.model.ports:
        try:
            it = station(scenario, port)
        except Untrue:
            return False
        if it.wake or not service_of(scenario, it).exponential:
            return False
    return True


def service_of(scenario: Scenario, it: Station) -> Moments:
    """Of all that come there, by their shares."""
    loads = scenario.model.workload
    weighted = []
    for visit in it.visits:
        load = loads[visit.name]
        weighted.append((float(load.rate) if isinstance(load, OpenLoad) else 1.0, visit.service))
    return mixed(weighted)


def clients_of(scenario: Scenario) -> ClosedLoad:
    """The only class, closed; raises Untrue where it is not so."""
    loads = scenario.model.workload
    if len(loads) > 1:
        raise Untrue("there are several classes, some of them closed")
    (load,) = loads.values()
    assert isinstance(load, ClosedLoad)
    return load
