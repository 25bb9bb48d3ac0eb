"""Where a request's time went: one cause for every nanosecond of its critical path (design 3.9).

A request carries a `mark`, the instant up to which its time is explained. Whoever knows why the time since the mark
passed says so (`spend`): the cause gets the time, and the mark moves on by as much. At the end of a request its mark is
now, or a law is broken; at the end of a run the causes sum to the latencies, or a law is broken.
"""

from array import array
from typing import Any

from iosim.actor import Actor

# The first five have the numbers of the processor's kinds of thread time (thread.py), so that a stretch of
# processor time can be booked on the processor and on its request alike.
CAUSES = (
    "user",
    "kernel",
    "wake_and_switch",
    "cache_refill",
    "lock",
    "interrupted",
    "ready_queue",
    "port_limit",
    "no_free_thread",
    "port_order",
    "sleep",
    "blocked_call",
    "dpc_wait",
    "port_driver_queue",
    "device_queue",
    "device_service",
    "dma",
    "system_worker_queue",
    "paging",
    "client_window",
    "link",
    "ring",
    "moderation",
    "filter",
    "write_throttle",
    "propagation",
    "retransmit",
    "remote_peer",
    "send_window",
    "idle_state_exit",
    "timer_tick",
    "fault_recovery",
    "remote_memory",
    "connection_order",
)
(
    USER,
    KERNEL,
    WAKE_AND_SWITCH,
    CACHE_REFILL,
    LOCK,
    INTERRUPTED,
    READY_QUEUE,
    PORT_LIMIT,
    NO_FREE_THREAD,
    PORT_ORDER,
    SLEEP,
    BLOCKED_CALL,
    DPC_WAIT,
    PORT_DRIVER_QUEUE,
    DEVICE_QUEUE,
    DEVICE_SERVICE,
    DMA,
    SYSTEM_WORKER_QUEUE,
    PAGING,
) = range(19)
LINK = CAUSES.index("link")
PROPAGATION = CAUSES.index("propagation")
REMOTE_PEER = CAUSES.index("remote_peer")
RETRANSMIT = CAUSES.index("retransmit")
SEND_WINDOW = CAUSES.index("send_window")
RING = CAUSES.index("ring")
MODERATION = CAUSES.index("moderation")
FILTER = CAUSES.index("filter")
WRITE_THROTTLE = CAUSES.index("write_throttle")
FAULT_RECOVERY = CAUSES.index("fault_recovery")
REMOTE_MEMORY = CAUSES.index("remote_memory")
CONNECTION_ORDER = CAUSES.index("connection_order")
IDLE_STATE_EXIT = CAUSES.index("idle_state_exit")
CAUSE_COUNT = len(CAUSES)

BACKGROUND = -1  # index of a request that no client made

# Where a request that came over a network is, beside a socket of the server.
ON_ITS_WAY = 0  # or with its client
ENDED = -1

# How a request ended.
COMPLETED, FAILED, CANCELLED, DROPPED = range(4)

LAST_STEP = -1  # of a list
NO_NODE = -1


class Client(Actor):
    """Whoever asked, and is told of the end."""

    def finished(self, request: "Request") -> None:
        """The request has been served."""
        raise NotImplementedError


class Nobody(Client):
    """The client of what nobody waits for."""

    def finished(self, request: "Request") -> None:
        """As if nothing had been."""


NOBODY = Nobody()


class Request:
    """Something that a client asked for: what it is, how far its handler has come, and where its time went.

    `index` is its identity within its source (design 1.3): what is drawn for the request depends on it alone.
    Times are ns of simulated time; `intended` is when the client wanted to ask, `issued` when it did, `began` when a
    thread first ran for it (-1 before). `ledger` holds ns by cause; requests may share one. Made by `new_request`.
    """

    __slots__ = (
        "address",
        "began",
        "bytes",
        "expected",
        "group",
        "home",
        "index",
        "intended",
        "issued",
        "ledger",
        "mark",
        "offset",
        "size",
        "socket",
        "source",
        "status",
        "step",
        "steps",
        "target",
        "write",
    )

    group: int  # request class, by its number
    index: int
    intended: int
    issued: int
    began: int
    mark: int
    ledger: "array[int]"
    status: int
    bytes: int
    expected: int  # bytes that its client has to get over a network before it has ended
    step: int  # where its handler goes on
    source: Client
    steps: list[Any]  # of its handler (application.Step)
    target: int  # of a replayed row: number of the file, bytes, 1 for a write
    offset: int
    size: int
    write: int
    socket: int  # number of the server's socket it came to, from then on until its answer is given to the transport
    address: int  # whence a datagram came (tcp.py)
    home: int  # node of its bytes, where that is known (numa.py)

    def fail(self) -> None:
        """What it needed ended with an error: its handler goes on with its last step, the end."""
        self.status = FAILED
        self.step = LAST_STEP

    def spend(self, cause: int, now: int) -> None:
        """The time from the mark to `now` had this cause."""
        spent = now - self.mark
        if spent:
            self.ledger[cause] += spent
            self.mark = now

    def travels(self, cause: int, until: int) -> None:
        """The same for one that a frame carries, unless that is explained; it may have arrived by an earlier frame."""
        if self.mark < until and not self.socket:  # it is ON_ITS_WAY; compiled, the name is an object
            self.spend(cause, until)

    def drop(self, cause: int, now: int) -> None:
        """What carried it is lost, and nobody will send it again."""
        self.travels(cause, now)
        self.status = DROPPED
        source = self.source
        source.finished(self)


def new_ledger() -> "array[int]":
    """Sums of ns by cause."""
    return array("q", bytes(8 * CAUSE_COUNT))


def new_request(group: int, index: int, now: int, ledger: "array[int]") -> Request:
    """Request `index` of class `group`, intended and issued now."""
    request = Request.__new__(Request)  # its numbers are no arguments: compiled, that would make an object of each
    request.began = -1
    request.status = COMPLETED
    request.bytes = 0
    request.expected = 0
    request.step = 0
    request.socket = ON_ITS_WAY
    request.home = NO_NODE
    request.group = group
    request.index = index
    request.intended = now
    request.issued = now
    request.mark = now
    request.ledger = ledger
    return request


def ghost_of(request: Request) -> Request:
    """What a server does for a request whose client has given it up, and does not know."""
    ghost = new_request(request.group, request.index, request.mark, new_ledger())
    ghost.source = NOBODY
    ghost.steps = request.steps
    ghost.size = request.size
    ghost.home = request.home
    return ghost


def part_of(request: Request) -> Request:
    """A part of a request's work that goes on beside others: what it takes is kept apart until `hand_back`."""
    part = new_request(request.group, request.index, request.mark, new_ledger())
    part.intended = request.intended
    part.issued = request.issued
    return part


def hand_back(part: Request, request: Request) -> None:
    """The part ended last of all: its way was the critical one, and its causes are the request's (design 3.9).

    What the request has explained for itself since the part began is not told twice: its thread may have been interrupted
    in its wait by a kernel APC. The earliest of the part's time gives way.
    """
    told = request.mark - part.mark
    for cause in range(CAUSE_COUNT):
        told += part.ledger[cause]
    for step in range(CAUSE_COUNT):
        cause = (PORT_DRIVER_QUEUE + step) % CAUSE_COUNT  # what comes first on the way
        spent = part.ledger[cause]
        if told > 0 and spent > 0:
            known = min(told, spent)
            told -= known
            spent -= known
        request.ledger[cause] += spent
    request.mark = part.mark


def recovered(part: Request) -> None:
    """All that a part has taken so far was lost to a fault."""
    ledger = part.ledger
    whole = 0
    for cause in range(CAUSE_COUNT):
        whole += ledger[cause]
        ledger[cause] = 0
    ledger[FAULT_RECOVERY] = whole


def rebook(request: Request, cause: int, time: int) -> None:
    """So much (ns) of what is booked, or will be booked, as the request's kernel time has this cause."""
    ledger = request.ledger
    ledger[KERNEL] -= time
    ledger[cause] += time


def rebook_refill(request: Request, time: int) -> None:
    """So much (ns) of what is booked as the refill of caches is the price of memory that is far away, or asked for by many."""
    ledger = request.ledger
    ledger[CACHE_REFILL] -= time
    ledger[REMOTE_MEMORY] += time


def background_request() -> Request:
    """What the system does of its own accord (read-ahead, lazy writes) is done for this: nobody sums its causes."""
    return new_request(0, BACKGROUND, 0, new_ledger())


NO_REQUEST = new_request(0, 0, 0, new_ledger())
