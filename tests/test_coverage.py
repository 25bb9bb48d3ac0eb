"""How often the intervals hold the truth: on M/M/1 at load 0.8, whose waits are known, by Lindley's recursion and by iosim.

Each experiment is what a user does: 10 replications of 5,000 customers after a cut of 500, an interval on the mean wait and
one on its p90. 95 % of many experiments must hold the truth; the bounds are three standard errors wide.
"""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import iosim
from iosim.quantiles import clustering, quantile_interval, quantile_of_column, quantile_refusal
from iosim.statistics import Estimate, interval

LOAD, REPLICATIONS, CUSTOMERS, CUT = 0.8, 10, 5_000, 500
MEAN = LOAD / (1 - LOAD)  # in mean service times
P90 = math.log(LOAD / 0.1) / (1 - LOAD)

Grains = NDArray[np.int64]


def lindley(experiments: int, seed: int) -> Grains:
    """Waits after the cut, in millionths of the mean service: (experiments, replications, customers)."""
    generator = np.random.default_rng(seed)
    rows = experiments * REPLICATIONS
    wait, kept = np.zeros(rows), np.empty((CUSTOMERS, rows), dtype=np.int64)
    for customer in range(CUT + CUSTOMERS):
        if customer >= CUT:
            kept[customer - CUT] = wait * 1e6
        wait = np.maximum(0.0, wait + generator.exponential(1.0, rows) - generator.exponential(1 / LOAD, rows))
    return np.ascontiguousarray(kept.T).reshape(experiments, REPLICATIONS, CUSTOMERS)


def estimates(waits: Grains) -> tuple[Estimate, Estimate, float]:
    """Mean and p90 of one experiment, in mean service times, and the clustering factor at the p90."""
    pooled = quantile_of_column(waits.reshape(-1), 0.9)
    beyond = [int(count) for count in (waits > pooled).sum(axis=1)]
    own = [float(quantile_of_column(row, 0.9)) for row in waits]
    mean = interval([float(row.mean()) for row in waits])
    factor = clustering(beyond, [CUSTOMERS] * REPLICATIONS)
    return mean.scaled(1e-6), quantile_interval(float(pooled), own).scaled(1e-6), factor


def covers(found: list[Estimate], truth: float) -> int:
    return sum(it.low <= truth <= it.high for it in found)


@pytest.mark.heavy
def test_two_thousand_experiments_hold_the_true_mean_and_p90_as_often_as_promised() -> None:
    found = [estimates(waits) for seed in range(20) for waits in lindley(100, seed)]
    means, tails, factors = [it[0] for it in found], [it[1] for it in found], [it[2] for it in found]
    told = f"mean {covers(means, MEAN)}, p90 {covers(tails, P90)} of {len(found)}"
    assert 1_872 <= covers(means, MEAN) <= 1_926, told
    assert 1_872 <= covers(tails, P90) <= 1_926, told
    assert sum(it.half_width for it in means) / len(found) <= 0.12 * MEAN
    assert sum(it.half_width for it in tails) / len(found) <= 0.12 * P90
    assert 50 <= sorted(factors)[len(factors) // 2] <= 70
    assert not any(quantile_refusal(CUSTOMERS * REPLICATIONS, 0.9, factor) for factor in factors)


def test_a_hundred_experiments_are_not_far_off() -> None:
    """The quick look that every run of the tests takes."""
    found = [estimates(waits) for waits in lindley(100, 77)]
    assert covers([mean for mean, _, _ in found], MEAN) >= 88
    assert covers([tail for _, tail, _ in found], P90) >= 88


def estimate(figure: dict[str, Any]) -> Estimate:
    low, high = figure["ci95"]
    return Estimate(figure["value"], low, high, REPLICATIONS).scaled(1e-6)


PORT: dict[str, Any] = {
    "study": None,
    "machine.cores_per_node": 1,
    "ports.main.concurrency": 1,
    "pools.workers.threads": 1,
    "handlers.request": [{"compute": {"exponential": "1 ms"}}],
    "workload.clients": {"kind": "open", "port": "main", "handler": "request", "rate": "800/s"},
    "run": {"warm_up": f"{CUT * 1250} us", "duration": f"{CUSTOMERS * 1250} us", "replications": REPLICATIONS},
    "machine.dispatcher": {"context_switch": "0 ns"},
    "machine.kernel": {"remove": "0 ns", "post": "0 ns"},
}


@pytest.mark.heavy
def test_two_hundred_experiments_on_the_simulator_do_the_same() -> None:
    scenario = iosim.load("thread-thrashing", set=PORT)
    waits = [iosim.run(scenario, seed=seed, jobs=1).summary["wait_ns"] for seed in range(200)]
    means, tails = ([estimate(wait[name]) for wait in waits] for name in ("mean", "p90"))
    told = f"mean {covers(means, MEAN)}, p90 {covers(tails, P90)} of 200"
    assert 180 <= covers(means, MEAN) <= 197, told
    assert 180 <= covers(tails, P90) <= 197, told
