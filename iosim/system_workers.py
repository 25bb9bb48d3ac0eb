"""System worker threads: each takes work off its queue, does it, waiting where it must, and takes the next.

Few of them serve all cached misses of overlapped calls (0b.20, semantics 3.3), others read ahead and write lazily.
"""

from iosim.attribution import NO_REQUEST
from iosim.kernel_queue import NO_PACKET, KernelQueue, KernelThread
from iosim.kernel_work import NO_WORK, KernelWork
from iosim.outcomes import BLOCKED, OVER
from iosim.thread import Program, Thread


class SystemWorker(Program):
    """One of them."""

    def __init__(self, queue: KernelQueue) -> None:
        self.queue = queue
        self.work: KernelWork = NO_WORK

    def resume(self, thread: Thread) -> bool:
        """One stretch further."""
        worker: KernelThread = thread  # type: ignore[assignment]  # the dispatcher makes no other threads
        while True:
            if self.work is NO_WORK and not self._take(worker):
                return worker.owed > 0  # the switch of a thread that starts
            work = self.work
            outcome = work.go_on(worker)
            if outcome == BLOCKED:
                return False
            if worker.owed:
                return True
            if outcome == OVER:
                self._finish(worker)

    def _take(self, thread: KernelThread) -> bool:
        packet = thread.packet
        if packet is NO_PACKET:
            if thread.owed:
                return False
            packet = self.queue.remove(thread)
            if packet is NO_PACKET:
                return False
        thread.packet = NO_PACKET
        thread.request = packet.request
        self.work = packet  # type: ignore[assignment]  # nothing else is queued here
        return True

    def _finish(self, thread: KernelThread) -> None:
        work = self.work
        self.work = NO_WORK
        thread.last_request = thread.request
        thread.request = NO_REQUEST
        work.end()
