"""Receive side scaling: which processor takes a packet, by the Toeplitz hash of its real addresses.

Everything here decides and never waits. Which processors a table names is chosen elsewhere (rss_processors.py). Left out:
IPv6 extension headers, so the `_EX` hash types do not exist.
Source: semantics 6.2 (Microsoft's RSS hashing functions, hash types and verification suite), numbers 4.
"""

from array import array
from collections.abc import Collection
from enum import IntEnum, IntFlag
from ipaddress import IPv4Address, IPv6Address

from iosim.frames import NO_HASH

KEY_BYTES = 40
INPUT_BYTES = 36  # two IPv6 addresses and two ports: the longest input, and all that a key of 40 bytes can hash
MAX_ENTRIES = 128

# The key of Microsoft's verification suite, and the default of many drivers.
MICROSOFT_KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")


class HashType(IntFlag):
    """What a card was told to hash; numbers as in ntddndis.h."""

    IPV4 = 0x100
    TCP_IPV4 = 0x200
    IPV6 = 0x400
    TCP_IPV6 = 0x1000
    UDP_IPV4 = 0x4000
    UDP_IPV6 = 0x8000


class Protocol(IntEnum):
    """What follows the IP header; IANA's numbers."""

    ICMP = 1
    TCP = 6
    UDP = 17


# Plain ints: an IntEnum member is an object, and these are compared at every packet.
TCP, UDP = int(Protocol.TCP), int(Protocol.UDP)


def parse_ipv4(text: str) -> int:
    """Return a dotted address as an int of 32 bits; ValueError if it is none."""
    return int(IPv4Address(text))


def parse_ipv6(text: str) -> bytes:
    """Return an IPv6 address as its 16 bytes in network order; ValueError if it is none."""
    return IPv6Address(text).packed


class RssHash:
    """The Toeplitz hash: every set bit of the input adds (XOR) the 32 bits of the key that start at its position.

    `table[256 * i + b]` is what byte `b` at position `i` adds, so that a hash costs one look-up a byte. Fields are in
    network order: source address, destination address, source port, destination port. IPv4 addresses are ints of 32
    bits, IPv6 addresses 16 bytes, ports 0 to 65535; results are 0 to 2**32 - 1.

    Invariant: linear, `hash(a xor b) == hash(a) xor hash(b)`; that is why sequential ports spread in a pattern.
    """

    def __init__(self, key: bytes = MICROSOFT_KEY) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"key: {len(key)} bytes; an RSS key has {KEY_BYTES}")
        self.key = key
        self.table = toeplitz_table(key)

    def hash_ipv4(self, source: int, destination: int) -> int:
        """Return the hash of the two addresses (2-tuple)."""
        return self.add_word(0, source) ^ self.add_word(4, destination)

    def hash_tcp_ipv4(self, source: int, destination: int, source_port: int, destination_port: int) -> int:
        """Return the hash of addresses and ports (4-tuple); UDP's is computed the same way."""
        return self.hash_ipv4(source, destination) ^ self.add_word(8, source_port << 16 | destination_port)

    def hash_ipv6(self, source: bytes, destination: bytes) -> int:
        """Return the hash of the two addresses (2-tuple)."""
        return self.add_bytes(0, source) ^ self.add_bytes(16, destination)

    def hash_tcp_ipv6(self, source: bytes, destination: bytes, source_port: int, destination_port: int) -> int:
        """Return the hash of addresses and ports (4-tuple); UDP's is computed the same way."""
        return self.hash_ipv6(source, destination) ^ self.add_word(32, source_port << 16 | destination_port)

    def hash_bytes(self, data: bytes) -> int:
        """Return the hash of raw input; ValueError beyond 36 bytes, for which the key has no bits."""
        if len(data) > INPUT_BYTES:
            raise ValueError(f"{len(data)} bytes of input; a key of {KEY_BYTES} bytes can hash {INPUT_BYTES}")
        return self.add_bytes(0, data)

    def add_word(self, position: int, word: int) -> int:
        """Return what four bytes, given as one int of 32 bits, add at a byte position."""
        row = 256 * position
        table = self.table
        return (
            table[row + (word >> 24 & 255)]
            ^ table[row + 256 + (word >> 16 & 255)]
            ^ table[row + 512 + (word >> 8 & 255)]
            ^ table[row + 768 + (word & 255)]
        )

    def add_bytes(self, position: int, data: bytes) -> int:
        """Return what `data` adds at a byte position; it must end within the 36 bytes."""
        row = 256 * position
        result = 0
        for byte in data:
            result ^= self.table[row + byte]
            row += 256
        return result


def toeplitz_table(key: bytes) -> "array[int]":
    """Return what every byte value at every input position adds to the hash: 36 rows of 256."""
    bits = int.from_bytes(key, "big")
    table = array("q", [0]) * (INPUT_BYTES * 256)
    for position in range(INPUT_BYTES):
        for bit in range(8):  # bit 0 is the byte's most significant: it sees the key earliest
            window = bits >> (8 * KEY_BYTES - 32 - 8 * position - bit) & 0xFFFFFFFF
            for byte in range(256):
                if byte & (128 >> bit):
                    table[256 * position + byte] ^= window
    return table


class IndirectionTable:
    """Low bits of the hash choose an entry, and the entry names the processor.

    `size` is a power of two up to 128. Entries are filled round robin with `base` + each of `processors`; `base` is
    folded in here because NDIS hands drivers a table with absolute numbers and BaseCpuNumber 0. A card with fewer
    hardware `queues` than processors named uses the first so many of them (0: no such limit). Raises ValueError.

    Invariant: one hash, one processor, until `move` or `fill` changes the entry.
    """

    def __init__(self, size: int, processors: list[int], base: int = 0, queues: int = 0) -> None:
        if size < 1 or size > MAX_ENTRIES or size & (size - 1):
            raise ValueError(f"size: {size} is not a power of two from 1 to {MAX_ENTRIES}")
        if queues < 0:
            raise ValueError(f"queues: {queues} is negative; 0 means no limit")
        self.mask = size - 1
        self.base = base
        self.queues = queues
        self.entries = array("q", [0]) * size
        self.fill(processors)

    def fill(self, processors: list[int]) -> None:
        """Give the entries to `processors` in turn, as at start; flows move."""
        distinct = list(dict.fromkeys(processors))  # naming one twice gives it more entries, not a second queue
        served = distinct[: self.queues] if self.queues else distinct
        used = [processor for processor in processors if processor in served]
        if not used:
            raise ValueError("processors: empty; a table needs at least 1 processor")
        if self.base + min(used) < 0:
            raise ValueError(f"processors: {self.base + min(used)} is no processor number; they start at 0")
        for index in range(len(self.entries)):
            self.entries[index] = self.base + used[index % len(used)]

    def index_of(self, hash_value: int) -> int:
        """Return the entry that a hash selects."""
        return hash_value & self.mask

    def processor_of(self, hash_value: int) -> int:
        """Return the processor that takes a packet with this hash (0 or more, never NO_HASH)."""
        return self.entries[hash_value & self.mask]

    def move(self, index: int, processor: int) -> None:
        """Point one entry at another processor; its flows may for a short time be seen on both (semantics 6.2)."""
        if index < 0 or index > self.mask:
            raise ValueError(f"entry {index} is not one of this table's 0 to {self.mask}")
        if processor < 0:
            raise ValueError(f"processor {processor} is no processor number; they start at 0")
        self.entries[index] = processor


class Rss:
    """A card's receive side scaling: which fields of a packet are hashed, and where the packet goes.

    With both TCP and plain IP among `hash_types`, a TCP packet gives its 4-tuple and others the 2-tuple; with TCP
    alone, other packets have no hash. Fragments (the first too) never show their ports. What has no hash goes to
    `default_processor`, as without RSS. Ports are ignored where there are none; pass 0.
    """

    def __init__(
        self, rss_hash: RssHash, table: IndirectionTable, hash_types: Collection[int], default_processor: int = 0
    ) -> None:
        self.rss_hash = rss_hash
        self.table = table
        self.default_processor = default_processor
        self.ipv4 = HashType.IPV4 in hash_types
        self.tcp_ipv4 = HashType.TCP_IPV4 in hash_types
        self.udp_ipv4 = HashType.UDP_IPV4 in hash_types
        self.ipv6 = HashType.IPV6 in hash_types
        self.tcp_ipv6 = HashType.TCP_IPV6 in hash_types
        self.udp_ipv6 = HashType.UDP_IPV6 in hash_types

    def hash_ipv4(
        self, protocol: int, source: int, destination: int, source_port: int, destination_port: int, fragment: bool
    ) -> int:
        """Return the hash that the card writes beside an IPv4 packet, or NO_HASH."""
        ports = self.tcp_ipv4 if protocol == TCP else self.udp_ipv4 if protocol == UDP else False
        if ports and not fragment:
            return self.rss_hash.hash_tcp_ipv4(source, destination, source_port, destination_port)
        return self.rss_hash.hash_ipv4(source, destination) if self.ipv4 else NO_HASH

    def hash_ipv6(
        self, protocol: int, source: bytes, destination: bytes, source_port: int, destination_port: int, fragment: bool
    ) -> int:
        """Return the hash that the card writes beside an IPv6 packet, or NO_HASH."""
        ports = self.tcp_ipv6 if protocol == TCP else self.udp_ipv6 if protocol == UDP else False
        if ports and not fragment:
            return self.rss_hash.hash_tcp_ipv6(source, destination, source_port, destination_port)
        return self.rss_hash.hash_ipv6(source, destination) if self.ipv6 else NO_HASH

    def processor_of(self, hash_value: int) -> int:
        """Return the processor that handles a packet with this hash; the default one for NO_HASH."""
        return self.default_processor if hash_value == NO_HASH else self.table.processor_of(hash_value)
