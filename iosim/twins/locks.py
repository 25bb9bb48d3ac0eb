"""The closed formula of a lock where the scenario satisfies its assumptions, else the first one that fails.

Threads come to a lock as requests do only where they do nothing else and nothing costs anything; those that wait must block,
so that others may come. Then lock and port together are M/M/1: of those that wait, as many as there are threads do so
at the lock, and the rest at the port. Who is next plays no part in means, as hold times are forgotten.
"""

from iosim.scenario.load import OpenLoad
from iosim.scenario.loader import Scenario
from iosim.scenario.quantities import count_on
from iosim.scenario.schema import ScenarioModel
from iosim.twins.formulas import Twin, found, nothing
from iosim.twins.moments import Moments, mixed, moments_of
from iosim.twins.stations import Untrue, processors_are_alike, servers_of
from iosim.units import S


def lock_twin(scenario: Scenario, name: str) -> Twin:
    """Mean wait (ns) of an acquisition, most of which may not wait at all."""
    model = scenario.model
    try:
        threads = _threads(model)
        rate, hold = _arrivals(model, name, threads)
        _comes_at_once(model, name)
        load = rate * hold.mean
        if load >= 1:
            raise Untrue(f"there is no steady state: the load is {load:.3g}")
        if not hold.exponential:
            raise Untrue("hold times are not exponential, or not alike: how many wait at the port instead is not known")
    except Untrue as untrue:
        return nothing(str(untrue))
    waiting = load**2 / (1 - load) * (1 - load ** (threads - 1))
    return found(f"M/M/1, {threads} threads", {"time_ns": waiting / rate})


def _threads(model: ScenarioModel) -> int:
    return sum(count_on(pool.threads, model.machine.processors) for pool in model.pools.values())


def _arrivals(model: ScenarioModel, lock: str, threads: int) -> tuple[float, Moments]:
    """So many a ns, and how long they hold the lock; raises Untrue where they are not Poisson, or do something else."""
    handlers = {name: [next(iter(step)) for step in steps] for name, steps in model.handlers.items()}
    users = {name for name, steps in handlers.items() if any(_takes(kind, body, lock) for kind, body in steps)}
    if not users:
        raise Untrue("nobody takes it")
    parts = []
    for name, load in model.workload.items():
        steps = handlers[load.handler or ""] if load.handler else []
        if load.handler not in users or len(steps) > 1:
            raise Untrue(
                f"arrivals are not Poisson: at most {threads} threads come, each after it has done something else"
            )
        if not isinstance(load, OpenLoad) or load.arrivals != "poisson":
            raise Untrue(f"arrivals are not Poisson: those of class '{name}'")
        ((_, body),) = steps
        if body.shared:
            raise Untrue("several share the lock")
        parts.append((float(load.rate) / S, moments_of(body.hold)))
    return sum(rate for rate, _ in parts), mixed(parts)


def _takes(kind: str, body: object, lock: str) -> bool:
    return kind == "lock" and getattr(body, "name", "") == lock


def _comes_at_once(model: ScenarioModel, lock: str) -> None:
    """A thread that waits is in nobody's way, and one that is told goes on at once."""
    machine = model.machine
    processors_are_alike(model)
    if model.locks[lock].spin:
        raise Untrue(f"threads spin before they block (locks.{lock}.spin), on a processor that others need")
    if machine.kernel.remove or machine.dispatcher.context_switch or machine.dispatcher.idle_exit:
        raise Untrue("calls and switches cost something (machine.kernel.remove, machine.dispatcher)")
    ports = {load.port for load in model.workload.values()}
    if len(ports) > 1 or any(min(servers_of(model, port), machine.processors) < 2 for port in ports):
        raise Untrue(
            "whoever holds it keeps others at the port: fewer than two may run at once, or there are several ports"
        )
