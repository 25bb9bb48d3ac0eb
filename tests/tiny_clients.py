"""Clients of a tiny server: two hosts with a plain path each way, and a program that answers after a while.

The way takes 1 ms each way and frames no time of their own, so that a timeline can be checked by hand.
"""

from collections.abc import Callable
from typing import Any

from tiny import Late, Tiny

from iosim.actor import TIMER
from iosim.attribution import CAUSES, NO_REQUEST, ON_ITS_WAY, USER, Request
from iosim.client_addresses import ClientAddresses, SequentialAddresses
from iosim.completion_port import CompletionPort
from iosim.net_clients import ClientParams, ClosedNetworkSource, CrowdParams, NetworkSource, OpenNetworkSource, Reach
from iosim.paths import PathEnd, plain_path
from iosim.recorders import RequestColumns
from iosim.rows import STATUS_BITS
from iosim.tcp import Connection, ConnectionUser, Flows, Host, TcpParams
from iosim.units import MS
from iosim.variates import Constant, Variate
from iosim.workload import Window

WAY = 1 * MS
SERVER, CLIENTS = 0x0A000001, 0x0A010000
PORT = 80
HORIZON = 100 * MS


class Rows(Variate):
    """What a test says for each index."""

    def __init__(self, value: Callable[[int], int]) -> None:
        self.values = value

    def value(self, index: int) -> int:
        return self.values(index)


class TinyService(ConnectionUser):
    """Answers every request with so many bytes after so much work (0 bytes: its handler ends without an answer)."""

    def __init__(self, tiny: "TinyClients", answer: int, work: int, backlog: int) -> None:
        self.tiny = tiny
        self.answer = answer
        self.work = work
        self.backlog = backlog
        self.came = 0  # connections that were made
        self.log: list[tuple[int, int]] = []  # when a request was received, and its index
        self.sources: list[int] = []
        self.gone: list[int] = []  # statuses
        self.closes_after = 0  # answers

    def attach(self, connection: Connection) -> None:
        connection.user = self
        connection.no_delay = True
        self.sources.append(self.tiny.flows.target(connection.flow))

    def listen(self, port: int) -> None:
        self.tiny.near.listen(port, self, self)

    def take_datagrams(self, port: int) -> None:
        self.tiny.near.take_datagrams(port, self, self)

    def admits(self, owner: Any) -> bool:
        self.backlog -= 1
        return self.backlog >= 0

    def established(self, owner: Any, connection: Connection) -> None:
        self.came += 1
        self.attach(connection)

    def failed(self, connection: Connection, status: int) -> None:
        self.gone.append(status)

    def received(self, connection: Connection, size: int, pushed: int, request: Request) -> None:
        connection.consumed(size)
        if request is not NO_REQUEST:
            self._serve(request, lambda: connection.send(self.answer, request), connection)

    def datagram(self, owner: Any, source: int, size: int, request: Request) -> None:
        tiny = self.tiny
        here = SERVER << 16 | PORT
        self._serve(request, lambda: tiny.near.send_datagram(here, source, self.answer, request), None)

    def _serve(self, request: Request, send: Callable[[], object], connection: Connection | None) -> None:
        tiny = self.tiny
        self.log.append((tiny.clock.now, request.index))
        request.socket = 1

        def answer() -> None:
            request.spend(USER, tiny.clock.now)
            if not self.answer:
                request.source.finished(request)
                return
            request.expected = self.answer
            request.socket = ON_ITS_WAY
            if connection and connection.fin:
                return
            send()
            self.closes_after -= 1
            if connection and not self.closes_after:
                connection.finish()

        tiny.clock.at(self.work, TIMER, Late(answer), 0)

    def peer_finished(self, connection: Connection) -> None:
        connection.finish()


class TinyClients(Tiny):
    """One load on one server."""

    def __init__(self, *, answer: int = 100, work: int = 0, backlog: int = 1000, horizon: int = HORIZON) -> None:
        super().__init__(1)
        self.flows = Flows()
        params = TcpParams(delayed_ack=20 * MS)
        self.near = Host(self.clock, self.flows, SERVER, params)
        self.far = Host(self.clock, self.flows, CLIENTS, params)
        self.out = plain_path(self.clock, 0, WAY, PathEnd(self.clock, WAY, self.far))
        self.back = plain_path(self.clock, 0, WAY, PathEnd(self.clock, WAY, self.near))
        self.near.gateway = self.out
        self.far.gateway = self.back
        self.service = TinyService(self, answer, work, backlog)
        self.columns = RequestColumns(True)
        self.window = Window(self.clock, horizon, 10, 3 * horizon, self.columns)
        self.port = CompletionPort(self.clock, self.dispatcher, 0, 0, 1)
        self.reach = Reach(self.near, self.far, SERVER << 16 | PORT, self.back, self.service)
        self.source: NetworkSource

    def parts(
        self, clients: int, size: int, addresses: ClientAddresses | None, resets: list[Variate], params: ClientParams
    ) -> tuple[Any, ...]:
        addresses = addresses or SequentialAddresses(CLIENTS)
        crowd = CrowdParams(clients, addresses, Constant(size), resets, params)
        return self.clock, self.window, 0, self.port, self.reach, crowd

    def open(
        self,
        every: int,
        clients: int = 1,
        size: int = 100,
        which: Callable[[int], int] = lambda index: 0,
        addresses: ClientAddresses | None = None,
        **params: Any,
    ) -> OpenNetworkSource:
        """A request every so many ns."""
        parts: Any = (*self.parts(clients, size, addresses, [], ClientParams(**params)), Constant(every), Rows(which))
        self.source = OpenNetworkSource(*parts)
        return self.source

    def closed(
        self,
        clients: int = 1,
        think: int = 0,
        outstanding: int = 1,
        size: int = 100,
        resets: Callable[[int], int] | None = None,
        **params: Any,
    ) -> ClosedNetworkSource:
        drawn: list[Variate] = [Rows(resets)] if resets else []
        parts: Any = (*self.parts(clients, size, None, drawn, ClientParams(**params)), Constant(think), outstanding)
        self.source = ClosedNetworkSource(*parts)
        return self.source

    def serve(self) -> list[tuple[int, int, int]]:
        """Run to the end: index, status and latency (ms) of what has ended, in the order of the ends; laws hold."""
        self.source.start()
        self.clock.run(100_000)
        self.source.check_causes()
        rows = self.columns.columns()
        assert self.window.offered == len(rows["ended"]) + self.window.live
        latencies = [(end - begin) // MS for end, begin in zip(rows["ended"], rows["intended"], strict=True)]
        statuses = [outcome & (1 << STATUS_BITS) - 1 for outcome in rows["outcome"]]
        return list(zip(rows["index"], statuses, latencies, strict=True))

    def spent(self) -> dict[str, int]:
        """ms by cause of all counted requests together."""
        sums = [sum(ledger[cause] for ledger in self.source.ledgers) for cause in range(len(CAUSES))]
        return {name: time // MS for name, time in zip(CAUSES, sums, strict=True) if time}
