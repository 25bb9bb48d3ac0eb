"""The pages of docs/ are built offline by one command, without a warning, and no page is left out."""

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


def build(tree: Path, built: Path) -> "subprocess.CompletedProcess[str]":
    """The pages of a tree, by the settings of docs/; a warning is an error."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", str(ROOT / "docs")]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [*command, "-D", "nb_execution_mode=off", "-d", str(built / "doctrees"), str(tree), str(built / "html")],
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


@pytest.mark.parametrize("link", ["gone.md", "other.md#no-such-heading", "#no-such-heading", "../gone.py"])
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path, link: str) -> None:
    built = small_tree(tmp_path, link)
    assert built.returncode != 0 and "docs/index.md:3: WARNING" in built.stderr and "myst.xref_missing" in built.stderr


def test_a_link_to_a_page_and_to_a_heading_of_one_is_built(tmp_path: Path) -> None:
    """So it is the link that fails the build above."""
    built = small_tree(tmp_path, "other.md#a-heading")
    assert built.returncode == 0, built.stderr


def small_tree(tree: Path, link: str) -> "subprocess.CompletedProcess[str]":
    """Two pages, the first with a link, built."""
    (tree / "docs").mkdir()
    (tree / "docs" / "index.md").write_text(f"# Begin\n\n[a link]({link})\n\n```{{toctree}}\nother\n```\n")
    (tree / "docs" / "other.md").write_text("# Other\n\n## A heading\n")
    return build(tree, tree / "built")
