"""A device queue: one request in the device, the others wait for it to end (IoStartPacket, IoStartNextPacket).

Source: semantics 9.8 (KMT-DQ), 2.8 for the cancel protocol. An empty queue that is not busy refuses an entry, which its
caller starts itself; the queue stays busy until somebody looks for a next entry in vain.
"""

from collections import deque

from iosim.device_stack import DeviceObject, Driver
from iosim.errors import DriverMistake
from iosim.io_manager import IoManager
from iosim.irp import NO_IRP, Irp
from iosim.ntstatus import STATUS_CANCELLED, STATUS_PENDING


class DeviceQueue:
    """Waiting IRPs, oldest first."""

    def __init__(self) -> None:
        self.busy = False
        self.entries: deque[Irp] = deque()

    def insert(self, irp: Irp) -> bool:
        """Queue it; False: the device was idle and is busy now, the caller starts the request itself (D09)."""
        if not self.busy:
            self.busy = True
            return False
        self.entries.append(irp)
        return True

    def remove(self) -> Irp:
        """The oldest; NO_IRP: none, and the device is idle now (D10)."""
        if self.entries:
            return self.entries.popleft()
        self.busy = False
        return NO_IRP

    def remove_entry(self, irp: Irp) -> bool:
        """This one, wherever it is; False: not queued."""
        if irp not in self.entries:
            return False
        self.entries.remove(irp)
        return True


class StartIoDriver(Driver):
    """Base of a driver that has one request in its device; those that wait can be cancelled."""

    def __init__(self, io: IoManager) -> None:
        self.io = io
        self.queue = DeviceQueue()

    def start(self, device: DeviceObject, irp: Irp) -> None:
        """Give the request to the hardware (StartIo)."""
        raise DriverMistake(self, "start", "the routine is missing; it takes (device, irp)")

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Pend, and start the request at once if the device is idle (IoStartPacket)."""
        irp.mark_pending()
        if not self.queue.insert(irp):
            self.start(device, irp)
        elif not irp.enqueued(self):
            self.cancelled(device, irp)
        return STATUS_PENDING

    def start_next(self, device: DeviceObject) -> None:
        """The device has finished a request: the oldest that nobody has cancelled (IoStartNextPacket)."""
        irp = self.queue.remove()
        while irp is not NO_IRP and not irp.dequeued():
            irp = self.queue.remove()
        if irp is not NO_IRP:
            self.start(device, irp)

    def cancelled(self, device: DeviceObject, irp: Irp) -> None:
        """It waited."""
        self.queue.remove_entry(irp)
        irp.status = STATUS_CANCELLED
        irp.information = 0
        self.io.complete(irp)
