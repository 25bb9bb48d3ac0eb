"""Requests that a driver divides among IRPs of its own, with a completion routine: several disks, long transfers.

Associated IRPs are for the highest driver of a stack alone (extents.py); those below it make IRPs of their own (semantics
0b.18). All parts are sent at once. The master ends with the last of them: its critical path is that one's, and how long the
others had been finished by then is the slack (design 3.9). The first error to arrive is the master's; its information is then
the bytes before the first part that failed.

Processor time: parts beyond the first pay for their way down in the call that made the request (`sized_cost`); each pays
its own way up in the DPC that completes it, and the last of them also what lies above.
Simplified: a part that is sent once more costs no time on its way down.
"""

from array import array

from iosim.attribution import hand_back, part_of, recovered
from iosim.device_stack import DeviceObject, Driver
from iosim.dispatcher import IO_DISK_INCREMENT
from iosim.io_manager import IoManager
from iosim.irp import INVOKE_ALWAYS, Irp, IrpPart
from iosim.ntstatus import STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING, STATUS_SUCCESS, is_error


class Leg:
    """Where a driver's parts go: a device below it, and where the driver's own bytes begin there."""

    def __init__(self, device: DeviceObject, base: int) -> None:
        self.device = device
        self.base = base
        self.failed = False
        self.last = 0  # bytes: where the last transfer ended, as the driver above sees it


class Split:
    """One request under way in parts. `unpaid`: parts whose way up nobody has paid for."""

    def __init__(self, master: Irp, device: DeviceObject) -> None:
        self.master = master
        self.device = device
        self.irps: list[Irp] = []
        self.left = 0
        self.unpaid = 0
        self.status = STATUS_SUCCESS
        self.good = 0  # bytes before the first part that failed
        self.written = 0  # parts that ended well
        self.ends = 0  # sum of the instants at which parts ended


class Part(IrpPart):
    """What one of a driver's own IRPs is a part of; `start` is where its bytes begin in the master's.

    `tried`: legs on which it failed, a bit for each.
    """

    def __init__(self, split: Split, leg: Leg, start: int, size: int, up_ns: int) -> None:
        super().__init__(up_ns)
        self.split = split
        self.leg = leg
        self.start = start
        self.size = size
        self.tried = 0

    def pays_up(self) -> int:
        """Its own way, and if it is the last to be asked, the master's too."""
        split = self.split
        split.unpaid -= 1
        if split.unpaid:
            return self.up_ns
        master = split.master
        device = split.device
        return self.up_ns + master.pays_up() - device.up_ns


class Splitter(Driver):
    """A driver that divides requests. What it counts is since the start of the run; `slack` is ns by request class."""

    def __init__(self, io: IoManager, dispatch_ns: int, completion_ns: int, slack: "array[int]") -> None:
        self.io = io
        self.clock = io.clock
        self.dispatch_ns = dispatch_ns
        self.completion_ns = completion_ns
        self.sized = True
        self.slack = slack
        self.splits = 0  # requests that went on as IRPs of this driver's own
        self.parts = 0
        self.retries = 0  # parts that failed and were sent somewhere else

    # ---- down --------------------------------------------------------------------------------------------------------

    def begin(self, device: DeviceObject, irp: Irp) -> Split:
        """This request is to be divided."""
        irp.mark_pending()
        location = irp.location()
        split = Split(irp, device)
        split.good = location.size
        return split

    def add(self, split: Split, leg: Leg, offset: int, start: int, size: int) -> None:
        """A part of it: `size` bytes at `offset` of the leg's device."""
        device = leg.device
        master = split.master
        location = master.location()
        irp = self.io.allocate(device.stack_size, master.processor)
        irp.prepare(part_of(master.request), master.file, location.major, offset, size)
        irp.processor = master.processor
        irp.paging = master.paging
        irp.part = Part(split, leg, start, size, device.up_ns + self.completion_ns)
        irp.own(split.device, INVOKE_ALWAYS)
        split.irps.append(irp)

    def send(self, split: Split) -> int:
        """All parts of it; the first may end at once."""
        split.left = split.unpaid = len(split.irps)
        self.splits += 1
        self.parts += split.left
        for irp in split.irps:
            part: Part = irp.part  # type: ignore[assignment]  # `add` put it there
            leg = part.leg
            self.io.call_driver(leg.device, irp)
        return STATUS_PENDING

    def to_all(self, device: DeviceObject, irp: Irp, legs: list[Leg]) -> int:
        """A request that is each leg's business, as a flush is."""
        split = self.begin(device, irp)
        for leg in legs:
            if not leg.failed:
                self.add(split, leg, 0, 0, 0)
        return self.send(split)

    # ---- up ----------------------------------------------------------------------------------------------------------

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        """A part has ended; the last one ends the master."""
        part: Part = irp.part  # type: ignore[assignment]
        split = part.split
        if is_error(irp.status):
            if self.tries_again(irp, part):
                return STATUS_MORE_PROCESSING_REQUIRED
            self._failed(irp, part)
        else:
            split.written += 1
        split.ends += self.clock.now
        split.left -= 1
        if not split.left:
            self._last(irp, split)
        else:
            irp.free()
        return STATUS_MORE_PROCESSING_REQUIRED

    def tries_again(self, irp: Irp, part: Part) -> bool:
        """Whether a part that failed has been sent somewhere else."""
        return False

    def verdict(self, split: Split) -> None:
        """All parts have ended: `split.status` may be changed."""

    def again(self, irp: Irp, part: Part, leg: Leg, offset: int) -> None:
        """Send a part that failed to another leg. What it took so far was recovery from the fault."""
        split = part.split
        request = irp.request
        recovered(request)
        master = split.master
        location = master.location()
        part.leg = leg
        split.unpaid += 1
        self.retries += 1
        first = irp.first()
        first.major = location.major
        first.offset = offset
        first.size = part.size
        irp.own(split.device, INVOKE_ALWAYS)
        irp.status = STATUS_SUCCESS
        self.io.call_driver(leg.device, irp)

    def _failed(self, irp: Irp, part: Part) -> None:
        split = part.split
        if not is_error(split.status):
            split.status = irp.status
        if part.start < split.good:
            split.good = part.start

    def _last(self, irp: Irp, split: Split) -> None:
        master = split.master
        request = master.request
        hand_back(irp.request, request)
        if request.index >= 0 and len(split.irps) > 1:
            self.slack[request.group] += len(split.irps) * self.clock.now - split.ends
        irp.free()
        split.irps = []
        self.verdict(split)
        master.status = split.status
        master.information = split.good
        self.io.complete(master, IO_DISK_INCREMENT)

    # ---- processor time ----------------------------------------------------------------------------------------------

    def part_cost(self, device: DeviceObject) -> int:
        """Time (ns) of a part beyond the first on its way down."""
        below = device.lower
        bottom = below.bottom
        return self.io.costs.irp + below.down_ns + bottom.start_cost()
