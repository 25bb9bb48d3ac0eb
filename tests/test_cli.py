"""The command line: exit statuses, what goes where, and nothing imported that is not needed."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from iosim import cli
from iosim import summary_tables as shown
from iosim.clock import CLOCKS, choose_clock
from iosim.compiled import MODE, Mode
from iosim.errors import LawBroken
from iosim.numbers import show_time
from iosim.tables import plain
from iosim.version import VERSION

GOOD = """\
version: 1
scenario: server
ports: {main: {}}
pools: {workers: {port: main, threads: 2}}
handlers: {request: [{compute: 15 us}]}
workload: {web: {kind: open, port: main, handler: request, rate: 1000/s}}
run: {duration: 20 ms, replications: 2}
"""
WRONG = GOOD.replace("1000/s", "1000").replace("port: main, threads", "prot: main, threads")
WRONG_LINES = [
    "./s.yaml:4:18: pools.workers.port: required key is missing (name of the port that its threads wait on)",
    "./s.yaml:4:19: pools.workers.prot: unknown key; did you mean 'port'?",
    "./s.yaml:6:66: workload.web.rate: '1000' has no unit; a rate is written like '20000/s'"
    " (units: /ns, /us, /ms, /s, /min, /h)",
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(GOOD)
    return tmp_path


@dataclass
class Said:
    """What one command line did."""

    status: int
    out: str
    err: str


@pytest.fixture
def iosim(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("iosim.cli.run.MODE", Mode(True))  # in either mode, no note about it

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        status = cli.main(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Said(status, said.out, said.err)

    return call


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter, for what can't be seen from inside this one."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


def loaded(verb: str, modules: str) -> str:
    """Which of these modules a verb has imported by its end."""
    code = f"import sys; from iosim.cli import main; main([{verb!r}])"
    code += f"; print(sorted(set({modules.split()}) & set(sys.modules)))"
    return python("-c", code).stdout.splitlines()[-1]


def test_help_imports_nothing_heavy() -> None:
    """`--help` must answer at once; the list of modules is a steadier witness than a stopwatch."""
    assert loaded("--help", "numpy simpy matplotlib pandas scipy joblib pydantic yaml rich") == "[]"


def test_verbs_that_run_nothing_import_no_engine() -> None:
    assert loaded("list", "numpy simpy matplotlib pandas scipy joblib") == "[]"


def test_the_module_is_the_same_as_the_script() -> None:
    said = python("-m", "iosim", "--version")
    assert (said.returncode, said.stdout) == (0, f"iosim {VERSION}, {MODE}\n")


@pytest.mark.parametrize(
    "arguments",
    [["run", "./s.yaml"], ["check", "./s.yaml"], ["explain", "./s.yaml"], ["run", "./s.yaml", "--out", "o"]],
)
def test_wrong_input_is_all_its_lines_status_2_and_nothing_written(
    arguments: list[str], here: Path, iosim: Any
) -> None:
    (here / "s.yaml").write_text(WRONG)
    said = iosim(*arguments)
    assert (said.status, said.out, said.err.splitlines()) == (2, "", WRONG_LINES)
    assert os.listdir() == ["s.yaml"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "./no.yaml"], "./no.yaml: no such file"),
        (["run", "no.yaml"], "no.yaml: no such file"),
        (["run", "no-scenario"], "no-scenario: no bundled scenario of this name"),
        (["run", "./s.yaml", "--set", "run.sed=1"], "--set run.sed=1: run.sed: unknown key; did you mean 'seed'?"),
        (["run", "./s.yaml", "--set", "run.seed"], "--set run.seed: write PATH=VALUE"),
        (["run", "./s.yaml", "--out", "s.yaml"], "--out s.yaml: cannot be written: File exists"),
        (["run", "./s.yaml", "--out", "s.yaml/deep"], "--out s.yaml/deep: cannot be written: Not a directory"),
        (["run", "./s.yaml", "--replications", "0"], "Error: Invalid value for '--replications'"),
        (["run", "./s.yaml", "--clock", "sundial"], "Error: Invalid value for '--clock'"),
        (["run"], "Error: Missing argument 'SCENARIO'"),
        (["rum"], "Error: No such command 'rum'"),
        (["new", "s"], "s.yaml: exists already; nothing was written"),
        (["new", "9"], "9: a scenario's name has letters"),
        (["new", "no/dir"], "no/dir.yaml: cannot be written: No such file or directory"),
        (["explain"], "Error: a SCENARIO or --defaults is needed"),
    ],
)
def test_every_misuse_is_status_2_with_a_reason(arguments: list[str], line: str, iosim: Any) -> None:
    said = iosim(*arguments)
    assert (said.status, said.out) == (2, "")
    assert any(found.startswith(line) for found in said.err.splitlines())
    assert os.listdir() == ["s.yaml"]


def test_overrides_that_are_wrong_come_with_the_files_own_mistakes(here: Path, iosim: Any) -> None:
    (here / "s.yaml").write_text(WRONG)
    said = iosim("check", "./s.yaml", "--set", "machine.l2=1 ms", "--set", "nonsense")
    assert said.err.splitlines() == [
        "--set machine.l2=1 ms: machine.l2: '1 ms' is a time; a size is needed, like '64 KiB'",
        "--set nonsense: write PATH=VALUE, like 'workload.web.rate=5000/s'",
        *WRONG_LINES,
    ]


def test_check_judges_every_scenario_it_is_given(here: Path, iosim: Any) -> None:
    (here / "t.yaml").write_text("version: 3\n")
    said = iosim("check", "./s.yaml", "./t.yaml")
    assert (said.status, said.out) == (2, "./s.yaml: ok\n")
    assert said.err == "./t.yaml:1:10: version: version 3 is not known; this iosim reads version 1\n"


def test_check_can_be_read_by_an_editor(here: Path, iosim: Any) -> None:
    (here / "s.yaml").write_text(WRONG)
    (report,) = json.loads(iosim("check", "./s.yaml", "--format", "json").out)
    assert report["ok"] is False
    assert report["mistakes"][1]["line"] == 4
    assert report["mistakes"][1]["column"] == 19


def test_a_new_scenario_passes_its_own_check(here: Path, iosim: Any) -> None:
    said = iosim("new", "mine")
    assert said.status == 0
    text = (here / "mine.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=")
    assert iosim("check", "./mine.yaml").out == "./mine.yaml: ok\n"
    assert iosim("new", "mine").status == 2
    assert (here / "mine.yaml").read_text() == text


def test_the_json_schema_accepts_units_and_describes_every_key(iosim: Any) -> None:
    """Editors show these descriptions; they are the reference of the file format."""
    schema = json.loads(iosim("schema").out)
    undescribed = [
        f"{name}.{key}"
        for name, section in {**schema["$defs"], "scenario": schema}.items()
        for part in section.get("anyOf", [section])
        for key, value in (part.get("properties") or {}).items()
        if "exponential" not in (part.get("properties") or {}) and "description" not in value
    ]
    assert undescribed == []
    assert schema["$defs"]["Dispatcher"]["properties"]["context_switch"]["default"] == "1.2 us"
    assert "pattern" in schema["$defs"]["Dispatcher"]["properties"]["context_switch"]
    assert schema["$defs"]["Dispatcher"]["properties"]["context_switch"]["source"]


def test_explain_tells_file_default_and_override_apart(iosim: Any) -> None:
    rows = json.loads(iosim("explain", "./s.yaml", "--set", "run.seed=7", "--format", "json").out)
    found = {row["key"]: (row["value"], row["from"]) for row in rows}
    assert found["workload.web.rate"] == ("1000/s", "./s.yaml:6")
    assert found["handlers.request[0].compute.time"] == ("15 us", "./s.yaml:5")
    assert found["machine.l2"] == ("1 MiB", "default")
    assert found["run.seed"] == ("7", "--set run.seed=7")


def test_every_default_number_has_a_source_and_a_confidence(iosim: Any) -> None:
    rows = json.loads(iosim("explain", "--defaults", "--format", "json").out)
    found = {row["key"]: row for row in rows}
    assert found["machine.dispatcher.context_switch"]["value"] == "1.2"
    assert found["machine.dispatcher.context_switch"]["unit"] == "us"
    assert found["nvme-optane"]["source"]
    assert all(row["source"] and row["how sure"] for row in rows)


def test_no_default_number_is_without_a_source() -> None:
    """A number that nobody can trace is a number that nobody can trust."""
    from iosim.scenario.fields import defaults

    choices = {"(none)", "[]", "false", "", "poisson", "random", "overlapped", "auto", "original", "unbuffered", "sptf"}
    choices |= {"0 B", "0 s", "throughput_per_s", "1"}
    assert [it.path for it in defaults() if not it.source and it.value not in choices] == []


def test_an_unexpected_failure_is_status_1_and_short(iosim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the moon is in the wrong place")

    monkeypatch.setattr("iosim.cli.check.load_scenario", broken)
    said = iosim("check", "./s.yaml")
    assert said.status == 1
    assert said.err.splitlines()[0] == "iosim failed: RuntimeError: the moon is in the wrong place"


@pytest.mark.parametrize(
    ("raised", "status"), [(KeyboardInterrupt(), 130), (LawBroken("time was lost"), 5), (ValueError("x"), 1)]
)
def test_each_way_to_end_has_its_status(
    raised: BaseException, status: int, iosim: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("iosim.experiment.run", ended)
    assert iosim("run", "./s.yaml").status == status


@dataclass
class Outcome:
    """A result made by hand."""

    summary: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=lambda: {"host": "here"})
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    study: Any = None
    exit_status: int = 0

    def document(self, reproducible: bool) -> dict[str, Any]:
        return self.summary if reproducible else {**self.summary, "provenance": self.provenance}

    def write(self, directory: Path, reproducible: bool) -> None:
        (directory / "summary.json").write_text(json.dumps(self.summary))


def figure(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "ci95": None if low is None else [low, high]}


SUMMARY: dict[str, Any] = {
    "scenario": "server",
    "seed": 1,
    "replications": 2,
    "simulated_ns": 2_000_000_000,
    "warm_up_ns": 500_000_000,
    "regime": {"kind": "steady", "resource": "", "reason": "nothing grows"},
    "requests": {"offered": 100, "completed": 99, "failed": 0, "in_flight": 1},
    "throughput_per_s": figure(19421.7, 18000.0, 20000.0),
    "latency_ns": {"mean": figure(1_500_000, 1_400_000, 1_600_000), "p99": figure(2_500.0)},
    "wait_ns": {"mean": figure(900)},
    "latency_causes_ns": {"user": figure(1000), "kernel": figure(3000), "dma": figure(0)},
    "processors": {"share": {"user": figure(0.75), "idle": figure(0.25)}, "context_switches_per_s": figure(10)},
    "ports": {"main": {"packets": 100, "queue_mean": figure(1.5)}},
    "warnings": ["a tail is thin"],
}


def test_the_table_shows_what_matters_most_first() -> None:
    text = "\n\n".join(plain(table) for table in shown.tables(SUMMARY, [], None) if table.rows)
    assert text.isascii()
    assert text.splitlines()[:7] == [
        "scenario    server",
        "regime      steady: nothing grows",
        "seed        1, 2 replications",
        "simulated   up to 2 s a replication, to the end of its last request; the first 500 ms are warm-up",
        "requests    100 offered, 99 completed, 1 in_flight in all replications together",
        "throughput  19,422/s (95 %: 18,000 to 20,000/s)",
        "figures     means over replications with their 95 % intervals; quantiles and max are those of all requests together",
    ]
    assert "all    mean   1.5 ms  1.4 to 1.6 ms  900 ns" in text
    causes = text[text.index("where a request's time goes") :].splitlines()
    assert causes[2:4] == ["kernel  3 us  75.0 %", "user    1 us  25.0 %"]
    assert "dma" not in text


def test_long_tables_leave_out_what_no_device_did() -> None:
    """Of the many figures of a disk most are 0; write amplification is 1 where nothing is moved."""
    idle = {name: figure(0) for name in ("split_requests_per_s", "resets", "queue_max", "a", "b", "c", "d")}
    disks = {
        "left": {"commands_per_s": figure(5.0), "write_amplification": figure(1.0), **idle},
        "right": {"commands_per_s": figure(0.00001), "write_amplification": figure(1.0), **idle, "resets": figure(2)},
    }
    (table,) = [table for table in shown.tables({"disks": disks}, [], None) if table.title.startswith("disks")]
    assert table.rows == [["commands", "5/s", "<0.0001/s"], ["resets", "0", "2"]]
    assert "busy share: with a command inside" in table.title


def test_one_replication_is_no_plural_and_has_no_means_over_several() -> None:
    head, *rest = shown.tables({**SUMMARY, "replications": 1}, [], None)
    assert ["seed", "1, 1 replication"] in head.rows
    assert "replications" not in " ".join(map(" ".join, head.rows))
    assert "ports" in [table.title for table in rest]


def test_what_is_a_mean_of_a_replication_says_so_beside_totals_of_all() -> None:
    """A port's packets stand a few lines below the requests of all replications, and are fewer."""
    head, *rest = shown.tables(SUMMARY, [], None)
    assert ["requests", "100 offered, 99 completed, 1 in_flight in all replications together"] in head.rows
    assert "ports, mean of a replication" in [table.title for table in rest]


def test_verdicts_stand_on_the_first_screen_below_what_kind_of_run_it_was() -> None:
    verdict = {
        "expect": "throughput_per_s > 9000",
        "verdict": "met",
        "value": 9500.0,
        "ci95": [9400.0, 9600.0],
        "needs": "",
        "caveat": "",
    }
    head, verdicts, *_ = shown.tables(SUMMARY, [verdict], None)
    assert len(head.rows) + len(verdicts.rows) < 24
    assert verdicts.rows == [["throughput_per_s > 9000", "met", "9,500/s", "9,400 to 9,600/s", ""]]


def test_no_time_is_shown_in_powers_of_ten() -> None:
    assert [show_time(value) for value in (3e13, 1.5e6, 0)] == ["30,000 s", "1.5 ms", "0 ns"]


def test_a_known_drive_is_described_with_units_on_lines_that_fit(iosim: Any) -> None:
    lines = iosim("devices", "barracuda-7200").out.splitlines()
    assert max(map(len, lines)) <= 80
    for line in (
        "  bus speed: 40 MB/s",
        "  segment_size: 143872 B",
        "  age_limit: none",
        "    write hit after read 1.01 ms",
    ):
        assert line in lines
    assert "  write speed: as the link" in iosim("devices", "sata-ssd").out.splitlines()


@pytest.mark.parametrize(("asked", "lines"), [(False, 1), (True, 0)])
def test_a_run_in_plain_python_that_nobody_asked_for_says_so_in_one_line(
    asked: bool, lines: int, iosim: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip hides what the build said."""
    monkeypatch.setattr("iosim.experiment.run", lambda *_, **__: Outcome({**SUMMARY, "warnings": []}))
    monkeypatch.setattr("iosim.cli.run.MODE", Mode(False, "no C compiler was found when it was installed", asked))
    note = (
        "note: plain Python: no C compiler was found when it was installed. The results are the same and take longer;"
    )
    said = iosim("run", "./s.yaml").err.splitlines()
    assert [line.startswith(note) for line in said] == [True] * lines + [False]
    assert iosim("run", "./s.yaml", "--quiet").err == ""


def test_the_fast_clock_without_compiled_code_is_status_2_and_nothing_is_written(
    iosim: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iosim.clock.MODE", Mode(False, "no C compiler was found when it was installed"))
    monkeypatch.delitem(CLOCKS, "fast", raising=False)
    said = iosim("run", "./s.yaml", "--clock", "fast")
    why = "needs compiled code, and this is plain Python: no C compiler was found when it was installed"
    assert (said.status, said.out, said.err) == (2, "", f"clock fast: {why}\n")
    assert not Path("iosim-out").exists()


def test_a_run_tells_its_clock_and_mode_and_imports_no_other_clock(here: Path) -> None:
    code = "import sys; from iosim.cli import main; main(['run', './s.yaml', '--format', 'json', *sys.argv[1:]])"
    code += "; print('simpy' in sys.modules, file=sys.stderr)"
    for clock, arguments in ((choose_clock(), []), ("heap", ["--clock", "heap"]), ("simpy", ["--clock", "simpy"])):
        said = python("-c", code, "--jobs", "1", *arguments)
        origin = json.loads(said.stdout)["provenance"]
        assert (origin["clock"], origin["compiled"], origin["mode"]) == (clock, MODE.compiled, str(MODE))
        assert said.stderr.splitlines()[-1] == str(clock == "simpy")


def test_data_is_alone_on_stdout_and_talk_on_stderr(iosim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iosim.experiment.run", lambda *_, **__: Outcome(SUMMARY))
    said = iosim("run", "./s.yaml", "--format", "json")
    assert json.loads(said.out) == {**SUMMARY, "provenance": {"host": "here"}}
    assert said.err == f"warning: a tail is thin\nresults in iosim-out/server{os.sep}\n"
    assert json.loads(iosim("run", "./s.yaml", "--format", "json", "--reproducible").out) == SUMMARY
    assert iosim("run", "./s.yaml", "--quiet").err == ""
    assert Path("iosim-out/server/summary.json").exists()


def test_csv_has_one_row_a_figure(iosim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iosim.experiment.run", lambda *_, **__: Outcome(SUMMARY))
    rows = list(csv.reader(iosim("run", "./s.yaml", "--format", "csv", "--out", "o").out.splitlines()))
    assert rows[0] == ["path", "value", "low", "high"]
    assert ["latency_ns.mean", "1500000", "1400000", "1600000"] in rows
    assert ["ports.main.packets", "100", "", ""] in rows
    assert len({row[0] for row in rows}) == len(rows)


def test_options_reach_the_run_and_what_is_not_given_is_not_passed(iosim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def remember(scenario: Any, **options: Any) -> Outcome:
        seen.update(options, rate=scenario.get("workload.web.rate"))
        return Outcome(SUMMARY, exit_status=3)

    monkeypatch.setattr("iosim.experiment.run", remember)
    assert iosim("run", "./s.yaml", "--seed", "7", "--no-study", "--set", "workload.web.rate=5/ms").status == 3
    assert seen == {"seed": 7, "study": False, "progress": None, "rate": "5000/s"}


def test_an_ascii_terminal_gets_escapes_instead_of_a_crash(here: Path) -> None:
    """A table library died of the micro sign on an ASCII stdout."""
    (here / "s.yaml").write_text(GOOD + "description: 5 \u00b5s\n", encoding="utf-8")
    said = python("-m", "iosim", "explain", "./s.yaml", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert said.returncode == 0
    assert "5 \\xb5s" in said.stdout


def test_the_effective_file_of_the_starter_is_plain_yaml(iosim: Any) -> None:
    """Other tools read it too, by YAML 1.1 rules."""
    from iosim.scenario import load

    iosim("new", "mine")
    scenario = load("./mine.yaml")
    assert yaml.safe_load(scenario.to_yaml()) == scenario.effective()
