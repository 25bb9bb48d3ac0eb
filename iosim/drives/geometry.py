"""Where the sectors of a hard disk lie: zones of cylinders with equally many sectors a track, skews, spare sectors.

Sectors are laid out cylinder by cylinder, head by head. Every track begins a skew later than the one before it, so that
a read running over its end does not wait for a revolution; every zone begins at angle 0 again. Spare sectors lie at the
end of every `spare_cylinders` cylinders of a zone, or at the zone's end; cylinders between two zones are not used.

Simplified: no defects, so no sector has slipped. On the three measured drives 32 to 594 of millions have; each moves the
sectors behind it in its zone by one.

Source: DiskSim's layout model (zones, skews, spares), semantics 4.4.
"""

from array import array
from bisect import bisect_right
from dataclasses import dataclass

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Zone:
    """Cylinders `first` to `last` (-1: up to the next zone) with `sectors` a track.

    The skews are ns of rotation by which the next track of a cylinder begins later, and a cylinder's first track after
    the last of the one before.
    """

    first: int
    sectors: int
    track_skew: int = 0
    cylinder_skew: int = 0
    last: int = -1
    spares: int = 0
    spare_cylinders: int = 0


def sector_skew(sectors: int, track: int, revolution: int) -> int:
    """ns in which so many sectors of a track pass, `track` being all of its sectors."""
    return sectors * revolution // track


def last_cylinders(zones: tuple[Zone, ...], cylinders: int) -> list[int]:
    """The last cylinder of each zone."""
    following = [zone.first - 1 for zone in zones[1:]] + [cylinders - 1]
    return [zone.last if zone.last >= 0 else last for zone, last in zip(zones, following, strict=True)]


def check_zones(zones: tuple[Zone, ...], cylinders: int, heads: int) -> None:
    """Raises ValueError for zones that no disk of this size has."""
    firsts = [zone.first for zone in zones]
    if not zones or firsts[0] != 0 or firsts[-1] >= cylinders or firsts != sorted(set(firsts)):
        raise ValueError(f"zones: first cylinders must begin at 0, rise, and stay below {cylinders}; they are {firsts}")
    limits = [*firsts[1:], cylinders]
    for zone, last, limit in zip(zones, last_cylinders(zones, cylinders), limits, strict=True):
        if not zone.first <= last < limit:
            raise ValueError(f"zones: the one of cylinder {zone.first} ends at {last}; {zone.first} to {limit - 1} is")
        if zone.sectors < 1 or min(zone.track_skew, zone.cylinder_skew, zone.spares, zone.spare_cylinders) < 0:
            raise ValueError(f"zones: the one of cylinder {zone.first} has a number below its least")
        every = zone.spare_cylinders or last - zone.first + 1
        if zone.spares >= every * heads * zone.sectors:
            raise ValueError(f"zones: the one of cylinder {zone.first} has {zone.spares} spares and nothing else")


class Geometry:
    """From a block's number to cylinder, head, sector and angle.

    `locate` leaves its answer in `cylinder`, `head`, `sector`, `sectors` (of the track), `index_mark` (ns of rotation by
    which the track begins later than its zone's first), `run`: blocks from there on that lie together on the track, and
    `left`: blocks up to the next spare sectors.
    """

    def __init__(self, zones: tuple[Zone, ...], cylinders: int, heads: int, revolution: int) -> None:
        lasts = last_cylinders(zones, cylinders)
        every = [zone.spare_cylinders or last - zone.first + 1 for zone, last in zip(zones, lasts, strict=True)]
        self.heads = heads
        self.revolution = revolution
        self.first_cylinders = array("q", [zone.first for zone in zones])
        self.track_sectors = array("q", [zone.sectors for zone in zones])
        self.range_tracks = array("q", [cylinders * heads for cylinders in every])
        self.range_blocks = array("q", [c * heads * z.sectors - z.spares for c, z in zip(every, zones, strict=True)])
        self.track_skews = array("q", [zone.track_skew for zone in zones])
        self.cylinder_turns = array("q", [(heads - 1) * zone.track_skew + zone.cylinder_skew for zone in zones])
        self.first_blocks = [0]
        for zone, last, blocks, cylinders in zip(zones, lasts, self.range_blocks, every, strict=True):
            ranges, rest = divmod(last - zone.first + 1, cylinders)
            tail = max(0, rest * heads * zone.sectors - zone.spares)
            self.first_blocks.append(self.first_blocks[-1] + ranges * blocks + tail)
        self.blocks = self.first_blocks.pop()
        self.cylinder = 0
        self.head = 0
        self.sector = 0
        self.sectors = 0
        self.index_mark = 0
        self.run = 0
        self.left = 0

    def cylinder_end(self, block: int) -> int:
        """The first block that is on another cylinder than `block`."""
        self.locate(block)
        rest = self.run + (self.heads - 1 - self.head) * self.sectors
        return block + (rest if rest < self.left else self.left)

    def locate(self, block: int) -> None:
        """Find a block; see above for where the answer is."""
        zone = bisect_right(self.first_blocks, block) - 1
        block -= self.first_blocks[zone]
        sectors = self.track_sectors[zone]
        size = self.range_blocks[zone]
        place = block // size
        block -= place * size
        track = block // sectors
        sector = block - track * sectors
        run = sectors - sector
        if run > size - block:
            run = size - block
        track += place * self.range_tracks[zone]
        cylinder = track // self.heads
        head = track - cylinder * self.heads
        turn = cylinder * self.cylinder_turns[zone] + head * self.track_skews[zone]
        self.cylinder = cylinder + self.first_cylinders[zone]
        self.head = head
        self.sector = sector
        self.sectors = sectors
        self.index_mark = turn % self.revolution
        self.run = run
        self.left = size - block
