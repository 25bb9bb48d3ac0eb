"""Which default numbers a scenario depends on: of the parts that it has, those that stand at their default.

A part's keys are those of its own kind: a disk that spins has other ones than one of flash. Of the machine, which has every
key in every scenario, those are left out that nothing in the scenario can reach. What is written in a file with the value
that it has anyway counts as well: its source is the same.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from iosim.scenario.fields import Default, defaults, drives, kinds_inside, leaves, same_quantity
from iosim.scenario.schema import ScenarioModel
from iosim.scenario.steps import CloseStep, OpenStep


def used_defaults(effective: Mapping[str, Any]) -> Iterator[Default]:
    """Those of a scenario that is plain data, each once; raises pydantic's ValidationError where that is no scenario."""
    model = ScenarioModel.model_validate(effective)
    known = {it.path: it for it in defaults() if it.source}
    idle = out_of_reach(model)
    found = {}
    for path, text in _leaves(model, ""):
        it = known.get(path)
        if it and not it.place.startswith(idle) and same_quantity(text, it.value):
            found[path] = it
    yield from found.values()
    chosen = {preset for disk in model.disks.values() if (preset := getattr(disk, "preset", None))}
    yield from (it for it in drives() if it.path in chosen)


def out_of_reach(model: ScenarioModel) -> tuple[str, ...]:
    """How the places of keys begin that nothing in this scenario asks for."""
    return tuple(place for place, reached in REACHED.items() if not reached(model))


def _leaves(section: BaseModel, path: str) -> Iterator[tuple[str, str]]:
    """Every value below a section by the path that the reference has for it, kinds included."""
    plain = section.model_dump(mode="json", by_alias=True)
    for name, field in type(section).model_fields.items():
        key = field.alias or name
        inner = f"{path}.{key}" if path else key
        kinds = dict(kinds_inside(field.annotation, inner))
        if not kinds:
            if plain[key] is not None:
                yield inner, next(leaves(plain[key]))[1]
            continue
        for child in _sections(getattr(section, name)):
            yield from _leaves(child, kinds[type(child)])


def _sections(value: Any) -> Iterator[BaseModel]:
    if isinstance(value, BaseModel):
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from _sections(child)
    elif isinstance(value, tuple):
        for child in value:
            yield from _sections(child)


def _has_cards(model: ScenarioModel) -> bool:
    return bool(model.nics)


def _has_files(model: ScenarioModel) -> bool:
    return bool(model.volumes)


def _caches(model: ScenarioModel) -> bool:
    return any(it.access == "cached" for it in model.files.values())


def _interrupts(model: ScenarioModel) -> bool:
    return bool(model.disks or model.nics)


def _by_apc(model: ScenarioModel) -> bool:
    return model.machine.kernel.completion_mode == "apc"


def _stores(how: str) -> Callable[[ScenarioModel], bool]:
    return lambda model: any(it.stored == how for it in model.files.values())


def _steps(kind: type[BaseModel]) -> Callable[[ScenarioModel], bool]:
    return lambda model: any(isinstance(step, kind) for steps in model.handlers.values() for step in steps)


# By the beginning of a key's place: whether anything in the scenario asks for it.
REACHED: dict[str, Callable[[ScenarioModel], bool]] = {
    "machine.smt.yield": lambda model: model.machine.smt.threads > 1,
    "machine.kernel.isr": _interrupts,
    "machine.kernel.dpc": _interrupts,
    "machine.kernel.page_lock": _interrupts,
    "machine.kernel.copy": lambda model: _caches(model) or _has_cards(model),
    "machine.kernel.cached_miss_workers": _caches,
    "machine.kernel.cache_workers": _caches,
    "machine.kernel.apc": _by_apc,
    "machine.kernel.compression": _stores("compressed"),
    "machine.kernel.encryption": _stores("encrypted"),
    "machine.stack.": _has_files,
    "machine.stack.create": _steps(OpenStep),
    "machine.stack.cleanup": _steps(CloseStep),
    "machine.tcp.": _has_cards,
    "disks.NAME.recovery.": lambda model: bool(model.faults),
}
