"""Handles: numbers, multiples of four, each of which stands for one object until it is closed.

The two lowest bits of a number that is looked up are not looked at, as in the real system. Simplified: one process; a
number is never given twice, so that a handle used after its end is always found out.
"""

from typing import Any, TypeVar

from iosim.ntstatus import ERROR_INVALID_HANDLE
from iosim.win32.calls import ProgramError, Refused

NULL = 0
INVALID_HANDLE_VALUE = -1
TAG_BITS = 3

Object = TypeVar("Object")


class Handle(int):
    """The number, and for whoever looks on from outside the simulated machine the `object` that it was made for."""

    object: Any
    closed: bool

    def __repr__(self) -> str:
        return f"<{noun(self.object)} handle {int(self):#x}{', closed' * self.closed}>"


def noun(it: object) -> str:
    """What people call the object: its own word, or its class."""
    return str(getattr(it, "noun", type(it).__name__))


class HandleTable:
    """All open handles of the process."""

    def __init__(self) -> None:
        self.open: dict[int, Handle] = {}
        self.last = 0

    def add(self, it: object) -> Handle:
        """A new handle to the object."""
        self.last += 4
        handle = Handle(self.last)
        handle.object = it
        handle.closed = False
        self.open[self.last] = handle
        return handle

    def look_up(self, handle: Any) -> Any:
        """The object of an open handle. ERROR_INVALID_HANDLE else; what is no number at all is the program's mistake."""
        if not isinstance(handle, int | None):
            raise ProgramError(f"{handle!r} is no handle")
        found = self.open.get((handle or NULL) & ~TAG_BITS)
        if found is None:
            raise Refused(ERROR_INVALID_HANDLE)
        return found.object

    def of_kind(self, handle: Any, kind: type[Object]) -> Object:
        """The same, of an object that must be of this kind."""
        it = self.look_up(handle)
        if not isinstance(it, kind):
            raise Refused(ERROR_INVALID_HANDLE)
        return it

    def remove(self, handle: Any) -> Any:
        """Close the handle; its object."""
        it = self.look_up(handle)
        self.open.pop(handle & ~TAG_BITS).closed = True
        return it
