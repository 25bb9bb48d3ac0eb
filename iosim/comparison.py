"""Two or more designs under common random numbers: what differs, by how much, from where on, and what that allows to say.

Every design is run with the same seed, so that request for request the same was asked for (design 1.3); all are cut at one
warm-up, the latest of theirs. The first is what the others are compared with. Differences are other minus base, and their
intervals come from one difference a replication. A difference of p99s (how much the tail has moved) and the p99 of differences
(how much longer the unluckiest requests took) are two figures with two names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from iosim.attribution import CAUSES
from iosim.clock import choose_clock
from iosim.closed_loops import fallen
from iosim.errors import Mistake, WrongInput
from iosim.executors import Executor, local
from iosim.pairing import Pairs, first_divergence, gain, holm, pair, paired_p
from iosim.quantiles import quantile_interval
from iosim.records import Raw
from iosim.replication import ALL, replication
from iosim.running import Task, check_arguments, check_traces, replicate
from iosim.samples import Column, named
from iosim.scenario.loader import Scenario
from iosim.statistics import Estimate, interval, paired, replications_for
from iosim.summaries import flatten, is_replay, latency_origin, summarize, warm_up_of
from iosim.summary import QUANTILES, lookup
from iosim.variates import CLIENT_SHIFT
from iosim.workload import NEVER

if TYPE_CHECKING:
    import pandas

Figures = dict[str, Any]
Progress = Callable[[int, int, str], None]

LEVEL = 0.05  # of false alarms, all causes together
SAME = 0.005  # of the base: a difference that is surely smaller is none that matters
ABOUT = ("schema_version", "seed", "replications", "simulated_ns", "warm_up_ns", "events", "stopping", "batch_means")
HEADLINES = ("throughput_per_s", "latency_ns.mean", "latency_ns.p99", "wait_ns.mean")
NOTHING: Figures = {"value": None, "ci95": None}


@dataclass
class Design:
    """One of those that are compared, with what was recorded of it."""

    name: str
    scenario: Scenario
    raws: list[Raw]
    seed: int
    cut: int = 0

    @cached_property
    def summary(self) -> Figures:
        """Of all replications, cut where all designs are."""
        return summarize(self.scenario, self.raws, self.seed, self.cut)

    @cached_property
    def values(self) -> dict[str, list[float]]:
        """Every figure but quantiles and maxima: one value a replication; 0 where a replication has none."""
        found: dict[str, list[float]] = {}
        for number, raw in enumerate(self.raws):
            document = summarize(self.scenario, [raw], self.seed, self.cut)
            for path, figure in flatten({name: part for name, part in document.items() if name not in ABOUT}):
                if figure["value"] is not None and not _is_order_statistic(path):
                    found.setdefault(path, [0.0] * len(self.raws))[number] = float(figure["value"])
        return found

    def own_quantiles(self, column: str, group: int, q: float) -> list[float]:
        """One a replication."""
        horizon = NEVER if is_replay(self.scenario) else self.raws[0].horizon
        return [float(replication(raw, self.cut, horizon).sample(column, group).quantile(q)) for raw in self.raws]


def _is_order_statistic(path: str) -> bool:
    *_, section, name = ("", *path.split("."))
    return section in ("latency_ns", "wait_ns") and name != "mean"


class Comparison:
    """What came out: `document` (plain data), `verdicts` in words, `warnings`."""

    def __init__(self, document: Figures) -> None:
        self.document = document

    @property
    def verdicts(self) -> list[str]:
        """One sentence for each design but the first."""
        return [it["verdict"] for it in self.document["against"]]

    @property
    def warnings(self) -> list[str]:
        """What must be known before a difference is believed."""
        found: list[str] = self.document["warnings"]
        return found

    def difference(self, path: str, other: int = 0) -> Figures:
        """The figure at a path: base, other, and their difference with its interval; KeyError where it has none."""
        found: Figures = self.document["against"][other]["figures"][path]
        return found

    def to_frame(self) -> "pandas.DataFrame":
        """One row a figure of each design but the first; units are in the figures' names. Needs the `study` extra."""
        import pandas

        flat = []
        for it in self.document["against"]:
            for path, row in it["figures"].items():
                low, high = row["difference"]["ci95"] or (None, None)
                ends = {"difference": row["difference"]["value"], "difference.low": low, "difference.high": high}
                flat.append({"design": it["other"], "figure": path, "base": row["base"], "other": row["other"], **ends})
        return pandas.DataFrame(flat)

    def _repr_html_(self) -> str:
        from iosim.notebook import of_comparison

        return of_comparison(self)

    def __repr__(self) -> str:
        return f"<Comparison: {' '.join(self.verdicts)}>"


def compare(
    *scenarios: Scenario,
    names: Sequence[str] | None = None,
    seed: int | None = None,
    replications: int | None = None,
    jobs: int | None = None,
    clock: str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the first scenario with each of the others, request by request.

    Seed and replications are those of the first, unless given. Raises WrongInput for designs that can't be compared: fewer
    than two, no request class in common, latencies counted from different instants.
    """
    for scenario in scenarios:
        check_arguments(scenario, replications, jobs, "compare")
        check_traces(scenario)
    labels = _labels(scenarios, names)
    _check_comparable(scenarios, labels)
    run = scenarios[0].model.run
    seed, count = run.seed if seed is None else seed, replications or run.replications
    executor = local(jobs, count * len(scenarios))
    raws = _run_all(executor, scenarios, count, choose_clock(clock), seed, progress)
    designs = [Design(name, it, rows, seed) for name, it, rows in zip(labels, scenarios, raws, strict=True)]
    warnings = _cut(designs)
    against = [_against(designs[0], other, warnings) for other in designs[1:]]
    for design in designs:
        kind = design.summary["regime"]["kind"]
        if kind not in ("steady", "terminating"):
            warnings.append(f"{design.name} is {kind}: {design.summary['regime']['reason']}")
    document = {
        "schema_version": 1,
        "seed": seed,
        "replications": count,
        "warm_up_ns": designs[0].cut,
        "designs": [_about(design) for design in designs],
        "against": against,
        "warnings": list(dict.fromkeys(warnings)),
    }
    return Comparison(document)


def _labels(scenarios: Sequence[Scenario], names: Sequence[str] | None) -> list[str]:
    """Given, or the scenarios' own; those that are equal are numbered."""
    if names is not None and len(names) != len(scenarios):
        raise ValueError(f"{len(names)} names for {len(scenarios)} designs")
    plain = [*names] if names is not None else [it.name for it in scenarios]
    again = {name for name in plain if plain.count(name) > 1}
    return [f"{name} ({place})" if name in again else name for place, name in enumerate(plain, 1)]


def _check_comparable(scenarios: Sequence[Scenario], labels: Sequence[str]) -> None:
    if len(scenarios) < 2:
        raise WrongInput([Mistake("compare", 0, 0, "", "two designs or more are needed")])
    base = scenarios[0]
    mistakes = []
    for name, other in zip(labels[1:], scenarios[1:], strict=True):
        if not set(base.model.workload) & set(other.model.workload):
            mistakes.append(Mistake(name, 0, 0, "workload", f"no request class in common with {labels[0]}"))
        elif latency_origin(base) != latency_origin(other):
            message = f"latency counts from the {latency_origin(other)} instant, that of {labels[0]} from the "
            mistakes.append(Mistake(name, 0, 0, "", f"{message}{latency_origin(base)} one: they can't be compared"))
    if mistakes:
        raise WrongInput(mistakes)


def _run_all(
    executor: Executor,
    scenarios: Sequence[Scenario],
    count: int,
    clock: str,
    seed: int,
    progress: Progress | None,
) -> list[list[Raw]]:
    """Every design's replications; the first of each keeps its requests' causes, for the first divergence."""
    tasks = []
    for scenario in scenarios:
        recorded = scenario
        if scenario.model.run.rows:
            recorded = scenario.with_set({"run.record": sorted({*scenario.model.run.record, "causes"})})
        tasks += [Task(number, scenario if number else recorded, clock, seed) for number in range(count)]
    raws: list[list[Raw]] = [[] for _ in scenarios]
    for done, outcome in enumerate(executor.outcomes(replicate, tasks), 1):
        raws[outcome.place // count].append(outcome.get())
        if progress:
            progress(done, len(tasks), "replications")
    return [sorted(rows, key=lambda raw: raw.replication) for rows in raws]


def _cut(designs: Sequence[Design]) -> list[str]:
    """One warm-up for all: the latest of theirs. Returns what must be said about it."""
    warnings = []
    latest = 0
    for design in designs:
        found, said = warm_up_of(design.scenario, design.raws)
        latest = max(latest, found)
        warnings += [f"{design.name}: {line}" for line in said]
    for design in designs:
        step = design.raws[0].bin_ns
        design.cut = -(-latest // step) * step
    if len({design.raws[0].horizon for design in designs}) > 1:
        warnings.append("the designs are not measured for the same time")
    return warnings


def _about(design: Design) -> Figures:
    it = design.summary
    kept = ("regime", "latency_origin", "requests", "fingerprint", "stop")
    return {
        "name": design.name,
        "scenario": design.scenario.name,
        "scenario_sha256": design.scenario.digest(),
        "effective": design.scenario.effective(),
        **{name: it[name] for name in kept},
    }


# ---- one design against the base -------------------------------------------------------------------------------------


def _against(base: Design, other: Design, warnings: list[str]) -> Figures:
    names = [name for name in base.scenario.model.workload if name in other.scenario.model.workload]
    rows = all(design.scenario.model.run.rows for design in (base, other))
    pairs = {name: _pairs(base, other, name) for name in names} if rows else {}
    figures = _figures(base, other)
    found = {
        "base": base.name,
        "other": other.name,
        "requests": _requests(pairs),
        "figures": figures,
        "quantiles": _quantiles(base, other, pairs, names),
        "causes": _causes(base, other),
        "first_divergence": _divergence(base, other, names) if rows else None,
    }
    if not rows:
        warnings.append("without rows ('run.rows: false') there is no comparison request by request")
    warnings += _not_the_same(base, other, pairs)
    found["headlines"] = [_headline(base, other, path, found) for path in HEADLINES]
    found["outcome"], found["verdict"] = _verdict(base, other, found, pairs)
    return found


def _divergence(base: Design, other: Design, names: Sequence[str]) -> Figures | None:
    """Of the first replication; a closed client's request by client and iteration."""
    found = first_divergence(base.raws[0], other.raws[0], names, CAUSES)
    if found and base.scenario.model.workload[found["class"]].kind == "closed":
        found["client"], found["iteration"] = divmod(found["request"], 1 << CLIENT_SHIFT)
    return found


def _pairs(base: Design, other: Design, name: str) -> list[Pairs]:
    cut = max(base.cut, other.cut)
    return [pair(first, second, name, cut) for first, second in zip(base.raws, other.raws, strict=True)]


def _figures(base: Design, other: Design) -> Figures:
    """Every figure that is one number a replication: means over them, and the paired difference."""
    found: Figures = {}
    nothing = [0.0] * len(base.raws)
    for path in dict.fromkeys([*base.values, *other.values]):
        first, second = base.values.get(path, nothing), other.values.get(path, nothing)
        found[path] = {
            "base": sum(first) / len(first),
            "other": sum(second) / len(second),
            "difference": _shown(paired(second, first)),
            "gain": gain(first, second),
        }
    return found


def _shown(it: Estimate) -> Figures:
    return {"value": it.value, "ci95": [it.low, it.high] if it.has_interval else None}


def _requests(pairs: Mapping[str, Sequence[Pairs]]) -> Figures | None:
    """Shares of requests that got better and worse: of all together, and of each class; None without rows."""
    if not pairs:
        return None
    together_ = [list(each) for each in zip(*pairs.values(), strict=True)]
    classes = {name: _shares([[it] for it in each]) for name, each in pairs.items()}
    return {**_shares(together_), "classes": classes}


def _shares(replications: Sequence[Sequence[Pairs]]) -> Figures:
    """Of one list of pairs a replication."""
    found: Figures = {}
    for name in ("better", "worse"):
        values = [sum(getattr(it, name) for it in each) / max(1, sum(it.all for it in each)) for each in replications]
        found[name] = _shown(interval(values))
    every = [it for each in replications for it in each]
    found["paired"] = sum(map(len, every))
    found["never_ended"] = {"base": sum(it.left_base for it in every), "other": sum(it.left_other for it in every)}
    found["asked_of_one_only"] = sum(it.unshared for it in every)
    return found


def _quantiles(
    base: Design, other: Design, pairs: Mapping[str, Sequence[Pairs]], names: Sequence[str]
) -> dict[str, Figures]:
    """By figure: the difference of the quantiles, and the quantile of the differences."""
    found: dict[str, Figures] = {}
    prefixes = {"": list(pairs.values()), **{f"classes.{name}.": [pairs[name]] for name in names if pairs}}
    if not pairs:
        prefixes = {"": [], **{f"classes.{name}.": [] for name in names}}
    for prefix, lists in prefixes.items():
        for column in ("latency", "wait"):
            changes = [np.concatenate([getattr(it, column)() for it in each]) for each in zip(*lists, strict=True)]
            for name, q in QUANTILES.items():
                path = f"{prefix}{column}_ns.{name}"
                found[path] = {
                    f"difference_of_{name}s": _difference_of(base, other, path, column, q),
                    f"{name}_of_differences": _of_differences(changes, q, is_replay(base.scenario)),
                }
    return found


def _difference_of(base: Design, other: Design, path: str, column: str, q: float) -> Figures:
    """Null where either design's own quantile is refused."""
    values = [lookup(design.summary, path)["value"] for design in (base, other)]
    if None in values:
        return {"base": values[0], "other": values[1], **NOTHING}
    groups = [
        ALL if path.startswith(column) else design.raws[0].classes.index(path.split(".")[1]) for design in (base, other)
    ]
    own = [design.own_quantiles(column, group, q) for design, group in zip((base, other), groups, strict=True)]
    apart = [second - first for first, second in zip(*own, strict=True)]
    return {"base": values[0], "other": values[1], **_shown(quantile_interval(values[1] - values[0], apart))}


def _of_differences(changes: Sequence[Any], q: float, terminating: bool) -> Figures:
    """Null where too few independent pairs lie beyond it; `takes` says how many do, else it is empty."""
    samples = [Column(each) for each in changes]
    if not samples or not all(map(len, samples)):
        return {**NOTHING, "takes": "pairs of requests"}
    apart, times = named(samples, q, clustered=not terminating)
    return {**_shown(apart), "takes": ""} if apart else {**NOTHING, "takes": f"{times:.1f} times as many pairs"}


def _causes(base: Design, other: Design) -> list[Figures]:
    """Every cause that either design's requests spent time on (mean ns a request), largest change first; Holm over all."""
    rows = []
    for cause in CAUSES:
        path = f"latency_causes_ns.{cause}"
        first, second = base.values.get(path, []), other.values.get(path, [])
        if any(first) or any(second):
            apart = [after - before for before, after in zip(first, second, strict=True)]
            rows.append({"cause": cause, **_means(first, second), "p": paired_p(apart)})
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = adjusted
        row["moved"] = adjusted < LEVEL
    return sorted(rows, key=lambda row: (-abs(row["difference"]["value"]), row["cause"]))


def _means(first: Sequence[float], second: Sequence[float]) -> Figures:
    return {
        "base": sum(first) / len(first),
        "other": sum(second) / len(second),
        "difference": _shown(paired(second, first)),
    }


# ---- whether they are the same requests ------------------------------------------------------------------------------


def _not_the_same(base: Design, other: Design, pairs: Mapping[str, Sequence[Pairs]]) -> list[str]:
    """One line for each way in which the designs were not offered the same."""
    said = []
    both = f"{base.name} and {other.name}"
    classes = (base.scenario.model.workload, other.scenario.model.workload)
    if only := sorted(set(classes[0]) ^ set(classes[1])):
        said.append(f"{both} are not offered the same requests: {', '.join(only)} is in one of them only")
    for name, each in pairs.items():
        count = max(1, sum(map(len, each)))
        if classes[0][name].kind == "closed":
            if line := _throttled(base, other, name):
                said.append(line)
        elif moved := sum(it.moved() for it in each):
            said.append(
                f"{both} are not offered the same requests: {moved / count:.1%} of '{name}' come at another time"
            )
        elif alone := sum(it.unshared for it in each):
            said.append(f"{both} are not offered the same requests: {alone} of '{name}' are asked of one of them only")
        if resized := sum(it.resized() for it in each):
            said.append(f"{resized / count:.1%} of '{name}' transfer another number of bytes in {other.name}")
    return said


def _throttled(base: Design, other: Design, name: str) -> str:
    """Closed clients that wait longer ask for less: told where the designs are not asked for the same."""
    first, second = (design.summary["classes"][name] for design in (base, other))
    change = second["requests"]["offered"] / max(1, first["requests"]["offered"]) - 1
    if abs(change) < SAME:
        return ""
    fell = [fallen(it["closed_load"]["self_throttled"]) for it in (first, second)]
    load = f"its offered load fell {fell[0]} in {base.name} and {fell[1]} in {other.name}"
    return f"'{name}' is self-throttled: {load}; the latter is asked for {change:+.1%}, so tails are of another load"


# ---- in words --------------------------------------------------------------------------------------------------------


def _headline(base: Design, other: Design, path: str, found: Figures) -> Figures:
    """One figure's verdict: lower, higher, same or undecided, and why."""
    if path in found["figures"]:
        it = found["figures"][path]
        first, second, difference = it["base"], it["other"], it["difference"]
    else:
        name = path.rpartition(".")[2]
        difference = found["quantiles"][path][f"difference_of_{name}s"]
        first, second = difference["base"], difference["other"]
    told, why = _judge(base, other, first, difference)
    if difference["value"] is None:
        takes = [f"{it.name} {it.summary['refused'][path]}" for it in (base, other) if path in it.summary["refused"]]
        why = f"can't be told: it takes {' and '.join(takes)}" if takes else why
    return {"figure": path, "base": first, "other": second, **_only(difference), "verdict": told, "text": why}


def _only(difference: Figures) -> Figures:
    return {"difference": {"value": difference["value"], "ci95": difference["ci95"]}}


def _judge(base: Design, other: Design, first: float | None, difference: Figures) -> tuple[str, str]:
    for design in (base, other):
        regime = design.summary["regime"]
        if regime["kind"] in ("unstable", "undecided") and not design.scenario.model.overloads:
            where = f" at {regime['resource']}" if regime["resource"] else ""
            return "undecided", f"{design.name} is {regime['kind']}{where}: there is no steady figure to compare"
    value, ends = difference["value"], difference["ci95"]
    if value is None or not first:
        return "undecided", "one of them has no value; a longer run may give it one"
    if ends is None:
        if base.summary["regime"]["kind"] == "terminating" and len(base.raws) == 1:
            return _way(value), f"{_percent(value / first)}, of this one trace"
        return "undecided", "more replications are needed for an interval (2 for a mean, 10 for a quantile)"
    low, high = ends[0] / first, ends[1] / first
    if max(abs(low), abs(high)) <= SAME:
        return "same", f"the same within {SAME:.1%}"
    if low > 0 or high < 0:
        near, far = sorted((low, high), key=abs)
        return _way(value), f"{_percent(value / first)} ({abs(near):.1%} to {abs(far):.1%})"
    needs = replications_for(Estimate(value, ends[0], ends[1], len(base.raws)), abs(value) or SAME * first)
    text = f"can't tell: between {_percent(low)} and {_percent(high)}; about {needs} replications may decide"
    return "undecided", text


def _way(value: float) -> str:
    return "higher" if value > 0 else "lower" if value < 0 else "same"


def _percent(share: float) -> str:
    return f"{abs(share):.1%} {'higher' if share > 0 else 'lower'}"


WORDS = {
    "throughput_per_s": "throughput",
    "latency_ns.mean": "mean latency",
    "latency_ns.p99": "p99 of latency",
    "wait_ns.mean": "mean wait",
}


def _verdict(base: Design, other: Design, found: Figures, pairs: Mapping[str, Sequence[Pairs]]) -> tuple[str, str]:
    """better, worse, mixed, same or undecided, and a sentence or two; latencies decide, throughput where they don't."""
    every = [it for each in pairs.values() for it in each]
    if every and not any(it.better or it.worse or it.unshared or it.moved() for it in every):
        return "same", f"{other.name} is no other than {base.name} to its clients: every request took the same time."
    lines = {it["figure"]: it for it in found["headlines"]}
    goods = {"lower": 1, "higher": -1}
    times = [goods.get(lines[path]["verdict"], 0) for path in ("latency_ns.mean", "latency_ns.p99")]
    served = -goods.get(lines["throughput_per_s"]["verdict"], 0)
    signs = {sign for sign in (*times, served) if sign}
    decided = any(lines[path]["verdict"] != "undecided" for path in lines)
    if signs == {1}:
        outcome, told = "better", f"{other.name} is better than {base.name}"
    elif signs == {-1}:
        outcome, told = "worse", f"{other.name} is worse than {base.name}"
    elif signs:
        outcome, told = "mixed", f"{other.name} is better than {base.name} in some figures and worse in others"
    elif decided and all(lines[path]["verdict"] == "same" for path in ("throughput_per_s", "latency_ns.mean")):
        outcome, told = "same", f"{other.name} and {base.name} differ by nothing that matters"
    else:
        outcome, told = "undecided", f"Between {base.name} and {other.name} these runs can't tell"
    shown: dict[str, list[str]] = {}  # what is told, and of which figures
    for path, it in lines.items():
        if path != "wait_ns.mean":
            shown.setdefault(it["text"], []).append(WORDS[path])
    unsure = {it["text"] for it in lines.values() if it["verdict"] == "undecided"}
    if len(shown) == 1:
        return outcome, f"{told}: {next(iter(shown))}."
    parts = [f"{' and '.join(names)}{':' if text in unsure else ''} {text}" for text, names in shown.items()]
    return outcome, f"{told}: {'; '.join(parts)}."
