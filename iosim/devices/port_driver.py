"""The port driver over one drive: its own FIFO queue above the drive's slots, interrupts, the completing DPC.

A request finds a free slot and is started on the caller's time, or waits here; what waits is started by the completion
DPC of an earlier one, on the DPC's time (semantics 0b.1). FIFO, no elevator (0b.19). A drive with one vector interrupts
one processor; NVMe has a vector a processor and interrupts the one that started the command (semantics 4.3). Aimed at fewer
processors, those share the commands of the others (0b.21).
Source: semantics 4.1, 4.2, 0b.19, 0b.21. Left out: faults, non-queued commands, I/O priority.
"""

from array import array
from collections import deque
from collections.abc import Sequence

from iosim.attribution import DEVICE_QUEUE, DEVICE_SERVICE, DMA, DPC_WAIT, KERNEL, NO_REQUEST, PORT_DRIVER_QUEUE
from iosim.cache import Caches
from iosim.device_stack import DeviceObject, Driver
from iosim.dispatcher import IO_DISK_INCREMENT
from iosim.dpc import Dpc
from iosim.driver_methods import check_part
from iosim.drives.drive import Command, CommandListener, Drive
from iosim.errors import DriverMistake
from iosim.interrupts import Interrupt
from iosim.io_manager import IoManager
from iosim.irp import FLUSH, NO_IRP, WRITE, Irp
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS
from iosim.probes import NO_PROBES, Probes
from iosim.processor import Processor
from iosim.units import PAGE


class PortCosts:
    """Processor time (ns) of the port driver and its interrupts; `footprint` is bytes a DPC brings into the caches."""

    def __init__(self, start: int, completion: int, isr: int, dpc: int, page_unlock: int, footprint: int) -> None:
        self.start = start
        self.completion = completion
        self.isr = isr
        self.dpc = dpc
        self.page_unlock = page_unlock
        self.footprint = footprint


class PortDriver(Driver):
    """Queues, starts and completes the requests of one drive; at most `depth` of them are in the drive.

    `interrupted`: the processors that have a vector each. A command interrupts the one that started it, if that has; the
    others take turns with them.
    """

    def __init__(
        self,
        io: IoManager,
        caches: Caches,
        drive: Drive,
        number: int,
        depth: int,
        interrupted: Sequence[int],
        costs: PortCosts,
    ) -> None:
        check_part(drive, Drive)
        if getattr(drive, "listener", None) is None:
            raise DriverMistake(drive, "__init__", "it has to call super().__init__(clock, slots, capacity)")
        self.io = io
        self.clock = io.clock
        self.caches = caches
        self.drive = drive
        self.number = number
        self.costs = costs
        self.completion_ns = costs.completion
        self.waiting: deque[Irp] = deque()
        self.free = drive.commands[:depth][::-1]
        self.irps = [NO_IRP for _ in drive.commands]  # by tag
        self.vectors = [Vector(self, processor) for processor in io.dispatcher.processors]
        self.vector_of = [self.vectors[0] for _ in drive.commands]  # by tag
        self.routes = routes(self.vectors, interrupted)  # by processor that starts a command
        drive.listener = DriveLink(self)
        self.last_request = NO_REQUEST
        self.probes: Probes = NO_PROBES
        self.watched = False
        # Little's law here too: requests in this driver and its drive, from dispatch to the drive's end.
        self.present = 0
        self.present_most = 0
        self.area = 0
        self.since = 0
        self.sojourns = 0
        self.entered = array("q", bytes(8 * len(drive.commands)))  # by tag
        self.commands = 0
        self.busy_ns = 0  # at least one command in the drive
        self.queued_area = 0  # requests waiting here, not in the drive
        self.queued_most = 0

    def start_cost(self) -> int:
        """Programming the drive is the caller's if a slot is free now, else some DPC's."""
        return self.costs.start if self.free else 0

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Start the request if the drive has room, else queue it; it pends either way. A flush finds nothing to write."""
        if irp.location().major == FLUSH:
            self.io.complete(irp)
            return STATUS_SUCCESS
        irp.mark_pending()
        irp.entered = self.clock.now
        self._count(1)
        if self.free:
            self._start(irp, irp.processor)
        else:
            self.waiting.append(irp)
            if len(self.waiting) > self.queued_most:
                self.queued_most = len(self.waiting)
            if self.watched:
                self.probes.wait_began(self.number, irp.request)
        return STATUS_PENDING

    def start_waiting(self, processor: int) -> None:
        """From a completion DPC: start the oldest waiting request."""
        self._count(0)
        irp = self.waiting.popleft()
        irp.request.spend(PORT_DRIVER_QUEUE, self.clock.now)
        if self.watched:
            self.probes.wait_ended(self.number, irp.request, irp.entered, self.clock.now, self.last_request)
        self._start(irp, processor)

    def _start(self, irp: Irp, processor: int) -> None:
        location = irp.locations[irp.current]
        command = self.free.pop()
        tag = command.tag
        command.offset = location.offset
        command.size = location.size
        command.write = 1 if location.major == WRITE else 0
        self.irps[tag] = irp
        self.entered[tag] = irp.entered
        self.vector_of[tag] = self.routes[processor]
        self.commands += 1
        if self.watched:
            self.probes.held(self.number, irp.request)
        self.drive.submit(command)

    def finished(self, command: Command) -> None:
        """The drive is done with a command: book where its time went, and interrupt."""
        tag = command.tag
        irp = self.irps[tag]
        request = irp.request
        self._count(-1)
        self.sojourns += command.finished - self.entered[tag]
        queued_until = command.started - self.drive.overhead  # the controller's own time is service
        if queued_until > command.submitted:
            request.spend(DEVICE_QUEUE, queued_until)
        ledger = request.ledger
        ledger[DEVICE_SERVICE] += command.transferring - request.mark
        ledger[DMA] += command.finished - command.transferring
        request.mark = command.finished
        if self.watched:
            self.probes.released(self.number, request)
        self.last_request = request
        vector = self.vector_of[tag]
        vector.finished.append(command)
        vector.processor.raise_interrupt(vector)

    def _count(self, change: int) -> None:
        now = self.clock.now
        passed = now - self.since
        if passed and self.present:
            self.area += self.present * passed
            self.queued_area += len(self.waiting) * passed
            self.busy_ns += passed
        self.since = now
        self.present += change
        if self.present > self.present_most:
            self.present_most = self.present

    def settle(self) -> None:
        """Bring the integrals up to now."""
        self._count(0)

    def ages(self, now: int) -> int:
        """Summed time since dispatch (ns) of the requests that the drive has not finished."""
        waiting = sum(now - irp.entered for irp in self.waiting)
        return waiting + sum(now - self.entered[command.tag] for command in self.drive.commands if command.busy)


class DriveLink(CommandListener):
    """The drive's side of the port driver."""

    def __init__(self, port: PortDriver) -> None:
        self.port = port

    def command_finished(self, command: Command) -> None:
        """Pass it on."""
        self.port.finished(command)


class Vector(Interrupt):
    """One interrupt vector of the drive: what finished since the last DPC, and the DPC that completes it."""

    def __init__(self, port: PortDriver, processor: Processor) -> None:
        super().__init__(port.costs.isr)
        self.processor = processor
        self.finished: list[Command] = []
        self.dpc = CompletionDpc(port, self)

    def service(self, processor: Processor) -> None:
        """The service routine only asks for the DPC."""
        self.processor.queue_dpc(self.dpc)


class CompletionDpc(Dpc):
    """Completes all commands that have finished, then starts what waits in the freed slots."""

    def __init__(self, port: PortDriver, vector: Vector) -> None:
        super().__init__()
        self.port = port
        self.vector = vector
        self.batch: list[Command] = []

    def begin(self, processor: Processor) -> int:
        """The time of this run: the DPC itself, the way up for each request, the starts that become possible."""
        port = self.port
        costs = port.costs
        now = port.clock.now
        self.batch = self.vector.finished
        self.vector.finished = []
        time = costs.dpc + min(len(port.waiting), len(self.batch) + len(port.free)) * costs.start
        for command in self.batch:
            irp = port.irps[command.tag]
            irp.request.spend(DPC_WAIT, now)
            time += irp.pays_up() - (-command.size // PAGE) * costs.page_unlock
        port.caches.core_fills[self.vector.processor.number] += costs.footprint
        return time

    def end(self, processor: Processor) -> None:
        """The drive gets its next work before anybody is told, as its queue must not run dry.

        Simplified: the start of a request that joined the queue during the DPC takes no time; it may not be left waiting, as
        nobody might come to start it.
        """
        port = self.port
        now = port.clock.now
        batch = self.batch
        irps: list[Irp] = []
        for command in batch:
            irps.append(port.irps[command.tag])
        port.free.extend(batch)
        while port.waiting and port.free:
            port.start_waiting(self.vector.processor.number)
        for irp in irps:
            irp.request.spend(KERNEL, now)
            irp.status = STATUS_SUCCESS
            irp.information = irp.location().size
            port.io.complete(irp, IO_DISK_INCREMENT)


def routes(vectors: "list[Vector]", interrupted: Sequence[int]) -> "list[Vector]":
    """By processor, the vector of its commands: its own if it is interrupted at all, else those that are take turns."""
    found = []
    others = 0
    for number, vector in enumerate(vectors):
        if number in interrupted:
            found.append(vector)
        else:
            found.append(vectors[interrupted[others % len(interrupted)]])
            others += 1
    return found
