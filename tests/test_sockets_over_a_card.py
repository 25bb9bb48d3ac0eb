"""AFD and TCP over a network card and its miniport, to a peer at the other end of the wire."""

from tiny_net import card, miniport
from tiny_sock import FAR, NEAR, TinySock

from iosim.devices.socket_codes import CONNECT, RECEIVE
from iosim.link import Link
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS
from iosim.paths import PathEnd, PlainPath

US = 1000
WIRE = 10 * US  # ns of propagation
BITS = 1_000_000_000


class OverACard(TinySock):
    """The same two hosts, with a card of 1 Gbit/s at the near one."""

    def __init__(self, copy_ps: int = 0, **costs: int) -> None:
        super().__init__(copy_ps=copy_ps)
        self.nic = card(self, [0])
        self.nic.link.propagation = WIRE
        self.nic.link.end = PathEnd(self.clock, WIRE, self.far)
        self.miniport = miniport(self, self.nic, self.near, costs)
        self.near.routes[FAR] = self.miniport
        wire = Link(BITS, WIRE)
        wire.end = self.nic
        self.far.routes[NEAR] = PlainPath(self.clock, wire)


def test_a_receive_that_was_posted_is_filled_in_the_cards_dpc_and_paid_there() -> None:
    tiny = OverACard(copy_ps=1000, isr=100, dpc=200, receive=50)
    end = tiny.socket(7)
    tiny.call(end, CONNECT, 0, FAR << 16 | 80, null_context=True)
    tiny.pass_time(100 * US)
    before = tiny.account(0)["dpc"], tiny.account(0)["isr"]
    status, block = tiny.call(end, RECEIVE, 1000)
    assert status == STATUS_PENDING
    sent = tiny.clock.now
    tiny.peer.connection.send(400, end.latest)
    tiny.pass_time(100 * US)
    assert tiny.take() == (7, block, STATUS_SUCCESS, 400)
    spent = tiny.account(0)["dpc"] - before[0], tiny.account(0)["isr"] - before[1]
    assert spent == (200 + 50 + 400, 100)
    assert tiny.clock.now > sent


def test_a_transfer_over_the_card_arrives_whole() -> None:
    tiny = OverACard(isr=100, dpc=200, receive=50, transmit=30)
    end = tiny.socket(7)
    tiny.call(end, CONNECT, 0, FAR << 16 | 80, null_context=True)
    tiny.pass_time(100 * US)
    tiny.send(end, 1_000_000)
    tiny.run()
    assert tiny.peer.bytes == 1_000_000
    assert (tiny.near.retransmitted, end.buffered) == (0, 0)
