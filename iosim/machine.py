"""The one page that wires a described machine together, runs it, and returns what it recorded.

Nothing is decided here: every number comes from the scenario, whose schema has its source.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from iosim.actor import SAMPLE, Clock
from iosim.application import (
    WorkerProgram,
)
from iosim.attribution import SYSTEM_WORKER_QUEUE
from iosim.batch import BatchServices
from iosim.cache import Caches
from iosim.completion_port import CompletionPort
from iosim.dispatcher import Dispatcher
from iosim.draws import Draws
from iosim.errors import IosimError
from iosim.file_systems import FileSystems, needs_cache_workers
from iosim.filters import Filters, needs_workers
from iosim.handlers import Handlers
from iosim.io_manager import IoCosts, IoManager, IoParams
from iosim.kernel_queue import NO_LIMIT, KernelQueue, KernelThread
from iosim.locks import ContendedLock, CriticalSection
from iosim.modes import FULL_PACE
from iosim.net_traces import NetTrace
from iosim.network_loads import NetworkLoads, round_trips
from iosim.network_services import NetworkServices
from iosim.networks import Networks
from iosim.numa import NO_MEMORY, NodeMemory, Topology
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
from iosim.records import Raw
from iosim.replay import BlockTrace
from iosim.sampler import Sampler, Watched
from iosim.scenario.distributions import Distribution
from iosim.scenario.expectations import thresholds
from iosim.scenario.hardware import FOREGROUND_QUANTA
from iosim.scenario.hardware import Machine as MachineModel
from iosim.scenario.load import AnyReplay, ClosedLoad, OpenLoad, Replay
from iosim.scenario.loader import Scenario
from iosim.scenario.net_load import NetLoad
from iosim.scenario.quantities import PerProcessor, count_on
from iosim.scenario.schema import STEPS, Growth, Pool
from iosim.scenario.steps import PostStep as PostTo
from iosim.scheduling import PLAIN, QUANTUM_MODES, FullDispatcher, SchedulerParams
from iosim.services import CallCosts, Services
from iosim.slim_locks import SlimLock
from iosim.storage import Storage
from iosim.streams import Streams, exponential
from iosim.system_workers import SystemWorker
from iosim.units import S, ps_per_byte
from iosim.variates import CLIENT_SHIFT, Constant
from iosim.workload import NEVER, ClosedSource, OpenSource, PipelinedSource, ReplaySource, RowPace, Source, Window

LIMIT_FACTOR = 3  # a run that can't end its counted requests stops at three times its horizon
SYSTEM_PRIORITY = 12  # worker threads of the system (delayed work queue: 12; semantics 7.1 names the levels)


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
        self.window = Window(clock, horizon, STEPS, min(horizon * LIMIT_FACTOR, NEVER), self.columns)
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
        draws = self.draws = Draws(self.model, self.streams)
        self.network_loads = NetworkLoads(scenario, clock, self.window, self.streams, draws.variate)
        self.network_services = NetworkServices(self.model, self.services, self.storage, draws.variate, draws.draw)
        doors = self.services, self.storage, self.network_services
        self.handlers = Handlers(self.model, *doors, self.locks, self._port_at, draws, traces)
        self.sources = [self._source(group, name) for group, name in enumerate(self.model.workload)]
        self._build_pools()
        self._listen(record)
        self.sampler = Sampler(clock, step, self.window, self.dispatcher, self._watched())

    # ---- what it is made of --------------------------------------------------------------------------------------

    def _horizon(self) -> tuple[int, int]:
        run = self.model.run
        if not self.traces:
            return run.horizon, run.step
        longest = max(int(trace.arrival[-1]) for trace in self.traces.values())
        fixed_depth = any(isinstance(it, AnyReplay) and it.timing.depth for it in self.model.workload.values())
        rows = max(len(trace.arrival) for trace in self.traces.values())
        return NEVER, -(-(rows * 1_000_000 if fixed_depth else longest + 1) // STEPS)

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

    def _watched(self) -> Watched:
        queues: dict[str, KernelQueue] = {**self.ports}
        if self.system_workers:
            queues["system_workers"] = self.work_queue
        if self.cache_workers:
            queues["cache_workers"] = self.cache_queue
        return Watched(
            queues=queues,
            ports=self.ports,
            locks=self.locks,
            pools=self.pools,
            growing=self.growing,
            batches=self.batches,
            pipelines=self.pipelines,
            classes=list(self.model.workload),
            disks=self.disks,
            block_maps=self.storage.block_maps,
            volumes=self.storage.volumes,
            caches=self.file_systems.caches,
            filters=self.filters.drivers,
            networks=self.networks.by_name,
            memory=self.memory,
        )

    def _lock(self, name: str) -> ContendedLock:
        it = self.model.locks[name]
        kind = SlimLock if it.kind == "slim" else CriticalSection
        return kind(self.clock, self.dispatcher, self._resource(f"locks.{name}"), it.spin, it.handoff == "fair")

    def _build_pools(self) -> None:
        self.pools: dict[str, list[KernelThread]] = {}
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

    # ---- workload ------------------------------------------------------------------------------------------------

    def _source(self, group: int, name: str) -> Source:
        load = self.model.workload[name]
        if isinstance(load, NetLoad):
            return self._net_source(group, name, load)
        source = self._bare_source(group, name)
        places = max(len(self.places[port]) for port in self._ports_of(name))
        steps = [self.handlers.steps(name, place) for place in range(places)]
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
        source.steps = [*self.handlers.net_steps(name, load, service, trace)]
        return source

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
            think = self.draws.variate(load.think, name, 0, "think")
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

    # ---- run -----------------------------------------------------------------------------------------------------

    def _listen(self, record: Collection[str]) -> None:
        groups = len(self.model.workload)
        self.behind = Behind(self.clock, groups, len(self.resources), self.window.bin_ns, STEPS)
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
            extremes=self.sampler.extremes(),
            resources=self.resources,
            behind=self.behind.matrix,
            hold_area=self.behind.hold_area,
            holds=self.behind.holds,
            waits=self.waits.columns(),
            timeline={name: getattr(self.timeline, name) for name in ("times", "running", "depth")},
        )


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
