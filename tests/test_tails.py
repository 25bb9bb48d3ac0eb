"""One rule for tails, whoever asks: with fewer than twenty effective requests beyond it a quantile is not named."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from tiny_queue import waits

import iosim
from iosim import cli, planning
from iosim.clock import choose_clock
from iosim.comparison import _of_differences, compare
from iosim.executors import Serial
from iosim.probing import Bench
from iosim.samples import Column, named
from iosim.statistics import Estimate

QUEUE = """\
version: 1
scenario: queue
machine: {memory: {l3: 0 ns, local: 0 ns}, dispatcher: {context_switch: 0 ns}, kernel: {remove: 0 ns, post: 0 ns}}
ports: {main: {concurrency: 1}}
pools: {workers: {port: main, threads: 1}}
handlers: {request: [{compute: {exponential: 100 us}}]}
workload: {web: {kind: open, port: main, handler: request, rate: 5000/s}}
run: {duration: 60 ms, warm_up: 10 ms, replications: 10}
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> iosim.Scenario:
    """250 requests in each of ten replications: 25 of all lie beyond p99, if they were strangers, and 2 beyond p999."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queue.yaml").write_text(QUEUE)
    return iosim.load("./queue.yaml")


# ---- the rule --------------------------------------------------------------------------------------------------------


def columns(counts: list[int], each: int) -> list[Column]:
    """One a replication: so many of `each` values are 2, the others 1."""
    return [Column(np.array([2] * count + [1] * (each - count), dtype=np.int64)) for count in counts]


def test_twenty_beyond_are_enough_where_replications_agree() -> None:
    assert named(columns([10] * 10, 1000), 0.99) == (Estimate(1, 1, 1, 10), 0.0)
    few, times = named(columns([10] * 10, 199), 0.99)
    assert few is None
    assert times == pytest.approx(2000 / 1990)


def test_where_all_lie_in_one_replication_they_count_as_few() -> None:
    """100 beyond of 10,000, all in one of ten: the counts vary 101 times as much as those of strangers."""
    estimate, times = named(columns([100] + [0] * 9, 1000), 0.99)
    assert estimate is None
    assert times == pytest.approx(20 * 1000 / 9.9 / 0.01 / 10_000, rel=0.01)
    alone, enough = named(columns([100] + [0] * 9, 1000), 0.99, clustered=False)
    assert alone is not None
    assert (alone.value, enough) == (1, 0.0)


def test_nobody_else_asks_the_rule_for_less() -> None:
    """Whoever names a quantile of requests goes by `named`; a picture of bare columns has no replications to tell."""
    asked = set()
    for path in Path(iosim.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "iosim.quantiles":
                asked |= {path.name for it in node.names if it.name in ("quantile_refusal", "clustering")}
    assert asked == {"samples.py", "plots.py"}


# ---- who asks --------------------------------------------------------------------------------------------------------


def test_a_run_refuses_the_tail_and_says_what_it_takes(queue: iosim.Scenario) -> None:
    found = iosim.run(queue, jobs=1).summary
    assert found["latency_ns"]["p50"]["value"] is not None
    assert found["latency_ns"]["p999"] == {"value": None, "ci95": None}
    assert "measured in each replication, or" in found["refused"]["latency_ns.p999"]
    assert any("too few independent requests lie beyond latency_ns p" in line for line in found["warnings"])


def test_a_run_as_long_as_it_takes_names_the_tail(queue: iosim.Scenario) -> None:
    """What a refusal says is to be believed, give or take what the spread of ten replications leaves open."""
    short = iosim.run(queue, jobs=1).summary
    times = float(short["refused"]["latency_ns.p99"].rpartition("or ")[2].split()[0]) / 10
    assert 1 < times < 60
    long = iosim.run(queue.with_set({"run.duration": f"{round(10 + 2 * 50 * times)} ms"}), jobs=1).summary
    assert long["latency_ns"]["p99"]["value"] is not None
    assert "latency_ns.p99" not in long["refused"]


def test_a_study_s_cells_refuse_as_runs_do(queue: iosim.Scenario, tmp_path: Path) -> None:
    study = iosim.sweep(queue, {"workload.web.rate": ["4000/s", "5000/s"]}, store=tmp_path / "it.sqlite", jobs=1)
    run = iosim.run(queue, jobs=1).summary
    cell = next(it for it in study.document()["cells"] if it["cell"]["workload.web.rate"] == "5000/s")
    assert [line for line in cell["warnings"] if line.startswith("too few")] == [
        line for line in run["warnings"] if line.startswith("too few independent requests lie beyond latency_ns p")
    ]
    for name in ("p50", "p99", "p999"):
        assert cell["figures"][f"latency_ns.{name}"] == run["latency_ns"][name]


def test_a_comparison_refuses_both_figures_of_a_tail(queue: iosim.Scenario, capsys: Any) -> None:
    slower = queue.with_set({"handlers.request": [{"compute": {"exponential": "110 us"}}]})
    (found,) = compare(queue, slower, names=("a", "b"), jobs=1).document["against"]
    both = found["quantiles"]["latency_ns.p999"]
    assert both["difference_of_p999s"]["value"] is None
    assert both["p999_of_differences"]["value"] is None
    assert both["p999_of_differences"]["takes"].endswith("times as many pairs")
    (told,) = (it["text"] for it in found["headlines"] if it["figure"] == "latency_ns.p99")
    assert "it takes a " in told
    slow = "handlers.request=[{compute: {exponential: 110 us}}]"
    cli.main(["compare", "./queue.yaml", "--against", slow, "--jobs", "1", "--quiet"])
    rows = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("latency p99: p99 of the differences")
    ]
    assert rows
    assert all("times as many pairs" in line for line in rows)


def test_a_trace_that_ends_by_itself_is_compared_by_its_own_requests() -> None:
    """They are what was asked for, and no sample of others: 2,000 have a p99, however they cluster."""
    changes = [np.repeat(np.array([5, 1], dtype=np.int64), [20, 1980])]
    assert _of_differences(changes, 0.99, terminating=True) == {"value": 1, "ci95": None, "takes": ""}
    refused = _of_differences(changes, 0.99, terminating=False)
    assert (refused["value"], refused["takes"]) == (None, "20.2 times as many pairs")


def test_a_plan_for_a_tail_that_its_runs_can_not_carry_is_undecided(
    queue: iosim.Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search may go by each replication's own quantile; what is promised is confirmed by the rule."""
    monkeypatch.setattr(planning, "MOST", 10)
    asked, rate = planning.prepare(
        queue.with_set({"run.duration": "500 ms"}), "latency_ns.p999 < 2 ms", "workload.web.rate", None
    )
    planner = planning.Planner(Bench(asked, rate, Serial(), choose_clock(None), 1, lambda *_: None), pilot=10)
    planner._confirm([1000.0])
    found = planner.found
    assert (found.verdict, found.exit_status) == ("undecided", 3)
    assert "latency_ns.p999 has no value here; it takes" in found.why
    assert "measured in each replication, or" in found.why


# ---- why there is no interval of one run -----------------------------------------------------------------------------


def test_binomial_ranks_of_one_run_hold_the_truth_far_less_often_than_they_promise() -> None:
    """The order statistics between which the quantile of independent values lies 95 times of 100, taken of one run's waits.

    p90 of the time in an M/M/1 system at load 0.8 is -ln(0.1) / 0.2 mean services.
    """
    count, truth = 5_000, -np.log(0.1) / 0.2
    low, high = stats.binom.ppf([0.025, 0.975], count, 0.9).astype(int)
    generator = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        arrivals, departures = waits(0.8, count + 500, generator)
        times = np.sort((departures - arrivals)[500:])
        held += bool(times[low] <= truth <= times[high])
    assert held < 100


def test_so_one_run_has_no_interval_of_a_quantile(queue: iosim.Scenario) -> None:
    found = iosim.run(queue.with_set({"run.duration": "2 s"}), replications=1, jobs=1).summary["latency_ns"]
    assert found["p50"]["value"] is not None
    assert found["p50"]["ci95"] is None
