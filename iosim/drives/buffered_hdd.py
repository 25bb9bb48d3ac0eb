"""A hard disk with an on-board cache: reads that hit it, read-ahead, writes that end in the buffer.

    read: all of it in the buffer              overhead, then the bus
          where the read-ahead is or will be   as its sectors come by, then the read-ahead goes on
          else                                 the arm, as without a buffer; then read-ahead, until the arm is needed
    write: there is a write segment for it     overhead, then the bus; it is on the media some time later
           all of them are taken               waits until one is written
           longer than a segment, or no cache  the arm, as without a buffer

Reads go before written pieces, which the arm takes when nothing else waits; once a write waits for room, or a flush for
all of them, they compete with the reads in the drive's order.

One clock event a command, and one for each written piece when it has reached the media; none for read-ahead.

Simplified: a hit waits for a transfer that has begun before it, or that would begin before its own were over. Source:
DiskSim's disk specifications and buffer parameters.
"""

from array import array

from iosim.actor import DEVICE, Actor, Clock
from iosim.drives.disk_cache import NONE, ReadSegments, WriteSegments
from iosim.drives.drive import Command
from iosim.drives.geometry import SECTOR
from iosim.drives.hdd import READ_HIT, READ_MISS, WRITE_HIT, WRITE_MISS, Hdd, HddParams
from iosim.drives.mechanism import NEVER


def hard_disk(clock: Clock, params: HddParams) -> Hdd:
    """The drive of these parameters: with its buffer, if it has one."""
    return BufferedHdd(clock, params) if params.segments or params.write_segments else Hdd(clock, params)


class BufferedHdd(Hdd):
    """`read` and `written` are the two kinds of segments; `blocked` writes wait for room, `flushes` for all pieces."""

    def __init__(self, clock: Clock, params: HddParams) -> None:
        super().__init__(clock, params)
        self.read = ReadSegments(params.segments, params.segment_size)
        self.written = WriteSegments(params.write_segments, params.write_segment_size, params.slots)
        self.read_ahead = params.read_ahead
        self.in_cylinder = params.read_ahead_in_cylinder
        self.on_arrival = params.read_on_arrival
        self.hits_on_writes = params.read_hits_on_writes
        self.end = params.capacity // SECTOR
        self.destage = Destage(self)
        self.blocked: list[int] = []
        self.flushes: list[int] = []
        self.segment_of = array("q", bytes(8 * params.slots))  # the write segment a command fills
        self.in_part = array("q", bytes(8 * params.slots))  # 1: the buffer has the beginning of the read
        # The bus was used up to `bus_free_at`, and is promised from `promised_from` to `promised_to`.
        self.bus_free_at = 0
        self.promised_from = 0
        self.promised_to = 0

    def begin(self, command: Command) -> None:
        """Out of the buffer, into it, or the arm."""
        if command.flush:
            self._flush(command)
            return
        first = command.offset // SECTOR
        end = (command.offset + command.size - 1) // SECTOR + 1
        if command.write:
            self._write(command, first, end)
        else:
            self._read(command, first, end)

    def fire(self, what: int) -> None:
        """The command in slot `what` is done; those with the arm come first, then those with the buffer alone."""
        if what < self.slots:
            generation = self.generation
            self.overhead = self.overhead_of[what]
            self.finish(self.commands[what])
            if self.generation != generation:  # a reset from inside
                return
            self.taken = 0
        else:
            self._buffered(self.commands[what - self.slots])
        if not self.taken:
            self._serve_next()

    def destaged(self) -> None:
        """A written piece has reached the media: there is room for writes that wait, and perhaps a flush is over."""
        self.written.written(self.written.moving)
        while self.blocked:
            command = self.commands[self.blocked[0]]
            first = command.offset // SECTOR
            end = (command.offset + command.size - 1) // SECTOR + 1
            segment = self.written.room(first, end)
            if segment == NONE:
                break
            del self.blocked[0]
            self._fill(command, segment, first, end)
        self.taken = 0
        if self.flushes and not self.written.held:
            self._end_flushes()
        if not self.taken:
            self._serve_next()

    def forget(self) -> None:
        """What is in the buffer stays there and reaches the media; commands whose data were still coming are as written."""
        self.generation += 1
        self.waiting.clear()
        self.blocked.clear()
        self.flushes.clear()
        for segment in range(self.written.segments):
            if self.written.filling[segment]:
                self._whole(segment)
        self.written.forget()
        if self.written.moving == NONE:
            self.taken = 0
            self._serve_next()

    def _end_flushes(self) -> None:
        """Nothing waits for the media any more."""
        self.overhead = 0
        ended = self.flushes
        self.flushes = []
        for tag in ended:
            self.finish(self.commands[tag])

    def _flush(self, command: Command) -> None:
        """It ends when nothing waits for the media any more."""
        if not self.written.held:
            self.overhead = 0
            self.finish(command)
            return
        self.flushes.append(command.tag)
        if not self.taken:
            self._serve_next()

    def _read(self, command: Command, first: int, end: int) -> None:
        if self.written.held and self.written.holds(first, end):
            self._hit(command, 0)
            return
        if not self.taken:
            self._look_ahead(self.clock.now)
        read = self.read
        segment = read.find(first)
        kind = READ_MISS
        self.in_part[command.tag] = 0
        if segment != NONE:
            read.touch(segment)
            if end <= read.ends[segment]:
                # What the arm is reading right now is in the buffer when it has passed.
                self._hit(command, self.mechanism.free_at if segment == read.growing else 0)
                return
            if segment == read.growing:
                kind = READ_HIT
            elif first < read.ends[segment]:
                first = read.ends[segment]
                self.in_part[command.tag] = 1
        self._join(command, first, kind)
        if not self.taken:
            self._serve_next()

    def _write(self, command: Command, first: int, end: int) -> None:
        self.read.drop(first, end)
        if end - first > self.written.size:
            self._join(command, first, WRITE_MISS)
            if not self.taken:
                self._serve_next()
            return
        self._decodes(command, WRITE_HIT)
        segment = NONE if self.blocked else self.written.room(first, end)
        if segment == NONE:
            self.blocked.append(command.tag)
            if not self.taken:
                self._serve_next()
        else:
            self._fill(command, segment, first, end)

    def _hit(self, command: Command, there: int) -> None:
        """Out of the buffer, not before `there` (ns)."""
        command.started = command.submitted + self._decodes(command, READ_HIT)
        self._transfer(command, max(command.started, there))

    def _fill(self, command: Command, segment: int, first: int, end: int) -> None:
        """Into the buffer."""
        self.written.fill(segment, first, end)
        self.segment_of[command.tag] = segment
        ready = command.submitted + self.overhead_of[command.tag]
        command.started = max(ready, self.clock.now)
        self._transfer(command, command.started)

    def _transfer(self, command: Command, earliest: int) -> None:
        """Over the bus without the arm, at the first time that it is free for long enough."""
        whole = command.size * self.bus_ps_per_byte // 1000
        start = max(earliest, self.bus_free_at)
        if start < self.promised_to and start + whole > self.promised_from:
            start = self.promised_to
        command.transferring = start
        self.bus_free_at = start + whole
        self.clock.at(self.bus_free_at - self.clock.now, DEVICE, self, self.slots + command.tag)

    def _buffered(self, command: Command) -> None:
        """The data of a hit are with the host, those of a write in the buffer."""
        if command.write:
            segment = self.segment_of[command.tag]
            if self.hits_on_writes and self.read.segments:
                first = command.offset // SECTOR
                self.read.take(first, (command.offset + command.size - 1) // SECTOR + 1)
            if self.written.filled(segment):
                self._whole(segment)
        self.overhead = self.overhead_of[command.tag]
        self.finish(command)

    def _whole(self, segment: int) -> None:
        """A written piece can go to the media."""
        now = self.clock.now
        self.mechanism.place(self.slots + segment, self.written.starts[segment], now, 1, now)

    def _serve_next(self) -> None:
        """A command, else a written piece; both kinds compete when somebody waits for the pieces."""
        waiting, pieces = self.waiting, self.written.waiting
        if not waiting and not pieces:
            return
        if waiting and pieces and (self.blocked or self.flushes):
            jobs = waiting + pieces
            job = self._choose(jobs)
            if job < self.slots:
                waiting.remove(job)
            else:
                pieces.remove(job)
        else:
            job = self._choose(waiting if waiting else pieces)
        if job >= self.slots:
            self._to_media(job)
        else:
            self._serve(self.commands[job])

    def _serve(self, command: Command) -> None:
        tag = command.tag
        mechanism, read = self.mechanism, self.read
        end = (command.offset + command.size - 1) // SECTOR + 1
        first = mechanism.blocks[tag]
        if not command.write and read.growing != NONE and read.find(first) == read.growing:
            self._read_on(command, end)
            return
        self._end_read_ahead(mechanism.starts(tag))
        command.started = mechanism.starts(tag)
        arrived = mechanism.arrives(tag)
        reached = arrived + (mechanism.angles[tag] - arrived) % self.revolution
        first_read = reached + self.revolution // mechanism.tracks[tag]
        if self.in_part[tag] and not command.write:
            first_read = command.started
        passed = mechanism.passes(tag, end - first, reached)
        if not command.write and read.segments:
            start = first
            if self.on_arrival:
                early = (reached - arrived) * mechanism.tracks[tag] // self.revolution
                start -= min(early, mechanism.sectors[tag])
            self._read_ahead_from(read.take(start, end), end)
        self._over_the_bus(command, first_read, passed)

    def _read_on(self, command: Command, end: int) -> None:
        """The read-ahead has come, or will come, to what the command wants."""
        mechanism, read = self.mechanism, self.read
        segment = read.growing
        command.started = mechanism.starts(command.tag)
        self._look_ahead(command.started)
        passed = command.started
        if mechanism.block < end:
            mechanism.advance(end, NEVER)
            passed = mechanism.free_at = mechanism.time
            read.grow(segment, end)
            self._read_ahead_from(segment, end)
        self._over_the_bus(command, command.started, passed)

    def _over_the_bus(self, command: Command, first_read: int, passed: int) -> None:
        """The data follow the media, in one piece."""
        now = self.clock.now
        whole = command.size * self.bus_ps_per_byte // 1000
        last = SECTOR * self.bus_ps_per_byte // 1000
        finished = max(passed + last, max(first_read, now, self.bus_free_at) + whole)
        command.transferring = finished - whole
        self.promised_from = command.transferring
        self.promised_to = finished
        self.taken = 1
        self.clock.at(finished - now, DEVICE, self, command.tag)

    def _to_media(self, job: int) -> None:
        """Write a piece; nobody waits for its data."""
        mechanism, written = self.mechanism, self.written
        segment = job - self.slots
        self._end_read_ahead(mechanism.starts(job))
        passed = mechanism.passes(job, written.ends[segment] - written.starts[segment], mechanism.reaches(job))
        written.moving = segment
        self.taken = 1
        self.clock.at(max(0, passed - self.clock.now), DEVICE, self.destage, 0)

    def _read_ahead_from(self, segment: int, block: int) -> None:
        """Go on reading into a segment."""
        limit = min(block + self.read_ahead, self.end)
        if self.in_cylinder:
            limit = min(limit, self.mechanism.geometry.cylinder_end(block - 1))
        self.read.growing = segment
        self.read.limit = limit

    def _look_ahead(self, until: int) -> None:
        """Bring the segment that is read ahead up to a time."""
        read, mechanism = self.read, self.mechanism
        if read.growing != NONE:
            if mechanism.block < read.limit:
                mechanism.advance(read.limit, until)
                read.grow(read.growing, mechanism.block)
            if mechanism.block >= read.limit and mechanism.time <= until:
                read.growing = NONE

    def _end_read_ahead(self, at: int) -> None:
        """The arm is needed elsewhere: the sector under the head is the last."""
        read, mechanism = self.read, self.mechanism
        self._look_ahead(at)
        if read.growing != NONE:
            mechanism.stop(at)
            read.grow(read.growing, mechanism.block)
            read.growing = NONE


class Destage(Actor):
    """The time at which a written piece has reached the media; no reset makes the drive forget it."""

    def __init__(self, drive: BufferedHdd) -> None:
        super().__init__()
        self.drive = drive

    def fire(self, what: int) -> None:
        """It has."""
        self.drive.destaged()
