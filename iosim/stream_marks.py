"""Where requests end in a stream of bytes, and which they are: first in, first out."""

from iosim.attribution import NO_REQUEST, Request

PLACES = 4  # of new marks; a power of two, as are all


class StreamMarks:
    """A ring of places, twice as many when all are taken. `head` is the number of the oldest mark, `tail` that of the next.

    Numbers stay what they are while older marks go. `ends` counts the stream's bytes up to a request's end.
    """

    __slots__ = ("ends", "head", "mask", "requests", "tail")

    def __init__(self) -> None:
        self.ends = [0] * PLACES
        self.requests = [NO_REQUEST] * PLACES
        self.mask = PLACES - 1
        self.head = 0
        self.tail = 0

    def append(self, end: int, request: Request) -> None:
        """One more, behind all others."""
        if self.tail - self.head > self.mask:
            self._grow()
        place = self.tail & self.mask
        self.ends[place] = end
        self.requests[place] = request
        self.tail += 1

    def _grow(self) -> None:
        marks = [(number, self.end_at(number), self.request_at(number)) for number in range(self.head, self.tail)]
        self.ends = self.ends * 2
        self.requests = self.requests * 2
        self.mask = 2 * self.mask + 1
        for number, end, request in marks:
            self.ends[number & self.mask] = end
            self.requests[number & self.mask] = request

    def pop(self) -> None:
        """The oldest goes; there has to be one."""
        self.requests[self.head & self.mask] = NO_REQUEST
        self.head += 1

    def empty(self) -> bool:
        """There is none."""
        return self.head == self.tail

    def end_at(self, number: int) -> int:
        """Where the request of this mark ends."""
        return self.ends[number & self.mask]

    def request_at(self, number: int) -> Request:
        """The request of this mark."""
        return self.requests[number & self.mask]

    def first(self) -> Request:
        """The oldest one's request, NO_REQUEST if there is none."""
        return self.requests[self.head & self.mask] if self.head < self.tail else NO_REQUEST

    def replace_first(self, request: Request) -> None:
        """What ends there is this now; there has to be one."""
        self.requests[self.head & self.mask] = request


NO_MARKS = StreamMarks()  # shared by all streams that have had none: nothing is appended
