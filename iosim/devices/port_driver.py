"""The port driver over one drive: its own FIFO queue above the drive's slots, interrupts, the completing DPC.

A request finds a free slot and is started on the caller's time, or waits here; what waits is started by the completion
DPC of an earlier one, on the DPC's time (semantics 0b.1). FIFO, no elevator (0b.19). A drive with one vector interrupts
one processor; NVMe has a vector a processor and interrupts the one that started the command (semantics 4.3). Aimed at fewer
processors, those share the commands of the others (0b.21). A vector and what comes by it is a queue pair: it may have a
depth of its own, and hold its interrupts back (coalescing.py).

While the driver is `held` nobody new is started: a command that does not queue (a flush) needs an NCQ drive for itself
(semantics 4.1.3), or a fault is being dealt with (recovery.py). Requests of background priority wait in a queue above this
one (idle_queue.py).
Source: semantics 4.1, 4.2, 0b.19, 0b.21.
"""

from array import array
from collections import deque
from collections.abc import Sequence

from iosim.attribution import DEVICE_QUEUE, DEVICE_SERVICE, DMA, DPC_WAIT, KERNEL, NO_REQUEST, PORT_DRIVER_QUEUE
from iosim.cache import Caches
from iosim.device_stack import DeviceObject, Driver
from iosim.devices.coalescing import Coalescer
from iosim.devices.idle_queue import IdleListener, IdleQueue
from iosim.dispatcher import IO_DISK_INCREMENT
from iosim.dpc import MEDIUM_HIGH, Dpc
from iosim.driver_methods import check_part
from iosim.drives.drive import Command, CommandListener, Drive
from iosim.errors import DriverMistake
from iosim.interrupts import Interrupt
from iosim.io_manager import IoManager
from iosim.irp import FLUSH, NO_IRP, NO_PART, WRITE, Irp
from iosim.ntstatus import (
    STATUS_DEVICE_DATA_ERROR,
    STATUS_DEVICE_NOT_CONNECTED,
    STATUS_IO_DEVICE_ERROR,
    STATUS_IO_TIMEOUT,
    STATUS_PENDING,
    STATUS_SUCCESS,
)
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


# What becomes of a request whose command failed, by `Command.failed`: the drive's own errors (drives/faults.py), then ours.
TIMED_OUT, RESET, REMOVED = 2, 3, 4
STATUSES = [
    STATUS_SUCCESS,
    STATUS_DEVICE_DATA_ERROR,
    STATUS_IO_TIMEOUT,
    STATUS_IO_DEVICE_ERROR,
    STATUS_DEVICE_NOT_CONNECTED,
]

ORDINARY = -1  # of a request: nothing speaks against its start

UNLIMITED = 1 << 30  # entries of a queue pair


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
        self.depth = depth
        self.costs = costs
        self.completion_ns = costs.completion
        self.waiting: deque[Irp] = deque()
        self.slots = drive.commands[:depth][::-1]  # not in use
        self.free = self.slots  # those that a newcomer may take: the same ones, or none while the driver is held
        self.irps = [NO_IRP for _ in drive.commands]  # by tag
        self.interrupted = interrupted
        self.vectors = [Vector(self, processor) for processor in io.dispatcher.processors]
        self.vector_of = [self.vectors[0] for _ in drive.commands]  # by tag
        self.routes = routes(self.vectors, interrupted)  # by processor that starts a command
        self.paired = False  # queue pairs have a depth of their own
        self.parked = 0  # requests that wait because their pair is full, though the drive is not
        self.held = False
        self.drains = False  # what does not queue waits for an empty drive, and has it for itself
        self.alone = False  # such a command is in the drive
        self.unusual = False  # newcomers are looked at before they pend
        self.background = False  # there is an idle queue
        self.idle = IdleQueue(io.clock, 0, 0)
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
        self.interrupts = 0  # service routines that ran
        self.failures = 0  # requests that ended with an error of the device
        self.busy_ns = 0  # at least one command in the drive
        self.queued_area = 0  # requests waiting here, not in the drive
        self.queued_most = 0

    # ---- how it is set up ----------------------------------------------------------------------------------------

    def pair_up(self, depth: int) -> None:
        """Every queue pair takes this many commands at most."""
        self.paired = True
        for vector in self.vectors:
            vector.room = depth

    def coalesce(self, count: int, time: int) -> None:
        """Interrupts are held back: `count` completions of a vector together, or after `time` ns what there is."""
        for vector in self.vectors:
            vector.plain = False
            vector.coalescer = Coalescer(self.clock, count, time)
            vector.coalescer.interrupt = vector
            vector.coalescer.processor = vector.processor

    def redirect(self) -> None:
        """Requests are completed on the processors that issued them, wherever the one vector interrupts."""
        vector = self.routes[0]
        vector.redirects = True
        for other in self.vectors:
            if other is not vector:
                other.dpc.aim(other.processor)
                other.dpc.importance = MEDIUM_HIGH  # from another processor it starts at once (semantics 7.6.3)

    def hold_background(self, interval: int, starvation: int) -> None:
        """Requests of background priority wait for a quiet drive; times (ns) as the idle queue says."""
        self.unusual = self.background = True
        self.idle = IdleQueue(self.clock, interval, starvation)
        self.idle.waits = IdleLink(self)

    # ---- down ----------------------------------------------------------------------------------------------------

    def start_cost(self) -> int:
        """Programming the drive is the caller's if a slot is free now, else some DPC's."""
        return self.costs.start if self.free else 0

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Start the request if the drive has room, else queue it; it pends either way."""
        if self.unusual:
            status = self.look_at(irp)
            if status != ORDINARY:
                return status
        irp.mark_pending()
        irp.entered = self.clock.now
        self._count(1)
        if self.free:
            self._start(irp, irp.processor)
        else:
            self.waiting.append(irp)
            if len(self.waiting) + self.parked > self.queued_most:
                self.queued_most = len(self.waiting) + self.parked
            if self.watched:
                self.probes.wait_began(self.number, irp.request)
        return STATUS_PENDING

    def look_at(self, irp: Irp) -> int:
        """Before a request pends: ORDINARY, or what its dispatch returns, all being done. Background ones wait apart.

        Simplified: their caller pays for the start, and so does the DPC that a timer queues when their turn has come.
        """
        if not self.background:
            return ORDINARY
        if not irp.file.background:
            self.idle.normal_came()
            return ORDINARY
        irp.mark_pending()
        irp.entered = self.clock.now
        self._count(1)
        if self.watched:
            self.probes.wait_began(self.number, irp.request)
        self.idle.insert(irp)
        return STATUS_PENDING

    def let_background_in(self, irp: Irp, processor: int) -> None:
        """A background request's turn has come: it is one of many now."""
        self.idle.starting = NO_IRP
        self._count(0)
        if self.free:
            irp.request.spend(PORT_DRIVER_QUEUE, self.clock.now)
            if self.watched:
                self.probes.wait_ended(self.number, irp.request, irp.entered, self.clock.now, self.last_request)
            self._start(irp, processor)
        else:
            self.waiting.append(irp)

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
        major = location.major
        vector = self.routes[processor]
        if major > WRITE and self._must_wait(irp):
            return
        if self.paired:
            if not vector.room:
                self._park(irp, vector)
                return
            vector.room -= 1
        command = self.slots.pop()
        tag = command.tag
        command.offset = location.offset
        command.size = location.size
        command.write = 1 if major == WRITE else 0
        self.irps[tag] = irp
        self.entered[tag] = irp.entered
        self.vector_of[tag] = vector
        self.commands += 1
        if self.watched:
            self.probes.held(self.number, irp.request)
        if major == FLUSH:
            command.flush = 1
        self.drive.submit(command)

    # ---- queue pairs of limited depth ----------------------------------------------------------------------------

    def _park(self, irp: Irp, vector: "Vector") -> None:
        """Its pair is full, though the drive is not: it waits for that pair. Its start has been paid for."""
        self._count(0)
        self.parked += 1
        vector.waiting.append(irp)
        if len(self.waiting) + self.parked > self.queued_most:
            self.queued_most = len(self.waiting) + self.parked
        if self.watched:
            self.probes.wait_began(self.number, irp.request)

    def make_room(self, commands: "list[Command]") -> None:
        """These have left their queue pairs."""
        for command in commands:
            vector = self.vector_of[command.tag]
            vector.room += 1

    def unpark(self) -> None:
        """Commands have ended: who waits for an entry of a pair that has one again goes on, or into the common queue."""
        for vector in self.vectors:
            while vector.waiting and vector.room:
                self._count(0)
                self.parked -= 1
                irp = vector.waiting.popleft()
                if not self.free:
                    self.waiting.append(irp)
                    continue
                irp.request.spend(PORT_DRIVER_QUEUE, self.clock.now)
                if self.watched:
                    self.probes.wait_ended(self.number, irp.request, irp.entered, self.clock.now, self.last_request)
                self._start(irp, vector.processor.number)

    # ---- commands that do not queue ------------------------------------------------------------------------------

    def _must_wait(self, irp: Irp) -> bool:
        """Of a flush on a drive that must be empty for it: True, and it waits at the head of the queue; else it goes alone."""
        if not self.drains:
            return False
        self.hold()
        if len(self.slots) == self.depth:
            self.alone = True
            return False
        self._count(0)
        self.waiting.appendleft(irp)
        if self.watched:
            self.probes.wait_began(self.number, irp.request)
        return True

    def hold(self) -> None:
        """From now on newcomers wait."""
        if not self.held:
            self.held = True
            self.free = []

    def go_on(self, processor: int) -> None:
        """While held: start what may be started, in order; let newcomers in when nothing speaks against it any more."""
        if self.alone:
            if len(self.slots) < self.depth:
                return
            self.alone = False
        while self.waiting and self.slots:
            if self.next_is_flush() and len(self.slots) < self.depth:
                return
            self.start_waiting(processor)
            if self.alone:
                return
        self.held = False
        self.free = self.slots

    def next_is_flush(self) -> bool:
        """Whether the oldest waiting request is one that needs the drive for itself."""
        irp = self.waiting[0]
        location = irp.location()
        return self.drains and location.major == FLUSH

    def startable(self, freed: int) -> int:
        """While held: how many waiting requests a DPC that frees so many slots will start."""
        slots = len(self.slots) + freed
        if not self.waiting or (slots < self.depth and (self.alone or self.next_is_flush())):
            return 0
        return 1 if self.next_is_flush() else min(len(self.waiting), slots)

    # ---- up ------------------------------------------------------------------------------------------------------

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
        if command.failed and self.failed(command):
            return
        if self.background:
            self.idle.left(irp)
        vector = self.vector_of[tag]
        vector.finished.append(command)
        if vector.plain:
            vector.processor.raise_interrupt(vector)
        else:
            vector.tell(command)

    def failed(self, command: Command) -> bool:
        """A command ended with an error; True: its end is told later. On NVMe it fails for itself (semantics 4.1.4)."""
        return False

    def lost(self, command: Command) -> None:
        """The drive will never answer this command."""

    def fail(self, command: Command, irp: Irp) -> None:
        """The status of a request whose command failed; the slot is as good as new."""
        self.failures += 1
        irp.status = STATUSES[command.failed]
        irp.information = 0
        command.failed = 0

    def _count(self, change: int) -> None:
        now = self.clock.now
        passed = now - self.since
        if passed and self.present:
            self.area += self.present * passed
            self.queued_area += (len(self.waiting) + self.parked) * passed
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
        queues = (self.waiting, self.idle.entries, *(vector.waiting for vector in self.vectors))
        waiting = sum(now - irp.entered for queue in queues for irp in queue)
        if self.idle.starting is not NO_IRP:
            waiting += now - self.idle.starting.entered
        return waiting + sum(now - self.entered[command.tag] for command in self.drive.commands if command.busy)


class DriveLink(CommandListener):
    """The drive's side of the port driver."""

    def __init__(self, port: PortDriver) -> None:
        self.port = port

    def command_finished(self, command: Command) -> None:
        """Pass it on."""
        self.port.finished(command)

    def command_lost(self, command: Command) -> None:
        """Pass it on."""
        self.port.lost(command)


class Vector(Interrupt):
    """One interrupt vector of the drive: what finished since the last DPC, and the DPC that completes it.

    With the commands that come by it, it is a queue pair. `plain`: the drive tells of every completion at once.
    """

    def __init__(self, port: PortDriver, processor: Processor) -> None:
        super().__init__(port.costs.isr)
        self.port = port
        self.processor = processor
        self.finished: list[Command] = []
        self.dpc = CompletionDpc(port, self)
        self.room = UNLIMITED  # entries that are free
        self.waiting: deque[Irp] = deque()  # for an entry
        self.plain = True
        self.redirects = False
        self.coalescer: Coalescer

    def service(self, processor: Processor) -> None:
        """The service routine only asks for the DPC."""
        self.port.interrupts += 1
        if self.redirects:
            self._redirect()
        else:
            self.processor.queue_dpc(self.dpc)

    def tell(self, command: Command) -> None:
        """A command has finished; the processor may hear of it later, with others."""
        coalescer = self.coalescer
        coalescer.told()

    def _redirect(self) -> None:
        """Every request is completed where it was issued: DPCs of other processors."""
        port = self.port
        commands = self.finished
        self.finished = []
        for command in commands:
            irp = port.irps[command.tag]
            vector = port.vectors[irp.processor]
            vector.finished.append(command)
            self.processor.queue_dpc(vector.dpc)
        if not commands:  # nothing has finished, but something may be started
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
        time = costs.dpc
        if port.held:
            time += port.startable(len(self.batch)) * costs.start
        else:
            time += min(len(port.waiting), len(self.batch) + len(port.free)) * costs.start
        for command in self.batch:
            irp = port.irps[command.tag]
            irp.request.spend(DPC_WAIT, now)
            part = irp.part
            if part is NO_PART:  # as irp.pays_up says, without a call for the many
                file = irp.file
                time += file.device.up_ns
            else:
                time += part.pays_up()
            time -= (-command.size // PAGE) * costs.page_unlock
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
            irp = port.irps[command.tag]
            irps.append(irp)
            irp.status = STATUS_SUCCESS
            irp.information = irp.location().size
            if command.failed or command.flush:
                self._unusual(command, irp)
        if port.paired:
            port.make_room(batch)
        port.slots.extend(batch)
        if port.held:
            port.go_on(self.vector.processor.number)
        if port.paired:
            port.unpark()
        while port.waiting and port.free:
            port.start_waiting(self.vector.processor.number)
        for irp in irps:
            irp.request.spend(KERNEL, now)
            port.io.complete(irp, IO_DISK_INCREMENT)

    def _unusual(self, command: Command, irp: Irp) -> None:
        command.flush = 0
        if command.failed:
            self.port.fail(command, irp)


class IdleLink(IdleListener):
    """The idle queue's side of the port driver."""

    def __init__(self, port: PortDriver) -> None:
        self.port = port
        self.starts = [StartDpc(port, processor) for processor in port.io.dispatcher.processors]

    def turn_came(self, irp: Irp) -> None:
        """A timer's DPC starts it, on the processor that issued it."""
        start = self.starts[irp.processor]
        start.irp = irp
        processor = start.processor
        processor.queue_dpc(start)


class StartDpc(Dpc):
    """Starts a background request."""

    def __init__(self, port: PortDriver, processor: Processor) -> None:
        super().__init__()
        self.port = port
        self.processor = processor
        self.irp = NO_IRP

    def begin(self, processor: Processor) -> int:
        """The DPC itself, and the start."""
        costs = self.port.costs
        return costs.dpc + costs.start

    def end(self, processor: Processor) -> None:
        """Into the port driver's queue, or the drive."""
        self.port.let_background_in(self.irp, processor.number)


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
