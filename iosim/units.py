"""Quantities as people write them ("20 us", "64 KiB", "10 Gbit/s"), read into exact integers and written back.

Time is integer nanoseconds, sizes are bytes, link speeds bits per second, rates an exact fraction per second. Nothing
is guessed: a unit is required, `k` alone or `Kb` is refused, and a value finer than the model's grain is an error
rather than a rounding. Every formatter's text reads back as the same number.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

NS = 1
US = 1_000
MS = 1_000_000
S = 1_000_000_000
KIB = 1 << 10
PAGE = 4 * KIB  # bytes of a page of memory
BIT = 1  # to be shifted: compiled, C would shift a literal 1 within 32 bits
MIB = 1 << 20
GIB = 1 << 30

LARGEST = 1 << 62  # sums of two such values still fit the signed 64 bits of compiled code

_QUANTITY = re.compile(r"([+-]?)([0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?)\s*(\S.*)?")
_TIME_UNITS = {"ns": 1, "us": US, "ms": MS, "s": S, "min": 60 * S, "h": 3600 * S}


@dataclass(frozen=True, slots=True)
class Dimension:
    """A kind of quantity: how people call it, and every unit that it may be written in.

    `units` maps each legal unit to how many `grain`s it holds; the grain is the integer that the model works with.
    """

    noun: str
    example: str
    grain: str
    units: dict[str, Fraction]

    @property
    def legal(self) -> str:
        """The legal units as text for a message; the second spelling of microseconds is left out."""
        return ", ".join(unit for unit in self.units if unit.isascii())

    @property
    def pattern(self) -> str:
        """A regular expression (ECMA flavour, for JSON schema) of the text form."""
        units = "|".join(re.escape(unit) for unit in self.units)
        return rf"^[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)? ?({units})$"


def _table(units: dict[str, int]) -> dict[str, Fraction]:
    """Exact factors, with both code points of the micro sign beside `us`."""
    micro = {f"{sign}s": US for sign in "µμ"} if "us" in units else {}
    return {unit: Fraction(factor) for unit, factor in (units | micro).items()}


_SIZE_UNITS = {
    "B": 1,
    "KiB": KIB,
    "MiB": MIB,
    "GiB": GIB,
    "TiB": 1 << 40,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
_BIT_UNITS = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9, "Tbit/s": 10**12}
_BYTE_RATES = {f"{unit}/s": 8 * size for unit, size in _SIZE_UNITS.items()}

TIME = Dimension("a time", "20 us", "ns", _table(_TIME_UNITS))
SIZE = Dimension("a size", "64 KiB", "B", _table(_SIZE_UNITS))
BANDWIDTH = Dimension("a bandwidth", "10 Gbit/s", "bit/s", _table(_BIT_UNITS | _BYTE_RATES))
ROTATION = Dimension("a rotation speed", "7200 rpm", "rpm", {"rpm": Fraction(1)})
PERCENT = Dimension("a percentage", "80 %", "%", {"%": Fraction(1)})
RATE = Dimension(
    "a rate",
    "20000/s",
    "/s",
    {f"/{unit}": Fraction(S) / factor for unit, factor in _table(_TIME_UNITS).items()},
)
DIMENSIONS = (TIME, SIZE, RATE, BANDWIDTH, ROTATION, PERCENT)

# What people write for a unit elsewhere, and what they may have meant.
_LOOKALIKES = {
    "k": "KiB (1024 bytes) or kB (1000 bytes)",
    "K": "KiB (1024 bytes) or kB (1000 bytes)",
    "KB": "KiB (1024 bytes) or kB (1000 bytes)",
    "Kb": "KiB (1024 bytes), kB (1000 bytes), or kbit/s for a link",
    "kb": "KiB (1024 bytes), kB (1000 bytes), or kbit/s for a link",
    "M": "MiB, MB, ms or min",
    "m": "ms, min or MiB",
    "Mb": "MiB, MB, or Mbit/s for a link",
    "mb": "MiB, MB, or Mbit/s for a link",
    "G": "GiB or GB",
    "g": "GiB or GB",
    "Gb": "GiB, GB, or Gbit/s for a link",
    "gb": "GiB, GB, or Gbit/s for a link",
    "T": "TiB or TB",
    "u": "us",
    "b": "B for bytes, or bit/s for a link",
    "Mbps": "Mbit/s",
    "Gbps": "Gbit/s",
    "MBps": "MB/s",
    "GBps": "GB/s",
    "sec": "s",
    "seconds": "s",
    "msec": "ms",
    "usec": "us",
    "nsec": "ns",
    "hz": "/s",
    "Hz": "/s",
    "iops": "/s",
    "IOPS": "/s",
    "rps": "/s",
}


def parse(value: object, dimension: Dimension) -> Fraction:
    """The exact number of grains that `value` (the text of a quantity) stands for.

    Raises ValueError with a sentence that says what was expected.
    """
    text = value.strip() if isinstance(value, str) else _bare_number(value, dimension)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{_quote(text)} is not {dimension.noun}; write it like '{dimension.example}'")
    sign, number, unit = match.groups()
    if not unit:
        raise ValueError(_no_unit(text, dimension))
    factor = dimension.units.get(unit)
    if factor is None:
        raise ValueError(_wrong_unit(text, unit, dimension))
    if sign == "-":
        raise ValueError(f"{_quote(text)} is negative; {dimension.noun} is 0 or more")
    grains = Fraction(number) * factor
    if grains > LARGEST:
        raise ValueError(f"{_quote(text)} is too large; the most is 2^62 {dimension.grain}")
    return grains


def _bare_number(value: object, dimension: Dimension) -> str:
    """Numbers go on as text, to be told that they lack a unit; anything else is refused here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{dimension.noun} is needed here, like '{dimension.example}'")
    return str(value)


def _quote(text: str) -> str:
    shown = text if len(text) <= 40 else text[:37] + "..."
    return f"'{shown}'"


def _no_unit(text: str, dimension: Dimension) -> str:
    return (
        f"{_quote(text)} has no unit; {dimension.noun} is written like '{dimension.example}' (units: {dimension.legal})"
    )


def _wrong_unit(text: str, unit: str, dimension: Dimension) -> str:
    """A quantity of another kind is named as such; a lookalike is explained; the rest lists what is legal."""
    for other in DIMENSIONS:
        if unit in other.units:
            return f"{_quote(text)} is {other.noun}; {dimension.noun} is needed, like '{dimension.example}'"
    if unit in _LOOKALIKES:
        return f"{_quote(text)}: '{unit}' is not a unit; write {_LOOKALIKES[unit]} (units: {dimension.legal})"
    meant = [known for known in dimension.units if known.lower() == unit.lower() and known.isascii()]
    hint = f"; did you mean '{meant[0]}'?" if meant else ""
    kind = dimension.noun.split(" ", 1)[1]
    return f"{_quote(text)}: {_quote(unit)} is not a unit of {kind}{hint} (units: {dimension.legal})"


def _whole(value: object, dimension: Dimension) -> int:
    grains = parse(value, dimension)
    if grains.denominator != 1:
        raise ValueError(f"{_quote(str(value))} is finer than 1 {dimension.grain}, the model's grain")
    return grains.numerator


def parse_time(value: object) -> int:
    """Nanoseconds of a text like `1.2 us`."""
    return _whole(value, TIME)


def parse_size(value: object) -> int:
    """Bytes of a text like `64 KiB`."""
    return _whole(value, SIZE)


def parse_bandwidth(value: object) -> int:
    """Bits per second of a text like `10 Gbit/s` or `550 MB/s`."""
    return _whole(value, BANDWIDTH)


def parse_rotation(value: object) -> int:
    """Revolutions a minute of a text like `7200 rpm`."""
    return _whole(value, ROTATION)


def parse_rate(value: object) -> Fraction:
    """Events per second of a text like `20000/s` or `5/ms`, exactly."""
    return parse(value, RATE)


def parse_percent(value: object) -> Fraction:
    """The ratio (1 = all) of a text like `80 %`."""
    return parse(value, PERCENT) / 100


def ps_per_byte(bits_per_s: int) -> int:
    """Picoseconds that one byte takes at this speed, rounded to the nearest; at least 1."""
    return max(1, (8 * 10**12 + bits_per_s // 2) // bits_per_s)


def decimal_text(value: Fraction) -> str:
    """The exact decimal digits of a fraction whose denominator has only the factors 2 and 5."""
    places = 0
    while value.denominator != 1:
        value, places = value * 10, places + 1
        if places > 60:
            raise ValueError("no finite decimal form")
    digits = str(value.numerator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def format_time(ns: int) -> str:
    """The shortest exact text, in the largest unit up to seconds that is not above the value."""
    for unit in ("s", "ms", "us"):
        if ns >= _TIME_UNITS[unit]:
            return f"{decimal_text(Fraction(ns, _TIME_UNITS[unit]))} {unit}"
    return f"{ns} ns"


def format_size(size: int) -> str:
    """The shortest text with a whole number; binary units before decimal ones."""
    return _shortest(size, _SIZE_UNITS)


def size_in_words(size: int) -> str:
    """The exact size; where that takes many digits, also about how much it is."""
    exact = format_size(size)
    unit = next((it for it in ("TiB", "GiB", "MiB") if size >= _SIZE_UNITS[it]), "")
    return f"{exact} (about {size / _SIZE_UNITS[unit]:.4g} {unit})" if unit and exact.index(" ") > 4 else exact


def format_bandwidth(bits_per_s: int) -> str:
    """The shortest text with a whole number, in bits or bytes a second."""
    return _shortest(bits_per_s, _BIT_UNITS | _BYTE_RATES)


def _shortest(grains: int, units: dict[str, int]) -> str:
    """Fewest digits first, then the shortest unit, then the earlier one of the table."""
    texts = [f"{grains // factor} {unit}" for unit, factor in units.items() if grains % factor == 0]
    return min(texts, key=lambda text: (text.index(" "), len(text))) if grains else f"0 {next(iter(units))}"


def format_rate(per_s: Fraction | int) -> str:
    """Events a second, or a minute or hour where only that is a finite decimal."""
    for seconds, unit in ((1, "s"), (60, "min"), (3600, "h")):
        try:
            return f"{decimal_text(Fraction(per_s) * seconds)}/{unit}"
        except ValueError:
            continue
    raise ValueError(f"{per_s} per second has no finite decimal form")


def format_rotation(rpm: int) -> str:
    """Revolutions a minute."""
    return f"{rpm} rpm"


def format_percent(ratio: Fraction) -> str:
    """A ratio as a percentage."""
    return f"{decimal_text(ratio * 100)} %"


def as_written(value: object) -> object:
    """A scenario's value as its file has it: `true`, not Python's `True`; all others are themselves."""
    return str(value).lower() if isinstance(value, bool) else value
