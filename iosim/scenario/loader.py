"""From a name to a validated scenario, or to everything that is wrong with it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from iosim import stacks
from iosim.errors import Mistake, WrongInput
from iosim.markup import escape, facts, folded, fragment
from iosim.scenario.checks import dangling, impossible
from iosim.scenario.hard_disk import read_seek_files
from iosim.scenario.load import AnyReplay
from iosim.scenario.net_load import DRAWN, RISING, NetLoad
from iosim.scenario.nodes import Node, Place, read_text, resolve
from iosim.scenario.overrides import Changes, apply, find, parse_path, put
from iosim.scenario.problems import mistakes_of
from iosim.scenario.ranges import expand
from iosim.scenario.schema import VERSION, ScenarioModel
from iosim.scenario.sources import bundled_directory, is_path, locate, read_all
from iosim.units import as_written

_SECTIONS = ("locks", "disks", "volumes", "files", "nics", "ports", "pools", "handlers", "workload")


@dataclass(frozen=True, repr=False)
class Scenario:
    """A validated scenario that still knows where each of its values was written.

    In a notebook it shows its device stack; `print(scenario)` does so in words.
    """

    model: ScenarioModel
    source: str
    tree: Node
    traces: dict[str, Path]  # the trace file of each replayed workload
    captures: dict[str, Path]  # the capture that a workload's clients have their addresses from

    @property
    def name(self) -> str:
        """The scenario's own name."""
        return self.model.scenario

    def effective(self) -> dict[str, Any]:
        """Everything that the run depends on, defaults filled in, quantities as text with units."""
        plain: dict[str, Any] = _without_nothing(self.model.model_dump(mode="json", by_alias=True))
        for key, name, path in self._named_files():
            inside = path.is_relative_to(bundled_directory())
            plain["workload"][name][key] = (path.relative_to(bundled_directory()) if inside else path).as_posix()
        return plain

    def _named_files(self) -> list[tuple[str, str, Path]]:
        """Key, workload and path of every file that a workload names."""
        traces = [("trace", name, path) for name, path in self.traces.items()]
        return traces + [("addresses", name, path) for name, path in self.captures.items()]

    def to_yaml(self) -> str:
        """The effective scenario as a file that reproduces the run."""
        return as_yaml(self.effective())

    def digest(self) -> str:
        """SHA-256 of the effective scenario; the directories of its files play no part."""
        plain = self.effective()
        for key, name, path in self._named_files():
            plain["workload"][name][key] = path.name
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def missing(self) -> list[str]:
        """Paths of the files that have to be given before it runs: traces that are null."""
        loads = self.model.workload.items()
        return [f"workload.{name}.trace" for name, load in loads if isinstance(load, AnyReplay) and load.trace is None]

    def with_set(self, changes: Changes) -> "Scenario":
        """Another scenario with these paths changed, validated like the first; raises WrongInput."""
        return _validated(apply(self.tree, changes), self.source, [])

    def get(self, path: str) -> Any:
        """The effective value at a path, as it would be written; KeyError where the scenario has none."""
        value: Any = self.model.model_dump(mode="json", by_alias=True)
        for part in parse_path(path):
            try:
                value = value[int(part) if isinstance(value, list) else str(part)]
            except (LookupError, TypeError, ValueError):
                raise KeyError(path) from None
        return value

    def origin(self, path: str) -> str:
        """Where the value at a path was written: `file:line`, `--set ...`, or `default`."""
        parts = parse_path(path)
        node, last = self.tree, None
        for part in parts:
            if child := node.child(part):  # a part that a shorthand left out is stepped over
                node, last = child, part
        return str(node.place) if last == parts[-1] or self._is_all_of(path, node) else "default"

    def _is_all_of(self, path: str, node: Node) -> bool:
        """Whether what was written at a node is the value at a path below it, to which a shorthand led."""
        if not isinstance(node.value, (dict, list)):
            return True
        try:
            value = self.get(path)
        except KeyError:
            return False
        return isinstance(value, dict) and bool(value) and all(map(node.child, value))

    def laid_over(self) -> dict[str, Any]:
        """What was changed after its file had been read (`set`), by path."""
        return dict(_laid_over(self.tree, ""))

    def __repr__(self) -> str:
        changes = ", ".join(f"{path}={as_written(value)}" for path, value in self.laid_over().items())
        return f"<Scenario {self.name}{f': {changes}' if changes else ''}>"

    def __str__(self) -> str:
        return "\n".join(part for part in (repr(self), stacks.as_text(self.effective())) if part)

    def _repr_html_(self) -> str:
        rows = [("scenario", self.name), ("about", self.model.description.strip())]
        rows += [("set", f"{path} = {as_written(value)}") for path, value in self.laid_over().items()]
        effective = folded("All values, defaults filled in", f"<pre>{escape(self.to_yaml())}</pre>")
        return fragment([facts([row for row in rows if row[1]]), stacks.as_svg(self.effective()), effective])


def _laid_over(node: Node, path: str) -> Iterator[tuple[str, Any]]:
    """Leaves that an override wrote; of a map or list that it wrote as a whole, the whole."""
    if node.place.source.startswith("--set "):
        yield path, node.plain()
    elif isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from _laid_over(child, f"{path}.{key}" if path else key)
    elif isinstance(node.value, list):
        for place, child in enumerate(node.value):
            yield from _laid_over(child, f"{path}[{place}]")


def reloaded(scenario: Scenario) -> Scenario:
    """The same scenario with every key written out, so that each has a path of its own that can be changed."""
    tree, mistakes = read_text(scenario.to_yaml(), scenario.source, placed=False)
    return _validated(tree, scenario.source, mistakes)


def _without_nothing(value: Any) -> Any:
    """Optional keys that are not set are left out."""
    if isinstance(value, dict):
        return {key: _without_nothing(child) for key, child in value.items() if child is not None}
    return [_without_nothing(child) for child in value] if isinstance(value, list) else value


class _Dumper(yaml.SafeDumper):
    """Quotes every text that our reader would take for something else."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    try:
        plain = isinstance(resolve(text), str)
    except ValueError:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else "'")


_Dumper.add_representer(str, _text)


def as_yaml(effective: dict[str, Any]) -> str:
    """A scenario that is plain data, as a file."""
    return yaml.dump(effective, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def load(name: str | Path, set: Changes = ()) -> Scenario:
    """Read and validate a bundled scenario (a bare name) or a file (anything with a slash or ending in .yaml).

    `set` lays values over it: a map of paths, or pairs. Raises WrongInput with every mistake at once.
    """
    shown = str(name)
    if isinstance(name, Path) and not is_path(shown):
        shown = f"./{shown}"
    path = locate(shown)
    tree, mistakes = read_all(path, shown if is_path(shown) else str(path))
    _demand_version(tree)
    if "scenario" not in tree.value:  # type: ignore[operator]
        tree = put(tree, ("scenario",), Node(Place(str(path)), path.stem))
    try:
        tree = apply(tree, set)
    except WrongInput as error:
        mistakes += error.mistakes
    return _validated(tree, shown, mistakes)


def _demand_version(tree: Node) -> None:
    """An unknown version is the only mistake: nothing else in the file can be judged."""
    version = tree.child("version")
    if version is not None and (version.value != VERSION or isinstance(version.value, bool)):
        message = f"version {version.value} is not known; this iosim reads version {VERSION}"
        raise WrongInput([version.place.mistake("version", message)])


def _validated(tree: Node, source: str, mistakes: list[Mistake]) -> Scenario:
    _demand_version(tree)
    plain = tree.plain()
    mistakes = [*mistakes, *read_seek_files(tree, plain)]
    model, found, sound = _model(plain, tree)
    mistakes = [*mistakes, *found, *dangling(tree, plain)]
    if model is not None:
        traces = _traces(model, tree)
        captures = _captures(model, tree)
        mistakes += impossible(tree, model, traces, captures, machine_known=sound)
    if mistakes or model is None:
        raise WrongInput(_first_of_each_place(mistakes))
    scenario = Scenario(model, source, tree, traces, captures)
    _check_study(scenario)
    return scenario


def _first_of_each_place(mistakes: list[Mistake]) -> list[Mistake]:
    """What is wrong with the form of a value hides what the schema thinks of it."""
    kept: dict[tuple[str, int, int, str], Mistake] = {}
    for mistake in mistakes:
        kept.setdefault((mistake.source, mistake.line, mistake.column, mistake.path), mistake)
    return list(kept.values())


def _model(plain: Any, tree: Node) -> tuple[ScenarioModel | None, list[Mistake], bool]:
    """The model, the schema's mistakes, and whether the machine is as written.

    Where there are mistakes, the parts that hold them are left out and the rest is validated once more, so that the
    rules between parts still speak.
    """
    try:
        return ScenarioModel.model_validate(plain), [], True
    except ValidationError as error:
        mistakes = mistakes_of(error, tree)
        wrong = {found["loc"][: 2 if found["loc"][0] in _SECTIONS else 1] for found in error.errors()}
    for section in {path[0] for path in wrong}:
        bad = {path[1] for path in wrong if path[0] == section and len(path) > 1}
        whole = plain.get(section)
        if bad and isinstance(whole, dict):
            plain = {**plain, section: {name: body for name, body in whole.items() if name not in bad}}
        else:
            plain = {name: body for name, body in plain.items() if name != section}
    try:
        return ScenarioModel.model_validate(plain), mistakes, ("machine",) not in wrong
    except ValidationError:
        return None, mistakes, False


def _traces(model: ScenarioModel, tree: Node) -> dict[str, Path]:
    """A trace is looked for beside the file that names it, then among the bundled ones."""
    paths = {}
    for name, load in model.workload.items():
        if isinstance(load, AnyReplay) and load.trace is not None:
            paths[name] = _beside(tree, name, "trace", load.trace)
    return paths


def _captures(model: ScenarioModel, tree: Node) -> dict[str, Path]:
    """So is the capture that clients have their addresses from."""
    loads = [(name, load) for name, load in model.workload.items() if isinstance(load, NetLoad)]
    return {
        name: _beside(tree, name, "addresses", load.addresses)
        for name, load in loads
        if load.addresses not in (DRAWN, RISING)
    }


def _beside(tree: Node, workload: str, key: str, file: str) -> Path:
    node = find(tree, ("workload", workload, key))
    source = node.place.source if node else ""
    beside = (Path() if source.startswith("--set ") else Path(source).parent) / file
    inside = bundled_directory() / file
    return (inside if not beside.is_file() and inside.is_file() else beside).resolve()


def _check_study(scenario: Scenario) -> None:
    """Every varied value is tried by itself, so that a sweep does not find out after an hour."""
    study = scenario.model.study
    mistakes: list[Mistake] = []
    for path, values in study.vary.items() if study else ():
        mistakes += _check_varied(scenario, path, values)
    if mistakes:
        raise WrongInput(mistakes)


def _check_varied(scenario: Scenario, path: str, values: tuple[Any, ...]) -> list[Mistake]:
    node = find(scenario.tree, ("study", "vary", path))
    alone = put(scenario.tree, ("study",), Node(Place(scenario.source), None))
    written = node.plain() if node else values
    places = [index for index, item in enumerate(written) for _ in expand(item)]
    mistakes = []
    for index, value in zip(places, values, strict=True):
        place = (node.child(index) if node else None) or scenario.tree
        try:
            _validated(apply(alone, {path: value}), scenario.source, [])
        except WrongInput as error:
            message = "; ".join(f"{m.path}: {m.message}" if m.path != path else m.message for m in error.mistakes)
            mistakes.append(place.place.mistake(f"study.vary[{path}][{index}]", message))
    return mistakes
