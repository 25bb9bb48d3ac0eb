"""An installed wheel carries the bundled scenarios, and runs them from anywhere."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.heavy
def test_a_bundled_scenario_runs_from_an_installed_wheel_in_an_empty_directory(tmp_path: Path) -> None:
    """Built from the checkout, installed elsewhere, run where there is nothing."""
    wheels, site, empty = tmp_path / "wheels", tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from iosim.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, "run", "thread-thrashing", "--no-study", "--replications", "1"]
    done = subprocess.run(command, cwd=empty, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "thread-thrashing" in done.stdout
    written = {path.name for path in (empty / "iosim-out" / "thread-thrashing").iterdir()}
    assert {"summary.json", "overview.png", "requests.npz", "scenario.yaml"} <= written
    where = subprocess.run(
        [*command[:4], "list"], cwd=empty, capture_output=True, text=True, check=True
    )  # the bundled ones, from the wheel
    assert "trace-replay" in where.stdout
    assert (site / "iosim" / "bundled" / "traces" / "MQSIM_NOTICE.txt").is_file()
