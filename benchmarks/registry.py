"""Who is compared: iosim, and every peer with the systems that it has a program of, and why it has none of the others."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.install import Missing, program_of, python_with
from benchmarks.systems import numbers_of, scenario_of

Command = Callable[[int, int, int], list[str]]  # for milliseconds, seed and core


@dataclass(frozen=True)
class Engine:
    """One row of the table. `lacks`: reasons, by system, for having no program of it."""

    name: str
    title: str
    command: Callable[[str, Path], Command]  # of a system, with what it needs in the cache; raises Missing
    lacks: dict[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()  # the systems that it is of interest in; empty: all
    pure: bool = False  # with IOSIM_PURE=1


def here(module: str, more: str = "") -> Callable[[str, Path], Command]:
    """A program that runs in this Python, on the scenario itself."""

    def prepare(system: str, cache: Path) -> Command:
        command = [sys.executable, "-m", f"benchmarks.peers.{module}", f"system={system}", *more.split()]
        return lambda milliseconds, seed, core: [
            *command,
            f"milliseconds={milliseconds}",
            f"seed={seed}",
            f"core={core}",
        ]

    return prepare


def apart(package: str) -> Callable[[str, Path], Command]:
    """A program that runs in an environment of its own and is told the numbers of the scenario."""

    def prepare(system: str, cache: Path) -> Command:
        return told(system, [*python_with(package, cache), "-m", f"benchmarks.peers.{package}_{system}"])

    return prepare


def cpp(system: str, cache: Path) -> Command:
    """A C++ program."""
    return told(system, program_of(system, cache))


def told(system: str, start: list[str]) -> Command:
    """The command with the numbers of the scenario."""

    def command(milliseconds: int, seed: int, core: int) -> list[str]:
        numbers = numbers_of(scenario_of(system, milliseconds)) | {"seed": seed, "core": core}
        return [*start, *(f"{name}={value}" for name, value in numbers.items())]

    return command


NOT_IN_CIW = "a Ciw customer holds one server at a time; this one holds a thread, a place in the port and a processor"
NOT_WRITTEN = "only iosim, SimPy and C++ have a program of it"
ONLY_TWO = "only iosim and idiomatic SimPy have a program of it"

IOSIM = Engine("iosim", "iosim, compiled", here("iosim_run"))
PLAIN = Engine("iosim-plain", "iosim, plain Python", here("iosim_run"), pure=True)
WAITS = Engine("iosim-waits", "iosim, with a row a wait", here("iosim_run", "record=waits"), only=("port",))
SIMPY = Engine("simpy", "SimPy, idiomatic", here("simpy_run", "style=simpy"))
ECONOMICAL = Engine("economical", "SimPy, economical", here("simpy_run", "style=economical"), {"echo": ONLY_TWO})
CIW = Engine("ciw", "Ciw", apart("ciw"), {"port": NOT_IN_CIW, "file": NOT_IN_CIW, "echo": ONLY_TWO})
SALABIM = Engine("salabim", "salabim", apart("salabim"), {"file": NOT_WRITTEN, "echo": ONLY_TWO})
CIMBA = Engine("cimba", "Cimba", apart("cimba"), {"file": NOT_WRITTEN, "echo": ONLY_TWO})
CPP = Engine("cpp", "C++", cpp, {"echo": ONLY_TWO})

ENGINES = (IOSIM, PLAIN, WAITS, SIMPY, ECONOMICAL, CIW, SALABIM, CIMBA, CPP)


def prepared(engine: Engine, system: str, cache: Path) -> Command:
    """What takes a sample; raises Missing with the reason why none can be taken."""
    if system in engine.lacks:
        raise Missing(engine.lacks[system])
    return engine.command(system, cache)
