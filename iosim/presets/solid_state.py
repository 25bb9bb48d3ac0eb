"""Solid-state drives of known make. Data only."""

from iosim.drives.ssd import SsdParams
from iosim.presets.preset import Preset
from iosim.units import MIB, US

P3700 = Preset(
    title="Intel SSD DC P3700 800 GB",
    params=SsdParams(
        capacity=800 * 10**9,
        units=32,
        stripe=16 * 1024,
        read=65_200,
        program=270 * US,
        overhead=1_438,
        link_ps_per_byte=357,  # 2.8 GB/s
        duplex=True,
        write_buffer=16 * MIB,
        write_overhead=9 * US,
        protected=True,
        spare=140,
        erase=3_000 * US,
        slow_reads=((14_000, 20 * US), (500, 900 * US), (15, 2_690 * US)),
    ),
    source=(
        "AnandTech, Intel Optane SSD DC P4800X review, page 4 (Intel P3700 800 GB, Linux, direct). Units, times and slow "
        "reads fitted to it and to the data sheet; link: the data sheet's sequential read (from memory). Spare flash and "
        "erase: typical of the class (from memory)"
    ),
    sure=(
        "High for the mean of 4 KiB random reads: with 9 us of host, 77.8 us at depth 1 (measured 77.9) and 171,200 IOPS "
        "at depth 16 (measured 167,200), 93.4 us (93.9). Those 9 us are assumed; the Optane drive on the same bench "
        "leaves its host less than 3 us, so the bare drive may be 6 us slower. At depth 1 p99 is 97 us (96); fair at "
        "depth: p50 77 and p99 206 us at depth 16 (91 and 163), 460,000 IOPS at 256 (data sheet 460,000, from memory). "
        "Fair for writes, all from memory: a lone one 19.5 us (20), in order 1.94 GB/s (1.9), random and sustained "
        "96,000 IOPS in steady condition (90,000; the spare flash is fitted to that)"
    ),
)

P4800X = Preset(
    title="Intel Optane SSD DC P4800X 375 GB",
    params=SsdParams(
        capacity=375 * 10**9,
        units=16,
        stripe=4 * 1024,
        read=1_500,
        program=1_500,
        overhead=3_192,
        link_ps_per_byte=417,  # 2.4 GB/s
        write_ps_per_byte=500,  # 2.0 GB/s
        slow_reads=((12_000, 1_200), (20, 28_000)),
    ),
    source=(
        "AnandTech, Intel Optane SSD DC P4800X reviews (375 GB, page 4; link: the 2,400 and 2,000 MB/s of the 750 GB "
        "review). Units and times fitted"
    ),
    sure=(
        "High for 4 KiB random reads: with 2.5 us of host (assumed), 8.9 us at depth 1 (measured 8.9) and 585,000 IOPS "
        "at depth 16 (measured 584,800), where the link is the limit, 27.3 us (25.5; depth over IOPS is 27.4). High for "
        "writes at depth 16: 488,000 IOPS (data sheet 500,000). Low for the inside: only the sum of overhead and read is "
        "known. At depth 16 the model's times hardly vary (measured p99 41 us)"
    ),
)

SAMSUNG_9A3 = Preset(
    title="Samsung 9A3 class, PCIe 4",
    params=SsdParams(
        capacity=1_920 * 10**9,
        units=64,
        stripe=16 * 1024,
        read=56_900,
        program=400 * US,
        overhead=1_500,
        link_ps_per_byte=154,  # 6.5 GB/s
        duplex=True,
        write_buffer=32 * MIB,
        write_overhead=6 * US,
        protected=True,
        spare=70,
        erase=3_000 * US,
        slow_reads=((300_000, 8 * US), (20_000, 14 * US), (1_500, 51 * US)),
    ),
    source=(
        "Ignalina/racksetup, fio logs (two Samsung 9A3 of PCIe 4, io_uring, depth 1): read and slow reads are fitted to "
        "its quantiles. Everything else: typical of the class (from memory)"
    ),
    sure=(
        "High at depth 1: with 9 us of host (assumed), 70.7 us (measured 71.1), p50 68, p99 82 and p99.9 119 us (68, 82, "
        "119). Low for everything else: times at depth, link and writes are guesses from its class (from memory)"
    ),
)

SATA_SSD = Preset(
    title="a SATA SSD of the Samsung 860 EVO class",
    params=SsdParams(
        interface="sata",
        slots=32,
        capacity=500 * 10**9,
        units=8,
        stripe=16 * 1024,
        read=22_200,
        program=250 * US,
        overhead=10_200,
        serial=10_200,
        link_ps_per_byte=1_818,  # 550 MB/s
        write_buffer=8 * MIB,
        spare=70,
        erase=3_000 * US,
        slow_reads=(
            (70_000, 5_600),
            (35_000, 45 * US),
            (10_500, 128 * US),
            (3_000, 350 * US),
            (1_100, 890 * US),
            (500, 22_000 * US),
        ),
    ),
    source=(
        "shaojwa/tools, fio logs (an unnamed SATA SSD, libaio, depth 1): read and slow reads are fitted to its quantiles. "
        "Overhead: 98,000 IOPS at depth 32, data sheet of the Samsung 860 EVO (from memory). Link: 550 MB/s, SATA 6 "
        "Gbit/s. Buffer, programs, spare flash: typical of the class (from memory)"
    ),
    sure=(
        "Fair at depth 1: with 9 us of host (assumed), 15,500 IOPS (measured 15,365), mean 64.6 us (63.7), p50 49, p90 54, "
        "p99 177, p99.9 939 us (49, 55, 177, 940). Fair at depth 32: 98,000 IOPS (data sheet of the 860 EVO, from "
        "memory), where the controller is the limit, and 528 MB/s in order. Low for writes: the buffer answers a lone one "
        "in 27 us; the fast part of the flash (SLC) is taken to last for ever, and the spare flash is a guess"
    ),
)

SOLID_STATE: dict[str, Preset] = {
    "nvme-datacentre-flash": P3700,
    "nvme-optane": P4800X,
    "nvme-pcie4-flash": SAMSUNG_9A3,
    "sata-ssd": SATA_SSD,
}
