"""A completion port: a kernel queue that file objects are associated with.

Source: semantics 1.2 (create, associate), 1.3 (when a packet is queued), 1.12 (post). Notification modes, closing,
cancellation and waiting on the handle come with issue B.
"""

from iosim.actor import Clock
from iosim.attribution import Request
from iosim.kernel_queue import KernelQueue, Packet
from iosim.processor import Scheduler


class CompletionPort(KernelQueue):
    """A port created with a concurrency limit; 0 means as many as there are processors (semantics 1.2.1)."""

    def __init__(self, clock: Clock, scheduler: Scheduler, number: int, concurrency: int, processors: int) -> None:
        super().__init__(clock, scheduler, number, concurrency if concurrency else processors)

    def post(self, request: Request) -> None:
        """Queue a mini packet (PostQueuedCompletionStatus): the normal insert; the caller is not bound by it."""
        self.insert(Packet(request))
