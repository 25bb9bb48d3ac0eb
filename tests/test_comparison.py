"""Two designs under common random numbers: pairs, what may be concluded from them, and what is said."""

import csv
import io
import json
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

import iosim
from iosim import cli
from iosim.comparison import Comparison, compare
from iosim.errors import WrongInput
from iosim.pairing import first_divergence, gain, holm, pair, paired_p
from iosim.rows import OUTCOME_BITS, STATUS_BITS
from iosim.scenario.loader import Scenario

ONE = """\
version: 1
scenario: one
machine: {memory: {l3: 0 ns, local: 0 ns}, dispatcher: {context_switch: 0 ns}, kernel: {remove: 0 ns, post: 0 ns}}
ports: {main: {concurrency: 1}}
pools: {workers: {port: main, threads: 1}}
handlers: {request: [{compute: {time: {exponential: 100 us}}}]}
workload: {web: {kind: open, port: main, handler: request, rate: 5000/s}}
run: {duration: 200 ms, warm_up: 20 ms, replications: 10}
"""
SLOWER = {"handlers.request": [{"compute": {"time": {"exponential": "110 us"}}}]}


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(ONE)
    found: Scenario = iosim.load("./one.yaml")
    return found


def versus(one: Scenario, changes: dict[str, Any], **options: Any) -> Comparison:
    return compare(one, one.with_set(changes), names=("a", "b"), **{"jobs": 1, **options})


def against(found: Comparison) -> dict[str, Any]:
    it: dict[str, Any] = found.document["against"][0]
    return it


# ---- pairs -----------------------------------------------------------------------------------------------------------


def raw(rows: list[tuple[int, int, int, int]], asked: int, causes: Any = ()) -> Any:
    """index, intended, ended, status; begun when wanted."""
    index, intended, ended, status = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    outcome = (100 << OUTCOME_BITS) | (0 << STATUS_BITS) | status
    times = {"intended": intended, "issued": intended, "began": intended, "ended": ended}
    return SimpleNamespace(
        columns={"outcome": outcome, **times, "index": index},
        classes=["web"],
        bin_ns=10,
        horizon=1000,
        end_ns=1000,
        replication=0,
        asked=[asked],
        asked_before=[[(0, 0)]],
        samples={"time": np.array([0, 500, 1000], dtype=np.int64)},
        tallies=[],
        causes=causes,
    )


def test_requests_are_paired_by_identity_whatever_the_order_of_their_ends() -> None:
    base = raw([(0, 10, 50, 0), (1, 20, 30, 0), (2, 30, 90, 0)], 3)
    other = raw([(2, 30, 80, 0), (1, 20, 30, 0), (0, 10, 70, 0)], 3)
    found = pair(base, other, "web", 0)
    assert dict(zip(found.index.tolist(), found.latency().tolist(), strict=True)) == {0: 20, 1: 0, 2: -10}
    assert (found.better, found.worse, found.all, found.unshared) == (1, 1, 3, 0)


def test_a_request_that_ends_in_one_design_only_counts_as_worse_in_the_other() -> None:
    base = raw([(0, 10, 50, 0), (1, 20, 30, 0)], 2)
    other = raw([(0, 10, 50, 0)], 2)
    found = pair(base, other, "web", 0)
    assert (len(found), found.worse, found.better, found.all, found.unshared) == (1, 1, 0, 2, 0)
    back = pair(other, base, "web", 0)
    assert (back.worse, back.better) == (0, 1)


def test_a_request_that_one_design_was_never_asked_for_is_neither() -> None:
    found = pair(raw([(0, 10, 50, 0), (1, 20, 30, 0)], 2), raw([(0, 10, 50, 0)], 1), "web", 0)
    assert (found.worse, found.better, found.all, found.unshared) == (0, 0, 1, 1)


def test_a_request_that_fails_in_one_design_only_is_worse_there_however_quick() -> None:
    found = pair(raw([(0, 10, 50, 0)], 1), raw([(0, 10, 20, 1)], 1), "web", 0)
    assert (found.worse, found.better) == (1, 0)
    neither = pair(raw([(0, 10, 50, 3)], 1), raw([(0, 10, 20, 3)], 1), "web", 0)
    assert (neither.worse, neither.better, len(neither.latency())) == (0, 0, 0)


def test_only_requests_that_were_wanted_after_the_cut_are_paired() -> None:
    base = raw([(0, 10, 50, 0), (1, 20, 30, 0)], 2)
    assert pair(base, base, "web", 20).index.tolist() == [1]


def test_the_first_divergence_is_the_earliest_instant_at_which_a_life_differs() -> None:
    base = raw([(0, 10, 50, 0), (1, 20, 30, 0), (2, 30, 90, 0)], 3, np.array([40, 0, 10, 0, 60, 0]))
    other = raw([(0, 10, 50, 0), (1, 20, 35, 0), (2, 30, 28, 0)], 3, np.array([40, 0, 10, 5, 60, 0]))
    found = first_divergence(base, other, ["web"], ["port", "user"])
    assert found is not None
    assert (found["ns"], found["request"], found["stage"], found["base_ns"]) == (28, 2, "ended", 90)
    other.columns["ended"][2] = 90
    found = first_divergence(base, other, ["web"], ["port", "user"])
    assert found is not None
    assert (found["ns"], found["request"], found["other_ns"], found["cause"]) == (30, 1, 35, "user")
    assert first_divergence(base, base, ["web"], []) is None


# ---- what may be concluded -------------------------------------------------------------------------------------------


def test_holm_corrects_for_the_number_of_causes() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_the_p_value_is_that_of_the_paired_t_test() -> None:
    first, second = [1.0, 2.5, 3.1, 4.7, 5.2], [1.3, 2.4, 3.9, 5.0, 5.1]
    apart = [b - a for a, b in zip(first, second, strict=True)]
    assert paired_p(apart) == pytest.approx(stats.ttest_rel(second, first).pvalue, rel=1e-9)
    assert (paired_p([0.0, 0.0]), paired_p([2.0, 2.0]), paired_p([5.0])) == (1.0, 0.0, 1.0)


def test_the_gain_is_how_many_times_the_variance_has_shrunk() -> None:
    assert gain([1, 2, 3, 4], [1.1, 2.0, 3.1, 4.0]) == pytest.approx(2 * (5 / 3) / 0.00333, rel=0.2)
    assert gain([1, 2], [2, 3]) is None
    assert gain([1], [2]) is None


def test_intervals_come_from_one_difference_a_replication_never_from_pairs(one: Scenario) -> None:
    """From pairs they would be several times too narrow: neighbours wait in the same queue."""
    found = versus(one, SLOWER)
    low, high = found.difference("latency_ns.mean")["difference"]["ci95"]
    cut = found.document["warm_up_ns"]
    pairs = [pair(a, b, "web", cut).latency() for a, b in _raws(one)]
    means = [float(it.mean()) for it in pairs]
    ends = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((ends.low, ends.high))
    every = np.concatenate(pairs)
    naive = 1.96 * every.std() / math.sqrt(len(every))
    assert (high - low) / 2 > 2 * naive


def _raws(one: Scenario) -> list[tuple[Any, Any]]:
    first, second = (iosim.run(it, jobs=1).raws for it in (one, one.with_set(SLOWER)))
    return list(zip(first, second, strict=True))


# ---- whole comparisons -----------------------------------------------------------------------------------------------


def test_a_slower_service_is_worse_and_the_causes_say_why(one: Scenario) -> None:
    found = versus(one, SLOWER)
    it = against(found)
    assert found.warnings == []
    assert found.verdicts[0].startswith("b is worse than a: ")
    moved = {row["cause"]: row for row in it["causes"] if row["moved"]}
    assert moved["user"]["difference"]["value"] == pytest.approx(10_000, rel=0.05)
    assert it["requests"]["worse"]["value"] > 0.99
    assert it["requests"]["better"]["value"] == 0
    divergence = it["first_divergence"]
    assert (divergence["class"], divergence["stage"], divergence["cause"]) == ("web", "ended", "user")
    assert divergence["request"] == 0


def test_both_tail_figures_are_there_under_their_names(one: Scenario) -> None:
    """The tail moves by less than the unluckiest requests lose."""
    found = versus(one.with_set({"run.duration": "1 s"}), SLOWER)
    both = against(found)["quantiles"]["latency_ns.p90"]
    assert (
        both["difference_of_p90s"]["value"] == both["difference_of_p90s"]["other"] - both["difference_of_p90s"]["base"]
    )
    assert both["p90_of_differences"]["value"] > 0
    assert both["p90_of_differences"]["value"] != both["difference_of_p90s"]["value"]
    for figure in both.values():
        assert figure["ci95"][0] < figure["value"] < figure["ci95"][1]


def test_a_design_against_itself_is_no_other(one: Scenario) -> None:
    found = versus(one, {"description": "the same"})
    it = against(found)
    assert found.verdicts == ["b is no other than a to its clients: every request took the same time."]
    assert it["first_divergence"] is None
    assert not any(row["moved"] for row in it["causes"])
    assert all(row["difference"]["value"] == 0 for row in it["figures"].values())


def test_a_change_that_is_lost_in_noise_can_not_be_told(one: Scenario) -> None:
    """Another draw for every request: same law, other times."""
    given = {"handlers.request": [{"compute": "10 ns"}, {"compute": {"time": {"exponential": "100 us"}}}]}
    found = versus(one, given, replications=4)
    assert "these runs can't tell: " in found.verdicts[0]
    line = {it["figure"]: it for it in against(found)["headlines"]}["latency_ns.mean"]
    assert line["verdict"] == "undecided"
    assert "replications may decide" in line["text"]


def test_one_replication_decides_nothing(one: Scenario) -> None:
    found = versus(one, SLOWER, replications=1)
    assert "these runs can't tell: " in found.verdicts[0]
    assert against(found)["figures"]["latency_ns.mean"]["difference"]["ci95"] is None
    assert not any(row["moved"] for row in against(found)["causes"])


def test_an_unstable_design_has_no_figures_to_compare(one: Scenario) -> None:
    found = versus(one, {"workload.web.rate": "5000/s", "handlers.request": [{"compute": "300 us"}]})
    assert "b is unstable" in found.verdicts[0]
    assert any(line.startswith("b is unstable") for line in found.warnings)
    shares = against(found)["requests"]
    assert shares["worse"]["value"] > 0.9


def test_all_designs_are_cut_at_the_latest_of_their_warm_ups(one: Scenario) -> None:
    found = versus(one, {"run.warm_up": "60 ms"})
    assert found.document["warm_up_ns"] == 61_600_000  # a whole number of steps of either
    assert "the designs are not measured for the same time" in found.warnings


def test_other_arrivals_are_other_requests(one: Scenario) -> None:
    found = versus(one, {"workload.web.rate": "5500/s"})
    assert any(
        "are not offered the same requests: " in line and "come at another time" in line for line in found.warnings
    )


def test_closed_clients_ask_for_less_of_a_slower_server(one: Scenario) -> None:
    closed = one.with_set({"workload.web": None, "workload.clients": CLOSED})
    found = versus(closed, {"handlers.request": [{"compute": "200 us"}]})
    (line,) = found.warnings
    share = found.difference("classes.clients.closed_load.self_throttled")
    fell = [share["base"], share["other"]]
    assert line.startswith(
        f"'clients' is self-throttled: its offered load fell by {fell[0]:.1%} against an idle machine in "
    )
    assert f"and by {fell[1]:.1%} against an idle machine in " in line
    assert found.difference("throughput_per_s")["difference"]["value"] < 0


CLOSED = {"kind": "closed", "port": "main", "handler": "request", "clients": 4, "think": "500 us"}


def test_designs_that_can_not_be_compared_are_refused(one: Scenario) -> None:
    closed = one.with_set({"workload.web": CLOSED})
    with pytest.raises(WrongInput, match="latency counts from the issued instant, that of a from the intended one"):
        compare(one, closed, names=("a", "b"))
    renamed = one.with_set({"workload.web": None, "workload.other": one.effective()["workload"]["web"]})
    with pytest.raises(WrongInput, match="no request class in common with one"):
        compare(one, renamed)
    with pytest.raises(WrongInput, match="two designs or more are needed"):
        compare(one)


def test_without_rows_figures_are_compared_and_requests_are_not(one: Scenario) -> None:
    found = versus(one.with_set({"run.rows": False}), SLOWER)
    assert against(found)["requests"] is None
    assert "without rows ('run.rows: false') there is no comparison request by request" in found.warnings
    assert found.verdicts[0].startswith("b is worse than a")


def test_one_process_and_two_give_the_same_bytes_and_three_designs_two_comparisons(one: Scenario) -> None:
    designs = (one, one.with_set(SLOWER), one.with_set({"pools.workers.threads": 2}))
    first, second = (compare(*designs, jobs=jobs, replications=3).document for jobs in (1, 2))
    assert json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    assert [it["other"] for it in first["against"]] == ["one (2)", "one (3)"]


# ---- what common random numbers are worth ----------------------------------------------------------------------------

MM4 = {
    "machine.cores_per_node": 4,
    "ports.main.concurrency": 4,
    "pools.workers.threads": 4,
    "machine.dispatcher.quantum": "1000 s",
    "run.duration": "1 s",
    "run.warm_up": "100 ms",
}


def test_two_percent_of_service_time_take_a_tenth_of_the_requests_when_paired(one: Scenario) -> None:
    """M/M/4 at load 0.8 (issue: ten times fewer)."""
    base = one.with_set({**MM4, "workload.web.rate": "32000/s"})
    quicker = {"handlers.request": [{"compute": {"time": {"exponential": "98 us"}}}]}
    found = versus(base, quicker, replications=10, jobs=2)
    assert found.difference("latency_ns.mean")["gain"] >= 10


@pytest.mark.heavy
def test_a_wider_limit_takes_little_more_than_half_of_the_requests_when_paired(one: Scenario) -> None:
    """Limits 4 against 8 at load 0.6 of 4 (R = 200): the queues differ, so pairing gains less; at least 1.8 times."""
    base = one.with_set(
        {**MM4, "machine.cores_per_node": 8, "pools.workers.threads": 8, "workload.web.rate": "24000/s"}
    )
    base = base.with_set({"run.duration": "300 ms"})
    found = versus(base, {"ports.main.concurrency": 8}, replications=200, jobs=2)
    assert found.difference("latency_ns.mean")["gain"] >= 1.8


# ---- the command line ------------------------------------------------------------------------------------------------


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main(list(arguments))
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return status, said.out, said.err


SHORT = ("--replications", "3", "--jobs", "1")


def test_the_command_compares_a_scenario_with_a_change_of_it(one: Scenario, capsys: Any) -> None:
    status, out, err = call(
        capsys, "compare", "./one.yaml", "--against", "pools.workers.threads=2; ports.main.concurrency=2", *SHORT
    )
    assert status == 0
    for words in (
        "latency p99: difference of the p99s",
        "latency p99: p99 of the differences",
        "how much longer each request that ended in both took in pools.workers.threads=2; ports.main.concurrency=2, and of",
        "got better",
        "one that fails or never ends in one design only counts as worse there.",
        "causes that moved",
        "causes by Holm's rule",
        "first divergence",
    ):
        assert words in out
    assert re.search("throughput +[0-9,.]+/s +[0-9,.]+/s ", out)
    assert err == "results in iosim-out/one/comparison.json\n"
    document = json.loads(Path("iosim-out/one/comparison.json").read_text())
    assert [it["name"] for it in document["designs"]] == [
        "./one.yaml",
        "pools.workers.threads=2; ports.main.concurrency=2",
    ]


def test_json_is_the_file_and_csv_a_row_a_figure(one: Scenario, capsys: Any) -> None:
    (Path() / "two.yaml").write_text(ONE.replace("100 us", "110 us"))
    _, out, _ = call(capsys, "compare", "./one.yaml", "./two.yaml", *SHORT, "--format", "json", "--quiet")
    assert json.loads(out) == json.loads(Path("iosim-out/one/comparison.json").read_text())
    _, out, _ = call(capsys, "compare", "./one.yaml", "./two.yaml", *SHORT, "--format", "csv", "--quiet")
    rows = {row[1]: row for row in csv.reader(io.StringIO(out))}
    assert rows["path"] == ["design", "path", "base", "other", "difference", "low", "high"]
    assert float(rows["latency_ns.mean"][4]) > 0
    assert {"latency_ns.p99 difference_of_p99s", "latency_ns.p99 p99_of_differences", "requests.worse"} <= rows.keys()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["./one.yaml"], "compare: two designs are needed: another SCENARIO, or --against PATH=VALUE"),
        (["./one.yaml", "./one.yaml"], "./one.yaml: is compared with itself"),
        (
            ["./one.yaml", "--against", "pools.workers.thread=2"],
            "--set pools.workers.thread=2: pools.workers.thread: unknown key",
        ),
        (["./one.yaml", "./no.yaml"], "./no.yaml: no such file"),
        (["./one.yaml", "--against", "workload.web.kind=closed"], ""),
        ([], "Error: Missing argument 'SCENARIO...'"),
    ],
)
def test_every_misuse_is_status_2_with_a_reason(arguments: list[str], line: str, one: Scenario, capsys: Any) -> None:
    status, out, err = call(capsys, "compare", *arguments)
    assert (status, out) == (2, "")
    assert any(found.startswith(line) for found in err.splitlines()), err
    assert not Path("iosim-out").exists()
