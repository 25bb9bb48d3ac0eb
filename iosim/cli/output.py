"""The directory that results go to."""

import tempfile
from pathlib import Path

from iosim.errors import Mistake, WrongInput


def demand_writable(directory: Path) -> None:
    """Find out before an hour of simulation, not after it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise unusable(directory, error) from None


def unusable(directory: Path, error: OSError) -> WrongInput:
    """What is said of it."""
    return WrongInput([Mistake(f"--out {directory}", 0, 0, "", f"cannot be written: {error.strerror or error}")])
