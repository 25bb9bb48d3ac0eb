"""Notebooks are lessons: stripped of outputs, paired with a script, in one form. That they run is nbmake's part."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))


def cells_of(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return found


def source_of(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def script_cells(script: Path) -> list[tuple[str, str]]:
    """Kind and text of every cell of a percent script."""
    cells = re.split(r"^# %%(.*)\n", script.read_text(encoding="utf-8"), flags=re.M)[1:]
    found = []
    for head, body in zip(cells[::2], cells[1::2], strict=True):
        if "[markdown]" in head:
            found.append(("markdown", re.sub(r"^# ?", "", body.strip(), flags=re.M)))
        else:
            found.append(("code", body.strip()))
    return found


def in_sections(notebook: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every code cell, with the second-level heading that it stands under ('' before the first)."""
    found, heading = [], ""
    for cell in cells_of(notebook):
        if cell["cell_type"] == "code":
            found.append((heading, cell))
        else:
            heading = next(reversed(re.findall(r"^## (.*)", source_of(cell), re.M)), heading)
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_notebook_is_stripped_of_what_it_once_printed(lesson: Path) -> None:
    code = [cell for cell in cells_of(lesson) if cell["cell_type"] == "code"]
    assert [cell["outputs"] for cell in code] == [[]] * len(code)
    assert {cell["execution_count"] for cell in code} == {None}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_notebook_and_its_script_say_the_same(lesson: Path) -> None:
    """`jupytext --sync notebooks/*.ipynb` makes them so."""
    written = [(cell["cell_type"], source_of(cell).strip()) for cell in cells_of(lesson)]
    assert written == script_cells(lesson.with_suffix(".py"))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_lets_its_reader_predict_first_explains_and_hides_the_answers_of_its_exercises(lesson: Path) -> None:
    text = "\n".join(source_of(cell) for cell in cells_of(lesson) if cell["cell_type"] == "markdown")
    assert "Predict" in text and "**Why.**" in text and "## Change one thing" in text
    assert "**Where the model simplifies**" in text
    exercises = text[text.index("## Exercises") :]
    asked = len(re.findall(r"^\d+\. ", exercises, re.M))
    assert asked >= 2
    assert exercises.count("<details><summary>Answer</summary>") == exercises.count("</details>") == asked


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_asserts_its_own_claims_in_one_cell_at_its_end(lesson: Path) -> None:
    """An assertion right under a result would tell a student what to predict."""
    *others, (heading, claims) = [(name, source_of(cell)) for name, cell in in_sections(lesson)]
    assert heading == "What this notebook claims" and re.search(r"^assert ", claims, re.M)
    assert [source for _, source in others if re.search(r"^assert ", source, re.M)] == []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_student_finds_what_to_change_as_it_was_and_the_solutions_folded(lesson: Path) -> None:
    """JupyterLab and Notebook fold by `source_hidden`, the pages of docs/ by the tag."""
    cells = in_sections(lesson)
    changed = [cell for name, cell in cells if name == "Change one thing"]
    solved = [cell["metadata"] for name, cell in cells if name == "Solutions"]
    assert changed and solved
    assert solved == [{"jupyter": {"source_hidden": True, "outputs_hidden": True}, "tags": ["hide-cell"]}] * len(solved)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_no_cell_of_a_lesson_ends_with_a_value_that_would_be_echoed(lesson: Path) -> None:
    """`<Axes: ...>` means nothing to a student. What draws or prints gives nothing back."""
    trees = [ast.parse(source_of(cell)) for _, cell in in_sections(lesson)]
    defined = {it.name: it for tree in trees for it in tree.body if isinstance(it, ast.FunctionDef)}
    silent = {name for name, it in defined.items() if not gives_something(it)} | {
        "print",
        "display",
        "invert_yaxis",
        "remove",
    }
    ends = [tree.body[-1].value for tree in trees if isinstance(tree.body[-1], ast.Expr)]
    assert [ast.unparse(end) for end in ends if called(end) not in silent] == []


def gives_something(function: ast.FunctionDef) -> bool:
    return any(isinstance(it, ast.Return) and it.value is not None for it in ast.walk(function))


def called(end: ast.expr) -> str:
    """The name of what is called; '' where nothing is."""
    function = end.func if isinstance(end, ast.Call) else None
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
