"""Compiles what has a `.pxd` beside it, where that can be done; everything else stands in pyproject.toml.

No compiler, no Python headers, no Cython: the package is then installed as plain Python, and its record (iosim/compiled.py)
says why. pip hides what is printed here, so `iosim --version` and `iosim run` tell it again.
"""

import importlib.util
import multiprocessing
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / "iosim"
SHARED = "iosim._shared"  # Cython's own helpers, compiled once instead of into every module

DIRECTIVES: dict[str, Any] = {
    "language_level": 3,
    "annotation_typing": False,  # an `int` of the .py would contradict the `int64_t` of the .pxd
    "auto_pickle": False,
    "binding": True,
    "boundscheck": True,  # an IndexError as in Python, never a wild read; costs nothing that can be measured
    "wraparound": True,  # the same for indices from the end
    "initializedcheck": False,
    "cdivision": False,  # // and % as in Python, also below zero
}
DIMENSIONS = 2  # one more than the most of our memory views; each field of that kind takes room for so many, usually 8
# The same results everywhere: no fused multiply-add, and nothing that depends on the machine which compiles.
# Without warnings (-w): those about generated code tell nobody anything.
FLAGS = {
    "unix": ["-O2", "-g0", "-w", "-ffp-contract=off"],
    "mingw32": ["-O2", "-w", "-ffp-contract=off"],
    "msvc": ["/O2", "/fp:precise"],
}


def flags(compiler: str) -> list[str]:
    """Ours for this kind of compiler, but for the level of optimization where CFLAGS name one."""
    ours = FLAGS.get(compiler, [])
    if "-O" not in os.environ.get("CFLAGS", ""):
        return ours
    return [flag for flag in ours if not flag.startswith("-O")]


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"{path.stem}_of_setup", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


compiled = _load(PACKAGE / "compiled.py")


class Impossible(Exception):
    """Why nothing can be compiled here, in words that are followed by "when it was installed"."""


class BuildWherePossible(build_ext):
    """Compiles everything or nothing, and leaves a record of it; never fails."""

    directives = DIRECTIVES

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count() or 1

    def run(self) -> None:
        """Compile, or say why not."""
        place = PACKAGE if self.inplace else Path(self.build_lib) / PACKAGE.name
        try:
            wanted = self._record()
            if self.inplace and not self.force and _is_up_to_date(place, wanted):
                return
            (place / compiled.RECORD).unlink(missing_ok=True)  # from here on, what lies there is half old and half new
            super().run()
            compiled.write_record(place, wanted)
        except (Exception, SystemExit) as error:
            why = str(error) if isinstance(error, Impossible) else f"compiling failed ({_in_one_line(error)})"
            self.extensions = []
            compiled.write_record(place, {"failed": why})
            print(f"iosim: {why}; installed as plain Python: the same results, later", file=sys.stderr)

    def build_extensions(self) -> None:
        """Everything is looked at before the long work begins."""
        self._demand_compiler()
        with tempfile.TemporaryDirectory() as work:
            self._translate(work)
            super().build_extensions()

    def get_source_files(self) -> list[str]:
        """Those that are there; Cython writes the shared one."""
        return [path for path in super().get_source_files() if Path(path).exists()]

    def get_outputs(self) -> list[str]:
        """The record belongs to what was built."""
        place = Path(self.build_lib) / PACKAGE.name / compiled.RECORD
        return [*super().get_outputs(), *([str(place)] if place.exists() else [])]

    def _record(self) -> dict[str, Any]:
        if compiled.asks_for_plain(os.environ):
            raise Impossible("IOSIM_PURE was set")
        try:
            from Cython import __version__ as cython
        except ImportError:
            raise Impossible("Cython was missing") from None
        return {
            "cython": cython,
            "interpreter": compiled.SUFFIX,
            "modules": sorted([*compiled.modules(PACKAGE), SHARED]),
            "sources": compiled.digests(PACKAGE),
            "directives": self.directives,
            "dimensions": DIMENSIONS,
            "flags": [FLAGS, os.environ.get("CFLAGS", "")],
        }

    def _demand_compiler(self) -> None:
        """Raises Impossible when C, or C with Python's headers, can't be compiled."""
        with tempfile.TemporaryDirectory() as work:
            for number, (line, why) in enumerate(
                (
                    ("", self._no_compiler()),
                    ("#include <Python.h>", "the C compiler found no Python.h (Python's headers)"),
                )
            ):
                probe = Path(work, f"probe{number}.c")
                probe.write_text(f"{line}\nint iosim_probe;\n", encoding="utf-8")
                try:
                    self.compiler.compile([str(probe)], output_dir=work)
                except Exception:
                    raise Impossible(why) from None

    def _no_compiler(self) -> str:
        command = getattr(self.compiler, "compiler_so", None)
        found = command and shutil.which(command[0])
        return f"the C compiler ({found}) did not work" if found else "no C compiler was found"

    def _translate(self, work: str) -> None:
        """Python to C, outside of the source tree."""
        from Cython.Build import cythonize
        from Cython.Compiler import Options

        Options.buffer_max_dims = DIMENSIONS
        forks = multiprocessing.get_start_method() == "fork"  # elsewhere a worker would run this file again
        translated = cythonize(
            [Extension(extension.name, extension.sources) for extension in self.extensions],
            build_dir=work,
            compiler_directives=self.directives,
            nthreads=self.parallel if forks else 0,
            force=True,
            quiet=True,
            shared_utility_qualified_name=SHARED,
        )
        c_files = {extension.name: extension.sources for extension in translated}
        for extension in self.extensions:
            extension.sources = c_files[extension.name]
            extension.extra_compile_args = flags(self.compiler.compiler_type)


def _in_one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _is_up_to_date(place: Path, wanted: dict[str, Any]) -> bool:
    """Whether just this lies there already."""
    mode = compiled.find_mode(place, {})
    return mode.compiled and compiled.read_record(place) == wanted


def main(arguments: list[str] | None = None, **directives: Any) -> None:
    """The command line, or `arguments`; `directives` are Cython's, beside or instead of the usual ones."""
    names = compiled.modules(PACKAGE)
    extensions = [Extension(name, [path.relative_to(ROOT).as_posix()]) for name, path in names.items()]
    extensions.append(Extension(SHARED, [f"{SHARED.replace('.', '/')}.c"]))
    command = type("build_ext", (BuildWherePossible,), {"directives": DIRECTIVES | directives})
    options = {"script_args": arguments} if arguments else {}
    setup(ext_modules=extensions, cmdclass={"build_ext": command}, **options)


if __name__ == "__main__":
    main()
