"""What a port driver sees of any drive: a fixed number of command slots, and a call when a command has finished.

A slot's number is its tag (an AHCI slot, an NVMe command identifier). The drive takes what it is given at once; what
does not fit waits in the port driver, where the drive cannot see it (semantics 4.1). Hardware knows no IRP.

A command ends well or with an error (`failed`), which is for the port driver to deal with. What goes wrong, and when, is
described apart from the drives (faults.py): a drive only says that a command's time has come.
"""

from iosim.actor import DEVICE, Actor, Clock
from iosim.drives.faults import NO_ANSWER, NO_FAULTS


class Command:
    """One command in one of the drive's slots; the drive owns one per slot, and they are used again and again.

    The port driver writes `offset` and `size` (bytes; size at least 1) and `write` (0 or 1) before it submits. The
    drive writes the times (ns), all of them true once `command_finished` is called: it was `submitted`, the medium or
    mechanism `started` on it, its data began `transferring` over the bus or link, it `finished`.
    Invariant then: submitted <= started <= transferring <= finished. `busy` is 1 from submission to the end.
    `flush` is 1 for a flush of the write cache: it moves no data, and `offset`, `size` and `write` mean nothing. `failed` is
    0, or the error that the command ended with (faults.py).
    """

    __slots__ = (
        "busy",
        "failed",
        "finished",
        "flush",
        "offset",
        "size",
        "started",
        "submitted",
        "tag",
        "transferring",
        "write",
    )

    def __init__(self, tag: int) -> None:
        self.tag = tag
        self.offset = 0
        self.size = 0
        self.write = 0
        self.flush = 0
        self.failed = 0
        self.busy = 0
        self.submitted = 0
        self.started = 0
        self.transferring = 0
        self.finished = 0


class CommandListener:
    """Whoever is told that commands have finished: the port driver. This base listens to nothing."""

    def command_finished(self, command: Command) -> None:
        """`command` is done at `clock.now` and its slot is free: it may be submitted again from inside this call."""

    def command_lost(self, command: Command) -> None:
        """The drive will never answer `command`; its slot stays taken until the drive is reset."""


class Drive(Actor):
    """Command slots, and the promise to tell the listener when each command is done.

    `overhead` is the ns that the controller takes for a command before the mechanism or medium can begin on it.
    A drive of your own overrides `begin` and `fire`, and calls `finish` when a command's time has come. From inside `begin`
    that takes effect at once after it: who submits is still in the call, and can't be interrupted there. One that may be
    reset overrides `forget` too.
    """

    def __init__(self, clock: Clock, slots: int, capacity: int) -> None:
        super().__init__()
        self.clock = clock
        self.slots = slots
        self.capacity = capacity
        self.overhead = 0
        self.commands = [Command(tag) for tag in range(slots)]
        self.in_drive = 0
        self.beginning = False
        self.early = EarlyEnd(self)
        self.listener = CommandListener()
        self.faulty = False  # `faults` has a say
        self.faults = NO_FAULTS

    def submit(self, command: Command) -> None:
        """Take a command, one of `commands`, at `clock.now`.

        Raises ValueError for a command that is no free slot of this drive, or that reaches beyond the capacity.
        """
        if (
            self.in_drive == self.slots
            or command.busy
            or self.commands[command.tag] is not command
            or (command.size <= 0 and not command.flush)
            or command.offset < 0
            or command.offset + command.size > self.capacity
        ):
            raise ValueError(self._objection(command))
        self.in_drive += 1
        command.busy = 1
        now = self.clock.now
        command.submitted = command.started = command.transferring = now  # a drive may leave the latter two as they are
        self.beginning = True
        self.begin(command)
        self.beginning = False

    def begin(self, command: Command) -> None:
        """Work on `command`, or let it wait inside the drive; it was submitted this instant.

        A drive without a write cache finishes a flush (`command.flush`) here.
        """
        raise NotImplementedError

    def forget(self) -> None:
        """Drop all commands in the drive, silently: nothing that is pending for them may finish anything."""
        raise NotImplementedError

    def reset(self) -> None:
        """As after a reset, or after the error of a queued command: the drive knows no command, all slots are free."""
        self.forget()
        self.early.generation += 1
        self.in_drive = 0
        for command in self.commands:
            command.busy = 0

    def finish(self, command: Command) -> None:
        """Free the slot and tell the listener, which may submit again before this returns.

        The caller touches `command` no more: it may already be on its next journey.
        """
        if self.beginning:
            self.clock.at(0, DEVICE, self.early, command.tag)
            return
        if self.faulty and self._goes_wrong(command):
            return
        command.finished = self.clock.now
        command.busy = 0
        self.in_drive -= 1
        self.listener.command_finished(command)

    def _goes_wrong(self, command: Command) -> bool:
        """What becomes of a command whose time has come; True: nobody will ever hear of it."""
        if command.flush:
            return False
        command.failed = self.faults.outcome(command.offset, command.size, command.write)
        if command.failed != NO_ANSWER:
            return False
        command.failed = 0
        self.listener.command_lost(command)
        return True

    def _objection(self, command: Command) -> str:
        where = f"command {command.tag} submitted at {self.clock.now} ns"
        if self.in_drive == self.slots:
            return f"{where}: all {self.slots} slots of the drive are taken"
        if command.busy:
            return f"{where}: it is in the drive already"
        if self.commands[command.tag] is not command:
            return f"{where}: it is no command of this drive; take one of `commands`"
        last = command.offset + command.size
        return f"{where}: bytes {command.offset} to {last} are not within the drive's {self.capacity}"


class EarlyEnd(Actor):
    """Finishes the commands that were done while one began."""

    def __init__(self, drive: Drive) -> None:
        super().__init__()
        self.drive = drive

    def fire(self, what: int) -> None:
        """The command with this tag."""
        self.drive.finish(self.drive.commands[what])
