"""Pieces of a page: how objects show themselves in a notebook, without scripts and without anything from elsewhere.

Colours are those of the page around (`currentColor`), so that a dark theme reads as well as a light one. Everything that
comes from a scenario is escaped.
"""

import html
from collections.abc import Iterable, Sequence

STYLE = (
    "<style>"
    ".iosim{font-size:13px;line-height:1.4}"
    ".iosim table{border-collapse:collapse;margin:.3em 0}"
    ".iosim th,.iosim td{text-align:left;padding:.1em .8em .1em 0;vertical-align:top}"
    ".iosim .number{text-align:right;font-variant-numeric:tabular-nums}"
    ".iosim svg,.iosim img{max-width:100%;height:auto}"
    ".iosim summary{cursor:pointer}"
    "</style>"
)


def escape(text: object) -> str:
    """Text that stands for itself in a page, in attributes too."""
    return html.escape(str(text), quote=True)


def fragment(parts: Iterable[str]) -> str:
    """Parts, one below the other, as one element."""
    return f'{STYLE}<div class="iosim">{"".join(parts)}</div>'


def paragraph(text: str) -> str:
    """One paragraph; no text, no paragraph."""
    return f"<p>{escape(text)}</p>" if text else ""


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """A table with a name and what there is to say of it in each row."""
    cells = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>' for name, text in rows)
    return f"<table>{''.join(cells)}</table>"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table; its first columns, `words` of them, hold words, the others numbers. Nothing where there is no row."""
    if not rows:
        return ""
    marks = ["" if place < words else ' class="number"' for place in range(len(heads))]
    top = "".join(f'<th scope="col"{mark}>{escape(head)}</th>' for mark, head in zip(marks, heads, strict=True))
    lines = ("".join(f"<td{mark}>{escape(cell)}</td>" for mark, cell in zip(marks, row, strict=True)) for row in rows)
    return f"<table><tr>{top}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def folded(title: str, inside: str) -> str:
    """What is shown when its title is clicked; nothing where there is nothing inside."""
    return f"<details><summary>{escape(title)}</summary>{inside}</details>" if inside else ""
