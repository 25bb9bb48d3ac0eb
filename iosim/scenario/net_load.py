"""Load that comes over a network card: who the clients are, how they connect, what they ask for and how they misbehave."""

from typing import Annotated, Any, Literal

from iosim import units
from iosim.scenario.distributions import Distribution, SizeDraw
from iosim.scenario.load import AnyReplay, ClosedLoad, OpenLoad
from iosim.scenario.quantities import Count, Flag, PositiveSize, PositiveTime, Ratio, Time, word_or
from iosim.scenario.reading import Json, Read, Section, key, shown

LONGEST_DATAGRAM = 65_507  # bytes: an IPv4 packet's 65,535 without its headers (RFC 768, 791)
DRAWN = "random"
RISING = "sequential"
ALL = -1  # that a client reads


class Pieces(Section):
    """A request that is sent slowly."""

    size: PositiveSize = key(
        "1 B", "bytes of each piece", source="slow clients of web servers (slow-loris)", sure="assumed"
    )
    gap: PositiveTime = key(
        "10 s", "time between two pieces", source="slow-loris tools send a header every 10 to 15 s", sure="assumed"
    )


class Resets(Section):
    """Clients that lose patience."""

    share: Ratio = key(..., "share of requests whose client resets its connection, unless they have ended by then")
    after: Time = key(..., "how long after it has asked")


def _addresses(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is neither {DRAWN} nor {RISING} nor the name of a capture")
    return value


_ADDRESSES_SCHEMA: Json = {"type": "string", "examples": [DRAWN, RISING, "capture.pcap"]}
_READS = word_or({"all": ALL, "nothing": 0}, units.parse_size, units.format_size, "a size like '64 KiB'")


class NetLoad(Section):
    """What all load over a card has in common. Its requests are packets of the receives that its service posts."""

    nic: str = key(..., "name of the network card that the requests come over")
    port: str = key(
        ..., "name of the completion port of its sockets; left out, it is the only one there is", min_length=1
    )
    handler: str = key(..., "name of the handler that serves them")
    protocol: Literal["tcp", "udp"] = key(
        "tcp",
        "tcp: connections; udp: datagrams, each a request, which is dropped where it gets lost",
        source="a choice: most servers' protocol",
        sure="assumed",
    )
    round_trip: Time = key(
        "200 us",
        "time that the way to the server and back takes, without the frames' own time on the wire",
        source="a choice: within a data centre",
        sure="assumed",
    )
    addresses: Annotated[str, Read(_addresses, str, _ADDRESSES_SCHEMA)] = key(
        DRAWN,
        f"whence connections come: {DRAWN}, each from a client of its own with any dynamic port; {RISING}, one client's"
        " ports one after the other, then the next client's; or the name of a capture, whose clients it takes",
        source="a choice",
        sure="assumed",
    )
    direction: Literal["requests", "replies"] = key(
        "requests",
        "requests: what the connections' clients send comes in here; replies: what their servers send: this machine stands"
        " for the clients, and receive side scaling hashes the same addresses the other way round",
        source="a choice",
        sure="assumed",
    )
    request: SizeDraw = key(
        "512 B", "size of a request", source="a choice: a web browser's GET with its headers", sure="assumed"
    )
    requests_per_connection: Count | None = key(
        None,
        "a client connects, asks so often and closes; left out, connections are there before the run and stay",
    )
    reads: Annotated[int, _READS] = key(
        "all",
        "how much of a connection's answers its client takes before it stops reading: all, nothing or a size",
        source="a choice: clients that work",
        sure="assumed",
    )
    pieces: Pieces | None = key(None, "requests are sent in pieces, slowly; left out, at once")
    resets: Resets | None = key(None, "clients that reset their connection while a request is under way")
    nagle: Flag = key(
        False, "clients hold small segments back until all before is acknowledged", source="TCP_NODELAY", sure="assumed"
    )


class OpenNetLoad(NetLoad, OpenLoad):
    """Requests arrive whether or not earlier ones have ended, each on any of the connections."""

    connections: Count = key(..., "how many connections (or datagram sockets) the requests are spread over")


class ClosedNetLoad(NetLoad, ClosedLoad):
    """A fixed number of clients, each with a connection, and each asking again after its answer."""


class NetReplay(NetLoad, AnyReplay):
    """The requests of a packet capture or of a web server's log."""

    handler: str = key(..., "name of the handler that serves them; 'send: {size: logged}' sends what was sent then")
    trace: str | None = key(
        ...,
        "the capture or log; relative to the scenario file. null: whoever runs the scenario gives it, by"
        " --set workload.NAME.trace=FILE",
    )
    format: Literal["auto", "capture", "combined_log"] = key(
        "auto", "capture (pcap, pcapng, a table of headers), combined_log, or auto, which looks at its first bytes"
    )
    server: str | None = key(
        None,
        "in a capture, the server's side: ADDRESS, ADDRESS:PORT or :PORT; left out, whoever was connected to, of all"
        " connections of the load's protocol",
    )


def fits_a_datagram(size: Distribution) -> bool:
    """Whether every request is one datagram."""
    return size.largest <= LONGEST_DATAGRAM


def reads_all(load: NetLoad) -> bool:
    """Whether its clients take whatever comes."""
    return load.reads == ALL
