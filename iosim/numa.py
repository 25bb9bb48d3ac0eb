"""NUMA nodes and how far apart they are: a table of distances, and what one touch of far memory costs.

Left out: bandwidth per node, loaded latency and cache-to-cache transfers; a distance is one number per pair of nodes.
Source: ACPI's System Locality Information Table (SLIT: 10 is local, 20 twice as far, 255 unreachable); measured
pairs in numbers 7.
"""

from array import array
from collections.abc import Sequence

LOCAL_DISTANCE = 10
# 78 ns at home and 143 ns across, measured by Intel MLC on 2x Xeon Platinum 8269CY (numbers 7): 1.83 times as far.
# Firmware of the same family writes 21, which overstates it.
REMOTE_DISTANCE = 18
MAX_DISTANCE = 254  # a SLIT entry is one byte, and 255 says that there is no path at all


def default_distances(nodes: int) -> list[list[int]]:
    """Return the table of fully meshed `nodes`: 10 at home, 18 everywhere else."""
    return [[LOCAL_DISTANCE if a == b else REMOTE_DISTANCE for b in range(nodes)] for a in range(nodes)]


GROUP = 64  # logical processors of a group at most: bits of an affinity mask


class Topology:
    """Which node a processor belongs to, and the distance between two nodes.

    Processors are numbered through: node 0 has the first `processors_per_node`, node 1 the next. `distances` has a row
    per node in SLIT units; without it every other node is `REMOTE_DISTANCE` away. Raises ValueError, naming the entry,
    unless the table is square, symmetric, 10 on its diagonal and 10 to 254 elsewhere. `group_of_node` numbers the
    processor groups: whole nodes, as many as have 64 processors at most.

    Invariant: `distance(a, b) == distance(b, a)`, and 10 exactly where nothing is paid for being remote.
    """

    def __init__(self, nodes: int, processors_per_node: int, distances: Sequence[Sequence[int]] = ()) -> None:
        if nodes < 1:
            raise ValueError(f"nodes: {nodes} is too few, a machine has at least 1 node")
        if processors_per_node < 1:
            raise ValueError(f"processors_per_node: {processors_per_node} is too few, a node has at least 1 processor")
        rows = distances if len(distances) else default_distances(nodes)
        check_distances(nodes, rows)
        self.nodes = nodes
        self.processors_per_node = processors_per_node
        self.processors = nodes * processors_per_node
        self.table = array("q", [entry for row in rows for entry in row])
        nodes_a_group = max(1, GROUP // processors_per_node)
        self.group_of_node = [node // nodes_a_group for node in range(nodes)]
        self.groups = self.group_of_node[-1] + 1

    def node_of(self, processor: int) -> int:
        """Return the node of a processor; ValueError outside the machine."""
        if processor < 0 or processor >= self.processors:
            raise ValueError(f"processor {processor} is not one of this machine's 0 to {self.processors - 1}")
        return processor // self.processors_per_node

    def distance(self, a: int, b: int) -> int:
        """Return the SLIT distance between two nodes, 10 for a node and itself; ValueError outside the machine."""
        if a < 0 or a >= self.nodes:
            raise ValueError(f"node {a} is not one of this machine's 0 to {self.nodes - 1}")
        if b < 0 or b >= self.nodes:
            raise ValueError(f"node {b} is not one of this machine's 0 to {self.nodes - 1}")
        return self.table[a * self.nodes + b]

    def remote_ns(self, local_ns: int, a: int, b: int) -> int:
        """Return what takes `local_ns` at home when a processor of node `a` does it to memory of node `b`.

        The whole time, not the excess; rounded down to a nanosecond. `local_ns` is 0 or more.
        """
        return local_ns * self.distance(a, b) // LOCAL_DISTANCE


def check_distances(nodes: int, rows: Sequence[Sequence[int]]) -> None:
    """Raise ValueError at the first entry of a distance table that cannot be."""
    if len(rows) != nodes:
        raise ValueError(f"distances: {len(rows)} rows for {nodes} nodes; one row per node is needed")
    for a, row in enumerate(rows):
        if len(row) != nodes:
            raise ValueError(f"distances[{a}]: {len(row)} entries for {nodes} nodes; one entry per node is needed")
    for a, row in enumerate(rows):
        for b, entry in enumerate(row):
            check_entry(a, b, entry)
            if entry != rows[b][a]:
                raise ValueError(
                    f"distances[{a}][{b}]: {entry} there and {rows[b][a]} back; the way back must be as long"
                )


def check_entry(a: int, b: int, entry: int) -> None:
    """Raise ValueError unless `entry` can be the distance between the nodes `a` and `b`."""
    if type(entry) is not int:
        raise ValueError(f"distances[{a}][{b}]: {entry!r} is not a whole number")
    if a == b and entry != LOCAL_DISTANCE:
        raise ValueError(f"distances[{a}][{b}]: {entry} on the diagonal; a node is {LOCAL_DISTANCE} from itself")
    if entry < LOCAL_DISTANCE or entry > MAX_DISTANCE:
        raise ValueError(f"distances[{a}][{b}]: {entry} is outside {LOCAL_DISTANCE} (local) to {MAX_DISTANCE}")
