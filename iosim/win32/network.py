"""The network of a system for programs: its own host with AFD, a loopback path, and modelled hosts elsewhere."""

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from iosim.actor import Clock
from iosim.devices.socket_codes import ENDLESS
from iosim.devices.winsock import Afd
from iosim.io_manager import IoManager
from iosim.paths import FREE, MachineEnd, PathCosts, PathEnd, PlainPath, plain_path
from iosim.processor import Processor
from iosim.tcp import Flows, Host, TcpParams
from iosim.win32.calls import ProgramError

LOOPBACK = "127.0.0.1"
ANY = "0.0.0.0"
SWIFT = 0  # bit/s: frames take no time but the delay

USUAL_TCP = TcpParams()

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class NetworkParams:
    """What the machine's own network is: nothing costs anything, so that a program's own time stands out.

    `address` is the machine's; `delay` (ns) and `bandwidth` (bit/s) are of the loopback path; `locked_pages` and
    `buffered_bytes` are what sockets may have locked and copied (WSAENOBUFS beyond).
    """

    address: str = "10.0.0.1"
    delay: int = 0
    bandwidth: int = SWIFT
    tcp: TcpParams = USUAL_TCP
    costs: PathCosts = FREE
    locked_pages: int = ENDLESS
    buffered_bytes: int = ENDLESS


class Network:
    """Hosts by address. Simplified: every host is one hop away, and all that arrives interrupts processor 0."""

    def __init__(self, clock: Clock, io: IoManager, processor: Processor, params: NetworkParams) -> None:
        self.clock = clock
        self.processor = processor
        self.params = params
        self.flows = Flows()
        self.host = Host(clock, self.flows, number_of(params.address), params.tcp)
        self.afd = Afd(io, self.host, locked_most=params.locked_pages, buffered_most=params.buffered_bytes)
        end = MachineEnd(clock, params.delay, self.host, processor, params.costs)
        self.host.routes[self.host.number] = plain_path(clock, params.bandwidth, params.delay, end, params.costs)

    def peer(
        self, address: str, delay: int, bandwidth: int = SWIFT, tcp: TcpParams | None = None
    ) -> tuple[Host, PlainPath, PlainPath]:
        """A modelled host at this address: itself, the path there and the path back. `delay` is ns one way."""
        host = Host(self.clock, self.flows, number_of(address), tcp or self.params.tcp)
        there = plain_path(self.clock, bandwidth, delay, PathEnd(self.clock, delay, host), self.params.costs)
        end = MachineEnd(self.clock, delay, self.host, self.processor, self.params.costs)
        back = plain_path(self.clock, bandwidth, delay, end)
        self.host.routes[host.number] = there
        host.routes[self.host.number] = back
        return host, there, back

    def number(self, address: Any) -> int:
        """A program's address as AFD's: (host, port); 127.0.0.1 and 0.0.0.0 are this machine."""
        if not (isinstance(address, tuple) and len(address) == 2 and isinstance(address[1], int)):
            raise ProgramError(f"{address!r} is no address: addresses are (host, port)")
        name, port = address
        host = self.host.number if name in (LOOPBACK, ANY) else number_of(name)
        number: int = host << 16 | port
        return number

    def address(self, number: int) -> Address:
        """And back."""
        return str(IPv4Address(number >> 16)), number & 0xFFFF


def number_of(address: str) -> int:
    """A dotted address as a number."""
    try:
        return int(IPv4Address(address))
    except (AddressValueError, TypeError):
        raise ProgramError(f"{address!r} is no IPv4 address") from None
