"""What the README says is run: its Python blocks, and the two commands that CI takes out of it."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from iosim.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_python_blocks_of_the_readme_run() -> None:
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["result"].summary["throughput_per_s"]["value"] > 0
    names["system"].run()
    assert names["port"].object.waiting


def test_the_readme_holds_the_two_commands_and_only_them() -> None:
    """`.ci/run` takes them out by their beginning."""
    assert re.findall(r"^python -m pip install -e.*$", README, re.MULTILINE) == [
        "python -m pip install -e . && iosim run thread-thrashing",
        'python -m pip install -e ".[test]" && python -m pytest',
    ]


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 4
    missing = [
        link for link in links if not link.startswith("http") and not (Path(__file__).parent.parent / link).exists()
    ]
    assert missing == []


STARTS = README[README.index("## Three starts") : README.index("## Why should")]
TEACHER, ENGINEER, PLANNER = (block.splitlines() for block in re.findall(r"```sh\n(.*?)```", STARTS, re.DOTALL))
SHORT = [
    "--set",
    "run.duration=4ms",
    "--set",
    "run.warm_up=1ms",
]  # CI's time: the commands are run, their figures not used


def follow(commands: list[str]) -> dict[str, int]:
    """The commands after the installation, one after the other, and how each ended."""
    install, *rest = commands
    assert install == "pip install -e ."
    found = {}
    for command in rest:
        program, *arguments = shlex.split(command)
        assert program == "iosim"
        found[command] = main([*arguments, *(SHORT if arguments[0] in ("run", "compare", "plan") else ())])
    return found


def test_a_teachers_start_opens_a_lesson_that_is_there() -> None:
    """nbmake runs it."""
    install, notebook = (shlex.split(line) for line in TEACHER)
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert install == ["pip", "install", "-e", ".[notebook]"]
    assert any(it.startswith("jupyter>") for it in project["optional-dependencies"]["notebook"])
    assert notebook[:2] == ["jupyter", "notebook"] and (Path(__file__).parent.parent / notebook[2]).exists()


def test_what_new_tells_to_do_next_is_what_the_readme_does_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    follow(ENGINEER[:2])
    assert capsys.readouterr().err == f"wrote mine.yaml; next: {ENGINEER[2]}\n"


def test_a_server_engineers_start_ends_with_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = follow(ENGINEER)
    assert [status for command, status in found.items() if not command.startswith("iosim run")] == [0] * 4
    assert set(found.values()) <= {0, 3}  # 3: so short a run can't decide what the scenario expects
    assert (tmp_path / "iosim-out" / "mine" / "report.html").exists()


def test_a_capacity_planners_start_ends_with_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from iosim import planning

    monkeypatch.setattr(planning, "MOST", 10)
    monkeypatch.chdir(tmp_path)
    assert set(follow(PLANNER).values()) <= {0, 3}
    assert (tmp_path / "iosim-out" / "site" / "plan.json").exists()
