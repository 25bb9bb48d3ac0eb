"""The network of a machine: a card with its driver, TCP/IP and AFD over it, and at the far end of its wire the clients' host.

Nothing is decided here: every number comes from the scenario, whose schema has its source.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from iosim.cache import Caches
from iosim.devices.ndis import Miniport, NdisCosts, NdisParams
from iosim.devices.winsock import Afd
from iosim.io_manager import IoManager
from iosim.link import Link
from iosim.moderation import Moderation
from iosim.nic import Nic, NicParams
from iosim.paths import PathEnd, PlainPath
from iosim.processor import Processor
from iosim.rebalancing import Rebalancer
from iosim.rss import MAX_ENTRIES, HashType, IndirectionTable, Rss, RssHash
from iosim.rss_processors import GIGABIT, RssParams, default_processors, rss_processors
from iosim.tcp import Flows, Host, TcpParams

ADDRESS = 10 << 24 | 1  # of a machine's first card, 10.0.0.1; the next one's is the next
CLIENTS = 10 << 24 | 1 << 16  # 10.1.0.0 of the host at its far end; what its clients' addresses are is up to them


@dataclass(frozen=True, slots=True)
class RssSettings:
    """`enabled` False: one queue, on the base processor. `entries` of the indirection table."""

    params: RssParams = field(default_factory=RssParams)
    enabled: bool = True
    entries: int = MAX_ENTRIES
    hash_types: Collection[int] = (HashType.IPV4, HashType.TCP_IPV4, HashType.IPV6, HashType.TCP_IPV6)
    period: int = 0  # ns between two looks of the system that moves the table's entries; 0: it never does
    slack: int = 0  # percent


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
    locked_most: int = 1 << 40  # pages that receives and sends may lock
    hold: int = 0  # ns that a receive waits to be filled further


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
        self.host.gateway = self.miniport
        self.far.gateway = self.way
        self.afd = Afd(io, self.host, locked_most=params.locked_most, hold=params.hold)
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

    def start(self) -> None:
        """From now on the card may interrupt, and the system looks after its table."""
        self.miniport.start()
        if self.params.rss.period:
            self.rebalancer.start()
