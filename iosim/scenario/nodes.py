"""YAML text into a tree in which every key and value knows its file, line and column.

Built from the parser's events rather than by a YAML loader: scalars follow the YAML 1.2 core rules (`no` is text, `1e6`
a number, a date is text), and what surprises people is a mistake instead of a guess: duplicate keys, tags, `<<`,
leading zeros. Size, depth and alias expansion are bounded, so that a hostile file costs milliseconds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from iosim.errors import Mistake, WrongInput

LARGEST_FILE = 1 << 20
MOST_NODES = 200_000
DEEPEST = 50

Scalar: TypeAlias = str | int | float | bool | None

_INTEGER = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LONGEST_NUMBER = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written; line and column count from 1 and are 0 where there is no position."""

    source: str
    line: int = 0
    column: int = 0

    def mistake(self, path: str, message: str) -> Mistake:
        """A mistake at this place."""
        return Mistake(self.source, self.line, self.column, path, message)

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a map or a list as it was written. `keys` holds where each key of a map stands."""

    place: Place
    value: "Scalar | dict[str, Node] | list[Node]"
    keys: dict[str, Place] = field(default_factory=dict)

    def plain(self) -> Any:
        """The same data as ordinary Python objects."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, part: str | int) -> "Node | None":
        """The node under a key or an index; None where there is none."""
        if isinstance(self.value, dict):
            return self.value.get(str(part))
        if isinstance(self.value, list) and isinstance(part, int) and 0 <= part < len(self.value):
            return self.value[part]
        return None


def read_file(path: Path, source: str) -> tuple[Node, list[Mistake]]:
    """The tree of a YAML file and what is wrong with its form; raises WrongInput where nothing can be read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise _refused(source, "no such file") from None
    except OSError as error:
        raise _refused(source, f"cannot be read: {error.strerror or error}") from None
    if len(data) > LARGEST_FILE:
        raise _refused(source, f"larger than {LARGEST_FILE >> 20} MiB, which no scenario is")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(source, f"not a text file in UTF-8 (byte {error.start})") from None
    node, mistakes = read_text(text, source)
    if node.value is None:
        raise _refused(source, "the file is empty")
    return node, mistakes


def read_text(text: str, source: str, *, placed: bool = True) -> tuple[Node, list[Mistake]]:
    """The tree of YAML text; with `placed` off (an override) places carry the source alone."""
    try:
        return _Reader(text, source, placed, fast=True).read()
    except yaml.YAMLError:
        pass  # once more with the pure parser, whose wording does not depend on what is installed
    try:
        return _Reader(text, source, placed, fast=False).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source, mark.line + 1, mark.column + 1) if mark and placed else Place(source)
        reason = ", ".join(part for part in (error.problem, error.context) if part)
        raise WrongInput([place.mistake("", f"not YAML: {reason}")]) from None
    except yaml.YAMLError:
        raise _refused(source, "not a text file (it holds control characters)") from None


def _refused(source: str, message: str) -> WrongInput:
    return WrongInput([Mistake(source, 0, 0, "", message)])


class _Reader:
    """Walks the events of one document once; budgets are charged before anything is built."""

    def __init__(self, text: str, source: str, placed: bool, *, fast: bool) -> None:
        loader = yaml.CSafeLoader if fast and hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
        self.events: Iterator[Any] = yaml.parse(text, Loader=loader)
        self.source = source
        self.placed = placed
        self.mistakes: list[Mistake] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}  # node, values in it, levels below it
        self.count = 0
        self.reach = 0  # the deepest level seen since the innermost anchored node began

    def read(self) -> tuple[Node, list[Mistake]]:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self._fatal(event, "a second document begins here; a scenario is one document")
                root = self._node(next(self.events), "", 0)
        return root or Node(Place(self.source), None), self.mistakes

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self.source, mark.line + 1, mark.column + 1) if self.placed else Place(self.source)

    def _fatal(self, event: Any, message: str) -> WrongInput:
        return WrongInput([*self.mistakes, self._place(event).mistake("", message)])

    def _charge(self, event: Any, nodes: int) -> None:
        self.count += nodes
        if self.count > MOST_NODES:
            raise self._fatal(event, f"more than {MOST_NODES} values once its aliases are expanded")

    def _descend(self, event: Any, depth: int) -> None:
        self.reach = max(self.reach, depth)
        if depth > DEEPEST:
            raise self._fatal(event, f"nested deeper than {DEEPEST} levels")

    def _node(self, event: Any, path: str, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        count, reach = self.count, self.reach
        self.reach = depth
        self._descend(event, depth)
        self._charge(event, 1)
        if event.tag is not None:
            self.mistakes.append(self._place(event).mistake(path, "tags ('!') have no meaning in a scenario"))
        node = self._build(event, path, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, self.count - count, self.reach - depth)
        self.reach = max(self.reach, reach)
        return node

    def _alias(self, event: Any, depth: int) -> Node:
        if event.anchor not in self.anchors:
            raise self._fatal(event, f"alias '*{event.anchor}' has no anchor before it, or lies inside it")
        node, size, levels = self.anchors[event.anchor]
        self._descend(event, depth + levels)
        self._charge(event, size)
        return node

    def _build(self, event: Any, path: str, depth: int) -> Node:
        if isinstance(event, yaml.MappingStartEvent):
            return self._map(event, path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                items.append(self._node(item, f"{path}[{len(items)}]", depth + 1))
            return Node(self._place(event), items)
        return Node(self._place(event), self._scalar(event, path))

    def _map(self, event: Any, path: str, depth: int) -> Node:
        children: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            name = self._key(key, path)
            inner = f"{path}.{name}" if path else name
            if name in keys:
                first = keys[name].line
                where = f"; first on line {first}" if first else ""
                self.mistakes.append(self._place(key).mistake(inner, f"duplicate key{where}"))
            child = self._node(next(self.events), inner, depth + 1)
            if name not in keys and not _merges(key):
                children[name], keys[name] = child, self._place(key)
        return Node(self._place(event), children, keys)

    def _key(self, event: Any, path: str) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._fatal(event, "a key must be a plain name, not a map, a list or an alias")
        name: str = event.value
        self._charge(event, 1)
        if _merges(event):
            message = "merge keys ('<<') are not supported; write the keys out, or use 'extends'"
            self.mistakes.append(self._place(event).mistake(path, message))
        return name

    def _scalar(self, event: Any, path: str) -> Scalar:
        text: str = event.value
        if event.style or event.tag is not None:
            return text
        try:
            return resolve(text)
        except ValueError as error:
            self.mistakes.append(self._place(event).mistake(path, str(error)))
            return text


def _merges(key: Any) -> bool:
    return key.value == "<<" and not key.style


def resolve(text: str) -> Scalar:
    """What an unquoted scalar means under the YAML 1.2 core schema; ValueError where readers would disagree."""
    if text in _WORDS:
        return _WORDS[text]
    number = text.lstrip("+-")
    if _INTEGER.fullmatch(text):
        if len(number) > _LONGEST_NUMBER:
            raise ValueError("a number with too many digits")
        if len(number) > 1 and number.startswith("0"):
            decimal = number.lstrip("0") or "0"
            raise ValueError(
                f"'{text}' is octal to some readers; write {decimal} without the leading zero, or quote it"
            )
        return int(text)
    if _RADIX.fullmatch(text) and len(text) <= _LONGEST_NUMBER:
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return {".inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}.get(text.lower(), text)
