"""The machine as a scenario describes it: processors, caches, memory and what the kernel's work costs."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import model_validator

from iosim import units
from iosim.scenario.nics import Tcp
from iosim.scenario.quantities import Bandwidth, Count, Flag, PositiveTime, Size, Time, UpTo64, number_between, word_or
from iosim.scenario.reading import Json, Read, Section, at, key, mistake_at, refuse, whole_list

QUANTA = {"server": 187_500_000, "client": 31_250_000}
# Of processes in the foreground: short and variable, 12 and 18 units (semantics 7.2). Other quanta are fixed.
FOREGROUND_QUANTA = {QUANTA["client"]: (62_500_000, 93_750_000)}


class Smt(Section):
    """Hyper-threading: hardware threads that share one core."""

    threads: Annotated[int, Read(lambda value: _one_or_two(value), int, {"enum": [1, 2]})] = key(
        1, "hardware threads a core", source="a choice: thrashing is easiest to read without SMT", sure="assumed"
    )
    yield_: Annotated[float, number_between(1.0, 2.0)] = key(
        1.25,
        "what two busy siblings achieve together, as a multiple of one alone (1 to 2)",
        source="practice: 1.15 to 1.35",
        sure="assumed",
        alias="yield",
    )


def _one_or_two(value: Any) -> int:
    if value not in (1, 2) or isinstance(value, bool):
        raise ValueError("1 or 2 hardware threads a core")
    return int(value)


_MLC = "Intel MLC on two Xeon 8269CY"
_FITTED = f"{_MLC}: loaded latency within 13 %"


def _latencies(value: Any) -> "Matrix":
    rows = _square(value, "latencies")
    for row, entries in enumerate(rows):
        for column, entry in enumerate(entries):
            at(row, at, column, _latency, entry, entries, row)
    return tuple(tuple(units.parse_time(entry) for entry in row) for row in rows)


def _latency(value: Any, entries: list[Any], row: int) -> None:
    if not units.parse_time(value):
        refuse("a latency above 0 is needed")
    if units.parse_time(value) < units.parse_time(entries[row]):
        refuse(f"less than node {row}'s own memory takes, {entries[row]}")


class NodeMemory(Section):
    """What it takes to reach descriptors, frames and received bytes on the node where they lie; empty: two Xeon 8269CY."""

    latency: PositiveTime = key("78 ns", "a 64-byte line of the own node", source=_MLC, sure="measured")
    remote: PositiveTime | None = key(
        None,
        "a line of any other node; left out, the own one's times distance/10",
        source=f"143 ns: {_MLC}",
        sure="measured",
    )
    latencies: (
        Annotated[
            tuple[tuple[int, ...], ...],
            Read(
                lambda value: _latencies(value),
                lambda rows: [[units.format_time(each) for each in row] for row in rows],
                {"type": "array", "items": {"type": "array", "items": {"type": ["string", "integer"]}}},
            ),
        ]
        | None
    ) = key(None, "a line, by node of the processor (rows) and of the memory; in place of 'latency' and 'remote'")
    bandwidth: Bandwidth = key(
        "113.1 GB/s", "what a node's memory gives in all, and to its own processors", source=_MLC, sure="measured"
    )
    link: Bandwidth = key("50.9 GB/s", "from another node", source=_MLC, sure="measured")
    peak: Bandwidth = key(
        "128 GB/s",
        "what no pattern of access reaches: latency grows with the share of it that is asked for",
        source="six channels of DDR4-2666",
        sure="documented",
    )
    queue: Time = key("21 ns", "how long a line waits at half of the peak", source=_FITTED, sure="derived")
    streams: Count = key(
        10, "lines that a core has under way at once", source="Intel's cores since 2008", sure="documented"
    )

    @model_validator(mode="after")
    def _possible(self) -> "NodeMemory":
        if self.latencies is not None and self.remote is not None:
            raise mistake_at(("remote",), "goes without 'latencies', which say it already")
        if self.remote is not None and self.remote < self.latency:
            raise mistake_at(("remote",), "less than 'latency', which is the own node's")
        if self.peak < self.bandwidth:
            raise mistake_at(("peak",), "less than 'bandwidth', which is part of it")
        return self


class Memory(Section):
    """How long it takes to bring one 64-byte line into a core's own cache, and to reach other nodes."""

    l3: Time = key("10 ns", "from the shared L3 cache", source="random access: 5 to 20 ns a line", sure="assumed")
    local: Time = key(
        "40 ns",
        "from the node's own memory; other nodes take this times distance/10",
        source="working-set refill overlaps misses: 20 to 80 ns a line (idle latency is 78 ns on a Xeon 8269CY)",
        sure="assumed",
    )
    nodes: NodeMemory | None = key(
        None, "where a card's descriptors and buffers lie matters to whoever touches them; left out, it does not"
    )


class Dispatcher(Section):
    """The scheduler's times."""

    context_switch: Time = key(
        "1.2 us",
        "direct cost of a switch between threads, cache refill not included",
        source="pipe ping-pong: 1.0 to 1.2 us more than the same traffic in one process",
        sure="measured",
    )
    quantum: Annotated[
        int, word_or(QUANTA, lambda value: _positive_time(value), units.format_time, "a time like '20 ms'")
    ] = key(
        "server",
        "how long a thread runs before its equals get a turn: server (187.5 ms), client (31.25 ms) or a time",
        source="long fixed quantum: 12 ticks of 15.625 ms; short variable: 2 ticks",
        sure="documented",
    )
    timer_tick: PositiveTime = key(
        "15.625 ms",
        "the clock tick at which sleeps expire",
        source="Windows default, 64 ticks a second",
        sure="documented",
    )
    idle_exit: Time = key(
        "0 ns",
        "from a wake to the first instant of the thread on a processor that was idle: inter-processor interrupt and"
        " leaving the idle state",
        source="a choice: no idle states; to model them, 2 us to leave C1 for an interrupt was measured (Xeon server)",
        sure="assumed",
    )
    placement: Literal["last", "ideal"] = key(
        "last",
        "which idle processor a woken thread gets first: its last one, or its ideal one (the last one next); ideal also"
        " lets a thread pre-empt on its ideal processor alone",
        source="a choice: Windows tries the ideal one first; figures of the bundled scenarios are the same either way,"
        " and runs by the last one are a tenth faster",
        sure="assumed",
    )
    ready_queues: Literal["shared", "per_processor"] = key(
        "shared",
        "where threads wait that found no processor: in one queue for all (Windows 8.1 and later, by groups of"
        " processors there), or at their ideal processor (2003 to Windows 7)",
        source="Windows 8.1 and later",
        sure="documented",
    )
    quantum_mode: Literal["cycles", "ticks"] | None = key(
        None,
        "what uses a quantum up: cycles, processor time (Vista and later), or ticks, being there when the clock ticks"
        " (NT 4 to 2003); left out, cycles with kernel.completion_mode direct, ticks with apc",
        source="both changed with Vista",
        sure="documented",
    )
    starvation_relief: Flag = key(
        False,
        "lift threads that have been ready for more than 4 s to priority 15 for one quantum, as Windows does",
        source="a choice: a run of a few seconds has none",
        sure="assumed",
    )


def _positive_time(value: Any) -> int:
    if time := units.parse_time(value):
        return time
    raise ValueError("a time above 0 is needed")


class Kernel(Section):
    """Processor time that the kernel's own work takes."""

    call: Time = key(
        "0.3 us",
        "a system call: entering and leaving the kernel for a read, a write or a wait",
        source="a system call: 0.1 to 0.3 us",
        sure="assumed",
    )
    remove: Time = key(
        "0.3 us", "GetQueuedCompletionStatus: one call", source="a system call: 0.1 to 0.3 us", sure="assumed"
    )
    post: Time = key(
        "0.3 us", "PostQueuedCompletionStatus: one call", source="a system call: 0.1 to 0.3 us", sure="assumed"
    )
    port_lock: Time = key(
        "0 ns",
        "how long each insert or remove holds its completion port's own lock, beyond the call; whoever asks meanwhile"
        " spins. 0: the lock is free of charge",
        source="not part of the default machine; a contended one costs 50 to 200 ns (a cache line between cores 50 ns,"
        " between sockets 110 to 175 ns)",
        sure="assumed",
    )
    isr: Time = key(
        "1 us", "one interrupt service routine", source="common order of magnitude; at most 25 us", sure="assumed"
    )
    dpc: Time = key(
        "0.5 us", "one deferred procedure call", source="common order of magnitude; at most 100 us", sure="assumed"
    )
    irp: Time = key(
        "0.3 us",
        "building, sending down and freeing one I/O request packet",
        source="the host side of an NVMe read costs 2.3 to 3.6 us in all",
        sure="assumed",
    )
    page_lock: Time = key(
        "0.1 us", "locking or unlocking one 4 KiB page of a buffer", source="common rule", sure="assumed"
    )
    copying: Bandwidth = key(
        "10 GB/s",
        "copying between a cache or system buffer and the user's",
        source="common rule",
        sure="assumed",
        alias="copy",
    )
    dpc_footprint: Size = key(
        "4 KiB",
        "cache that an ISR and its DPC push out of the processor they ran on",
        source="a choice",
        sure="assumed",
    )
    completion_mode: Literal["direct", "apc"] = key(
        "direct",
        "direct: a request's end is queued to its port by whoever completed it (Vista and later); apc: by an asynchronous"
        " procedure call in the thread that issued it (NT 4 to 2003)",
        source="Windows Vista and later",
        sure="documented",
    )
    apc: Time = key(
        "0.5 us",
        "delivering one kernel APC, in the thread it is for (completion_mode apc)",
        source="a choice: as a DPC",
        sure="assumed",
    )
    ipi: Time = key(
        "1 us",
        "the interrupt by which one processor asks another for something, on the one that is asked",
        source="a choice: as a service routine",
        sure="assumed",
    )
    cached_miss_workers: Count = key(
        10,
        "system threads that serve cached reads which miss, and cached writes that have to read first or are written"
        " through; when all are busy the caller itself waits",
        source="bounded in Windows; the number is a choice",
        sure="assumed",
    )
    cache_workers: Count = key(
        4,
        "system threads of the cache manager: they read ahead and write lazily",
        source="a few in Windows, by memory; the number is a choice",
        sure="assumed",
    )
    compression: Bandwidth = key(
        "300 MB/s",
        "compressing or expanding the bytes of a compressed file",
        source="common order of magnitude of LZ77 in software",
        sure="assumed",
    )
    encryption: Bandwidth = key(
        "1.5 GB/s",
        "encrypting or decrypting the bytes of an encrypted file",
        source="common order of magnitude of AES instructions",
        sure="assumed",
    )


_LAYERS = "with the other layers about 8 us for a 4 KiB read: 3.6 us (libaio, one core) to 11.7 us (SATA SSD, depth 1)"


class Stack(Section):
    """Processor time of the drivers' routines: on the way down, and when a request completes."""

    ntfs_down: Time = key("1.5 us", "NTFS: dispatch of a read or write", source=_LAYERS, sure="assumed")
    ntfs_up: Time = key("0.3 us", "NTFS: completion", source=_LAYERS, sure="assumed")
    create: Time = key(
        "15 us",
        "opening a file whose metadata are in memory: path, access check, NTFS",
        source="common order of magnitude: 10 to 50 us",
        sure="assumed",
    )
    cleanup: Time = key(
        "5 us", "closing a file: cleanup and close", source="common order of magnitude: 3 to 20 us", sure="assumed"
    )
    volume_down: Time = key("0.3 us", "volume manager: dispatch", source=_LAYERS, sure="assumed")
    volume_up: Time = key("0.1 us", "volume manager: completion", source=_LAYERS, sure="assumed")
    disk_down: Time = key("0.5 us", "disk class driver: dispatch", source=_LAYERS, sure="assumed")
    disk_up: Time = key("0.3 us", "disk class driver: completion", source=_LAYERS, sure="assumed")
    port_start: Time = key("1 us", "port driver: starting a command on the device", source=_LAYERS, sure="assumed")
    port_up: Time = key("0.7 us", "port driver: completion of a command", source=_LAYERS, sure="assumed")


Matrix: TypeAlias = tuple[tuple[int, ...], ...]


def _square(value: Any, what: str) -> list[list[Any]]:
    rows = [at(index, whole_list, row) for index, row in enumerate(whole_list(value))]
    for index, row in enumerate(rows):
        if len(row) != len(rows):
            at(index, refuse, f"{len(row)} {what} in a matrix of {len(rows)} rows")
    return rows


def _matrix(value: Any) -> Matrix:
    rows = _square(value, "distances")
    for index, row in enumerate(rows):
        for column, distance in enumerate(row):
            at(index, at, column, _distance, distance, rows, index, column)
    return tuple(tuple(row) for row in rows)


def _distance(value: Any, rows: list[list[Any]], row: int, column: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 10 <= value <= 254:
        refuse("a distance is a whole number from 10 (the node itself) to 254")
    if row == column and value != 10:
        refuse(f"the distance of node {row} to itself is {value}; it must be 10")
    if column < row < len(rows) and len(rows[column]) > row and rows[column][row] != value:
        refuse(f"{value} one way but {rows[column][row]} the other; distances are symmetric")


_MATRIX_SCHEMA: Json = {"type": "array", "items": {"type": "array", "items": {"type": "integer", "minimum": 10}}}


class Machine(Section):
    """Processors, caches, memory and the kernel's costs."""

    numa_nodes: UpTo64 = key(1, "NUMA nodes (1 to 64)", source="a choice", sure="assumed")
    cores_per_node: UpTo64 = key(4, "cores of each node (1 to 64)", source="a choice", sure="assumed")
    distances: Annotated[Matrix, Read(_matrix, lambda rows: [list(row) for row in rows], _MATRIX_SCHEMA)] | None = key(
        None,
        "distance of every node to every other as in the SLIT: 10 is the node itself, 20 takes twice as long;"
        " left out, every other node is at 18",
        source="78 ns local to 143 ns remote on two Xeon 8269CY (a firmware table would say 21)",
        sure="measured",
    )
    smt: Smt = key(Smt(), "hyper-threading")
    l2: Size = key("1 MiB", "second-level cache of a core", source="Xeon server cores since 2017", sure="documented")
    l3: Size = key("16 MiB", "third-level cache that the cores of a node share", source="a choice", sure="assumed")
    memory: Memory = key(Memory(), "cost of refilling a core's cache")
    dispatcher: Dispatcher = key(Dispatcher(), "the scheduler's times")
    kernel: Kernel = key(Kernel(), "what the kernel's own work costs")
    stack: Stack = key(Stack(), "what the drivers' work costs")
    tcp: Tcp = key(Tcp(), "TCP/IP and sockets, where there are cards (section 'nics')")

    @property
    def processors(self) -> int:
        """Logical processors of the whole machine."""
        return self.numa_nodes * self.cores_per_node * self.smt.threads

    @model_validator(mode="after")
    def _possible(self) -> "Machine":
        threads = self.cores_per_node * self.smt.threads
        if threads > 64:
            message = f"{threads} logical processors on a node; a group, and so a node, has at most 64"
            raise mistake_at(("cores_per_node",), message)
        if self.distances is not None and len(self.distances) != self.numa_nodes:
            message = f"{len(self.distances)} rows for {self.numa_nodes} NUMA nodes"
            raise mistake_at(("distances",), message)
        latencies = self.memory.nodes and self.memory.nodes.latencies
        if latencies and len(latencies) != self.numa_nodes:
            message = f"{len(latencies)} rows for {self.numa_nodes} NUMA nodes"
            raise mistake_at(("memory", "nodes", "latencies"), message)
        return self
