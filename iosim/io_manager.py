"""The I/O manager: calls down a device stack, completes up through it, and tells whoever waits.

Calling down is an ordinary call; a driver that must wait returns STATUS_PENDING. Completion walks upwards in whatever
context it happens (as a rule a DPC), then ends in one place: a packet in a port, a thread woken. Defines what a driver
is; drivers import it, never the reverse. Source: semantics 2, 0b.1 to 0b.4.

Processor time is not charged here but where it is spent in one stretch: the whole way down on the caller before the
call (`issue_cost`), the way up in the DPC, the removal on the thread that removes the packet.
"""

from iosim.completion_port import CompletionPort
from iosim.dispatcher import Dispatcher
from iosim.errors import BugCheck
from iosim.irp import NO_THREAD, STATUS_MORE_PROCESSING_REQUIRED, Irp
from iosim.kernel_queue import KernelThread

PAGE = 4096
MOST_LOCATIONS = 127  # a stack location's number is a signed byte in the real IRP


class Driver:
    """What every driver is. A user's own subclasses this; see devices/null.py for the shortest one.

    `dispatch_ns` and `completion_ns` are the processor time of its routines on the way down and up.
    """

    dispatch_ns = 0
    completion_ns = 0

    def dispatch(self, device: "DeviceObject", irp: Irp) -> int:
        """Do what the IRP's current location asks, pass it down, or mark it pending; returns the status."""
        raise NotImplementedError

    def completed(self, device: "DeviceObject", irp: Irp) -> int:
        """Completion routine, if the driver asked for one; STATUS_MORE_PROCESSING_REQUIRED stops the walk."""
        return irp.status

    def start_cost(self) -> int:
        """Extra time (ns) on the way down right now: the start of the hardware, if it has room."""
        return 0


class DeviceObject:
    """A driver's device and the one it is attached to; `down_ns` and `up_ns` sum the whole stack below and with it."""

    def __init__(self, driver: Driver, lower: "DeviceObject | None", base: int, size: int) -> None:
        self.driver = driver
        self.base = base  # bytes: where this device begins on the lower one
        self.size = size
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
    """An open file: the device at the top of its stack, its place there, and the port it is associated with."""

    def __init__(
        self, number: int, device: DeviceObject, base: int, size: int, cached: bool, port: CompletionPort
    ) -> None:
        self.number = number
        self.device = device
        self.base = base  # bytes: where the file's one extent begins on its volume
        self.size = size
        self.cached = cached
        self.port = port


class IoCosts:
    """Processor time of the I/O manager's own work (ns; `copy_ps` is ps per byte)."""

    def __init__(self, call: int, irp: int, page_lock: int, removal: int, copy_ps: int) -> None:
        self.call = call
        self.irp = irp
        self.page_lock = page_lock
        self.removal = removal
        self.copy_ps = copy_ps


class IoManager:
    """Allocates, calls, completes. One a machine."""

    def __init__(self, dispatcher: Dispatcher, costs: IoCosts) -> None:
        self.dispatcher = dispatcher
        self.clock = dispatcher.clock
        self.costs = costs
        self.lookaside: list[list[Irp]] = [[] for _ in range(MOST_LOCATIONS + 1)]  # free IRPs by number of locations

    def allocate(self, stack_size: int) -> Irp:
        """An IRP with as many locations as the stack has drivers."""
        free = self.lookaside[stack_size]
        return free.pop() if free else Irp(stack_size, free, self.costs.removal)

    def issue_cost(self, file: FileObject, size: int) -> int:
        """Time (ns) that an unbuffered call spends on its way down: system call, IRP, page locks, drivers, start."""
        costs = self.costs
        pages = -(-size // PAGE)
        return costs.call + costs.irp + pages * costs.page_lock + file.device.down_ns + file.device.bottom.start_cost()

    def copy_cost(self, size: int) -> int:
        """Time (ns) to copy `size` bytes between cache and user buffer."""
        return size * self.costs.copy_ps // 1000

    def call_driver(self, device: DeviceObject, irp: Irp) -> int:
        """Pass the IRP to the device's driver, in the caller's context (IoCallDriver, semantics 2.2.1)."""
        irp.current -= 1
        if irp.current <= 0:
            raise BugCheck("NO_MORE_IRP_STACK_LOCATIONS", self.clock.now, describe(irp))
        irp.locations[irp.current].device = device
        return device.driver.dispatch(device, irp)

    def complete(self, irp: Irp) -> None:
        """IoCompleteRequest: walk up, run the completion routines, then tell whoever waits (semantics 2.4, 2.5)."""
        if irp.current > irp.stack_count:
            raise BugCheck("MULTIPLE_IRP_COMPLETE_REQUESTS", self.clock.now, describe(irp))
        while irp.current <= irp.stack_count:
            done = irp.locations[irp.current]
            irp.pending_returned = done.pending
            routine = done.routine
            done.pending = False
            done.routine = False
            irp.current += 1
            if routine:
                above = irp.locations[irp.current].device
                if above.driver.completed(above, irp) == STATUS_MORE_PROCESSING_REQUIRED:
                    return
            elif irp.pending_returned and irp.current <= irp.stack_count:
                irp.locations[irp.current].pending = True  # propagated for a level without a routine (2.3.2)
        self._finish(irp)

    def _finish(self, irp: Irp) -> None:
        """A waiting thread is woken; a request that reports becomes a packet; paging I/O does neither (2.5)."""
        waiter = irp.waiter
        irp.waiter = NO_THREAD  # before the packet is queued: whoever takes it may use the IRP again at once
        if not irp.paging:
            irp.request.bytes += irp.information
        if irp.reports:
            irp.file.port.insert(irp)
        if waiter is not NO_THREAD:
            self.dispatcher.wake(waiter)

    def wait_for(self, thread: KernelThread, irp: Irp, cause: int) -> None:
        """The running thread waits for the IRP; its program returns False next."""
        irp.waiter = thread
        self.dispatcher.block(thread, cause)


def describe(irp: Irp) -> str:
    """The IRP in words, for a fatal error."""
    location = irp.locations[max(1, min(irp.current, irp.stack_count))]
    verb = {3: "read", 4: "write"}.get(location.major, "request")
    return f"{verb} of {location.size} bytes at {location.offset}, location {irp.current} of {irp.stack_count}"
