"""Values that a study tries, as people write them: `8,16,32`, `1..64*2` (times 2), `0..100+25` (plus 25), `1..4` (plus 1).

A range ends with the last value that is not beyond its end; a unit behind it goes with every value (`4..64*2 KiB`).
"""

import re
from fractions import Fraction
from typing import Any

from iosim.errors import Mistake, WrongInput
from iosim.scenario.nodes import read_text

MOST = 10_000  # values of one range
_NUMBER = r"\d+(?:\.\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\.\.({_NUMBER})(?:([*+])({_NUMBER}))?\s*([^\d\s.*+].*)?")
_EXAMPLE = "a range is written like '1..64*2', '0..100+25' or '1..4'"


def expand(value: Any) -> list[Any]:
    """The values of a range; anything else is one value. Raises ValueError for a range that has no end or no values."""
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return [value]
    first, last = Fraction(found[1]), Fraction(found[2])
    factor, step = found[3] == "*", Fraction(found[4] or 1)
    if last < first or step <= (1 if factor else 0) or (factor and not first):
        raise ValueError(f"'{value}' has no values, or no end; {_EXAMPLE}")
    numbers: list[Fraction] = []
    while first <= last:
        if len(numbers) == MOST:
            raise ValueError(f"'{value}' has more than {MOST} values")
        numbers.append(first)
        first = first * step if factor else first + step
    return [_written(number, (found[5] or "").strip()) for number in numbers]


def _written(number: Fraction, unit: str) -> Any:
    plain = number.numerator if number.denominator == 1 else float(number)
    return f"{plain} {unit}" if unit else plain


def parse_vary(text: str) -> tuple[str, list[Any]]:
    """The path and the values of `PATH=V1,V2,...`; each value follows the rules of the file, or is a range.

    Raises WrongInput. Commas inside brackets divide nothing.
    """
    path, equals, written = text.partition("=")
    source = f"--vary {text}"
    parts = _divided(written)
    if not equals or not path.strip() or not all(part.strip() for part in parts):
        raise WrongInput([Mistake(source, 0, 0, "", "write PATH=V1,V2, like 'pools.workers.threads=8,16,32'")])
    values: list[Any] = []
    for part in parts:
        try:
            several = expand(part)
        except ValueError as error:
            raise WrongInput([Mistake(source, 0, 0, "", str(error))]) from None
        if several != [part]:
            values += several
            continue
        node, mistakes = read_text(part, source, placed=False)
        if mistakes:
            raise WrongInput(mistakes)
        values.append(node.plain())
    return path.strip(), values


def _divided(text: str) -> list[str]:
    """The parts between commas that are inside no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
