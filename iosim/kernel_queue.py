"""The kernel queue under a completion port: packets leave in arrival order, waiting threads are woken newest first.

`running` is the real object's CurrentCount: bound threads that are not in a kernel wait, whether or not a processor runs
them. Source: semantics 1.1, 1.4 to 1.11, 1.13 (QUEUE, WAIT, DOC-IOCP, DOC-GQCSEX).

The queue also knows why its packets wait: while the oldest one is kept by the limit, its time is `port_limit`; while the
limit has room but no thread is free, `no_free_thread`; while an older packet heads the queue, `port_order`.
"""

from collections import deque
from typing import Any

from iosim.actor import Clock
from iosim.attribution import NO_FREE_THREAD, NO_REQUEST, PORT_LIMIT, PORT_ORDER, Request
from iosim.ntstatus import STATUS_ABANDONED_WAIT_0, STATUS_PENDING, STATUS_SUCCESS
from iosim.probes import NO_PROBES, Probes
from iosim.processor import Scheduler
from iosim.thread import WAITING, Program, Thread

NO_LIMIT = 2**31 - 1  # there is no maximum in the real system; this one throttles nobody (semantics 1.2.2)


class Packet:
    """What a kernel queue holds: a posted mini packet, or an IRP (`Irp` is one)."""

    __slots__ = ("entered", "headed", "is_irp", "limited", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.is_irp = False
        self.entered = 0  # ns: when it was queued
        self.headed = 0  # ns: when it became the oldest
        self.limited = 0  # the queue's `limited_ns` at that instant

    def removed(self) -> int:
        """A thread takes an IRP: the kernel time (ns) that its removal costs beyond the call itself."""
        return 0

    def free(self) -> None:
        """Nobody will take it (semantics 1.13)."""


def new_packet(request: Request) -> Packet:
    """A posted one."""
    packet = Packet.__new__(Packet)  # as `Packet(request)`, which compiled takes the long way
    packet.request = request
    packet.is_irp = False
    packet.entered = 0
    packet.headed = 0
    packet.limited = 0
    return packet


NO_PACKET = Packet(NO_REQUEST)


class WaitOwner:
    """What a thread waits in, and what ends the wait for another reason than the one it waits for."""

    def end_wait(self, thread: "KernelThread", status: int) -> None:
        """The thread's wait is over, with STATUS_TIMEOUT, STATUS_USER_APC or STATUS_ABANDONED_WAIT_0."""
        raise NotImplementedError

    def break_off(self, thread: "KernelThread") -> None:
        """The thread leaves its wait to run a kernel APC; a timeout goes on."""

    def wait_again(self, thread: "KernelThread", status: int) -> bool:
        """The APC has run. False: the thread waits again, as the newest; True: it goes on, and here is what it got.

        `status`: how the wait has ended meanwhile for another reason, or STATUS_PENDING.
        """
        raise NotImplementedError


NO_OWNER = WaitOwner()


class KernelThread(Thread):
    """A thread, the kernel queue it is bound to, and the packet it was handed while it waited there.

    `wait_status` tells how its last wait ended; `timed`: a timeout is running; `user_apcs` wait for an alertable wait.
    Its kernel APCs are apc.py's business: those queued, what they interrupted, the counters that hold them back (0, or
    below), how often it was suspended.
    """

    __slots__ = (
        "alertable",
        "apc_frames",
        "call",
        "irps",
        "kernel_apc_disable",
        "kernel_apcs",
        "last_request",
        "mutexes",
        "packet",
        "queue",
        "special_apc_disable",
        "suspend_count",
        "suspending",
        "timed",
        "user_apcs",
        "wait_status",
        "waits_in",
    )

    def __init__(self, number: int, program: Program, priority: int) -> None:
        super().__init__(number, program, priority)
        self.queue: KernelQueue = NO_QUEUE
        self.packet = NO_PACKET
        self.call = NO_PACKET  # the IRP of the call that the thread is making
        self.last_request = NO_REQUEST  # whose end made the thread free
        self.waits_in: WaitOwner = NO_OWNER
        self.wait_status = STATUS_SUCCESS
        self.timed = False
        self.alertable = False
        self.user_apcs: list[Any] = []
        self.kernel_apcs: list[Any] = []  # oldest first
        self.apc_frames: list[Any] = []  # innermost last
        self.kernel_apc_disable = 0
        self.special_apc_disable = 0
        self.suspend_count = 0
        self.suspending = False  # its suspend APC is queued or under way
        self.mutexes: list[Any] = []
        self.irps: dict[Any, bool] = {}  # its requests under way that end in its own context, oldest first


class KernelQueue(WaitOwner):
    """Packets FIFO, waiters LIFO, at most `limit` running threads set going.

    Invariant: packets and waiters both wait only while `running >= limit`. `running` may exceed `limit`: a thread that
    unblocks is never held back (semantics 1.7).
    """

    def __init__(self, clock: Clock, scheduler: Scheduler, number: int, limit: int) -> None:
        self.clock = clock
        self.scheduler = scheduler
        self.number = number
        self.limit = limit
        self.running = 0
        self.entries: deque[Packet] = deque()
        self.waiting: list[KernelThread] = []
        self.bound: dict[int, KernelThread] = {}
        self.cause_limit = PORT_LIMIT
        self.cause_thread = NO_FREE_THREAD
        self.cause_order = PORT_ORDER
        self.probes: Probes = NO_PROBES
        self.watched = False
        self.awaited = False  # somebody waits on the queue as an object, and is told of packets that nobody took
        # Integrals over time, ns x count, and what they are checked against at the end of a run.
        self.running_area = 0
        self.running_since = 0
        self.running_most = 0
        self.limited_ns = 0  # time with running >= limit
        self.depth_area = 0
        self.depth_since = 0
        self.depth_most = 0
        self.sojourns = 0  # summed time in the queue of the packets that have left it
        self.packets = 0

    # ---- packets -------------------------------------------------------------------------------------------------

    def insert(self, packet: Packet) -> None:
        """Hand the packet to the newest waiter if the limit allows, else queue it at the tail (semantics 1.4).

        What the real call returns, the depth before, is `len(entries)`.
        """
        self.packets += 1
        if self.waiting and self.running < self.limit:
            if self.watched:
                self.probes.held(self.number, packet.request)
            self._hand(packet)
            return
        now = self.clock.now
        depth = len(self.entries)
        self.depth_area += depth * (now - self.depth_since)
        self.depth_since = now
        packet.entered = now
        if not depth:
            self._head(packet, now)
        self.entries.append(packet)
        if depth >= self.depth_most:
            self.depth_most = depth + 1
        if self.awaited:
            self.unclaimed()
        if self.watched:
            self.probes.wait_began(self.number, packet.request)
            self.probes.threads_counted(self.number, self.running, depth + 1)

    def unclaimed(self) -> None:
        """A packet was queued: the object is signalled (semantics 1.14)."""

    def _head(self, packet: Packet, now: int) -> None:
        packet.headed = now
        packet.limited = self.limited_ns
        if self.running >= self.limit:
            packet.limited += now - self.running_since

    def _take(self, by: Request, begins: bool = True) -> Packet:
        """Remove the oldest packet and say why it waited; `begins`: a thread turns to it at once."""
        now = self.clock.now
        entries = self.entries
        self.depth_area += len(entries) * (now - self.depth_since)
        self.depth_since = now
        packet = entries.popleft()
        if entries:
            self._head(entries[0], now)
        self.sojourns += now - packet.entered
        request = packet.request
        if now > packet.entered:
            self._explain(packet, request, now)
        if self.watched:
            self.probes.wait_ended(self.number, request, packet.entered, now, by)
            if begins:
                self.probes.held(self.number, request)
            self.probes.threads_counted(self.number, self.running, len(entries))
        return packet

    def _explain(self, packet: Packet, request: Request, now: int) -> None:
        limited = self.limited_ns - packet.limited
        if self.running >= self.limit:
            limited += now - self.running_since
        ledger = request.ledger
        ledger[self.cause_order] += packet.headed - packet.entered
        ledger[self.cause_limit] += limited
        ledger[self.cause_thread] += now - packet.headed - limited
        request.mark += now - packet.entered

    def _hand(self, packet: Packet) -> None:
        """Give the packet to the newest waiter; it counts as running from the moment it is ready (semantics 1.5.8)."""
        thread = self.waiting.pop()
        now = self.clock.now
        passed = now - self.running_since
        if passed:  # as in _count, without the call
            self.running_area += self.running * passed
            self.running_since = now  # there was room under the limit: no `limited_ns`
        self.running += 1
        if self.running > self.running_most:
            self.running_most = self.running
        if thread.timed:
            self.scheduler.disarm(thread)
        thread.waits_in = NO_OWNER
        thread.packet = packet
        thread.request = packet.request  # what the thread waits for from now on, this request waits for
        if self.watched:
            self.probes.threads_counted(self.number, self.running, len(self.entries))
        self.scheduler.make_ready(thread)

    # ---- threads -------------------------------------------------------------------------------------------------

    def remove(self, thread: KernelThread) -> Packet:
        """The oldest packet if the limit allows, without a wait; else the thread parks, and NO_PACKET (semantics 1.5).

        A parked thread may sit in front of queued packets: that is how an overshoot drains (1.5.5).
        """
        bound = thread.queue is self
        if bound and self.entries and self.running <= self.limit:
            return self._take(thread.last_request)  # gives its place up and takes it back at this instant
        if bound:
            self._count(-1)
        else:
            self._bind(thread)
            if self.entries and self.running < self.limit:
                self._count(1)
                return self._take(thread.last_request)
        thread.state = WAITING
        thread.waits_in = self
        self.waiting.append(thread)
        if self.watched:
            self.probes.threads_counted(self.number, self.running, len(self.entries))
        return NO_PACKET

    def poll(self, thread: KernelThread) -> Packet:
        """Remove with timeout 0: a packet, or NO_PACKET at once (semantics 1.5.4c).

        The thread is bound and active afterwards even without a packet (1.5.7, K04, K07).
        """
        if thread.queue is self:
            return self._take(thread.last_request) if self.entries and self.running <= self.limit else NO_PACKET
        self._bind(thread)
        free = self.running < self.limit
        self._count(1)
        return self._take(thread.last_request) if free and self.entries else NO_PACKET

    def take_more(self, thread: KernelThread, most: int) -> list[Packet]:
        """Up to `most` further packets for a thread that has just removed one: a batch has one place (1.11.2).

        They wait inside the thread from now on: that it turns to one is for the thread's program to say (`held`).
        """
        packets: list[Packet] = []
        while self.entries and len(packets) < most:
            packets.append(self._take(thread.last_request, False))
        return packets

    def end_wait(self, thread: KernelThread, status: int) -> None:
        """A parked thread goes on without a packet: timed out, or for an APC; it is active (semantics 1.5.6, 1.5.7)."""
        self.waiting.remove(thread)
        self._count(1)
        self._let_go(thread, status)

    def _let_go(self, thread: KernelThread, status: int) -> None:
        if thread.timed:
            self.scheduler.disarm(thread)
        thread.waits_in = NO_OWNER
        thread.wait_status = status
        self.scheduler.make_ready(thread)

    def break_off(self, thread: KernelThread) -> None:
        """A kernel APC hits a parked thread, which is active while it runs it (semantics 1.5.6, K13)."""
        self.waiting.remove(thread)
        self._count(1)

    def wait_again(self, thread: KernelThread, status: int) -> bool:
        """It looks again, and parks as the newest if there is nothing to take (semantics 1.5.6)."""
        if thread.queue is not self:
            thread.wait_status = STATUS_ABANDONED_WAIT_0  # the queue went away meanwhile
        elif status == STATUS_PENDING:
            thread.packet = self.remove(thread)
            if thread.packet is NO_PACKET:
                return False
        else:
            thread.packet = self.poll(thread)
            thread.wait_status = status
        if thread.packet is not NO_PACKET:
            thread.request = thread.packet.request  # what the thread still owes is on this request's way now
        if thread.timed:
            self.scheduler.disarm(thread)
        return True

    def insert_in_apc(self, packet: Packet) -> None:
        """Insert from an APC on a thread that it took out of its wait here: nobody is woken, that thread will look (1.4.5)."""
        waiting = self.waiting
        self.waiting = []
        self.insert(packet)
        self.waiting = waiting

    def abandon(self) -> None:
        """The last handle was closed: every parked thread goes on with STATUS_ABANDONED_WAIT_0, unbound (1.13)."""
        while self.waiting:  # one that goes on may run at this instant, and take another one out of its wait
            thread = self.waiting.pop(0)
            del self.bound[thread.number]
            thread.queue = NO_QUEUE
            self._let_go(thread, STATUS_ABANDONED_WAIT_0)

    def run_down(self) -> list[Packet]:
        """The object dies: all bound threads' links are cleared; the packets that nobody will take (1.8, 1.13, K18)."""
        for thread in self.bound.values():
            thread.queue = NO_QUEUE
        self.bound.clear()
        self._count(-self.running)
        discarded = []
        while self.entries:
            discarded.append(self._take(NO_REQUEST))
        return discarded

    def _bind(self, thread: KernelThread) -> None:
        """First call here: leave the old queue, whose place is free at once; not counted yet (semantics 1.5.2)."""
        if thread.queue is not NO_QUEUE:
            queue = thread.queue
            queue.unbind(thread)
        thread.queue = self
        self.bound[thread.number] = thread

    def unbind(self, thread: KernelThread) -> None:
        """An active thread ends or binds elsewhere."""
        del self.bound[thread.number]
        thread.queue = NO_QUEUE
        self.release_one(thread.last_request)

    def release_one(self, by: Request) -> None:
        """An active thread goes away: the oldest packet to the newest waiter, if the limit allows (semantics 1.6)."""
        now = self.clock.now
        running = self.running
        passed = now - self.running_since  # as in _count, without the call: threads block and wake all the time
        if passed:
            self.running_area += running * passed
            if running >= self.limit:
                self.limited_ns += passed
            self.running_since = now
        self.running = running - 1
        if self.running < self.limit and self.waiting and self.entries:
            self._hand(self._take(by))
        elif self.watched:
            self.probes.threads_counted(self.number, self.running, len(self.entries))

    def unblocked(self) -> None:
        """A bound thread's other wait is satisfied: it runs, whatever the limit (semantics 1.7)."""
        now = self.clock.now
        running = self.running
        passed = now - self.running_since  # as in _count, without the call
        if passed:
            self.running_area += running * passed
            if running >= self.limit:
                self.limited_ns += passed
            self.running_since = now
        self.running = running + 1
        if running >= self.running_most:
            self.running_most = running + 1
        if self.watched:
            self.probes.threads_counted(self.number, self.running, len(self.entries))

    def _count(self, change: int) -> None:
        now = self.clock.now
        running = self.running
        passed = now - self.running_since
        if passed:
            self.running_area += running * passed
            if running >= self.limit:
                self.limited_ns += passed
            self.running_since = now
        self.running = running = running + change
        if running > self.running_most:
            self.running_most = running

    def settle(self) -> None:
        """Bring the integrals up to now."""
        self._count(0)
        now = self.clock.now
        self.depth_area += len(self.entries) * (now - self.depth_since)
        self.depth_since = now


NO_QUEUE = KernelQueue(Clock(), Scheduler(), -1, 0)
