"""Time and peak memory of replaying a block trace on the bundled scenario `build-server-trace`, in a fresh process."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.install import CHECKOUT
from benchmarks.memory import peak
from benchmarks.peers.answer import timed
from iosim.compiled import MODE
from iosim.experiment import run
from iosim.results import Result
from iosim.scenario.loader import load

MOST = 400  # MB


def measure(trace: str) -> None:
    """Run it as `iosim.run` does, with its summary, reading of the trace included."""
    scenario = load("build-server-trace", {"workload.builds.trace": trace})
    results: list[Result] = []
    loops, seconds = timed(lambda: results.append(run(scenario, jobs=1)))
    summary = results[0].summary
    found = {"requests": summary["requests"]["completed"], "events": summary["events"], "mode": str(MODE)}
    print(json.dumps({**found, "loops": loops, "seconds": seconds, "peak": peak()}))


def report(trace: Path) -> int:
    """One line; 1 when it takes too much memory or does not run."""
    command = [sys.executable, "-m", "benchmarks.trace", str(trace.resolve())]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    if done.returncode:
        print(f"it failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}")
        return 1
    it = json.loads(done.stdout.splitlines()[-1])
    rounds = it["loops"] * it["seconds"] / it["requests"]
    each = f"{it['events'] / it['requests']:.1f} clock events and {rounds:,.0f} rounds each"
    print(
        f"{it['requests']:,} requests in {it['seconds']:.2f} s ({it['mode']}), {each}; {it['loops']:,.0f} calibration rounds/s"
    )
    print(f"peak {it['peak']:,.0f} MB; target {MOST}: {'met' if it['peak'] < MOST else 'MISSED'}")
    return int(it["peak"] >= MOST)


if __name__ == "__main__":
    measure(sys.argv[1])
