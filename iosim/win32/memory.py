"""What requests point to: OVERLAPPED structures and buffers, neither to be touched while a request is pending.

Simplified: the bytes themselves are not kept, only counted; a buffer is a size, a place in its page and a life.
"""

from typing import Any

from iosim.irp import StatusBlock
from iosim.ntstatus import STATUS_PENDING
from iosim.units import PAGE
from iosim.win32.calls import Call, Calls, ProgramError, SystemCall, of_kind
from iosim.win32.handles import NULL

HEAP_ALIGNMENT = 16  # bytes: what the heap promises on a 64-bit system [M]


class Overlapped(StatusBlock):
    """An OVERLAPPED: where a request begins, how its end is told, and where its outcome is written.

    `Offset` is all 64 bits (bytes). `hEvent`: an event to set, or 0; with its lowest bit set (`event | 1`) the event is set
    and no packet queued (semantics 1.3 row 2). A subclass can carry whatever the program wants to find at the end.
    """

    def __init__(self, offset: int = 0, event: int = 0) -> None:
        super().__init__()
        self.Offset = offset
        self.hEvent = event
        self.issued = False  # a request with it has pended; it is over when the status says so

    def __repr__(self) -> str:
        state = "pending" if self.in_use() else f"status {self.status:#x}, {self.information} bytes"
        return f"<{type(self).__name__} at offset {self.Offset}: {state}>"

    @property
    def Internal(self) -> int:
        """The NTSTATUS; STATUS_PENDING while the request is under way, and after a call that failed at once."""
        return self.status

    @property
    def InternalHigh(self) -> int:
        """Bytes transferred."""
        return self.information

    def in_use(self) -> bool:
        """Whether the system may still write to it."""
        return self.issued and self.status == STATUS_PENDING


def HasOverlappedIoCompleted(overlapped: Overlapped) -> bool:
    """The macro: no call, just a look at `Internal`."""
    return overlapped.Internal != STATUS_PENDING


class Buffer:
    """`size` bytes of memory that begin so many bytes after a page boundary; a page-aligned one, as a rule."""

    def __init__(self, size: int, misalignment: int = 0) -> None:
        self.size = size
        self.misalignment = misalignment
        self.freed = False
        self.users: list[StatusBlock] = []  # of requests that have pended

    def __repr__(self) -> str:
        return f"<Buffer of {self.size} bytes{', freed' * self.freed}>"

    def use(self, block: StatusBlock) -> None:
        """A request with this block has pended."""
        self.users = [user for user in self.users if user.status == STATUS_PENDING]
        self.users.append(block)

    def check(self, size: int) -> None:
        """A request wants to use so many bytes of it."""
        if self.freed:
            raise ProgramError("the buffer has been freed: the request would use memory that is another's")
        if size > self.size:
            raise ProgramError(f"the request has {size} bytes, its buffer {self.size}: memory behind it would be used")

    def free(self) -> None:
        """Give it back."""
        if self.freed:
            raise ProgramError("the buffer has been freed before (a double free)")
        if any(user.status == STATUS_PENDING for user in self.users):
            raise ProgramError("the buffer is freed while a request that uses it is pending")
        self.freed = True


def overlapped_or_null(it: Any) -> Overlapped | None:
    """What a program gives for an OVERLAPPED."""
    return None if is_null(it) else of_kind(it, Overlapped, "OVERLAPPED")


def buffer_or_null(it: Any) -> Buffer | None:
    """The same for a buffer."""
    return None if is_null(it) else of_kind(it, Buffer, "Buffer")


def is_null(it: Any) -> bool:
    """NULL may be written as None or 0."""
    return it is None or (isinstance(it, int) and it == NULL)


class MemoryCalls(Calls):
    """Buffers. The calls take no time."""

    def VirtualAlloc(self, size: int) -> Call:
        """A new page-aligned Buffer of whole pages."""
        return SystemCall(0, lambda _: Buffer(-(-size // PAGE) * PAGE))

    def HeapAlloc(self, size: int) -> Call:
        """A new Buffer of `size` bytes, which is not page-aligned."""
        return SystemCall(0, lambda _: Buffer(size, HEAP_ALIGNMENT))

    def VirtualFree(self, buffer: Buffer) -> Call:
        """Free it: True. ProgramError if that has been done, or while a request that uses it is pending."""
        return SystemCall(0, lambda _: self._free(buffer))

    def HeapFree(self, buffer: Buffer) -> Call:
        """The same, for the heap's."""
        return SystemCall(0, lambda _: self._free(buffer))

    def _free(self, buffer: Any) -> bool:
        of_kind(buffer, Buffer, "buffer").free()
        return True
