"""What goes wrong with a drive's commands: errors of the medium and commands that are never answered.

A fault strikes by chance, at a rate a command drawn for the command's number (streams.py), or at a range of addresses.
What is found when a command's time has come; the drives themselves know nothing of it. A bad place of the medium may be
healed by writing it anew, as the drive then puts a spare sector in its place: what of the range was written is good again.
Simplified: a command of many sectors fails as one.
"""

from iosim.variates import Variate

# How a command ends (`Command.failed`). A drive never finishes a command with NO_ANSWER.
GOOD, MEDIA_ERROR, NO_ANSWER = range(3)

READS, WRITES = 1, 2  # which commands a fault concerns, as bits


class Fault:
    """One kind of thing that goes wrong: `failed` is how commands end that it strikes; `concerns` READS, WRITES or both."""

    def __init__(self, failed: int, concerns: int) -> None:
        self.failed = failed
        self.concerns = concerns

    def strikes(self, number: int, offset: int, size: int, write: int) -> bool:
        """Whether command `number` of the drive, which it concerns, is struck."""
        raise NotImplementedError

    def written(self, offset: int, size: int) -> None:
        """A write of these bytes ended well."""


class RandomFault(Fault):
    """Strikes by chance: `chance` has 1 for the commands that it does."""

    def __init__(self, failed: int, concerns: int, chance: Variate) -> None:
        super().__init__(failed, concerns)
        self.chance = chance

    def strikes(self, number: int, offset: int, size: int, write: int) -> bool:
        """Drawn for each command."""
        return self.chance.value(number) == 1


class BadRange(Fault):
    """Strikes every command that touches bytes of [start, end); `healed`: a write that ends well makes its bytes good."""

    def __init__(self, failed: int, concerns: int, start: int, end: int, healed: bool) -> None:
        super().__init__(failed, concerns)
        self.bad: list[tuple[int, int]] = [(start, end)]
        self.healed = healed

    def strikes(self, number: int, offset: int, size: int, write: int) -> bool:
        """Whether any byte of it is bad."""
        struck = False
        for start, end in self.bad:
            struck = struck or (offset < end and offset + size > start)
        return struck

    def written(self, offset: int, size: int) -> None:
        """What is left of the bad bytes."""
        if not self.healed:
            return
        left: list[tuple[int, int]] = []
        for start, end in self.bad:
            if start < offset:
                left.append((start, min(end, offset)))
            if offset + size < end:
                left.append((max(start, offset + size), end))
        self.bad = left


class Faults:
    """All that goes wrong with one drive; `commands` counts those whose time came."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.commands = 0

    def outcome(self, offset: int, size: int, write: int) -> int:
        """How the command ends: the first fault that strikes it decides."""
        number = self.commands
        self.commands += 1
        concerned = WRITES if write else READS
        for fault in self.faults:
            if fault.concerns & concerned and fault.strikes(number, offset, size, write):
                return fault.failed
        if write:
            for fault in self.faults:
                fault.written(offset, size)
        return GOOD


NO_FAULTS = Faults([])
