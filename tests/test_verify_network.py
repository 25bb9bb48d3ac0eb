"""`iosim verify network`: moderation by its exact formulas, hash luck, sequential ports, the wire, time by stage."""

import pytest

from iosim.cli.verify import _show
from iosim.moderation import ThrottleGap
from iosim.verify import Table, network


@pytest.fixture(scope="module")
def found() -> list[Table]:
    return list(network.tables("quick"))


def test_N06_6_3_4_every_figure_of_the_network_is_within_its_tolerance(found: list[Table]) -> None:
    """Moderation within 1 %, hash luck within 2 %, sequential ports exactly, time by stage within 10 %."""
    assert [(table.title, row.what, row.model) for table in found for row in table.rows if not row.met] == []


def test_the_tables_say_what_they_promise(found: list[Table]) -> None:
    """So that no figure is dropped to make the rest pass."""
    assert [(len(table.rows), max(row.tolerance for row in table.rows)) for table in found] == [
        (2, 0.0001),
        (15, 0.01),
        (12, 0.01),
        (28, 0.06),
        (12, 0),
        (5, 0.1),
    ]
    shares = [row for table in found for row in table.rows if "idle" not in row.what and "flows" in row.what]
    assert (len(shares), {row.tolerance for row in shares}) == (24, {0.02})


def test_a_wrong_gap_would_be_noticed() -> None:
    """A gap that is 2 % longer misses rate, batch and wait."""
    rate, batch, wait = network.moderated(ThrottleGap(51_000), 100_000, 50_000)
    assert rate < 19_973.1 * 0.99
    assert wait > 24.966 * 1.01
    assert batch > 5.007


def test_the_tables_are_readable_in_80_columns(found: list[Table], capsys: pytest.CaptureFixture[str]) -> None:
    for table in found:
        _show(table, first=True)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
