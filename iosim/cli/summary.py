"""A summary as tables for people, or as rows of figures for a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from typing import Any, TypeAlias

from iosim.cli.tables import Table
from iosim.units import as_written

Figure: TypeAlias = tuple[float, float | None, float | None]

_STATISTICS = ("mean", "p50", "p90", "p99", "p999", "max")
_STUDIED = ("throughput_per_s", "latency_ns.mean", "latency_ns.p99")
_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns"))


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


def as_csv(summary: dict[str, Any], study: Any) -> str:
    """One row a figure: path, value, low, high; the cells of a study follow, named by what was varied."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "value", "low", "high"])
    rows = list(figures(summary))
    for row in study.rows if study else ():
        cell = ", ".join(f"{path}={as_written(value)}" for path, value in row["cell"].items())
        rows += [(f"study[{cell}].{path}", figure) for path, figure in figures(row["figures"])]
    writer.writerow(["regime", _kind(summary.get("regime")), "", ""])
    writer.writerow(["stop", summary.get("stop", ""), "", ""])
    for number, verdict in enumerate(summary.get("expect", ())):
        writer.writerow([f"expect[{number}]: {verdict['expect']}", verdict["verdict"], "", ""])
    for row in study.rows if study else ():
        cell = ", ".join(f"{path}={as_written(value)}" for path, value in row["cell"].items())
        writer.writerow([f"study[{cell}].regime", _kind(row.get("regime")), "", ""])
    for path, figure in rows:
        writer.writerow([path, *("" if number is None else number for number in figure)])
    return text.getvalue()


def as_study(study: Any) -> dict[str, Any]:
    """What was varied, and the figures of every cell."""
    cells = [{key: row[key] for key in ("cell", "figures", "regime") if key in row} for row in study.rows]
    return {"vary": study.vary, "cells": cells}


def show_time(value: float) -> str:
    """A time with four digits, in the unit that suits it."""
    scale, unit = _unit(value)
    return f"{_digits(value / scale)} {unit}"


def _unit(value: float) -> tuple[float, str]:
    return next((unit for unit in _TIMES if abs(value) >= unit[0]), _TIMES[-1])


def show_number(value: float) -> str:
    """Four digits, or all digits before the point where there are more; what is nearly 0 only as that."""
    if isinstance(value, int):
        return str(value)
    return "<0.0001" if 0 < value < 0.0001 else _digits(value)


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


MOST_COLUMNS = 8  # of figures that a terminal has room for beside each other
_NOTHING = {"write_amplification": 1.0}  # what a figure is where nothing happens, if that is not 0


def _shown(figure: Figure | None, path: str) -> str:
    """A figure without its interval; a time in the unit that suits it."""
    if figure is None:
        return "-"
    return show_time(figure[0]) if _is_time(path) else show_number(figure[0])


def _interval(figure: Figure | None, path: str) -> str:
    """The interval in the same unit; nothing where there is none, or where replications can't differ."""
    if figure is None or figure[1] is None or figure[2] is None or figure[1] == figure[2]:
        return ""
    value, low, high = figure[0], figure[1], figure[2]
    scale, unit = _unit(value) if _is_time(path) else (1.0, "")
    return f"{show_number(low / scale)} to {show_number(high / scale)} {unit}".rstrip()


def _is_time(path: str) -> bool:
    return any(part.endswith("_ns") for part in path.split("."))


def tables(summary: dict[str, Any], verdicts: list[dict[str, Any]], study: Any) -> list[Table]:
    """Everything that a person wants to see of a run, most important first."""
    return [
        _head(summary),
        _latency(summary),
        _causes(summary),
        _shares(summary),
        *(_devices(summary, section) for section in ("ports", "pools", "locks", "disks", "volumes", "nics", "numa")),
        _verdicts(verdicts),
        _cells(study),
    ]


def _head(summary: dict[str, Any]) -> Table:
    requests = summary.get("requests") or {}
    counts = [f"{show_number(count[0])} {name}" for name, count in figures(requests) if count[0] or name == "offered"]
    throughput = read_figure(summary.get("throughput_per_s"))
    between = _interval(throughput, "")
    runs = summary.get("replications")
    rows = [
        ["scenario", str(summary.get("scenario"))],
        ["regime", _regime(summary.get("regime"))],
        ["seed", f"{summary.get('seed')}, {runs} replication{'' if runs == 1 else 's'}"],
        ["simulated", _shown(read_figure(summary.get("simulated_ns")), "simulated_ns")],
        ["requests", ", ".join(counts)],
        ["throughput", f"{_shown(throughput, '')} /s{f' ({between})' if between else ''}"],
    ]
    return Table("", ["", ""], rows)


def _latency(summary: dict[str, Any]) -> Table:
    """Latency and wait of all requests together and of each class, where there are several."""
    classes = summary.get("classes") or {}
    groups = {"all": summary, **(classes if len(classes) > 1 else {})}
    rows = [
        [name if statistic == "mean" else "", statistic, *_both(group, statistic)]
        for name, group in groups.items()
        for statistic in _STATISTICS
    ]
    heads = ["class", "", "latency", "95 % interval", "wait", "95 % interval "]
    return Table("time of a request", heads, rows, frozenset(heads[2:]))


def _both(group: dict[str, Any], statistic: str) -> list[str]:
    cells = []
    for kind in ("latency_ns", "wait_ns"):
        figure = read_figure((group.get(kind) or {}).get(statistic))
        cells += [_shown(figure, kind), _interval(figure, kind)]
    return cells


def _causes(summary: dict[str, Any]) -> Table:
    causes = {name: figure[0] for name, figure in figures(summary.get("latency_causes_ns") or {}) if figure[0]}
    total = sum(causes.values()) or 1
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    rows = [[name, show_time(value), f"{100 * value / total:.1f} %"] for name, value in ranked]
    return Table("where a request's time goes", ["cause", "mean", "share"], rows, frozenset(("mean", "share")))


def _shares(summary: dict[str, Any]) -> Table:
    processors = summary.get("processors") or {}
    rows = [[name, f"{100 * figure[0]:.1f} %"] for name, figure in figures(processors.get("share") or {}) if figure[0]]
    title = "where the processors' time goes"
    if switches := read_figure(processors.get("context_switches_per_s")):
        title += f" ({show_number(switches[0])} context switches a second)"
    return Table(title, ["", "share"], rows, frozenset(("share",)))


def _devices(summary: dict[str, Any], section: str) -> Table:
    """One row a device, one column a figure that any of them has; the other way round where these are many.

    Of many, those that tell of no device anything are left out: most of what a disk or a volume may do, it does not.
    """
    devices = {name: dict(figures(body)) for name, body in (summary.get(section) or {}).items() if body}
    columns = list(dict.fromkeys(path for body in devices.values() for path in body))
    rows = [[name, *(_shown(body.get(path), path) for path in columns)] for name, body in devices.items()]
    heads = [path.replace("_ns", "").replace("_", " ") for path in columns]
    if len(heads) > MOST_COLUMNS:
        cells = zip(columns, heads, *(row[1:] for row in rows), strict=True)
        turned = [list(row) for path, *row in cells if any(_tells(body.get(path), path) for body in devices.values())]
        return Table("", [section, *devices], turned, frozenset(devices))
    return Table("", [section, *heads], rows, frozenset(heads))


def _tells(figure: Figure | None, path: str) -> bool:
    return figure is not None and figure[0] != _NOTHING.get(path, 0)


def _verdicts(verdicts: list[dict[str, Any]]) -> Table:
    from iosim.scenario.expectations import parse_expectation

    rows = []
    for verdict in verdicts:
        path = parse_expectation(str(verdict["expect"])).figure
        figure = read_figure(verdict)
        needs = str(verdict.get("needs") or "")
        rows.append(
            [str(verdict["expect"]), str(verdict["verdict"]), _shown(figure, path), _interval(figure, path), needs]
        )
    return Table("", ["expected", "verdict", "value", "95 % interval", "to decide"], rows)


def _cells(study: Any) -> Table:
    if study is None or not study.rows:
        return Table("", [""], [])
    plotted = [study.plot_request.figure] if getattr(study, "plot_request", None) else []
    wanted = dict.fromkeys([*plotted, *_STUDIED])
    paths = [path for path in wanted if any(path in row["figures"] for row in study.rows)][:3]
    rows = [
        [
            *(str(as_written(value)) for value in row["cell"].values()),
            *(cell for path in paths for cell in _cell(read_figure(row["figures"].get(path)), path)),
            _kind(row.get("regime")),
        ]
        for row in study.rows
    ]
    heads = [head for path in paths for head in (path.replace("_ns", ""), "95 % interval" + " " * paths.index(path))]
    return Table("study", [*study.vary, *heads, "regime"], rows, frozenset(heads))


def _cell(figure: Figure | None, path: str) -> list[str]:
    return [_shown(figure, path), _interval(figure, path)]


def _kind(regime: Any) -> str:
    return str(regime.get("kind") or "-") if isinstance(regime, dict) else str(regime or "-")


def _regime(regime: Any) -> str:
    """Its kind, and why: the resource that is short, or what speaks against a judgement."""
    if not isinstance(regime, dict):
        return _kind(regime)
    reasons = [str(regime[key]) for key in ("resource", "reason") if regime.get(key)]
    return ": ".join([_kind(regime), *([", ".join(reasons)] if reasons else [])])
