"""Steady, unstable for one of two reasons, undecided for one of two, terminating: the rule, and what a run is told."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_queue import queue_lengths

import iosim
from iosim import regimes as ours
from iosim.errors import WrongInput

PORT = """\
version: 1
scenario: port
machine: {cores_per_node: 2, dispatcher: {context_switch: 0 ns}, kernel: {remove: 0 ns, post: 0 ns}}
ports: {main: {concurrency: 2}}
pools: {workers: {port: main, threads: 2}}
disks: {one: {kind: nvme, units: 8, read: 50 us, program: 50 us}}
volumes: {data: {disk: one, cache: 64 MiB}}
files: {table: {volume: data, size: 16 MiB, access: cached, read_ahead: 0 B}}
handlers: {serve: [{compute: {exponential: 100 us}}]}
workload: {all: {kind: open, port: main, handler: serve, rate: 10000/s}}
run: {duration: 400 ms, warm_up: 40 ms, replications: 5}
"""
BLOCKS = {"handlers.serve": [{"block": "1 ms"}]}  # two threads: 2,000 a second, and processors have nothing to do
FILLS = {
    "handlers.serve": [{"read": {"file": "table", "size": "4 KiB"}}],
    "workload.all.rate": "4000/s",
    "run.warm_up": None,
}


# ---- the rule --------------------------------------------------------------------------------------------------------


def verdicts(load: float, end: float, replications: int = 10, times: int = 20) -> Counter[str]:
    runs = (queue_lengths(load, end, replications, seed) for seed in range(times))
    return Counter(ours.regime(run, offered=0.8 * load * end, window_ns=10**9).kind for run in runs)


@pytest.mark.parametrize("load", [0.02, 0.5, 0.8, 0.9])
def test_a_queue_below_its_capacity_is_steady(load: float) -> None:
    assert verdicts(load, 20_000 / load)["steady"] >= 19


@pytest.mark.parametrize("load", [1.05, 1.2, 3.0])
def test_an_overloaded_queue_is_unstable(load: float) -> None:
    assert verdicts(load, 20_000 / load)["unstable"] >= 19


@pytest.mark.parametrize("load", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("count", [1_000, 5_000])
def test_a_short_window_makes_a_busy_queue_undecided_but_never_unstable(load: float, count: int) -> None:
    assert verdicts(load, count / load)["unstable"] == 0


@pytest.mark.parametrize("load", [1.02, 1.2])
@pytest.mark.parametrize("count", [300, 5_000])
@pytest.mark.parametrize("replications", [1, 3, 10])
def test_a_short_window_never_makes_an_overloaded_queue_steady(load: float, count: int, replications: int) -> None:
    assert verdicts(load, count / load, replications)["steady"] == 0


def test_the_critical_queue_is_not_called_steady() -> None:
    """At load 1 the queue has no level, though it hardly grows."""
    assert verdicts(1.0, 20_000)["steady"] <= 1


@pytest.mark.parametrize(("load", "kind"), [(0.5, "steady"), (1.2, "unstable")])
def test_one_long_replication_is_enough_where_the_case_is_clear(load: float, kind: str) -> None:
    assert verdicts(load, 20_000 / load, replications=1)[kind] >= 19


def test_an_unstable_verdict_names_the_queue_that_grows_and_how_fast() -> None:
    disk = queue_lengths(1.2, 10_000, 10, seed=1)
    steady = queue_lengths(0.5, 10_000, 10, seed=2)
    window_ns = 8_000 * 10**6  # a mean service of 1 ms
    found = ours.regime(disk + steady, 9_600, window_ns, {"cpu": steady, "disk": disk, "idle": 0 * disk})
    assert (found.kind, found.resource) == ("unstable", "disk")
    assert found.growth_per_s.low < 200 < found.growth_per_s.high
    assert found.growth_per_s.half_width < 20
    assert found.left_behind.value == pytest.approx(1 / 6, abs=0.02)


def test_work_beyond_capacity_is_unstable_before_any_queue_shows_it() -> None:
    """The operational bound: what would need more than all of its time can't be steady, however short the window."""
    calm = queue_lengths(0.5, 2_000, 10, seed=2)
    found = ours.regime(calm, 1_000, 10**9, {"cpu": calm}, {"cpu": [1.08, 1.1, 1.12] * 3, "bus": [0.9] * 9})
    assert (found.kind, found.resource) == ("unstable", "cpu")
    assert "cpu would need 110.0% of its time" in found.reason


@pytest.mark.parametrize("loads", [[1.2], [0.9, 1.2, 1.0] * 3, [1.005, 1.006] * 5])
def test_a_bound_that_may_hold_condemns_nobody(loads: list[float]) -> None:
    calm = queue_lengths(0.5, 20_000, 10, seed=2)
    assert ours.regime(calm, 10_000, 10**9, {}, {"cpu": loads}).kind == "steady"
    assert ours.regime(calm, 10_000, 10**9, {}, {"cpu": [1.5] * 9}, bounded=True).kind == "steady"


def test_growth_without_a_queue_to_blame_is_still_unstable() -> None:
    disk = queue_lengths(1.2, 10_000, 10, seed=1)
    found = ours.regime(disk, 9_600, 10**9, {"cpu": 0 * disk})
    assert (found.kind, found.resource) == ("unstable", "")


def test_a_slow_leak_under_a_high_level_is_unstable() -> None:
    """1,000 requests on the wire hide a disk queue that gains 400 in the window: 2 % of the load is never served."""
    noise = np.random.default_rng(4).normal(0, 5, (10, 50))
    found = ours.regime(1000 + noise + np.linspace(0, 400, 50), 20_000, 10**9)
    assert found.kind == "unstable"


def test_sure_growth_that_hardly_moves_the_level_is_steady() -> None:
    """With enough replications any drift is significant; only one that matters makes a verdict."""
    noise = np.random.default_rng(4).normal(0, 0.1, (10, 50))
    found = ours.regime(100 + noise + np.linspace(0, 5, 50), 10**6, 10**9)
    assert found.growth_per_s.low > 0
    assert found.kind == "steady"


def test_a_small_overload_of_a_long_window_is_unstable() -> None:
    """Half a percent too much is below the 1 % of the load, but the queue is nothing but growth."""
    noise = np.random.default_rng(4).normal(0, 5, (10, 50))
    found = ours.regime(noise + np.linspace(0, 5_000, 50), 10**6, 10**9)
    assert found.left_behind.high < 0.01
    assert found.kind == "unstable"


def test_a_closed_load_can_not_be_unstable() -> None:
    climb = np.random.default_rng(4).normal(0, 0.1, (10, 50)) + np.linspace(0, 64, 50)
    assert ours.regime(climb, 1_000, 10**9).kind == "unstable"
    assert ours.regime(climb, 1_000, 10**9, bounded=True).kind == "undecided"


def test_an_empty_system_is_steady() -> None:
    assert ours.regime(np.zeros((10, 20)), 5, 10**9).kind == "steady"


def test_an_undecided_verdict_says_what_it_would_take() -> None:
    found = ours.regime(queue_lengths(0.95, 500, 10, seed=3), 380, 10**9)
    assert found.kind == "undecided"
    assert "times as long" in found.reason


def test_a_run_that_ends_by_itself_is_terminating_whatever_its_queues_do() -> None:
    assert ours.regime(queue_lengths(1.2, 10_000, 10, seed=1), 9_600, 10**9, terminating=True).kind == "terminating"
    assert ours.regime([], 0, 0, terminating=True).kind == "terminating"


def test_a_regime_without_load_or_window_is_refused() -> None:
    bins = np.ones((10, 20))
    for offered, window in ((0, 1), (5, 0)):
        with pytest.raises(ValueError, match="needs"):
            ours.regime(bins, offered, window)


@pytest.mark.parametrize("replications", [1, 3, 10])
def test_a_window_too_short_for_a_trend_is_undecided_and_says_how_long_it_would_have_to_be(replications: int) -> None:
    climb = np.tile(np.arange(8.0), (replications, 1))
    found = ours.regime(climb, 5, 20 * 10**6)
    assert (found.kind, found.resource) == ("undecided", "")
    assert found.reason == (
        "the trend is told from 10 steps or more, and the 20 ms judged have 8; a window about 1.2 times as long may decide"
    )
    assert ours.regime(climb[:, :0], 5, 0).kind == "undecided"


@pytest.mark.parametrize("replications", [1, 3, 10])
def test_growth_over_the_window_is_slope_times_width(replications: int) -> None:
    line = np.tile(np.arange(40.0) + 0.5, (replications, 1))
    assert ours.growth(line).value == pytest.approx(40)


# ---- what a run is told ----------------------------------------------------------------------------------------------


@pytest.fixture
def summary(tmp_path: Path) -> Any:
    path = tmp_path / "port.yaml"
    path.write_text(PORT)

    def run(changes: dict[str, Any]) -> Any:
        return iosim.run(iosim.load(path, set=changes), jobs=1).summary

    return run


def test_a_load_that_is_carried_is_steady(summary: Any) -> None:
    found = summary({})
    assert (found["regime"]["kind"], found["regime"]["resource"]) == ("steady", "")
    assert found["regime"]["growth_per_s"] is None
    assert not any("regime" in line or "unstable" in line for line in found["warnings"])


def test_more_work_than_processors_have_time_for_is_unstable_by_the_bound(summary: Any) -> None:
    """30,000 a second of 100 us each are three processors."""
    found = summary({"workload.all.rate": "30000/s"})
    assert found["regime"]["kind"] == "unstable"
    assert "processors would need 1" in found["regime"]["reason"]
    assert found["latency_ns"]["mean"]["ci95"] is None
    assert any(line.startswith("unstable at ports.main: processors would need") for line in found["warnings"])


def test_a_queue_that_grows_though_processors_idle_is_unstable_and_named(summary: Any) -> None:
    """1,000 requests a second too many: that is what the queue gains."""
    found = summary({**BLOCKS, "workload.all.rate": "3000/s"})
    assert (found["regime"]["kind"], found["regime"]["resource"]) == ("unstable", "ports.main")
    assert "stayed behind" in found["regime"]["reason"]
    assert found["regime"]["growth_per_s"] == pytest.approx(1000, rel=0.15)


def test_too_short_a_run_is_undecided_and_says_how_long_a_window_may_decide(summary: Any) -> None:
    found = summary({**BLOCKS, "workload.all.rate": "1950/s", "run.duration": "80 ms"})
    assert found["regime"]["kind"] == "undecided"
    assert "times as long may decide" in found["regime"]["reason"]
    assert any(line.startswith("regime undecided:") for line in found["warnings"])


def test_a_cache_that_fills_past_half_of_the_run_is_undecided(summary: Any) -> None:
    """Its misses are the slowest state, and whoever misses is longer in the system; latency plays no part."""
    found = summary(FILLS)
    assert found["regime"]["kind"] == "undecided"
    assert "warm-up: in_system, volumes.data.misses had not settled in the first half" in found["regime"]["reason"]
    assert found["warm_up_ns"] == pytest.approx(found["simulated_ns"] / 2, rel=0.01)


@pytest.mark.parametrize("replications", [1, 2])
def test_a_cut_past_half_of_the_run_is_undecided_of_one_or_two_replications_too(
    summary: Any, replications: int
) -> None:
    """They can't tell a state on its way from luck (of three steady runs of ten the minimum lies there): nobody knows."""
    found = summary({**FILLS, "run.replications": replications})
    assert found["regime"]["kind"] == "undecided"
    assert "had not settled in the first half of the run" in found["regime"]["reason"]
    assert any("had not settled in the first half of the run" in line for line in found["warnings"])


def test_a_cache_that_has_filled_in_the_first_half_is_cut_off_and_steady(summary: Any) -> None:
    found = summary({**FILLS, "files.table.size": "256 KiB"})
    assert found["regime"]["kind"] == "steady"
    assert 0 < found["warm_up_ns"] < found["simulated_ns"] / 2


def test_closed_clients_are_never_unstable(summary: Any) -> None:
    clients = {"kind": "closed", "port": "main", "handler": "serve", "clients": 50}
    assert summary({**BLOCKS, "workload": {"all": clients}})["regime"]["kind"] == "steady"


@pytest.mark.parametrize("replications", [1, 3])
@pytest.mark.parametrize("duration", ["2 ms", "1 ms"])
def test_a_run_too_short_for_a_trend_has_figures_but_no_regime(summary: Any, duration: str, replications: int) -> None:
    """2 ms after 40 are the last 9 of 200 steps."""
    found = summary({"run.duration": duration, "run.replications": replications})
    assert found["regime"]["kind"] == "undecided"
    assert "told from 10 steps" in found["regime"]["reason"]
    assert found["latency_ns"]["mean"]["value"] > 0


@pytest.mark.parametrize("replications", [1, 3])
@pytest.mark.parametrize("duration", ["1 ns", "10 us", "1 ms"])
def test_the_shortest_runs_end_without_a_fault(summary: Any, duration: str, replications: int) -> None:
    found = summary({"run.duration": duration, "run.warm_up": None, "run.replications": replications})
    assert found["regime"]["kind"] in ("steady", "undecided")


def test_a_duration_of_less_than_a_step_after_the_warm_up_is_refused_with_what_would_be_accepted(summary: Any) -> None:
    with pytest.raises(WrongInput, match=r"run.duration: 200 us after a warm-up of 40 ms .*; 201.007 us or more"):
        summary({"run.duration": "200 us"})
    assert summary({"run.duration": "201007 ns", "run.replications": 1})["requests"]["offered"] >= 0
