"""A wire between two cards, one direction of it: frames leave one after the other and arrive a while later.

Everything is computed when a frame is handed over: the far end is given it at once, with the instant at which its last bit
will have arrived, so that a frame in flight costs no event of the clock.
Source of the overhead: IEEE 802.3 (preamble and start 8 bytes, check sequence 4, gap between frames 12): the shortest frame
takes 84 byte times, and 1 Gbit/s carries 1,488,095 of them a second, or 81,274 of 1514 bytes.
"""

from iosim.attribution import LINK, NO_REQUEST
from iosim.frames import DATAGRAM, WIRE_OVERHEAD, Frame

PS = 1000  # in a ns
BITS_AND_PS = 8 * 10**12


class FrameReceiver:
    """The far end of a wire."""

    def receive(self, frame: Frame) -> None:
        """A frame is on its way; its last bit arrives at `frame.arrived`, now or later, after those of earlier ones."""
        raise NotImplementedError


NO_RECEIVER = FrameReceiver()


class Link:
    """One direction; `propagation` in ns. Invariant: frames arrive in the order in which they were handed over.

    Time is kept in ps (64 bits hold 106 days): a byte at 10 Gbit/s takes 800. `busy_ps`: all the time in which it was sending.
    """

    def __init__(self, bits_per_second: int, propagation: int) -> None:
        if bits_per_second < 1 or bits_per_second > BITS_AND_PS:
            raise ValueError(f"a link of {bits_per_second} bit/s; 1 to {BITS_AND_PS} can be had")
        self.ps_per_byte = BITS_AND_PS // bits_per_second
        self.propagation = propagation
        self.end = NO_RECEIVER
        self.up = True
        self.free_ps = 0
        self.busy_ps = 0
        self.frames = 0
        self.bytes = 0
        self.lost = 0  # handed over while the link was down

    def carry(self, frame: Frame, ready: int) -> int:
        """Send a frame that can leave at `ready` (ns) at the earliest; returns when its last bit has left."""
        time = (frame.size + WIRE_OVERHEAD) * self.ps_per_byte
        begun = ready * PS
        if self.free_ps > begun:
            begun = self.free_ps
        self.free_ps = begun + time
        left = -(-self.free_ps // PS)
        if not self.up:
            self.lose(frame, left)
            return left
        self.busy_ps += time
        self.frames += 1
        self.bytes += frame.size
        frame.arrived = left + self.propagation
        self.end.receive(frame)
        return left

    def lose(self, frame: Frame, left: int) -> None:
        """A frame that would have left at `left` (ns) is lost; nobody will send a datagram again."""
        self.lost += 1
        request = frame.request
        if frame.kind == DATAGRAM and request is not NO_REQUEST:
            request.drop(LINK, left)
