"""Where results go: a directory, stdout in the form that was asked for, and talk about both."""

import csv
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from iosim.cli.progress import Clearable
from iosim.cli.talk import data, talk
from iosim.errors import Mistake, WrongInput

if TYPE_CHECKING:
    from iosim.tables import Table

P = TypeVar("P", bound=Clearable)


def directory_for(out: Path | None, scenario: str) -> Path:
    """Where results go: as asked, or by the scenario's name."""
    return out or Path("iosim-out") / scenario


def demand_writable(directory: Path) -> None:
    """Find out before an hour of simulation, not after it."""
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """What the system refuses is told as a mistake in `--out`."""
    try:
        yield
    except OSError as error:
        text = f"cannot be written: {error.strerror or error}"
        raise WrongInput([Mistake(f"--out {directory}", 0, 0, "", text)]) from None


@contextmanager
def watching(make: Callable[[], P], quiet: bool) -> Iterator[P | None]:
    """A line of progress where somebody looks on, taken away in the end; None where nobody does."""
    line = make() if sys.stderr.isatty() and not quiet else None
    try:
        yield line
    finally:
        if line is not None:
            line.clear()


def show_as(
    form: str, document: Callable[[], Any], rows: Callable[[], str], tables: Callable[[], "Sequence[Table]"]
) -> None:
    """Results on stdout as json, csv or table; only what is asked for is made."""
    from iosim.cli.tables import show

    if form == "json":
        data(json.dumps(document(), indent=2, sort_keys=True, allow_nan=False))
    elif form == "csv":
        data(rows())
    else:
        show(tables())


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Comma-separated rows below their heads; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue()


def tell(warnings: Iterable[str], results: Path, quiet: bool) -> None:
    """Warnings, and where the results are; a directory ends with a slash."""
    if quiet:
        return
    for line in warnings:
        talk(f"warning: {line}")
    talk(f"results in {results}{os.sep if results.is_dir() else ''}")
