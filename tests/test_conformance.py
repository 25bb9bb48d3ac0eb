"""The table of conformance cases and the tests that carry their ids agree; docs/conformance.md is made from both."""

from pathlib import Path

import conformance
import pytest
from conformance import FAILED, HEAVY, PASSED, RULE_NUMBERS, carriers, ids_in, page
from conformance_cases import CASES, DUE, LEFT_OUT, RULES, RULES_LEFT_OUT, why_left_out

CARRIED = carriers()


def test_every_case_that_is_due_has_a_test() -> None:
    due = [case for case in CASES if case.section.split()[0] in DUE and not why_left_out(case)]
    missing = {case.id for case in due if case.id not in CARRIED}
    assert missing == set()


def test_no_test_carries_an_id_that_nobody_knows() -> None:
    known = {case.id for case in CASES} | RULE_NUMBERS
    assert {id: tests for id, tests in CARRIED.items() if id not in known} == {}


def test_a_case_that_has_a_test_is_not_left_out() -> None:
    """A reason that outlives its end would be a lie."""
    assert [case.id for case in CASES if case.id in LEFT_OUT and case.id in CARRIED] == []
    assert [number for number in RULES_LEFT_OUT if number in CARRIED] == []


def test_the_tables_name_everything_once() -> None:
    ids = [case.id for case in CASES]
    numbers = [rule.number for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert len(set(numbers)) == len(numbers)
    assert {id for rule in RULES for id in rule.cases} <= set(ids)
    assert {*RULES_LEFT_OUT} <= {*numbers}
    assert {*LEFT_OUT} <= {*ids, *(case.section.split()[0] for case in CASES)}


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("test_K01b_the_active_thread_takes_its_next_packet", ["K01b"]),
        ("test_P05_P07_closing", ["P05", "P07"]),
        ("test_R01_to_R05_hash", ["R01", "R02", "R03", "R04", "R05"]),
        ("test_P26_1_2_8_a_request", ["P26", "1.2.8"]),
        ("test_1_2_6_1_2_7_the_reference", ["1.2.6", "1.2.7"]),
        ("test_1_3_row_2_the_low_bit", ["1.3"]),
        ("test_0b4_completing", ["0b.4"]),
        ("test_2_7_in_direct_mode", ["2.7"]),
        ("test_2_9_8000_bytes", ["2.9"]),
        ("test_1_5_4a_1_5_6_of_the_ways_to_look", ["1.5.4", "1.5.6"]),
        ("test_1_4_two_threads_insert", ["1.4"]),
        ("test_7_6_9_unknown_rules_show", ["7.6.9"]),
        ("test_4_kib_random_reads", []),
        ("test_a_port_with_limit_4_is_m_m_4", []),
    ],
)
def test_ids_stand_at_the_beginning_of_a_name(name: str, ids: list[str]) -> None:
    assert ids_in(name) == ids


def test_a_rule_in_a_docstring_counts_too(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        'def test_x() -> None:\n    """It is so (2.4.4), for 1.5 ms; semantics 1.7."""\n'
    )
    assert carriers(tmp_path) == {"2.4.4": ["test_x.py::test_x"], "1.7": ["test_x.py::test_x"]}


def test_the_page_tells_what_passed_what_failed_and_what_is_left_out() -> None:
    carried = {"P01": ["a::x", "b::y"], "P02": ["b::y"], "H11": ["c::z"], "2.3.1": ["b::y"]}
    text = page(carried, {"a::x": PASSED, "b::y": FAILED})
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if line.startswith("| ")}
    assert rows["P01"].endswith(f"`a::x`<br>`b::y` | {FAILED} |")
    assert rows["P02"].endswith(f"`b::y` | {FAILED} |")
    assert rows["H11"].endswith(f"`c::z` | {HEAVY} |")
    assert rows["2.5.2"].endswith("|  | not covered: no auxiliary buffers: nothing to see |")
    assert rows["P04"].endswith("|  | not covered |")
    assert rows["2.3.1"].endswith(f"`b::y` | {FAILED} |")
    assert rows["1.14"].endswith(f"| P01 P02 P04 |  | {FAILED} |")


@pytest.mark.parametrize(
    ("arguments", "result", "before", "status"),
    [
        (["--check"], PASSED, True, 0),
        (["--check"], PASSED, False, 1),
        (["--check"], FAILED, True, 1),
        ([], PASSED, False, 0),
        ([], FAILED, False, 1),
    ],
)
def test_the_command_ends_with_1_when_a_case_failed_or_the_page_is_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], result: str, before: bool, status: int
) -> None:
    results = {test: result for tests in CARRIED.values() for test in tests}
    path = tmp_path / "conformance.md"
    if before:
        path.write_text(page(CARRIED, results), encoding="utf-8")
    monkeypatch.setattr(conformance, "PAGE", path)
    monkeypatch.setattr(conformance, "run", lambda tests: results)
    assert conformance.main(arguments) == status
    assert path.exists() == (before or not arguments)
    if path.exists():
        assert path.read_text(encoding="utf-8") == page(CARRIED, results)


def test_a_run_collects_every_test_by_its_worst_parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_y.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', [1, 2, 3])\n"
        "def test_K01_some(n):\n    assert n != 2\n"
        "def test_K02_good():\n    pass\n"
    )
    monkeypatch.setattr(conformance, "TESTS", tmp_path)
    results = conformance.run(["test_y.py::test_K01_some", "test_y.py::test_K02_good"])
    assert results == {"test_y.py::test_K01_some": FAILED, "test_y.py::test_K02_good": PASSED}
