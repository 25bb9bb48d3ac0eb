"""Data on stdout, talk on stderr. Not `click.echo`: that writes UTF-8 to terminals which asked for ASCII."""

import sys


def data(text: str) -> None:
    """Write results, and nothing else, on stdout."""
    print(text.removesuffix("\n"), file=sys.stdout)


def talk(text: str, end: str = "\n") -> None:
    """Say something to the person at the terminal."""
    print(text, file=sys.stderr, end=end, flush=True)
