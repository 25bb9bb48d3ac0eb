"""Which test holds which conformance case, and how it went: makes docs/conformance.md.

    python tests/conformance.py            run the tests that carry ids, write the page
    python tests/conformance.py --check    write nothing; status 1 if a case failed or the page is not what the run gives

The cases and rules are those of conformance_cases.py, which says how a test carries an id.
"""

import ast
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from conformance_cases import CASES, RULES, RULES_LEFT_OUT, Case, Rule, why_left_out

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "conformance.md"

CASE_ID = re.compile(r"[CDHIKNPRST]\d\d[a-z]?")
RULE_NUMBERS = {rule.number for rule in RULES}
CHAPTERS = {number.split(".")[0] for number in RULE_NUMBERS}
IN_DOCSTRING = re.compile(r"\b(?:0b\.\d+|\d+\.\d+\.\d+)\b|(?<=[Ss]emantics )\d+\.\d+")

PASSED, FAILED, SKIPPED, HEAVY = "passed", "failed", "skipped", "only in `pytest -m heavy`"

Carriers = dict[str, list[str]]  # by id: tests as file::name
Results = dict[str, str]  # by test

HEAD = """\
# Conformance

Made by `python tests/conformance.py`; do not edit. It runs every test that carries the id of a case or the number of a rule
in its name (or the rule's number in its docstring). The sources of the cases are published tests and documentation of the
real system and readings of open code; kinds: T a published test asserts it, Doc published documentation says it, D derived
from code that was read, A analytic, M from memory.

Where to look them up: T of ports, files, sockets and the thread pool: Wine's tests, which are made to pass on Windows too
(`dlls/ntdll/tests/sync.c`, `file.c`, `threadpool.c`; `dlls/ws2_32/tests/sock.c`); T of DPCs, APCs, IRPs and device queues:
ReactOS's kernel-mode tests (`modules/rostests/kmtests`); Doc: Microsoft's published documentation of the call or structure
that the rule names; D: mostly ReactOS's `ntoskrnl` (`ke/queue.c`, `ke/wait.c`, `ke/thrdschd.c`, `io/iomgr`). "Passed" says
that the model does what the rule says.
"""


# ---- which test carries what -----------------------------------------------------------------------------------------


def ids_in(name: str) -> list[str]:
    """The ids at the beginning of a test's name: `test_P33_P34_x`, `test_R01_to_R05_x`, `test_P26_1_2_8_x`, `test_0b4_x`."""
    words = name.removeprefix("test_").split("_")
    found: list[str] = []
    while words:
        if CASE_ID.fullmatch(words[0]):
            found.append(words.pop(0))
        elif len(words) > 1 and words[0] == "to" and found and CASE_ID.fullmatch(words[1]):
            first, last = int(found[-1][1:]), int(words[1][1:])
            found += [f"{words[1][0]}{number:02}" for number in range(first + 1, last + 1)]
            del words[:2]
        elif number := _rule_in(words):
            found.append(number)
        else:
            break
    return found


def _rule_in(words: list[str]) -> str:
    """The number of a rule that the words begin with, which are taken away; "" if they begin with none."""
    if re.fullmatch(r"0b\d+", words[0]):
        return f"0b.{words.pop(0)[2:]}"
    match = re.match(r"(\d+)_(\d+)(?:_(\d+)[a-d]?)?(?=_|$)", "_".join(words))
    if not match or match[1] not in CHAPTERS:
        return ""
    section = f"{match[1]}.{match[2]}"
    has_rules = any(number.startswith(f"{section}.") for number in RULE_NUMBERS)
    figures = 3 if match[3] and has_rules else 2  # in test_2_9_8000_bytes the third is no part of the number
    del words[:figures]
    return f"{section}.{match[3]}" if figures == 3 else section


def carriers(tests: Path = TESTS) -> Carriers:
    """Every id that a test of the directory carries. Read from the source: nothing is imported."""
    found: Carriers = {}
    for path in sorted(tests.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                text = IN_DOCSTRING.findall(ast.get_docstring(node) or "")
                for id in dict.fromkeys([*ids_in(node.name), *(number for number in text if number in RULE_NUMBERS)]):
                    found.setdefault(id, []).append(f"{path.name}::{node.name}")
    return found


# ---- how it went -----------------------------------------------------------------------------------------------------


class Collector:
    """A pytest plugin: how each test function went, over all its parameters."""

    def __init__(self) -> None:
        self.results: Results = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        path, _, name = report.nodeid.partition("::")
        test = f"{Path(path).name}::{name.split('[')[0]}"
        if report.failed:
            self.results[test] = FAILED
        elif report.when == "call" and report.passed:
            self.results.setdefault(test, PASSED)
        elif report.skipped:
            self.results.setdefault(test, SKIPPED)


def run(tests: Iterable[str]) -> Results:
    """Run these tests, file::name each. What is heavy is left out."""
    nodes = [str(TESTS / test) for test in sorted(set(tests))]
    plugin = Collector()
    options = ["-o", "addopts=", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-m", "not heavy"]
    status = pytest.main([*options, *nodes], plugins=[plugin])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise SystemExit(f"conformance: pytest ended with status {int(status)}")
    return plugin.results


# ---- the page --------------------------------------------------------------------------------------------------------


def outcome(tests: list[str], results: Results) -> str:
    """Of all the tests of a case: failed if one failed, passed if one passed."""
    found = {results.get(test, HEAVY) for test in tests}
    for result in (FAILED, PASSED, SKIPPED, HEAVY):
        if result in found:
            return result
    return "not covered"


def _names(tests: list[str]) -> str:
    return "<br>".join(f"`{test}`" for test in tests)


def _case_row(case: Case, carried: Carriers, results: Results) -> str:
    tests = carried.get(case.id, [])
    result = outcome(tests, results)
    if not tests and why_left_out(case):
        result += f": {why_left_out(case)}"
    return f"| {case.id} | {case.kind} | {case.rule} | {_names(tests)} | {result} |"


def _rule_row(rule: Rule, carried: Carriers, results: Results) -> str:
    tests = carried.get(rule.number, [])
    of_cases = [test for id in rule.cases for test in carried.get(id, [])]
    result = outcome([*tests, *of_cases], results)
    if not tests and rule.number in RULES_LEFT_OUT:
        result += f": {RULES_LEFT_OUT[rule.number]}"
    return f"| {rule.number} | {rule.rule} | {' '.join(rule.cases)} | {_names(tests)} | {result} |"


def page(carried: Carriers, results: Results) -> str:
    """docs/conformance.md."""
    rows: list[str] = []
    section = ""
    for case in CASES:
        if case.section != section:
            section = case.section
            rows += [
                "",
                f"### {section}",
                "",
                "| id | kind | rule | tests | result |",
                "| --- | --- | --- | --- | --- |",
            ]
        rows.append(_case_row(case, carried, results))
    covered = sum(case.id in carried for case in CASES)
    rules = [_rule_row(rule, carried, results) for rule in RULES]
    lines = [
        HEAD,
        "## Cases",
        "",
        f"{covered} of {len(CASES)} are covered.",
        *rows,
        "",
        "## Rules",
        "",
        "Of sections 0b, 1, 2, 3, 5, 6 and 7. A rule is covered by its cases and by the tests that carry its number.",
        "",
        "| rule | in short | cases | tests | result |",
        "| --- | --- | --- | --- | --- |",
        *rules,
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """What the module says."""
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__)
    carried = carriers()
    results = run(test for tests in carried.values() for test in tests)
    text = page(carried, results)
    failed = FAILED in results.values()
    if arguments:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text
        if stale:
            print("docs/conformance.md is not what the run gives: python tests/conformance.py", file=sys.stderr)
        return int(stale or failed)
    draft = PAGE.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, PAGE)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
