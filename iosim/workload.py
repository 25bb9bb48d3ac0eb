"""Who asks for what and when: open arrivals, closed clients, replayed traces. All post their requests to a port.

A request is *counted* when its intended arrival lies before the horizon; the load stays on after that until every counted
request has ended, so that the last ones meet the same crowd as the first. What is drawn for a request depends on its
identity alone (streams.py).
"""

from array import array

from iosim.actor import ARRIVAL, STOP, Actor, Clock
from iosim.attribution import DROPPED, Client, Request, new_ledger, new_request
from iosim.completion_port import CompletionPort
from iosim.errors import LawBroken
from iosim.kernel_queue import new_packet
from iosim.recorders import RequestColumns
from iosim.variates import CLIENT_SHIFT, MOST_ITERATIONS, Variate

NEVER = 2**62


class Window(Actor):
    """The measured time: sums of causes in `bins` equal bins of intended arrival, and the end of the run.

    Sources keep its counts, where their requests come and go.
    The run ends when the horizon has passed and no counted request is left, or at `limit` (ns), with those left in flight.
    """

    def __init__(self, clock: Clock, horizon: int, bins: int, limit: int, columns: RequestColumns) -> None:
        self.clock = clock
        self.generation = 0
        self.horizon = horizon
        self.bins = bins
        self.bin_ns = max(1, -(-horizon // bins))
        self.columns = columns
        self.offered = 0  # counted requests
        self.live = 0  # counted requests that have not ended
        self.present = 0  # all requests in the system
        self.area = 0  # ns x requests in the system
        self.since = 0
        self.sojourns = 0
        self.present_starts = 0  # sum of the intended arrivals of those present
        self.sources_open = 0
        self.limit = limit
        if horizon < NEVER:
            clock.at(horizon, STOP, self, 0)
            clock.at(limit, STOP, self, 1)

    def fire(self, what: int) -> None:
        """The horizon, or the limit, has been reached."""
        if what or not self.live:
            self.clock.stop()

    def settle(self) -> None:
        """Bring the integral up to now."""
        self.area += self.present * (self.clock.now - self.since)
        self.since = self.clock.now


class Source(Client):
    """One entry of a scenario's workload; its number is its request class.

    `answers`: its clients wait for the end of a request, and `served` says what they do next.
    """

    def __init__(self, clock: Clock, window: Window, group: int, port: CompletionPort) -> None:
        self.clock = clock
        self.window = window
        self.generation = 0
        self.answers = False
        self.group = group
        self.port = port
        self.steps: list[object] = []
        self.ledgers = [new_ledger() for _ in range(window.bins)]
        self.ledger = self.ledgers[0]  # of the present bin, until `turn` (ns)
        self.turn = 0
        self.keeps_causes = window.columns.with_causes
        self.asked = 0  # counted requests
        self.asked_before: list[tuple[int, int]] = []  # bin, and how many had been asked before its first
        self.ended = 0  # counted requests
        self.latencies = 0  # their sum (ns)

    def ask(self, index: int) -> Request:
        """A new request, intended and issued now."""
        now = self.clock.now
        if now >= self.turn:
            self._turn_ledger(now)
        window = self.window
        ledger = self.ledger
        if self.keeps_causes:
            ledger = new_ledger()
        request = new_request(self.group, index, now, ledger)
        request.source = self
        request.steps = self.steps
        window.area += window.present * (now - window.since)
        window.since = now
        window.present += 1
        window.present_starts += now
        if now < window.horizon:
            self.asked += 1
            window.offered += 1
            window.live += 1
        return request

    def _turn_ledger(self, now: int) -> None:
        """The sums of causes of the bin that has begun; what comes after the horizon is not summed."""
        window = self.window
        if now >= window.horizon:
            self.ledger, self.turn = new_ledger(), NEVER
            return
        place = min(now // window.bin_ns, window.bins - 1)
        self.asked_before.append((place, self.asked))
        self.ledger = self.ledgers[place]
        self.turn = min((place + 1) * window.bin_ns, window.horizon) if place < window.bins - 1 else window.horizon

    def finished(self, request: Request) -> None:
        """The request has been served."""
        window = self.window
        now = self.clock.now
        issued = request.issued
        window.area += window.present * (now - window.since)
        window.since = now
        window.present -= 1
        window.present_starts -= issued
        window.sojourns += now - issued
        if request.intended < window.horizon:
            self._count(request, now)
        if self.answers:
            self.served(request, now)

    def _count(self, request: Request, now: int) -> None:
        window = self.window
        self.ended += 1
        window.columns.add(request, now)
        if request.status == DROPPED:
            if not self.keeps_causes:
                raise LawBroken(f"class {self.group}: a dropped request's causes can't be told from the others'")
        else:
            self.latencies += now - request.intended
        if self.keeps_causes and request.status != DROPPED:
            total = self.ledgers[min(request.intended // window.bin_ns, window.bins - 1)]
            for cause, spent in enumerate(request.ledger):
                total[cause] += spent
        window.live -= 1
        if not window.live and (now >= window.horizon or not window.sources_open):
            self.clock.stop()

    def check_causes(self) -> None:
        """Raise LawBroken unless all causes of the class sum to its latencies (design 1.2, the third law).

        With counted requests left in flight the causes may be more: theirs, as far as they came.
        """
        booked = sum(map(sum, self.ledgers))
        if booked < self.latencies or (booked > self.latencies and not self.window.live):
            raise LawBroken(f"class {self.group}: causes sum to {booked} ns, latencies to {self.latencies} ns")

    def served(self, request: Request, now: int) -> None:
        """What the client does next."""

    def start(self) -> None:
        """The run begins."""
        raise NotImplementedError


class OpenSource(Source):
    """Asks whatever happens: gaps are drawn, nobody waits for an answer."""

    def __init__(self, clock: Clock, window: Window, group: int, port: CompletionPort, gap: Variate) -> None:
        super().__init__(clock, window, group, port)
        self.gap = gap
        self.next = 0

    def start(self) -> None:
        """The first request comes after its gap."""
        self.window.sources_open += 1
        self.clock.at(self.gap.value(0), ARRIVAL, self, 0)

    def fire(self, what: int) -> None:
        """One request now, the next after its gap."""
        index = self.next
        self.next = index + 1
        self.clock.at(self.gap.value(index + 1), ARRIVAL, self, 0)
        self.port.insert(new_packet(self.ask(index)))


class ClosedSource(Source):
    """Clients that think, ask, and wait for the answer."""

    def __init__(
        self, clock: Clock, window: Window, group: int, port: CompletionPort, clients: int, think: Variate
    ) -> None:
        super().__init__(clock, window, group, port)
        self.answers = True
        self.clients = clients
        self.think = think
        self.iterations = [0] * clients

    def start(self) -> None:
        """Every client begins with a thought."""
        self.window.sources_open += 1
        for client in range(self.clients):
            self.clock.at(self.think.value(client << CLIENT_SHIFT), ARRIVAL, self, client)

    def fire(self, what: int) -> None:
        """Client number `what` asks."""
        self.port.insert(new_packet(self.ask(what << CLIENT_SHIFT | self.iterations[what])))

    def served(self, request: Request, now: int) -> None:
        """The client thinks again."""
        client = request.index >> CLIENT_SHIFT
        iteration = self.iterations[client] + 1
        self.iterations[client] = iteration
        self.clock.at(self.think.value(client << CLIENT_SHIFT | iteration), ARRIVAL, self, client)


class PipelinedSource(ClosedSource):
    """Clients that keep `outstanding` requests under way each, like a connection with as many receives posted.

    Every one of a client's slots thinks, asks and waits for itself: slot s asks for the client's iterations s,
    s + outstanding, s + 2 outstanding, ... So what a slot asks for next never depends on which slot was answered first,
    and neighbours in a client's sequence (of a file that is read in order) are under way together. Where nothing else
    tells a client's requests apart, this is the same load as `outstanding` times as many clients. `overtook` counts
    ends of requests of which an earlier one of their client's was still under way (semantics 1.9.1), whenever they came.
    """

    def __init__(
        self,
        clock: Clock,
        window: Window,
        group: int,
        port: CompletionPort,
        clients: int,
        think: Variate,
        outstanding: int,
    ) -> None:
        super().__init__(clock, window, group, port, clients, think)
        self.outstanding = outstanding
        self.next = [client << CLIENT_SHIFT | slot for client in range(clients) for slot in range(outstanding)]
        self.under_way: list[dict[int, bool]] = [{} for _ in range(clients)]  # by client, in the order of asking
        self.answered = 0
        self.overtook = 0

    def start(self) -> None:
        """Every slot of every client begins with a thought."""
        self.window.sources_open += 1
        for slot, index in enumerate(self.next):
            self.clock.at(self.think.value(index), ARRIVAL, self, slot)

    def fire(self, what: int) -> None:
        """Slot number `what` (of all clients') asks."""
        index = self.next[what]
        self.under_way[index >> CLIENT_SHIFT][index] = True
        self.port.insert(new_packet(self.ask(index)))

    def served(self, request: Request, now: int) -> None:
        """The slot thinks again."""
        index = request.index
        client = index >> CLIENT_SHIFT
        under_way = self.under_way[client]
        self.answered += 1
        if next(iter(under_way)) != index:
            self.overtook += 1
        del under_way[index]
        slot = client * self.outstanding + (index & MOST_ITERATIONS) % self.outstanding
        self.next[slot] = index + self.outstanding
        self.clock.at(self.think.value(index + self.outstanding), ARRIVAL, self, slot)


class RowPace:
    """When the rows of a replay come: at their own times (`arrival`, ns), or with `depth` of them outstanding.

    In the latter case the next row comes as soon as one has been answered, or after that one's `think` time (ns), where the
    trace has them (else it is empty).
    """

    def __init__(self, arrival: "array[int]", think: "array[int]", depth: int) -> None:
        self.arrival = arrival
        self.think = think
        self.thinks = len(think) > 0
        self.depth = depth
        self.next = 0
        self.coming = 0  # rows that are bound to come, at a fixed depth

    def begin(self, source: Source) -> None:
        """The first row, or the first `depth` rows."""
        clock = source.clock
        if self.depth:
            self.coming = min(self.depth, len(self.arrival))
            for _ in range(self.coming):
                clock.at(0, ARRIVAL, source, 0)
        else:
            clock.at(self.arrival[0], ARRIVAL, source, 0)

    def take(self, source: Source) -> int:
        """The row that comes now; the next one is seen to, and with the last one the source has no more."""
        row = self.next
        self.next = row + 1
        clock = source.clock
        if self.next == len(self.arrival):
            window = source.window
            window.sources_open -= 1
        elif not self.depth:
            clock.at(self.arrival[row + 1] - clock.now, ARRIVAL, source, 0)
        if self.depth:
            self.coming -= 1
        return row

    def answered(self, source: Source, row: int) -> None:
        """At a fixed depth, an answer makes room for the next row."""
        if self.depth and self.next + self.coming < len(self.arrival):
            self.coming += 1
            clock = source.clock
            clock.at(self.think[row] if self.thinks else 0, ARRIVAL, source, 0)


class ReplaySource(Source):
    """The rows of a block trace, as `pace` says."""

    def __init__(
        self,
        clock: Clock,
        window: Window,
        group: int,
        port: CompletionPort,
        target: "array[int]",
        offset: "array[int]",
        size: "array[int]",
        write: "array[int]",
        pace: RowPace,
    ) -> None:
        super().__init__(clock, window, group, port)
        self.answers = True
        self.target = target
        self.offset = offset
        self.size = size
        self.write = write
        self.pace = pace

    def start(self) -> None:
        """The first row, or the first `depth` rows."""
        self.window.sources_open += 1
        pace = self.pace
        pace.begin(self)

    def fire(self, what: int) -> None:
        """One row."""
        pace = self.pace
        row = pace.take(self)
        request = self.ask(row)
        request.target = self.target[row]
        request.offset = self.offset[row]
        request.size = self.size[row]
        request.write = self.write[row]
        self.port.insert(new_packet(request))

    def served(self, request: Request, now: int) -> None:
        """At a fixed depth, an answer makes room for the next row."""
        pace = self.pace
        pace.answered(self, request.index)
