"""RSS: the hash is Microsoft's to the last bit, and the table sends a flow to one processor. Cases: semantics 9.9."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iosim.frames import NO_HASH
from iosim.rss import (
    MICROSOFT_KEY,
    HashType,
    IndirectionTable,
    Protocol,
    Rss,
    RssHash,
    parse_ipv4,
    parse_ipv6,
)

# Microsoft's verification suite: source, port, destination, port, hash of addresses only, hash with TCP ports.
PUBLISHED_IPV4 = [
    ("66.9.149.187", 2794, "161.142.100.80", 1766, 0x323E8FC2, 0x51CCC178),
    ("199.92.111.2", 14230, "65.69.140.83", 4739, 0xD718262A, 0xC626B0EA),
    ("24.19.198.95", 12898, "12.22.207.184", 38024, 0xD2D0A5DE, 0x5C2B394A),
    ("38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xAFC7327F),
    ("153.39.163.191", 44251, "202.188.127.2", 1303, 0x5D1809C5, 0x10E828A2),
]
PUBLISHED_IPV6 = [
    ("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2CC18CD5, 0x40207D3D),
    ("3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0F0C461C, 0xDDE51BBF),
    ("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024, 0x4B61E985, 0x02D1FEEF),
]
HASH = RssHash()
SOURCE, DESTINATION = parse_ipv4("66.9.149.187"), parse_ipv4("161.142.100.80")
SOURCE6, DESTINATION6 = parse_ipv6("3ffe:2501:200:1fff::7"), parse_ipv6("3ffe:2501:200:3::1")


def textbook_toeplitz(key: bytes, data: bytes) -> int:
    """The definition, bit by bit (6.2.3): a twin that shares nothing with the table."""
    window, result = int.from_bytes(key, "big"), 0
    for byte in data:
        for bit in range(7, -1, -1):
            if byte >> bit & 1:
                result ^= window >> (8 * len(key) - 32)
            window = window << 1 & ((1 << 8 * len(key)) - 1)
    return result


def ports(source_port: int, destination_port: int) -> bytes:
    return source_port.to_bytes(2, "big") + destination_port.to_bytes(2, "big")


@pytest.mark.parametrize("row", PUBLISHED_IPV4, ids=[f"R{number:02}" for number in range(1, 6)])
def test_R01_to_R05_two_ipv4_addresses_hash_as_published(row: tuple[str, int, str, int, int, int]) -> None:
    source, _, destination, _, expected, _ = row
    assert HASH.hash_ipv4(parse_ipv4(source), parse_ipv4(destination)) == expected


@pytest.mark.parametrize("row", PUBLISHED_IPV4, ids=[f"R{number:02}" for number in range(6, 11)])
def test_R06_to_R10_ipv4_with_tcp_ports_hashes_as_published(row: tuple[str, int, str, int, int, int]) -> None:
    source, source_port, destination, destination_port, _, expected = row
    addresses = parse_ipv4(source), parse_ipv4(destination)
    assert HASH.hash_tcp_ipv4(*addresses, source_port, destination_port) == expected


@pytest.mark.parametrize("row", PUBLISHED_IPV6, ids=[f"R{number}" for number in range(11, 14)])
def test_R11_to_R13_two_ipv6_addresses_hash_as_published(row: tuple[str, int, str, int, int, int]) -> None:
    source, _, destination, _, expected, _ = row
    assert HASH.hash_ipv6(parse_ipv6(source), parse_ipv6(destination)) == expected


@pytest.mark.parametrize("row", PUBLISHED_IPV6, ids=[f"R{number}" for number in range(14, 17)])
def test_R14_to_R16_ipv6_with_tcp_ports_hashes_as_published(row: tuple[str, int, str, int, int, int]) -> None:
    source, source_port, destination, destination_port, _, expected = row
    addresses = parse_ipv6(source), parse_ipv6(destination)
    assert HASH.hash_tcp_ipv6(*addresses, source_port, destination_port) == expected


def test_R17_the_ends_of_the_input_meet_the_right_bits_of_the_key() -> None:
    assert HASH.hash_bytes(bytes(36)) == 0
    assert HASH.hash_bytes(b"\x80") == 0x6D5A56DA
    assert HASH.hash_bytes(bytes(11) + b"\x01") == 0xA1D1C7D8


@given(st.integers(0, 36).flatmap(lambda n: st.tuples(*[st.binary(min_size=n, max_size=n)] * 2)))
def test_R17_the_hash_is_linear(pair: tuple[bytes, bytes]) -> None:
    a, b = pair
    both = bytes(x ^ y for x, y in zip(a, b, strict=True))
    assert HASH.hash_bytes(both) == HASH.hash_bytes(a) ^ HASH.hash_bytes(b)


@given(st.binary(min_size=40, max_size=40), st.binary(max_size=36))
def test_R17_6_2_3_the_table_agrees_with_the_definition_bit_by_bit(key: bytes, data: bytes) -> None:
    assert RssHash(key).hash_bytes(data) == textbook_toeplitz(key, data)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 65535), st.integers(0, 65535))
def test_fields_are_hashed_in_the_order_of_the_packet(source: int, destination: int, sport: int, dport: int) -> None:
    data = source.to_bytes(4, "big") + destination.to_bytes(4, "big")
    assert HASH.hash_ipv4(source, destination) == textbook_toeplitz(MICROSOFT_KEY, data)
    with_ports = textbook_toeplitz(MICROSOFT_KEY, data + ports(sport, dport))
    assert HASH.hash_tcp_ipv4(source, destination, sport, dport) == with_ports


def test_R18_6_2_1_sixty_four_entries_over_four_processors_send_the_first_published_flow_to_processor_0() -> None:
    table = IndirectionTable(64, [0, 1, 2, 3])
    hash_value = HASH.hash_tcp_ipv4(SOURCE, DESTINATION, 2794, 1766)
    assert (table.index_of(hash_value), table.processor_of(hash_value)) == (56, 0)


def rss(*types: HashType) -> Rss:
    return Rss(HASH, IndirectionTable(128, [0, 1, 2, 3]), types, default_processor=7)


def test_R19_with_tcp_alone_a_udp_packet_has_no_hash_and_goes_to_the_default_processor() -> None:
    card = rss(HashType.TCP_IPV4, HashType.TCP_IPV6)
    assert card.hash_ipv4(Protocol.UDP, SOURCE, DESTINATION, 2794, 1766, False) == NO_HASH
    assert card.hash_ipv6(Protocol.UDP, SOURCE6, DESTINATION6, 2794, 1766, False) == NO_HASH
    assert card.processor_of(NO_HASH) == 7


def test_R21_with_tcp_and_ip_a_tcp_packet_shows_its_ports_and_others_their_addresses() -> None:
    card = rss(HashType.TCP_IPV4, HashType.IPV4, HashType.TCP_IPV6, HashType.IPV6)
    assert card.hash_ipv4(Protocol.ICMP, SOURCE, DESTINATION, 0, 0, False) == 0x323E8FC2
    assert card.hash_ipv4(Protocol.UDP, SOURCE, DESTINATION, 2794, 1766, False) == 0x323E8FC2
    assert card.hash_ipv4(Protocol.TCP, SOURCE, DESTINATION, 2794, 1766, False) == 0x51CCC178
    assert card.hash_ipv6(Protocol.ICMP, SOURCE6, DESTINATION6, 0, 0, False) == 0x2CC18CD5
    assert card.hash_ipv6(Protocol.TCP, SOURCE6, DESTINATION6, 2794, 1766, False) == 0x40207D3D
    assert card.processor_of(0x51CCC178) == 120 % 4


def test_6_2_4_a_fragment_never_shows_its_ports() -> None:
    """Later fragments have none, and all of a packet must meet on one processor."""
    card = rss(HashType.TCP_IPV4, HashType.IPV4, HashType.TCP_IPV6)
    assert card.hash_ipv4(Protocol.TCP, SOURCE, DESTINATION, 2794, 1766, True) == 0x323E8FC2
    assert card.hash_ipv6(Protocol.TCP, SOURCE6, DESTINATION6, 2794, 1766, True) == NO_HASH


def test_udp_shows_its_ports_only_when_asked_for() -> None:
    card = rss(HashType.UDP_IPV4, HashType.UDP_IPV6)
    assert card.hash_ipv4(Protocol.UDP, SOURCE, DESTINATION, 2794, 1766, False) == 0x51CCC178
    assert card.hash_ipv6(Protocol.UDP, SOURCE6, DESTINATION6, 2794, 1766, False) == 0x40207D3D
    assert card.hash_ipv4(Protocol.TCP, SOURCE, DESTINATION, 2794, 1766, False) == NO_HASH


def test_6_2_5_a_card_told_to_hash_nothing_sends_everything_to_the_default_processor() -> None:
    card = rss()
    hash_value = card.hash_ipv4(Protocol.TCP, SOURCE, DESTINATION, 2794, 1766, False)
    assert card.processor_of(hash_value) == 7


def test_R23_6_2_7_a_card_with_four_queues_uses_four_of_eight_processors() -> None:
    table = IndirectionTable(128, list(range(8)), queues=4)
    assert set(table.entries) == {0, 1, 2, 3}
    assert Counter(table.entries) == dict.fromkeys(range(4), 32)


def flows_per_processor(flows: int, processors: int) -> list[int]:
    """How many of 192.168.1.10:49152+i -> 192.168.1.1:445 each processor gets."""
    table = IndirectionTable(128, list(range(processors)))
    here, there = parse_ipv4("192.168.1.10"), parse_ipv4("192.168.1.1")
    counts = [0] * processors
    for index in range(flows):
        counts[table.processor_of(HASH.hash_tcp_ipv4(here, there, 49152 + index, 445))] += 1
    return counts


def test_few_sequential_ports_leave_processors_idle() -> None:
    """The hash is linear, so a client's consecutive ports are no random sample (numbers 4)."""
    assert flows_per_processor(8, 4) == [4, 4, 0, 0]
    assert flows_per_processor(8, 8) == [2, 2, 0, 0, 2, 2, 0, 0]


@pytest.mark.parametrize("flows", [64, 256])
@pytest.mark.parametrize("processors", [4, 8])
def test_many_sequential_ports_land_perfectly_evenly(flows: int, processors: int) -> None:
    assert flows_per_processor(flows, processors) == [flows // processors] * processors


def test_four_real_smb3_connections_leave_two_of_four_processors_idle() -> None:
    """The address tuples of a captured SMB3 multichannel session; replies do even worse."""
    client, server = parse_ipv4("172.17.0.184"), parse_ipv4("172.17.0.189")
    table = IndirectionTable(128, [0, 1, 2, 3])
    to_server = [HASH.hash_tcp_ipv4(client, server, port, 445) for port in range(57092, 57096)]
    to_client = [HASH.hash_tcp_ipv4(server, client, 445, port) for port in range(57092, 57096)]
    assert [table.index_of(hash_value) for hash_value in to_server] == [27, 74, 115, 34]
    assert [table.processor_of(hash_value) for hash_value in to_server] == [3, 2, 3, 2]
    assert [table.index_of(hash_value) for hash_value in to_client] == [28, 68, 112, 40]
    assert [table.processor_of(hash_value) for hash_value in to_client] == [0, 0, 0, 0]


def test_6_2_2_the_base_processor_is_folded_into_the_table() -> None:
    table = IndirectionTable(8, [0, 2], base=4)
    assert list(table.entries) == [4, 6, 4, 6, 4, 6, 4, 6]


def test_a_processor_named_twice_gets_twice_the_entries_but_no_second_queue() -> None:
    assert list(IndirectionTable(4, [0, 0, 1, 2], queues=2).entries) == [0, 0, 1, 0]
    assert list(IndirectionTable(4, [0, 0, 0, 1]).entries) == [0, 0, 0, 1]


def test_moving_an_entry_moves_its_flows_and_no_others() -> None:
    table = IndirectionTable(16, [0, 1])
    before = [table.processor_of(hash_value) for hash_value in range(64)]
    table.move(5, 9)
    after = [table.processor_of(hash_value) for hash_value in range(64)]
    assert [index for index in range(64) if before[index] != after[index]] == [5, 21, 37, 53]
    table.fill([0, 1])
    assert [table.processor_of(hash_value) for hash_value in range(64)] == before


@pytest.mark.parametrize("size", [-1, 0, 3, 96, 129, 256])
def test_a_table_that_low_bits_cannot_index_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"size: {size} is not a power of two from 1 to 128"):
        IndirectionTable(size, [0])


def test_wrong_processors_queues_and_entries_are_refused() -> None:
    with pytest.raises(ValueError, match="processors: empty"):
        IndirectionTable(8, [])
    with pytest.raises(ValueError, match="processors: -1 is no processor number"):
        IndirectionTable(8, [0, -1])
    with pytest.raises(ValueError, match="queues: -1 is negative"):
        IndirectionTable(8, [0], queues=-1)
    with pytest.raises(ValueError, match="entry 8 is not one of this table's 0 to 7"):
        IndirectionTable(8, [0]).move(8, 0)
    with pytest.raises(ValueError, match="processor -1 is no processor number"):
        IndirectionTable(8, [0]).move(0, -1)


def test_a_key_or_an_input_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="key: 39 bytes; an RSS key has 40"):
        RssHash(bytes(39))
    with pytest.raises(ValueError, match="37 bytes of input"):
        HASH.hash_bytes(bytes(37))


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.256", "::1"])
def test_a_wrong_ipv4_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_ipv4(text)


def test_addresses_are_read_in_network_order() -> None:
    assert parse_ipv4("1.2.3.4") == 0x01020304
    assert parse_ipv6("::1") == bytes(15) + b"\x01"
