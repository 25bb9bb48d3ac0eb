"""The write buffer of a solid-state drive: a write has ended when its data are here, and the dies take them from here.

Data gather by die until they fill a page; then the die programs it, one page at a time, so that a read finds at most one
program ahead of it, with whatever collecting garbage takes (block_map.py). Room is free again when its page has been
programmed. A write that finds no room waits; those behind it wait too. So a lone write is as fast as the buffer, and
sustained writes are as fast as the dies.

Simplified: a read never finds its data here; data overwritten while they are here are programmed all the same; what is
no whole unit (4 KiB) takes a whole one. A page is programmed in part only when the drive is told to flush, or when the
buffer is full and no die has a whole page.

Source: semantics 4.5.
"""

from array import array

from iosim.actor import DEVICE, Actor, Clock
from iosim.drives.block_map import UNIT, BlockMap
from iosim.drives.dies import Dies


class RoomListener:
    """Whoever is told that a page was programmed and its room is free. This base listens to nothing."""

    def page_programmed(self) -> None:
        """There may be room now for a write that waits."""


class WriteBuffer(Actor):
    """Units that wait for their die, and the page that each die programs; times in ns, room in bytes.

    `held`: room that is promised to a write or holds its data. `maps` holds the drive's block map, or nothing where
    blocks are always free. One clock event a programmed page.
    """

    def __init__(self, clock: Clock, dies: Dies, size: int, page: int, times: tuple[int, int, int]) -> None:
        """`page` bytes are programmed at once; `times` of reading and programming a page and erasing a block."""
        super().__init__()
        self.clock = clock
        self.dies = dies
        self.size = size
        self.page = page
        self.page_units = page // UNIT
        self.read, self.program, self.erase = times
        self.maps: list[BlockMap] = []
        self.listener = RoomListener()
        self.held = 0
        self.waiting: list[list[int]] = [[] for _ in range(dies.dies if size else 0)]  # units, by die
        self.under_way = array("q", bytes(8 * dies.dies))  # units that are being programmed, by die
        self.programmed = array("q", bytes(8 * dies.dies))  # units ever, by die
        self.busy = 0  # dies that program
        self.flushing = False

    def reserve(self, size: int) -> bool:
        """Promise room for `size` bytes, if there is; an empty buffer has room for any write."""
        if self.held and self.held + size > self.size:
            return False
        self.held += size
        return True

    def put(self, die: int, unit: int) -> None:
        """One unit's data for this die have arrived; their room was promised."""
        waiting = self.waiting[die]
        waiting.append(unit)
        if len(waiting) >= self.page_units and not self.under_way[die]:
            self._program(die)

    def unblock(self) -> None:
        """Somebody waits for room: if no die is at work, the fullest programs what it has."""
        if self.busy:
            return
        fullest = 0
        for die in range(1, self.dies.dies):
            if len(self.waiting[die]) > len(self.waiting[fullest]):
                fullest = die
        if self.waiting[fullest]:
            self._program(fullest)

    def flush(self) -> None:
        """From now on until the listener says otherwise, dies program what they have, though it fill no page."""
        self.flushing = True
        for die in range(self.dies.dies):
            if self.waiting[die] and not self.under_way[die]:
                self._program(die)

    def due(self) -> list[int]:
        """By die, units that it will ever have programmed when what is here now is done."""
        return [self.programmed[die] + self.under_way[die] + len(self.waiting[die]) for die in range(self.dies.dies)]

    def has_programmed(self, due: list[int]) -> bool:
        """Whether every die has come so far."""
        behind = 0
        for die in range(self.dies.dies):
            if self.programmed[die] < due[die]:
                behind += 1
        return not behind

    def fire(self, what: int) -> None:
        """The die with this number has programmed its page."""
        self.held -= self.under_way[what] * UNIT
        self.programmed[what] += self.under_way[what]
        self.under_way[what] = 0
        self.busy -= 1
        if len(self.waiting[what]) >= self.page_units or (self.flushing and self.waiting[what]):
            self._program(what)
        if not self.held:
            self.flushing = False
        self.listener.page_programmed()

    def _program(self, die: int) -> None:
        """A page's data cross the channel; then the die programs them, and collects garbage for as much."""
        waiting = self.waiting[die]
        units = waiting[: self.page_units]
        del waiting[: self.page_units]
        self.under_way[die] = len(units)
        self.busy += 1
        now = self.clock.now
        service = self.program
        if self.maps:
            service += self._collect(self.maps[0], die, units)
        start = self.dies.occupy(die, self.dies.cross(die, now, len(units) * UNIT), service)
        self.clock.at(start + service - now, DEVICE, self, die)

    def _collect(self, blocks: BlockMap, die: int, units: "list[int]") -> int:
        """The die's time for the garbage that this page makes due."""
        reads, moves, erases = blocks.pages_read, blocks.pages_moved, blocks.erases
        blocks.write(die, units)
        blocks.collect(die)
        reads, moves, erases = blocks.pages_read - reads, blocks.pages_moved - moves, blocks.erases - erases
        return reads * self.read + moves * self.program + erases * self.erase
