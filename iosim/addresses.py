"""The connections of a workload: who talks to whom by address and port, and the hash that the card gives each.

A flow's hash depends on its addresses alone, so it is computed once, when the connection is made. Flows are as packets
towards the server carry them: the client is the source. Replies hash differently (`replies`).
Simplified: a client's ports in `random_ports` are drawn without looking for duplicates, as a port is free again soon.
Source: RFC 6335 and Windows since Vista (dynamic ports 49152 to 65535); semantics 6.2; numbers 4.
"""

from array import array

from iosim.captures import TCP, Capture, Flow
from iosim.frames import NO_HASH
from iosim.port_numbers import FIRST_PORT, PORTS
from iosim.rss import Rss
from iosim.variates import Variate


class Connections:
    """Flows of clients to a server, and each one's hash (NO_HASH where the card gives none), by number."""

    def __init__(self, flows: list[Flow], rss: Rss) -> None:
        self.flows = flows
        self.hashes = array("q", [hash_of(rss, flow) for flow in flows])

    def __len__(self) -> int:
        return len(self.flows)

    def replies(self, rss: Rss) -> "Connections":
        """Return the same connections as the clients' card sees them: the server is the source."""
        return Connections([flow.reply() for flow in self.flows], rss)

    def processors(self, rss: Rss) -> list[int]:
        """Return where the card's table sends each connection now."""
        return [rss.processor_of(value) for value in self.hashes]


def hash_of(rss: Rss, flow: Flow, fragment: bool = False) -> int:
    """Return the hash that a card writes beside a flow's packets, or NO_HASH."""
    ports = flow.source_port, flow.destination_port
    if len(flow.source) == 16:
        return rss.hash_ipv6(flow.protocol, flow.source, flow.destination, *ports, fragment)
    if len(flow.source) == 4:
        source, destination = int.from_bytes(flow.source, "big"), int.from_bytes(flow.destination, "big")
        return rss.hash_ipv4(flow.protocol, source, destination, *ports, fragment)
    return NO_HASH


def sequential_ports(count: int, client: bytes, server: bytes, port: int, first: int = FIRST_PORT) -> list[Flow]:
    """Return `count` TCP flows of one client with ports that rise by 1, as a system hands them out.

    After 65535 comes 49152 again and the next address: many flows are those of several clients. Raises ValueError when
    `first` is no dynamic port or the addresses end.
    """
    if not FIRST_PORT <= first < FIRST_PORT + PORTS:
        raise ValueError(f"first: {first} is no dynamic port; they are {FIRST_PORT} to {FIRST_PORT + PORTS - 1}")
    check(server, client, port)
    flows: list[Flow] = []
    for index in range(first - FIRST_PORT, first - FIRST_PORT + count):
        source = following(client, index // PORTS)
        flows.append(Flow(TCP, source, server, FIRST_PORT + index % PORTS, port))
    return flows


def random_ports(count: int, network: bytes, host_bits: int, server: bytes, port: int, drawn: Variate) -> list[Flow]:
    """Return `count` TCP flows of random clients of `network` (its last `host_bits` are drawn) with random ports.

    `drawn` gives whole numbers from 0 to 2**30 - 1 (`whole(1 << 30)`). Flow `i` takes draws `4 i` to `4 i + 3` always, so
    that it stays the same whatever else changes.
    """
    check(server, network, port)
    if not 0 <= host_bits <= 64 or host_bits > 8 * len(network):
        raise ValueError(f"host_bits: {host_bits} of an address of {8 * len(network)} bits; 0 to 64 can be drawn")
    base = int.from_bytes(network, "big") >> host_bits << host_bits
    flows: list[Flow] = []
    for index in range(count):
        words = [drawn.value(4 * index + word) for word in range(4)]
        host = (words[0] << 60 | words[1] << 30 | words[2]) & ((1 << host_bits) - 1)
        source = (base | host).to_bytes(len(network), "big")
        flows.append(Flow(TCP, source, server, FIRST_PORT + words[3] % PORTS, port))
    return flows


def captured(capture: Capture, protocol: int = TCP) -> list[Flow]:
    """Return a capture's flows of one protocol, in order of their first packets; ValueError if there is none."""
    flows = [flow for flow in capture.flows if flow.protocol == protocol]
    if not flows:
        raise ValueError(f"{capture.source} holds no connection of protocol {protocol}")
    return flows


def following(address: bytes, steps: int) -> bytes:
    """Return the address `steps` after this one."""
    number = int.from_bytes(address, "big") + steps
    if number >> 8 * len(address):
        raise ValueError(f"there are no {steps} addresses after {address.hex(':')}")
    return number.to_bytes(len(address), "big")


def check(server: bytes, client: bytes, port: int) -> None:
    """Raise ValueError unless both ends are of one kind and the port is one."""
    if len(server) not in (4, 16) or len(server) != len(client):
        raise ValueError(f"addresses of {len(client)} and {len(server)} bytes; both must have 4 or both 16")
    if not 1 <= port <= 65_535:
        raise ValueError(f"port: {port} is none; they are 1 to 65535")
