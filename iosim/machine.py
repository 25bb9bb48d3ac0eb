"""The one page that wires a described machine together, runs it, and returns what it recorded.

Nothing is decided here: every number comes from the scenario, whose schema has its source.
"""

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from iosim.actor import SAMPLE, Clock
from iosim.application import (
    AcquireStep,
    BlockStep,
    CloseStep,
    ComputeStep,
    DrawnTransfer,
    EndStep,
    FlushStep,
    LockedPostStep,
    OpenStep,
    PostStep,
    ReleaseStep,
    RowTransfer,
    SleepStep,
    Step,
    WorkerProgram,
)
from iosim.attribution import SYSTEM_WORKER_QUEUE
from iosim.batch import BatchServices
from iosim.cache import Caches
from iosim.completion_port import CompletionPort
from iosim.devices.polling_port import PollingPort
from iosim.devices.recovery import RecoveringPort
from iosim.dispatcher import Dispatcher
from iosim.errors import IosimError, Mistake, WrongInput
from iosim.file_systems import FileSystems, needs_cache_workers
from iosim.filters import Filters, needs_workers
from iosim.io_manager import IoCosts, IoManager, IoParams
from iosim.irp import READ, WRITE
from iosim.kernel_queue import NO_LIMIT, KernelQueue, KernelThread
from iosim.locks import ContendedLock, CriticalSection
from iosim.modes import FULL_PACE
from iosim.net_service import Service
from iosim.net_steps import NextStep
from iosim.net_traces import NetTrace
from iosim.network_loads import NetworkLoads, read_replay, round_trips
from iosim.network_services import NetworkServices
from iosim.networks import Networks
from iosim.numa import NO_MEMORY, NodeMemory, Topology
from iosim.polling import PolledTransfer
from iosim.pools import (
    GrowingPool,
    GrowingPort,
    GrowingWorker,
    GrowthParams,
    PortPerProcessor,
    ThreadParams,
    make_thread,
)
from iosim.port_lock import LockedPort
from iosim.probes import Probes
from iosim.recorders import Behind, Fanout, RequestColumns, RequestHistograms, Timeline, WaitRecords
from iosim.replay import BlockTrace, read_block_trace, scaled, superposed
from iosim.sampler import Sampler
from iosim.scenario.distributions import Distribution
from iosim.scenario.expectations import thresholds
from iosim.scenario.hardware import FOREGROUND_QUANTA
from iosim.scenario.hardware import Machine as MachineModel
from iosim.scenario.load import AnyReplay, ClosedLoad, OpenLoad, Replay
from iosim.scenario.loader import Scenario
from iosim.scenario.net_load import NetLoad, NetReplay
from iosim.scenario.net_steps import NET_STEPS
from iosim.scenario.quantities import PerProcessor, count_on
from iosim.scenario.schema import Growth, Pool
from iosim.scenario.steps import PostStep as PostTo
from iosim.scenario.steps import Transfer
from iosim.scheduling import PLAIN, QUANTUM_MODES, FullDispatcher, SchedulerParams
from iosim.services import CallCosts, Services
from iosim.slim_locks import SlimLock
from iosim.storage import Storage
from iosim.streams import (
    Streams,
    Transform,
    empirical,
    exponential,
    lognormal,
    pareto,
    random_page,
    table,
    uniform,
    whole,
)
from iosim.system_workers import SystemWorker
from iosim.units import S, ps_per_byte
from iosim.variates import CLIENT_SHIFT, Constant, Sequential, Variate
from iosim.workload import NEVER, ClosedSource, OpenSource, PipelinedSource, ReplaySource, RowPace, Source, Window

BINS = 200
LIMIT_FACTOR = 3  # a run that can't end its counted requests stops at three times its horizon
SYSTEM_PRIORITY = 12  # worker threads of the system (delayed work queue: 12; semantics 7.1 names the levels)


@dataclass
class Raw:
    """What one replication recorded; plain data that a worker process can send home."""

    seed: int
    replication: int
    events: int
    digest: str  # of the events in their order
    end_ns: int
    horizon: int
    bin_ns: int
    stop: str
    offered: int
    in_flight: int
    classes: list[str]
    columns: dict[str, "array[int]"]
    asked: list[int]  # counted requests, by class
    asked_before: list[list[tuple[int, int]]]  # by class: bin, and how many had been asked before its first one
    tallies: list[dict[str, Any]]  # instead of rows, where none are kept
    causes: "array[int]"
    ledgers: "list[list[array[int]]]"  # class, bin, cause
    samples: dict[str, "array[int]"]
    extremes: dict[str, int]
    resources: list[str]
    behind: list[dict[int, list[int]]]  # by resource, by bin of intended arrival: waiter * classes + holder, ns
    hold_area: list[list[int]]
    holds: list[list[int]]
    waits: dict[str, "array[int]"] = field(default_factory=dict)
    timeline: dict[str, "array[int]"] = field(default_factory=dict)


class Machine:
    """A scenario's machine, built for one replication and ready to run."""

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        seed: int,
        replication: int,
        traces: dict[str, BlockTrace | NetTrace],
        record: Collection[str] = (),
    ) -> None:
        self.scenario = scenario
        self.model = scenario.model
        self.clock = clock
        self.seed = seed
        self.replication = replication
        self.streams = Streams(seed, replication)
        self.traces = traces
        self.resources: list[str] = []
        self.pipelines: dict[str, PipelinedSource] = {}
        horizon, step = self._horizon()
        self.columns = self._columns(horizon, step, record)
        self.window = Window(clock, horizon, BINS, min(horizon * LIMIT_FACTOR, NEVER), self.columns)
        self.window.bin_ns = step
        self._build_processors()
        self.memory = node_memory(self.model.machine, self.caches.topology)
        self._build_io()
        self.filters = Filters(self.model, self.io, self.work_queue)
        queues = self.work_queue, self.cache_queue
        self.file_systems = FileSystems(self.model, self.io, *queues, self.filters, self.streams)
        parts = self.io, self.caches, self.file_systems, self.filters
        self.storage = Storage(self.model, *parts, self._resource, self.streams)
        self.disks = self.storage.disks
        self.networks = Networks(self.model, self.io, self.caches, round_trips(self.model), self.memory)
        self.ports: dict[str, CompletionPort] = {}
        self.places = {name: self._ports(name) for name in self.model.ports}  # of each port, one or one a processor
        self.locks = {name: self._lock(name) for name in self.model.locks}
        self.variates: dict[str, Variate] = {}
        self.network_loads = NetworkLoads(scenario, clock, self.window, self.streams, self._variate)
        self.network_services = NetworkServices(self.model, self.services, self.storage, self._variate, self._draw)
        self.sources = [self._source(group, name) for group, name in enumerate(self.model.workload)]
        self._build_pools()
        self._listen(record)
        self.sampler = Sampler(clock, step, self.window, self.dispatcher)
        self.sampler.queues = {**self.ports}
        if self.system_workers:
            self.sampler.queues["system_workers"] = self.work_queue
        if self.cache_workers:
            self.sampler.queues["cache_workers"] = self.cache_queue
        self.sampler.disks = self.disks
        self.sampler.block_maps = self.storage.block_maps
        self.sampler.locks = self.locks
        self.sampler.pools = self.pools
        self.sampler.batches = self.batches
        self.sampler.pipelines = self.pipelines
        self.sampler.caches = self.file_systems.caches
        self.sampler.splitters = self.storage.volumes.splitters
        networks = self.networks.by_name
        self.sampler.miniports = {name: it.miniport for name, it in networks.items()}
        self.sampler.afds = {name: it.afd for name, it in networks.items()}
        self.sampler.incoming = {name: it.link_in for name, it in networks.items()}
        self.sampler.memory = self.memory
        self.sampler.classes = list(self.model.workload)
        self.sampler.slack = self.storage.volumes.slack
        self.sampler.filters = self.filters.drivers

    # ---- what it is made of --------------------------------------------------------------------------------------

    def _horizon(self) -> tuple[int, int]:
        run = self.model.run
        if not self.traces:
            return run.horizon, -(-run.horizon // BINS)
        longest = max(int(trace.arrival[-1]) for trace in self.traces.values())
        fixed_depth = any(isinstance(it, AnyReplay) and it.timing.depth for it in self.model.workload.values())
        rows = max(len(trace.arrival) for trace in self.traces.values())
        return NEVER, -(-(rows * 1_000_000 if fixed_depth else longest + 1) // BINS)

    def _columns(self, horizon: int, step: int, record: Collection[str]) -> RequestColumns:
        run = self.model.run
        if run.rows:
            return RequestColumns("causes" in record)
        warm_up = -(-(run.warm_up or 0) // step) * step  # whole steps, as the summary's window
        edges = [thresholds(self.model.expect, column) for column in ("latency_ns", "wait_ns")]
        return RequestHistograms(len(self.model.workload), warm_up, horizon, *edges)

    def _resource(self, name: str) -> int:
        self.resources.append(name)
        return len(self.resources) - 1

    def _build_processors(self) -> None:
        it = self.model.machine
        topology = Topology(it.numa_nodes, it.cores_per_node * it.smt.threads, it.distances or ())
        self.caches = Caches(topology, it.l2, it.l3, it.memory.l3, it.memory.local)
        self.dispatcher = self._dispatcher(topology.groups)
        processors = [self.dispatcher.add_processor(number) for number in range(topology.processors)]
        if it.smt.threads == 2:
            for first, second in zip(processors[::2], processors[1::2], strict=True):
                first.sibling, second.sibling = second, first
                first.shared_pace = second.shared_pace = round(2 * FULL_PACE / it.smt.yield_)
        for processor in processors:
            processor.ipi.cost = it.kernel.ipi

    def _dispatcher(self, groups: int) -> Dispatcher:
        """The plain one, if it does all that is asked for."""
        it = self.model.machine.dispatcher
        times = it.context_switch, it.quantum, it.timer_tick, it.idle_exit
        quanta = FOREGROUND_QUANTA.get(it.quantum, ())
        mode = it.quantum_mode or QUANTUM_MODES[self.model.machine.kernel.completion_mode]
        params = SchedulerParams(it.placement, it.ready_queues, mode, it.starvation_relief, quanta)
        special = any(
            pool.foreground or pool.affinity != "any" or pool.node is not None for pool in self.model.pools.values()
        )
        if groups == 1 and not special and replace(params, foreground_quanta=()) == PLAIN:
            return Dispatcher(self.clock, self.caches, *times)
        return FullDispatcher(self.clock, self.caches, *times, params)

    def _build_io(self) -> None:
        kernel = self.model.machine.kernel
        copy = ps_per_byte(kernel.copying)
        io_costs = IoCosts(kernel.call, kernel.irp, kernel.page_lock, kernel.irp, copy)
        self.io = IoManager(self.dispatcher, io_costs, IoParams(completion_mode=kernel.completion_mode))
        self.io.completion.apcs.cost = kernel.apc
        costs = CallCosts(kernel.remove, kernel.post, kernel.call)
        self.services = Services(self.dispatcher, self.io, self.caches, costs)
        self.services.memory = self.memory
        self.work_queue = self._worker_queue("system_workers")
        self.cache_queue = self.work_queue
        if needs_cache_workers(self.model):
            self.cache_queue = self._worker_queue("cache_workers")

    def _worker_queue(self, name: str) -> KernelQueue:
        queue = KernelQueue(self.clock, self.dispatcher, self._resource(name), NO_LIMIT)
        queue.cause_limit = queue.cause_thread = queue.cause_order = SYSTEM_WORKER_QUEUE
        return queue

    def _count(self, number: int | PerProcessor) -> int:
        return count_on(number, len(self.dispatcher.processors))

    def _ports(self, name: str) -> list[CompletionPort]:
        """The port, or the ports of all processors, which are called `name[0]`, `name[1]`, ..."""
        if self.model.ports[name].per == "machine":
            return [self._port(name, name)]
        return [self._port(name, f"{name}[{place}]") for place in range(len(self.dispatcher.processors))]

    def _port(self, name: str, shown: str) -> CompletionPort:
        grows = any(pool.port == name and pool.grows for pool in self.model.pools.values())
        kind = GrowingPort if grows else CompletionPort
        limit = self._count(self.model.ports[name].concurrency)
        processors = len(self.dispatcher.processors)
        number = self._resource(f"ports.{shown}")
        hold = self.model.machine.kernel.port_lock
        if hold:  # of growing pools' ports it is 0 (scenario/checks.py)
            self.ports[shown] = LockedPort(self.clock, self.dispatcher, number, limit, processors, hold)
        else:
            self.ports[shown] = kind(self.clock, self.dispatcher, number, limit, processors)
        return self.ports[shown]

    def _port_at(self, name: str, place: int) -> CompletionPort:
        ports = self.places[name]
        return ports[place % len(ports)]

    def _lock(self, name: str) -> ContendedLock:
        it = self.model.locks[name]
        kind = SlimLock if it.kind == "slim" else CriticalSection
        return kind(self.clock, self.dispatcher, self._resource(f"locks.{name}"), it.spin, it.handoff == "fair")

    def _build_pools(self) -> None:
        self.pools: dict[str, list[Any]] = {}
        self.growing: dict[str, GrowingPool] = {}
        self.batches: dict[str, list[BatchServices]] = {}
        for name, pool in self.model.pools.items():
            if pool.batch > 1:
                self.batches[name] = []
            if pool.grows:
                self.growing[name] = self._growing(name, pool, pool.grows)
                self.pools[name] = self.growing[name].threads
            else:
                self.pools[name] = [self._worker(name, pool, number) for number in range(self._count(pool.threads))]
        cached = any(file.access == "cached" for file in self.model.files.values())
        kernel = self.model.machine.kernel
        self.system_workers = self._system_threads(
            self.work_queue, kernel.cached_miss_workers if cached or needs_workers(self.model) else 0
        )
        own = self.cache_queue is not self.work_queue
        self.cache_workers = self._system_threads(self.cache_queue, kernel.cache_workers if own else 0)

    def _system_threads(self, queue: KernelQueue, count: int) -> list[KernelThread]:
        return [self.dispatcher.create_thread(SystemWorker(queue), SYSTEM_PRIORITY) for _ in range(count)]

    def _worker(self, name: str, pool: Pool, number: int) -> KernelThread:
        """Thread `number` of a fixed pool."""
        program = WorkerProgram(self._door(name, pool), self._port_at(pool.port, number))
        return make_thread(self.dispatcher, program, number, thread_params(pool))

    def _growing(self, name: str, pool: Pool, growth: Growth) -> GrowingPool:
        """A growing pool with its first threads, and the programs of all that it may have."""
        port = self.places[pool.port][0]
        assert isinstance(port, GrowingPort)
        least = self._count(pool.threads)
        params = GrowthParams(least, growth.after, growth.idle_timeout, growth.creation)
        found = GrowingPool(self.dispatcher, port, params, thread_params(pool))
        for number in reversed(range(self._count(growth.max))):
            found.spare.append(GrowingWorker(self._door(name, pool), port, found, number))
        for _ in range(least):
            found.new_thread()
        return found

    def _door(self, name: str, pool: Pool) -> Services:
        """A thread that takes batches has a door of its own; all its pool's count as one resource by their name."""
        if pool.batch == 1:
            return self.services
        number = self._resource(f"pools.{name}")
        it = self.services
        door = BatchServices(it.dispatcher, it.io, it.caches, it.costs, number, pool.batch)
        self.batches[name].append(door)
        return door

    # ---- workload and handlers -----------------------------------------------------------------------------------

    def _source(self, group: int, name: str) -> Source:
        load = self.model.workload[name]
        if isinstance(load, NetLoad):
            return self._net_source(group, name, load)
        source = self._bare_source(group, name)
        places = max(len(self.places[port]) for port in self._ports_of(name))
        steps = [[*self._steps(name, place), EndStep(self.services)] for place in range(places)]
        source.steps = [*steps[0]]
        if places > 1:
            shift = CLIENT_SHIFT if isinstance(load, ClosedLoad) else 0
            source.port = PortPerProcessor([self._port_at(load.port, place) for place in range(places)], steps, shift)
        return source

    def _net_source(self, group: int, name: str, load: NetLoad) -> Source:
        """Load that comes over a card: its clients at the far end, and the service that they ask."""
        network = self.networks.by_name[load.nic]
        port = self.places[load.port][0]
        service = self.network_services.service(load.handler, network.afd, port)
        trace = self.traces.get(name)
        trace = trace if isinstance(trace, NetTrace) else None
        source = self.network_loads.source(group, name, port, network, service, trace)
        source.steps = [*self._net_steps(name, load, service, trace)]
        return source

    def _net_steps(self, workload: str, load: NetLoad, service: Service, trace: NetTrace | None) -> list[Step]:
        """The handler of such a load."""
        port = self.places[load.port][0]
        net = self.network_services
        steps = net.first_steps(load.handler, service)
        read: Variate = Constant(0)
        for index, step in enumerate(self.model.handlers[load.handler]):
            kind, body = next(iter(step))
            if kind == "post":
                port = self.places[body.port][0]
            if kind == "read":
                read = self._variate(body.size, workload, index, "size")
            if kind in NET_STEPS:
                steps += net.step(service, workload, index, port, read, trace)
            else:
                steps += self._step(kind, body, workload, index, port)
        return [*steps, NextStep(service)]

    def _ports_of(self, workload: str) -> list[str]:
        """The ports that a workload's requests go through."""
        load = self.model.workload[workload]
        steps = self.model.handlers[load.handler] if load.handler else ()
        return [load.port, *(step.post.port for step in steps if isinstance(step, PostTo))]

    def _bare_source(self, group: int, name: str) -> Source:
        load = self.model.workload[name]
        port = self.places[load.port][0]
        source: Source
        if isinstance(load, OpenLoad):
            mean = float(S / load.rate)
            gap = Distribution("exponential" if load.arrivals == "poisson" else "fixed", (round(mean),))
            drawn = (
                Constant(round(mean)) if gap.shape == "fixed" else self.streams.open(f"{name}.gap", exponential(mean))
            )
            source = OpenSource(self.clock, self.window, group, port, drawn)
        elif isinstance(load, ClosedLoad):
            think = self._variate(load.think, name, 0, "think")
            if load.outstanding > 1:
                source = self.pipelines[name] = PipelinedSource(
                    self.clock, self.window, group, port, load.clients, think, load.outstanding
                )
            else:
                source = ClosedSource(self.clock, self.window, group, port, load.clients, think)
        else:
            assert isinstance(load, Replay)
            source = self._replay(group, name, load)
        return source

    def _replay(self, group: int, name: str, load: Replay) -> ReplaySource:
        trace = self.traces[name]
        assert isinstance(trace, BlockTrace)
        port = self.places[load.port][0]
        columns = trace.device, trace.offset, trace.size, trace.write
        pace = RowPace(trace.arrival, trace.think, load.timing.depth)
        return ReplaySource(self.clock, self.window, group, port, *columns, pace)

    def _steps(self, workload: str, place: int) -> list[Step]:
        """The handler of a workload, with the ports and files of this place."""
        load = self.model.workload[workload]
        port = self._port_at(load.port, place)
        if isinstance(load, Replay) and load.handler is None:
            return [self._row_transfer(load, workload, port)]
        steps: list[Step] = []
        for index, step in enumerate(self.model.handlers[load.handler or ""]):
            kind, body = next(iter(step))
            if kind == "post":
                port = self._port_at(body.port, place)
            steps += self._step(kind, body, workload, index, port)
        return steps

    def _step(self, kind: str, body: Any, workload: str, index: int, port: CompletionPort) -> list[Step]:
        services = self.services
        if kind == "compute":
            time = self._variate(body.time, workload, index, "time")
            return [ComputeStep(services, time, body.touching.private, body.touching.request)]
        if kind in ("read", "write"):
            return [self._transfer(READ if kind == "read" else WRITE, body, workload, index, port)]
        if kind == "flush":
            return [FlushStep(services, self.storage.open(body.file, port))]
        if kind in ("open", "close"):
            return [self._metadata_step(kind, body, workload, index)]
        if kind == "lock":
            lock = self.locks[body.name]
            hold = ComputeStep(services, self._variate(body.hold, workload, index, "hold"), 0, 0)
            return [AcquireStep(services, lock, body.shared), hold, ReleaseStep(services, lock, body.shared)]
        if kind == "block":
            return [BlockStep(services, self._variate(body.time, workload, index, "time"))]
        if kind == "sleep":
            return [SleepStep(services, self._variate(body.time, workload, index, "time"))]
        if kind == "post":
            return [LockedPostStep(services, port) if isinstance(port, LockedPort) else PostStep(services, port)]
        load = self.model.workload[workload]
        assert isinstance(load, Replay)
        return [self._row_transfer(load, workload, port)]

    def _metadata_step(self, kind: str, body: Any, workload: str, index: int) -> Step:
        metadata = self.file_systems.metadata[body.volume]
        call, stack = self.model.machine.kernel.call, self.model.machine.stack
        if kind == "close":
            filters = self.filters.closing(body.volume)
            return CloseStep(self.services, metadata, Constant(0), call + stack.cleanup + filters, filters)
        filters = self.filters.opening(body.volume)
        record = self._draw(f"{workload}.{index}.record", whole(body.files, 1))
        return OpenStep(self.services, metadata, record, call + stack.create + filters, filters)

    def _row_transfer(self, load: Replay, workload: str, port: CompletionPort) -> RowTransfer:
        trace = self.traces[workload]
        assert isinstance(trace, BlockTrace)
        names = trace.device_names
        files = [load.map if isinstance(load.map, str) else load.map[name] for name in names]
        return RowTransfer(
            self.services, [self.storage.open(it, port) for it in files], [self.storage.file_caches[it] for it in files]
        )

    def _transfer(self, major: int, body: Transfer, workload: str, index: int, port: CompletionPort) -> DrawnTransfer:
        file = self.storage.open(body.file, port)
        file.background = body.priority == "background"
        size = self._variate(body.size, workload, index, "size")
        bounded = body.size.largest <= file.size
        most = int(body.size.largest) if bounded else round(body.size.mean())
        offset: Variate
        if isinstance(body.offset, int):
            offset = Constant(body.offset)
        elif body.offset == "random":  # on any page; one that starts too late for its size is moved down
            offset = self._draw(f"{workload}.{index}.offset", random_page(file.size, most if bounded else 0))
        else:
            offset = Sequential(max(1, most), file.size)
        cache = self.storage.file_caches[body.file]
        polled = file.device.bottom
        if isinstance(polled, PollingPort):
            return PolledTransfer(self.services, file, cache, major, size, offset, polled)
        ratio = self.model.files[body.file].hit_ratio
        hits = [] if ratio is None else [self._draw(f"{workload}.{index}.hit", table([1, 0], [float(ratio), 1.0]))]
        blocking = body.mode == "blocking"
        return DrawnTransfer(self.services, file, cache, major, blocking, size, offset, hits)

    def _variate(self, it: Distribution, workload: str, index: int, what: str) -> Variate:
        if it.shape == "fixed":
            return Constant(it.values[0])
        return self._draw(f"{workload}.{index}.{what}", transform_of(it))

    def _draw(self, name: str, transform: Transform) -> Variate:
        if name not in self.variates:  # else the handler is another processor's
            load = self.model.workload[name.split(".")[0]]
            if isinstance(load, ClosedLoad):
                self.variates[name] = self.streams.closed(name, transform, load.clients * load.outstanding)
            else:
                self.variates[name] = self.streams.open(name, transform)
        return self.variates[name]

    # ---- run -----------------------------------------------------------------------------------------------------

    def _listen(self, record: Collection[str]) -> None:
        groups = len(self.model.workload)
        self.behind = Behind(self.clock, groups, len(self.resources), self.window.bin_ns, BINS)
        self.waits = WaitRecords()
        start = self.window.horizon // 2 if self.window.horizon < NEVER else 0
        first = next(iter(self.ports.values()))
        self.timeline = Timeline(self.clock, first.number, start, 4000)
        listeners: list[Probes] = []
        if groups > 1:
            listeners.append(self.behind)
        if "waits" in record:
            listeners.append(self.waits)
        if "timeline" in record:
            listeners.append(self.timeline)
        if not listeners:
            return
        probes = listeners[0] if len(listeners) == 1 else Fanout(listeners)
        for port in self.ports.values():
            port.probes, port.watched = probes, True
        for disk in self.disks.values():
            disk.probes, disk.watched = probes, True
        for lock in self.locks.values():
            lock.probes, lock.watched = probes, True
        for doors in self.batches.values():
            for door in doors:
                door.probes, door.watched = probes, True

    def run(self) -> Raw:
        """Run to the end, check the laws, hand over the records."""
        clock = self.clock
        clock.at(0, SAMPLE, self.sampler, 0)
        for threads in (*self.pools.values(), self.system_workers, self.cache_workers):
            for thread in list(threads):  # one that runs may make its pool grow
                self.dispatcher.make_ready(thread)
        self.networks.start()
        for source in self.sources:
            source.start()
        most = self.model.run.max_events
        clock.run(most)
        if clock.running and clock.events >= most:
            raise IosimError(
                f"{self.scenario.source}: stopped after run.max_events = {most} events at {clock.now} ns with "
                f"{self.window.present} requests in the system; the load may be more than the machine can carry"
            )
        self.sampler.take()
        self.sampler.check_laws()
        self.networks.check_laws()
        for source in self.sources:
            source.check_causes()
        return self._raw()

    def _raw(self) -> Raw:
        window = self.window
        stop = "all counted requests ended" if not window.live else "time limit"
        return Raw(
            seed=self.seed,
            replication=self.replication,
            events=self.clock.events,
            digest=self.clock.digest(),
            end_ns=self.clock.now,
            horizon=min(window.horizon, self.clock.now),
            bin_ns=window.bin_ns,
            stop=stop,
            offered=window.offered,
            in_flight=window.live,
            classes=list(self.model.workload),
            columns=self.columns.columns(),
            asked=[source.asked for source in self.sources],
            asked_before=[source.asked_before for source in self.sources],
            tallies=self.columns.tallies(),
            causes=self.columns.causes,
            ledgers=[source.ledgers for source in self.sources],
            samples=self.sampler.rows,
            extremes=self._extremes(),
            resources=self.resources,
            behind=self.behind.matrix,
            hold_area=self.behind.hold_area,
            holds=self.behind.holds,
            waits=self.waits.columns(),
            timeline={name: getattr(self.timeline, name) for name in ("times", "running", "depth")},
        )

    def _extremes(self) -> dict[str, int]:
        """Largest values, and counts that are no integrals."""
        found = {}
        for name, port in self.ports.items():
            found[f"ports.{name}.queue_max"] = port.depth_most
            found[f"ports.{name}.active_max"] = port.running_most
            found[f"ports.{name}.limit"] = port.limit
            found[f"ports.{name}.threads_used"] = sum(
                1
                for threads in self.pools.values()
                for thread in threads
                if thread.queue is port and thread.switches > 1
            )
        for name, threads in self.pools.items():
            growing = self.growing.get(name)
            found[f"pools.{name}.threads"] = growing.params.least if growing else len(threads)
            found[f"pools.{name}.threads_max"] = growing.alive_most if growing else len(threads)
        for name, disk in self.disks.items():
            found[f"disks.{name}.present_max"] = disk.present_most
            found[f"disks.{name}.waiting_max"] = disk.queued_most
            if isinstance(disk, RecoveringPort):
                found[f"disks.{name}.resets"] = disk.resets
                found[f"disks.{name}.reissued"] = disk.reissued
        for name, cache in self.file_systems.caches.items():
            found[f"volumes.{name}.dirty_max"] = cache.dirty_most
        for name, network in self.networks.by_name.items():
            found[f"nics.{name}.ring_max"] = max(queue.rx.used_most for queue in network.nic.queues)
            found[f"nics.{name}.locked_pages_max"] = network.afd.locked_high
            found[f"nics.{name}.moved_entries"] = network.rebalancer.moves
            found[f"nics.{name}.retransmitted"] = network.host.retransmitted + network.far.retransmitted
            found[f"nics.{name}.unreachable"] = network.host.unreachable
        for name, joined in self.storage.volumes.joined.items():
            found[f"volumes.{name}.failed_disks"] = sum(leg.failed for leg in joined.legs)
        return found


def node_memory(machine: MachineModel, topology: Topology) -> NodeMemory:
    """What touching the nodes' memory costs, if that is described."""
    it = machine.memory.nodes
    if it is None:
        return NO_MEMORY
    places = range(topology.nodes)
    latencies: Sequence[Sequence[int]] = it.latencies or ()
    if it.remote:
        latencies = [[it.latency if a == b else it.remote for b in places] for a in places]
    rates = it.bandwidth // 8, it.link // 8, it.peak // 8  # bytes
    return NodeMemory(topology, it.latency, *rates, it.queue, it.streams, latencies)


def thread_params(pool: Pool) -> ThreadParams:
    """How the pool's threads are made."""
    node = -1 if pool.node is None else pool.node
    return ThreadParams(pool.priority, pool.affinity == "processor", pool.group, pool.foreground, node)


def transform_of(it: Distribution) -> Transform:
    """The pinned transform of a described distribution."""
    values = [float(value) for value in it.values]
    if it.shape == "exponential":
        return exponential(values[0])
    if it.shape == "uniform":
        return uniform(values[0], values[1])
    if it.shape == "lognormal":
        return lognormal(values[0], it.numbers[0])
    if it.shape == "pareto":
        return pareto(values[0], it.numbers[0])
    if it.shape == "choice":
        total = [sum(it.numbers[: k + 1]) for k in range(len(it.numbers))]
        return table(values, total)
    return empirical(values, list(it.numbers))


def read_traces(scenario: Scenario) -> dict[str, BlockTrace | NetTrace]:
    """The traces that a scenario replays, at its speed; raises WrongInput for a bad row, or a trace that nobody gave."""
    traces: dict[str, BlockTrace | NetTrace] = {}
    if scenario.missing:
        raise WrongInput(
            [
                Mistake(scenario.source, 0, 0, path, f"a trace file has to be given: --set {path}=FILE")
                for path in scenario.missing
            ]
        )
    for name, path in scenario.traces.items():
        load = scenario.model.workload[name]
        if isinstance(load, NetReplay):
            traces[name] = read_replay(load, path)
            continue
        assert isinstance(load, Replay)
        trace = read_block_trace(path, load.format, load.requests or 0)
        check_rows(scenario, load, trace)
        if load.timing.copies > 1:
            trace = superposed(trace, load.timing.copies)
        traces[name] = trace if load.timing.speedup == 1 else scaled(trace, load.timing.speedup)
    return traces


def check_rows(scenario: Scenario, load: Replay, trace: BlockTrace) -> None:
    """Every device of the trace has a file, and every row lies within it; raises WrongInput naming the rows."""
    mistakes = []
    sizes = []
    for device in trace.device_names:
        file = load.map if isinstance(load.map, str) else load.map.get(device, "")
        sizes.append(scenario.model.files[file].size if file else 0)
        if not file:
            known = ", ".join(load.map)
            mistakes.append(Mistake(trace.source, 0, 0, "", f"device '{device}' is not in the map (known: {known})"))
    for row, number, offset, size in zip(trace.row, trace.device, trace.offset, trace.size, strict=True):
        if sizes[number] and offset + size > sizes[number]:
            file = load.map if isinstance(load.map, str) else load.map[trace.device_names[number]]
            what = f"reaches byte {offset + size}, but file '{file}' ends at {sizes[number]}"
            mistakes.append(Mistake(trace.source, row, 1, "", what))
            if len(mistakes) > 20:
                break
    if mistakes:
        raise WrongInput(mistakes)
