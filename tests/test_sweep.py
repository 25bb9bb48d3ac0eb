"""`iosim sweep` on the command line."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tiny_server import TEXT

from iosim import cli
from iosim.cli.progress import Progress, in_words
from iosim.study_store import StudyStore

SWEEP = ("sweep", "./s.yaml", "--jobs", "1", "--vary", "pools.workers.threads=1..4*2")


@pytest.fixture
def iosim(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(TEXT)

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return status, said.out, said.err

    return call


def test_it_writes_the_study_every_cells_summary_a_picture_and_the_store(iosim: Any) -> None:
    status, out, err = iosim(*SWEEP, "--format", "json")
    assert status == 0
    document = json.loads(out)
    assert json.loads(Path("iosim-out/server/study.json").read_text()) == document
    assert sorted(os.listdir("iosim-out/server")) == ["cells", "study.json", "study.png", "study.sqlite"]
    assert document["vary"] == {"pools.workers.threads": [1, 2, 4]}
    for cell in document["cells"]:
        summary = json.loads(Path(f"iosim-out/server/cells/{cell['key']}/summary.json").read_text())
        assert summary["throughput_per_s"] == cell["figures"]["throughput_per_s"]
    assert err.splitlines()[-1] == f"results in {Path('iosim-out/server')}{os.sep}"


def test_the_same_command_again_runs_nothing_and_says_the_same(iosim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = iosim(*SWEEP)
    before = Path("iosim-out/server/study.json").read_bytes()
    monkeypatch.setattr("iosim.studies.run_cell", None)
    assert iosim(*SWEEP) == first
    assert Path("iosim-out/server/study.json").read_bytes() == before


def test_csv_has_one_row_a_figure_of_a_cell(iosim: Any) -> None:
    _, out, _ = iosim(*SWEEP, "--format", "csv", "--quiet")
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == ["path", "value", "low", "high"]
    assert ["study[pools.workers.threads=1].regime", "", ""] in [[path, *rest] for path, _, *rest in rows]
    assert any(row[0] == "study[pools.workers.threads=4].throughput_per_s" for row in rows)


def test_an_interrupted_sweep_says_what_is_kept_and_goes_on(iosim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(self: StudyStore, key: str, record: Any) -> None:
        original(self, key, record)
        raise KeyboardInterrupt

    original = StudyStore.put
    monkeypatch.setattr(StudyStore, "put", put)
    status, out, err = iosim(*SWEEP)
    assert (status, out) == (130, "")
    store = Path("iosim-out/server/study.sqlite")
    assert [line for line in err.splitlines() if line] == [
        f"cells kept in {store}: 1; the same command goes on from there",
        "interrupted",
    ]
    monkeypatch.setattr(StudyStore, "put", original)
    assert iosim(*SWEEP)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--vary", "pools.workers.thread=1,2"], "--vary pools.workers.thread=1: unknown key; did you mean 'threads'?"),
        (["--vary", "workload.web.rate=1000/s,fast"], "--vary workload.web.rate=fast: 'fast' is not a rate"),
        (["--vary", "pools.workers.threads"], "--vary pools.workers.threads: write PATH=V1,V2"),
        (
            ["--vary", "pools.workers.threads=4..1"],
            "--vary pools.workers.threads=4..1: '4..1' has no values, or no end",
        ),
        (["--vary", "run.seed=1", "--vary", "run.seed=2"], "--vary run.seed=2: 'run.seed' is varied already"),
        ([], "./s.yaml: nothing is varied: it has no 'study', and no --vary is given"),
        (["--vary", "run.seed=1,2", "--out", "s.yaml"], "--out s.yaml: cannot be written: File exists"),
        (["--vary", "run.seed=1,2", "--clock", "sundial"], "Error: Invalid value for '--clock'"),
        (["--vary", "run.seed=1,2", "--cluster", "here"], "--cluster here: "),
    ],
)
def test_every_misuse_is_status_2_with_a_reason_and_writes_nothing(arguments: list[str], line: str, iosim: Any) -> None:
    status, out, err = iosim("sweep", "./s.yaml", *arguments)
    assert (status, out) == (2, "")
    assert any(found.startswith(line) for found in err.splitlines()), err
    assert os.listdir() == ["s.yaml"]


def test_all_wrong_values_are_told_at_once(iosim: Any) -> None:
    arguments = ("--vary", "run.sed=1", "--vary", "workload.web.rate=fast,1000", "--vary", "a")
    status, _, err = iosim("sweep", "./s.yaml", *arguments)
    assert status == 2
    assert [line.split(": ")[0] for line in err.splitlines()] == [
        "--vary a",
        "--vary run.sed=1",
        "--vary workload.web.rate=1000",
        "--vary workload.web.rate=fast",
    ]


@pytest.mark.parametrize("content", [b"not a database " * 100, None])
def test_a_store_that_can_not_be_used_is_status_2_and_left_as_it_was(content: bytes | None, iosim: Any) -> None:
    """None: one of another version."""
    iosim(*SWEEP)
    store = Path("iosim-out/server/study.sqlite")
    if content is None:
        kept = StudyStore(store)
        kept.connection.execute("PRAGMA user_version = 99")
        kept.close()
    else:
        store.write_bytes(content)
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    status, out, err = iosim(*SWEEP)
    assert (status, out) == (2, "")
    assert err.startswith(f"{store}: ")
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_a_failed_cell_is_told_and_is_status_4(iosim: Any) -> None:
    arguments = ("--set", "run.warm_up=1ms", "--vary", "run.rows=true,false", "--vary", "run.warm_up=1ms,auto")
    status, out, err = iosim("sweep", "./s.yaml", "--jobs", "1", *arguments)
    assert status == 4
    assert "run.rows=false, run.warm_up=auto" in out
    assert "warning: cell run.rows=false, run.warm_up=auto failed: " in err


def test_the_rest_is_estimated_from_what_was_run_now(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten cells came from the store: they took no time and tell none."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    progress = Progress()
    progress(10, 20, "cells")
    now[0] = 6.0
    progress(12, 20, "cells")
    progress.clear()
    assert "12/20 cells, about 24 s left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "about 1 s"), (89, "about 89 s"), (600, "about 10 min"), (7200, "about 2.0 h")]
)
def test_the_rest_is_told_in_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert in_words(seconds) == text
