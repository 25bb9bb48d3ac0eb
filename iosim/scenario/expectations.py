"""Figures of the summary by name, and what a scenario expects of them: `latency_ns.p99 < 5 ms`.

A figure is a path of the summary. A bare `p99` means `latency_ns.p99`; `mean wait` means `wait_ns.mean`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from iosim import units
from iosim.attribution import CAUSES
from iosim.scenario.reading import Read
from iosim.scenario.suggest import closest

STATISTICS = ("mean", "p50", "p90", "p99", "p999", "max")
SHARES = ("user", "kernel", "isr", "dpc", "switch", "refill", "spin", "idle")
REQUESTS = ("offered", "completed", "failed", "cancelled", "dropped", "in_flight")
DISK = (
    "commands_per_s",
    "busy_share",
    "queue_mean",
    "queue_max",
    "port_driver_queue_mean",
    "port_driver_queue_max",
    "write_amplification",
    "interrupts_per_s",
    "failures_per_s",
    "resets",
    "reissued",
)
NIC = (
    "frames_in_per_s",
    "frames_out_per_s",
    "bytes_in_per_s",
    "bytes_out_per_s",
    "dropped_per_s",
    "interrupts_per_s",
    "frames_per_interrupt",
    "dpc_runs_per_s",
    "frames_per_dpc_run",
    "merged_share",
    "copied_per_s",
    "link_in_share",
    "link_out_share",
    "ring_max",
    "socket_calls_per_s",
    "locked_pages_mean",
    "locked_pages_max",
    "moved_entries",
    "retransmitted",
    "unreachable",
)
PORT = ("limit", "packets", "queue_mean", "queue_max", "active_mean", "active_max", "threads_used")

# A part of a path: one of some words, or a pattern for names that the model or the scenario gives.
Part: TypeAlias = tuple[str, ...] | re.Pattern[str]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_REQUEST_FIGURES: tuple[tuple[Part, ...], ...] = (
    (("latency_ns", "wait_ns"), STATISTICS),
    (("throughput_per_s",),),
    (("requests",), REQUESTS),
    (("latency_causes_ns",), CAUSES),
)
_PATHS: tuple[tuple[Part, ...], ...] = (
    *_REQUEST_FIGURES,
    *((("classes",), _NAME, *path) for path in _REQUEST_FIGURES),
    (("classes",), _NAME, ("out_of_order_share",)),
    (("processors",), ("utilization", "context_switches_per_s", "ready_mean")),
    (("processors",), ("share",), SHARES),
    (("ports",), _NAME, PORT),
    (("pools",), _NAME, ("threads", "threads_max", "packets_per_call", "switches_per_s")),
    (("locks",), _NAME, ("acquisitions_per_s", "contended_share", "blocked_share", "waiting_mean")),
    (("disks",), _NAME, DISK),
    (("volumes",), _NAME, ("cache_hits_per_s", "cache_misses_per_s")),
    (("nics",), _NAME, NIC),
    (("nics",), _NAME, ("processors",), re.compile(r"[0-9]+"), ("frames_per_s", "interrupts_per_s")),
    (("events",),),
    (("simulated_ns",),),
)
_EXPECTATION = re.compile(r"\s*([A-Za-z][A-Za-z0-9_.\- ]*?)\s*(<=|>=|<|>)\s*(\S.*?)\s*")
_SHORT = {name: f"latency_ns.{name}" for name in STATISTICS}


def figure_path(text: str) -> str:
    """The full path of a figure, short names written out; ValueError where no summary has it."""
    words = text.split()
    if len(words) == 2 and words[0] in STATISTICS and words[1] in ("wait", "latency"):
        return f"{words[1]}_ns.{words[0]}"
    path = _SHORT.get(text, text)
    parts = path.split(".")
    fits = [known for known in _PATHS if all(_fits(part, place) for part, place in zip(parts, known, strict=False))]
    if any(len(known) == len(parts) for known in fits):
        return path
    if fits:
        raise ValueError(f"'{path}' is not one figure; go on with one of {_choices(fits, len(parts))}")
    raise ValueError(f"'{text}' is not a figure of the summary{_nearest(parts)}")


def _fits(part: str, place: Part) -> bool:
    return part in place if isinstance(place, tuple) else place.fullmatch(part) is not None


def _choices(paths: list[tuple[Part, ...]], depth: int) -> str:
    names = [part for path in paths if len(path) > depth for part in _words(path[depth])]
    return ", ".join(dict.fromkeys(names)) or "its figures"


def _words(place: Part) -> tuple[str, ...]:
    return place if isinstance(place, tuple) else ("a name",)


def _nearest(parts: list[str]) -> str:
    """The first part that fits no path, and what it may have meant."""
    for depth, part in enumerate(parts):
        open_paths = [
            path
            for path in _PATHS
            if len(path) > depth and all(_fits(a, b) for a, b in zip(parts[:depth], path, strict=False))
        ]
        if not any(_fits(part, path[depth]) for path in open_paths):
            return closest(part, [word for path in open_paths for word in _words(path[depth])])
    return ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One figure, one of `< <= > >=`, and a bound in the figure's own unit (ns, per second, bytes or plain)."""

    figure: str
    operator: str
    bound: float
    text: str

    def holds(self, value: float) -> bool:
        """Whether a single value lies on the right side of the bound."""
        if self.operator.startswith("<"):
            return value < self.bound or (value == self.bound and self.operator == "<=")
        return value > self.bound or (value == self.bound and self.operator == ">=")


def parse_expectation(value: Any) -> Expectation:
    """Read `FIGURE < BOUND`; ValueError says what is wrong."""
    match = _EXPECTATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("an expectation is written like 'latency_ns.p99 < 5 ms' (with <, <=, > or >=)")
    figure = figure_path(match[1])
    return Expectation(figure, match[2], _bound(figure, match[3]), " ".join(value.split()))


def thresholds(expectations: Iterable[Expectation], column: str) -> list[int]:
    """Where values of `column` (latency_ns, wait_ns; ns) must be counted exactly: at each bound, and just below it."""
    bounds = {int(it.bound) for it in expectations if column in it.figure.split(".")}
    return sorted({edge for bound in bounds for edge in (bound - 1, bound) if edge >= 0})


def _bound(figure: str, text: str) -> float:
    parts = figure.split(".")
    if any(part.endswith("_ns") for part in parts):
        return float(units.parse_time(text))
    if parts[-1].endswith("bytes"):
        return float(units.parse_size(text))
    if parts[-1].endswith("_per_s") and "/" in text:
        return float(units.parse_rate(text))
    if text.endswith("%"):
        return float(units.parse_percent(text))
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a plain number, which {figure} is compared with") from None


@dataclass(frozen=True, slots=True)
class Precision:
    """The half width of a figure's interval that is asked for, as a share of its value."""

    share: float
    figure: str
    text: str


_PRECISION = re.compile(r"\s*([0-9.]+\s*%)\s+of\s+(\S.*?)\s*")


def parse_precision(value: Any) -> Precision:
    """Read `PERCENT of FIGURE`; ValueError says what is wrong."""
    match = _PRECISION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a precision is written like '2% of latency_ns.p99'")
    share, figure = float(units.parse_percent(match[1])), figure_path(match[2])
    if not 0 < share < 1:
        raise ValueError(f"a precision lies between 0 % and 100 %, not at {match[1]}")
    if is_count(figure) or figure.endswith(".max"):
        raise ValueError(f"{figure} has no interval: it is a count, or grows with the run")
    return Precision(share, figure, " ".join(value.split()))


def is_count(figure: str) -> bool:
    """Whether it tells what happened in this run, rather than what a steady system does."""
    return figure.startswith(("requests.", "events", "simulated_ns")) or ".requests." in figure


def _figure(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a figure is a path of the summary, like 'latency_ns.p99'")
    return figure_path(value)


Figure: TypeAlias = Annotated[str, Read(_figure, str, {"type": "string", "examples": ["latency_ns.p99"]})]
Expected: TypeAlias = Annotated[
    Expectation,
    Read(parse_expectation, lambda it: it.text, {"type": "string", "examples": ["latency_ns.p99 < 5 ms"]}),
]
Precise: TypeAlias = Annotated[
    Precision,
    Read(parse_precision, lambda it: it.text, {"type": "string", "examples": ["2% of latency_ns.p99"]}),
]
