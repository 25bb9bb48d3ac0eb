"""Hard disks beside measured drives, beside a simpler model's queue-depth curves, and beside formulas.

The three traces are DiskSim's own validation runs on the real drives (traces/DISKSIM_COPYRIGHT.txt), one command at a time;
the presets' parameters are those that DiskSim measured on the same drives, none is fitted to the traces.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from iosim.drives.geometry import SECTOR, Zone
from iosim.drives.hdd import HddParams
from iosim.drives.seek_curve import SeekCurve, seek_points
from iosim.presets.hard_disks import HARD_DISKS
from iosim.replay import BlockTrace, read_block_trace
from iosim.scenario.sources import bundled_directory
from iosim.verify import FULL, Row, Table
from iosim.verify.disk_loops import DepthLoop, TraceLoop, demerit

MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """A drive that DiskSim was validated with; its bus was the test machine's, so slow."""

    trace: str
    sector_on_bus: int  # ns
    disksim: float  # ms, demerit
    mean: float  # ms, all rows
    random_mean: float  # ms, reads that jump 2,000 blocks and take over 3 ms


MEASURED = {
    "cheetah-9lp": Measured("cheetah9LP", 105_000, 0.107, 4.273, 9.315),
    "barracuda-7200": Measured("barracuda", 134_000, 0.349, 6.627, 14.971),
    "ibm-18es": Measured("ibm18es", 101_000, 0.135, 5.261, 12.259),
}

# IOPS by order at depths 1, 2, 4, 8, 16, 32; p99 in ms at depth 32, 0 where none is published.
_DEPTHS = (1, 2, 4, 8, 16, 32)
_FLAT = {"cheetah-9lp": 111.6, "ibm-18es": 83.5, "barracuda-7200": 69.8}
_CURVES: dict[str, dict[str, tuple[tuple[float, ...], float]]] = {
    "cheetah-9lp": {
        "fcfs": ((111.6,) * 6, 323),
        "sstf": ((111.6, 125.1, 139.4, 153.3, 167.5, 179.8), 534),
        "clook": ((111.6, 115.8, 130.5, 148.4, 165.1, 178.5), 378),
        "sptf": ((111.6, 131.8, 153.0, 175.5, 201.6, 233.6), 695),
    },
    "ibm-18es": {
        "fcfs": ((83.5,) * 6, 431),
        "sstf": ((83.5, 91.8, 100.3, 108.7, 117.1, 125.9), 740),
        "clook": ((83.5, 86.0, 95.4, 105.7, 115.7, 126.0), 535),
        "sptf": ((83.5, 98.2, 112.5, 128.5, 148.3, 173.1), 920),
    },
    "barracuda-7200": {
        "fcfs": ((69.8,) * 6, 509),
        "clook": ((69.8, 72.3, 81.9, 92.6, 103.0, 112.3), 0),
        "sptf": ((69.8, 82.0, 94.7, 107.4, 121.4, 136.9), 1_010),
    },
}
_TRANSFER = {"cheetah-9lp": 200_000, "ibm-18es": 300_000, "barracuda-7200": 500_000}
_SOURCE = "computed by a simpler simulation, 20,000 requests"


def tables(effort: str) -> Iterator[Table]:
    """Measured drives, queue depth (only its ends and one drive's middle unless `full`), formulas."""
    yield measured()
    for name in _CURVES:
        yield by_depth(name, effort)
    yield formulas()


def measured() -> Table:
    """Response times of three real drives."""
    rows = []
    for name, facts in MEASURED.items():
        trace = read_trace(name)
        real = responses(trace)
        model = TraceLoop(on_test_bus(name), trace).times[: len(real)]
        random = random_reads(trace, real)
        rows.append(Row(f"{name}: demerit", "ms", demerit(model, real), facts.disksim, 1.0, "DiskSim's own", True))
        mean = sum(model[row] for row in random) / len(random) / MS
        rows.append(Row(f"{name}: random reads, mean", "ms", mean, facts.random_mean, 0.03, "measured"))
        rows.append(Row(f"{name}: all, mean", "ms", sum(model) / len(model) / MS, facts.mean, 0.05, "measured"))
    note = (
        "10,000 requests of each drive's trace one at a time, with their think times, on the test machine's bus. Demerit: "
        "rms distance of the two distributions of response times; accepted up to 1 ms, published is what DiskSim reaches"
    )
    return Table("hard disks against measured response times", rows, note)


def read_trace(name: str) -> BlockTrace:
    """The trace of a measured drive."""
    path = bundled_directory() / "traces" / f"{MEASURED[name].trace}.trace.gz"
    return read_block_trace(path, "disksim")


def on_test_bus(name: str) -> HddParams:
    """The drive as it was measured."""
    params = HARD_DISKS[name].params
    assert isinstance(params, HddParams)
    return replace(params, bus_ps_per_byte=MEASURED[name].sector_on_bus * 1000 // SECTOR)


def responses(trace: BlockTrace) -> list[int]:
    """Measured response times (ns): what a row took beside its think time; the last row's is not known."""
    rows = range(len(trace) - 1)
    return [trace.arrival[row + 1] - trace.arrival[row] - trace.think[row] for row in rows]


def random_reads(trace: BlockTrace, real: list[int]) -> list[int]:
    """Rows that read after a jump of more than 2,000 blocks and took more than 3 ms."""
    far = 2_000 * SECTOR
    return [
        row
        for row in range(1, len(real))
        if not trace.write[row] and abs(trace.offset[row] - trace.offset[row - 1]) > far and real[row] > 3 * MS
    ]


def by_depth(name: str, effort: str) -> Table:
    """IOPS by order and depth."""
    rows = []
    count, depths = (20_000, _DEPTHS) if effort == FULL else (10_000, (1, 8, 32))
    for order, (published, slowest) in _CURVES[name].items():
        for depth in depths:
            loop = DepthLoop(simplified(name, order), depth, count, 8)
            iops = published[_DEPTHS.index(depth)]
            rows.append(Row(f"{order}, depth {depth}: IOPS", "/s", loop.per_second, iops, 0.05, _SOURCE))
            if depth == 32 and slowest and effort == FULL:
                p99 = loop.quantile(0.99)
                rows.append(Row(f"{order}, depth {depth}: p99", "ms", p99, slowest, 0.1, _SOURCE))
    note = "closed, uniform addresses; measured seek curve, 0.3 ms of overhead that nothing hides; no zones, no cache"
    return Table(f"{name}: queue depth by order", rows, note)


def simplified(name: str, order: str) -> HddParams:
    """One track a cylinder, all alike; 8 sectors pass in the published model's transfer time, to 2 %.

    Tracks hold a multiple of 8, so that no read crosses one. The overhead is part of every service there, so it is put
    into the seek times here.
    """
    params = HARD_DISKS[name].params
    assert isinstance(params, HddParams)
    seek = tuple((distance, time + 300_000) for distance, time in params.seek)
    sectors = 8 * round(60e9 / params.rpm / _TRANSFER[name])
    return HddParams(params.rpm, params.cylinders, 1, (Zone(0, sectors),), seek, order=order)


def formulas() -> Table:
    """What a seek curve and a turning platter must give."""
    curve = SeekCurve(seek_points(3_240_000, 400_000, 8_000_000, 8_000, 383, 1_962))
    source = "Ruemmler and Wilkes 1994"
    published = ((1, 3.64), (100, 7.24), (382, 11.058), (383, 11.064), (1_961, 23.688))
    rows = [Row(f"HP 97560, {d} cylinders", "ms", curve.time(d) / MS, time, 0.0001, source) for d, time in published]
    for rpm, wait in ((5_400, 5.556), (7_200, 4.167), (10_000, 3.0), (15_000, 2.0)):
        params = HddParams(rpm, 1, 1, (Zone(0, 500),), ((1, 0),))
        loop = DepthLoop(params, 1, 20_000, 1)
        model = loop.mean - 60_000 / rpm / 500
        rows.append(Row(f"{rpm} rpm, wait for a random sector", "ms", model, wait, 0.02, "half a turn"))
    return Table(
        "hard disks against formulas", rows, "20,000 sectors of one track, each asked for when the one before has ended"
    )
