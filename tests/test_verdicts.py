"""What a scenario expects is met, missed, or undecided with what it would take: each where it is due."""

from typing import Any

import pytest

import iosim
from iosim.scenario.expectations import parse_expectation
from iosim.verdicts import judge

ROOMS: dict[str, Any] = {"handlers.request": [{"compute": {"exponential": "100 us"}}], "study": None}


def port(rate: str, expect: list[str], **run: Any) -> list[dict[str, Any]]:
    """Verdicts on an M/M/1 port with a mean service of 100 us: its mean wait is 100 us * load / (1 - load)."""
    changes = {
        **ROOMS,
        "machine.cores_per_node": 1,
        "ports.main.concurrency": 1,
        "pools.workers.threads": 1,
        "workload.clients": {"kind": "open", "port": "main", "handler": "request", "rate": rate},
        "run": {"duration": "400 ms", "warm_up": "20 ms", "replications": 10, **run},
        "expect": expect,
    }
    verdicts: list[dict[str, Any]] = iosim.run(iosim.load("thread-thrashing", set=changes), jobs=1).verdicts
    return verdicts


def words(verdicts: list[dict[str, Any]]) -> list[str]:
    return [it["verdict"] for it in verdicts]


# --- met


def test_met_where_the_whole_interval_keeps_the_bound() -> None:
    (verdict,) = port("3000/s", ["mean wait < 60 us"])  # 43 us in theory
    assert verdict["verdict"] == "met"
    assert verdict["ci95"][0] < 43_000 < verdict["ci95"][1] < 60_000
    assert verdict["needs"] == ""


def test_met_for_a_tail_that_the_sample_carries_and_a_count() -> None:
    assert words(port("3000/s", ["p90 < 600 us", "requests.failed <= 0", "throughput_per_s > 2500"])) == ["met"] * 3


def test_met_by_what_happened_in_a_trace_that_ends_by_itself() -> None:
    """One path is what was asked for: its value decides, without an interval."""
    changes = {"workload.search.requests": 500, "expect": ["latency_ns.mean < 10 s", "max < 100 s"]}
    assert words(iosim.run(iosim.load("trace-replay", set=changes)).verdicts) == ["met", "met"]


# --- missed


def test_missed_where_the_whole_interval_lies_beyond_the_bound() -> None:
    (verdict,) = port("3000/s", ["mean wait < 30 us"])
    assert (verdict["verdict"], verdict["needs"]) == ("missed", "")
    assert verdict["ci95"][0] > 30_000


def test_missed_from_below_as_from_above() -> None:
    assert words(port("3000/s", ["throughput_per_s >= 3500/s", "p90 < 100 us"])) == ["missed", "missed"]


def test_missed_by_a_single_request_where_none_may_be_slower() -> None:
    """The largest only grows with the run: one beyond the bound decides, none beyond it decides nothing."""
    assert words(port("3000/s", ["max < 200 us", "max < 1 s"])) == ["missed", "undecided"]


# --- undecided


def test_undecided_where_the_interval_holds_the_bound_with_the_replications_it_takes() -> None:
    value = port("3000/s", ["mean wait < 60 us"])[0]["value"]
    (verdict,) = port("3000/s", [f"mean wait < {round(value) + 10} ns"])
    assert verdict["verdict"] == "undecided"
    assert "replications may decide" in verdict["needs"]


def test_undecided_where_the_tail_is_refused_with_the_run_it_takes() -> None:
    (verdict,) = port("8000/s", ["p999 < 1 s"])
    assert (verdict["verdict"], verdict["value"]) == ("undecided", None)
    assert "measured in each replication, or" in verdict["needs"]


@pytest.mark.parametrize(
    ("rate", "run", "said"),
    [
        ("12000/s", {}, "the run is unstable at ports.main"),
        ("3000/s", {"replications": 9}, "10 replications or more, for an interval"),
        ("3000/s", {"duration": "10 ms", "replications": 1}, "longer run"),
    ],
)
def test_undecided_where_the_run_allows_no_verdict(rate: str, run: dict[str, Any], said: str) -> None:
    verdict = port(rate, ["p90 < 10 s"], **run)[0]
    assert verdict["verdict"] == "undecided"
    assert said in verdict["needs"]


def test_the_exit_status_tells_undecided_as_it_tells_missed() -> None:
    changes = {**ROOMS, "run.duration": "50 ms", "run.replications": 2}
    scenario = iosim.load("thread-thrashing", set=changes)
    for expect, status in (("requests.failed < 1", 0), ("requests.failed > 0", 3), ("p50 < 1 s", 3)):
        assert iosim.run(scenario.with_set({"expect": [expect]}), jobs=1).exit_status == status


def test_counts_alone_are_on_the_exact_side_of_the_bound() -> None:
    """`rows: false`: the p90 is known as a bucket 1/1024 wide, the threshold exactly."""
    exact = port("3000/s", ["p90 < 1 s"])[0]["value"]
    for bound, verdict in ((exact + 1, True), (exact, False)):
        (found,) = port("3000/s", [f"p90 < {round(bound)} ns"], rows=False)
        assert (found["value"] < bound) == verdict


def document(value: float | None, ends: list[float] | None, **regime: Any) -> dict[str, Any]:
    return {
        "latency_ns": {"mean": {"value": value, "ci95": ends}},
        "requests": {"in_flight": 0},
        "replications": 10,
        "regime": {"kind": "steady", "resource": "", **regime},
        "refused": {},
    }


@pytest.mark.parametrize(
    ("ends", "operator", "verdict"),
    [
        ([1e6, 2e6], "<", "undecided"),  # touches the bound
        ([1e6, 2e6], "<=", "met"),
        ([2e6, 3e6], ">=", "met"),
        ([2e6, 3e6], ">", "undecided"),
        ([2.1e6, 3e6], "<=", "missed"),
    ],
)
def test_an_interval_that_ends_at_the_bound_goes_by_the_operator(
    ends: list[float], operator: str, verdict: str
) -> None:
    expectation = parse_expectation(f"mean {operator} 2 ms")
    assert judge(document(sum(ends) / 2, ends), expectation, False)["verdict"] == verdict
