"""A port driver whose drive has faults: errors, commands that are never answered, a drive that is pulled out.

A queued command of an NCQ drive that fails takes all others with it: the drive drops them, the host reads the error log
(`error_log` ns) and issues them anew, before anything else (semantics 4.1.4). On NVMe it fails for itself. A command that
is not answered within `timeout` has the drive reset (`reset` ns), and what was in it issued anew; whose command has been
in the drive at more than `retries` resets is told: STATUS_IO_TIMEOUT if it was the silent one, else STATUS_IO_DEVICE_ERROR. An
error of the medium is not retried: the drive has tried for itself. When the drive is removed all that is pending ends with
STATUS_DEVICE_NOT_CONNECTED; later requests end at once with STATUS_DEVICE_DOES_NOT_EXIST.

All that time is `fault_recovery` to a request. Source: semantics 4.1.4; statuses and the order of things from memory of the
published class driver [M]. Simplified: reading the log and resetting take no processor time; only commands that will not be
answered have a timer, so that none expires under a drive that is merely slow.
"""

from collections.abc import Sequence

from iosim.actor import DEVICE, Actor
from iosim.attribution import FAULT_RECOVERY, PORT_DRIVER_QUEUE
from iosim.cache import Caches
from iosim.devices.port_driver import REMOVED, RESET, TIMED_OUT, PortCosts, PortDriver
from iosim.dispatcher import IO_DISK_INCREMENT
from iosim.drives.drive import Command, Drive
from iosim.io_manager import IoManager
from iosim.irp import NO_IRP, Irp
from iosim.ntstatus import STATUS_DEVICE_DOES_NOT_EXIST, STATUS_DEVICE_NOT_CONNECTED

LOG_READ, RESET_DONE, REMOVAL = range(3)


class RecoveryTimes:
    """How long dealing with faults takes (ns), and how often a command is issued anew after a reset."""

    def __init__(self, timeout: int, reset: int, error_log: int, retries: int) -> None:
        self.timeout = timeout
        self.reset = reset
        self.error_log = error_log
        self.retries = retries


class RecoveringPort(PortDriver):
    """Also counts what it did: `resets`, and commands issued anew (`reissued`)."""

    def __init__(
        self,
        io: IoManager,
        caches: Caches,
        drive: Drive,
        number: int,
        depth: int,
        interrupted: Sequence[int],
        costs: PortCosts,
        times: RecoveryTimes,
    ) -> None:
        super().__init__(io, caches, drive, number, depth, interrupted, costs)
        self.times = times
        self.recovering = False
        self.gone = False
        self.again: list[Command] = []  # to be issued anew, oldest first; their slots are theirs
        self.doomed: list[Command] = []  # whose requests will be told of an error when the log has been read
        self.orphans: list[Irp] = []  # that were not in the drive when it was removed
        self.silent = NO_IRP  # whose command made the present reset necessary
        self.tries: dict[Irp, int] = {}  # resets that a request has been through
        self.resets = 0
        self.reissued = 0
        self.events = RecoveryEvents(self)
        self.timers = CommandTimers(self)

    def removed_at(self, time: int) -> None:
        """The drive will be pulled out at that time (ns), from outside."""
        self.clock.at(time, DEVICE, self.events, REMOVAL)

    # ---- what happens ----------------------------------------------------------------------------------------------

    def look_at(self, irp: Irp) -> int:
        """A drive that is gone takes nothing."""
        if not self.gone:
            return PortDriver.look_at(self, irp)
        self.failures += 1
        irp.status = STATUS_DEVICE_DOES_NOT_EXIST
        irp.information = 0
        self.io.complete(irp)
        return STATUS_DEVICE_DOES_NOT_EXIST

    def let_background_in(self, irp: Irp, processor: int) -> None:
        """Too late if the drive has been pulled out meanwhile."""
        if not self.gone:
            PortDriver.let_background_in(self, irp, processor)
            return
        self.idle.starting = NO_IRP
        self._leave(irp, PORT_DRIVER_QUEUE)
        self._tell_orphans()

    def finished(self, command: Command) -> None:
        """What it has been through is over."""
        self.tries.pop(self.irps[command.tag], 0)
        PortDriver.finished(self, command)

    def failed(self, command: Command) -> bool:
        """Of a queued command: all others are dropped, and the log is read before anybody is told."""
        if not self.drains:
            return False
        self._interrupt_service()
        self.doomed.append(command)
        self.clock.at(self.times.error_log, DEVICE, self.events, LOG_READ)
        return True

    def lost(self, command: Command) -> None:
        """Nobody knows but the clock."""
        passed = self.clock.now - command.submitted
        self.clock.at(max(0, self.times.timeout - passed), DEVICE, self.timers, command.tag)

    def timed_out(self, tag: int) -> None:
        """A command was not answered: reset the drive."""
        self.silent = self.irps[tag]
        self.resets += 1
        self._interrupt_service()
        self.clock.at(self.times.reset, DEVICE, self.events, RESET_DONE)

    def _interrupt_service(self) -> None:
        """The drive drops what it has; nothing is started until that has been dealt with."""
        self.hold()
        self.recovering = True
        self.timers.generation += 1
        self.again.extend(self._dropped())

    def _dropped(self) -> list[Command]:
        """All commands in the drive, oldest first; it knows them no more."""
        found = [command for command in self.drive.commands if command.busy]
        found.sort(key=age)
        self.drive.reset()
        return found

    # ---- and what follows ------------------------------------------------------------------------------------------

    def log_read(self) -> None:
        """Whose command failed is told, and the rest issued anew, by that DPC."""
        self.recovering = False
        now = self.clock.now
        for command in self.doomed:
            irp = self.irps[command.tag]
            irp.request.spend(FAULT_RECOVERY, now)
            if self.background:
                self.idle.left(irp)
            self._tell(command)
        self.doomed = []

    def reset_done(self) -> None:
        """Who has been through too many resets is told, the rest issued anew, by one DPC."""
        self.recovering = False
        left: list[Command] = []
        for command in self.again:
            irp = self.irps[command.tag]
            tries = self.tries.get(irp, 0) + 1
            self.tries[irp] = tries
            if tries > self.times.retries:
                self._give_up(command, TIMED_OUT if irp is self.silent else RESET)
            else:
                left.append(command)
        self.again = left
        self.silent = NO_IRP
        vector = self.vector_of[left[0].tag] if left else self.routes[0]
        vector.processor.raise_interrupt(vector)

    def removal(self) -> None:
        """All that is pending ends, whether in the drive or waiting for it."""
        self.hold()
        self.unusual = self.gone = True
        self.events.generation += 1
        self.timers.generation += 1
        self.recovering = False
        for command in self._dropped():
            self._give_up(command, REMOVED)
        for command in self.again:
            self._give_up(command, REMOVED)
        for command in self.doomed:
            self.irps[command.tag].request.spend(FAULT_RECOVERY, self.clock.now)
            self._tell(command)
        self.again = []
        self.doomed = []
        self._orphan()
        vector = self.routes[0]
        vector.processor.raise_interrupt(vector)

    def _orphan(self) -> None:
        """What waits, wherever, will be told by a DPC."""
        queues = [self.waiting, self.idle.entries]
        for vector in self.vectors:
            queues.append(vector.waiting)
        for queue in queues:
            while queue:
                self._leave(queue.popleft(), PORT_DRIVER_QUEUE)
        self.parked = 0

    def _leave(self, irp: Irp, cause: int) -> None:
        self._count(-1)
        now = self.clock.now
        self.sojourns += now - irp.entered
        irp.request.spend(cause, now)
        if self.watched:
            self.probes.wait_ended(self.number, irp.request, irp.entered, now, self.last_request)
        self.orphans.append(irp)

    def _give_up(self, command: Command, failed: int) -> None:
        """The request ends with this error."""
        tag = command.tag
        irp = self.irps[tag]
        self.tries.pop(irp, 0)
        self._count(-1)
        self.sojourns += self.clock.now - self.entered[tag]
        irp.request.spend(FAULT_RECOVERY, self.clock.now)
        if self.watched:
            self.probes.released(self.number, irp.request)
        self.last_request = irp.request
        if self.background:
            self.idle.left(irp)
        command.failed = failed
        self._tell(command)

    def _tell(self, command: Command) -> None:
        vector = self.vector_of[command.tag]
        vector.finished.append(command)
        vector.processor.raise_interrupt(vector)

    # ---- in the DPC --------------------------------------------------------------------------------------------------

    def startable(self, freed: int) -> int:
        """What was in the drive comes first."""
        if self.gone:
            return 0
        return 0 if self.recovering else len(self.again) + PortDriver.startable(self, freed)

    def go_on(self, processor: int) -> None:
        """Issue anew what was in the drive, then go on as ever; of a drive that is gone, tell all that waited."""
        if self.gone:
            self._tell_orphans()
        if self.recovering or self.gone:
            return
        commands = self.again
        self.again = []
        now = self.clock.now
        for command in commands:
            irp = self.irps[command.tag]
            irp.request.spend(FAULT_RECOVERY, now)
            self.reissued += 1
            self.drive.submit(command)
        PortDriver.go_on(self, processor)

    def _tell_orphans(self) -> None:
        irps = self.orphans
        self.orphans = []
        for irp in irps:
            self.failures += 1
            irp.request.spend(FAULT_RECOVERY, self.clock.now)
            irp.status = STATUS_DEVICE_NOT_CONNECTED
            irp.information = 0
            self.io.complete(irp, IO_DISK_INCREMENT)

    def ages(self, now: int) -> int:
        """Also of those that are to be issued anew."""
        return PortDriver.ages(self, now) + sum(now - self.entered[command.tag] for command in self.again)


class RecoveryEvents(Actor):
    """The log has been read, the reset is done, the drive is pulled out."""

    def __init__(self, port: RecoveringPort) -> None:
        super().__init__()
        self.port = port

    def fire(self, what: int) -> None:
        """Now."""
        if what == LOG_READ:
            self.port.log_read()
        elif what == RESET_DONE:
            self.port.reset_done()
        else:
            self.port.removal()


class CommandTimers(Actor):
    """Commands that were not answered in time, by tag."""

    def __init__(self, port: RecoveringPort) -> None:
        super().__init__()
        self.port = port

    def fire(self, what: int) -> None:
        """This one's time is up."""
        self.port.timed_out(what)


def age(command: Command) -> tuple[int, int]:
    """Oldest first; those of one instant by tag."""
    return command.submitted, command.tag
