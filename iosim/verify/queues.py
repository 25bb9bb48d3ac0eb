"""A completion port whose costs are all 0 beside queues that have a formula, open and closed."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from iosim.theory import (
    erlang_c_wait,
    exponential_quantile,
    machine_repair,
    mean_value_analysis,
    pollaczek_khinchine_wait,
)
from iosim.verify import FULL, Row, Table
from iosim.verify.port_runs import Found, run

_PORT = """\
version: 1
scenario: queue
machine:
  cores_per_node: 8
  memory: {l3: 0 ns, local: 0 ns}
  dispatcher: {context_switch: 0 ns, quantum: 1000 s}
  kernel: {remove: 0 ns, post: 0 ns}
ports: {main: {concurrency: 1}, second: {concurrency: 1}, third: {concurrency: 1}}
pools:
  workers: {port: main, threads: 16}
  seconds: {port: second, threads: 1}
  thirds: {port: third, threads: 1}
handlers: {serve: [compute: {exponential: 1 ms}]}
workload: {all: {kind: open, port: main, handler: serve, rate: 500/s}}
run: {duration: 1 s, warm_up: 0 s, max_events: 1000000000}
"""
_STATIONS = [
    {"compute": {"exponential": "5 ms"}},
    {"post": {"port": "second"}},
    {"compute": {"exponential": "3 ms"}},
    {"post": {"port": "third"}},
    {"compute": {"exponential": "2 ms"}},
]
_BIMODAL = {"choice": {"values": ["1 ms", "10 ms"], "weights": [0.9, 0.1]}}


def tables(effort: str) -> Iterator[Table]:
    """Open queues, then closed ones."""
    full = effort == FULL
    customers = 1_000_000 if full else 100_000
    with TemporaryDirectory() as directory:
        path = Path(directory, "queue.yaml")
        path.write_text(_PORT, encoding="utf-8")
        yield _open(path, customers, 0.03 if full else 0.1)
        yield _closed(path, customers // 4, 0.02 if full else 0.05)


def _open(path: Path, customers: int, tolerance: float) -> Table:
    """Waits of M/M/c, M/D/1 and M/G/1, and the tail of M/M/1; the mean service time is 1 ms, or 1.9."""
    rows = []
    for servers, rho in ((1, 0.5), (1, 0.8), (2, 0.8), (4, 0.8), (8, 0.8)):
        found = _served(path, customers, servers, rho, {"exponential": "1 ms"}, 1.0)
        rows.append(
            Row(
                f"M/M/{servers} at {rho}: wait",
                "ms",
                found.wait_ms,
                erlang_c_wait(servers, rho),
                tolerance,
                "Erlang C",
            )
        )
        if (servers, rho) == (1, 0.5):
            for q in (0.95, 0.99):
                tail = exponential_quantile(1 / (1 - rho), q)
                name = f"M/M/1 at {rho}: p{100 * q:.0f}"
                rows.append(Row(name, "ms", found.quantile_ms(q), tail, tolerance, "exponential"))
    for rho in (0.5, 0.8):
        found = _served(path, customers, 1, rho, "1 ms", 1.0)
        wait = pollaczek_khinchine_wait(rho, 1, 1)
        rows.append(Row(f"M/D/1 at {rho}: wait", "ms", found.wait_ms, wait, tolerance, "Pollaczek, Khinchine"))
    found = _served(path, customers, 1, 0.5, _BIMODAL, 1.9)
    wait = pollaczek_khinchine_wait(0.5, 1.9, 0.9 + 0.1 * 100)
    rows.append(Row("M/G/1 at 0.5: wait", "ms", found.wait_ms, wait, tolerance, "Pollaczek, Khinchine"))
    note = (
        f"a port whose costs are 0, at so much load a server; {customers:,} requests each, seed 1. Services of 1 ms on "
        "average; of M/G/1, 1 or, one in ten, 10 ms. Quantiles are of the time in the system"
    )
    return Table("open queues", rows, note)


def _served(path: Path, customers: int, servers: int, rho: float, time: Any, mean_ms: float) -> Found:
    rate = rho * servers * 1000 / mean_ms
    changes = {
        "ports.main.concurrency": servers,
        "workload.all.rate": f"{rate:.9g}/s",
        "handlers.serve": [{"compute": {"time": time}}],
    }
    return run(path, customers / rate * 1000, changes)


def _closed(path: Path, customers: int, tolerance: float) -> Table:
    """Machine repair, and three stations by mean value analysis."""
    rows = []
    for clients, servers in ((1, 1), (8, 1), (16, 1), (64, 1), (16, 4), (32, 8)):
        throughput, latency = machine_repair(clients, servers, 10, 1)
        load_ = _clients(clients, 10)
        found = run(path, customers / throughput, {**load_, "ports.main.concurrency": servers})
        name = f"{clients} on {servers}"
        rows.append(Row(f"{name}: rate", "/s", found.per_second, 1000 * throughput, tolerance, "machine repair"))
        rows.append(Row(f"{name}: time", "ms", found.latency_ms, latency, tolerance, "machine repair"))
    for clients in (1, 16, 64):
        throughput, latency = mean_value_analysis(clients, 100, (5, 3, 2))
        changes = {**_clients(clients, 100), "handlers.serve": _STATIONS}
        found = run(path, customers / 4 / throughput, changes)
        name = f"{clients} at 5 + 3 + 2 ms"
        rows.append(Row(f"{name}: rate", "/s", found.per_second, 1000 * throughput, tolerance, "mean value analysis"))
        rows.append(Row(f"{name}: time", "ms", found.latency_ms, latency, tolerance, "mean value analysis"))
    note = (
        f"all times exponential, about {customers:,} requests each, seed 1: clients that think for 10 ms on so many servers "
        "of 1 ms, and that think for 100 ms at three stations; time is that in the system"
    )
    return Table("closed queues", rows, note)


def _clients(clients: int, think_ms: int) -> dict[str, Any]:
    think = {"exponential": f"{think_ms} ms"}
    return {
        "workload": {"all": {"kind": "closed", "port": "main", "handler": "serve", "clients": clients, "think": think}}
    }
