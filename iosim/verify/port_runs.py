"""One run of a scenario for a table, and what it gave of the requests after its warm-up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iosim.clock import make_clock
from iosim.machine import Machine
from iosim.quantiles import quantile_of_column
from iosim.scenario.loader import load


@dataclass(frozen=True, slots=True)
class Found:
    """Waits and latencies in ns, and requests a second."""

    waits: NDArray[np.int64]
    latencies: NDArray[np.int64]
    per_second: float

    @property
    def wait_ms(self) -> float:
        """Mean wait."""
        return float(self.waits.mean()) / 1e6

    @property
    def latency_ms(self) -> float:
        """Mean time from arrival to end."""
        return float(self.latencies.mean()) / 1e6

    def quantile_ms(self, q: float) -> float:
        """The time that a share `q` of the requests does not exceed."""
        return quantile_of_column(self.latencies, q) / 1e6


def run(path: Path, milliseconds: float, changes: dict[str, Any]) -> Found:
    """One run of seed 1 of the scenario in this file; the first tenth is its warm-up."""
    warm_up = round(milliseconds / 10)
    times = {"run.duration": f"{round(milliseconds)} ms", "run.warm_up": f"{warm_up} ms"}
    raw = Machine(load(path, {**changes, **times}), make_clock(), 1, 0, {}).run()
    columns = {name: np.frombuffer(raw.columns[name], dtype=np.int64) for name in ("intended", "began", "ended")}
    begin = warm_up * 1_000_000
    ended = (columns["ended"] >= begin) & (columns["ended"] < raw.horizon)
    counted = (columns["intended"] >= begin) & (columns["intended"] < raw.horizon)
    waits, latencies = columns["began"] - columns["intended"], columns["ended"] - columns["intended"]
    return Found(waits[counted], latencies[counted], int(ended.sum()) * 1e9 / (raw.horizon - begin))
