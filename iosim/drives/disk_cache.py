"""The buffer of a hard disk: segments of blocks that were read or written, and written pieces that wait for the media.

Reading: a segment holds one run of blocks; one of them, `growing`, is being read ahead. A miss takes the segment that
was not used for longest. Writing: a command ends once its data are in one of the write segments; each of those is one
run of blocks, and a write that goes on where one ends joins it.

Simplified: a write that covers part of a segment makes the segment end (or begin) there; a read that finds only a part
of itself in a written piece goes to the media for all of it.

Source: DiskSim's buffer parameters (segments, read-ahead, combining of sequential writes).
"""

from array import array

NONE = -1


class ReadSegments:
    """`starts` and `ends` by segment: the blocks it holds; `used` says when it was touched last (a count)."""

    def __init__(self, segments: int, size: int) -> None:
        empty = bytes(8 * segments)
        self.segments = segments
        self.size = size
        self.starts = array("q", empty)
        self.ends = array("q", empty)
        self.used = array("q", empty)
        self.touches = 0
        self.growing = NONE
        self.limit = 0  # where the growing one will stop

    def find(self, block: int) -> int:
        """The segment that holds a block, or that is being read ahead and will come to it; else NONE."""
        for segment in range(self.segments):
            comes = segment == self.growing and block <= self.limit
            if self.starts[segment] <= block and (block < self.ends[segment] or comes):
                return segment
        return NONE

    def touch(self, segment: int) -> None:
        """It is the last to be thrown out."""
        self.touches += 1
        self.used[segment] = self.touches

    def take(self, start: int, end: int) -> int:
        """Hold these blocks, as far as a segment can, in the place of those that were not used for longest."""
        oldest = 0
        for segment in range(1, self.segments):
            if self.used[segment] < self.used[oldest]:
                oldest = segment
        self.starts[oldest] = start
        self.ends[oldest] = start
        if self.growing == oldest:
            self.growing = NONE
        self.grow(oldest, end)
        self.touch(oldest)
        return oldest

    def grow(self, segment: int, end: int) -> None:
        """It holds the blocks up to `end` as well; what does not fit goes at the other side."""
        self.ends[segment] = end
        if end - self.starts[segment] > self.size:
            self.starts[segment] = end - self.size

    def drop(self, start: int, end: int) -> None:
        """These blocks are overwritten on the media: nothing older of them may be given out."""
        for segment in range(self.segments):
            if start < self.ends[segment] and end > self.starts[segment]:
                if start > self.starts[segment]:
                    self.ends[segment] = start
                elif end < self.ends[segment]:
                    self.starts[segment] = end
                else:
                    self.ends[segment] = self.starts[segment]
                if segment == self.growing:
                    self.growing = NONE


class WriteSegments:
    """Written pieces. `filling` counts the commands whose data are still coming; `waiting` lists those that are whole.

    In `waiting` stand numbers of jobs: `first_job` and the segment.

    Invariant: a piece is free (`ends` = `starts`), filling, in `waiting`, or on its way to the media (`moving`).
    """

    def __init__(self, segments: int, size: int, first_job: int) -> None:
        empty = bytes(8 * segments)
        self.segments = segments
        self.size = size
        self.first_job = first_job
        self.starts = array("q", empty)
        self.ends = array("q", empty)
        self.filling = array("q", empty)
        self.waiting: list[int] = []
        self.moving = NONE
        self.held = 0  # pieces that are not free

    def room(self, start: int, end: int) -> int:
        """The segment that can take these blocks: one that they lie in or go on, else a free one; NONE if none can."""
        free = NONE
        for segment in range(self.segments):
            first, last = self.starts[segment], self.ends[segment]
            if first == last:
                if free < 0:
                    free = segment
            elif segment != self.moving and first <= start <= last and end - first <= self.size:
                return segment
        return free

    def fill(self, segment: int, start: int, end: int) -> None:
        """The data of a command begin to come into a segment that has room for them."""
        if self.starts[segment] == self.ends[segment]:
            self.starts[segment] = start
            self.ends[segment] = end
            self.held += 1
        elif end > self.ends[segment]:
            self.ends[segment] = end
        self.filling[segment] += 1
        job = self.first_job + segment
        if self.filling[segment] == 1 and job in self.waiting:
            self.waiting.remove(job)

    def filled(self, segment: int) -> int:
        """A command's data are there; returns 1 if the piece is whole and waits for the media now."""
        self.filling[segment] -= 1
        if self.filling[segment]:
            return 0
        self.waiting.append(self.first_job + segment)
        return 1

    def written(self, segment: int) -> None:
        """The media have it."""
        self.moving = NONE
        self.ends[segment] = self.starts[segment]
        self.held -= 1

    def holds(self, start: int, end: int) -> int:
        """Whether all of these blocks are in one piece that the media do not have yet."""
        for segment in range(self.segments):
            if self.starts[segment] <= start and end <= self.ends[segment]:
                return 1
        return 0

    def forget(self) -> None:
        """Data that were still coming will not come; a piece that was begun keeps what the drive has promised."""
        for segment in range(self.segments):
            if self.filling[segment]:
                self.filling[segment] = 0
                self.waiting.append(self.first_job + segment)
