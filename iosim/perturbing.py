"""Every key of a scenario changed by itself: numbers, times, sizes and rates up and down, words and flags to another value.

Read from the schema, so that a new key is perturbed without anybody telling. Left alone: what names something, what says how
long and how often to run (`run`, `study`, `expect`), lists, and keys that are not set.
"""

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from iosim.errors import WrongInput
from iosim.scenario.loader import Scenario, reloaded
from iosim.scenario.reading import Read, Section

UP, DOWN, OTHER = 1, -1, 0
UNTOUCHED = {"version", "scenario", "description", "extends", "overloads", "run", "study", "expect"}
_QUANTITY = re.compile(r"^([0-9.]+(?:e[+-]?[0-9]+)?)(\s*)([^0-9\s].*)$")
_FROM_NOTHING = {"s": "1 us", "ns": "1 us", "us": "1 us", "ms": "1 us", "b": "4 KiB", "%": "10 %"}


@dataclass(frozen=True, slots=True)
class Change:
    """One key with another value; `direction` is UP or DOWN for quantities, OTHER for words.

    `refused` says why the scenario can't be so; nothing else of it may be changed beside the key.
    """

    path: str
    value: Any
    direction: int
    refused: str = ""


def perturbations(scenario: Scenario, factor: float, until: float = math.inf) -> tuple[Scenario, list[Change]]:
    """The scenario with all its keys written out, and every change of one of them.

    Where `factor` leads out of what a key may be, smaller ones are tried: its root, and a tenth. From `until` on
    (time.monotonic()) nobody looks any more whether a change is possible.
    """
    whole = reloaded(scenario.with_set({"study": None}) if scenario.model.study else scenario)
    plain = whole.effective()
    tried: dict[tuple[str, int, Any], Change] = {}
    for by in (factor, factor**0.5, 1.1):
        for change in _of_section(whole.model, plain, "", by):
            place = change.path, change.direction, change.value if change.direction == OTHER else None
            if place not in tried or (tried[place].refused and change.direction != OTHER):
                tried[place] = _possible(whole, change) if time.monotonic() < until else change
    return whole, list(tried.values())


def _possible(whole: Scenario, change: Change) -> Change:
    """The change, or why it can't be made."""
    try:
        whole.with_set({change.path: change.value})
    except WrongInput as error:
        return replace(change, refused=error.mistakes[0].message)
    return change


def _of_section(section: Section, plain: dict[str, Any], path: str, factor: float) -> Iterator[Change]:
    for name, field in type(section).model_fields.items():
        key = field.alias or name
        if key not in plain or (not path and key in UNTOUCHED):
            continue
        inner = f"{path}.{key}" if path else key
        yield from _of_value(getattr(section, name), field, plain[key], inner, factor)


def _of_value(value: Any, field: FieldInfo, plain: Any, path: str, factor: float) -> Iterator[Change]:
    if isinstance(value, Section):
        yield from _of_section(value, plain, path, factor)
    elif isinstance(value, dict) and isinstance(plain, dict):
        for name, part in value.items():
            if isinstance(part, Section):
                yield from _of_section(part, plain[name], f"{path}.{name}", factor)
            elif isinstance(part, tuple):
                yield from _of_list(part, plain[name], f"{path}.{name}", factor)
    elif isinstance(value, tuple):
        yield from _of_list(value, plain, path, factor)
    else:
        yield from _of_leaf(field, plain, path, factor)


def _of_list(value: tuple[Any, ...], plain: Any, path: str, factor: float) -> Iterator[Change]:
    for place, part in enumerate(value):
        if isinstance(part, Section):
            yield from _of_section(part, plain[place], f"{path}[{place}]", factor)


def _of_leaf(field: FieldInfo, plain: Any, path: str, factor: float) -> Iterator[Change]:
    words = _words(field, plain)
    if words:
        yield from (Change(path, word, OTHER) for word in words if word != plain)
    elif isinstance(plain, bool):
        yield Change(path, not plain, OTHER)
    else:
        for direction, by in ((UP, factor), (DOWN, 1 / factor)):
            changed = scaled(plain, by)
            if changed is not None and changed != plain:
                yield Change(path, changed, direction)


def _words(field: FieldInfo, plain: Any) -> list[str]:
    """What a key that takes one of a few words may be; empty for others."""
    literal = _literals(field.annotation)
    if len(literal) > 1:
        return literal
    examples = [word for it in field.metadata if isinstance(it, Read) for word in it.schema.get("examples", ())]
    known = [word for word in examples if isinstance(word, str) and word.isalpha()]
    return known if plain in known else []


def _literals(kind: Any) -> list[str]:
    if get_origin(kind) is Annotated:
        return _literals(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return [str(word) for word in get_args(kind)] if all(isinstance(it, str) for it in get_args(kind)) else []
    found = [_literals(part) for part in get_args(kind) if part is not type(None)]
    return found[0] if len(found) == 1 else []


def scaled(plain: Any, by: float) -> Any:
    """The same quantity, or every quantity of a distribution, times `by`; from nothing, a little. None: it is no quantity."""
    if isinstance(plain, bool) or plain is None:
        return None
    if isinstance(plain, int):
        return (1 if by > 1 else None) if plain == 0 else max(1, round(plain * by))
    if isinstance(plain, float):
        return (0.1 if by > 1 else None) if plain == 0 else plain * by
    if isinstance(plain, str):
        return _scaled_text(plain, by)
    if isinstance(plain, dict) and len(plain) == 1:
        ((shape, body),) = plain.items()
        parts = _scaled_body(body, by)
        return None if parts is None else {shape: parts}
    return None


def _scaled_text(plain: str, by: float) -> str | None:
    found = _QUANTITY.match(plain)
    if not found:
        return None
    number, space, unit = found.groups()
    if float(number) == 0:
        return _FROM_NOTHING.get(unit.lower()) if by > 1 else None
    return f"{float(number) * by:.10g}{space}{unit}"


def _scaled_body(body: Any, by: float) -> Any:
    """Texts are quantities; plain numbers (sigma, shape, weights, shares) stay."""
    if isinstance(body, str):
        return _scaled_text(body, by)
    if isinstance(body, list):
        return [_scaled_body(part, by) for part in body]
    if isinstance(body, dict):
        return {name: _scaled_body(part, by) for name, part in body.items()}
    return body
