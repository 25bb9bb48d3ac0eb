"""Rules between the parts of a scenario: names that must exist, and machines that can't be built.

Names are looked up in the written tree, so that a dangling name is reported together with everything else that is
wrong. Rules about numbers need the validated model.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iosim.errors import Mistake
from iosim.numa import Topology
from iosim.presets import DRIVES
from iosim.scenario.disk_checks import disk_mistakes
from iosim.scenario.distributions import Distribution
from iosim.scenario.drive_params import drive_params
from iosim.scenario.load import AnyReplay, Replay
from iosim.scenario.net_checks import net_mistakes
from iosim.scenario.net_step_checks import net_step_mistakes
from iosim.scenario.nic_checks import nic_mistakes
from iosim.scenario.nodes import Node
from iosim.scenario.problems import mistake_at
from iosim.scenario.quantities import count_on
from iosim.scenario.schema import STEPS, Run, ScenarioModel
from iosim.scenario.steps import LockStep, ReadStep, TransferStep, WriteStep
from iosim.scenario.storage import PresetDisk
from iosim.scenario.suggest import closest
from iosim.scenario.volumes import capacity, shares
from iosim.units import PAGE, format_size, format_time, size_in_words

Found = Iterator[tuple[tuple[str | int, ...], str]]

# section -> (key, the section that must hold its value, how it is called)
_REFERENCES = {
    "disks": (("preset", "presets", "preset"),),
    "pools": (("port", "ports", "port"),),
    "volumes": (("disk", "disks", "disk"),),
    "files": (("volume", "volumes", "volume"),),
    "faults": (("disk", "disks", "disk"), ("nic", "nics", "network card")),
    "workload": (("port", "ports", "port"), ("nic", "nics", "network card"), ("handler", "handlers", "handler")),
}
_STEP_REFERENCES = {
    "read": ("file", "files", "file"),
    "write": ("file", "files", "file"),
    "flush": ("file", "files", "file"),
    "transmit_file": ("file", "files", "file"),
    "open": ("volume", "volumes", "volume"),
    "close": ("volume", "volumes", "volume"),
    "lock": ("name", "locks", "lock"),
    "post": ("port", "ports", "port"),
}
_NO_CACHE = "a cached file can't be written without a cache; give the volume a 'cache'"
_NAMED = {"classes": "workload"} | {name: name for name in ("ports", "pools", "locks", "disks", "volumes", "nics")}


def dangling(tree: Node, plain: Any) -> list[Mistake]:
    """Every name that stands for nothing, and every port whose packets nobody would remove."""
    names = {
        section: _keys(plain, section)
        for section in ("ports", "disks", "volumes", "files", "nics", "handlers", "locks")
    }
    names["presets"] = dict(DRIVES)
    found = [
        *_section_names(plain, names),
        *_volume_disks(plain, names),
        *_step_names(plain, names),
        *_map_names(plain, names),
        *_unserved(plain),
    ]
    return [mistake_at(tree, path, message) for path, message in found]


def _keys(plain: Any, section: str) -> dict[str, Any]:
    value = plain.get(section)
    return value if isinstance(value, dict) else {}


def _maps(plain: Any, section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, body) for name, body in _keys(plain, section).items() if isinstance(body, dict))


def _lost(value: Any, known: dict[str, Any], noun: str) -> str | None:
    """What is wrong with a name; None where it exists (or is no text, which the schema reports)."""
    if not isinstance(value, str) or value in known:
        return None
    return f"no {noun} '{value}'{closest(value, known) or _known(known)}"


def _known(known: dict[str, Any]) -> str:
    return f" (known: {', '.join(known)})" if known else " (there are none)"


def _section_names(plain: Any, names: dict[str, dict[str, Any]]) -> Found:
    for section, references in _REFERENCES.items():
        for name, body in _maps(plain, section):
            for key, target, noun in references:
                if message := _lost(body.get(key), names[target], noun):
                    yield (section, name, key), message


def _volume_disks(plain: Any, names: dict[str, dict[str, Any]]) -> Found:
    for name, body in _maps(plain, "volumes"):
        disks = body.get("disks")
        for place, disk in enumerate(disks if isinstance(disks, list) else ()):
            if message := _lost(disk, names["disks"], "disk"):
                yield ("volumes", name, "disks", place), message


def _steps(plain: Any) -> Iterator[tuple[tuple[str | int, ...], str, dict[str, Any]]]:
    for name, steps in _keys(plain, "handlers").items():
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            for kind, body in step.items() if isinstance(step, dict) else ():
                if isinstance(body, dict):
                    yield ("handlers", name, index, kind), kind, body


def _step_names(plain: Any, names: dict[str, dict[str, Any]]) -> Found:
    for path, kind, body in _steps(plain):
        if kind in _STEP_REFERENCES:
            key, target, noun = _STEP_REFERENCES[kind]
            if message := _lost(body.get(key), names[target], noun):
                yield (*path, key), message


def _map_names(plain: Any, names: dict[str, dict[str, Any]]) -> Found:
    for name, body in _maps(plain, "workload"):
        files = body.get("map") if body.get("kind") == "replay" and "nic" not in body else None
        for device, file in files.items() if isinstance(files, dict) else [(None, files)]:
            if message := _lost(file, names["files"], "file"):
                yield ("workload", name, "map", *([device] if device is not None else [])), message


def _unserved(plain: Any) -> Found:
    """A packet on a port without a pool would stay there for ever; silent while a pool's own port is misspelt."""
    served = [body.get("port") for _, body in _maps(plain, "pools")]
    if not all(isinstance(port, str) and port in _keys(plain, "ports") for port in served):
        return
    places = [(("workload", name), body) for name, body in _maps(plain, "workload")]
    places += [(path, body) for path, kind, body in _steps(plain) if kind == "post"]  # type: ignore[misc]
    for path, body in places:
        port = body.get("port")
        if isinstance(port, str) and port in _keys(plain, "ports") and port not in served:
            yield (*path, "port"), f"no pool waits on port '{port}': nobody would remove its packets"


def impossible(
    tree: Node, model: ScenarioModel, traces: dict[str, Path], captures: dict[str, Path], *, machine_known: bool
) -> list[Mistake]:
    """What can't be built or can't happen; `machine_known` is off while the machine itself has mistakes."""
    found = [*_sizes(model), *_transfers(model), *_replays(model, traces), *_expectations(model, tree), *_plots(model)]
    found += [*_sharing(model), *_thresholds(model), *disk_mistakes(model), *net_mistakes(model, captures)]
    found += [*net_step_mistakes(model)]
    replays = any(isinstance(load, AnyReplay) for load in model.workload.values())
    if not model.run.rows and model.run.warm_up is None and not replays:
        found.append((("run", "rows"), "without rows a warm-up can't be found afterwards; give 'warm_up' a time"))
    if not replays:
        found += _durations(model.run)
    if machine_known:
        found += [*_processors(model), *_pools(model), *nic_mistakes(model)]
    return [mistake_at(tree, path, message) for path, message in found]


def _durations(run: Run) -> Found:
    """At least one step is measured after the warm-up, which takes whole steps."""
    warm_up = run.warm_up or 0
    if -(-warm_up // run.step) * run.step >= run.horizon:
        least = format_time(-(-warm_up // (STEPS - 1)) + 1)
        message = (
            f"{format_time(run.duration)} after a warm-up of {format_time(warm_up)} is less than one of the {STEPS} steps that"
            f" a run is judged in: nothing would be measured; {least} or more would be accepted"
        )
        yield ("run", "duration"), message


def _sizes(model: ScenarioModel) -> Found:
    """Volumes fit their disks, and files fit their volumes, all together."""
    room: dict[str, int] = {}
    for name, disk in model.disks.items():
        try:
            room[name] = drive_params(disk).capacity
        except ValueError as error:
            if not isinstance(disk, PresetDisk) or disk.preset in DRIVES:
                yield ("disks", name), str(error)
    left = dict(room)
    for name, volume in model.volumes.items():
        taken = shares(volume, volume.size, [left.get(on, 0) for on in volume.on])
        for on, size in zip(volume.on, taken, strict=True):
            if on in left and size > left[on]:
                yield ("volumes", name, "size"), _too_large(size, left[on], f"disk '{on}'")
            left[on] = max(0, left.get(on, 0) - size)
        known = all(on in room for on in volume.on)
        room[f"volume {name}"] = capacity(volume, volume.size, taken) if known else 1 << 62
    for name, file in model.files.items():
        volume_left = room.get(f"volume {file.volume}", file.size)
        if file.size > volume_left:
            yield ("files", name, "size"), _too_large(file.size, volume_left, f"volume '{file.volume}'")
        room[f"volume {file.volume}"] = max(0, volume_left - file.size)


def _too_large(size: int, left: int, where: str) -> str:
    return f"{size_in_words(size)} does not fit: {where} has {size_in_words(left)} left"


def _transfers(model: ScenarioModel) -> Found:
    """Reads and writes move something, and stay within their file."""
    for name, steps in model.handlers.items():
        for index, step in enumerate(steps):
            if isinstance(step, (ReadStep, WriteStep)):
                kind = "read" if isinstance(step, ReadStep) else "write"
                transfer = step.read if isinstance(step, ReadStep) else step.write
                file = model.files.get(transfer.file)
                start = transfer.offset if isinstance(transfer.offset, int) else 0
                if message := _beyond(transfer.size, start, file.size if file else None):
                    yield ("handlers", name, index, kind, "size"), message
                if kind == "write" and _lacks_cache(model, transfer.file):
                    yield ("handlers", name, index, kind, "file"), _NO_CACHE


def _lacks_cache(model: ScenarioModel, name: str) -> bool:
    """A cached file on a volume that keeps nothing."""
    file = model.files.get(name)
    volume = model.volumes.get(file.volume) if file else None
    return file is not None and file.access == "cached" and volume is not None and not volume.cache


def _thresholds(model: ScenarioModel) -> Found:
    """A cache holds a page at least, and no more dirty pages than that."""
    for name, volume in model.volumes.items():
        if 0 < volume.cache < PAGE:
            yield ("volumes", name, "cache"), "holds no page; 4 KiB or more are needed, or 0 B for no cache"
        if volume.dirty_page_threshold and volume.dirty_page_threshold > volume.cache:
            message = f"more than the cache, which has {size_in_words(volume.cache)}"
            yield ("volumes", name, "dirty_page_threshold"), message


def _beyond(size: Distribution, start: int, end: int | None) -> str | None:
    if size.shape in ("fixed", "choice", "uniform") and size.smallest == 0:
        return "a transfer of 0 bytes"
    if end is not None and size.largest != float("inf") and start + size.largest > end:
        return f"reaches {format_size(start + int(size.largest))} into a file of {format_size(end)}"
    return None


def _sharing(model: ScenarioModel) -> Found:
    for name, steps in model.handlers.items():
        for index, step in enumerate(steps):
            if isinstance(step, LockStep) and step.lock.shared:
                lock = model.locks.get(step.lock.name)
                if lock and lock.kind != "slim":
                    message = f"lock '{step.lock.name}' can't be shared; only locks of 'kind: slim' can"
                    yield ("handlers", name, index, "lock", "shared"), message


def _replays(model: ScenarioModel, traces: dict[str, Path]) -> Found:
    used = {load.handler for load in model.workload.values() if isinstance(load, Replay)}
    others = {load.handler: name for name, load in model.workload.items() if not isinstance(load, Replay)}
    for name, steps in model.handlers.items():
        for index, step in enumerate(steps):
            if isinstance(step, TransferStep) and name in others:
                message = f"only a replay has rows to transfer; workload '{others[name]}' is not one"
                yield ("handlers", name, index, "transfer"), message
        if name in used and not any(isinstance(step, TransferStep) for step in steps):
            yield ("handlers", name), "serves a replay but has no 'transfer' step"
    loads = [name for name, load in model.workload.items() if not isinstance(load, AnyReplay)]
    if loads and len(loads) < len(model.workload):
        other = loads[0]
        yield ("workload", other), "a replay ends by itself, other load never does: give each a scenario of its own"
    for name, path in traces.items():
        if not path.is_file():
            yield ("workload", name, "trace"), f"no such file: {path}"
    for name, load in model.workload.items():
        files = load.map if isinstance(load, Replay) else {}
        for device, file in files.items() if isinstance(files, dict) else [(None, files)]:
            if _lacks_cache(model, file):
                yield ("workload", name, "map", *([device] if device is not None else [])), _NO_CACHE


def _expectations(model: ScenarioModel, tree: Node) -> Found:
    named: list[tuple[tuple[str | int, ...], str]] = [(("expect", i), it.figure) for i, it in enumerate(model.expect)]
    if model.run.precision:
        named.append((("run", "precision"), model.run.precision.figure))
    for place, figure in named:
        parts = figure.split(".")
        section = tree.child(_NAMED[parts[0]]) if parts[0] in _NAMED else None
        known = section.value if section and isinstance(section.value, dict) else {}
        if parts[0] in _NAMED and parts[1] not in known:
            hint = closest(parts[1], known) or _known(known)
            yield place, f"'{figure}': nothing is named '{parts[1]}'{hint}"


def _plots(model: ScenarioModel) -> Found:
    if model.study is None or model.study.plot is None:
        return
    plot = model.study.plot
    for key, path in (("x", plot.x), ("lines", plot.lines)):
        if path is not None and path not in model.study.vary:
            yield ("study", "plot", key), f"'{path}' is not varied{closest(path, model.study.vary)}"


def _processors(model: ScenarioModel) -> Found:
    for name, disk in model.disks.items():
        if (disk.interrupt_processor or 0) >= model.machine.processors:
            last = model.machine.processors - 1
            message = f"the machine has processors 0 to {last}, not {disk.interrupt_processor}"
            yield ("disks", name, "interrupt_processor"), message
        for place, number in enumerate(disk.interrupt_processors):
            if number >= model.machine.processors:
                message = f"the machine has processors 0 to {model.machine.processors - 1}, not {number}"
                yield ("disks", name, "interrupt_processors", place), message
        if disk.numa_node >= model.machine.numa_nodes:
            message = f"the machine has NUMA nodes 0 to {model.machine.numa_nodes - 1}, not {disk.numa_node}"
            yield ("disks", name, "numa_node"), message


def _pools(model: ScenarioModel) -> Found:
    """Pools that grow can, and every one of a port's queues has threads."""
    processors = model.machine.processors
    for name, pool in model.pools.items():
        threads = count_on(pool.threads, processors)
        per_processor = pool.port in model.ports and model.ports[pool.port].per == "processor"
        if per_processor and threads < processors:
            message = f"{processors} are needed: '{pool.port}' is a port for each processor, and each needs a thread"
            yield ("pools", name, "threads"), message
        if pool.grows is None:
            continue
        if (most := count_on(pool.grows.max, processors)) < threads:
            yield ("pools", name, "grows", "max"), f"at most {most} threads, but the pool begins with {threads}"
        others = [other for other, it in model.pools.items() if it.port == pool.port and other != name]
        if others:
            message = f"a pool that grows needs a port to itself; '{pool.port}' also has pool '{others[0]}'"
            yield ("pools", name, "port"), message
        if per_processor:
            yield ("pools", name, "grows"), f"a pool can't grow on '{pool.port}', a port for each processor"
        if model.machine.kernel.port_lock:
            yield ("pools", name, "grows"), "a pool can't grow where machine.kernel.port_lock is above 0"
    machine = model.machine
    groups = Topology(machine.numa_nodes, machine.processors // machine.numa_nodes).groups
    for name, pool in model.pools.items():
        if pool.group >= groups:
            yield ("pools", name, "group"), f"the machine has processor groups 0 to {groups - 1}, not {pool.group}"
        elif pool.node is not None and pool.node >= model.machine.numa_nodes:
            message = f"the machine has NUMA nodes 0 to {model.machine.numa_nodes - 1}, not {pool.node}"
            yield ("pools", name, "node"), message
        elif pool.node is not None and (pool.group or pool.affinity == "processor"):
            yield ("pools", name, "node"), "a node says where its threads run; leave 'group' and 'affinity' out"
        elif pool.group and pool.affinity == "processor":
            message = "threads with 'affinity: processor' are spread over all groups' processors; leave 'group' out"
            yield ("pools", name, "group"), message
