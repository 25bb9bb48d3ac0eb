"""Figures as a planner reads them: four digits or more, thousands apart, never an exponent, and each with its unit.

A figure's unit is known from its path (`latency_ns.p99`, `throughput_per_s`, `disks.d.busy_share`); an interval is written in
the unit of its value.
"""

_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns"))
SHARES = ("share", "utilization")


def number(value: float) -> str:
    """Four digits, or all before the point where there are more; what is nearly 0 only as that."""
    if 0 < abs(value) < 1e-4:
        return "<0.0001" if value > 0 else ">-0.0001"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def with_unit(value: float, unit: str) -> str:
    """A number before its unit: `89,913/s`, `16 KiB`, `12`."""
    unit = unit.strip()
    return f"{number(value)}{'' if unit.startswith('/') or not unit else ' '}{unit}"


def time(ns: float) -> str:
    """In the unit that suits it."""
    return _in(ns, *_scale(ns, "_ns"))


def figure(value: float | None, path: str) -> str:
    """A figure of a summary; `-` where there is none."""
    return "-" if value is None else _in(value, *_scale(value, path))


def interval(value: float | None, ends: list[float] | tuple[float, float] | None, path: str) -> str:
    """Both ends in the unit of the value; nothing without value or ends."""
    if value is None or not ends:
        return ""
    length, unit = _scale(value or ends[1], path)
    return f"{number(ends[0] / length)} to {_in(ends[1], length, unit)}"


def percent(share: float, signed: bool = False) -> str:
    """`79.7 %`; with a sign of its own where it is a difference."""
    return f"{100 * share:{'+' if signed else ''},.1f} %"


def is_time(path: str) -> bool:
    """Whether the figure at this path of a summary is a time (ns)."""
    return any(part.endswith("_ns") for part in path.split("."))


def is_rate(path: str) -> bool:
    """Whether a figure is counted a second."""
    return path.endswith("_per_s")


def time_unit(ns: float) -> tuple[float, str]:
    """The unit that suits a time: its length in ns, and its name."""
    return next((unit for unit in _TIMES if abs(ns) >= unit[0]), _TIMES[-1])


def without_unit(path: str) -> str:
    """The figure's name for people, where its values bear their unit: `latency p99` of `latency_ns.p99`."""
    return path.replace("_ns", "").replace("_per_s", "").replace("_", " ").replace(".", " ")


def _scale(value: float, path: str) -> tuple[float, str]:
    """What 1 of the unit is, in the figure's own."""
    if is_time(path):
        return time_unit(value)
    if is_rate(path):
        return 1.0, "/s"
    return (0.01, "%") if path.endswith(SHARES) else (1.0, "")


def _in(value: float, length: float, unit: str) -> str:
    return with_unit(value / length, unit)
