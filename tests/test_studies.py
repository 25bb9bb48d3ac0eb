"""Studies: which cells are run, what is kept of them, and that nothing but the figures shows how they were run."""

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_server import TEXT

import iosim
from iosim import studies
from iosim.errors import LawBroken, WrongInput
from iosim.executors import Executor, Outcome, Processes, Serial
from iosim.results import Study
from iosim.scenario.loader import Scenario
from iosim.scenario.ranges import expand, parse_vary
from iosim.study_store import FORMAT, Record, StudyStore

VARY: dict[str, list[Any]] = {"pools.workers.threads": [1, 2], "workload.web.rate": ["1000/s", "2000/s"]}


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    (tmp_path / "s.yaml").write_text(TEXT)
    return iosim.load(tmp_path / "s.yaml")  # type: ignore[no-any-return]


def text_of(study: Study) -> str:
    return json.dumps(study.document(), sort_keys=True)


class Counting(Executor):
    """In this process; counts, and does something before each item."""

    def __init__(self, before: Callable[[int], None] = lambda count: None) -> None:
        self.before = before
        self.count = 0

    def outcomes(self, work: Any, items: Any) -> Any:
        for outcome in Serial().outcomes(work, items):
            self.count += 1
            self.before(self.count)
            yield outcome


def run(scenario: Scenario, store: Path, executor: Executor | None = None) -> Study:
    with StudyStore(store) as kept:
        return studies.study(studies.with_study(scenario, VARY), kept, executor=executor or Counting())


# ---- the same bytes --------------------------------------------------------------------------------------------------


def test_one_process_and_several_give_the_same_bytes(scenario: Scenario) -> None:
    one, two, three = (text_of(iosim.sweep(scenario, VARY, jobs=jobs)) for jobs in (1, 2, 3))
    assert one == two == three


def test_cells_that_are_handed_out_whole_and_by_replication_give_the_same_bytes(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_replication = run(scenario, tmp_path / "a", Processes(2))
    monkeypatch.setattr(studies, "FEW", 1)
    assert text_of(run(scenario, tmp_path / "b", Processes(2))) == text_of(by_replication)


@pytest.mark.parametrize("commits", range(1, 5))
def test_a_study_that_is_interrupted_after_any_commit_ends_as_the_same_bytes(
    commits: int, scenario: Scenario, tmp_path: Path
) -> None:
    whole = text_of(run(scenario, tmp_path / "whole"))

    class Interrupting(StudyStore):
        left = commits

        def put(self, key: str, record: Record) -> None:
            super().put(key, record)
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Interrupting(tmp_path / "store") as kept:
        studies.study(studies.with_study(scenario, VARY), kept, executor=Counting())
    again = Counting()
    assert text_of(run(scenario, tmp_path / "store", again)) == whole
    assert again.count == 4 - commits


def test_a_worker_killed_in_the_middle_changes_no_byte(scenario: Scenario, tmp_path: Path) -> None:
    executor = Processes(2)

    def kill_one(done: int, total: int, what: str) -> None:
        if done == 1:
            os.kill(min(executor._pool()._processes), signal.SIGKILL)

    varied = studies.with_study(scenario.with_set({"run.duration": "200 ms"}), VARY)
    with StudyStore(tmp_path / "killed") as kept:
        killed = studies.study(varied, kept, executor=executor, progress=kill_one)
    with StudyStore(tmp_path / "whole") as kept:
        assert text_of(studies.study(varied, kept, executor=Counting())) == text_of(killed)


def test_rows_are_in_the_order_of_the_grid_and_the_file_in_that_of_the_keys(scenario: Scenario) -> None:
    study = iosim.sweep(scenario, VARY, jobs=1)
    assert [tuple(row["cell"].values()) for row in study.rows] == [
        (threads, rate) for threads in (1, 2) for rate in ("1000/s", "2000/s")
    ]
    keys = [cell["key"] for cell in study.document()["cells"]]
    assert keys == sorted(keys)


# ---- what is run again -----------------------------------------------------------------------------------------------


def test_only_cells_that_have_changed_are_run(scenario: Scenario, tmp_path: Path) -> None:
    run(scenario, tmp_path / "store")
    longer = {**VARY, "pools.workers.threads": [1, 2, 3]}
    counting = Counting()
    with StudyStore(tmp_path / "store") as kept:
        studies.study(studies.with_study(scenario, longer), kept, executor=counting)
    assert counting.count == 2


@pytest.mark.parametrize(
    "change", [{"run.seed": 2}, {"run.replications": 3}, {"handlers.request": [{"compute": "15 us"}]}]
)
def test_whatever_the_figures_depend_on_is_in_the_key(change: Any, scenario: Scenario, tmp_path: Path) -> None:
    run(scenario, tmp_path / "store")
    counting = Counting()
    run(scenario.with_set(change), tmp_path / "store", counting)
    assert counting.count == 4


def test_another_version_of_the_model_runs_every_cell_again(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(scenario, tmp_path / "store")
    monkeypatch.setattr(studies, "model_version", lambda: "another")
    counting = Counting()
    run(scenario, tmp_path / "store", counting)
    assert counting.count == 4


def test_the_version_of_the_model_is_that_of_its_sources() -> None:
    assert studies.model_version().startswith(f"{iosim.__version__}+")


def test_a_trace_with_other_content_is_another_cell(tmp_path: Path) -> None:
    scenario = iosim.load("trace-replay")
    task = studies.cell_task(scenario, {}, "heap", 1, 1)
    studies._content.cache_clear()
    first = task.key()
    path = next(iter(scenario.traces.values()))
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes() + b"\n")
    scenario.traces.update(dict.fromkeys(task.scenario.traces, copy))
    task.scenario.traces.update(scenario.traces)
    assert task.key() != first


def test_a_worker_with_another_iosim_refuses(scenario: Scenario) -> None:
    task = studies.CellTask(scenario, "heap", "0.0.0+another")
    with pytest.raises(iosim.IosimError, match=r"the study was begun by 0\.0\.0\+another"):
        studies.run_cell(task)


def test_two_values_that_mean_the_same_are_two_rows_of_one_run(scenario: Scenario, tmp_path: Path) -> None:
    counting = Counting()
    with StudyStore(tmp_path / "store") as kept:
        varied = studies.with_study(scenario, {"workload.web.rate": ["1000/s", "1/ms"]})
        study = studies.study(varied, kept, executor=counting)
    assert (counting.count, len(study.rows)) == (1, 2)
    assert len(study.document()["cells"]) == 2


# ---- cells that fail -------------------------------------------------------------------------------------------------


class Failing(Executor):
    """The second cell fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def outcomes(self, work: Any, items: Any) -> Any:
        from iosim.executors import Failure

        for outcome in Serial().outcomes(work, items):
            yield Outcome(1, failure=Failure(self.error, "its trace")) if outcome.place == 1 else outcome


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [(ValueError("bad"), 4, "ValueError: bad"), (LawBroken("time was lost"), 5, "time was lost")],
)
def test_a_failed_cell_is_recorded_stops_no_other_and_is_tried_again(
    error: Exception, status: int, text: str, scenario: Scenario, tmp_path: Path
) -> None:
    study = run(scenario, tmp_path / "store", Failing(error))
    assert (len(study.rows), [cell["error"] for cell in study.failed], study.exit_status) == (3, [text], status)
    rows = sqlite3.connect(tmp_path / "store").execute("SELECT error, trace FROM cells WHERE figures IS NULL")
    assert rows.fetchall() == [(text, "its trace")]
    again = Counting()
    assert run(scenario, tmp_path / "store", again).exit_status == 0
    assert again.count == 1


def test_values_that_do_not_go_together_are_a_failed_cell(scenario: Scenario) -> None:
    vary = {"run.rows": [True, False], "run.warm_up": ["auto", "1 ms"]}
    scenario = scenario.with_set({"run.warm_up": "1 ms"})
    study = iosim.sweep(scenario, vary, jobs=1)
    assert [cell["cell"] for cell in study.failed] == [{"run.rows": False, "run.warm_up": "auto"}]
    assert study.exit_status == 4
    assert "warm_up" in study.failed[0]["error"]


def test_a_study_tells_of_a_missed_expectation(scenario: Scenario) -> None:
    scenario = scenario.with_set({"expect": ["requests.offered > 1000000"]})
    study = iosim.sweep(scenario, VARY, jobs=1)
    assert study.exit_status == 3
    assert "4 of 4 cells: an expectation was missed or is undecided" in study.said(False)


def test_a_study_with_failed_cells_can_still_be_drawn(scenario: Scenario, tmp_path: Path) -> None:
    study = run(scenario, tmp_path / "store", Failing(ValueError("bad")))
    (tmp_path / "out").mkdir()
    names = {path.name for path in study.write(tmp_path / "out")}
    assert names == {"study.json", "study.png", "summary.json"}
    assert len(study.to_frame()) == 3


# ---- the store -------------------------------------------------------------------------------------------------------


def test_a_store_of_another_version_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    StudyStore(tmp_path / "store").close()
    with sqlite3.connect(tmp_path / "store") as other:
        other.execute(f"PRAGMA user_version = {FORMAT + 1}")
    other.close()
    before = (tmp_path / "store").read_bytes()
    with pytest.raises(WrongInput, match=rf"is a store of version {FORMAT + 1}; this iosim reads version {FORMAT}\."):
        StudyStore(tmp_path / "store")
    assert (tmp_path / "store").read_bytes() == before


def test_a_file_of_something_else_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to be taken for one" * 20)
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    for name in ("text", "other"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(WrongInput, match=r"is a database of something else|file is not a database"):
            StudyStore(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("there", [True, False])
def test_a_store_that_can_not_be_written_is_refused_before_anything_runs(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened read-only here, since file permissions stop no superuser."""
    if there:
        StudyStore(tmp_path / "store").close()
    connect = sqlite3.connect
    monkeypatch.setattr(
        "iosim.study_store.sqlite3.connect",
        lambda path, **given: connect(f"file:{path}?mode=ro", uri=True, **given),
    )
    with pytest.raises(WrongInput, match=r"store: can't be used: (attempt to write a readonly|unable to open)"):
        StudyStore(tmp_path / "store")


def test_what_is_committed_is_there_for_the_next_process(tmp_path: Path) -> None:
    """Without closing: as after a crash."""
    store = StudyStore(tmp_path / "store")
    store.put("a", Record('{"x": 1}'))
    store.put("b", Record(None, "bad", 1, "there"))
    assert StudyStore(tmp_path / "store").finished(["a", "b", "c"]) == {"a": Record('{"x": 1}')}


# ---- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1..64*2", [1, 2, 4, 8, 16, 32, 64]),
        ("1..50*3", [1, 3, 9, 27]),
        ("0..100+25", [0, 25, 50, 75, 100]),
        ("1..4", [1, 2, 3, 4]),
        ("0.1..0.3+0.1", [0.1, 0.2, 0.3]),
        ("4..16*2 KiB", ["4 KiB", "8 KiB", "16 KiB"]),
        ("1000..3000+1000/s", ["1000 /s", "2000 /s", "3000 /s"]),
        ("8", ["8"]),
        ("1.5", ["1.5"]),
        (7, [7]),
    ],
)
def test_a_range_is_its_values(text: Any, values: list[Any]) -> None:
    assert expand(text) == values


@pytest.mark.parametrize("text", ["4..1", "1..9*1", "1..9+0", "0..9*2", "1..1000000"])
def test_a_range_without_end_or_values_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"has no values, or no end|has more than 10000 values"):
        expand(text)


def test_values_follow_the_files_rules_and_commas_in_brackets_divide_nothing() -> None:
    assert parse_vary("a.b=8,none,1 MiB,[1, 2],{x: 1, y: 2},1..4*2") == (
        "a.b",
        [8, "none", "1 MiB", [1, 2], {"x": 1, "y": 2}, 1, 2, 4],
    )


def test_ranges_stand_in_files_too(scenario: Scenario) -> None:
    varied = scenario.with_set({"study": {"vary": {"pools.workers.threads": ["1..8*2", 12]}}})
    assert varied.model.study is not None
    assert varied.model.study.vary == {"pools.workers.threads": (1, 2, 4, 8, 12)}
    with pytest.raises(WrongInput, match=r"study\.vary\[workload\.web\.rate\]\[1\]: '2' has no unit"):
        scenario.with_set({"study": {"vary": {"workload.web.rate": ["1000/s", "2..8*2"]}}})
