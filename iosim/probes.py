"""The facts that the model states: the whole vocabulary, each an empty method until a listener fills it.

The model says what happened in one line; counting, averaging and tracing live in listeners (iosim/recorders.py). A
mechanism asks its own `watched` flag first, so that without a listener no Python call is made (tested by count).
Times are ns of simulated time.
"""

from iosim.attribution import Request


class Probes:
    """Base of every listener; `resource` is the number that the machine gave to a queue, lock or device."""

    def wait_began(self, resource: int, request: Request) -> None:
        """The request joined what waits at the resource."""

    def wait_ended(self, resource: int, request: Request, began: int, now: int, by: Request) -> None:
        """The request no longer waits at the resource; `by` is whose doing that was."""

    def held(self, resource: int, request: Request) -> None:
        """The request now occupies a place in the resource (a thread of the port, the lock, the drive)."""

    def released(self, resource: int, request: Request) -> None:
        """The request gave its place up."""

    def threads_counted(self, resource: int, running: int, depth: int) -> None:
        """A port's running threads or waiting packets changed."""


NO_PROBES = Probes()
