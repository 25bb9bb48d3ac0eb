"""Solid-state drives beside measurements of real ones, data sheets, and what formulas say of their parts."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from iosim.clock import make_clock
from iosim.drives.block_map import BlockMap
from iosim.drives.ssd import Ssd, SsdParams
from iosim.presets import DRIVES
from iosim.streams import Streams, whole
from iosim.theory import fifo_write_amplification
from iosim.units import US
from iosim.verify import FULL, Row, Table
from iosim.verify.closed_loop import ClosedLoop, anywhere, in_order, new_ssd
from iosim.verify.port_runs import run

KIB_4, KIB_128 = 4096, 128 * 1024
HOST = {"nvme-datacentre-flash": 9 * US, "nvme-optane": 2_500, "nvme-pcie4-flash": 9 * US, "sata-ssd": 9 * US}

_SHORT = {"nvme-datacentre-flash": "P3700", "nvme-pcie4-flash": "9A3", "sata-ssd": "SATA SSD"}

_ANANDTECH = "AnandTech, P4800X review, page 4"
_MEMORY = "data sheet, from memory"

# preset -> depth, what is published (IOPS; mean, p50, p90, p99, p99.9 in us; 0 where it is not), source
_READS: dict[str, list[tuple[int, float, tuple[float, float, float, float, float], str]]] = {
    "nvme-datacentre-flash": [
        (1, 12_800, (77.9, 76, 0, 96, 0), _ANANDTECH),
        (16, 167_200, (93.9, 0, 0, 0, 0), _ANANDTECH),
        (256, 460_000, (0, 0, 0, 0, 0), _MEMORY),
    ],
    "nvme-optane": [(1, 108_300, (8.9, 9, 0, 10, 0), _ANANDTECH), (16, 584_800, (25.5, 25, 0, 0, 0), _ANANDTECH)],
    "nvme-pcie4-flash": [(1, 14_000, (71.1, 68, 0, 82, 119), "Ignalina/racksetup, fio")],
    "sata-ssd": [
        (1, 15_365, (63.7, 49, 55, 177, 940), "shaojwa/tools, fio"),
        (32, 98_000, (0, 0, 0, 0, 0), f"860 EVO, {_MEMORY}"),
    ],
}
_STATISTICS = ("mean", "p50", "p90", "p99", "p99.9")
_QUANTILES = (0.5, 0.9, 0.99, 0.999)


def tables(effort: str) -> Iterator[Table]:
    """Reads of every preset, writes, and the parts."""
    commands = 100_000 if effort == FULL else 20_000
    for name in _READS:
        yield _reads(name, commands)
    yield _whole_path(100_000 if effort == FULL else 20_000)
    yield _writes(commands)
    yield _units()
    yield _garbage(effort)


def _reads(name: str, commands: int) -> Table:
    rows = []
    for depth, iops, times, source in _READS[name]:
        drive = new_ssd(_params(name))
        loop = ClosedLoop(drive, depth, commands, KIB_4, anywhere(drive, KIB_4), host_time=HOST[name])
        rows.append(Row(f"depth {depth}: IOPS", "/s", loop.per_second, iops, 0.1, source))
        model = (loop.mean_us, *(loop.quantile_us(q) for q in _QUANTILES))
        for statistic, found, published in zip(_STATISTICS, model, times, strict=True):
            if published:
                rows.append(Row(f"depth {depth}: {statistic}", "us", found, published, 0.1, source))
        what = f"depth {depth}: in the drive"
        rows.append(Row(what, "", loop.mean_inside, loop.rate_times_time, 1e-9, "Little's law"))
    note = f"4 KiB random reads on {DRIVES[name].title}; {HOST[name] / US:g} us of host a read (assumed)"
    return Table(f"{name}: reads", rows, note)


_PATH = """\
version: 1
scenario: path
machine: {cores_per_node: 16}
disks: {disk: {preset: nvme-datacentre-flash}}
volumes: {data: {disk: disk}}
files: {file: {volume: data, size: 64 GiB}}
ports: {main: {}}
pools: {workers: {port: main, threads: 1/processor}}
handlers: {read: [{read: {file: file, size: 4 KiB, offset: random}}]}
workload: {all: {kind: closed, port: main, handler: read, clients: 1}}
"""


def _whole_path(reads: int) -> Table:
    """The same reads from a program, through the port, NTFS and the drivers, with all default costs."""
    rows = []
    with TemporaryDirectory() as directory:
        path = Path(directory, "path.yaml")
        path.write_text(_PATH, encoding="utf-8")
        for name, short in _SHORT.items():
            for depth, iops, times, source in _READS[name]:
                if times[0]:
                    found = run(path, 1000 * reads / iops, {"disks.disk.preset": name, "workload.all.clients": depth})
                    rows.append(Row(f"{short}, {depth}: IOPS", "/s", found.per_second, iops, 0.1, source))
                    rows.append(Row(f"{short}, {depth}: mean", "us", found.latency_ms * 1000, times[0], 0.1, source))
        optane = run(path, 100, {"disks.disk.preset": "nvme-optane"}).latency_ms * 1000
    note = (
        "the whole modelled path of Windows, some 10 us a read, instead of an assumed host; the Optane drive's published "
        f"8.9 us at depth 1 leave the host less than 3: here it takes {optane:.1f}"
    )
    return Table("reads from a program: drive, clients", rows, note)


def _writes(commands: int) -> Table:
    flash, optane, sata = (_params(name) for name in ("nvme-datacentre-flash", "nvme-optane", "sata-ssd"))
    lone = _written(flash, 1, KIB_4, 2_000, anywhere, 9 * US)
    flash_in_order = _written(flash, 32, KIB_128, 3_000, in_order)
    steady = _written(replace(flash, condition="steady"), 32, KIB_4, 2 * commands, anywhere)
    optane_random = _written(optane, 16, KIB_4, commands, anywhere)
    sata_in_order = _written(sata, 32, KIB_128, 1_000, in_order)
    review = "AnandTech, P4800X review, 750 GB"
    rows = [
        Row("P3700: a lone 4 KiB write", "us", lone.mean_us, 20, 0.1, _MEMORY),
        Row("P3700: 128 KiB in order", "MB/s", _megabytes(flash_in_order), 1_900, 0.1, _MEMORY),
        Row("P3700: 4 KiB random, steady", "/s", steady.per_second, 90_000, 0.1, _MEMORY),
        Row("P4800X: 4 KiB random, depth 16", "/s", optane_random.per_second, 500_000, 0.1, review),
        Row("860 EVO: 128 KiB in order", "MB/s", _megabytes(sata_in_order), 520, 0.1, _MEMORY),
    ]
    return Table("writes", rows, "sustained ones at depth 32 after the buffer has filled, without host time")


def _params(name: str) -> SsdParams:
    params = DRIVES[name].params
    assert isinstance(params, SsdParams)
    return params


def _written(
    params: SsdParams,
    depth: int,
    size: int,
    commands: int,
    where: Callable[[Ssd, int], Callable[[int], int]],
    host_time: int = 0,
) -> ClosedLoop:
    """Writes alone; the first half fills the buffer."""
    drive = new_ssd(params)
    return ClosedLoop(drive, depth, commands, size, where(drive, size), lambda _number: True, host_time, commands // 2)


def _megabytes(loop: ClosedLoop) -> float:
    return loop.per_second * loop.size / 1e6


def _units() -> Table:
    """Semantics 4.5, cases H07 and H08."""
    params = SsdParams(1 << 30, 8, KIB_4, 100 * US, 400 * US, slots=64, placement="striped")
    rows = []
    for depth, iops in ((1, 10_000), (4, 40_000), (8, 80_000), (64, 80_000)):
        drive = Ssd(make_clock(), params)
        loop = ClosedLoop(drive, depth, 8_000, KIB_4, in_order(drive, KIB_4))
        rows.append(Row(f"even spread, depth {depth}", "/s", loop.per_second, iops, 1e-9, "min(depth, units) / time"))
        if depth == 64:
            rows.append(Row("even spread, depth 64: latency", "us", loop.latencies[-1] / US, 800, 1e-9, "depth / IOPS"))
    drive = Ssd(make_clock(), replace(params, placement="hashed"))
    where = anywhere(drive, KIB_4)
    rounds = 4_000
    busy = sum(len({drive.unit_of(where(8 * n + k) // KIB_4) for k in range(8)}) for n in range(rounds))
    rows.append(Row("8 at random: busy units", "", busy / rounds, 8 * (1 - (7 / 8) ** 8), 0.01, "k (1 - (1 - 1/k)^q)"))
    return Table("8 units of 100 us", rows, "a drive without overhead or link")


def _garbage(effort: str) -> Table:
    """Greedy collection writes at most what collecting the oldest block would, and hardly less."""
    rows = []
    count = 400_000 if effort == FULL else 60_000
    for spare in (70, 140, 280, 500):
        found = BlockMap(1, 1 << 20, 256, 4, spare, False)
        unit = Streams(1, 0).open("unit", whole(found.units))
        for number in range(count):
            found.write(0, [unit.value(number)])
            found.collect(0)
        formula = fifo_write_amplification(1 + spare / 1000)
        what = f"spare {spare / 10:g} %: programmed a unit"
        rows.append(Row(what, "", found.amplification(), formula, 0.2, "Desnoyers 2012, oldest first (memory)"))
    note = (
        "uniform random 4 KiB overwrites; the victim is the emptiest block, the formula's the oldest: the emptiest moves "
        "less, the more so the smaller the blocks (64 units here)"
    )
    return Table("write amplification", rows, note)
