"""A SimPy program of a system; `style=simpy` is the idiomatic one, `style=economical` the other."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import cast

import simpy

from benchmarks.peers.answer import answer, means, pin, timed, words
from benchmarks.peers.draws import Chance, by_random
from benchmarks.peers.simpy_port import Log
from benchmarks.systems import scenario_of
from iosim.scenario.loader import Scenario

Builder = Callable[[Scenario, Chance], tuple[simpy.Environment, Log]]


def builder_of(style: str, system: str) -> Builder:
    """The program's `build`."""
    return cast(Builder, import_module(f"benchmarks.peers.{style}_{system}").build)


def main() -> None:
    """Time one run."""
    given = words()
    pin(int(given["core"]))
    scenario = scenario_of(given["system"], int(given["milliseconds"]))
    duration = scenario.model.run.duration
    env, log = builder_of(given["style"], given["system"])(scenario, by_random(int(given["seed"])))
    loops, seconds = timed(lambda: env.run(until=duration))
    wait, latency, _ = means(duration, log.arrived, log.began, log.ended)
    answer(len(log.ended), loops, seconds, wait, latency, version("simpy"))


if __name__ == "__main__":
    main()
