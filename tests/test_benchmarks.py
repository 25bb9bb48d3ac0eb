"""The peers' programs are the systems that iosim simulates, and the verdict over pairs is the one that README.md describes."""

import shutil
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
sys.path.insert(0, str(CHECKOUT))  # benchmarks is no part of the package: it runs from the checkout

from benchmarks import sizes  # noqa: E402
from benchmarks.agreement import (  # noqa: E402
    Comparison,
    cpp_with_the_same_draws,
    erlang_wait,
    samples_of,
    with_draws_of_their_own,
    with_the_formula,
    with_the_same_draws,
)
from benchmarks.install import Missing, program_of, python_with  # noqa: E402
from benchmarks.pairs import TARGETS, Field, Sample, Sampler, Target, met, rank_of, table, targets_of, unjudged  # noqa: E402
from benchmarks.registry import CIW, CPP, ECONOMICAL, IOSIM, PLAIN, SIMPY, WAITS, Engine, prepared  # noqa: E402
from benchmarks.systems import TITLES, scenario_of  # noqa: E402

PROGRAMS = [(twin.name, system) for system in TITLES for twin in (SIMPY, ECONOMICAL) if system not in twin.lacks]
SHORT = {"echo": 50}  # ms; 200 of others
CLOSENESS = {
    "mm4": 1e-9,
    "port": 5e-4,
    "file": 0.01,
    "echo": 0.01,
}  # share of the mean; the modules say what they leave out
needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="no g++")


@pytest.fixture(scope="module")
def sampler(tmp_path_factory: pytest.TempPathFactory) -> Sampler:
    """Nothing is pinned here; what is compiled goes into a directory of the test's own."""
    return Sampler(-1, tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(("style", "system"), PROGRAMS)
def test_a_twin_with_the_same_draws_has_the_same_waits(style: str, system: str) -> None:
    """A ratio of speeds means nothing between two systems."""
    scenario = scenario_of(system, SHORT.get(system, 200))
    for comparison in with_the_same_draws(style, system, scenario, scenario):
        assert abs(comparison.difference) < CLOSENESS[system] * comparison.iosim, str(comparison)


@needs_compiler
@pytest.mark.parametrize("system", [it for it in TITLES if it not in CPP.lacks])
def test_the_same_draws_give_the_same_times_in_cpp(system: str, sampler: Sampler) -> None:
    """Interrupts, DPCs and all, to the nanosecond: the C++ program simulates what iosim does, and no less."""
    for comparison in cpp_with_the_same_draws(system, sampler):
        assert abs(comparison.difference) < 1e-3, str(comparison)  # ns of a mean that is printed to six digits


ECHO_CHANGES = [
    ("nics.nic.interrupt_moderation", "80 us"),
    ("nics.nic.costs.receive", "3 us"),
    ("workload.clients.round_trip", "120 us"),
    ("workload.clients.connections", 8),
]


@pytest.mark.parametrize(("path", "value"), ECHO_CHANGES)
def test_a_twin_of_another_network_is_found_out(path: str, value: object) -> None:
    scenario = scenario_of("echo", 30)
    found = with_the_same_draws("simpy", "echo", scenario, scenario.with_set({path: value}))
    assert not all(abs(it.difference) < CLOSENESS["echo"] * it.iosim for it in found), [str(it) for it in found]


@pytest.mark.parametrize("style", ["simpy", "economical"])
@pytest.mark.parametrize(
    ("system", "path", "value"),
    [
        ("mm4", "ports.main.concurrency", 3),
        ("port", "ports.main.concurrency", 3),
        ("port", "pools.workers.threads", 6),
        ("port", "machine.cores_per_node", 5),
        ("file", "ports.main.concurrency", 3),
        ("file", "machine.dispatcher.context_switch", "0 us"),
        ("file", "machine.kernel.dpc", "2 us"),
        ("file", "disks.disk.units", 24),
    ],
)
def test_a_twin_of_another_system_is_found_out(style: str, system: str, path: str, value: object) -> None:
    """The tests above can fail, and every one of these parameters reaches the twin."""
    scenario = scenario_of(system, 100)
    found = with_the_same_draws(style, system, scenario, scenario.with_set({path: value}))
    assert not all(abs(it.difference) < CLOSENESS[system] * it.iosim for it in found), [str(it) for it in found]


@pytest.mark.agreement
@pytest.mark.timeout(1800)  # minutes of processor time, on whatever machine
@pytest.mark.parametrize("system", TITLES)
def test_twin_and_iosim_agree_with_draws_of_their_own(system: str, sampler: Sampler) -> None:
    """The same draws could hide the same mistake in how something is drawn."""
    milliseconds = {"mm4": 4000, "port": 3000, "file": 1000, "echo": 300}[system]
    ours = samples_of(PLAIN, system, milliseconds, 10, sampler)
    for comparison in with_draws_of_their_own(system, ours, samples_of(SIMPY, system, milliseconds, 10, sampler)):
        assert comparison.sharp and comparison.agrees, str(comparison)
    if system == "mm4":
        comparison = with_the_formula(ours, scenario_of(system, milliseconds))
        assert comparison.sharp and comparison.agrees, str(comparison)


def test_the_formula_is_that_of_one_server_where_there_is_one() -> None:
    """M/M/1 at load 1/2: as long a wait as a service."""
    assert erlang_wait(1, 0.5, 10.0) == pytest.approx(10.0)
    assert erlang_wait(4, 3.2, 40.0) == pytest.approx(29.82, abs=0.01)


def test_a_wide_interval_agrees_but_is_not_sharp() -> None:
    """An interval that holds everything proves nothing."""
    blunt = Comparison("wait", 100.0, 90.0, 20.0)
    assert blunt.agrees and not blunt.sharp
    assert not Comparison("wait", 100.0, 95.0, 2.0).agrees


def test_the_fourth_smallest_of_fifteen_judges() -> None:
    """Chance alone puts it above the true median in 1.8 % of all cases, the fifth in 5.9 %."""
    assert [rank_of(pairs) for pairs in (1, 5, 6, 9, 15, 25)] == [1, 1, 1, 2, 4, 8]


def sample(rate: float) -> Sample:
    """Of a second."""
    return Sample(round(rate), 1.0, 100.0, 200.0, 1e7)


@pytest.mark.parametrize("target", TARGETS, ids=lambda it: f"{it.system}-{it.ours.name}-{it.theirs.name}")
def test_a_target_is_judged_by_its_low_ratios_not_by_its_median(target: Target) -> None:
    """Eleven good pairs of fifteen do not yet show a target to be met."""
    ratio = target.ratio
    good, bad = sample(100_000 * ratio * 1.1), sample(100_000 * ratio * 0.9)
    for bads, expected in ((3, True), (4, False)):
        found = Field(target.system)
        found.samples[target.ours.name] = [bad] * bads + [good] * (15 - bads)
        found.samples[target.theirs.name] = [sample(100_000)] * 15
        assert met(found, target) is expected


def test_the_table_says_what_was_measured_what_was_skipped_and_what_was_not_judged() -> None:
    """A reader must not take a missing row for a met target."""
    found = Field("port")
    found.samples = {PLAIN.name: [sample(300)] * 6, SIMPY.name: [sample(100)] * 6}
    found.missing = {IOSIM.name: "iosim runs in plain Python here"}
    lines = list(table(found))
    assert any("iosim, compiled" in line and "skipped: iosim runs in plain Python here" in line for line in lines)
    assert any("SimPy, idiomatic" in line and "3 (3)" in line and "plain 2.5: met" in line for line in lines)
    assert [it.ours for it in targets_of(found)] == [PLAIN] and len(unjudged(found)) == 2


def test_a_peer_that_can_not_be_had_is_skipped_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler, no package, no program of this system: none of them stops the others."""
    with pytest.raises(Missing, match="holds one server at a time"):
        prepared(CIW, "port", tmp_path)
    with pytest.raises(Missing, match="pip found no"):
        monkeypatch.setattr("benchmarks.install.venv.create", lambda *_args, **_more: None)
        python_with("no-such-package", tmp_path)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing, match="no C\\+\\+ compiler"):
        program_of("mm4", tmp_path)


@pytest.mark.parametrize(
    ("engine", "system"),
    [(PLAIN, "mm4"), (PLAIN, "file"), (WAITS, "port"), (SIMPY, "mm4"), (ECONOMICAL, "file")],
    ids=lambda it: it if isinstance(it, str) else it.name,
)
def test_a_sample_counts_what_it_timed(engine: Engine, system: str, sampler: Sampler) -> None:
    """Each sample is a process of its own."""
    found = sampler.run(engine, system, 20, 1)
    assert 1200 < found.requests < 2400 and found.seconds > 0 and found.loops > 0


@needs_compiler
def test_cpp_draws_for_itself_what_it_is_not_given(sampler: Sampler) -> None:
    """The timed program is the one that the same draws were checked with."""
    found = sampler.run(CPP, "file", 1000, 1)
    assert 88_000 < found.requests < 92_000 and found.latency == pytest.approx(134_500, rel=0.02)


# ---- cost against size -----------------------------------------------------------------------------------------------


def test_a_slope_is_the_power_of_the_size() -> None:
    """n^2 and a constant."""
    assert sizes.slope([1, 10, 100], [3, 300, 30_000]) == pytest.approx(2.0)
    assert sizes.slope([1, 10, 100], [7, 7, 7]) == pytest.approx(0.0)


@pytest.mark.parametrize(("sweep", "size"), [("requests", 2000), ("processors", 2), ("clients", 50), ("threads", 5)])
def test_counts_of_a_run_are_those_of_its_size(sweep: str, size: int) -> None:
    """As many requests as the size asks for, and a clock that counts its moves fires what every clock fires."""
    build, _ = sizes.SWEEPS[sweep]
    found = sizes.counts(build(size))
    asked = {"requests": size, "processors": 1000 * size, "clients": 30 * size, "threads": 300 * size}[sweep]
    assert found["requests"] == pytest.approx(asked, rel=0.15)
    assert found["events"] > 2 * found["requests"] and found["heap moves"] > found[sizes.LEVELLED] > 0
