"""The system of port.yaml as a Cimba user would write it: a process a thread, a store of packets, places and processors.

Written like simpy_port.py, its rule for places included; what is said in cimba_mm4.py holds here too.
"""

import cimba as cb

from benchmarks.peers.answer import answer, numbers, pin, timed


class Port(cb.Model):  # type: ignore[misc]
    """Times in ns; requests that came in the measured part of the run are summed."""

    gap: cb.Param[float] = 0.0
    compute: cb.Param[float] = 0.0
    block: cb.Param[float] = 0.0
    finish: cb.Param[float] = 0.0
    first: cb.Param[float] = 0.0
    last: cb.Param[float] = 0.0
    packets: cb.Store[float]
    places: cb.Container = cb.Container(initial=4)
    processors: cb.Resource = cb.Resource(capacity=4)
    excess: cb.Output[int] = 0
    served: cb.Output[int] = 0
    counted: cb.Output[int] = 0
    waits: cb.Output[float] = 0.0
    latencies: cb.Output[float] = 0.0

    @cb.process
    def arrivals(self):  # type: ignore[no-untyped-def]
        """Requests come whatever happens."""
        while True:
            cb.hold(cb.random.exponential(self.gap))
            self.packets.put(cb.now())

    @cb.function  # type: ignore[untyped-decorator]
    def give_place_up(self) -> None:
        """The thread waits elsewhere, or has ended its request."""
        if self.excess > 0:
            self.excess -= 1
        else:
            self.places.put(1)

    @cb.process(copies=8)
    def thread(self):  # type: ignore[no-untyped-def]
        """Remove a packet, compute, block, compute, again."""
        while True:
            arrived = self.packets.get()
            self.places.get(1)
            self.processors.acquire(1)
            began = cb.now()
            cb.hold(cb.random.exponential(self.compute))
            self.processors.release(1)
            self.give_place_up()
            cb.hold(cb.random.exponential(self.block))
            if self.places.level() > 0:
                self.places.get(1)
            else:
                self.excess += 1
            self.processors.acquire(1)
            cb.hold(cb.random.exponential(self.finish))
            self.processors.release(1)
            self.give_place_up()
            self.served += 1
            if self.first <= arrived < self.last:
                self.counted += 1
                self.waits += began - arrived
                self.latencies += cb.now() - arrived


def experiment(given: dict[str, float], duration: float) -> tuple[Port, cb.Experiment]:
    """One trial of so many ns."""
    assert (given["threads"], given["limit"], given["processors"]) == (8, 4, 4)
    model = Port()
    model.gap, model.compute = given["gap"], float(given["first"])
    model.block, model.finish = float(given["block"]), float(given["last"])
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
