"""What the bundled scenarios claim, held to intervals over paired replications."""

from typing import Any

import pytest

import iosim
from iosim.results import Result
from iosim.scenario.sources import bundled_directory
from iosim.statistics import Estimate

ZERO_COSTS = {
    "machine.memory.l3": "0 ns",
    "machine.memory.local": "0 ns",
    "machine.dispatcher.context_switch": "0 ns",
}
MANY = "64/processor"
LIMIT, NONE = {"ports.main.concurrency": "1/processor"}, {"ports.main.concurrency": "none"}


def study(name: str, changes: dict[str, Any], vary: dict[str, list[Any]], replications: int = 5) -> Result:
    """The scenario with another study in it."""
    scenario = iosim.load(name, set={**changes, "study": {"vary": vary}, "run.replications": replications})
    result: Result = iosim.run(scenario)
    return result


def thrashing(changes: dict[str, Any]) -> Estimate:
    """Throughput with 64 threads a processor and no limit over that with the limit, same threads, same requests."""
    changes = {**changes, "pools.workers.threads": MANY}
    result = study("thread-thrashing", changes, {"ports.main.concurrency": ["1/processor", "none"]})
    assert result.study is not None
    return result.study.ratio("throughput_per_s", NONE, LIMIT)


def test_too_many_threads_lose_a_tenth_or_more_of_the_throughput_and_the_limit_cures_it() -> None:
    ratio = thrashing({})
    assert ratio.high <= 0.9, ratio


def test_the_loss_vanishes_when_switching_and_refilling_cost_nothing() -> None:
    ratio = thrashing(ZERO_COSTS)
    assert ratio.low >= 0.98, ratio


@pytest.mark.parametrize(
    "costs", [{}, {"machine.memory.local": "400 ns", "machine.dispatcher.context_switch": "20 us"}]
)
def test_handlers_that_only_compute_do_not_thrash_at_any_cost(costs: dict[str, str]) -> None:
    """A worker takes its next packet without a switch, and a quantum is a thousand handlers long (semantics 0b)."""
    compute = [{"compute": {"time": {"exponential": "180 us"}, "touching": "64 KiB"}}]
    ratio = thrashing({**costs, "handlers.request": compute, "run.duration": "500 ms"})
    assert ratio.low >= 0.98, ratio


def test_a_fast_class_waits_behind_a_slow_one_and_two_ports_or_more_workers_cure_it() -> None:
    vary: dict[str, list[Any]] = {"pools.workers.threads": [8, 32], "workload.slow.port": ["main", "aside"]}
    result = study("head-of-line", {}, vary)
    assert result.study is not None
    figure = "classes.fast.latency_ns.mean"
    together = {"pools.workers.threads": 8, "workload.slow.port": "main"}
    apart = {"pools.workers.threads": 8, "workload.slow.port": "aside"}
    more = {"pools.workers.threads": 32, "workload.slow.port": "main"}
    assert result.study.ratio(figure, apart, together).high <= 0.2
    assert result.study.ratio(figure, more, together).high <= 0.2
    assert result.study.ratio(figure, more, apart).low >= 0.9


def test_the_head_of_line_time_is_laid_at_the_slow_class() -> None:
    """Without a warm-up: the time behind a class is summed over the whole run, waits over what is measured."""
    result = iosim.run(iosim.load("head-of-line", set={"run.warm_up": "0 s"}), replications=3, study=False)
    blamed = result.summary["head_of_line_ns"]["ports.main"]
    waited = result.summary["classes"]["fast"]["wait_ns"]["mean"]["value"]
    assert 0.7 * waited <= blamed["fast"]["value"] <= 1.1 * waited
    assert blamed["slow"]["value"] == 0


def test_the_head_of_line_time_vanishes_when_the_slow_class_does_not_block() -> None:
    changes = {"handlers.slow": [{"compute": {"exponential": "50 us"}}]}
    result = iosim.run(iosim.load("head-of-line", set=changes), replications=3, study=False)
    assert result.summary["classes"]["fast"]["latency_ns"]["mean"]["value"] < 60_000


def test_trace_replay_replays_every_row_and_explains_its_time() -> None:
    summary = iosim.run(iosim.load("trace-replay")).summary
    assert summary["requests"]["completed"] == 24_783
    assert summary["regime"]["kind"] == "terminating"
    causes = summary["latency_causes_ns"]
    assert sum(it["value"] for it in causes.values()) == pytest.approx(summary["latency_ns"]["mean"]["value"], rel=1e-9)
    assert causes["device_queue"]["value"] > causes["device_service"]["value"] > 1_000_000
    assert summary["disks"]["disk0"]["queue_max"]["value"] > 8


def test_trace_replay_is_carried_only_by_the_drive_that_chooses_by_position() -> None:
    """138 reads a second are more than the mechanism serves first come, first served (numbers 5: 112)."""
    orders = {f"disks.disk{number}.order": "fcfs" for number in range(3)}
    chosen = iosim.run(iosim.load("trace-replay")).summary["latency_ns"]["mean"]["value"]
    queued = iosim.run(iosim.load("trace-replay", set=orders)).summary["latency_ns"]["mean"]["value"]
    assert queued > 10 * chosen


@pytest.mark.parametrize("name", sorted(path.stem for path in bundled_directory().glob("*.yaml")))
def test_every_bundled_scenario_is_stable_or_says_that_it_overloads(name: str) -> None:
    scenario = iosim.load(name)
    kind = iosim.run(scenario, study=False).summary["regime"]["kind"]
    assert kind in ("steady", "terminating") or scenario.model.overloads


def test_histograms_alone_tell_what_rows_tell_within_a_bucket() -> None:
    """`rows: false` keeps memory bounded: means, counts and maxima stay exact, quantiles are at most 1/128 high."""
    changes = {"run.warm_up": "500 ms", "run.replications": 2}
    rows = iosim.run(iosim.load("head-of-line", set=changes), study=False).summary
    tallies = iosim.run(iosim.load("head-of-line", set={**changes, "run.rows": False}), study=False).summary
    for figure in ("requests", "throughput_per_s", "latency_causes_ns", "head_of_line_ns", "regime", "ports"):
        assert tallies[figure] == rows[figure], figure
    for name in ("fast", "slow"):
        for column in ("latency_ns", "wait_ns"):
            exact, rough = rows["classes"][name][column], tallies["classes"][name][column]
            assert (rough["mean"], rough["max"]) == (exact["mean"], exact["max"])
            for quantile in ("p50", "p90", "p99"):
                assert exact[quantile]["value"] <= rough[quantile]["value"] <= exact[quantile]["value"] * 129 / 128
