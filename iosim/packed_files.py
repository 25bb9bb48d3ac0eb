"""Files that people bring, plain or gzipped: opened as a stream of bytes, and told what is wrong with them.

For traces, captures and logs; whoever reads knows how far it came, and tells the place.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from io import BufferedReader
from pathlib import Path

Stream = BufferedReader | GzipFile


class Unreadable(Exception):
    """There is no file to read, for this reason."""


class Damaged(Exception):
    """The gzip data are wrong, or end too early, where the reader is."""


class BadField(Exception):
    """Field `index` of a row is wrong."""

    def __init__(self, index: int, name: str, message: str) -> None:
        self.index = index
        self.name = name
        super().__init__(message)


@contextmanager
def unpacked(path: Path, what: str) -> Iterator[Stream]:
    """The file's bytes. Raises Unreadable (`what` is what it should be) and, while they are read, Damaged."""
    if "\0" in str(path):
        raise Unreadable("is no file name: it holds a NUL")
    try:
        if path.is_dir():
            raise Unreadable(f"is a directory; {what} is one file")
        with open(path, "rb") as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            yield GzipFile(fileobj=file) if packed else file
    except EOFError:
        raise Damaged("the gzip data end too early; was the download cut off?") from None
    except (BadGzipFile, zlib.error) as error:
        raise Damaged(f"the gzip data are damaged: {error}") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from error
