"""A plain way from one host to another: a link with a bandwidth and a delay, and at its end a host.

For programs and tests that need no card: loopback, or peers that are modelled without a machine. At a machine's end frames
come up in a DPC of one processor, as from a card without moderation; a modelled peer has none, and gets them when they arrive.
What a card and its driver add stands in nic.py and devices/ndis.py.
"""

from iosim.actor import DEVICE, Actor, Clock
from iosim.attribution import DPC_WAIT, KERNEL, LINK, NO_REQUEST, PROPAGATION
from iosim.binding import FrameSource
from iosim.dpc import Dpc
from iosim.frame_queue import FrameQueue
from iosim.frames import Frame
from iosim.interrupts import Interrupt
from iosim.link import FrameReceiver, Link
from iosim.processor import Processor
from iosim.tcp import Host


class PathCosts:
    """Processor time (ns): `send` of a frame for its sender; where one arrives `isr`, and `dpc` for each run."""

    def __init__(self, send: int = 0, isr: int = 0, dpc: int = 0) -> None:
        self.send = send
        self.isr = isr
        self.dpc = dpc


FREE = PathCosts()


class PlainPath(FrameSource):
    """One direction. `losses`: numbers of the frames that get lost, the first one is 0; `sent_frames` counts them."""

    def __init__(self, clock: Clock, link: Link, costs: PathCosts = FREE) -> None:
        self.clock = clock
        self.link = link
        self.costs = costs
        self.losses: set[int] = set()
        self.sent_frames = 0

    def transmit_cost(self, frame: Frame) -> int:
        """The same for all."""
        return self.costs.send

    def transmit(self, frame: Frame, processor: int) -> None:
        """Onto the link; what is going to be lost takes its place there, too."""
        if self.losses and self.sent_frames in self.losses:
            end = self.link.end
            self.link.end = NOWHERE
            self.link.carry(frame, self.clock.now)
            self.link.end = end
        else:
            self.link.carry(frame, self.clock.now)
        self.sent_frames += 1

    def keep(self, frame: Frame) -> None:
        """There are buffers enough."""

    def give_back(self, frame: Frame) -> None:
        """The same."""


class SwiftLink(Link):
    """One with a delay only: frames take no time to be sent."""

    def __init__(self, propagation: int) -> None:
        super().__init__(1, propagation)

    def carry(self, frame: Frame, ready: int) -> int:
        """It leaves when it can."""
        if not self.up:
            self.lose(frame, ready)
            return ready
        self.frames += 1
        self.bytes += frame.size
        frame.arrived = ready + self.propagation
        end = self.end
        end.receive(frame)
        return ready


class Nowhere(FrameReceiver):
    """Where lost frames go."""

    def receive(self, frame: Frame) -> None:
        """Nothing."""


NOWHERE = Nowhere()


class PathEnd(FrameReceiver):
    """Frames on their way, in the order of their arrival."""

    def __init__(self, clock: Clock, propagation: int, host: Host) -> None:
        self.clock = clock
        self.propagation = propagation
        self.host = host
        self.frames = FrameQueue()
        self.alarm = ArrivalAlarm(self)

    def receive(self, frame: Frame) -> None:
        """One more; it is there later, or now."""
        self.frames.append(frame)
        self.clock.at(frame.arrived - self.clock.now, DEVICE, self.alarm, 0)

    def arrived(self) -> None:
        """The oldest is there."""
        frame = self.frames.pop()
        request = frame.request
        if request is not NO_REQUEST:
            request.travels(LINK, frame.arrived - self.propagation)
            request.travels(PROPAGATION, frame.arrived)
        self.deliver(frame)

    def deliver(self, frame: Frame) -> None:
        """To a peer without processors."""
        host = self.host
        host.arrive(frame, 0)


class ArrivalAlarm(Actor):
    """Calls when a frame is there."""

    def __init__(self, end: PathEnd) -> None:
        super().__init__()
        self.end = end

    def fire(self, what: int) -> None:
        """Now."""
        end = self.end
        end.arrived()


class MachineEnd(PathEnd):
    """The end at a machine: an interrupt of one processor, whose DPC takes all that has arrived."""

    def __init__(
        self, clock: Clock, propagation: int, host: Host, processor: Processor, costs: PathCosts = FREE
    ) -> None:
        super().__init__(clock, propagation, host)
        self.processor = processor
        self.costs = costs
        self.there: list[Frame] = []
        self.vector = ArrivalVector(costs.isr, ArrivalDpc(self))

    def deliver(self, frame: Frame) -> None:
        """To the DPC."""
        self.there.append(frame)
        processor = self.processor
        processor.raise_interrupt(self.vector)


class ArrivalVector(Interrupt):
    """Asks for the DPC."""

    def __init__(self, cost: int, dpc: "ArrivalDpc") -> None:
        super().__init__(cost)
        self.dpc = dpc

    def service(self, processor: Processor) -> None:
        """On this processor."""
        processor.queue_dpc(self.dpc)


class ArrivalDpc(Dpc):
    """Hands frames to the host, its protocol's time included (semantics 6.1.6)."""

    def __init__(self, end: MachineEnd) -> None:
        super().__init__()
        self.machine_end = end
        self.batch: list[Frame] = []

    def begin(self, processor: Processor) -> int:
        """The time of all that is there."""
        end = self.machine_end
        host = end.host
        self.batch = end.there
        end.there = []
        for frame in self.batch:
            if frame.request is not NO_REQUEST:
                frame.request.travels(DPC_WAIT, end.clock.now)
        return end.costs.dpc + host.cost(self.batch)

    def end(self, processor: Processor) -> None:
        """The host's."""
        batch = self.batch
        self.batch = []
        end = self.machine_end
        host = end.host
        now = end.clock.now
        for frame in batch:
            if frame.request is not NO_REQUEST:
                frame.request.travels(KERNEL, now)
        host.indicate(batch, processor)


def plain_path(
    clock: Clock, bits_per_second: int, propagation: int, end: PathEnd, costs: PathCosts = FREE
) -> PlainPath:
    """A path to this end; 0 bit/s: as fast as may be."""
    link = Link(bits_per_second, propagation) if bits_per_second else SwiftLink(propagation)
    link.end = end
    return PlainPath(clock, link, costs)
