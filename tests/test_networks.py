"""A machine's network as it is built: card, driver, protocol, and the clients' host at the far end."""

from pathlib import Path

import pytest
import yaml
from tiny import Tiny
from tiny_sock import Peer

from iosim.attribution import NO_REQUEST
from iosim.errors import WrongInput
from iosim.experiment import run
from iosim.io_manager import IoCosts, IoManager
from iosim.moderation import Adaptive, DelayTimer, Moderation, ThrottleGap
from iosim.networks import ADDRESS, Network, NetworkParams, RssSettings, network_params
from iosim.rss_processors import RssParams
from iosim.scenario import load
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


SCENARIO = """\
version: 1
machine: {numa_nodes: 2, cores_per_node: 2}
nics:
  nic0: {}
ports: {main: {}}
pools: {workers: {port: main, threads: 4}}
handlers: {request: [{compute: 1 us}]}
workload: {web: {kind: closed, port: main, clients: 1, handler: request}}
run: {duration: 1 ms, warm_up: 0 s, replications: 1}
"""


def written(tmp_path: Path, nic: str) -> Path:
    path = tmp_path / "cards.yaml"
    path.write_text(SCENARIO.replace("nic0: {}", f"nic0: {nic}"), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("nic", "place", "message"),
    [
        ("{lnk: 10 Gbit/s}", "nics.nic0.lnk", "unknown key; did you mean 'link'?"),
        ("{node: 2}", "nics.nic0.node", "the machine has NUMA nodes 0 to 1, not 2"),
        ("{link: 9 Tbit/s}", "nics.nic0.link", "faster than 8 Tbit/s"),
        ("{rss: {indirection_table: 96}}", "nics.nic0.rss.indirection_table", "96 is not a power of two from 1 to 128"),
        ("{rss: {base_processor_number: 4}}", "nics.nic0.rss.base_processor_number", "group 0 has no processor 4"),
        ("{rss: {numa_node: 2}}", "nics.nic0.rss.numa_node", "the machine has NUMA nodes 0 to 1, not 2"),
        (
            "{rss: {base_processor_number: 2, max_processor_number: 1}}",
            "nics.nic0.rss.max_processor_number",
            "base_processor, max_processor: no processor from 0:2 to 0:1",
        ),
        ("{rss: {max_processor_group: 0}}", "nics.nic0.rss.max_processor_group", "needs a 'max_processor_number'"),
        (
            "{interrupt_moderation: {mode: delay, interval: 5 us}}",
            "nics.nic0.interrupt_moderation.interval",
            "goes with 'mode: static'",
        ),
    ],
)
def test_what_cannot_be_said_of_a_card_is_told_with_its_place(
    tmp_path: Path, nic: str, place: str, message: str
) -> None:
    with pytest.raises(WrongInput) as wrong:
        load(written(tmp_path, nic))
    (line,) = str(wrong.value).splitlines()
    assert ":4:" in line
    assert line.endswith(f"{place}: {message}")


@pytest.mark.parametrize(
    ("said", "kind", "moment"),
    [
        ("off", Moderation, 1000),
        ("50 us", ThrottleGap, 51_000),
        ("medium", ThrottleGap, 244_200),
        ("{mode: static, interval: 2 us}", ThrottleGap, 3000),
        ("{mode: delay}", DelayTimer, 9000),
        ("{mode: delay, delay: 3 us, count: 5}", DelayTimer, 4000),
        ("adaptive", Adaptive, 51_000),
        ("{rates: [100000/s, 10000/s, 1000/s]}", Adaptive, 101_000),
    ],
)
def test_interrupt_moderation_is_said_by_a_word_a_time_or_a_map(
    tmp_path: Path, said: str, kind: type[Moderation], moment: int
) -> None:
    scenario = load(written(tmp_path, f"{{interrupt_moderation: {said}}}"))
    found = network_params(scenario.model, "nic0", 0, 0).moderation
    assert type(found) is kind
    found.raised(1000)
    assert found.moment(1000) == moment
    again = load(
        written(tmp_path, yaml.dump(scenario.effective()["nics"]["nic0"], default_flow_style=True, width=9999))
    )
    assert again.model.nics == scenario.model.nics


def test_a_card_that_is_described_is_built_as_it_was_said(tmp_path: Path) -> None:
    said = (
        "{link: 1 Gbit/s, receive_buffers: 64, transmit_buffers: 32, rsc: false, dpc_budget: 16, dma: 0 ns,"
        " rss: {profile: numa, base_processor_number: 1, max_processors: 2, indirection_table: 4, rebalance: 1 ms}}"
    )
    model = load(written(tmp_path, said)).model
    params = network_params(model, "nic0", 1, 5 * US)
    assert (params.to_clients, params.from_clients, params.address) == (2500, 2500, ADDRESS + 1)
    tiny = OnACard(4, params)
    network = tiny.network
    assert [queue.processor.number for queue in network.nic.queues] == [1, 2]
    assert network.link_in.ps_per_byte == 8000
    assert (network.nic.queues[0].rx.size, network.nic.queues[0].tx.size) == (64, 32)
    assert (network.miniport.params.budget, network.miniport.params.coalescing) == (16, False)
    assert (network.rebalancer.period, network.rebalancer.slack) == (1000 * US, 10)
    assert params.rss.period == 1000 * US


def test_a_machine_with_an_idle_card_runs_and_tells_of_it(tmp_path: Path) -> None:
    results = run(load(written(tmp_path, "{}")))
    card = results.summary["nics"]["nic0"]
    assert card["frames_in_per_s"]["value"] == 0
    assert set(card["processors"]) == {"0", "1", "2", "3"}
