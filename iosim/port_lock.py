"""A completion port whose own lock has a cost: its inserts and removes happen one after the other (semantics 1.4).

An operation has its turn when those before it have given the lock up, and holds it for `hold` ns. A thread spins until its
turn, removes or posts then, and pays for the hold. A packet from a DPC or from outside enters the queue at its turn; until
then its request waits for the lock.

Simplified: such an insert is late, but keeps no processor busy; a thread that finds nothing and parks holds the lock but pays
only for its spin; a place that a blocking thread gives up is free without the lock. A spinner that was pre-empted keeps
its turn, and others theirs. A packet that a kernel APC inserts on top of a wait at the port enters at once: the thread that
is about to look again spins for the turn that this takes.
"""

from collections import deque

from iosim.actor import DPC, Actor, Clock
from iosim.attribution import LOCK
from iosim.completion_port import CompletionPort
from iosim.dispatcher import Dispatcher
from iosim.kernel_queue import NO_PACKET, KernelThread, Packet
from iosim.thread import RUNNING


class LockedPort(CompletionPort):
    """A port with a lock that every insert and remove holds for `hold` ns (above 0)."""

    def __init__(
        self, clock: Clock, dispatcher: Dispatcher, number: int, concurrency: int, processors: int, hold: int
    ) -> None:
        super().__init__(clock, dispatcher, number, concurrency, processors)
        self.hold = hold
        self.free_at = 0  # ns: when all who have asked for the lock so far will have given it up
        self.late: deque[Packet] = deque()  # packets whose turn has yet to come
        self.insertion = Insertion(self)
        self.turns: dict[int, bool] = {}  # threads that spin until their turn, by number

    def turn(self) -> int:
        """Take the next turn; ns until then."""
        now = self.clock.now
        wait = self.free_at - now if self.free_at > now else 0
        self.free_at = now + wait + self.hold
        return wait

    def enter(self, thread: KernelThread) -> bool:
        """Whether the thread has its turn; else it owes the spin until then, and asks again when that is paid."""
        if thread.number in self.turns:
            del self.turns[thread.number]
            return True
        wait = self.turn()
        if not wait:
            return True
        self.turns[thread.number] = True
        thread.owe_spin(wait)
        return False

    def insert(self, packet: Packet) -> None:
        """At the packet's turn, as in any port."""
        wait = self.turn()
        if wait:
            self.late.append(packet)
            self.clock.at(wait, DPC, self.insertion, 0)
        else:
            CompletionPort.insert(self, packet)

    def insert_late(self) -> None:
        """The turn of the oldest late packet has come."""
        if self.late:  # else the port has died meanwhile
            packet = self.late.popleft()
            packet.request.spend(LOCK, self.clock.now)
            CompletionPort.insert(self, packet)

    def insert_in_turn(self, packet: Packet) -> None:
        """By a thread that has entered."""
        CompletionPort.insert(self, packet)

    def remove(self, thread: KernelThread) -> Packet:
        """As in any port, at the thread's turn; NO_PACKET and still RUNNING: it spins, and is to ask again."""
        if not self.enter(thread):
            return NO_PACKET
        packet = CompletionPort.remove(self, thread)
        if packet is not NO_PACKET:
            thread.owe_kernel(self.hold)
        return packet

    def poll(self, thread: KernelThread) -> Packet:
        """Simplified: looks at once, then pays spin and hold, packet or not."""
        packet = CompletionPort.poll(self, thread)
        wait = self.turn()
        thread.owe_kernel(self.hold)
        if wait:
            thread.owe_spin(wait)
        return packet

    def insert_in_apc(self, packet: Packet) -> None:
        """As in any port (1.4.5); later its thread might have parked, and another one be woken."""
        self.turn()
        waiting = self.waiting
        self.waiting = []
        self.insert_in_turn(packet)
        self.waiting = waiting

    def wait_again(self, thread: KernelThread, status: int) -> bool:
        """As in any port; True without a packet: it spins for its turn, and its program asks again by itself."""
        return CompletionPort.wait_again(self, thread, status) or thread.state == RUNNING

    def run_down(self) -> list[Packet]:
        """Late packets are discarded with the rest."""
        discarded = CompletionPort.run_down(self) + list(self.late)
        self.late.clear()
        return discarded


class Insertion(Actor):
    """Calls a port at the turns of its late packets."""

    def __init__(self, port: LockedPort) -> None:
        self.port = port
        self.generation = 0

    def fire(self, what: int) -> None:
        """A turn has come."""
        self.port.insert_late()
