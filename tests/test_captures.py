"""Captures: every byte order and resolution gives the same columns; a damaged file is refused at its byte."""

import gzip
import struct
import tempfile
from array import array
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iosim.captures import COLUMNS, Capture, read_capture
from iosim.errors import WrongInput

SHIPPED = Path(__file__).parent.parent / "scenarios" / "traces"
ENDS = ip_address("10.0.0.1").packed + ip_address("10.0.0.2").packed
ENDS6 = ip_address("fe80::1").packed + ip_address("fe80::2").packed


def tcp(port: int, to: int, sequence: int, flags: int, payload: int) -> bytes:
    return struct.pack(">HHIIBBHHH", port, to, sequence, 0, 5 << 4, flags, 0, 0, 0) + bytes(payload)


def ipv4(body: bytes, protocol: int = 6, where: int = 0, ends: bytes = ENDS, total: int = -1) -> bytes:
    size = 20 + len(body) if total < 0 else total
    return struct.pack(">BBHHHBBH", 0x45, 0, size, 7, where, 64, protocol, 0) + ends + body


def ipv6(body: bytes, following: int = 6) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(body), following, 64) + ENDS6 + body


def ethernet(body: bytes, kind: int = 0x0800, tags: bytes = b"") -> bytes:
    return bytes(12) + tags + kind.to_bytes(2, "big") + body


def pcap(packets: list[tuple[int, bytes]], order: str = "<", tick: int = 1000, link: int = 1) -> bytes:
    magic = 0xA1B2C3D4 if tick == 1000 else 0xA1B23C4D
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)]
    for time, data in packets:
        seconds, rest = divmod(time, 10**9)
        parts.append(struct.pack(order + "IIII", seconds, rest // tick, len(data), len(data)) + data)
    return b"".join(parts)


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, link: int = 1, resolution: int = -1, offset: int = 0) -> bytes:
    body = struct.pack(order + "HHI", link, 0, 65535)
    if resolution >= 0:
        body += struct.pack(order + "HHB3x", 9, 1, resolution)
    if offset:
        body += struct.pack(order + "HHq", 14, 8, offset)
    return block(order, 1, body + bytes(4))


def packet(order: str, ticks: int, data: bytes, number: int = 0) -> bytes:
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(order, 6, head + data)


def read(folder: Path, content: bytes, limit: int = 0) -> Capture:
    path = folder / "a.cap"
    path.write_bytes(content)
    return read_capture(path, limit)


def complaint(folder: Path, content: bytes) -> str:
    with pytest.raises(WrongInput) as caught:
        read(folder, content)
    return str(caught.value).replace(f"{folder / 'a.cap'}: ", "").replace(str(folder / "a.cap"), "a.cap")


def columns(capture: Capture) -> dict[str, list[int]]:
    return {name: list(getattr(capture, name)) for name in COLUMNS}


START = 1_432_000_000 * 10**9
TALK = [
    (START, ethernet(ipv4(tcp(5000, 445, 100, 2, 0)))),
    (START + 5_000, ethernet(ipv4(tcp(445, 5000, 900, 18, 0), ends=ENDS[4:] + ENDS[:4]))),
    (START + 1_000_009_000, ethernet(ipv4(tcp(5000, 445, 101, 24, 300)))),
]
EXPECTED = {
    "time": [0, 5_000, 1_000_009_000],
    "wire": [54, 54, 354],
    "payload": [0, 0, 300],
    "flow": [0, 0, 0],
    "reply": [0, 1, 0],
    "flags": [2, 18, 24],
    "sequence": [100, 900, 101],
    "fragment": [0, 0, 0],
    "number": [1, 2, 3],
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("tick", [1000, 1])
def test_pcap_in_both_byte_orders_and_resolutions_gives_the_same_columns(order: str, tick: int, tmp_path: Path) -> None:
    capture = read(tmp_path, pcap(TALK, order, tick))
    assert columns(capture) == EXPECTED
    assert [str(flow) for flow in capture.flows] == ["tcp 10.0.0.1 5000 > 10.0.0.2 445"]
    assert str(capture.flows[0].reply()) == "tcp 10.0.0.2 445 > 10.0.0.1 5000"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("resolution", "ticks"), [(-1, 10**6), (6, 10**6), (9, 10**9), (3, 10**3), (128 | 20, 2**20)])
def test_pcapng_takes_the_resolution_that_its_interface_says(
    order: str, resolution: int, ticks: int, tmp_path: Path
) -> None:
    packets = b"".join(packet(order, time * ticks // 10**9, data) for time, data in TALK)
    capture = read(tmp_path, section(order) + interface(order, 1, resolution) + packets)
    found = columns(capture)
    unit = -(-(10**9) // ticks)
    assert all(abs(time - wanted) <= unit for time, wanted in zip(found.pop("time"), EXPECTED["time"], strict=True))
    assert found == {name: column for name, column in EXPECTED.items() if name != "time"}


def test_pcapng_sections_may_differ_in_byte_order_and_interfaces_in_link_and_offset(tmp_path: Path) -> None:
    raw = ipv4(tcp(1, 2, 0, 0, 0))
    content = section("<") + interface("<") + interface("<", 101, 9, 3600)
    content += block("<", 5, bytes(12)) + packet("<", 2_000_000, ethernet(raw)) + packet("<", 5, raw, 1)
    content += section(">") + interface(">", 228) + packet(">", 4_000_000, raw) + block(">", 3, bytes(24))
    capture = read(tmp_path, content)
    assert list(capture.time) == [0, 2 * 10**9, 3598 * 10**9 + 5]
    assert list(capture.number) == [1, 3, 2]
    assert list(capture.flow) == [0, 0, 0]
    assert capture.warnings == [
        "1 packet is earlier than the packet before; the capture was sorted by time",
        "packets without a time (simple packet blocks), left out: 1",
    ]


RAW4 = ipv4(tcp(1, 2, 3, 16, 10))


@pytest.mark.parametrize(
    ("link", "data"),
    [
        (1, ethernet(RAW4)),
        (1, ethernet(RAW4, tags=b"\x81\x00\x00\x05")),
        (1, ethernet(RAW4, tags=b"\x88\xa8\x00\x05\x81\x00\x00\x06")),
        (101, RAW4),
        (12, RAW4),
        (228, RAW4),
        (0, b"\x02\x00\x00\x00" + RAW4),
        (0, b"\x00\x00\x00\x02" + RAW4),
        (108, b"\x00\x00\x00\x02" + RAW4),
        (113, bytes(14) + b"\x08\x00" + RAW4),
        (276, b"\x08\x00" + bytes(18) + RAW4),
    ],
)
def test_each_link_type_leads_to_the_same_packet(link: int, data: bytes, tmp_path: Path) -> None:
    capture = read(tmp_path, pcap([(0, data)], link=link))
    assert [str(flow) for flow in capture.flows] == ["tcp 10.0.0.1 1 > 10.0.0.2 2"]
    assert (list(capture.payload), list(capture.sequence), list(capture.wire)) == ([10], [3], [len(data)])


def test_ipv6_s_extension_headers_are_walked_through(tmp_path: Path) -> None:
    body = bytes([60]) + bytes(7) + bytes([6]) + bytes(7) + tcp(9, 8, 1, 16, 4)
    capture = read(tmp_path, pcap([(0, ethernet(ipv6(body, 0), 0x86DD)), (1000, ethernet(ipv6(body, 0), 0x86DD))]))
    assert [str(flow) for flow in capture.flows] == ["tcp fe80::1 9 > fe80::2 8"]
    assert list(capture.payload) == [4, 4]


def test_later_fragments_belong_to_the_flow_of_the_first(tmp_path: Path) -> None:
    udp = struct.pack(">HHHH", 53, 54, 2008, 0) + bytes(1000)
    first, last = ipv4(udp, 17, 0x2000), ipv4(bytes(1000), 17, 126)
    lone = ipv4(bytes(100), 17, 126, ends=ENDS[4:] + ENDS[:4])
    capture = read(tmp_path, pcap([(0, first), (0, last), (0, lone)], link=101))
    assert [str(flow) for flow in capture.flows] == ["udp 10.0.0.1 53 > 10.0.0.2 54", "udp 10.0.0.2 0 > 10.0.0.1 0"]
    assert (list(capture.flow), list(capture.fragment)) == ([0, 0, 1], [1, 1, 1])
    assert list(capture.payload) == [1000, 1000, 100]


def test_ipv6_fragments_too(tmp_path: Path) -> None:
    udp = struct.pack(">HHHH", 53, 54, 1000, 0) + bytes(992)
    first = ipv6(struct.pack(">BBHI", 17, 0, 1, 99) + udp, 44)
    last = ipv6(struct.pack(">BBHI", 17, 0, 125 << 3, 99) + bytes(8), 44)
    capture = read(tmp_path, pcap([(0, first), (0, last)], link=229))
    assert (len(capture.flows), list(capture.flow), list(capture.payload)) == (1, [0, 0], [992, 8])


def test_icmp_has_no_ports_and_what_is_no_ip_has_no_flow(tmp_path: Path) -> None:
    capture = read(tmp_path, pcap([(0, ethernet(ipv4(bytes(64), 1))), (0, ethernet(bytes(46), 0x0806))]))
    assert [str(flow) for flow in capture.flows] == ["icmp 10.0.0.1 0 > 10.0.0.2 0"]
    assert (list(capture.flow), list(capture.payload), list(capture.sequence)) == ([0, -1], [56, 0], [-1, -1])


def test_a_length_of_0_left_for_segmentation_offload_is_the_frame_s(tmp_path: Path) -> None:
    capture = read(tmp_path, pcap([(0, ethernet(ipv4(tcp(1, 2, 3, 16, 40000), total=0)))]))
    assert list(capture.payload) == [40000]


def test_headers_that_were_not_captured_whole_are_counted(tmp_path: Path) -> None:
    capture = read(tmp_path, pcap([TALK[0], (START, TALK[0][1][:40]), (START, TALK[0][1][:20])]))
    assert (list(capture.flow), capture.cut) == ([0, -1, -1], 2)
    assert "not captured whole, left without a flow: 2" in capture.warnings[0]


def test_a_limit_takes_the_first_packets_and_gzip_makes_no_difference(tmp_path: Path) -> None:
    capture = read(tmp_path, gzip.compress(pcap(TALK)), 2)
    assert list(capture.time) == [0, 5_000]


CUT = pcap(TALK)
NG = section("<") + interface("<")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"GIF89a", "begins with the bytes 47 49 46 38; neither pcap, pcapng nor a table of headers does"),
        (CUT[:24], "holds no packet"),
        (CUT[:10], "at byte 0: the file ends inside the file's header: 10 of 24 bytes"),
        (CUT[:30], "at byte 24: the file ends inside packet 1: 6 of 16 bytes"),
        (
            CUT[:-1],
            "at byte 180: the file ends inside packet 3: 353 of 354 bytes; its first 2 packets are whole: limit 2",
        ),
        (CUT[:4] + b"\x03" + CUT[5:], "at byte 4: version 3.4; 2.4 is the one in use"),
        (pcap(TALK, link=105), "at byte 20: link type 105 is not read; accepted: Ethernet 1"),
        (CUT[:32] + b"\xff\xff\xff\x7f" + CUT[36:], "at byte 32: packet 1 claims 2147483647 bytes; at most 262144"),
        (gzip.compress(CUT)[:-20], "the gzip data end too early"),
        (section("<")[:20], "at byte 12: the file ends inside a block of type 168627466: 8 of 16 bytes"),
        (NG[:8] + bytes(4) + NG[12:], "at byte 8: the byte-order mark is 00 00 00 00"),
        (NG + b"\x06\0\0\0\x0d\0\0\0", "at byte 56: a block claims 13 bytes; a multiple of 4, 12 to 16777216"),
        (NG + packet("<", 0, TALK[0][1])[:-4] + bytes(4), "does not end with its length"),
        (NG + packet("<", 0, b"", 3), "at byte 60: packet 1 is of interface 3; 1 are described"),
        (
            NG + block("<", 6, struct.pack("<IIIII", 0, 0, 0, 9, 9)),
            "at byte 72: packet 1 claims 9 bytes; its block has 0",
        ),
        (NG + block("<", 6, bytes(8)), "at byte 60: packet 1 has 8 bytes of header; 20 are needed"),
        (NG + packet("<", 2**64 - 1, b""), "packet 1 is more than 292 years from 1970"),
        (NG + block("<", 3, bytes(24)), "holds no packet with a time"),
        (section("<") + interface("<", 105), "at byte 36: link type 105 is not read"),
        (section("<") + block("<", 1, bytes(4)), "at byte 36: an interface of 4 bytes; 8 are needed"),
    ],
)
def test_a_damaged_capture_is_refused_at_its_byte(content: bytes, message: str, tmp_path: Path) -> None:
    assert message in complaint(tmp_path, content)


HEADER = "time_s,wire_len,proto,src,sport,dst,dport,flags,tcp_seq,payload_len\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,2", "a.cap:2:1: 2 fields; 10 are needed"),
        ("x,66,tcp,1.2.3.4,1,1.2.3.5,2,S,1,0", "a.cap:2:1: time_s: 'x' is not seconds with up to 9 decimals"),
        ("0.5,66,tcp,1.2.3,1,1.2.3.5,2,S,1,0", "a.cap:2:12: src: '1.2.3' is no IP address"),
        ("0.5,66,tcp,1.2.3.4,99999,1.2.3.5,2,S,1,0", "a.cap:2:20: port: '99999' is not a whole number from 0 to 65535"),
        ("0.5,66,tcp,1.2.3.4,1,1.2.3.5,2,Z,1,0", "a.cap:2:32: flags: 'Z' is none of FSRPAUECW"),
        ("0.5,66,sctp,1.2.3.4,1,1.2.3.5,2,S,1,0", "a.cap:2:8: proto: 'sctp' is none of icmp, tcp"),
    ],
)
def test_a_wrong_table_is_refused_at_its_field(row: str, message: str, tmp_path: Path) -> None:
    assert message in complaint(tmp_path, (HEADER + row + "\n").encode())


def test_a_table_of_headers_gives_the_same_columns(tmp_path: Path) -> None:
    table = HEADER + "".join(
        f"{time},{wire},tcp,{ends},{flags},{sequence},{payload}\n"
        for time, wire, ends, flags, sequence, payload in [
            ("7.0", 54, "10.0.0.1,5000,10.0.0.2,445", "S", 100, 0),
            ("7.000005", 54, "10.0.0.2,445,10.0.0.1,5000", "SA", 900, 0),
            ("8.000009", 354, "10.0.0.1,5000,10.0.0.2,445", "PA", 101, 300),
        ]
    )
    assert columns(read(tmp_path, table.encode())) == EXPECTED


def test_the_real_capture_of_a_hundred_small_files_reads_as_it_was_counted() -> None:
    """SMB2 over loopback, from Zeek's tests (ZEEK_COPYING.txt): 979 packets, 17.820 s, 223,046 bytes."""
    capture = read_capture(SHIPPED / "smb2_100_small_files.pcap.gz")
    assert (len(capture), capture.span, sum(capture.wire)) == (979, 17_819_848_000, 223_046)
    assert [str(flow) for flow in capture.flows] == ["tcp 127.0.0.1 34884 > 127.0.0.1 445"]
    assert (max(capture.wire), capture.warnings) == (10_126, [])


def test_the_real_multichannel_capture_reads_as_it_was_counted() -> None:
    """SMB3 between two Windows machines, from Zeek's tests: 1,448 packets, 191.242 s, 2,594,719 bytes, one flow 85 %."""
    capture = read_capture(SHIPPED / "smb3_multichannel_headers.csv.gz")
    assert (len(capture), round(capture.span / 1e9, 3), sum(capture.wire)) == (1448, 191.242, 2_594_719)
    assert [flow.source_port for flow in capture.flows] == [57092, 57093, 57094, 57095, 138]
    heard = array("q", [0] * 5)
    for flow, wire in zip(capture.flow, capture.wire, strict=True):
        if flow >= 0:
            heard[flow] += wire
    assert round(max(heard) / sum(capture.wire), 2) == 0.85
    assert "The Regents of the University of California" in (SHIPPED / "ZEEK_COPYING.txt").read_text()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([CUT, NG + packet("<", 7, TALK[2][1])]), st.integers(0, 500), st.binary(min_size=1, max_size=6))
def test_no_damage_ends_in_a_traceback(content: bytes, at: int, noise: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.cap"
        path.write_bytes(content[: at % len(content)] + noise + content[at % len(content) + len(noise) :])
        try:
            read_capture(path)
        except WrongInput as error:
            assert "a.cap" in str(error)
