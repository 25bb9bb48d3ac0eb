"""What is told of one directory of results on a report's page: of a run, a sweep, a comparison or a plan."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iosim.cli.compare import tables as compared
from iosim.cli.numbers import show_number, show_time
from iosim.cli.summary import study_tables, tables
from iosim.cli.tables import Table
from iosim.errors import Mistake, WrongInput
from iosim.report_pictures import Picture, of_plan, of_run, of_study
from iosim.results import Study
from iosim.scenario.fields import leaves
from iosim.scenario.nodes import read_text
from iosim.units import as_written


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
    designs: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # name and values of all keys
    shown: list[Table] = field(default_factory=list)  # tables that stand open


def read_part(directory: Path, number: int) -> Part:
    """What a command left in a directory; raises WrongInput where that is nothing of ours."""
    for name, read in (("plan.json", _plan), ("comparison.json", _comparison)):
        if (directory / name).exists():
            return read(read_json(directory / name), f"result-{number}")
    if (directory / "study.json").exists() and not (directory / "summary.json").exists():
        return _sweep(read_json(directory / "study.json"), f"result-{number}")
    return _run(directory, f"result-{number}")


def _run(directory: Path, anchor: str) -> Part:
    """Of a run, with its study if it had one."""
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
        anchor=anchor,
        description=str(plain.get("description", "")),
        head=head,
        verdicts=list(_verdicts(summary)),
        warnings=list(summary.get("warnings", [])),
        pictures=pictures,
        tables=rest,
        scenario=text,
        designs=[(summary["scenario"], dict(leaves(plain)))],
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


def _sweep(found: dict[str, Any], anchor: str) -> Part:
    """Of a sweep: its cells."""
    study = Study(found["vary"], found["cells"], None)
    regimes = [row["regime"] for row in study.rows]
    steady = regimes.count("steady")
    varied = ", ".join(study.vary)
    values = {path: ", ".join(str(as_written(it)) for it in each) for path, each in study.vary.items()}
    rows = [
        ["scenario", str(found["scenario"])],
        ["varied", "; ".join(f"{path}: {each}" for path, each in values.items())],
        ["seed", f"{found['seed']}, {found['replications']} replications a cell"],
    ]
    return Part(
        name=f"{found['scenario']} over {varied}",
        anchor=anchor,
        description=f"{len(study.rows)} cells over {varied}.",
        head=Table("", ["", ""], rows),
        verdicts=[
            {
                "kind": "study",
                "tone": "met" if steady == len(regimes) else "undecided",
                "text": f"{steady} of {len(regimes)} cells are steady",
            }
        ],
        warnings=list(dict.fromkeys(warning for row in study.rows for warning in row.get("warnings", ()))),
        pictures=list(of_study(study, {})),
        tables=list(study_tables(study)),
    )


def _comparison(found: dict[str, Any], anchor: str) -> Part:
    """Of designs under the same requests."""
    names = [design["name"] for design in found["designs"]]
    return Part(
        name=" against ".join(names),
        anchor=anchor,
        description="The same requests in each design, compared one by one.",
        head=Table("", ["", ""], [["seed", f"{found['seed']}, {found['replications']} replications of each design"]]),
        verdicts=[
            {"kind": "compared", "tone": _tone(it["headlines"]), "text": it["verdict"]} for it in found["against"]
        ],
        warnings=list(found["warnings"]),
        shown=[compared(it)[0] for it in found["against"]],
        tables=[_titled(table) for it in found["against"] for table in compared(it)[1:]],
        designs=[(design["name"], dict(leaves(design["effective"]))) for design in found["designs"]],
    )


def _titled(table: Table) -> Table:
    return Table(table.title or "who got better, who got worse", table.headers, table.rows, table.right)


def _tone(headlines: list[dict[str, Any]]) -> str:
    return "undecided" if all(it["verdict"] == "undecided" for it in headlines) else "met"


def _plan(found: dict[str, Any], anchor: str) -> Part:
    """Of a capacity plan."""
    what, unit = found["find"]["path"], f" {found['find']['unit']}".rstrip()
    rows = [["objective", " and ".join(found["objectives"])], ["looked for", f"{found['find']['want']} {what}"]]
    if answer := found["answer"]:
        ends = answer["ci95"]
        between = f" (95 %: {ends[0]:.5g} to {ends[1]:.5g}{unit})" if ends else ""
        rows.append(["answer", f"{answer['value']:.5g}{unit}{between}"])
    rows += [["to be signed", str(found["recommended"])]] if found["recommended"] is not None else []
    text = f"{what}: {found['recommended'] or 'no value'} for {' and '.join(found['objectives'])}. {found['why'] or ''}"
    heads = ["resource", "busy there", "full at"]
    used = [[it["name"], f"{it['utilization']['value']:.1%}", _rate(it["full_at_per_s"])] for it in found["resources"]]
    verdict = found["verdict"]
    tone = verdict if verdict in ("met", "undecided") else "missed"
    return Part(
        name=f"Plan of {found['scenario']}",
        anchor=anchor,
        description=f"The {found['find']['want']} {what} with {' and '.join(found['objectives'])}.",
        head=Table("", ["", ""], rows),
        verdicts=[{"kind": verdict, "tone": tone, "text": text.strip()}],
        warnings=list(found["warnings"]),
        pictures=list(of_plan(found)),
        tables=[Table("Resources at the answer, the bottleneck first", heads, used, frozenset(heads[1:]))],
        designs=[(found["scenario"], dict(leaves(found["effective"])))],
    )


def _rate(per_s: float | None) -> str:
    return "-" if per_s is None else f"{show_number(per_s)} /s"
