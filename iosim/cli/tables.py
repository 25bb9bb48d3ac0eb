"""Tables on stdout: drawn by rich on a capable terminal, in plain ASCII columns everywhere else."""

import os
import sys
from collections.abc import Sequence

from iosim.cli.talk import data
from iosim.tables import Table, plain


def show(tables: Sequence[Table]) -> None:
    """Print tables on stdout, one after the other; empty ones are left out."""
    drawn = [table for table in tables if table.rows]
    if _capable():
        _draw(drawn)
    else:
        data("\n\n".join(plain(table) for table in drawn))


def _capable() -> bool:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return sys.stdout.isatty() and encoding == "utf8" and os.environ.get("TERM") != "dumb"


def _draw(tables: Sequence[Table]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(highlight=False)  # rich itself honours NO_COLOR
    for number, table in enumerate(tables):
        if number:
            console.print()
        if table.title:
            console.print(Text(table.title, style="bold"))
        drawn = RichTable(box=SIMPLE_HEAD, show_edge=False, show_header=any(table.headers))
        for header in table.headers:
            drawn.add_column(header, justify="right" if header in table.right else "left", overflow="fold")
        for row in table.rows:
            drawn.add_row(*(Text(cell) for cell in row))
        console.print(drawn)
        if table.note:
            console.print(Text(table.note))
