"""Rules of steps on sockets: who may have them, and in which order."""

from collections.abc import Iterator, Sequence
from typing import Any

from iosim.scenario.distributions import Distribution
from iosim.scenario.net_load import LONGEST_DATAGRAM, NetLoad, NetReplay
from iosim.scenario.net_steps import LAST_READ, LOGGED, NET_STEPS
from iosim.scenario.schema import ScenarioModel
from iosim.units import format_size, size_in_words

Found = Iterator[tuple[tuple[str | int, ...], str]]


def net_step_mistakes(model: ScenarioModel) -> Found:
    """What can't be, of the steps of all handlers."""
    for name, steps in model.handlers.items():
        loads = [(load_name, load) for load_name, load in model.workload.items() if load.handler == name]
        over = [load for _, load in loads if isinstance(load, NetLoad)]
        others = [load_name for load_name, load in loads if not isinstance(load, NetLoad)]
        kinds = [next(iter(step)) for step in steps]
        has_read = False
        for index, (kind, body) in enumerate(kinds):
            at = ("handlers", name, index, kind)
            if kind in NET_STEPS and others:
                yield at, f"only load over a card ('nic') has a socket; workload '{others[0]}' is not one"
            elif kind in NET_STEPS and any(load.protocol == "udp" for load in over) and kind not in ("recv", "send"):
                yield at, "datagrams have no connection; only load of 'protocol: tcp' does"
            yield from _order(at, index, [kind for kind, _ in kinds])
            if kind == "send":
                yield from _size(at, body.size, over, has_read)
            elif kind == "transmit_file":
                yield from _part(model, at, body)
            elif kind == "post" and over and body.port in model.ports and model.ports[body.port].per == "processor":
                yield (*at, "port"), f"load over a card can't go to '{body.port}', a port for each processor"
            has_read = has_read or kind == "read"


def _order(at: tuple[str | int, ...], index: int, kinds: list[str]) -> Found:
    if kinds[index] == "accept" and index:
        yield at, "only as first step: connections come before requests do"
    if kinds[index] == "recv" and kinds[:index] not in ([], ["accept"]):
        yield at, "only as first step, or behind 'accept': it is about all receives of a socket"


def _size(at: tuple[str | int, ...], size: Distribution | str, over: Sequence[NetLoad], has_read: bool) -> Found:
    if size == LAST_READ and not has_read:
        yield (*at, "size"), "there is no 'read' before this step"
    if size == LOGGED and not all(isinstance(load, NetReplay) for load in over):
        yield (*at, "size"), "only a replay of a capture or log knows what was sent then"
    datagrams = any(load.protocol == "udp" for load in over)
    if datagrams and isinstance(size, Distribution) and size.largest > LONGEST_DATAGRAM:
        yield (*at, "size"), f"a datagram has at most {size_in_words(LONGEST_DATAGRAM)}"


def _part(model: ScenarioModel, at: tuple[str | int, ...], body: Any) -> Found:
    file = model.files.get(body.file)
    start = body.offset if isinstance(body.offset, int) else 0
    if file is None:
        return
    least = 1 if body.size is None else body.size.largest
    if least == float("inf"):
        least = 1
    if start + least > file.size:
        end = format_size(start + int(least))
        yield (*at, "size" if body.size else "offset"), f"reaches {end} into a file of {format_size(file.size)}"
