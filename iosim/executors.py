"""Where work is done that takes long: in this process, or in worker processes of this machine (`cluster.py`: on others).

Work is a function of one item; what became of it comes home as an `Outcome` with the item's place in the list, in the order
in which items end. What goes wrong with one item is that item's outcome and stops no other. A worker process that dies
(killed, out of memory) costs one retry of the items that it may have been working on, each alone; an item whose worker
dies twice has failed.
"""

import math
import os
import pickle
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from iosim.errors import IosimError, WorkerDied

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PATIENCE = 60  # s that an idle worker process waits for more
LOOK = 1.0  # s between its looks at whether whoever started it is still there
SUSPECT = "its worker process died twice"

Work = Callable[[Any], Any]


@dataclass(frozen=True)
class Failure:
    """Why an item has no value."""

    error: Exception
    trace: str = ""

    @property
    def text(self) -> str:
        """What a person reads: our own errors speak for themselves, others with their kind."""
        return str(self.error) if isinstance(self.error, IosimError) else f"{type(self.error).__name__}: {self.error}"


@dataclass(frozen=True)
class Outcome:
    """What became of the item at `place` of the list."""

    place: int
    value: Any = None
    failure: Failure | None = None

    def get(self) -> Any:
        """The value; raises what the work raised."""
        if self.failure:
            raise self.failure.error
        return self.value


class Executor(ABC):
    """Works on lists of items."""

    workers = 1  # items at the same time

    @abstractmethod
    def outcomes(self, work: Work, items: Sequence[Any]) -> Iterator[Outcome]:
        """Work on every item. Closing the iterator early ends what is still running."""


class Serial(Executor):
    """In this process, one after the other."""

    def outcomes(self, work: Work, items: Sequence[Any]) -> Iterator[Outcome]:
        """In the order of the list."""
        for place, item in enumerate(items):
            yield attempt(work, place, item)


class Processes(Executor):
    """On worker processes of this machine (loky); the same processes serve the next list, too."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def outcomes(self, work: Work, items: Sequence[Any], until: float = math.inf) -> Iterator[Outcome]:
        """As they end. No more items are on their way than there are workers, and one that waits for the first to be free.

        Raises TimeoutError where some have not ended at `until` (time.monotonic()), and ends the processes that work on them.
        """
        waiting = deque(enumerate(items))
        flying: dict[Any, tuple[int, Any]] = {}
        ended = False
        try:
            while waiting or flying:
                while waiting and len(flying) <= self.workers and time.monotonic() < until:
                    place, item = waiting.popleft()
                    flying[self._submit(work, place, item)] = (place, item)
                found, suspects = _landed(flying, until)
                yield from found
                for place, item in suspects:
                    yield self._alone(work, place, item, until)
            ended = True
        finally:
            if not ended:
                self._pool().shutdown(kill_workers=True)

    def _pool(self) -> Any:
        """The one pool of this process, made as joblib.Parallel makes it, which a user's program may use as well."""
        from joblib.executor import get_memmapping_executor

        return get_memmapping_executor(
            self.workers,
            timeout=PATIENCE,
            env=ONE_THREAD,
            initializer=_leave_with,
            initargs=(os.getpid(),),
        )

    def _submit(self, work: Work, place: int, item: Any) -> Any:
        """A pool that broke since it was last looked at is replaced by a new one."""
        from concurrent.futures.process import BrokenProcessPool

        try:
            return self._pool().submit(attempt, work, place, item)
        except BrokenProcessPool:
            return self._pool().submit(attempt, work, place, item)

    def _alone(self, work: Work, place: int, item: Any, until: float) -> Outcome:
        """The second and last chance of an item; nobody else is in the pool, so that the guilty one is found."""
        from concurrent.futures.process import BrokenProcessPool

        try:
            outcome: Outcome = self._submit(work, place, item).result(_left(until))
        except BrokenProcessPool:
            return Outcome(place, failure=Failure(WorkerDied(SUSPECT)))
        return outcome


def _landed(flying: dict[Any, tuple[int, Any]], until: float) -> tuple[list[Outcome], list[tuple[int, Any]]]:
    """Takes what has ended out of `flying`: outcomes, and items of a pool that broke (then all of them have ended).

    Raises TimeoutError where nothing has ended at `until`.
    """
    from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, wait
    from concurrent.futures.process import BrokenProcessPool

    ended, _ = wait(flying, _left(until), return_when=FIRST_COMPLETED)
    if not ended:  # or there was no time to begin with any
        raise TimeoutError
    if any(isinstance(future.exception(), BrokenProcessPool) for future in ended):
        ended, _ = wait(flying, return_when=ALL_COMPLETED)
    found, suspects = [], []
    for future in sorted(ended, key=lambda future: flying[future][0]):
        pair = flying.pop(future)
        if isinstance(future.exception(), BrokenProcessPool):
            suspects.append(pair)
        else:
            found.append(future.result())
    return found, suspects


def _left(until: float) -> float | None:
    """Seconds that may be waited; None for as long as it takes."""
    return None if until == math.inf else max(0.0, until - time.monotonic())


def _leave_with(parent: int) -> None:
    """In a worker process: end when whoever started it has been killed. Else it might wait for ever to hand a result over."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def attempt(work: Work, place: int, item: Any) -> Outcome:
    """Do it, here and now; what goes wrong is told, not raised (an interrupt is raised)."""
    try:
        return Outcome(place, work(item))
    except Exception as error:
        return Outcome(place, failure=Failure(_portable(error), traceback.format_exc()))


def _portable(error: Exception) -> Exception:
    """Itself where it survives the way to another process, else an error with its text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def apart(jobs: int | None) -> Processes:
    """So many worker processes (None: one a core), and be it one: unlike this process they can be ended in their work."""
    import joblib

    return Processes(jobs or joblib.cpu_count())


def local(jobs: int | None, items: int) -> Executor:
    """The executor for so many items on this machine: `jobs` processes (None: one a core), none that would idle."""
    if jobs == 1 or items == 1:
        return Serial()
    processes = min(apart(jobs).workers, items)
    return Processes(processes) if processes > 1 else Serial()
