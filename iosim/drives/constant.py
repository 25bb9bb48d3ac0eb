"""A drive whose commands all take the same time, side by side: the disk of programs (win32/)."""

from iosim.actor import DEVICE, Clock
from iosim.drives.drive import Command, Drive


class ConstantDrive(Drive):
    """Every command takes `latency` ns; `slots` of them go on side by side."""

    def __init__(self, clock: Clock, slots: int, capacity: int, latency: int) -> None:
        super().__init__(clock, slots, capacity)
        self.latency = latency

    def begin(self, command: Command) -> None:
        """It has a slot, so it begins; there is no write cache to flush."""
        if command.flush:
            self.finish(command)
            return
        self.clock.at(self.latency, DEVICE, self, command.tag)

    def fire(self, what: int) -> None:
        """The command with this tag is done."""
        command = self.commands[what]
        command.started = command.submitted
        command.transferring = self.clock.now
        self.finish(command)

    def forget(self) -> None:
        """What is pending counts no more."""
        self.generation += 1
