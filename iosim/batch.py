"""Batched dequeue: GetQueuedCompletionStatusEx takes several packets in one call, and they wait inside the thread.

The call has one cost, and one place under the port's limit for the whole batch; each packet's removal is paid in it, before
the first packet is looked at. A thread that is woken with one packet takes more when it runs, if more are there (0b.9).
The other entries are out of the port and out of every other thread's reach: they wait until the thread has done with
those before them, whatever it does meanwhile, blocking included. The cause of that is the port's order, gone on with
inside the thread: neither the limit nor a lack of threads keeps them. Who they wait behind is exact: the thread's entries
are a resource of their own, held by the request that the thread works for.
Source: semantics 1.11, 0b.9. Left out: alertable calls and timeouts, which programs (win32/) have.
"""

from collections import deque

from iosim.attribution import NO_REQUEST, Request
from iosim.cache import Caches
from iosim.completion_port import CompletionPort
from iosim.dispatcher import Dispatcher
from iosim.io_manager import IoManager
from iosim.kernel_queue import NO_PACKET, KernelThread, Packet
from iosim.probes import NO_PROBES, Probes
from iosim.services import CallCosts, Services


class BatchServices(Services):
    """One thread's own door: up to `most` packets a call, and the entries that it has got and not yet turned to."""

    def __init__(
        self, dispatcher: Dispatcher, io: IoManager, caches: Caches, costs: CallCosts, number: int, most: int
    ) -> None:
        super().__init__(dispatcher, io, caches, costs)
        self.number = number  # of the thread's entries, as a resource
        self.most = most
        self.entries: deque[Request] = deque()
        self.taken = 0  # ns: when the entries left the port
        self.holder = NO_REQUEST  # what the thread worked for last
        self.probes: Probes = NO_PROBES
        self.watched = False
        self.calls = 0  # that brought something
        self.packets = 0

    def remove(self, thread: KernelThread, port: CompletionPort) -> bool:
        """The thread's next entry, or else GetQueuedCompletionStatusEx without a timeout; False: it parked."""
        if self.watched:
            self._release()
        if self.entries:
            self._turn_to_next(thread, port)
        elif not self._fetch(thread, port):
            return False
        request = thread.request
        thread.request_bytes = 0
        if request.began < 0:
            request.began = self.clock.now
        if self.watched:
            self.holder = request
            self.probes.held(self.number, request)
        return True

    def _fetch(self, thread: KernelThread, port: CompletionPort) -> bool:
        """The call: the first packet is the thread's now, the others are its entries."""
        packet = thread.packet
        if packet is NO_PACKET:
            packet = port.remove(thread)
            if packet is NO_PACKET:
                return False
        else:
            thread.packet = NO_PACKET
        thread.request = packet.request
        others = port.take_more(thread, self.most - 1)
        self.calls += 1
        self.packets += 1 + len(others)
        self.taken = self.clock.now
        cost = self.costs.remove + removal(packet)
        for other in others:
            self.entries.append(other.request)
            if self.watched:
                self.probes.wait_began(self.number, other.request)
            cost += removal(other)
        thread.owe_kernel(cost)
        return True

    def _turn_to_next(self, thread: KernelThread, port: CompletionPort) -> None:
        """No call: the thread goes on to the next entry of its batch."""
        now = self.clock.now
        request = self.entries.popleft()
        request.spend(port.cause_order, now)
        thread.request = request
        if self.watched:
            self.probes.wait_ended(self.number, request, self.taken, now, thread.last_request)
            self.probes.held(port.number, request)

    def _release(self) -> None:
        if self.holder is not NO_REQUEST:
            self.probes.released(self.number, self.holder)
            self.holder = NO_REQUEST


def removal(packet: Packet) -> int:
    """Kernel time (ns) that a packet's removal costs beyond the call; its request must have been read before."""
    return packet.removed() if packet.is_irp else 0
