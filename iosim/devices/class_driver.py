"""The disk class driver of a disk that takes transfers up to a length: a longer one is divided among IRPs of its own.

The length comes from the port driver: the longest transfer it accepts, and how many pieces of memory one transfer may gather
(semantics 0b.18). A disk without limits has a plain driver that passes on (volume.py).
Simplified: buffers begin at a page boundary, so that n pieces are n pages; all parts are sent at once.
"""

from array import array

from iosim.device_stack import DeviceObject
from iosim.io_manager import IoManager
from iosim.irp import NO_ROUTINE, Irp
from iosim.split import Leg, Splitter


class ClassDriver(Splitter):
    """Passes on what is at most `limit` bytes, and divides the rest into pieces of that length."""

    def __init__(
        self, io: IoManager, dispatch_ns: int, completion_ns: int, slack: "array[int]", below: DeviceObject, limit: int
    ) -> None:
        super().__init__(io, dispatch_ns, completion_ns, slack)
        self.limit = limit
        self.leg = Leg(below, 0)

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Down."""
        location = irp.location()
        if location.size <= self.limit:
            irp.copy_to_next(device.base, NO_ROUTINE)
            return self.io.call_driver(device.lower, irp)
        split = self.begin(device, irp)
        start = 0
        left = location.size
        while left:
            size = min(left, self.limit)
            self.add(split, self.leg, location.offset + device.base + start, start, size)
            start += size
            left -= size
        return self.send(split)

    def sized_cost(self, device: DeviceObject, major: int, size: int) -> int:
        """Pieces beyond the first, and the IRP of the first, which is this driver's too."""
        if size <= self.limit:
            return 0
        pieces = -(-size // self.limit)
        return self.io.costs.irp + (pieces - 1) * self.part_cost(device)
