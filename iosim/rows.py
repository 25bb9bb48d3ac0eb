"""How a row of a request that has ended is laid out (constants apart: see modes.py), and how its outcome is read."""

from typing import Any

COLUMNS = ("outcome", "intended", "issued", "began", "ended", "index")
ROW = len(COLUMNS)
# A row's outcome holds three numbers, so that it takes 48 bytes: bytes << 16 | class << 2 | status.
STATUS_BITS = 2
OUTCOME_BITS = 16
# Rows are kept in blocks, each twice the last one, so that none is ever moved. The largest are so large that their memory
# goes back to the system when their rows have been handed over.
SMALLEST_BLOCK = 4096 * ROW
LARGEST_BLOCK = (1 << 20) * ROW


def statuses(outcomes: Any) -> Any:
    """Of outcomes, an int or a numpy column of them: how the requests ended."""
    return outcomes & ((1 << STATUS_BITS) - 1)


def groups(outcomes: Any) -> Any:
    """Their classes."""
    return (outcomes >> STATUS_BITS) & ((1 << (OUTCOME_BITS - STATUS_BITS)) - 1)


def transferred(outcomes: Any) -> Any:
    """Their bytes."""
    return outcomes >> OUTCOME_BITS
