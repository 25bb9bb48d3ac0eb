"""Compile with checks of overflow and of bounds, and run the bundled scenarios: `python tests/overflow.py`.

A C integer that overflows begins again at the other end and says nothing, so one build that looks at each sum and product
runs what users run. It is made in a temporary copy. Its summaries must be those of plain Python, byte for byte.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKS = {"overflowcheck": True, "boundscheck": True}
SCENARIOS = ("thread-thrashing", "head-of-line", "batching", "trace-replay")
BUILD = "import runpy; runpy.run_path('setup.py')['main'](['-q', 'build_ext', '--inplace', '--force'], **{checks})"
SHOW_MODE = "import iosim.compiled; print(iosim.compiled.MODE)"


def main() -> int:
    """0 when every scenario ran compiled and gave what plain Python gives."""
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work, "iosim")
        for name in ("iosim", "scenarios"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, copy)
        environment = {**os.environ, "PYTHONPATH": str(copy), "IOSIM_PURE": ""}
        run([sys.executable, "-c", BUILD.format(checks=CHECKS)], copy, environment)
        mode = run([sys.executable, "-c", SHOW_MODE], copy, environment).strip()
        print(f"with {', '.join(CHECKS)}: {mode}")
        if not mode.startswith("compiled"):
            return 1
        wrong = [name for name in SCENARIOS if not same(name, copy, environment)]
        return len(wrong)


def same(scenario: str, copy: Path, environment: dict[str, str]) -> bool:
    """Whether the scenario's summary is the same compiled with checks and plain."""
    command = [sys.executable, "-m", "iosim", "run", scenario, "--no-study", "--replications", "1", "--jobs", "1"]
    command += ["--format", "json", "--reproducible", "--quiet"]
    checked = run(command, copy, environment)
    plain = run(command, copy, {**environment, "IOSIM_PURE": "1"})
    print(f"{scenario}: {'the same' if checked == plain else 'DIFFERENT'}, {len(checked)} bytes of summary", flush=True)
    return checked == plain


def run(command: list[str], place: Path, environment: dict[str, str]) -> str:
    """What the command prints; an exit status that says more than a missed expectation ends everything."""
    done = subprocess.run(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(f"status {done.returncode}: {' '.join(command)}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
