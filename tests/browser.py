"""A real browser without a screen, for pages that must be looked at by one: Debian's Chromium, or Chrome, on the PATH."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def browser() -> str:
    """Its command; the test is skipped where there is none, but in CI, which installs one, fails."""
    found = next(filter(None, map(shutil.which, NAMES)), "")
    if not found:
        said = f"no browser on the PATH: {', '.join(NAMES)}"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return found


def opened(page: Path, profile: Path, width: int = 1200) -> str:
    """The page's elements as they are once it has been opened, `width` pixels wide, and its scripts have run."""
    size = f"--window-size={width},900"
    command = [browser(), *QUIET, f"--user-data-dir={profile}", size, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout
