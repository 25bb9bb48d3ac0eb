"""A solid-state drive on NVMe or SATA: many flash dies side by side behind one controller and one link.

    the controller takes `overhead` per command: for many at once, but for the part `serial` of it, one after the other
    every stripe that the command touches occupies one die for `read` or `program`; each die serves in arrival order
    with `channels`, what a die has read crosses its channel, and what it is to program does before (dies.py)
    when the last stripe is done, the data cross the link, one command after the other in the order they got there
    with a write buffer, a write's data cross the link first, and it has ended when they are in (write_buffer.py)
    with spare room, overwriting leaves garbage, and collecting it takes the dies' time (block_map.py)

Reads wait behind programs and erases on their die (semantics 4.5: head-of-line blocking), and random addresses leave dies
idle while others have a queue. What is not given costs nothing, not even an event: without channels, buffer and slow
reads a command takes two.

Simplified: without a write buffer a write lasts as long as its program, and its data cross the link after it as a read's
do. A die's queue is kept as the time when it is free. Each page of a command carries an equal share of its bytes over
the channels. A slow read's data come later (the controller corrects them); its die goes on meanwhile. A reset forgets
commands, not what the buffer holds, and a die that has begun goes on.

Source: semantics 4.1 (SATA: one queue of 32), 4.3 and 4.5.
"""

from array import array
from collections import deque
from dataclasses import dataclass

from iosim.actor import DEVICE, Actor, Clock
from iosim.drives.block_map import UNIT, BlockMap
from iosim.drives.dies import Dies
from iosim.drives.drive import Command, Drive
from iosim.drives.write_buffer import RoomListener, WriteBuffer
from iosim.variates import Constant, Variate

MEDIA_DONE, TRANSFERRED = 0, 1  # `what` is twice the slot's tag, plus one of these

GOLDEN = 1_327_217_885  # 2^31 divided by the golden ratio
LOW_31_BITS = (1 << 31) - 1
LOW_32_BITS = (1 << 32) - 1
CERTAIN = 1 << 31  # `Ssd.chance` is below it
MILLION = 1_000_000
MOST_DIES = 65_536

INTERFACES = ("nvme", "sata")
PLACEMENTS = ("hashed", "striped")
CONDITIONS = ("fresh", "steady")


@dataclass(frozen=True, slots=True)
class SsdParams:
    """What a solid-state drive is before anything happens to it; times in ns."""

    capacity: int
    units: int  # dies
    stripe: int  # bytes that lie together on one die, and that it reads or programs at once: a page
    read: int  # a die is occupied by one stripe or a part of it
    program: int
    overhead: int = 0
    link_ps_per_byte: int = 0
    slots: int = 1024
    interface: str = "nvme"
    serial: int = 0  # part of the overhead during which the controller takes no other command
    write_ps_per_byte: int = 0  # of the link, towards the drive; 0: as the other way
    duplex: bool = False  # reads and writes have the link at the same time
    channels: int = 0  # 0: dies have all the room they need
    channel_ps_per_byte: int = 0
    placement: str = "hashed"
    write_buffer: int = 0  # bytes
    write_overhead: int = 0  # of a buffered write, instead of `overhead`; 0: the same
    protected: bool = False  # the buffer survives a loss of power, so that a flush has nothing to do
    spare: int = 0  # flash beyond the capacity, in parts of 1000; 0: blocks are always free
    condition: str = "fresh"
    erase: int = 0
    block_pages: int = 256
    slow_reads: tuple[tuple[int, int], ...] = ()  # (page reads of a million, ns that their data come later)

    def __post_init__(self) -> None:
        for name, least in (("capacity", 1), ("units", 1), ("stripe", 1), ("slots", 1), ("block_pages", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: {getattr(self, name)} is below {least}")
        if self.units > MOST_DIES:
            raise ValueError(f"units: {self.units} are more than {MOST_DIES}, which no drive has")
        for name, known in (("interface", INTERFACES), ("placement", PLACEMENTS), ("condition", CONDITIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: '{getattr(self, name)}' is not one of {', '.join(known)}")
        if self.interface == "sata" and self.slots > 32:
            raise ValueError(f"slots: {self.slots} is not within 1 to 32, the tags of queued SATA commands")
        if self.serial > self.overhead:
            raise ValueError(
                f"serial: {self.serial} ns are more than the overhead of {self.overhead} that they are part of"
            )
        if self.write_buffer and self.stripe % UNIT:
            raise ValueError(f"stripe: {self.stripe} bytes are no multiple of {UNIT}, which a write buffer asks for")
        if self.spare and not self.write_buffer:
            raise ValueError("spare: garbage collection asks for a write buffer")
        if self.condition == "steady" and not self.spare:
            raise ValueError("condition: 'steady' asks for spare flash, without which nothing is collected")
        if sum([share for share, _time in self.slow_reads]) > MILLION:
            raise ValueError("slow_reads: the shares are more than all reads")


class Ssd(Drive):
    """Dies with a queue each, then one link; two clock events a command, media done and transferred.

    `chance` gives a number below 2^31 for each page read, by which slow ones are told; without it none is slow.
    """

    def __init__(self, clock: Clock, params: SsdParams) -> None:
        super().__init__(clock, params.slots, params.capacity)
        self.units = params.units
        self.stripe = params.stripe
        self.read = params.read
        self.program = params.program
        self.overhead = params.overhead
        self.write_overhead = params.write_overhead or params.overhead
        self.serial = params.serial
        self.controller_free_at = 0
        self.striped = params.placement == "striped"
        self.dies = Dies(params.units, params.channels, params.channel_ps_per_byte)
        self.read_ps = params.link_ps_per_byte
        self.write_ps = params.write_ps_per_byte or params.link_ps_per_byte
        self.upstream = 1 if params.duplex else 0  # which side of the link writes take
        self.link_free_at = array("q", bytes(16))
        self.link_remainder = array("q", bytes(16))  # ps below a whole ns, carried over: the bandwidth is exact
        self.pages = PageReads(self)
        self.pages_left = array("q", bytes(8 * params.slots))  # by tag, of commands that cross channels
        self.pages_end = array("q", bytes(8 * params.slots))
        self.chance: Variate = Constant(0)
        self.page_reads = 0
        self.may_be_slow = len(params.slow_reads) > 0
        self.slow_bounds, self.slow_times = _slow_table(params.slow_reads)
        self.buffered = params.write_buffer > 0
        self.protected = params.protected
        times = params.read, params.program, params.erase
        self.buffer = WriteBuffer(clock, self.dies, params.write_buffer, params.stripe, times)
        self.buffer.listener = BufferLink(self)
        if params.spare:
            die_pages = params.capacity * (1000 + params.spare) // 1000 // params.stripe // params.units
            fresh = params.condition == "fresh"
            units = params.stripe // UNIT
            self.buffer.maps.append(BlockMap(params.units, die_pages, params.block_pages, units, params.spare, fresh))
        self.promised = array("q", bytes(8 * params.slots))  # by tag: room in the buffer for data not yet in it
        self.stalled: deque[int] = deque()  # tags of writes that wait for room
        self.flushes: list[int] = []  # tags of flushes that wait, oldest first
        self.due: list[list[int]] = []  # what each of them waits for: the data in the buffer when it came

    def unit_of(self, stripe: int) -> int:
        """The die that holds a stripe: in turn (striped), or by golden-ratio hashing; nothing is drawn.

        Hashed, neighbouring stripes land on dies far apart and fill them evenly, as real striping does; random ones land
        at random. Below 2^63 for every stripe; those 2^32 apart share a die.
        """
        if self.striped:
            return stripe % self.units
        return ((stripe & LOW_32_BITS) * GOLDEN & LOW_31_BITS) * self.units >> 31

    def begin(self, command: Command) -> None:
        """Queue the command's stripes at their dies; the last to be done decides. Where there are channels, each page that is
        read has an event of its own.
        """
        if command.flush:
            self._flush(command)
            return
        submitted = command.submitted
        arrival = submitted + self.overhead
        if self.serial:
            arrival += self._wait_for_controller(submitted)
        tag = command.tag
        write = command.write
        if write and self.buffered:
            self.clock.at(arrival - self.overhead + self.write_overhead - submitted, DEVICE, self, 2 * tag + MEDIA_DONE)
            return
        dies = self.dies
        service = self.program if write else self.read
        slow = self.may_be_slow and not write
        crossing = dies.channels > 0
        stripe = command.offset // self.stripe
        last = (command.offset + command.size - 1) // self.stripe
        share = 0
        if crossing:
            share = -(-command.size // (last - stripe + 1))
            self.pages_left[tag] = last - stripe + 1
            self.pages_end[tag] = 0
        ready = arrival
        first = done = -1
        while stripe <= last:
            die = self.unit_of(stripe)
            if crossing and write:
                ready = dies.cross(die, arrival, share)
            start = dies.occupy(die, ready, service)
            if first < 0 or start < first:
                first = start
            end = start + service
            if slow:
                end += self._slowness()
            if end > done:
                done = end
            if crossing and not write:
                self.clock.at(end - submitted, DEVICE, self.pages, tag * self.units + die)
            stripe += 1
        command.started = first
        if write or not crossing:
            self.clock.at(done - submitted, DEVICE, self, 2 * tag + MEDIA_DONE)

    def page_read(self, tag: int, die: int) -> None:
        """A die has read one page of the command with this tag: the data cross the channel; the last of them decides."""
        command = self.commands[tag]
        now = self.clock.now
        pages = (command.offset + command.size - 1) // self.stripe - command.offset // self.stripe + 1
        end = self.dies.cross(die, now, -(-command.size // pages))
        if end > self.pages_end[tag]:
            self.pages_end[tag] = end
        self.pages_left[tag] -= 1
        if not self.pages_left[tag]:
            self.clock.at(self.pages_end[tag] - now, DEVICE, self, 2 * tag + MEDIA_DONE)

    def fire(self, what: int) -> None:
        """A command's media work or its transfer is done."""
        command = self.commands[what >> 1]
        if self.buffered and command.write:
            if what & 1:
                self._put(command)
                self.finish(command)
            else:
                self._admit(command)
        elif what & 1:
            self.finish(command)
        else:
            self._transfer(command)

    def forget(self) -> None:
        """As after a reset: no command is in the drive any more; what the buffer holds is programmed all the same."""
        self.generation += 1
        self.pages.generation += 1
        self.stalled.clear()
        self.flushes.clear()
        self.due.clear()
        for tag in range(self.slots):
            self.buffer.held -= self.promised[tag]
            self.promised[tag] = 0
        now = self.clock.now
        for side in range(2):
            if self.link_free_at[side] > now:
                self.link_free_at[side] = now

    def _wait_for_controller(self, submitted: int) -> int:
        """How long until the controller is through with the command before."""
        taken = self.controller_free_at
        if taken < submitted:
            taken = submitted
        self.controller_free_at = taken + self.serial
        return taken - submitted

    def _slowness(self) -> int:
        """How much later than usual the data of the next page read come."""
        chance = self.chance.value(self.page_reads)
        self.page_reads += 1
        kind = 0
        while chance >= self.slow_bounds[kind]:
            kind += 1
        time: int = self.slow_times[kind]
        return time

    def _transfer(self, command: Command) -> None:
        """Send the data over the link once those that got there before are through."""
        now = self.clock.now
        side = self.upstream if command.write else 0
        start = self.link_free_at[side]
        if start < now:
            start = now
        ps = command.size * (self.write_ps if command.write else self.read_ps) + self.link_remainder[side]
        end = start + ps // 1000
        self.link_free_at[side] = end
        self.link_remainder[side] = ps % 1000
        command.transferring = start
        self.clock.at(end - now, DEVICE, self, 2 * command.tag + TRANSFERRED)

    # ---- buffered writes -----------------------------------------------------------------------------------------

    def _admit(self, command: Command) -> None:
        """A write goes into the buffer, or waits behind those that find no room."""
        if self.stalled or not self._has_room(command):
            self.stalled.append(command.tag)
            self.buffer.unblock()

    def _has_room(self, command: Command) -> bool:
        """If there is room for the write, it is promised and the data begin to cross the link."""
        units = (command.offset + command.size - 1) // UNIT - command.offset // UNIT + 1
        if not self.buffer.reserve(units * UNIT):
            return False
        self.promised[command.tag] = units * UNIT
        command.started = self.clock.now - self.write_overhead + self.overhead
        self._transfer(command)
        return True

    def _put(self, command: Command) -> None:
        """The data are in the buffer, unit by unit, each for the die of its stripe."""
        self.promised[command.tag] = 0
        of_a_stripe = self.stripe // UNIT
        unit = command.offset // UNIT
        last = (command.offset + command.size - 1) // UNIT
        while unit <= last:
            stripe = unit // of_a_stripe
            self.buffer.put(self.unit_of(stripe), stripe // self.units * of_a_stripe + unit % of_a_stripe)
            unit += 1
        if self.stalled:
            self.buffer.unblock()

    def page_programmed(self) -> None:
        """The buffer has room again: writes that wait go on in turn, and flushes end whose data are programmed."""
        while self.stalled and self._has_room(self.commands[self.stalled[0]]):
            self.stalled.popleft()
        if self.stalled:
            self.buffer.unblock()
        while self.flushes and self.buffer.has_programmed(self.due[0]):
            self.due.pop(0)
            self.finish(self.commands[self.flushes.pop(0)])
        if not self.flushes:
            self.buffer.flushing = False

    def _flush(self, command: Command) -> None:
        """Nothing to do where no data could be lost; else it ends when what is in the buffer now is programmed."""
        if self.protected or not self.buffer.held:
            self.finish(command)
            return
        due = self.buffer.due()
        if self.buffer.has_programmed(due):  # what it holds is only promised
            self.finish(command)
        else:
            self.flushes.append(command.tag)
            self.due.append(due)
            self.buffer.flush()


class PageReads(Actor):
    """Pages that dies have read, on their way to the channel: `what` is the tag times the dies, plus the die."""

    def __init__(self, drive: Ssd) -> None:
        super().__init__()
        self.drive = drive

    def fire(self, what: int) -> None:
        """This page's."""
        drive = self.drive
        drive.page_read(what // drive.units, what % drive.units)


class BufferLink(RoomListener):
    """The buffer's way to the drive."""

    def __init__(self, drive: Ssd) -> None:
        self.drive = drive

    def page_programmed(self) -> None:
        """Pass it on."""
        self.drive.page_programmed()


def _slow_table(slow_reads: tuple[tuple[int, int], ...]) -> tuple[list[int], list[int]]:
    """Bounds of chance, rising, and how much later what is below each of them comes; nothing if none is slow."""
    if not slow_reads:
        return [], []
    below = MILLION - sum([share for share, _time in slow_reads])
    bounds, times = [below * CERTAIN // MILLION], [0]
    for time, share in sorted([(time, share) for share, time in slow_reads]):
        below += share
        bounds.append(below * CERTAIN // MILLION)
        times.append(time)
    return bounds, times
