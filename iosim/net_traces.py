"""Packet captures and request logs as load: which client asked when, for how much, and what it got.

Of a capture every connection is a client with its own address. Its requests are what the client's side sends up to a push,
or up to the server's next answer; retransmissions are left out. Its answer is what the server sends until the next request.
Of a log every address is a client. A log has whole seconds: those of one second are spread over it evenly, in their order.
Left out: handshakes and closes (connections are there before the run), what the answers waited for; a replay has its own.
"""

from array import array
from collections.abc import Iterator
from fractions import Fraction
from ipaddress import ip_address
from pathlib import Path

from iosim.captures import CSV_HEADER, PCAP_MAGICS, TCP, Capture, Flow, read_capture
from iosim.errors import Mistake, WrongInput
from iosim.packed_files import Damaged, Unreadable, unpacked
from iosim.port_numbers import FIRST_PORT
from iosim.request_logs import RequestLog, read_request_log
from iosim.units import S as SECOND

PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
SYN_FLAG, PUSH_FLAG, ACK_FLAG = 2, 8, 16
SEQUENCES = 1 << 32
STAND_INS = 10 << 24 | 2 << 16  # 10.2.0.0: clients whose addresses are not IPv4


class NetTrace:
    """Requests sorted by time, one typed column a field.

    `arrival` is ns since the first packet or row, `client` a number from 0, `answer` the bytes sent back, `size` those of the
    request; a log has no sizes, and the column is empty. `addresses` are the clients' (address times 65,536 plus port), empty
    for a log, and `target` is the first one's server (0: not known). `row` is the packet's or line's number in the file.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.arrival = array("q")
        self.client = array("q")
        self.size = array("q")
        self.answer = array("q")
        self.row = array("q")
        self.addresses = array("q")
        self.clients = 0
        self.target = 0
        self.warnings: list[str] = []

    def __len__(self) -> int:
        return len(self.arrival)

    def at_speed(self, speedup: Fraction) -> "NetTrace":
        """Its requests come `speedup` times as early from now on."""
        if speedup != 1:
            self.arrival = array("q", [int(time / speedup) for time in self.arrival])
        return self


def read_net_trace(path: str | Path, form: str, protocol: int, server: str = "", limit: int = 0) -> NetTrace:
    """Read a capture or log (`form`: auto, capture, combined_log), or its first `limit` requests; raises WrongInput.

    `server` chooses connections of a capture: ADDRESS, ADDRESS:PORT or :PORT of the side that answers.
    """
    if form == "auto":
        form = _form_of(path)
    if form == "capture":
        trace = requests_of(read_capture(path), protocol, server)
    else:
        trace = from_log(read_request_log(path, limit))
    if not len(trace):
        raise _refusal(trace.source, f"no client asks for anything{f' at {server}' if server else ''}")
    if limit and limit < len(trace):
        for name in ("arrival", "client", "size", "answer", "row"):
            setattr(trace, name, getattr(trace, name)[:limit])
    return trace


def _refusal(source: str, message: str) -> WrongInput:
    return WrongInput([Mistake(source, 0, 0, "", message)])


def _form_of(path: str | Path) -> str:
    try:
        with unpacked(Path(path), "a capture or log") as stream:
            magic = stream.peek(4)[:4]
    except (Damaged, Unreadable) as reason:
        raise _refusal(str(path), str(reason)) from reason
    known = magic in PCAP_MAGICS or magic in (PCAPNG_MAGIC, CSV_HEADER[:4])
    return "capture" if known else "combined_log"


# ---- captures --------------------------------------------------------------------------------------------------------


class _Talk:
    """One connection of a capture: the request that its client is sending, and the place of its last one."""

    def __init__(self, client: int, backwards: int) -> None:
        self.client = client
        self.backwards = backwards  # 1: its first packet came from the server
        self.last = -1
        self.open = False
        self.next = [-1, -1]  # sequence number that each side has come to

    def fresh(self, side: int, sequence: int, payload: int) -> int:
        """How many of a segment's bytes have not been seen before."""
        if sequence < 0:
            return payload
        until = (sequence + payload) % SEQUENCES
        known = self.next[side]
        ahead = (until - known) % SEQUENCES if known >= 0 else payload
        if ahead >= SEQUENCES // 2:
            return 0
        self.next[side] = until
        return min(ahead, payload)


def requests_of(capture: Capture, protocol: int, server: str = "") -> NetTrace:
    """What the clients of a capture's connections ask for."""
    trace = NetTrace(capture.source)
    wanted = _wanted(capture.source, server)
    talks: dict[int, _Talk] = {}
    skipped = 0
    for place in range(len(capture)):
        number = capture.flow[place]
        if number < 0 or capture.flows[number].protocol != protocol:
            continue
        if number not in talks:
            flow = capture.flows[number]
            backwards = _backwards(flow, capture.flags[place], wanted)
            if backwards < 0:
                continue
            talks[number] = _Talk(len(talks), backwards)
            there, back = (flow.reply(), flow) if backwards else (flow, flow.reply())
            trace.addresses.append(_address(there, len(talks)))
            if not trace.target and len(flow.source) == 4:
                trace.target = _address(back, 0)
        skipped += _take(trace, talks[number], capture, place)
    trace.clients = len(talks)
    strange = sum(1 for number in talks if len(capture.flows[number].source) != 4)
    if strange:
        trace.warnings.append(f"{strange} of {len(talks)} connections are not over IPv4; theirs are made up")
    if skipped:
        trace.warnings.append(f"{skipped} bytes that servers sent before they were asked are left out")
    return trace


def _take(trace: NetTrace, talk: _Talk, capture: Capture, place: int) -> int:
    """One packet; returns the bytes that nobody had asked for."""
    side = capture.reply[place] ^ talk.backwards  # 1: the server's
    new = talk.fresh(side, capture.sequence[place], capture.payload[place])
    if not new:
        return 0
    if side:
        talk.open = False
        if talk.last < 0:
            return new
        trace.answer[talk.last] += new
        return 0
    if talk.open:
        trace.size[talk.last] += new
    else:
        talk.last = len(trace)
        trace.arrival.append(capture.time[place])
        trace.client.append(talk.client)
        trace.size.append(new)
        trace.answer.append(0)
        trace.row.append(capture.number[place])
    talk.open = capture.sequence[place] >= 0 and not capture.flags[place] & PUSH_FLAG
    return 0


def _wanted(source: str, server: str) -> tuple[bytes, int]:
    """Address and port of the server's side; empty and 0 for any."""
    if not server:
        return b"", 0
    host, colon, port = server.rpartition(":")
    if server.count(":") > 1 and not server.startswith("["):
        host, colon, port = server, "", ""  # IPv6 without a port
    elif not colon:
        host, port = server, ""
    try:
        address = ip_address(host.strip("[]")).packed if host else b""
        number = int(port) if colon else 0
    except ValueError:
        raise _refusal(source, f"server '{server}' is not ADDRESS, ADDRESS:PORT or :PORT") from None
    return address, number


def _backwards(flow: Flow, flags: int, wanted: tuple[bytes, int]) -> int:
    """0: the sender of the first packet is the client; 1: the server; -1: another server's connection."""
    address, port = wanted
    if address or port:
        if address in (b"", flow.destination) and port in (0, flow.destination_port):
            return 0
        return 1 if address in (b"", flow.source) and port in (0, flow.source_port) else -1
    if flow.protocol == TCP and flags & SYN_FLAG:
        return 1 if flags & ACK_FLAG else 0
    return int(flow.source_port < flow.destination_port) if flow.protocol == TCP else 0


def _address(flow: Flow, number: int) -> int:
    host = int.from_bytes(flow.source, "big") if len(flow.source) == 4 else STAND_INS + number
    return host << 16 | (flow.source_port or FIRST_PORT)


# ---- logs ------------------------------------------------------------------------------------------------------------


def from_log(log: RequestLog) -> NetTrace:
    """What the clients of a log asked for."""
    trace = NetTrace(log.source)
    trace.warnings = list(log.warnings)
    for begin, end in _seconds(log):
        for place in range(begin, end):
            trace.arrival.append(log.time[begin] + (place - begin) * SECOND // (end - begin))
    trace.client = log.client
    trace.answer = log.size
    trace.row = log.row
    trace.clients = log.clients
    return trace


def _seconds(log: RequestLog) -> Iterator[tuple[int, int]]:
    """First row of each second, and the one behind its last."""
    begin = 0
    for place in range(1, len(log) + 1):
        if place == len(log) or log.time[place] != log.time[begin]:
            yield begin, place
            begin = place
