"""A tiny network: a card in a tiny machine whose every cost is 0 unless a test gives one."""

from collections.abc import Callable
from typing import Any

from tiny import Tiny

from iosim.binding import FrameSink
from iosim.devices.ndis import Miniport, NdisCosts, NdisParams
from iosim.frames import ACK, DATA, NO_HASH, TCP_IPV4, Frame, new_frame
from iosim.interrupts import Interrupt
from iosim.link import FrameReceiver, Link
from iosim.moderation import Moderation
from iosim.nic import Nic, NicParams, NicQueue
from iosim.processor import Processor
from iosim.rss import HashType, IndirectionTable, Rss, RssHash

GIGABIT = 1_000_000_000
HASH = RssHash()


def segment(
    flow: int = 0,
    sequence: int = 0,
    payload: int = 1000,
    *,
    hash: int = NO_HASH,
    pushed: int = 0,
    at: int = 0,
    kind: int = DATA,
    acknowledged: int = 0,
) -> Frame:
    """A TCP segment that arrives at a time."""
    frame = new_frame(kind, flow, payload, TCP_IPV4)
    frame.sequence = sequence
    frame.hash = hash
    frame.pushed = pushed
    frame.arrived = at
    frame.acknowledged = acknowledged
    frame.window = 65_536
    return frame


def acknowledgement(flow: int = 0, acknowledged: int = 0) -> Frame:
    """One without data."""
    return segment(flow, kind=ACK, payload=0, acknowledged=acknowledged)


class Far(FrameReceiver):
    """The far end of the card's wire."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def receive(self, frame: Frame) -> None:
        self.frames.append(frame)


def card(
    tiny: Tiny,
    processors: list[int],
    *,
    ring: int = 256,
    transmit_ring: int = 256,
    node: int = 0,
    buffer_node: int = -1,
    dma: int = 0,
    dma_ps: int = 0,
    moderation: Moderation | None = None,
    by_hash: bool = False,
    entries: int = 8,
    speed: int = GIGABIT,
) -> Nic:
    """A card whose table names these processors in turn; what has no hash goes to the first."""
    params = NicParams(ring, transmit_ring, node, buffer_node, dma, dma_ps, by_hash)
    table = IndirectionTable(entries, processors)
    rss = Rss(HASH, table, [HashType.TCP_IPV4], processors[0])
    link = Link(speed, 0)
    link.end = Far()
    topology = tiny.caches.topology
    return Nic(tiny.clock, params, topology, tiny.processors, rss, moderation or Moderation(), link)


class Watcher(Interrupt):
    """A driver with no DPC: its service routine takes all there is, and writes down when and how much."""

    def __init__(self, queue: NicQueue, tiny: Tiny, cost: int, takes: bool) -> None:
        super().__init__(cost)
        self.queue = queue
        self.tiny = tiny
        self.takes = takes

    def service(self, processor: Processor) -> None:
        queue = self.queue
        now = processor.clock.now
        queue.mask()
        frames = queue.rx.take(0, now) if self.takes else []
        sent = queue.tx.take(now)
        self.tiny.log.append((now, (processor.number, len(frames), len(sent))))
        if self.takes:
            queue.rx.refill(len(frames), now)
            queue.unmask()


def watch(tiny: Tiny, nic: Nic, cost: int = 0, takes: bool = True) -> None:
    """Give every queue such a driver; without `takes`, a queue stays masked after its first interrupt."""
    for queue in nic.queues:
        queue.vector = Watcher(queue, tiny, cost, takes)
        queue.unmask()


class Protocol(FrameSink):
    """Writes down what comes up and when; `cost` (ns) a frame, and what a test does with each batch in `then`."""

    def __init__(self, tiny: Tiny, cost: int = 0, then: Callable[[list[Frame]], object] = lambda frames: None) -> None:
        self.tiny = tiny
        self.ns = cost
        self.then = then
        self.frames: list[Frame] = []

    def cost(self, frames: list[Frame]) -> int:
        return self.ns * len(frames)

    def indicate(self, frames: list[Frame], processor: Processor) -> None:
        self.tiny.log.append((self.tiny.clock.now, (processor.number, len(frames))))
        self.frames.extend(frames)
        self.then(frames)

    def sent(self, frame: Frame) -> None:
        self.tiny.log.append((self.tiny.clock.now, f"sent {frame.sequence}"))


FREE = {"isr": 0, "dpc": 0, "receive": 0, "transmit": 0}


def miniport(tiny: Tiny, nic: Nic, sink: FrameSink, costs: dict[str, int] | None = None, **params: Any) -> Miniport:
    """A driver that has started."""
    driver = Miniport(nic, sink, NdisCosts(**{**FREE, **(costs or {})}), NdisParams(**params), tiny.caches)
    driver.start()
    return driver
