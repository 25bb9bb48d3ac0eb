"""Compile with checks of overflow, and run the bundled scenarios and some tests: `python tests/overflow.py`.

A C integer that overflows begins again at the other end and says nothing, so one build that looks at each sum and product
runs what users run. It is made in a temporary copy. Its summaries must be those of plain Python, byte for byte.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKS = {"overflowcheck": True}
SCENARIOS = (
    "thread-thrashing",
    "head-of-line",
    "batching",
    "trace-replay",
    "cache-warmth",
    "async-turns-sync",
    "nvme-queues",
    "polling-against-interrupts",
    "filter-tax",
    "raid-stripe",
)
TESTS = ("clock", "drives", "machine", "replay", "histogram", "win32_files")  # where numbers are large
BUILD = "import runpy; runpy.run_path('setup.py')['main'](['-q', 'build_ext', '--inplace', '--force'], **{checks})"
SHOW_MODE = "import iosim.compiled; print(iosim.compiled.MODE)"


def main() -> int:
    """0 when every scenario ran compiled and gave what plain Python gives, and the tests passed."""
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work, "iosim")
        for name in ("iosim", "scenarios", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, copy)
        # Compiled in half the time: what it is for are the checks.
        environment = {**os.environ, "PYTHONPATH": str(copy), "IOSIM_PURE": "", "CFLAGS": "-O0"}
        run([sys.executable, "-c", BUILD.format(checks=CHECKS)], copy, environment)
        mode = run([sys.executable, "-c", SHOW_MODE], copy, environment).strip()
        print(f"with {', '.join(CHECKS)}: {mode}")
        if not mode.startswith("compiled"):
            return 1
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            good = list(pool.map(lambda name: same(name, copy, environment), SCENARIOS))
        tests = [sys.executable, "-m", "pytest", *(f"tests/test_{name}.py" for name in TESTS)]
        failed = subprocess.run(tests, cwd=copy, env=environment, check=False).returncode
        return int(bool(not all(good) or failed))


def same(scenario: str, copy: Path, environment: dict[str, str]) -> bool:
    """Whether the scenario's summary is the same compiled with checks and plain."""
    command = [sys.executable, "-m", "iosim", "run", scenario, "--no-study", "--replications", "1", "--jobs", "1"]
    command += ["--format", "json", "--reproducible", "--quiet"]
    checked = run(command, copy, environment)
    plain = run(command, copy, {**environment, "IOSIM_PURE": "1"})
    good = checked == plain and checked.startswith("{")
    print(f"{scenario}: {f'the same {len(checked)} bytes' if good else 'NOT the same'} as in plain Python", flush=True)
    return good


def run(command: list[str], place: Path, environment: dict[str, str]) -> str:
    """What the command prints, and its status where that says more than a missed expectation."""
    done = subprocess.run(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout if done.returncode in (0, 3) else f"{done.stdout}status {done.returncode}\n"


if __name__ == "__main__":
    sys.exit(main())
