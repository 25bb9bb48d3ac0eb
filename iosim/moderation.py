"""Interrupt moderation: when a card may interrupt for the frames that it holds.

Two static variants, which differ for a lone frame (semantics 6.3.2). A *throttle gap* (Intel's ITR and EITR): no interrupt
earlier than the gap after the last one, so that a lone frame is not delayed. A *delay timer* (Intel's RDTR, most others'
"interrupt delay"): the first frame arms it, so that a lone frame is late by all of it; with a count, so many frames
interrupt at once. The adaptive one is a throttle gap chosen anew after every visit of the driver (6.3.3).
Everything here decides and never waits; what is masked is no business of moderation.
Source: semantics 6.3, numbers 3.
"""

from iosim.units import US, S

NEVER = -1  # before the first interrupt

# Gaps of the Intel Windows driver's "Interrupt Moderation Rate" (ITR register, units of 256 ns; StarTech ST2000SPEXI manual).
ITR_UNIT = 256
ITR_RATES = {"off": 0, "minimal": 200, "low": 400, "medium": 950, "high": 2000, "extreme": 3600}
# Delay and count of Linux' DIM receive profiles (lib/dim/net_dim.c, event mode); step 1 is the default.
DIM_RECEIVE = [(1 * US, 256), (8 * US, 256), (64 * US, 256), (128 * US, 256), (256 * US, 256)]

LOWEST_LATENCY, LOW_LATENCY, BULK = range(3)  # classes of traffic
INTEL_RATES = (70_000, 20_000, 4_000)  # interrupts a second by class (6.3.3; e1000e: Supermicro AOC-SG-i2 manual)


class Moderation:
    """Off: every frame may interrupt at once. `count`: so many frames interrupt whatever the time is (0: no such number)."""

    def __init__(self) -> None:
        self.count = 0

    def another(self) -> "Moderation":
        """One with the same settings, for another queue."""
        return Moderation()

    def moment(self, first: int) -> int:
        """When the card may interrupt whose first unserved frame is ready at `first` (ns); never before it."""
        return first

    def raised(self, now: int) -> None:
        """The card interrupts."""

    def served(self, frames: int, size: int) -> None:
        """The driver has taken so many frames of so many bytes in all since it last told."""


class ThrottleGap(Moderation):
    """Interrupts are at least `gap` ns apart; the first after a pause comes at once."""

    def __init__(self, gap: int) -> None:
        super().__init__()
        self.gap = gap
        self.last = NEVER

    def another(self) -> Moderation:
        """One with the same settings, for another queue."""
        return ThrottleGap(self.gap)

    def moment(self, first: int) -> int:
        """The gap's end, or at once if that is past."""
        if self.last == NEVER:
            return first
        earliest = self.last + self.gap
        return earliest if earliest > first else first

    def raised(self, now: int) -> None:
        """The gap begins."""
        self.last = now


class DelayTimer(Moderation):
    """The first frame arms a timer of `delay` ns."""

    def __init__(self, delay: int, count: int) -> None:
        super().__init__()
        self.delay = delay
        self.count = count

    def another(self) -> Moderation:
        """One with the same settings, for another queue."""
        return DelayTimer(self.delay, self.count)

    def moment(self, first: int) -> int:
        """The timer's end."""
        return first + self.delay


class Adaptive(ThrottleGap):
    """A throttle gap for one of three classes of traffic: few small frames get a short one, many large ones a long one.

    `gaps` in ns by class. Towards more interrupts the rate grows by a quarter of the new one a visit at most, so that a short
    lull does not undo the moderation of a bulk transfer. Thresholds as in Intel's drivers for Linux (e1000e, from memory):
    a visit with more than 8,000 bytes a frame (segments merged) is bulk.
    """

    def __init__(self, rates: tuple[int, int, int] = INTEL_RATES) -> None:
        super().__init__(S // rates[LOW_LATENCY])
        self.rates = rates
        self.kind = LOW_LATENCY
        self.rate = rates[LOW_LATENCY]

    def another(self) -> Moderation:
        """One with the same settings, for another queue."""
        return Adaptive(self.rates)

    def served(self, frames: int, size: int) -> None:
        """Choose class and gap by what this visit brought."""
        if frames:
            self.kind = next_class(self.kind, frames, size)
        wanted: int = self.rates[self.kind]
        if wanted > self.rate:
            self.rate = min(self.rate + wanted // 4, wanted)
        else:
            self.rate = wanted
        self.gap = S // self.rate


def next_class(kind: int, frames: int, size: int) -> int:
    """The class of traffic after a visit of `frames` with `size` bytes, by the class before."""
    if kind == LOWEST_LATENCY:
        if size > 8000 * frames:
            return BULK
        return LOW_LATENCY if frames < 5 and size > 512 else LOWEST_LATENCY
    if kind == LOW_LATENCY:
        return _after_low_latency(frames, size)
    if size > 25_000:
        return LOW_LATENCY if frames > 35 else BULK
    return LOW_LATENCY if size < 6000 else BULK


def _after_low_latency(frames: int, size: int) -> int:
    if size > 10_000:
        if size > 8000 * frames or frames < 10 or size > 1200 * frames:
            return BULK
        return LOWEST_LATENCY if frames > 35 else LOW_LATENCY
    if size > 2000 * frames:
        return BULK
    return LOWEST_LATENCY if frames <= 2 and size < 512 else LOW_LATENCY
