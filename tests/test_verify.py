"""`iosim verify` and `iosim devices`: what they print, what they return, and that docs/devices.md says the same."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iosim import cli
from iosim.cli.verify import SUBJECTS, _show
from iosim.numbers import show_number
from iosim.presets import DRIVES
from iosim.verify import SUBJECTS as BUILT
from iosim.verify import Row, Table, hard_disks, queues, solid_state
from iosim.verify.replicated import ROWS, Cell, Wanted, rows_of

GOOD = Row("a time", "us", 10.4, 10.0, 0.05, "a paper")
BAD = Row("a rate", "/s", 90.0, 100.0, 0.05, "a data sheet")
BOUND = Row("a demerit", "ms", 0.3, 0.107, 0.5, "another simulator", bound=True)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tables made by hand instead of the real ones."""

    def make(*rows: Row) -> None:
        def tables(_subject: str, _effort: str, _jobs: int | None) -> Iterator[Table]:
            yield Table("a drive", list(rows), "as it was asked")

        monkeypatch.setattr("iosim.verify.tables", tables)

    return make


def test_a_row_is_met_within_its_tolerance_and_a_bound_below_it() -> None:
    assert (GOOD.met, BAD.met, BOUND.met) == (True, False, True)
    assert GOOD.difference == pytest.approx(0.04)
    assert not Row("a demerit", "ms", 0.6, 0.107, 0.5, "another simulator", bound=True).met


def test_a_row_with_an_interval_is_met_missed_or_undecided(made: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Met: it holds the published figure, and is narrow enough to say so."""
    met, missed, undecided = (
        Row("wait", "ms", 1.02, 1.0, 0.05, "a formula", ends=ends) for ends in ((0.98, 1.06), (1.01, 1.03), (0.9, 1.14))
    )
    assert [row.verdict for row in (met, missed, undecided)] == ["met", "missed", "undecided"]
    assert [row.met for row in (met, missed, undecided)] == [True, False, False]
    for row, status, shown in (
        (met, 0, "+-4 %  met"),
        (missed, 3, "+-1 %  MISSED"),
        (undecided, 3, "+-12 %  undecided"),
    ):
        made(row)
        assert cli.main(["verify", "queues"]) == status
        said = capsys.readouterr()
        assert said.out.splitlines()[2].endswith(shown)
        assert (", 1 undecided" in said.err) == (row is undecided)


def test_a_table_shows_model_published_difference_tolerance_and_verdict_in_80_columns(
    made: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    made(GOOD, BOUND)
    assert cli.main(["verify", "storage"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "a drive",
        "             model  published   diff.    within  result",
        "a time     10.4 us      10 us  +4.0 %       5 %  met",
        "a demerit   0.3 ms   0.107 ms          <=0.5 ms  met",
        "  as it was asked",
        "  published: a paper; another simulator",
    ]
    assert said.err == "2 of 2 figures are within their tolerance\n"


def test_a_missed_tolerance_is_status_3_in_every_format(made: Any, capsys: pytest.CaptureFixture[str]) -> None:
    made(GOOD, BAD)
    assert cli.main(["verify", "storage", "--quiet"]) == 3
    assert "a rate    90 /s     100 /s  -10.0 %     5 %  MISSED" in capsys.readouterr().out
    assert cli.main(["verify", "storage", "--format", "json"]) == 3
    (table,) = json.loads(capsys.readouterr().out)
    assert (table["subject"], table["table"]) == ("storage", "a drive")
    assert [row["met"] for row in table["rows"]] == [True, False]
    assert table["rows"][1]["difference"] == pytest.approx(-0.1)
    assert cli.main(["verify", "storage", "--format", "csv"]) == 3
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["subject"], row["what"], row["published"]) for row in rows] == [
        ("storage", "a time", "10.0"),
        ("storage", "a rate", "100.0"),
    ]


def test_without_a_subject_all_that_are_built_are_verified(made: Any, capsys: pytest.CaptureFixture[str]) -> None:
    made(GOOD)
    assert cli.main(["verify", "--format", "json"]) == 0
    assert [table["subject"] for table in json.loads(capsys.readouterr().out)] == list(SUBJECTS)
    assert tuple(BUILT) == SUBJECTS


def test_a_subject_that_is_not_built_is_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "printers"]) == 2
    assert "'queues', 'network', 'storage'" in capsys.readouterr().err


# ---- the tables themselves -------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parent.parent / "docs" / "devices.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def solid() -> list[Table]:
    return list(solid_state.tables("quick"))


def test_every_solid_state_figure_is_within_its_tolerance(solid: list[Table]) -> None:
    assert [(table.title, row.what, row.model) for table in solid for row in table.rows if not row.met] == []


def test_the_tables_are_readable_in_80_columns(solid: list[Table], capsys: pytest.CaptureFixture[str]) -> None:
    for table in solid:
        _show(table, first=True)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_the_page_of_devices_says_what_the_tables_say(solid: list[Table]) -> None:
    """`python tests/test_verify.py` prints the rows."""
    assert [line for line in lines(solid) if line not in PAGE] == []


def test_the_page_of_devices_says_what_the_measured_hard_disks_do(capsys: pytest.CaptureFixture[str]) -> None:
    measured = hard_disks.measured()
    assert [row.what for row in measured.rows if not row.met] == []
    _show(measured, first=True)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
    assert [line for line in lines([measured]) if line not in PAGE] == []


def lines(tables: list[Table]) -> list[str]:
    """As docs/devices.md has them."""
    found = []
    for table in tables:
        for row in table.rows:
            unit = f" {row.unit}" if row.unit else ""
            model, published = f"{show_number(row.model)}{unit}", f"{show_number(row.published)}{unit}"
            difference = (
                f"at most {show_number(row.tolerance)}{unit}" if row.bound else f"{100 * row.difference:+.1f} %"
            )
            found.append(f"| {row.what} | {model} | {published} | {difference} | {row.source} |")
    return found


def test_every_preset_has_a_place_on_the_page() -> None:
    assert [name for name in DRIVES if f"`{name}`" not in PAGE] == []


def test_a_cell_has_an_interval_over_replications_and_misses_another_formula(tmp_path: Path) -> None:
    """A check that can't fail proves nothing: M/M/1 at 0.5 waits 1 ms, and no 1.5 ms."""
    path = tmp_path / "queue.yaml"
    path.write_text(queues._PORT, encoding="utf-8")
    wanted = [Wanted("wait", "ms", "wait", wait, 0.3, "a formula") for wait in (1.0, 1.5)]
    wanted.append(Wanted("tail", "ms", "p95", 5.991465, 0.3, "a formula"))
    cell = Cell({"workload.all.rate": "500/s"}, 60_000, wanted)
    right, wrong, tail = rows_of(path, [cell], jobs=1)
    assert (right.verdict, wrong.verdict, tail.verdict) == ("met", "missed", "met")
    assert right.reach < 0.3


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_every_queue_is_within_its_tolerance() -> None:
    found = list(queues.tables("quick"))
    assert [(row.what, row.model, row.ends) for table in found for row in table.rows if not row.met] == []
    assert 1 < sum(row.ends is not None for table in found for row in table.rows) <= ROWS


# ---- devices ---------------------------------------------------------------------------------------------------------


def test_devices_lists_every_preset_with_source_and_how_sure_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["devices"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert all(name in shown for name in DRIVES)
    assert shown.count("  source: ") == shown.count("  how sure: ") == len(DRIVES)
    assert "iosim.Driver" in shown
    assert cli.main(["devices", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [it["name"] for it in found["presets"]] == list(DRIVES)
    assert all(it["source"] and it["sure"] and it["parameters"] for it in found["presets"])
    assert [it["name"] for it in found["parts"]][-2:] == ["iosim.Drive", "iosim.Driver"]


def test_one_device_is_shown_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["devices", "nvme-optane"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "nvme-optane: Intel Optane SSD DC P4800X 375 GB"
    assert "  overhead: 3.192 us" in shown
    assert cli.main(["devices", "sata-ssd", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["presets"][0]["kind"] == "SATA SSD"


def test_a_device_that_is_not_known_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["devices", "nvme-optan"]) == 2
    assert capsys.readouterr().err == (
        "nvme-optan: no preset of this name; did you mean 'nvme-optane'? ('iosim devices' shows them)\n"
    )


if __name__ == "__main__":
    print("\n".join(lines([hard_disks.measured(), *solid_state.tables("quick")])))
