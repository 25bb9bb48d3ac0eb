"""Interrupts of a card that holds them back, for Poisson arrivals, where serving one takes no time.

Source: numbers 3 (derived by renewal: a cycle goes from interrupt to interrupt). Times in one unit, rates in its inverse.
"""

import math


def throttle_gap(rate: float, gap: float) -> tuple[float, float, float]:
    """No interrupt earlier than `gap` after the last one: interrupts per time, frames an interrupt, mean added wait."""
    missing = math.exp(-rate * gap)  # that nothing has come when the gap is over
    batch = rate * gap + missing
    return rate / batch, batch, rate * gap * gap / 2 / batch


def delay_timer(rate: float, delay: float) -> tuple[float, float, float]:
    """The first frame arms a timer: interrupts per time, frames an interrupt, mean added wait."""
    batch = 1 + rate * delay
    return rate / batch, batch, (delay + rate * delay * delay / 2) / batch
