"""What pydantic found wrong, in the words and with the places of the scenario's author."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from iosim.errors import Mistake
from iosim.scenario.fields import section_at
from iosim.scenario.nodes import Node
from iosim.scenario.overrides import show_path
from iosim.scenario.suggest import closest

_MESSAGES = {
    "dict_type": "a map of keys is needed here",
    "model_type": "a map of keys is needed here",
    "tuple_type": "a list is needed here",
    "string_type": "text is needed here",
    "too_short": "at least one is needed",
    "string_pattern_mismatch": "not a name: letters, digits, '-' and '_', beginning with a letter",
    "string_too_long": "a name of more than 64 characters",
}


def mistakes_of(error: ValidationError, tree: Node) -> list[Mistake]:
    """One mistake for each line error, at the place where it was written."""
    return [_mistake(found, tree) for found in error.errors(include_url=False)]


def mistake_at(tree: Node, path: Sequence[str | int], message: str, *, on_key: bool = False) -> Mistake:
    """A mistake at the deepest part of `path` that was written; `on_key` points at the last key, not its value."""
    node, trail = tree, tree
    known: list[str | int] = []
    for part in path:
        child = node.child(part)
        if child is None:
            continue  # a shorthand was written, or nothing at all
        known.append(part)
        trail, node = node, child
    if on_key and known and str(known[-1]) in trail.keys:
        return trail.keys[str(known[-1])].mistake(show_path(known), message)
    return node.place.mistake(show_path(known), message)


def _mistake(found: Any, tree: Node) -> Mistake:
    kind, context = found["type"], found.get("ctx") or {}
    path = [part for part in found["loc"] if not str(part).startswith(":")]
    if kind == "missing":
        parent = mistake_at(tree, path[:-1], _missing(found["loc"]))
        return Mistake(parent.source, parent.line, parent.column, show_path(path), parent.message)
    if kind == "extra_forbidden":
        return mistake_at(tree, path, f"unknown key{_nearest(found['loc'])}", on_key=True)
    if kind == "placed":
        return mistake_at(tree, [*path, *context["at"]], context["message"], on_key=context["on_key"])
    if path and path[-1] == "[key]":
        return mistake_at(tree, path[:-1], _MESSAGES.get(kind, found["msg"]), on_key=True)
    return mistake_at(tree, path, _message(found, context))


def _message(found: Any, context: Any) -> str:
    kind, value = found["type"], found["input"]
    if value is None:
        return "has no value"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        words = [word.strip("' ") for word in context["expected"].replace(" or ", ",").split(",")]
        return f"'{value}' is not one of {', '.join(words)}{closest(str(value), words)}"
    return str(_MESSAGES.get(kind, found["msg"]))


def _missing(loc: tuple[str | int, ...]) -> str:
    section = section_at(loc[:-1])
    for name, field in section.model_fields.items() if section else ():
        if loc[-1] == (field.alias or name) and field.description:
            return f"required key is missing ({field.description})"
    return "required key is missing"


def _nearest(loc: tuple[str | int, ...]) -> str:
    section = section_at(loc[:-1])
    if section is None:
        return ""
    names = [field.alias or name for name, field in section.model_fields.items()]
    return closest(str(loc[-1]), names) or f" (known here: {', '.join(names)})"
