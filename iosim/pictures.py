"""Which pictures a result draws, from which of its columns (plots.py has the drawing)."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from iosim import figures, plots
from iosim.attribution import CAUSES
from iosim.replication import replication
from iosim.resource_figures import port_names
from iosim.statistics import NO_INTERVAL, Estimate
from iosim.summary import QUANTILES
from iosim.thread import KINDS
from iosim.units import as_written
from iosim.version import VERSION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from iosim.results import Result, Study


def latency(result: "Result", ax: "Axes") -> None:
    """Latency distribution by class."""
    plots.latency(ax, result.requests.latencies(), refused(result.summary))


def refused(summary: Mapping[str, Any]) -> dict[str, list[float]]:
    """By class the quantiles of latency that the run can't carry."""
    return {
        name: [q for quantile, q in QUANTILES.items() if f"classes.{name}.latency_ns.{quantile}" in summary["refused"]]
        for name in summary["classes"]
    }


def causes(result: "Result", ax: "Axes") -> None:
    """Where latency went, by class."""
    plots.causes(ax, mean_causes(result.summary))


def mean_causes(summary: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By class the mean ns of every cause."""
    return {
        name: {cause: it["latency_causes_ns"][cause]["value"] or 0.0 for cause in CAUSES}
        for name, it in summary["classes"].items()
    }


def both_causes(against: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By design, the first one and the other of a comparison, the mean ns of every cause."""
    return {
        against[side]: dict.fromkeys(CAUSES, 0.0) | {row["cause"]: row[side] for row in against["causes"]}
        for side in ("base", "other")
    }


def processor_time(result: "Result", ax: "Axes") -> None:
    """What processors spent their time on."""
    plots.processor_time(ax, [result.summary["scenario"]], [shares(result.summary)], "Scenario")


def shares(summary: Mapping[str, Any]) -> dict[str, float]:
    """By kind of work the share of all processors' time."""
    return {kind: summary["processors"]["share"][kind]["value"] or 0.0 for kind in KINDS}


def running_threads(result: "Result", ax: "Axes") -> None:
    """Running threads of the first port against its limit, in the middle of the first replication."""
    raw = result.raws[0]
    first = next(iter(result.summary["ports"]))
    line = raw.timeline
    plots.running_threads(ax, line["times"], line["running"], raw.extremes[f"{port_names(raw, first)[0]}.limit"])


def queue_depth(result: "Result", ax: "Axes") -> None:
    """Mean depth of every queue in each step of the first replication."""
    raw = result.raws[0]
    times = np.frombuffer(raw.samples["time"], dtype=np.int64)
    series = {}
    for name, row in raw.samples.items():
        if name.endswith((".depth", ".present")) or name == "ready":
            depth = np.diff(np.frombuffer(row, dtype=np.int64)) / np.maximum(np.diff(times), 1)
            series[name.removesuffix(".depth").removesuffix(".present")] = (times[:-1], depth)
    deepest = max(float(depth.max()) for _, depth in series.values())
    plots.queue_depth(ax, {name: it for name, it in series.items() if it[1].max() >= deepest / 50 and deepest})


def warm_up(result: "Result", ax: "Axes") -> None:
    """What is cut off at the front: requests in the system, or their ends where clients keep the number constant."""
    present, step = _steps_of(result, "in_system"), result.raws[0].bin_ns
    times = np.arange(present.shape[1]) * step
    rows, what = present / step, "Requests in the system"
    if np.ptp(rows[:, 1:]) < 0.01 * max(1.0, rows.max()):
        rows, what = _steps_of(result, "completed") / (step / 1e9), "Requests ended per second"
    plots.warm_up(ax, times, rows, result.summary["warm_up_ns"], what)


def _steps_of(result: "Result", sample: str) -> "np.ndarray[Any, Any]":
    """A sampled figure's change in each whole step of every replication."""
    rows = [np.diff(np.frombuffer(raw.samples[sample], dtype=np.int64)) for raw in result.raws]
    whole = min(min(map(len, rows)), max(1, result.raws[0].horizon // result.raws[0].bin_ns))
    return np.array([row[:whole] for row in rows])


def waited_behind(result: "Result", ax: "Axes") -> None:
    """Who waited behind whom, over all resources of all replications; a drive's own queue is no such resource."""
    plots.waited_behind(ax, *_waits(result))


def _waits(result: "Result") -> "tuple[list[str], np.ndarray[Any, Any]]":
    """Classes, and mean ns that a request of one waited behind another's."""
    names = list(result.summary["classes"])
    parts = [replication(raw, result.summary["warm_up_ns"], raw.horizon) for raw in result.raws]
    counts = [max(1, sum(part.count(group) for part in parts)) for group in range(len(names))]
    waits = np.sum([part.behind(number) for part in parts for number in range(len(part.raw.resources))], axis=0)
    return names, waits / np.array(counts)[:, None]


IDLE = 0.98  # share of time; processors that do no more than the rest of it are no part of a study's figure

RUN_PICTURES = {
    "latency": ("Latency by class", latency),
    "causes": ("Where the time of a request went", causes),
    "processor_time": ("Processor time", processor_time),
    "running_threads": ("Running threads against the limit", running_threads),
    "queue_depth": ("Queues over time", queue_depth),
    "warm_up": ("What is measured, and the warm-up that is not", warm_up),
    "waited_behind": ("Who waited behind whom (mean of a request)", waited_behind),
}


def draw(result: "Result", name: str, ax: "Axes | None" = None) -> "Axes":
    """One picture of a run on `ax`, or on a new figure's."""
    title, picture = RUN_PICTURES[name]
    if ax is None:
        ax = own_axes(title)
    picture(result, ax)
    return ax


def own_axes(title: str) -> "Axes":
    """Axes that a notebook shows by itself, which only pyplot's are."""
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    ax.set_title(title)
    return ax


def heading(it: Mapping[str, Any]) -> str:
    """Which run a figure shows: from its summary, or from what a study tells of itself."""
    count = it["replications"]
    runs = "1 replication" if count == 1 else f"{count} replications"
    return f"{it['scenario']}, seed {it['seed']}, {runs}, iosim {VERSION}"


def overview(result: "Result") -> "Figure":
    """All pictures of a run in one figure, but those that would have nothing to show."""
    names = list(RUN_PICTURES)
    if len(result.summary["classes"]) < 2 or not _waits(result)[1].any():
        names.remove("waited_behind")
    if result.summary["regime"]["kind"] == "terminating":
        names.remove("warm_up")  # a path that ends by itself is measured whole
    if result.raws[0].tallies:
        names.remove("latency")
    if not len(result.raws[0].timeline["times"]):
        names.remove("running_threads")
    figure, panels = figures.figure_overview([RUN_PICTURES[name][0] for name in names], heading(result.summary))
    for name, ax in zip(names, panels, strict=True):
        RUN_PICTURES[name][1](result, ax)
    return figure


# ---- studies ---------------------------------------------------------------------------------------------------------


def study_lines(study: "Study", x: str, figure: str, ax: "Axes | None" = None) -> "Axes":
    """A figure over the varied path `x`, one line for every combination of the other varied values."""
    if ax is None:
        ax = own_axes(in_words(figure))
    rows = _lines_of(study, x)
    estimates = {label: [_estimate(row, figure) for row in line] for label, line in rows.items()}
    estimates = {label: line for label, line in estimates.items() if any(it.value == it.value for it in line)}  # no NaN
    values, label = x_axis(study, x)
    plots.throughput(ax, values, estimates, label, in_words(figure), y_is_ns="_ns" in figure)
    unstable = [str(row["cell"][x]) for line in rows.values() for row in line if row["regime"] == "unstable"]
    if unstable:
        places = list(dict.fromkeys(unstable))
        shown = places if len(places) <= 3 else [*places[:2], "...", places[-1]]
        side: Literal["left", "center"] = "left" if ax.get_title(loc="left") else "center"
        ax.set_title(f"{ax.get_title(loc=side)} (unstable at {', '.join(shown)})", loc=side, fontsize=9)
    return ax


def x_axis(study: "Study", x: str) -> tuple[list[Any], str]:
    """The varied values and what they are; 'N/processor' throughout is a number of threads per processor."""
    values = study.vary[x]
    parts = [str(value).partition("/") for value in values]
    units = {unit for _, _, unit in parts}
    if len(units) == 1 and units <= {"processor", "s"} and all(number.isdigit() for number, _, _ in parts):
        return [int(number) for number, _, _ in parts], f"{x} (per {units.pop()})"
    return [as_written(value) for value in values], x


def in_words(figure: str) -> str:
    """A figure's path for people: `classes.fast.latency_ns.p99` is `Latency p99 of fast`."""
    name, rest = "", figure
    if figure.startswith("classes."):
        name, _, rest = figure.removeprefix("classes.").partition(".")
    if rest == "throughput_per_s":
        rest = "requests_per_s"
    text = rest.replace("_ns", "").replace("_per_s", " per second").replace(".", " ").replace("_", " ")
    return text.capitalize() + (f" of {name}" if name else "")


def _lines_of(study: "Study", x: str) -> dict[str, list[dict[str, Any]]]:
    lines: dict[str, list[dict[str, Any]]] = {}
    failed = [{"cell": row["cell"], "figures": {}, "regime": "failed"} for row in study.failed]
    for row in [*study.rows, *failed]:
        others = {path: value for path, value in row["cell"].items() if path != x}
        label = ", ".join(_choice(path, value) for path, value in others.items()) or x
        lines.setdefault(label, []).append(row)
    for line in lines.values():
        line.sort(key=lambda row: study.vary[x].index(row["cell"][x]))
    return lines


def _choice(path: str, value: Any) -> str:
    """One varied value for people: `concurrency 4`, `without skip on success`."""
    name = path.split(".")[-1].replace("_", " ")
    if isinstance(value, bool):
        return f"{'with' if value else 'without'} {name}"
    return f"{name} {value}"


def _estimate(row: dict[str, Any], path: str) -> Estimate:
    it = row["figures"].get(path, {"value": None, "ci95": None})
    low, high = it["ci95"] or (NO_INTERVAL, NO_INTERVAL)
    return Estimate(NO_INTERVAL if it["value"] is None else it["value"], low, high, 0)


def study_figure(study: "Study") -> "Figure":
    """The study's figure over its x path, another one beside it, and the processors' time for every line if they worked."""
    asked = study.plot_request
    x = asked.x if asked else next(iter(study.vary))
    paths = [asked.figure if asked else "throughput_per_s"]
    paths.append(_companion(study, paths[0]))
    lines = {label: [_shares(row) for row in line] for label, line in _lines_of(study, x).items()}
    if all(shares["idle"] > IDLE for line in lines.values() for shares in line):
        lines = {}
    titles = [*map(in_words, paths), *(f"Processor time, {label}" for label in lines)]
    figure, panels = figures.figure_overview(titles, heading(study.about))
    for ax, path in zip(panels, paths, strict=False):
        study_lines(study, x, path, ax)
    values, label = x_axis(study, x)
    for ax, line in zip(panels[len(paths) :], lines.values(), strict=True):
        plots.processor_time(ax, values, line, label)
    return figure


def _companion(study: "Study", path: str) -> str:
    """What is gained costs something else: throughput beside a latency, a latency beside all others."""
    if "latency_ns" in path:
        return "throughput_per_s"
    tails = [_estimate(row, "latency_ns.p99").value for row in study.rows]
    return "latency_ns.p99" if all(tail == tail for tail in tails) else "latency_ns.mean"  # NaN: too few requests


def _shares(row: dict[str, Any]) -> dict[str, float]:
    return {kind: _estimate(row, f"processors.share.{kind}").value for kind in KINDS}


def write_all(result: "Result", directory: Path) -> list[Path]:
    """Draw everything there is to draw into the directory."""
    written = [directory / "overview.png"]
    figures.save(overview(result), written[0])
    return written


def write_study(study: "Study", directory: Path) -> list[Path]:
    """The study's figure; nothing where no cell has figures."""
    if not study.rows:
        return []
    figures.save(study_figure(study), directory / "study.png")
    return [directory / "study.png"]
