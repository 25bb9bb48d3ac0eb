"""The system of file.yaml as a SimPy user would write it: one process a request, from its arrival to its end.

Processor time that is one unbroken stretch is one timeout: nobody would wait once for every driver. Only what can make
somebody wait is there: no threads (nothing blocks, so the port's limit holds back first) and no command slots (the
drive has a thousand; the agreement checks that none was waited for). Left out as too rare to show: an interrupt during
another one's DPC waits for its end, where iosim's service routine runs first; and every command has a DPC of its own,
where one of iosim's may complete two.

Frozen: iosim is judged against this file, so it changes only when the system does (see simpy_port.py).
"""

from collections.abc import Generator
from dataclasses import dataclass
from math import inf
from typing import Any, TypeAlias

import simpy

from benchmarks.peers.draws import Chance, Draw, every, places
from benchmarks.peers.simpy_port import Log, Process
from iosim.actor import Clock
from iosim.drives.ssd import Ssd, SsdParams
from iosim.scenario.drive_params import drive_params
from iosim.scenario.load import OpenLoad
from iosim.scenario.loader import Scenario
from iosim.scenario.steps import ComputeStep, ReadStep
from iosim.units import PAGE, S

INTERRUPT, THREAD = 0, 1  # who takes a processor from whom

Processor: TypeAlias = simpy.PreemptiveResource


@dataclass
class Times:
    """What is drawn for each request: ns, and the page of the file that it reads."""

    gap: Draw
    first: Draw
    page: Draw
    last: Draw


@dataclass
class Costs:
    """Processor time (ns) of the kernel and its drivers, per request."""

    switch: int  # to a thread that had to be woken
    remove: int
    down: int  # system call, IRP, page locks, all drivers, start of the drive
    up: int  # interrupt service routine, DPC with all drivers, page locks
    free: int  # the IRP, by the thread that removes the packet


class Server:
    """Places in the port, and processors, some of which have nothing to do."""

    def __init__(self, env: simpy.Environment, limit: int, processors: int, costs: Costs) -> None:
        self.port = simpy.Resource(env, limit)
        self.processors = [Processor(env, 1) for _ in range(processors)]
        self.idle = simpy.Store(env)
        self.idle.items.extend(self.processors)
        self.costs = costs


class Drive:
    """Flash units with a queue each, then one link (ns); it interrupts `target`, or the processor of the submitter."""

    def __init__(self, env: simpy.Environment, params: SsdParams, size: int, target: Processor | None) -> None:
        self.units = [simpy.Resource(env, 1) for _ in range(params.units)]
        self.unit_of = Ssd(Clock(), params).unit_of
        self.link = simpy.Resource(env, 1)
        self.overhead = params.overhead
        self.read = params.read
        self.transfer = size * params.link_ps_per_byte / 1000
        self.target = target


def serve(env: simpy.Environment, server: Server, work: float) -> Generator[simpy.Event, Any, tuple[Processor, float]]:
    """A worker thread works for `work` ns; returns its processor and when it had it first."""
    with server.port.request() as place:
        if place.triggered:
            work += server.costs.switch
        yield place
        processor: Processor = yield server.idle.get()
        first = -1.0
        while work:
            with processor.request(THREAD) as turn:
                ends = inf
                try:
                    yield turn
                    first = env.now if first < 0 else first
                    ends = env.now + work
                    yield env.timeout(work)
                    work = 0
                except simpy.Interrupt:
                    work = min(work, ends - env.now)
        server.idle.put(processor)
    return processor, first


def interrupt(env: simpy.Environment, server: Server, processor: Processor) -> Process:
    """Interrupt service and DPC: before any thread; no thread is given a processor that is at it."""
    if processor in server.idle.items:
        server.idle.items.remove(processor)
    with processor.request(INTERRUPT) as turn:
        yield turn
        yield env.timeout(server.costs.up)
    if not processor.queue:  # neither an interrupted thread nor another interrupt
        server.idle.put(processor)


def read(env: simpy.Environment, drive: Drive, page: int) -> Process:
    """One command: overhead, its flash unit, the link."""
    yield env.timeout(drive.overhead)
    with drive.units[drive.unit_of(page)].request() as unit:
        yield unit
        yield env.timeout(drive.read)
    with drive.link.request() as link:
        yield link
        yield env.timeout(drive.transfer)


def request(
    env: simpy.Environment, server: Server, drive: Drive, first: float, page: int, last: float, log: Log
) -> Process:
    """One request from its arrival to its end."""
    arrived = env.now
    costs = server.costs
    processor, began = yield from serve(env, server, costs.remove + first + costs.down)
    yield from read(env, drive, page)
    yield from interrupt(env, server, drive.target or processor)
    yield from serve(env, server, costs.remove + costs.free + last)
    log.arrived.append(arrived)
    log.began.append(began)
    log.ended.append(env.now)


def arrivals(env: simpy.Environment, server: Server, drive: Drive, times: Times, log: Log) -> Process:
    """Requests come whatever happens."""
    while True:
        yield env.timeout(times.gap())
        env.process(request(env, server, drive, times.first(), int(times.page()), times.last(), log))


def times_of(scenario: Scenario, chance: Chance) -> Times:
    """What is drawn, by the names of iosim's streams."""
    model = scenario.model
    (load,), (name,), (file,) = model.workload.values(), model.workload, model.files.values()
    assert isinstance(load, OpenLoad)
    first, middle, last = model.handlers[load.handler]
    assert isinstance(first, ComputeStep) and isinstance(middle, ReadStep) and isinstance(last, ComputeStep)
    return Times(
        chance(f"{name}.gap", every(float(S / load.rate))),
        chance(f"{name}.0.time", first.compute.time),
        chance(f"{name}.1.offset", places(file.size // PAGE)),
        chance(f"{name}.2.time", last.compute.time),
    )


def drive_of(scenario: Scenario) -> tuple[SsdParams, int]:
    """The drive, and the size (bytes) of every read."""
    model = scenario.model
    (load,), (disk,) = model.workload.values(), model.disks.values()
    assert isinstance(load, OpenLoad)
    read = model.handlers[load.handler][1]
    assert isinstance(read, ReadStep)
    (size,) = read.read.size.values
    params = drive_params(disk)
    assert isinstance(params, SsdParams) and size <= params.stripe
    return params, size


def build(scenario: Scenario, chance: Chance) -> tuple[simpy.Environment, Log]:
    """The model, ready for `env.run(until=...)`, with the numbers of the scenario."""
    model = scenario.model
    (port,), (pool,), (disk,) = model.ports.values(), model.pools.values(), model.disks.values()
    assert isinstance(pool.threads, int) and isinstance(port.concurrency, int)
    assert pool.threads >= port.concurrency
    params, size = drive_of(scenario)
    env = simpy.Environment()
    server = Server(env, port.concurrency, model.machine.processors, costs(scenario, -(-size // PAGE)))
    target = disk.interrupt_processor
    drive = Drive(env, params, size, None if target is None else server.processors[target])
    log = Log()
    env.process(arrivals(env, server, drive, times_of(scenario, chance), log))
    return env, log


def costs(scenario: Scenario, pages: int) -> Costs:
    """The kernel's share of one request that reads so many pages."""
    machine = scenario.model.machine
    kernel, stack = machine.kernel, machine.stack
    lock = pages * kernel.page_lock
    down = stack.ntfs_down + stack.volume_down + stack.disk_down + stack.port_start
    up = stack.ntfs_up + stack.volume_up + stack.disk_up + stack.port_up
    return Costs(
        switch=machine.dispatcher.context_switch,
        remove=kernel.remove,
        down=kernel.call + kernel.irp + lock + down,
        up=kernel.isr + kernel.dpc + lock + up,
        free=kernel.irp,
    )
