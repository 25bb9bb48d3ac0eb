"""Arm and platters of a hard disk: when a block can be under its head, and when a run of blocks has passed.

The angle of the platters is a function of time and never drawn at random: ordering by rotational position works only
then. What is to be served are *jobs*, numbered from 0: a command's slot, or a written piece that waits in the buffer.

After the last block of a job the media may go on passing (read-ahead): `advance` says how far that has come, and nobody
needs an event for it.

Source: semantics 4.4.
"""

from array import array

from iosim.drives.geometry import Geometry
from iosim.drives.seek_curve import SeekCurve

NEVER = 2**62


class Mechanism:
    """One arm for all jobs. `free_at`: when it can turn to the next one (ns).

    `block` is the next to pass under the head, at `time`; both hold from `passes` until the next one.
    """

    def __init__(
        self, geometry: Geometry, seek: SeekCurve, head_switch: int, write_settle: int, revolution: int, jobs: int
    ) -> None:
        self.geometry = geometry
        self.seek = seek
        self.head_switch = head_switch
        self.write_settle = write_settle
        self.revolution = revolution
        self.heads = geometry.heads
        self.arm = 0
        self.head = 0
        self.free_at = 0
        self.block = 0
        self.time = 0
        # Where each job begins, when the controller has decoded it, and how long a write's arm settles.
        empty = bytes(8 * jobs)
        self.blocks = array("q", empty)
        self.cylinders = array("q", empty)
        self.head_of = array("q", empty)
        self.sectors = array("q", empty)
        self.tracks = array("q", empty)  # sectors on the track
        self.runs = array("q", empty)  # blocks from there to the end of the track
        self.angles = array("q", empty)
        self.ready = array("q", empty)
        self.settle = array("q", empty)
        self.since = array("q", empty)  # when it came, for its age

    def place(self, job: int, block: int, ready: int, write: int, since: int) -> None:
        """Note where a job begins, and from when on it can be served."""
        geometry = self.geometry
        geometry.locate(block)
        self.blocks[job] = block
        self.cylinders[job] = geometry.cylinder
        self.head_of[job] = geometry.head
        self.sectors[job] = geometry.sector
        self.tracks[job] = geometry.sectors
        self.runs[job] = geometry.run
        self.angles[job] = geometry.index_mark + geometry.sector * self.revolution // geometry.sectors
        self.ready[job] = ready
        self.settle[job] = self.write_settle if write else 0
        self.since[job] = since

    def starts(self, job: int) -> int:
        """When the mechanism can turn to a job: it is free, and the controller knows it."""
        ready = self.ready[job]
        return ready if ready > self.free_at else self.free_at

    def arrives(self, job: int) -> int:
        """When the job's head can be over its cylinder, if it is served next."""
        time = self.move(self.cylinders[job], self.head_of[job])
        if time:
            time += self.settle[job]
        return self.starts(job) + time

    def reaches(self, job: int) -> int:
        """When the job's first block can be under its head, if it is served next."""
        time = self.arrives(job)
        return time + (self.angles[job] - time) % self.revolution

    def move(self, cylinder: int, head: int) -> int:
        """ns to bring `head` over `cylinder`; heads are switched while the arm moves."""
        if cylinder == self.arm:
            return 0 if head == self.head else self.head_switch
        distance = cylinder - self.arm
        time = self.seek.time(distance if distance > 0 else -distance)
        return time if time > self.head_switch else self.head_switch

    def passes(self, job: int, count: int, reached: int) -> int:
        """When `count` blocks of the job have passed, the first being reached at `reached`; the arm is there then."""
        self.arm, self.head = self.cylinders[job], self.head_of[job]
        self.block = self.blocks[job]
        if count <= self.runs[job]:
            sector, track = self.sectors[job], self.tracks[job]
            self.block += count
            self.time = reached + self.along(sector, sector + count, track)
        else:
            self.time = reached
            self.advance(self.block + count, NEVER)
        self.free_at = self.time
        return self.time

    def advance(self, end: int, until: int) -> None:
        """Let the media pass on to block `end`, but not beyond `until`: only blocks that have passed by then count.

        The head goes on to the next track as soon as the last block of one has passed; if that is later than `until`,
        `time` is too.
        """
        geometry = self.geometry
        geometry.locate(self.block)
        if geometry.cylinder != self.arm or geometry.head != self.head:
            self._to_track()
        while self.block < end and self.time <= until:
            count = end - self.block
            if count > geometry.run:
                count = geometry.run
            sector, track = geometry.sector, geometry.sectors
            if until - self.time < self.revolution:
                passed = self._passed(sector, track, until - self.time)
                if passed < count:
                    self.block += passed
                    self.time += self.along(sector, sector + passed, track)
                    return
            self.block += count
            self.time += self.along(sector, sector + count, track)
            if self.block < end:
                geometry.locate(self.block)
                self._to_track()

    def stop(self, at: int) -> None:
        """The media pass no further than to the end of the block that is under the head at `at`; the arm is free then."""
        self.free_at = at
        if self.time < at:
            geometry = self.geometry
            geometry.locate(self.block)
            self.time += self.along(geometry.sector, geometry.sector + 1, geometry.sectors)
            self.block += 1
            self.free_at = self.time

    def along(self, start: int, end: int, track: int) -> int:
        """ns from the beginning of one sector to that of another; sums are exact, so back to back means no wait."""
        return end * self.revolution // track - start * self.revolution // track

    def _passed(self, sector: int, track: int, time: int) -> int:
        """How many whole sectors pass in `time`, from the beginning of one on."""
        into = time + sector * self.revolution // track
        return ((into + 1) * track - 1) // self.revolution - sector

    def _to_track(self) -> None:
        """On to the track that was located last, whose first block comes next."""
        geometry = self.geometry
        self.time += self.move(geometry.cylinder, geometry.head)
        mark = geometry.index_mark + geometry.sector * self.revolution // geometry.sectors
        self.time += (mark - self.time) % self.revolution
        self.arm, self.head = geometry.cylinder, geometry.head
