"""Notebooks are lessons: stripped of outputs, paired with a script, in one form. That they run is nbmake's part."""

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
def test_a_lesson_asserts_its_claims_in_its_last_cell_and_nowhere_before(lesson: Path) -> None:
    """An assertion right under a result, or before it, tells what should have been predicted."""
    *before, heading, claims = cells_of(lesson)
    assert source_of(heading) == "## What this notebook claims"
    assert re.search(r"^assert ", source_of(claims), re.M) and "print(" in source_of(claims)
    early = [it for it in before if it["cell_type"] == "code" and re.search(r"^assert ", source_of(it), re.M)]
    assert early == []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_folds_its_solutions_and_runs_them(lesson: Path) -> None:
    cells = cells_of(lesson)
    (place,) = (n for n, cell in enumerate(cells) if "## Solutions" in source_of(cell))
    solutions = cells[place + 1]
    assert solutions["cell_type"] == "code"
    assert solutions["metadata"]["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
    assert solutions["metadata"]["tags"] == ["hide-cell"]  # Sphinx folds by this
