"""The saturation of a switch with queues at its inputs: head-of-line blocking as an exact Markov chain.

Source: Karol, Hluchyj, Morgan 1987 (numbers 8). iosim's machines hold no such switch; it stands for head-of-line blocking.
"""

from collections import defaultdict

# How many heads of queues want each output, the largest number first; outputs that none wants left out.
State = tuple[int, ...]


def saturation(ports: int) -> float:
    """Cells that leave each output in a slot when every input has always one, each to an output drawn anew; up to 8 ports."""
    start: State = (ports,)
    shares = {start: 1.0}
    moves: dict[State, dict[State, float]] = {}
    for _ in range(2000):
        after: defaultdict[State, float] = defaultdict(float)
        for state, share in shares.items():
            if state not in moves:
                moves[state] = _next(state, ports)
            for there, chance in moves[state].items():
                after[there] += share * chance
        if all(abs(after[state] - shares.get(state, 0)) < 1e-14 for state in after):
            break
        shares = dict(after)
    return sum(share * len(state) for state, share in shares.items()) / ports


def _next(state: State, ports: int) -> dict[State, float]:
    """Every wanted output serves one head, and whoever was served wants any output next."""
    left: dict[State, float] = {_sorted([number - 1 for number in state]): 1.0}
    for _ in state:
        thrown: defaultdict[State, float] = defaultdict(float)
        for waiting, share in left.items():
            for place, number in enumerate(waiting):
                thrown[_sorted([*waiting[:place], number + 1, *waiting[place + 1 :]])] += share / ports
            thrown[_sorted([*waiting, 1])] += share * (ports - len(waiting)) / ports
        left = dict(thrown)
    return left


def _sorted(numbers: list[int]) -> State:
    return tuple(sorted((number for number in numbers if number), reverse=True))
