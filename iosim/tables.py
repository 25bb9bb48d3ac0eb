"""Tables for people, whoever shows them: a terminal, a page, a file."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """A few rows of text; columns named in `right` are numbers; a `note` below explains what the heads can't."""

    title: str
    headers: list[str]
    rows: list[list[str]]
    right: frozenset[str] = field(default_factory=frozenset)
    note: str = ""


def plain(table: Table) -> str:
    """The table in aligned columns of plain text."""
    lines = [table.headers, *table.rows] if any(table.headers) else table.rows
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.headers))]
    texts = [_line(line, table, widths) for line in lines]
    return "\n".join([*([table.title] if table.title else []), *texts, *([table.note] if table.note else [])])


def _line(line: list[str], table: Table, widths: list[int]) -> str:
    cells = (
        cell.rjust(width) if header in table.right else cell.ljust(width)
        for cell, header, width in zip(line, table.headers, widths, strict=True)
    )
    return "  ".join(cells).rstrip()
