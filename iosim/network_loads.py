"""Loads that come over a card, as described: their clients, addresses and ways, and what they ask for."""

from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from iosim.actor import Clock
from iosim.captures import TCP, UDP, read_capture
from iosim.client_addresses import ClientAddresses, GivenAddresses, RandomAddresses, ReplyAddresses, SequentialAddresses
from iosim.completion_port import CompletionPort
from iosim.errors import Mistake, WrongInput
from iosim.net_clients import (
    ClientParams,
    ClosedNetworkSource,
    CrowdParams,
    LongWay,
    NetworkSource,
    OpenNetworkSource,
    Reach,
    ReplayNetworkSource,
)
from iosim.net_traces import NetTrace, read_net_trace
from iosim.networks import Network
from iosim.scenario.distributions import Distribution
from iosim.scenario.load import ClosedLoad
from iosim.scenario.loader import Scenario
from iosim.scenario.net_load import DRAWN, RISING, ClosedNetLoad, NetLoad, NetReplay, OpenNetLoad
from iosim.scenario.schema import ScenarioModel
from iosim.streams import Streams, exponential, table, whole
from iosim.units import S
from iosim.variates import Column, Constant, Variate
from iosim.workload import RowPace, Window

FIRST_DRAWN, DRAWN_BITS = 64 << 24, 30  # clients from anywhere: 64.0.0.0 to 127.255.255.255
FIRST_SERVICE = 1024  # port of a machine's first service; the next one's is the next
NO_TARGETS = array("q")
NO_TIMES = array("q")

Draw: TypeAlias = Callable[[Distribution, str, int, str], Variate]


def round_trips(model: ScenarioModel) -> dict[str, int]:
    """What all loads of a card have in common of the way to it and back (ns): a frame spends it without an event."""
    found: dict[str, int] = {}
    for load in model.workload.values():
        if isinstance(load, NetLoad):
            found[load.nic] = min(load.round_trip, found.get(load.nic, load.round_trip))
    return found


class NetworkLoads:
    """Makes the sources of loads that come over cards. `draw` gives a workload's quantities, as for its steps."""

    def __init__(self, scenario: Scenario, clock: Clock, window: Window, streams: Streams, draw: Draw) -> None:
        self.scenario = scenario
        self.clock = clock
        self.window = window
        self.streams = streams
        self.draw = draw
        self.ports: set[int] = set()  # of services

    def source(
        self, group: int, name: str, port: CompletionPort, network: Network, service: Any, trace: NetTrace | None
    ) -> NetworkSource:
        """The clients of a workload; `service` is the program's side of it (net_service.py)."""
        load = self.scenario.model.workload[name]
        assert isinstance(load, NetLoad)
        target = self._target(group, network, trace)
        reach = Reach(network.host, network.far, target, self._way(load, network), service)
        addresses = self._addresses(name, load, network, trace)
        if load.direction == "replies":
            addresses = ReplyAddresses(addresses, network.params.clients << 16 | target & 0xFFFF)
        common = self.clock, self.window, group, port, reach
        request = self.draw(load.request, name, 0, "request")
        behaviour = self._resets(name, load), params_of(load)
        if isinstance(load, NetReplay):
            assert trace
            sizes = Column(trace.size) if len(trace.size) else request
            crowd = CrowdParams(trace.clients, addresses, sizes, *behaviour)
            pace = RowPace(trace.arrival, NO_TIMES, load.timing.depth)
            return ReplayNetworkSource(*common, crowd, trace.client, pace)
        if isinstance(load, ClosedNetLoad):
            crowd = CrowdParams(load.clients, addresses, request, *behaviour)
            return ClosedNetworkSource(*common, crowd, self.draw(load.think, name, 0, "think"), load.outstanding)
        assert isinstance(load, OpenNetLoad)
        which = self._drawn(f"{name}.connection", whole(load.connections)) if load.connections > 1 else Constant(0)
        crowd = CrowdParams(load.connections, addresses, request, *behaviour)
        return OpenNetworkSource(*common, crowd, self._gap(name, load), which)

    def _target(self, group: int, network: Network, trace: NetTrace | None) -> int:
        """The service's address: as in the capture, if its port is free, so that hashes are those of then."""
        target = trace.target if trace else 0
        if not target or target & 0xFFFF in self.ports:
            target = network.host.number << 16 | FIRST_SERVICE + group
        self.ports.add(target & 0xFFFF)
        return target

    def _drawn(self, name: str, transform: Any) -> Variate:
        return self.streams.open(name, transform)

    def _gap(self, name: str, load: OpenNetLoad) -> Variate:
        mean = S / Fraction(load.rate)
        if load.arrivals == "constant":
            return Constant(round(mean))
        return self._drawn(f"{name}.gap", exponential(float(mean)))

    def _way(self, load: NetLoad, network: Network) -> Any:
        """The card's, or one that is longer."""
        more = load.round_trip - network.link_in.propagation - network.link_out.propagation
        return LongWay(self.clock, more, network.way) if more > 0 else network.way

    def _resets(self, name: str, load: NetLoad) -> list[Variate]:
        if load.resets is None or not load.resets.share:
            return []
        transform = table([1, 0], [load.resets.share, 1.0])
        if isinstance(load, ClosedLoad):
            return [self.streams.closed(f"{name}.resets", transform, load.clients * load.outstanding)]
        return [self._drawn(f"{name}.resets", transform)]

    def _addresses(self, name: str, load: NetLoad, network: Network, trace: NetTrace | None) -> ClientAddresses:
        if trace is not None and len(trace.addresses):
            return GivenAddresses(trace.addresses, NO_TARGETS)
        if load.addresses == DRAWN:
            drawn = self._drawn(f"{name}.addresses", whole(1 << DRAWN_BITS))
            return RandomAddresses(FIRST_DRAWN, 1 << DRAWN_BITS, drawn)
        if load.addresses == RISING:
            return SequentialAddresses(network.params.clients)
        return GivenAddresses(*captured_addresses(self.scenario, name, load))


def params_of(load: NetLoad) -> ClientParams:
    """How a load's clients behave."""
    return ClientParams(
        datagrams=load.protocol == "udp",
        per_connection=load.requests_per_connection or 0,
        reads=load.reads,
        piece=load.pieces.size if load.pieces else 0,
        gap=load.pieces.gap if load.pieces else 0,
        reset_after=load.resets.after if load.resets else 0,
        no_delay=not load.nagle,
    )


def read_replay(load: NetReplay, path: Path) -> NetTrace:
    """A replay's requests, at its speed; raises WrongInput where they can't be read or don't fit the load."""
    protocol = TCP if load.protocol == "tcp" else UDP
    trace = read_net_trace(path, load.format, protocol, load.server or "", load.requests or 0)
    if load.requests_per_connection and len(trace.addresses):
        message = "a capture says itself which requests share a connection; 'requests_per_connection' is a log's"
        raise WrongInput([Mistake(trace.source, 0, 0, "", message)])
    return trace.at_speed(load.timing.speedup)


def captured_addresses(scenario: Scenario, name: str, load: NetLoad) -> "tuple[array[int], array[int]]":
    """Clients and servers of a capture's connections, in the order in which they come; raises WrongInput without any."""
    capture = read_capture(scenario.captures[name])
    protocol = TCP if load.protocol == "tcp" else UDP
    flows = [flow for flow in capture.flows if flow.protocol == protocol and len(flow.source) == 4]
    if not flows:
        message = f"holds no {load.protocol.upper()} connection over IPv4"
        raise WrongInput([Mistake(capture.source, 0, 0, "", message)])
    sources = array("q", [int.from_bytes(flow.source, "big") << 16 | flow.source_port for flow in flows])
    return sources, array(
        "q", [int.from_bytes(flow.destination, "big") << 16 | flow.destination_port for flow in flows]
    )
