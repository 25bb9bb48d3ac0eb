"""The leaves of a scenario: quantities with units, whole numbers, counts per processor, and how a key is documented.

In a validated model every quantity is an integer in the model's grain; dumped for JSON or YAML it is text with a unit
again, so that what was run can be run once more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, NoReturn, TypeAlias, TypeVar

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

NO_LIMIT = 2**31 - 1  # a port's `concurrency: none`: more than any machine has threads

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


def _quantity(
    read: Callable[[Any], Any], show: Callable[[Any], str], dimension: units.Dimension, *, positive: bool = False
) -> Read:
    def read_positive(value: Any) -> Any:
        quantity = read(value)
        if quantity == 0:
            raise ValueError(f"{dimension.noun} above 0 is needed, like '{dimension.example}'")
        return quantity

    schema: Json = {"type": "string", "pattern": dimension.pattern, "examples": [dimension.example]}
    return Read(read_positive if positive else read, show, schema)


Time: TypeAlias = Annotated[int, _quantity(units.parse_time, units.format_time, units.TIME)]
PositiveTime: TypeAlias = Annotated[int, _quantity(units.parse_time, units.format_time, units.TIME, positive=True)]
Size: TypeAlias = Annotated[int, _quantity(units.parse_size, units.format_size, units.SIZE)]
PositiveSize: TypeAlias = Annotated[int, _quantity(units.parse_size, units.format_size, units.SIZE, positive=True)]
Rate: TypeAlias = Annotated[Fraction, _quantity(units.parse_rate, units.format_rate, units.RATE, positive=True)]
Bandwidth: TypeAlias = Annotated[
    int, _quantity(units.parse_bandwidth, units.format_bandwidth, units.BANDWIDTH, positive=True)
]
Rotation: TypeAlias = Annotated[
    int, _quantity(units.parse_rotation, units.format_rotation, units.ROTATION, positive=True)
]


def _whole(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{_shown(value)} is not a whole number")
    if abs(value) > units.LARGEST:
        raise ValueError("a number beyond 2^62")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= units.LARGEST:
        raise ValueError(f"{_shown(value)} is not a plain number")
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{_shown(value)} is neither true nor false")
    return value


def _ratio(value: Any) -> float:
    ratio = float(units.parse_percent(value)) if isinstance(value, str) else _number(value)
    if not 0 <= ratio <= 1:
        raise ValueError(f"{_shown(value)} is not between 0 and 1 (or 0 % and 100 %)")
    return ratio


def _shown(value: Any) -> str:
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
            raise ValueError(f"{_shown(value)} is not between {low} and {high}")
        return number

    return check


def _whole_between(low: int, high: int) -> Read:
    schema: Json = {"type": "integer", "minimum": low, "maximum": high}
    return Read(bounded(_whole, low, high), int, schema)


def number_between(low: float, high: float) -> Read:
    """A plain number within limits."""
    schema: Json = {"type": "number", "minimum": low, "maximum": high}
    return Read(bounded(_number, low, high), float, schema)


Index: TypeAlias = Annotated[int, _whole_between(0, units.LARGEST)]
Count: TypeAlias = Annotated[int, _whole_between(1, units.LARGEST)]
UpTo64: TypeAlias = Annotated[int, _whole_between(1, 64)]
Priority: TypeAlias = Annotated[int, _whole_between(1, 15)]
Weight: TypeAlias = Annotated[float, number_between(0, 1e18)]
Flag: TypeAlias = Annotated[bool, Read(_flag, bool, {"type": "boolean"})]
Ratio: TypeAlias = Annotated[float, Read(_ratio, float, {"type": ["number", "string"], "examples": [0.9, "90 %"]})]


@dataclass(frozen=True, slots=True)
class PerProcessor:
    """So many for every logical processor of the machine, which is known only once the machine is built."""

    times: int

    def __str__(self) -> str:
        return f"{self.times}/processor"

    def on(self, processors: int) -> int:
        """How many that is on a machine with so many logical processors."""
        return self.times * processors


def _count(value: Any) -> int | PerProcessor:
    if isinstance(value, str):
        number, slash, unit = (part.strip() for part in value.partition("/"))
        if slash and unit == "processor" and number.isascii() and number.isdigit() and int(number[:9]) > 0:
            return PerProcessor(int(number[:9]))
        raise ValueError(f"{_shown(value)} is not a count; write a whole number, or like '2/processor'")
    return bounded(_whole, 1, 1_000_000)(value)


def _concurrency(value: Any) -> int | PerProcessor:
    if value == "none":
        return NO_LIMIT
    if value == 0 and not isinstance(value, bool):
        return 0
    try:
        return _count(value)
    except ValueError as error:
        raise ValueError(f"{error}; 0 means one for every processor, 'none' means no limit") from None


def _show_count(value: int | PerProcessor) -> int | str:
    if isinstance(value, PerProcessor):
        return str(value)
    return "none" if value == NO_LIMIT else value


_COUNT_SCHEMA: Json = {"type": ["integer", "string"], "examples": [8, "2/processor"]}
Threads: TypeAlias = Annotated[int | PerProcessor, Read(_count, _show_count, _COUNT_SCHEMA)]
Concurrency: TypeAlias = Annotated[int | PerProcessor, Read(_concurrency, _show_count, _COUNT_SCHEMA)]


def word_or(words: dict[str, Any], read: Callable[[Any], Any], show: Callable[[Any], Any], dimension: str) -> Read:
    """One of a few words (each standing for a value), or else a quantity."""
    names = ", ".join(words)
    back = {value: word for word, value in words.items()}

    def parse(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return words[value]
        if isinstance(value, str) and value[:1].isalpha():
            raise ValueError(f"'{value}' is not one of {names}{closest(value, words)}, nor {dimension}")
        return read(value)

    def write(value: Any) -> Any:
        return back[value] if value in back else show(value)

    return Read(parse, write, {"type": "string", "examples": [*words]})


TimeOrAuto: TypeAlias = Annotated[
    int | None, word_or({"auto": None}, units.parse_time, units.format_time, "a time like '500 ms'")
]  # None is auto


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
    return bounded(_number, low, high)


def whole_in(low: int, high: int) -> Callable[[Any], int]:
    """A reader of a whole number within limits."""
    return bounded(_whole, low, high)
