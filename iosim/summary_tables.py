"""The summary of a run, and the cells of a study, as tables for people."""

from typing import Any

from iosim.amounts import without_unit
from iosim.numbers import Figure, figures, interval_text, read_figure, show_figure, show_number, show_time
from iosim.results import in_words
from iosim.scenario.expectations import REQUESTS, parse_expectation
from iosim.tables import Table
from iosim.theory_tables import theory_tables
from iosim.units import as_written

_STATISTICS = ("mean", "p50", "p90", "p99", "p999", "max")
_STUDIED = ("throughput_per_s", "latency_ns.mean", "latency_ns.p99")


MEANS = "means over replications with their 95 % intervals; quantiles and max are those of all requests together"
MOST_COLUMNS = 8  # of figures that a terminal has room for beside each other
# What a section's figures are taken for and are not.
_MEANT = {"disks": "busy share: with a command inside; flash, which works on many at once, may have room all the same"}
_NOTHING = {"write_amplification": 1.0}  # what a figure is where nothing happens, if that is not 0


def tables(summary: dict[str, Any], verdicts: list[dict[str, Any]], study: Any) -> list[Table]:
    """Everything that a person wants to see of a run, most important first."""
    return [
        _head(summary),
        _verdicts(verdicts),
        _latency(summary),
        _causes(summary),
        _shares(summary),
        *(_devices(summary, section) for section in ("ports", "pools", "locks", "disks", "volumes", "nics", "numa")),
        _batches(summary.get("batch_means") or {}),
        *theory_tables(summary),
        *(study_tables(study) if study else ()),
    ]


def _head(summary: dict[str, Any]) -> Table:
    """What kind of run it was and how it was run: what there is to say for its figures."""
    requests = summary.get("requests") or {}
    found = figures({name: requests[name] for name in REQUESTS if name in requests})
    counts = [f"{show_number(count[0])} {name}" for name, count in found if count[0] or name == "offered"]
    throughput = read_figure(summary.get("throughput_per_s"))
    between = interval_text(throughput, "throughput_per_s")
    several = summary.get("replications") != 1
    rows = [
        ["scenario", str(summary.get("scenario"))],
        ["regime", regime_text(summary.get("regime"))],
        ["seed", runs_text(summary)],
        ["simulated", simulated_text(summary)],
        ["requests", f"{', '.join(counts)}{' in all replications together' if several else ''}"],
        ["throughput", f"{show_figure(throughput, 'throughput_per_s')}{f' (95 %: {between})' if between else ''}"],
    ]
    if several:
        rows.append(["figures", MEANS])
    return Table("", ["", ""], rows)


def runs_text(summary: dict[str, Any]) -> str:
    """The seed, and how often."""
    runs = summary.get("replications")
    stopped = _stopped(summary.get("stopping"))
    return f"{summary.get('seed')}, {runs} replication{'' if runs == 1 else 's'}{stopped}"


def simulated_text(summary: dict[str, Any]) -> str:
    """How long, and what of it is not measured."""
    lasted, warm_up = (show_figure(read_figure(summary.get(key)), key) for key in ("simulated_ns", "warm_up_ns"))
    cut = f"the first {warm_up} are warm-up" if summary.get("warm_up_ns") else "no warm-up is left out"
    if summary.get("replications") == 1:
        return f"{lasted}, to the end of the last request; {cut}"
    return f"up to {lasted} a replication, to the end of its last request; {cut}"


def _stopped(stopping: Any) -> str:
    """By what the number of replications came about, where a precision was asked for."""
    if not stopping:
        return ""
    said = "stopped by rule" if stopping["by_rule"] else "not reached"
    return f" ({said}: {stopping['rule']}; pilot {stopping['pilot']})"


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
        cells += [show_figure(figure, kind), interval_text(figure, kind)]
    return cells


def _causes(summary: dict[str, Any]) -> Table:
    causes = {name: figure[0] for name, figure in figures(summary.get("latency_causes_ns") or {}) if figure[0]}
    total = sum(causes.values()) or 1
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    rows = [[name.replace("_", " "), show_time(value), f"{100 * value / total:.1f} %"] for name, value in ranked]
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
    rows = [[name, *(show_figure(body.get(path), path) for path in columns)] for name, body in devices.items()]
    heads = [without_unit(path) for path in columns]
    title = section if summary.get("replications") == 1 else f"{section}, mean of a replication"
    title += f" ({_MEANT[section]})" if section in _MEANT else ""
    if len(heads) > MOST_COLUMNS:
        cells = zip(columns, heads, *(row[1:] for row in rows), strict=True)
        turned = [list(row) for path, *row in cells if any(_tells(body.get(path), path) for body in devices.values())]
        return Table(title, ["", *devices], turned, frozenset(devices))
    return Table(title, ["", *heads], rows, frozenset(heads))


def _tells(figure: Figure | None, path: str) -> bool:
    return figure is not None and figure[0] != _NOTHING.get(path, 0)


def _batches(batch_means: dict[str, Any]) -> Table:
    """How alike neighbouring batches of a single replication are; only strangers give its means an interval."""
    rows = [
        [path, str(it["batches"]), f"{it['lag1']:.2f}", f"{it['limit']:.2f}", "yes" if it["independent"] else "no"]
        for path, it in batch_means.items()
    ]
    return Table("the single replication in batches", ["mean of", "batches", "lag 1", "limit", "independent"], rows)


def _verdicts(verdicts: list[dict[str, Any]]) -> Table:
    rows = []
    for verdict in verdicts:
        path = parse_expectation(str(verdict["expect"])).figure
        figure = read_figure(verdict)
        remarks = "; ".join(filter(None, (verdict.get("needs"), verdict.get("caveat"))))
        rows.append(
            [
                str(verdict["expect"]),
                str(verdict["verdict"]),
                show_figure(figure, path),
                interval_text(figure, path),
                remarks,
            ]
        )
    return Table("", ["expected", "verdict", "value", "95 % interval", "to decide and to know"], rows)


def study_tables(study: Any) -> list[Table]:
    """The cells of a study, and those that failed with the reason."""
    failed = [[in_words(row["cell"]), str(row["error"])] for row in study.failed]
    return [_cells(study), Table("failed", ["cell", "why"], failed)]


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
            kind_of(row.get("regime")),
        ]
        for row in study.rows
    ]
    heads = [head for path in paths for head in (without_unit(path), "95 % interval" + " " * paths.index(path))]
    return Table("study", [*study.vary, *heads, "regime"], rows, frozenset(heads))


def _cell(figure: Figure | None, path: str) -> list[str]:
    return [show_figure(figure, path), interval_text(figure, path)]


def kind_of(regime: Any) -> str:
    """Of a regime as summaries or studies tell it; `-` where it is not judged."""
    return str(regime.get("kind") or "-") if isinstance(regime, dict) else str(regime or "-")


def regime_text(regime: Any) -> str:
    """Its kind, and why: the resource that is short, or what speaks against a judgement."""
    if not isinstance(regime, dict):
        return kind_of(regime)
    reasons = [str(regime[key]) for key in ("resource", "reason") if regime.get(key)]
    return ": ".join([kind_of(regime), *([", ".join(reasons)] if reasons else [])])
