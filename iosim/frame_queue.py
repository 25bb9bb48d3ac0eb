"""Frames that wait, first in, first out.

A deque would do; but compiled code calls its methods through Python's lookup, for every frame of every ring.
"""

from typing import Any

from iosim.frames import Frame

PLACES = 8  # of a new one; a power of two, as are all


class FrameQueue:
    """A ring of places, `count` of them taken from `head` on; twice as many when they are all taken."""

    def __init__(self) -> None:
        self.places: list[Any] = [None] * PLACES
        self.mask = PLACES - 1
        self.head = 0
        self.count = 0

    def append(self, frame: Frame) -> None:
        """One more, behind all others."""
        if self.count > self.mask:
            self.places = [*self.listed(), *([None] * self.count)]
            self.mask = 2 * self.count - 1
            self.head = 0
        self.places[self.head + self.count & self.mask] = frame
        self.count += 1

    def pop(self) -> Frame:
        """Take the oldest out; there has to be one."""
        place = self.head
        frame: Frame = self.places[place]
        self.places[place] = None
        self.head = place + 1 & self.mask
        self.count -= 1
        return frame

    def at(self, index: int) -> Frame:
        """The one so many places behind the oldest; there has to be one."""
        frame: Frame = self.places[self.head + index & self.mask]
        return frame

    def listed(self) -> list[Frame]:
        """All of them, the oldest first."""
        return [self.at(index) for index in range(self.count)]

    def clear(self) -> None:
        """Forget them all."""
        while self.count:
            self.pop()
