"""A miniport over a network card: what its interrupts do, and how frames come up to a protocol and go down from it.

The service routine masks its vector and queues the DPC on the same processor. A run of the DPC takes what lies in memory by
then, up to the budget, and completes what has left; the time of all of it, the protocol's included, is charged in one
stretch, and at its end the frames go up together. If more has come meanwhile, or the budget was too small, the DPC is queued
again behind whatever waits, the vector still masked; else it is unmasked, which looks at the ring once more (semantics
6.1.5). So an interrupt costs the clock three events (a look, the end of the service routine, the end of the DPC), however
many frames it is for.
Source: semantics 6.1, 6.4, 0b.25, 0b.26; costs: numbers 2. Simplified: a protocol keeps no frame's buffer unless it says so.
"""

from iosim.attribution import DMA, DPC_WAIT, KERNEL, LINK, MODERATION, NO_REQUEST, PROPAGATION, REMOTE_MEMORY, RING
from iosim.binding import FrameSink, FrameSource
from iosim.cache import Caches
from iosim.dpc import MEDIUM, MEDIUM_HIGH, Dpc
from iosim.errors import BugCheck
from iosim.frame_queue import FrameQueue
from iosim.frames import Frame
from iosim.interrupts import Interrupt
from iosim.nic import Nic, NicQueue
from iosim.numa import NO_MEMORY, NodeMemory, lines_of
from iosim.processor import Processor
from iosim.receive_coalescing import coalesce
from iosim.rings import NEVER

INDICATE_ALL = 0  # NDIS_INDICATE_ALL_NBLS: what NDIS tells drivers as a rule, the limit being their own (0b.25, 75 %)
DESCRIPTOR = 16  # bytes: four to a line (Intel's 82599 data sheet)
ENDLESS = 1 << 40  # buffers, or descriptors: more than any run needs


class NdisCosts:
    """Processor time (ns); the defaults are of an xl170 (10-core Xeon, 25 Gbit/s card), Linux 5.4.80.

    `isr`: from the interrupt to the driver's poll, 560. `dpc`: a poll of one small frame takes 560, of which `receive`, per
    frame, is 350 (200 to describe it, 150 to look for segments to merge), and the rest is once a run. `merge`: more for a
    segment that is merged. `transmit`: IP and driver, 495. `sent`: per frame that has left; nobody published one alone.
    `touch`: what it takes to have a frame's headers in the cache from memory at home, more from afar; in `receive` unless
    given. `footprint`: bytes that a run brings into the caches. Source: numbers 2, notes 15 and 32 (PlatformLab/HomaModule's
    perf.txt).
    """

    def __init__(
        self,
        isr: int = 560,
        dpc: int = 210,
        receive: int = 350,
        merge: int = 0,
        transmit: int = 495,
        sent: int = 0,
        touch: int = 0,
        footprint: int = 0,
    ) -> None:
        self.isr = isr
        self.dpc = dpc
        self.receive = receive
        self.merge = merge
        self.transmit = transmit
        self.sent = sent
        self.touch = touch
        self.footprint = footprint


class NdisParams:
    """`budget`: frames that a run indicates at most. `buffers`: what the driver has beside those in a ring, for each queue.

    `large_send`: bytes of payload that the card cuts itself (LSO), 0: it does not.
    `message_signalled` False: one vector for all queues, on the first one's processor, and DPCs aimed at the others (0b.26).
    """

    def __init__(
        self,
        budget: int = INDICATE_ALL,
        buffers: int = ENDLESS,
        coalescing: bool = True,
        message_signalled: bool = True,
        large_send: int = 0,
    ) -> None:
        self.budget = budget
        self.buffers = buffers
        self.coalescing = coalescing
        self.message_signalled = message_signalled
        self.large_send = large_send


class Miniport(FrameSource):
    """The driver of one card, bound to one protocol; `start` unmasks the card's vectors.

    Counters: `indicated` frames after coalescing, `merged` segments that vanished in others, `low` frames that had to be
    copied for lack of buffers, `runs` of DPCs and `requeued` ones, `waiting_most` frames for a transmit ring. `propagation`
    (ns) is that of the wire to the card.
    """

    def __init__(self, nic: Nic, sink: FrameSink, costs: NdisCosts, params: NdisParams, caches: Caches) -> None:
        self.clock = nic.clock
        self.nic = nic
        self.sink = sink
        self.costs = costs
        self.params = params
        self.caches = caches
        self.propagation = 0
        self.memory = NO_MEMORY
        self.kept = 0
        self.buffers = params.buffers * len(nic.queues)
        self.indicated = 0
        self.merged = 0
        self.low = 0
        self.runs = 0
        self.requeued = 0
        self.waiting_most = 0
        self.waiting = [FrameQueue() for _ in nic.queues]
        self.dpcs = [ReceiveDpc(self, queue) for queue in nic.queues]
        if not params.message_signalled:
            line = LineVector(costs.isr, self.dpcs)
            for dpc in self.dpcs:
                dpc.queue.interrupted = nic.queues[0].processor
                dpc.bind(line, MEDIUM_HIGH)  # so that it starts there at once (7.6.3)
                dpc.aim(dpc.queue.processor)
        else:
            for dpc in self.dpcs:
                dpc.bind(QueueVector(costs.isr, dpc), MEDIUM)

    def set_memory(self, memory: NodeMemory) -> None:
        """From now on it matters on which node descriptors and buffers lie.

        Simplified: a service routine takes one line of each queue that it looks at, at an idle machine's price.
        """
        self.memory = memory
        for dpc in self.dpcs:
            queue = dpc.queue
            node = queue.interrupted.node
            vector = dpc.vector
            excess = memory.idle_chase(1, node, queue.node) - memory.idle_chase(1, node, node)
            vector.remote += max(0, excess)
            vector.cost += max(0, excess)

    def start(self) -> None:
        """From now on the card may interrupt."""
        for queue in self.nic.queues:
            queue.unmask()

    def transmit_cost(self, frame: Frame) -> int:
        """One descriptor, whether the card cuts the frame or not."""
        return self.costs.transmit

    def large_send(self) -> int:
        """As much as the card is told to take (LSO)."""
        return self.params.large_send

    def transmit(self, frame: Frame, processor: int) -> None:
        """Into the ring, or behind what waits for it."""
        queue = self.nic.transmit_queue(frame, processor)
        waiting = self.waiting[queue.number]
        if waiting.count or not self.nic.transmit(queue, frame):
            waiting.append(frame)
            if waiting.count > self.waiting_most:
                self.waiting_most = waiting.count

    def send_waiting(self, queue: NicQueue) -> None:
        """Descriptors have come free."""
        waiting = self.waiting[queue.number]
        while waiting.count and self.nic.transmit(queue, waiting.at(0)):
            waiting.pop()

    def keep(self, frame: Frame) -> None:
        """Its buffers are not the driver's for now."""
        if frame.resources:
            what = f"a protocol kept a frame of flow {frame.flow} that it had to copy"
            raise BugCheck("BUGCODE_NDIS_DRIVER", self.clock.now, what)
        self.kept += segments(frame)

    def give_back(self, frame: Frame) -> None:
        """Its buffers are the driver's again."""
        self.kept -= segments(frame)


class ReceiveVector(Interrupt):
    """A vector of the card's; `remote` (ns) of its cost is for memory of another node."""

    def __init__(self, cost: int) -> None:
        self.cost = cost
        self.pending = False
        self.remote = 0

    def finished(self, queue: NicQueue) -> None:
        """The DPC of a queue found nothing left to do."""
        raise NotImplementedError


class QueueVector(ReceiveVector):
    """One queue's vector, on that queue's processor (MSI-X)."""

    def __init__(self, cost: int, dpc: "ReceiveDpc") -> None:
        super().__init__(cost)
        self.dpc = dpc

    def service(self, processor: Processor) -> None:
        """Mask this vector only, and ask for the DPC here (6.1.4)."""
        dpc = self.dpc
        here = processor
        dpc.queue.mask()
        here.queue_dpc(dpc)

    def finished(self, queue: NicQueue) -> None:
        """The queue may interrupt again."""
        queue.unmask()


class LineVector(ReceiveVector):
    """One vector for all queues: masked together, and until the DPCs of all that had something are through."""

    def __init__(self, cost: int, dpcs: "list[ReceiveDpc]") -> None:
        super().__init__(cost)
        self.dpcs = dpcs
        self.working = 0

    def service(self, processor: Processor) -> None:
        """Ask for the DPC of every queue that has something, on that queue's processor."""
        now = processor.clock.now
        for dpc in self.dpcs:
            dpc.queue.mask()
        for dpc in self.dpcs:
            if has_work(dpc.queue, now):
                self.working += 1
                processor.queue_dpc(dpc)
        if not self.working:
            self._unmask()

    def finished(self, queue: NicQueue) -> None:
        """The last one unmasks them all."""
        self.working -= 1
        if not self.working:
            self._unmask()

    def _unmask(self) -> None:
        for dpc in self.dpcs:
            dpc.queue.unmask()


class ReceiveDpc(Dpc):
    """Takes frames from one queue and hands them on."""

    def __init__(self, miniport: Miniport, queue: NicQueue) -> None:
        super().__init__()
        self.miniport = miniport
        self.queue = queue
        self.frames: list[Frame] = []  # of this run, as they came
        self.units: list[Frame] = []  # and as they go up
        self.left: list[Frame] = []  # those that were sent
        topology = miniport.caches.topology
        self.touch = topology.remote_ns(miniport.costs.touch, queue.processor.node, queue.node)
        self.remote = 0  # ns of this run that its memory took more than at home
        self.raised = NEVER  # the interrupt of an earlier run
        self.vector: ReceiveVector

    def bind(self, vector: ReceiveVector, importance: int) -> None:
        """This vector asks for the DPC."""
        self.vector = vector
        self.queue.vector = vector
        self.importance = importance

    def begin(self, processor: Processor) -> int:
        """Take what lies there; the time for it, the protocol's included."""
        miniport = self.miniport
        costs = miniport.costs
        queue = self.queue
        now = miniport.clock.now
        self.frames = queue.rx.take(miniport.params.budget, now)
        self.left = queue.tx.take(now)
        size = self._explain(now)
        self.units = coalesce(self.frames) if miniport.params.coalescing else self.frames
        merged = len(self.frames) - len(self.units)
        time = costs.dpc + len(self.frames) * (costs.receive + self.touch) + merged * costs.merge
        time += len(self.left) * costs.sent
        waiting = miniport.waiting[queue.number]
        time += min(waiting.count, len(self.left)) * costs.transmit
        queue.moderation.served(len(self.frames) + len(self.left), size)
        miniport.runs += 1
        miniport.merged += merged
        if costs.footprint:
            miniport.caches.fill(processor.number, costs.footprint)
        if miniport.memory is NO_MEMORY:
            return time + self._protocol_time()
        return time + self._reach(now, processor.node) + self._protocol_time_from(processor.node)

    def _reach(self, now: int, node: int) -> int:
        """What descriptors and headers take more than at home (ns): a header is looked at where a descriptor says."""
        memory = self.miniport.memory
        memory.spent = 0
        count = len(self.frames)
        self.remote = memory.chase_excess(now, count + lines_of(count * DESCRIPTOR), node, self.queue.node)
        return self.remote

    def _protocol_time_from(self, node: int) -> int:
        """`_protocol_time`, with the protocol told where the frames lie, and who copies them."""
        memory = self.miniport.memory
        memory.here = node
        memory.there = self.queue.node
        before = memory.excess_ns
        time = self._protocol_time()
        self.remote += memory.excess_ns - before
        return time

    def _protocol_time(self) -> int:
        """What the frames cost above, once it is known for which of them there is no other buffer (6.1.9)."""
        miniport = self.miniport
        sink = miniport.sink
        spare = miniport.buffers - miniport.kept
        for unit in self.units:
            spare -= segments(unit)
            if spare < 0:
                unit.resources = 1
                miniport.low += 1
        return sink.cost(self.units)

    def _explain(self, now: int) -> int:
        """Book where the frames' requests have been since they were sent; returns the bytes of what is being served."""
        miniport = self.miniport
        raised = self.queue.raised_at
        first = raised != self.raised
        self.raised = raised
        remote = self.vector.remote
        size = 0
        for frame in reversed(self.frames):  # where a request has several, its last one is what it waited for
            size += frame.size
            request = frame.request
            if request is NO_REQUEST:
                continue
            spend(frame, LINK, frame.arrived - miniport.propagation)
            spend(frame, PROPAGATION, frame.arrived)
            spend(frame, DMA, frame.ready)
            if first and frame.ready <= raised:
                spend(frame, MODERATION, raised)
                spend(frame, DPC_WAIT, now - remote)
                if remote:
                    spend(frame, REMOTE_MEMORY, now)
            else:
                spend(frame, RING, now)  # it came when the vector was masked already
        for frame in self.left:
            size += frame.size
        return size

    def end(self, processor: Processor) -> None:
        """The card gets its descriptors back before anybody is told, as its ring must not run dry."""
        miniport = self.miniport
        queue = self.queue
        sink = miniport.sink
        now = miniport.clock.now
        frames = self.frames
        units = self.units
        left = self.left
        self.frames = []
        self.units = []
        self.left = []
        queue.rx.refill(len(frames), now)
        miniport.send_waiting(queue)
        remote = self.remote
        for frame in frames:
            if frame.request is not NO_REQUEST:
                spend(frame, KERNEL, now - remote)
                if remote:
                    spend(frame, REMOTE_MEMORY, now)
        for frame in left:
            sink.sent(frame)
        if miniport.memory is not NO_MEMORY:
            miniport.memory.there = queue.node
        if units:
            miniport.indicated += len(units)
            sink.indicate(units, processor)
        if has_work(queue, now):
            miniport.requeued += 1
            here = processor
            here.queue_dpc(self)
        else:
            vector = self.vector
            vector.finished(queue)


def has_work(queue: NicQueue, now: int) -> bool:
    """Whether a frame lies in memory, or one that was sent has left."""
    if queue.rx.holds(now):
        return True
    done = queue.tx.first_done()
    return done != NEVER and done <= now


def segments(frame: Frame) -> int:
    """Buffers that a frame or unit occupies."""
    return frame.count if frame.count else 1


def spend(frame: Frame, cause: int, until: int) -> None:
    """Explain a request's time up to `until`, unless another frame of it has done so."""
    request = frame.request
    request.travels(cause, until)
