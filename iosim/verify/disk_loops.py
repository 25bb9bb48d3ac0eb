"""A bare hard disk under a closed load: a trace row by row with its think times, or uniform addresses at a depth."""

from math import sqrt

from iosim.actor import ARRIVAL, Actor
from iosim.clock import make_clock
from iosim.drives.buffered_hdd import hard_disk
from iosim.drives.drive import Command, CommandListener
from iosim.drives.geometry import SECTOR
from iosim.drives.hdd import HddParams
from iosim.replay import BlockTrace
from iosim.streams import Streams, whole

FOREVER = 10**12


class TraceLoop(CommandListener):
    """One row after the other, each its think time after the end of the one before; `times` are their responses (ns)."""

    def __init__(self, params: HddParams, trace: BlockTrace) -> None:
        self.drive = hard_disk(make_clock(), params)
        self.drive.listener = self
        self.trace = trace
        self.times: list[int] = []
        self.next = NextRow(self)
        self.next.fire(0)
        self.drive.clock.run(FOREVER)

    def command_finished(self, command: Command) -> None:
        """Think."""
        row = len(self.times)
        self.times.append(command.finished - command.submitted)
        if row + 1 < len(self.trace):
            self.drive.clock.at(self.trace.think[row], ARRIVAL, self.next, 0)


class NextRow(Actor):
    """The think time is over."""

    def __init__(self, loop: TraceLoop) -> None:
        super().__init__()
        self.loop = loop

    def fire(self, what: int) -> None:
        """Submit the row."""
        loop, row = self.loop, len(self.loop.times)
        command = loop.drive.commands[0]
        command.offset, command.size = loop.trace.offset[row], loop.trace.size[row]
        command.write = loop.trace.write[row]
        loop.drive.submit(command)


class DepthLoop(CommandListener):
    """`depth` reads of `sectors` each, uniform over the drive, from seed 1; a new one as soon as one has ended."""

    def __init__(self, params: HddParams, depth: int, count: int, sectors: int) -> None:
        self.drive = hard_disk(make_clock(), params)
        self.drive.listener = self
        size = sectors * SECTOR
        self.places = Streams(1, 0).open("offset", whole(self.drive.capacity // size, size))
        self.size = size
        self.count = count
        self.asked = 0
        self.times: list[int] = []
        for tag in range(depth):
            self._ask(self.drive.commands[tag])
        self.drive.clock.run(FOREVER)

    def command_finished(self, command: Command) -> None:
        """The next, until there were enough."""
        self.times.append(command.finished - command.submitted)
        if len(self.times) == self.count:
            self.drive.clock.stop()
        else:
            self._ask(command)

    def _ask(self, command: Command) -> None:
        command.offset, command.size = self.places.value(self.asked), self.size
        self.asked += 1
        self.drive.submit(command)

    @property
    def per_second(self) -> float:
        """Commands a second."""
        return self.count * 1e9 / self.drive.clock.now

    @property
    def mean(self) -> float:
        """Mean response, ms."""
        return sum(self.times) / len(self.times) / 1e6

    def quantile(self, q: float) -> float:
        """The response that a share `q` does not exceed, ms."""
        return sorted(self.times)[min(len(self.times) - 1, int(q * len(self.times)))] / 1e6


def demerit(model: list[int], measured: list[int]) -> float:
    """Root mean square of the horizontal distance between two distributions of equally many times (ns), in ms.

    Source: Ruemmler and Wilkes 1994.
    """
    pairs = zip(sorted(model), sorted(measured), strict=True)
    return sqrt(sum((one - other) ** 2 for one, other in pairs) / len(model)) / 1e6
