"""What it costs to overwrite flash at random (Desnoyers 2012, from memory)."""

import math


def fifo_write_amplification(flash: float) -> float:
    """Units programmed for each written at random, when the oldest block is collected; `flash` is over the capacity.

    a / (a + W(-a exp(-a))), W being Lambert's function (Desnoyers 2012, from memory): the share x of a block that is
    still good when its turn comes solves x = exp(-(1 - x) a), and the moves are x / (1 - x) a unit written.
    """
    share = 0.5  # from below, so that the solution 1, which is always there, is not found
    for _ in range(1000):
        share = math.exp(-(1 - share) * flash)
    return 1 / (1 - share)
