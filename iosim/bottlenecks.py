"""Which resource is full first: utilizations of a summary, and the operational bound that each gives.

By the utilization law each resource's utilization grows with the throughput, X D / servers: at utilization U and throughput X
it is full at X / U, whatever the distributions are (Denning and Buzen 1978). Demands that change with the load (batches,
caches) move that point, so the bound is as good as the run it is read from was near: where a heavier one has been carried, it
is the one to be read. A solid-state drive works on many commands at once, and that it has one says nothing: its dies, link
and controller are busy for what the scenario's requests ask of them (demands.py), or, where that is not described, are left
out. Threads that block are busy too: where a handler keeps its thread from beginning to end, a pool's threads are a resource.
Left out: locks, whose holders are counted at the processors, and pools whose handlers give their thread back while they wait.
"""

from dataclasses import dataclass, replace
from typing import Any

from iosim.demands import described, ssd_parts
from iosim.drives.ssd import SsdParams
from iosim.scenario.drive_params import drive_params
from iosim.scenario.loader import Scenario
from iosim.scenario.quantities import NO_LIMIT

KEEPING = ("compute", "lock", "block", "sleep", "flush", "open", "close")
LEAST = 1e-6  # share of time; who is busy for less is no bottleneck


@dataclass(frozen=True, slots=True)
class Used:
    """One resource: share of its servers' time, with the interval, and the throughput (requests/s) at which it is full."""

    name: str
    utilization: float
    low: float | None
    high: float | None
    full_at: float


def resources(scenario: Scenario, document: dict[str, Any]) -> list[Used]:
    """Of a run's summary, the narrowest first."""
    through = document["throughput_per_s"]["value"] or 0.0
    shares = {"processors": document["processors"]["utilization"]}
    shares |= _disks(scenario, document)
    for name, nic in document["nics"].items():
        shares |= {f"nics.{name}.{way}": nic[f"{way}_share"] for way in ("link_in", "link_out")}
    for name, port in document["ports"].items():
        places = _places(scenario, name, port["limit"], document)
        shares[f"ports.{name}"] = _scaled(port["active_mean"], 1 / places) if places else None
    shares |= {f"pools.{name}": share for name, share in _threads(scenario, document).items()}
    found = [_used(name, share, through) for name, share in shares.items() if share and share["value"] is not None]
    return sorted(found, key=lambda it: -it.utilization)


def resources_towards(scenario: Scenario, document: dict[str, Any], heavier: dict[str, Any]) -> list[Used]:
    """Of a run, but full where a heavier run of the same machine says; the first to be full comes first."""
    full = {it.name: it.full_at for it in resources(scenario, heavier)}
    found = [replace(it, full_at=full.get(it.name, it.full_at)) for it in resources(scenario, document)]
    return sorted(found, key=lambda it: (it.full_at, -it.utilization))


def _disks(scenario: Scenario, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The busy share of drives that do one thing at a time; of the others, each part's by the utilization law."""
    found = {}
    demands = described(scenario)
    for name, disk in document["disks"].items():
        params = drive_params(scenario.model.disks[name])
        if not isinstance(params, SsdParams):
            found[f"disks.{name}"] = disk["busy_share"]
            continue
        for part in ssd_parts(name, params):
            asked = sum(
                (document["classes"][each]["throughput_per_s"]["value"] or 0.0) * it.resources.get(part, 0.0)
                for each, it in demands.classes.items()
            )
            if asked:
                found[part] = {"value": asked / 1e9 / demands.servers[part], "ci95": None}
    return found


def _threads(scenario: Scenario, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Share of a pool's threads that are with a request, by Little's law, where every handler keeps its thread."""
    model = scenario.model
    found = {}
    for name, pool in model.pools.items():
        loads = {each: load for each, load in model.workload.items() if load.port == pool.port}
        alone = sum(other.port == pool.port for other in model.pools.values()) == 1
        keep = all(
            load.handler and all(_keeps(step) for step in model.handlers[load.handler]) for load in loads.values()
        )
        posted = any(_posts_to(step, pool.port) for steps in model.handlers.values() for step in steps)
        if not (loads and alone and keep) or posted or pool.batch > 1:
            continue
        busy = sum(_with_threads(document["classes"][each]) for each in loads)
        found[name] = {"value": busy / _most(document["pools"][name]), "ci95": None}
    return found


def _keeps(step: Any) -> bool:
    """Whether the thread stays with the request through this step."""
    kind, inside = next(iter(step))
    return bool(kind in KEEPING or (kind in ("read", "write") and inside.mode == "blocking"))


def _posts_to(step: Any, port: str) -> bool:
    kind, inside = next(iter(step))
    return bool(kind == "post" and inside.port == port)


def _with_threads(figures: dict[str, Any]) -> float:
    """Mean number of the class's requests that a thread is with."""
    held = (figures["latency_ns"]["mean"]["value"] or 0.0) - (figures["wait_ns"]["mean"]["value"] or 0.0)
    return float(figures["throughput_per_s"]["value"] or 0.0) * held / 1e9


def _places(scenario: Scenario, port: str, limit: int, document: dict[str, Any]) -> int:
    """How many threads can run for a port: its limit, or fewer threads than that; 0 where nothing limits them."""
    pools = [name for name, pool in scenario.model.pools.items() if pool.port == port]
    threads = sum(_most(document["pools"][name]) for name in pools) or NO_LIMIT
    places = min(limit, threads)
    return 0 if places >= NO_LIMIT else places


def _most(pool: dict[str, Any]) -> int:
    most = pool["threads_max"]["value"] or 0
    return int(max(pool["threads"], most))


def _scaled(figure: dict[str, Any], factor: float) -> dict[str, Any]:
    ends = figure["ci95"]
    return {"value": figure["value"] * factor, "ci95": [end * factor for end in ends] if ends else None}


def _used(name: str, share: dict[str, Any], throughput: float) -> Used:
    value = share["value"]
    low, high = share["ci95"] or (None, None)
    full = throughput / value if value > LEAST else float("inf")
    return Used(name, value, low, high, full)
