"""Packet captures as columns: which packet of which connection passed, and when.

Reads pcap (microseconds and nanoseconds), pcapng (several sections and interfaces, `if_tsresol`, `if_tsoffset`), both in
either byte order, and tables of headers as CSV; plain or gzipped, told by the bytes. Link types: Ethernet with VLAN tags,
raw IP, loopback (NULL, LOOP), Linux cooked. Above them IPv4 and IPv6 (extension headers, fragments), TCP, UDP, ICMP.
Left out: what the packets carry, checksums, tunnels, name resolution and statistics blocks.
Source: IETF drafts draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; tcpdump.org's list of link types; RFC 791, 8200.
"""

from array import array
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from struct import Struct

from iosim.errors import Mistake, WrongInput
from iosim.packed_files import BadField, Damaged, Stream, Unreadable, unpacked
from iosim.units import S

MAX_INT = 2**63 - 1  # columns are int64
MAX_PACKET = 262_144  # tcpdump's largest snapshot; more is a damaged length
MAX_BLOCK = 16 * 1024 * 1024  # what Wireshark accepts
MAX_LINE = 4096
ABSENT = -1
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58

ETHERNET, NULL, LOOP, LINUX_SLL, LINUX_SLL2 = 1, 0, 108, 113, 276
RAW = (12, 14, 101, 228, 229)
LINKS = (NULL, ETHERNET, *RAW, LOOP, LINUX_SLL, LINUX_SLL2)
IPV4_TYPE, IPV6_TYPE = 0x0800, 0x86DD
VLAN_TYPES = (0x8100, 0x88A8, 0x9100)
EXTENSIONS = (0, 43, 60)  # hop by hop, routing, destination options
FRAGMENT, AUTHENTICATION = 44, 51

SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
TSRESOL, TSOFFSET = 9, 14
PCAP_MAGICS = {
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}
CSV_HEADER = b"time_s,wire_len,proto,src,sport,dst,dport,flags,tcp_seq,payload_len"
FLAG_LETTERS = {letter: 1 << bit for bit, letter in enumerate("FSRPAUEC")}  # as in the TCP header, and as tcpdump
FLAG_LETTERS["W"] = FLAG_LETTERS["C"]


@dataclass(frozen=True, slots=True)
class Flow:
    """One conversation, as the sender of its first packet sees it; addresses are 4 or 16 bytes in network order.

    Ports are 0 where the protocol has none, or where only later fragments were captured.
    """

    protocol: int
    source: bytes
    destination: bytes
    source_port: int
    destination_port: int

    def __str__(self) -> str:
        name = {ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMPV6: "icmp6"}.get(self.protocol, f"ip/{self.protocol}")
        source, destination = ip_address(self.source), ip_address(self.destination)
        return f"{name} {source} {self.source_port} > {destination} {self.destination_port}"

    def reply(self) -> "Flow":
        """Return the same conversation as the other side sees it."""
        return Flow(self.protocol, self.destination, self.source, self.destination_port, self.source_port)


class Capture:
    """A capture sorted by time, one typed column a field, and a table of flows.

    `time` is ns since the earliest packet, `wire` its bytes on the wire, `payload` the bytes above TCP, UDP or ICMP
    (above IP for other protocols and later fragments), `flow` an index into `flows` or -1 (no IP), `reply` 1 if it goes
    against the flow's direction, `flags` the TCP flags (FIN 1, SYN 2, RST 4, PSH 8, ACK 16), `sequence` TCP's or -1,
    `fragment` 1 for any part of a fragmented packet, `number` the packet's in the file, from 1. Packets of one instant
    keep the file's order. `cut` counts packets whose headers were not captured whole, `untimed` those left out because
    the file has no time for them.

    Invariant: all columns are equally long and not empty; `time` starts at 0 and never falls.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.format = ""
        self.time = array("q")
        self.wire = array("q")
        self.payload = array("q")
        self.flow = array("q")
        self.reply = array("q")
        self.flags = array("q")
        self.sequence = array("q")
        self.fragment = array("q")
        self.number = array("q")
        self.flows: list[Flow] = []
        self.cut = 0
        self.untimed = 0
        self.warnings: list[str] = []

    def __len__(self) -> int:
        return len(self.time)

    @property
    def span(self) -> int:
        """Return the ns from the first packet to the last."""
        return self.time[-1]


COLUMNS = ("time", "wire", "payload", "flow", "reply", "flags", "sequence", "fragment", "number")


def read_capture(path: str | Path, limit: int = 0) -> Capture:
    """Read a capture, or its first `limit` packets in the file's order (0: all).

    Raises WrongInput: with the byte where a binary file is damaged (of the unpacked data, if it is gzipped), with line
    and column in a table.
    """
    return _Reading(str(path), limit).read(Path(path))


class _Damage(Exception):
    """Something is wrong at byte `offset` of the file."""

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        super().__init__(message)


class _Cut(Exception):
    """The captured bytes end inside a header."""


class _Reading:
    """One pass over a file: columns grow, no packet is kept."""

    def __init__(self, source: str, limit: int) -> None:
        self.source = source
        self.limit = limit
        self.capture = Capture(source)
        self.offset = 0  # bytes read so far
        self.packets = 0
        self.flows: dict[tuple[int, bytes, bytes, int, int], tuple[int, int]] = {}
        self.parts: dict[tuple[bytes, bytes, int, int], tuple[int, int]] = {}  # flows of packets in fragments
        if limit < 0:
            raise self.refusal(f"limit: {limit} is negative; 0 means all packets")

    def read(self, path: Path) -> Capture:
        try:
            with unpacked(path, "a capture") as stream:
                self.read_stream(stream)
        except _Damage as damage:
            raise self.refusal(f"at byte {damage.offset}: {damage}") from None
        except Damaged as damage:
            raise self.refusal(f"at byte {self.offset}: {damage}") from None
        except Unreadable as reason:
            raise self.refusal(str(reason)) from reason.__cause__
        return self.finish()

    def read_stream(self, stream: Stream) -> None:
        magic = stream.peek(4)[:4]
        if magic in PCAP_MAGICS:
            self.capture.format = "pcap"
            self.read_pcap(stream, *PCAP_MAGICS[magic])
        elif magic == b"\x0a\x0d\x0d\x0a":
            self.capture.format = "pcapng"
            self.read_pcapng(stream)
        elif magic == CSV_HEADER[:4]:
            self.capture.format = "csv"
            self.read_table(stream)
        elif not magic:
            raise self.refusal("is empty")
        else:
            message = f"begins with the bytes {magic.hex(' ')}; neither pcap, pcapng nor a table of headers does"
            raise self.refusal(message)

    def more(self) -> bool:
        return not self.limit or self.packets < self.limit

    def take(self, stream: Stream, size: int, what: str) -> bytes:
        """Return the next `size` bytes; damage if the file ends before."""
        data = stream.read(size)
        start, self.offset = self.offset, self.offset + len(data)
        if len(data) < size:
            whole = f"; its first {self.packets} packets are whole: limit {self.packets}" if self.packets else ""
            message = f"the file ends inside {what}: {len(data)} of {size} bytes{whole}"
            raise _Damage(start, message)
        return data

    # ---- pcap --------------------------------------------------------------------------------------------------------

    def read_pcap(self, stream: Stream, order: str, tick: int) -> None:
        _, major, minor, _, _, _, link = Struct(order + "IHHiIII").unpack(self.take(stream, 24, "the file's header"))
        if major != 2:
            raise _Damage(4, f"version {major}.{minor}; 2.4 is the one in use")
        link &= 0xFFFF  # above it: whether frames end with a checksum
        self.check_link(link, 20)
        header = Struct(order + "IIII")
        while self.more() and stream.peek(1):
            start = self.offset
            seconds, part, captured, wire = header.unpack(self.take(stream, 16, f"packet {self.packets + 1}"))
            if captured > MAX_PACKET:
                raise _Damage(start + 8, f"packet {self.packets + 1} claims {captured} bytes; at most {MAX_PACKET}")
            data = self.take(stream, captured, f"packet {self.packets + 1}")
            self.packet(seconds * S + part * tick, wire, data, link)

    def check_link(self, link: int, offset: int) -> None:
        if link not in LINKS:
            accepted = "Ethernet 1, loopback 0 and 108, raw IP 12, 14, 101, 228, 229, Linux cooked 113 and 276"
            raise _Damage(offset, f"link type {link} is not read; accepted: {accepted}")

    # ---- pcapng ------------------------------------------------------------------------------------------------------

    def read_pcapng(self, stream: Stream) -> None:
        order = "<"
        interfaces: list[tuple[int, int, int]] = []  # link type, ticks a second, offset in seconds
        while self.more() and stream.peek(1):
            start = self.offset
            head = self.take(stream, 8, "a block's header")
            if head[:4] == b"\x0a\x0d\x0d\x0a":
                magic = self.take(stream, 4, "a section's header")
                order = self.section_order(magic, start)
                interfaces = []
            kind, length = Struct(order + "II").unpack(head)
            if length < 12 or length % 4 or length > MAX_BLOCK:
                raise _Damage(
                    start + 4, f"a block claims {length} bytes; a multiple of 4, 12 to {MAX_BLOCK}, is needed"
                )
            begun = self.offset - start
            if length < begun + 4:
                raise _Damage(start + 4, f"a section's header claims {length} bytes; 28 or more are needed")
            rest = self.take(stream, length - begun, f"a block of type {kind}")
            if Struct(order + "I").unpack(rest[-4:])[0] != length:
                raise _Damage(start + length - 4, f"the block of {length} bytes does not end with its length")
            body = rest[:-4]
            if kind == INTERFACE:
                interfaces.append(self.interface(order, body, start + 8))
            elif kind in (PACKET, OLD_PACKET):
                self.block(order, kind, body, start + 8, interfaces)
            elif kind == SIMPLE_PACKET:
                self.capture.untimed += 1

    def section_order(self, magic: bytes, start: int) -> str:
        if magic == b"\x1a\x2b\x3c\x4d":
            return ">"
        if magic == b"\x4d\x3c\x2b\x1a":
            return "<"
        raise _Damage(start + 8, f"the byte-order mark is {magic.hex(' ')}; 1a 2b 3c 4d or its reverse is needed")

    def interface(self, order: str, body: bytes, start: int) -> tuple[int, int, int]:
        if len(body) < 8:
            raise _Damage(start, f"an interface of {len(body)} bytes; 8 are needed")
        link = Struct(order + "H").unpack(body[:2])[0]
        self.check_link(link, start)
        ticks, offset, at = 1_000_000, 0, 8
        while at + 4 <= len(body):
            code, size = Struct(order + "HH").unpack(body[at : at + 4])
            value = body[at + 4 : at + 4 + size]
            if len(value) < size:
                raise _Damage(start + at, f"option {code} of {size} bytes goes beyond its block")
            if code == 0:
                break
            if code == TSRESOL and size == 1:
                ticks = 1 << (value[0] & 127) if value[0] & 128 else 10 ** value[0]
            elif code == TSOFFSET and size == 8:
                offset = Struct(order + "q").unpack(value)[0]
            at += 4 + (size + 3) // 4 * 4
        return link, ticks, offset

    def block(self, order: str, kind: int, body: bytes, start: int, interfaces: list[tuple[int, int, int]]) -> None:
        if len(body) < 20:
            raise _Damage(start, f"packet {self.packets + 1} has {len(body)} bytes of header; 20 are needed")
        number, high, low, captured, wire = Struct(order + "IIIII").unpack(body[:20])
        if kind == OLD_PACKET:
            number = Struct(order + "H").unpack(body[:2])[0]
        if number >= len(interfaces):
            message = f"packet {self.packets + 1} is of interface {number}; {len(interfaces)} are described"
            raise _Damage(start, message)
        if captured > len(body) - 20:
            message = f"packet {self.packets + 1} claims {captured} bytes; its block has {len(body) - 20}"
            raise _Damage(start + 12, message)
        link, ticks, offset = interfaces[number]
        time = (high << 32 | low) * S // ticks + offset * S
        if abs(time) > MAX_INT:
            raise _Damage(start + 4, f"packet {self.packets + 1} is more than 292 years from 1970")
        self.packet(time, wire, body[20 : 20 + captured], link)

    # ---- packets -----------------------------------------------------------------------------------------------------

    def packet(self, time: int, wire: int, data: bytes, link: int) -> None:
        self.packets += 1
        try:
            kind, at = network_layer(data, link)
            if kind == 4:
                self.ipv4(time, wire, data, at)
            elif kind == 6:
                self.ipv6(time, wire, data, at)
            else:
                self.append(time, wire, 0, ABSENT, 0, 0, ABSENT, 0)
        except _Cut:
            self.capture.cut += 1
            self.append(time, wire, 0, ABSENT, 0, 0, ABSENT, 0)

    def ipv4(self, time: int, wire: int, data: bytes, at: int) -> None:
        need(data, at + 20)
        header = (data[at] & 15) * 4
        # 0 where the card was to fill it in later (segmentation offload): then the frame's length says it.
        total = (data[at + 2] << 8 | data[at + 3]) or wire - at
        where = data[at + 6] << 8 | data[at + 7]
        identity = data[at + 4] << 8 | data[at + 5]
        ends = data[at + 12 : at + 16], data[at + 16 : at + 20]
        if header < 20:
            raise _Cut
        self.transport(
            time, wire, data, at + header, total - header, data[at + 9], *ends, where & 0x1FFF, where & 0x3FFF, identity
        )

    def ipv6(self, time: int, wire: int, data: bytes, at: int) -> None:
        need(data, at + 40)
        left = (data[at + 4] << 8 | data[at + 5]) or wire - at - 40
        protocol, ends = data[at + 6], (data[at + 8 : at + 24], data[at + 24 : at + 40])
        at += 40
        later = fragment = identity = 0
        while protocol in EXTENSIONS or protocol in (FRAGMENT, AUTHENTICATION):
            need(data, at + 8)
            size = (data[at + 1] + 1) * 8
            if protocol == FRAGMENT:
                where = data[at + 2] << 8 | data[at + 3]
                later, fragment, size = where >> 3, where & 0xFFF9, 8
                identity = int.from_bytes(data[at + 4 : at + 8], "big")
            elif protocol == AUTHENTICATION:
                size = (data[at + 1] + 2) * 4
            protocol, at, left = data[at], at + size, left - size
            if later:
                break  # what follows is the middle of something
        self.transport(time, wire, data, at, left, protocol, *ends, later, fragment, identity)

    def transport(
        self,
        time: int,
        wire: int,
        data: bytes,
        at: int,
        left: int,
        protocol: int,
        source: bytes,
        destination: bytes,
        later: int,
        fragment: int,
        identity: int,
    ) -> None:
        """`left` bytes after the IP headers; `later` is not 0 in any fragment but the first."""
        part = (source, destination, protocol, identity)
        if later:
            flow, reply = self.parts.get(part) or self.flow_of(protocol, source, destination, 0, 0)
            self.append(time, wire, max(left, 0), flow, reply, 0, ABSENT, 1)
            return
        ports, flags, sequence, header = (0, 0), 0, ABSENT, 0
        if protocol == TCP:
            need(data, at + 14)
            ports = (data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3])
            sequence = int.from_bytes(data[at + 4 : at + 8], "big")
            header, flags = (data[at + 12] >> 4) * 4, data[at + 13]
        elif protocol == UDP:
            need(data, at + 4)
            ports, header = (data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]), 8
        elif protocol in (ICMP, ICMPV6):
            header = 8
        flow, reply = self.flow_of(protocol, source, destination, *ports)
        if fragment:
            self.parts[part] = flow, reply
        self.append(time, wire, max(left - header, 0), flow, reply, flags, sequence, int(fragment != 0))

    def flow_of(self, protocol: int, source: bytes, destination: bytes, port: int, to: int) -> tuple[int, int]:
        """Return the number of a flow, and 1 if this is its reply."""
        known = self.flows.get((protocol, source, destination, port, to))
        if known:
            return known
        index = len(self.capture.flows)
        self.capture.flows.append(Flow(protocol, source, destination, port, to))
        self.flows[protocol, destination, source, to, port] = index, 1
        self.flows[protocol, source, destination, port, to] = index, 0  # last: a flow to itself has no replies
        return index, 0

    def append(
        self, time: int, wire: int, payload: int, flow: int, reply: int, flags: int, sequence: int, fragment: int
    ) -> None:
        it = self.capture
        row = (time, wire, payload, flow, reply, flags, sequence, fragment, self.packets)
        for name, value in zip(COLUMNS, row, strict=True):
            getattr(it, name).append(value)

    # ---- tables ------------------------------------------------------------------------------------------------------

    def read_table(self, stream: Stream) -> None:
        line, number, mistakes = stream.readline(MAX_LINE), 1, list[Mistake]()
        if line.strip() != CSV_HEADER:
            names = CSV_HEADER.decode()
            raise WrongInput([Mistake(self.source, 1, 1, "", f"the first line of a table of headers is {names}")])
        while self.more() and (line := stream.readline(MAX_LINE)):
            number += 1
            if not line.strip():
                continue
            fields = line.rstrip(b"\r\n").decode("ascii", "backslashreplace").split(",")
            try:
                self.table_row(fields)
            except BadField as bad:
                column = sum(len(field) + 1 for field in fields[: bad.index]) + 1
                mistakes.append(Mistake(self.source, number, column, bad.name, str(bad)))
                if len(mistakes) == 20:
                    break
        if mistakes:
            raise WrongInput(mistakes)

    def table_row(self, fields: list[str]) -> None:
        if len(fields) != 10:
            raise BadField(0, "", f"{len(fields)} fields; 10 are needed")
        time, wire = table_time(fields[0]), table_number(fields, 1, "wire_len", MAX_PACKET)
        self.packets += 1
        if not fields[3]:
            self.append(time, wire, 0, ABSENT, 0, 0, ABSENT, 0)
            return
        protocols = {"icmp": ICMP, "tcp": TCP, "udp": UDP, "icmp6": ICMPV6}
        if fields[2] not in protocols:
            raise BadField(2, "proto", f"{fields[2]!r} is none of {', '.join(protocols)}")
        protocol = protocols[fields[2]]
        source, destination = table_address(fields, 3, "src"), table_address(fields, 5, "dst")
        ported = protocol in (TCP, UDP)
        port, to = (table_number(fields, index, "port", 65535) if ported else 0 for index in (4, 6))
        for letter in fields[7]:
            if letter not in FLAG_LETTERS:
                raise BadField(7, "flags", f"{letter!r} is none of {''.join(FLAG_LETTERS)}")
        flags = sum(FLAG_LETTERS[letter] for letter in set(fields[7]))
        sequence = table_number(fields, 8, "tcp_seq", 2**32 - 1) if fields[8] else ABSENT
        payload = table_number(fields, 9, "payload_len", MAX_PACKET) if fields[9] else 0
        self.append(time, wire, payload, *self.flow_of(protocol, source, destination, port, to), flags, sequence, 0)

    # ---- the end -----------------------------------------------------------------------------------------------------

    def finish(self) -> Capture:
        it = self.capture
        if not len(it):
            raise self.refusal("holds no packet with a time" if it.untimed else "holds no packet")
        early = sum(1 for index in range(1, len(it)) if it.time[index] < it.time[index - 1])
        if early:
            order = sorted(range(len(it)), key=it.time.__getitem__)
            for name in COLUMNS:
                column = getattr(it, name)
                setattr(it, name, array("q", [column[index] for index in order]))
            packets = "1 packet is" if early == 1 else f"{early} packets are"
            it.warnings.append(f"{packets} earlier than the packet before; the capture was sorted by time")
        first = it.time[0]
        if it.time[-1] - first > MAX_INT:
            raise self.refusal(f"packets {it.number[0]} and {it.number[-1]} are more than 292 years apart")
        it.time = array("q", [time - first for time in it.time])
        if it.cut:
            it.warnings.append(
                f"packets with headers that are damaged or not captured whole, left without a flow: {it.cut}"
            )
        if it.untimed:
            it.warnings.append(f"packets without a time (simple packet blocks), left out: {it.untimed}")
        return it

    def refusal(self, message: str) -> WrongInput:
        return WrongInput([Mistake(self.source, 0, 0, "", message)])


def need(data: bytes, size: int) -> None:
    """Raise _Cut unless `size` bytes were captured."""
    if len(data) < size:
        raise _Cut


def network_layer(data: bytes, link: int) -> tuple[int, int]:
    """Return 4, 6 or 0 (no IP), and where the IP header starts."""
    if link in RAW:
        at = 0
    elif link in (NULL, LOOP):
        need(data, 4)
        # The family's number is in the capturing machine's byte order, and IPv6's differs by system: the version that
        # IP itself begins with is the same everywhere.
        at = 4
    else:
        if link == ETHERNET:
            kind_at, at = 12, 14
        elif link == LINUX_SLL:
            kind_at, at = 14, 16
        else:
            kind_at, at = 0, 20
        need(data, at)
        kind = data[kind_at] << 8 | data[kind_at + 1]
        while kind in VLAN_TYPES:
            need(data, at + 4)
            kind, at = data[at + 2] << 8 | data[at + 3], at + 4
        if kind not in (IPV4_TYPE, IPV6_TYPE):
            return 0, at
    need(data, at + 1)
    version = data[at] >> 4
    return (version if version in (4, 6) else 0), at


def table_time(text: str) -> int:
    """Return the ns of seconds with up to 9 decimals."""
    seconds, _, part = text.partition(".")
    if seconds.isdigit() and len(seconds) < 10 and len(part) < 10 and (part.isdigit() or not part):
        return int(seconds) * S + int(part.ljust(9, "0"))
    raise BadField(0, "time_s", f"{text!r} is not seconds with up to 9 decimals")


def table_number(fields: list[str], index: int, name: str, most: int) -> int:
    """Return a whole number from 0 to `most`."""
    text = fields[index]
    if text.isdigit() and len(text) < 20 and int(text) <= most:
        return int(text)
    raise BadField(index, name, f"{text!r} is not a whole number from 0 to {most}")


def table_address(fields: list[str], index: int, name: str) -> bytes:
    """Return an address of either kind as bytes."""
    try:
        return ip_address(fields[index]).packed
    except ValueError:
        raise BadField(index, name, f"{fields[index]!r} is no IP address") from None
