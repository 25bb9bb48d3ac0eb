"""What the bundled scenarios claim, held to intervals over paired replications."""

from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim.drives.drive import Command
from iosim.drives.ssd import Ssd
from iosim.heap_clock import HeapClock
from iosim.machine import Machine
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


BATCH, SKIP = "pools.workers.batch", "files.records.skip_on_success"


def batching(changes: dict[str, Any]) -> tuple[Estimate, Estimate]:
    """Throughput of batches of 16, and of skip-on-success, each over that with neither."""
    result = study("batching", changes, {BATCH: [1, 16], SKIP: [False, True]}, 3)
    assert result.study is not None
    neither = {BATCH: 1, SKIP: False}
    others = {BATCH: 16, SKIP: False}, {BATCH: 1, SKIP: True}
    batch, skip = (result.study.ratio("throughput_per_s", other, neither) for other in others)
    return batch, skip


def test_batches_and_skip_on_success_raise_the_throughput_of_cached_reads() -> None:
    batch, skip = batching({})
    assert batch.low >= 1.15, batch
    assert skip.low >= 1.05, skip


def test_what_they_gain_vanishes_with_the_cost_of_the_call_that_they_save() -> None:
    batch, skip = batching({"machine.kernel.remove": "0 ns"})
    assert 0.97 <= batch.low <= batch.high <= 1.02, batch
    assert 0.98 <= skip.low <= skip.high <= 1.02, skip


def test_batches_make_some_wait_behind_what_blocks_in_their_thread_and_more_threads_are_no_cure() -> None:
    def tail(**changes: Any) -> float:
        named = {name.replace("__", "."): value for name, value in changes.items()}
        summary = iosim.run(iosim.load("batching", set=named), study=False).summary
        return float(summary["classes"]["records"]["latency_ns"]["p99"]["value"])

    alone = tail()
    assert tail(pools__workers__batch=4) > 3 * alone
    assert tail(pools__workers__batch=4, pools__workers__threads=500) > 3 * alone
    assert tail(pools__workers__batch=4, handlers__errand=[{"compute": "2 us"}]) < 1.2 * alone


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
    if scenario.missing:
        pytest.skip("its trace may not be shipped; test_server_traces.py has one")
    kind = iosim.run(scenario, study=False).summary["regime"]["kind"]
    assert kind in ("steady", "terminating") or scenario.model.overloads


def test_histograms_alone_tell_what_rows_tell_within_a_bucket() -> None:
    """`rows: false` keeps memory bounded: means, counts and maxima stay exact, quantiles are at most 1/1024 high."""
    changes = {"run.warm_up": "500 ms", "run.replications": 2}
    rows = iosim.run(iosim.load("head-of-line", set=changes), study=False).summary
    tallies = iosim.run(iosim.load("head-of-line", set={**changes, "run.rows": False}), study=False).summary
    for figure in ("requests", "throughput_per_s", "latency_causes_ns", "head_of_line_ns", "regime", "ports"):
        assert tallies[figure] == rows[figure], figure
    for name in ("fast", "slow"):
        for column in ("latency_ns", "wait_ns"):
            exact, rough = rows["classes"][name][column], tallies["classes"][name][column]
            assert (rough["mean"], rough["max"]) == (exact["mean"], exact["max"])
            assert (exact["p50"]["value"], rough["p50"]["value"]) != (None, None)
            for quantile in [name for name in ("p50", "p90") if rough[name]["value"] and exact[name]["value"]]:
                assert exact[quantile]["value"] <= rough[quantile]["value"] <= exact[quantile]["value"] * 1025 / 1024


FILE_SERVER = """\
version: 1
scenario: files
disks: {d: {preset: nvme-datacentre-flash}}
volumes: {v: {disk: d}}
files: {f: {volume: v, size: 4 GiB}}
ports: {main: {concurrency: 0}}
pools: {w: {port: main, threads: 8}}
handlers: {h: [compute: 15 us, read: {file: f, size: 16 KiB}]}
workload: {a: {kind: open, port: main, handler: h, rate: 10000/s}}
run: {duration: 100 ms, warm_up: 0 s, replications: 2}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    path = tmp_path / "files.yaml"
    path.write_text(FILE_SERVER)
    return path


@pytest.mark.parametrize("size", ["16 KiB", {"lognormal": {"median": "16 KiB", "sigma": 1}}, {"exponential": "16 KiB"}])
def test_random_reads_go_all_over_the_file_whatever_their_sizes(
    files: Path, size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A size without an upper bound must not pin the offset: one flash unit would serve everything."""
    seen = set()

    class Watched(Ssd):
        def submit(self, command: Command) -> None:
            seen.add(command.offset)
            assert command.size % 512 == 0 and command.offset % 512 == 0
            super().submit(command)

    monkeypatch.setattr("iosim.storage.Ssd", Watched)
    scenario = iosim.load(files, set={"handlers.h": [{"read": {"file": "f", "size": size}}]})
    raw = Machine(scenario, HeapClock(), 1, 0, {}).run()
    assert len(seen) > 0.95 * raw.offered
    assert max(seen) > 3 * 2**30


def test_nothing_is_met_in_a_run_that_is_unstable(files: Path) -> None:
    changes = {
        "workload.a.rate": "500000/s",
        "expect": ["latency_ns.p99 < 10 s", "throughput_per_s > 1", "requests.failed < 1"],
    }
    result = iosim.run(iosim.load(files, set=changes))
    assert result.summary["regime"]["kind"] == "unstable"
    assert [verdict["verdict"] for verdict in result.verdicts] == ["undecided", "undecided", "met"]
    assert "unstable" in result.verdicts[0]["needs"]
    assert result.exit_status == 3


def test_one_replication_decides_nothing(files: Path) -> None:
    result = iosim.run(iosim.load(files, set={"run.replications": 1, "expect": ["p50 < 1 s"]}))
    assert [verdict["verdict"] for verdict in result.verdicts] == ["undecided"]


def test_requests_are_conserved_class_by_class() -> None:
    changes = {
        "workload.fast.rate": "1000000/s",
        "run.warm_up": "20 ms",
        "run.duration": "40 ms",
        "run.replications": 2,
    }
    summary = iosim.run(iosim.load("head-of-line", set=changes), study=False).summary
    classes = [it["requests"] for it in summary["classes"].values()]
    assert summary["requests"]["in_flight"] > 0
    for key in ("offered", "completed", "in_flight"):
        assert sum(it[key] for it in classes) == summary["requests"][key]
    for it in (*classes, summary["requests"]):
        assert it["offered"] == it["completed"] + it["failed"] + it["cancelled"] + it["dropped"] + it["in_flight"]


def test_head_of_line_time_is_part_of_the_wait() -> None:
    summary = iosim.run(iosim.load("head-of-line"), study=False).summary
    blamed = summary["head_of_line_ns"]["ports.main"]["fast"]["value"]
    assert 0 < blamed <= summary["classes"]["fast"]["wait_ns"]["mean"]["value"]


def test_two_clients_of_a_machine_with_smt_get_a_core_each() -> None:
    """Semantics 7.3: a sibling of a busy processor comes last."""
    changes = {
        "machine.smt.threads": 2,
        "workload.clients.clients": 2,
        "handlers.request": [{"compute": "1 ms"}],
        "run.duration": "50 ms",
        "run.replications": 2,
    }
    summary = iosim.run(iosim.load("thread-thrashing", set=changes), study=False).summary
    assert summary["latency_ns"]["p50"]["value"] is None or summary["latency_ns"]["p50"]["value"] < 1_010_000
    assert summary["latency_ns"]["mean"]["value"] < 1_010_000


@pytest.mark.parametrize(
    "figure",
    ["ports.main.queue_mean", "classes.clients.latency_ns.mean", "latency_causes_ns.lock", "latency_ns.p999"],
)
def test_any_figure_can_be_plotted_over_a_study(figure: str, tmp_path: Path) -> None:
    changes = {
        "study.plot.figure": figure,
        "study.vary": {"pools.workers.threads": ["1/processor", "2/processor"], "ports.main.concurrency": ["none"]},
        "run.replications": 2,
        "run.duration": "20 ms",
    }
    iosim.run(iosim.load("thread-thrashing", set=changes)).write(tmp_path)
    assert (tmp_path / "study.png").stat().st_size > 10_000


@pytest.mark.parametrize(("arguments", "said"), [({"clock": "sundial"}, "heap"), ({"replications": 0}, "at least 1")])
def test_wrong_arguments_of_run_are_refused_by_name(files: Path, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        iosim.run(iosim.load(files), **arguments)
