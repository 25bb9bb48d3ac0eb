"""The cheapest of several designs that meets an objective.

Designs are a grid of values with a price for a unit of each. They are tried from the cheapest up, so that what is spent on
simulation ends with the answer; a design whose replications fail or that is overloaded is no answer. Prices are in any one
currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from iosim.clock import choose_clock
from iosim.errors import Mistake, WrongInput
from iosim.executors import local
from iosim.planning import with_objectives
from iosim.quantiles import REPLICATIONS
from iosim.running import collect
from iosim.scenario.loader import Scenario
from iosim.studies import grid
from iosim.summaries import summarize
from iosim.unknowns import number_of


@dataclass(frozen=True)
class Design:
    """One combination of values, what it costs, and whether it meets the objectives: met, missed or undecided."""

    cell: dict[str, Any]
    cost: float
    verdict: str
    expect: list[dict[str, Any]]


def cheapest(
    scenario: Scenario,
    slo: str | Sequence[str],
    vary: Mapping[str, Sequence[Any]],
    prices: Mapping[str, float],
    *,
    seed: int | None = None,
    replications: int | None = None,
    jobs: int | None = None,
    clock: str | None = None,
) -> list[Design]:
    """Designs in order of cost, up to the first that meets the objectives; the last one is the answer if it does.

    `prices` has the cost of one unit of each varied number. Raises WrongInput for objectives without a figure, for values
    that are wrong and for numbers without a price.
    """
    asked = with_objectives(scenario, [slo] if isinstance(slo, str) else list(slo))
    missing = [path for path in vary if path not in prices]
    if missing:
        raise WrongInput([Mistake(f"--price {path}", 0, 0, "", "a price for one unit is needed") for path in missing])
    priced = []
    for cell in grid(vary):
        it = asked.with_set(cell)
        priced.append((sum(prices[path] * number_of(path, it.get(path)) for path in vary), cell, it))
    priced.sort(key=lambda row: row[0])
    count = max(replications or asked.model.run.replications, REPLICATIONS)
    executor, clock = local(jobs, count), choose_clock(clock)
    seed = asked.model.run.seed if seed is None else seed
    found = []
    for cost, cell, it in priced:
        document = summarize(it, collect(executor, it, count=count, clock=clock, seed=seed), seed)
        verdicts = {verdict["verdict"] for verdict in document["expect"]}
        if document["regime"]["kind"] == "unstable":
            verdicts = {"missed"}
        verdict = next((word for word in ("missed", "undecided") if word in verdicts), "met")
        found.append(Design(cell, cost, verdict, document["expect"]))
        if verdict == "met":
            break
    return found
