"""Hard disks of known make. Data only.

The three measured drives are DiskSim's: seek points (distance in cylinders : us), zones (first-last cylinder : sectors a
track / track skew / cylinder skew / spares, in sectors), buffer and overheads as its files have them.
"""

from iosim.drives.geometry import Zone, sector_skew
from iosim.drives.hdd import MINUTE, HddParams
from iosim.drives.seek_curve import Points, seek_points
from iosim.presets.preset import Preset
from iosim.units import US


def _zones(text: str, rpm: int, spare_cylinders: int = 0) -> tuple[Zone, ...]:
    return tuple(_zone(word, MINUTE // rpm, spare_cylinders) for word in text.split())


def _zone(word: str, revolution: int, spare_cylinders: int) -> Zone:
    cylinders, _, rest = word.partition(":")
    first, last = (int(number) for number in cylinders.split("-"))
    sectors, track, cylinder, *spares = (int(number) for number in rest.split("/"))
    skews = sector_skew(track, sectors, revolution), sector_skew(cylinder, sectors, revolution)
    return Zone(first, sectors, *skews, last, sum(spares), spare_cylinders if spares else 0)


def _seek(text: str) -> Points:
    points = (word.split(":") for word in text.split())
    return tuple((int(distance), int(time) * US) for distance, time in points)


_CHEETAH_ZONES = """
    0-846:254/97/133/1270 848-1643:245/97/133/980 1645-2392:238/97/117/952 2394-3096:227/97/116/908
    3098-3757:217/97/108/651 3759-4379:209/97/108/627 4381-4964:201/97/108/402 4966-5515:189/88/94/2268
    5516-6031:181/88/93/1991 6032-6517:174/88/93/1914 6518-6961:167/88/80/218
"""
_CHEETAH_SEEK = """
    1:831 2:1003 3:1089 4:1092 5:1268 6:1263 7:1271 8:1439 9:1433 10:1448 12:1449 14:1447 16:1453 18:1533
    20:1534 25:1625 30:1624 35:1712 40:1715 45:1765 50:1804 60:1893 70:1945 80:1983 90:2072 100:2145 125:2161
    150:2259 175:2510 200:2517 225:2519 250:2607 275:2701 300:2699 325:2841 350:2874 375:2962 400:3051 425:3014
    450:3104 475:3098 500:3230 600:3399 700:3638 800:3823 900:3995 1000:4118 1100:4271 1200:4397 1300:4427
    1400:4573 1500:4757 1600:4833 1700:4930 1800:4993 1900:5190 2000:5282 2100:5428 2200:5541 2300:5624
    2400:5726 2500:5815 2600:5963 2700:6082 2800:6163 2900:6245 3000:6345 3100:6423 3200:6665 3300:6737
    3400:6847 3500:6887 3600:6977 3700:7068 3800:7164 3900:7328 4000:7419 4100:7507 4200:7649 4300:7691
    4400:7831 4500:7959 4600:8087 4700:8135 4800:8223 4900:8311 5000:8492 5100:8626 5200:8659 5300:8805
    5400:8987 5500:8962 5600:9106 5700:9201 5800:9296 5900:9524 6000:9698 6100:9702 6200:9830 6300:9878
    6400:10009 6500:10147 6600:10230 6700:10363 6800:10540 6894:10627
"""

_BARRACUDA_ZONES = """
    0-1127:186/37/52/88 1129-2352:185/37/52/88 2354-2761:177/35/49/88 2763-3098:170/34/47/88
    3100-3387:163/32/46/88 3389-3700:157/31/44/88 3702-4013:148/29/41/88 4015-4326:141/28/39/88
    4328-4615:135/27/38/88 4617-4928:126/25/35/88 4930-5171:119/23/33/88
"""
_BARRACUDA_SEEK = """
    1:1943 2:1956 3:1933 4:2175 5:2176 6:2334 7:2344 8:2326 9:2328 10:2351 12:2358 14:2549 16:2534 18:2549
    20:2548 25:2556 30:3549 35:3721 40:3743 45:3754 50:3768 60:3939 70:4141 80:4138 90:4140 100:4158 125:4514
    150:4729 175:4929 200:5307 225:5342 250:5485 275:5533 300:5523 325:5524 350:5526 375:5717 400:5711 425:5901
    450:5758 475:5943 500:6137 600:6333 700:6730 800:7322 900:7915 1000:8114 1100:8507 1200:8702 1300:8727
    1400:8858 1500:9117 1600:9461 1700:9479 1800:9888 1900:10086 2000:10092 2100:10487 2200:10851 2300:10884
    2400:11270 2500:11284 2600:11658 2700:11873 2800:12053 2900:12244 3000:12471 3100:12640 3200:12845
    3300:13025 3400:13268 3500:13447 3600:13625 3700:14006 3800:14215 3900:14215 4000:14615 4100:14794
    4200:15002 4300:15231 4400:15405 4500:15623 4600:15831 4700:16031 4800:16193 4900:16419 4986:16679
"""

_IBM_ZONES = """
    0-256:390/58/101 258-377:390/58/101 378-513:374/56/97 515-770:374/56/97 772-1027:374/56/97
    1029-1263:374/56/96 1264-1284:364/54/94 1286-1541:364/54/94 1543-1798:364/54/94 1800-2055:364/54/94
    2057-2247:364/54/94 2248-2312:351/52/92 2314-2569:351/52/91 2571-2826:351/52/91 2828-3083:351/52/91
    3085-3340:351/52/91 3342-3466:351/52/91 3467-3597:338/51/88 3599-3854:338/51/88 3856-4111:338/51/87
    4113-4368:338/51/87 4370-4503:338/51/87 4504-4625:325/49/84 4627-4882:325/49/84 4884-5139:325/49/84
    5141-5396:325/49/84 5398-5526:325/49/84 5527-5653:312/46/81 5655-5910:312/46/81 5912-6167:312/46/81
    6169-6424:312/46/81 6426-6681:312/46/81 6683-6938:312/46/81 6940-7044:312/46/81 7045-7195:286/43/74
    7197-7452:286/43/74 7454-7709:286/43/74 7711-7966:286/43/74 7968-8223:286/43/74 8225-8480:286/43/74
    8482-8737:286/43/74 8739-8761:286/43/74 8762-8994:273/41/71 8996-9251:273/41/70 9253-9508:273/41/70
    9510-9765:273/41/70 9767-9815:273/41/70 9816-10022:260/39/67 10024-10279:260/39/66 10281-10536:260/39/66
    10538-10682:260/39/66 10683-10793:247/37/63 10795-11050:247/37/63 11052-11307:247/37/63
    11309-11473:247/37/63
"""
_IBM_SEEK = """
    1:1062 2:1477 3:1558 4:1586 5:1625 6:1718 7:1722 8:1719 9:1749 10:1020 12:1823 14:1863 16:1894 18:1898
    20:2000 25:2221 30:2261 35:2311 40:2411 45:2366 50:2514 60:2458 70:2456 80:2598 90:2616 100:2622 125:2940
    150:2860 175:3645 200:3782 225:3807 250:3929 275:3997 300:4004 325:3997 350:4143 375:4206 400:4122 425:4088
    450:4210 475:4331 500:4187 600:4451 700:4582 800:4694 900:4848 1000:4958 1100:5049 1200:5209 1300:5243
    1400:5357 1500:5470 1600:5561 1700:5693 1800:5794 1900:5868 2000:5895 2100:6032 2200:6151 2300:6219
    2400:6369 2500:6516 2600:6631 2700:6724 2800:6839 2900:6891 3000:7078 3100:7233 3200:7253 3300:7373
    3400:1026 3500:7643 3600:7621 3700:7694 3800:7733 3900:7736 4000:7700 4100:7787 4200:7793 4300:7842
    4400:7919 4500:7971 4600:8006 4700:8057 4800:8077 4900:8126 5000:7833 5100:7917 5200:8329 5300:8447
    5400:8752 5500:8882 5600:8762 5700:8915 5800:8957 5900:9121 6000:9067 6100:9330 6200:9293 6300:9387
    6400:9382 6500:9480 6600:9596 6700:9640 6800:9762 6900:9823 7000:9702 7100:9811 7200:9849 7300:10141
    7400:10073 7500:10178 7600:10224 7700:10316 7800:10294 7900:10403 8000:10439 8100:10504 8200:10601
    8300:10620 8400:10772 8500:10745 8600:10966 8700:10909 8800:11047 8900:11137 9000:11164 9100:11281
    9200:11334 9300:11257 9400:11345 9500:11486 9600:11504 9700:11645 9800:11702 9900:11660 10000:11813
    10100:11860 10200:11906 10300:12100 10400:12075 10500:12110 10600:12234 10700:12229 10800:12391 10900:12388
    11000:12445 11100:12604 11200:12655 11300:12662 11377:12853
"""


_DISKSIM = (
    "DiskSim (Carnegie Mellon University, Western Digital), valid/{files}: seek points, zones, skews, spares, head "
    "switch, write settling, buffer segments, read-ahead, overheads by kind. Bus: the interface's speed (from memory). "
    "Chosen here: tags and order"
)
_HDD_SURE = (
    "High one at a time. On the slow bus that it was measured on ({bus} us a sector) the model replays DiskSim's trace with a "
    "demerit of {demerit} ms (DiskSim's own: {own}); random reads take {model} ms on average, measured {measured}. High for "
    "IOPS by depth and order, where a simpler published simulation agrees to 1 %. Low for writes at depth"
)

CHEETAH_9LP = Preset(
    title="Seagate Cheetah 9LP, 10,045 rpm",
    params=HddParams(
        rpm=10_045,
        cylinders=6_962,
        heads=12,
        zones=_zones(_CHEETAH_ZONES, 10_045),
        blocks=17_783_240,
        seek=_seek(_CHEETAH_SEEK),
        head_switch=30 * US,
        write_settle=461 * US,
        overheads=(66_000, 273_000, 283_620, 86_730, 748_000, 500_000, 906_920, 896_400),
        bus_ps_per_byte=12_500,  # Ultra2 SCSI, 80 MB/s
        segments=3,
        segment_size=561,
        read_ahead=561,
        write_segments=3,
        write_segment_size=561,
        read_hits_on_writes=True,
    ),
    source=_DISKSIM.format(files="cheetah9LP.*, Seagate ST39102LW"),
    sure=_HDD_SURE.format(bus=105, demerit="0.21", own="0.107", model="9.34", measured="9.315"),
)

BARRACUDA_7200 = Preset(
    title="Seagate Barracuda ST32171W, 7,200 rpm",
    params=HddParams(
        rpm=7_200,
        cylinders=5_172,
        heads=5,
        zones=_zones(_BARRACUDA_ZONES, 7_200, spare_cylinders=6),
        blocks=4_110_000,
        seek=_seek(_BARRACUDA_SEEK),
        head_switch=100 * US,
        overheads=(82_000, 596_000, 613_070, 568_130, 1_010_000, 929_100, 1_053_630, 815_600),
        bus_ps_per_byte=25_000,  # Ultra Wide SCSI, 40 MB/s
        segments=3,
        segment_size=281,
        read_ahead=281,
        write_segments=1,
        write_segment_size=281,
        read_hits_on_writes=True,
    ),
    source=_DISKSIM.format(files="barracuda.*, Seagate ST32171W"),
    sure=_HDD_SURE.format(bus=134, demerit="0.38", own="0.349", model="14.72", measured="14.971"),
)

IBM_18ES = Preset(
    title="IBM 18ES, 7,200 rpm",
    params=HddParams(
        rpm=7_200,
        cylinders=11_474,
        heads=5,
        zones=_zones(_IBM_ZONES, 7_200),
        blocks=17_916_240,
        seek=_seek(_IBM_SEEK),
        head_switch=62 * US,
        write_settle=126 * US,
        overheads=(82_000, 121_000, 252_290, 423_860, 83_000, 185_200, 493_860, 793_290),
        bus_ps_per_byte=12_500,  # Ultra2 SCSI, 80 MB/s
        segments=7,
        segment_size=511,
        read_ahead=511,
        read_on_arrival=True,
        write_segments=1,
        write_segment_size=511,
    ),
    source=_DISKSIM.format(files="ibm18es.*, DNES-309170W"),
    sure=_HDD_SURE.format(bus=101, demerit="0.23", own="0.135", model="12.30", measured="12.259"),
)

HP_97560 = Preset(
    title="HP 97560, 4,002 rpm",
    params=HddParams(
        rpm=4_002,
        cylinders=1_962,
        heads=19,
        zones=(Zone(0, 72, sector_skew(8, 72, MINUTE // 4_002), sector_skew(18, 72, MINUTE // 4_002)),),
        seek=seek_points(3_240_000, 400_000, 8_000_000, 8_000, 383, 1_962),
        head_switch=1_600 * US,
        overhead=2_200 * US,
        bus_ps_per_byte=100_000,  # SCSI, 10 MB/s
        slots=8,
        segments=1,
        segment_size=256,
        read_ahead=256,
    ),
    source=(
        "Ruemmler and Wilkes 1994: seek formula, cylinders, heads, sectors, rotation. Skews, head switch, overhead, "
        "128 KiB of cache from memory. Chosen here: tags"
    ),
    sure="High for the seek times, exact to the published formula. Fair for the rest: not compared with a measurement here",
)


def _falling_zones(count: int, cylinders: int, outer: int, inner: int, skews: tuple[int, int]) -> tuple[Zone, ...]:
    """Equally wide zones, sectors falling evenly from the outside in."""
    firsts = [cylinders * zone // count for zone in range(count)]
    return tuple(
        Zone(first, outer - (outer - inner) * zone // (count - 1), *skews) for zone, first in enumerate(firsts)
    )


SATA_7200 = Preset(
    title="a 16 TB SATA drive of 2019, 7,200 rpm",
    params=HddParams(
        rpm=7_200,
        cylinders=482_300,
        heads=18,
        zones=_falling_zones(16, 482_300, 4_706, 2_500, (900 * US, 1_200 * US)),
        blocks=31_251_759_104,
        seek=(
            (1, 700 * US),
            (1_000, 1_600 * US),
            (10_000, 3_000 * US),
            (45_000, 5_200 * US),
            (90_000, 6_800 * US),
            (161_000, 8_800 * US),
            (321_000, 12_800 * US),
            (482_000, 16_800 * US),
        ),
        head_switch=800 * US,
        write_settle=300 * US,
        overheads=(50_000, 50_000, 100_000, 100_000, 50_000, 50_000, 100_000, 100_000),
        bus_ps_per_byte=1_818,  # SATA 6 Gbit/s, 550 MB/s
        segments=32,
        segment_size=8_192,
        read_ahead=2_048,
        read_on_arrival=True,
        write_segments=256,
        write_segment_size=1_024,
        age_limit=1_000_000 * US,
    ),
    source=(
        "Data sheet of a 16 TB drive of 2019 (Seagate Exos X16, from memory): 7200 rpm, 18 heads, 261 MB/s outermost, 256 MB "
        "of cache, 170 IOPS of 4 KiB random reads at depth 16. Derived: sectors a track, cylinders. Assumed: seek points, "
        "scaled to those 170 IOPS; skews, overheads, segments, age limit"
    ),
    sure=(
        "Fair for random reads: 80 a second at depth 1, 164 at 16 (data sheet 170), 198 at 32. Fair for sequential ones: "
        "260 MB/s outermost (261). Low for random writes: 307 a second in the long run (440), and for all that the data "
        "sheet does not say"
    ),
)

HARD_DISKS: dict[str, Preset] = {
    "cheetah-9lp": CHEETAH_9LP,
    "barracuda-7200": BARRACUDA_7200,
    "ibm-18es": IBM_18ES,
    "hp-97560": HP_97560,
    "sata-7200": SATA_7200,
}
