"""The file control block: what all file objects of one file share.

Source: semantics 3.4 to 3.7.
"""

from array import array

NO_LIMIT = 1 << 62


class FileControl:
    """A file on its volume. Sizes in bytes.

    `valid` is the valid data length: what lies beyond has never been written. `special`: a request may have to wait in its
    dispatch routine; said here so that all others cost nothing.
    """

    def __init__(self, number: int, size: int) -> None:
        self.number = number
        self.size = size
        self.valid = size
        self.transformed = False  # compressed or encrypted: the file system does everything synchronously (3.7)
        self.transform_ps = 0  # ps per byte of compressing or encrypting, and of the way back
        self.extends_synchronously = False  # a write beyond `valid` blocks its caller: NTFS, not ReFS (3.7)
        self.reports_pending = False  # a call that blocked says STATUS_PENDING all the same (3.7, 11.5)
        self.temporary = False  # the lazy writer leaves it alone (3.5)
        self.drawn = False  # hits are drawn: which of its pages are resident is not looked at
        self.dirty = 0  # pages
        self.dirty_limit = NO_LIMIT  # pages (3.6)
        self.special = False
        self.extent = 0  # bytes of each of its extents but the last; 0: it is one
        self.places = array("q")  # of its extents: bytes from where the file begins on its volume

    def settle(self) -> None:
        """Say anew whether it is special; to be called when what that hangs on has changed."""
        self.special = self.transformed or (self.extends_synchronously and self.valid < self.size)

    def place(self, offset: int) -> int:
        """Where a byte lies, in bytes from where the file begins on its volume."""
        return self.places[offset // self.extent] + offset % self.extent

    def within(self, offset: int, size: int) -> int:
        """How many of these bytes lie together, from the first on."""
        there = self.extent - offset % self.extent
        number = offset // self.extent
        while there < size and self.places[number + 1] == self.places[number] + self.extent:
            there += self.extent
            number += 1
        return min(there, size)

    def set_valid(self, valid: int) -> None:
        """SetFileValidData, or a write has ended further on."""
        if valid > self.valid:
            self.valid = valid
            self.settle()

    def forces(self, write: bool, end: int) -> bool:
        """Whether a transfer that ends at `end` is done in its caller's thread, on an overlapped handle too (3.7)."""
        return self.transformed or (write and self.extends_synchronously and end > self.valid)


NO_CONTROL = FileControl(-1, 0)  # of file objects that are no files
