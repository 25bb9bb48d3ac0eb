"""The network of a machine: a card with its driver, TCP/IP and AFD over it, and at the far end of its wire the clients' host.

Nothing is decided here: every number comes from the scenario, whose schema has its source.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from iosim.actor import DEVICE, Actor
from iosim.cache import Caches
from iosim.devices.ndis import ENDLESS, Miniport, NdisCosts, NdisParams
from iosim.devices.winsock import Afd
from iosim.errors import LawBroken
from iosim.io_manager import IoManager
from iosim.link import Link
from iosim.moderation import Moderation
from iosim.nic import Nic, NicParams
from iosim.numa import NO_MEMORY, NodeMemory
from iosim.paths import PathEnd, PlainPath
from iosim.processor import Processor
from iosim.rebalancing import Rebalancer
from iosim.rss import MAX_ENTRIES, HashType, IndirectionTable, Rss, RssHash
from iosim.rss_processors import GIGABIT, RssParams, RssProfile, default_processors, rss_processors
from iosim.scenario.faults import CardFault, LinkDown, NicReset
from iosim.scenario.nic_params import (
    base_processor,
    driver_costs,
    driver_params,
    moderation,
    rss_params,
    tcp_params,
    topology_of,
)
from iosim.scenario.nics import ReceiveSideScaling
from iosim.scenario.schema import ScenarioModel
from iosim.tcp import Flows, Host, TcpParams
from iosim.units import ps_per_byte

ADDRESS = 10 << 24 | 1  # of a machine's first card, 10.0.0.1; the next one's is the next
CLIENTS = 10 << 24 | 1 << 16  # 10.1.0.0 of the host at its far end; what its clients' addresses are is up to them
HASH_TYPES = (HashType.IPV4, HashType.TCP_IPV4, HashType.IPV6, HashType.TCP_IPV6)


@dataclass(frozen=True, slots=True)
class RssSettings:
    """`enabled` False: one queue, on the base processor. `entries` of the indirection table."""

    params: RssParams = field(default_factory=RssParams)
    enabled: bool = True
    entries: int = MAX_ENTRIES
    hash_types: Collection[int] = HASH_TYPES
    period: int = 0  # ns between two looks of the system that moves the table's entries; 0: it never does
    slack: int = 0  # percent


@dataclass(frozen=True, slots=True)
class Outage:
    """From `at` on the link is down, for `duration` ns (-1: it stays so); `reset`: the card is started anew."""

    at: int
    duration: int
    reset: bool = False


@dataclass(frozen=True, slots=True)
class NetworkParams:
    """A card, its driver and protocol, and the way to the clients and back (ns, without the frames' own time).

    `base_processor` is what interrupts without receive side scaling, and what takes frames without a hash.
    """

    bits_per_second: int = 10 * GIGABIT
    address: int = ADDRESS
    clients: int = CLIENTS
    to_clients: int = 0
    from_clients: int = 0
    base_processor: int = 0
    threads_per_core: int = 1
    nic: NicParams = field(default_factory=lambda: NicParams(512, 512, 0, -1, 0, 0, False))
    rss: RssSettings = field(default_factory=RssSettings)
    moderation: Moderation = field(default_factory=Moderation)
    costs: NdisCosts = field(default_factory=NdisCosts)
    driver: NdisParams = field(default_factory=NdisParams)
    tcp: TcpParams = field(default_factory=TcpParams)
    clients_tcp: TcpParams = field(default_factory=TcpParams)
    afd: int = 0  # ns of AFD's dispatch
    locked_most: int = ENDLESS  # pages that receives and sends may lock
    hold: int = 0  # ns that a receive waits to be filled further
    outages: tuple[Outage, ...] = ()


class OutageAlarm(Actor):
    """The beginning (0) and the end (1) of one."""

    def __init__(self, nic: Nic, outage: Outage) -> None:
        super().__init__()
        self.nic = nic
        self.outage = outage

    def start(self) -> None:
        """The run begins."""
        self.nic.clock.at(self.outage.at, DEVICE, self, 0)

    def fire(self, what: int) -> None:
        """The cable, or the card."""
        nic, outage = self.nic, self.outage
        if outage.reset:
            nic.reset(outage.duration)
            return
        nic.set_link(what == 1)
        if what == 0 and outage.duration >= 0:
            nic.clock.at(outage.duration, DEVICE, self, 1)


class Network:
    """One card and all that hangs on it; frames of the far host go `way`, into `link_in`. `start` lets it interrupt."""

    def __init__(
        self,
        name: str,
        params: NetworkParams,
        io: IoManager,
        processors: Sequence[Processor],
        caches: Caches,
        flows: Flows,
    ) -> None:
        clock = io.clock
        self.name = name
        self.params = params
        self.flows = flows
        self.rss = self._rss(caches)
        self.link_out = Link(params.bits_per_second, params.to_clients)
        self.link_in = Link(params.bits_per_second, params.from_clients)
        self.nic = Nic(clock, params.nic, caches.topology, [*processors], self.rss, params.moderation, self.link_out)
        self.host = Host(clock, flows, params.address, params.tcp)
        self.far = Host(clock, flows, params.clients, params.clients_tcp)
        self.miniport = Miniport(self.nic, self.host, params.costs, params.driver, caches)
        self.way = PlainPath(clock, self.link_in)
        self.link_out.end = PathEnd(clock, params.to_clients, self.far)
        self.link_in.end = self.nic
        self.miniport.propagation = params.from_clients
        self.host.gateway = self.miniport
        self.far.gateway = self.way
        self.host.rss = self.rss
        self.far.rss = self.rss
        self.afd = Afd(io, self.host, params.afd, params.locked_most, hold=params.hold)
        self.outages = [OutageAlarm(self.nic, it) for it in params.outages]
        self.rebalancer = Rebalancer(self.nic, params.rss.period or 1, params.rss.slack)

    def _rss(self, caches: Caches) -> Rss:
        """Which processors take what; a card with one queue looks at no hash."""
        params = self.params
        settings = params.rss
        if not settings.enabled:
            return Rss(RssHash(), IndirectionTable(1, [params.base_processor]), (), params.base_processor)
        most = default_processors(params.bits_per_second, params.driver.message_signalled)
        chosen = rss_processors(settings.params, caches.topology, params.threads_per_core, most)
        table = IndirectionTable(settings.entries, chosen)
        return Rss(RssHash(), table, settings.hash_types, chosen[0])

    def set_memory(self, memory: NodeMemory) -> None:
        """It matters on which node buffers lie."""
        self.miniport.set_memory(memory)
        self.afd.memory = memory

    def start(self) -> None:
        """From now on the card may interrupt, and the system looks after its table."""
        self.miniport.start()
        if self.params.rss.period:
            self.rebalancer.start()
        for alarm in self.outages:
            alarm.start()

    def check_laws(self) -> None:
        """Raise LawBroken unless every frame that came is accounted for, and every descriptor."""
        nic = self.nic
        nic.settle()
        rings = [queue.rx for queue in nic.queues]
        known = nic.lost - nic.cleared + sum(rx.received + rx.dropped + rx.coming.count for rx in rings)
        if known != self.link_in.frames:
            raise LawBroken(f"card {self.name}: {self.link_in.frames} frames came, {known} are accounted for")
        for queue in nic.queues:
            held = queue.tx.frames.count
            if queue.tx.size - queue.tx.free != held:
                raise LawBroken(f"card {self.name}: {queue.tx.size - queue.tx.free} descriptors hold {held} frames")


class Networks:
    """All networks of a machine, by the cards' names; `trips`: each card's round trip (ns) to its clients."""

    def __init__(
        self, model: ScenarioModel, io: IoManager, caches: Caches, trips: Mapping[str, int], memory: NodeMemory
    ) -> None:
        self.flows = Flows()
        self.by_name: dict[str, Network] = {}
        processors = io.dispatcher.processors
        for number, name in enumerate(model.nics):
            params = network_params(model, name, number, trips.get(name, 0))
            self.by_name[name] = Network(name, params, io, processors, caches, self.flows)
            if memory is not NO_MEMORY:
                self.by_name[name].set_memory(memory)

    def start(self) -> None:
        """From now on the cards may interrupt."""
        for network in self.by_name.values():
            network.start()

    def check_laws(self) -> None:
        """Raise LawBroken unless every card's frames are all accounted for."""
        for network in self.by_name.values():
            network.check_laws()


def network_params(model: ScenarioModel, name: str, number: int, trip: int) -> NetworkParams:
    """What a scenario says of a card, as its parts take it."""
    nic = model.nics[name]
    machine = model.machine
    node = -1 if nic.buffer_node is None else nic.buffer_node
    rings = nic.receive_buffers, nic.transmit_buffers
    return NetworkParams(
        bits_per_second=nic.link,
        address=ADDRESS + number,
        clients=CLIENTS + (number << 16),
        to_clients=trip // 2,
        from_clients=trip - trip // 2,
        base_processor=base_processor(nic.rss, topology_of(machine)),
        threads_per_core=machine.smt.threads,
        nic=NicParams(*rings, nic.node, node, nic.dma, ps_per_byte(nic.bus), nic.transmit_by == "hash"),
        rss=rss_settings(nic.rss),
        moderation=moderation(nic.interrupt_moderation),
        costs=driver_costs(nic.costs, machine.kernel.dpc_footprint),
        driver=driver_params(nic),
        tcp=tcp_params(machine.tcp),
        clients_tcp=replace(tcp_params(machine.tcp), segment_cost=0, receive_cost=0),
        afd=machine.tcp.afd,
        locked_most=machine.tcp.locked_pages or ENDLESS,
        hold=machine.tcp.receive_hold,
        outages=tuple(_outage(it) for it in model.faults.values() if isinstance(it, CardFault) and it.nic == name),
    )


def _outage(fault: CardFault) -> Outage:
    assert isinstance(fault, LinkDown | NicReset)
    return Outage(fault.at, -1 if fault.duration is None else fault.duration, isinstance(fault, NicReset))


def rss_settings(it: ReceiveSideScaling) -> RssSettings:
    """Receive side scaling; the system looks after the table of profiles that are not static."""
    profile = RssProfile[it.profile.upper()]
    types = (*HASH_TYPES, HashType.UDP_IPV4, HashType.UDP_IPV6) if it.udp else HASH_TYPES
    period = it.rebalance if profile.dynamic else 0
    return RssSettings(rss_params(it), it.enabled, it.indirection_table, types, period, round(100 * it.slack))
