"""M/M/4 as a Cimba user would write it: four server processes and one of arrivals around a store of arrival times.

The package `cimba` brings the Cimba C engine and compiles the model by Numba; that is done before the run is timed.
Lighter than iosim's accounting: it sums waits and latencies and keeps no row a request.
"""

import cimba as cb

from benchmarks.peers.answer import answer, numbers, pin, timed


class Mm4(cb.Model):  # type: ignore[misc]  # the package has types, but is not installed where types are checked
    """Times in ns; those that came in the measured part of the run are summed."""

    gap: cb.Param[float] = 0.0
    service: cb.Param[float] = 0.0
    first: cb.Param[float] = 0.0
    last: cb.Param[float] = 0.0
    queue: cb.Store[float]
    served: cb.Output[int] = 0
    counted: cb.Output[int] = 0
    waits: cb.Output[float] = 0.0
    latencies: cb.Output[float] = 0.0

    @cb.process
    def arrivals(self):  # type: ignore[no-untyped-def]
        """Customers come whatever happens."""
        while True:
            cb.hold(cb.random.exponential(self.gap))
            self.queue.put(cb.now())

    @cb.process(copies=4)
    def server(self):  # type: ignore[no-untyped-def]
        """Serve the oldest, again."""
        while True:
            arrived = self.queue.get()
            began = cb.now()
            cb.hold(cb.random.exponential(self.service))
            self.served += 1
            if self.first <= arrived < self.last:
                self.counted += 1
                self.waits += began - arrived
                self.latencies += cb.now() - arrived


def experiment(given: dict[str, float], duration: float) -> tuple[Mm4, cb.Experiment]:
    """One trial of so many ns."""
    assert given["limit"] == 4
    model = Mm4()
    model.gap, model.service = given["gap"], float(given["first"])
    model.first, model.last = duration / 4, duration * 0.9
    window = cb.Window(duration=duration)
    return model, cb.Experiment(model, replications=1, window=window, seed=int(given["seed"]))


def main() -> None:
    """Compile, then time one trial."""
    given = numbers()
    pin(int(given["core"]))
    experiment(given, 1e6)[1].run(workers=1)
    model, trial = experiment(given, float(given["duration"]))
    found = []
    loops, seconds = timed(lambda: found.append(trial.run(workers=1)))
    served, counted, waits, latencies = (
        float(getattr(found[0][model], name).values[0][0]) for name in ("served", "counted", "waits", "latencies")
    )
    version = f"{cb.__version__}, engine {cb.engine_version()}"
    answer(int(served), loops, seconds, waits / counted, latencies / counted, version)


if __name__ == "__main__":
    main()
