"""One line on the terminal that tells how far the work is and about how long the rest will take."""

import time
from typing import Protocol

from iosim.cli.talk import talk


class Clearable(Protocol):
    """A line on the terminal that can be taken away."""

    def clear(self) -> None:
        """Take the line away, so that nothing of it is left among the results."""


class Progress:
    """Drawn from the second second on; the rest is estimated from what ended since this began, kept cells aside."""

    def __init__(self) -> None:
        self.since = time.monotonic()
        self.first = -1  # done when it began
        self.drawn = 0

    def __call__(self, done: int, total: int, label: str) -> None:
        spent = time.monotonic() - self.since
        if self.first < 0:
            self.first = min(done, total - 1) if done > 1 else 0
        if spent < 1:
            return
        filled = 30 * done // total if total else 0
        rest = in_words(spent * (total - done) / (done - self.first)) if done > self.first else ""
        line = f"[{'#' * filled}{'-' * (30 - filled)}] {done}/{total} {label}{f', {rest} left' if rest else ''}"[:100]
        talk(f"\r{line.ljust(self.drawn)}", end="")
        self.drawn = len(line)

    def clear(self) -> None:
        """Take the line away, so that nothing of it is left among the results."""
        if self.drawn:
            talk(f"\r{' ' * self.drawn}\r", end="")


def in_words(seconds: float) -> str:
    """About so long, in the unit that suits it."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
