"""The classic callback server (scenarios/callback_server.py): what practitioners write, on the simulated API."""

import subprocess
import sys
from pathlib import Path

import pytest

from iosim.win32 import Api, DiskParams, Overlapped, System, ThreadBody
from scenarios import callback_server
from scenarios.callback_server import CHUNK, PIECE, Connection, Costs, Design, Outcome, Server, serve, worker

FREE = Costs(system_call=0, context_switch=0, disk=DiskParams(latency=80_000))
ERROR_BROKEN_PIPE, ERROR_ABANDONED_WAIT_0, ERROR_INVALID_HANDLE = 109, 735, 6


def one_client(buffers: int, chunks: int) -> Outcome:
    design = Design(workers=2, buffers=buffers, framing=0)
    return serve(design, clients=1, files=1, chunks=chunks, costs=FREE)


def test_a_chunk_is_read_checked_and_sent_piece_by_piece() -> None:
    """80 us of the disk, 20 us of a worker, and four times 25 us of the client's network."""
    assert one_client(1, 1).times == [[200_000]]


def test_with_two_buffers_the_file_is_read_ahead_while_a_chunk_is_sent() -> None:
    """The send has room for its last piece at 150 us, when one buffer is free again; two do not wait for that.

    The second chunk is there at 150 + 80 + 20 us with one buffer, at 100 + 80 + 20 us with two; then four pieces.
    """
    assert one_client(1, 2).times == [[350_000]]
    assert one_client(2, 2).times == [[300_000]]


def test_every_client_gets_every_byte_of_every_file_in_whole_chunks() -> None:
    outcome = serve(Design(), clients=8, files=4, chunks=8)
    assert [len(times) for times in outcome.times] == [4] * 8
    assert [connection.sent for connection in outcome.connections] == [[CHUNK] * 32] * 8


def test_starting_an_operation_allocates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two contexts and two buffers a connection, made at the start; IRPs come from the lookaside lists."""
    made: list[object] = []
    before = Overlapped.__init__

    def count(self: Overlapped, *rest: int) -> None:
        made.append(self)
        before(self, *rest)

    monkeypatch.setattr(Overlapped, "__init__", count)
    short, long = (serve(Design(), clients=8, files=files) for files in (1, 20))
    assert len(made) == 2 * 2 * 8
    assert long.server.packets > 15 * short.server.packets
    most = 3 * 8  # requests under way: what reads, what sends, and the client's own
    assert long.irps_made <= 4 * most  # each processor has lists of its own


def test_an_operation_that_failed_is_a_packet_too_and_closes_the_connection() -> None:
    """FALSE with an OVERLAPPED: the client has gone, and the read that waited for its next message has failed."""
    outcome = serve(Design(), clients=3, files=1)
    assert outcome.server.failures == [ERROR_BROKEN_PIPE] * 3
    assert all(connection.pipe.closed for connection in outcome.connections)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("costs", [FREE, Costs()])
@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("pieces", [0, 3, 9])
def test_a_client_may_go_at_any_time_and_its_connection_is_closed_when_nothing_of_it_is_under_way(
    monkeypatch: pytest.MonkeyPatch, asks: bool, pieces: int, costs: Costs, workers: int
) -> None:
    """Before it asks, while the file is read for it, while a chunk is sent: the workers stay until the last one is closed."""

    def client(api: Api, size: int, files: int, piece_time: int, times: list[int]) -> ThreadBody:
        pipe = yield api.CreateFile(callback_server.PIPE)
        buffer = yield api.HeapAlloc(PIECE)
        if asks:
            yield api.WriteFile(pipe, buffer, callback_server.REQUEST)
            for _ in range(pieces):
                yield api.ReadFile(pipe, buffer, PIECE)
                yield api.Sleep(piece_time)
        yield api.CloseHandle(pipe)

    monkeypatch.setattr(callback_server, "client", client)
    outcome = serve(Design(workers=workers), costs=costs)
    for connection in outcome.connections:
        assert connection.pipe.closed
        assert not (connection.reading or connection.sending)
    assert outcome.server.left == 0


def test_there_may_be_more_clients_than_one_wait_takes_handles() -> None:
    outcome = serve(Design(workers=70), clients=70, files=1)
    assert [len(times) for times in outcome.times] == [1] * 70


def test_a_client_hears_of_a_server_that_has_closed_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file cannot be read: no chunk is sent, and nobody waits for ever."""

    def fail(self: Connection, api: Api) -> ThreadBody:
        yield api.Compute(0)
        self.broken = True

    monkeypatch.setattr(Connection, "read_ahead", fail)
    outcome = serve(Design(), clients=2)
    assert outcome.times == [[], []]
    assert all(connection.pipe.closed for connection in outcome.connections)


def test_one_exit_packet_sends_all_workers_home_after_the_work_that_was_queued_before() -> None:
    done: list[int] = []
    ended: list[int] = []

    class Work(Overlapped):
        def on_completion(self, api, status):  # type: ignore[no-untyped-def]
            yield api.Compute(10)
            done.append((yield api.QueryPerformanceCounter()))

    def start(api):  # type: ignore[no-untyped-def]
        for _ in range(5):
            yield api.PostQueuedCompletionStatus(port, 0, callback_server.CONNECTION, Work())
        yield api.PostQueuedCompletionStatus(port, 0, callback_server.EXIT, None)
        for thread in workers:
            yield api.WaitForSingleObject(thread, -1)
            ended.append((yield api.QueryPerformanceCounter()))

    system = System(1)
    port = system.port(1)
    system.start(start)
    workers = [system.start(worker, Server(Design(), port, port, 0, port)) for _ in range(3)]
    system.run()
    assert (done, ended) == ([10, 20, 30, 40, 50], [50, 50, 50])


def test_workers_whose_port_is_closed_under_them_get_no_packet_and_go() -> None:
    """The third outcome: FALSE without an OVERLAPPED."""

    def close(api):  # type: ignore[no-untyped-def]
        yield api.Sleep(100)
        yield api.CloseHandle(port)

    system = System(1)
    port = system.port()
    server = Server(Design(), port, port, 0, port)
    threads = [system.start(worker, server) for _ in range(2)]
    system.start(close)
    system.run()
    assert server.farewells == [ERROR_ABANDONED_WAIT_0] * 2
    late = system.start(worker, server)
    system.run()
    assert server.farewells[2:] == [ERROR_INVALID_HANDLE]
    assert all(thread.object.end.state for thread in (*threads, late))


@pytest.mark.parametrize("locked", [True, False])
def test_without_its_lock_two_workers_meet_in_one_connection(monkeypatch: pytest.MonkeyPatch, locked: bool) -> None:
    """What it reads and what it sends come back on two workers at once."""
    inside: dict[Connection, int] = {}
    most = 0
    before = Connection.go_on

    def go_on(self: Connection, api: Api) -> ThreadBody:
        nonlocal most
        inside[self] = inside.get(self, 0) + 1
        most = max(most, inside[self])
        yield from before(self, api)
        inside[self] -= 1

    monkeypatch.setattr(Connection, "go_on", go_on)
    if not locked:
        monkeypatch.setattr(Api, "EnterCriticalSection", lambda api, _: api.Compute(0))
        monkeypatch.setattr(Api, "LeaveCriticalSection", lambda api, _: api.Compute(0))
    serve(Design(framing=20_000), clients=8, chunks=16, costs=Costs(system_call=20_000))
    assert most == (1 if locked else 2)


def test_more_workers_serve_many_clients_faster_and_read_ahead_serves_one_faster() -> None:
    def rate(**choice: int) -> float:
        outcome = serve(Design(workers=choice["workers"], buffers=choice["buffers"]), clients=choice["clients"])
        return sum(len(times) for times in outcome.times) / outcome.ended

    assert rate(workers=4, buffers=2, clients=16) > 2 * rate(workers=1, buffers=2, clients=16)
    assert rate(workers=1, buffers=2, clients=1) > 1.3 * rate(workers=1, buffers=1, clients=1)


@pytest.mark.parametrize("design", [Design(), Design(workers=8, concurrency=1)])
def test_the_server_runs_the_same_on_both_clocks(design: Design) -> None:
    assert serve(design, clock="heap").times == serve(design, clock="simpy").times


def test_the_program_prints_its_table() -> None:
    here = Path(callback_server.__file__)
    found = subprocess.run([sys.executable, str(here)], capture_output=True, text=True, check=True).stdout.splitlines()
    assert found[0].split() == ["workers", "buffers", "clients", "mean", "time", "for", "a", "file", "files/s"]
    assert len(found) == 9
