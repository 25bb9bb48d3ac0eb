"""Connections: real tuples, one hash each; sequential ports and few flows land as unevenly as they do on real cards."""

from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import pytest

from iosim.addresses import Connections, captured, following, hash_of, random_ports, sequential_ports
from iosim.captures import TCP, UDP, Flow, read_capture
from iosim.frames import NO_HASH
from iosim.rss import HashType, IndirectionTable, Rss, RssHash
from iosim.streams import Streams, whole
from iosim.variates import Variate

SHIPPED = Path(__file__).parent.parent / "scenarios" / "traces"
CLIENT, SERVER = ip_address("192.168.1.10").packed, ip_address("192.168.1.1").packed


def card(processors: int) -> Rss:
    table = IndirectionTable(128, list(range(processors)))
    return Rss(RssHash(), table, [HashType.TCP_IPV4, HashType.IPV4, HashType.TCP_IPV6])


def landed(flows: list[Flow], processors: int) -> list[int]:
    rss = card(processors)
    heard = Counter(Connections(flows, rss).processors(rss))
    return [heard[number] for number in range(processors)]


def draws(seed: int = 1) -> Variate:
    return Streams(seed, 0).open("clients", whole(1 << 30))


def test_the_real_multichannel_connections_leave_two_processors_idle_and_replies_three() -> None:
    """Four SMB3 connections, Microsoft's key: entries 27, 74, 115, 34, replies 28, 68, 112, 40 (computed elsewhere)."""
    rss = card(4)
    connections = Connections(captured(read_capture(SHIPPED / "smb3_multichannel_headers.csv.gz")), rss)
    replies = connections.replies(rss)
    assert [rss.table.index_of(value) for value in connections.hashes] == [27, 74, 115, 34]
    assert [rss.table.index_of(value) for value in replies.hashes] == [28, 68, 112, 40]
    assert connections.processors(rss) == [3, 2, 3, 2]
    assert replies.processors(rss) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("count", "processors", "expected"),
    [(8, 4, [4, 4, 0, 0]), (8, 8, [2, 2, 0, 0, 2, 2, 0, 0]), (64, 4, [16] * 4), (256, 8, [32] * 8)],
)
def test_sequential_ports_land_in_a_pattern(count: int, processors: int, expected: list[int]) -> None:
    """Toeplitz is linear: not random at all, and perfect from 64 flows on (numbers 4)."""
    assert landed(sequential_ports(count, CLIENT, SERVER, 445), processors) == expected


def test_after_the_last_port_comes_the_next_client() -> None:
    flows = sequential_ports(3, CLIENT, SERVER, 80, 65_534)
    assert [(str(ip_address(flow.source)), flow.source_port) for flow in flows] == [
        ("192.168.1.10", 65_534),
        ("192.168.1.10", 65_535),
        ("192.168.1.11", 49_152),
    ]


def test_random_clients_are_spread_as_chance_spreads_them() -> None:
    """1,024 flows on 4 processors: max/mean is 1.065 on average (numbers 4), here over 40 draws, within 2 %."""
    ratios = []
    for seed in range(40):
        heard = landed(random_ports(1024, CLIENT, 16, SERVER, 443, draws(seed)), 4)
        ratios.append(max(heard) / 256)
    assert abs(sum(ratios) / 40 - 1.065) < 0.02


def test_a_random_flow_is_the_same_however_many_there_are() -> None:
    few, many = (random_ports(count, CLIENT, 16, SERVER, 443, draws()) for count in (3, 100))
    assert few == many[:3]
    assert all(flow.source[:2] == CLIENT[:2] and flow.source_port >= 49_152 for flow in many)
    assert len({flow.source for flow in many}) > 90


def test_ipv6_clients_have_up_to_64_drawn_bits() -> None:
    network, server = ip_address("2001:db8::").packed, ip_address("2001:db8::1").packed
    flows = random_ports(50, network, 64, server, 443, draws())
    assert all(flow.source[:8] == network[:8] for flow in flows)
    assert len({flow.source for flow in flows}) == 50
    assert NO_HASH not in Connections(flows, card(4)).hashes


def test_what_the_card_does_not_hash_has_none() -> None:
    rss = card(4)
    six = Flow(UDP, bytes(16), bytes(16), 1, 2)
    assert hash_of(rss, six) == NO_HASH
    four = Flow(TCP, CLIENT, SERVER, 5000, 80)
    assert hash_of(rss, four, fragment=True) == hash_of(rss, Flow(TCP, CLIENT, SERVER, 0, 0), fragment=True)
    assert hash_of(rss, Flow(0, b"", b"", 0, 0)) == NO_HASH


def test_impossible_connections_are_refused() -> None:
    with pytest.raises(ValueError, match="first: 80 is no dynamic port"):
        sequential_ports(1, CLIENT, SERVER, 80, 80)
    with pytest.raises(ValueError, match="port: 0 is none"):
        sequential_ports(1, CLIENT, SERVER, 0)
    with pytest.raises(ValueError, match="addresses of 4 and 16 bytes"):
        sequential_ports(1, CLIENT, bytes(16), 80)
    with pytest.raises(ValueError, match="host_bits: 40 of an address of 32 bits"):
        random_ports(1, CLIENT, 40, SERVER, 80, draws())
    with pytest.raises(ValueError, match="there are no 1 addresses after ff:ff:ff:ff"):
        following(b"\xff" * 4, 1)
    with pytest.raises(ValueError, match="holds no connection of protocol 17"):
        captured(read_capture(SHIPPED / "smb2_100_small_files.pcap.gz"), UDP)
