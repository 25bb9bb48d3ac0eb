"""Rules between load that comes over a network card and the rest of a scenario."""

from collections.abc import Iterator
from pathlib import Path

from iosim.scenario.load import ClosedLoad
from iosim.scenario.net_load import LONGEST_DATAGRAM, NetLoad, NetReplay, OpenNetLoad, fits_a_datagram, reads_all
from iosim.scenario.schema import ScenarioModel
from iosim.units import size_in_words

Found = Iterator[tuple[tuple[str | int, ...], str]]

MOST_CONNECTIONS = 1_000_000  # more than a server of any size: each takes about 4 KiB of the simulator's memory


def net_mistakes(model: ScenarioModel, captures: dict[str, Path]) -> Found:
    """What can't be, of loads over cards."""
    for name, load in model.workload.items():
        if isinstance(load, NetLoad):
            if load.port in model.ports and model.ports[load.port].per == "processor":
                yield ("workload", name, "port"), f"a socket is on one port; '{load.port}' is one for each processor"
            yield from _sizes(name, load)
            yield from _datagrams(name, load)
            yield from _replies(name, load)
            if isinstance(load, NetReplay) and load.timing.copies > 1:
                yield ("workload", name, "timing"), "copies are those of a block trace"
    for name, path in captures.items():
        if not path.is_file():
            yield ("workload", name, "addresses"), f"no such file: {path}; or write random or sequential"


def _sizes(name: str, load: NetLoad) -> Found:
    if load.request.shape in ("fixed", "choice", "uniform") and load.request.smallest == 0:
        yield ("workload", name, "request"), "a request of 0 bytes can't be seen"
    connections = load.connections if isinstance(load, OpenNetLoad) else 1
    connections = load.clients if isinstance(load, ClosedLoad) else connections
    if connections > MOST_CONNECTIONS:
        what = "clients" if isinstance(load, ClosedLoad) else "connections"
        yield ("workload", name, what), f"{connections} is more than {MOST_CONNECTIONS}"


def _replies(name: str, load: NetLoad) -> Found:
    """Connections the other way round are there before the run: nobody listens on so many ports."""
    if load.direction == "requests":
        return
    if load.protocol != "tcp" or load.requests_per_connection is not None or isinstance(load, NetReplay):
        message = "goes with TCP connections that last for the whole run"
        yield ("workload", name, "direction"), message


def _datagrams(name: str, load: NetLoad) -> Found:
    """UDP has no connections, whatever would have to be done with them."""
    if load.protocol == "tcp":
        return
    wrong = {
        "requests_per_connection": load.requests_per_connection is not None,
        "reads": not reads_all(load),
        "pieces": load.pieces is not None,
        "resets": load.resets is not None,
        "nagle": load.nagle,
    }
    for key in (key for key, found in wrong.items() if found):
        yield ("workload", name, key), "datagrams have no connection; only 'protocol: tcp' does"
    if not fits_a_datagram(load.request):
        message = f"a datagram has at most {size_in_words(LONGEST_DATAGRAM)}"
        yield ("workload", name, "request"), message
