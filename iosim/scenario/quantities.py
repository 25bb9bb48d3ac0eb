"""The leaves of a scenario: quantities with units, whole numbers, and counts per processor.

In a validated model every quantity is an integer in the model's grain; dumped for JSON or YAML it is text with a unit
again, so that what was run can be run once more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, TypeAlias

from iosim import units
from iosim.scenario.reading import Json, Read, bounded, number, shown, whole
from iosim.scenario.suggest import closest

MOST_A_PROCESSOR = 10_000  # threads, or places at a port: more than any machine has memory for
NO_LIMIT = 2**31 - 1  # a port's `concurrency: none`: more than any machine has threads


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


def _meant(value: Any) -> str:
    """YAML 1.1 knew more words; they are text here."""
    word = str(value).lower()
    if word in {"yes", "on", "y", "no", "off", "n"}:
        return f"; write {'true' if word in {'yes', 'on', 'y'} else 'false'}"
    return ""


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither true nor false{_meant(value)}")
    return value


def _ratio(value: Any) -> float:
    ratio = float(units.parse_percent(value)) if isinstance(value, str) else number(value)
    if not 0 <= ratio <= 1:
        raise ValueError(f"{shown(value)} is not between 0 and 1 (or 0 % and 100 %)")
    return ratio


def whole_between(low: int, high: int) -> Read:
    """A whole number within limits."""
    schema: Json = {"type": "integer", "minimum": low, "maximum": high}
    return Read(bounded(whole, low, high), int, schema)


def number_between(low: float, high: float) -> Read:
    """A plain number within limits."""
    schema: Json = {"type": "number", "minimum": low, "maximum": high}
    return Read(bounded(number, low, high), float, schema)


Index: TypeAlias = Annotated[int, whole_between(0, units.LARGEST)]
Count: TypeAlias = Annotated[int, whole_between(1, units.LARGEST)]
UpTo64: TypeAlias = Annotated[int, whole_between(1, 64)]
Priority: TypeAlias = Annotated[int, whole_between(1, 15)]
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


def count_on(count: int | PerProcessor, processors: int) -> int:
    """A count on a machine with so many logical processors."""
    return count if isinstance(count, int) else count.on(processors)


def _count(value: Any) -> int | PerProcessor:
    if isinstance(value, str):
        number, slash, unit = (part.strip() for part in value.partition("/"))
        if slash and unit == "processor" and number.isascii() and number.isdigit() and int(number[:9]) > 0:
            if int(number[:9]) > MOST_A_PROCESSOR:
                raise ValueError(f"{shown(value)} is more than {MOST_A_PROCESSOR}/processor")
            return PerProcessor(int(number[:9]))
        raise ValueError(f"{shown(value)} is not a count; write a whole number, or like '2/processor'")
    return bounded(whole, 1, 1_000_000)(value)


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
