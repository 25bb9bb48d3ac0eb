"""The classic callback server: files to pipes over one completion port, several workers, a callback for every operation.

Every operation has a context: an OVERLAPPED that carries what is to be called at its end, so that the worker's loop knows
nothing of files or pipes. A connection has two contexts, one that reads and one that sends, and two buffers: the file is
read ahead into one buffer while the other is sent. All of them are made when the server starts: starting an operation
allocates nothing. The two contexts of a connection may come back on two workers at once, so that each connection has a lock.

    python scenarios/callback_server.py                      # how much workers and read-ahead bring
    python -m iosim.bundled.callback_server                  # the same, from an installed iosim

Times are ns. A client takes a chunk in pieces and waits between them: its network.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from iosim.win32 import (
    ERROR_IO_PENDING,
    ERROR_PIPE_CONNECTED,
    INFINITE,
    INVALID_HANDLE_VALUE,
    MAXIMUM_WAIT_OBJECTS,
    Api,
    Buffer,
    CompletionStatus,
    DiskParams,
    Handle,
    IoResult,
    Overlapped,
    System,
    ThreadBody,
)

PIPE = r"\\.\pipe\files"
EXIT, CONNECTION, FILE = range(3)  # completion keys
REQUEST = 64  # bytes
CHUNK = 16 * 1024  # bytes: what the server reads and sends at a time
PIECE = 4 * 1024  # bytes: what a client takes at a time

Callback = Callable[[Api, CompletionStatus], ThreadBody]


@dataclass(frozen=True)
class Design:
    """What can be chosen about the server, and what its work costs."""

    workers: int = 4
    concurrency: int = 0  # of the port: one running worker a processor
    buffers: int = 2  # of a connection; with one there is no reading ahead
    checksum: int = 20_000  # ns of a processor for each chunk read
    framing: int = 1_000  # ns of a processor for the header of each chunk sent


class Operation(Overlapped):
    """The context of one operation of a connection: its OVERLAPPED, and what is called at its end."""

    def __init__(self, on_completion: Callback) -> None:
        super().__init__()
        self.on_completion = on_completion


@dataclass
class Server:
    """What all workers share, and what they have met."""

    design: Design
    port: Handle
    file: Handle
    file_size: int
    all_closed: Handle  # an event: no connection is left
    left: int = 0  # connections; counted without a lock, as with InterlockedDecrement
    packets: int = 0
    failures: list[int] = field(default_factory=list)  # errors of operations that failed
    farewells: list[int] = field(default_factory=list)  # errors with which workers were sent home


class Connection:
    """One client: a pipe, a context that reads, a context that sends, and the buffers between them."""

    def __init__(self, server: Server, pipe: Handle, section: Any) -> None:
        self.server = server
        self.pipe = pipe
        self.section = section
        self.reader = Operation(self.on_connected)
        self.sender = Operation(self.on_sent)
        self.buffers = [Buffer(CHUNK) for _ in range(server.design.buffers)]
        self.filled = [0] * server.design.buffers  # bytes in each buffer that wait to be sent
        self.into = 0  # the buffer that is read into next
        self.out = 0  # the buffer that is sent next
        self.unread = 0  # bytes of the file
        self.reading = True  # its reader is under way
        self.sending = False
        self.broken = False
        self.sent: list[int] = []  # bytes of each chunk, in the order of their sending

    # ---- what starts an operation ------------------------------------------------------------------------------------

    def listen(self, api: Api) -> ThreadBody:
        """Wait for a client."""
        yield api.EnterCriticalSection(self.section)
        result = yield api.ConnectNamedPipe(self.pipe, self.reader)
        if refused(result):  # no packet will come: a client was faster, or it cannot be waited for
            self.reading = False
            self.broken = result.error != ERROR_PIPE_CONNECTED
            yield from self.go_on(api)
        yield api.LeaveCriticalSection(self.section)

    def await_request(self, api: Api) -> ThreadBody:
        """Wait for the next message of the client."""
        self.reading = True
        self.reader.on_completion = self.on_request
        result = yield api.ReadFile(self.pipe, self.buffers[0], REQUEST, self.reader)
        if refused(result):
            self.reading = False
            self.broken = True

    def read_ahead(self, api: Api) -> ThreadBody:
        """Read the next chunk of the file into the buffer whose turn it is."""
        self.reading = True
        self.reader.on_completion = self.on_read
        self.reader.Offset = self.server.file_size - self.unread
        size = min(CHUNK, self.unread)
        self.unread -= size
        result = yield api.ReadFile(self.server.file, self.buffers[self.into], size, self.reader)
        if refused(result):
            self.reading = False
            self.broken = True

    def send(self, api: Api) -> ThreadBody:
        """Send the oldest chunk that has been read."""
        size = self.filled[self.out]
        yield api.Compute(self.server.design.framing)
        self.sending = True
        self.sent.append(size)
        result = yield api.WriteFile(self.pipe, self.buffers[self.out], size, self.sender)
        if refused(result):
            self.sending = False
            self.broken = True

    # ---- callbacks ---------------------------------------------------------------------------------------------------

    def on_connected(self, api: Api, status: CompletionStatus) -> ThreadBody:
        """A client is there; or the wait for one has failed."""
        yield api.EnterCriticalSection(self.section)
        self.reading = False
        self.broken |= not status.ok
        yield from self.go_on(api)
        yield api.LeaveCriticalSection(self.section)

    def on_request(self, api: Api, status: CompletionStatus) -> ThreadBody:
        """A client asks for the file; or it has gone."""
        yield api.EnterCriticalSection(self.section)
        self.reading = False
        self.broken |= not status.ok
        self.unread = self.server.file_size
        yield from self.go_on(api)
        yield api.LeaveCriticalSection(self.section)

    def on_read(self, api: Api, status: CompletionStatus) -> ThreadBody:
        """A chunk of the file is there."""
        yield api.Compute(self.server.design.checksum)
        yield api.EnterCriticalSection(self.section)
        self.reading = False
        self.broken |= not status.ok
        self.filled[self.into] = status.bytes_transferred or 0
        self.into = self.following(self.into)
        yield from self.go_on(api)
        yield api.LeaveCriticalSection(self.section)

    def on_sent(self, api: Api, status: CompletionStatus) -> ThreadBody:
        """A chunk is with the client."""
        yield api.EnterCriticalSection(self.section)
        self.sending = False
        self.broken |= not status.ok
        self.filled[self.out] = 0
        self.out = self.following(self.out)
        yield from self.go_on(api)
        yield api.LeaveCriticalSection(self.section)

    def following(self, buffer: int) -> int:
        """The buffer whose turn it is after this one."""
        return (buffer + 1) % len(self.buffers)

    def go_on(self, api: Api) -> ThreadBody:
        """Start whatever can be started now. The caller has the lock."""
        if not self.broken and not self.sending and self.filled[self.out]:
            yield from self.send(api)
        if not self.broken and not self.reading and self.unread and not self.filled[self.into]:
            yield from self.read_ahead(api)
        if self.reading or self.sending:
            return
        if not self.broken:
            yield from self.await_request(api)
        if self.broken:
            yield from self.close(api)

    def close(self, api: Api) -> ThreadBody:
        """The end: nothing of this connection is under way, and nothing will be."""
        yield api.CloseHandle(self.pipe)
        self.server.left -= 1
        if not self.server.left:
            yield api.SetEvent(self.server.all_closed)


def refused(result: IoResult) -> bool:
    """The operation failed at once, and no packet will come. One that succeeded at once has a packet all the same."""
    return not result.ok and result.error != ERROR_IO_PENDING


def worker(api: Api, server: Server) -> ThreadBody:
    """The loop around GetQueuedCompletionStatus, and its three outcomes."""
    while True:
        status = yield api.GetQueuedCompletionStatus(server.port, INFINITE)
        if not status.ok and status.overlapped is None:  # no packet: the port itself has gone
            server.farewells.append(status.error)
            return
        if status.completion_key == EXIT:
            yield api.PostQueuedCompletionStatus(server.port, 0, EXIT, None)  # for the next worker
            return
        server.packets += 1
        if not status.ok:  # a packet of an operation that failed
            server.failures.append(status.error)
        yield from status.overlapped.on_completion(api, status)


@dataclass
class Outcome:
    """What came of a run: when it ended (ns), and each client's times for one file."""

    ended: int
    times: list[list[int]]
    server: Server
    connections: list[Connection]
    irps_made: int  # all other requests found theirs in a lookaside list


def client(api: Api, size: int, files: int, piece_time: int, times: list[int]) -> ThreadBody:
    """Ask for the file so many times, one after the other."""
    pipe = yield api.CreateFile(PIPE)
    buffer = yield api.HeapAlloc(PIECE)
    for _ in range(files):
        asked = yield api.QueryPerformanceCounter()
        result = yield api.WriteFile(pipe, buffer, REQUEST)
        left = size
        while left and result.ok:
            result = yield api.ReadFile(pipe, buffer, PIECE)
            left -= result.bytes_transferred
            yield api.Sleep(piece_time)
        if left:
            break  # the server has closed the connection
        times.append((yield api.QueryPerformanceCounter()) - asked)
    yield api.CloseHandle(pipe)


def wait_for_the_end(api: Api, threads: list[Handle]) -> ThreadBody:
    """Of all threads; a wait takes so many handles and no more."""
    for first in range(0, len(threads), MAXIMUM_WAIT_OBJECTS):
        yield api.WaitForMultipleObjects(threads[first : first + MAXIMUM_WAIT_OBJECTS], True, INFINITE)


def main(api: Api, design: Design, size: int, programs: list[Any], found: list[Any]) -> ThreadBody:
    """The server's first thread: set everything up, wait for the clients' end, send the workers home.

    Not before the last connection is closed: what is under way then would end at a port that nobody looks at.
    """
    port = yield api.CreateIoCompletionPort(INVALID_HANDLE_VALUE, None, 0, design.concurrency)
    file = yield api.CreateFile("content", overlapped=True, no_buffering=True)
    yield api.CreateIoCompletionPort(file, port, FILE)
    all_closed = yield api.CreateEvent(True, not programs)
    server = Server(design, port, file, size, all_closed, len(programs))
    connections = []
    for _ in programs:
        pipe = yield api.CreateNamedPipe(PIPE, overlapped=True)
        yield api.CreateIoCompletionPort(pipe, port, CONNECTION)
        section = yield api.InitializeCriticalSectionAndSpinCount(0)
        connections.append(Connection(server, pipe, section))
        yield from connections[-1].listen(api)
    found += [server, connections]
    workers = []
    for _ in range(design.workers):
        workers.append((yield api.CreateThread(worker, server)))
    clients = []
    for program in programs:
        clients.append((yield api.CreateThread(client, *program)))
    yield from wait_for_the_end(api, clients)
    yield api.WaitForSingleObject(all_closed, INFINITE)
    yield api.PostQueuedCompletionStatus(port, 0, EXIT, None)
    yield from wait_for_the_end(api, workers)
    yield api.CloseHandle(file)
    yield api.CloseHandle(port)


DISK = DiskParams(latency=80_000, isr=1000, dpc=1000)


@dataclass(frozen=True)
class Costs:
    """What the machine's own work costs (ns), and its disk."""

    system_call: int = 300
    context_switch: int = 1200
    disk: DiskParams = DISK


USUAL = Costs()


def serve(
    design: Design,
    *,
    processors: int = 4,
    clients: int = 8,
    files: int = 4,
    chunks: int = 8,
    piece_time: int = 25_000,
    costs: Costs = USUAL,
    clock: str | None = None,
) -> Outcome:
    """Run the server until each client has had the file, of so many chunks, so many times."""
    size = chunks * CHUNK
    system = System(
        processors,
        clock=clock,
        system_call=costs.system_call,
        context_switch=costs.context_switch,
        files={"content": size},
        disk=costs.disk,
    )
    times: list[list[int]] = [[] for _ in range(clients)]
    found: list[Any] = []
    system.start(main, design, size, [(size, files, piece_time, each) for each in times], found)
    system.run()
    server, connections = found
    allocates = system.io.small.private + system.io.large.private
    made = sum(each.allocate_misses for each in allocates)
    return Outcome(system.clock.now, times, server, connections, made)


def table() -> Iterator[str]:
    """Designs side by side."""
    yield f"{'workers':>8} {'buffers':>8} {'clients':>8} {'mean time for a file':>21} {'files/s':>8}"
    for clients in (1, 16):
        for workers, buffers in ((1, 1), (1, 2), (4, 1), (4, 2)):
            outcome = serve(Design(workers=workers, buffers=buffers), clients=clients)
            all_times = [time for times in outcome.times for time in times]
            mean = sum(all_times) / len(all_times) / 1e6
            rate = len(all_times) / outcome.ended * 1e9
            yield f"{workers:>8} {buffers:>8} {clients:>8} {mean:>18.2f} ms {rate:>8.0f}"


if __name__ == "__main__":
    for line in table():
        print(line)
