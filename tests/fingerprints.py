"""Digests of scenarios, one JSON line each way: what compiled and plain Python are compared by, and where pins come from.

As a worker, `python tests/fingerprints.py`: every line of stdin is a scenario's tree, every line of stdout what it gave on
each clock that can be had. `python tests/fingerprints.py --pin` writes the fingerprints of the bundled scenarios anew.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from iosim import summaries
from iosim.clock import CLOCKS
from iosim.errors import IosimError, LawBroken
from iosim.machine import Machine
from iosim.records import Raw
from iosim.scenario.loader import Scenario, load
from iosim.traces import read_traces

Tree = dict[str, Any]
PINS = Path(__file__).parent / "data" / "fingerprints.json"
# Shortened, so that each takes about a second compiled and less than ten in plain Python.
BUNDLED: dict[str, Tree] = {
    "async-turns-sync": {"run.replications": 1},
    "batching": {"run.duration": "20 ms", "run.replications": 1},
    "cache-warmth": {"run.replications": 1, "volumes.data.cache": "2 MiB", "machine.kernel.cached_miss_workers": 2},
    "echo-server": {"run.replications": 1},
    "filter-tax": {"run.replications": 1},
    "head-of-line": {"run.duration": "2 s", "run.replications": 1},
    "nvme-queues": {"disks.flash.queue_pairs": 2, "run.replications": 1},
    "polling-against-interrupts": {"run.replications": 1},
    "ncq-depth": {"run.duration": "30 s", "run.replications": 1},
    "raid-stripe": {"run.replications": 1, "disks.disk0.max_transfer": "32 KiB"},
    "thread-thrashing": {"run.duration": "300 ms", "run.replications": 1},
    "database-trace": {},
    "trace-replay": {"workload.search.requests": 12_000},
}


def scenario_of(tree: Tree) -> Scenario:
    """Through the front door: the text of a file (JSON is YAML), validated."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "drawn.yaml"
        path.write_text(json.dumps(tree), encoding="utf-8")
        return load(path)


def run(scenario: Scenario, clock: str, record: tuple[str, ...] = (), seed: int | None = None) -> Raw:
    """The first replication on this clock."""
    seed = scenario.model.run.seed if seed is None else seed
    return Machine(scenario, CLOCKS[clock](), seed, 0, read_traces(scenario), record).run()


def digests(scenario: Scenario, clock: str) -> dict[str, str]:
    """Fingerprint, and digests of the summary and of all that was kept of the requests; or why the run was stopped."""
    try:
        raw = run(scenario, clock)
    except IosimError as error:
        if isinstance(error, LawBroken):
            raise
        return {"stopped": str(error).split(": ", 1)[1]}  # without the file's name
    summary = summaries.summarize(scenario, [raw], raw.seed)
    kept = [(name, column.tobytes().hex()) for name, column in sorted(raw.columns.items())]
    sums = [[list(each) for each in ledger] for ledger in raw.ledgers]
    return {
        "fingerprint": summary["fingerprint"],
        "summary": _digest(json.dumps(summary)),
        "requests": _digest(json.dumps([kept, raw.tallies, sums])),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def pinned() -> dict[str, str]:
    """The bundled scenarios' fingerprints here and now."""
    found = {}
    for name, changes in BUNDLED.items():
        scenario = load(name, changes)
        found[name] = digests(scenario, next(reversed(CLOCKS)))["fingerprint"]
    return found


def main() -> None:
    """Answer until stdin ends, or write the pins."""
    if sys.argv[1:] == ["--pin"]:
        PINS.write_text(json.dumps(pinned(), indent=1) + "\n", encoding="utf-8")
        return
    for line in sys.stdin:
        scenario = scenario_of(json.loads(line))
        print(json.dumps({clock: digests(scenario, clock) for clock in CLOCKS}), flush=True)


if __name__ == "__main__":
    main()
