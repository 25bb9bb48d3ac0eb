"""Work on a Dask cluster: the same functions of the same items as on this machine, so the same bytes.

A worker that dies costs the cells that it held one more try each on another one (Dask's scheduler sees to that; it gives
up on a cell that has ended several workers, and that cell has then failed). Dask sends pickles, which are programs: trusted
networks only.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

from iosim.errors import Mistake, WorkerDied, WrongInput
from iosim.executors import Executor, Failure, Outcome, Work, attempt

REACHED = 5  # s that a scheduler may take to answer
MANNED = 15  # s that a cluster may take to have a worker; one that has lost all gets four times that
TICK = 0.02  # s between looks at what has ended
LOOK = 5  # s between looks at whether anybody works


class Cluster(Executor):
    """Hands every item to the scheduler at once; as many are worked on as the cluster has threads."""

    workers = 0  # unknown, and changing: cells are handed out whole

    def __init__(self, address: str) -> None:
        self.address = address
        self.client = _connect(address)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def outcomes(self, work: Work, items: Sequence[Any]) -> Iterator[Outcome]:
        """As they end. Raises WrongInput when the cluster is gone."""
        from distributed import as_completed

        places = {self.client.submit(attempt, work, place, item, pure=False): place for place, item in enumerate(items)}
        ended = as_completed(places, loop=self.client.loop)
        try:
            while ended.count():
                self._wait(ended)
                future = next(ended)
                place = places.pop(future)
                yield self._outcome(place, future)
                future.release()
        finally:
            self.client.cancel([*places])

    def _wait(self, ended: Any) -> None:
        """Until something has ended."""
        manned = looked = time.monotonic()
        while not ended.has_ready():
            time.sleep(TICK)
            now = time.monotonic()
            if self.client.status != "running":
                raise _unusable(self.address, "the scheduler is gone; what has ended is kept")
            if now - looked > LOOK:
                looked = now
                manned = now if self.client.nthreads() else manned
            if now - manned > 4 * MANNED:
                raise _unusable(self.address, "all of its workers are gone; what has ended is kept")

    def _outcome(self, place: int, future: Any) -> Outcome:
        if future.status == "finished":
            outcome: Outcome = future.result()
            return outcome
        if future.status in ("cancelled", "lost"):
            raise _unusable(self.address, "the scheduler is gone; what has ended is kept")
        return Outcome(place, failure=Failure(WorkerDied(f"the cluster gave up: {future.exception()}")))


def _connect(address: str) -> Any:
    """A client of a scheduler that answers and has a worker; every wait is bounded. Raises WrongInput."""
    try:
        from distributed import Client
    except ImportError:
        raise _unusable(address, "needs Dask: python -m pip install 'iosim[cluster]'") from None
    parts = urlsplit(address)
    try:
        known = parts.scheme in ("tcp", "tls", "ws", "wss") and parts.hostname and parts.port
    except ValueError:  # a port that is no number
        known = None
    if not known:
        raise _unusable(address, "write tcp://HOST:PORT, as 'dask scheduler' tells it")
    try:
        socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=REACHED).close()
        client = _within(REACHED + 1, lambda: Client(address, timeout=REACHED, set_as_default=False))
    except (OSError, ValueError) as error:
        raise _unusable(address, f"no Dask scheduler answers there: {str(error) or 'it says nothing'}") from None
    try:
        client.wait_for_workers(1, timeout=MANNED)
    except TimeoutError:
        client.close()
        raise _unusable(address, f"it has no workers; start one with 'dask worker {address}'") from None
    return client


def _within(seconds: float, make: Callable[[], Any]) -> Any:
    """What `make` gives; raises TimeoutError when it takes longer. Dask's own limit holds for no silent peer."""
    made: Future[Any] = Future()

    def work() -> None:
        try:
            made.set_result(make())
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return made.result(seconds)


def _unusable(address: str, message: str) -> WrongInput:
    return WrongInput([Mistake(f"--cluster {address}", 0, 0, "", message)])
