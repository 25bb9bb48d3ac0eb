"""Memory of a TCP connection: the echo scenario with 10,000 of them, that are there before the run.

Bytes that Python has allocated (tracemalloc) when the connections are made, part by part; beside it what the process has
grown by (resident set), without tracemalloc. Each in a fresh process.
"""

import gc
import json
import subprocess
import sys
import tracemalloc

from benchmarks.install import CHECKOUT
from benchmarks.peers.iosim_run import machine_of
from benchmarks.systems import scenario_of
from iosim.compiled import MODE
from iosim.devices.socket_codes import STREAM
from iosim.machine import Machine
from iosim.net_clients import ClientEnd, NetworkSource
from iosim.tcp import NO_USER, Connection

FULL = 10_000
AIM = 2000  # bytes of both sides with a posted receive, compiled
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
    tracemalloc.start()
    marks = [held()]
    clients = []
    for number in range(count):
        end = ClientEnd(number)
        flow = far.flows.new(source._next_address(number), source.addresses.target(number, source.target))
        clients.append(Connection(far, flow, source.side, end))
        source._own(end, clients[-1])
    marks.append(held())
    servers = [Connection(near, connection.flow ^ 1, NO_USER, 0) for connection in clients]
    marks.append(held())
    sockets = []
    for connection in servers:
        sockets.append(service.socket(STREAM))
        service.afd.attach(sockets[-1], connection)
    marks.append(held())
    for socket in sockets:
        service._post_all(socket)
    marks.append(held())
    tracemalloc.stop()
    found = {part: (marks[place + 1] - marks[place]) / count for place, part in enumerate(PARTS)}
    return found | {"together": (marks[-1] - marks[0]) / count}


def held() -> int:
    """Bytes that Python's allocators have given out and not taken back."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def resident() -> int:
    """Bytes of this process that lie in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def grown(count: int) -> dict[str, float]:
    """Bytes a connection by which the process grows."""
    _, source = prepared(count)
    gc.collect()
    before = resident()
    source.meet()
    return {"resident": (resident() - before) / count}


def report(count: int) -> int:
    """A line; 1 when it is more than is aimed at, which is judged where iosim runs compiled."""
    found: dict[str, float] = {}
    for mode in ("parts", "grown") if sys.platform.startswith("linux") else ("parts",):
        command = [sys.executable, "-m", "benchmarks.connections", mode, str(count)]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
        if done.returncode:
            print(f"connections: it failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}", flush=True)
            return 1
        found |= json.loads(done.stdout.splitlines()[-1])
    missed = MODE.compiled and found["together"] >= AIM
    said = ", ".join(f"{part} {size:,.0f}" for part, size in found.items())
    verdict = f"; target {AIM:,}: {'MISSED' if missed else 'met'}" if MODE.compiled else ""
    print(f"{count:,} connections, bytes each: {said}{verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    print(json.dumps({"parts": parts, "grown": grown}[sys.argv[1]](int(sys.argv[2]))))
