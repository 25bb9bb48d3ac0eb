"""The page for a design review: it holds what was found, needs nothing beside it, and opens in a browser."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from browser import opened

import iosim
from iosim import cli
from iosim.plan_tables import tables
from iosim.report import MOST, report
from iosim.results import to_json
from iosim.scenario.fields import same_quantity

TINY: dict[str, Any] = {"run.duration": "40 ms", "run.warm_up": "0 s", "run.replications": 2}
# What the browser itself finds: does anything stick out, is a picture empty, was anything fetched?
SCRIPT = """<script>
const empty = [...document.querySelectorAll("figure svg")].filter(it => it.getBoundingClientRect().width < 100);
const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
document.body.dataset.found = [empty.length, wide, performance.getEntriesByType("resource").length].join(" ");
</script>"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One limit and another, of the same load; the first with a study and expectations."""
    place = tmp_path_factory.mktemp("results")
    load = {"workload.fast.rate": "400/s", "workload.slow.rate": "100/s"}
    made = []
    for name, changes in (("one", {"ports.main.concurrency": 1}), ("four", {"ports.main.concurrency": 4})):
        scenario = iosim.load("head-of-line", set={**TINY, **load, **changes})
        made.append(place / name)
        iosim.run(scenario, study=name == "one", jobs=1).write(made[-1])
    return made


@pytest.fixture(scope="module")
def page(results: list[Path]) -> str:
    return report(results, question="Is one thread at a time enough?")


def test_a_page_answers_the_question_first_and_names_every_result(page: str) -> None:
    assert "Is one thread at a time enough?" in page
    assert page.index('id="verdict"') < page.index('id="result-1"') < page.index('id="result-2"')
    assert ">Run: head-of-line (one)</h2>" in page and ">Run: head-of-line (four)</h2>" in page
    assert ">Study: head-of-line over " in page


def test_a_page_shows_what_differs_between_its_scenarios_and_nothing_else(page: str) -> None:
    rows = re.findall(
        r"<tr><td>([^<]*)</td><td>([^<]*)</td><td>([^<]*)</td></tr>", page[page.index('id="differences"') :]
    )
    assert rows[0] == ("ports.main.concurrency", "1", "4")
    assert len([row for row in rows if row[0].count(".") >= 1]) == 1


def test_a_page_needs_nothing_beside_it_and_can_be_mailed(page: str) -> None:
    assert len(page.encode()) < MOST
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#)""", page)
    assert "<script" not in page


@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_opens_the_page_and_shows_every_picture_within_its_width(
    width: int, page: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page.replace("</body>", f"{SCRIPT}</body>"), encoding="utf-8")
    seen = opened(path, tmp_path / "profile", width)
    assert 'data-found="0 false 0"' in seen
    assert seen.count("<svg") == page.count("<svg") >= 7
    assert seen.count("<details") >= 8


def test_what_a_scenario_says_is_text_on_the_page_and_never_markup(results: list[Path], tmp_path: Path) -> None:
    for name in ("summary.json", "scenario.yaml"):
        text = (results[1] / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("A slow class", "<b>A slow</b> class"), encoding="utf-8")
    made = report([tmp_path])
    assert "<b>A slow</b>" not in made and "&lt;b&gt;A slow&lt;/b&gt;" in made


def test_the_sources_of_defaults_are_told_with_how_sure_they_are(page: str) -> None:
    sources = page[page.index('id="sources"') :]
    assert "machine.kernel.call" in sources and "assumed" in sources
    assert "machine.numa_nodes" not in re.findall(r"<td>([^<]*)</td>", page[page.index('id="differences"') :])[:3]


def test_the_page_and_explain_count_the_same_default_numbers(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One limit was laid over the scenario of both runs, so they depend on the same defaults."""
    capsys.readouterr()
    changed = [f"--set=workload.{name}.rate={rate}" for name, rate in (("fast", "400/s"), ("slow", "100/s"))]
    changed += [f"--set={path}={value}" for path, value in TINY.items()]
    assert cli.main(["explain", "head-of-line", "--defaults", "--format", "json", *changed]) == 0
    rows = json.loads(capsys.readouterr().out)
    assumed = sum(row["how sure"] == "assumed" for row in rows)
    assert (
        f"{len(rows)} default numbers play a part here, each with a source; {assumed} of them are assumptions" in page
    )


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [("300 ns", "0.3 us", True), ("1 us", "2 us", False), ("server", "server", True), ("4", "5", False)],
)
def test_two_texts_of_one_quantity_are_the_same(a: str, b: str, same: bool) -> None:
    assert same_quantity(a, b) is same


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "a directory that 'iosim run' has written is needed"),
        ("{", "summary.json:1:2: not JSON"),
        ("[]", "an object is needed"),
        (json.dumps({"scenario": "x"}), "expect: missing: no summary.json of this iosim's"),
    ],
)
def test_a_directory_without_results_is_the_users_mistake(
    content: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    assert cli.main(["report", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_the_page_goes_where_it_is_told_to(
    results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", str(results[0]), "--out", str(tmp_path / "new" / "review.html"), "--quiet"]) == 0
    assert (tmp_path / "new" / "review.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert capsys.readouterr() == ("", "")


def compared(**changes: Any) -> str:
    """The file that a comparison with 'head-of-line', changed like this, leaves."""
    calm = {
        "overloads": True,
        "workload.fast.rate": "400/s",
        "workload.slow.rate": "50/s",
    }  # a short run may not settle
    one = iosim.load("head-of-line", set={**TINY, **calm, "run.replications": 6})
    other = one.with_set({path.replace("__", "."): value for path, value in changes.items()})
    return to_json(iosim.compare(one, other, names=("first", "other"), jobs=1).document)


def test_a_comparison_is_told_with_its_verdict_and_what_differs_between_its_designs(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text(compared(pools__workers__threads=16), encoding="utf-8")
    made = report([tmp_path])
    assert "<b>no different</b>other is no other than first to its clients" in made
    assert "<td>pools.workers.threads</td><td>8</td><td>16</td>" in made


@pytest.mark.parametrize(
    ("compute", "tone"), [("200 us", "worse"), ("20 us", "better")]
)  # by a quick request, which takes 50 us on average
def test_a_worse_design_is_not_drawn_as_one_that_meets_an_objective_and_its_causes_stand_open(
    compute: str, tone: str, tmp_path: Path
) -> None:
    (tmp_path / "comparison.json").write_text(compared(handlers__quick=[{"compute": compute}]), encoding="utf-8")
    made = report([tmp_path])
    assert f'<div class="verdict {tone}">' in made and 'class="verdict met"' not in made
    assert f"<b>{tone}</b>other is {tone} than first" in made
    table = made.index("causes that moved, mean of a request")
    assert made.count("<details>", 0, table) == made.count("</details>", 0, table)


def test_a_sweep_is_told_cell_by_cell(tmp_path: Path) -> None:
    study = iosim.sweep(iosim.load("head-of-line", set=TINY), {"pools.workers.threads": [8, 16]}, jobs=1)
    (tmp_path / "study.json").write_text(to_json(study.document()), encoding="utf-8")
    made = report([tmp_path])
    assert "2 cells over pools.workers.threads" in made and made.count("<svg") >= 1


def planned() -> dict[str, Any]:
    """A plan's file, written by hand: a plan takes its time."""
    point = {"value": 1000.0, "met": True, "regime": "steady", "utilization": {"processors": 0.5}}
    judged = {"expect": "latency_ns.mean < 1 ms", "verdict": "met", "value": 5e5, "ci95": [4e5, 6e5]}
    expect = [{**judged, "needs": "", "caveat": ""}]
    found = {
        "verdict": "met",
        "why": "",
        "answer": {"value": 1500.0, "ci95": [1490.0, 1510.0]},
        "recommended": "1475/s",
        "headroom": {"value": 0.475, "ci95": None},
        "confirmation": {"value": 1475.0, "replications": 12, "expect": expect},
        "resources": [{"name": "processors", "utilization": {"value": 0.8, "ci95": None}, "full_at_per_s": 1900.0}],
        "warnings": [],
    }
    lost = {"lost": "processor", **found, "answer": {"value": 750.0, "ci95": [740.0, 760.0]}}
    return {
        **found,
        "scenario": "head-of-line",
        "effective": iosim.load("head-of-line", set=TINY).effective(),
        "find": {"path": "workload.web.rate", "unit": "/s", "want": "largest", "today": 1000.0},
        "objectives": ["latency_ns.mean < 1 ms"],
        "scan": [{**point, "expect": expect}, {**point, "value": 2000.0, "met": False, "expect": expect}],
        "knee": {"value": 1200.0, "between": [1000.0, 1400.0], "kind": "most throughput", "bound": ""},
        "scalability": {"fitted": False, "reason": "a load is looked for"},
        "closed": [],
        "growth": {"months": {"value": 13.7, "ci95": [9.2, 20.1]}, "bound": ""},
        "losses": [lost],
    }


def test_a_plan_is_told_with_its_answer_its_confirmation_and_its_bottleneck(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(to_json(planned()), encoding="utf-8")
    made = report([tmp_path])
    assert "1475/s" in made and "1,490/s to 1,510/s" in made
    assert "On 12 fresh replications latency_ns.mean &lt; 1 ms: it is 500 us (95 %: 400 to 600 us)." in made
    assert "The bottleneck there is processors, 80.0 % busy." in made


def test_the_page_of_a_plan_holds_all_that_the_verb_itself_shows(tmp_path: Path) -> None:
    """Headroom, knee, growth, the answer with a part lost: a reviewer has the page, not the terminal."""
    document = planned()
    (tmp_path / "plan.json").write_text(to_json(document), encoding="utf-8")
    made = html.unescape(report([tmp_path]))
    shown = [cell for table in tables(document) for cell in (table.title, *(it for row in table.rows for it in row))]
    assert {"headroom over 1,000/s today", "knee", "months until the safe value is used up"} <= set(shown)
    assert "without processor" in shown and "750/s (740/s to 760/s)" in shown
    assert [cell for cell in shown if f">{cell}</" not in made and cell not in ("", "scan")] == []


def test_everything_that_commands_left_in_one_directory_is_on_the_page_each_under_its_head(tmp_path: Path) -> None:
    """`run`, `sweep`, `compare` and `plan` of one scenario write to the same place unless told otherwise."""
    scenario = iosim.load("head-of-line", set=TINY)
    iosim.run(scenario, study=False, jobs=1).write(tmp_path)
    iosim.sweep(scenario, {"pools.workers.threads": [8, 16]}, jobs=1).write(tmp_path)
    (tmp_path / "comparison.json").write_text(compared(pools__workers__threads=16), encoding="utf-8")
    (tmp_path / "plan.json").write_text(to_json(planned()), encoding="utf-8")
    made = report([tmp_path])
    assert re.findall(r'<h2 id="result-.">([^:]*): ', made) == ["Run", "Study", "Comparison", "Plan"]
    assert len(made.encode()) < MOST
    verdicts = made[: made.index('id="result-1"')]
    assert [verdicts.count(f"<h3>{kind}: ") for kind in ("Run", "Study", "Comparison", "Plan")] == [1, 1, 1, 1]


def test_why_a_verdict_should_be_believed_stands_beside_it_and_the_causes_stand_open(page: str) -> None:
    verdicts = page[page.index('id="verdict"') : page.index('id="result-1"')]
    assert "of the offered requests stayed behind" in verdicts
    assert "Seed 1, 2 replications; simulated up to " in verdicts and "no warm-up is left out" in verdicts
    assert "<summary></summary>" not in page
    causes = page.index("where a request&#39;s time goes")
    assert page.count("<details>", 0, causes) == page.count("</details>", 0, causes)


def test_what_is_said_of_many_cells_is_said_once_with_their_number(tmp_path: Path) -> None:
    study = iosim.sweep(iosim.load("head-of-line", set=TINY), {"pools.workers.threads": [8, 12, 16]}, jobs=1)
    for row in study.rows:
        row["warnings"] = [f"a tail of {row['cell']['pools.workers.threads']} threads is thin"]
    (tmp_path / "study.json").write_text(to_json(study.document()), encoding="utf-8")
    made = report([tmp_path])
    assert made.count("threads is thin") == 1 and "3 of 3 cells, like pools.workers.threads=" in made


def test_a_cell_that_failed_is_told_with_its_error(tmp_path: Path) -> None:
    varied = {"run.rows": [True, False], "run.warm_up": ["0 s", "auto"]}  # what has no rows can't find its warm-up
    study = iosim.sweep(iosim.load("head-of-line", set=TINY), varied, jobs=1)
    (tmp_path / "study.json").write_text(to_json(study.document()), encoding="utf-8")
    made = report([tmp_path])
    assert "of 4 cells have figures to rely on" in made and 'class="verdict doubt"' in made
    assert "<td>run.rows=false, run.warm_up=auto</td>" in made


def test_a_page_that_is_too_large_to_be_mailed_says_so(
    results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iosim.report.MOST", 20_000)
    assert cli.main(["report", str(results[1]), "--out", str(tmp_path / "page.html")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "warning: the page is larger than 0.02 MB; put fewer results on it"
    assert said[1].startswith("report in ")
