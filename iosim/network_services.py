"""The program's side of loads that come over cards, as described: its sockets, and the steps that work on them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from iosim.application import Step
from iosim.completion_port import CompletionPort
from iosim.devices.winsock import Afd
from iosim.net_service import Service, ServiceParams
from iosim.net_steps import AcceptStep, DisconnectStep, SendStep, TakeStep, TransmitStep
from iosim.net_traces import NetTrace
from iosim.scenario import net_steps as described
from iosim.scenario.distributions import Distribution
from iosim.scenario.schema import ScenarioModel
from iosim.services import Services
from iosim.storage import Storage
from iosim.streams import random_page
from iosim.variates import Column, Constant, Variate

ANSWERS = ("send", "transmit_file")

Draw: TypeAlias = Callable[[Distribution, str, int, str], Variate]
Stream: TypeAlias = Callable[[str, Any], Variate]


class NetworkServices:
    """Makes services and their steps. `draw` gives a workload's quantities, `stream` other random numbers by name."""

    def __init__(self, model: ScenarioModel, services: Services, storage: Storage, draw: Draw, stream: Stream) -> None:
        self.model = model
        self.services = services
        self.storage = storage
        self.draw = draw
        self.stream = stream

    def service(self, handler: str, afd: Afd, port: CompletionPort) -> Service:
        """A program's sockets, set up as the handler's first steps say."""
        accept, recv = settings(self.model, handler)
        params = ServiceParams(
            size=recv.size,
            posted=recv.posted,
            zero_byte=recv.zero_byte,
            skip_on_success=accept.skip_on_success,
            send_buffer=accept.send_buffer,
            no_delay=accept.no_delay,
            accepts=accept.posted,
            first=accept.with_data,
            backlog=accept.backlog,
            reuse=accept.reuse,
            open=self.model.machine.tcp.socket,
        )
        return Service(afd, self.services, port, params)

    def first_steps(self, handler: str, service: Service) -> list[Step]:
        """What comes before the steps that are written down."""
        accept, recv = settings(self.model, handler)
        steps: list[Step] = [AcceptStep(service)] if accept.with_data else []
        return [*steps, TakeStep(service)] if recv.zero_byte else steps

    def step(
        self, service: Service, workload: str, index: int, port: CompletionPort, read: Variate, trace: NetTrace | None
    ) -> list[Step]:
        """Step `index` of the workload's handler; `read` is the size of the last read before it."""
        handler = self.model.workload[workload].handler or ""
        steps = self.model.handlers[handler]
        kind, body = next(iter(steps[index]))
        last = not any(next(iter(step))[0] in ANSWERS for step in steps[index + 1 :])
        if kind == "send":
            return [self._send(service, body, workload, index, read, trace, last)]
        if kind == "transmit_file":
            return [self._transmit(service, body, workload, index, port, last)]
        return [DisconnectStep(service)] if kind == "disconnect" else []

    def _send(
        self,
        service: Service,
        body: described.Send,
        workload: str,
        index: int,
        read: Variate,
        trace: NetTrace | None,
        last: bool,
    ) -> SendStep:
        if body.size == described.REQUEST:
            return SendStep(service, Constant(0), True, last)
        if body.size == described.LAST_READ:
            return SendStep(service, read, False, last)
        if isinstance(body.size, str):
            assert trace is not None  # of replays alone (scenario/net_step_checks.py)
            return SendStep(service, Column(trace.answer), False, last)
        return SendStep(service, self.draw(body.size, workload, index, "size"), False, last)

    def _transmit(
        self,
        service: Service,
        body: described.TransmitFile,
        workload: str,
        index: int,
        port: CompletionPort,
        last: bool,
    ) -> TransmitStep:
        file = self.storage.open(body.file, port)
        size = Constant(file.size) if body.size is None else self.draw(body.size, workload, index, "size")
        if body.offset == "random":  # on any page that leaves room for its size, where that is bounded
            most = file.size if body.size is None else body.size.largest
            reach = int(most) if most <= file.size else 0
            offset = self.stream(f"{workload}.{index}.offset", random_page(file.size, reach))
        else:
            assert isinstance(body.offset, int)
            offset = Constant(body.offset)
        return TransmitStep(service, file, size, offset, last)


def settings(model: ScenarioModel, handler: str) -> tuple[described.Accept, described.Recv]:
    """What the first steps of a handler say, or their defaults."""
    first: Sequence[Any] = model.handlers[handler][:2]
    accept = [step.accept for step in first if isinstance(step, described.AcceptStep)]
    recv = [step.recv for step in first if isinstance(step, described.RecvStep)]
    return (accept or [described.Accept()])[0], (recv or [described.Recv()])[0]
