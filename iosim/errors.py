"""Every way iosim refuses, each with the exit status the command line gives it."""

import os
import traceback
from dataclasses import dataclass
from typing import Any


class IosimError(Exception):
    """Something the user can understand and act on; its text stands alone, without a traceback."""

    exit_status = 1

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it in a cell: the lines of the command line; with IOSIM_DEBUG all of Python's, as there."""
        if os.environ.get("IOSIM_DEBUG"):
            return traceback.format_exception(self)
        return [str(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels between processes as it is, whatever its class asks for when it is made."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(kind: type[IosimError], args: tuple[Any, ...], state: dict[str, Any]) -> IosimError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong in what the user wrote, and where.

    `line` and `column` count from 1; both are 0 where no position exists (a missing file, an override).
    """

    source: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class WrongInput(IosimError):
    """Wrong scenario, option, trace or output; holds all mistakes at once, sorted by position."""

    exit_status = 2

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class LawBroken(IosimError):
    """A conservation law does not hold: the model is wrong, and no result of this run may be used."""

    exit_status = 5


class BugCheck(IosimError):
    """The simulated machine stopped: a driver or program did what the real system answers with a stop code."""

    exit_status = 1

    def __init__(self, code: str, now: int, detail: str) -> None:
        self.code = code
        self.now = now
        super().__init__(f"{code} at {now} ns: {detail}")


class DriverMistake(IosimError):
    """A driver or drive of the user's can't be called as ours are, or does not answer."""

    exit_status = 1

    def __init__(self, driver: object, method: str, what: str) -> None:
        super().__init__(f"{type(driver).__name__}.{method}: {what}")


class SelfDeadlock(IosimError):
    """A thread asks for a lock that it holds in a way that could never be granted: the real thread hangs for ever."""

    exit_status = 1

    def __init__(self, thread: int, now: int, what: str) -> None:
        self.thread = thread
        super().__init__(f"thread {thread} {what} at {now} ns: it would wait for itself")


class WorkerDied(IosimError):
    """A process that worked for us is gone, and was gone again at the second try."""

    exit_status = 1
