"""Whether a figure is what a scenario expects: met, missed, or undecided with what it would take (design 1.5)."""

from typing import Any

from iosim.quantiles import REPLICATIONS
from iosim.scenario.expectations import Expectation, is_count
from iosim.statistics import Estimate, replications_for
from iosim.summary import QUANTILES, lookup


def judge(document: dict[str, Any], expectation: Expectation, overloads: bool) -> dict[str, Any]:
    """met or missed where the whole interval lies on one side of the bound, else undecided and what it would take."""
    try:
        found = lookup(document, expectation.figure)
    except KeyError:
        found = {"value": None, "ci95": None}
    value, ends = found["value"], found["ci95"]
    verdict, needs = "undecided", ""
    if trouble := _no_verdict(document, expectation, overloads):
        needs = trouble
    elif value is None:
        takes = document["refused"].get(expectation.figure, "a longer run")
        needs = f"{expectation.figure} has no value here; it takes {takes}"
    elif ends is None and (trouble := _without_interval(document, expectation, value)):
        needs = trouble
    elif len(sides := {expectation.holds(end) for end in (ends or [value])}) == 1:
        verdict = "met" if sides.pop() else "missed"
    else:
        estimate = Estimate(value, ends[0], ends[1], document["replications"])
        distance = abs(value - expectation.bound) or (ends[1] - ends[0]) / 20
        needs = f"the interval holds the bound; about {replications_for(estimate, distance)} replications may decide"
    return {"expect": expectation.text, "verdict": verdict, "value": value, "ci95": ends, "needs": needs}


def _no_verdict(document: dict[str, Any], expectation: Expectation, overloads: bool) -> str:
    """Why the run itself allows no verdict; empty when it does."""
    regime = document["regime"]
    if is_count(expectation.figure):
        return ""
    if regime["kind"] == "unstable" and not overloads:
        return (
            f"the run is unstable{' at ' + regime['resource'] if regime['resource'] else ''}: there is no steady figure"
        )
    if regime["kind"] == "undecided":
        return "the regime is undecided: a longer run"
    if document["requests"]["in_flight"] and expectation.operator.startswith("<"):
        return "requests that never ended make the figure a lower bound"
    return ""


def _without_interval(document: dict[str, Any], expectation: Expectation, value: float) -> str:
    """What a figure takes to have an interval; empty where the value alone decides."""
    if document["regime"]["kind"] == "terminating" or is_count(expectation.figure):
        return ""
    statistic = expectation.figure.rsplit(".", 1)[-1]
    if statistic == "max":  # it only grows with the run
        decided = expectation.operator.startswith("<") != expectation.holds(value)
        return "" if decided else "nothing bounds the largest of all requests; expect it of p999"
    fewest = REPLICATIONS if statistic in QUANTILES else 2
    if document["replications"] < fewest:
        return f"{fewest} replications or more, for an interval"
    return ""
