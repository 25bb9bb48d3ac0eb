"""How many replications: a number, or as many as it takes for one figure to be as precise as asked.

`run: {precision: 2% of latency_ns.p99}`: the half width of the figure's 95 % interval is looked at after 10 replications or
more (the pilot), then whenever their number has grown by half. Few looks, and none before 10 replications, because an
interval that is asked again and again is at last narrow by luck. Left out: looking at several figures.
"""

from collections.abc import Callable, Iterator
from typing import Any

from iosim.quantiles import REPLICATIONS
from iosim.records import Raw
from iosim.scenario.expectations import Precision
from iosim.scenario.schema import Run
from iosim.summary import lookup

GROWTH = (3, 2)  # replications at a look over those at the last one

More = Callable[[int, int], list[Raw]]  # replications from the first number up to the second
Summary = dict[str, Any]


def looks(pilot: int, most: int) -> Iterator[int]:
    """Numbers of replications at which the figure is looked at: from the pilot's (10 or more) to `most`, if that is more."""
    number = max(pilot, REPLICATIONS)
    while number < most:
        yield number
        number = min(most, -(-number * GROWTH[0] // GROWTH[1]))
    yield number


def first_look(run: Run, replications: int | None) -> int:
    """How many replications a run begins with; `replications` takes the place of the scenario's number."""
    number = replications or run.replications
    return next(looks(number, run.max_replications)) if run.precision else number


def replicate(run: Run, first: int, more: More, summarize: Callable[[list[Raw]], Summary]) -> tuple[list[Raw], Summary]:
    """As many replications as the scenario asks for, `first` at least, and their summary."""
    if run.precision:
        return until_precise(run.precision, first, run.max_replications, more, summarize)
    raws = more(0, first)
    return raws, summarize(raws)


def until_precise(
    precision: Precision, pilot: int, most: int, more: More, summarize: Callable[[list[Raw]], Summary]
) -> tuple[list[Raw], Summary]:
    """Replicate until the figure is as precise as asked, its run turns out unstable, or there are `most` replications.

    The summary gains `stopping`: the rule, pilot, looks, and the share (of the value) that the half width came down to.
    """
    raws: list[Raw] = []
    seen: list[int] = []
    for number in looks(pilot, most):
        raws += more(len(raws), number)
        seen.append(number)
        document = summarize(raws)
        share = half_width_share(document, precision.figure)
        reached = share is not None and share <= precision.share
        if reached or document["regime"]["kind"] == "unstable":
            break
    about = {"rule": precision.text, "figure": precision.figure, "asked": precision.share, "half_width_share": share}
    document["stopping"] = {**about, "by_rule": reached, "pilot": seen[0], "looks": seen, "replications": seen[-1]}
    if not reached:
        document["warnings"].append(f"precision: {precision.text} was not reached: {_why(document, share)}")
    return raws, document


def half_width_share(document: Summary, path: str) -> float | None:
    """Half of the interval's width as a share of the value; None without an interval, or around 0."""
    try:
        figure = lookup(document, path)
    except KeyError:
        return None
    value, ends = figure["value"], figure["ci95"]
    if value is None or ends is None:
        return None
    half = float(ends[1] - ends[0]) / 2
    if half == 0:
        return 0.0
    return half / abs(value) if value else None


def _why(document: Summary, share: float | None) -> str:
    if document["regime"]["kind"] == "unstable":
        return "the run is unstable"
    count = document["stopping"]["replications"]
    found = "the figure has no interval" if share is None else f"it is {100 * share:.2g} %"
    return f"with {count} replications (run.max_replications) {found}"
