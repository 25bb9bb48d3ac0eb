"""Figures, tested by the data on their Axes: pixels differ between versions of matplotlib, facts don't."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import image
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from iosim import captions, figures, pictures, plots
from iosim.results import Study
from iosim.statistics import Estimate, interval
from iosim.thread import KINDS

NAN = float("nan")
MS = 1_000_000


@pytest.fixture
def ax() -> Axes:
    return figures.figure_overview(["a panel"])[1][0]


def lines_of(ax: Axes) -> dict[str, Line2D]:
    """Labelled lines by label."""
    return {str(line.get_label()): line for line in ax.get_lines() if not str(line.get_label()).startswith("_")}


def legend_of(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def texts_of(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def settle(ax: Axes) -> None:
    """Lay the figure out, so that positions of texts can be asked for."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()


def exactly(*values: float) -> list[Estimate]:
    return [Estimate(value, value, value, 10) for value in values]


LATENCIES = {"read": np.repeat(np.arange(1, 1001), 2) * 1000, "write": np.full(50, 2 * MS)}
CAUSES = {"read": {"user": 2.0 * MS, "device_queue": 6.0 * MS, "lock": 0.01 * MS}, "echo": {"user": 1.0 * MS}}
SHARES = [{"user": 0.5, "idle": 0.5}, {"user": 0.4, "refill": 0.6}]
STEPS = ([0, MS, 2 * MS, 3 * MS], [1, 3, 2, 0])

DRAWN: dict[str, Callable[[Axes], Axes]] = {
    "latency": lambda ax: plots.latency(ax, LATENCIES),
    "causes": lambda ax: plots.causes(ax, CAUSES),
    "waited_behind": lambda ax: plots.waited_behind(ax, ["read", "write"], [[1.0, 2.0], [0.0, 4.0]]),
    "throughput": lambda ax: plots.throughput(ax, [1, 2, 4], {"port": exactly(1, 2, 3)}, "Threads", "Rate (1/s)"),
    "processor_time": lambda ax: plots.processor_time(ax, [1, 2], SHARES, "Threads"),
    "running_threads": lambda ax: plots.running_threads(ax, *STEPS, 2),
    "queue_depth": lambda ax: plots.queue_depth(ax, {"port": STEPS}),
    "warm_up": lambda ax: plots.warm_up(
        ax, [0, 10, 20], np.array([[1.0, 3, 2], [2, 5, 2]]), 10, "Requests in the system"
    ),
}
EMPTY: dict[str, Callable[[Axes], Axes]] = {
    "latency": lambda ax: plots.latency(ax, {"read": np.array([], dtype=np.int64)}),
    "latency of nothing": lambda ax: plots.latency(ax, {}),
    "causes": lambda ax: plots.causes(ax, {"read": {"user": 0.0}}),
    "causes of nothing": lambda ax: plots.causes(ax, {}),
    "waited_behind": lambda ax: plots.waited_behind(ax, ["a", "b"], np.zeros((2, 2))),
    "waited_behind of nobody": lambda ax: plots.waited_behind(ax, [], []),
    "throughput": lambda ax: plots.throughput(ax, [], {}, "Threads", "Rate (1/s)"),
    "throughput of nothing": lambda ax: plots.throughput(ax, [1], {"port": []}, "Threads", "Rate (1/s)"),
    "processor_time": lambda ax: plots.processor_time(ax, [], [], "Threads"),
    "running_threads": lambda ax: plots.running_threads(ax, [], [], 2),
    "queue_depth": lambda ax: plots.queue_depth(ax, {"port": ([], [])}),
    "warm_up": lambda ax: plots.warm_up(ax, [], [[]], 0, "Requests in the system"),
}


def settings() -> dict[str, object]:
    """Global settings but the backend, which is looked up, with all of pyplot, when it is read."""
    return {key: mpl.rcParams[key] for key in mpl.rcParams if key != "backend"}


# --- promises that all figures make


@pytest.mark.parametrize("name", DRAWN)
def test_the_axes_that_went_in_come_out_with_labels_and_a_sentence(name: str, ax: Axes) -> None:
    assert DRAWN[name](ax) is ax
    assert ax.get_xlabel()
    assert ax.get_ylabel() or name == "causes"  # its rows are classes, named by the ticks
    assert len(captions.alt_text(ax)) > 20


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_figure_says_so(name: str, ax: Axes) -> None:
    assert EMPTY[name](ax) is ax
    (text,) = texts_of(ax)
    assert text.startswith("no")
    assert captions.alt_text(ax) == text
    assert not len(ax.get_xticks())


@pytest.mark.parametrize("name", DRAWN)
def test_drawing_leaves_global_settings_alone(name: str, ax: Axes) -> None:
    before = settings()
    DRAWN[name](ax)
    assert settings() == before


def test_importing_plots_loads_no_pyplot_and_changes_no_setting() -> None:
    """pyplot picks a window system and keeps every figure alive; a library has no business doing either."""
    program = (
        "import sys, matplotlib as m; told = lambda: [m.rcParams[k] for k in m.rcParams if k != 'backend'];"
        "before = told(); import iosim.plots; assert 'matplotlib.pyplot' not in sys.modules; assert told() == before"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[1])


@pytest.mark.parametrize("name", DRAWN)
def test_a_legend_stands_below_the_x_label_and_never_on_data(name: str, ax: Axes) -> None:
    DRAWN[name](ax)
    settle(ax)
    legend = ax.get_legend()
    if legend is None:
        assert name == "waited_behind"
        return
    assert legend.get_window_extent().y1 < ax.xaxis.label.get_window_extent().y0


def test_the_legend_stays_below_slanted_names(ax: Axes) -> None:
    names = ["completion port with affine pool", "WSAWaitForMultipleEvents", "thread per client", "readiness queue"]
    plots.processor_time(ax, names, SHARES * 2, "Design")
    settle(ax)
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y1 < ax.xaxis.label.get_window_extent().y0


def test_twenty_eight_lines_differ_without_their_colour_or_with_it() -> None:
    looks = [repr(sorted(plots._look(index).items())) for index in range(28)]
    assert len(set(looks)) == 28


# --- words and units


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (5, "5 ns"),
        (0.25, "0.25 ns"),
        (999, "999 ns"),
        (20_000, "20 µs"),
        (99_960, "100 µs"),
        (999_600, "1,000 µs"),
        (1_350_000, "1.35 ms"),
        (12_345 * 10**9, "12,345 s"),
        (-1500, "-1.5 µs"),
    ],
)
def test_times_are_shown_with_three_digits_and_a_unit(ns: float, text: str) -> None:
    assert captions.show_ns(ns) == text


@pytest.mark.parametrize(("value", "text"), [(0.001, "0.001"), (9.999, "10"), (1234.5, "1,234"), (0.5, "0.5")])
def test_numbers_are_shown_plainly(value: float, text: str) -> None:
    assert captions.show_number(value) == text


def test_the_font_has_the_micro_sign() -> None:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family=plots.STYLE["font.family"]), fallback_to_default=False))
    assert ord("µ") in font.get_charmap()
    assert ord("…") in font.get_charmap()


# --- latency


def test_the_latency_line_rises_to_all_requests_at_the_maximum(ax: Axes) -> None:
    plots.latency(ax, {"read": LATENCIES["read"]})
    (line,) = lines_of(ax).values()
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert ax.get_xscale() == "log"
    assert "µs" in ax.get_xlabel()
    assert (x[-1], y[-1]) == (1000, 100)
    assert y[np.searchsorted(x, 250, side="right") - 1] == 25


def test_p50_and_p99_are_marked_and_named_per_class(ax: Axes) -> None:
    plots.latency(ax, LATENCIES)
    assert legend_of(ax) == ["read, p50 500 µs, p99 990 µs", "write, p50 2 ms, 50 requests are too few for p99"]
    marks = [line for line in ax.get_lines() if line.get_marker() not in ("None", "", None)]
    assert [(list(line.get_xdata()), list(line.get_ydata())) for line in marks] == [  # type: ignore[arg-type]
        ([500, 990], [50, 99]),
        ([2000], [50]),
    ]
    assert marks[0].get_marker() != marks[1].get_marker()


def test_a_million_requests_make_a_short_line_that_keeps_both_ends(ax: Axes) -> None:
    plots.latency(ax, {"read": np.random.default_rng(1).permutation(10**6) + 1})
    (line,) = lines_of(ax).values()
    x = np.asarray(line.get_xdata())
    assert len(x) <= plots.POINTS
    assert (x[0], x[-1]) == (1e-3, 1e3)  # in µs


def test_a_latency_of_zero_is_drawn_at_one_nanosecond(ax: Axes) -> None:
    plots.latency(ax, {"null": np.zeros(100, dtype=np.int64)})
    (line,) = lines_of(ax).values()
    assert set(np.asarray(line.get_xdata())) == {1}
    settle(ax)


@pytest.mark.parametrize("top", [1, 2, 10, 1000, 10**7, 10**12])
def test_latency_ticks_are_few_and_never_collide(top: int, ax: Axes) -> None:
    plots.latency(ax, {"read": np.array([100, 100 * top])})
    settle(ax)
    inside = [tick for tick in ax.xaxis.get_majorticklabels() if tick.get_text()]
    low, high = ax.get_xlim()
    boxes = [tick.get_window_extent() for tick in inside if low <= tick.get_position()[0] <= high]
    assert 1 <= len(boxes) <= 13
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


# --- causes


def widths(ax: Axes) -> dict[str, list[float]]:
    return {str(bars.get_label()): [bar.get_width() for bar in bars] for bars in ax.containers}


def test_segments_of_a_bar_add_up_to_the_mean_latency_and_small_causes_fold(ax: Axes) -> None:
    plots.causes(ax, CAUSES)
    found = widths(ax)
    assert found == {"user": [2, 1], "device queue": [6, 0], "other": [pytest.approx(0.01), 0]}
    assert ax.get_xlabel() == "Mean latency (ms)"
    assert texts_of(ax) == ["8.01 ms", "1 ms"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["read", "echo"]


def test_at_most_seven_causes_are_named_and_the_largest_stay() -> None:
    many = {f"cause {i}": float(10 + i) for i in range(12)}
    assert plots.main_causes({"read": many}) == [f"cause {i}" for i in range(5, 12)]


def test_a_cause_that_rules_one_class_is_named_however_small_the_class() -> None:
    assert plots.main_causes({"big": {"user": 1e9}, "tiny": {"lock": 10.0, "user": 1.0}}) == ["user", "lock"]


def test_two_figures_with_the_same_causes_share_their_colours() -> None:
    panels = figures.figure_overview(["a", "b"])[1]
    for panel, causes in zip(panels, ({"user": 1.0, "lock": 9.0}, {"user": 9.0, "dma": 9.0}), strict=True):
        plots.causes(panel, {"read": causes}, kept=["lock", "user"])
    user = [to_hex(c[0].get_facecolor()) for p in panels for c in p.containers if c.get_label() == "user"]
    assert user == [plots.COLORS[1].lower()] * 2
    assert legend_of(panels[1]) == ["user", "other"]


def test_causes_differ_by_hatch_as_well_as_by_colour(ax: Axes) -> None:
    plots.causes(ax, {"read": {f"cause {i}": 1.0 for i in range(7)}})
    assert len({bars[0].get_hatch() for bars in ax.containers}) == 7


# --- who waited behind whom


def test_the_wait_matrix_is_written_cell_by_cell_with_row_totals(ax: Axes) -> None:
    plots.waited_behind(ax, ["read", "write"], [[1.0, 2e3], [0.0, 4e6]])
    assert texts_of(ax) == ["1 ns", "2 µs", "-", "4 ms", "= 2 µs", "= 4 ms", "total"]
    shown = ax.get_images()[0].get_array()
    assert shown is not None
    assert np.array_equal(shown, [[1.0, 2e3], [0.0, 4e6]])
    assert "write waited 4 ms behind write" in captions.alt_text(ax)


def test_a_large_matrix_has_a_scale_instead_of_numbers(ax: Axes) -> None:
    plots.waited_behind(ax, [f"c{i}" for i in range(20)], np.full((20, 20), 1e6))
    assert set(texts_of(ax)) == {"= 20 ms", "total"}
    assert len(ax.figure.axes) == 2


def test_a_matrix_that_does_not_fit_its_names_is_refused(ax: Axes) -> None:
    with pytest.raises(ValueError, match="square"):
        plots.waited_behind(ax, ["read"], np.ones((2, 2)))


# --- sweeps


def test_powers_of_two_get_a_logarithmic_axis_with_a_tick_at_each(ax: Axes) -> None:
    powers = [2**k for k in range(9)]
    plots.throughput(ax, powers, {"port": exactly(*map(float, range(9)))}, "Threads", "Rate (1/s)")
    settle(ax)
    assert ax.get_xscale() == "log"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [str(power) for power in powers]


@pytest.mark.parametrize("values", [[1, 2, 3], [8], [0, 1, 2], [1, 2]])
def test_other_numbers_stay_linear(values: Sequence[float], ax: Axes) -> None:
    plots.throughput(ax, values, {"port": exactly(*values)}, "Threads", "Rate (1/s)")
    assert ax.get_xscale() == "linear"
    (line,) = lines_of(ax).values()
    assert list(np.asarray(line.get_ydata())) == list(values)


def test_the_band_is_the_interval_and_the_axis_starts_at_zero(ax: Axes) -> None:
    estimates = [interval([9.0, 11.0]), interval([19.0, 21.0])]
    plots.throughput(ax, [1, 3], {"port": estimates}, "Threads", "Rate (1/s)")
    edges = ax.collections[0].get_paths()[0].vertices
    assert {round(float(y), 6) for _, y in np.asarray(edges)} == {
        round(end, 6) for estimate in estimates for end in (estimate.low, estimate.high)
    }
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > estimates[1].high


def test_estimates_without_interval_are_points_without_band(ax: Axes) -> None:
    plots.throughput(ax, [1, 3], {"port": [Estimate(v, NAN, NAN, 1) for v in (1.0, 2.0)]}, "Threads", "Rate (1/s)")
    corners = [np.asarray(path.vertices) for path in ax.collections[0].get_paths()]
    assert all(np.isnan(corner).all() for corner in corners if len(corner))
    settle(ax)


def test_words_are_places_whose_points_are_not_joined(ax: Axes) -> None:
    """A line between "lifo" and "fifo" would claim that there is something between them."""
    plots.throughput(ax, ["lifo", "fifo"], {"a": exactly(1, 2), "b": exactly(1, 2)}, "Policy", "Rate (1/s)")
    a, b = lines_of(ax).values()
    assert (a.get_linestyle(), b.get_linestyle()) == ("None", "None")
    assert not set(np.asarray(a.get_xdata())) & set(np.asarray(b.get_xdata()))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["lifo", "fifo"]


def test_times_in_a_sweep_get_the_unit_that_suits(ax: Axes) -> None:
    plots.throughput(ax, [1, 3], {"p99": exactly(2e6, 40e6)}, "Threads", "Latency", y_is_ns=True)
    assert ax.get_ylabel() == "Latency (ms)"
    assert list(np.asarray(lines_of(ax)["p99"].get_ydata())) == [2, 40]
    assert "p99 from 2 ms to 40 ms" in captions.alt_text(ax)


def test_processor_time_stacks_work_below_waste_in_a_fixed_order(ax: Axes) -> None:
    plots.processor_time(ax, [1, 2], SHARES, "Threads")
    assert legend_of(ax) == ["user", "kernel", "dpc", "isr", "spin", "switch", "refill", "idle"]
    heights: dict[str, Any] = {str(bars.get_label()): [b.get_height() for b in bars] for bars in ax.containers}
    assert heights["user"] == [50, 40]
    assert heights["refill"] == [0, 60]
    assert heights["idle"] == [50, 0]
    tops = [bar.get_y() + bar.get_height() for bar in ax.containers[-1]]
    assert tops == [100, 100]


def test_a_kind_of_time_that_processors_do_not_have_is_refused(ax: Axes) -> None:
    """Dropping it silently would leave a hole under 100 %."""
    with pytest.raises(ValueError, match="napping"):
        plots.processor_time(ax, [1], [{"napping": 1.0}], "Threads")


# --- states over time


def test_running_threads_hold_until_the_next_time_and_the_overshoot_is_shaded(ax: Axes) -> None:
    plots.running_threads(ax, *STEPS, limit=2, ready=[0, 0, 5, 0])
    lines = lines_of(ax)
    assert list(np.asarray(lines["running"].get_xdata())) == [0, 1, 2, 3, 3]
    assert list(np.asarray(lines["running"].get_ydata())) == [1, 3, 2, 0, 0]
    assert lines["running"].get_drawstyle() == "steps-post"
    assert list(np.asarray(lines["limit 2"].get_ydata())) == [2, 2]
    shade = next(c for c in ax.collections if c.get_label() == "above the limit").get_paths()[0].get_extents()
    assert (shade.y0, shade.y1) == (2, 3)
    assert ax.get_xlabel() == "Time (ms)"
    assert ax.get_ylim()[1] > 5


def test_nothing_is_shaded_when_the_limit_holds(ax: Axes) -> None:
    plots.running_threads(ax, *STEPS, limit=3)
    assert legend_of(ax) == ["running", "limit 3"]


def test_a_queue_that_changes_no_more_is_drawn_to_the_end(ax: Axes) -> None:
    plots.queue_depth(ax, {"early": ([0], [7]), "late": ([0, 5 * MS], [1, 2])})
    early = lines_of(ax)["early, at most 7"]
    assert list(np.asarray(early.get_xdata())) == [0, 5]
    assert list(np.asarray(early.get_ydata())) == [7, 7]


def test_a_short_window_late_in_a_run_counts_from_a_round_moment(ax: Axes) -> None:
    start = 3_600 * 10**9 + 123 * MS
    plots.queue_depth(ax, {"port": ([start, start + 7 * MS], [1, 2])})
    assert ax.get_xlabel() == "Time after 3,600.12 s (ms)"
    assert ax.get_xlim() == pytest.approx((3, 10))


def test_a_long_state_becomes_mean_and_range_of_stretches(ax: Axes) -> None:
    times = np.arange(100_000) * 1000
    plots.queue_depth(ax, {"port": (times, np.arange(100_000) % 10)})
    (line,) = lines_of(ax).values()
    assert len(np.asarray(line.get_xdata())) == 401
    assert np.mean(np.asarray(line.get_ydata())) == pytest.approx(4.5, abs=0.05)
    band = ax.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (0, 9)
    assert legend_of(ax) == ["port, at most 9 (mean, range shaded)"]


def test_stretches_weigh_by_time_and_miss_no_extreme() -> None:
    """A queue that is at 10 for 1 % of the time has mean 0.1, however often it was written down."""
    times = np.array([0, 50, 51, 300])
    values = np.array([0, 10, 0, 4])
    starts, mean, low, high = plots.stretches(times, values, 400, count=4)
    assert list(starts) == [0, 100, 200, 300]
    assert list(mean) == [0.1, 0, 0, 4]
    assert list(low) == [0, 0, 0, 4]
    assert list(high) == [10, 0, 0, 4]


def test_stretches_agree_with_a_sum_over_every_nanosecond() -> None:
    generator = np.random.default_rng(6)
    for _ in range(50):
        times = np.unique(np.append(0, generator.integers(0, 120, 30)))
        values = generator.integers(0, 9, len(times))
        every = values[np.searchsorted(times, np.arange(120), side="right") - 1].reshape(12, 10)
        _, mean, low, high = plots.stretches(times, values, 120, count=12)
        assert mean == pytest.approx(every.mean(axis=1))
        assert list(low) == list(every.min(axis=1))
        assert list(high) == list(every.max(axis=1))


# --- whole figures


def test_an_overview_has_one_titled_panel_each_and_tells_its_run() -> None:
    figure, panels = figures.figure_overview(["one", "two", "three"], "thread-thrashing, seed 7, iosim 0.1")
    assert [panel.get_title(loc="left") for panel in panels] == ["one", "two", "three"]
    assert figure.get_suptitle() == "thread-thrashing, seed 7, iosim 0.1"


def overview(path: Path) -> bytes:
    figure, panels = figures.figure_overview(list(DRAWN), "all")
    for panel, draw in zip(panels, DRAWN.values(), strict=True):
        draw(panel)
    figures.save(figure, path)
    first = path.read_bytes()
    figures.save(figure, path)
    assert path.read_bytes() == first
    return first


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_figure_is_written_with_the_same_bytes_every_time(kind: str, tmp_path: Path) -> None:
    """Saved twice, and drawn anew: results are compared by their bytes."""
    assert overview(tmp_path / f"a.{kind}") == overview(tmp_path / f"b.{kind}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{kind}", f"b.{kind}"]


def test_a_saved_figure_carries_its_description_and_no_date(tmp_path: Path) -> None:
    figure, (panel,) = figures.figure_overview(["one"])
    plots.queue_depth(panel, {"port": STEPS})
    figures.save(figure, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "Queue depth over time. port at most 3" in text
    assert "dc:date" not in text


def test_a_figure_that_was_not_made_here_is_saved_with_its_legend(tmp_path: Path) -> None:
    """Without a layout engine the legend hangs below the sheet; the sheet must grow with it."""
    figure = Figure(figsize=(4, 3), dpi=100)
    plots.latency(figure.add_subplot(), LATENCIES | {f"class {i}": LATENCIES["read"] for i in range(9)})
    figures.save(figure, tmp_path / "a.png")
    height, width, _ = image.imread(tmp_path / "a.png").shape
    assert height > width


def test_a_failed_save_keeps_the_old_file_and_leaves_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure, _ = figures.figure_overview(["one"])
    (tmp_path / "a.svg").write_text("old")

    def break_off(path: Path, **_: object) -> None:
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", break_off)
    with pytest.raises(OSError, match="disk full"):
        figures.save(figure, tmp_path / "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]
    assert (tmp_path / "a.svg").read_text() == "old"


def test_an_unknown_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.svg or \.png"):
        figures.save(figures.figure_overview(["one"])[0], tmp_path / "a.pdf")


@pytest.mark.parametrize(
    ("path", "value", "label"),
    [
        ("files.records.skip_on_success", True, "with skip on success"),
        ("files.records.skip_on_success", False, "without skip on success"),
        ("ports.main.concurrency", "none", "concurrency none"),
    ],
)
def test_a_varied_value_is_told_in_words(path: str, value: object, label: str) -> None:
    """A legend that says `True` makes its reader guess what is true."""
    study = Study({path: [value], "x": [True]}, [{"cell": {"x": True, path: value}, "figures": {}}], None)
    assert list(pictures._lines_of(study, "x")) == [label]
    assert pictures.x_axis(study, "x") == (["true"], "x")


@pytest.mark.parametrize(
    ("asked", "p99", "idle", "titles"),
    [
        ("throughput_per_s", 9.0, 0.5, ["Requests per second", "Latency p99", "Processor time, x"]),
        ("throughput_per_s", None, 0.5, ["Requests per second", "Latency mean", "Processor time, x"]),
        ("classes.quick.latency_ns.p99", 9.0, 0.999, ["Latency p99 of quick", "Requests per second"]),
    ],
)
def test_a_study_shows_what_its_gain_costs_and_the_processors_unless_they_idle(
    asked: str, p99: float | None, idle: float, titles: list[str]
) -> None:
    """Two hundred reads a second leave the processors idle: panels of 100 % idle say nothing."""
    figures = {"throughput_per_s": 3.0, "latency_ns.mean": 7.0, "latency_ns.p99": p99, asked: 5.0}
    shares = {f"processors.share.{kind}": 0.0 for kind in KINDS} | {"processors.share.user": 1 - idle}
    shares["processors.share.idle"] = idle
    cells = {path: {"value": value, "ci95": None} for path, value in (figures | shares).items()}
    rows = [{"cell": {"x": x}, "figures": cells, "regime": "steady"} for x in (1, 2)]
    about = {"scenario": "s", "seed": 1, "replications": 1}
    study = Study({"x": [1, 2]}, rows, SimpleNamespace(x="x", figure=asked), about=about)
    figure = pictures.study_figure(study)
    assert [ax.get_title(loc="left") for ax in figure.axes] == titles
