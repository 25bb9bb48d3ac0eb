"""What a thread finds of its working set in the caches when it comes back, and what the rest costs.

Caches are evicted by *fills*: bytes that were brought in since the thread left. A working set of `resident` bytes in a
cache of `size` keeps all its lines until the fills since then exceed the room beside it, and has lost them all when they
exceed the cache: a staircase that saturates, L2 of the core first, then the L3 that the node's cores share. A thread
that changed core finds nothing in L2; one that changed node finds nothing in L3, and its memory is as far as the
distance table says. What is still there costs nothing and fills nothing, so few threads never pay.

Source: semantics 0b (refill), numbers 1 (extra cost flat while both sets fit L2, then rising with the set).
Simplified: threads of one process share code and data without penalty; a request's own data is cold at its first touch
at any thread count, and that is part of the handler's time; SMT siblings have an L2 each.
"""

from array import array

from iosim.numa import Topology
from iosim.thread import Thread

LINE = 64  # bytes


class Caches:
    """L2 a processor and L3 a node; `l3_line` and `memory_line` are ns to bring one line in."""

    def __init__(self, topology: Topology, l2: int, l3: int, l3_line: int, memory_line: int) -> None:
        self.topology = topology
        self.l2 = l2
        self.l3 = l3
        self.l3_line = l3_line
        self.memory_line = memory_line
        self.processors_per_node = topology.processors_per_node
        self.core_fills = array("q", bytes(8 * topology.nodes * topology.processors_per_node))
        self.node_fills = array("q", bytes(8 * topology.nodes))
        self.costs = l3_line > 0 or memory_line > 0

    def refill(self, thread: Thread, processor: int) -> int:
        """Time (ns) to bring back what the thread's working set lost since it last ran; fills the caches."""
        footprint = thread.private + thread.request_bytes
        if not footprint or not self.costs:
            return 0
        node = processor // self.processors_per_node
        before = thread.processor
        lost_core = min(footprint, self.l2)
        lost_node = min(footprint, self.l3)
        line = self.memory_line
        if before >= 0:
            home = before // self.processors_per_node
            if before == processor:
                lost_core = lost(lost_core, self.core_fills[processor] - thread.core_fill, self.l2)
            if home == node:
                lost_node = lost(lost_node, self.node_fills[node] - thread.node_fill, self.l3)
            else:
                line = self.topology.remote_ns(line, node, home)
        lost_node = min(lost_node, lost_core)
        self.core_fills[processor] += lost_core
        self.node_fills[node] += lost_node
        return ((lost_core - lost_node) * self.l3_line + lost_node * line) // LINE

    def grow(self, thread: Thread, processor: int, private: int) -> int:
        """The thread touches more private memory than ever: the time (ns) to bring the new part in from memory."""
        growth = private - thread.private
        thread.private = private
        self.fill(processor, growth)
        return growth * self.memory_line // LINE

    def fill(self, processor: int, size: int) -> None:
        """`size` bytes of somebody's came into the core's caches: a request's data, an interrupt's."""
        self.core_fills[processor] += size
        self.node_fills[processor // self.processors_per_node] += size

    def left(self, thread: Thread, processor: int) -> None:
        """The thread stops running here: from now on, fills are others'."""
        thread.processor = processor
        thread.core_fill = self.core_fills[processor]
        thread.node_fill = self.node_fills[processor // self.processors_per_node]


def lost(resident: int, fills: int, size: int) -> int:
    """Bytes of `resident` ones that `fills` bytes have pushed out of a cache of `size`."""
    return min(max(resident + fills - size, 0), resident)
