"""Whole figures: panels beside each other, and their files, the same bytes every time."""

import html
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from iosim.captions import all_alt_text
from iosim.plots import STYLE


def figure_overview(titles: Sequence[str], heading: str = "", columns: int = 2) -> tuple[Figure, list[Axes]]:
    """A figure with one panel a title, `columns` abreast, and its Axes in that order; draws nothing yet.

    `heading` says which run it shows (scenario, seed, version). Its size follows the number of panels.
    """
    columns = max(1, min(columns, len(titles)))
    rows = -(-len(titles) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.4 * columns, 3.7 * rows), layout="constrained")
        panels = [figure.add_subplot(rows, columns, place + 1) for place in range(len(titles))]
        for panel, title in zip(panels, titles, strict=True):
            panel.set_title(title)
        if heading:
            figure.suptitle(heading, fontsize=9, color="#555555", x=0.01, ha="left")
    return figure, panels


def save(figure: Figure, path: Path, description: str | None = None) -> None:
    """Write `figure` as .svg or .png, whole or not at all, with the same bytes every time, on one matplotlib.

    The description (by default every panel's alt text) goes into the file. Raises ValueError for another suffix and
    OSError when the place can't be written; then nothing is left behind.
    """
    kind = path.suffix.removeprefix(".")
    if kind not in ("svg", "png"):
        raise ValueError(f"a figure is written as .svg or .png, not as {path.name!r}")
    words = all_alt_text(figure) if description is None else description
    metadata: dict[str, str | None] = {"Description": words}
    if kind == "svg":
        metadata["Date"] = None
    box = None if figure.get_layout_engine() else "tight"  # a figure that was not made here may cut off its legend
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with mpl.rc_context(STYLE), _laid_out(figure):
            if kind == "png" and box is None:
                _print_png(figure, temporary, metadata)
            else:
                figure.savefig(temporary, format=kind, metadata=metadata, bbox_inches=box)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def as_svg(figure: Figure) -> str:
    """`figure` as markup that stands in a page: an `svg` element with its alt text, its letters as text.

    The same text every time, on one matplotlib.
    """
    words = all_alt_text(figure)
    text = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.fonttype": "none"}), _laid_out(figure):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    drawn = text.getvalue()
    label = f'<svg role="img" aria-label="{html.escape(words, quote=True)}"'
    return drawn[drawn.index("<svg") :].replace("<svg", label, 1)


def _print_png(figure: Figure, path: Path, metadata: dict[str, str | None]) -> None:
    """What savefig writes, without its first drawing, which is for a layout that stands already."""
    shown_at = figure.dpi
    figure.dpi = mpl.rcParams["savefig.dpi"]
    try:
        FigureCanvasAgg(figure).print_png(path, metadata=metadata)  # type: ignore[no-untyped-call]
    finally:
        figure.dpi = shown_at


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """The figure's own layout, found from the same beginning every time and held still on round places.

    Else the layout engine starts where it ended before, ends a hair beside it, and the bytes differ.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    _place(figure.axes, lambda ax: None if (cell := ax.get_subplotspec()) is None else cell.get_position(figure))
    engine.execute(figure)  # goes over it twice, as ticks chosen in the first round may move what the second places
    figure.set_layout_engine("none")
    _place(figure.axes, lambda ax: Bbox.from_bounds(*np.round(ax.get_position().bounds, 5)))
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def _place(panels: Sequence[Axes], where: Callable[[Axes], Bbox | None]) -> None:
    """Move panels without taking them out of the layout, as matplotlib does with those that are placed by hand."""
    for ax in panels:
        place, in_layout = where(ax), ax.get_in_layout()
        if place is not None:
            ax.set_position(place)
            ax.set_in_layout(in_layout)
