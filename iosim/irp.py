"""The I/O request packet: a fixed header and one stack location a driver of the stack.

Source: semantics 2.1 to 2.8. An IRP that reports to a port is its own packet (0b.3). What happens at its end is decided in
completion.py. Most requests are `plain`: overlapped, to be reported to the port of their file object, and nothing else.
Whatever asks for more (an event, a cancel routine, a master) takes that mark away.
"""

from typing import TYPE_CHECKING, Any

from iosim.attribution import NO_REQUEST, Request
from iosim.canceller import NO_CANCELLER, Canceller
from iosim.kernel_queue import KernelThread, Packet
from iosim.kernel_work import NO_WORK
from iosim.lookaside import NO_LOOKASIDE, PrivateList
from iosim.ntstatus import STATUS_SUCCESS
from iosim.thread import Program

if TYPE_CHECKING:
    from iosim.device_stack import DeviceObject, FileObject
    from iosim.objects import Event

READ, WRITE, FLUSH, CONNECT, DEVICE_CONTROL = 3, 4, 9, 13, 14  # IRP_MJ_...; CONNECT is a file system control
INVOKE_ON_CANCEL, INVOKE_ON_SUCCESS, INVOKE_ON_ERROR = 0x20, 0x40, 0x80  # SL_INVOKE_...
NO_ROUTINE, INVOKE_ALWAYS = 0, 0xE0
IRP_QUOTA_CHARGED, IRP_ALLOCATED_FIXED_SIZE, IRP_LOOKASIDE_ALLOCATION = 1, 4, 8

NO_THREAD = KernelThread(-1, Program(), -1)


class StackLocation:
    """One driver's parameters: what it is asked to do, on which of its devices, and who wants to hear of the end.

    `offset` and `size` are bytes, from the start of what the device is (a file, a volume, a disk).
    """

    __slots__ = ("device", "major", "offset", "pending", "routine", "size")

    def __init__(self) -> None:
        self.device: DeviceObject
        self.major = 0
        self.offset = 0
        self.size = 0
        self.pending = False  # SL_PENDING_RETURNED
        self.routine = NO_ROUTINE  # when the driver above, which filled this location in, wants to be called back

    def clear(self) -> None:
        """The driver that it was for has finished (2.4.3)."""
        self.major = self.offset = self.size = 0
        self.pending = False
        self.routine = NO_ROUTINE


NO_LOCATION = StackLocation()  # below the lowest driver's, and above the highest one's: nothing is written to it


class StatusBlock:
    """Where a program reads how its request ended; an OVERLAPPED begins with one."""

    def __init__(self) -> None:
        self.status = STATUS_SUCCESS
        self.information = 0


NO_STATUS_BLOCK = StatusBlock()


NO_APC = ("no routine", 0)  # a user APC is what an entry of a thread's `user_apcs` is: a routine and its argument


class Notice:
    """How the issuer of a request wants to hear of its end: the arguments of NtReadFile.

    `context` is what a packet will carry as its value, as a rule the status block itself; NO_STATUS_BLOCK is NULL, as in
    the synchronous calls or when an OVERLAPPED's event has its low bit set: no packet (semantics 1.3 row 2).
    """

    def __init__(self, block: StatusBlock, context: StatusBlock, apc: Any = NO_APC) -> None:
        self.block = block
        self.context = context
        self.apc = apc
        self.sets_event = False
        self.event: Event

    def with_event(self, event: "Event") -> "Notice":
        """The same, and set this event."""
        self.sets_event = True
        self.event = event
        return self


NO_NOTICE = Notice(NO_STATUS_BLOCK, NO_STATUS_BLOCK)


class IrpPart:
    """Of an IRP that does a part of another one's work: `up_ns` is the processor time of its way up (split.py)."""

    def __init__(self, up_ns: int) -> None:
        self.up_ns = up_ns

    def pays_up(self) -> int:
        """What the one who completes it spends (ns), to be asked once."""
        return self.up_ns


NO_PART = IrpPart(0)


class Irp(Packet):
    """A request on its way down and up a device stack; `current` counts down from `stack_count + 1` (semantics 2.1.2).

    `pending_returned` holds at a completion routine and from the end of the walk up; it means nothing before.
    """

    __slots__ = (
        "accessible",
        "allocation_flags",
        "associated",
        "block_due",
        "boost",
        "buffered",
        "cancel",
        "canceller",
        "code",
        "current",
        "disowned",
        "due",
        "ended",
        "file",
        "hit",
        "information",
        "listed",
        "locations",
        "lookaside",
        "master",
        "newer",
        "notice",
        "older",
        "paging",
        "part",
        "pending_returned",
        "plain",
        "processor",
        "removal_cost",
        "reports",
        "returned",
        "stack_count",
        "status",
        "synchronous",
        "thread",
        "waiter",
        "work",
    )

    def __init__(
        self,
        stack_count: int,
        lookaside: PrivateList = NO_LOOKASIDE,
        removal_cost: int = 0,
        room: int = 0,
        flags: int = 0,
    ) -> None:
        super().__init__(NO_REQUEST)
        self.is_irp = True
        self.lookaside = lookaside
        self.removal_cost = removal_cost
        self.allocation_flags = flags
        self.stack_count = stack_count
        room = max(stack_count, room)
        self.locations = list(
            (NO_LOCATION,) * (room + 2)
        )  # of a tuple: no longer than it must be, as there are many IRPs
        for place in range(1, room + 1):
            self.locations[place] = StackLocation()
        self.current = stack_count + 1
        self.file: FileObject
        self.listed = False  # among its file object's requests (irp_list.py)
        self.older = self  # its neighbours there
        self.newer = self
        self.processor = 0  # where it was issued
        self.plain = False
        self.clean()

    def clean(self) -> None:
        """As if never used."""
        self.status = STATUS_SUCCESS
        self.information = 0
        self.pending_returned = False
        self.thread = NO_THREAD  # that issued it, and in whose call it may end
        self.waiter = NO_THREAD  # a thread that waits for the end of this request
        self.reports = False  # to the port of its file object, if that has one at the end
        self.hit = False  # a cached read finds all its pages
        self.paging = False
        self.code = 0  # of a device control
        self.boost = 0  # priority increment of whom the end wakes
        self.notice = NO_NOTICE
        self.synchronous = False  # its issuer stays in the call until the end
        self.ended = False  # up to the end of stage 1; the rest is its issuer's business (2.5.5)
        self.buffered = False  # its data goes through a system buffer (2.9)
        self.accessible = True  # the user's buffer can be probed and locked
        self.due = 0  # ns that the last stage has yet to take
        self.block_due = False  # the status block has yet to be written
        self.cancel = False
        self.canceller = NO_CANCELLER
        self.returned = False  # a verifier saw its call return STATUS_PENDING (2.3.1)
        self.disowned = False  # its thread waited for its end in vain (2.8.6)
        self.associated = 0  # IRPs under way of which this is the master
        self.master = self  # itself: it has none
        self.part = NO_PART
        self.work = NO_WORK  # that its thread does inside the call; of a paging IRP, what it moves

    def prepare(self, request: Request, file: "FileObject", major: int, offset: int, size: int) -> None:
        """Fill in the first driver's location."""
        if self.plain:  # the little that a plain one has touched
            self.plain = False
            self.thread = NO_THREAD
            self.status = STATUS_SUCCESS
            self.information = 0
            self.hit = False
            self.reports = False
        else:
            self.clean()
        self.request = request
        self.file = file
        first = self.locations[self.current - 1]
        first.major = major
        first.offset = offset
        first.size = size
        first.routine = 0  # of a longer stack's driver that set it up, and then ended the request itself

    def location(self) -> StackLocation:
        """The location of the driver that has the IRP now."""
        return self.locations[self.current]

    def tell(self, notice: Notice) -> None:
        """Its end is to be told like this."""
        self.notice = notice
        self.reports = notice.context is not NO_STATUS_BLOCK

    def pays_up(self) -> int:
        """Processor time (ns) of its way up through the drivers, for the one who completes it; to be asked once."""
        part = self.part
        if part is NO_PART:
            device: DeviceObject = self.file.device
            return device.up_ns
        return part.pays_up()

    def first(self) -> StackLocation:
        """The first driver's location: what was asked by whoever made the IRP."""
        return self.locations[self.stack_count]

    # ---- what drivers do with it -------------------------------------------------------------------------------------

    def copy_to_next(self, shift: int, routine: int) -> None:
        """Set up the next lower driver's location: the same request, `shift` bytes further on (semantics 2.2.2).

        `routine`: when this driver's completion routine is to be called, INVOKE_...; it is stored below (2.2.3).
        """
        current = self.current
        here = self.locations[current]
        below = self.locations[current - 1]
        if below is NO_LOCATION:
            return  # there is no lower driver: to call it is fatal
        below.major = here.major
        below.offset = here.offset + shift
        below.size = here.size
        below.routine = routine

    def skip(self) -> None:
        """The next lower driver uses this driver's location, which therefore has no completion routine (2.2.2)."""
        self.current += 1

    def own(self, device: "DeviceObject", routine: int) -> None:
        """A driver made the IRP for itself: its completion routine is called above the first location."""
        top = self.stack_count + 1
        if self.locations[top] is NO_LOCATION:
            self.locations[top] = StackLocation()
        self.locations[top].device = device
        self.locations[self.stack_count].routine = routine

    def mark_pending(self) -> None:
        """The driver that has the IRP will return STATUS_PENDING; after the end it is too late (semantics 2.3.1)."""
        if self.current <= self.stack_count:
            location = self.locations[self.current]
            location.pending = True

    def clear_below(self) -> None:
        """What the lower drivers were asked is nobody's business on the way up (2.4.3)."""
        for location in self.locations[1 : self.current]:
            location.clear()

    # ---- cancel ------------------------------------------------------------------------------------------------------

    def set_canceller(self, canceller: Canceller) -> Canceller:
        """Exchange the cancel routine (IoSetCancelRoutine): whoever gets one back owns the completion (2.8.3)."""
        before = self.canceller
        self.canceller = canceller
        self.plain = False
        return before

    def enqueued(self, canceller: Canceller) -> bool:
        """The driver has queued the IRP, to be cancelled by this routine; False: cancelled already, and its to complete.

        The enqueue race (2.8.4): set the routine, look at `cancel` again, and take the routine back.
        """
        self.set_canceller(canceller)
        return not (self.cancel and self.set_canceller(NO_CANCELLER) is not NO_CANCELLER)

    def dequeued(self) -> bool:
        """The driver takes the IRP off its queue; False: its cancel routine runs or will, so leave it alone (2.8.3)."""
        return self.set_canceller(NO_CANCELLER) is not NO_CANCELLER

    def under_way(self) -> bool:
        """Issued, and not up to the end of stage 1: it can be cancelled (2.8.7)."""
        return self.current <= self.stack_count + 1 and (self.listed or self in self.thread.irps)

    # ---- its end -----------------------------------------------------------------------------------------------------

    def free(self) -> None:
        """Back to the lookaside list: the packet has been taken, or nobody wanted one.

        It stays above its locations, so that whoever completes it once more is found out until it is allocated again.
        """
        self.current = self.stack_count + 2
        own = self.lookaside
        own.total_frees += 1
        if len(own.entries) < own.depth:
            own.entries.append(self)
        else:
            own.give_shared(self)

    def removed(self) -> int:
        """The removing thread frees the IRP and dereferences the file (0b.1): its kernel time (ns).

        It also writes the status block, where that was left to it (direct mode, semantics 2.7). What the IRP says can
        still be read at that instant.
        """
        if self.plain:
            cost = self.removal_cost
        else:
            cost = self.due
            self.write_block()
        self.free()
        return cost

    def write_block(self) -> None:
        """Tell the program's status block, unless that has been done."""
        if self.block_due:
            self.block_due = False
            self.notice.block.status = self.status
            self.notice.block.information = self.information


NO_IRP = Irp(0)
