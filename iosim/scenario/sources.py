"""Where scenarios come from: bundled by name, files by path, and files that extend others."""

import os
from pathlib import Path

from iosim.errors import Mistake, WrongInput
from iosim.scenario.nodes import Node, read_file
from iosim.scenario.overrides import merge
from iosim.scenario.suggest import closest

_PACKAGE = Path(__file__).resolve().parents[1]
_MOST_EXTENDS = 16


def bundled_directory() -> Path:
    """The directory of the bundled scenarios: inside an installed wheel, or beside the package in a checkout."""
    installed = _PACKAGE / "bundled"
    return installed if installed.is_dir() else _PACKAGE.parent / "scenarios"


def bundled() -> dict[str, Path]:
    """The bundled scenarios by name."""
    return {path.stem: path for path in sorted(bundled_directory().glob("*.yaml"))}


def is_path(name: str) -> bool:
    """Whether a scenario's name means a file of the user's: it has a slash or ends in .yaml."""
    slashes = ("/", os.sep, os.altsep or "/")
    return any(slash in name for slash in slashes) or name.endswith((".yaml", ".yml"))


def locate(name: str, directory: Path = Path()) -> Path:
    """The file behind a name; relative ones are looked for in `directory`."""
    if is_path(name):
        return directory / name
    known = bundled()
    if name not in known:
        hint = closest(name, known) or " ('iosim list' shows them)"
        message = f"no bundled scenario of this name{hint}; a file of your own is written './{name}.yaml'"
        raise WrongInput([Mistake(name, 0, 0, "", message)])
    return known[name]


def read_all(path: Path, shown: str, below: tuple[Path, ...] = ()) -> tuple[Node, list[Mistake]]:
    """A file's tree laid over everything that it extends, and what is wrong with the form of any of them."""
    tree, mistakes = read_file(path, shown)
    if not isinstance(tree.value, dict):
        raise WrongInput([*mistakes, tree.place.mistake("", "a scenario is a map of keys, like 'version: 1'")])
    parent = tree.value.get("extends")
    if parent is None:
        return tree, mistakes
    rest = {name: child for name, child in tree.value.items() if name != "extends"}
    tree = Node(tree.place, rest, tree.keys)
    try:
        base, found = _read_parent(parent, path, (*below, path.resolve()))
    except WrongInput as error:
        raise WrongInput([*mistakes, *error.mistakes]) from None
    return merge(base, tree), [*mistakes, *found]


def _read_parent(parent: Node, path: Path, below: tuple[Path, ...]) -> tuple[Node, list[Mistake]]:
    name = parent.value
    if not isinstance(name, str):
        raise WrongInput([parent.place.mistake("extends", "the name of a file or of a bundled scenario is needed")])
    try:
        file = locate(name, path.parent)
    except WrongInput as error:
        raise WrongInput([parent.place.mistake("extends", f"'{name}': {error.mistakes[0].message}")]) from None
    if file.resolve() in below or len(below) > _MOST_EXTENDS:
        raise WrongInput([parent.place.mistake("extends", f"'{name}' extends itself, directly or through others")])
    if not file.is_file():
        raise WrongInput([parent.place.mistake("extends", f"no such file: {file}")])
    return read_all(file, str(file), below)
