"""Memory of a TCP connection: the echo scenario with 10,000 of them, that are there before the run.

Bytes that Python has allocated (tracemalloc) when the connections are made, part by part, and when each of them has carried
requests. Beside it what the process has grown by (resident set), in a run without tracemalloc. Both in a fresh process.
"""

import gc
import json
import subprocess
import sys
import tracemalloc

from benchmarks.install import CHECKOUT
from benchmarks.peers.iosim_run import machine_of
from benchmarks.systems import scenario_of
from iosim.machine import Machine
from iosim.net_clients import ClientEnd, NetworkSource
from iosim.tcp import NO_USER, Connection

FULL = 10_000
MOST = 2000  # bytes of both sides with a posted receive, compiled
MODES = ("parts", "resident")
PARTS = ("client", "server", "socket", "receive")  # client's end and TCP; server's TCP; its socket; a posted receive


def prepared(count: int) -> tuple[Machine, NetworkSource]:
    """The machine, its clients not yet connected."""
    scenario = scenario_of("echo", 1).with_set({"workload.clients.connections": count})
    machine = machine_of(scenario, 0)
    (source,) = machine.sources
    assert isinstance(source, NetworkSource)
    return machine, source


def parts(count: int) -> dict[str, float]:
    """Bytes a connection by part, made as `NetworkSource.meet` and `Service.attach` make them."""
    _, source = prepared(count)
    near, far, service = source.near, source.far, source.reach.service
    afd = service.afd
    clients, ends = [], []
    marks = [held()]
    for number in range(count):
        end = ClientEnd(number)
        flow = far.flows.new(source._next_address(number), source.addresses.target(number, source.target))
        connection = Connection(far, flow, source.side, end)
        source._own(end, connection)
        clients.append(connection)
    marks.append(held())
    servers = [Connection(near, connection.flow ^ 1, NO_USER, 0) for connection in clients]
    marks.append(held())
    for connection in servers:
        socket = service.socket(1)
        afd.attach(socket, connection)
        ends.append(socket)
    marks.append(held())
    for socket in ends:
        service._post_all(socket)
    marks.append(held())
    return {part: (marks[place + 1] - marks[place]) / count for place, part in enumerate(PARTS)}


def held() -> int:
    """Bytes that Python's allocators have given out and not taken back."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def resident() -> int:
    """Bytes of this process that lie in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def measure(mode: str, count: int) -> dict[str, float]:
    """In this process."""
    if mode == "parts":
        tracemalloc.start()
        found = parts(count)
        found["together"] = sum(found.values())
        return found
    _, source = prepared(count)
    gc.collect()
    before = resident()
    source.meet()
    return {"resident": (resident() - before) / count}


def report(count: int) -> int:
    """A line; 1 when it is too much, which is judged compiled alone."""
    found: dict[str, float] = {}
    for mode in MODES:
        if mode == "resident" and not sys.platform.startswith("linux"):
            continue
        command = [sys.executable, "-m", "benchmarks.connections", mode, str(count)]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
        if done.returncode:
            print(f"connections: it failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}", flush=True)
            return 1
        found |= json.loads(done.stdout.splitlines()[-1])
    print(
        f"connections {count:>12,}: " + ", ".join(f"{part} {size:,.0f}" for part, size in found.items()) + " bytes each"
    )
    return 0


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
