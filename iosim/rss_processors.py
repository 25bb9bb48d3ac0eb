"""Which processors a card's indirection table may name, as Set-NetAdapterRss and the profiles of NDIS have it.

Read when a machine is built. Source: semantics 6.2.8 to 6.2.10 (Microsoft's "Standardized INF keywords for RSS").
Simplified: the non-static profiles differ from the static ones in `dynamic` only (rebalancing.py).
"""

from dataclasses import dataclass
from enum import IntEnum

from iosim.numa import LOCAL_DISTANCE, Topology

GIGABIT = 1_000_000_000
ANY_NODE = -1


class RssProfile(IntEnum):
    """How processors are chosen; numbers of the INF keyword *RSSProfile."""

    CLOSEST = 1  # those of the preferred node first, then by distance
    CLOSEST_STATIC = 2
    NUMA = 3  # round robin over nodes
    NUMA_STATIC = 4  # the documented default
    CONSERVATIVE = 5  # as few as will do: one

    @property
    def dynamic(self) -> bool:
        """Whether the system changes the table by load (0b.26)."""
        return self in (RssProfile.CLOSEST, RssProfile.NUMA, RssProfile.CONSERVATIVE)

    @property
    def scales_over_nodes(self) -> bool:
        """Whether nodes take turns; a preferred node means nothing then (6.2.9)."""
        return self in (RssProfile.NUMA, RssProfile.NUMA_STATIC)


@dataclass(frozen=True, slots=True)
class RssParams:
    """Names as Set-NetAdapterRss has them; processors as (group, number). `numa_node_only`: no processor of another node.

    `max_processors` 0: what `default_processors` says of the link. `max_processor` (-1, -1): the machine's last one.
    """

    profile: RssProfile = RssProfile.NUMA_STATIC
    base_processor: tuple[int, int] = (0, 0)
    max_processor: tuple[int, int] = (-1, -1)
    max_processors: int = 0
    number_of_receive_queues: int = 0  # 0: as many as processors
    numa_node: int = ANY_NODE
    numa_node_only: bool = False


def default_processors(bits_per_second: int, message_signalled: bool) -> int:
    """How many processors Windows 8 and later give a card: 4 up to 1 Gbit/s, else 16; 2 and 4 without MSI-X."""
    fast = bits_per_second > GIGABIT
    if message_signalled:
        return 16 if fast else 4
    return 4 if fast else 2


def group_number(topology: Topology, processor: int) -> tuple[int, int]:
    """A processor's group and its number there."""
    node = topology.node_of(processor)
    group = topology.group_of_node[node]
    first_node = topology.group_of_node.index(group)
    return group, processor - first_node * topology.processors_per_node


def in_range(processor: tuple[int, int], base: tuple[int, int], last: tuple[int, int]) -> bool:
    """Group first, then number: from 1:16 to 3:8 there is 2:63, but neither 3:9 nor 0:32 (6.2.10)."""
    return base <= processor <= last


def rss_processors(params: RssParams, topology: Topology, threads_per_core: int, most: int) -> list[int]:
    """Processors in the order in which a table names them, `most` at most unless the params say another number.

    The second and later threads of a core are left out (6.2.8). Raises ValueError if none is left.
    """
    last = params.max_processor if params.max_processor >= (0, 0) else (topology.groups, 0)
    allowed = [
        number
        for number in range(topology.processors)
        if number % threads_per_core == 0
        and in_range(group_number(topology, number), params.base_processor, last)
        and not (params.numa_node_only and topology.node_of(number) != params.numa_node)
    ]
    if not allowed:
        raise ValueError(
            f"base_processor, max_processor: no processor from {shown(params.base_processor)} to {shown(last)}"
            + (f" on node {params.numa_node}" if params.numa_node_only else "")
        )
    chosen = by_profile(params, topology, allowed)[: params.max_processors or most]
    if params.profile == RssProfile.CONSERVATIVE:
        chosen = chosen[:1]
    return chosen[: params.number_of_receive_queues] if params.number_of_receive_queues else chosen


def by_profile(params: RssParams, topology: Topology, allowed: list[int]) -> list[int]:
    """All of them, best first."""
    if params.profile.scales_over_nodes:
        turns = [[number for number in allowed if topology.node_of(number) == node] for node in range(topology.nodes)]
        longest = max(len(turn) for turn in turns)
        return [turn[index] for index in range(longest) for turn in turns if index < len(turn)]
    if params.numa_node == ANY_NODE:
        return allowed
    return sorted(allowed, key=lambda number: (distance(topology, params.numa_node, number), number))


def distance(topology: Topology, node: int, processor: int) -> int:
    """Of a processor from a node, above that of one at home."""
    return topology.distance(node, topology.node_of(processor)) - LOCAL_DISTANCE


def shown(processor: tuple[int, int]) -> str:
    """As PowerShell shows it."""
    return f"{processor[0]}:{processor[1]}"
