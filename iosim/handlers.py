"""Handlers of workloads, as described: every step that is written down becomes the step objects that do it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

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
)
from iosim.completion_port import CompletionPort
from iosim.devices.polling_port import PollingPort
from iosim.draws import Draws
from iosim.irp import READ, WRITE
from iosim.locks import ContendedLock
from iosim.net_service import Service
from iosim.net_steps import NextStep
from iosim.net_traces import NetTrace
from iosim.network_services import NetworkServices
from iosim.polling import PolledTransfer
from iosim.port_lock import LockedPort
from iosim.replay import BlockTrace
from iosim.scenario.load import Replay
from iosim.scenario.net_load import NetLoad
from iosim.scenario.net_steps import NET_STEPS
from iosim.scenario.schema import ScenarioModel
from iosim.scenario.steps import Transfer
from iosim.services import Services
from iosim.storage import Storage
from iosim.streams import random_page, table, whole
from iosim.variates import Constant, Sequential, Variate

PortAt: TypeAlias = Callable[[str, int], CompletionPort]


class Handlers:
    """Makes the steps of handlers.

    `port_at` gives a port by its name and the number of a place; places differ where every processor has a port of its own.
    """

    def __init__(
        self,
        model: ScenarioModel,
        services: Services,
        storage: Storage,
        network_services: NetworkServices,
        locks: Mapping[str, ContendedLock],
        port_at: PortAt,
        draws: Draws,
        traces: Mapping[str, BlockTrace | NetTrace],
    ) -> None:
        self.model = model
        self.services = services
        self.storage = storage
        self.network_services = network_services
        self.locks = locks
        self.port_at = port_at
        self.draws = draws
        self.traces = traces

    def steps(self, workload: str, place: int) -> list[Step]:
        """The handler of a workload, to its end, with the ports and files of this place."""
        load = self.model.workload[workload]
        port = self.port_at(load.port, place)
        if isinstance(load, Replay) and load.handler is None:
            return [self._row_transfer(load, workload, port), EndStep(self.services)]
        steps: list[Step] = []
        for index, step in enumerate(self.model.handlers[load.handler or ""]):
            kind, body = next(iter(step))
            if kind == "post":
                port = self.port_at(body.port, place)
            steps += self._step(kind, body, workload, index, port)
        return [*steps, EndStep(self.services)]

    def net_steps(self, workload: str, load: NetLoad, service: Service, trace: NetTrace | None) -> list[Step]:
        """The handler of a load that comes over a card."""
        port = self.port_at(load.port, 0)
        net = self.network_services
        steps = net.first_steps(load.handler, service)
        read: Variate = Constant(0)
        for index, step in enumerate(self.model.handlers[load.handler]):
            kind, body = next(iter(step))
            if kind == "post":
                port = self.port_at(body.port, 0)
            if kind == "read":
                read = self.draws.variate(body.size, workload, index, "size")
            if kind in NET_STEPS:
                steps += net.step(service, workload, index, port, read, trace)
            else:
                steps += self._step(kind, body, workload, index, port)
        return [*steps, NextStep(service)]

    def _step(self, kind: str, body: Any, workload: str, index: int, port: CompletionPort) -> list[Step]:
        services = self.services
        if kind == "compute":
            time = self.draws.variate(body.time, workload, index, "time")
            return [ComputeStep(services, time, body.touching.private, body.touching.request)]
        if kind in ("read", "write"):
            return [self._transfer(READ if kind == "read" else WRITE, body, workload, index, port)]
        if kind == "flush":
            return [FlushStep(services, self.storage.open(body.file, port))]
        if kind in ("open", "close"):
            return [self._metadata_step(kind, body, workload, index)]
        if kind == "lock":
            lock = self.locks[body.name]
            hold = ComputeStep(services, self.draws.variate(body.hold, workload, index, "hold"), 0, 0)
            return [AcquireStep(services, lock, body.shared), hold, ReleaseStep(services, lock, body.shared)]
        if kind == "block":
            return [BlockStep(services, self.draws.variate(body.time, workload, index, "time"))]
        if kind == "sleep":
            return [SleepStep(services, self.draws.variate(body.time, workload, index, "time"))]
        if kind == "post":
            return [LockedPostStep(services, port) if isinstance(port, LockedPort) else PostStep(services, port)]
        load = self.model.workload[workload]
        assert isinstance(load, Replay)
        return [self._row_transfer(load, workload, port)]

    def _metadata_step(self, kind: str, body: Any, workload: str, index: int) -> Step:
        metadata = self.storage.file_systems.metadata[body.volume]
        call, stack = self.model.machine.kernel.call, self.model.machine.stack
        if kind == "close":
            filters = self.storage.filters.closing(body.volume)
            return CloseStep(self.services, metadata, Constant(0), call + stack.cleanup + filters, filters)
        filters = self.storage.filters.opening(body.volume)
        record = self.draws.draw(f"{workload}.{index}.record", whole(body.files, 1))
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
        size = self.draws.variate(body.size, workload, index, "size")
        bounded = body.size.largest <= file.size
        most = int(body.size.largest) if bounded else round(body.size.mean())
        offset: Variate
        if isinstance(body.offset, int):
            offset = Constant(body.offset)
        elif body.offset == "random":  # on any page; one that starts too late for its size is moved down
            offset = self.draws.draw(f"{workload}.{index}.offset", random_page(file.size, most if bounded else 0))
        else:
            offset = Sequential(max(1, most), file.size)
        cache = self.storage.file_caches[body.file]
        polled = file.device.bottom
        if isinstance(polled, PollingPort):
            return PolledTransfer(self.services, file, cache, major, size, offset, polled)
        ratio = self.model.files[body.file].hit_ratio
        hits = [] if ratio is None else [self.draws.draw(f"{workload}.{index}.hit", table([1, 0], [float(ratio), 1.0]))]
        blocking = body.mode == "blocking"
        return DrawnTransfer(self.services, file, cache, major, blocking, size, offset, hits)
