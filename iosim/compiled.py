"""Whether the mechanisms run compiled or as plain Python: one answer for the whole package, and the reason for it.

A build leaves a record beside the modules: what was compiled, from which sources, for which interpreter; or why nothing was.
The package runs compiled only while all of that still holds. A compiled file would win over the `.py` beside it, and a plain
module under a compiled one dies in odd ways: so whatever is not to run compiled is found in its `.py` by one import finder.
`setup.py` uses this file too, by its path: it imports nothing of the package.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
RECORD = "compiled.json"  # beside this file
SUFFIX = EXTENSION_SUFFIXES[0]  # of compiled modules; names interpreter, version and platform


@dataclass(frozen=True)
class Mode:
    """How the mechanisms run. `reason` says why plain; `asked` whether that was somebody's wish."""

    compiled: bool
    reason: str = ""
    asked: bool = False
    cython: str = ""
    modules: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"compiled (Cython {self.cython})" if self.compiled else f"plain Python: {self.reason}"


# ---- sources ---------------------------------------------------------------------------------------------------------


def sources(package: Path) -> list[Path]:
    """What compiled modules are made from: every `.pxd` and `.pyx`, and every `.py` that has a `.pxd` beside it."""
    typed = [path for kind in ("*.pxd", "*.pyx") for path in package.rglob(kind)]
    plain = {path.with_suffix(".py") for path in typed}
    return sorted(
        typed + [path for path in plain if path.exists()], key=lambda path: path.relative_to(package).as_posix()
    )


def modules(package: Path) -> dict[str, Path]:
    """Every module that is to be compiled, by its full name: its `.py` or `.pyx`."""
    found = [path for path in sources(package) if path.suffix != ".pxd"]
    return {".".join((package.name, *path.relative_to(package).with_suffix("").parts)): path for path in found}


def digests(package: Path) -> dict[str, str]:
    """One digest a source, by its name within the package; the same for LF and CRLF line ends."""
    return {path.relative_to(package).as_posix(): _digest(path) for path in sources(package)}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def extension(package: Path, module: str) -> Path:
    """Where this interpreter looks for the compiled file of a module."""
    *way, name = module.split(".")[1:]
    return package.joinpath(*way, name + SUFFIX)


# ---- the record ------------------------------------------------------------------------------------------------------


def write_record(place: Path, record: dict[str, Any]) -> None:
    """Put the record into a package's directory, whole or not at all."""
    place.mkdir(parents=True, exist_ok=True)
    half = place / f"{RECORD}.{os.getpid()}"
    half.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    half.replace(place / RECORD)


def read_record(place: Path) -> dict[str, Any]:
    """What the last build says. Raises OSError or ValueError."""
    record: dict[str, Any] = json.loads((place / RECORD).read_text(encoding="utf-8"))
    return record


def asks_for_plain(environment: dict[str, str] | os._Environ[str]) -> bool:
    """IOSIM_PURE=1: of an installation, not to compile; of a process, not to use what is compiled."""
    return environment.get("IOSIM_PURE", "0") not in ("", "0")


def find_mode(package: Path, environment: dict[str, str] | os._Environ[str] = os.environ) -> Mode:
    """Compiled only if everything that the record says still holds."""
    if asks_for_plain(environment):
        return Mode(False, "IOSIM_PURE is set", asked=True)
    try:
        record = read_record(package)
        if "failed" in record:
            return Mode(False, f"{record['failed']} when it was installed")
        objection = next(_objections(package, record), "")
        if objection:
            return Mode(False, f"{objection}; install again")
        return Mode(True, cython=record["cython"], modules=frozenset(record["modules"]))
    except FileNotFoundError:
        return Mode(False, "it has not been compiled; install it with pip")
    except (OSError, ValueError, KeyError, TypeError):
        return Mode(False, f"{package.name}/{RECORD} can't be read; install again")


def _objections(package: Path, record: dict[str, Any]) -> Iterator[str]:
    """What has changed since the package was compiled."""
    if record["interpreter"] != SUFFIX:
        yield f"it was compiled for another Python ({record['interpreter']}, and this is {SUFFIX})"
    now, then = digests(package), record["sources"]
    for name in sorted(now.keys() | then.keys()):
        if now.get(name) != then.get(name):
            change = "has changed" if name in now and name in then else "has come" if name in now else "has gone"
            yield f"{package.name}/{name} {change} since it was compiled"
    for module in record["modules"]:
        path = extension(package, module)
        if not path.exists():
            yield f"{package.name}/{path.relative_to(package).as_posix()} is missing"


MODE = find_mode(HERE)


# ---- imports ---------------------------------------------------------------------------------------------------------


class PlainFinder:
    """Finds the package's modules in their `.py` files, all but those that run compiled."""

    def __init__(self, package: str, mode: Mode) -> None:
        self.package = f"{package}."
        self.mode = mode
        self.finders: dict[str, FileFinder] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where the `.py` is; None leaves the module to Python. Raises ImportError for one that exists only compiled."""
        if not name.startswith(self.package) or name in self.mode.modules:
            return None
        for place in path or ():
            spec = self._finder(place).find_spec(name)
            if spec and spec.loader:
                return spec
            if Path(place, f"{name.rpartition('.')[2]}.pyx").exists():
                raise ImportError(f"{name} exists only compiled, and this is {self.mode}", name=name)
        return None

    def _finder(self, place: str) -> FileFinder:
        if place not in self.finders:
            self.finders[place] = FileFinder(place, (SourceFileLoader, SOURCE_SUFFIXES))
        return self.finders[place]

    def invalidate_caches(self) -> None:
        """Look at the directories anew."""
        self.finders.clear()


def install() -> None:
    """Put the finder before all others; called by the package before it imports anything that could be compiled."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, PlainFinder)]
    sys.meta_path.insert(0, PlainFinder(HERE.name, MODE))
