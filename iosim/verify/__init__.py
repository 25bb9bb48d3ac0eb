"""The model beside what is published: `iosim verify` prints these tables and fails where one misses its tolerance.

Every subject has modules with a `tables(effort)`: `quick` for a look, `full` for narrower tolerances where chance plays
a part. All draws are of seed 1, so that a table says the same every time. Where chance plays the main part, a row has an
interval over replications, so wide that one of a hundred right models misses anything, and the published figure lies in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

QUICK, FULL = "quick", "full"
SUBJECTS: dict[str, tuple[str, ...]] = {
    "queues": ("iosim.verify.queues",),
    "network": ("iosim.verify.network",),
    "storage": ("iosim.verify.hard_disks", "iosim.verify.solid_state"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the model beside the published one.

    `tolerance` is the largest |model / published - 1| that is accepted; with `bound`, the largest model, whatever is
    published beside it. With `ends`, those of the model's interval, the published figure has to lie between them, and they
    no farther from their middle than `tolerance` times that figure: else nothing was decided.
    """

    what: str
    unit: str
    model: float
    published: float
    tolerance: float
    source: str
    bound: bool = False
    ends: tuple[float, float] | None = None

    @property
    def difference(self) -> float:
        """model / published - 1."""
        return self.model / self.published - 1

    @property
    def reach(self) -> float:
        """Half of the interval's width as a share of the published figure; 0 without one."""
        return (self.ends[1] - self.ends[0]) / 2 / abs(self.published) if self.ends else 0.0

    @property
    def verdict(self) -> str:
        """met, missed, or undecided: the interval is wider than it may be."""
        if self.ends is None:
            within = self.model <= self.tolerance if self.bound else abs(self.difference) <= self.tolerance
            return "met" if within else "missed"
        if not self.ends[0] <= self.published <= self.ends[1]:
            return "missed"
        return "met" if self.reach <= self.tolerance else "undecided"

    @property
    def met(self) -> bool:
        """Whether the model is where it has to be."""
        return self.verdict == "met"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that belong together; `note` says how the model was asked, and what it leaves out."""

    title: str
    rows: list[Row]
    note: str


def tables(subject: str, effort: str, jobs: int | None = None) -> Iterator[Table]:
    """All tables of a subject, one after the other as they are computed, where it can by so many processes."""
    for module in SUBJECTS[subject]:
        several = {"jobs": jobs} if subject == "queues" else {}
        yield from import_module(module).tables(effort, **several)
