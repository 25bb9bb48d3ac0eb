"""Volume managers over several disks: striped, spanned and mirrored volumes, by IRPs of their own (semantics 0b.18).

Striped: unit k of the volume lies on disk k modulo their number; a request within one unit goes on as it is, any other has a
part for each unit that it touches. Spanned: one disk after the other. Mirrored: a write goes to all disks, a read to one; a
read that fails is tried on the others, each once, and only when all have failed does the request end, with the last
status. A write or flush that fails on some disks but not on all succeeds, and these disks are out, as is one that is not
there any more: the volume is degraded, and they are read, written and flushed no more.
Simplified: a disk that is out is never brought up to date again; what could be read on another disk only is not written back.
Left out: parity (RAID-5).
"""

from array import array

from iosim.device_stack import DeviceObject
from iosim.io_manager import IoManager
from iosim.irp import NO_ROUTINE, READ, WRITE, Irp
from iosim.ntstatus import STATUS_DEVICE_DOES_NOT_EXIST, STATUS_DEVICE_NOT_CONNECTED, STATUS_SUCCESS
from iosim.split import Leg, Part, Split, Splitter
from iosim.units import BIT

# Which disk of a mirror reads.
TURNS, NEAREST, REGION = range(3)


class JoinedVolume(Splitter):
    """What the kinds have in common: the bytes of the volume lie on `legs`. A flush is every disk's that is not out."""

    def __init__(
        self, io: IoManager, dispatch_ns: int, completion_ns: int, slack: "array[int]", legs: list[Leg]
    ) -> None:
        super().__init__(io, dispatch_ns, completion_ns, slack)
        self.legs = legs

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Down."""
        location = irp.location()
        if location.major > WRITE or not location.size:
            return self.to_all(device, irp, self.legs)
        return self.transfer(device, irp)

    def transfer(self, device: DeviceObject, irp: Irp) -> int:
        """A read or write."""
        raise NotImplementedError

    def pass_on(self, irp: Irp, leg: Leg, shift: int) -> int:
        """The very same IRP, for one disk."""
        irp.copy_to_next(shift, NO_ROUTINE)
        return self.io.call_driver(leg.device, irp)

    def several(self, device: DeviceObject, major: int, parts: int, size: int) -> int:
        """Time (ns) of so many parts of this size on their way down, beyond one that is passed on."""
        below = device.lower
        driver = below.driver
        own = self.io.costs.irp + (parts - 1) * self.part_cost(device)
        return own + (parts * driver.sized_cost(below, major, size) if below.sized else 0)


class StripedVolume(JoinedVolume):
    """RAID-0."""

    def __init__(
        self, io: IoManager, dispatch_ns: int, completion_ns: int, slack: "array[int]", legs: list[Leg], unit: int
    ) -> None:
        super().__init__(io, dispatch_ns, completion_ns, slack, legs)
        self.unit = unit

    def transfer(self, device: DeviceObject, irp: Irp) -> int:
        """A part for each unit that is touched."""
        location = irp.location()
        legs = self.legs
        unit = self.unit
        offset = location.offset
        end = offset + location.size
        row = offset // unit
        if (end - 1) // unit == row:
            only: Leg = legs[row % len(legs)]
            return self.pass_on(irp, only, only.base + row // len(legs) * unit + offset % unit - offset)
        split = self.begin(device, irp)
        start = offset
        while offset < end:
            row = offset // unit
            size = min(end, (row + 1) * unit) - offset
            leg: Leg = legs[row % len(legs)]
            self.add(split, leg, leg.base + row // len(legs) * unit + offset % unit, offset - start, size)
            offset += size
        return self.send(split)

    def sized_cost(self, device: DeviceObject, major: int, size: int) -> int:
        """As if the request began at a unit."""
        parts = -(-size // self.unit)
        below = device.lower
        if parts > 1:
            return self.several(device, major, parts, self.unit)
        driver = below.driver
        return driver.sized_cost(below, major, size) if below.sized else 0


class SpannedVolume(JoinedVolume):
    """One disk after the other; `ends`: where each one's bytes end in the volume."""

    def __init__(
        self,
        io: IoManager,
        dispatch_ns: int,
        completion_ns: int,
        slack: "array[int]",
        legs: list[Leg],
        ends: "array[int]",
    ) -> None:
        super().__init__(io, dispatch_ns, completion_ns, slack, legs)
        self.ends = ends

    def transfer(self, device: DeviceObject, irp: Irp) -> int:
        """Few requests cross from a disk to the next."""
        location = irp.location()
        offset = location.offset
        end = offset + location.size
        number = 0
        while offset >= self.ends[number]:
            number += 1
        before = self.ends[number - 1] if number else 0
        leg: Leg = self.legs[number]
        if end <= self.ends[number]:
            return self.pass_on(irp, leg, leg.base - before)
        split = self.begin(device, irp)
        start = offset
        while offset < end:
            leg = self.legs[number]
            size = min(end, self.ends[number]) - offset
            self.add(split, leg, leg.base + offset - before, offset - start, size)
            offset += size
            before = self.ends[number]
            number += 1
        return self.send(split)

    def sized_cost(self, device: DeviceObject, major: int, size: int) -> int:
        """As if it stayed on its disk."""
        below = device.lower
        driver = below.driver
        return driver.sized_cost(below, major, size) if below.sized else 0


class MirroredVolume(JoinedVolume):
    """RAID-1. `reads` says which disk reads: they take turns, that whose last transfer was nearest, or by region.

    Every read is an IRP of the volume manager's own, as it may have to be tried once more.
    """

    def __init__(
        self,
        io: IoManager,
        dispatch_ns: int,
        completion_ns: int,
        slack: "array[int]",
        legs: list[Leg],
        reads: int,
        size: int,
    ) -> None:
        super().__init__(io, dispatch_ns, completion_ns, slack, legs)
        self.reads = reads
        self.region = -(-size // len(legs))
        self.turn = 0
        self.failed = 0  # disks that are out

    def transfer(self, device: DeviceObject, irp: Irp) -> int:
        """To all of them, or to one."""
        location = irp.location()
        offset = location.offset
        size = location.size
        split = self.begin(device, irp)
        if location.major == READ:
            chosen = self.legs[self.choose(offset)]
            self._add(split, chosen, offset, size)
        else:
            for leg in self.legs:
                if not leg.failed:
                    self._add(split, leg, offset, size)
        return self.send(split)

    def _add(self, split: Split, leg: Leg, offset: int, size: int) -> None:
        leg.last = offset + size
        self.add(split, leg, leg.base + offset, 0, size)

    def choose(self, offset: int) -> int:
        """Number of the disk that reads here; of two equally near ones the first."""
        legs = self.legs
        count = len(legs)
        if self.reads == NEAREST:
            return self._nearest(offset)
        number = offset // self.region % count if self.reads == REGION else self.turn
        for _ in range(count):
            leg: Leg = legs[number]
            if not leg.failed:
                break
            number = (number + 1) % count
        self.turn = (number + 1) % count
        return number

    def _nearest(self, offset: int) -> int:
        best = 0
        least = -1
        for number in range(len(self.legs)):
            leg: Leg = self.legs[number]
            distance = abs(leg.last - offset)
            if not leg.failed and (least < 0 or distance < least):
                best = number
                least = distance
        return best

    def tries_again(self, irp: Irp, part: Part) -> bool:
        """A read that failed goes to the next disk, until each has been asked."""
        split = part.split
        master = split.master
        location = master.location()
        here = part.leg
        legs = self.legs
        gone = irp.status in (STATUS_DEVICE_NOT_CONNECTED, STATUS_DEVICE_DOES_NOT_EXIST)
        if gone or location.major != READ:
            self._put_out(here)
        if location.major != READ:
            return False
        count = len(legs)
        number = legs.index(here)
        part.tried |= BIT << number
        for step in range(1, count):
            other = (number + step) % count
            leg: Leg = legs[other]
            if not leg.failed and not part.tried & (BIT << other):
                leg.last = location.offset + part.size
                self.again(irp, part, leg, leg.base + location.offset)
                return True
        return False

    def _put_out(self, leg: Leg) -> None:
        """A disk that can't be written or flushed, or is gone, is out; the last one never is."""
        if not leg.failed and self.failed < len(self.legs) - 1:
            leg.failed = True
            self.failed += 1

    def verdict(self, split: Split) -> None:
        """A write or flush is good if any disk has it."""
        master = split.master
        location = master.location()
        if location.major != READ and split.written:
            split.status = STATUS_SUCCESS
            split.good = location.size

    def sized_cost(self, device: DeviceObject, major: int, size: int) -> int:
        """A write's parts; a read's own IRP."""
        return self.several(device, major, len(self.legs) - self.failed if major == WRITE else 1, size)
