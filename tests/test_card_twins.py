"""The exact moderation of interrupts beside a card, where the scenario satisfies what it assumes."""

from typing import Any

import pytest

import iosim
from iosim.scenario.loader import Scenario
from iosim.theory import delay_timer, throttle_gap
from iosim.twins.cards import card_twin

PLAIN = """\
version: 1
scenario: moderated
machine: {cores_per_node: 2, tcp: {receive: 0 ns}}
nics:
  nic0:
    link: 100 Gbit/s
    interrupt_moderation: 50 us
    rss: {enabled: false}
    costs: {isr: 0 ns, dpc: 0 ns, receive: 0 ns}
ports: {main: {}}
pools: {workers: {port: main, threads: 4}}
handlers: {take: [{recv: {size: 512 B}}]}
workload: {feed: {kind: open, nic: nic0, protocol: udp, rate: 100000/s, connections: 16, request: 64 B, handler: take}}
run: {duration: 60 ms, warm_up: 2 ms, replications: 4}
"""


@pytest.fixture
def scenario(tmp_path: Any) -> Scenario:
    path = tmp_path / "s.yaml"
    path.write_text(PLAIN)
    found: Scenario = iosim.load(path)
    return found


def test_the_formulas_give_their_published_values() -> None:
    """Numbers 3: interrupts a second, batch and wait (us)."""
    interrupts, batch, wait = throttle_gap(0.1, 50)
    assert (1e6 * interrupts, batch, wait) == pytest.approx((19973.1, 5.007, 24.966), rel=1e-4)
    assert delay_timer(0.1, 20)[2] == pytest.approx(13.333, rel=1e-4)


def test_a_card_whose_assumptions_hold_interrupts_as_the_formula_says(scenario: Scenario) -> None:
    twin = iosim.run(scenario, jobs=1).summary["theory"]["nics"]["nic0"]["twin"]
    for name, expected in (("interrupts_per_s", 19973.1), ("frames_per_interrupt", 5.007)):
        assert twin["says"][name]["theory"] == pytest.approx(expected, rel=1e-4)
        assert twin["says"][name]["model"]["value"] == pytest.approx(expected, rel=0.05)


def test_a_delay_timer_has_a_formula_of_its_own(scenario: Scenario) -> None:
    changed = scenario.with_set({"nics.nic0.interrupt_moderation": {"mode": "delay", "delay": "20 us"}})
    assert card_twin(changed, "nic0")["says"]["frames_per_interrupt"] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("nics.nic0.costs.isr", "1 us", "serving an interrupt takes time"),
        ("nics.nic0.interrupt_moderation", "adaptive", "not held back for a fixed time"),
        ("nics.nic0.rss.enabled", True, "several queues interrupt"),
        ("workload.feed.arrivals", "constant", "arrivals are not Poisson"),
        ("workload.feed.protocol", "tcp", "acknowledgements come between"),
        ("handlers.take", [{"recv": {"size": "512 B"}}, {"send": "64 B"}], "what has been sent interrupts, too"),
    ],
)
def test_the_first_assumption_that_fails_is_told(scenario: Scenario, path: str, value: Any, why: str) -> None:
    twin = card_twin(scenario.with_set({path: value}), "nic0")
    assert twin["kind"] == "none" and why in twin["why"]
