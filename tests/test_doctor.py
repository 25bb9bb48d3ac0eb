"""The doctor: every key changed by itself, and what it says of it."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iosim import cli
from iosim.cli.doctor import document
from iosim.doctor import Diagnosis, KeyReport, diagnose
from iosim.executors import Outcome, Serial, Work
from iosim.expected_signs import EXPECTED, LATENCY, expected
from iosim.perturbing import DOWN, OTHER, UP, Change, perturbations, scaled
from iosim.scenario.loader import Scenario, load
from iosim.scenario.sources import bundled_directory
from iosim.trials import share_for

SMALL = """\
version: 1
scenario: small
machine: {cores_per_node: 2, kernel: {port_lock: 0 ns}}
locks: {unused: {spin: 30 us}}
ports: {main: {concurrency: 1}}
pools: {workers: {port: main, threads: 2/processor, priority: 15}}
handlers: {serve: [{compute: {exponential: 100 us}}, {block: {uniform: [1 us, 3 us]}}]}
workload: {all: {kind: open, port: main, handler: serve, rate: 4000/s}}
run: {duration: 30 ms, warm_up: 5 ms}
study: {vary: {workload.all.rate: [1000/s, 4000/s]}}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Diagnosis:
    path = tmp_path_factory.mktemp("doctor") / "small.yaml"
    path.write_text(SMALL)
    return diagnose(load(path), replications=6, jobs=1)


def key(found: Diagnosis, path: str) -> KeyReport:
    (it,) = (key for key in found.keys if key.path == path)
    return it


# ---- changes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plain", "up", "down"),
    [
        ("20 us", "40 us", "10 us"),
        ("0.3us", "0.6us", "0.15us"),
        ("2/processor", "4/processor", "1/processor"),
        ("0 ns", "1 us", None),
        ("0 B", "4 KiB", None),
        (8, 16, 4),
        (0, 1, None),
        (1, 2, 1),
        (0.5, 1.0, 0.25),
        (0.0, 0.1, None),
        ("server", None, None),
        (None, None, None),
        (True, None, None),
        ({"exponential": "1 ms"}, {"exponential": "2 ms"}, {"exponential": "0.5 ms"}),
        ({"uniform": ["1 us", "3 us"]}, {"uniform": ["2 us", "6 us"]}, {"uniform": ["0.5 us", "1.5 us"]}),
        (
            {"pareto": {"scale": "1 ms", "shape": 2}},
            {"pareto": {"scale": "2 ms", "shape": 2}},
            {"pareto": {"scale": "0.5 ms", "shape": 2}},
        ),
    ],
)
def test_quantities_are_scaled_and_nothing_else(plain: Any, up: Any, down: Any) -> None:
    assert (scaled(plain, 2), scaled(plain, 0.5)) == (up, down)


def test_every_key_is_changed_in_every_way_that_it_can_be(small: Path) -> None:
    scenario = load(small)
    whole, changes = perturbations(scenario, 2)
    assert whole.model.study is None
    assert whole.model.handlers == scenario.model.handlers
    by_path: dict[str, list[tuple[Any, int]]] = {}
    for change in changes:
        by_path.setdefault(change.path, []).append((change.value, change.direction))
    assert by_path["machine.cores_per_node"] == [(4, UP), (1, DOWN)]
    assert by_path["machine.dispatcher.placement"] == [("ideal", OTHER)]
    assert by_path["machine.dispatcher.starvation_relief"] == [(True, OTHER)]
    assert by_path["locks.unused.kind"] == [("slim", OTHER)]
    assert by_path["workload.all.rate"] == [("8000/s", UP), ("2000/s", DOWN)]
    assert by_path["handlers.serve[1].block.time"][0] == ({"uniform": ["2 us", "6 us"]}, UP)
    assert not any(path.startswith(("run", "study", "expect", "scenario", "version")) for path in by_path)
    assert not {"workload.all.port", "workload.all.handler", "pools.workers.port"} & set(by_path)


def test_a_factor_that_leads_too_far_gives_way_to_a_smaller_one(small: Path) -> None:
    _, changes = perturbations(load(small), 2)
    refused = {change.path: change.refused for change in changes if change.refused}
    values = {(it.path, it.direction): it.value for it in changes if not it.refused}
    assert "between 1 and 15" in refused["pools.workers.priority"]
    assert values["machine.smt.yield", UP] == pytest.approx(1.25 * 2**0.5)
    assert values["machine.smt.yield", DOWN] == pytest.approx(1.25 / 1.1)


@pytest.mark.parametrize("name", ["batching", "filter-tax", "raid-stripe"])
def test_bundled_scenarios_written_out_are_the_same(name: str) -> None:
    whole, changes = perturbations(load(name, {"study": None}), 2)
    assert whole.digest() == load(name, {"study": None}).digest()
    assert len(changes) > 100


# ---- signs -----------------------------------------------------------------------------------------------------------


def test_the_expected_sign_is_found_by_the_path() -> None:
    assert expected("machine.kernel.remove")[0][LATENCY] == 1
    assert expected("handlers.serve[3].compute.time")[0][LATENCY] == 1
    assert expected("volumes.data.filters[1].pre") == ({LATENCY: 1, "throughput_per_s": -1}, "filters take longer")
    assert expected("workload.web.rate") == ({"classes.web.throughput_per_s": 1}, "more is asked for")
    assert expected("pools.workers.threads") == ({}, "")


def test_where_the_mix_may_move_only_a_class_s_own_figures_are_held_to_a_sign() -> None:
    assert expected("machine.kernel.remove", mixed=True)[0] == {}
    assert expected("workload.web.think", mixed=True)[0] == {"classes.web.throughput_per_s": -1}


def test_every_pattern_is_a_path_of_some_bundled_scenario_or_of_the_schema() -> None:
    """A misspelt pattern would never speak."""
    from iosim.scenario.fields import defaults

    paths = {it.path.replace(".NAME", ".x").replace("[N]", ".0") for it in defaults()}
    paths = {"".join(part.split(")")[-1] for part in path.split("(")) for path in paths}
    for file in bundled_directory().glob("*.yaml"):
        plain = load(file.stem).effective()
        paths |= set(_paths(plain, ""))
    paths |= {"handlers.x.0.lock.hold"}  # no bundled scenario's handler takes a lock
    silent = [
        pattern for pattern, _, _ in EXPECTED if not any(expected(path)[1] and _is(pattern, path) for path in paths)
    ]
    assert silent == []


def _paths(plain: Any, path: str) -> list[str]:
    parts = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    found = [path]
    for name, part in parts:
        found += _paths(part, f"{path}.{name}" if path else str(name))
    return found


def _is(pattern: str, path: str) -> bool:
    import re

    return bool(re.fullmatch(pattern.replace(".", r"\.").replace("*", r"[^.]+"), path))


# ---- verdicts --------------------------------------------------------------------------------------------------------


def test_a_key_that_is_never_reached_is_dead_and_stands_before_the_defaults(found: Diagnosis) -> None:
    spin = key(found, "locks.unused.spin")
    assert (spin.verdict, spin.value) == ("dead", "30 us")
    assert "small.yaml" in spin.origin
    assert key(found, "machine.kernel.encryption").verdict == "dead"
    dead = [it.origin == "default" for it in found.keys if it.verdict == "dead"]
    assert dead == sorted(dead)


def test_a_key_that_counts_moves_the_answer_with_an_interval(found: Diagnosis) -> None:
    compute = key(found, "handlers.serve[0].compute.time")
    up = next(it for it in compute.effects if it.direction == UP)
    assert compute.verdict == "moves"
    assert up.differences["processors.utilization"].low > 0.5
    assert not up.wrong


def test_a_key_whose_effect_is_below_half_a_percent_is_negligible(found: Diagnosis) -> None:
    kinds = {it.path: it.verdict for it in found.keys}
    assert kinds["machine.dispatcher.quantum"] in ("dead", "negligible")
    assert all(
        effect.dead or effect.negligible
        for it in found.keys
        if it.verdict == "negligible"
        for effect in it.effects
        if not effect.failure
    )


def test_what_no_value_can_be_is_told_with_its_reason(found: Diagnosis) -> None:
    group = key(found, "pools.workers.group")
    assert group.verdict == "not possible"
    assert "processor groups 0 to 0" in group.why


def test_a_right_model_has_no_wrong_sign_and_status_0(found: Diagnosis) -> None:
    assert [it.path for it in found.keys if it.verdict == "wrong sign"] == []
    assert (found.exit_status, found.cut) == (0, 1.0)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the handlers' keys are changed."""

    def some(scenario: Scenario, factor: float, until: float) -> tuple[Scenario, list[Change]]:
        whole, changes = perturbations(scenario, factor, until)
        return whole, [change for change in changes if change.path.startswith("handlers.serve[0]")]

    monkeypatch.setattr("iosim.doctor.perturbations", some)


@pytest.mark.usefixtures("few")
def test_a_sign_that_is_turned_round_is_found_and_status_3(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A check that can't fail proves nothing."""

    def turned(path: str, mixed: bool = False) -> tuple[dict[str, int], str]:
        return ({"processors.utilization": -1}, "as if") if path.endswith("compute.time") else ({}, "")

    monkeypatch.setattr("iosim.doctor.expected", turned)
    assert cli.main(["doctor", str(small), "--jobs", "1"]) == 3
    said = capsys.readouterr()
    lines = said.out.splitlines()
    first = lines.index("wrong sign")
    assert lines[first + 2].startswith("handlers.serve[0].compute.time  {exponential: 100 us}")
    assert "as if" in lines[first + 2]
    assert "1 wrong sign" in said.err


@pytest.mark.usefixtures("few")
def test_the_same_bytes_with_one_process_and_with_two(small: Path) -> None:
    one, two = (document(diagnose(load(small), replications=5, jobs=jobs)) for jobs in (1, 2))
    assert len(one["keys"]) == 4
    assert json.dumps(one) == json.dumps(two)


# ---- a budget of time ------------------------------------------------------------------------------------------------


class Hasty(Serial):
    """Here and now, but only the first `reached` changes before the time is up."""

    def __init__(self, reached: int) -> None:
        self.reached = reached

    def outcomes(self, work: Work, items: Sequence[Any], until: float = 0) -> Iterator[Outcome]:
        most = self.reached if work.__name__ == "_changed" else len(items)
        yield from super().outcomes(work, items[:most])
        if most < len(items):
            raise TimeoutError


def hasty(monkeypatch: pytest.MonkeyPatch, reached: int) -> None:
    monkeypatch.setattr("iosim.trials.apart", lambda _jobs: Hasty(reached))


@pytest.mark.parametrize(
    ("left", "fixed", "growing", "share"),
    [
        (10, 0.0, 0.1, 1.0),  # 100 runs of 0.1 s are 10 s
        (10, 0.0, 1.0, 0.1),
        (10, 0.05, 1.0, 0.05),  # half of the time goes into what every run takes
        (10, 0.05, 0.0, 1.0),
        (-1, 0.0, 1.0, 1 / 50),  # too long whatever is cut
        (10, 0.2, 1.0, 0.1),  # of which little would be won by cutting more
    ],
)
def test_runs_are_as_long_as_the_time_that_is_left_allows(
    left: float, fixed: float, growing: float, share: float
) -> None:
    assert share_for(left, 100, fixed, growing) == pytest.approx(share)


@pytest.mark.usefixtures("few")
def test_runs_are_cut_where_time_is_short(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Down to a fiftieth, and the warm-up as well; what is found is of those runs."""
    hasty(monkeypatch, 99)
    shares = iter([1 / 50, 1.0])
    monkeypatch.setattr("iosim.trials.share_for", lambda *_: next(shares))
    long, short = (
        diagnose(load(small, {"run.duration": duration, "run.warm_up": warm_up}), replications=5)
        for duration, warm_up in (("3 s", "500 ms"), ("60 ms", "10 ms"))
    )
    assert (long.cut, short.cut) == (1 / 50, 1.0)
    assert long.keys == short.keys


@pytest.mark.parametrize("reached", [0, 7])
def test_what_the_time_does_not_reach_is_listed_and_the_rest_is_as_it_would_have_been(
    small: Path, found: Diagnosis, monkeypatch: pytest.MonkeyPatch, reached: int
) -> None:
    hasty(monkeypatch, reached)
    monkeypatch.setattr("iosim.trials.share_for", lambda *_: 1.0)
    short = diagnose(load(small), replications=6)
    assert {it.path for it in short.keys} == {it.path for it in found.keys}
    assert short.runs == 6 * reached
    judged = {it.path: it for it in short.keys if it.verdict != "not judged (budget)"}
    ran = [effect for it in short.keys for effect in it.effects if effect.judged and not effect.failure]
    assert len(ran) == reached
    assert all(replace(it, origin="") == replace(key(found, path), origin="") for path, it in judged.items())
    assert all(
        it.origin != "default"
        for it in short.keys
        if any(effect.judged and not effect.failure for effect in it.effects)
    )


def test_a_time_that_is_over_before_anything_ran_judges_nothing(small: Path, found: Diagnosis) -> None:
    """Not even whether a change is possible."""
    none = diagnose(load(small), replications=5, jobs=1, budget=0)
    assert {it.path for it in none.keys} == {it.path for it in found.keys}
    assert {it.verdict for it in none.keys} == {"not judged (budget)"}
    assert (none.runs, none.exit_status) == (0, 0)


@pytest.mark.usefixtures("few")
def test_keys_that_were_not_judged_are_told(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of the two changes of a time was run: too little for a verdict that needs both."""
    hasty(monkeypatch, 1)
    assert cli.main(["doctor", str(small)]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    told = lines.index("not judged (budget): more seconds (--budget) or processes (--jobs) may reach them")
    assert lines[told + 1].startswith("  handlers.serve[0].compute.time: {exponential: 100 us}")
    assert "not judged (budget)" in said.err
    assert cli.main(["doctor", str(small), "--format", "json"]) == 0
    written = json.loads(capsys.readouterr().out)["keys"]
    (time,) = (it for it in written if it["path"] == "handlers.serve[0].compute.time")
    assert [it["judged"] for it in time["changes"]] == [True, False]


@pytest.mark.usefixtures("few")
def test_a_wrong_sign_needs_no_second_change(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hasty(monkeypatch, 1)
    monkeypatch.setattr("iosim.doctor.expected", lambda *_: ({"processors.utilization": -1}, "as if"))
    found = diagnose(load(small), replications=6)
    assert key(found, "handlers.serve[0].compute.time").verdict == "wrong sign"


@pytest.mark.usefixtures("few")
def test_a_tail_that_the_runs_can_not_carry_is_no_figure(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """100 requests a replication have one beyond p99; 2000 have twenty, if all were strangers."""
    hasty(monkeypatch, 99)
    monkeypatch.setattr("iosim.trials.share_for", lambda *_: 1.0)
    short, long = (
        diagnose(load(small, {"run.duration": duration, "workload.all.rate": "500/s"}), replications=5)
        for duration in ("30 ms", "5 s")
    )
    assert short.tail_takes > 20
    assert long.tail_takes == 0
    figures = [
        {name for it in found.keys for effect in it.effects for name in effect.differences} for found in (short, long)
    ]
    assert figures[1] - figures[0] == {"latency_ns.p99"}
    monkeypatch.setattr("iosim.doctor.diagnose", lambda *_arguments, **_options: short)
    cli.main(["doctor", str(small)])
    assert "note: p99 is no figure here" in capsys.readouterr().err


def test_every_format_has_what_was_found(
    small: Path, found: Diagnosis, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("iosim.doctor.diagnose", lambda *_arguments, **_options: found)
    assert cli.main(["doctor", str(small)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "dead: change nothing at all (equal fingerprints)" in lines
    assert any(line.startswith("  locks.unused.spin: 30 us (small.yaml:") for line in lines)
    assert any(line.startswith("  machine.kernel (defaults): ") for line in lines)
    assert cli.main(["doctor", str(small), "--format", "json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert (written["scenario"], written["factor"], written["replications"]) == ("small", 2.0, 6)
    assert cli.main(["doctor", str(small), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["path"] for row in rows} == {it["path"] for it in written["keys"]}


@pytest.mark.parametrize("arguments", [["--factor", "1"], ["--replications", "2"], ["--budget", "0"]])
def test_what_tells_nothing_is_refused(small: Path, arguments: list[str]) -> None:
    assert cli.main(["doctor", str(small), *arguments]) == 2
