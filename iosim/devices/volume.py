"""Drivers that pass an IRP on at another offset: the volume manager over the disk class driver.

Simplified: a volume is one run of bytes on one disk, and a transfer is never split, so both let the I/O manager carry the
pending bit up and need no completion routine (semantics 2.3.2). Left out: striping, mirrors, filters.
"""

from iosim.device_stack import DeviceObject, Driver
from iosim.io_manager import IoManager
from iosim.irp import NO_ROUTINE, Irp


class PassThrough(Driver):
    """Hands every request to the device below, `device.base` bytes further on.

    `dispatch_ns` and `completion_ns` are the driver's processor time on the way down and up.
    """

    def __init__(self, io: IoManager, dispatch_ns: int, completion_ns: int) -> None:
        self.io = io
        self.dispatch_ns = dispatch_ns
        self.completion_ns = completion_ns

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Down."""
        irp.copy_to_next(device.base, NO_ROUTINE)
        return self.io.call_driver(device.lower, irp)
