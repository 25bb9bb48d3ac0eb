"""Large sends: what goes down to a card that cuts it, and what the other side sees."""

import pytest
from tiny import Tiny
from tiny_sock import Peer

from iosim.attribution import NO_REQUEST
from iosim.devices.ndis import NdisParams
from iosim.io_manager import IoCosts, IoManager
from iosim.networks import Network, NetworkParams
from iosim.scenario.nic_params import LARGE_SEND
from iosim.tcp import Connection, Flows, TcpParams, join
from iosim.units import KIB

US = 1000
MSS = 1460
COST = 495 + 100  # ns of the driver, and of TCP


class Sender(Tiny):
    """A server on a card that has sent, and a client that writes down what has come."""

    def __init__(self, large: int, no_delay: bool = True, window: int = 64 * KIB) -> None:
        super().__init__(1)
        far = TcpParams(receive_buffer=window)
        tcp = TcpParams(initial_window=100, segment_cost=100)
        params = NetworkParams(driver=NdisParams(large_send=large), tcp=tcp, clients_tcp=far)
        io = IoManager(self.dispatcher, IoCosts(0, 0, 0, 0, 0))
        self.network = Network("nic0", params, io, self.processors, self.caches, Flows())
        self.network.start()
        self.client = Peer(self)  # type: ignore[arg-type]
        self.connection: Connection
        self.connection, _ = join(
            self.network.host,
            Peer(self),  # type: ignore[arg-type]
            0,
            self.network.far,
            self.client,
            self.client,
            self.network.far.number << 16 | 9,
            self.network.host.number << 16 | 80,
        )
        self.connection.no_delay = no_delay

    def send(self, size: int) -> int:
        """Send, and wait for all acknowledgements; returns the descriptors that it took."""
        self.connection.send(size, NO_REQUEST)
        descriptors = sum(queue.tx.frames.count for queue in self.network.nic.queues)
        self.at(self.clock.now + 300 * US, self.clock.stop)
        self.run()
        return descriptors


@pytest.mark.parametrize("no_delay", [True, False])
def test_what_arrives_is_the_same_whoever_cuts_it(no_delay: bool) -> None:
    cut, whole = Sender(0, no_delay), Sender(LARGE_SEND, no_delay)
    descriptors = cut.send(20_000), whole.send(20_000)
    assert cut.client.log == whole.client.log
    assert cut.network.link_out.frames == whole.network.link_out.frames
    assert cut.network.link_out.bytes == whole.network.link_out.bytes
    assert sum(size for _, size in whole.client.log) == (20_000 if no_delay else 13 * MSS)
    assert descriptors == ((14, 1) if no_delay else (13, 1))


def test_a_large_send_costs_what_one_segment_does() -> None:
    assert Sender(0).connection.send_cost(20_000) == 14 * COST
    assert Sender(LARGE_SEND).connection.send_cost(20_000) == COST
    assert Sender(LARGE_SEND).connection.send_cost(1) == COST


def test_no_more_goes_down_than_64_kib_at_once() -> None:
    sender = Sender(LARGE_SEND, window=1024 * KIB)
    assert LARGE_SEND // MSS == 44
    assert sender.connection.send_cost(100 * MSS) == 3 * COST
    assert sender.send(100 * MSS) == 3


def test_the_window_is_kept_to() -> None:
    sender = Sender(LARGE_SEND, window=10_000)
    sender.connection.send(20_000, NO_REQUEST)
    handed = [frame.payload for queue in sender.network.nic.queues for frame in queue.tx.frames.listed()]
    assert handed == [6 * MSS]


def test_what_is_sent_again_goes_segment_by_segment() -> None:
    sender = Sender(LARGE_SEND)
    network = sender.network
    network.link_out.up = False
    sender.send(5 * MSS)
    network.link_out.up = True
    connection = sender.connection
    connection.timed_out()  # one segment, as the congestion window says
    connection.congestion = 100 * MSS
    connection.push()
    assert network.host.retransmitted == 5
