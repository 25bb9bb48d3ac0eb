"""Hard disks of known make (see the package)."""

from iosim.drives.hdd import HddParams
from iosim.presets.preset import Preset
from iosim.units import US

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
    title="Seagate Cheetah 9LP, 10,045 rpm",
    params=HddParams(
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
    title="Seagate Barracuda ST32171W, 7,200 rpm",
    params=HddParams(
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

HARD_DISKS: dict[str, Preset] = {"cheetah-9lp": CHEETAH_9LP, "barracuda-7200": BARRACUDA_7200}
