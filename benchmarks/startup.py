"""How long a user waits for the command line: wall time of whole processes."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from statistics import median
from time import perf_counter

from benchmarks.install import CHECKOUT
from benchmarks.pairs import surroundings
from benchmarks.registry import IOSIM, PLAIN

SCENARIO = "thread-thrashing"
DURATION = "470 ms"  # with its warm-up about 10,000 requests
RUN = ("run", SCENARIO, "--no-study", "--replications", "1", "--jobs", "1", "--set", f"run.duration={DURATION}")
MOST = 1.5  # seconds that the run may take


def seconds(words: list[str], pure: bool) -> tuple[float, str]:
    """Wall time of `iosim` with these words, and what it wrote on stdout."""
    command = [sys.executable, "-m", "iosim", *words]
    began = perf_counter()
    done = subprocess.run(
        command, cwd=CHECKOUT, env=surroundings(PLAIN if pure else IOSIM), check=True, capture_output=True, text=True
    )
    return perf_counter() - began, done.stdout


def report(times: int) -> Iterator[str]:
    """A line a command: median of so many, as installed and in plain Python."""
    yield "\nFrom the shell (seconds, median)"
    yield f"{'':<44}{'as installed':>14}{'plain':>10}"
    for words in (["--version"], ["--help"]):
        yield f"  {'iosim ' + ' '.join(words):<42}{_median(words, times, False):>14.2f}{_median(words, times, True):>10.2f}"
    with tempfile.TemporaryDirectory() as place:
        words = [*RUN, "--quiet", "--format", "json", "--out", place]
        offered = json.loads(seconds(words, False)[1])["requests"]["offered"]
        title = f"iosim run {SCENARIO}, {offered:,} requests"
        took = _median(words, times, False)
        verdict = "met" if took < MOST else "MISSED"
        yield f"  {title:<42}{took:>14.2f}{_median(words, times, True):>10.2f}   target {MOST}: {verdict}"


def _median(words: list[str], times: int, pure: bool) -> float:
    return median(seconds(words, pure)[0] for _ in range(times))
