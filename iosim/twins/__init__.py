"""Theory beside a run: of every queue Little's law, the utilization law, and a closed formula or why there is none."""

from typing import Any

from iosim.drives.hdd import HddParams
from iosim.resource_figures import port_names
from iosim.run_figures import Figures
from iosim.scenario.drive_params import drive_params
from iosim.scenario.loader import Scenario
from iosim.summary import Summarizer
from iosim.twins import laws
from iosim.twins.cards import card_twin
from iosim.twins.disks import disk_twin
from iosim.twins.formulas import Twin, port_twin, system_twin
from iosim.twins.locks import lock_twin
from iosim.twins.stations import Untrue, service_of, station


def theory(scenario: Scenario, it: Summarizer, document: Figures) -> Figures:
    """The summary's `theory`: by queue `little`, `utilization`, and `twin` with what the model measured beside it."""
    model = scenario.model
    return {
        "system": {"little": laws.of_system(it), "twin": _beside(system_twin(scenario), _system_figures(document))},
        "processors": {"utilization": laws.of_processors(it, model.machine.processors, None)},
        "ports": {name: _port(scenario, it, name) for name in model.ports},
        "disks": {name: _disk(scenario, it, name) for name in model.disks},
        "nics": {name: {"twin": _beside(card_twin(scenario, name), document["nics"][name])} for name in model.nics},
        "locks": {name: _lock(scenario, it, name) for name in model.locks},
    }


def _disk(scenario: Scenario, it: Summarizer, name: str) -> Figures:
    """Of a solid-state drive, which works on many commands at once, no utilization: that it has a command says nothing."""
    little = laws.of_disk(it, name)
    busy, count = [f"disks.{name}.busy"], [f"disks.{name}.commands"]
    one_at_a_time = isinstance(drive_params(scenario.model.disks[name]), HddParams)
    return {
        "little": little,
        "utilization": laws.utilization(it, 1, busy, count, None) if one_at_a_time else None,
        "twin": _beside(disk_twin(scenario, name), {"time_ns": little["time_ns"]}),
    }


def _lock(scenario: Scenario, it: Summarizer, name: str) -> Figures:
    little = laws.of_lock(it, name)
    return {"little": little, "twin": _beside(lock_twin(scenario, name), {"time_ns": little["time_ns"]})}


def _port(scenario: Scenario, it: Summarizer, name: str) -> Figures:
    ports = port_names(it.raws[0], name)
    limit = sum(it.raws[0].extremes[f"{port}.limit"] for port in ports)
    demand: float | None = None
    servers = min(limit, scenario.model.machine.processors * len(ports))
    try:
        described = station(scenario, name)
        servers = described.servers
        if not described.wake:
            demand = service_of(scenario, described).mean
    except Untrue:
        pass
    little = laws.of_port(it, name)
    busy, count = [f"{port}.running" for port in ports], [f"{port}.packets" for port in ports]
    return {
        "little": little,
        "utilization": laws.utilization(it, max(1, servers), busy, count, demand),
        "twin": _beside(port_twin(scenario, name), {"wait_ns": little["time_ns"]}),
    }


def _system_figures(document: Figures) -> Figures:
    found = {"throughput_per_s": document["throughput_per_s"], "latency_ns": document["latency_ns"]["mean"]}
    for name, figures in document["classes"].items():
        found[f"classes.{name}.latency_ns"] = figures["latency_ns"]["mean"]
    return found


def _beside(twin: Twin, measured: Figures) -> Twin:
    """What the formula says and what was measured; `agrees` where an interval, or an envelope, tells."""
    says: dict[str, Any] = {}
    for name, value in twin["says"].items():
        figure = measured.get(name)
        if figure is not None:
            says[name] = {"theory": value, "model": figure, "agrees": _agrees(value, figure)}
    return {**twin, "says": says}


def _agrees(value: Any, figure: Figures) -> bool | None:
    """Whether the interval holds what the formula says, or touches its envelope; None without an interval."""
    if figure["value"] is None or figure["ci95"] is None:
        return None
    low, high = figure["ci95"]
    least, most = value if isinstance(value, list) else (value, value)
    return bool(low <= most and least <= high)
