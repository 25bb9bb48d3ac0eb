"""A lesson in a real browser, over a real kernel: a slider is moved, and the picture is another one.

Voila serves the notebook as a page; its kernel runs every cell, and the widgets answer as they do for a student.
"""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import QUIET, browser

ROOT = Path(__file__).parent.parent
LESSON = ROOT / "notebooks" / "04-more-threads-slower.ipynb"
KNOBS = "## Turn the knobs"
PATIENCE = 60  # s: a kernel that starts on a busy machine

for needed in ("voila", "selenium"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: pip install -e '.[dev]'", allow_module_level=True)


def wait_for(what: Callable[[], Any], why: str) -> Any:
    """What it gives once that is true; fails with `why` where it never is."""
    for _ in range(PATIENCE * 5):
        if found := what():
            return found
        time.sleep(0.2)
    return pytest.fail(why)


def knobs_alone(lesson: Path) -> dict[str, Any]:
    """The lesson without what comes before its knobs, but for the imports: the whole of it is run by nbmake."""
    notebook: dict[str, Any] = json.loads(lesson.read_text(encoding="utf-8"))
    cells = notebook["cells"]
    begin = next(place for place, cell in enumerate(cells) if "".join(cell["source"]).startswith(KNOBS))
    end = next(place for place, cell in enumerate(cells) if "interact(" in "".join(cell["source"]))
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    notebook["cells"] = [{**first, "source": "import iosim\nfrom iosim import figures, plots"}, *cells[begin : end + 1]]
    return notebook


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """The address at which Voila shows the lesson."""
    lesson = tmp_path / "lesson.ipynb"
    lesson.write_text(json.dumps(knobs_alone(LESSON)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: str(tmp_path / name) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "voila", str(lesson), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    with (tmp_path / "voila.log").open("w") as log:
        server = subprocess.Popen(command, env={**os.environ, **own, "PYTHONPATH": path}, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_for(
            lambda: _listens(port, server), f"Voila does not answer: {(tmp_path / 'voila.log').read_text()[-2000:]}"
        )
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def _listens(port: int, server: "subprocess.Popen[bytes]") -> bool:
    assert server.poll() is None
    with socket.socket() as it:
        return it.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Any]:
    """Chromium, steered by its own driver."""
    from selenium import webdriver

    command, steering = browser(), shutil.which("chromedriver")
    if steering is None:
        said = "no chromedriver on the PATH"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    options = webdriver.ChromeOptions()
    options.binary_location = command
    offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"  # else a missing network is waited for
    for it in (
        *QUIET,
        offline,
        "--no-proxy-server",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=900,900",
    ):
        options.add_argument(it)
    steered = webdriver.Chrome(options=options, service=webdriver.ChromeService(steering))
    try:
        steered.set_page_load_timeout(PATIENCE)
        yield steered
    finally:
        steered.quit()


def test_a_slider_is_moved_and_the_picture_changes(page: str, driver: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    def pictures() -> list[str]:
        return [it.get_attribute("outerHTML") for it in driver.find_elements(By.CSS_SELECTOR, ".widget-html svg")]

    def printed() -> str:
        return "".join(it.text for it in driver.find_elements(By.CSS_SELECTOR, ".widget-output"))

    def handles() -> list[Any]:
        return list(driver.find_elements(By.CSS_SELECTOR, ".widget-hslider .noUi-handle"))

    driver.get(page)
    wait_for(handles, "no slider on the page")
    before = wait_for(pictures, "no picture beside the sliders")
    readout = driver.find_element(By.CSS_SELECTOR, ".widget-readout").text
    handles()[0].send_keys(Keys.ARROW_LEFT)
    wait_for(lambda: (now := pictures()) and now != before, "the picture is still the same")
    # A turn prints nothing: whoever runs a notebook (nbclient) tells the kernel of what stands in an Output widget, and may
    # miss the kernel's own reply while it does so; one run in ten then waited for ever.
    assert not printed()
    assert driver.find_element(By.CSS_SELECTOR, ".widget-readout").text != readout
    if shot := os.environ.get("IOSIM_SCREENSHOT"):
        driver.save_screenshot(shot)
