"""AFD under random programs and a path that loses frames: exactly one packet a request, nothing lost, nothing left over."""

import random

import pytest
from tiny_pipe import APC_MODE
from tiny_sock import DELAY, NEAR, TinySock

from iosim.devices.socket_codes import (
    CONNECT,
    RECEIVE,
    REUSE_SOCKET,
    SD_BOTH,
    SD_RECEIVE,
    SD_SEND,
    SEND,
    SUPER_DISCONNECT,
)
from iosim.devices.winsock import Endpoint
from iosim.io_manager import USUAL
from iosim.irp import StatusBlock
from iosim.kernel_queue import NO_PACKET
from iosim.ntstatus import STATUS_PENDING, is_error
from iosim.paths import plain_path
from iosim.tcp import TcpParams


class Model:
    """What was asked for and what is due."""

    def __init__(self, seed: int, *, hard: bool) -> None:
        self.chance = random.Random(seed)
        chance = self.chance
        tcp = TcpParams(
            initial_window=chance.choice((1, 10)),
            receive_buffer=chance.choice((3000, 65536)),
            data_tries=40,
            connect_tries=40,
        )
        self.holds = chance.choice((0, 0, 20 * DELAY))
        limits = {
            "hold": self.holds,
            "locked_most": chance.choice((8, 1 << 40)),
            "buffered_most": chance.choice((9000, 1 << 40)),
        }
        self.tiny = TinySock(chance.choice((USUAL, APC_MODE)), tcp=tcp, **limits)
        self.loop = plain_path(self.tiny.clock, 0, DELAY, self.tiny.machine_end)
        self.tiny.near.routes[NEAR] = self.loop
        rate = chance.choice((0.0, 0.02, 0.2))
        self.loop.losses = {number for number in range(100_000) if chance.random() < rate}
        self.hard = hard
        self.due: dict[StatusBlock, str] = {}
        self.asked = self.sent = self.received = (
            0  # bytes: of sends that did not fail at once, that succeeded, received
        )
        self.refused = 0

    def pair(self, listener: Endpoint) -> list[Endpoint]:
        """Two connected sockets, either associated."""
        tiny = self.tiny
        client, server = tiny.socket(1), tiny.socket(2)
        self.count("accept", tiny.accept_ex(listener, server, self.chance.choice((0, 0, 50))))
        self.count("connect", tiny.call(client, CONNECT, 0, NEAR << 16 | 80))
        return [client, server]

    def count(self, what: str, outcome: tuple[int, StatusBlock]) -> None:
        """A call that did not fail at once owes one packet."""
        status, block = outcome
        if status == STATUS_PENDING or not is_error(status):
            self.due[block] = what
        else:
            self.refused += 1

    def collect(self) -> None:
        """Packets that have come: each was due, and is no longer."""
        tiny = self.tiny
        while tiny.depth:
            packet = tiny.port.poll(tiny.two)
            assert packet is not NO_PACKET
            block, size = packet.notice.context, packet.information  # type: ignore[attr-defined]
            what = self.due.pop(block)
            self.received += size if what in ("receive", "accept") else 0
            self.sent += size if what == "send" else 0
            packet.removed()

    def step(self, ends: list[Endpoint]) -> None:
        """Anything, on any socket that is still open."""
        chance, tiny = self.chance, self.tiny
        end = chance.choice(ends)
        act = chance.choice(("receive", "receive", "send", "send", "wait", "wait", "cancel", "buffer", "end"))
        if act == "receive":
            self.count("receive", tiny.call(end, RECEIVE, chance.choice((0, 1, 100, 5000))))
        elif act == "send":
            size = chance.choice((1, 100, 5000, 20_000))
            self.asked += size
            self.count("send", tiny.call(end, SEND, size))
        elif act == "wait":
            tiny.pass_time(chance.choice((1, DELAY, 50 * DELAY)))
        elif act == "cancel" and self.hard:
            tiny.io.cancel_io(end)
        elif act == "buffer":
            end.send_buffer = chance.choice((0, 1, 4096, 65536))
        elif act == "end" and self.hard and chance.random() < 0.3:
            self.end(end, ends)

    def end(self, end: Endpoint, ends: list[Endpoint]) -> None:
        """One of the ways to end a connection."""
        way = self.chance.choice(("close", "reset", "shutdown", "disconnect"))
        if way == "shutdown":
            self.tiny.afd.shutdown(end, self.chance.choice((SD_RECEIVE, SD_SEND, SD_BOTH)))
        elif way == "disconnect":
            flags = self.chance.choice((0, REUSE_SOCKET))
            self.count("disconnect", self.tiny.call(end, SUPER_DISCONNECT, 0, flags))
        elif len(ends) > 1:
            end.linger = 0 if way == "reset" else -1
            ends.remove(end)
            self.tiny.io.close(end)

    def finish(self, ends: list[Endpoint]) -> None:
        """Close everything and let all that has been begun come to its end."""
        for end in ends:
            self.tiny.io.close(end)
        self.tiny.run()
        self.collect()


@pytest.mark.parametrize("seed", range(60))
def test_every_request_has_exactly_one_end(seed: int) -> None:
    model = Model(seed, hard=True)
    tiny = model.tiny
    listener = tiny.listener(3)
    ends = [end for _ in range(3) for end in model.pair(listener)]
    for _ in range(150):
        model.step(ends)
        model.collect()
        for end in ends:
            assert model.holds or not (end.unread and end.receives)
    model.finish([*ends, listener])
    assert model.due == {}
    assert (tiny.afd.locked, tiny.afd.buffered) == (0, 0)
    assert model.received <= model.asked
    assert (tiny.afd.sockets(), tiny.afd.bound) == ([], {})
    assert all(irps == [] for end in ends for irps in (end.receives, end.waiting, end.sent, end.disconnects))


@pytest.mark.parametrize("seed", range(40))
def test_what_is_sent_is_received_to_the_byte(seed: int) -> None:
    """As long as nobody cancels, resets or closes; losses on the way are latency (0b.22)."""
    model = Model(1000 + seed, hard=False)
    tiny = model.tiny
    listener = tiny.listener(3)
    ends = model.pair(listener)
    tiny.pass_time(60_000 * DELAY)
    for _ in range(100):
        model.step(ends)
        model.collect()
    for end in ends:
        tiny.afd.shutdown(end, SD_SEND)
        tiny.afd.update_context(end)
        tiny.afd.shutdown(end, SD_SEND)
    for _ in range(400):
        for end in ends:
            if not end.receives:
                model.count("receive", tiny.call(end, RECEIVE, 8000))
        tiny.pass_time(5000 * DELAY)
        model.collect()
        if all(end.ended and not (end.unread or end.sent) for end in ends):
            break
    assert model.received == model.sent > 0
    model.finish([*ends, listener])
    assert (model.due, tiny.afd.locked, tiny.afd.buffered) == ({}, 0, 0)
