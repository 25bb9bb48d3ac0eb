"""One HTML page for a design review, made of the directories that runs and studies left behind.

The page needs nothing but itself: pictures are SVG in its text, drawn anew from the numbers in the directories, each with
its table behind it. Nothing is simulated here, and nothing is left out that a reader needs to doubt a figure: verdicts
first, then every result with its scenario, what differs between them, whence the numbers come, and what they don't tell.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from iosim.cli.tables import Table
from iosim.errors import Mistake, WrongInput
from iosim.report_parts import Part, read_part
from iosim.scenario.fields import used_defaults
from iosim.version import VERSION

TEMPLATE = Path(__file__).with_name("report.html.j2")
MOST = 1_000_000  # bytes of a page
LIMITS = (
    "Intervals hold what chance does to the simulation, at 95 %. They do not hold how far the scenario's own numbers are"
    " from yours: rates, sizes and times that were guessed move the answer as far as they are wrong.",
    "A figure holds for the load that the scenario offers. Open load comes whatever happens; closed load waits for its"
    " answers, and so hides how late they are.",
    "The model is simpler than Windows in the ways that docs/simplifications.md lists, each with its effect.",
)


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
        several=len(_designs(parts)) > 1,
        differences=differences(parts),
        sources=sources,
        sources_text=said,
        limits=LIMITS,
        footer=f"Made by iosim {VERSION}. The same scenario, seed and version give the same numbers on any machine.",
    )


def _named(part: Part, several: bool) -> Iterator[dict[str, str]]:
    for verdict in part.verdicts:
        yield {**verdict, "text": f"{part.name}: {verdict['text']}"} if several else verdict


# ---- between them ----------------------------------------------------------------------------------------------------


def differences(parts: Sequence[Part]) -> Table:
    """The keys whose values are not the same in all scenarios."""
    designs = _designs(parts)
    rows = []
    for path in dict.fromkeys(path for _, values in designs for path in values):
        texts = [values.get(path, "-") for _, values in designs]
        if len(set(texts)) > 1 and path not in ("description", "scenario"):
            rows.append([path, *texts])
    return Table("", ["key", *(name for name, _ in designs)], rows)


def _designs(parts: Sequence[Part]) -> list[tuple[str, dict[str, str]]]:
    """All scenarios on the page; those of one name bear the names of their results."""
    names = [name for part in parts for name, _ in part.designs]
    return [(part.name if names.count(name) > 1 else name, values) for part in parts for name, values in part.designs]


def _sources(parts: Sequence[Part]) -> tuple[Table, str]:
    """Every default that one of the scenarios left as it was, and how much of it is assumed."""
    found = {it.path: it for _, values in _designs(parts) for it in used_defaults(values)}
    rows = [[it.path, it.value, it.sure, it.source] for it in found.values()]
    assumed = sum(it.sure == "assumed" for it in found.values())
    said = (
        f"{len(rows)} default numbers were left as they are, each with a source; {assumed} of them are assumptions, the"
        " others documented, measured or derived. What the scenarios set themselves is theirs to answer for."
    )
    return Table("", ["key", "value", "how sure", "source"], rows), said
