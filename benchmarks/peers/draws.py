"""What the twins draw: with Python's `random`, as a SimPy user would, or the very numbers that iosim draws."""

import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import TypeAlias

from iosim.scenario.distributions import Distribution
from iosim.streams import Streams, Transform, exponential, whole

Draw: TypeAlias = Callable[[], float]  # the next request's number
Chance: TypeAlias = Callable[[str, Distribution], Draw]  # by the name of the stream and what it draws


def by_random(seed: int) -> Chance:
    """Each draw from one generator of Python's."""
    generator = random.Random(seed)

    def draw(name: str, it: Distribution) -> Draw:
        if it.shape == "exponential":
            rate = 1 / it.values[0]
            return lambda: generator.expovariate(rate)
        if it.shape == "choice":  # of all whole numbers below the value: see `places`
            return lambda: generator.randrange(it.values[0])
        return lambda: it.values[0]

    return draw


def by_streams(seed: int, replication: int) -> Chance:
    """The numbers that iosim draws in this replication, request by request."""
    streams = Streams(seed, replication)

    def draw(name: str, it: Distribution) -> Draw:
        if it.shape == "fixed":
            return lambda: it.values[0]
        transform: Transform = whole(it.values[0]) if it.shape == "choice" else exponential(it.values[0])
        return iter(_values(streams, name, transform)).__next__

    return draw


def _values(streams: Streams, name: str, transform: Transform) -> Iterator[int]:
    variate = streams.open(name, transform)
    for index in count():
        yield variate.value(index)


def every(mean: float) -> Distribution:
    """Gaps of this mean (ns), which need not be whole."""
    return Distribution("exponential", (mean,))  # type: ignore[arg-type]


def places(number: int) -> Distribution:
    """One of 0 to `number` - 1, all as likely."""
    return Distribution("choice", (number,))
