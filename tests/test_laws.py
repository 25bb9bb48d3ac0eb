"""A port with all costs 0 is a queue that has a formula: M/M/c (numbers 8)."""

import math
from fractions import Fraction
from pathlib import Path

import joblib
import numpy as np
import pytest

import iosim
from iosim.heap_clock import HeapClock
from iosim.machine import Machine
from iosim.scenario.loader import load
from iosim.statistics import interval
from iosim.theory import erlang_c_wait

SERVICE_S = Fraction(1, 1000)
# Standard errors allowed: two-sided 99 % for nine cells together (Bonferroni: 1 - 0.01 / 9).
ALLOWED = 3.26

PORT = """\
version: 1
scenario: mmc
machine:
  cores_per_node: 8
  memory: {l3: 0 ns, local: 0 ns}
  dispatcher: {context_switch: 0 ns, quantum: 1000 s}
  kernel: {remove: 0 ns, post: 0 ns}
ports: {main: {concurrency: 1}}
pools: {workers: {port: main, threads: 16}}
handlers: {serve: [compute: {exponential: 1 ms}]}
workload: {all: {kind: open, port: main, handler: serve, rate: 500/s}}
run: {duration: 1 s, warm_up: 0 s, max_events: 1000000000}
"""


@pytest.mark.parametrize(
    ("servers", "load", "wait"), [(1, 0.5, 1.0), (4, 0.8, 0.74554059), (8, 0.9, 0.87691624), (8, 0.5, 0.01476100)]
)
def test_the_formula_gives_the_published_waits(servers: int, load: float, wait: float) -> None:
    assert erlang_c_wait(servers, load) == pytest.approx(wait, abs=1e-8)


def mean_wait(path: Path, servers: int, load_: float, customers: int, seed: int) -> float:
    """Mean wait (in service times) of one run of about `customers`; the first tenth is warm-up."""
    rate = Fraction(str(load_)) * servers / SERVICE_S
    seconds = customers / rate
    changes = {
        "ports.main.concurrency": servers,
        "workload.all.rate": f"{float(rate)}/s",
        "run.duration": f"{round(seconds * 1000)} ms",
        "run.warm_up": f"{round(seconds * 100)} ms",
    }
    machine = Machine(load(path, changes), HeapClock(), seed, 0, {})
    raw = machine.run()
    began = np.frombuffer(raw.columns["began"], dtype=np.int64)
    intended = np.frombuffer(raw.columns["intended"], dtype=np.int64)
    counted = intended >= round(seconds * 100) * 1_000_000
    return float((began - intended)[counted].mean() / 1e6)


def waits(path: Path, servers: int, load_: float, customers: int, replications: int) -> list[float]:
    """One mean wait for each of the seeds 1 to `replications`, in order, none chosen."""
    work = (joblib.delayed(mean_wait)(path, servers, load_, customers, seed) for seed in range(1, replications + 1))
    return list(joblib.Parallel(n_jobs=-1)(work))


def check(found: list[float], servers: int, load_: float, half_width: float) -> None:
    """Within the allowed standard errors of the theory, and as precise as asked."""
    estimate = interval(found)
    theory = erlang_c_wait(servers, load_)
    error = math.sqrt(np.var(found, ddof=1) / len(found))
    assert abs(estimate.value - theory) <= ALLOWED * error, (estimate, theory)
    assert estimate.half_width <= half_width * theory, (estimate, theory)


@pytest.fixture
def port_file(tmp_path: Path) -> Path:
    path = tmp_path / "mmc.yaml"
    path.write_text(PORT)
    return path


def test_a_port_with_limit_4_is_m_m_4(port_file: Path) -> None:
    check(waits(port_file, 4, 0.5, 6_000, 12), 4, 0.5, 0.2)


def test_the_check_fails_for_another_queue(port_file: Path) -> None:
    """The same waits held against a formula with one server more: a check that can't fail proves nothing."""
    found = waits(port_file, 4, 0.5, 6_000, 12)
    with pytest.raises(AssertionError):
        check([wait * 1.5 for wait in found], 4, 0.5, 1.0)


# Customers in all: what the asymptotic variance of the wait asks for, with a third to spare.
CELLS = [
    (1, 0.5, 400_000, 0.02),
    (1, 0.8, 1_700_000, 0.02),
    (1, 0.9, 1_500_000, 0.04),
    (4, 0.5, 1_800_000, 0.02),
    (4, 0.8, 1_700_000, 0.02),
    (4, 0.9, 1_500_000, 0.04),
    (8, 0.5, 6_000_000, 0.02),
    (8, 0.8, 5_000_000, 0.02),
    (8, 0.9, 1_600_000, 0.04),
]
REPLICATIONS = 20


@pytest.mark.heavy
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("servers", "load", "customers", "half_width"), CELLS)
def test_H11_a_port_with_limit_c_is_m_m_c(
    port_file: Path, servers: int, load: float, customers: int, half_width: float
) -> None:
    """All costs 0, limit <= processors, quantum longer than any service, threads to spare."""
    check(waits(port_file, servers, load, customers // REPLICATIONS, REPLICATIONS), servers, load, half_width)


# ---- two classes -----------------------------------------------------------------------------------------------------

CLASSES = """\
version: 1
scenario: two-classes
machine:
  cores_per_node: {workers}
  memory: {{l3: 0 ns, local: 0 ns}}
  dispatcher: {{context_switch: 0 ns, quantum: 1000 s}}
  kernel: {{remove: 0 ns, post: 0 ns}}
ports: {{main: {{concurrency: {workers}}}}}
pools: {{workers: {{port: main, threads: {workers}}}}}
handlers: {{quick: [compute: 1 ms], slow: [compute: 100 ms]}}
workload:
  quick: {{kind: open, port: main, handler: quick, rate: {quick}/s}}
  slow: {{kind: open, port: main, handler: slow, rate: {slow}/s}}
run: {{duration: 400 s, warm_up: 0 s, max_events: 1000000000}}
"""


def quick_latency(path: Path, workers: int) -> dict[str, float]:
    """Figures (ms) of the quick class, nine of ten requests, when each worker is busy for 30 % of the time."""
    path.write_text(CLASSES.format(workers=workers, quick=24.75 * workers, slow=2.75 * workers))
    latency = iosim.run(iosim.load(str(path)), replications=5, study=False).summary["classes"]["quick"]["latency_ns"]
    return {figure: latency[figure]["value"] / 1e6 for figure in ("mean", "p50", "p99")}


def test_H12_four_workers_make_a_slow_class_pass_where_one_lets_it_block_the_quick_one(tmp_path: Path) -> None:
    """One worker: the mean is Pollaczek and Khinchine's, 1 + 27.5 * 1.0009 / (2 * 0.7) = 20.7 ms; half see no queue."""
    alone = quick_latency(tmp_path / "one.yaml", 1)
    together = quick_latency(tmp_path / "four.yaml", 4)
    assert alone["mean"] == pytest.approx(20.66, rel=0.1)
    assert alone["p50"] == together["p50"] == pytest.approx(1.0)
    assert alone["p99"] > 150
    assert together["p99"] < alone["p99"] / 4
