"""Peak memory of a long run of (a), in a fresh process a setting: with a row a request, and with histograms only."""

import json
import subprocess
import sys

from benchmarks.install import CHECKOUT
from benchmarks.systems import numbers_of, scenario_of
from iosim.experiment import run

MB = 1_000_000
MOST = {"rows": 800, "histograms": 150}  # MB of a run of 10^7 requests
FULL = 10_000_000


def peak() -> float:
    """The largest resident set of this process so far (MB)."""
    import resource  # not on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / MB if sys.platform == "darwin" else most * 1024 / MB


def measure(setting: str, requests: int) -> None:
    """Run it as `iosim.run` does, with its summary; prints peaks before and after."""
    scenario = scenario_of("mm4", 1)
    duration = round(requests * numbers_of(scenario)["gap"])
    scenario = scenario.with_set({"run.duration": f"{duration} ns", "run.rows": setting == "rows"})
    before = peak()
    result = run(scenario, study=False)
    print(json.dumps({"before": before, "peak": peak(), "offered": result.summary["requests"]["offered"]}))


def report(requests: int) -> int:
    """A line a setting; 1 when one needs too much. The targets hold for 10^7 requests and are not judged for fewer."""
    missed = 0
    for setting, most in MOST.items():
        command = [sys.executable, "-m", "benchmarks.memory", setting, str(requests)]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
        if done.returncode:
            print(f"{setting}: it failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}", flush=True)
            missed += 1
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        line = f"{setting:<11}{found['offered']:>12,} requests: peak {found['peak']:,.0f} MB"
        line += f" ({found['before']:,.0f} before the run)"
        if requests >= FULL:
            line += f"; target {most}: {'met' if found['peak'] < most else 'MISSED'}"
            missed += found["peak"] >= most
        print(line, flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    measure(sys.argv[1], int(sys.argv[2]))
