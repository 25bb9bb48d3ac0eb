"""One HTML page for a design review, made of the directories that runs and studies left behind.

The page needs nothing but itself: pictures are SVG in its text, drawn anew from the numbers in the directories, each with
its table behind it. Nothing is simulated here, and nothing is left out that a reader needs to doubt a figure: verdicts
first, then every result with its scenario, what differs between them, whence the numbers come, and what they don't tell.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from iosim.errors import Mistake, WrongInput
from iosim.report_parts import Design, Part, read_parts
from iosim.report_verdicts import SIGNS
from iosim.scenario.fields import Default, leaves
from iosim.scenario.loader import as_yaml
from iosim.scenario.used import used_defaults
from iosim.tables import Table
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
    for directory in directories:
        try:
            parts += read_parts(directory)
        except WrongInput as error:
            mistakes += error.mistakes
    if mistakes:
        raise WrongInput(mistakes)
    again = [heading for heading, number in Counter(part.heading for part in parts).items() if number > 1]
    for part in parts:
        if part.heading in again:  # of one scenario: then the directories tell them apart
            part.name = f"{part.name} ({part.directory})"
    return render(parts, question, title)


def render(parts: Sequence[Part], question: str, title: str) -> str:
    """The page of these parts."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    designs = _designs(parts)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=title or " and ".join(dict.fromkeys(part.about for part in parts)),
        question=question or " ".join(dict.fromkeys(str(it.effective.get("description", "")) for it in designs)),
        parts=parts,
        signs=SIGNS,
        designs=[(design.name, as_yaml(design.effective)) for design in designs],
        differences=differences(designs) if len(designs) > 1 else None,
        sources=_sources(designs),
        limits=LIMITS,
        footer=f"Made by iosim {VERSION}. The same scenario, seed and version give the same numbers on any machine.",
    )


# ---- between them ----------------------------------------------------------------------------------------------------


def _designs(parts: Sequence[Part]) -> list[Design]:
    """All scenarios on the page, each once; those of one name bear the names of their results as well."""
    found: list[tuple[Part, Design]] = []
    for part in parts:
        for design in part.designs:
            if not any(_compared(design) == _compared(other) for _, other in found):
                found.append((part, design))
    names = Counter(design.name for _, design in found)
    return [
        Design(
            f"{design.name} ({part.kind} in {part.directory})" if names[design.name] > 1 else design.name,
            design.effective,
        )
        for part, design in found
    ]


def _compared(design: Design) -> dict[str, str]:
    """Its values by key: those that the model depends on, not what is said, varied or expected of it."""
    aside = ("scenario", "description", "study", "expect")
    return dict(leaves({key: value for key, value in design.effective.items() if key not in aside}))


def differences(designs: Sequence[Design]) -> Table:
    """The keys whose values are not the same in all scenarios."""
    values = [_compared(design) for design in designs]
    rows = []
    for path in dict.fromkeys(path for each in values for path in each):
        texts = [each.get(path, "-") for each in values]
        if len(set(texts)) > 1:
            rows.append([path, *texts])
    return Table("", ["key", *(design.name for design in designs)], rows)


def _sources(designs: Sequence[Design]) -> Table:
    """Every default number that one of the scenarios depends on, and in the title how much of it is assumed."""
    found = {it.path: it for design in designs for it in _used(design)}
    rows = [[it.path, it.value, it.sure, it.source] for it in found.values()]
    assumed = sum(it.sure == "assumed" for it in found.values())
    said = (
        f"{len(rows)} default numbers play a part here, each with a source; {assumed} of them are assumptions, the"
        " others documented, measured or derived. What the scenarios set themselves is theirs to answer for."
    )
    return Table(said, ["key", "value", "how sure", "source"], rows)


def _used(design: Design) -> list[Default]:
    """Raises WrongInput for a scenario that this version does not read."""
    try:
        return list(used_defaults(design.effective))
    except ValidationError:
        what = "a scenario that this iosim can't read: run it again"
        raise WrongInput([Mistake(design.name, 0, 0, "", what)]) from None
