"""Where clients' connections come from: an address and a port for each, by its number.

An address is the host's IPv4 address times 65,536, plus the port (tcp.py). Source: RFC 6335 and Windows since Vista
(dynamic ports 49152 to 65535). Simplified: ports that are drawn may be drawn twice, as a port is free again soon.
"""

from array import array

from iosim.port_numbers import FIRST_PORT, PORTS
from iosim.variates import Variate

PORT_BITS = 16


class ClientAddresses:
    """The source addresses of connections, whatever their number."""

    def source(self, index: int) -> int:
        """That of connection `index`, the same whenever it is asked for."""
        raise NotImplementedError

    def target(self, index: int, usual: int) -> int:
        """The address that it goes to: the service's usual one, unless a capture says otherwise."""
        return usual


class SequentialAddresses(ClientAddresses):
    """One client's ports, which rise by 1 as a system hands them out; after the last comes the next client's first."""

    def __init__(self, first_host: int) -> None:
        self.first_host = first_host

    def source(self, index: int) -> int:
        """Of the client that has this many ports before it."""
        return (self.first_host + index // PORTS) << PORT_BITS | (FIRST_PORT + index % PORTS)


class RandomAddresses(ClientAddresses):
    """Clients from anywhere in a network of `hosts` addresses, with any dynamic port.

    `drawn` gives whole numbers from 0 to 2^30 - 1; connection i takes draws 2 i and 2 i + 1 always.
    """

    def __init__(self, network: int, hosts: int, drawn: Variate) -> None:
        self.network = network
        self.hosts = hosts
        self.drawn = drawn

    def source(self, index: int) -> int:
        """Drawn."""
        drawn = self.drawn
        host = drawn.value(2 * index) % self.hosts
        port = drawn.value(2 * index + 1) % PORTS
        return (self.network + host) << PORT_BITS | (FIRST_PORT + port)


class GivenAddresses(ClientAddresses):
    """Those of a capture, again from the first when there are no more; `targets` of them as well, or empty."""

    def __init__(self, addresses: "array[int]", targets: "array[int]") -> None:
        self.addresses = addresses
        self.targets = targets

    def source(self, index: int) -> int:
        """The next one."""
        return self.addresses[index % len(self.addresses)]

    def target(self, index: int, usual: int) -> int:
        """The captured one, if it matters."""
        return self.targets[index % len(self.targets)] if len(self.targets) else usual


class ReplyAddresses(ClientAddresses):
    """The same connections the other way round: what comes in is what their servers sent."""

    def __init__(self, requests: ClientAddresses, server: int) -> None:
        self.requests = requests
        self.server = server

    def source(self, index: int) -> int:
        """The server's."""
        return self.requests.target(index, self.server)

    def target(self, index: int, usual: int) -> int:
        """The client's, which is here."""
        return self.requests.source(index)
