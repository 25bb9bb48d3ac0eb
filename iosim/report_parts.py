"""What a report's page tells of each result in a directory: of a run, a study, a comparison and a plan.

Commands leave their results beside each other, each in a file of its own; every one that is found is told.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from iosim import plan_tables
from iosim.comparison_tables import tables as compared
from iosim.errors import Mistake, WrongInput
from iosim.report_pictures import Picture, of_comparison, of_plan, of_run, of_study
from iosim.report_verdicts import Verdict, grounds_of_run, of_cells, of_design, of_expectations, of_found
from iosim.results import Study, in_words
from iosim.scenario.nodes import read_text
from iosim.summary_tables import study_tables, tables
from iosim.tables import Table
from iosim.units import as_written


@dataclass
class Design:
    """A scenario that a result is of, as plain data with every value filled in."""

    name: str
    effective: dict[str, Any]


@dataclass
class Part:
    """What is told of one result."""

    kind: str  # run, study, comparison or plan
    name: str
    about: str  # the scenario, for the page's title
    directory: str
    description: str
    head: Table
    verdicts: list[Verdict]
    grounds: tuple[str, ...] = ()  # to believe all of the verdicts
    warnings: list[str] = field(default_factory=list)
    shown: list[Table] = field(default_factory=list)  # tables that stand open
    pictures: list[Picture] = field(default_factory=list)
    folded: list[Table] = field(default_factory=list)
    designs: list[Design] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """Over the part, and in the list of all."""
        return f"{self.kind.capitalize()}: {self.name}"


def read_parts(directory: Path) -> list[Part]:
    """Of everything that commands left in a directory; raises WrongInput where nothing of it is ours."""
    found = [name for name in _READERS if (directory / name).exists()]
    if not found:
        what = "no results: a directory that 'iosim run' has written is needed, or 'sweep', 'compare' or 'plan'"
        raise WrongInput([Mistake(str(directory), 0, 0, "", what)])
    return [_told(directory, name) for name in found]


def _told(directory: Path, name: str) -> Part:
    try:
        return _READERS[name](directory, _object(directory / name))
    except KeyError as error:
        what = f"missing: no {name} of this iosim's"
        raise WrongInput([Mistake(str(directory / name), 0, 0, str(error.args[0]), what)]) from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise WrongInput([Mistake(str(path), 0, 0, "", f"can't be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError:
        raise WrongInput([Mistake(str(path), 0, 0, "", "not a text")]) from None


def _object(path: Path) -> dict[str, Any]:
    text = _read(path)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise WrongInput([Mistake(str(path), error.lineno, error.colno, "", f"not JSON: {error.msg}")]) from None
    if not isinstance(found, dict):
        raise WrongInput([Mistake(str(path), 1, 1, "", "an object is needed")])
    return found


# ---- a run -----------------------------------------------------------------------------------------------------------


def _run(directory: Path, summary: dict[str, Any]) -> Part:
    """Of a run; its study is a part of its own."""
    verdicts = list(of_expectations(summary))
    path = directory / "scenario.yaml"
    plain = read_text(_read(path), str(path))[0].plain()
    head, _, latency, causes, *rest = tables(summary, [], None)
    return Part(
        kind="run",
        name=summary["scenario"],
        about=summary["scenario"],
        directory=directory.resolve().name,
        description=str(plain.get("description", "")),
        head=head,
        verdicts=verdicts,
        grounds=grounds_of_run(summary),
        warnings=list(summary["warnings"]),
        shown=[latency, causes],
        pictures=list(of_run(directory, summary)),
        folded=rest,
        designs=[Design(summary["scenario"], plain)],
    )


# ---- a study ---------------------------------------------------------------------------------------------------------


def _study(directory: Path, found: dict[str, Any]) -> Part:
    """Of a grid of cells, those that failed too."""
    failed = [cell for cell in found["cells"] if "error" in cell]
    study = Study(found["vary"], [cell for cell in found["cells"] if "error" not in cell], None, failed)
    varied = ", ".join(study.vary)
    values = "; ".join(f"{path}: {', '.join(str(as_written(it)) for it in each)}" for path, each in study.vary.items())
    rows = [
        ["scenario", found["scenario"]],
        ["varied", values],
        ["seed", f"{found['seed']}, {found['replications']} replications a cell"],
    ]
    cells, lost = study_tables(study)
    return Part(
        kind="study",
        name=f"{found['scenario']} over {varied}",
        about=found["scenario"],
        directory=directory.resolve().name,
        description=f"{len(found['cells'])} cells over {varied}.",
        head=Table("", ["", ""], rows),
        verdicts=[of_cells(study)],
        warnings=list(_of_cells(study)),
        pictures=list(of_study(study, found["effective"])),
        shown=[lost],
        folded=[replace(cells, title="Every cell with its figures")],
        designs=[Design(found["scenario"], found["effective"])],
    )


def _of_cells(study: Study) -> Iterator[str]:
    """Warnings that begin alike, with the number of cells that have one, and the first of them."""
    alike: dict[str, list[tuple[str, str]]] = {}
    for row in study.rows:
        for warning in row["warnings"]:
            alike.setdefault(" ".join(warning.split()[:2]), []).append((in_words(row["cell"]), warning))
    for found in alike.values():
        cell, warning = found[0]
        yield f"{f'{len(found)} of {len(study.rows)} cells, like ' if len(found) > 1 else ''}{cell}: {warning}"


# ---- a comparison ----------------------------------------------------------------------------------------------------


def _comparison(directory: Path, found: dict[str, Any]) -> Part:
    """Of designs under the same requests."""
    names = [design["name"] for design in found["designs"]]
    shown = [table for it in found["against"] for table in compared(it)]
    return Part(
        kind="comparison",
        name=f"{names[0]} against {' and '.join(names[1:])}",
        about=" and ".join(dict.fromkeys(design["scenario"] for design in found["designs"])),
        directory=directory.resolve().name,
        description="The same requests in each design, compared one by one.",
        head=Table("", ["", ""], [["seed", f"{found['seed']}, {found['replications']} replications of each design"]]),
        verdicts=[of_design(it, found["replications"]) for it in found["against"]],
        warnings=list(found["warnings"]),
        shown=shown,
        pictures=list(of_comparison(found["against"])),
        designs=[Design(design["name"], design["effective"]) for design in found["designs"]],
    )


# ---- a plan ----------------------------------------------------------------------------------------------------------


def _plan(directory: Path, found: dict[str, Any]) -> Part:
    """Of the largest load, or the smallest resource, that meets an objective."""
    what, want, objective = found["find"]["path"], found["find"]["want"], " and ".join(found["objectives"])
    behind = (plan_tables.confirmed, plan_tables.resources, plan_tables.closed)  # the scan is that of the picture
    return Part(
        kind="plan",
        name=f"{want} {what} of {found['scenario']}",
        about=found["scenario"],
        directory=directory.resolve().name,
        description=f"The {want} {what} with {objective}.",
        head=plan_tables.answer(found),
        verdicts=[of_found(found)],
        warnings=list(found["warnings"]),
        shown=[*plan_tables.losses(found), *(table(found) for table in behind)],
        pictures=list(of_plan(found)),
        designs=[Design(found["scenario"], found["effective"])],
    )


_READERS: dict[str, Callable[[Path, dict[str, Any]], Part]] = {
    "summary.json": _run,
    "study.json": _study,
    "comparison.json": _comparison,
    "plan.json": _plan,
}
