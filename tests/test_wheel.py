"""What is built from a checkout: a source archive that builds, and a wheel that runs from anywhere, compiled."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from iosim.compiled import SUFFIX, modules, sources

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "iosim"
RUN = ["run", "thread-thrashing", "--no-study", "--replications", "1", "--format", "json"]

# One group: each worker process that had one of them would build everything for itself.
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200), pytest.mark.xdist_group("wheel")]


def python(*arguments: str, place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "IOSIM_PURE")}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=place, env={**variables, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def iosim(site: Path, *arguments: str, place: Path) -> subprocess.CompletedProcess[str]:
    """One command line of the package in `site`."""
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from iosim.cli import main; sys.exit(main())"
    return python("-P", "-c", code, *arguments, place=place)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, and the wheel that was built from it, without optimization: in half the time."""
    place = tmp_path_factory.mktemp("dist")
    python("-m", "build", "--no-isolation", "--outdir", str(place), str(ROOT), place=place, CFLAGS="-O0")
    return place


def install(what: Path, site: Path, **environment: str) -> None:
    command = [
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(site),
        str(what),
    ]
    python(*command, place=site.parent, **environment)


def of_the_package(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_source_archive_holds_sources_and_nothing_that_was_built(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"setup.py", *map(of_the_package, sources(PACKAGE))} <= names
    assert not {name for name in names if name.endswith((".so", ".pyd", ".c", "compiled.json"))}


def test_the_wheel_holds_sources_compiled_files_and_the_record(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(ZipFile(wheel).namelist())
    assert set(map(of_the_package, PACKAGE.rglob("*.py"))) <= names
    assert set(map(of_the_package, sources(PACKAGE))) <= names
    compiled = {of_the_package(path.with_suffix(SUFFIX)) for path in modules(PACKAGE).values()}
    compiled.add(f"iosim/_shared{SUFFIX}")  # what Cython shares among them
    assert {name for name in names if name.endswith((".so", ".pyd", ".c"))} == compiled
    assert "iosim/compiled.json" in names


def test_a_bundled_scenario_runs_compiled_from_an_installed_wheel_in_an_empty_directory(
    built: Path, tmp_path: Path
) -> None:
    """Built from the checkout, installed elsewhere, run where there is nothing."""
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    (wheel,) = built.glob("*.whl")
    install(wheel, site)
    assert ", compiled (Cython " in iosim(site, "--version", place=empty).stdout
    done = iosim(site, *RUN, place=empty)
    origin = json.loads(done.stdout)["provenance"]
    assert (origin["clock"], origin["compiled"]) == ("fast", True)
    assert "note:" not in done.stderr
    written = {path.name for path in (empty / "iosim-out" / "thread-thrashing").iterdir()}
    assert {"summary.json", "overview.png", "requests.npz", "scenario.yaml"} <= written
    assert "trace-replay" in iosim(site, "list", place=empty).stdout
    assert (site / "iosim" / "bundled" / "traces" / "MQSIM_NOTICE.txt").is_file()


def test_an_install_without_a_compiler_succeeds_and_its_runs_say_that_they_are_plain(
    built: Path, tmp_path: Path
) -> None:
    """The same figures, to the last byte, and one line more on stderr."""
    site, plain, empty = tmp_path / "site", tmp_path / "plain", tmp_path / "empty"
    empty.mkdir()
    (archive,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
    install(archive, plain, PATH=str(Path(sys.executable).parent), CC="cc")
    install(wheel, site)
    reason = "plain Python: no C compiler was found when it was installed"
    assert iosim(plain, "--version", place=empty).stdout.rstrip().endswith(f", {reason}")
    done = iosim(plain, *RUN, "--reproducible", place=empty)
    assert [line for line in done.stderr.splitlines() if line.startswith("note:")] == [
        f"note: {reason}. The results are the same and take longer; with IOSIM_PURE=1 this line is left out."
    ]
    shutil.rmtree(empty / "iosim-out")
    assert iosim(site, *RUN, "--reproducible", place=empty).stdout == done.stdout
