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


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every page as built, by its name. Lessons are shown as they are: nbmake runs them."""
    built = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs", "-D", "nb_execution_mode=off"]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [*command, "-d", str(built / "doctrees"), ".", str(built / "html")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
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
