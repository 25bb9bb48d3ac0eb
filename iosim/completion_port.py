"""A completion port: a kernel queue with a handle that can be waited for and closed, which file objects report to.

Source: semantics 1.2 (create, associate), 1.12 (post), 1.13 (closing), 1.14 (waiting on the handle).
"""

from iosim.actor import Clock
from iosim.attribution import Request
from iosim.cache import Caches
from iosim.dispatcher import Dispatcher
from iosim.kernel_queue import KernelQueue, KernelThread, Packet, new_packet
from iosim.ntstatus import STATUS_ABANDONED_WAIT_0
from iosim.numa import Topology
from iosim.objects import DispatcherObject


class CompletionPort(KernelQueue):
    """A port created with a concurrency limit; 0 means as many as there are processors (semantics 1.2.1).

    `handles` refer to it, and so do `files` associated with it; it lives until nothing does. `keeps_waiters`: the
    `close_mode` of XP and 2003, where threads parked at the close of the last handle stay parked.
    """

    def __init__(self, clock: Clock, dispatcher: Dispatcher, number: int, concurrency: int, processors: int) -> None:
        super().__init__(clock, dispatcher, number, concurrency if concurrency else processors)
        self.object = PortObject(dispatcher, self)
        self.handles = 1
        self.files = 0
        self.keeps_waiters = False
        self.broken_off = 0  # waits that a kernel APC, or a suspension, has broken off and that go on after it

    def post(self, request: Request) -> None:
        """Queue a mini packet (PostQueuedCompletionStatus): the normal insert; the caller is not bound by it."""
        self.insert(new_packet(request))

    def unclaimed(self) -> None:
        """No thread took the packet at once: whoever waits on the handle is woken, and takes nothing (1.14)."""
        self.object.serve()
        self.awaited = len(self.object.waits) > 0

    def close_handle(self) -> list[Packet]:
        """One handle less. The last one wakes everybody; returns the packets that nobody will ever take (1.13)."""
        self.handles -= 1
        if self.handles:
            return []
        self.object.closed = True
        self.object.serve()
        if not self.keeps_waiters:
            self.abandon()
        return self._die_unreferenced()

    def _let_go(self, thread: KernelThread, status: int) -> None:
        """As in any queue; a closed port that has kept its waiters dies with the last of them, before it runs (1.13)."""
        if self.keeps_waiters and not self.handles:
            for packet in self._die_unreferenced():
                packet.free()
        elif self.object.closed:
            status = STATUS_ABANDONED_WAIT_0  # whatever else ends the wait at the instant of the close
        KernelQueue._let_go(self, thread, status)

    def break_off(self, thread: KernelThread) -> None:
        """As in any queue."""
        self.broken_off += 1
        KernelQueue.break_off(self, thread)

    def wait_again(self, thread: KernelThread, status: int) -> bool:
        """The port may have been closed meanwhile, which ends this wait too; a kept one keeps the port (1.13)."""
        self.broken_off -= 1
        if self.object.closed and not self.keeps_waiters and thread.queue is self:
            self.unbind(thread)
        over = KernelQueue.wait_again(self, thread, status)
        if over and self.keeps_waiters and not self.handles:
            for packet in self._die_unreferenced():
                packet.free()
        return over

    def file_gone(self) -> list[Packet]:
        """An associated file object went away (1.2.7)."""
        self.files -= 1
        return self._die_unreferenced()

    def _die_unreferenced(self) -> list[Packet]:
        if self.handles or self.files or self.waiting or (self.keeps_waiters and self.broken_off):
            return []
        return self.run_down()


class PortObject(DispatcherObject):
    """The port as an object to wait for: signalled while an unclaimed packet is queued, and once it is closed (1.14)."""

    def __init__(self, dispatcher: Dispatcher, port: CompletionPort) -> None:
        super().__init__(dispatcher)
        self.port = port
        self.closed = False

    def signalled(self, thread: KernelThread) -> bool:
        """For everybody alike; the wait takes nothing, binds nothing and does not count."""
        return self.closed or len(self.port.entries) > 0

    def joined(self) -> None:
        """Somebody waits: the port must tell of packets from now on."""
        self.port.awaited = True


NO_PORT = CompletionPort(Clock(), Dispatcher(Clock(), Caches(Topology(1, 1), 0, 0, 0, 0), 0, 0, 0), -1, 1, 1)
