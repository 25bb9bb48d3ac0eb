"""A summary, and a study, as rows of figures for a spreadsheet."""

from collections.abc import Iterable
from typing import Any

from iosim.cli.output import csv_text
from iosim.numbers import Figure, figures
from iosim.results import in_words
from iosim.summary_tables import kind_of


def as_csv(summary: dict[str, Any], study: Any) -> str:
    """One row a figure: path, value, low, high; the cells of a study follow, named by what was varied."""
    words = [
        ["regime", kind_of(summary.get("regime"))],
        ["stop", summary.get("stop", "")],
        *_verdict_words("", summary),
    ]
    return figure_rows(
        [*words, *(_study_words(study) if study else ())],
        [*figures(summary), *(_study_figures(study) if study else ())],
    )


def study_as_csv(study: Any) -> str:
    """The cells of a study alone, in the same form."""
    return figure_rows(_study_words(study), _study_figures(study))


def figure_rows(words: list[list[str]], numbers: Iterable[tuple[str, Figure]]) -> str:
    """Words by path, then figures with their intervals."""
    rows: list[list[Any]] = [[*word, "", ""] for word in words]
    rows += [[path, *figure] for path, figure in numbers]
    return csv_text(["path", "value", "low", "high"], rows)


def _verdict_words(prefix: str, told: dict[str, Any]) -> list[list[str]]:
    verdicts = enumerate(told.get("expect") or ())
    return [[f"{prefix}expect[{number}]: {it['expect']}", it["verdict"]] for number, it in verdicts]


def _study_words(study: Any) -> list[list[str]]:
    words = []
    for row in study.rows:
        at = f"study[{in_words(row['cell'])}]."
        words += [[f"{at}regime", kind_of(row.get("regime"))], *_verdict_words(at, row)]
    return words + [[f"study[{in_words(row['cell'])}].error", row["error"]] for row in study.failed]


def _study_figures(study: Any) -> list[tuple[str, Figure]]:
    return [
        (f"study[{in_words(row['cell'])}].{path}", figure)
        for row in study.rows
        for path, figure in figures(row["figures"])
    ]


def as_study(study: Any) -> dict[str, Any]:
    """What was varied, and the figures of every cell."""
    cells = [{key: row[key] for key in ("cell", "figures", "regime") if key in row} for row in study.rows]
    return {"vary": study.vary, "cells": cells}
