"""Device stacks: drivers, their devices one on another, and the file objects that are opened on them.

What a driver is: drivers import this, never each other. Source: semantics 1.2.5 to 1.2.7, 2.2, 2.9, 2.10, 2.3 (the mark).
"""

from typing import Any

from iosim.canceller import Canceller
from iosim.completion_port import NO_PORT, CompletionPort
from iosim.driver_methods import check_part
from iosim.errors import DriverMistake
from iosim.file_control import FileControl
from iosim.irp import Irp, StatusBlock
from iosim.irp_list import IrpList
from iosim.ntstatus import STATUS_SUCCESS
from iosim.objects import Event

# How a device gets at its caller's buffer (2.9): its pages are locked (by the I/O manager, or for "neither" by the driver,
# 0b.2), its bytes go through a system buffer, or the driver copies them itself while it is in the caller's context.
DIRECT, BUFFERED, NEITHER = range(3)

NOT_FAST = -1  # of a fast I/O routine: build an IRP


class Driver(Canceller):
    """What every driver is. A user's own subclasses this; see devices/null.py for the shortest one.

    `dispatch_ns` and `completion_ns` are the processor time of its routines on the way down and up.
    """

    dispatch_ns = 0
    completion_ns = 0
    sized = False  # it has costs that depend on a request's size

    def dispatch(self, device: "DeviceObject", irp: Irp) -> int:
        """Do what the IRP's current location asks, pass it down, or mark it pending; returns the status."""
        raise DriverMistake(self, "dispatch", "the dispatch routine is missing; it takes (device, irp)")

    def completed(self, device: "DeviceObject", irp: Irp) -> int:
        """Completion routine, if the driver asked for one; STATUS_MORE_PROCESSING_REQUIRED stops the walk.

        One that lets the walk go on must mark the IRP pending again if `irp.pending_returned` (2.3.2).
        """
        return irp.status

    def start_cost(self) -> int:
        """Extra time (ns) on the way down right now: the start of the hardware, if it has room."""
        return 0

    def sized_cost(self, device: "DeviceObject", major: int, size: int) -> int:
        """Extra time (ns) on the way down of a request of so many bytes, here and below: bytes looked at, IRPs made."""
        lower = device.lower
        if lower is device or not lower.sized:
            return 0
        driver = lower.driver
        return driver.sized_cost(lower, major, size)

    def cleanup(self, device: "DeviceObject", file: "FileObject") -> None:
        """The last handle of the file object was closed (IRP_MJ_CLEANUP): end what it has pending."""
        if device.lower is not device:
            device.lower.driver.cleanup(device.lower, file)

    def fast_io(
        self, device: "DeviceObject", file: "FileObject", major: int, offset: int, size: int, block: StatusBlock
    ) -> int:
        """Do it without an IRP, fill in the block and return the status; NOT_FAST: it can't be done (2.10)."""
        return NOT_FAST

    def fast_control(self, device: "DeviceObject", file: "FileObject", code: int, size: int, block: StatusBlock) -> int:
        """The same for a device control, tried for any handle (2.10.3)."""
        return NOT_FAST


class UsersDriver(Driver):
    """Stands before a driver that is none of ours, and says by name which of its routines returns no status."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def dispatch(self, device: "DeviceObject", irp: Irp) -> int:
        """The driver's own."""
        return self._status("dispatch", self.driver.dispatch(device, irp))

    def completed(self, device: "DeviceObject", irp: Irp) -> int:
        """The driver's own."""
        return self._status("completed", self.driver.completed(device, irp))

    def fast_io(
        self, device: "DeviceObject", file: "FileObject", major: int, offset: int, size: int, block: StatusBlock
    ) -> int:
        """The driver's own."""
        return self._status("fast_io", self.driver.fast_io(device, file, major, offset, size, block))

    def fast_control(self, device: "DeviceObject", file: "FileObject", code: int, size: int, block: StatusBlock) -> int:
        """The driver's own."""
        return self._status("fast_control", self.driver.fast_control(device, file, code, size, block))

    def _status(self, routine: str, answer: Any) -> int:
        if not isinstance(answer, int):
            raise DriverMistake(self.driver, routine, f"returns {answer!r}, which is no status")
        return answer


class DeviceObject:
    """A driver's device and the one it is attached to; `down_ns` and `up_ns` sum the whole stack below and with it.

    `entry` is what the I/O manager calls: the driver itself, or what stands before a user's.
    """

    def __init__(
        self, driver: Driver, lower: "DeviceObject | None", base: int, size: int, method: int = DIRECT
    ) -> None:
        check_part(driver, Driver)
        self.driver = driver
        self.entry = driver if type(driver).__module__.startswith("iosim.") else UsersDriver(driver)
        self.dispatch_ns: int = driver.dispatch_ns
        self.base = base  # bytes: where this device begins on the lower one
        self.size = size
        self.method = method
        self.scan_ps = 0  # ps a byte that filters over a file system take of a cached request
        self.sized: bool = driver.sized or (lower is not None and lower.sized)
        if lower is None:
            self.lower = self
            self.bottom = driver
            self.stack_size = 1
            self.down_ns = driver.dispatch_ns
            self.up_ns = driver.completion_ns
        else:
            self.lower = lower
            self.bottom = lower.bottom
            self.stack_size = lower.stack_size + 1
            self.down_ns = driver.dispatch_ns + lower.down_ns
            self.up_ns = driver.completion_ns + lower.up_ns


class FileObject:
    """An open file: the device at the top of its stack, its place there, and the port it is associated with.

    Handles share it, duplicates included; it goes away when they are closed and its requests have ended (1.2.5, 1.2.6).
    """

    __slots__ = (
        "ahead_to",
        "background",
        "base",
        "cache_map",
        "cached",
        "control",
        "device",
        "event",
        "final_status",
        "gone",
        "handles",
        "in_order",
        "irps",
        "key",
        "modes",
        "next_offset",
        "number",
        "plain",
        "port",
        "read_ahead",
        "sector",
        "signalled",
        "size",
        "synchronous",
        "waited",
        "write_through",
    )

    def __init__(
        self,
        number: int,
        device: DeviceObject,
        base: int,
        size: int,
        cached: bool,
        port: CompletionPort = NO_PORT,
        control: FileControl | None = None,
    ) -> None:
        self.number = number
        self.device = device
        self.base = base  # bytes: where the file's one extent begins on its volume
        self.size = size
        self.cached = cached
        self.port = port
        self.key: Any = 0  # whatever the program wants to find in a packet
        self.synchronous = False  # opened without FILE_FLAG_OVERLAPPED
        self.modes = 0  # notification modes (1.15)
        self.cache_map = False  # the cache manager knows the file: fast I/O is possible
        self.control = FileControl(number, size) if control is None else control  # that of all who have the file open
        self.sector = 0  # bytes that offset, length and buffer of an unbuffered request are multiples of (3.8); 0: any
        self.write_through = False  # FILE_FLAG_WRITE_THROUGH (3.9)
        self.read_ahead = 0  # bytes that are read ahead of sequential reads; 0: none (3.4)
        self.next_offset = -1  # where a sequential read would go on
        self.in_order = 0  # reads that did
        self.ahead_to = 0  # how far has been read ahead
        self.handles = 1
        self.gone = False
        self.background = False  # its requests have background priority (an I/O priority hint)
        self.plain = False  # its overlapped requests need nothing but a packet (irp.py); said by the I/O manager
        self.irps = IrpList()  # requests under way that will be linked to the port, oldest first
        self.final_status = STATUS_SUCCESS
        self.signalled = False  # the state of the file object's own event
        self.waited = False
        self.event: Event

    def signal(self, increment: int) -> None:
        """Set its event; whoever waits gets this boost."""
        self.signalled = True
        if self.waited:
            self.event.set(increment)

    def reset(self) -> None:
        """A request begins."""
        self.signalled = False
        if self.waited:
            self.event.reset()
