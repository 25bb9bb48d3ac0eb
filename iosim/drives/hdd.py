"""A hard disk: an arm that seeks, platters that turn, and a choice of who is served next.

The angle of the platters is a function of time and never drawn at random: ordering by rotational position works only
then. Sectors are laid out cylinder by cylinder, head by head, with as many sectors a track as its zone has; every track
begins a skew later than the one before it, so that a read running over its end does not wait for a revolution.

    ready = submitted + overhead          the controller decodes commands while the mechanism serves others
    seek, or head switch; then wait until the first sector comes by; then the media, track after track
    the data follow over the bus in one piece, early enough to end with the last sector, if the bus keeps up

Simplified: no on-board cache, so writes take what reads take and nothing is read ahead; no spare sectors; the skew is
one angle in all zones. The next command is chosen at the instant the one before has finished, though the arm was free
when the media had passed: it then moved on at once, so that commands that wait back to back do not lose a revolution.

Sources: semantics 4.4 (formulas), 4.1 (slots and ageing); Ruemmler and Wilkes 1994 for the shape of the seek curve.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

from iosim.actor import DEVICE, Clock
from iosim.drives.drive import Command, Drive

SECTOR = 512
MINUTE = 60_000_000_000


@dataclass(frozen=True, slots=True)
class HddParams:
    """What a hard disk is before anything happens to it; times in ns."""

    rpm: int
    cylinders: int
    heads: int
    zones: tuple[tuple[int, int], ...]  # (first cylinder, sectors per track), from the outside in
    seek: tuple[tuple[int, int], ...]  # (distance in cylinders, ns), rising distances; beyond the last it stays
    head_switch: int = 0
    track_skew: int = 0  # ns of rotation that the next track of the cylinder begins later
    cylinder_skew: int = 0  # the same from a cylinder's last track to the next cylinder's first
    overhead: int = 0
    bus_ps_per_byte: int = 0
    slots: int = 32
    order: str = "sptf"
    age_limit: int = 0  # whoever has waited this long goes first, in any order; 0 is no limit

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ValueError(f"order: '{self.order}' is not one of {', '.join(ORDERS)}")
        if not 1 <= self.slots <= 32:
            raise ValueError(f"slots: {self.slots} is not within 1 to 32, the tags of queued SATA commands")
        _check_rising("zones", [first for first, _sectors in self.zones], 0, self.cylinders)
        _check_rising("seek", [distance for distance, _time in self.seek], 1, self.cylinders + 1)

    @property
    def capacity(self) -> int:
        """Bytes on all tracks of all zones."""
        ends = [first for first, _sectors in self.zones[1:]] + [self.cylinders]
        cylinders = zip(self.zones, ends, strict=True)
        return SECTOR * self.heads * sum((end - first) * sectors for (first, sectors), end in cylinders)


def _check_rising(name: str, values: list[int], first: int, limit: int) -> None:
    """Tables begin at `first`, rise strictly and stay below `limit`."""
    if not values or values[0] != first or values[-1] >= limit or values != sorted(set(values)):
        raise ValueError(
            f"{name}: the first column must begin at {first}, rise, and stay below {limit}; it is {values}"
        )


def seek_points(a: int, b: int, c: int, e: int, border: int, cylinders: int) -> tuple[tuple[int, int], ...]:
    """The table of the usual formula, all in ns: `a + b*sqrt(d)` below distance `border`, `c + e*d` from there.

    Exact at every distance. HP 97560 (semantics 4.4): `seek_points(3_240_000, 400_000, 8_000_000, 8_000, 383, 1962)`.
    """
    short = tuple((d, a + isqrt(b * b * d)) for d in range(1, border))
    return (*short, (border, c + e * border), (cylinders - 1, c + e * (cylinders - 1)))


class SeekCurve:
    """Time to move the arm by a number of cylinders: straight lines between measured points, 0 for staying."""

    def __init__(self, points: tuple[tuple[int, int], ...]) -> None:
        self.distances = [0, *(distance for distance, _time in points)]
        self.times = [0, *(time for _distance, time in points)]

    def time(self, distance: int) -> int:
        """ns for `distance` cylinders, rounded down; beyond the last point the curve is flat."""
        above = bisect_right(self.distances, distance)
        if above == len(self.distances):
            return self.times[-1]
        near, time = self.distances[above - 1], self.times[above - 1]
        return time + (self.times[above] - time) * (distance - near) // (self.distances[above] - near)


def fcfs(drive: "Hdd") -> int:
    """First come, first served."""
    return 0


def sptf(drive: "Hdd") -> int:
    """Shortest positioning time first: whose first sector can be under its head soonest; of equals the older."""
    best = 0
    soonest = drive.reaches(drive.waiting[0])
    for index in range(1, len(drive.waiting)):
        time = drive.reaches(drive.waiting[index])
        if time < soonest:
            best, soonest = index, time
    return best


ORDERS: dict[str, Callable[["Hdd"], int]] = {"fcfs": fcfs, "sptf": sptf}


class Hdd(Drive):
    """One arm for all slots; `waiting` holds the commands that it has not begun, in order of arrival.

    One clock event a command, at its finish. While the listener hears of it the arm still counts as taken: whatever is
    submitted from inside joins `waiting`, and the next is chosen from all of them.
    """

    def __init__(self, clock: Clock, params: HddParams) -> None:
        super().__init__(clock, params.slots, params.capacity)
        self.revolution = MINUTE // params.rpm
        self.heads = params.heads
        self.seek = SeekCurve(params.seek)
        self.head_switch = params.head_switch
        self.track_skew = params.track_skew
        self.turn_of_cylinder = (params.heads - 1) * params.track_skew + params.cylinder_skew
        self.overhead = params.overhead
        self.bus_ps_per_byte = params.bus_ps_per_byte
        self.order = ORDERS[params.order]
        self.age_limit = params.age_limit
        self.zone_cylinders = [first for first, _sectors in params.zones]
        self.zone_sectors = [sectors for _first, sectors in params.zones]
        self.zone_blocks = self._first_blocks()
        # Where each slot's command begins, and when the controller has decoded it.
        empty = bytes(8 * params.slots)
        self.cylinders = array("q", empty)
        self.head_of = array("q", empty)
        self.sectors = array("q", empty)
        self.tracks = array("q", empty)  # sectors on the track
        self.angles = array("q", empty)
        self.ready = array("q", empty)
        self.waiting: list[Command] = []
        self.taken = 0
        self.arm = 0
        self.head = 0
        self.free_at = 0  # the media had passed for the last command

    def begin(self, command: Command) -> None:
        """Note where the command's first sector lies; go there at once if the arm is free."""
        if command.flush:
            self.finish(command)
            return
        tag = command.tag
        block = command.offset // SECTOR
        zone = bisect_right(self.zone_blocks, block) - 1
        sectors = self.zone_sectors[zone]
        track, sector = divmod(block - self.zone_blocks[zone], sectors)
        cylinder, head = divmod(track, self.heads)
        cylinder += self.zone_cylinders[zone]
        self.cylinders[tag] = cylinder
        self.head_of[tag] = head
        self.sectors[tag] = sector
        self.tracks[tag] = sectors
        self.angles[tag] = self._index_mark(cylinder, head) + sector * self.revolution // sectors
        self.ready[tag] = command.submitted + self.overhead
        self.waiting.append(command)
        if not self.taken:
            self._serve_next()

    def fire(self, what: int) -> None:
        """The command in slot `what` is done."""
        self.finish(self.commands[what])
        self.taken = 0
        if self.waiting:
            self._serve_next()

    def forget(self) -> None:
        """Nobody waits any more, and the arm stays where it was sent."""
        self.generation += 1
        self.waiting.clear()
        self.taken = 0

    def reaches(self, command: Command) -> int:
        """When the command's first sector can be under its head, if it is served next."""
        tag = command.tag
        time = self._starts(tag) + self._move(self.cylinders[tag], self.head_of[tag])
        return time + (self.angles[tag] - time) % self.revolution

    def _serve_next(self) -> None:
        now = self.clock.now
        index = 0
        if not self.age_limit or now - self.waiting[0].submitted < self.age_limit:
            index = self.order(self)
        command = self.waiting.pop(index)
        tag = command.tag
        command.started = self._starts(tag)
        reached = self.reaches(command)
        first_read = reached + self.revolution // self.tracks[tag]
        self.free_at = self._pass_media(command, reached)
        whole = command.size * self.bus_ps_per_byte // 1000
        last = SECTOR * self.bus_ps_per_byte // 1000
        finished = max(self.free_at + last, max(first_read, now) + whole)
        command.transferring = finished - whole
        self.taken = 1
        self.clock.at(finished - now, DEVICE, self, tag)

    def _starts(self, tag: int) -> int:
        """When the mechanism can turn to a slot: it is free, and the controller knows the command."""
        return max(self.free_at, self.ready[tag])

    def _move(self, cylinder: int, head: int) -> int:
        """ns to bring `head` over `cylinder`; heads are switched while the arm moves."""
        if cylinder == self.arm:
            return 0 if head == self.head else self.head_switch
        return max(self.seek.time(abs(cylinder - self.arm)), self.head_switch)

    def _index_mark(self, cylinder: int, head: int) -> int:
        """ns of rotation by which this track begins later than the very first one."""
        return (cylinder * self.turn_of_cylinder + head * self.track_skew) % self.revolution

    def _pass_media(self, command: Command, time: int) -> int:
        """When the last sector has passed, the first being reached at `time`; arm and head end up over the last."""
        tag = command.tag
        cylinder, head, sector = self.cylinders[tag], self.head_of[tag], self.sectors[tag]
        track = self.tracks[tag]
        left = (command.offset + command.size - 1) // SECTOR - command.offset // SECTOR + 1
        self.arm, self.head = cylinder, head
        while sector + left > track:
            time += self._along(sector, track, track)
            left -= track - sector
            sector = 0
            head += 1
            if head == self.heads:
                head = 0
                cylinder += 1
                track = self.zone_sectors[bisect_right(self.zone_cylinders, cylinder) - 1]
            time += self._move(cylinder, head)
            time += (self._index_mark(cylinder, head) - time) % self.revolution
            self.arm, self.head = cylinder, head
        return time + self._along(sector, sector + left, track)

    def _along(self, start: int, end: int, track: int) -> int:
        """ns from the beginning of one sector to that of another; sums are exact, so back to back means no wait."""
        return end * self.revolution // track - start * self.revolution // track

    def _first_blocks(self) -> list[int]:
        """The number of each zone's first sector."""
        blocks = [0]
        for zone in range(1, len(self.zone_cylinders)):
            cylinders = self.zone_cylinders[zone] - self.zone_cylinders[zone - 1]
            blocks.append(blocks[-1] + cylinders * self.heads * self.zone_sectors[zone - 1])
        return blocks
