"""The closed formula of a disk where the scenario satisfies its assumptions, else the first one that fails.

Poisson arrivals reach a drive as they are only where programs do nothing but read or write, and where no call costs
anything. A drive then serves in the order of arrival: the units of a solid-state disk each on its own, with fixed times
(M/D/1, or M/G/1 where requests differ); the arm of a hard disk that needs no time to move, but waits for its platters (M/G/1).
No drive has exponential service, and none has a queue that several units share: M/M/1 and M/M/n are nowhere here.
"""

from dataclasses import dataclass
from typing import Any

from iosim.drives.geometry import SECTOR
from iosim.drives.hdd import MINUTE, HddParams
from iosim.drives.ssd import SsdParams
from iosim.scenario.drive_params import drive_params
from iosim.scenario.load import ClosedLoad, OpenLoad
from iosim.scenario.loader import Scenario
from iosim.scenario.schema import ScenarioModel
from iosim.scenario.steps import Transfer
from iosim.theory import pollaczek_khinchine_wait
from iosim.twins.formulas import ENVELOPE, Twin, found, nothing
from iosim.twins.moments import Moments, mixed
from iosim.twins.stations import Untrue
from iosim.units import PAGE, S

MANY = 256  # pages that each unit, or each turn of a platter, has of a file, so that random ones fall on them evenly
ENOUGH = 1024  # slots that are never all taken at a load below 1
FREE = (
    ("machine.kernel", ("call", "remove", "irp", "page_lock", "port_lock", "isr", "dpc", "dpc_footprint")),
    (
        "machine.stack",
        ("ntfs_down", "ntfs_up", "volume_down", "volume_up", "disk_down", "disk_up", "port_start", "port_up"),
    ),
    ("machine.dispatcher", ("context_switch", "idle_exit")),
)


@dataclass(frozen=True, slots=True)
class Request:
    """What one class asks of the disk: so many a ns, of one size (bytes)."""

    rate: float
    write: bool
    size: int
    file_size: int


def disk_twin(scenario: Scenario, name: str) -> Twin:
    """Mean time (ns) from when a request reaches the disk's driver to its end."""
    try:
        params = drive_params(scenario.model.disks[name])
        if isinstance(params, HddParams):
            _arm_is_free(params)
        requests = _requests(scenario.model, name)
        _nothing_costs(scenario)
        _plain_driver(scenario.model, name)
        return _arm(params, requests) if isinstance(params, HddParams) else _flash(params, requests)
    except Untrue as untrue:
        return nothing(str(untrue))


# ---- what comes ------------------------------------------------------------------------------------------------------


def _requests(model: ScenarioModel, disk: str) -> list[Request]:
    """Of every class that goes to the disk; raises Untrue where some may come late, or not at random."""
    found = []
    for name, load in model.workload.items():
        if not isinstance(load, (OpenLoad, ClosedLoad)):
            raise Untrue(
                f"arrivals are not Poisson: class '{name}' is of kind '{load.kind}', or its requests are replayed"
            )
        if isinstance(load, ClosedLoad):
            raise Untrue(f"arrivals are not Poisson: class '{name}' has a fixed number of clients")
        if load.arrivals != "poisson":
            raise Untrue(f"arrivals are not Poisson: those of class '{name}' are evenly spaced")
        steps = [next(iter(step)) for step in model.handlers[load.handler or ""]]
        if [kind for kind, _ in steps] not in (["read"], ["write"]):
            raise Untrue(
                "arrivals are not Poisson: commands come from threads that have done something else first, or go on to it"
                f" (handler '{load.handler}' is not one read or write)"
            )
        ((kind, body),) = steps
        if model.volumes[model.files[body.file].volume].disk == disk:
            found.append(_request(model, float(load.rate) / S, kind == "write", body))
        elif disk in model.volumes[model.files[body.file].volume].disks:
            raise Untrue("a volume of several disks cuts requests up")
    if not found:
        raise Untrue("no request goes there")
    return found


def _request(model: ScenarioModel, rate: float, write: bool, body: Transfer) -> Request:
    file = model.files[body.file]
    if body.mode != "overlapped" or body.priority != "normal":
        raise Untrue(
            "arrivals are not Poisson: threads wait for their requests, or the driver holds background ones back"
        )
    if body.offset != "random":
        raise Untrue(f"service depends on the past: file '{body.file}' is not read or written at random")
    if body.size.shape != "fixed":
        raise Untrue("requests of one class have different sizes")
    if file.access != "unbuffered" or file.stored != "plain" or file.valid_data is not None or file.extents > 1:
        raise Untrue(f"file '{body.file}' is cached, fragmented, not plain, or not written yet")
    if model.volumes[file.volume].filters:
        raise Untrue(f"filters of volume '{file.volume}' stand before it")
    return Request(rate, write, body.size.values[0], file.size)


def _nothing_costs(scenario: Scenario) -> None:
    """Commands come the moment they are asked for, and their ends hold nothing up."""
    for section, names in FREE:
        part: Any = scenario.model
        for key in section.split("."):
            part = getattr(part, key)
        for name in names:
            if getattr(part, name):
                raise Untrue(
                    f"calls cost something, and commands come when threads have got to them ({section}.{name})"
                )


def _plain_driver(model: ScenarioModel, name: str) -> None:
    disk = model.disks[name]
    for key in ("max_transfer", "scatter_gather_pages", "queue_pairs", "pair_depth", "coalescing"):
        if getattr(disk, key) is not None:
            raise Untrue(f"the driver cuts, or holds back, or shares queues (disks.{name}.{key})")
    if disk.redirect or model.faults:
        raise Untrue("ends are told of in a roundabout way, or things go wrong (redirect, faults)")


# ---- solid state -----------------------------------------------------------------------------------------------------


def _flash(params: SsdParams, requests: list[Request]) -> Twin:
    """Every unit is a queue of its own; behind them is one link, which is in nobody's way where it is fast."""
    if params.serial or params.channels or params.slow_reads or params.write_buffer:
        raise Untrue("service is not one fixed time (serial, channels, slow_reads, write_buffer)")
    stripes = [_stripes(params, it) for it in requests]
    media = [n * (params.program if it.write else params.read) for n, it in zip(stripes, requests, strict=True)]
    links = [it.size * _link_ps(params, it.write) // 1000 for it in requests]
    if (
        params.units == 1 and params.slots == 1
    ):  # what waits is not in the drive: everything is done one after the other
        whole = [params.overhead + at + link for at, link in zip(media, links, strict=True)]
        return _says(1, requests, whole, 0.0, 0)
    if params.units > 1:
        _are_even(params, requests, stripes)
    if params.overhead * (params.units == 1) + params.units * max(links) > min(media):
        raise Untrue("the link, or the next command's overhead, takes so long that units may wait for it")
    link = sum(it.rate * at for it, at in zip(requests, links, strict=True)) / sum(it.rate for it in requests)
    return _says(params.units, requests, media, params.overhead + link, (params.units - 1) * max(links))


def _are_even(params: SsdParams, requests: list[Request], stripes: list[int]) -> None:
    """Whether each unit has its share of the commands, at random, however many wait for another one."""
    if params.slots < ENOUGH:
        raise Untrue(f"commands for one unit may take all {params.slots} slots")
    if max(stripes) > 1:
        raise Untrue("a command takes several units at once")
    if any(it.file_size < MANY * params.units * params.stripe for it in requests):
        raise Untrue("the file is too small to lie evenly on all units")


def _link_ps(params: SsdParams, write: bool) -> int:
    return (params.write_ps_per_byte if write else 0) or params.link_ps_per_byte


def _stripes(params: SsdParams, it: Request) -> int:
    """How many of them a request that begins on any page touches."""
    if params.stripe % PAGE == 0 and it.size <= PAGE:
        return 1
    if PAGE % params.stripe == 0:
        return -(-it.size // params.stripe)
    raise Untrue("how many stripes a command touches depends on where it lies")


def _says(units: int, requests: list[Request], services: list[int], beside: float, later: int) -> Twin:
    """Of so many units alike: wait and service there, what else a request takes, and at most `later` for others' data."""
    service = _mixture(requests, [Moments(float(at), float(at) ** 2) for at in services])
    time = _time(sum(it.rate for it in requests) / units, service) + beside
    name = "M/D/1" if service.fixed else "M/G/1"
    title = name if units == 1 else f"{units} times {name}"
    if later:
        why = "the link: from no wait for it to one for all other units"
        return found(title, {"time_ns": [time, time + later]}, ENVELOPE, why)
    return found(title, {"time_ns": time})


def _mixture(requests: list[Request], services: list[Moments]) -> Moments:
    return mixed([(it.rate, service) for it, service in zip(requests, services, strict=True)])


def _time(rate: float, service: Moments) -> float:
    """Wait and service of M/G/1."""
    load = rate * service.mean
    if load >= 1:
        raise Untrue(f"there is no steady state: the load is {load:.3g}")
    return pollaczek_khinchine_wait(load, service.mean, service.second) + service.mean


# ---- hard disks ------------------------------------------------------------------------------------------------------


def _arm_is_free(params: HddParams) -> None:
    """Nothing but the platters' angle tells how long a command takes, and that is anywhere."""
    if any(time for _distance, time in params.seek) or params.head_switch or params.write_settle:
        raise Untrue("service depends on the last command: the arm and the platter are where it left them")
    if params.segments or params.write_segments:
        raise Untrue("service depends on the past: its cache keeps what was read or written")
    if params.order != "fcfs" and params.slots > 1:
        raise Untrue(f"commands are not served in the order in which they came (order: {params.order})")
    if params.overhead or any(params.overheads):
        raise Untrue("the controller decodes commands while others are served (overhead)")
    if len(params.zones) > 1 or params.zones[0].track_skew or params.zones[0].cylinder_skew:
        raise Untrue("tracks are not alike (zones, track_skew, cylinder_skew)")


def _arm(params: HddParams, requests: list[Request]) -> Twin:
    """Half a turn on average, give or take the page that a target lies on, then the media."""
    turn, track = MINUTE // params.rpm, params.zones[0].sectors
    page = PAGE // SECTOR * turn / track
    media = [_media(params, it, turn / track) for it in requests]
    if any(it.file_size < MANY * track * SECTOR for it in requests):
        raise Untrue("the file is too small: targets are not at every angle alike")
    rate = sum(it.rate for it in requests)
    ends = [[turn / 2 + shift + at for at in media] for shift in (-page, page)]
    services = [_mixture(requests, [Moments(mean, mean**2 + turn**2 / 12) for mean in means]) for means in ends]
    why = "targets lie on pages, and the platter is where the last command left it: give or take a page"
    return found("M/G/1", {"time_ns": [_time(rate, service) for service in services]}, ENVELOPE, why)


def _media(params: HddParams, it: Request, sector: float) -> float:
    """From the first sector to the end of the last one's way over the bus (ns)."""
    count = -(-it.size // SECTOR)
    if it.size * params.bus_ps_per_byte / 1000 > (count - 1) * sector:
        raise Untrue("the bus does not keep up with the platters")
    return count * sector + SECTOR * params.bus_ps_per_byte / 1000
