"""Sockets as programs see them, over loopback. Cases S..: semantics 9.4; 5.n: rules."""

from typing import Any

import pytest
from tiny_win32 import MS, Log, new_port, port_of, run

from iosim.ntstatus import (
    ERROR_CONNECTION_ABORTED,
    ERROR_CONNECTION_REFUSED,
    ERROR_INSUFFICIENT_BUFFER,
    ERROR_IO_PENDING,
    ERROR_NETNAME_DELETED,
    ERROR_OPERATION_ABORTED,
    STATUS_CANCELLED,
    WAIT_TIMEOUT,
    WSAECONNREFUSED,
    WSAECONNRESET,
    WSAEFAULT,
    WSAEINVAL,
    WSAEISCONN,
    WSAEMSGSIZE,
    WSAENOBUFS,
    WSAENOTCONN,
    WSAENOTSOCK,
    WSAEWOULDBLOCK,
)
from iosim.units import PAGE
from iosim.win32 import (
    FILE_SKIP_COMPLETION_PORT_ON_SUCCESS,
    FIONBIO,
    INFINITE,
    INVALID_SOCKET,
    IPPROTO_TCP,
    SIO_ADDRESS_LIST_QUERY,
    SO_CONNECT_TIME,
    SO_ERROR,
    SO_LINGER,
    SO_SNDBUF,
    SO_UPDATE_ACCEPT_CONTEXT,
    SOCK_DGRAM,
    SOCKET_ERROR,
    SOL_SOCKET,
    TCP_NODELAY,
    TF_DISCONNECT,
    TF_REUSE_SOCKET,
    TF_WRITE_BEHIND,
    Api,
    Buffer,
    Handle,
    IoResult,
    NetworkParams,
    Overlapped,
    System,
    ThreadBody,
    parts,
)

PENDING = IoResult(False, ERROR_IO_PENDING, 0)
KEY, OTHER = 125, 236
HERE = ("127.0.0.1", 80)
AREA = 32


def done(size: int) -> IoResult:
    return IoResult(True, 0, size)


def failed(error: int, size: int = 0) -> IoResult:
    return IoResult(False, error, size)


@pytest.fixture(params=["heap", "simpy", "apc"])
def system(request: pytest.FixtureRequest) -> System:
    if request.param == "apc":
        return System(processors=4, completion_mode="apc")
    return System(processors=4, clock=request.param)


# ---- parts of programs -----------------------------------------------------------------------------------------------


def pair(api: Api, key: int = KEY) -> ThreadBody:
    """Two sockets connected to each other, and a port; the first one is associated."""
    listener = yield api.WSASocket()
    yield api.bind(listener, HERE)
    yield api.listen(listener, 5)
    theirs = yield api.WSASocket()
    assert (yield api.connect(theirs, HERE)) == 0
    ours = yield api.accept(listener)
    port = yield api.CreateIoCompletionPort(ours, None, key)
    return ours, theirs, port, listener


def packet(api: Api, port: Handle, timeout: int = 100 * MS) -> ThreadBody:
    """(ok, error, key, bytes) of the next packet."""
    status = yield api.GetQueuedCompletionStatus(port, timeout)
    return status.ok, status.error, status.completion_key, status.bytes_transferred


NONE = (False, WAIT_TIMEOUT, None, None)


def reset(api: Api, socket: Handle) -> ThreadBody:
    """Close it hard."""
    yield api.setsockopt(socket, SOL_SOCKET, SO_LINGER, (1, 0))
    yield api.closesocket(socket)


def listening(api: Api, key: int = -1) -> ThreadBody:
    """A listener, and a port."""
    listener = yield api.WSASocket()
    yield api.bind(listener, HERE)
    yield api.listen(listener, 5)
    port = yield new_port(api)
    if key >= 0:
        yield api.CreateIoCompletionPort(listener, port, key)
    return listener, port


def accept_ex(
    api: Api, listener: Handle, socket: Handle, size: int, local: int = AREA, remote: int = AREA
) -> ThreadBody:
    """AcceptEx, and what it was given."""
    overlapped = Overlapped()
    result = yield api.AcceptEx(listener, socket, Buffer(256), size, local, remote, overlapped)
    return result, overlapped


# ---- receive ---------------------------------------------------------------------------------------------------------


def test_S01_a_reset_ends_a_pended_receive_once(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        overlapped = Overlapped()
        log.add("receive", (yield api.WSARecv(ours, Buffer(10), overlapped)))
        yield from reset(api, theirs)
        status = yield api.GetQueuedCompletionStatus(port, 100 * MS)
        log.add("same", status.overlapped is overlapped)
        log.add("packets", (status.ok, status.error, status.completion_key, status.bytes_transferred))
        log.add("packets", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("receive"), log.one("same")) == (PENDING, True)
    assert log.of("packets") == [(False, ERROR_NETNAME_DELETED, KEY, 0), NONE]


def test_5_15_after_a_reset_receive_and_send_fail_at_once_without_a_packet(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        yield from reset(api, theirs)
        yield api.Sleep(1 * MS)
        log.add("receive", (yield api.WSARecv(ours, Buffer(10), Overlapped())))
        log.add("send", (yield api.WSASend(ours, Buffer(10), Overlapped())))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert log.one("receive") == log.one("send") == failed(WSAECONNRESET)
    assert log.one("packet") == NONE


def test_S03_a_receive_that_finds_data_ends_at_once_and_queues_one_packet(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        log.add("send", (yield api.WSASend(theirs, Buffer(5), Overlapped())))
        yield api.Sleep(1 * MS)
        log.add("receive", (yield api.WSARecv(ours, Buffer(10), Overlapped())))
        log.add("packets", (yield from packet(api, port)))
        log.add("packets", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("send"), log.one("receive")) == (done(5), done(5))
    assert log.of("packets") == [(True, 0, KEY, 5), NONE]


def test_with_skip_on_success_it_queues_none(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        yield api.SetFileCompletionNotificationModes(ours, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)
        yield api.WSASend(theirs, Buffer(5), Overlapped())
        yield api.Sleep(1 * MS)
        log.add("receive", (yield api.WSARecv(ours, Buffer(10), Overlapped())))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("receive"), log.one("packet")) == (done(5), NONE)


def test_S04_after_a_graceful_close_a_receive_succeeds_with_no_bytes(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        yield api.closesocket(theirs)
        yield api.Sleep(1 * MS)
        log.add("receive", (yield api.WSARecv(ours, Buffer(10), Overlapped())))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("receive"), log.one("packet")) == (done(0), (True, 0, KEY, 0))


def test_S06_a_receive_on_an_unconnected_socket_fails_without_a_packet(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        socket = yield api.WSASocket()
        port = yield api.CreateIoCompletionPort(socket, None, KEY)
        log.add("receive", (yield api.WSARecv(socket, Buffer(10), Overlapped())))
        log.add("error", (yield api.GetLastError()))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("receive"), log.one("error")) == (failed(WSAENOTCONN), WSAENOTCONN)
    assert log.one("packet") == NONE


def test_S24_a_timeout_then_the_datas_packet_then_a_timeout(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        yield api.WSARecv(ours, Buffer(100), Overlapped())
        log.add("packets", (yield from packet(api, port)))
        yield api.WSASend(theirs, Buffer(12), Overlapped())
        log.add("packets", (yield from packet(api, port)))
        log.add("packets", (yield from packet(api, port)))

    assert run(program, system=system).of("packets") == [NONE, (True, 0, KEY, 12), NONE]


def test_S38_the_buffers_of_one_receive_are_filled_in_their_order(system: System) -> None:
    buffers = [Buffer(2), Buffer(2), Buffer(2)]

    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        yield api.WSARecv(ours, buffers, Overlapped())
        yield api.WSASend(theirs, Buffer(5), Overlapped())
        log.add("packet", (yield from packet(api, port)))

    assert run(program, system=system).one("packet") == (True, 0, KEY, 5)
    assert parts(buffers, 5) == [2, 2, 1]


def test_S39_5_18_two_posted_receives_share_six_bytes_in_their_order(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        receives = [Overlapped(), Overlapped()]
        for overlapped in receives:
            yield api.WSARecv(ours, Buffer(4), overlapped)
        yield api.WSASend(theirs, Buffer(6), Overlapped())
        for _ in receives:
            status = yield api.GetQueuedCompletionStatus(port, 100 * MS)
            log.add("order", (receives.index(status.overlapped), status.bytes_transferred))

    assert run(program, system=system).of("order") == [(0, 4), (1, 2)]


def test_5_5_a_zero_byte_receive_tells_that_there_is_data_and_takes_none(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        log.add("receive", (yield api.WSARecv(ours, None, Overlapped())))
        log.add("locked", api.system.network.afd.locked)
        yield api.WSASend(theirs, Buffer(6), Overlapped())
        log.add("packet", (yield from packet(api, port)))
        log.add("receive", (yield api.WSARecv(ours, Buffer(100), Overlapped())))

    log = run(program, system=system)
    assert log.of("receive") == [PENDING, done(6)]
    assert (log.one("locked"), log.one("packet")) == (0, (True, 0, KEY, 0))


def test_5_9_too_many_locked_pages_are_refused_with_no_packet() -> None:
    system = System(processors=4, network=NetworkParams(locked_pages=1))

    def program(api: Api, log: Log) -> ThreadBody:
        ours, _, port, _ = yield from pair(api)
        log.add("receive", (yield api.WSARecv(ours, Buffer(1), Overlapped())))
        log.add("receive", (yield api.WSARecv(ours, Buffer(1), Overlapped())))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert log.of("receive") == [PENDING, failed(WSAENOBUFS)]
    assert log.one("packet") == NONE


def test_5_1_a_socket_is_overlapped_and_a_call_without_an_overlapped_waits_all_the_same(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)

        def sender(api: Api) -> ThreadBody:
            yield api.Sleep(5 * MS)
            yield api.send(theirs, Buffer(10), 7)

        yield api.CreateThread(sender)
        log.add("receive", (yield api.recv(ours, Buffer(100), 50)))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("receive"), log.one("packet")) == (done(7), NONE)
    assert log.when("receive") == [5 * MS]


def test_a_completion_routine_runs_as_an_apc(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        listener, _ = yield from listening(api)
        theirs = yield api.socket()
        yield api.connect(theirs, HERE)
        ours = yield api.accept(listener)

        def routine(api: Api, error: int, size: int, overlapped: Overlapped) -> None:
            log.add("routine", (error, size))

        log.add("receive", (yield api.WSARecv(ours, Buffer(9), Overlapped(), routine)).ok)
        yield api.WSASend(theirs, Buffer(3))
        yield api.SleepEx(INFINITE, True)

    assert run(program, system=system).one("routine") == (0, 3)


# ---- close -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["direct", "apc"])
def test_S25_a_local_close_ends_a_pended_receive_once(mode: Any) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, _, port, _ = yield from pair(api)
        yield api.WSARecv(ours, Buffer(10), Overlapped())
        log.add("close", (yield api.closesocket(ours)))
        log.add("packets", (yield from packet(api, port)))
        log.add("packets", (yield from packet(api, port)))

    log = run(program, system=System(processors=4, completion_mode=mode))
    error = ERROR_CONNECTION_ABORTED if mode == "direct" else ERROR_NETNAME_DELETED
    assert (log.one("close"), log.of("packets")) == (0, [(False, error, KEY, 0), NONE])


def test_S11_S26_a_close_with_nothing_pending_queues_nothing(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, _, port, listener = yield from pair(api)
        yield api.CreateIoCompletionPort(listener, port, OTHER)
        yield api.closesocket(ours)
        yield api.closesocket(listener)
        log.add("packet", (yield from packet(api, port)))
        log.add("again", (yield api.closesocket(ours)))
        log.add("error", (yield api.GetLastError()))

    log = run(program, system=system)
    assert (log.one("packet"), log.one("again"), log.one("error")) == (NONE, SOCKET_ERROR, WSAENOTSOCK)


def test_S28_a_receive_outlives_its_thread_and_is_told_of_the_close() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, _, port, _ = yield from pair(api)

        def helper(api: Api) -> ThreadBody:
            yield api.WSARecv(ours, Buffer(10), Overlapped())

        yield api.WaitForSingleObject((yield api.CreateThread(helper)), INFINITE)
        log.add("packets", (yield from packet(api, port)))
        yield api.closesocket(ours)
        log.add("packets", (yield from packet(api, port)))

    log = run(program, system=System(processors=4))
    assert log.of("packets") == [NONE, (False, ERROR_CONNECTION_ABORTED, KEY, 0)]


# ---- accept ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [True, False], ids=["S07", "S08"])
def test_S07_S08_closing_the_listener_cancels_accept_ex_once(system: System, late: bool) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        listener, port = yield from listening(api, -1 if late else KEY)
        result, overlapped = yield from accept_ex(api, listener, (yield api.socket()), 100)
        log.add("accept", result)
        if late:
            yield api.CreateIoCompletionPort(listener, port, KEY)
        yield api.closesocket(listener)
        log.add("packets", (yield from packet(api, port)))
        log.add("packets", (yield from packet(api, port)))
        log.add("status", overlapped.Internal)

    log = run(program, system=system)
    assert (log.one("accept"), log.one("status")) == (PENDING, STATUS_CANCELLED)
    assert log.of("packets") == [(False, ERROR_OPERATION_ABORTED, KEY, 0), NONE]


@pytest.mark.parametrize("size", [0, 1], ids=["S12", "S13"])
def test_S12_S13_accept_ex_with_data_ends_with_the_first_byte_or_the_clients_close(system: System, size: int) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        listener, port = yield from listening(api, KEY)
        socket = yield api.socket()
        yield api.CreateIoCompletionPort(socket, port, OTHER)
        yield from accept_ex(api, listener, socket, 100)
        client = yield api.socket()
        yield api.connect(client, HERE)
        if size:
            yield api.WSASend(client, Buffer(size))
            yield api.Sleep(100 * MS)
            yield api.closesocket(socket)
        else:
            yield api.closesocket(client)
        log.add("packets", (yield from packet(api, port)))
        log.add("packets", (yield from packet(api, port)))

    assert run(program, system=system).of("packets") == [(True, 0, KEY, size), NONE]


def test_S30_accept_ex_without_a_receive_length_ends_with_the_connection(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        listener, port = yield from listening(api, KEY)
        socket = yield api.socket()
        yield from accept_ex(api, listener, socket, 0)
        client = yield api.socket()
        yield api.connect(client, HERE)
        log.add("packet", (yield from packet(api, port)))
        log.add("peer", (yield api.getpeername(socket)))
        log.add("set", (yield api.setsockopt(socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, listener)))
        log.add("peer", (yield api.getpeername(socket)))
        log.add("client", (yield api.getsockname(client)))
        log.add("both", (yield api.GetAcceptExSockaddrs(socket)))

    log = run(program, system=system)
    (client,) = log.of("client")
    assert (log.one("packet"), log.one("set")) == ((True, 0, KEY, 0), 0)
    assert log.of("peer") == [SOCKET_ERROR, client]
    assert log.one("both") == (("10.0.0.1", 80), client)


def test_S32_too_short_a_local_area_fails_late_and_accept_still_takes_the_connection(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        listener, port = yield from listening(api, KEY)
        result, _ = yield from accept_ex(api, listener, (yield api.socket()), 0, local=3)
        log.add("accept", result)
        client = yield api.socket()
        yield api.connect(client, HERE)
        log.add("packet", (yield from packet(api, port)))
        log.add("socket", (yield api.accept(listener)) != INVALID_SOCKET)

    log = run(program, system=system)
    assert (log.one("accept"), log.one("socket")) == (PENDING, True)
    assert log.one("packet") == (False, ERROR_INSUFFICIENT_BUFFER, KEY, 0)


def test_S33_no_remote_area_fails_at_once(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        listener, port = yield from listening(api, KEY)
        result, _ = yield from accept_ex(api, listener, (yield api.socket()), 0, remote=0)
        log.add("accept", result)
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("accept"), log.one("packet")) == (failed(WSAEFAULT), NONE)


def test_S34_a_socket_in_a_pending_accept_ex_can_be_used_for_nothing_else(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        listener, _ = yield from listening(api, KEY)
        socket = yield api.socket()
        yield from accept_ex(api, listener, socket, 0)
        log.add("again", (yield from accept_ex(api, listener, socket, 0))[0].error)
        yield api.connect(socket, HERE)
        log.add("again", (yield api.GetLastError()))
        log.add("again", (yield api.ConnectEx(socket, HERE, None, 0, Overlapped())).error)

    assert run(program, system=system).of("again") == [WSAEINVAL] * 3


def test_S35_accept_ex_wants_a_new_stream_socket(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        listener, _ = yield from listening(api, KEY)
        udp, bound, client = (yield api.socket(kind=SOCK_DGRAM)), (yield api.socket()), (yield api.socket())
        yield api.bind(bound, ("0.0.0.0", 81))
        yield api.connect(client, HERE)
        for socket in (udp, bound, client):
            log.add("error", (yield from accept_ex(api, listener, socket, 0))[0].error)

    assert run(program, system=system).of("error") == [WSAEINVAL] * 3


def test_S41_a_silent_client_holds_accept_ex_until_its_socket_is_closed(system: System) -> None:
    """The watchdog's way: SO_CONNECT_TIME says for how many seconds it has been connected."""

    def program(api: Api, log: Log) -> ThreadBody:
        listener, port = yield from listening(api, KEY)
        socket = yield api.socket()
        yield from accept_ex(api, listener, socket, 100)
        log.add("time", (yield api.getsockopt(socket, SOL_SOCKET, SO_CONNECT_TIME)))
        yield api.connect((yield api.socket()), HERE)
        yield api.Sleep(3000 * MS)
        log.add("time", (yield api.getsockopt(socket, SOL_SOCKET, SO_CONNECT_TIME)))
        log.add("packets", (yield from packet(api, port, 0)))
        yield api.closesocket(socket)
        log.add("packets", (yield from packet(api, port)))

    log = run(program, system=system)
    assert log.of("time") == [0xFFFFFFFF, 3]
    assert log.of("packets") == [NONE, (False, ERROR_CONNECTION_ABORTED, KEY, 0)]


# ---- connect ---------------------------------------------------------------------------------------------------------


def test_S15_connect_queues_nothing_whether_it_blocks_or_not(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        _, port = yield from listening(api)
        for non_blocking in (0, 1):
            socket = yield api.socket()
            yield api.CreateIoCompletionPort(socket, port, KEY)
            yield api.ioctlsocket(socket, FIONBIO, non_blocking)
            log.add("connect", (yield api.connect(socket, HERE)))
            log.add("error", (yield api.GetLastError()))
            log.add("writable", (yield api.select(None, [socket], None, 100 * MS)).count)
            log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert log.of("connect") == [0, SOCKET_ERROR]
    assert log.of("error")[1] == WSAEWOULDBLOCK
    assert (log.of("writable"), log.of("packet")) == ([1, 1], [NONE, NONE])


@pytest.mark.parametrize("size", [0, 3])
def test_S16_connect_ex_pends_and_queues_a_packet_with_the_bytes_sent(system: System, size: int) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        _, port = yield from listening(api)
        socket = yield api.socket()
        yield api.CreateIoCompletionPort(socket, port, KEY)
        yield api.bind(socket, ("0.0.0.0", 0))
        log.add("connect", (yield api.ConnectEx(socket, HERE, Buffer(3), size, Overlapped())))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("connect"), log.one("packet")) == (PENDING, (True, 0, KEY, size))


def test_S17_the_low_bit_of_the_event_keeps_the_packet_away(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        _, port = yield from listening(api)
        socket = yield api.socket()
        yield api.CreateIoCompletionPort(socket, port, KEY)
        yield api.bind(socket, ("0.0.0.0", 0))
        event = yield api.CreateEvent(True, False)
        overlapped = Overlapped(event=event | 1)
        yield api.ConnectEx(socket, HERE, None, 0, overlapped)
        log.add("event", (yield api.WaitForSingleObject(event, 100 * MS)))
        log.add("result", (yield api.GetOverlappedResult(socket, overlapped, False)))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("event"), log.one("result"), log.one("packet")) == (0, done(0), NONE)


def test_S19_connect_ex_to_a_closed_port_queues_its_refusal_in_spite_of_the_skip_flag(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        socket = yield api.socket()
        port = yield api.CreateIoCompletionPort(socket, None, KEY)
        yield api.SetFileCompletionNotificationModes(socket, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)
        yield api.bind(socket, ("0.0.0.0", 0))
        overlapped = Overlapped()
        yield api.ConnectEx(socket, HERE, None, 0, overlapped)
        log.add("packet", (yield from packet(api, port)))
        log.add("result", (yield api.WSAGetOverlappedResult(socket, overlapped, False)))

    log = run(program, system=system)
    assert log.one("packet") == (False, ERROR_CONNECTION_REFUSED, KEY, 0)
    assert log.one("result") == failed(WSAECONNREFUSED)


def test_S37_connect_ex_on_a_connected_socket_fails_at_once(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        log.add("connect", (yield api.ConnectEx(theirs, HERE, None, 0, Overlapped())))
        log.add("connect", (yield api.ConnectEx(ours, HERE, None, 0, Overlapped())))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.of("connect"), log.one("packet")) == ([failed(WSAEISCONN)] * 2, NONE)


def test_a_refused_connect_says_so_and_a_non_blocking_one_leaves_its_error(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        socket = yield api.socket()
        log.add("connect", (yield api.connect(socket, HERE)))
        log.add("error", (yield api.GetLastError()))
        yield api.ioctlsocket(socket, FIONBIO, 1)
        yield api.connect(socket, HERE)
        log.add("failed", (yield api.select(None, None, [socket], INFINITE)).excepted == [socket])
        log.add("error", (yield api.getsockopt(socket, SOL_SOCKET, SO_ERROR)))

    log = run(program, system=system)
    assert (log.one("connect"), log.one("failed")) == (SOCKET_ERROR, True)
    assert log.of("error") == [WSAECONNREFUSED, WSAECONNREFUSED]


# ---- the end of a connection -----------------------------------------------------------------------------------------


def test_S20_shutdown_and_its_kin_queue_nothing(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        for call in (api.shutdown(ours, 1), api.WSASendDisconnect(ours), api.WSARecvDisconnect(ours)):
            log.add("result", (yield call))
        log.add("packet", (yield from packet(api, port)))
        log.add("end", (yield api.recv(theirs, Buffer(4), 4)))

    log = run(program, system=system)
    assert (log.of("result"), log.one("packet"), log.one("end")) == ([0, 0, 0], NONE, done(0))


def test_S21_disconnect_ex_pends_and_queues_a_packet_in_spite_of_the_skip_flag(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, _, port, _ = yield from pair(api)
        yield api.SetFileCompletionNotificationModes(ours, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)
        log.add("result", (yield api.DisconnectEx(ours, Overlapped())))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("result"), log.one("packet")) == (PENDING, (True, 0, KEY, 0))


def test_S22_disconnect_ex_without_an_overlapped_waits_and_queues_nothing(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, _, port, _ = yield from pair(api)
        log.add("result", (yield api.DisconnectEx(ours)))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("result"), log.one("packet")) == (done(0), NONE)


# ---- send ------------------------------------------------------------------------------------------------------------


def test_5_6_a_send_ends_when_copied_or_without_a_buffer_when_acknowledged(system: System) -> None:
    """0b.22: one unbuffered send at a time waits for the other side's delayed ACK, 40 ms."""

    def program(api: Api, log: Log) -> ThreadBody:
        ours, _, port, _ = yield from pair(api)
        log.add("send", (yield api.WSASend(ours, Buffer(100), Overlapped())))
        log.add("packet", (yield from packet(api, port)))
        yield api.Sleep(100 * MS)
        yield api.setsockopt(ours, SOL_SOCKET, SO_SNDBUF, 0)
        log.add("begin", (yield api.WSASend(ours, Buffer(PAGE), Overlapped())))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("send"), log.one("begin")) == (done(100), PENDING)
    assert log.of("packet") == [(True, 0, KEY, 100), (True, 0, KEY, PAGE)]
    assert log.when("packet") == [0, 140 * MS]


def test_without_nagles_rule_small_sends_leave_at_once(system: System) -> None:
    def program(api: Api, log: Log, no_delay: int) -> ThreadBody:
        ours, theirs, _, _ = yield from pair(api)
        yield api.setsockopt(ours, IPPROTO_TCP, TCP_NODELAY, no_delay)
        for _ in range(2):
            yield api.send(ours, Buffer(10), 10)
        got = 0
        while got < 20:
            got += (yield api.recv(theirs, Buffer(100), 100)).bytes_transferred
        log.add("got", got)

    for no_delay, when in ((1, 0), (0, 40 * MS)):
        other = System(processors=4)
        log = Log(other)
        other.start(program, log, no_delay)
        other.run()
        assert log.when("got") == [when]


# ---- datagrams, controls, waits --------------------------------------------------------------------------------------


def test_5_4_a_datagram_that_is_too_long_is_cut_and_told_with_a_packet(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs = (yield api.socket(kind=SOCK_DGRAM)), (yield api.socket(kind=SOCK_DGRAM))
        yield api.bind(ours, ("0.0.0.0", 53))
        port = yield api.CreateIoCompletionPort(ours, None, KEY)
        log.add("send", (yield api.WSASendTo(theirs, Buffer(10), ("127.0.0.1", 53))))
        yield api.Sleep(1 * MS)
        log.add("receive", (yield api.WSARecvFrom(ours, Buffer(4), Overlapped())))
        log.add("depth", len(port_of(port).entries))

    log = run(program, system=system)
    assert (log.one("send"), log.one("receive"), log.one("depth")) == (done(10), failed(WSAEMSGSIZE, 4), 1)


def test_S29_an_overlapped_ioctl_that_succeeds_at_once_queues_one_packet(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        socket = yield api.socket()
        port = yield api.CreateIoCompletionPort(socket, None, KEY)
        log.add("ioctl", (yield api.WSAIoctl(socket, SIO_ADDRESS_LIST_QUERY, Overlapped())))
        log.add("packets", (yield from packet(api, port)))
        log.add("packets", (yield from packet(api, port)))

    log = run(program, system=system)
    assert (log.one("ioctl"), log.of("packets")) == (done(0), [(True, 0, KEY, 0), NONE])


def test_S43_of_several_signalled_events_the_lowest_index_is_returned(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        events = []
        for _ in range(8):
            events.append((yield api.CreateEvent(True, False)))
        yield api.SetEvent(events[5])
        yield api.SetEvent(events[2])
        log.add("wait", (yield api.WSAWaitForMultipleEvents(events, False, INFINITE)))

    assert run(program, system=system).one("wait") == 2


def test_S44_select_with_three_null_sets_is_refused(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        log.add("select", (yield api.select(None, None, None)).count)
        log.add("error", (yield api.GetLastError()))

    log = run(program, system=system)
    assert (log.one("select"), log.one("error")) == (SOCKET_ERROR, WSAEINVAL)


def test_select_waits_for_data_and_for_connections_or_for_the_time(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, _, listener = yield from pair(api)

        def later(api: Api) -> ThreadBody:
            yield api.Sleep(5 * MS)
            yield api.send(theirs, Buffer(3), 3)
            yield api.Sleep(5 * MS)
            yield api.connect((yield api.socket()), HERE)

        yield api.CreateThread(later)
        log.add("nothing", (yield api.select([ours, listener], None, None, 1 * MS)).count)
        log.add("data", (yield api.select([ours, listener], None, None, INFINITE)).readable == [ours])
        yield api.recv(ours, Buffer(3), 3)
        log.add("connection", (yield api.select([ours, listener], None, None)).readable == [listener])

    log = run(program, system=system)
    assert (log.one("nothing"), log.one("data"), log.one("connection")) == (0, True, True)
    assert (log.when("nothing"), log.when("data"), log.when("connection")) == ([1 * MS], [5 * MS], [10 * MS])


# ---- TransmitFile ----------------------------------------------------------------------------------------------------


def stored(mode: Any = "direct") -> System:
    """A system with a file of 200 KiB, whose every command takes 100 us."""
    return System(processors=4, files={"data": 200 << 10}, completion_mode=mode)


def drain(api: Api, socket: Handle, log: Log) -> ThreadBody:
    """Receive to the end of the stream."""
    got = 0
    while True:
        result = yield api.recv(socket, Buffer(1 << 16), 1 << 16)
        if not result.bytes_transferred:
            break
        got += result.bytes_transferred
    log.add("got", (got, result.error))


@pytest.mark.parametrize("mode", ["direct", "apc"])
def test_5_13_transmit_file_sends_head_file_and_tail_and_reads_what_is_not_cached(mode: Any) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        yield api.CreateThread(drain, theirs, log)
        file = yield api.CreateFile("data", overlapped=True)
        for _ in range(2):
            log.add("call", (yield api.TransmitFile(ours, file, 0, Overlapped(), Buffer(100), Buffer(50))))
            log.add("packet", (yield from packet(api, port)))
        yield api.shutdown(ours, 1)

    system = stored(mode)
    log = run(program, system=system)
    size = (200 << 10) + 150
    assert log.of("call") == [PENDING, PENDING]
    assert log.of("packet") == [(True, 0, KEY, size), (True, 0, KEY, size)]
    assert log.one("got") == (2 * size, 0)
    cold, warm = log.when("packet")
    assert cold % MS % 100_000 == 0 and cold >= 400_000  # four commands of 100 us, and whatever TCP takes
    assert warm - cold < cold


def test_5_13_with_disconnect_the_stream_ends_behind_the_file_and_the_socket_can_be_used_again() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        _, port = yield from listening(api)
        ours = yield api.socket()
        yield api.bind(ours, ("0.0.0.0", 0))
        yield api.CreateIoCompletionPort(ours, port, KEY)
        file = yield api.CreateFile("data", overlapped=True)
        listener = yield api.socket()
        yield api.bind(listener, ("0.0.0.0", 81))
        yield api.listen(listener, 5)
        for _ in range(2):
            yield api.ConnectEx(ours, ("127.0.0.1", 81), None, 0, Overlapped())
            log.add("packet", (yield from packet(api, port)))
            theirs = yield api.accept(listener)
            yield api.TransmitFile(ours, file, 5000, Overlapped(), flags=TF_DISCONNECT | TF_REUSE_SOCKET)
            yield from drain(api, theirs, log)
            yield api.closesocket(theirs)
            log.add("packet", (yield from packet(api, port)))

    log = run(program, system=stored())
    assert log.of("packet") == [(True, 0, KEY, 0), (True, 0, KEY, 5000)] * 2
    assert log.of("got") == [(5000, 0)] * 2


def test_S42_reuse_without_disconnect_is_refused_and_so_is_too_much() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, _, port, _ = yield from pair(api)
        file = yield api.CreateFile("data", overlapped=True)
        log.add("call", (yield api.TransmitFile(ours, file, 10, Overlapped(), flags=TF_REUSE_SOCKET)))
        log.add("call", (yield api.TransmitFile(ours, file, 1 << 31, Overlapped())))
        log.add("packet", (yield from packet(api, port)))

    log = run(program, system=stored())
    assert (log.of("call"), log.one("packet")) == ([failed(WSAEINVAL)] * 2, NONE)


def test_5_13_write_behind_ends_at_once_if_the_file_is_cached() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, _, _ = yield from pair(api)
        yield api.CreateThread(drain, theirs, log)
        file = yield api.CreateFile("data", overlapped=True)
        for _ in range(2):
            log.add("call", (yield api.TransmitFile(ours, file, 8192, Overlapped(), flags=TF_WRITE_BEHIND)))
            yield api.Sleep(100 * MS)
        yield api.shutdown(ours, 1)

    log = run(program, system=stored())
    assert log.of("call") == [PENDING, done(8192)]
    assert log.one("got") == (16_384, 0)


def test_sends_behind_a_transmit_file_wait_for_it_and_a_reset_ends_both() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        ours, theirs, port, _ = yield from pair(api)
        file = yield api.CreateFile("data", overlapped=True)
        log.add("call", (yield api.TransmitFile(ours, file, 0, Overlapped())))
        log.add("call", (yield api.WSASend(ours, Buffer(10), Overlapped())))
        log.add("packet", (yield from packet(api, port)))  # the other side reads nothing
        yield from reset(api, theirs)
        for _ in range(3):
            log.add("packet", (yield from packet(api, port)))

    log = run(program, system=stored())
    assert log.of("call") == [PENDING, PENDING]
    assert sorted(map(str, log.of("packet"))) == sorted(
        map(str, [NONE, NONE, (False, ERROR_NETNAME_DELETED, KEY, 0), (False, ERROR_NETNAME_DELETED, KEY, 0)])
    )
