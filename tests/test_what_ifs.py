"""Around a plan: parts lost, growth, inputs that are known only so well, and what is cheapest."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim.buying import cheapest
from iosim.cli import main
from iosim.errors import WrongInput
from iosim.planning import Plan
from iosim.statistics import Estimate
from iosim.unknowns import Unknown
from iosim.what_ifs import losses, lost, month_it_breaks, parse_growth, parse_input, uncertainty

SERVER = """
version: 1
scenario: small-server
description: Evenly spaced requests of 1 ms on a few processors.
machine: {cores_per_node: 4, numa_nodes: 2}
disks: {d0: {preset: nvme-datacentre-flash}, d1: {preset: nvme-datacentre-flash}}
volumes: {data: {disks: [d0, d1], layout: stripe}}
ports: {main: {concurrency: 0}}
pools: {workers: {port: main, threads: 8}}
handlers: {request: [{compute: 1 ms}]}
workload: {web: {kind: open, port: main, handler: request, rate: 1500/s, arrivals: constant}}
run: {duration: 100 ms, warm_up: 10 ms, seed: 1, replications: 10}
"""


@pytest.fixture
def server(tmp_path: Path) -> iosim.Scenario:
    (tmp_path / "it.yaml").write_text(SERVER)
    return iosim.load(tmp_path / "it.yaml")


def answered(
    scenario: iosim.Scenario, value: float, half: float = 10.0, today: float = 100.0, largest: bool = True
) -> Plan:
    """A plan with this answer, made up."""
    it = Unknown("workload.web.rate", ("workload.web.rate",), today, "/s", False, "largest" if largest else "smallest")
    answer = Estimate(value, value - half, value + half, 10)
    return Plan(scenario, it, ["mean < 1 ms"], 1, verdict="met", answer=answer, recommended=answer.low)


def test_a_lost_part_is_one_less_of_it(server: iosim.Scenario) -> None:
    assert lost(server, "processor") == {"machine.cores_per_node": 3}
    assert lost(server, "node") == {"machine.numa_nodes": 1}
    assert lost(server, "disk") == {"volumes.data.disks": ["d0"]}
    assert lost(server, "disk d0") == {"volumes.data.disks": ["d1"]}
    assert lost(server, "ports.main.concurrency=2") == {"ports.main.concurrency": "2"}


@pytest.mark.parametrize("part", ["queue", "disk d7", "fan", "node"])
def test_what_is_not_there_or_is_the_last_can_not_be_lost(server: iosim.Scenario, part: str) -> None:
    with pytest.raises(WrongInput, match="--lose"):
        lost(server.with_set({"machine.numa_nodes": 1}), part)


def test_each_loss_has_an_answer_of_its_own(server: iosim.Scenario) -> None:
    rows = losses(lambda it: answered(it, 100.0 * it.model.machine.cores_per_node), server, ["processor"])
    assert rows[0]["answer"] == {"value": 300, "ci95": [290, 310]}
    assert (rows[0]["recommended"], rows[0]["headroom"]["value"]) == ("290/s", pytest.approx(1.9))


def test_growth_uses_the_safe_value_up_in_an_interval_of_months(server: iosim.Scenario) -> None:
    """A safe value of 190 and an answer of 190 to 210, for a load of 100 that grows by 2 to 4 % a month."""
    found = month_it_breaks(answered(server, 200), parse_growth("2 %..4 %"))
    assert found is not None
    assert found["months"]["ci95"] == pytest.approx([16.37, 37.47], rel=1e-3)
    assert found["months"]["ci95"][0] < found["months"]["value"] < found["months"]["ci95"][1]
    assert month_it_breaks(answered(server, 80), (0.02, 0.02))["months"]["value"] == 0  # type: ignore[index]
    assert month_it_breaks(answered(server, 200, largest=False), (0.02, 0.02)) is None


def test_months_are_counted_from_what_is_signed_and_not_told_where_nothing_is(server: iosim.Scenario) -> None:
    """At 3 % a month 100 are 180 after 19.9 months; what nobody has confirmed is no promise."""
    signed = replace(answered(server, 200), recommended=180.0)
    found = month_it_breaks(signed, (0.03, 0.03))
    assert found is not None
    assert found["months"]["value"] == pytest.approx(19.885, abs=1e-3)
    assert found["months"]["ci95"] == pytest.approx([19.885, 25.10], abs=1e-2)
    assert month_it_breaks(replace(signed, verdict="undecided"), (0.03, 0.03)) is None


def test_months_to_the_end_of_a_scan_are_a_bound(server: iosim.Scenario) -> None:
    found = month_it_breaks(replace(answered(server, 200), bound="at least"), (0.02, 0.04))
    assert found is not None
    assert (found["bound"], found["months"]["ci95"]) == ("at least", None)


@pytest.mark.parametrize("text", ["fast", "0 %", "4 %..2 %", "-1 %"])
def test_growth_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WrongInput, match="--growth"):
        parse_growth(text)


def test_uncertain_inputs_widen_the_interval(server: iosim.Scenario) -> None:
    """Simulation +-3, the input +-4: together +-5."""

    def again(it: iosim.Scenario) -> Plan:
        return answered(it, 100 + (4 if it.get("pools.workers.threads") == 9 else -4))

    found = uncertainty(again, server, answered(server, 100, half=3), ["pools.workers.threads=7..9"])
    assert found["answer"] == {"value": 100, "ci95": pytest.approx([95, 105])}
    assert found["inputs"][0]["answers"] == [96, 104]
    with pytest.raises(WrongInput, match=r"LOW\.\.HIGH"):
        parse_input("pools.workers.threads=7")


def test_the_cheapest_design_is_the_first_that_meets_it(server: iosim.Scenario) -> None:
    """1,500 a second of 1 ms keep 1.5 processors busy: one is too few, and dearer designs are not even run."""
    one = server.with_set({"machine.numa_nodes": 1})
    vary = {"machine.cores_per_node": [4, 1, 2], "pools.workers.threads": [8]}
    prices = {"machine.cores_per_node": 100.0, "pools.workers.threads": 0.5}
    found = cheapest(one, "mean wait < 0.5 ms", vary, prices, jobs=1)
    assert [(it.cell["machine.cores_per_node"], it.cost, it.verdict) for it in found] == [
        (1, 104.0, "missed"),
        (2, 204.0, "met"),
    ]
    with pytest.raises(WrongInput, match="--price pools"):
        cheapest(one, "mean wait < 0.5 ms", vary, {"machine.cores_per_node": 1.0})


def test_the_command_refuses_what_can_not_be_asked(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "it.yaml").write_text(SERVER)
    base = ["plan", str(tmp_path / "it.yaml"), "--slo", "p99 < 5 ms", "--find", "workload.web.rate"]
    for option in (["--growth", "fast"], ["--lose", "fan"], ["--input", "run.seed=1"]):
        assert main([*base, *option, "--out", str(tmp_path / "out")]) == 2
        assert option[0] in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
