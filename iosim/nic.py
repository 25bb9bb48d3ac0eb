"""A network card: receive side scaling over queues, each with rings, a moderated interrupt vector and a processor.

A frame costs no event of its own. The link gives it to the card before it arrives (link.py), the rings work out late what
happened (rings.py), and a queue asks the clock for one *look* only: at the first instant at which it may interrupt. While
its vector is masked, and as long as a look is pending, frames only accumulate.
The card asserts a vector by `Processor.raise_interrupt`; what comes of it (mask, queue the DPC) is up to the driver, which
sets `vector`. Source: semantics 6.1 to 6.4. Simplified: one FIFO queue for the wire, in the order in which frames were handed
over; a vector is for both rings of its queue, and moderated once.
"""

from array import array

from iosim.actor import DEVICE, Actor, Clock
from iosim.attribution import LINK, NO_REQUEST
from iosim.frames import DATAGRAM, NO_HASH, Frame, copy_of
from iosim.interrupts import NO_INTERRUPT
from iosim.link import FrameReceiver, Link
from iosim.moderation import Moderation
from iosim.numa import Topology
from iosim.processor import Processor
from iosim.rings import NEVER, RxRing, TxRing
from iosim.rss import Rss


class NicParams:
    """A card before anything happens to it.

    `node` is where it is plugged in, `buffer_node` where its buffers are (-1: each queue's with its processor). `dma` (ns)
    and `dma_ps` (ps a byte) are the way between card and memory at home; the former is longer by the distance of another node.
    `transmit_by_hash`: a frame leaves by the queue that its hash selects (transmit side scaling); else by the queue of the
    processor that sends it (XPS).
    """

    def __init__(
        self, rx_ring: int, tx_ring: int, node: int, buffer_node: int, dma: int, dma_ps: int, transmit_by_hash: bool
    ) -> None:
        self.rx_ring = rx_ring
        self.tx_ring = tx_ring
        self.node = node
        self.buffer_node = buffer_node
        self.dma = dma
        self.dma_ps = dma_ps
        self.transmit_by_hash = transmit_by_hash


class NicQueue(Actor):
    """A pair of rings whose vector interrupts one processor; masked until the driver starts.

    `node` is that of its buffers, `raised_at` the instant of its last interrupt. Invariant: unmasked and with something to
    tell, it has a look pending (`look_at`) or its vector is pending.
    """

    def __init__(
        self, clock: Clock, number: int, processor: Processor, node: int, rx: RxRing, tx: TxRing, moderation: Moderation
    ) -> None:
        self.generation = 0
        self.clock = clock
        self.number = number
        self.processor = processor
        self.node = node
        self.rx = rx
        self.tx = tx
        self.moderation = moderation
        self.vector = NO_INTERRUPT
        self.interrupted = processor  # another one only where the card has one vector for all its queues
        self.masked = True
        self.look_at = NEVER
        self.raised_at = NEVER
        self.interrupts = 0

    def expect(self, frame: Frame) -> None:
        """A frame will arrive here."""
        rx = self.rx
        rx.expect(frame)
        if self.masked or self.vector.pending:
            return
        if self.moderation.count:
            self._plan(self.due())
        elif self.look_at == NEVER:
            self._plan(self.moderation.moment(frame.ready))
        else:
            when = self.moderation.moment(frame.ready)
            if when < self.look_at:
                self._plan(when)

    def send(self, frame: Frame, done: int) -> None:
        """A frame of the driver's will have left at `done`."""
        self.tx.put(frame, done)
        if not self.masked and not self.vector.pending:
            self._plan(self.moderation.moment(done))

    def due(self) -> int:
        """When the queue may interrupt (ns), or NEVER, as far as it is known now."""
        first = self.rx.first_ready()
        done = self.tx.first_done()
        if first == NEVER or (done != NEVER and done < first):
            first = done
        if first == NEVER:
            return NEVER
        moment = self.moderation.moment(first)
        if self.moderation.count:
            full = self.rx.ready_of(self.moderation.count - 1)
            if full != NEVER and full < moment:
                moment = full
        return moment

    def fire(self, what: int) -> None:
        """Look whether the queue may interrupt now; a frame that was dropped meanwhile may have put it off."""
        self.look_at = NEVER
        if self.vector.pending:  # for another queue: the service routine looks at this one too
            return
        now = self.clock.now
        self.rx.settle(now)
        when = self.due()
        if when > now:
            self._plan(when)
        elif when != NEVER:
            self.moderation.raised(now)
            self.raised_at = now
            self.interrupts += 1
            self.interrupted.raise_interrupt(self.vector)

    def mask(self) -> None:
        """From now on, frames only accumulate."""
        self.masked = True
        self._forget_look()

    def unmask(self) -> None:
        """The vector may be asserted again, at once if something has come meanwhile: no frame is ever overlooked (6.1)."""
        self.masked = False
        self.replan()

    def replan(self) -> None:
        """What is expected has changed."""
        self._forget_look()
        if not self.masked and not self.vector.pending:
            self.rx.settle(self.clock.now)
            self._plan(self.due())

    def _forget_look(self) -> None:
        if self.look_at != NEVER:
            self.generation += 1
            self.look_at = NEVER

    def _plan(self, when: int) -> None:
        if when == NEVER or (self.look_at != NEVER and self.look_at <= when):
            return
        self._forget_look()
        now = self.clock.now
        if when < now:
            when = now
        self.look_at = when
        self.clock.at(when - now, DEVICE, self, 0)


class Nic(FrameReceiver):
    """The card. It has a queue for each processor that the indirection table names, and one for the default processor.

    `moderation` is what each queue gets another of. Raises ValueError if the table names a processor that is not there.
    """

    def __init__(
        self,
        clock: Clock,
        params: NicParams,
        topology: Topology,
        processors: list[Processor],
        rss: Rss,
        moderation: Moderation,
        link: Link,
    ) -> None:
        self.clock = clock
        self.params = params
        self.rss = rss
        self.link = link  # outwards
        self.up = True
        self.lost = 0  # in flight towards the card, or sent to it, while its link was down, or cleared by a reset
        self.cleared = 0  # of these, had been received into a ring
        self.hits = array(
            "q", bytes(8 * len(rss.table.entries))
        )  # frames by entry of the table, for whoever balances it
        self.restart = LinkUp(self)
        self.queues: list[NicQueue] = []
        self.queue_of = [NEVER for _ in processors]  # number of a processor's queue
        for number in dict.fromkeys([*rss.table.entries, rss.default_processor]):
            if number >= len(processors):
                raise ValueError(f"processor {number} is not one of this machine's 0 to {len(processors) - 1}")
            processor = processors[number]
            node = processor.node if params.buffer_node < 0 else params.buffer_node
            dma = topology.remote_ns(params.dma, params.node, node)
            queue = NicQueue(
                clock,
                len(self.queues),
                processor,
                node,
                RxRing(params.rx_ring, dma, params.dma_ps),
                TxRing(params.tx_ring),
                moderation.another(),
            )
            self.queue_of[number] = queue.number
            self.queues.append(queue)

    def queue_for(self, hash_value: int) -> NicQueue:
        """The queue that takes a frame with this hash, now."""
        number = self.queue_of[self.rss.processor_of(hash_value)]
        found: NicQueue = self.queues[number]
        return found

    def receive(self, frame: Frame) -> None:
        """A frame is on its way here, by the table as it is now; `move` and `fill` see to those in flight."""
        if not self.up:
            self.lose(frame)
            return
        if frame.hash != NO_HASH:
            self.hits[frame.hash & self.rss.table.mask] += 1
        queue = self.queue_for(frame.hash)
        queue.expect(frame)

    def move(self, index: int, processor: int) -> None:
        """Point an entry of the table at another processor; ValueError for one that has no queue of this card."""
        self._check(processor)
        self.rss.table.move(index, processor)
        self._sort_again()

    def fill(self, processors: list[int]) -> None:
        """Fill the table anew; ValueError for a processor that has no queue of this card."""
        for processor in processors:
            self._check(self.rss.table.base + processor)
        self.rss.table.fill(processors)
        self._sort_again()

    def _check(self, processor: int) -> None:
        if processor < 0 or processor >= len(self.queue_of) or self.queue_of[processor] == NEVER:
            raise ValueError(f"processor {processor} has no queue of this card")

    def _sort_again(self) -> None:
        """What has yet to arrive goes where the table says now. What has arrived stays: flows may be on two processors."""
        now = self.clock.now
        flying: list[Frame] = []
        for queue in self.queues:
            rx = queue.rx
            rx.settle(now)
            flying.extend(rx.coming.listed())
            rx.coming.clear()
            rx.ready = rx.last_in_memory()
        flying.sort(key=arrival)
        for frame in flying:
            queue = self.queue_for(frame.hash)
            queue.rx.expect(frame)
        for queue in self.queues:
            queue.replan()

    def transmit_queue(self, frame: Frame, processor: int) -> NicQueue:
        """The queue by which a frame leaves that this processor sends."""
        if self.params.transmit_by_hash and frame.hash != NO_HASH:
            return self.queue_for(frame.hash)
        number = self.queue_of[processor]
        if number == NEVER:  # more processors than queues: they share
            number = processor % len(self.queues)
        found: NicQueue = self.queues[number]
        return found

    def transmit(self, queue: NicQueue, frame: Frame) -> bool:
        """Send a frame, cut into segments if it says so (LSO); False: the ring is full, and nothing happened."""
        tx = queue.tx
        if not tx.free:
            return False
        ready = self.clock.now + queue.rx.dma + frame.size * self.params.dma_ps // 1000
        if frame.segment and frame.payload > frame.segment:
            done = self._cut(frame, ready)
        else:
            done = self.link.carry(frame, ready)
        queue.send(frame, done)
        return True

    def _cut(self, frame: Frame, ready: int) -> int:
        """Segments of `frame.segment` bytes, the last one shorter, with headers each; it alone pushes (6.4)."""
        headers = frame.size - frame.payload
        link = self.link
        left = frame.payload
        done = ready
        while left > 0:
            part = copy_of(frame)
            part.segment = 0
            part.payload = min(left, frame.segment)
            part.size = headers + part.payload
            part.sequence = frame.sequence + frame.payload - left
            left -= part.payload
            part.pushed = frame.pushed if left == 0 else 0
            if left:
                part.request = NO_REQUEST  # its last byte is in a later one
            done = link.carry(part, ready)
        return done

    def lose(self, frame: Frame) -> None:
        """A frame does not come up from here; nobody will send a datagram again."""
        self.lost += 1
        request = frame.request
        if frame.kind == DATAGRAM and request is not NO_REQUEST:
            request.drop(LINK, self.clock.now)

    def set_link(self, up: bool) -> None:
        """The cable is pulled or plugged in: what flies towards the card is lost, and what is sent in either direction."""
        self.up = up
        self.link.up = up
        if up:
            return
        for queue in self.queues:
            rx = queue.rx
            rx.settle(self.clock.now)
            coming = rx.coming.listed()
            rx.coming.clear()
            for frame in coming:
                self.lose(frame)
            rx.ready = rx.last_in_memory()
            queue.replan()

    def reset(self, duration: int) -> None:
        """Start the card anew: what lies in its receive rings is lost, too, and its link is down for `duration` ns.

        Simplified: what was handed over for sending leaves all the same, and is told when it would have left.
        """
        self.set_link(False)
        for queue in self.queues:
            rx = queue.rx
            lost = rx.frames.listed()
            rx.frames.clear()
            rx.free += len(lost)
            self.cleared += len(lost)
            for frame in lost:
                self.lose(frame)
            queue.replan()
        self.clock.at(duration, DEVICE, self.restart, 0)

    def settle(self) -> None:
        """Work out what has arrived up to now: for observers."""
        for queue in self.queues:
            queue.rx.settle(self.clock.now)

    def dropped(self) -> int:
        """Frames that found no free descriptor, in all queues."""
        self.settle()
        total = 0
        for queue in self.queues:
            total += queue.rx.dropped
        return total


class LinkUp(Actor):
    """The end of a card's reset."""

    def __init__(self, nic: Nic) -> None:
        self.generation = 0
        self.nic = nic

    def fire(self, what: int) -> None:
        """The link is there again."""
        self.nic.set_link(True)


def arrival(frame: Frame) -> int:
    """When a frame's last bit is here."""
    return frame.arrived
