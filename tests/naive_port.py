"""Completion ports as the rules tell them, and nothing else: the reference that the kernel queue is compared with.

Written from semantics 1.4 to 1.9, 1.11 and 1.13 alone, and in another way than the product: it keeps no counter and no
list of waiters or bound threads. Who is active, parked or bound is asked of all threads whenever somebody wants to know.
"""

from dataclasses import dataclass, field
from enum import Enum


class State(Enum):
    """RUNNING has returned from its last call; WOKEN is ready, its call has yet to return."""

    RUNNING, WOKEN, PARKED, BLOCKED, ENDED = range(5)


ACTIVE = (State.RUNNING, State.WOKEN)

PACKET, TIMED_OUT, USER_APC, ABANDONED, UNBLOCKED, PENDING = (
    "packet",
    "timeout",
    "user APC",
    "abandoned",
    "unblocked",
    "pending",
)
NEVER = -1


@dataclass(eq=False)
class NaiveThread:
    """A thread, the port it is bound to, and its last call: how many packets it asked for, what it got, how it ended."""

    number: int
    port: "NaivePort | None" = None
    state: State = State.RUNNING
    bound_at: int = 0
    parked_at: int = 0
    most: int = 1
    got: list[int] = field(default_factory=list)
    outcome: str = PENDING
    alertable: bool = False
    apcs: int = 0
    deadline: int = NEVER


@dataclass(eq=False)
class NaivePort:
    """A port: its limit, its packets oldest first, and what keeps it alive."""

    limit: int
    keeps_waiters: bool
    packets: list[int] = field(default_factory=list)
    handles: int = 1
    files: int = 0
    dead: bool = False


class NaivePorts:
    """All threads and ports."""

    def __init__(self, limits: list[int], threads: int, keeps_waiters: bool) -> None:
        self.ports = [NaivePort(limit, keeps_waiters) for limit in limits]
        self.threads = [NaiveThread(number) for number in range(threads)]
        self.now = 0  # ns
        self.sequence = 0  # of parking and binding

    # ---- what can be seen --------------------------------------------------------------------------------------------

    def active(self, port: NaivePort) -> list[NaiveThread]:
        """CurrentCount, by name (1.1)."""
        return [each for each in self.threads if each.port is port and each.state in ACTIVE]

    def parked(self, port: NaivePort) -> list[NaiveThread]:
        """Oldest first."""
        parked = [each for each in self.threads if each.port is port and each.state is State.PARKED]
        return sorted(parked, key=lambda each: each.parked_at)

    def bound(self, port: NaivePort) -> list[NaiveThread]:
        """In the order in which they were bound."""
        return sorted((each for each in self.threads if each.port is port), key=lambda each: each.bound_at)

    # ---- packets (1.4, 1.6) ------------------------------------------------------------------------------------------

    def insert(self, port: NaivePort, packet: int) -> int:
        """Returns the depth before."""
        depth = len(port.packets)
        port.packets.append(packet)
        if not depth or not self.parked(port):
            self.hand_over(port)
        return depth

    def hand_over(self, port: NaivePort) -> None:
        """The oldest packet to the newest waiter, if the limit allows."""
        parked = self.parked(port)
        if parked and port.packets and len(self.active(port)) < port.limit:
            parked[-1].got = [port.packets.pop(0)]
            self.wake(parked[-1], PACKET)

    def wake(self, thread: NaiveThread, outcome: str) -> None:
        thread.state = State.WOKEN
        thread.outcome = outcome

    # ---- remove (1.5, 1.11) ------------------------------------------------------------------------------------------

    def remove(self, thread: NaiveThread, port: NaivePort, most: int, timeout: int, alertable: bool) -> str:
        """How the call ended; PENDING: the thread parks. `timeout`: ns, NEVER, or 0 to look only."""
        thread.deadline = self.now + timeout if timeout > 0 else NEVER
        return self.ask(thread, port, most, timeout == 0, alertable)

    def ask(self, thread: NaiveThread, port: NaivePort, most: int, polls: bool, alertable: bool) -> str:
        thread.got = []
        thread.most = most
        thread.alertable = alertable
        if alertable and thread.apcs and thread.port is not port:
            return self.run_apcs(thread)
        self.bind(thread, port)
        others = [each for each in self.active(port) if each is not thread]
        if port.packets and len(others) < port.limit:
            self.take(thread, port)
            thread.outcome = PACKET
        elif alertable and thread.apcs:
            return self.run_apcs(thread)
        elif polls:
            thread.outcome = TIMED_OUT
        else:
            self.park(thread)
        return thread.outcome

    def run_apcs(self, thread: NaiveThread) -> str:
        thread.apcs = 0
        thread.outcome = USER_APC
        return USER_APC

    def bind(self, thread: NaiveThread, port: NaivePort) -> None:
        old = thread.port
        if old is port:
            return
        self.sequence += 1
        thread.port, thread.bound_at = port, self.sequence
        if old is not None:
            self.hand_over(old)

    def take(self, thread: NaiveThread, port: NaivePort) -> None:
        room = thread.most - len(thread.got)
        thread.got += port.packets[:room]
        del port.packets[:room]

    def park(self, thread: NaiveThread) -> None:
        self.sequence += 1
        thread.state, thread.parked_at, thread.outcome = State.PARKED, self.sequence, PENDING

    def returns(self, thread: NaiveThread) -> None:
        """The woken thread runs: a batch takes what is there by now, APCs run."""
        thread.state = State.RUNNING
        if thread.outcome == PACKET and thread.port is not None:
            self.take(thread, thread.port)
        if thread.outcome == USER_APC:
            thread.apcs = 0

    # ---- what else ends a park (1.5.6) -------------------------------------------------------------------------------

    def pass_time(self, ns: int) -> None:
        """Finite timeouts expire."""
        self.now += ns
        for each in self.threads:
            if each.state is State.PARKED and each.deadline != NEVER and each.deadline <= self.now:
                self.leave_wait(each, TIMED_OUT)

    def leave_wait(self, thread: NaiveThread, outcome: str) -> None:
        port = thread.port
        self.wake(thread, outcome)
        if port is not None:
            self.bury(port)

    def queue_user_apc(self, thread: NaiveThread) -> None:
        thread.apcs += 1
        if thread.state is State.PARKED and thread.alertable:
            self.leave_wait(thread, USER_APC)

    def kernel_apc(self, thread: NaiveThread) -> None:
        """It runs, counted, and asks again; the deadline stays."""
        assert thread.port is not None
        thread.state = State.RUNNING
        self.ask(thread, thread.port, thread.most, False, thread.alertable)
        if thread.state is State.RUNNING:
            thread.state = State.WOKEN

    # ---- other waits, ends (1.6 to 1.8) ------------------------------------------------------------------------------

    def block(self, thread: NaiveThread) -> None:
        thread.state = State.BLOCKED
        if thread.port is not None:
            self.hand_over(thread.port)

    def unblock(self, thread: NaiveThread) -> None:
        self.wake(thread, UNBLOCKED)

    def end(self, thread: NaiveThread) -> None:
        port, thread.port, thread.state = thread.port, None, State.ENDED
        if port is not None:
            self.hand_over(port)

    # ---- closing (1.13) ----------------------------------------------------------------------------------------------

    def close(self, port: NaivePort) -> list[int]:
        """One handle less; the packets that nobody will ever take."""
        port.handles -= 1
        if not port.handles and not port.keeps_waiters:
            for each in self.parked(port):
                self.wake(each, ABANDONED)
                each.port = None
        return self.bury(port)

    def file_gone(self, port: NaivePort) -> list[int]:
        port.files -= 1
        return self.bury(port)

    def bury(self, port: NaivePort) -> list[int]:
        """The object dies when nothing refers to it: no handle, no associated file, no thread parked there."""
        if port.handles or port.files or self.parked(port):
            return []
        for each in self.bound(port):
            each.port = None
        lost, port.packets, port.dead = port.packets, [], True
        return lost
