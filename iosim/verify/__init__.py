"""The model beside what is published: `iosim verify` prints these tables and fails where one misses its tolerance.

Every subject has modules with a `tables(effort)`: `quick` for a look, `full` for narrower tolerances where chance plays
a part. All draws are of seed 1, so that a table says the same every time.
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
    published beside it.
    """

    what: str
    unit: str
    model: float
    published: float
    tolerance: float
    source: str
    bound: bool = False

    @property
    def difference(self) -> float:
        """model / published - 1."""
        return self.model / self.published - 1

    @property
    def met(self) -> bool:
        """Whether the model is within its tolerance."""
        return self.model <= self.tolerance if self.bound else abs(self.difference) <= self.tolerance


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that belong together; `note` says how the model was asked, and what it leaves out."""

    title: str
    rows: list[Row]
    note: str


def tables(subject: str, effort: str) -> Iterator[Table]:
    """All tables of a subject, one after the other as they are computed."""
    for module in SUBJECTS[subject]:
        yield from import_module(module).tables(effort)
