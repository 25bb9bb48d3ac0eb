"""Whether a run carried its load: steady, unstable, undecided, or one that ends by itself.

Judged by the trend of the number in the system over the end of the run, and before that by the operational bound. Pure
numerics on columns, as `statistics`. Left out: cycles, which a trend does not see.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from iosim.statistics import NO_INTERVAL, Estimate, Floats, block_means, interval
from iosim.units import format_time

Kind = Literal["steady", "unstable", "undecided", "terminating"]

BINS = 10  # of a window, from which its trend can be told
TREND = 8  # replications from which each counts as one slope; fewer are cut into steps
LEFT_BEHIND = 0.01  # of the offered requests: more than this and the load is not carried
RISE = 0.5  # of the mean level: who surely gains more over the window is overloaded
NOT_LOOKED_FOR = Estimate(0.0, NO_INTERVAL, NO_INTERVAL, 0)
CLIMB = 1.0  # of the mean level: who may gain more (2 is a climb from 0) has not shown a level


@dataclass(frozen=True, slots=True)
class Regime:
    """What kind of run it was, and why we think so.

    `growth_per_s`: requests in the system (for `unstable` with a named `resource`: in its queue) gained a second.
    `left_behind`: growth of the system as a share of the offered requests. `resource` is "" unless unstable and known.
    """

    kind: Kind
    resource: str
    growth_per_s: Estimate
    left_behind: Estimate
    reason: str


def regime(
    in_system: ArrayLike,
    offered: float,
    window_ns: int,
    queues: Mapping[str, ArrayLike] | None = None,
    loads: Mapping[str, Sequence[float]] | None = None,
    *,
    terminating: bool = False,
    bounded: bool = False,
    level: float = 0.99,
) -> Regime:
    """Tell a steady run from an overloaded one by the trend of the number in the system over the measured window.

    `in_system` and each of `queues`: mean number present, shape (replications, bins), equal bins of the window *after*
    warm-up. `offered`: requests offered in the window, mean over replications. G is the growth over the
    window (see `growth`) with its interval [lo, hi] at `level`; e = G / offered and g = G / mean level.

    - terminating: the caller says that the run ends by itself (a trace, a fixed amount of work); nothing is looked at;
    - unstable, unless the load is `bounded` (closed clients: it can't be): at first by the operational bound, where one of
      `loads` (offered work over capacity by resource, one value a replication) surely exceeds 1.01; then by growth, where
      lo(G) > 0 and (lo(e) > 1 % or lo(g) > 1/2);
    - steady: hi(e) < 1 % and hi(g) <= 1 (so also when the system was empty throughout); with fewer than 8 replications,
      whose wide interval can't bound g, lo(G) <= 0 takes the place of the second;
    - undecided: everything else, and a window of fewer than 10 bins, whatever it holds; a longer window decides.

    The resource is the queue whose own growth has the largest lower bound, if above 0, else what exceeds its bound. A
    system that sheds load (drops) is steady by this rule: its drops are counted elsewhere. An overload below 1 % that
    is lost in noise passes as steady or undecided. Raises ValueError for nothing offered, or an empty window of 10 bins.
    """
    if terminating:
        return Regime("terminating", "", NOT_LOOKED_FOR, NOT_LOOKED_FOR, "the run ends by itself")
    bins = np.atleast_2d(np.asarray(in_system, dtype=np.float64)).shape[-1]
    if bins < BINS:
        return Regime("undecided", "", NOT_LOOKED_FOR, NOT_LOOKED_FOR, _too_short(bins, window_ns))
    if offered <= 0 or window_ns <= 0:
        raise ValueError("a regime needs offered requests and a window")
    present = _as_rows(in_system)
    gained, mean = growth(present, level), math.fsum(present.flat) / present.size
    kind, reason = _judge(gained, gained.scaled(1 / offered), mean, bounded, len(present) < TREND, level)
    resource, shown = "", gained
    over, load = ("", NOT_LOOKED_FOR) if bounded else _over_capacity(loads or {}, level)
    if over:
        kind, reason = "unstable", f"{over} would need {load.value:.1%} of its time ({load.low:.1%} to {load.high:.1%})"
    if kind == "unstable":
        resource, shown = _fastest_growing(queues or {}, gained, level)
        resource = resource or over
    return Regime(kind, resource, shown.scaled(1e9 / window_ns), gained.scaled(1 / offered), reason)


def growth(series: ArrayLike, level: float = 0.99) -> Estimate:
    """How much a level grew over its window, shape (replications, bins), with an interval at `level`.

    Eight or more replications: least squares slope times bins of each, Student's t over replications. Fewer: the mean
    step between 10 consecutive block means, times 10, over all steps of all replications; a steady level turns back, so
    its steps vary more than their sum and the interval errs on the wide side.
    """
    rows = _as_rows(series)
    bins = rows.shape[1]
    if len(rows) >= TREND:
        place = np.arange(bins) - (bins - 1) / 2
        scale = bins / math.fsum(place * place)
        return interval([scale * math.fsum(row * place) for row in rows], level)
    return interval([10 * step for row in rows for step in np.diff(block_means(row, 10))], level)


def _judge(gained: Estimate, share: Estimate, mean: float, bounded: bool, few: bool, level: float) -> tuple[Kind, str]:
    grows = gained.low > 0
    text = (
        f"{_percent(share.value)} of the offered requests stayed behind ({level:.0%}: {_percent(share.low)} to"
        f" {_percent(share.high)}; steady below {LEFT_BEHIND:.0%})"
    )
    if grows and not bounded and (share.low > LEFT_BEHIND or gained.low > RISE * mean):
        return "unstable", text
    level_shown = not grows if few else gained.high <= CLIMB * mean
    if share.high < LEFT_BEHIND and level_shown:
        return "steady", text
    longer = max(1.5, (max(share.high, -share.low) / LEFT_BEHIND) ** (2 / 3))  # a steady share falls as window^-1.5
    return "undecided", f"{text}; a window about {longer:.1f} times as long may decide"


def _too_short(bins: int, window_ns: int) -> str:
    if not bins:
        return f"nothing is left of the run to tell a trend from, which takes {BINS} steps; a longer run decides"
    length = format_time(window_ns)
    return (
        f"the trend is told from {BINS} steps or more, and the {length} judged have {bins}; a window about"
        f" {BINS / bins:.1f} times as long may decide"
    )


def _percent(share: float) -> str:
    text = f"{share:.2%}"
    return "0.00%" if text == "-0.00%" else text


def _over_capacity(loads: Mapping[str, Sequence[float]], level: float) -> tuple[str, Estimate]:
    """The resource whose offered work surely exceeds its capacity by most, and its load; "" when there is none."""
    found = {name: interval(values, level) for name, values in loads.items()}
    surely = [name for name, load in found.items() if load.has_interval and load.low > 1 + LEFT_BEHIND]
    worst = max(surely, key=lambda name: found[name].low, default="")
    return worst, found.get(worst, NOT_LOOKED_FOR)


def _fastest_growing(queues: Mapping[str, ArrayLike], gained: Estimate, level: float) -> tuple[str, Estimate]:
    """The queue with the largest lower bound above 0 and its growth; ("", `gained`) when there is none."""
    name, fastest = "", gained
    for candidate, series in queues.items():
        grew = growth(series, level)
        if grew.low > (fastest.low if name else 0.0):
            name, fastest = candidate, grew
    return name, fastest


def _as_rows(series: ArrayLike) -> Floats:
    rows: Floats = np.atleast_2d(np.asarray(series, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] < BINS:
        raise ValueError(f"(replications, at least {BINS} bins) are needed, not {rows.shape}")
    return rows
