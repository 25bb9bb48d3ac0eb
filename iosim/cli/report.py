"""`iosim report`: one HTML page for a design review, from the directories of runs and studies."""

from pathlib import Path

import click

from iosim.cli.talk import talk
from iosim.errors import Mistake, WrongInput


@click.command("report", short_help="One HTML page for a design review.")
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--question", default="", metavar="TEXT", help="What the review asks [the scenarios' descriptions].")
@click.option("--title", default="", metavar="TEXT", help="Title of the page [the scenarios' names].")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where it goes [DIR/report.html].")
@click.option("--quiet", is_flag=True, help="No talk on stderr.")
def command(directories: tuple[Path, ...], question: str, title: str, out: Path | None, quiet: bool) -> None:
    """Put all results in each DIR (of run, sweep, compare and plan) on one page, each under its head.

    The page needs no network and nothing beside it: it can be mailed.
    """
    from iosim.report import MOST, report
    from iosim.results import write_text

    path = out or directories[0] / "report.html"
    page = report(directories, question, title)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, page)
    except OSError as error:
        raise WrongInput(
            [Mistake(f"--out {path}", 0, 0, "", f"cannot be written: {error.strerror or error}")]
        ) from None
    if quiet:
        return
    size = len(page.encode())
    if size > MOST:
        talk(f"warning: the page is larger than {MOST / 1e6:g} MB; put fewer results on it")
    talk(f"report in {path} ({size / 1000:.0f} kB)")
