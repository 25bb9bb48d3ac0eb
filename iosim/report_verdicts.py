"""What a report's page says first of each result: a verdict, and the reasons to believe it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from iosim import amounts
from iosim.numbers import interval_text, read_figure, show_figure, show_time
from iosim.plan_document import bound_of
from iosim.results import Study, in_words
from iosim.scenario.expectations import parse_expectation
from iosim.summary_tables import regime_text, runs_text, simulated_text

MOST_CAUSES = 3  # that a verdict names
MOST_CELLS = 4
# What a verdict is drawn as, by tone: of what was demanded; of a design against another; `doubt` where figures are none to
# rely on; `plain` where nothing was asked. The sign tells what the colour tells.
SIGNS = {
    "met": "\u2713",
    "missed": "\u2717",
    "undecided": "?",
    "better": "\u25b2",
    "worse": "\u25bc",
    "mixed": "\u25b2\u25bc",
    "same": "=",
    "doubt": "!",
    "plain": "",
}


@dataclass(frozen=True)
class Verdict:
    """A word or two, the tone that it is drawn in, what it is said of, and why it should be believed."""

    kind: str
    tone: str  # one of SIGNS
    text: str
    grounds: tuple[str, ...] = ()


def of_expectations(summary: dict[str, Any]) -> Iterator[Verdict]:
    """Of every expectation; without any, what kind of run it was."""
    for it in summary["expect"]:
        yield Verdict(it["verdict"], it["verdict"], expectation_text(it))
    if not summary["expect"]:
        kind = summary["regime"]["kind"]
        said = show_figure(read_figure(summary["throughput_per_s"]), "throughput_per_s")
        tone = "doubt" if kind in ("unstable", "undecided") else "plain"
        yield Verdict(kind, tone, f"{said} are answered; nothing was expected of the figures.")


def grounds_of_run(summary: dict[str, Any]) -> tuple[str, ...]:
    """Whether its figures are steady ones, and of how much of a run."""
    return (
        f"The run is {regime_text(summary['regime'])}.",
        f"Seed {runs_text(summary)}; simulated {simulated_text(summary)}.",
    )


def expectation_text(it: dict[str, Any]) -> str:
    """The objective, what was found, and what it would take to decide."""
    path = parse_expectation(it["expect"]).figure
    figure = read_figure(it)
    between = interval_text(figure, path)
    found = "no value" if figure is None else f"it is {show_figure(figure, path)}"
    needs = f" To decide: {it['needs']}." if it["needs"] else ""
    caveat = f" Mind: {it['caveat']}." if it.get("caveat") else ""
    return f"{it['expect']}: {found}{f' (95 %: {between})' if between else ''}.{needs}{caveat}"


def of_cells(study: Study) -> Verdict:
    """How many cells have steady figures, and how many none."""
    every = len(study.rows) + len(study.failed)
    others: dict[str, list[str]] = {"failed": [in_words(cell["cell"]) for cell in study.failed]}
    for row in study.rows:
        others.setdefault(row["regime"], []).append(in_words(row["cell"]))
    steady = sum(len(others.pop(kind, ())) for kind in ("steady", "terminating"))
    grounds = [f"{kind.capitalize()}: {_some(cells)}." for kind, cells in others.items() if cells]
    text = f"{steady} of {every} cells have figures to rely on."
    return Verdict("study", "plain" if steady == every else "doubt", text, tuple(grounds))


def _some(cells: list[str]) -> str:
    more = len(cells) - MOST_CELLS
    return f"{'; '.join(cells[:MOST_CELLS])}{f'; and {more} more' if more > 0 else ''}"


def of_design(it: dict[str, Any], replications: int) -> Verdict:
    """Whether a design is better than the first one, by how much, and which causes moved."""
    kinds = {"mixed": "better and worse", "same": "no different", "undecided": "can't tell"}
    grounds = [
        f"Both were offered the same requests in {replications} replications; differences are taken replication by"
        " replication, with 95 % intervals."
    ]
    if it["requests"]:
        better, worse = (it["requests"][which]["value"] for which in ("better", "worse"))
        grounds.append(f"{better:.1%} of the requests got better, {worse:.1%} got worse.")
    moved = [row for row in it["causes"] if row["moved"]][:MOST_CAUSES]
    if moved:
        said = ", ".join(f"{row['cause'].replace('_', ' ')} {_change(row)}" for row in moved)
        grounds.append(f"What moved most of a request's time: {said}.")
    return Verdict(kinds.get(it["outcome"], it["outcome"]), it["outcome"], it["verdict"], tuple(grounds))


def _change(row: dict[str, Any]) -> str:
    change = row["difference"]["value"]
    return f"{'+' if change > 0 else '-'}{show_time(abs(change))}"


def of_found(plan: dict[str, Any]) -> Verdict:
    """The value to be signed, whether fresh replications confirm it, and what is short there."""
    what, objective = plan["find"]["path"], " and ".join(plan["objectives"])
    verdict, signed = plan["verdict"], plan["recommended"]
    why = f"; {plan['why']}" if plan["why"] else ""
    value = " ".join(filter(None, (bound_of(plan), str("no value" if signed is None else signed))))
    text = f"{what}: {value} for {objective}{why}."
    grounds = []
    if again := plan["confirmation"]:
        grounds += [f"On {again['replications']} fresh replications {expectation_text(it)}" for it in again["expect"]]
    if plan["resources"]:
        first = plan["resources"][0]
        grounds.append(
            f"The bottleneck there is {first['name']}, {amounts.percent(first['utilization']['value'])} busy."
        )
    tone = verdict if verdict in ("met", "undecided") else "missed"
    return Verdict(verdict, tone, text, tuple(grounds))
