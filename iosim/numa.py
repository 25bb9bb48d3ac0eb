"""NUMA nodes and how far apart they are, and what touching memory at home and far away costs.

`Topology` is the table of distances. `NodeMemory` adds bandwidth: buffers have a home node, a touch takes latency or
streams, and a node's memory saturates.
Distances are those of ACPI's System Locality Information Table (SLIT): 10 is local, 20 is taken as twice the latency,
255 as unreachable. That is ACPI's own meaning, but firmware tables overstate: 10 to 21 where 78 to 143 ns were measured,
1.83 times as far (numbers 7). Write measured ratios times 10 where you have them.
Left out: transfers between caches, and traffic of the links between nodes that is not the toucher's own.
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


class Buffer:
    """Memory that lies on one node: `size` in bytes, `node` is its home."""

    def __init__(self, size: int, node: int) -> None:
        self.size = size
        self.node = node


# All of 2x Xeon Platinum 8269CY, measured by Intel MLC (numbers 7), but PEAK and QUEUE.
LATENCY = 78  # ns, a line from the own node on an idle machine
BANDWIDTH = 113_100_000_000  # bytes/s out of a node's memory, to its own processors
LINK = 50_900_000_000  # bytes/s, from another node
PEAK = 128_000_000_000  # bytes/s: six channels of DDR4-2666 at 8 bytes a transfer, what no access pattern reaches
# ns that a line waits at half of PEAK; the one parameter of the fit: within 6 % of the points up to half load, 13 % of all.
QUEUE = 21
STREAMS = 10  # lines that a core has under way at once: the line fill buffers of Intel's cores since 2008 (Intel)
LINE = 64  # bytes
WINDOW = 10_000  # ns over which a node's load is taken: long against one touch, short against a burst of frames
MAX_LOAD = 15  # of 16: more cannot be carried for long, and beyond it only the rate counts


class NodeMemory:
    """Time (ns) to touch memory of a node, for a processor of this or another one.

    Lines that depend on one another (`chase`) take the loaded latency each. Lines in a row (`stream`) take it once, then
    come as fast as a core with `streams` lines under way can take them, or the path can bring them. The loaded latency
    is idle + queue * rho / (1 - rho), with rho the share of `peak` asked for in the window of 10 us before. A node gives
    no more than `bandwidth` bytes/s in all: who asks for more waits for those who asked before.

    `now` must not fall from call to call; one touch is of at most 8 GB.
    `latencies` (ns) by node of the processor and node of the memory; left out, `latency` times distance / 10.
    Counters, by node of the memory: `near` and `far` bytes touched from there and from elsewhere, `booked` ns that giving
    them takes. `excess_ns` is what all touches took more than at home on an idle machine. While a DPC hands frames to a
    protocol, `here` is its processor's node and `there` that of the buffers they lie in. `spent` is what the stretch of
    processor time that is being priced has taken so far (ns): whoever begins to price one sets it.
    Invariant: all lines of a node given by any time t take at least their bytes / bandwidth; an idle machine's times
    depend on nothing but distance.
    """

    def __init__(
        self,
        topology: Topology,
        latency: int = LATENCY,
        bandwidth: int = BANDWIDTH,
        link: int = LINK,
        peak: int = PEAK,
        queue: int = QUEUE,
        streams: int = STREAMS,
        latencies: Sequence[Sequence[int]] = (),
    ) -> None:
        for name, value in (("latency", latency), ("bandwidth", bandwidth), ("link", link), ("streams", streams)):
            if value < 1:
                raise ValueError(f"{name}: {value} is too small; 1 or more is needed")
        if peak < bandwidth:
            raise ValueError(f"peak: {peak} is below bandwidth, {bandwidth}")
        if queue < 0:
            raise ValueError(f"queue: {queue} is negative")
        self.topology = topology
        places = range(topology.nodes)
        rows = latencies or [[topology.remote_ns(latency, a, b) for b in places] for a in places]
        self.latencies = array("q", [each for row in rows for each in row])
        if len(self.latencies) != topology.nodes**2:
            raise ValueError(f"latencies: {len(self.latencies)} entries for {topology.nodes} nodes")
        self.bandwidth = bandwidth
        self.link = link
        self.peak = peak
        self.queue = queue
        self.streams = streams
        self.free_at = array("q", bytes(8 * topology.nodes))  # ns; all that was asked for has been given then
        self.window = array("q", bytes(8 * topology.nodes))  # number of the window that `lines` belongs to
        self.lines = array("q", bytes(8 * topology.nodes))
        self.lines_before = array("q", bytes(8 * topology.nodes))
        self.near = array("q", bytes(8 * topology.nodes))
        self.far = array("q", bytes(8 * topology.nodes))
        self.booked = array("q", bytes(8 * topology.nodes))
        self.excess_ns = 0
        self.here = 0
        self.there = 0
        self.spent = 0

    def latency(self, a: int, b: int) -> int:
        """Of one line of node `b`, for a processor of node `a`, nobody else asking."""
        latency: int = self.latencies[a * self.topology.nodes + b]
        return latency

    def idle_chase(self, lines: int, a: int, b: int) -> int:
        """Time for a processor of node `a` to follow `lines` dependent lines of node `b`, nobody else asking."""
        return lines * self.latency(a, b)

    def idle_stream(self, size: int, a: int, b: int) -> int:
        """Time for a processor of node `a` to go through `size` bytes in a row on node `b`, nobody else asking."""
        return self.streamed(size, self.latency(a, b), a, b)

    def excess(self, size: int, a: int, b: int) -> int:
        """What `idle_stream` takes more than at home: the price of being remote; 0 at home."""
        return self.idle_stream(size, a, b) - self.idle_stream(size, a, a)

    def stream_excess(self, now: int, size: int, a: int, b: int) -> int:
        """What `stream` takes more than at home on an idle machine, counted."""
        time = self.stream(now, size, a, b)
        self.spent += time
        return self._counted(time - self.idle_stream(size, a, a), size, a, b)

    def chase_excess(self, now: int, lines: int, a: int, b: int) -> int:
        """The same of `chase`."""
        time = self.chase(now, lines, a, b)
        self.spent += time
        return self._counted(time - self.idle_chase(lines, a, a), lines * LINE, a, b)

    def _counted(self, excess: int, size: int, a: int, b: int) -> int:
        if a == b:
            self.near[b] += size
        else:
            self.far[b] += size
        if excess <= 0:  # a link may be faster than the memory at its end
            return 0
        self.excess_ns += excess
        return excess

    def busy(self, now: int, node: int) -> int:
        """Time (ns) up to now in which a node gave lines at its bandwidth."""
        busy: int = self.booked[node] - max(0, self.free_at[node] - now)
        return busy

    def touch(self, now: int, buffer: Buffer, a: int) -> int:
        """Time for a processor of node `a` to go through the whole buffer, with what else its node is asked for."""
        return self.stream(now, buffer.size, a, buffer.node)

    def stream(self, now: int, size: int, a: int, b: int) -> int:
        """Time for `size` bytes in a row on node `b`, with what else that node is asked for; 0 for nothing."""
        if size <= 0:
            return 0
        first = self.loaded(now, a, b)
        return max(self.streamed(size, first, a, b), self.book(now, lines_of(size), b))

    def chase(self, now: int, lines: int, a: int, b: int) -> int:
        """Time for `lines` dependent lines on node `b`, with what else that node is asked for; 0 for none."""
        if lines <= 0:
            return 0
        each = self.loaded(now, a, b)
        return max(lines * each, self.book(now, lines, b))

    def streamed(self, size: int, first: int, a: int, b: int) -> int:
        """The first line's latency, and every other one's share of the core's or the path's rate."""
        if size <= 0:
            return 0
        more = lines_of(size) - 1
        path = self.bandwidth if a == b else self.link
        return first + max(more * first // self.streams, more * LINE * 1_000_000_000 // path)

    def loaded(self, now: int, a: int, b: int) -> int:
        """Latency of one line of node `b` for a processor of node `a`, under the load of the window before."""
        self.turn(now, b)
        load = self.lines_before[b] * LINE * (1_000_000_000 // WINDOW)
        return self.latency(a, b) + self.waiting(load)

    def waiting(self, load: int) -> int:
        """How long a line waits where `load` bytes/s are asked for."""
        load = min(load, self.peak // 16 * MAX_LOAD)
        return self.queue * (load // 1_000_000) // ((self.peak - load) // 1_000_000 + 1)

    def turn(self, now: int, node: int) -> None:
        """Begin the window that `now` falls into, if it has not begun."""
        window = now // WINDOW
        if window == self.window[node]:
            return
        self.lines_before[node] = self.lines[node] if window == self.window[node] + 1 else 0
        self.lines[node] = 0
        self.window[node] = window

    def book(self, now: int, lines: int, node: int) -> int:
        """Ask a node for lines; the time until it has given them, at its bandwidth, after all that was asked before.

        What the asker has spent since `now` is no part of it: it waits for the same lines of others only once.
        """
        self.lines[node] += lines
        begin = max(now, self.free_at[node])
        time = (lines * LINE * 1_000_000_000 + self.bandwidth - 1) // self.bandwidth
        self.booked[node] += time
        self.free_at[node] = begin + time
        return self.free_at[node] - now - self.spent


NO_MEMORY: NodeMemory = NodeMemory.__new__(NodeMemory)  # of machines whose memory costs nothing to touch


def lines_of(size: int) -> int:
    """Cache lines in `size` bytes that begin at one."""
    return (size + LINE - 1) // LINE
