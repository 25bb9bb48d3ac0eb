"""The system of echo.yaml as a SimPy user would write it: one process a request, one a receive queue of the card.

What nobody has to wait for is there as time alone: a request is one frame and so is its answer, the acknowledgements that
ride in other frames are nothing of their own, and a client's link is never busy. A frame that has left interrupts, too. Left
out as too rare to show: rings are never full, and acknowledgements that no answer carries.

Frozen: iosim is judged against this file, so it changes only when the system does (see simpy_port.py).
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from benchmarks.peers.draws import Chance, Draw, every, places
from benchmarks.peers.simpy_file import INTERRUPT, Costs, Processor, Server, serve
from benchmarks.peers.simpy_port import Log, Process
from iosim.clock import make_clock
from iosim.frames import DATA, TCP_IPV4, WIRE_OVERHEAD, new_frame
from iosim.machine import Machine
from iosim.net_clients import NetworkSource
from iosim.scenario.loader import Scenario
from iosim.scenario.net_load import OpenNetLoad
from iosim.scenario.steps import ComputeStep
from iosim.units import PAGE, S, ps_per_byte

SENT = object()  # in a queue: a frame has left


@dataclass
class Times:
    """What is drawn for each request: ns, and its connection."""

    gap: Draw
    connection: Draw
    work: Draw


@dataclass
class CardCosts:
    """Processor time (ns) of an interrupt, of a DPC, and of each frame in it; the shortest gap between interrupts."""

    isr: int
    dpc: int
    frame: int
    gap: int


class Card:
    """Queues, each with its processor; a wire each way. Times (ns) of a frame: on the wire, on its way, over the bus."""

    def __init__(
        self, env: simpy.Environment, server: Server, costs: CardCosts, wire: float, way: float, dma: float
    ) -> None:
        self.queues = [simpy.Store(env) for _ in server.processors]
        self.queue_of = dict(zip(server.processors, self.queues, strict=True))
        self.incoming = simpy.Resource(env, 1)
        self.outgoing = simpy.Resource(env, 1)
        self.costs = costs
        self.wire = wire
        self.way = way
        self.dma = dma
        for queue, processor in zip(self.queues, server.processors, strict=True):
            env.process(receive(env, server, self, queue, processor))


def receive(env: simpy.Environment, server: Server, card: Card, queue: simpy.Store, processor: Processor) -> Process:
    """A queue interrupts, no sooner than the gap allows; its DPC runs until nothing is left."""
    costs = card.costs
    last = float(-costs.gap)
    while True:
        batch = [(yield queue.get())]
        if env.now < last + costs.gap:
            yield env.timeout(last + costs.gap - env.now)
        last = env.now
        if processor in server.idle.items:
            server.idle.items.remove(processor)
        with processor.request(INTERRUPT) as turn:
            yield turn
            yield env.timeout(costs.isr)
            while batch or queue.items:
                batch += queue.items
                queue.items.clear()
                frames = [frame for frame in batch if isinstance(frame, simpy.Event)]
                yield env.timeout(costs.dpc + len(frames) * costs.frame)
                for frame in frames:
                    frame.succeed()
                batch = []
        if not processor.queue:  # no interrupted thread
            server.idle.put(processor)


def carry(env: simpy.Environment, wire: simpy.Resource, card: Card) -> Generator[simpy.Event, Any, None]:
    """One frame over a wire."""
    with wire.request() as turn:
        yield turn
        yield env.timeout(card.wire)


def request(env: simpy.Environment, server: Server, card: Card, queue: simpy.Store, work: float, log: Log) -> Process:
    """One request from the client, and its answer."""
    issued = env.now
    yield from carry(env, card.incoming, card)
    yield env.timeout(card.way + card.dma)
    frame = env.event()
    queue.put(frame)
    yield frame
    processor, began = yield from serve(env, server, work)
    yield env.timeout(card.dma)
    yield from carry(env, card.outgoing, card)
    card.queue_of[processor].put(SENT)
    yield env.timeout(card.way)
    log.arrived.append(issued)
    log.began.append(began)
    log.ended.append(env.now)


def arrivals(
    env: simpy.Environment, server: Server, card: Card, queues: list[simpy.Store], fixed: int, times: Times, log: Log
) -> Process:
    """Requests come whatever happens; `queues`: each connection's; `fixed`: ns of a worker's time beside the drawn one."""
    while True:
        yield env.timeout(times.gap())
        queue = queues[int(times.connection())]
        env.process(request(env, server, card, queue, times.work() + fixed, log))


def times_of(scenario: Scenario, chance: Chance) -> Times:
    """What is drawn, by the names of iosim's streams."""
    model = scenario.model
    (load,), (name,) = model.workload.values(), model.workload
    assert isinstance(load, OpenNetLoad)
    _, _, work, _ = model.handlers[load.handler]
    assert isinstance(work, ComputeStep)
    return Times(
        chance(f"{name}.gap", every(float(S / load.rate))),
        chance(f"{name}.connection", places(load.connections)),
        chance(f"{name}.2.time", work.compute.time),
    )


def queue_numbers(scenario: Scenario) -> list[int]:
    """The queue of each connection, by the hash of its addresses: the card and the connections are iosim's."""
    machine = Machine(scenario, make_clock(), 1, 0, {})
    (network,) = machine.networks.by_name.values()
    (source,) = machine.sources
    assert isinstance(source, NetworkSource)
    source.meet()
    return [network.rss.processor_of(end.connection.hash) for end in source.ends]


def build(scenario: Scenario, chance: Chance) -> tuple[simpy.Environment, Log]:
    """The model, ready for `env.run(until=...)`, with the numbers of the scenario."""
    model = scenario.model
    machine = model.machine
    kernel, tcp = machine.kernel, machine.tcp
    (load,), (nic,), (port,) = model.workload.values(), model.nics.values(), model.ports.values()
    assert isinstance(load, OpenNetLoad) and isinstance(port.concurrency, int)
    size = load.request.values[0]
    copy = size * ps_per_byte(kernel.copying) // 1000
    frame = new_frame(DATA, 0, size, TCP_IPV4).size + WIRE_OVERHEAD
    env = simpy.Environment()
    server = Server(
        env, port.concurrency, machine.processors, Costs(machine.dispatcher.context_switch, kernel.remove, 0, 0, 0)
    )
    each = nic.costs.receive + tcp.receive + copy
    costs = CardCosts(nic.costs.isr, nic.costs.dpc, each, nic.interrupt_moderation.interval or 0)
    dma = nic.dma + new_frame(DATA, 0, size, TCP_IPV4).size * ps_per_byte(nic.bus) / 1000
    card = Card(env, server, costs, frame * 8e9 / nic.link, load.round_trip / 2, dma)
    queues = [card.queues[number] for number in queue_numbers(scenario)]
    # The packet's removal with its IRP; the send; and, before the next packet, the receive that is posted anew.
    send = kernel.call + copy + tcp.segment + nic.costs.transmit
    post = kernel.call + kernel.irp + -(-4096 // PAGE) * kernel.page_lock + tcp.afd
    fixed = kernel.remove + kernel.irp + send + post
    log = Log()
    env.process(arrivals(env, server, card, queues, fixed, times_of(scenario, chance), log))
    return env, log
