"""What a request asks of every resource, from the scenario's mean values alone: what to expect before anything has run.

Each demand is a lower bound: what surely is spent (computing, calls, the drivers' routines, holding a lock, dies reading
and programming), and nothing that depends on what else happens (switches, refill, spinning, seeks). So the bounds that follow,
X <= servers / demand (Denning and Buzen 1978), are true ones, and a search need not look beyond them. Times are ns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from iosim.drives.ssd import SsdParams
from iosim.frames import TCP_IPV4, UDP_IPV4, WIRE_OVERHEAD
from iosim.scenario.drive_params import drive_params
from iosim.scenario.load import ClosedLoad, OpenLoad
from iosim.scenario.loader import Scenario
from iosim.scenario.net_load import NetLoad
from iosim.scenario.quantities import count_on
from iosim.scenario.schema import ScenarioModel
from iosim.scenario.steps import Transfer
from iosim.theory import Bounds, bounds
from iosim.units import PAGE, S, ps_per_byte


@dataclass(frozen=True, slots=True)
class ClassDemand:
    """Of one request of a class: ns at each resource, its least time `alone`, and how many a second are asked for.

    Resources overlap (a thread holds a processor and a lock), so that `alone` is not their sum. `rate` is None where nobody
    asks at a rate: closed load has `clients`, who think for `think` ns.
    """

    resources: dict[str, float]
    alone: float = 0.0
    rate: float | None = None
    clients: int = 0
    think: float = 0.0


@dataclass(frozen=True, slots=True)
class Demands:
    """Of all classes, and how many servers every resource has."""

    classes: dict[str, ClassDemand]
    servers: dict[str, int] = field(default_factory=dict)

    def of_mix(self, shares: Mapping[str, float] | None = None) -> Bounds:
        """Bounds of all requests together, by the classes' shares; left out, those of their rates (closed ones alike)."""
        weights = dict(shares or {name: it.rate or 1.0 for name, it in self.classes.items()})
        total = sum(weights.values())
        mixed: dict[str, float] = {}
        alone = 0.0
        for name, weight in weights.items():
            it = self.classes[name]
            alone += it.alone * weight / total
            for resource, demand in it.resources.items():
                mixed[resource] = mixed.get(resource, 0.0) + demand * weight / total
        return bounds(mixed, self.servers, alone)

    def of_class(self, name: str) -> Bounds:
        """Bounds of a class that has the machine for itself."""
        return self.of_mix({name: 1.0})

    def most(self, name: str) -> tuple[float, str]:
        """The highest rate a second of a class, the other open ones keeping theirs, and the resource that is full then.

        0 where the others fill it alone; infinite without any demand.
        """
        found, narrowest = float("inf"), ""
        for resource, demand in self.classes[name].resources.items():
            others = sum(
                (it.rate or 0.0) / S * it.resources.get(resource, 0.0)
                for other, it in self.classes.items()
                if other != name
            )
            room = max(0.0, self.servers[resource] - others)
            if demand > 0 and room / demand * S < found:
                found, narrowest = room / demand * S, resource
        return found, narrowest

    def loads(self) -> dict[str, float]:
        """By resource, the share of it that open classes need at their rates, the fullest first; above 1 is too much."""
        found = {
            resource: sum((it.rate or 0.0) / S * it.resources.get(resource, 0.0) for it in self.classes.values())
            / servers
            for resource, servers in self.servers.items()
        }
        return dict(sorted(found.items(), key=lambda it: -it[1]))


def described(scenario: Scenario) -> Demands:
    """The demands that the scenario describes. A replay's requests are not described: only a run tells."""
    model = scenario.model
    processors = model.machine.processors
    servers = {"processors": processors}
    for name, port in model.ports.items():
        limit = count_on(port.concurrency, processors) or processors
        servers[f"ports.{name}"] = limit * (processors if port.per == "processor" else 1)
        threads = [it for it in model.pools.values() if it.port == name]
        most = sum(count_on(it.grows.max if it.grows else it.threads, processors) for it in threads)
        servers[f"threads.{name}"] = max(1, most)
    servers |= {f"locks.{name}": 1 for name in model.locks}
    servers |= {f"nics.{name}.link_in": 1 for name in model.nics}
    for name, disk in model.disks.items():
        params = drive_params(disk)
        servers |= ssd_parts(name, params) if isinstance(params, SsdParams) else {f"disks.{name}": 1}
    classes = {name: _of_class(model, name) for name in model.workload}
    for exceeded in _exceeded(model):
        del servers[f"ports.{exceeded}"]
        for it in classes.values():
            it.resources.pop(f"ports.{exceeded}", None)
    return Demands(classes, servers)


def ssd_parts(name: str, params: SsdParams) -> dict[str, int]:
    """What a drive is made of, and how many there are of each: dies, channels, link (or two, one for writes), controller."""
    found = {f"disks.{name}": params.units, f"disks.{name}.link": 1, f"disks.{name}.controller": 1}
    found |= {f"disks.{name}.link_writes": 1} if params.duplex else {}
    return found | ({f"disks.{name}.channels": params.channels} if params.channels else {})


def _exceeded(model: ScenarioModel) -> set[str]:
    """Ports whose limit is none: a thread that blocked and woke runs beyond it (numbers 8, completion port invariants)."""
    found = set()
    for load in model.workload.values():
        if not isinstance(load, (OpenLoad, ClosedLoad)):
            continue
        at = load.port
        for step in model.handlers[load.handler]:
            kind, body = next(iter(step))
            if kind == "post":
                at = body.port
            elif _blocks(model, kind, body):
                found.add(at)
    return found


def _blocks(model: ScenarioModel, kind: str, body: Any) -> bool:
    if isinstance(body, Transfer):
        return body.mode == "blocking" or model.files[body.file].access == "cached"
    return kind in ("block", "sleep", "lock", "flush", "open", "close")


def _of_class(model: ScenarioModel, name: str) -> ClassDemand:
    load = model.workload[name]
    if not isinstance(load, (OpenLoad, ClosedLoad)):
        return ClassDemand({})
    found: dict[str, float] = {}
    elsewhere, port = 0.0, load.port
    _spend(found, port, model.machine.kernel.remove)
    for step in model.handlers[load.handler]:
        kind, body = next(iter(step))
        if kind == "compute":
            _spend(found, port, body.time.mean())
        elif kind in ("block", "sleep"):
            elsewhere += body.time.mean()
            _add(found, f"threads.{port}", body.time.mean())
        elif kind == "lock":
            _spend(found, port, body.hold.mean())
            if not body.shared:
                _add(found, f"locks.{body.name}", body.hold.mean())
        elif kind == "post":
            _spend(found, port, model.machine.kernel.post)
            port = body.port
            _spend(found, port, model.machine.kernel.remove)
        elif kind in ("read", "write"):
            elsewhere += _transfer(model, found, port, kind == "write", body)
    if isinstance(load, NetLoad):
        elsewhere += _network(model, found, load)
    alone = found["processors"] + elsewhere
    if isinstance(load, OpenLoad):
        return ClassDemand(found, alone, float(load.rate))
    return ClassDemand(found, alone, None, load.clients * load.outstanding, load.think.mean())


def _spend(found: dict[str, float], port: str, time: float) -> None:
    """Processor time of a thread of this port."""
    for resource in ("processors", f"ports.{port}", f"threads.{port}"):
        _add(found, resource, time)


def _add(found: dict[str, float], resource: str, time: float) -> None:
    found[resource] = found.get(resource, 0.0) + time


def _transfer(model: ScenarioModel, found: dict[str, float], port: str, write: bool, body: Transfer) -> float:
    """The call, and for a file without a cache the way down and the drive's own work; returns the time beyond the call's."""
    kernel, stack = model.machine.kernel, model.machine.stack
    size = body.size.mean()
    file = model.files[body.file]
    _spend(found, port, kernel.call + kernel.irp)
    if file.access == "cached":
        if file.hit_ratio == 1 and not write:
            _spend(found, port, size * ps_per_byte(kernel.copying) / 1000)
        return 0.0
    down = stack.ntfs_down + stack.volume_down + stack.disk_down + stack.port_start
    _spend(found, port, down + size / PAGE * kernel.page_lock)
    disks = list(_disks(model, file.volume))
    if len(disks) != 1:
        return 0.0  # which of several disks is not described by mean values alone
    params = drive_params(model.disks[disks[0]])
    if isinstance(params, SsdParams) and not (write and params.write_buffer):
        drive, once = f"disks.{disks[0]}", params.program if write else params.read
        link = (write and params.write_ps_per_byte) or params.link_ps_per_byte
        _add(found, drive, max(1.0, size / params.stripe) * once)  # a part of a page takes as long as all of it
        _add(found, f"{drive}.link{'_writes' if write and params.duplex else ''}", size * link / 1000)
        _add(found, f"{drive}.controller", params.serial)
        if params.channels:
            _add(found, f"{drive}.channels", size * params.channel_ps_per_byte / 1000)
        return once + params.overhead
    return 0.0


def _network(model: ScenarioModel, found: dict[str, float], load: NetLoad) -> float:
    """What a request costs driver and TCP on its way in, its frames the wire, its answer a call; returns the time of the way.

    Its size is that of the load, or nothing where a capture has it; of the answer nothing but one frame is counted. A
    datagram is one frame, however large; of a stream's segments no fewer than the mean size fills are counted.
    """
    machine, nic, size = model.machine, model.nics[load.nic], load.request.mean()
    datagram = load.protocol == "udp"
    frames = 1.0 if datagram else max(1.0, size / machine.tcp.maximum_segment)
    headers = (UDP_IPV4 if datagram else TCP_IPV4) + WIRE_OVERHEAD
    merged = 1.0 if nic.rsc else frames
    _add(found, "processors", frames * nic.costs.receive + merged * machine.tcp.receive)
    wire = (size + frames * headers) * 8 * S / nic.link
    _add(found, f"nics.{load.nic}.link_in", wire)
    if any(next(iter(step))[0] in ("send", "transmit_file") for step in model.handlers[load.handler]):
        _spend(found, load.port, machine.kernel.call + machine.tcp.segment + nic.costs.transmit)
    return load.round_trip + wire


def _disks(model: ScenarioModel, volume: str) -> Iterator[str]:
    it = model.volumes[volume]
    yield from [it.disk] if it.disk else it.disks
