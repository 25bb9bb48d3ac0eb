"""Where the data of a flash die lie, and the garbage that overwriting leaves: page mapping with greedy collection.

Flash can't be overwritten: new data go to the die's open block, and the old copy becomes garbage. When a die is short of
erased blocks, the block with the least that is still good is collected, page by page: its good units are read and programmed
elsewhere, and then it is erased. All of it takes the die's time, and reads behind it wait (semantics 4.5). Collection
keeps pace with the writes that need it: each page that the host programs reclaims as many units as it takes.

A *unit* (4 KiB) is what is mapped, a page what is read or programmed at once. Every die is mapped for itself: placement
(ssd.py) says which data are on which die.

Simplified: a die of millions of units is modelled in small. It has at most `MOST_BLOCKS` blocks of at most `MOST_PAGES` pages,
and units that lie a whole small die apart share a place, so that data overwritten in part of a large drive are taken for data
all over it. What collection costs hangs on the share of spare room and hardly on these numbers: for uniform random
writes the moves come within a few per cent of the formula (`iosim verify storage`). Erases take place as rarely as the
real block size has them. No wear levelling, no TRIM, no collection while idle.
"""

from array import array

UNIT = 4096  # bytes
MOST_BLOCKS = 128  # of a die
MOST_PAGES = 16  # of a block
MOST_SLOTS = 1 << 21  # of a drive: 32 MiB of memory; beyond, dies have fewer blocks, down to the next number
FEWEST_BLOCKS = 16
RESERVED = 2  # erased blocks that collection keeps: one to be filled while the next victim is emptied
NOWHERE = -1
LOW_31_BITS = (1 << 31) - 1
GOLDEN = 1_327_217_885  # 2^31 divided by the golden ratio
MIXER = 1_540_483_477


class BlockMap:
    """All dies of a drive. `host`, `moved` (units), `pages_read`, `pages_moved` and `erases` count since the run began.

    `fresh`: nothing is written yet, and the first filling of the drive collects nothing. Otherwise every unit was written,
    and overwritten in random order until that no longer changed anything.
    Invariant: a unit is at the slot that owns it, `valid` counts the owned slots of each block.
    """

    def __init__(self, dies: int, die_pages: int, block_pages: int, page_units: int, spare: int, fresh: bool) -> None:
        """`die_pages` of them a die, erased `block_pages` at a time; `spare` is parts in 1000 beyond the capacity."""
        self.page_units = page_units
        self.block_pages = block_pages
        pages = min(block_pages, MOST_PAGES)
        self.slots = pages * page_units  # of a block
        whole = max(RESERVED + 2, die_pages // pages)
        most = max(FEWEST_BLOCKS, min(MOST_BLOCKS, MOST_SLOTS // (dies * self.slots)))
        self.blocks = min(whole, most)  # of a die
        self.units = self.blocks * self.slots * 1000 // (1000 + spare)  # of a die
        if whole > most:
            self.blocks += RESERVED + 1  # of thousands of blocks these would be nothing
        self.units = min(self.units, (self.blocks - RESERVED - 1) * self.slots)
        die_slots = self.blocks * self.slots
        self.where = array("q", [NOWHERE]) * (dies * self.units)
        self.owner = array("q", [NOWHERE]) * (dies * die_slots)
        self.valid = array("q", bytes(8 * dies * self.blocks))
        self.erased = [list(range(self.blocks - 1, 0, -1)) for _ in range(dies)]  # blocks of each die
        self.next_slot = array("q", bytes(8 * dies))  # of each die's open block, counted from the die's first slot
        self.victim = array("q", [NOWHERE]) * dies
        self.scanned = array("q", bytes(8 * dies))  # units of the victim that were looked at
        self.owed = array("q", bytes(8 * dies))  # units that collection is behind the writes
        self.gathered = array("q", bytes(8 * dies))  # moved units that don't fill a page yet
        self.worn = array("q", bytes(8 * dies))  # pages collected since the last erase
        self.untouched = max(0, die_pages * dies - dies * self.blocks * pages) if fresh else 0  # pages
        self.host = self.moved = self.pages_read = self.pages_moved = self.erases = 0
        if not fresh:
            self._age(dies)

    def write(self, die: int, units: "list[int]") -> None:
        """The host programs a page with these units on the die, and what was there before is garbage."""
        self.host += len(units)
        if self.untouched:
            self.untouched -= 1
            return
        for unit in units:
            self._place(die, unit % self.units)
        self.owed[die] += len(units)

    def collect(self, die: int) -> None:
        """Reclaim what the writes since the last time took, as far as the die is short of erased blocks."""
        while self.owed[die] > 0:
            if self.victim[die] < 0 and not self._choose(die):
                self.owed[die] = 0  # there is room enough
                return
            self._collect_page(die)

    def amplification(self) -> float:
        """Units programmed for each that the host wrote."""
        return (self.host + self.moved) / self.host if self.host else 1.0

    def _place(self, die: int, unit: int) -> None:
        first = die * self.blocks * self.slots
        place = die * self.units + unit
        old = self.where[place]
        if old >= 0:
            self.owner[first + old] = NOWHERE
            self.valid[die * self.blocks + old // self.slots] -= 1
        slot = self.next_slot[die]
        self.where[place] = slot
        self.owner[first + slot] = unit
        self.valid[die * self.blocks + slot // self.slots] += 1
        slot += 1
        if slot % self.slots == 0:
            block: int = self.erased[die].pop()
            slot = block * self.slots
        self.next_slot[die] = slot

    def _choose(self, die: int) -> bool:
        """The block with the fewest good units is next, if erased ones are short; of equals the first."""
        if len(self.erased[die]) >= RESERVED:
            return False
        opened = self.next_slot[die] // self.slots
        best, least = NOWHERE, self.slots
        for block in range(self.blocks):
            good = self.valid[die * self.blocks + block]
            if good < least and block != opened and block not in self.erased[die]:
                best, least = block, good
        self.victim[die] = best
        self.scanned[die] = 0
        return best >= 0

    def _collect_page(self, die: int) -> None:
        """Move the good units of the victim's next page; after the last the block is erased."""
        victim = self.victim[die]
        first = die * self.blocks * self.slots + victim * self.slots + self.scanned[die]
        good = 0
        for slot in range(first, first + self.page_units):
            unit = self.owner[slot]
            if unit >= 0:
                self._place(die, unit)
                good += 1
        self.moved += good
        self.owed[die] -= self.page_units - good
        if good:
            self.pages_read += 1
        gathered = self.gathered[die] + good
        if gathered >= self.page_units:
            gathered -= self.page_units
            self.pages_moved += 1
        self.gathered[die] = gathered
        self.scanned[die] += self.page_units
        if self.scanned[die] == self.slots:
            self.victim[die] = NOWHERE
            self.erased[die].insert(0, victim)
            self._wear(die)

    def _wear(self, die: int) -> None:
        """A real block may have more pages than ours: then only every so many-th of ours is an erase."""
        self.worn[die] += self.slots // self.page_units
        if self.worn[die] >= self.block_pages:
            self.worn[die] -= self.block_pages
            self.erases += 1

    def _age(self, dies: int) -> None:
        """Write every unit of die 0 in order and twice as many at random (hashed, not drawn); the others are alike.

        Where in their wear the dies are is spread evenly, so that they do not all erase at once.
        """
        for number in range(3 * self.units):
            unit = number if number < self.units else scattered(number) % self.units
            self._place(0, unit)
            self.owed[0] += 1
            self.collect(0)
        self.host = self.moved = self.pages_read = self.pages_moved = self.erases = 0
        repeat(self.where, dies)
        repeat(self.owner, dies)
        repeat(self.valid, dies)
        repeat(self.next_slot, dies)
        repeat(self.victim, dies)
        repeat(self.scanned, dies)
        repeat(self.gathered, dies)
        self.erased = [list(self.erased[0]) for _ in range(dies)]
        for die in range(dies):
            self.worn[die] = die * self.block_pages // dies


def repeat(column: "array[int]", dies: int) -> None:
    """What the column has of die 0 is true of all the others."""
    of_a_die = len(column) // dies
    for place in range(of_a_die, len(column)):
        column[place] = column[place - of_a_die]


def scattered(number: int) -> int:
    """A whole number below 2^31 that looks as if it were drawn."""
    mixed = number * GOLDEN & LOW_31_BITS
    mixed ^= mixed >> 13
    mixed = mixed * MIXER & LOW_31_BITS
    return mixed ^ mixed >> 15
