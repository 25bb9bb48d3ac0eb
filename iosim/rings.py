"""A queue's descriptor rings: where frames wait for the driver, and where its own wait for the wire.

Neither ring is looked at when a frame arrives or leaves, only when somebody asks: what has happened by then is worked out,
in its order, with the instants at which it happened. Drops are exact all the same, as descriptors come free only by `refill`,
which works out first what arrived before it.
Source: semantics 6.1.
"""

from iosim.attribution import NO_REQUEST, RING
from iosim.frame_queue import FrameQueue
from iosim.frames import DATAGRAM, Frame

NEVER = -1


class RxRing:
    """Receive descriptors: `size` of them, `free` have an empty buffer. `coming` are frames that have yet to arrive.

    `dma` (ns) is the way from the card into memory, `dma_ps` ps more a byte; frames get there in their order. Simplified: the
    card has no memory of its own, and the bus is never the bottleneck.
    """

    def __init__(self, size: int, dma: int, dma_ps: int) -> None:
        if size < 1:
            raise ValueError(f"a ring of {size} descriptors; it needs at least 1")
        self.size = size
        self.free = size
        self.dma = dma
        self.dma_ps = dma_ps
        self.coming = FrameQueue()
        self.frames = FrameQueue()
        self.ready = 0  # when the last frame lies in memory
        self.received = 0
        self.dropped = 0  # no free descriptor; nobody is told (6.1.1)
        self.dropped_bytes = 0
        self.used_most = 0

    def expect(self, frame: Frame) -> None:
        """A frame will arrive, after those that are expected already."""
        ready = frame.arrived + self.dma + frame.size * self.dma_ps // 1000
        if ready < self.ready:
            ready = self.ready
        frame.ready = self.ready = ready
        self.coming.append(frame)

    def settle(self, now: int) -> None:
        """Work out what has arrived by `now`: into a free descriptor, or dropped."""
        coming = self.coming
        frames = self.frames
        while coming.count:
            frame = coming.at(0)
            if frame.arrived > now:
                break
            coming.pop()
            if self.free:
                self.free -= 1
                self.received += 1
                frames.append(frame)
            else:
                self.dropped += 1
                self.dropped_bytes += frame.size
                request = frame.request
                if frame.kind == DATAGRAM and request is not NO_REQUEST:
                    request.drop(RING, now)  # noticed now, as nobody was told when it arrived
        if self.size - self.free > self.used_most:
            self.used_most = self.size - self.free

    def first_ready(self) -> int:
        """When the oldest frame that waits or comes lies in memory, or NEVER. What comes may yet be dropped."""
        if self.frames.count:
            frame = self.frames.at(0)
        elif self.coming.count:
            frame = self.coming.at(0)
        else:
            return NEVER
        return frame.ready

    def ready_of(self, index: int) -> int:
        """The same of the frame that is so many places behind the oldest."""
        waiting = self.frames.count
        if index < waiting:
            frame = self.frames.at(index)
        elif index - waiting < self.coming.count:
            frame = self.coming.at(index - waiting)
        else:
            return NEVER
        return frame.ready

    def last_in_memory(self) -> int:
        """When the newest frame that waits lies in memory (ns); 0 without one."""
        if not self.frames.count:
            return 0
        frame = self.frames.at(self.frames.count - 1)
        return frame.ready

    def holds(self, now: int) -> bool:
        """Whether a frame lies in memory now."""
        self.settle(now)
        if not self.frames.count:
            return False
        frame = self.frames.at(0)
        return frame.ready <= now

    def take(self, most: int, now: int) -> list[Frame]:
        """The oldest frames that lie in memory, `most` at most (0: all); their descriptors stay empty until `refill`."""
        self.settle(now)
        frames = self.frames
        taken: list[Frame] = []
        while frames.count:
            frame = frames.at(0)
            if frame.ready > now or (most and len(taken) >= most):
                break
            taken.append(frame)
            frames.pop()
        return taken

    def refill(self, count: int, now: int) -> None:
        """The driver gives so many descriptors a buffer again."""
        self.settle(now)
        self.free += count


class TxRing:
    """Transmit descriptors: what the driver has handed over, and when it will have left. One a frame, cut or not."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a ring of {size} descriptors; it needs at least 1")
        self.size = size
        self.free = size
        self.frames = FrameQueue()
        self.sent = 0

    def put(self, frame: Frame, done: int) -> None:
        """A frame that will have left at `done` (ns)."""
        self.free -= 1
        frame.left = done
        self.frames.append(frame)

    def first_done(self) -> int:
        """When the oldest frame will have left, or NEVER."""
        if not self.frames.count:
            return NEVER
        frame = self.frames.at(0)
        return frame.left

    def take(self, now: int) -> list[Frame]:
        """Those that have left; their descriptors are free."""
        taken: list[Frame] = []
        frames = self.frames
        while frames.count:
            frame = frames.at(0)
            if frame.left > now:
                break
            frames.pop()
            taken.append(frame)
        self.free += len(taken)
        self.sent += len(taken)
        return taken
