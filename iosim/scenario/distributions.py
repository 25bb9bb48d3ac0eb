"""How a time or a size may be drawn. What a draw does with the numbers stands in the model, not here.

A bare quantity is always itself; every other shape is a map with one key:
`{exponential: MEAN}`, `{uniform: [LOW, HIGH]}`, `{lognormal: {median: M, sigma: 0.8}}`,
`{pareto: {scale: SMALLEST, shape: 2.5}}`, `{choice: {values: [...], weights: [...]}}`,
`{empirical: [[VALUE, CUMULATIVE], ...]}` (linear between the points; the first value carries its own share); sizes also
`{table: NAME}`, a published distribution (presets/sizes.py).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, TypeAlias

from iosim import units
from iosim.presets.sizes import SIZE_TABLES
from iosim.scenario.reading import Json, Read, at, only_key, shown, whole_list
from iosim.scenario.reading import number_in as number
from iosim.scenario.suggest import closest

Parse: TypeAlias = Callable[[Any], int]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A shape with its quantities (nanoseconds or bytes) and its plain numbers.

    | shape | values | numbers |
    | --- | --- | --- |
    | fixed | value | |
    | exponential | mean | |
    | uniform | low, high | |
    | lognormal | median | sigma |
    | pareto | scale (the smallest value) | shape |
    | choice | the values | their weights, summing to 1 |
    | empirical | the values, rising | their cumulative shares, rising to 1 |
    """

    shape: str
    values: tuple[int, ...]
    numbers: tuple[float, ...] = ()
    table: str = ""  # the published table that its points come from

    def mean(self) -> float:
        """The expected value, in the quantity's grain."""
        return _MEANS[self.shape](self.values, self.numbers)

    @property
    def largest(self) -> float:
        """The largest value that can be drawn; infinite where there is no bound."""
        return math.inf if self.shape in ("exponential", "lognormal", "pareto") else max(self.values)

    @property
    def smallest(self) -> int:
        """The smallest value that can be drawn."""
        return 0 if self.shape in ("exponential", "lognormal") else min(self.values)


def _empirical_mean(values: tuple[int, ...], shares: tuple[float, ...]) -> float:
    steps = zip(pairwise(values), pairwise(shares), strict=True)
    return values[0] * shares[0] + sum((a + b) / 2 * (q - p) for (a, b), (p, q) in steps)


_MEANS: dict[str, Callable[[tuple[int, ...], tuple[float, ...]], float]] = {
    "fixed": lambda values, _: float(values[0]),
    "exponential": lambda values, _: float(values[0]),
    "uniform": lambda values, _: sum(values) / 2,
    "lognormal": lambda values, numbers: values[0] * math.exp(numbers[0] ** 2 / 2),
    "pareto": lambda values, numbers: values[0] * numbers[0] / (numbers[0] - 1),
    "choice": lambda values, numbers: sum(value * weight for value, weight in zip(values, numbers, strict=True)),
    "empirical": _empirical_mean,
}


def _exponential(body: Any, parse: Parse) -> Distribution:
    return Distribution("exponential", (parse(body),))


def _uniform(body: Any, parse: Parse) -> Distribution:
    low, high = (at(index, parse, value) for index, value in enumerate(whole_list(body, 2)))
    if low > high:
        raise ValueError("the first value is above the second")
    return Distribution("uniform", (low, high))


def _pair(body: Any, first: str, second: str) -> tuple[Any, Any]:
    if not isinstance(body, dict) or set(body) != {first, second}:
        raise ValueError(f"a map with the keys {first} and {second} is needed")
    return body[first], body[second]


def _lognormal(body: Any, parse: Parse) -> Distribution:
    median, sigma = _pair(body, "median", "sigma")
    return Distribution("lognormal", (at("median", parse, median),), (at("sigma", number(0, 10), sigma),))


def _pareto(body: Any, parse: Parse) -> Distribution:
    scale, shape = _pair(body, "scale", "shape")
    exponent = at("shape", number(1, 1000), shape)
    if exponent == 1:
        raise ValueError("a pareto shape of 1 has no mean; it must be above 1")
    return Distribution("pareto", (at("scale", parse, scale),), (exponent,))


def _choice(body: Any, parse: Parse) -> Distribution:
    values, weights = (whole_list(part) for part in _pair(body, "values", "weights"))
    if len(values) != len(weights):
        raise ValueError(f"{len(values)} values but {len(weights)} weights")
    read = tuple(at("values", at, index, parse, value) for index, value in enumerate(values))
    heavy = [at("weights", at, index, number(0, 1e18), weight) for index, weight in enumerate(weights)]
    if not sum(heavy) > 0:
        raise ValueError("the weights add up to 0")
    return Distribution("choice", read, tuple(weight / sum(heavy) for weight in heavy))


def _empirical(body: Any, parse: Parse) -> Distribution:
    points = [at(index, whole_list, point, 2) for index, point in enumerate(whole_list(body))]
    values = tuple(at(index, at, 0, parse, point[0]) for index, point in enumerate(points))
    shares = tuple(at(index, at, 1, number(0, 1), point[1]) for index, point in enumerate(points))
    if any(a > b for a, b in pairwise(values)) or any(p >= q for p, q in pairwise(shares)):
        raise ValueError("values and cumulative shares must rise from point to point")
    if shares[-1] != 1:
        raise ValueError("the last cumulative share must be 1")
    return Distribution("empirical", values, shares)


def _table(body: Any, parse: Parse) -> Distribution:
    if not isinstance(body, str) or body not in SIZE_TABLES:
        hint = closest(str(body), SIZE_TABLES) or f" (known: {', '.join(SIZE_TABLES)})"
        raise ValueError(f"no table {shown(body)}{hint}")
    return Distribution("empirical", *SIZE_TABLES[body].points(), body)


_SHAPES: dict[str, Callable[[Any, Parse], Distribution]] = {
    "exponential": _exponential,
    "uniform": _uniform,
    "lognormal": _lognormal,
    "pareto": _pareto,
    "choice": _choice,
    "empirical": _empirical,
}
SHAPES = tuple(_SHAPES)
_OF_SIZES = _SHAPES | {"table": _table}


def _as_written(it: Distribution, show: Callable[[int], str]) -> Any:
    texts = [show(value) for value in it.values]
    bodies: dict[str, Callable[[], Any]] = {
        "exponential": lambda: texts[0],
        "uniform": lambda: texts,
        "lognormal": lambda: {"median": texts[0], "sigma": it.numbers[0]},
        "pareto": lambda: {"scale": texts[0], "shape": it.numbers[0]},
        "choice": lambda: {"values": texts, "weights": list(it.numbers)},
        "empirical": lambda: [list(point) for point in zip(texts, it.numbers, strict=True)],
    }
    if it.table:
        return {"table": it.table}
    return texts[0] if it.shape == "fixed" else {it.shape: bodies[it.shape]()}


def _drawn(
    parse: Parse,
    show: Callable[[int], str],
    dimension: units.Dimension,
    shapes: dict[str, Callable[[Any, Parse], Distribution]] = _SHAPES,
) -> Read:
    def read(value: Any) -> Distribution:
        if not isinstance(value, dict):
            return Distribution("fixed", (parse(value),))
        name = only_key(value, tuple(shapes), "distribution")
        return at(name, shapes[name], value[name], parse)

    def write(value: Distribution) -> Any:
        return _as_written(value, show)

    return Read(read, write, _schema(dimension, "table" in shapes))


def _schema(dimension: units.Dimension, tables: bool) -> Json:
    bare: Json = {"type": "string", "pattern": dimension.pattern, "examples": [dimension.example]}
    number: Json = {"type": "number"}
    pair: Json = {"type": "array", "minItems": 2, "maxItems": 2}
    bodies: Json = {
        "exponential": bare,
        "uniform": pair | {"items": bare},
        "lognormal": {"type": "object", "properties": {"median": bare, "sigma": number}},
        "pareto": {"type": "object", "properties": {"scale": bare, "shape": number}},
        "choice": {
            "type": "object",
            "properties": {"values": {"type": "array", "items": bare}, "weights": {"type": "array", "items": number}},
        },
        "empirical": {"type": "array", "items": pair | {"prefixItems": [bare, number]}},
    }
    if tables:
        bodies["table"] = {"enum": [*SIZE_TABLES]}
    shaped = {"type": "object", "properties": bodies, "minProperties": 1, "maxProperties": 1}
    return {"anyOf": [bare, shaped | {"additionalProperties": False}]}


TimeDraw: TypeAlias = Annotated[Distribution, _drawn(units.parse_time, units.format_time, units.TIME)]
_SIZES = _drawn(units.parse_size, units.format_size, units.SIZE, _OF_SIZES)
SizeDraw: TypeAlias = Annotated[Distribution, _SIZES]
read_sizes, show_sizes = _SIZES.read, _SIZES.show
