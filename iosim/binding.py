"""How a protocol is bound to a card's driver: frames go up in batches, and down one at a time.

Source: semantics 6.1 (NDIS: protocols above a miniport). A driver and a protocol know each other by these alone.
"""

from iosim.frames import Frame
from iosim.processor import Processor


class FrameSink:
    """The protocol's side. All of it runs in the driver's DPC."""

    def cost(self, frames: list[Frame]) -> int:
        """Processor time (ns) that `indicate` takes for these frames, copies included that `frame.resources` asks for."""
        raise NotImplementedError

    def indicate(self, frames: list[Frame], processor: Processor) -> None:
        """Frames have arrived, and the time of all of them has been spent."""
        raise NotImplementedError

    def sent(self, frame: Frame) -> None:
        """A frame that was sent has left."""
        raise NotImplementedError


class FrameSource:
    """The driver's side."""

    def transmit_cost(self, frame: Frame) -> int:
        """Processor time (ns) of `transmit`, for the sender to spend."""
        raise NotImplementedError

    def large_send(self) -> int:
        """Payload (bytes) that `transmit` takes in one frame, to be cut where `segment` says; 0: none is ever cut."""
        return 0

    def transmit(self, frame: Frame, processor: int) -> None:
        """Send a frame from code on this processor; it waits in the driver if the ring is full."""
        raise NotImplementedError

    def keep(self, frame: Frame) -> None:
        """From `indicate`: the protocol keeps the frame's buffer for now; forbidden if `frame.resources` is set."""
        raise NotImplementedError

    def give_back(self, frame: Frame) -> None:
        """The protocol needs a buffer that it kept no longer."""
        raise NotImplementedError
