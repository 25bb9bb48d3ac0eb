"""The scenarios that replay a server's trace: what they claim, what is said without the file, and what memory they take."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import iosim
from iosim import cli
from iosim.errors import WrongInput

ROWS = 127_043  # of the trace that build-server-trace was made for
PEAK = 400  # MB


def burst(changes: dict[str, Any]) -> dict[str, Any]:
    summary: dict[str, Any] = iosim.run(iosim.load("database-trace", set=changes), study=False).summary
    return summary


def p99(summary: dict[str, Any]) -> float:
    return float(summary["latency_ns"]["p99"]["value"])


def amplification(summary: dict[str, Any]) -> float:
    return float(summary["disks"]["array"]["write_amplification"]["value"])


def test_the_burst_ends_with_every_row_and_little_spare_flash_makes_it_wait_for_garbage() -> None:
    little, much = (burst({"disks.array.over_provisioning": spare}) for spare in ("7 %", "56 %"))
    for summary in (little, much):
        assert summary["requests"]["completed"] == 6_999
        assert summary["regime"]["kind"] == "terminating"
        causes = summary["latency_causes_ns"]
        mean = summary["latency_ns"]["mean"]["value"]
        assert sum(it["value"] for it in causes.values()) == pytest.approx(mean, rel=1e-9)
    assert p99(little) > 3 * p99(much)
    assert amplification(little) > 3 > 2 > amplification(much) > 1


def test_on_a_fresh_drive_there_is_no_garbage_and_spare_flash_changes_nothing() -> None:
    fresh = [burst({"disks.array.over_provisioning": it, "disks.array.condition": "fresh"}) for it in ("7 %", "56 %")]
    assert fresh[0]["latency_ns"] == fresh[1]["latency_ns"]
    assert p99(fresh[0]) < 400_000
    assert [amplification(it) for it in fresh] == [1, 1]


# ---- a trace that the user brings ------------------------------------------------------------------------------------


def written(folder: Path, rows: int) -> Path:
    """A trace as large as wanted, in SSDSim's form: a read or write of 64 KiB every 200 ms, all over 160 GB."""
    path = folder / "builds.trace"
    with path.open("w") as file:
        for row in range(rows):
            file.write(f"{row * 200_000_000} 0 {row * 7_919_003 % 300_000_000} 128 {int(row % 9 > 0)}\n")
    return path


def test_without_its_file_the_build_servers_trace_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "build-server-trace"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    wanted = "build-server-trace: workload.builds.trace: a trace file has to be given: --set workload.builds.trace=FILE"
    assert said.err.splitlines() == [wanted]
    with pytest.raises(WrongInput, match="a trace file has to be given"):
        iosim.run(iosim.load("build-server-trace"))


def test_check_list_and_explain_do_without_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "build-server-trace"]) == 0
    assert capsys.readouterr().out == "build-server-trace: ok, once workload.builds.trace is given\n"
    assert cli.main(["list", "--format", "json"]) == 0
    assert "build-server-trace" in [it["name"] for it in json.loads(capsys.readouterr().out)]
    assert cli.main(["explain", "build-server-trace"]) == 0


def test_a_trace_that_is_forgotten_in_a_file_of_ones_own_is_a_missing_key(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "version: 1\nextends: build-server-trace\nworkload: {other: {kind: replay, port: main, map: everything}}"
    )
    with pytest.raises(WrongInput, match=r"workload\.other\.trace: required key is missing"):
        iosim.load(str(path))


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="no such file"):
        iosim.load("build-server-trace", set={"workload.builds.trace": str(tmp_path / "no.trace")})


def test_with_a_file_it_runs_to_the_last_row(tmp_path: Path) -> None:
    scenario = iosim.load("build-server-trace", set={"workload.builds.trace": str(written(tmp_path, 300))})
    summary = iosim.run(scenario).summary
    assert summary["requests"]["completed"] == 300
    assert summary["regime"]["kind"] == "terminating"


# Not ru_maxrss: that counts what the process was before it became this program, a worker of the tests.
AND_ITS_PEAK = """
from iosim.cli import main
try:
    main()
except SystemExit as left:
    assert not left.code, left.code
print(*[line for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


@pytest.mark.heavy
@pytest.mark.timeout(300)
def test_as_many_rows_as_the_build_servers_replay_within_400_mb(tmp_path: Path) -> None:
    """The peak of a process of its own, start-up, summary and pictures included; measured by the operating system."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a program is read from /proc")
    trace = written(tmp_path, ROWS)
    arguments = ["run", "build-server-trace", "--jobs", "1", "--format", "json"]
    arguments += ["--set", f"workload.builds.trace={trace}", "--out", str(tmp_path / "out")]
    said = subprocess.run(
        [sys.executable, "-c", AND_ITS_PEAK, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    summary, peak = said.stdout.rsplit("VmHWM:", 1)
    assert json.loads(summary)["requests"]["completed"] == ROWS
    assert 20 < int(peak.split()[0]) / 1024 < PEAK
