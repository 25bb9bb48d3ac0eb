"""How results show themselves in a notebook, and what a cell says of a mistake."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from test_planning import QUEUE

import iosim
from iosim import planning, stacks
from iosim.markup import table
from iosim.scenario.sources import bundled

SHORT = {"run.duration": "50 ms", "run.warm_up": "5 ms", "run.replications": 2, "study": None}
LARGEST = 50_000  # bytes that a notebook may grow by for each result


@pytest.fixture(scope="module")
def head_of_line() -> iosim.Scenario:
    return iosim.load("head-of-line", set=SHORT)


@pytest.fixture(scope="module")
def shown(head_of_line: iosim.Scenario, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One of everything that shows itself."""
    file = tmp_path_factory.mktemp("plan") / "queue.yaml"
    file.write_text(QUEUE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "MOST", 10)
        plan = iosim.plan(
            iosim.load(file, set={"run.duration": "40 ms"}), "mean wait < 0.5 ms", "workload.web.rate", jobs=1
        )
    more = head_of_line.with_set({"pools.workers.threads": 16})
    return {
        "scenario": iosim.load("filter-tax"),
        "result": iosim.run(head_of_line, jobs=1),
        "study": iosim.sweep(head_of_line, {"pools.workers.threads": [4, 16]}, jobs=1),
        "comparison": iosim.compare(head_of_line, more, names=["8 threads", "16 threads"], jobs=1),
        "plan": plan,
    }


KINDS = ("scenario", "result", "study", "comparison", "plan")


class Balanced(HTMLParser):
    """Raises where an element is closed that was not opened last; keeps what it met."""

    VOID = ("img",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.met: set[str] = set()
        self.alone: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.add(tag)
        if tag in ("img", "svg"):
            self.alone.append(dict(attrs))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("kind", KINDS)
def test_what_shows_itself_is_small_whole_and_needs_nothing_from_elsewhere(shown: dict[str, Any], kind: str) -> None:
    text = shown[kind]._repr_html_()
    assert len(text) < LARGEST
    page = Balanced()
    page.feed(text)
    assert page.open == []
    assert "table" in page.met and page.met & {"img", "svg"}
    assert "script" not in page.met and not re.search(r'(src|href)="(?!data:)', text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_has_its_words(shown: dict[str, Any], kind: str) -> None:
    page = Balanced()
    page.feed(shown[kind]._repr_html_())
    assert page.alone
    assert all(len(it.get("alt") or it.get("aria-label") or "") > 20 for it in page.alone)


@pytest.mark.parametrize("kind", KINDS)
def test_its_text_is_one_short_line_that_names_the_scenario_or_the_verdict(shown: dict[str, Any], kind: str) -> None:
    """For a terminal, a debugger, and notebooks read as text."""
    text = repr(shown[kind])
    assert text.startswith(f"<{kind.capitalize()}") and text.endswith(">")
    assert "\n" not in text and len(text) < 400


def test_a_result_and_a_study_fold_the_device_stack_away(shown: dict[str, Any]) -> None:
    for kind in ("result", "study", "plan"):
        assert "<summary>Device stack</summary><svg" in shown[kind]._repr_html_()


def test_names_from_a_scenario_are_text_and_never_markup() -> None:
    assert table(["<b>"], [["a & b"]]) == (
        '<table><tr><th scope="col">&lt;b&gt;</th></tr><tr><td>a &amp; b</td></tr></table>'
    )


# ---- the device stack ------------------------------------------------------------------------------------------------


def test_a_stack_is_told_from_the_program_down_to_the_drive() -> None:
    assert stacks.as_text(iosim.load("filter-tax").effective()).splitlines()[2:] == [
        "files (documents unbuffered)",
        "  filter activity (altitude 385100)",
        "    filter scanner (altitude 328010)",
        "      filter quota (altitude 265000)",
        "        filter backup (altitude 145000)",
        "          NTFS (no page cache)",
        "            filter encryption (altitude 40700)",
        "              volume data (simple)",
        "                class driver",
        "                  port driver",
        "                    disk disk0 (nvme-datacentre-flash)",
    ]


def test_volumes_that_share_a_disk_stand_over_the_one_disk() -> None:
    disk = {"kind": "nvme", "units": 4, "read": "50 us", "program": "100 us"}
    changes = {
        "disks": {"one": disk, "two": disk},
        "volumes": {"a": {"disk": "one", "size": "1 GiB"}, "b": {"disk": "one"}, "c": {"disk": "two"}},
    }
    effective = iosim.load("head-of-line", set=changes).effective()
    shapes = [(list(it.upper), list(it.lower)) for it in stacks.groups(effective)][1:]
    assert shapes == [(["a", "b"], ["one"]), (["c"], ["two"])]
    assert stacks.as_svg(effective).count("disk one</text>") == 1
    assert stacks.as_text(effective).count("disk one, as above") == 1


def test_of_very_many_disks_a_few_are_drawn_and_the_rest_is_counted() -> None:
    disks = {f"disk{number}": {"preset": "cheetah-9lp"} for number in range(12)}
    volume = {"disks": list(disks), "layout": "stripe"}
    drawn = stacks.as_svg(iosim.load("raid-stripe", set={"disks": disks, "volumes.data": volume}).effective())
    assert "and 9 more</text>" in drawn
    assert drawn.count(">class driver</text>") == 3


@pytest.mark.parametrize("name", bundled())
def test_the_stack_of_every_bundled_scenario_can_be_drawn(name: str) -> None:
    page = Balanced()
    page.feed(iosim.load(name)._repr_html_())
    assert page.open == []


# ---- scenarios, frames and mistakes ----------------------------------------------------------------------------------


def test_a_scenario_tells_what_was_laid_over_its_file() -> None:
    changed = iosim.load("head-of-line", set={"ports.main.concurrency": 2, "overloads": True})
    assert repr(changed) == "<Scenario head-of-line: ports.main.concurrency=2, overloads=true>"
    assert repr(iosim.load("head-of-line")) == "<Scenario head-of-line>"
    assert "ports.main.concurrency = 2" in changed._repr_html_()


def test_columns_of_frames_carry_their_units(shown: dict[str, Any]) -> None:
    pytest.importorskip("pandas")
    scan = shown["plan"].to_frame()
    assert list(scan)[:4] == ["workload.web.rate_per_s", "met", "regime", "throughput_per_s"]
    assert {"latency_ns.mean", "processors.utilization"} <= set(scan)
    assert list(scan.iloc[:, 0]) == sorted(scan.iloc[:, 0])
    apart = shown["comparison"].to_frame().set_index("figure")
    assert set(apart) == {"design", "base", "other", "difference", "difference.low", "difference.high"}
    assert apart.loc["latency_ns.mean", "base"] > 0
    assert {"latency_ns", "ended_ns", "bytes"} <= set(shown["result"].requests.to_frame())
    assert {"pools.workers.threads", "throughput_per_s", "latency_ns.mean.low"} <= set(shown["study"].to_frame())


CELL = """
import iosim
iosim.load("head-of-line", set={"ports.main.concurency": 2})
"""


def said_in_a_cell(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    shell.run_cell(text)
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).strip()


def test_a_mistake_reads_in_a_cell_as_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    from iosim.cli import main

    assert main(["check", "head-of-line", "--set", "ports.main.concurency=2"]) == 2
    told = capsys.readouterr().err.strip()
    assert "concurrency" in told
    assert said_in_a_cell(CELL, capsys) == told


def test_who_asks_for_it_gets_pythons_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOSIM_DEBUG", "1")
    assert "Traceback (most recent call last)" in said_in_a_cell(CELL, capsys)


def test_a_fault_in_a_readers_own_code_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert "ZeroDivisionError" in (told := said_in_a_cell("import iosim\n1 / 0", capsys)) and "Traceback" in told


def test_showing_nothing_prints_nothing(
    shown: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for it in shown.values():
        it._repr_html_()
    assert capsys.readouterr() == ("", "")
