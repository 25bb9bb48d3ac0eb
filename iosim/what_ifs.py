"""Questions around a plan: with a part lost, with inputs that are only known so well, and when growth uses it up.

Each is the plan once more on the changed scenario, with the same seeds. Inputs are changed one at a time to both ends of their
interval; their effects and the simulation's own noise add as squares, which takes them to be independent and the answer
to be nearly straight between the ends.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from iosim.errors import Mistake, WrongInput
from iosim.planning import Plan
from iosim.scenario.loader import Scenario
from iosim.scenario.overrides import parse_assignment
from iosim.units import parse_percent

Again = Callable[[Scenario], Plan]

PARTS = {"processor": "machine.cores_per_node", "node": "machine.numa_nodes"}
RANGE = ".."


def lost(scenario: Scenario, part: str) -> dict[str, Any]:
    """What is changed when a processor (of each node), node, disk of a volume or queue of a card is lost, or `PATH=VALUE`.

    Raises WrongInput where there is none to lose.
    """
    source = f"--lose {part}"
    if "=" in part:
        path, value = parse_assignment(part)
        return {path: value}
    kind, _, name = part.partition(" ")
    if kind in PARTS:
        return _one_less(scenario, PARTS[kind], source)
    tree = scenario.effective()
    if kind == "queue":
        cards = [card for card in tree.get("nics", {}) if name in ("", card)]
        if cards:
            return _one_less(scenario, f"nics.{cards[0]}.rss.queues", source)
    if kind == "disk":
        for volume, it in tree.get("volumes", {}).items():
            disks = it.get("disks") or []
            gone = name or (disks[-1] if disks else "")
            if gone in disks and len(disks) > 1:
                return {f"volumes.{volume}.disks": [disk for disk in disks if disk != gone]}
    known = "processor, node, disk, disk NAME, queue, or PATH=VALUE"
    raise WrongInput([Mistake(source, 0, 0, "", f"there is no such part that could be lost; {known}")])


def _one_less(scenario: Scenario, path: str, source: str) -> dict[str, Any]:
    try:
        number = scenario.get(path)
    except KeyError:
        number = None
    if not isinstance(number, int) or number < 2:
        raise WrongInput([Mistake(source, 0, 0, "", f"'{path}' is {number}: with one less nothing is left")])
    return {path: number - 1}


def losses(again: Again, scenario: Scenario, parts: Sequence[str]) -> list[dict[str, Any]]:
    """With each part lost all that is answered of the whole: a safe value, what confirmed it, and the bottleneck."""
    from iosim.plan_document import outcome

    changed = [(part, scenario.with_set(lost(scenario, part))) for part in parts]  # mistakes before anything runs
    rows = []
    for part, it in changed:
        rows.append({"lost": part, **outcome(again(it))})
    return rows


def parse_input(text: str) -> tuple[str, str, str]:
    """`PATH=LOW..HIGH`, the 95 % interval of an input."""
    path, value = parse_assignment(text)
    low, dots, high = value.partition(RANGE)
    if not dots or not low.strip() or not high.strip():
        message = "write PATH=LOW..HIGH, like 'handlers.request[0].compute=18 us..23 us'"
        raise WrongInput([Mistake(f"--input {text}", 0, 0, "", message)])
    return path, low.strip(), high.strip()


def uncertainty(again: Again, scenario: Scenario, found: Plan, inputs: Sequence[str]) -> dict[str, Any]:
    """The answer at both ends of each input's interval, and the interval of the answer with simulation and inputs together."""
    ends = []
    for text in inputs:
        path, low, high = parse_input(text)
        ends.append((path, [(value, scenario.with_set({path: value})) for value in (low, high)]))
    rows, squares, decided = [], 0.0, found.answer is not None and not found.bound
    for path, pair in ends:
        plans = [again(it) for _, it in pair]
        values = [None if it.answer is None or it.bound else it.answer.value for it in plans]
        rows.append({"path": path, "low": pair[0][0], "high": pair[1][0], "answers": values})
        if values[0] is None or values[1] is None:
            decided = False
        else:
            squares += ((values[1] - values[0]) / 2) ** 2
    both = None
    if decided and found.answer is not None:
        half = math.sqrt(squares + (found.answer.half_width if found.answer.has_interval else 0.0) ** 2)
        both = {"value": found.answer.value, "ci95": [found.answer.value - half, found.answer.value + half]}
    return {"inputs": rows, "input_half_width": math.sqrt(squares) if decided else None, "answer": both}


def parse_growth(text: str) -> tuple[float, float]:
    """`3 %` or `2 %..4 %` a month, as shares."""
    low, dots, high = text.partition(RANGE)
    try:
        found = float(parse_percent(low.strip())), float(parse_percent((high if dots else low).strip()))
    except ValueError as error:
        raise WrongInput([Mistake(f"--growth {text}", 0, 0, "", str(error))]) from None
    if not 0 < found[0] <= found[1]:
        raise WrongInput([Mistake(f"--growth {text}", 0, 0, "", "growth a month is above 0, like '3 %' or '2 %..4 %'")])
    return found


def month_it_breaks(found: Plan, growth: tuple[float, float]) -> dict[str, Any] | None:
    """Months until today's load has grown to the safe value, and between which it breaks.

    The interval reaches from the safe value and fast growth to the answer's high end and slow growth. Where the scan ended
    at the answer, nobody knows the latter: no interval, and `bound` is "at least". None where no safe value is confirmed, or
    what is looked for is no load.
    """
    it, safe, today = found.answer, found.recommended, found.unknown.today
    if it is None or safe is None or not found.safe or not found.unknown.largest or today <= 0:
        return None

    def months(capacity: float, rate: float) -> float:
        return max(0.0, math.log(max(capacity, 1e-12) / today) / math.log1p(rate))

    high = max(safe, it.high if it.has_interval else it.value)
    ends = None if found.bound else [months(safe, growth[1]), months(high, growth[0])]
    middle = math.sqrt(growth[0] * growth[1])
    return {
        "growth_per_month": list(growth),
        "months": {"value": months(safe, middle), "ci95": ends},
        "bound": found.bound,
    }
