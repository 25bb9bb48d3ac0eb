"""Interrupts: vectors that devices aim at one processor, and the one with which processors interrupt each other.

Source: semantics 7.5. Simplified: all share one level, and wait for each other.
"""

from typing import TYPE_CHECKING

from iosim.actor import Actor

if TYPE_CHECKING:
    from iosim.processor import Processor

TICK, SIGNAL = range(2)  # what a messenger brings


class Interrupt:
    """A vector aimed at one processor; `cost` (ns) is the service routine's, at device level."""

    def __init__(self, cost: int) -> None:
        self.cost = cost
        self.pending = False

    def service(self, processor: "Processor") -> None:
        """What the service routine leaves behind: as a rule a queued DPC."""
        raise NotImplementedError


NO_INTERRUPT = Interrupt(0)


class Messenger(Actor):
    """Tells its processor of a clock tick that it waits for, and of other processors' signals."""

    def __init__(self, processor: "Processor") -> None:
        self.processor = processor
        self.generation = 0
        self.waits = False  # for the tick

    def fire(self, what: int) -> None:
        """Now."""
        processor = self.processor
        if what == TICK:
            self.waits = False
            processor.drain()
        else:
            processor.raise_interrupt(processor.ipi)


class InterProcessorInterrupt(Interrupt):
    """Its service routine does nothing: what was asked for happens on the way down. `cost` (ns) is the target's."""

    def service(self, processor: "Processor") -> None:
        """Nothing."""
