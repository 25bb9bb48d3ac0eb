"""Theory beside a run: formulas where the scenario satisfies their assumptions, and the first one that fails elsewhere."""

import math
from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim.scenario.distributions import Distribution
from iosim.scenario.loader import Scenario, load
from iosim.scenario.sources import bundled_directory
from iosim.tables import plain
from iosim.theory_tables import theory_tables
from iosim.twins.disks import disk_twin
from iosim.twins.formulas import port_twin, system_twin
from iosim.twins.moments import Moments, mixed, moments_of, summed

FREE = """\
version: 1
scenario: queue
machine:
  cores_per_node: 4
  dispatcher: {context_switch: 0 ns}
  kernel: {remove: 0 ns, post: 0 ns}
ports: {main: {concurrency: 4}, second: {concurrency: 1}}
pools: {workers: {port: main, threads: 8}, others: {port: second, threads: 1}}
handlers: {serve: [compute: {exponential: 1 ms}]}
workload: {all: {kind: open, port: main, handler: serve, rate: 2400/s}}
run: {duration: 8 s, warm_up: 1 s, replications: 5}
"""
COMPUTE = {"compute": {"exponential": "1 ms"}}


@pytest.fixture
def scenario(tmp_path: Path) -> Any:
    """The free port with four servers, changed as asked."""
    path = tmp_path / "queue.yaml"
    path.write_text(FREE.replace("cores_per_node: 4", "cores_per_node: 8"), encoding="utf-8")

    def change(**changes: Any) -> Scenario:
        return load(path, {name.replace("__", "."): value for name, value in changes.items()})

    return change


def closed(clients: int, **more: Any) -> dict[str, Any]:
    think = {"exponential": "10 ms"}
    return {"all": {"kind": "closed", "port": "main", "handler": "serve", "clients": clients, "think": think, **more}}


# ---- what is assumed -------------------------------------------------------------------------------------------------

FAILS: list[tuple[dict[str, Any], str]] = [
    ({"workload__all__arrivals": "constant"}, "evenly spaced"),
    ({"handlers__serve": [COMPUTE, {"block": "1 ms"}]}, "blocks its thread"),
    ({"handlers__serve": [{"compute": {"time": "1 ms", "touching": "64 KiB"}}]}, "warm or cold"),
    ({"handlers__serve": [{"compute": "1 ms"}]}, "not exponential, and there are 4 servers"),
    ({"workload__all__rate": "4000/s"}, "no steady state: each server's load is 1"),
    ({"machine__cores_per_node": 3}, "than there are processors (3)"),
    ({"machine__smt": {"threads": 2}}, "hyper-threads"),
    ({"machine__kernel__port_lock": "100 ns"}, "the port's own lock"),
    ({"ports__main__per": "processor"}, "a port for each processor"),
    ({"pools__workers__grows": {"max": 20}}, "pool 'workers' grows"),
    ({"pools__workers__batch": 4}, "in batches"),
    ({"pools__workers__affinity": "processor"}, "tied to processors"),
    (
        {"handlers__serve": [{"compute": {"pareto": {"scale": "1 us", "shape": 1.5}}}], "ports__main__concurrency": 1},
        "no sec",
    ),
]


@pytest.mark.parametrize(("changes", "why"), FAILS)
def test_the_first_assumption_that_fails_is_named(scenario: Any, changes: dict[str, Any], why: str) -> None:
    twin = port_twin(scenario(**changes), "main")
    assert (twin["formula"], twin["says"]) == (None, {})
    assert why in twin["why"]


def test_a_port_that_nobody_uses_has_no_formula(scenario: Any) -> None:
    assert port_twin(scenario(), "second")["why"] == "no request goes there"


HOLDS: list[tuple[dict[str, Any], str, float]] = [
    ({}, "M/M/4", 0.0),
    ({"ports__main__concurrency": 8, "pools__workers__threads": 3}, "M/M/3", 0.0),
    ({"ports__main__concurrency": 1, "workload__all__rate": "500/s"}, "M/M/1", 1e6),
    (
        {"ports__main__concurrency": 1, "workload__all__rate": "500/s", "handlers__serve": [{"compute": "1 ms"}]},
        "M/D/1",
        5e5,
    ),
]


@pytest.mark.parametrize(("changes", "formula", "wait"), HOLDS)
def test_a_port_without_costs_has_the_formula_of_its_servers(
    scenario: Any, changes: dict[str, Any], formula: str, wait: float
) -> None:
    twin = port_twin(scenario(**changes), "main")
    assert (twin["formula"], twin["kind"], twin["why"]) == (formula, "exact", "")
    assert not wait or twin["says"]["wait_ns"] == pytest.approx(wait)


def test_waking_a_thread_makes_one_server_exceptional_and_several_an_envelope(scenario: Any) -> None:
    """With a switch cost a port that releases the newest thread pays only when one is woken."""
    costs = {"machine__dispatcher__context_switch": "100 us", "machine__kernel__remove": "50 us"}
    one = port_twin(scenario(ports__main__concurrency=1, workload__all__rate="500/s", **costs), "main")
    assert one["formula"] == "M/G/1, exceptional first service"
    assert one["says"]["wait_ns"] == pytest.approx(1158960, rel=1e-6)
    four = port_twin(scenario(**costs), "main")
    low, high = four["says"]["wait_ns"]
    assert (four["formula"], four["kind"]) == ("M/M/4", "envelope")
    assert low == pytest.approx(port_twin(scenario(), "main")["says"]["wait_ns"])
    assert high > low


def test_a_port_behind_a_port_is_one_too_where_streams_stay_poisson(scenario: Any) -> None:
    rest = [{"post": {"port": "second"}}, {"compute": {"exponential": "0.2 ms"}}]
    assert port_twin(scenario(handlers__serve=[COMPUTE, *rest]), "second")["formula"] == "M/M/1"
    fixed = scenario(handlers__serve=[{"compute": "1 ms"}, *rest])
    assert "comes from a port whose services" in port_twin(fixed, "second")["why"]


def test_disks_of_bundled_scenarios_say_what_stands_against_a_formula() -> None:
    assert "the arm and the platter" in disk_twin(load("ncq-depth"), "data")["why"]
    assert "has a fixed number of clients" in disk_twin(load("nvme-queues"), "flash")["why"]
    assert "replayed" in disk_twin(load("database-trace"), "array")["why"]


@pytest.mark.parametrize("name", [path.stem for path in sorted(bundled_directory().glob("*.yaml"))])
def test_every_queue_of_every_bundled_scenario_has_a_formula_or_a_reason(name: str) -> None:
    it = load(name)
    twins = [port_twin(it, port) for port in it.model.ports] + [disk_twin(it, disk) for disk in it.model.disks]
    assert all(twin["formula"] or twin["why"] for twin in [system_twin(it), *twins])


# ---- beside a run ----------------------------------------------------------------------------------------------------


def twin_of(it: Scenario, seed: int = 1) -> Any:
    return iosim.run(it, seed=seed, jobs=1).summary["theory"]


def near(says: dict[str, Any], share: float) -> bool:
    return bool(abs(says["model"]["value"] / says["theory"] - 1) < share)


def test_m_m_4_and_both_laws_hold_in_a_run(scenario: Any) -> None:
    found = twin_of(scenario())
    port = found["ports"]["main"]
    assert near(port["twin"]["says"]["wait_ns"], 0.1)
    assert abs(port["little"]["difference"]) < 0.001
    assert abs(found["system"]["little"]["difference"]) < 0.001
    busy = port["utilization"]
    assert busy["servers"] == 4
    assert busy["utilization"]["value"] == pytest.approx(busy["law"]["value"], rel=0.02)
    assert busy["demand_ns"]["value"] == pytest.approx(1e6, rel=0.02)


def test_closed_clients_are_machine_repair_or_a_network(scenario: Any) -> None:
    repair = twin_of(scenario(workload=closed(16)))
    says = repair["system"]["twin"]["says"]
    assert repair["system"]["twin"]["formula"] == "machine repair"
    assert says["throughput_per_s"]["theory"] == pytest.approx(1452.57, abs=0.01)
    assert near(says["throughput_per_s"], 0.03)
    assert near(says["latency_ns"], 0.03)
    posts = [COMPUTE, {"post": {"port": "second"}}, {"compute": {"exponential": "0.3 ms"}}]
    network = twin_of(scenario(workload=closed(24), handlers__serve=posts))
    assert network["system"]["twin"]["formula"] == "closed network, product form"
    assert near(network["system"]["twin"]["says"]["throughput_per_s"], 0.03)
    assert near(network["ports"]["second"]["twin"]["says"]["wait_ns"], 0.1)


def test_closed_clients_that_pay_for_waking_threads_have_none(scenario: Any) -> None:
    it = scenario(workload=closed(16), machine__dispatcher__context_switch="1 us")
    assert "waking a thread costs something" in port_twin(it, "main")["why"]


def test_threads_that_pre_empt_each_other_on_one_processor(scenario: Any) -> None:
    """Numbers 8: rates 0.3 and 0.5, all services 1: 1.428571 and 7.142857."""
    changes: dict[str, Any] = {
        "machine__cores_per_node": 1,
        "machine__dispatcher__quantum": "1000 s",
        "ports__main__concurrency": 1,
        "pools__workers__priority": 10,
        "pools__workers__threads": 1,
        "workload": {
            "urgent": {"kind": "open", "port": "main", "handler": "serve", "rate": "300/s"},
            "rest": {"kind": "open", "port": "second", "handler": "serve", "rate": "500/s"},
        },
        "run__duration": "60 s",
    }
    says = twin_of(scenario(**changes))["system"]["twin"]["says"]
    assert says["classes.urgent.latency_ns"]["theory"] == pytest.approx(1.428571e6, rel=1e-6)
    assert says["classes.rest.latency_ns"]["theory"] == pytest.approx(7.142857e6, rel=1e-6)
    assert near(says["classes.urgent.latency_ns"], 0.03)
    assert near(says["classes.rest.latency_ns"], 0.1)


def test_the_tables_show_both_sides_of_the_laws_and_each_reason_once(scenario: Any) -> None:
    it = scenario(handlers__serve=[COMPUTE, {"block": "1 us"}], run__duration="1 s")
    laws, _, formulas, reasons = theory_tables(iosim.run(it, jobs=1).summary)
    assert [row[0] for row in laws.rows] == ["system", "processors", "ports.main", "ports.second"]
    assert formulas.rows == []
    assert [row[0] for row in reasons.rows] == ["system", "ports.main and 1 more"]
    assert "assumptions that fail" in plain(reasons)
    shown = theory_tables(iosim.run(scenario(run__duration="1 s"), jobs=1).summary)[2]
    assert [row[:3] for row in shown.rows] == [["ports.main", "M/M/4", "wait"]]


# ---- moments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "values", "numbers", "mean", "second"),
    [
        ("fixed", (3,), (), 3, 9),
        ("exponential", (3,), (), 3, 18),
        ("uniform", (2, 4), (), 3, 28 / 3),
        ("lognormal", (2,), (1.0,), 2 * math.exp(0.5), 4 * math.exp(2)),
        ("pareto", (2,), (3.0,), 3, 12),
        ("choice", (1, 10), (0.9, 0.1), 1.9, 10.9),
        ("empirical", (2, 4), (0.0, 1.0), 3, 28 / 3),
    ],
)
def test_moments_of_every_shape(
    shape: str, values: tuple[int, ...], numbers: tuple[float, ...], mean: float, second: float
) -> None:
    found = moments_of(Distribution(shape, values, numbers))
    assert (found.mean, found.second) == pytest.approx((mean, second))
    assert found.exponential == (shape == "exponential")
    assert found.fixed == (shape == "fixed")


def test_moments_of_sums_and_mixtures() -> None:
    """Variances add up; a mixture has the mean of the moments."""
    one, two = Moments(1, 2, exponential=True), Moments(2, 4)
    assert summed([one, two]) == Moments(3, 10)
    assert summed([one]) == one
    assert one.plus(1) == Moments(2, 5)
    assert mixed([(1, one), (3, two)]) == Moments(1.75, 3.5)
    assert mixed([(1, one), (3, one)]).exponential
