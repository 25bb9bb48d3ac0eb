"""A machine's network as it is built: card, driver, protocol, and the clients' host at the far end."""

from tiny import Tiny
from tiny_sock import Peer

from iosim.attribution import NO_REQUEST
from iosim.io_manager import IoCosts, IoManager
from iosim.networks import Network, NetworkParams, RssSettings
from iosim.rss_processors import RssParams
from iosim.tcp import Flows, join

US = 1000


class OnACard(Tiny):
    """A machine with one network."""

    def __init__(self, processors: int = 2, params: NetworkParams | None = None) -> None:
        super().__init__(processors)
        self.io = IoManager(self.dispatcher, IoCosts(0, 0, 0, 0, 0))
        self.network = Network("nic0", params or NetworkParams(), self.io, self.processors, self.caches, Flows())

    def pass_time(self) -> None:
        self.at(self.clock.now + 100 * US, self.clock.stop)
        self.run()


def test_what_a_client_sends_comes_up_through_the_card_and_the_answer_goes_back() -> None:
    tiny = OnACard(params=NetworkParams(to_clients=3 * US, from_clients=2 * US))
    network = tiny.network
    network.start()
    server, client = Peer(tiny), Peer(tiny)  # type: ignore[arg-type]
    port = network.host.number << 16 | 80
    here, there = join(network.host, server, server, network.far, client, client, network.far.number << 16 | 9, port)
    there.send(100, NO_REQUEST)
    tiny.pass_time()
    here.send(200, NO_REQUEST)
    tiny.pass_time()
    # 178 bytes on a wire of 10 Gbit/s are 143 ns; the interrupt and the driver's DPC follow
    costs = network.params.costs
    assert server.log == [(2 * US + 143 + costs.isr + costs.dpc + costs.receive, 100)]
    assert client.log == [(100 * US + 223 + 3 * US, 200)]


def test_without_receive_side_scaling_there_is_one_queue_on_the_base_processor() -> None:
    tiny = OnACard(4, NetworkParams(base_processor=2, rss=RssSettings(enabled=False)))
    assert [queue.processor.number for queue in tiny.network.nic.queues] == [2]
    assert not tiny.network.rss.tcp_ipv4


def test_receive_side_scaling_has_a_queue_a_processor_but_no_more_than_asked_for() -> None:
    params = RssParams(base_processor=(0, 1), number_of_receive_queues=2)
    tiny = OnACard(4, NetworkParams(rss=RssSettings(params, entries=4)))
    assert [queue.processor.number for queue in tiny.network.nic.queues] == [1, 2]
    assert [*tiny.network.rss.table.entries] == [1, 2, 1, 2]
