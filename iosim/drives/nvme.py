"""A solid-state drive on NVMe: many flash units side by side behind one link.

    the controller takes `overhead` per command, for many at once
    every stripe that the command touches occupies one unit for `read` or `program`; each unit serves in arrival order
    when the last stripe is done, the data cross the link, one command after the other in the order they got there

Reads wait behind programs on their unit (semantics 4.5: head-of-line blocking), and random addresses leave units idle
while others have a queue. Capacity, units and link are all the drive shows of its inside.

Simplified: no write buffer, so a write lasts as long as its program, and its data cross the link after it as a read's
do; one link for both directions; no erases or garbage collection; times do not vary. A unit's queue is kept as the time
when it is free: what is submitted later is served later, whatever its kind.

Source: semantics 4.3 and 4.5.
"""

from array import array
from dataclasses import dataclass

from iosim.actor import DEVICE, Clock
from iosim.drives.drive import Command, Drive

MEDIA_DONE, TRANSFERRED = 0, 1  # `what` is twice the slot's tag, plus one of these

GOLDEN = 1_327_217_885  # 2^31 divided by the golden ratio
LOW_31_BITS = (1 << 31) - 1
LOW_32_BITS = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class NvmeParams:
    """What an NVMe drive is before anything happens to it; times in ns."""

    capacity: int
    units: int  # channels times dies
    stripe: int  # bytes that lie together on one unit
    read: int  # a unit is occupied by one stripe or a part of it
    program: int
    overhead: int = 0
    link_ps_per_byte: int = 0
    slots: int = 1024

    def __post_init__(self) -> None:
        for name, least in (("capacity", 1), ("units", 1), ("stripe", 1), ("slots", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: {getattr(self, name)} is below {least}")


class Nvme(Drive):
    """Flash units with a queue each, then one link; two clock events a command, media done and transferred."""

    def __init__(self, clock: Clock, params: NvmeParams) -> None:
        super().__init__(clock, params.slots, params.capacity)
        self.units = params.units
        self.stripe = params.stripe
        self.read = params.read
        self.program = params.program
        self.overhead = params.overhead
        self.link_ps_per_byte = params.link_ps_per_byte
        self.unit_free_at = array("q", bytes(8 * params.units))
        self.link_free_at = 0
        self.link_remainder = 0  # ps below a whole ns, carried to the next transfer so that the bandwidth is exact

    def unit_of(self, stripe: int) -> int:
        """The unit that holds a stripe: golden-ratio hashing, nothing is drawn.

        Neighbouring stripes land on units far apart and fill them evenly, as real striping does; random ones land at
        random. Below 2^63 for every stripe; those 2^32 apart share a unit.
        """
        return ((stripe & LOW_32_BITS) * GOLDEN & LOW_31_BITS) * self.units >> 31

    def begin(self, command: Command) -> None:
        """Queue the command's stripes at their units; the last to be done decides."""
        if command.flush:
            self.finish(command)
            return
        arrival = command.submitted + self.overhead
        service = self.program if command.write else self.read
        stripe = command.offset // self.stripe
        last = (command.offset + command.size - 1) // self.stripe
        start = self._occupy(stripe, arrival, service)
        command.started = start
        done = start + service
        while stripe < last:
            stripe += 1
            start = self._occupy(stripe, arrival, service)
            if start < command.started:
                command.started = start
            if start + service > done:
                done = start + service
        self.clock.at(done - command.submitted, DEVICE, self, 2 * command.tag + MEDIA_DONE)

    def fire(self, what: int) -> None:
        """A command's media work or its transfer is done."""
        command = self.commands[what >> 1]
        if what & 1:
            self.finish(command)
        else:
            self._transfer(command)

    def _occupy(self, stripe: int, arrival: int, service: int) -> int:
        """Take the stripe's unit for `service` from its first free moment on, which is returned."""
        unit = self.unit_of(stripe)
        start = self.unit_free_at[unit]
        if start < arrival:
            start = arrival
        self.unit_free_at[unit] = start + service
        return start

    def _transfer(self, command: Command) -> None:
        """Send the data over the link once those that got there before are through."""
        now = self.clock.now
        start = self.link_free_at
        if start < now:
            start = now
        ps = command.size * self.link_ps_per_byte + self.link_remainder
        self.link_free_at = start + ps // 1000
        self.link_remainder = ps % 1000
        command.transferring = start
        self.clock.at(self.link_free_at - now, DEVICE, self, 2 * command.tag + TRANSFERRED)

    def forget(self) -> None:
        """A unit that has begun goes on: it is as busy as it was."""
        self.generation += 1
