"""Capacity planning: the largest load, or the smallest resource, that meets an objective, with an interval that can be signed.

1. Screening: where demands are described, their operational bound says what no rate goes beyond; two light runs, placed by
   it, give every resource's utilization, and a straight line through them where it is full.
2. A coarse scan of six to eight points: the objective may be met in several intervals.
3. Every replication's own root (paired seeds); the answer is their mean, with its t interval. More replications, by the
   stopping rule of stopping.py, until half of it lies within the indifference zone of 1 %.
4. Confirmation on replications that the search has never seen, a zone inside the interval's safe end.

Whole numbers (threads, processors) have no t interval: theirs reaches from the first that is not surely missed to the first
that is surely met.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from iosim import amounts
from iosim.bottlenecks import Used, resources, resources_towards
from iosim.clock import choose_clock
from iosim.closed_loops import throttled_warnings
from iosim.demands import described
from iosim.errors import Mistake, WrongInput
from iosim.executors import local
from iosim.impossible import why_impossible
from iosim.probing import Bench, Point, Said, mean_slack, together
from iosim.quantiles import REPLICATIONS
from iosim.running import check_arguments, check_traces
from iosim.scaling import FEWEST, Scalability, fit
from iosim.scenario.expectations import parse_expectation
from iosim.scenario.loader import Scenario
from iosim.scenario.overrides import parse_path
from iosim.searching import Root, Stretch, roots, smallest_whole, stretches
from iosim.statistics import Estimate, interval
from iosim.stopping import looks
from iosim.summary import lookup
from iosim.theory import bounds
from iosim.unknowns import Unknown, unknown

if TYPE_CHECKING:
    import pandas

ZONE = 0.01  # of the answer: who is nearer does not care
NEAR = 0.03  # of what the scan tells: where roots are looked for first
MOST = 60  # replications of the roots
COARSE = 4  # replications of a point of the scan
SHARES = (0.2, 0.45, 0.7, 0.85, 0.95, 1.03)  # of the load at which a resource is full
BESIDE = 0.1  # of a point of the scan: another so near would tell the same
EXTENSIONS = 6
LONGEST = 14  # points of a scan that has to feel its way
MANY = 100  # whole numbers from which they pass as continuous
NEIGHBOURS = 4  # whole numbers that are judged on each side of the answer


@dataclass(repr=False)
class Plan:
    """The answer; `document()` is what plan.json holds."""

    scenario: Scenario
    unknown: Unknown
    objectives: list[str]
    seed: int
    verdict: str = "undecided"  # met, undecided, impossible
    answer: Estimate | None = None
    recommended: float | None = None
    bound: str = (
        ""  # "at least" or "at most" where the scan ended before the objective was missed: no largest, no smallest
    )
    why: str = ""
    scan: list[Point] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    stopping: dict[str, Any] | None = None
    confirmation: Point | None = None
    at: Point | None = None  # the point whose utilizations are told
    roots: list[Root] = field(default_factory=list)
    warm_up_ns: int = 0
    runs: int = 0
    scalability: Scalability | None = None
    scalability_reason: str = ""
    knee: dict[str, Any] | None = None
    more: dict[str, Any] = field(default_factory=dict)  # what_ifs.py
    warnings: list[str] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """0, or 3 where the objective can't be met or that was not decided."""
        return 0 if self.verdict == "met" else 3

    @property
    def resources(self) -> list[Used]:
        """At the answer, the first to be full first. Of a load, full where the heaviest that was carried says."""
        if self.at is None:
            return []
        carried = [it for it in [self.at, *self.scan] if it.steady] if self.unknown.largest else []
        heaviest = max(carried, key=lambda it: it.throughput, default=self.at)
        return resources_towards(self.scenario, self.at.document, heaviest.document)

    @property
    def safe(self) -> bool:
        """Whether fresh replications have met the objectives at the recommended value, be it the largest or not."""
        at_edge = self.bound and self.confirmation is not None and self.confirmation.verdict == "met"
        return self.verdict == "met" or bool(at_edge)

    @property
    def headroom(self) -> float | None:
        """Share of today's value that may be added (a load), or that could be spared (a resource), up to the safe value.

        None where fresh replications have not confirmed one: the answer's own interval is no promise. Where the answer is
        a `bound`, so is this.
        """
        if not self.safe or self.recommended is None or not self.unknown.today:
            return None
        return (1 if self.unknown.largest else -1) * (self.recommended / self.unknown.today - 1)

    def document(self) -> dict[str, Any]:
        """Stable keys; numbers of the unknown are in `unit`."""
        from iosim.plan_document import document

        return document(self)

    def to_frame(self) -> "pandas.DataFrame":
        """One row a point of the scan. Needs the `study` extra."""
        from iosim.plan_document import to_frame

        return to_frame(self)

    def __repr__(self) -> str:
        from iosim.plan_document import in_words

        answer = f"{self.unknown.want} {self.unknown.name}"
        told = {**dict(in_words(self)), "verdict": self.verdict}
        shown = "; ".join(f"{name}: {told[name]}" for name in ("objective", "verdict", answer) if name in told)
        return f"<Plan for {self.scenario.name}: {shown}>"

    def _repr_html_(self) -> str:
        from iosim.notebook import of_plan

        return of_plan(self)


def plan(
    scenario: Scenario,
    slo: str | Sequence[str],
    find: str,
    *,
    want: str | None = None,
    seed: int | None = None,
    replications: int | None = None,
    jobs: int | None = None,
    clock: str | None = None,
    progress: Said | None = None,
) -> Plan:
    """The largest load or smallest resource at the path `find` that meets the objectives `slo` (`p99 < 5 ms`; one or several).

    `want` is largest or smallest where the path's kind does not tell. At least 10 replications are taken. Raises
    WrongInput for an objective that names no figure of this scenario and for a path without a number.
    """
    check_arguments(scenario, replications, jobs, "plan")
    asked, it = prepare(scenario, slo, find, want)
    check_traces(asked)
    seed = asked.model.run.seed if seed is None else seed
    pilot = max(replications or asked.model.run.replications, REPLICATIONS)
    bench = Bench(
        asked, it, local(jobs, pilot), choose_clock(clock), seed, progress or (lambda done, total, what: None)
    )
    return Planner(bench, pilot).plan()


def prepare(scenario: Scenario, slo: str | Sequence[str], find: str, want: str | None) -> tuple[Scenario, Unknown]:
    """The scenario with the objectives and what is looked for; raises WrongInput with all that is wrong with either."""
    mistakes: list[Mistake] = []
    asked = it = None
    try:
        asked = with_objectives(scenario, [slo] if isinstance(slo, str) else list(slo))
    except WrongInput as error:
        mistakes += error.mistakes
    try:
        it = unknown(scenario, find, want)
    except WrongInput as error:
        mistakes += error.mistakes
    if asked is None or it is None:
        raise WrongInput(mistakes)
    return asked, it


def with_objectives(scenario: Scenario, texts: list[str]) -> Scenario:
    """The scenario with these expectations alone; raises WrongInput for each that names no figure of it."""
    mistakes = []
    if not texts:
        mistakes.append(Mistake("--slo", 0, 0, "", "an objective is needed, like 'p99 < 5 ms'"))
    for text in texts:
        try:
            parse_expectation(text)
        except ValueError as error:
            mistakes.append(Mistake(f"--slo '{text}'", 0, 0, "", str(error)))
    if mistakes:
        raise WrongInput(mistakes)
    try:
        return scenario.with_set({"expect": texts, "study": None})
    except WrongInput as error:
        raise WrongInput([Mistake("--slo", 0, 0, "", mistake.message) for mistake in error.mistakes]) from None


class Planner:
    """One search, step by step."""

    def __init__(self, bench: Bench, pilot: int) -> None:
        self.bench = bench
        self.pilot = pilot
        self.unknown = bench.unknown
        objectives = [it.text for it in bench.objectives]
        self.found = Plan(bench.scenario, bench.unknown, objectives, bench.seed)
        self.full = math.inf  # the value at which a resource is full

    def plan(self) -> Plan:
        """All steps."""
        found = self.found
        found.scan = self._scan()
        self._check_figures()
        found.stretches = stretches([it.value for it in found.scan], [it.met for it in found.scan])
        self._fit()
        if not found.stretches:
            self._impossible()
        else:
            self._settle_warm_up()
            self._solve(found.stretches[-1] if self.unknown.largest else found.stretches[0])
        self._warn()
        found.knee = knee(found)
        found.runs = self.bench.runs
        return found

    # ---- the coarse scan ------------------------------------------------------------------------------------------

    def _scan(self) -> list[Point]:
        rate = self.unknown.largest and not self.unknown.whole
        points = self._loads() if rate else self._points(self._spread())
        return self._extended(sorted(points, key=lambda it: it.value))

    def _points(self, values: Sequence[float]) -> list[Point]:
        return self.bench.points(values, range(min(COARSE, self.pilot)))

    def _loads(self) -> list[Point]:
        """Placed by the bound: utilizations of two light points, drawn on in a straight line, say where a resource is full.

        The described demands are lower bounds: what they leave out (switches, cold caches) makes resources full earlier, and
        that is what the two points correct.
        """
        today, most = self.unknown.today, self._most()
        screened = math.isfinite(most)
        points = self._points([SHARES[1] * most, SHARES[0] * most] if screened else [today, today / 2])
        while not points[-1].steady and len(points) < EXTENSIONS:
            points += self._points([points[-1].value / 4])
        calm = [it for it in sorted(points, key=lambda it: it.value) if it.steady]
        if len(calm) == 1:
            calm = [*self._points([calm[0].value / 2]), *calm]
        if calm:
            self.full = min(most, _full_at(self.bench.scenario, calm[-2], calm[-1]))
        top = self.full if math.isfinite(self.full) else 8 * today
        points = sorted((it for it in points if it.value <= 1.1 * top), key=lambda it: it.value)[-2:]
        values = [share * top for share in SHARES]
        return self._upward(
            points, [it for it in values if not any(abs(it - other.value) < BESIDE * it for other in points)]
        )

    def _most(self) -> float:
        """The rate that the described demands of one open class allow at the most; infinite where nothing is described."""
        if len(self.unknown.paths) != 1:
            return math.inf
        section, name, *rest = parse_path(self.unknown.paths[0])
        if section != "workload" or rest != ["rate"] or self.unknown.unit.strip() != "/s":
            return math.inf
        most, _ = described(self.bench.scenario).most(str(name))
        return most or math.inf

    def _upward(self, points: list[Point], values: list[float]) -> list[Point]:
        """Light ones first, never more than twice the largest load that was carried; overload is costly and tells little."""
        values = sorted(values)
        while values and len(points) < LONGEST:
            calm = max((it.value for it in points if it.steady), default=0.0)
            value = min(values[0], 2 * calm) if calm else values[0]
            if value == values[0]:
                values.pop(0)
            point = self._points([value])[0]
            points.append(point)
            if not point.steady:
                values = [
                    it for it in (value - share * (value - calm) for share in (0.6, 0.3)) if calm and len(values) > 1
                ]
                if not calm or any(not it.steady for it in points[:-1]):
                    break
        return points

    def _spread(self) -> list[float]:
        """Up to eight values around today's, by equal factors; whole ones once each, and only what the scenario accepts."""
        today = self.unknown.today or 1.0
        low, high = (1.0, max(8.0, 4 * today)) if self.unknown.whole else (today / 16, today * 16)
        values = [low * (high / low) ** (place / 7) for place in range(8)]
        if self.unknown.whole:
            values = [float(round(it)) for it in values]
        found = [value for value in dict.fromkeys(values) if self._legal(value)]
        return found or [today]

    def _legal(self, value: float) -> bool:
        try:
            self.bench.at(value)
        except WrongInput:
            return False
        return True

    def _extended(self, points: list[Point]) -> list[Point]:
        """Further up while that is where the answer seems to lie."""
        factor = 2 if self.unknown.whole else 1.3
        for _ in range(EXTENSIONS):
            more = points[-1].met if self.unknown.largest else not any(it.met for it in points)
            value = float(round(points[-1].value * factor)) if self.unknown.whole else points[-1].value * factor
            if not more or not self._legal(value) or self._flat(points):
                break
            points += self._points([value])
        return points

    def _flat(self, points: list[Point]) -> bool:
        """More of the resource changes nothing any more."""
        if self.unknown.largest or len(points) < 2:
            return False
        return abs(mean_slack(points[-1]) - mean_slack(points[-2])) < 1e-4

    def _check_figures(self) -> None:
        """An objective that the summaries know nothing of is a mistake."""
        mistakes = []
        for objective in self.bench.objectives:
            try:
                lookup(self.found.scan[0].document, objective.figure)
            except KeyError:
                text = f"the scenario has no figure '{objective.figure}'"
                mistakes.append(Mistake(f"--slo '{objective.text}'", 0, 0, "", text))
        if mistakes:
            raise WrongInput(mistakes)

    # ---- the answer -----------------------------------------------------------------------------------------------

    def _settle_warm_up(self) -> None:
        """The longest that any point took which carries its load; the same for all from here on."""
        cuts = [it.document["warm_up_ns"] for it in self.found.scan if it.steady]
        self.found.warm_up_ns = max(cuts)
        self.bench.fix_warm_up(self.found.warm_up_ns)

    def _solve(self, stretch: Stretch) -> None:
        edge, beside = (stretch.high, stretch.above) if self.unknown.largest else (stretch.low, stretch.below)
        if beside is None:
            self._at_the_end(edge)
        elif self.unknown.whole and max(edge, beside) < MANY:
            self._whole(int(beside), int(edge))
        else:
            self._continuous(edge, beside)

    def _at_the_end(self, edge: float) -> None:
        """Met as far as was looked: the last value tried is the answer only where the scenario accepts none beyond."""
        self.found.answer = interval([edge])
        self._confirm([edge])
        step = 1.0 if self.unknown.whole else edge / 2
        if not self._legal(edge + step if self.unknown.largest else edge - step):
            return
        self.found.bound = "at least" if self.unknown.largest else "at most"
        if self.found.verdict == "met":
            self.found.verdict = "undecided"
            value = amounts.with_unit(edge, self.unknown.unit)
            self.found.why = (
                f"the objective is met even at {value}, where the scan ended: no {self.unknown.want} was found"
            )

    def _continuous(self, good: float, missed: float) -> None:
        low, high = sorted((good, missed))
        carried = max(it.value for it in self.found.scan if it.steady)
        ends = (low / 4, min(2 * high, max(self.full, carried)) if self.unknown.largest else 4 * high)
        near = self._interpolated(low, min(high, ends[1]))
        low, high = max(near * (1 - NEAR), ends[0]), min(near * (1 + NEAR), ends[1])
        found: list[Root] = []
        seen = []
        most = max(MOST, self.pilot)
        for number in looks(self.pilot, most):
            pooled = self._pooled(number, low, high, ends)
            found += roots(self.bench.slacks, range(len(found), number), low, high, ends, self.unknown.largest)
            seen.append(number)
            estimate = _centred(pooled.x, interval([it.x for it in found]))
            by_rule = estimate.half_width <= ZONE * abs(estimate.value)
            if by_rule:
                break
        self.found.roots, self.found.answer = found, estimate
        rule = f"half of the interval within {ZONE:.0%} of the answer"
        self.found.stopping = {
            "rule": rule,
            "by_rule": by_rule,
            "pilot": seen[0],
            "looks": seen,
            "replications": seen[-1],
        }
        if not by_rule:
            self.found.warnings.append(f"stopped at {most} replications, not by the rule: {rule}")
        self._clipped(found)
        safe = estimate.low * (1 - ZONE) if self.unknown.largest else estimate.high * (1 + ZONE)
        self._confirm([self.unknown.rounded(safe)])

    def _interpolated(self, low: float, high: float) -> float:
        """Where the scan's straight line between two points crosses 0; their middle where it can't tell."""
        slacks = {it.value: mean_slack(it) for it in self.found.scan if it.steady}
        at_low, at_high = slacks.get(low, math.inf), slacks.get(high, math.inf)
        share = (
            at_low / (at_low - at_high)
            if math.isfinite(at_low) and math.isfinite(at_high) and at_low != at_high
            else 0.5
        )
        return low + min(max(share, 0.05), 0.95) * (high - low)

    def _pooled(self, number: int, low: float, high: float, ends: tuple[float, float]) -> Root:
        """The root of all replications together."""

        def evaluate(pairs: Sequence[tuple[int, float]]) -> list[float]:
            points = self.bench.points([value for _, value in pairs], range(number))
            return [together(it, self.bench.objectives) for it in points]

        return roots(evaluate, [0], low, high, ends, self.unknown.largest)[0]

    def _clipped(self, found: list[Root]) -> None:
        """Roots that lie where no search may go: the objective is met until a resource is full."""
        beyond = sum(1 for it in found if it.beyond)
        if beyond:
            where = " at the load that fills a resource" if math.isfinite(self.full) else ""
            text = f"{beyond} of {len(found)} replications meet the objective to the end of the search{where}"
            self.found.warnings.append(text)

    def _whole(self, missed: int, good: int) -> None:
        """By halving on the mean of all replications; then neighbours are judged until both sides are sure."""
        judged: dict[int, Point] = {}

        def at(number: int) -> Point:
            if number not in judged:
                judged[number] = self.bench.points([float(number)], range(self.pilot))[0]
            return judged[number]

        towards = 1 if good > missed else -1
        edge = smallest_whole(lambda number: at(number).met, missed, good)
        sure = self._first(at, edge, towards, "met")
        doubt = self._first(at, edge - towards, -towards, "missed")
        ends = sorted((doubt + towards, sure))
        self.found.answer = Estimate(float(edge), float(ends[0]), float(ends[1]), self.pilot)
        self.found.stopping = {
            "rule": "neighbours judged until one is met and one is missed",
            "by_rule": at(sure).verdict == "met" and (doubt == missed or at(doubt).verdict == "missed"),
            "pilot": self.pilot, "looks": [self.pilot], "replications": self.pilot,
        }  # fmt: skip
        self._confirm([float(sure + step * towards) for step in range(2)])

    def _first(self, at: Any, number: int, step: int, wanted: str) -> int:
        """The first number from here on with this verdict; the last that was judged, if none has it."""
        for _ in range(NEIGHBOURS):
            if number < 1 or not self._legal(number):
                return number - step
            if at(number).verdict == wanted:
                return number
            number += step
        return number - step

    def _confirm(self, values: list[float]) -> None:
        """On replications that the search has not seen; more of them while the verdict is undecided."""
        first = self.found.stopping["replications"] if self.found.stopping else self.pilot
        for value in values:
            if not self._legal(value):
                continue
            for number in list(looks(self.pilot, max(MOST, self.pilot))):
                point = self.bench.points([value], range(first, first + number))[0]
                if point.verdict != "undecided":
                    break
            self.found.confirmation = self.found.at = point
            self.found.recommended = value
            if point.verdict == "met":
                self.found.verdict = "met"
                return
        needs = "; ".join(it["needs"] for it in point.document["expect"] if it["needs"])
        self.found.why = (
            f"fresh replications at {self.unknown.written(value)}: {point.verdict}{f' ({needs})' if needs else ''}"
        )

    # ---- what can't be, and what must be said ----------------------------------------------------------------------

    def _impossible(self) -> None:
        """Nothing meets the objectives; the point that comes nearest says why."""
        found = self.found
        found.verdict = "impossible"
        found.at = min(found.scan, key=lambda it: (not it.steady, mean_slack(it)))
        found.why = why_impossible(found, found.at)

    def _warn(self) -> None:
        found, unit = self.found, self.unknown
        if len(found.stretches) > 1:
            shown = ", ".join(f"{unit.written(it.low)} to {unit.written(it.high)}" for it in found.stretches)
            found.warnings.append(
                f"the objective is met in {len(found.stretches)} intervals of the scan ({shown}) and missed in between"
            )
        if over := next((it for it in found.scan if not it.steady and self._no_more_than_today(it.value)), None):
            found.warnings.append(f"today's load is not carried: {over.document['regime']['reason']}")
        found.more["closed"] = closed_loads(found)
        found.warnings += throttled_warnings({row["workload"]: row["fell"] for row in found.more["closed"]})

    def _no_more_than_today(self, value: float) -> bool:
        """Whether what is not carried at this value is not carried today either."""
        today = self.unknown.today
        return 0 < value <= today if self.unknown.largest else value == today

    def _fit(self) -> None:
        found = self.found
        if not self.unknown.whole:
            found.scalability_reason = "needs a number of clients, threads, processors or places"
            return
        steady = [it for it in found.scan if it.steady and min(it.throughputs) > 0]
        if len(steady) < FEWEST or min(len(it.throughputs) for it in steady) < 2:
            found.scalability_reason = f"{len(steady)} points; the law takes {FEWEST}, of 2 replications each"
            return
        found.scalability = fit([it.value for it in steady], [it.throughputs for it in steady])


def _centred(value: float, spread: Estimate) -> Estimate:
    """The root of all together, with the interval that the replications' own roots span (their mean is biased)."""
    return Estimate(value, value - spread.half_width, value + spread.half_width, spread.n)


def _full_at(scenario: Scenario, lower: Point, upper: Point) -> float:
    """The value at which the first resource is full, if utilizations go on in a straight line; infinite if none grows."""
    before = {it.name: it.utilization for it in resources(scenario, lower.document)}
    best = math.inf
    for it in resources(scenario, upper.document):
        slope = (it.utilization - before.get(it.name, it.utilization)) / (upper.value - lower.value)
        if slope > 0 and it.utilization > 0:
            best = min(best, upper.value + max(0.0, 1 - it.utilization) / slope)
    return best


def knee(found: Plan) -> dict[str, Any] | None:
    """Where waiting begins to outweigh what more load brings.

    Open load: the scanned point with the most throughput per time of a request (Kleinrock's power, 1979).
    Closed: N* = (Z + R1) X, where the asymptotes of few and of many clients meet. `bound` is "at least" where the scan ended
    before it was passed.
    """
    steady = [it for it in found.scan if it.steady and it.throughput and it.document["latency_ns"]["mean"]["value"]]
    if not found.unknown.largest or not steady:
        return None
    if found.unknown.whole:
        first = steady[0]
        most = max(it.throughput for it in steady)
        cycle = bounds({"all": 1 / most}, {"all": 1}, alone=first.value / first.throughput)  # Z + R by Little's law
        return {"kind": "N* = (Z + R) X", "value": cycle.knee(0), "between": None, "bound": found.bound}
    power = [it.document["throughput_per_s"]["value"] / it.document["latency_ns"]["mean"]["value"] for it in steady]
    place = max(range(len(power)), key=power.__getitem__)
    between = [steady[max(place - 1, 0)].value, steady[min(place + 1, len(steady) - 1)].value]
    bound = "at least" if steady[place] is found.scan[-1] else ""
    return {
        "kind": "most throughput per time in system",
        "value": steady[place].value,
        "between": None if bound else between,
        "bound": bound,
    }


def closed_loads(found: Plan) -> list[dict[str, Any]]:
    """X and R of every closed load at the answer, Z by the law X (R + Z) = N, and by how much it throttles itself.

    `fell` is the summary's own `self_throttled` there (closed_loops.py), null where nobody can tell.
    """
    rows = []
    for name, figures in (found.at.document["classes"] if found.at else {}).items():
        through, time = figures["throughput_per_s"]["value"], figures["latency_ns"]["mean"]["value"]
        loop = figures.get("closed_load")
        if not loop or not through or not time:
            continue
        rows.append(
            {
                "workload": name,
                "clients": loop["clients"],
                "throughput_per_s": through,
                "time_ns": time,
                "think_ns": max(0.0, loop["clients"] / through * 1e9 - time),
                "fell": loop["self_throttled"],
            }
        )
    return rows
