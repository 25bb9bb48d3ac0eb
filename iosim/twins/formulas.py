"""The closed formula of ports, alone and together, where the scenario satisfies its assumptions, else the first that fails.

Times are ns. Of an envelope, a figure is [low, high]: what is true lies between.
"""

import math
from typing import Any

from iosim.scenario.load import ClosedLoad
from iosim.scenario.loader import Scenario
from iosim.theory import (
    Closed,
    closed_network,
    erlang_c_wait,
    pollaczek_khinchine_wait,
    preemptive_times,
    wait_quantile,
    woken_server_wait,
)
from iosim.twins.moments import Moments, moments_of
from iosim.twins.stations import Station, Untrue, clients_of, open_rate, ports_of, service_of, station
from iosim.units import S

EXACT, ENVELOPE, NONE = "exact", "envelope", "none"

Twin = dict[str, Any]


def nothing(why: str) -> Twin:
    """No formula, and why."""
    return {"formula": None, "kind": NONE, "why": why, "says": {}}


def found(formula: str, says: dict[str, Any], kind: str = EXACT, why: str = "") -> Twin:
    """A formula and its figures."""
    return {"formula": formula, "kind": kind, "why": why, "says": says}


def is_closed(scenario: Scenario) -> bool:
    """Whether any class has a fixed number of clients."""
    return any(isinstance(load, ClosedLoad) for load in scenario.model.workload.values())


# ---- ports -----------------------------------------------------------------------------------------------------------


def port_twin(scenario: Scenario, port: str) -> Twin:
    """Mean time (and p99 where it is known) that a packet waits at this port."""
    try:
        it = station(scenario, port)
        if is_closed(scenario):
            return _closed_port(scenario, port, it)
        service = service_of(scenario, it)
        rate = open_rate(scenario, it)
        load = rate * service.mean / it.servers
        if load >= 1:
            raise Untrue(f"there is no steady state: each server's load is {load:.3g}")
        if math.isinf(service.second):
            raise Untrue("service times have no second moment")
        return _one_server(it, rate, service) if it.servers == 1 else _many(it, rate, load, service)
    except Untrue as untrue:
        return nothing(str(untrue))


def _one_server(it: Station, rate: float, service: Moments) -> Twin:
    if it.wake:
        wait = woken_server_wait(rate, service.mean, service.second, it.wake, it.wake**2)
        return found("M/G/1, exceptional first service", {"wait_ns": wait})
    load = rate * service.mean
    wait = pollaczek_khinchine_wait(load, service.mean, service.second)
    if service.exponential:
        return found("M/M/1", {"wait_ns": wait, "p99_ns": service.mean * wait_quantile(1, load, 0.99)})
    return found("M/D/1" if service.fixed else "M/G/1", {"wait_ns": wait})


def _many(it: Station, rate: float, load: float, service: Moments) -> Twin:
    name = f"M/M/{it.servers}"
    if service.exponential and not it.wake:
        says = {
            "wait_ns": service.mean * erlang_c_wait(it.servers, load),
            "p99_ns": service.mean * wait_quantile(it.servers, load, 0.99),
        }
        return found(name, says)
    bare = _computing(it)
    if not bare:
        raise Untrue(f"service times are not exponential, and there are {it.servers} servers")
    dearest = service.mean + it.wake
    if rate * dearest >= it.servers:
        raise Untrue("service times are not exponential: the costs of calls and of waking threads are part of them")
    low = bare * erlang_c_wait(it.servers, rate * bare / it.servers)
    high = dearest * erlang_c_wait(it.servers, rate * dearest / it.servers)
    why = "calls and woken threads cost something: from none of it to all of it for everyone"
    return found(name, {"wait_ns": [low, high]}, ENVELOPE, why)


def _computing(it: Station) -> float:
    """Mean of the exponential part of the services, the same for all; 0 where they are anything else."""
    parts = {visit.computing.mean if visit.computing.exponential else 0.0 for visit in it.visits}
    return parts.pop() if len(parts) == 1 else 0.0


# ---- closed networks -------------------------------------------------------------------------------------------------


def _closed_network(scenario: Scenario) -> tuple[str, list[str], Closed]:
    """Its name, the ports in the order of the demands, and what product form says; raises Untrue."""
    load = clients_of(scenario)
    (name,) = scenario.model.workload
    ports = list(dict.fromkeys(ports_of(scenario.model, name)))
    demands, servers = [], []
    for port in ports:
        it = station(scenario, port)
        if it.wake:
            raise Untrue("waking a thread costs something (machine.dispatcher): service depends on who waits")
        service = service_of(scenario, it)
        if not service.exponential:
            raise Untrue(f"service times at port '{port}' are not exponential")
        demands.append(service.mean * len(it.visits))
        servers.append(it.servers)
    clients = load.clients * load.outstanding
    think = moments_of(load.think).mean
    name = "machine repair" if len(ports) == 1 else "closed network, product form"
    return name, ports, closed_network(clients, think, demands, servers)


def _closed_port(scenario: Scenario, port: str, it: Station) -> Twin:
    name, ports, closed = _closed_network(scenario)
    place = ports.index(port)
    visits = len(it.visits)
    service = service_of(scenario, it).mean
    return found(name, {"wait_ns": closed.inside[place] / closed.throughput / visits - service})


# ---- all of it -------------------------------------------------------------------------------------------------------


def system_twin(scenario: Scenario) -> Twin:
    """Throughput and mean latency of closed clients, by class the mean latency of threads that pre-empt each other."""
    try:
        if is_closed(scenario):
            name, _, closed = _closed_network(scenario)
            return found(name, {"throughput_per_s": closed.throughput * S, "latency_ns": closed.time})
        return _priorities(scenario)
    except Untrue as untrue:
        return nothing(str(untrue))


def _priorities(scenario: Scenario) -> Twin:
    """One processor, a port with one server for each class, each of a priority of its own: preemptive resume."""
    model = scenario.model
    priorities = {pool.port: pool.priority for pool in model.pools.values()}
    if len(priorities) < 2 or len(set(priorities.values())) < len(model.pools) or model.machine.processors > 1:
        raise Untrue("classes are open, and no priorities on one processor divide them: see each queue")
    order = sorted(priorities, key=lambda port: -priorities[port])
    stations = [station(scenario, port, alone=False) for port in order]
    if any(it.wake for it in stations):
        raise Untrue("switching threads costs something (machine.dispatcher.context_switch)")
    if any(it.servers > 1 for it in stations):
        raise Untrue("threads of one priority share the processor")
    services = [service_of(scenario, it) for it in stations]
    rates = [open_rate(scenario, it) for it in stations]
    if sum(rate * service.mean for rate, service in zip(rates, services, strict=True)) >= 1:
        raise Untrue("there is no steady state: the load is 1 or more")
    means = [service.mean for service in services]
    times = preemptive_times(rates, means, [service.second for service in services])
    names = [it.visits[0].name for it in stations]
    if any(len(it.visits) > 1 for it in stations):
        raise Untrue("several classes share a priority")
    says = {f"classes.{name}.latency_ns": time for name, time in zip(names, times, strict=True)}
    return found("M/G/1, preemptive resume", says)
