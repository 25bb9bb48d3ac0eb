"""Plots from columns: every function takes an Axes, draws on it and gives it back.

Knows no result and no pyplot, and never touches global settings: the style is a context around each call. Nothing is
told by colour alone (dashes, markers and hatches go along), every axis names its unit, legends stand below the axes
where no data can be, and every picture carries a sentence for those who can't see it (`captions.alt_text`).
Left out: interaction. Colours: Okabe and Ito (2008), as literal values since older matplotlib lacks the palette.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import update_wrapper
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import ArrayLike, NDArray

from iosim.captions import exact, short, show_ns, show_number, time_unit
from iosim.quantiles import quantile_of_column, quantile_refusal

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
P = ParamSpec("P")

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.dpi": 100,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib and has the micro sign
    "font.size": 9,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "savefig.dpi": 150,
    "svg.fonttype": "path",
    "svg.hashsalt": "iosim",
}
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)))
MARKERS = "osD^vPX*"
HATCHES = ("", "///", "\\\\\\", "xxx", "---", "|||", "+++", "//")  # no dots: each is a circle, and files grow tenfold
OTHER = "#BBBBBB"
KINDS = {  # of processor time, drawn from the bottom up: work below, waste in warm colours above it
    "user": ("#0072B2", ""),
    "kernel": ("#56B4E9", ""),
    "dpc": ("#009E73", ""),
    "isr": ("#CC79A7", ""),
    "spin": ("#F0E442", "\\\\\\"),
    "switch": ("#E69F00", "///"),
    "refill": ("#D55E00", "xxx"),
    "idle": ("#EEEEEE", ""),
}
POINTS = 2_000  # about as many as a picture can show; longer columns are thinned


class EstimateLike(Protocol):
    """A value with its interval, whose ends are NaN when there is none (`iosim.statistics.Estimate`)."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def _styled(draw: Callable[Concatenate[Axes, P], None]) -> Callable[Concatenate[Axes, P], Axes]:
    """`draw` inside our style, giving back its Axes."""

    def styled(ax: Axes, /, *args: P.args, **kwargs: P.kwargs) -> Axes:
        with mpl.rc_context(STYLE):
            draw(ax, *args, **kwargs)
        return ax

    return update_wrapper(styled, draw)


# --- pieces of plots -------------------------------------------------------------------------------------------------


def _say(ax: Axes, text: str) -> None:
    """Nothing to draw: say so in the middle of an empty frame."""
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="#555555")
    ax.set_label(text)


def _legend(ax: Axes, below: float = 34) -> None:
    """All labelled artists, `below` points under the axes, in as many columns as fit its width."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    figure = ax.figure
    width = ax.bbox.width / figure.dpi * 72
    columns = max(1, min(len(labels), int(width // (4.7 * max(map(len, labels)) + 34))))
    lower = ax.transAxes + ScaledTranslation(0, -below / 72, figure.dpi_scale_trans)
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": lower}
    ax.legend(handles, labels, ncols=columns, borderaxespad=0, **place)


def _look(index: int) -> dict[str, Any]:
    """Colour and dashes of the line number `index`; 28 differ."""
    return {"color": COLORS[index % len(COLORS)], "linestyle": DASHES[index % len(DASHES)]}


def _fill(color: str, hatch: str, edge: str = "white") -> dict[str, Any]:
    return {"color": color, "hatch": hatch, "edgecolor": edge, "linewidth": 0.5}


def _ticks(ax: Axes, values: Sequence[object]) -> float:
    """Label the places 0, 1, ... with `values`; gives the points that the legend must stay away."""
    texts = [short(show_number(v) if isinstance(v, int | float) else str(v), 24) for v in values]
    every = 1 + (len(texts) - 1) // 24
    crowded = len(texts) // every * max(map(len, texts)) > 48
    ax.set_xticks(range(0, len(texts), every), texts[::every])
    if not crowded:
        return 34
    _slant(ax)
    return 34 + 2.6 * max(map(len, texts))


def _slant(ax: Axes) -> None:
    """Long names below the x axis: rising to their tick."""
    ax.tick_params(axis="x", labelrotation=30)
    for label in ax.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")


# --- requests -------------------------------------------------------------------------------------------------------


@_styled
def latency(ax: Axes, columns: Mapping[str, ArrayLike], refused: Mapping[str, Collection[float]] | None = None) -> None:
    """Share of requests at or below each latency, one line a class, p50 and p99 marked and written in the legend.

    `columns`: latencies in ns, one int column a class. Times run logarithmically; 0 is drawn at 1 ns. A p99 that the
    sample can't carry is neither marked nor named; nor are quantiles in `refused`, by class.
    """
    ax.set(xlabel="Latency", ylabel="Requests at or below (%)")
    sorted_columns = {name: np.sort(np.asarray(column, dtype=np.int64)) for name, column in columns.items()}
    kept = {name: np.maximum(column, 1) for name, column in sorted_columns.items() if len(column)}
    if not kept:
        return _say(ax, "no completed requests")
    low, high = min(int(column[0]) for column in kept.values()), max(int(column[-1]) for column in kept.values())
    length, unit = time_unit(math.sqrt(low) * math.sqrt(high))
    said = [
        _one_latency(ax, i, name, column, length, (refused or {}).get(name, ()))
        for i, (name, column) in enumerate(kept.items())
    ]
    for share, text in ((50, "p50"), (99, "p99")):
        ax.axhline(share, color="#888888", linewidth=0.7, linestyle=":")
        ax.text(1.005, share, text, transform=ax.get_yaxis_transform(), va="center", fontsize=8, color="#555555")
    ax.set(xlabel=f"Latency ({unit}, logarithmic)", ylim=(0, 102))
    _log_ticks(ax, low / length, high / length)
    _legend(ax)
    ax.set_label("Cumulative distribution of latency. " + "; ".join(said))
    return None


def _one_latency(ax: Axes, index: int, name: str, column: Ints, length: int, refused: Collection[float]) -> str:
    ranks = np.unique(np.linspace(0, len(column) - 1, POINTS).astype(np.int64))
    named = [q for q in (0.5, 0.99) if q not in refused and not quantile_refusal(len(column), q)]
    marks = {q: quantile_of_column(column, q) for q in named}
    words = [short(name), *(f"p{q * 100:g} {show_ns(at)}" for q, at in marks.items())]
    if 0.99 not in marks:
        words.append(f"{len(column):,} requests are too few for p99")
    label = ", ".join(words)
    look = _look(index)
    ax.step(column[ranks] / length, 100 * (ranks + 1) / len(column), where="post", label=label, **look)
    dots: dict[str, Any] = {
        "linestyle": "none",
        "marker": MARKERS[index % len(MARKERS)],
        "color": look["color"],
        "markersize": 5,
    }
    ax.plot([at / length for at in marks.values()], [100 * q for q in marks], **dots)
    return label


def _log_ticks(ax: Axes, low: float, high: float) -> None:
    """A logarithmic x axis from `low` to `high`, with plain numbers, at whichever step suits its length."""
    ax.set_xscale("log")
    room = 1.05 if high < 3 * low else 1.15
    ax.set_xlim(low / room, high * room)
    decades = math.log10(high / low)
    most = 12 if decades < 6 else 7 if decades < 9 else 5
    wide = LogLocator(subs=(1.0,) if decades > 3 else (1.0, 2.0, 5.0), numticks=most)
    ax.xaxis.set_major_locator(wide if decades > 0.8 else MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: show_number(value)))
    ax.xaxis.set_minor_locator(NullLocator())


def main_causes(rows: Mapping[str, Mapping[str, float]], most: int = 7) -> list[str]:
    """The at most `most` causes that hold 2 % or more of some class's latency, in the order in which rows list them."""
    shares: dict[str, float] = {}
    for causes_ns in rows.values():
        whole = sum(causes_ns.values()) or 1.0
        for cause, mean_ns in causes_ns.items():
            shares[cause] = max(shares.get(cause, 0.0), mean_ns / whole)
    largest = sorted(shares, key=lambda cause: -shares[cause])[:most]
    return [cause for cause in shares if cause in largest and shares[cause] >= 0.02]


@_styled
def causes(ax: Axes, rows: Mapping[str, Mapping[str, float]], kept: Sequence[str] | None = None) -> None:
    """Where latency went: one bar a class, one segment a cause (mean ns a request), small ones together as "other".

    `kept` names the causes to show and fixes their colours, so that two figures can be compared; see `main_causes`.
    """
    ax.set(xlabel="Mean latency", ylabel="")
    totals = {name: sum(causes_ns.values()) for name, causes_ns in rows.items()}
    if not any(totals.values()):
        return _say(ax, "no latency to explain")
    shown = main_causes(rows) if kept is None else list(kept)
    length, unit = time_unit(max(totals.values()))
    places, left = np.arange(len(rows)), np.zeros(len(rows))
    for index, cause in enumerate([*shown, "other"]):
        widths = np.array([_segment(causes_ns, cause, shown) for causes_ns in rows.values()]) / length
        if np.any(widths > 0):
            color, hatch = (OTHER, "") if cause == "other" else (COLORS[index % 7], HATCHES[index % 8])
            ax.barh(places, widths, left=left, height=0.62, label=short(cause), **_fill(color, hatch))
        left = left + widths
    for place, (end, total) in enumerate(zip(left, totals.values(), strict=True)):
        ax.annotate(show_ns(total), (end, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    ax.set_yticks(places, [short(name) for name in rows])
    ax.set(xlabel=f"Mean latency ({unit})", xlim=(0, 1.16 * left.max()), ylim=(len(rows) - 0.4, -0.6))
    ax.grid(False, axis="y")
    _legend(ax)
    ax.set_label("Mean latency by cause. " + "; ".join(_say_causes(*row) for row in rows.items()))
    return None


def _segment(causes_ns: Mapping[str, float], cause: str, shown: Sequence[str]) -> float:
    if cause in shown:
        return causes_ns.get(cause, 0.0)
    return sum(mean_ns for name, mean_ns in causes_ns.items() if name not in shown)


def _say_causes(name: str, causes_ns: Mapping[str, float]) -> str:
    whole = sum(causes_ns.values())
    if not whole:
        return f"{name}: none"
    largest = max(causes_ns, key=lambda cause: causes_ns[cause])
    return f"{name}: {show_ns(whole)}, most of it {largest} ({causes_ns[largest] / whole:.0%})"


@_styled
def waited_behind(ax: Axes, names: Sequence[str], matrix_ns: ArrayLike) -> None:
    """Who waited behind whom: rows waited, columns held the server; total ns of waiting, and each row's sum.

    `matrix_ns` has the shape (names, names). Above 12 names the cells lose their numbers. Raises ValueError for
    another shape.
    """
    matrix = np.asarray(matrix_ns, dtype=np.float64)
    ax.set(xlabel="behind whom (held the server)", ylabel="who waited")
    if matrix.size and matrix.shape != (len(names), len(names)):
        raise ValueError(f"{len(names)} names need a square of waits, not {matrix.shape}")
    if not matrix.any():
        return _say(ax, "nobody waited")
    ax.grid(False)
    image = ax.imshow(matrix, cmap="YlOrBr", vmin=0, vmax=matrix.max(), aspect="auto")
    ax.set_yticks(range(len(names)), [short(name, 20) for name in names])
    _name_columns(ax, [short(name, 20) for name in names])
    if len(names) > 12:
        ax.figure.colorbar(image, ax=ax, format=FuncFormatter(lambda ns, _: show_ns(ns)))
    else:
        for (row, column), ns in np.ndenumerate(matrix):
            _cell(ax, row, column, float(ns), float(matrix.max()))
    for row, ns in enumerate(matrix.sum(axis=1)):
        _beside(ax, (1, row), ("axes fraction", "data"), f"= {show_ns(ns)}", "center")
    _beside(ax, (1, 1), "axes fraction", "total", "bottom")
    waiter, holder = divmod(int(matrix.argmax()), len(names))
    worst = f"{names[waiter]} waited {show_ns(matrix[waiter, holder])} behind {names[holder]}"
    ax.set_label(f"Who waited behind whom; the most: {worst}.")
    return None


def _name_columns(ax: Axes, names: Sequence[str]) -> None:
    ax.set_xticks(range(len(names)), names)
    if len(names) > 12:
        ax.tick_params(axis="x", labelrotation=90)
    elif sum(map(len, names)) > 40:
        _slant(ax)


def _cell(ax: Axes, row: int, column: int, ns: float, largest: float) -> None:
    """One wait in its square; on small squares the unit goes under the number."""
    wide = ax.get_xlim()[1] < 5
    text = show_ns(ns) if wide else show_ns(ns).replace(" ", "\n")
    color = "white" if ns > 0.6 * largest else "black"
    ax.text(column, row, text if ns else "-", ha="center", va="center", fontsize=7.5 if wide else 6.5, color=color)


def _beside(ax: Axes, place: tuple[float, float], system: Any, text: str, vertical: str) -> None:
    """A remark right of the frame."""
    ax.annotate(text, place, (5, 0), xycoords=system, textcoords="offset points", va=vertical, fontsize=8)


# --- sweeps ---------------------------------------------------------------------------------------------------------


@_styled
def throughput(
    ax: Axes,
    x_values: Sequence[float | str],
    lines: Mapping[str, Sequence[EstimateLike]],
    x_label: str,
    y_label: str,
    y_is_ns: bool = False,
) -> None:
    """A figure over a sweep: one line a label with its interval as a band, one estimate per x value.

    The x axis is logarithmic to base 2 when all values are powers of two, linear for other numbers, and a list of
    places for words, whose points are not joined. Intervals with NaN ends are not drawn. With `y_is_ns` times are shown
    in the unit that suits.
    """
    ax.set(xlabel=x_label, ylabel=y_label)
    if not x_values or not any(len(line) for line in lines.values()):
        return _say(ax, "no runs to show")
    top = max(_top(line) for line in lines.values())
    length, unit = time_unit(top) if y_is_ns else (1, "")
    words = any(isinstance(value, str) for value in x_values)
    places, below = _sweep_axis(ax, x_values)
    for index, (label, line) in enumerate(lines.items()):
        aside = 0.08 * (index - (len(lines) - 1) / 2) if words else 0.0  # else one point hides the other
        _one_line(ax, index, short(label, 40), np.asarray(places) + aside, line, length, not words)
    ax.set_ylim(0, 1.08 * top / length or 1)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: show_number(value)))
    ax.set_ylabel(f"{y_label} ({unit})" if unit else y_label)
    _legend(ax, below)
    said = (f"{label} from {_tell(line[0], y_is_ns)} to {_tell(line[-1], y_is_ns)}" for label, line in lines.items())
    ax.set_label(f"{y_label} over {x_label} from {x_values[0]} to {x_values[-1]}. " + "; ".join(said))
    return None


def _one_line(
    ax: Axes, index: int, label: str, places: Floats, line: Sequence[EstimateLike], length: int, joined: bool
) -> None:
    look = _look(index) if joined else _look(index) | {"linestyle": "none"}
    value, low, high = (np.array([getattr(e, end) for e in line]) / length for end in ("value", "low", "high"))
    dots: dict[str, Any] = {"marker": MARKERS[index % len(MARKERS)], "markersize": 5, "clip_on": False, "zorder": 3}
    ax.plot(places, value, label=label, **dots, **look)
    if joined:
        ax.fill_between(places, low, high, color=look["color"], alpha=0.18, linewidth=0)
    ax.vlines(places, low, high, color=look["color"], linewidth=1)


def _top(line: Sequence[EstimateLike]) -> float:
    return float(np.nanmax([[e.value, e.high] for e in line])) if line else 0.0


def _tell(estimate: EstimateLike, is_ns: bool) -> str:
    return show_ns(estimate.value) if is_ns else show_number(estimate.value)


def _sweep_axis(ax: Axes, x_values: Sequence[float | str]) -> tuple[Sequence[float], float]:
    """Scale and ticks for the sweep's values: where each goes, and how far below the legend must stay."""
    numbers = [value for value in x_values if not isinstance(value, str)]
    if len(numbers) < len(x_values) or len(numbers) < 2:
        ax.set_xlim(-0.5, len(x_values) - 0.5)
        return list(range(len(x_values))), _ticks(ax, x_values)
    if min(numbers) > 0 and len(numbers) > 2 and all(float(np.log2(v)).is_integer() for v in numbers):
        ax.set_xscale("log", base=2)
        ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(FixedLocator(numbers) if _room_for(ax, numbers) else MaxNLocator(8))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: show_number(value)))
    return numbers, 34


def _room_for(ax: Axes, numbers: Sequence[float]) -> bool:
    """Whether a tick at each number leaves its label room."""
    placed = np.sort(np.log2(numbers) if ax.get_xscale() == "log" else np.asarray(numbers, dtype=np.float64))
    return len(placed) < 14 and float(np.min(np.diff(placed))) >= 0.06 * (placed[-1] - placed[0])


@_styled
def processor_time(
    ax: Axes, x_values: Sequence[float | str], shares: Sequence[Mapping[str, float]], x_label: str
) -> None:
    """What processors spent their time on, one stacked bar per x value; shares of 1 by kind, a missing kind is 0.

    Raises ValueError for a kind that processors don't have.
    """
    ax.set(xlabel=x_label, ylabel="Processor time (%)")
    unknown = {kind for share in shares for kind in share} - set(KINDS)
    if unknown:
        raise ValueError(f"processors spend no time as {sorted(unknown)}")
    if not any(any(share.values()) for share in shares):
        return _say(ax, "no processor time")
    bottom, middle, reach = np.zeros(len(shares)), (len(shares) - 1) / 2, max(3, len(shares)) / 2 + 0.1
    for kind, (color, hatch) in KINDS.items():
        heights = 100 * np.array([share.get(kind, 0.0) for share in shares])
        edge = "#777777" if kind == "idle" else "white"
        ax.bar(range(len(shares)), heights, bottom=bottom, width=0.78, label=kind, **_fill(color, hatch, edge))
        bottom = bottom + heights
    ax.set(ylim=(0, 100), xlim=(middle - reach, middle + reach))
    ax.grid(False, axis="x")
    _legend(ax, _ticks(ax, x_values))
    ax.set_label(f"Processor time over {x_label}. " + "; ".join(map(_say_shares, x_values, shares)))
    return None


def _say_shares(x_value: float | str, share: Mapping[str, float]) -> str:
    return f"{x_value}: " + ", ".join(f"{kind} {share[kind]:.0%}" for kind in KINDS if share.get(kind, 0) >= 0.005)


# --- plans ----------------------------------------------------------------------------------------------------------


@_styled
def planned(
    ax: Axes,
    x_values: Sequence[float],
    values: Sequence[float | None],
    bound: float,
    answer: Sequence[float] | None,
    x_label: str,
    y_label: str,
    confirmed: Sequence[float] | None = None,
    answer_is: str = "",
) -> None:
    """A figure at the points of a plan's scan, its bound, and the answer (value, and ends of the interval if it has any).

    `answer_is`: "at least" or "at most" where the scan ended there.

    `confirmed` is what fresh replications gave: the value that is looked for, the figure, and the ends of its interval if any.
    """
    ax.set(xlabel=x_label, ylabel=y_label)
    pairs = [(x, y) for x, y in zip(x_values, values, strict=True) if y is not None]
    if not pairs:
        return _say(ax, "no point of the scan has the figure")
    is_ns = "_ns" in y_label
    length, unit = time_unit(bound) if is_ns and bound else (1, "")
    places, heights = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    ax.plot(places, heights / length, marker="o", markersize=5, label="scan", zorder=3, **_look(0))
    ax.axhline(bound / length, label=f"objective: {show_ns(bound) if is_ns else show_number(bound)}", **_look(1))
    _mark_answer(ax, answer, answer_is)
    if confirmed:
        _mark_confirmed(ax, confirmed, length)
    if bound > 0 and min(heights) > 0 and max(heights) > 20 * bound:
        ax.set_yscale("log")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: show_number(value)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: show_number(value)))
    ax.set_ylabel(f"{y_label.replace('_ns', '')} ({unit})" if unit else y_label)
    _legend(ax)
    said = " ".join(filter(None, ("answer", answer_is, _with_ends(answer)))) if answer else "no answer"
    said += f"; fresh replications at {show_number(confirmed[0])}" if confirmed else ""
    ax.set_label(f"{y_label} over {x_label} against the objective; {said}.")
    return None


def _mark_answer(ax: Axes, answer: Sequence[float] | None, answer_is: str = "") -> None:
    if not answer:
        return
    label = " ".join(filter(None, ("answer:", answer_is, show_number(answer[0]))))
    ax.axvline(answer[0], color="#555555", linewidth=1, linestyle=":", label=label)
    if len(answer) == 3:
        ends = f"its interval: {show_number(answer[1])} to {show_number(answer[2])}"
        ax.axvspan(answer[1], answer[2], color="#555555", alpha=0.18, linewidth=0, label=ends)


def _with_ends(answer: Sequence[float]) -> str:
    ends = f" ({show_number(answer[1])} to {show_number(answer[2])})" if len(answer) == 3 else ""
    return f"{show_number(answer[0])}{ends}"


def _mark_confirmed(ax: Axes, confirmed: Sequence[float], length: float) -> None:
    """A star with its interval."""
    x, y, *ends = confirmed
    apart = [[(y - ends[0]) / length], [(ends[1] - y) / length]] if ends else None
    label = f"fresh replications at {show_number(x)}"
    ax.errorbar(
        [x], [y / length], yerr=apart, label=label, color="#000000", marker="*", markersize=9, capsize=4, zorder=5
    )


@_styled
def answered(
    ax: Axes,
    bound: float,
    answer: Sequence[float],
    roots: Sequence[float],
    confirmed: Sequence[float],
    x_label: str,
    y_label: str,
) -> None:
    """A plan's answer from near: its interval, each replication's own root on the objective, and fresh replications inside."""
    is_ns = "_ns" in y_label
    length, unit = time_unit(bound) if is_ns and bound else (1, "")
    name = y_label.replace("_ns", "")
    ax.set(xlabel=x_label, ylabel=f"{name} ({unit})" if unit else name)
    ax.axhline(bound / length, label="objective", **_look(1))
    _mark_answer(ax, answer)
    label = f"each of {len(roots)} replications' own"
    ax.plot(roots, [bound / length] * len(roots), "|", color="#0072b2", markersize=10, label=label)
    _mark_confirmed(ax, confirmed, length)
    across = [*roots, *answer, confirmed[0]]
    margin = 0.15 * (max(across) - min(across)) or 1
    ax.set_xlim(min(across) - margin, max(across) + margin)
    ax.margins(y=0.25)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: show_number(value)))
    ax.xaxis.set_major_locator(MaxNLocator(4))
    _legend(ax)
    ax.set_label(f"{name} near the answer {_with_ends(answer)}; fresh replications at {show_number(confirmed[0])}.")


@_styled
def utilizations(
    ax: Axes,
    x_values: Sequence[float],
    used: Sequence[Mapping[str, float]],
    answer: Sequence[float] | None,
    x_label: str,
    answer_is: str = "",
) -> None:
    """Every resource's share of busy time at the points of a plan's scan; `answer_is` as in `planned`."""
    ax.set(xlabel=x_label, ylabel="share of time busy")
    names = list(dict.fromkeys(name for point in used for name in point))
    if not names:
        return _say(ax, "nothing has a utilization")
    for index, name in enumerate(names):
        line = [point.get(name, 0.0) for point in used]
        ax.plot(x_values, line, marker=MARKERS[index % len(MARKERS)], markersize=5, label=short(name), **_look(index))
    _mark_answer(ax, answer, answer_is)
    ax.set_ylim(0, 1.05)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: show_number(value)))
    _legend(ax)
    last = ", ".join(f"{name} {share:.0%}" for name, share in used[-1].items())
    ax.set_label(f"Utilization over {x_label}; at its largest: {last}.")
    return None


# --- states over time -----------------------------------------------------------------------------------------------


@_styled
def running_threads(
    ax: Axes, times_ns: ArrayLike, running: ArrayLike, limit: int, ready: ArrayLike | None = None
) -> None:
    """Threads of a port that run (and those `ready`), against its concurrency limit; time above the limit is shaded.

    The values hold from their time until the next; a long column is drawn as mean and range of equal stretches.
    """
    ax.set(xlabel="Time", ylabel="Threads")
    times, count = np.asarray(times_ns, dtype=np.int64), np.asarray(running, dtype=np.int64)
    if not len(times):
        return _say(ax, "no threads were seen")
    scale = _time_axis(ax, int(times[0]), int(times[-1]))
    if ready is not None:
        _steps(ax, scale, times, np.asarray(ready), "ready", {"color": "#E69F00", "linestyle": DASHES[2]})
    edges, _, high = _steps(ax, scale, times, count, "running", {"color": "#0072B2", "linestyle": "-"})
    if count.max() > limit:
        over: dict[str, Any] = {"step": "post", "color": "#D55E00", "alpha": 0.35, "linewidth": 0}
        ax.fill_between(edges, limit, np.maximum(high, limit), label="above the limit", **over)
    ax.axhline(limit, color="black", linestyle="--", linewidth=1, label=f"limit {limit}")
    _counted(ax, max(limit, int(ax.dataLim.y1)))
    _legend(ax)
    ax.set_label(f"Running threads over time against the limit of {limit}; at most {count.max()} ran at once.")
    return None


@_styled
def queue_depth(ax: Axes, series: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> None:
    """How many waited in each queue over time; (times in ns, depth), a depth holds until the next time."""
    ax.set(xlabel="Time", ylabel="Queue depth (entries)")
    columns = {name: (np.asarray(times, dtype=np.int64), np.asarray(depth)) for name, (times, depth) in series.items()}
    kept = {name: column for name, column in columns.items() if len(column[0])}
    if not kept:
        return _say(ax, "no queue was seen")
    scale = _time_axis(ax, min(int(t[0]) for t, _ in kept.values()), max(int(t[-1]) for t, _ in kept.values()))
    for index, (name, (times, depth)) in enumerate(kept.items()):
        _steps(ax, scale, times, depth, f"{short(name)}, at most {show_number(float(depth.max()))}", _look(index))
    _counted(ax, max(float(depth.max()) for _, depth in kept.values()))
    _legend(ax)
    said = (f"{name} at most {show_number(float(depth.max()))}" for name, (_, depth) in kept.items())
    ax.set_label("Queue depth over time. " + "; ".join(said))
    return None


@_styled
def warm_up(ax: Axes, times: ArrayLike, rows: ArrayLike, until: int, what: str) -> None:
    """A state's mean over replications, their range as a band, and the time (ns) until which nothing is measured.

    `rows`: one a replication, a value for each step that begins at `times` (ns).
    """
    ax.set(xlabel="Time", ylabel=what)
    begins, levels = np.asarray(times, dtype=np.int64), np.atleast_2d(np.asarray(rows, dtype=np.float64))
    if not len(begins):
        return _say(ax, "no time passed")
    step = int(begins[1] - begins[0]) if len(begins) > 1 else 1
    scale = _time_axis(ax, int(begins[0]), int(begins[-1]) + step)
    mean, low, high = levels.mean(axis=0), levels.min(axis=0), levels.max(axis=0)
    if len(levels) > 1:
        floor, top = (np.append(edge, edge[-1]) for edge in (low, high))
        ax.fill_between(scale.place(np.append(begins, scale.end)), floor, top, step="post", alpha=0.2, linewidth=0)
    _steps(ax, scale, begins, mean, "mean of replications" if len(levels) > 1 else "one replication", _look(0))
    said = f"warm-up, {show_ns(until)}" if until else "no warm-up"
    if until:
        ax.axvspan(*scale.place(np.array([begins[0], until])), color="0.85", zorder=0, label=said)
    ax.set_ylim(0, 1.08 * max(float(high.max()), 1e-9))
    _legend(ax)
    ax.set_label(
        f"{what} over time, {said}. Mean {show_number(float(mean.mean()))}, at most {show_number(float(high.max()))}"
    )
    return None


class _Scale(NamedTuple):
    """How times become places: (ns - origin) / length; the axis ends at `end` ns."""

    origin: int
    length: int
    end: int

    def place(self, ns: NDArray[Any]) -> Floats:
        placed: Floats = (ns - self.origin) / self.length
        return placed


def _time_axis(ax: Axes, start: int, end: int) -> _Scale:
    """An x axis from `start` to `end` ns; a short window late in a run counts from a round moment before it."""
    span = max(1, end - start)
    step = 10 ** len(str(span))
    origin = start // step * step if start >= 10 * span else 0
    length, unit = time_unit(start + span - origin)
    scale = _Scale(origin, length, start + span)
    ax.set_xlabel(f"Time after {exact(origin)} ({unit})" if origin else f"Time ({unit})")
    ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10], integer=length == 1, min_n_ticks=1))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    ax.set_xlim(*scale.place(np.array([start, start + span])))
    return scale


def _counted(ax: Axes, top: float) -> None:
    """A y axis of whole things from 0."""
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_ylim(0, 1.08 * max(1.0, top))


def _steps(
    ax: Axes, scale: _Scale, times: Ints, values: NDArray[Any], label: str, look: dict[str, Any]
) -> tuple[Floats, NDArray[Any], NDArray[Any]]:
    """Draw values that hold until the next time, the last until the axis ends; gives places, lows and highs drawn.

    More than `POINTS` of them become the mean of each of many equal stretches, with its range as a band.
    """
    line: dict[str, Any] = {"where": "post", "linewidth": 1.3, "clip_on": False, "zorder": 3} | look
    if len(times) <= POINTS:
        places, held = scale.place(np.append(times, scale.end)), np.append(values, values[-1])
        ax.step(places, held, label=label, **line)
        return places, held, held
    starts, mean, low, high = stretches(times, values, scale.end)
    places = scale.place(np.append(starts, scale.end))
    mean, low, high = (np.append(column, column[-1]) for column in (mean, low, high))
    ax.fill_between(places, low, high, step="post", color=look["color"], alpha=0.2, linewidth=0)
    ax.step(places, mean, label=f"{label} (mean, range shaded)", **line)
    return places, low, high


def stretches(
    times: Ints, values: NDArray[Any], end: int, count: int = 400
) -> tuple[Floats, Floats, NDArray[Any], NDArray[Any]]:
    """Equal stretches of a step line that ends at `end` ns: their starts (ns), time-weighted means, lows and highs."""
    edges = np.linspace(times[0], end, count + 1)
    corners = np.append(times, end)
    area = np.concatenate([[0.0], np.cumsum(values * np.diff(corners).astype(np.float64))])
    mean = np.diff(np.interp(edges, corners, area)) / np.diff(edges)
    first = np.searchsorted(times, edges[:-1], side="right") - 1  # holds as the stretch begins
    last = np.maximum(np.searchsorted(times, edges[1:], side="left") - 1, first)  # holds as it ends
    low = np.minimum(np.minimum.reduceat(values, first), values[last])
    high = np.maximum(np.maximum.reduceat(values, first), values[last])
    return edges[:-1], mean, low, high
