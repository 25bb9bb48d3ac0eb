"""Quantities that belong to requests: constant, in sequence, or drawn in blocks and addressed by the request's index.

A draw is addressed, not taken in turn: `variate.value(index)` depends on the request alone (design 1.3). Where the drawn
numbers come from: streams.py.
"""

from array import array

from iosim.units import BIT

CLIENT_SHIFT = 32  # a closed request's index is client << 32 | iteration
MOST_ITERATIONS = 0xFFFF_FFFF
SPREAD = 7919  # reads between two closed clients' places in a file; a prime, so that they meet late


class Variate:
    """A quantity that belongs to a request, in whole units (ns, bytes, ...)."""

    def value(self, index: int) -> int:
        """The quantity of request `index` of this source."""
        raise NotImplementedError


class Constant(Variate):
    """The same for every request."""

    def __init__(self, amount: int) -> None:
        self.amount = amount

    def value(self, index: int) -> int:
        """The amount, whatever the index."""
        return self.amount


class Column(Variate):
    """What was recorded for each row of a trace; beyond the last it begins again."""

    def __init__(self, values: "array[int]") -> None:
        self.values = values

    def value(self, index: int) -> int:
        """That of row `index`."""
        return self.values[index % len(self.values)]


class Supply:
    """Where drawn numbers come from, a block at a time."""

    def block(self, number: int, bits: int) -> "array[int]":
        """The 2^bits numbers of a block, the same whenever it is asked for."""
        raise NotImplementedError


class Block:
    """Drawn numbers, one after the other."""

    def __init__(self, values: "array[int]") -> None:
        self.values = values


class Drawn(Variate):
    """Drawn per request, in blocks of 2^bits; `capacity` blocks are kept for requests that come out of order."""

    def __init__(self, supply: Supply, bits: int, capacity: int) -> None:
        self.supply = supply
        self.bits = bits
        self.mask = (BIT << bits) - 1
        self.capacity = capacity
        self.number = -1
        self.block = Block(array("q"))
        self.kept: dict[int, Block] = {}

    def value(self, index: int) -> int:
        """The quantity of request `index`; the same however often and in whatever order it is asked for."""
        number = index >> self.bits
        if number != self.number:
            self._turn_to(number)
        return self.block.values[index & self.mask]

    def _turn_to(self, number: int) -> None:
        if number not in self.kept:
            if len(self.kept) == self.capacity:
                del self.kept[next(iter(self.kept))]
            self.kept[number] = Block(self.supply.block(number, self.bits))
        self.block = self.kept[number]
        self.number = number


class Sequential(Variate):
    """Request n of a source begins `size` bytes (the largest, or the mean where there is none) after request n - 1.

    At the end of the file it starts over. Every closed client goes through the file for itself, from a place of its own.
    """

    def __init__(self, size: int, file_size: int) -> None:
        self.size = size
        self.places = max(1, file_size // size)

    def value(self, index: int) -> int:
        """Offset (bytes)."""
        client = index >> CLIENT_SHIFT
        iteration = index & MOST_ITERATIONS
        return (client * SPREAD + iteration) % self.places * self.size
