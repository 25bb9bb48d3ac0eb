"""`iosim plan`: capacity of small machines whose answer is known, and what is said where there is none."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim import amounts, planning
from iosim.cli import main
from iosim.clock import choose_clock
from iosim.errors import WrongInput
from iosim.executors import local
from iosim.plan_document import in_words, outcome_rows, picture, write
from iosim.plan_tables import tables
from iosim.probing import Bench
from iosim.report import report
from iosim.theory import erlang_c_wait
from iosim.what_ifs import losses

QUEUE = """
version: 1
scenario: small-queue
description: Poisson requests, four servers.
machine: {cores_per_node: 4, memory: {l3: 0 s, local: 0 s}, dispatcher: {context_switch: 0 s, quantum: 1000 s},
          kernel: {call: 0 s, remove: 0 s, post: 0 s}}
ports: {main: {concurrency: 4}}
pools: {workers: {port: main, threads: 4}}
handlers: {request: [{compute: {exponential: 1 ms}}]}
workload: {web: {kind: open, port: main, handler: request, rate: 2000/s}}
run: {duration: 160 ms, warm_up: 20 ms, seed: 1, replications: 10}
"""
DRIVE = """disks: {flash: {kind: nvme, units: 8, read: 2 ms, program: 3 ms, bandwidth: 100 MB/s}}
volumes: {data: {disk: flash}}
files: {rows: {volume: data, size: 1 GiB}}
ports:"""
READS = "[{compute: 100 us}, {read: {file: rows, size: 4 KiB, offset: random}}]"
BLOCKING = """
version: 1
scenario: small-pool
description: Requests that wait elsewhere for 5 ms and hold their thread meanwhile.
ports: {main: {concurrency: 0}}
pools: {workers: {port: main, threads: 4}}
handlers: {request: [{block: 5 ms}]}
workload: {web: {kind: open, port: main, handler: request, rate: 1000/s}}
run: {duration: 600 ms, warm_up: 30 ms, seed: 1, replications: 10}
"""


@pytest.fixture
def queue(tmp_path: Path) -> iosim.Scenario:
    return written(tmp_path, QUEUE)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many replications as the pilot: precision is the heavy test's business."""
    monkeypatch.setattr(planning, "MOST", 10)


def written(tmp_path: Path, text: str) -> iosim.Scenario:
    path = tmp_path / "it.yaml"
    path.write_text(text)
    return iosim.load(path)


def rate_for(wait: float, servers: int = 4, service: float = 1e-3) -> float:
    """The rate at which M/M/c waits so long (s) on average."""
    low, high = 0.0, 1.0
    for _ in range(60):
        load = (low + high) / 2
        low, high = (load, high) if erlang_c_wait(servers, load) * service < wait else (low, load)
    return low * servers / service


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> planning.Plan:
    """One plan for several tests."""
    it = written(tmp_path_factory.mktemp("plan"), QUEUE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "MOST", 10)
        return planning.plan(it, "mean wait < 0.5 ms", "workload.web.rate", jobs=1)


def test_the_largest_rate_is_near_the_analytic_one(found: planning.Plan) -> None:
    assert found.answer is not None
    assert found.answer.value == pytest.approx(rate_for(0.5e-3), rel=0.1)
    assert len(found.roots) == 10


def test_a_plan_shows_everything_that_stands_behind_it(found: planning.Plan) -> None:
    document = found.document()
    assert document["find"] == {
        "path": "workload.web.rate",
        "paths": ["workload.web.rate"],
        "unit": "/s",
        "want": "largest",
        "today": 2000,
    }
    assert 6 <= len(document["scan"]) <= 9
    assert {it["name"] for it in document["resources"]} == {"processors", "ports.main", "pools.workers"}
    assert document["resources"][0]["full_at_per_s"] == pytest.approx(4000, rel=0.1)
    assert document["knee"]["value"] > 0
    confirmed = found.recommended if document["verdict"] == "met" else None
    assert found.headroom == (None if confirmed is None else confirmed / 2000 - 1)
    assert document["stopping"]["pilot"] == 10
    assert document["confirmation"]["expect"][0]["verdict"] == document["verdict"]
    json.dumps(document, allow_nan=False)


def test_the_recommended_value_is_on_the_safe_side(found: planning.Plan) -> None:
    assert found.answer is not None
    assert found.recommended is not None
    assert found.recommended <= found.answer.low * 0.99


def test_the_smallest_pool_is_found(tmp_path: Path) -> None:
    """1,000 a second of 5 ms each keep 5 threads busy; a wait of 1 ms on average takes M/D/6 or 7."""
    plan = iosim.plan(written(tmp_path, BLOCKING), "mean wait < 1 ms", "pools.*.threads", jobs=1)
    assert plan.unknown.paths == ("pools.workers.threads",)
    assert plan.unknown.want == "smallest"
    assert plan.answer is not None
    assert plan.answer.value in (6, 7)
    assert plan.verdict == "met"
    assert plan.resources[0].name == "pools.workers"


def test_what_can_not_be_met_says_why(queue: iosim.Scenario) -> None:
    """Service alone takes a millisecond; and no number of threads helps where processors are the limit."""
    plan = iosim.plan(queue, "mean < 0.5 ms", "workload.web.rate", jobs=1)
    assert (plan.verdict, plan.exit_status, plan.answer) == ("impossible", 3, None)
    assert plan.why.startswith("even at workload.web.rate = ")
    assert re.search(" latency mean is [0-9.]+ (ms|us), not < 500 us[.]", plan.why)
    assert plan.why.endswith("Asymptotic bound: a request takes 1 ms on average even alone on an idle machine.")
    narrow = queue.with_set({"machine.cores_per_node": 1, "workload.web.rate": "1500/s"})
    plan = iosim.plan(narrow, "mean wait < 5 ms", "pools.workers.threads", jobs=1)
    assert plan.verdict == "impossible"
    assert "more than can be carried" in plan.why
    assert re.search(
        "Asymptotic bound: processors is 100.0 % busy there, and full at (9[0-9]{2}|1,0[0-9]{2})", plan.why
    )


def test_a_throughput_that_can_not_be_had_is_told_by_the_resource_that_is_full(queue: iosim.Scenario) -> None:
    """Four processors of a millisecond each carry 4,000 requests a second; what is asked for is told in the figure's unit."""
    plan = iosim.plan(queue, "throughput_per_s > 9000/s", "workload.web.rate", jobs=1)
    assert plan.verdict == "impossible"
    assert "not > 9,000/s" in plan.why
    assert re.search("Asymptotic bound: [a-z.]+ is [0-9.]+ % busy there, and full at (4,[01]|3,9)[0-9]{2}/s", plan.why)


def test_nothing_is_called_full_below_what_the_scan_carried(tmp_path: Path) -> None:
    """Also where nothing meets the objective and utilizations are those of the lightest load."""
    text = QUEUE.replace("ports:", DRIVE).replace("[{compute: {exponential: 1 ms}}]", READS).replace("160 ms", "40 ms")
    plan = iosim.plan(written(tmp_path, text), "mean < 1 us", "workload.web.rate", jobs=1)
    carried = max(it.throughput for it in plan.scan if it.steady)
    assert plan.at is not None
    assert plan.at.throughput < carried / 2
    assert {"disks.flash", "disks.flash.link"} <= {it.name for it in plan.resources}
    assert min(it.full_at for it in plan.resources) >= carried


def test_closed_loads_tell_that_they_throttle_themselves(tmp_path: Path) -> None:
    """X (R + Z) = N; fewer requests are offered than as many users would send."""
    text = QUEUE.replace("kind: open", "kind: closed").replace("rate: 2000/s", "clients: 8, think: 4 ms")
    plan = iosim.plan(written(tmp_path, text), "mean wait < 0.5 ms", "workload.web.clients", jobs=1)
    row = plan.document()["closed"][0]
    assert row["throughput_per_s"] * (row["time_ns"] + row["think_ns"]) / 1e9 == pytest.approx(row["clients"])
    assert row["think_ns"] == pytest.approx(4e6, rel=0.1)
    assert row["fell"] > 0.02
    assert plan.at is not None
    assert row["fell"] == plan.at.document["classes"]["web"]["closed_load"]["self_throttled"]  # what a run tells, too
    (told,) = (line for line in plan.warnings if "self-throttled" in line)
    assert told in plan.at.document["warnings"]


@pytest.mark.parametrize(("bound", "verdict"), [("60 ms", "met"), ("1 us", "impossible")])
def test_a_plan_for_a_tail_of_closed_load_says_whose_tail_it_is(tmp_path: Path, bound: str, verdict: str) -> None:
    """Found or not: the tail is that of clients who hold themselves back."""
    text = QUEUE.replace("kind: open", "kind: closed").replace("rate: 2000/s", "clients: 8, think: 4 ms")
    plan = iosim.plan(written(tmp_path, text), f"p50 < {bound}", "workload.web.clients", jobs=1)
    assert plan.verdict == verdict
    told = "; ".join(text for _, text in in_words(plan))
    assert re.search(
        "self-throttled: the offered load of closed class 'web' fell by [0-9.]+% against an idle machine", told
    )


@pytest.mark.parametrize(
    ("slo", "find", "said"),
    [
        ("p98 < 5 ms", "workload.web.rate", "'p98' is not a figure"),
        ("classes.nobody.latency_ns.p99 < 5 ms", "workload.web.rate", "nobody"),
        ("p99 < 5", "workload.web.rate", "5"),
        ("p99 < 5 ms", "workload.web.rat", "did you mean 'workload.web.rate'"),
        ("p99 < 5 ms", "workload.web", "is not one number"),
        ("p99 < 5 ms", "workload.web.port", "not a number"),
        ("p99 < 5 ms", "pools.*.thread", "no such value"),
    ],
)
def test_wrong_objectives_and_paths_are_refused(queue: iosim.Scenario, slo: str, find: str, said: str) -> None:
    with pytest.raises(WrongInput, match=said.replace("(", "[(]")):
        iosim.plan(queue, slo, find)


def test_both_mistakes_are_told_at_once_and_nothing_is_written(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "it.yaml").write_text(QUEUE)
    arguments = ["plan", str(tmp_path / "it.yaml"), "--slo", "p98 < 1 ms", "--find", "ports.x", "--out"]
    assert main([*arguments, str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "--slo 'p98 < 1 ms'" in said
    assert "--find ports.x" in said
    assert not (tmp_path / "out").exists()


def safe(found: planning.Plan, verdict: str) -> planning.Plan:
    """The plan as it would be with this verdict of its fresh replications."""
    return replace(found, verdict=verdict, recommended=3500.0)


def test_headroom_is_that_of_the_safe_value_and_of_nothing_where_none_is_confirmed(found: planning.Plan) -> None:
    """The answer itself is no promise: a planner signs what fresh replications have confirmed."""
    assert safe(found, "met").headroom == pytest.approx(0.75)
    assert safe(found, "undecided").headroom is None
    words = dict(in_words(safe(found, "met")))
    assert words["headroom over 2,000/s today"] == "75.0 % may be added, up to the safe value"
    assert "safe value, to be signed" in words
    words = dict(in_words(safe(found, "undecided")))
    assert words["headroom over 2,000/s today"] == "not told: no safe value is confirmed"
    assert "not to be signed" in words


@pytest.mark.parametrize(
    ("want", "share", "told"),
    [
        ("largest", 0.5, "50.0 % may be added, up to the safe value"),
        ("largest", -0.25, "none: 25.0 % of it is beyond the safe value"),
        ("smallest", 0.5, "50.0 % may be spared, up to the safe value"),
        ("smallest", -0.25, "none: the safe value takes 25.0 % more"),
    ],
)
def test_headroom_is_told_for_loads_and_resources_and_where_there_is_none(
    found: planning.Plan, want: str, share: float, told: str
) -> None:
    document = {**found.document(), "headroom": {"value": share, "ci95": None}}
    assert dict(outcome_rows(document, {**document["find"], "want": want}))["headroom over 2,000/s today"] == told


def test_with_a_part_lost_all_is_told_that_is_told_of_the_whole(found: planning.Plan) -> None:
    """Also a safe value, what confirmed it, and the bottleneck; in the same words."""
    row = losses(lambda _: safe(found, "met"), found.scenario, ["processor"])[0]
    document = {**safe(found, "met").document(), "losses": [row]}
    whole, lost, *_ = tables(document)
    assert lost.title == "without processor"
    assert lost.rows == [it for it in whole.rows if it[0] not in ("objective", "knee", "scalability")]
    assert [it[0] for it in lost.rows][-1] == "bottleneck"
    json.dumps(document, allow_nan=False)


def test_no_number_of_a_plan_has_an_exponent_or_lacks_its_thousands(found: planning.Plan) -> None:
    text = "\n".join(cell for table in tables(found.document()) for row in table.rows for cell in row)
    assert not re.search(r"[0-9]e[+-]?[0-9]", text)
    assert not re.search(r"(?<![.0-9])[0-9]{4}", text)
    assert re.search("[0-9],[0-9]{3}/s", text)


def test_the_picture_shows_objective_interval_and_what_confirmed_the_answer(found: planning.Plan) -> None:
    """The scan alone is nothing that anybody could sign."""
    figure = picture(found)
    shown = {ax.get_title(loc="left") or ax.get_title(): ax.get_legend_handles_labels()[1] for ax in figure.axes}
    assert found.answer is not None
    assert found.confirmation is not None
    for labels in (shown["mean wait < 0.5 ms"], shown["The answer from near"]):
        text = "; ".join(labels)
        assert "objective" in text
        assert f"its interval: {found.answer.low:,.0f} to {found.answer.high:,.0f}" in text
        assert f"fresh replications at {found.confirmation.value:,.0f}" in text
    assert "each of 10 replications' own" in shown["The answer from near"]


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_the_command_prints_and_writes(
    tmp_path: Path, capsys: Any, form: str, monkeypatch: Any, found: planning.Plan
) -> None:
    (tmp_path / "it.yaml").write_text(QUEUE)
    monkeypatch.setattr(planning, "plan", lambda *_, **__: found)
    arguments = ["plan", str(tmp_path / "it.yaml"), "--slo", "mean wait < 0.5 ms", "--find", "workload.web.rate"]
    status = main([*arguments, "--format", form, "--out", str(tmp_path / "out"), "--quiet"])
    printed = capsys.readouterr().out
    assert status == found.exit_status
    assert "workload.web.rate" in printed or form == "csv"
    document = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert document == json.loads(printed) if form == "json" else document["kind"] == "plan"
    assert (tmp_path / "out" / "plan.png").stat().st_size > 5000


@pytest.mark.parametrize("find", ["pools.workers.threads", "workload.web.rate"])
def test_a_plan_of_runs_too_short_to_tell_anything_is_undecided_and_no_fault(queue: iosim.Scenario, find: str) -> None:
    """A millisecond after 40: hardly a request, in some replications none."""
    short = queue.with_set({"run.warm_up": "40 ms", "run.duration": "1 ms"})
    found = planning.plan(short, "mean < 100 ms", find, replications=1, jobs=1)
    assert found.verdict != "met"
    assert found.exit_status == 3


@pytest.fixture(scope="module")
def open_ended(tmp_path_factory: pytest.TempPathFactory) -> planning.Plan:
    """More threads never miss an objective: whoever asks for the largest number gets the end of the scan."""
    it = written(tmp_path_factory.mktemp("open"), QUEUE).with_set({"run.duration": "80 ms"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "EXTENSIONS", 0)
        return planning.plan(it, "mean wait < 5 ms", "pools.workers.threads", want="largest", jobs=1)


def test_the_end_of_the_scan_is_a_bound_and_no_largest_value(open_ended: planning.Plan) -> None:
    """Nobody has seen the objective fail: there may be a larger value, so that nothing is decided."""
    assert (open_ended.verdict, open_ended.bound, open_ended.exit_status) == ("undecided", "at least", 3)
    document = open_ended.document()
    assert document["bound"] == "at least"
    assert document["answer"] == {"value": 16, "ci95": None}
    assert document["why"] == "the objective is met even at 16, where the scan ended: no largest was found"
    words = dict(in_words(open_ended))
    assert words["largest pools.workers.threads"] == "at least 16: the scan ended there"
    assert words["headroom over 4 today"] == "at least 300.0 % may be added: the scan ended there"
    assert "met, not shown to be the largest" in words
    assert "safe value, to be signed" not in words
    assert ["knee", f"at least {amounts.number(document['knee']['value'])}: N* = (Z + R) X"] in tables(document)[0].rows


def test_pictures_page_and_notebook_call_a_bound_a_bound(open_ended: planning.Plan, tmp_path: Path) -> None:
    left, *_ = picture(open_ended).axes
    legend = left.get_legend()
    assert legend is not None
    assert "answer: at least 16" in [it.get_text() for it in legend.get_texts()]
    assert "at least 16: the scan ended there" in open_ended._repr_html_()
    write(open_ended, tmp_path)
    page = report([tmp_path])
    assert "at least 16: the scan ended there" in page
    assert "pools.workers.threads: at least 16 for" in page
    assert "answer: at least 16" in page
    assert "met, not shown to be the" in page


def test_where_the_scenario_accepts_nothing_beyond_the_end_is_the_answer(queue: iosim.Scenario) -> None:
    """One thread is the fewest that there can be."""
    light = queue.with_set({"workload.web.rate": "300/s", "run.duration": "3 s"})
    found = planning.plan(light, "mean < 100 ms", "pools.workers.threads", jobs=1)
    assert (found.verdict, found.bound, found.exit_status) == ("met", "", 0)
    assert found.recommended == 1


def test_the_scan_of_a_described_load_is_placed_by_its_bound_and_not_by_today(queue: iosim.Scenario) -> None:
    """Four servers of 1 ms are full at 4,000 a second: whoever asks for 40 times as much pays for no hopeless overload."""
    bench = Bench(
        *planning.prepare(queue.with_set({"workload.web.rate": "160000/s"}), "mean wait < 0.5 ms", "workload.web.rate", None),
        local(1, 10), choose_clock(None), 1, lambda done, total, what: None,
    )  # fmt: skip
    planner = planning.Planner(bench, 10)
    values = [it.value for it in planner._scan()]
    assert values[:2] == pytest.approx([800, 1800])  # 0.2 and 0.45 of the bound
    assert planner.full == pytest.approx(4000, rel=0.1) and planner.full <= 4000
    assert 5 <= len(values) <= 8 and max(values) <= 1.03 * 4000
    assert len({round(it, -2) for it in values}) == len(values)  # none tells the same as its neighbour


def test_a_load_without_described_demands_is_scanned_from_todays(queue: iosim.Scenario) -> None:
    """What is no rate of an open class has no bound."""
    bench = Bench(
        *planning.prepare(queue, "mean wait < 0.5 ms", "handlers.request[0].compute.time.exponential", None),
        local(1, 10), choose_clock(None), 1, lambda done, total, what: None,
    )  # fmt: skip
    assert planning.Planner(bench, 10)._most() == float("inf")
