"""What peers need: an environment of their own with their package, or a compiled program.

Made on demand, once, in a cache outside the checkout.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parent
FLAGS = ("-std=c++17", "-O2")
LONGEST = 900  # seconds that an installation may take


class Missing(Exception):
    """What a peer needs is not to be had; the reason is the text."""


def default_cache() -> Path:
    """Below the user's cache directory."""
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "iosim-benchmarks"


def python_with(package: str, cache: Path) -> list[str]:
    """The Python of an environment that has the package; raises Missing."""
    place = cache / f"{package}-{sys.version_info.major}.{sys.version_info.minor}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = place / "installed"
    if not done.exists():
        shutil.rmtree(place, ignore_errors=True)
        print(f"installing {package} into {place}", file=sys.stderr, flush=True)
        try:
            venv.create(place, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Missing(f"no environment could be made: {error}") from error
        _run([str(python), "-m", "pip", "install", "--quiet", package], f"pip found no {package}")
        done.touch()
    return [str(python)]


def program_of(name: str, cache: Path) -> list[str]:
    """The C++ program, compiled; raises Missing. One that is newer than the sources is not compiled again."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        raise Missing("no C++ compiler")
    sources = [HERE / "cpp" / "events.hpp", HERE / "cpp" / f"{name}.cpp"]
    digest = hashlib.sha256(b"".join(it.read_bytes() for it in sources) + " ".join((compiler, *FLAGS)).encode())
    program = cache / f"{name}-{digest.hexdigest()[:16]}"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = program.with_suffix(f".{os.getpid()}")
        _run([compiler, *FLAGS, "-o", str(unfinished), str(sources[1])], "it does not compile")
        unfinished.rename(program)
    return [str(program)]


def _run(command: list[str], reason: str) -> None:
    """Raises Missing with the last line of what the command said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{reason}: {error}") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Missing(f"{reason}: {said[-1]}" if said else reason)
