"""What the README says is run: its Python blocks, and the two commands that CI takes out of it."""

import re
from pathlib import Path
from typing import Any

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
