"""One HTML page for a design review, made of the directories that runs and studies left behind.

The page needs nothing but itself: pictures are SVG in its text, drawn anew from the numbers in the directories, each with
its table behind it. Nothing is simulated here, and nothing is left out that a reader needs to doubt a figure: verdicts
first, then every result with its scenario, what differs between them, whence the numbers come, and what they don't tell.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iosim.cli.summary import show_time, tables
from iosim.cli.tables import Table
from iosim.errors import Mistake, WrongInput
from iosim.report_pictures import Picture, of_run, of_study
from iosim.results import Study
from iosim.scenario.fields import leaves, used_defaults
from iosim.scenario.nodes import read_text
from iosim.version import VERSION

TEMPLATE = Path(__file__).with_name("report.html.j2")
MOST = 1_000_000  # bytes of a page
NOTHING = Table("", [], [])
LIMITS = (
    "Intervals hold what chance does to the simulation, at 95 %. They do not hold how far the scenario's own numbers are"
    " from yours: rates, sizes and times that were guessed move the answer as far as they are wrong.",
    "A figure holds for the load that the scenario offers. Open load comes whatever happens; closed load waits for its"
    " answers, and so hides how late they are.",
    "The model is simpler than Windows in the ways that docs/simplifications.md lists, each with its effect.",
)


@dataclass
class Part:
    """What is told of one directory."""

    name: str
    anchor: str
    description: str
    head: Table
    verdicts: list[dict[str, str]]
    warnings: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    scenario: str = ""
    values: dict[str, str] = field(default_factory=dict)  # of the scenario's keys


def report(directories: Sequence[Path], question: str = "", title: str = "") -> str:
    """The page; raises WrongInput for a directory that holds no results of ours."""
    mistakes: list[Mistake] = []
    parts: list[Part] = []
    for number, directory in enumerate(directories, 1):
        try:
            parts.append(read_part(directory, number))
        except WrongInput as error:
            mistakes += error.mistakes
    if mistakes:
        raise WrongInput(mistakes)
    names = [part.name for part in parts]
    for part, directory in zip(parts, directories, strict=True):
        if names.count(part.name) > 1:  # of one scenario: then the directories tell them apart
            part.name = f"{part.name} ({directory.name})"
    return render(parts, question, title)


def render(parts: Sequence[Part], question: str, title: str) -> str:
    """The page of these parts."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    sources, said = _sources(parts)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=title or " and ".join(dict.fromkeys(part.name for part in parts)),
        question=question or " ".join(dict.fromkeys(part.description for part in parts)),
        verdicts=[verdict for part in parts for verdict in _named(part, len(parts) > 1)],
        parts=parts,
        differences=differences(parts),
        sources=sources,
        sources_text=said,
        limits=LIMITS,
        footer=f"Made by iosim {VERSION}. The same scenario, seed and version give the same numbers on any machine.",
    )


def _named(part: Part, several: bool) -> Iterator[dict[str, str]]:
    for verdict in part.verdicts:
        yield {**verdict, "text": f"{part.name}: {verdict['text']}"} if several else verdict


# ---- a directory -----------------------------------------------------------------------------------------------------


def read_part(directory: Path, number: int) -> Part:
    """What a run, with its study if it had one, left in a directory."""
    summary = read_json(directory / "summary.json")
    for key in ("scenario", "regime", "latency_ns"):
        if key not in summary:
            raise WrongInput([Mistake(str(directory / "summary.json"), 0, 0, key, "missing: no summary of iosim's")])
    study = _study(directory)
    text = _read(directory / "scenario.yaml")
    plain = read_text(text, str(directory / "scenario.yaml"))[0].plain()
    head, *rest = tables(summary, summary.get("expect", []), study)
    rest = [Table(it.title or "by name", it.headers, it.rows, it.right) for it in rest if it.rows]
    pictures = list(of_run(directory, summary))
    if study:
        pictures += of_study(study, plain)
    return Part(
        name=summary["scenario"],
        anchor=f"result-{number}",
        description=str(plain.get("description", "")),
        head=head,
        verdicts=list(_verdicts(summary)),
        warnings=list(summary.get("warnings", [])),
        pictures=pictures,
        tables=rest,
        scenario=text,
        values=dict(leaves(plain)),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        what = f"{error.strerror or error}; a directory that 'iosim run' has written is needed"
        raise WrongInput([Mistake(str(path), 0, 0, "", what)]) from None
    except UnicodeDecodeError:
        raise WrongInput([Mistake(str(path), 0, 0, "", "not a text")]) from None


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; raises WrongInput."""
    text = _read(path)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise WrongInput([Mistake(str(path), error.lineno, error.colno, "", f"not JSON: {error.msg}")]) from None
    if not isinstance(found, dict):
        raise WrongInput([Mistake(str(path), 1, 1, "", "an object is needed")])
    return found


def _study(directory: Path) -> Study | None:
    path = directory / "study.json"
    if not path.exists():
        return None
    found = read_json(path)
    return Study(found["vary"], found["cells"], None)


def _verdicts(summary: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Of every expectation; without any, what kind of run it was."""
    for it in summary.get("expect", []):
        ends = it["ci95"]
        shown = show_time if "_ns" in it["expect"] or it["expect"].lstrip().startswith("p") else "{:.6g}".format
        value = "no value" if it["value"] is None else shown(it["value"])
        between = f" (95 %: {shown(ends[0])} to {shown(ends[1])})" if ends else ""
        needs = f". {it['needs']}" if it["needs"] else ""
        yield {"kind": it["verdict"], "tone": it["verdict"], "text": f"{it['expect']}: {value}{between}{needs}"}
    regime = summary["regime"]
    if not summary.get("expect"):
        throughput = summary["throughput_per_s"]["value"]
        reason = f" ({regime['reason']})" if regime.get("reason") else ""
        tone = "undecided" if regime["kind"] in ("unstable", "undecided") else "met"
        yield {"kind": regime["kind"], "tone": tone, "text": f"{throughput:,.0f} requests a second{reason}"}


# ---- between them ----------------------------------------------------------------------------------------------------


def differences(parts: Sequence[Part]) -> Table:
    """The keys whose values are not the same in all scenarios."""
    paths = dict.fromkeys(path for part in parts for path in part.values)
    rows = []
    for path in paths:
        values = [part.values.get(path, "-") for part in parts]
        if len(set(values)) > 1 and path not in ("description", "scenario"):
            rows.append([path, *values])
    return Table("", ["key", *(part.name for part in parts)], rows)


def _sources(parts: Sequence[Part]) -> tuple[Table, str]:
    """Every default that one of the scenarios left as it was, and how much of it is assumed."""
    found = {it.path: it for part in parts for it in used_defaults(part.values)}
    rows = [[it.path, it.value, it.sure, it.source] for it in found.values()]
    assumed = sum(it.sure == "assumed" for it in found.values())
    said = (
        f"{len(rows)} default numbers were left as they are, each with a source; {assumed} of them are assumptions, the"
        " others documented, measured or derived. What the scenarios set themselves is theirs to answer for."
    )
    return Table("", ["key", "value", "how sure", "source"], rows), said
