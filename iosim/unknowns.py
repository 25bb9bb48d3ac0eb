"""The value that a plan looks for: a path of the scenario, its unit, and which end of its values is wanted."""

import fnmatch
import math
import re
from dataclasses import dataclass
from typing import Any

from iosim.errors import Mistake, WrongInput
from iosim.scenario.loader import Scenario
from iosim.scenario.overrides import parse_path, show_path
from iosim.scenario.suggest import closest

LOADS = ("rate", "clients", "connections", "outstanding", "speedup")  # of which the largest is wanted
WANTS = ("largest", "smallest")
SIZES = ("B", "KiB", "MiB", "GiB", "TiB")  # whole numbers of their unit

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)(\s*\D.*)?")


@dataclass(frozen=True, slots=True)
class Unknown:
    """Numbers in the unit of the value that stands there; several paths (of a star) have one value."""

    name: str  # as asked
    paths: tuple[str, ...]
    today: float
    unit: str  # as written behind the number
    whole: bool
    want: str  # largest or smallest

    @property
    def largest(self) -> bool:
        """Whether the largest value that meets the objective is asked for."""
        return self.want == "largest"

    def written(self, value: float) -> int | str:
        """As the scenario takes it."""
        if self.whole:
            return f"{round(value)}{self.unit}" if self.unit else round(value)
        return f"{value:.9f}".rstrip("0").rstrip(".") + self.unit

    def rounded(self, value: float) -> float:
        """Four digits, towards the side that meets the objective more easily."""
        if self.whole or not value:
            return math.floor(value) if self.largest else math.ceil(value)
        step = 10.0 ** (math.floor(math.log10(abs(value))) - 3)
        return step * (math.floor(value / step) if self.largest else math.ceil(value / step))

    def changes(self, value: float) -> dict[str, Any]:
        """What is laid over the scenario."""
        return dict.fromkeys(self.paths, self.written(value))


def unknown(scenario: Scenario, name: str, want: str | None = None) -> Unknown:
    """Find it in the scenario; raises WrongInput where there is no such value, or it is not one number."""
    source = f"--find {name}"
    if want not in (None, *WANTS):
        raise WrongInput([Mistake(source, 0, 0, "", f"what is wanted is one of {', '.join(WANTS)}, not '{want}'")])
    try:
        paths = _paths(scenario, name)
        found = {_parsed(path, scenario.get(path)) for path in paths}
    except KeyError:
        raise WrongInput(
            [Mistake(source, 0, 0, "", f"the scenario has no such value{_hint(scenario, name)}")]
        ) from None
    except ValueError as error:
        raise WrongInput([Mistake(source, 0, 0, "", str(error))]) from None
    if len(found) > 1:
        shown = ", ".join(f"{path} is {scenario.get(path)}" for path in paths)
        raise WrongInput([Mistake(source, 0, 0, "", f"one value for all is looked for, and they differ: {shown}")])
    today, unit, whole = found.pop()
    last = str(parse_path(paths[0])[-1])
    return Unknown(name, tuple(paths), today, unit, whole, want or ("largest" if last in LOADS else "smallest"))


def _paths(scenario: Scenario, name: str) -> list[str]:
    """The path, or all that a star stands for; KeyError for none."""
    parse_path(name)
    if "*" not in name:
        scenario.get(name)
        return [name]
    wanted = name.split(".")
    found = [path for path in leaves(scenario.effective()) if _matches(path.split("."), wanted)]
    if not found:
        raise KeyError(name)
    return found


def _matches(parts: list[str], wanted: list[str]) -> bool:
    pairs = list(zip(parts, wanted, strict=False))
    return len(parts) == len(wanted) and all(fnmatch.fnmatchcase(part, word) for part, word in pairs)


def leaves(tree: Any, path: tuple[str | int, ...] = ()) -> list[str]:
    """The paths of all values that hold no others."""
    if isinstance(tree, dict):
        return [leaf for key, child in tree.items() for leaf in leaves(child, (*path, str(key)))]
    if isinstance(tree, list):
        return [leaf for place, child in enumerate(tree) for leaf in leaves(child, (*path, place))]
    return [show_path(path)]


def _hint(scenario: Scenario, name: str) -> str:
    return closest(name, leaves(scenario.effective()))


def _parsed(path: str, value: Any) -> tuple[float, str, bool]:
    """Number, unit, and whether it is a whole number of it; ValueError for everything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(
            f"'{path}' is not one number; go on to one inside it" if value is not None else f"'{path}' is not set"
        )
    if isinstance(value, (int, float)):
        return float(value), "", isinstance(value, int)
    match = _NUMBER.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"'{path}' is '{value}', not a number: set it to one first, by --set {path}=...")
    number, unit = match[1], match[2] or ""
    whole = "." not in number and (unit.strip() in SIZES or unit.strip().startswith("/processor"))
    return float(number), unit, whole


def number_of(path: str, value: Any) -> float:
    """The number in a value as it is written, in its own unit; ValueError where it is none."""
    return _parsed(path, value)[0]
