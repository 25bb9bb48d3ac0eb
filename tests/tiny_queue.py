"""M/M/1 in a few lines of numpy, for tests of statistics that need many customers and no machine."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def waits(load: float, count: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Arrival and departure times of M/M/1 with mean service 1, from empty (Lindley's recursion, summed)."""
    arrivals = np.cumsum(generator.exponential(1 / load, count))
    services = generator.exponential(1.0, count)
    walk = np.concatenate([[0.0], np.cumsum(services[:-1] - np.diff(arrivals))])
    wait = walk - np.minimum(np.minimum.accumulate(walk), 0.0)
    return arrivals, arrivals + wait + services
