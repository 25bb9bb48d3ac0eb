"""Figures as people read them: four digits, thousands apart, times in the unit that suits them, intervals in the same unit."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from iosim.amounts import is_rate, is_time, number, time_unit

Figure: TypeAlias = tuple[float, float | None, float | None]


def read_figure(value: Any) -> Figure | None:
    """Value and interval of a leaf of the summary; None where it is no number."""
    if isinstance(value, dict):
        number, interval = value.get("value"), value.get("ci95") or (None, None)
        return (number, *interval) if _is_number(number) else None
    return (value, None, None) if _is_number(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def figures(summary: Any, path: str = "") -> Iterator[tuple[str, Figure]]:
    """Every figure of a summary with its path, in order."""
    if (figure := read_figure(summary)) is not None:
        yield path, figure
    elif isinstance(summary, dict) and "value" not in summary:
        for key, child in summary.items():
            yield from figures(child, f"{path}.{key}" if path else key)


def show_time(value: float) -> str:
    """A time with four digits, in the unit that suits it."""
    scale, unit = time_unit(value)
    return f"{number(value / scale)} {unit}"


def show_number(value: float) -> str:
    """As plans and comparisons write it (amounts.py); a count has all its digits."""
    return f"{value:,}" if isinstance(value, int) else number(value)


def show_value(value: float, path: str) -> str:
    """The value of the figure at `path`: a time in the unit that suits it, what is counted a second with `/s`."""
    if is_time(path):
        return show_time(value)
    return f"{show_number(value)}/s" if is_rate(path) else show_number(value)


def show_figure(figure: Figure | None, path: str) -> str:
    """A figure without its interval, with its unit."""
    return "-" if figure is None else show_value(figure[0], path)


def interval_text(figure: Figure | None, path: str) -> str:
    """The interval in the same unit; nothing where there is none, or where replications can't differ."""
    if figure is None or figure[1] is None or figure[2] is None or figure[1] == figure[2]:
        return ""
    value, low, high = figure[0], figure[1], figure[2]
    scale, unit = time_unit(value or high) if is_time(path) else (1.0, "/s" if is_rate(path) else "")
    space = " " if is_time(path) else ""
    return f"{show_number(low / scale)} to {show_number(high / scale)}{space}{unit}"
