"""The I/O request packet: a fixed header and one stack location a driver of the stack.

Source: semantics 2.1 to 2.5. An IRP that reports to a port is its own packet (direct mode, 0b.3). Lookaside lists are
the I/O manager's. Cancel, associated IRPs and buffered I/O come with issue B.
"""

from typing import TYPE_CHECKING

from iosim.attribution import Request
from iosim.kernel_queue import KernelThread, Packet
from iosim.processor import NO_REQUEST, Program

if TYPE_CHECKING:
    from iosim.io_manager import DeviceObject, FileObject

READ, WRITE = 3, 4  # IRP_MJ_READ, IRP_MJ_WRITE

STATUS_SUCCESS = 0x0
STATUS_PENDING = 0x103
STATUS_MORE_PROCESSING_REQUIRED = 0xC0000016
STATUS_END_OF_FILE = 0xC0000011

NO_THREAD = KernelThread(-1, Program(), -1)


class StackLocation:
    """One driver's parameters: what it is asked to do, on which of its devices, and who wants to hear of the end.

    `offset` and `size` are bytes, from the start of what the device is (a file, a volume, a disk).
    """

    def __init__(self) -> None:
        self.device: DeviceObject
        self.major = 0
        self.offset = 0
        self.size = 0
        self.pending = False  # SL_PENDING_RETURNED
        self.routine = False  # the driver above, which filled this location in, has a completion routine


class Irp(Packet):
    """A request on its way down and up a device stack; `current` counts down from `stack_count + 1` (semantics 2.1.2)."""

    is_irp = True

    def __init__(self, stack_count: int, lookaside: "list[Irp]", removal_cost: int) -> None:
        super().__init__(NO_REQUEST)
        self.lookaside = lookaside
        self.removal_cost = removal_cost
        self.stack_count = stack_count
        self.locations = [StackLocation() for _ in range(stack_count + 2)]
        self.current = stack_count + 1
        self.status = STATUS_SUCCESS
        self.information = 0
        self.pending_returned = False
        self.paging = False
        self.hit = False  # a cached read finds all its pages
        self.waiter = NO_THREAD  # a thread that waits for the end of this request
        self.reports = False  # to the port of its file object
        self.processor = 0  # where it was issued
        self.file: FileObject

    def prepare(self, request: Request, file: "FileObject", major: int, offset: int, size: int) -> None:
        """Fill in the first driver's location."""
        self.request = request
        self.file = file
        self.status = STATUS_SUCCESS
        self.information = 0
        self.pending_returned = False
        self.paging = False
        self.hit = False
        self.waiter = NO_THREAD
        self.reports = False
        first = self.locations[self.current - 1]
        first.major = major
        first.offset = offset
        first.size = size

    def location(self) -> StackLocation:
        """The location of the driver that has the IRP now."""
        return self.locations[self.current]

    def copy_to_next(self, shift: int, routine: bool) -> None:
        """Set up the next lower driver's location: the same request, `shift` bytes further on (semantics 2.2.2)."""
        current = self.current
        here = self.locations[current]
        below = self.locations[current - 1]
        below.major = here.major
        below.offset = here.offset + shift
        below.size = here.size
        below.routine = routine

    def mark_pending(self) -> None:
        """The driver that has the IRP will return STATUS_PENDING (semantics 2.3.1)."""
        self.locations[self.current].pending = True

    def free(self) -> None:
        """Back to the lookaside list: the packet has been taken, or nobody wanted one."""
        self.current = self.stack_count + 1
        self.lookaside.append(self)

    def removed(self) -> int:
        """The removing thread frees the IRP and dereferences the file (0b.1): its kernel time (ns)."""
        self.free()
        return self.removal_cost
