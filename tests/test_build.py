"""What is compiled, when it is used, and what happens where it can't be: on a small copy of the package, built here.

A compiled file that is older than its source would win over it in silence, and one module compiled against another that is
plain dies in odd ways: so every way to get there must end in plain Python, with the reason.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest

import iosim
from iosim.compiled import MODE, SUFFIX, Mode, digests, find_mode, modules
from iosim.errors import IosimError
from iosim.running import Task, replicate

ROOT = Path(__file__).parent.parent
PACKAGE = Path(iosim.__file__).parent
SMALL = (
    "__init__.py",
    "actor.py",
    "actor.pxd",
    "compiled.py",
    "errors.py",
    "fast_clock.pxd",
    "fast_clock.pyx",
    "version.py",
)
PROJECT = '[project]\nname = "iosim"\nversion = "1"\n[tool.setuptools]\npackages = ["iosim"]\n'
SHOW = "import iosim, iosim.actor; print(iosim.compiled.MODE); print(iosim.actor.__file__)"
BUILT = (f"actor{SUFFIX}", f"fast_clock{SUFFIX}", f"_shared{SUFFIX}")  # the last is what Cython shares


def python(place: Path, *arguments: str, **environment: str) -> str:
    """What Python prints with the package in `place` before all others."""
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "IOSIM_PURE")}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=place, env={**variables, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def build(place: Path, *options: str, **environment: str) -> str:
    return python(place, "setup.py", "-q", "build_ext", "--inplace", *options, **environment)


def mode_of(place: Path, **environment: str) -> str:
    """The mode as it tells it, once what was imported has been seen to agree with it."""
    mode, file = python(place, "-c", SHOW, **environment).splitlines()
    assert file.endswith("actor.py" if mode.startswith("plain") else SUFFIX)
    return mode


def copy_small(place: Path) -> Path:
    (place / "iosim").mkdir(parents=True)
    for name in SMALL:
        shutil.copy(PACKAGE / name, place / "iosim")
    shutil.copy(ROOT / "setup.py", place)
    (place / "pyproject.toml").write_text(PROJECT)
    return place


@pytest.fixture(scope="module")
def once_built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        pytest.skip("no C compiler here")
    pytest.importorskip("Cython")
    place = copy_small(tmp_path_factory.mktemp("built") / "tree")
    build(place)
    return place


@pytest.fixture
def built(once_built: Path, tmp_path: Path) -> Path:
    """A compiled copy that a test may change."""
    return Path(shutil.copytree(once_built, tmp_path / "tree"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy that nobody has compiled."""
    return copy_small(tmp_path / "tree")


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


# ---- a build that works ----------------------------------------------------------------------------------------------


def test_a_built_package_runs_compiled_and_says_so(built: Path) -> None:
    assert re.fullmatch(r"compiled \(Cython [\w.]+\)", mode_of(built))


def test_a_build_leaves_nothing_but_compiled_files_and_its_record_among_the_sources(built: Path) -> None:
    assert {path.name for path in (built / "iosim").iterdir()} - {"__pycache__"} == {*SMALL, *BUILT, "compiled.json"}


def test_what_is_up_to_date_is_not_built_again(built: Path) -> None:
    """Installing twice, as for tests after a first try, must not take twice as long."""
    before = [(built / "iosim" / name).stat().st_mtime_ns for name in BUILT]
    build(built)
    assert [(built / "iosim" / name).stat().st_mtime_ns for name in BUILT] == before
    append(built / "iosim" / "actor.py", "\nADDED = 1\n")
    build(built)
    assert [(built / "iosim" / name).stat().st_mtime_ns for name in BUILT] != before
    assert mode_of(built).startswith("compiled")
    assert python(built, "-c", "from iosim.actor import ADDED; print(ADDED)") == "1\n"


def test_nothing_that_is_compiled_depends_on_the_machine_that_compiles() -> None:
    text = (ROOT / "setup.py").read_text(encoding="utf-8")
    assert "-ffp-contract=off" in text
    assert not re.search(r"march|mtune|fast-math|Ofast|fp:fast", text)


# ---- all or nothing --------------------------------------------------------------------------------------------------


def edit_a_module(package: Path) -> None:
    append(package / "actor.py", "\nADDED = 1\n")


def edit_a_declaration(package: Path) -> None:
    append(package / "actor.pxd", "\n# changed\n")


def add_a_declaration(package: Path) -> None:
    (package / "errors.pxd").write_text("")


def remove_the_compiled_clock(package: Path) -> None:
    (package / BUILT[1]).unlink()


def tell_of_another_interpreter(package: Path) -> None:
    record = json.loads((package / "compiled.json").read_text())
    (package / "compiled.json").write_text(json.dumps({**record, "interpreter": ".cpython-399.so"}))


def break_the_record(package: Path) -> None:
    (package / "compiled.json").write_text("{")


def lose_a_key_of_the_record(package: Path) -> None:
    (package / "compiled.json").write_text("{}")


def remove_the_record(package: Path) -> None:
    (package / "compiled.json").unlink()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (edit_a_module, "iosim/actor.py has changed since it was compiled; install again"),
        (edit_a_declaration, "iosim/actor.pxd has changed since it was compiled; install again"),
        (add_a_declaration, "iosim/errors.pxd has come since it was compiled; install again"),
        (remove_the_compiled_clock, f"iosim/{BUILT[1]} is missing; install again"),
        (
            tell_of_another_interpreter,
            f"it was compiled for another Python (.cpython-399.so, and this is {SUFFIX}); install again",
        ),
        (break_the_record, "iosim/compiled.json can't be read; install again"),
        (lose_a_key_of_the_record, "iosim/compiled.json can't be read; install again"),
        (remove_the_record, "it has not been compiled; install it with pip"),
    ],
)
def test_whatever_does_not_fit_makes_all_of_it_plain_and_is_told(
    change: Callable[[Path], None], reason: str, built: Path
) -> None:
    change(built / "iosim")
    assert mode_of(built) == f"plain Python: {reason}"


def test_a_source_that_went_away_makes_all_of_it_plain(built: Path) -> None:
    (built / "iosim" / "fast_clock.pyx").unlink()
    assert mode_of(built).endswith("iosim/fast_clock.pyx has gone since it was compiled; install again")


def test_line_ends_make_no_difference(built: Path) -> None:
    """A checkout on Windows holds the same sources."""
    path = built / "iosim" / "actor.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert mode_of(built).startswith("compiled")


@pytest.mark.parametrize(
    ("value", "mode"), [("1", "plain Python: IOSIM_PURE is set"), ("0", "compiled"), ("", "compiled")]
)
def test_plain_python_can_be_asked_for(value: str, mode: str, built: Path) -> None:
    assert mode_of(built, IOSIM_PURE=value).startswith(mode)
    assert find_mode(built / "iosim", {"IOSIM_PURE": value}).asked == (value == "1")


def test_what_exists_only_compiled_can_not_be_imported_in_plain_mode(built: Path) -> None:
    """It would look into plain objects as if they were C structs."""
    code = "import iosim\ntry:\n    import iosim.fast_clock\nexcept ImportError as error:\n    print(error)"
    said = python(built, "-c", code, IOSIM_PURE="1")
    assert said == "iosim.fast_clock exists only compiled, and this is plain Python: IOSIM_PURE is set\n"


def test_a_compiled_file_of_a_module_that_is_no_longer_compiled_is_passed_over(built: Path) -> None:
    (built / "iosim" / f"errors{SUFFIX}").write_bytes(b"from another time")
    assert python(built, "-c", "import iosim.errors as it; print(it.__file__)").strip().endswith("errors.py")
    assert mode_of(built).startswith("compiled")


def test_one_finder_stands_before_all_others_however_often_the_package_is_loaded(built: Path) -> None:
    code = "import sys, importlib, iosim; importlib.reload(iosim)"
    code += "; print([type(finder).__name__ for finder in sys.meta_path].index('PlainFinder'))"
    code += "; print(sum(type(finder).__name__ == 'PlainFinder' for finder in sys.meta_path))"
    assert python(built, "-c", code).split() == ["0", "1"]


# ---- where nothing can be compiled -----------------------------------------------------------------------------------


def compiler(place: Path, refuses: str) -> dict[str, str]:
    """The environment with a C compiler that refuses files which hold some text."""
    real = shutil.which("cc") or shutil.which("gcc")
    script = place / "picky-cc"
    lines = [
        "#!/bin/sh",
        'for it in "$@"; do case "$it" in *.c)',
        f"  if grep -q '{refuses}' \"$it\"; then echo 'fatal error' >&2; exit 1; fi;; esac; done",
        f'exec {real} "$@"',
    ]
    script.write_text("\n".join(lines) + "\n")
    script.chmod(0o755)
    return {"CC": str(script)}


def without_compiler(_: Path) -> dict[str, str]:
    return {"PATH": "", "CC": "cc"}


def without_headers(place: Path) -> dict[str, str]:
    return compiler(place, "Python.h")


def without_a_working_compiler(place: Path) -> dict[str, str]:
    return compiler(place, "iosim_probe")


def without_luck_at_the_last_module(place: Path) -> dict[str, str]:
    return compiler(place, "fast_clock")


def without_cython(place: Path) -> dict[str, str]:
    (place / "hidden" / "Cython").mkdir(parents=True)
    (place / "hidden" / "Cython" / "__init__.py").write_text("raise ImportError('hidden')\n")
    return {"PYTHONPATH": str(place / "hidden")}


def without_patience(place: Path) -> dict[str, str]:
    return {"IOSIM_PURE": "1"}


@pytest.mark.parametrize(
    ("lack", "why"),
    [
        (without_compiler, "no C compiler was found"),
        (without_headers, r"the C compiler found no Python\.h \(Python's headers\)"),
        (without_a_working_compiler, r"the C compiler \(.*picky-cc\) did not work"),
        (without_luck_at_the_last_module, r"compiling failed \(CompileError: .*\)"),
        (without_cython, "Cython was missing"),
        (without_patience, "IOSIM_PURE was set"),
    ],
)
def test_a_build_that_can_not_compile_succeeds_as_plain_python_and_says_why_in_one_line(
    lack: Callable[[Path], dict[str, str]], why: str, source: Path, tmp_path: Path
) -> None:
    said = build(source, **lack(tmp_path)).splitlines()
    (line,) = [line for line in said if line.startswith("iosim: ")]
    assert re.fullmatch(rf"iosim: {why}; installed as plain Python: the same results, later", line)
    assert re.fullmatch(rf"plain Python: {why} when it was installed", mode_of(source))


def test_a_declaration_that_does_not_fit_fails_the_same_way(source: Path) -> None:
    append(source / "iosim" / "actor.pxd", "\ncdef class Actor(Nobody):\n    pass\n")
    build(source)
    assert re.fullmatch(r"plain Python: compiling failed \(CompileError: .*\) when it was installed", mode_of(source))


def test_a_build_that_fails_ends_what_an_earlier_one_left(built: Path, tmp_path: Path) -> None:
    append(built / "iosim" / "actor.py", "\nADDED = 1\n")
    build(built, **without_compiler(tmp_path))
    assert mode_of(built) == "plain Python: no C compiler was found when it was installed"


# ---- this process ----------------------------------------------------------------------------------------------------


def test_the_mode_is_told_in_words() -> None:
    assert str(Mode(True, cython="3.3.1")) == "compiled (Cython 3.3.1)"
    assert str(Mode(False, "IOSIM_PURE is set", asked=True)) == "plain Python: IOSIM_PURE is set"


def test_every_declared_module_is_compiled_and_every_source_is_in_the_digest() -> None:
    """A `.pxd` without its `.py` types nothing; it would be a mistake of ours, but for that of a C type alone."""
    declared = {path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.pxd")}
    names = {".".join(("iosim", *path.parts)) for path in declared}
    assert names - {"iosim.flag"} == set(modules(PACKAGE))
    assert {f"{path.as_posix()}.pxd" for path in declared} < set(digests(PACKAGE))


def test_this_process_runs_what_its_mode_says() -> None:
    import iosim.actor

    assert str(iosim.actor.__file__).endswith(SUFFIX if MODE.compiled else "actor.py")


def test_worker_processes_run_the_mode_of_their_parent() -> None:
    told = joblib.Parallel(n_jobs=2)(joblib.delayed(mode_of_a_worker)() for _ in range(2))
    assert told == [str(MODE)] * 2


def mode_of_a_worker() -> str:
    from iosim.compiled import MODE

    return str(MODE)


def test_a_worker_in_another_mode_than_its_parent_refuses() -> None:
    scenario: Any = None
    with pytest.raises(IosimError, match="a worker process runs "):
        replicate(Task(0, scenario, "heap", 1, compiled=not MODE.compiled))
