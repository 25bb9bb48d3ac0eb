"""How many replications: the rule that ends a run, and what it reports."""

from typing import Any

import numpy as np
import pytest

import iosim
from iosim.errors import WrongInput
from iosim.scenario.expectations import parse_precision
from iosim.statistics import interval
from iosim.stopping import half_width_share, looks, until_precise

QUEUE = {
    "ports.main.concurrency": "1",
    "pools.workers.threads": 1,
    "handlers.request": [{"compute": {"exponential": "100 us"}}],
    "workload.clients": {"kind": "open", "port": "main", "handler": "request", "rate": "3000/s"},
    "run.duration": "100 ms",
    "run.warm_up": "20 ms",
}


def scenario(**run: Any) -> Any:
    changes = {f"run.{key}": value for key, value in run.items()}
    return iosim.load("thread-thrashing", set={**QUEUE, **changes, "study": None})


def test_the_first_look_is_at_ten_or_more_and_the_number_grows_by_half() -> None:
    assert list(looks(3, 100)) == [10, 15, 23, 35, 53, 80, 100]
    assert list(looks(20, 31)) == [20, 30, 31]


def test_a_pilot_beyond_the_most_is_the_only_look() -> None:
    assert list(looks(50, 20)) == [50]


class Normal:
    """A figure whose replications are drawn from a normal distribution."""

    def __init__(self, mean: float, spread: float, regime: str = "steady") -> None:
        self.rng = np.random.default_rng(3)
        self.mean, self.spread, self.regime = mean, spread, regime

    def more(self, first: int, upto: int) -> list[Any]:
        return list(self.rng.normal(self.mean, self.spread, upto - first))

    def summarize(self, raws: list[Any]) -> dict[str, Any]:
        found = interval(raws)
        figure = {"value": found.value, "ci95": [found.low, found.high]}
        return {"latency_ns": {"mean": figure}, "regime": {"kind": self.regime}, "warnings": []}


def test_a_precise_pilot_is_enough() -> None:
    it = Normal(100, 1)
    raws, document = until_precise(parse_precision("2% of mean"), 10, 200, it.more, it.summarize)
    stopping = document["stopping"]
    assert len(raws) == stopping["replications"] == stopping["pilot"] == 10
    assert stopping["by_rule"] and stopping["half_width_share"] <= 0.02
    assert not document["warnings"]


def test_replications_grow_until_the_interval_is_as_narrow_as_asked() -> None:
    it = Normal(100, 8)
    raws, document = until_precise(parse_precision("2% of mean"), 10, 200, it.more, it.summarize)
    assert 40 < len(raws) < 150  # (1.99 * 8 / 2)^2 is 63
    assert document["stopping"]["looks"] == list(looks(10, 200))[: len(document["stopping"]["looks"])]
    assert document["stopping"]["half_width_share"] <= 0.02


def test_what_is_not_reached_is_said() -> None:
    it = Normal(100, 50)
    raws, document = until_precise(parse_precision("1% of mean"), 10, 30, it.more, it.summarize)
    assert len(raws) == 30
    assert not document["stopping"]["by_rule"]
    assert "was not reached: with 30 replications" in document["warnings"][0]


def test_an_unstable_run_is_not_replicated_in_vain() -> None:
    it = Normal(100, 50, "unstable")
    raws, document = until_precise(parse_precision("1% of mean"), 10, 200, it.more, it.summarize)
    assert len(raws) == 10
    assert "unstable" in document["warnings"][0]


def test_a_figure_without_interval_is_never_precise() -> None:
    assert half_width_share({"a": {"value": 3.0, "ci95": None}}, "a") is None
    assert half_width_share({"a": {"value": None, "ci95": None}}, "a") is None
    assert half_width_share({"a": {"value": 0.0, "ci95": [-1.0, 1.0]}}, "a") is None
    assert half_width_share({"a": {"value": 3.0, "ci95": [3.0, 3.0]}}, "a") == 0
    assert half_width_share({}, "a") is None


def test_the_rule_gives_the_bytes_of_the_same_number_of_replications() -> None:
    """Replications that came later are those that a longer run would have had."""
    ruled = iosim.run(scenario(precision="2% of mean"), jobs=1).summary
    count = ruled["stopping"]["replications"]
    assert count > ruled["stopping"]["pilot"] == 10
    assert ruled["stopping"]["by_rule"]
    fixed = iosim.run(scenario(), replications=count, jobs=1).summary
    assert fixed["stopping"] is None
    assert {**fixed, "stopping": ruled["stopping"]} == ruled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2 of p99", "is written like"),
        ("0% of p99", "between 0 % and 100 %"),
        ("2% of p98", "not a figure"),
        ("2% of max", "has no interval"),
        ("2% of requests.failed", "has no interval"),
        ("2% of classes.nobody.latency_ns.mean", "nothing is named 'nobody'"),
    ],
)
def test_a_precision_that_can_not_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        scenario(precision=text)
