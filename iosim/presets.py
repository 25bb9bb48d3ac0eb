"""Drives of known make: their parameters, where each figure comes from, and how sure it is. Data only.

`sure` ends with what the model makes of the preset, beside what was measured on the real drive (tests/test_drives.py
holds it to that). Device times are without the host: a scenario's own Windows path comes on top.
"""

from dataclasses import dataclass

from iosim.drives.hdd import HddParams
from iosim.drives.nvme import NvmeParams
from iosim.units import US


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of parameters with its origin."""

    params: HddParams | NvmeParams
    source: str
    sure: str


_DISKSIM = (
    "DiskSim 2.01.016, valid/{files} (Carnegie Mellon University, Western Digital): seek points, zones, outermost "
    "skews, head switch; overhead is its 'read miss after read'. Bus: the interface's speed (from memory)"
)
_HDD_SURE = (
    "High for random reads: with DiskSim's slow test bus ({bus} us a sector) its trace's {count} random reads take "
    "{model} ms on average, measured {measured}; rms distance of the two distributions {demerit} ms. On the faster bus "
    "given here they take {own} ms. Low for writes and for sequential reads one at a time: no cache yet"
)

CHEETAH_9LP = Preset(
    HddParams(
        rpm=10_045,
        cylinders=6_962,
        heads=12,
        zones=(
            (0, 254),
            (848, 245),
            (1_645, 238),
            (2_394, 227),
            (3_098, 217),
            (3_759, 209),
            (4_381, 201),
            (4_966, 189),
            (5_516, 181),
            (6_032, 174),
            (6_518, 167),
        ),
        seek=(
            (1, 831_000),
            (10, 1_448_000),
            (100, 2_145_000),
            (500, 3_230_000),
            (1_000, 4_118_000),
            (2_000, 5_282_000),
            (3_000, 6_345_000),
            (5_000, 8_492_000),
            (6_894, 10_627_000),
        ),
        head_switch=30 * US,
        track_skew=2_281 * US,  # 97 of 254 sectors
        cylinder_skew=3_128 * US,  # 133 of 254 sectors
        overhead=284 * US,
        bus_ps_per_byte=12_500,  # Ultra2 SCSI, 80 MB/s
    ),
    source=_DISKSIM.format(files="cheetah9LP.*"),
    sure=_HDD_SURE.format(bus=105, count="3,265", model=9.35, measured=9.315, demerit=0.09, own=8.86),
)

BARRACUDA_7200 = Preset(
    HddParams(
        rpm=7_200,
        cylinders=5_172,
        heads=5,
        zones=(
            (0, 186),
            (1_129, 185),
            (2_354, 177),
            (2_763, 170),
            (3_100, 163),
            (3_389, 157),
            (3_702, 148),
            (4_015, 141),
            (4_328, 135),
            (4_617, 126),
            (4_930, 119),
        ),
        seek=(
            (1, 1_943_000),
            (10, 2_351_000),
            (100, 4_158_000),
            (500, 6_137_000),
            (1_000, 8_114_000),
            (2_000, 10_092_000),
            (3_000, 12_471_000),
            (4_986, 16_679_000),
        ),
        head_switch=100 * US,
        track_skew=1_658 * US,  # 37 of 186 sectors
        cylinder_skew=2_330 * US,  # 52 of 186 sectors
        overhead=613 * US,
        bus_ps_per_byte=25_000,  # Ultra Wide SCSI, 40 MB/s
    ),
    source=_DISKSIM.format(files="barracuda.*, Seagate ST32171W"),
    sure=_HDD_SURE.format(bus=134, count="3,279", model=14.66, measured=14.971, demerit=0.34, own=14.15),
)

P3700 = Preset(
    NvmeParams(
        capacity=800 * 10**9,
        units=32,
        stripe=16 * 1024,
        read=66 * US,
        program=300 * US,
        overhead=1_438,
        link_ps_per_byte=357,  # 2.8 GB/s
    ),
    source=(
        "AnandTech, Intel Optane SSD DC P4800X review, page 4 (Intel P3700 800 GB, Linux, direct). Units, read and "
        "program times fitted to it and to the data sheet; link: the data sheet's sequential read (from memory)"
    ),
    sure=(
        "High for the mean of 4 KiB random reads: with 9 us of host, 77.9 us at depth 1 (measured 77.9) and 169,900 "
        "IOPS at depth 16 (measured 167,200). Those 9 us are assumed; the Optane drive on the same bench leaves its "
        "host less than 3 us, so the bare drive may be 6 us slower. Times do not vary: the real p99 at depth 1 is 96 "
        "us. Fair at depth: 455,000 IOPS at 256 (data sheet 460,000, from memory). Low for writes: the program time "
        "gives sustained rates (94,000 IOPS, 1.5 GB/s; data sheet 90,000 and 1.9, from memory), while the real drive's "
        "buffer answers a lone write in about 20 us (from memory)"
    ),
)

P4800X = Preset(
    NvmeParams(
        capacity=375 * 10**9,
        units=16,
        stripe=4 * 1024,
        read=1_500,
        program=1_500,
        overhead=3_192,
        link_ps_per_byte=417,  # 2.4 GB/s
    ),
    source=(
        "AnandTech, Intel Optane SSD DC P4800X reviews (375 GB, page 4; link: the 2,400 MB/s of the 750 GB review). "
        "Units and times fitted"
    ),
    sure=(
        "High for 4 KiB random reads: with 2.5 us of host (assumed), 8.9 us at depth 1 (measured 8.9) and 585,400 IOPS "
        "at depth 16 (measured 584,800), where the link is the limit. Low for the inside: only the sum of overhead and "
        "read is known. Writes come out like reads, a sixth above the 500,000 IOPS of the data sheet"
    ),
)

DRIVES: dict[str, Preset] = {
    "cheetah-9lp": CHEETAH_9LP,
    "barracuda-7200": BARRACUDA_7200,
    "nvme-datacentre-flash": P3700,
    "nvme-optane": P4800X,
}
