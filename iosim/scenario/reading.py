"""How parts of a scenario are read: documented keys, leaves read by functions of ours, mistakes with their places."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
)
from pydantic_core import PydanticCustomError, core_schema

from iosim import units
from iosim.scenario.suggest import closest

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")
N = TypeVar("N", int, float)


class Section(BaseModel):
    """One map of the scenario file: immutable, and every key that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


def key(default: Any, doc: str, *, source: str = "", sure: str = "", **limits: Any) -> Any:
    """A documented key: `default` as it would be written in the file (`...` = required), and where it comes from.

    `sure` is how well the number is known: measured, documented, derived or assumed.
    """
    extra: Json = {name: text for name, text in (("source", source), ("sure", sure)) if text}
    return Field(default, description=doc, json_schema_extra=extra or None, **limits)


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """How pydantic reads a leaf by a function of ours, writes it back, and describes it to an editor."""

    read: Callable[[Any], Any]
    show: Callable[[Any], Any]
    schema: Json

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        writer = core_schema.plain_serializer_function_ser_schema(self._text, when_used="json")
        return core_schema.no_info_plain_validator_function(self.read, serialization=writer)

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return self.schema.copy()

    def _text(self, value: Any) -> Any:
        return value if isinstance(value, str) else self.show(value)


def whole(value: Any) -> int:
    """A whole number; `1e6` is one, `true` and `1.5` are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{shown(value)} is not a whole number")
    if abs(value) > units.LARGEST:
        raise ValueError("a number beyond 2^62")
    return value


def number(value: Any) -> float:
    """A plain finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= units.LARGEST:
        raise ValueError(f"{shown(value)} is not a plain number")
    return float(value)


def shown(value: Any) -> str:
    """A value as a message quotes it."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value[:40]}'" if isinstance(value, str) else str(value)[:40]


def bounded(read: Callable[[Any], N], low: float, high: float) -> Callable[[Any], N]:
    """The same reader, but a value outside low..high is a mistake."""

    def check(value: Any) -> N:
        number = read(value)
        if not low <= number <= high:
            wanted = f"is not {low} or more" if high == units.LARGEST else f"is not between {low} and {high}"
            raise ValueError(f"{shown(value)} {wanted}")
        return number

    return check


def by_tag(tag: Callable[[Json], str | None], message: str) -> Discriminator:
    """Choose among shapes by the keys written; tags begin with ':' so that no key is ever taken for one."""

    def choose(value: Any) -> str | None:
        return tag(dict(value)) if isinstance(value, (dict, BaseModel)) else None

    return Discriminator(choose, custom_error_type="shape", custom_error_message=message)


def mistake_at(path: tuple[str | int, ...], message: str, *, on_key: bool = False) -> PydanticCustomError:
    """A mistake further inside what is being read; with `on_key` it points at the key, not at its value."""
    return PydanticCustomError("placed", "{message}", {"message": message, "at": path, "on_key": on_key})


def refuse(message: str) -> NoReturn:
    """A mistake at the place being read."""
    raise ValueError(message)


def at(part: str | int, read: Callable[..., T], *arguments: Any) -> T:
    """Read something that lies under `part`, so that its mistakes are shown where they were written."""
    try:
        return read(*arguments)
    except PydanticCustomError as error:
        inner = error.context or {}
        raise mistake_at((part, *inner["at"]), inner["message"], on_key=inner["on_key"]) from None
    except ValueError as error:
        raise mistake_at((part,), str(error)) from None


def only_key(value: dict[str, Any], known: tuple[str, ...], noun: str) -> str:
    """The one key of a map that chooses a shape."""
    for name in value:
        if name not in known:
            hint = closest(name, known) or f" (known: {', '.join(known)})"
            raise mistake_at((name,), f"unknown {noun}{hint}", on_key=True)
    if len(value) != 1:
        raise ValueError(f"exactly one {noun} is needed here ({', '.join(known)})")
    return next(iter(value))


def also_bare(schema: Json, bare: Any) -> Json:
    """The schema of a map that may also be written as one bare quantity."""
    described = {name: text for name, text in schema.items() if name in ("description", "title")}
    return {**described, "anyOf": [schema, TypeAdapter(bare).json_schema()]}


def whole_list(value: Any, length: int | None = None) -> list[Any]:
    """A list that is not empty, of exactly `length` items where given."""
    if not isinstance(value, (list, tuple)) or not value or (length is not None and len(value) != length):
        raise ValueError(f"a list of {length} values is needed" if length else "a list is needed")
    return list(value)


def number_in(low: float, high: float) -> Callable[[Any], float]:
    """A reader of a plain number within limits."""
    return bounded(number, low, high)


def whole_in(low: int, high: int) -> Callable[[Any], int]:
    """A reader of a whole number within limits."""
    return bounded(whole, low, high)
