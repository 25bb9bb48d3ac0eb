"""How long a user waits for the command line: wall time of whole processes."""

import json
import subprocess
import sys
import tempfile
from statistics import median
from time import perf_counter

from benchmarks.install import CHECKOUT
from benchmarks.pairs import surroundings
from benchmarks.registry import IOSIM, PLAIN

SCENARIO = "thread-thrashing"
DURATION = "460 ms"
RUN = (
    "run",
    SCENARIO,
    "--no-study",
    "--replications",
    "1",
    "--jobs",
    "1",
    "--set",
    f"run.duration={DURATION}",
    "--set",
    "run.warm_up=0 s",
)
MOST = 1.5  # seconds that the run may take


def seconds(words: list[str], pure: bool) -> tuple[float, str]:
    """Wall time of `iosim` with these words, and what it wrote on stdout."""
    command = [sys.executable, "-m", "iosim", *words]
    began = perf_counter()
    done = subprocess.run(
        command, cwd=CHECKOUT, env=surroundings(PLAIN if pure else IOSIM), check=True, capture_output=True, text=True
    )
    return perf_counter() - began, done.stdout


def report(times: int) -> int:
    """A line a command: median of so many, as installed and in plain Python; 1 when the run takes too long."""
    print("\nFrom the shell (seconds, median)")
    print(f"{'':<44}{'as installed':>14}{'plain':>10}")
    for words in (["--version"], ["--help"]):
        print(_line(f"iosim {' '.join(words)}", _median(words, times, False), _median(words, times, True)), flush=True)
    try:
        return _run(times)
    except subprocess.CalledProcessError as error:
        print(f"  iosim run {SCENARIO}: it failed: {(error.stderr.strip().splitlines() or ['without a word'])[-1]}")
        return 1


def _run(times: int) -> int:
    with tempfile.TemporaryDirectory() as place:
        words = [*RUN, "--quiet", "--format", "json", "--out", place]
        offered = json.loads(seconds(words, False)[1])["requests"]["offered"]
        took = _median(words, times, False)
        line = _line(f"iosim run {SCENARIO}, {offered:,} requests", took, _median(words, times, True))
    print(f"{line}   target {MOST}: {'met' if took < MOST else 'MISSED'}", flush=True)
    return int(took >= MOST)


def _line(title: str, installed: float, plain: float) -> str:
    return f"  {title:<42}{installed:>14.2f}{plain:>10.2f}"


def _median(words: list[str], times: int, pure: bool) -> float:
    return median(seconds(words, pure)[0] for _ in range(times))
