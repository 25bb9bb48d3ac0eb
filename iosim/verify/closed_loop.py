"""A bare drive under closed load: so many commands outstanding, each asked for again after the host's time."""

from collections.abc import Callable

from iosim.actor import ARRIVAL, Actor
from iosim.clock import make_clock
from iosim.drives.drive import Command, CommandListener, Drive
from iosim.drives.ssd import CERTAIN, Ssd, SsdParams
from iosim.streams import Streams, whole

FOREVER = 10**12


class ClosedLoop(CommandListener):
    """Keeps `depth` commands of `size` bytes going until `count` have ended; `host_time` ns are spent before each.

    `offset(n)` is where command n begins, `write(n)` whether it writes. The first `skipped` commands are not measured: they
    fill buffers and queues. Latencies (ns) count the host's time, as a program measures them.
    """

    def __init__(
        self,
        drive: Drive,
        depth: int,
        count: int,
        size: int,
        offset: Callable[[int], int],
        write: Callable[[int], bool] = lambda _number: False,
        host_time: int = 0,
        skipped: int = 0,
    ) -> None:
        self.drive = drive
        self.count = count
        self.size = size
        self.offset = offset
        self.write = write
        self.host_time = host_time
        self.skipped = skipped
        self.asked = self.ended = 0
        self.began = 0
        self.latencies: list[int] = []
        self.area = 0  # of the number in the drive over time, ns
        self.since = 0
        drive.listener = self
        for tag in range(depth):
            Asking(self, tag)
        drive.clock.run(FOREVER)

    def ask(self, tag: int) -> None:
        """The next command goes into this slot."""
        command = self.drive.commands[tag]
        command.offset, command.size = self.offset(self.asked), self.size
        command.write = int(self.write(self.asked))
        self.asked += 1
        self._count(self.drive.in_drive)
        self.drive.submit(command)

    def command_finished(self, command: Command) -> None:
        """Another one follows, until there were enough."""
        self.ended += 1
        self._count(self.drive.in_drive + 1)
        if self.ended > self.skipped:
            self.latencies.append(command.finished - command.submitted + self.host_time)
        elif self.ended == self.skipped:
            self.began = self.drive.clock.now
        if self.ended == self.count:
            self.drive.clock.stop()
        else:
            Asking(self, command.tag)

    def _count(self, inside: int) -> None:
        now = self.drive.clock.now
        self.area += inside * (now - self.since)
        self.since = now

    @property
    def mean_inside(self) -> float:
        """Number of commands in the drive, counted over the whole time."""
        return self.area / self.drive.clock.now

    @property
    def rate_times_time(self) -> float:
        """The same by Little's law, from the times of all commands: those that are still inside as far as they came."""
        now = self.drive.clock.now
        ended = sum(self.latencies) - self.host_time * len(self.latencies)
        return (ended + sum(now - command.submitted for command in self.drive.commands if command.busy)) / now

    @property
    def per_second(self) -> float:
        """Commands a second, of those that were measured."""
        return len(self.latencies) * 1e9 / (self.drive.clock.now - self.began)

    @property
    def mean_us(self) -> float:
        """Mean latency."""
        return sum(self.latencies) / len(self.latencies) / 1000

    def quantile_us(self, q: float) -> float:
        """The latency that a share `q` of the commands does not exceed."""
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(q * len(self.latencies)))] / 1000


class Asking(Actor):
    """The host's time before a command."""

    def __init__(self, loop: ClosedLoop, tag: int) -> None:
        super().__init__()
        self.loop = loop
        self.tag = tag
        loop.drive.clock.at(loop.host_time, ARRIVAL, self, 0)

    def fire(self, what: int) -> None:
        """Submit."""
        self.loop.ask(self.tag)


def new_ssd(params: SsdParams) -> Ssd:
    """A drive of its own, with the chance of seed 1."""
    drive = Ssd(make_clock(), params)
    drive.chance = Streams(1, 0).open("ssd", whole(CERTAIN))
    return drive


def anywhere(drive: Drive, size: int) -> Callable[[int], int]:
    """Uniform over the drive, on multiples of `size`; of seed 1."""
    return Streams(1, 0).open("offset", whole(drive.capacity // size, size)).value


def in_order(drive: Drive, size: int) -> Callable[[int], int]:
    """From the beginning on, over and over."""
    places = drive.capacity // size
    return lambda number: number % places * size
