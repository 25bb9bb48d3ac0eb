"""Flash dies on channels: when each of them is free. A queue is kept as that time: who comes later is served later.

A die reads, programs or erases one thing at a time; a channel carries the data of one die at a time, to or from the
die's page register. With no channels given, dies have all the room they need on the way.

Simplified: a die is free again when its data are in the register, so that a slow channel does not hold it up (cache
read); planes of a die are not told apart: one page is what the die handles at once.

Source: semantics 4.5.
"""

from array import array


class Dies:
    """`free_at` (ns) by die; die d is on channel d modulo `channels`."""

    def __init__(self, dies: int, channels: int, channel_ps_per_byte: int) -> None:
        self.dies = dies
        self.channels = channels
        self.channel_ps_per_byte = channel_ps_per_byte
        self.free_at = array("q", bytes(8 * dies))
        self.channel_free_at = array("q", bytes(8 * channels))

    def occupy(self, die: int, arrival: int, service: int) -> int:
        """Take the die for `service` ns from its first free moment on, not before `arrival`; returns that moment."""
        start = self.free_at[die]
        if start < arrival:
            start = arrival
        self.free_at[die] = start + service
        return start

    def cross(self, die: int, arrival: int, size: int) -> int:
        """Carry `size` bytes over the die's channel, at once if there are none; returns when they are through."""
        if not self.channels:
            return arrival
        channel = die % self.channels
        start = self.channel_free_at[channel]
        if start < arrival:
            start = arrival
        end = start + size * self.channel_ps_per_byte // 1000
        self.channel_free_at[channel] = end
        return end
