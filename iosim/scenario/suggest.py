"""What the author may have meant."""

import difflib
from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` with the nearest known name, or nothing where none is near."""
    names = {str(name).lower(): str(name) for name in known}
    match = difflib.get_close_matches(word.lower(), list(names), n=1, cutoff=0.6)
    return f"; did you mean '{names[match[0]]}'?" if match else ""
