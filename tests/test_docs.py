"""The pages of docs/ are built offline by one command, without a warning; no page is left out, and no link leads nowhere."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

for needed in ("sphinx", "myst_nb", "furo"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: pip install -e '.[docs]'", allow_module_level=True)


def build(source: Path, target: Path) -> "subprocess.CompletedProcess[str]":
    """Sphinx on a tree of pages, with the project's configuration; its status tells of any warning."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", str(ROOT / "docs")]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [*command, "-D", "nb_execution_mode=off", "-d", str(target / "doctrees"), str(source), str(target / "html")],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every page as built, by its name. Lessons are shown as they are: nbmake runs them."""
    built = tmp_path_factory.mktemp("docs")
    done = build(ROOT, built)
    assert done.returncode == 0, done.stderr
    html = built / "html"
    return {page.relative_to(html).as_posix(): page.read_text(encoding="utf-8") for page in html.rglob("*.html")}


def test_the_docs_hold_the_readme_every_lesson_and_every_page(pages: dict[str, str]) -> None:
    lessons = [f"notebooks/{it.stem}.html" for it in (ROOT / "notebooks").glob("*.ipynb")]
    written = [f"docs/{it.stem}.html" for it in (ROOT / "docs").glob("*.md")]
    assert {"README.html", "CHANGELOG.html", *lessons, *written} <= pages.keys()


def test_a_page_takes_its_scripts_fonts_and_styles_from_itself(pages: dict[str, str]) -> None:
    """Read on a train, or behind a wall."""
    elsewhere = {
        (name, address)
        for name, text in pages.items()
        for address in re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="((?:https?:)?//[^"]+)"', text)
    }
    assert elsewhere == set()


NOWHERE = ("gone.md", "page.md#no-such-heading", "../notebooks/07-gone.ipynb", "../iosim/gone.py", "#nor-this-one")


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    """Whoever renames a page or a heading is told who links to it."""
    docs = tmp_path / "tree" / "docs"
    docs.mkdir(parents=True)
    (docs / "page.md").write_text("# A page\n\n## A heading\n")
    good = "# Pages\n\n[good](page.md#a-heading)\n\n```{toctree}\npage\n```\n"
    (docs / "index.md").write_text(good)
    assert build(tmp_path / "tree", tmp_path / "good").returncode == 0
    (docs / "index.md").write_text(good + "".join(f"\n[bad]({link})\n" for link in NOWHERE))
    done = build(tmp_path / "tree", tmp_path / "bad")
    assert done.returncode != 0
    told = [number for number, link in enumerate(NOWHERE) if f"index.md:{9 + 2 * number}: " in done.stderr]
    assert told == list(range(len(NOWHERE))), done.stderr
