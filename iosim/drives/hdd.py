"""A hard disk without a buffer: an arm that seeks, platters that turn, and a choice of who is served next.

    ready = submitted + overhead          the controller decodes commands while the mechanism serves others
    seek, or head switch; then wait until the first sector comes by; then the media, track after track
    the data follow over the bus in one piece, early enough to end with the last sector, if the bus keeps up

The rooms of its parts: `seek_curve`, `geometry`, `mechanism` (arm and angle), `orders`; with an on-board cache it is
`buffered_hdd`.

Simplified: the next command is chosen at the instant the one before has finished, though the arm was free when the media
had passed: it then moved on at once, so that commands that wait back to back do not lose a revolution.

Sources: semantics 4.4 (formulas), 4.1 (slots and ageing); DiskSim's disk specifications for what can be set.
"""

from array import array
from dataclasses import dataclass

from iosim.actor import DEVICE, Clock
from iosim.drives.drive import Command, Drive
from iosim.drives.geometry import SECTOR, Geometry, Zone, check_zones
from iosim.drives.mechanism import Mechanism
from iosim.drives.orders import ORDERS
from iosim.drives.seek_curve import Points, SeekCurve

MINUTE = 60_000_000_000


@dataclass(frozen=True, slots=True)
class HddParams:
    """What a hard disk is before anything happens to it; times in ns, lengths in sectors.

    `overheads`: of a read hit, a read miss, a write hit, a write miss, each after a read and after a write; empty: all
    are `overhead`. A hit is what the buffer does without the arm. `segments` of 0: no read cache; `write_segments` of 0:
    no write cache.
    """

    rpm: int
    cylinders: int
    heads: int
    zones: tuple[Zone, ...]  # from the outside in
    seek: Points  # beyond the last it stays
    head_switch: int = 0
    write_settle: int = 0  # after a move, as a write needs the arm steadier
    overhead: int = 0
    overheads: tuple[int, ...] = ()
    bus_ps_per_byte: int = 0
    slots: int = 32
    order: str = "sptf"
    age_limit: int = 0  # whoever has waited this long goes first, in any order; 0 is no limit
    blocks: int = 0  # those that can be addressed; 0: all
    segments: int = 0
    segment_size: int = 0
    read_ahead: int = 0  # so far behind the data, or until the arm is needed
    read_ahead_in_cylinder: bool = False  # it stops at the cylinder's end
    read_on_arrival: bool = False  # what passes before the first sector is kept as well
    write_segments: int = 0
    write_segment_size: int = 0
    read_hits_on_writes: bool = False  # what was written can be read from the buffer later on

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ValueError(f"order: '{self.order}' is not one of {', '.join(ORDERS)}")
        if not 1 <= self.slots <= 32:
            raise ValueError(f"slots: {self.slots} is not within 1 to 32, the tags of queued SATA commands")
        check_zones(self.zones, self.cylinders, self.heads)
        distances = [distance for distance, _time in self.seek]
        if not distances or distances[0] != 1 or distances[-1] > self.cylinders or distances != sorted(set(distances)):
            raise ValueError(f"seek: distances must begin at 1, rise, and end at {self.cylinders} or before")
        if self.overheads and len(self.overheads) != 8:
            raise ValueError(f"overheads: there are 8 kinds, not {len(self.overheads)}")
        if self.blocks > self.all_blocks:
            raise ValueError(f"blocks: {self.blocks} are more than the {self.all_blocks} that the zones hold")
        if bool(self.segments) != bool(self.segment_size) or bool(self.write_segments) != bool(self.write_segment_size):
            raise ValueError("segments: their number and their size go together")

    @property
    def all_blocks(self) -> int:
        """Sectors of all tracks, spares aside."""
        return Geometry(self.zones, self.cylinders, self.heads, MINUTE // self.rpm).blocks

    @property
    def capacity(self) -> int:
        """Bytes that can be addressed."""
        return SECTOR * (self.blocks or self.all_blocks)


READ_HIT, READ_MISS, WRITE_HIT, WRITE_MISS = 0, 2, 4, 6  # in `overheads`, then the kind before: read 0, write 1


class Hdd(Drive):
    """One arm for all slots; `waiting` holds the tags of those that it has not begun, in order of arrival.

    One clock event a command, at its finish. While the listener hears of it the arm still counts as taken: whatever is
    submitted from inside joins `waiting`, and the next is chosen from all of them. `overhead` is always that of the
    command that finishes.
    """

    def __init__(self, clock: Clock, params: HddParams) -> None:
        super().__init__(clock, params.slots, params.capacity)
        self.revolution = MINUTE // params.rpm
        geometry = Geometry(params.zones, params.cylinders, params.heads, self.revolution)
        self.mechanism = Mechanism(
            geometry,
            SeekCurve(params.seek),
            params.head_switch,
            params.write_settle,
            self.revolution,
            params.slots + params.write_segments,
        )
        self.overheads = array("q", params.overheads or [params.overhead] * 8)
        self.overhead = self.overheads[READ_MISS]
        self.bus_ps_per_byte = params.bus_ps_per_byte
        self.order = ORDERS[params.order]()
        self.age_limit = params.age_limit
        self.overhead_of = array("q", bytes(8 * params.slots))
        self.waiting: list[int] = []
        self.after = 0  # 1 if the command before was a write
        self.taken = 0

    def begin(self, command: Command) -> None:
        """Note where the command's first sector lies; go there at once if the arm is free."""
        if command.flush:
            self.finish(command)
            return
        self._join(command, command.offset // SECTOR, READ_MISS + 4 * command.write)
        if not self.taken:
            self._serve_next()

    def fire(self, what: int) -> None:
        """The command in slot `what` is done; who hears of it may reset the drive and submit again."""
        generation = self.generation
        self.overhead = self.overhead_of[what]
        self.finish(self.commands[what])
        if self.generation != generation:
            return
        self.taken = 0
        if self.waiting:
            self._serve_next()

    def forget(self) -> None:
        """The arm ends what it has begun, for nobody."""
        self.generation += 1
        self.waiting.clear()
        self.taken = 0

    def _join(self, command: Command, block: int, kind: int) -> None:
        tag = command.tag
        overhead = self._decodes(command, kind)
        self.mechanism.place(tag, block, command.submitted + overhead, command.write, command.submitted)
        self.waiting.append(tag)

    def _decodes(self, command: Command, kind: int) -> int:
        """The controller's time for a command of this kind."""
        overhead = self.overheads[kind + self.after]
        self.overhead_of[command.tag] = overhead
        self.after = command.write
        return overhead

    def _choose(self, jobs: list[int]) -> int:
        """Take the next job out of those that wait: the oldest if it is a command that has waited for too long."""
        mechanism = self.mechanism
        index = 0
        oldest = jobs[0]
        if not self.age_limit or oldest >= self.slots or self.clock.now - mechanism.since[oldest] < self.age_limit:
            index = self.order.choose(mechanism, jobs)
        return jobs.pop(index)

    def _serve_next(self) -> None:
        tag = self._choose(self.waiting)
        self._serve(self.commands[tag])

    def _serve(self, command: Command) -> None:
        """Position and pass the media; it is finished when the data are over the bus."""
        mechanism = self.mechanism
        now = self.clock.now
        tag = command.tag
        command.started = mechanism.starts(tag)
        reached = mechanism.reaches(tag)
        first_read = reached + self.revolution // mechanism.tracks[tag]
        count = (command.offset + command.size - 1) // SECTOR - command.offset // SECTOR + 1
        passed = mechanism.passes(tag, count, reached)
        whole = command.size * self.bus_ps_per_byte // 1000
        last = SECTOR * self.bus_ps_per_byte // 1000
        finished = max(passed + last, max(first_read, now) + whole)
        command.transferring = finished - whole
        self.taken = 1
        self.clock.at(finished - now, DEVICE, self, tag)
