"""M/M/4 as a salabim user would write it: a component a customer, a resource.

Monitors are off, three numbers a customer are kept.
"""

import random

import salabim as sim

from benchmarks.peers.answer import answer, means, numbers, pin, timed

sim.yieldless(False)  # generators: faster than greenlets, and nothing more to install


class Customer(sim.Component):  # type: ignore[misc]
    """One customer from its arrival to its end."""

    def setup(self, servers, service, rows):  # type: ignore[no-untyped-def]
        """What it needs."""
        self.servers, self.service, self.rows = servers, service, rows

    def process(self):  # type: ignore[no-untyped-def]
        """Wait, be served, leave."""
        arrived = self.env.now()
        yield self.request(self.servers)
        began = self.env.now()
        yield self.hold(self.service)
        self.release()
        self.rows.append((arrived, began, self.env.now()))


class Arrivals(sim.Component):  # type: ignore[misc]
    """Customers come whatever happens."""

    def setup(self, gap, service, servers, rows):  # type: ignore[no-untyped-def]
        """Means (ns)."""
        self.gap, self.service, self.servers, self.rows = 1 / gap, 1 / service, servers, rows

    def process(self):  # type: ignore[no-untyped-def]
        """One after another."""
        draw = random.expovariate
        while True:
            yield self.hold(draw(self.gap))
            Customer(servers=self.servers, service=draw(self.service), rows=self.rows)


def main() -> None:
    """Time one run."""
    given = numbers()
    pin(int(given["core"]))
    random.seed(int(given["seed"]))
    env = sim.Environment(trace=False, random_seed=int(given["seed"]))
    servers = sim.Resource("servers", capacity=int(given["limit"]), monitor=False)
    rows: list[tuple[float, float, float]] = []
    Arrivals(gap=given["gap"], service=given["first"], servers=servers, rows=rows)
    loops, seconds = timed(lambda: env.run(till=given["duration"]))
    wait, latency, _ = means(int(given["duration"]), *zip(*rows, strict=True))
    answer(len(rows), loops, seconds, wait, latency, sim.__version__)


if __name__ == "__main__":
    main()
