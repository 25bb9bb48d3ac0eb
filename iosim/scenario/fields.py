"""The schema read as a reference: which keys a place has, and every default with its source."""

import json
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from iosim import units
from iosim.presets import DRIVES
from iosim.presets.words import in_words
from iosim.scenario.schema import ScenarioModel


@dataclass(frozen=True, slots=True)
class Default:
    """One key that has a default, or one known drive: where the number comes from and how sure it is.

    In `path` the user's own names are NAME, indexes N, and a kind stands in parentheses: `disks.NAME(hdd).overhead`.
    """

    path: str
    value: str
    source: str
    sure: str
    description: str

    @property
    def place(self) -> str:
        """The path without the kind."""
        before, _, rest = self.path.partition("(")
        return before + rest.partition(")")[2]


def section_at(loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The kind of map that pydantic was reading at `loc` (with its union tags)."""
    kind: Any = ScenarioModel
    for part in loc:
        kind = _inside(kind, part)
    kind = _bare(kind)
    return kind if _is_section(kind) else None


def defaults() -> Iterator[Default]:
    """Every key with a default, in the order of the schema."""
    yield from _of_section(ScenarioModel, "")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of every value of a scenario that is plain data."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from leaves(child, f"{path}[{key}]" if "." in key else f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(child, (dict, list)) for child in value):
        for index, child in enumerate(value):
            yield from leaves(child, f"{path}[{index}]")
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


def same_quantity(a: str, b: str) -> bool:
    """Whether two texts say the same, `300 ns` and `0.3 us` too."""
    readers: tuple[Callable[[object], Any], ...] = (
        units.parse_time,
        units.parse_size,
        units.parse_bandwidth,
        units.parse_rate,
    )
    for read in readers:
        try:
            return bool(read(a) == read(b))
        except ValueError:
            continue
    return a == b


def drives() -> Iterator[Default]:
    """The known drives, each with all its parameters in one text."""
    for name, preset in DRIVES.items():
        text = "; ".join(f"{key}: {', '.join(texts)}" for key, texts in in_words(preset.params) if texts)
        yield Default(name, text, preset.source, preset.sure, "a known drive")


def _of_section(section: type[BaseModel], path: str) -> Iterator[Default]:
    for name, field in section.model_fields.items():
        inner = f"{path}.{field.alias or name}" if path else field.alias or name
        nested = dict.fromkeys(kinds_inside(field.annotation, inner))
        if not nested and field.default is not PydanticUndefined:
            yield _of_field(field, inner)
        for kind, place in nested:
            yield from _of_section(kind, place)


def _of_field(field: FieldInfo, path: str) -> Default:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    words: dict[str, str] = {"None": "(none)", "False": "false", "True": "true", "()": "[]"}
    value = words.get(str(field.default), str(field.default))
    source, sure = str(extra.get("source", "")), str(extra.get("sure", ""))
    return Default(path, value, source, sure, field.description or "")


def kinds_inside(kind: Any, path: str) -> Iterator[tuple[type[BaseModel], str]]:
    """The kinds of maps below a key of type `kind`, each with the path that leads there."""
    kind = _bare(kind)
    if _is_section(kind):
        yield kind, path
    elif _is_union(kind):
        for member in get_args(kind):
            tag = next((it.tag.strip(":") for it in get_args(member) if isinstance(it, Tag)), "")
            yield from kinds_inside(member, f"{path}({tag})" if tag and path.endswith(".NAME") else path)
    elif get_origin(kind) is dict:
        yield from kinds_inside(get_args(kind)[1], f"{path}.NAME")
    elif get_origin(kind) is tuple:
        yield from kinds_inside(get_args(kind)[0], f"{path}[N]")


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _bare(kind: Any) -> Any:
    """The type without Annotated and without `| None`."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    members = [member for member in get_args(kind) if member is not type(None)] if _is_union(kind) else []
    return _bare(members[0]) if len(members) == 1 else kind


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _inside(kind: Any, part: str | int) -> Any:
    kind = _bare(kind)
    if _is_union(kind):
        return next((member for member in get_args(kind) if Tag(str(part)) in get_args(member)), None)
    if _is_section(kind):
        fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        return fields.get(str(part))
    arguments = get_args(kind)
    return arguments[-1 if get_origin(kind) is dict else 0] if arguments else None
