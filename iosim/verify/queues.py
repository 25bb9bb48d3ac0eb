"""A completion port whose costs are all 0 beside queues that have a formula, open and closed: all of numbers 8.

Loads near 1 take many requests: intervals there are wide in a quick run, and the tables say how wide. What iosim's machines
have no part for (a switch with queues at its inputs, the shortest remaining time first) stands with its formula alone; so do
loads whose figures would take hundreds of millions of requests.
"""

from collections.abc import Iterator
from math import log2
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from iosim import theory
from iosim.verify import FULL, Row, Table
from iosim.verify.replicated import Cell, Wanted, rows_of

_PORT = """\
version: 1
scenario: queue
machine:
  cores_per_node: 32
  memory: {l3: 0 ns, local: 0 ns}
  dispatcher: {context_switch: 0 ns, quantum: 1000 s}
  kernel: {call: 0 ns, remove: 0 ns, post: 0 ns, irp: 0 ns, page_lock: 0 ns, isr: 0 ns, dpc: 0 ns, dpc_footprint: 0 B}
  stack: {ntfs_down: 0 ns, ntfs_up: 0 ns, volume_down: 0 ns, volume_up: 0 ns, disk_down: 0 ns, disk_up: 0 ns,
          port_start: 0 ns, port_up: 0 ns}
ports: {main: {concurrency: 1}, second: {concurrency: 1}, third: {concurrency: 1}}
pools:
  workers: {port: main, threads: 40}
  seconds: {port: second, threads: 1}
  thirds: {port: third, threads: 1}
handlers: {serve: [compute: {exponential: 1 ms}]}
workload: {all: {kind: open, port: main, handler: serve, rate: 500/s}}
run: {duration: 1 s, warm_up: 0 s, max_events: 1000000000}
"""
_DISK = {
    "disks": {
        "one": {
            "kind": "nvme",
            "units": 1,
            "queue_depth": 1,
            "read": "1 ms",
            "program": "10 ms",
            "overhead": "0 s",
            "bandwidth": "1000 GB/s",
            "background": {"idle_time": "0 s", "starvation": "1000000 s"},
        }
    },
    "volumes": {"data": {"disk": "one"}},
    "files": {"all": {"volume": "data", "size": "1 GiB"}},
    "ports.main.concurrency": 32,
}
_MS = {"exponential": "1 ms"}
_TEN = {"exponential": "10 ms"}


def tables(effort: str, jobs: int | None = None) -> Iterator[Table]:
    """Open queues, classes, room, closed ones, the port's own rules, and formulas alone."""
    full = effort == FULL
    size = 4_000_000 if full else 400_000  # requests a cell, of those that ask for no more
    sharp = 1 if full else 10**0.5  # how wide intervals may be, against those of a full run
    with TemporaryDirectory() as directory:
        path = Path(directory, "queue.yaml")
        path.write_text(_PORT, encoding="utf-8")
        for title, cells, note in (
            ("open queues", _open(size, sharp), _OPEN),
            ("service that varies", _general(size, sharp), _GENERAL),
            ("classes", _classes(size, sharp), _CLASSES),
            ("room for so many", _rooms(size, sharp), _ROOMS),
            ("closed queues", _closed(size // 2, sharp), _CLOSED),
        ):
            yield Table(title, rows_of(path, cells, jobs), f"{note}; {size:,} requests or so a setting, seed 1")
        yield Table("completion port", _port(path, size // 4, sharp, jobs), _RULES)
    yield Table("formulas alone", _formulas(), "numbers 8 beside iosim.theory; no part of a machine is asked")


def _requests(rate_per_ms: float, size: float) -> float:
    return size / rate_per_ms


# ---- open ------------------------------------------------------------------------------------------------------------

_OPEN = "a port whose costs are 0 and services of 1 ms, exponential; quantiles are of the time in the system"


def _open(size: int, sharp: float) -> list[Cell]:
    cells = []
    for servers in (1, 2, 4, 8, 32):
        for rho in (0.5, 0.8, 0.9, 0.95):
            wait = theory.erlang_c_wait(servers, rho)
            if servers * wait < 0.05:
                continue  # too rare: with the formulas alone
            width = sharp * {0.5: 0.03, 0.8: 0.05, 0.9: 0.08, 0.95: 0.18}[rho] * (1 + log2(servers) / 3)
            wanted = [Wanted(f"M/M/{servers} at {rho}: wait", "ms", "wait", wait, width, "Erlang C")]
            if servers == 1:
                for q in (0.95, 0.99):
                    tail = theory.exponential_quantile(1 / (1 - rho), q)
                    name = f"p{100 * q:.0f}"
                    wanted.append(Wanted(f"M/M/1 at {rho}: {name}", "ms", name, tail, 1.5 * width, "exponential"))
            cells.append(_served(size, servers, rho, _MS, 1.0, wanted))
    return cells


def _served(size: float, servers: int, rho: float, time: Any, mean_ms: float, wanted: list[Wanted]) -> Cell:
    rate = rho * servers / mean_ms
    changes = {
        "ports.main.concurrency": servers,
        "workload.all.rate": f"{1000 * rate:.9g}/s",
        "handlers.serve": [{"compute": {"time": time}}],
    }
    return Cell(changes, _requests(rate, size), wanted)


_GENERAL = "one server: services of 1 ms, or 1 ms and, one in ten or in a hundred, so much more"


def _general(size: int, sharp: float) -> list[Cell]:
    cells = []
    for rho in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
        wait = theory.pollaczek_khinchine_wait(rho, 1, 1)
        width = sharp * {0.8: 0.04, 0.9: 0.06, 0.95: 0.12}.get(rho, 0.02)
        wanted = Wanted(f"M/D/1 at {rho}: wait", "ms", "wait", wait, width, "Pollaczek, Khinchine")
        cells.append(_served(size, 1, rho, "1 ms", 1.0, [wanted]))
    for share, long, rhos in ((0.1, 10, (0.3, 0.5, 0.7, 0.8, 0.9)), (0.01, 100, (0.3, 0.5, 0.7))):
        mean, square = 1 - share + share * long, 1 - share + share * long**2
        time = {"choice": {"values": ["1 ms", f"{long} ms"], "weights": [1 - share, share]}}
        for rho in rhos:
            wait = theory.pollaczek_khinchine_wait(rho, mean, square)
            width = 0.05 * sharp * (1 if rho < 0.7 else 2) * (1 if long < 100 else 3)
            what = f"{100 * share:.0f} % of {long} ms at {rho}: wait"
            wanted = Wanted(what, "ms", "wait", wait, width, "Pollaczek, Khinchine")
            cells.append(_served(size, 1, rho, time, mean, [wanted]))
    return cells


# ---- classes ---------------------------------------------------------------------------------------------------------

_CLASSES = (
    "two classes on one server: by threads of two priorities on one processor (who pre-empts), by a disk that serves one in"
    " the background (who does not), in order of arrival on one port; server woken: each wake of the only server takes 0.1 ms"
)


def _classes(size: int, sharp: float) -> list[Cell]:
    cells = [_preempting(size, sharp, (0.3, 0.5), (_MS, _MS), (1, 1))]
    cells.append(_preempting(2 * size, sharp, (0.4, 0.04), (_MS, _TEN), (1, 10)))
    waits = theory.non_preemptive_waits((0.45, 0.045), (1, 10), (1, 100))
    transfers = {
        "first": [{"read": {"file": "all", "size": "4 KiB"}}],
        "then": [{"write": {"file": "all", "size": "4 KiB", "priority": "background"}}],
    }
    rates = (0.45, 0.045)
    wanted = [
        Wanted("disk, urgent: wait", "ms", "first.latency", waits[0], 0.03 * sharp, "priorities, no pre-emption", 1.0),
        Wanted(
            "disk, background: wait", "ms", "then.latency", waits[1], 0.1 * sharp, "priorities, no pre-emption", 10.0
        ),
    ]
    changes = {**_DISK, "handlers": transfers, "workload": _two(rates, ("main", "main"))}
    cells.append(Cell(changes, _requests(sum(rates), size), wanted))
    for what, rates, times, squares in (
        ("exponential", (0.4, 0.04), (_MS, _TEN), (2, 200)),
        ("fixed", (0.45, 0.045), ("1 ms", "10 ms"), (1, 100)),
    ):
        load = rates[0] + 10 * rates[1]
        wait = sum(rate * square for rate, square in zip(rates, squares, strict=True)) / 2 / (1 - load)
        handlers = {"first": [{"compute": times[0]}], "then": [{"compute": times[1]}]}
        changes = {"handlers": handlers, "workload": _two(rates, ("main", "main"))}
        row = Wanted(f"in order, {what}: wait", "ms", "wait", wait, 0.1 * sharp, "Pollaczek, Khinchine")
        cells.append(Cell(changes, _requests(sum(rates), size), [row]))
    for rho in (0.3, 0.8):
        wait = theory.woken_server_wait(rho, 1, 2, 0.1, 0.01)
        row = Wanted(f"server woken, at {rho}: wait", "ms", "wait", wait, 0.05 * sharp, "Welch")
        cell = _served(size, 1, rho, _MS, 1.0, [row])
        cells.append(Cell({**cell.changes, "machine.dispatcher.context_switch": "100 us"}, cell.milliseconds, [row]))
    return cells


def _preempting(size: int, sharp: float, rates: Any, times: Any, means: Any) -> Cell:
    changes = {
        "machine.cores_per_node": 1,
        "pools.workers": {"port": "main", "threads": 1, "priority": 10},
        "handlers": {"first": [{"compute": times[0]}], "then": [{"compute": times[1]}]},
        "workload": _two(rates, ("main", "second")),
    }
    found = theory.preemptive_times(rates, means, [2 * mean**2 for mean in means])
    wanted = [
        Wanted(f"{what}, {means[k]} ms: time", "ms", f"{name}.latency", found[k], width * sharp, "pre-emptive resume")
        for k, (what, name, width) in enumerate((("urgent", "first", 0.02), ("the rest", "then", 0.08)))
    ]
    return Cell(changes, _requests(sum(rates), size), wanted)


def _two(rates: tuple[float, float], ports: tuple[str, str]) -> dict[str, Any]:
    return {
        name: {"kind": "open", "port": port, "handler": name, "rate": f"{1000 * rate:.9g}/s"}
        for name, rate, port in zip(("first", "then"), rates, ports, strict=True)
    }


# ---- room ------------------------------------------------------------------------------------------------------------

_ROOMS = (
    "K requests go round between c servers of 1 ms and one that lets a new one in each 1 / rate: with all K at the servers"
    " nobody comes, as when whoever finds no room is sent away"
)


def _rooms(size: int, sharp: float) -> list[Cell]:
    cells = []
    for rate, servers, room in (
        *(
            (0.8, 1, 5),
            (0.9, 1, 10),
            (1.2, 1, 10),
            (3.2, 4, 8),
            (3.6, 4, 16),
            (4.8, 4, 16),
            (7.2, 8, 32),
            (28.8, 32, 64),
        ),
        *((1, 1, 1), (3, 5, 5), (5, 10, 10), (8, 10, 10), (12, 20, 20), (25, 32, 32)),
    ):
        it = theory.bounded_queue(rate, servers, room)
        name = f"rate {rate}, {servers} of {room}" if room > servers else f"rate {rate}, {servers} lines"
        source = "M/M/c/K" if room > servers else "Erlang B"
        wanted = [
            Wanted(f"{name}: through", "/s", "rate", 1000 * it.throughput, 0.01 * sharp, source),
            Wanted(f"{name}: inside", "", "ports.main.inside", it.inside, 0.02 * sharp, source),
        ]
        changes = {
            **_clients(room, None),
            "ports.main.concurrency": servers,
            "handlers.serve": [
                {"compute": _MS},
                {"post": {"port": "second"}},
                {"compute": {"exponential": f"{round(1e6 / rate)} ns"}},
            ],
            "machine.cores_per_node": 33,
        }
        cells.append(Cell(changes, _requests(it.throughput, size / 2), wanted))
    return cells


# ---- closed ----------------------------------------------------------------------------------------------------------

_CLOSED = (
    "all times exponential: clients who think for 10 ms and so many servers of 1 ms, or stations one after the other"
)


def _closed(size: int, sharp: float) -> list[Cell]:
    cells = []
    for clients, servers in (
        *((1, 1), (2, 1), (4, 1), (8, 1), (16, 1), (32, 1), (64, 1)),
        *((16, 4), (32, 4), (32, 8), (64, 8)),
    ):
        throughput, latency = theory.machine_repair(clients, servers, 10, 1)
        wanted = _both(f"{clients} on {servers}", throughput, latency, sharp, "machine repair")
        changes = {**_clients(clients, "10 ms"), "ports.main.concurrency": servers}
        cells.append(Cell(changes, _requests(throughput, size), wanted))
    networks: list[tuple[str | None, tuple[float, ...], tuple[int, ...]]] = [
        ("100 ms", (5, 3, 2), (1, 2, 4, 8, 16, 32, 64)),
        (None, (1, 1), (1, 2, 8)),
        (None, (0.12, 0.05, 8.3), (1, 2, 4, 8, 16)),
    ]
    for think, demands, populations in networks:
        for clients in populations:
            throughput, latency = theory.mean_value_analysis(clients, 100 if think else 0, demands)
            name = f"{clients} at {' + '.join(map(str, demands))}"
            wanted = _both(name, throughput, latency, sharp, "mean value analysis")
            changes = {**_clients(clients, think), "handlers.serve": _stations(demands)}
            cells.append(Cell(changes, _requests(throughput, size / 4), wanted))
    return cells


def _both(name: str, throughput: float, latency: float, sharp: float, source: str) -> list[Wanted]:
    return [
        Wanted(f"{name}: rate", "/s", "rate", 1000 * throughput, 0.02 * sharp, source),
        Wanted(f"{name}: time", "ms", "latency", latency, 0.03 * sharp, source),
    ]


def _stations(demands: tuple[float, ...]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for port, demand in zip(("main", "second", "third"), demands, strict=False):
        if steps:
            steps.append({"post": {"port": port}})
        steps.append({"compute": {"exponential": f"{round(1e6 * demand)} ns"}})
    return steps


def _clients(clients: int, think: str | None) -> dict[str, Any]:
    load: dict[str, Any] = {"kind": "closed", "port": "main", "handler": "serve", "clients": clients}
    if think:
        load["think"] = {"exponential": think}
    return {"workload": {"all": load}}


# ---- the port's own rules --------------------------------------------------------------------------------------------

_RULES = (
    "M/M/4 at 0.8: with the limit at 4, threads beyond it change nothing; with fewer threads than the limit they are the"
    " servers; as many threads are touched as were ever active at once, as the newest is woken first"
)


def _port(path: Path, size: int, sharp: float, jobs: int | None) -> list[Row]:
    wait = theory.erlang_c_wait(4, 0.8)
    cells = []
    for limit, threads in ((4, 4), (4, 8), (4, 64), (8, 4)):
        name = f"limit {limit}, {threads} threads: wait"
        cell = _served(size, limit, 0.8, _MS, 1.0, [Wanted(name, "ms", "wait", wait, 0.1 * sharp, "Erlang C")])
        changes = {**cell.changes, "pools.workers.threads": threads, "workload.all.rate": "3200/s"}
        cells.append(Cell(changes, _requests(3.2, size), cell.wanted))
    found = rows_of(path, cells, jobs)
    first = found[1]
    same = Row("64 threads as 8: wait", "ms", found[2].model, first.model, 0, "the same requests")
    used = rows_of(path, [_touched(size)], jobs)
    touched = Row("threads used, of 40", "", used[0].model, used[1].model, 0, "newest first")
    return [*found, same, touched]


def _touched(size: int) -> Cell:
    wanted = [Wanted(name, "", f"ports.main.{name}", 1, 1, "") for name in ("threads_used", "active_max")]
    return _served(size / 4, 32, 0.3, _MS, 1.0, wanted)


# ---- formulas --------------------------------------------------------------------------------------------------------


def _formulas() -> list[Row]:
    rows = []

    def add(what: str, found: float, published: float, digits: float, source: str) -> None:
        rows.append(Row(what, "", found, published, digits, source))

    for servers, rho, published in ((32, 0.5, 0.00001819), (8, 0.5, 0.01476100), (4, 0.5, 0.08695652)):
        add(f"M/M/{servers} at {rho}: wait", theory.erlang_c_wait(servers, rho), published, 3e-4, "Erlang C")
    for q, published in ((0.95, 299.573), (0.99, 460.517)):
        add(f"M/M/1 at 0.99: p{100 * q:.0f}", theory.exponential_quantile(100, q), published, 1e-5, "exponential")
    for rho, published in ((0.3, 195.0018), (0.5, 455.0041), (0.7, 1061.676), (0.8, 1820.016), (0.9, 4095.037)):
        found = theory.pollaczek_khinchine_wait(rho, 10.99, 0.99 + 0.01 * 1000**2)
        add(f"1 % of 1000 at {rho}: wait", found, published, 1e-6, "Pollaczek, Khinchine")
    for rho, published in ((0.5, 1.425373), (0.7, 1.874567), (0.8, 2.352773), (0.9, 3.552125), (0.95, 5.541011)):
        found = theory.shortest_remaining_time(rho)
        add(f"shortest remaining at {rho}: time", found, published, 1e-6, "Schrage, Miller 1966")
    switches = ((2, 0.75), (3, 0.682540), (4, 0.655242), (5, 0.639917), (6, 0.630150), (7, 0.623371), (8, 0.618390))
    for ports, published in switches:
        add(f"switch of {ports} by {ports}", theory.saturation(ports), published, 2e-6, "Karol, Hluchyj, Morgan 1987")
    for contention, coherence, peak, most in (
        *((0.02, 0.0005, 44.27, 15.6809), (0.05, 0.0001, 97.47, 14.4106)),
        (0.1, 0.002, 21.21, 5.4689),
    ):
        found = theory.scalability_peak(contention, coherence)
        name = f"scalability {contention}, {coherence}"
        add(f"{name}: peak", found, peak, 3e-4, "Universal Scalability Law")
        add(f"{name}: most", theory.scalability(found, contention, coherence), most, 1e-5, "Universal Scalability Law")
    return rows
