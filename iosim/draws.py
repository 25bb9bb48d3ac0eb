"""Random numbers of a scenario's workloads: each has a stream of its own, by name, and one number a request."""

from iosim.scenario.distributions import Distribution
from iosim.scenario.load import ClosedLoad
from iosim.scenario.schema import ScenarioModel
from iosim.streams import Streams, Transform, empirical, exponential, lognormal, pareto, table, uniform
from iosim.variates import Constant, Variate


class Draws:
    """Makes variates. Handlers that differ in their processor alone share them."""

    def __init__(self, model: ScenarioModel, streams: Streams) -> None:
        self.model = model
        self.streams = streams
        self.variates: dict[str, Variate] = {}

    def variate(self, it: Distribution, workload: str, index: int, what: str) -> Variate:
        if it.shape == "fixed":
            return Constant(it.values[0])
        return self.draw(f"{workload}.{index}.{what}", transform_of(it))

    def draw(self, name: str, transform: Transform) -> Variate:
        if name not in self.variates:  # else the handler is another processor's
            load = self.model.workload[name.split(".")[0]]
            if isinstance(load, ClosedLoad):
                self.variates[name] = self.streams.closed(name, transform, load.clients * load.outstanding)
            else:
                self.variates[name] = self.streams.open(name, transform)
        return self.variates[name]


def transform_of(it: Distribution) -> Transform:
    """The pinned transform of a described distribution."""
    values = [float(value) for value in it.values]
    if it.shape == "exponential":
        return exponential(values[0])
    if it.shape == "uniform":
        return uniform(values[0], values[1])
    if it.shape == "lognormal":
        return lognormal(values[0], it.numbers[0])
    if it.shape == "pareto":
        return pareto(values[0], it.numbers[0])
    if it.shape == "choice":
        total = [sum(it.numbers[: k + 1]) for k in range(len(it.numbers))]
        return table(values, total)
    return empirical(values, list(it.numbers))
