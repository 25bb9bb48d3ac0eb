"""Changes laid over a tree: `--set PATH=VALUE`, the cells of a sweep, and one file that extends another.

A path is keys with dots and indexes in brackets: `workload.web.rate`, `handlers.request[0].compute`, `map[253,0]`.
A value follows the rules of the file itself. Trees are never changed in place.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from iosim.errors import Mistake, WrongInput
from iosim.scenario.nodes import Node, Place, read_text

Path: TypeAlias = tuple[str | int, ...]
Changes: TypeAlias = Mapping[str, object] | Iterable[tuple[str, object]]

_PART = re.compile(r"(?:^|\.)([^.\[\]]+)|\[([^\[\]]+)\]")


def parse_path(text: str) -> Path:
    """The keys and indexes of a path; ValueError where it is not one."""
    parts: list[str | int] = []
    end = 0
    while end < len(text):
        match = _PART.match(text, end)
        if match is None:
            break
        end = match.end()
        key, index = match.groups()
        parts.append(key.strip() if key is not None else int(index) if index.isascii() and index.isdigit() else index)
    if not parts or end != len(text):
        raise ValueError(f"'{text}' is not a path like 'workload.web.rate' or 'handlers.request[0].compute'")
    return tuple(parts)


def show_path(path: Sequence[str | int]) -> str:
    """A path as text: indexes in brackets, keys with dots."""
    text = ""
    for part in path:
        if isinstance(part, int) or "." in part:
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def parse_assignment(text: str) -> tuple[str, str]:
    """The two sides of `PATH=VALUE`."""
    path, equals, value = text.partition("=")
    if not equals:
        raise WrongInput([Mistake(f"--set {text}", 0, 0, "", "write PATH=VALUE, like 'workload.web.rate=5000/s'")])
    return path.strip(), value


def value_node(value: object, source: str) -> Node:
    """A Python value as a tree whose every place is `source`; text is read by the file's own rules."""
    place = Place(source)
    if isinstance(value, str):
        node, mistakes = read_text(value, source, placed=False)
        if mistakes:
            raise WrongInput(mistakes)
        return node
    if isinstance(value, Mapping):
        children = {str(key): value_node(child, source) for key, child in value.items()}
        return Node(place, children, dict.fromkeys(children, place))
    if isinstance(value, (list, tuple)):
        return Node(place, [value_node(child, source) for child in value])
    return Node(place, value if isinstance(value, (int, float)) or value is None else str(value))


def apply(tree: Node, changes: Changes) -> Node:
    """The tree with every change made, in order; raises WrongInput with all changes that can't be made."""
    mistakes: list[Mistake] = []
    for path, value in changes.items() if isinstance(changes, Mapping) else changes:
        source = f"--set {path}={as_text(value)}"
        try:
            tree = put(tree, parse_path(path), value_node(value, source))
        except WrongInput as error:
            mistakes += error.mistakes
        except ValueError as error:
            mistakes.append(Mistake(source, 0, 0, "", str(error)))
    if mistakes:
        raise WrongInput(mistakes)
    return tree


def as_text(value: Any) -> str:
    """A value as it would be written after `--set PATH=`."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(as_text(child) for child in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {as_text(child)}" for key, child in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def put(tree: Node, path: Path, node: Node, done: Path = ()) -> Node:
    """The tree with `node` at `path`; maps that are missing on the way are made, and null takes a key away."""
    if not path:
        return node
    part, rest = path[0], path[1:]
    inner = tree.child(part) or Node(node.place, None)
    if isinstance(tree.value, list):
        return _put_item(tree, part, put(inner, rest, node, (*done, part)), done)
    if not isinstance(tree.value, dict) and tree.value is not None:
        raise ValueError(f"{show_path(done) or 'the scenario'} is '{tree.value}', which has no '{part}' inside")
    children = dict(tree.value or {})
    keys = dict(tree.keys)
    if not rest and node.value is None and str(part) in children:
        del children[str(part)], keys[str(part)]
    else:
        children[str(part)] = put(inner, rest, node, (*done, part))
        keys.setdefault(str(part), node.place)
    return Node(tree.place, children, keys)


def _put_item(tree: Node, part: str | int, node: Node, done: Path) -> Node:
    items = list(tree.value) if isinstance(tree.value, list) else []
    if not isinstance(part, int) or part > len(items):
        legal = f"0 to {len(items) - 1}" if items else "none yet"
        raise ValueError(f"{show_path(done)} is a list; '{part}' is not one of its indexes ({legal})")
    return Node(tree.place, [*items[:part], node, *items[part + 1 :]])


def merge(base: Node, over: Node) -> Node:
    """`over` laid on `base`: maps are merged key by key, everything else is replaced, null takes a key away."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    children, keys = dict(base.value), dict(base.keys)
    for name, child in over.value.items():
        if child.value is None and name in base.value:
            del children[name], keys[name]
        else:
            children[name] = merge(base.value[name], child) if name in base.value else child
            keys[name] = over.keys[name]
    return Node(over.place, children, keys)


def find(tree: Node, path: Path) -> Node | None:
    """The node at a path; None where nothing was written."""
    node: Node | None = tree
    for part in path:
        node = node.child(part) if node else None
    return node
