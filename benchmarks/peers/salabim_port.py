"""The system of port.yaml as a salabim user would write it: a component a request; resources.

Written like simpy_port.py, its rule for places included.
"""

import random

import salabim as sim

from benchmarks.peers.answer import answer, means, numbers, pin, timed

sim.yieldless(False)


class Server:
    """Threads, places in the port, processors; `excess` counts places taken beyond the limit."""

    def __init__(self, threads: int, limit: int, processors: int) -> None:
        self.threads = sim.Resource("threads", capacity=threads, monitor=False)
        self.places = sim.Resource("places", capacity=limit, anonymous=True, monitor=False)
        self.processors = sim.Resource("processors", capacity=processors, monitor=False)
        self.excess = 0

    def give_place_up(self) -> None:
        """The thread waits elsewhere, or has ended its request."""
        if self.excess:
            self.excess -= 1
        else:
            self.places.release(1)


class Request(sim.Component):  # type: ignore[misc]
    """One request from its arrival to its end."""

    def setup(self, server, first, block, last, rows):  # type: ignore[no-untyped-def]
        """What was drawn for it (ns)."""
        self.server, self.first, self.block, self.last, self.rows = server, first, block, last, rows

    def process(self):  # type: ignore[no-untyped-def]
        """Compute, block, compute."""
        arrived = self.env.now()
        server = self.server
        yield self.request(server.threads)
        yield self.request(server.places)
        yield self.request(server.processors)
        began = self.env.now()
        yield self.hold(self.first)
        self.release(server.processors)
        server.give_place_up()
        yield self.hold(self.block)
        if server.places.available_quantity() >= 1:
            yield self.request(server.places)
        else:
            server.excess += 1
        yield self.request(server.processors)
        yield self.hold(self.last)
        self.release(server.processors)
        server.give_place_up()
        self.release(server.threads)
        self.rows.append((arrived, began, self.env.now()))


class Arrivals(sim.Component):  # type: ignore[misc]
    """Requests come whatever happens."""

    def setup(self, given, server, rows):  # type: ignore[no-untyped-def]
        """Rates (per ns)."""
        self.rates = [1 / given[name] for name in ("gap", "first", "block", "last")]
        self.server, self.rows = server, rows

    def process(self):  # type: ignore[no-untyped-def]
        """One after another."""
        draw = random.expovariate
        gap, first, block, last = self.rates
        while True:
            yield self.hold(draw(gap))
            Request(server=self.server, first=draw(first), block=draw(block), last=draw(last), rows=self.rows)


def main() -> None:
    """Time one run."""
    given = numbers()
    pin(int(given["core"]))
    random.seed(int(given["seed"]))
    env = sim.Environment(trace=False, random_seed=int(given["seed"]))
    server = Server(int(given["threads"]), int(given["limit"]), int(given["processors"]))
    rows: list[tuple[float, float, float]] = []
    Arrivals(given=given, server=server, rows=rows)
    loops, seconds = timed(lambda: env.run(till=given["duration"]))
    wait, latency, _ = means(int(given["duration"]), *zip(*rows, strict=True))
    answer(len(rows), loops, seconds, wait, latency, sim.__version__)


if __name__ == "__main__":
    main()
