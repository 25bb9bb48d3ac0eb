"""Interrupt coalescing: completions are told of together, after so many of them or so long after the first.

NVMe has it by count (aggregation threshold) and time (in steps of 100 us), AHCI too (command completion coalescing, in ms);
both have it switched off at reset. Source: semantics 4.1.5, 4.3.
"""

from iosim.actor import DEVICE, Actor, Clock
from iosim.interrupts import Interrupt
from iosim.processor import Processor


class Coalescer(Actor):
    """Holds the interrupts of one vector back: `count` completions together, or after `time` ns what there is."""

    def __init__(self, clock: Clock, count: int, time: int) -> None:
        super().__init__()
        self.clock = clock
        self.count = count
        self.time = time
        self.present = 0  # completions that the processor has not been told of
        self.interrupt: Interrupt
        self.processor: Processor

    def told(self) -> None:
        """One more."""
        self.present += 1
        if self.present >= self.count:
            self._tell()
        elif self.present == 1:
            self.clock.at(self.time, DEVICE, self, 0)

    def fire(self, what: int) -> None:
        """The oldest has waited long enough."""
        self._tell()

    def _tell(self) -> None:
        self.present = 0
        self.generation += 1  # the timer of those that are told of
        processor = self.processor
        processor.raise_interrupt(self.interrupt)
