"""Cells of a table, each run in replications of its own: figures with intervals that all rows together can be held to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from iosim.clock import make_clock
from iosim.machine import Machine
from iosim.quantiles import quantile_of_column
from iosim.records import Raw
from iosim.rows import groups
from iosim.scenario.loader import load
from iosim.statistics import Estimate, interval
from iosim.verify import Row

REPLICATIONS = 20
ROWS = 200  # of all tables about queues together, at most
LEVEL = 1 - 0.01 / ROWS  # one of a hundred verifications of a right model misses anything


@dataclass(frozen=True)
class Wanted:
    """A figure of a cell beside what is published; `figure` names one of `figures_of`, `scale` is what it is divided by.

    `tolerance`: the largest half width of the interval, as a share of the published value, that still says something.
    """

    what: str
    unit: str
    figure: str
    published: float
    tolerance: float
    source: str
    minus: float = 0.0  # taken off what the model gives, before it is divided


@dataclass(frozen=True)
class Cell:
    """One setting of the scenario, run for so many milliseconds in all replications together, and what is wanted of it."""

    changes: dict[str, Any]
    milliseconds: float
    wanted: list[Wanted] = field(default_factory=list)


def rows_of(path: Path, cells: list[Cell], jobs: int | None = None) -> list[Row]:
    """The rows of all cells, in order; the same with any number of processes."""
    import joblib

    tasks = [(place, number) for place in range(len(cells)) for number in range(REPLICATIONS)]
    parallel = joblib.Parallel(n_jobs=jobs or -1, batch_size=REPLICATIONS // 2)
    found = parallel(joblib.delayed(_replicate)(path, cells[place], number) for place, number in tasks)
    rows = []
    for place, cell in enumerate(cells):
        values = found[place * REPLICATIONS : (place + 1) * REPLICATIONS]
        rows += [_row(wanted, [value[wanted.figure] - wanted.minus for value in values]) for wanted in cell.wanted]
    return rows


def _row(it: Wanted, values: list[float]) -> Row:
    found: Estimate = interval(values, LEVEL)
    return Row(it.what, it.unit, found.value, it.published, it.tolerance, it.source, ends=(found.low, found.high))


def _replicate(path: Path, cell: Cell, replication: int) -> dict[str, float]:
    """A tenth of each replication is its warm-up."""
    length = round(cell.milliseconds / REPLICATIONS * 1e6)
    warm_up = length // 10 // 1000 * 1000
    times = {"run.duration": f"{length} ns", "run.warm_up": f"{warm_up} ns"}
    raw = Machine(load(path, {**cell.changes, **times}), make_clock(), 1, replication, {}).run()
    return figures_of(raw, warm_up)


def figures_of(raw: Raw, warm_up: int) -> dict[str, float]:
    """Waits and latencies in ms (also of each class, by its name), quantiles of all latencies, requests a second, numbers."""
    columns = {name: np.frombuffer(raw.columns[name], dtype=np.int64) for name in raw.columns}
    counted = (columns["intended"] >= warm_up) & (columns["intended"] < raw.horizon)
    ended = (columns["ended"] >= warm_up) & (columns["ended"] < raw.horizon)
    waits = ((columns["began"] - columns["intended"]) / 1e6)[counted]
    exact = (columns["ended"] - columns["intended"])[counted]
    latencies = exact / 1e6
    found = {"wait": float(waits.mean()), "latency": float(latencies.mean())}
    found |= {f"p{100 * q:.0f}": quantile_of_column(exact, q) / 1e6 for q in (0.95, 0.99)}
    found["rate"] = int(ended.sum()) * 1e9 / (raw.horizon - warm_up)
    classes = groups(columns["outcome"])[counted]
    for number, name in enumerate(raw.classes):
        found[f"{name}.wait"] = float(waits[classes == number].mean())
        found[f"{name}.latency"] = float(latencies[classes == number].mean())
    for port in (name for name in raw.resources if name.startswith("ports.")):
        found[f"{port}.inside"] = _inside(raw, port, warm_up)
        found[f"{port}.threads_used"] = float(raw.extremes[f"{port}.threads_used"])
        found[f"{port}.active_max"] = float(raw.extremes[f"{port}.active_max"])
    return found


def _inside(raw: Raw, port: str, warm_up: int) -> float:
    """Mean number that wait at a port or are served there."""
    times = np.frombuffer(raw.samples["time"], dtype=np.int64)
    first, last = (int(np.searchsorted(times, time)) for time in (warm_up, raw.horizon))
    last = min(last, len(times) - 1)
    area = sum(
        raw.samples[f"{port}.{what}"][last] - raw.samples[f"{port}.{what}"][first] for what in ("depth", "running")
    )
    return float(area) / float(times[last] - times[first])
