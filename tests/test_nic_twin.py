"""The card works out late what happened; a twin with an event for everything has to find the same, to the ns and the frame."""

from heapq import heappop, heappush
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import Tiny
from tiny_net import Protocol, card, miniport, segment

from iosim.moderation import DelayTimer, Moderation, ThrottleGap

ARRIVES, READY, LOOKS, SERVED, RUN_ENDS = range(5)  # at one instant in this order


class Twin:
    """One queue, one processor, nothing clever: every arrival, every write to memory and every timer is an event."""

    def __init__(
        self,
        arrivals: list[int],
        moderation: Moderation,
        *,
        ring: int,
        budget: int,
        dma: int,
        isr: int,
        dpc: int,
        each: int,
    ) -> None:
        self.moderation = moderation
        self.ring = self.free = ring
        self.budget, self.dma, self.isr, self.dpc, self.each = budget, dma, isr, dpc, each
        self.masked = self.pending = False
        self.memory: list[int] = []  # when each frame that waits got there
        self.taken = self.dropped = self.interrupts = 0
        self.log: list[tuple[int, object]] = []
        self.events: list[tuple[int, int, int]] = []
        for arrived in arrivals:
            heappush(self.events, (arrived, ARRIVES, 0))
        while self.events:
            self.now, what, _ = heappop(self.events)
            self.happen(what)

    def at(self, delay: int, what: int) -> None:
        heappush(self.events, (self.now + delay, what, 0))

    def happen(self, what: int) -> None:
        if what == ARRIVES:
            if self.free:
                self.free -= 1
                self.at(self.dma, READY)
            else:
                self.dropped += 1
        elif what == READY:
            self.memory.append(self.now)
            self.look()
        elif what == LOOKS:
            self.look()
        elif what == SERVED:
            self.pending, self.masked = False, True
            self.run()
        else:
            self.finish()

    def look(self) -> None:
        if self.masked or self.pending or not self.memory:
            return
        when = self.moderation.moment(self.memory[0])
        if self.moderation.count and len(self.memory) >= self.moderation.count:
            when = self.now
        if when > self.now:
            self.at(when - self.now, LOOKS)
            return
        self.moderation.raised(self.now)
        self.interrupts += 1
        self.pending = True
        self.at(self.isr, SERVED)

    def run(self) -> None:
        self.taken = min(len(self.memory), self.budget or len(self.memory))
        del self.memory[: self.taken]
        self.at(self.dpc + self.each * self.taken, RUN_ENDS)

    def finish(self) -> None:
        self.free += self.taken
        if self.taken:
            self.log.append((self.now, (0, self.taken)))
        if self.memory:
            self.run()
        else:
            self.masked = False
            self.look()


MODERATIONS = st.one_of(
    st.just(Moderation()),
    st.integers(0, 300).map(ThrottleGap),
    st.tuples(st.integers(0, 300), st.sampled_from([0, 1, 2, 5])).map(lambda it: DelayTimer(*it)),
)


@settings(max_examples=300, deadline=None)
@given(
    gaps=st.lists(st.integers(0, 60), min_size=1, max_size=60),
    moderation=MODERATIONS,
    ring=st.integers(1, 12),
    budget=st.integers(0, 5),
    dma=st.integers(0, 50),
    isr=st.integers(0, 40),
    dpc=st.integers(0, 40),
    each=st.integers(0, 40),
)
def test_a_card_without_events_for_frames_finds_what_one_with_them_does(
    gaps: list[int], moderation: Moderation, ring: int, budget: int, dma: int, isr: int, dpc: int, each: int
) -> None:
    """Batches, their instants, drops and interrupts."""
    arrivals = list(accumulate(gaps, initial=1000))
    twin = Twin(arrivals, moderation.another(), ring=ring, budget=budget, dma=dma, isr=isr, dpc=dpc, each=each)
    tiny = Tiny()
    nic = card(tiny, [0], ring=ring, dma=dma, moderation=moderation)
    miniport(tiny, nic, Protocol(tiny), {"isr": isr, "dpc": dpc, "receive": each}, budget=budget, coalescing=False)
    for at in arrivals:
        nic.receive(segment(at=at))
    tiny.run()
    queue = nic.queues[0]
    queue.rx.settle(arrivals[-1])
    assert tiny.log == twin.log
    assert (queue.rx.dropped, queue.interrupts, queue.rx.free) == (twin.dropped, twin.interrupts, ring)
