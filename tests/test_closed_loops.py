"""Closed load tells what it made of itself: the interactive law, and how much it asked for less."""

import pytest

import iosim

FREE = {"machine.memory.l3": "0 ns", "machine.memory.local": "0 ns"}
TINY = {**FREE, "run.duration": "100 ms", "run.warm_up": "20 ms", "run.replications": 2}


def loop_of(**changes: object) -> tuple[dict[str, float], list[str]]:
    scenario = iosim.load("thread-thrashing", set={**TINY, **changes})
    summary = iosim.run(scenario, study=False, jobs=1).summary
    return summary["classes"]["clients"]["closed_load"], summary["warnings"]


def test_clients_are_as_many_as_the_interactive_law_says() -> None:
    loop, _ = loop_of(**{"workload.clients.clients": 12, "workload.clients.think": "1 ms"})
    assert loop["clients"] == 12
    assert loop["clients_by_law"] == pytest.approx(12, rel=0.05)
    assert loop["think_ns"] == 1_000_000


def test_few_clients_that_think_for_long_hardly_hold_back() -> None:
    loop, warnings = loop_of(
        **{"workload.clients.clients": 2, "workload.clients.think": "20 ms", "run.duration": "400 ms"}
    )
    assert loop["self_throttled"] < 0.05
    assert not any("self-throttled" in warning for warning in warnings)


def test_many_clients_that_do_not_think_are_told_to_hold_themselves_back() -> None:
    """320 clients, whose requests take 480 us each when they are alone, on four processors: 1 - 4 * 480 / (180 * 320)."""
    loop, warnings = loop_of()
    assert loop["self_throttled"] > 0.9
    assert any("'clients' is closed and self-throttled" in warning for warning in warnings)
