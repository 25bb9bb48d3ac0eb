"""Solid-state drives of known make. Data only."""

from iosim.drives.nvme import NvmeParams
from iosim.presets.preset import Preset
from iosim.units import US

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

SOLID_STATE: dict[str, Preset] = {
    "nvme-datacentre-flash": P3700,
    "nvme-optane": P4800X,
}
