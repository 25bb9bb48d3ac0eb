"""The card and its driver beside exact formulas, a Monte Carlo of receive side scaling, and times that were measured."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from iosim.binding import FrameSink
from iosim.cache import Caches
from iosim.clock import make_clock
from iosim.devices.ndis import Miniport, NdisCosts, NdisParams
from iosim.frames import DATAGRAM, MSS_IPV4, TCP_IPV4, UDP_IPV4, Frame, new_frame
from iosim.link import FrameReceiver, Link
from iosim.moderation import DelayTimer, Moderation, ThrottleGap
from iosim.nic import Nic, NicParams
from iosim.numa import Topology
from iosim.processor import Processor, Scheduler
from iosim.rss import IndirectionTable, Rss, RssHash, parse_ipv4
from iosim.streams import StreamKey, exponential
from iosim.thread import DPC, IDLE_THREAD, ISR, Thread
from iosim.units import US, S
from iosim.verify import FULL, Row, Table

GIGABIT = 1_000_000_000
_EXACT = "exact"
_MONTE_CARLO = "Monte Carlo of another program, 20,000 draws (5,000 of 4,096 flows)"
_HOMA = "PlatformLab/HomaModule, perf.txt, note 32 (xl170, Linux 5.4.80)"

# Interval (us), frames a second -> interrupts a second, frames an interrupt, mean wait (us)
_THROTTLE = {
    (50, 10_000): (9_037.3, 1.107, 11.297),
    (50, 100_000): (19_973.1, 5.007, 24.966),
    (50, 1_488_000): (20_000.0, 74.4, 25.0),
    (125, 100_000): (8_000.0, 12.5, 62.5),
    (250, 100_000): (4_000.0, 25.0, 125.0),
}
# Delay (us), frames a second -> mean wait (us)
_DELAY = {
    (20, 10_000): 18.333,
    (20, 100_000): 13.333,
    (20, 500_000): 10.909,
    (125, 10_000): 90.278,
    (125, 100_000): 67.130,
    (125, 500_000): 63.484,
}
# Flows (0: as many as processors) -> largest share over the mean one, for 2, 4, 8 and 16 processors
_QUEUES = (2, 4, 8, 16)
_IMBALANCE = {
    0: (1.502, 2.126, 2.594, 3.08),
    16: (1.197, 1.536, 2.096, 3.08),
    64: (1.099, 1.261, 1.531, 1.972),
    128: (1.071, 1.184, 1.370, 1.670),
    1024: (1.025, 1.065, 1.128, 1.227),
    4096: (1.012, 1.033, 1.063, 1.112),
}
# (flows, processors) -> probability that one is idle, and how near both samples can be expected to be
_IDLE = {(2, 2): (0.502, 0.02), (4, 4): (0.910, 0.02), (16, 8): (0.690, 0.02), (64, 16): (0.233, 0.06)}
# (flows, processors) -> flows on the busiest one, processors that have any
_SEQUENTIAL = {(8, 4): (4, 2), (8, 8): (2, 4), (64, 4): (16, 4), (64, 8): (8, 8), (256, 4): (64, 4), (256, 8): (32, 8)}


def tables(effort: str) -> Iterator[Table]:
    """The wire, both kinds of moderation, receive side scaling, time by stage."""
    frames = 400_000 if effort == FULL else 100_000
    tolerance = 0.005 if effort == FULL else 0.01
    yield wire()
    yield throttle(frames, tolerance)
    yield delay(frames, tolerance)
    yield imbalance()
    yield sequential_ports()
    yield stages()


# ---- a card, its driver and a processor that does nothing else ------------------------------------------------------


class NoThreads(Scheduler):
    """A processor under it serves interrupts and DPCs alone."""

    def next_ready(self, processor: Processor) -> Thread:
        """None."""
        return IDLE_THREAD

    def left_idle(self, processor: Processor) -> None:
        """Nobody asks."""


class Waits(FrameSink):
    """A protocol that takes `ns` a frame, and sums how long frames have waited."""

    def __init__(self, ns: int) -> None:
        self.ns = ns
        self.frames = 0
        self.waited = 0

    def cost(self, frames: list[Frame]) -> int:
        """The same for all."""
        return self.ns * len(frames)

    def indicate(self, frames: list[Frame], processor: Processor) -> None:
        """Here they are."""
        now = processor.clock.now
        self.frames += len(frames)
        self.waited += sum(now - frame.arrived for frame in frames)

    def sent(self, frame: Frame) -> None:
        """None is."""


class Rig:
    """One card, one queue, one processor; frames arrive at these instants (ns)."""

    def __init__(self, moderation: Moderation, costs: NdisCosts, protocol: int, arrivals: list[int]) -> None:
        self.clock = make_clock()
        topology = Topology(1, 1)
        self.processor = Processor(self.clock, 0, 0, NoThreads())
        rss = Rss(RssHash(), IndirectionTable(1, [0]), [])
        params = NicParams(4096, 16, 0, -1, 0, 0, False)
        link = Link(GIGABIT, 0)
        self.nic = Nic(self.clock, params, topology, [self.processor], rss, moderation, link)
        self.sink = Waits(protocol)
        caches = Caches(topology, 0, 0, 0, 0)
        self.miniport = Miniport(self.nic, self.sink, costs, NdisParams(coalescing=False), caches)
        self.miniport.start()
        for at in arrivals:
            frame = new_frame(DATAGRAM, 0, 1000, UDP_IPV4)
            frame.arrived = at
            self.nic.receive(frame)
        self.clock.run(10 * len(arrivals))
        self.interrupts = self.nic.queues[0].interrupts


def poisson(rate: int, count: int) -> list[int]:
    """Instants (ns) of so many arrivals."""
    draw = exponential(S / rate)
    key = StreamKey(1, 0, f"arrivals.{rate}")
    blocks = [draw(key.uniforms(number, 12)) for number in range(-(-count // 4096))]
    instants = np.rint(np.cumsum(np.concatenate(blocks)[:count])).astype(np.int64)
    return [int(instant) for instant in instants]


FREE = {"isr": 0, "dpc": 0, "receive": 0}


def moderated(moderation: Moderation, rate: int, frames: int) -> tuple[float, float, float]:
    """Interrupts a second, frames an interrupt and mean wait (us) of Poisson arrivals at a driver that takes no time."""
    arrivals = poisson(rate, frames)
    rig = Rig(moderation, NdisCosts(**FREE), 0, arrivals)
    seconds = rig.clock.now / S
    return rig.interrupts / seconds, rig.sink.frames / rig.interrupts, rig.sink.waited / rig.sink.frames / US


# ---- the tables ------------------------------------------------------------------------------------------------------


class Drain(FrameReceiver):
    """A far end that wants nothing."""

    def receive(self, frame: Frame) -> None:
        """Gone."""


def wire() -> Table:
    """How many frames of two sizes a link of 1 Gbit/s carries."""
    rows = []
    for payload, published in ((0, 1_488_095), (MSS_IPV4, 81_274)):
        link = Link(GIGABIT, 0)
        link.end = Drain()
        frame = new_frame(DATAGRAM, 0, payload, TCP_IPV4)
        count = 1000
        last = max(link.carry(frame, 0) for _ in range(count))
        what = f"frames of {frame.size} bytes"
        rows.append(Row(what, "/s", count * S / last, published, 0.0001, "IEEE 802.3, by arithmetic"))
    return Table("A link of 1 Gbit/s", rows, "Preamble, check sequence and gap add 24 bytes to each frame.")


def throttle(frames: int, tolerance: float) -> Table:
    """A throttle gap: cycle = T + e^(-LT)/L."""
    rows = []
    for (gap, rate), published in _THROTTLE.items():
        found = moderated(ThrottleGap(gap * US), rate, frames)
        names = (("interrupts", "/s"), ("batch", ""), ("wait", "us"))
        for (name, unit), model, expected in zip(names, found, published, strict=True):
            rows.append(Row(f"{gap} us, {rate // 1000}k/s: {name}", unit, model, expected, tolerance, _EXACT))
    note = (
        f"{frames:,} Poisson arrivals a line; interrupts at least so far apart, the first after a pause at once;"
        " interrupts and driver take no time. Batches differ by as much as the drawn rate does."
    )
    return Table("Interrupt moderation: throttle gap", rows, note)


def delay(frames: int, tolerance: float) -> Table:
    """A delay timer that the first frame arms: cycle = T + 1/L."""
    rows = []
    for (time, rate), published in _DELAY.items():
        interrupts, _batch, wait = moderated(DelayTimer(time * US, 0), rate, frames)
        expected = 1e6 / (time + 1e6 / rate)
        what = f"{time} us, {rate // 1000}k/s"
        rows.append(Row(f"{what}: interrupts", "/s", interrupts, expected, tolerance, _EXACT))
        rows.append(Row(f"{what}: wait", "us", wait, published, tolerance, _EXACT))
    note = f"{frames:,} Poisson arrivals a line; the first frame arms the timer; interrupts and driver take no time."
    return Table("Interrupt moderation: delay timer", rows, note)


def imbalance() -> Table:
    """Flows with hashes drawn uniformly, over a table of 128 entries filled round robin."""
    rows = []
    for flows, published in _IMBALANCE.items():
        for processors, expected in zip(_QUEUES, published, strict=True):
            number = flows or processors
            counts = spread(number, processors, 5_000 if number == 4096 else 20_000)
            largest = float(counts.max(axis=1).mean()) * processors / number
            what = f"{number} flows on {processors} processors"
            rows.append(Row(what, "", largest, expected, 0.02, _MONTE_CARLO))
            if (number, processors) in _IDLE and flows == (0 if number == processors else number):
                idle, tolerance = _IDLE[number, processors]
                found = float((counts.min(axis=1) == 0).mean())
                rows.append(Row(f"{what}: idle one", "", found, idle, tolerance, _MONTE_CARLO))
    note = (
        "The busiest processor's share over the mean one, equal flows; a table of 128 entries. The speed-up on q"
        " processors is q divided by it. Probabilities that a processor has no flow are beside it where they count."
    )
    return Table("Receive side scaling: hash luck", rows, note)


def spread(flows: int, processors: int, draws: int) -> NDArray[np.int64]:
    """How many flows each processor gets, a row a draw."""
    entries = np.array(IndirectionTable(128, list(range(processors))).entries)
    key = StreamKey(1, 0, f"hashes.{flows}.{processors}")
    block = 1 << 16
    rows_a_block = block // flows
    found = []
    for number in range(-(-draws // rows_a_block)):
        hashes = (key.uniforms(number, 16) * 2.0**32).astype(np.int64)
        chosen = entries[hashes & 127][: rows_a_block * flows].reshape(rows_a_block, flows)
        row = np.arange(rows_a_block)[:, None] * processors
        counts = np.bincount((chosen + row).ravel(), minlength=rows_a_block * processors)
        found.append(counts.reshape(rows_a_block, processors))
    return np.concatenate(found)[:draws]


def sequential_ports() -> Table:
    """One client's consecutive ports: the hash is linear, so they are no random sample."""
    rows = []
    for (flows, processors), (most, used) in _SEQUENTIAL.items():
        counts = ports_on(flows, processors)
        what = f"{flows} ports on {processors} processors"
        source = "computed from the published key"
        rows.append(Row(f"{what}: most", "", max(counts), most, 0, source))
        rows.append(Row(f"{what}: used", "", sum(count > 0 for count in counts), used, 0, source))
    note = "192.168.1.10, ports from 49152, to 192.168.1.1:445; Microsoft's key, a table of 128 entries."
    return Table("Receive side scaling: sequential ports", rows, note)


def ports_on(flows: int, processors: int) -> list[int]:
    """How many of the client's connections each processor gets."""
    table = IndirectionTable(128, list(range(processors)))
    hashed = RssHash()
    client, server = parse_ipv4("192.168.1.10"), parse_ipv4("192.168.1.1")
    counts = [0] * processors
    for port in range(49152, 49152 + flows):
        counts[table.processor_of(hashed.hash_tcp_ipv4(client, server, port, 445))] += 1
    return counts


def stages() -> Table:
    """Frames one at a time and in batches of 64 through a driver with default costs and a protocol of 305 + 455 ns."""
    protocol = 305 + 455
    count = 640
    lone = Rig(Moderation(), NdisCosts(), protocol, [at * 100 * US for at in range(1, count + 1)])
    batches = [at * 1000 * US + frame for at in range(1, count // 64 + 1) for frame in range(64)]
    batched = Rig(DelayTimer(10 * US, 0), NdisCosts(), protocol, batches)
    isr, dpc = (lone.processor.account[kind] / count for kind in (ISR, DPC))
    rows = [
        Row("interrupt to driver", "ns", isr, 560, 0.1, _HOMA),
        Row("driver's poll of one frame", "ns", dpc - protocol, 560, 0.1, _HOMA),
        Row("IP and protocol", "ns", protocol, 305 + 455, 0.1, _HOMA),
        Row("interrupt to protocol's end", "ns", isr + dpc, 560 + 560 + 305 + 455, 0.1, _HOMA),
        Row(
            "driver, a frame in a batch of 64",
            "ns",
            batched.processor.account[DPC] / count - protocol,
            200 + 150,
            0.1,
            f"{_HOMA.split(',')[0]}, note 15",
        ),
    ]
    note = (
        "Costs are the driver's defaults, taken from the same source: the table says that they arrive where they"
        " should. Left out: the hand-over to another core (480), which NDIS does not do."
    )
    return Table("Processor time of a received frame", rows, note)
