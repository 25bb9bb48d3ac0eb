"""What the author may have meant."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `word`; None where none is near."""
    names = {str(name).lower(): str(name) for name in known}
    match = difflib.get_close_matches(word.lower(), list(names), n=1, cutoff=0.6)
    return names[match[0]] if match else None


def closest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing where nothing is near."""
    name = nearest(word, known)
    return f"; did you mean '{name}'?" if name else ""
