"""Published sizes of messages and flows as tables of quantiles: `{table: NAME}` wherever a size is drawn. Data only.

Each table gives the size (bytes) below which a share of the messages lies, at the shares of SHARES and with two digits;
between them sizes are linear. They were read off the distributions that Montazeri et al., "Homa: A Receiver-Driven Low-Latency
Transport Protocol" (SIGCOMM 2018) publish with their simulator, and those name the studies below. `mean` is that of the
published distribution (linear between its own points); a table's differs by up to 8 %, as its last points carry much of it.
"""

from dataclasses import dataclass

SHARES = (
    *(0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925),
    *(0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99995, 0.99999, 0.999999, 1),
)
KB, MB = 1000, 1_000_000


@dataclass(frozen=True, slots=True)
class SizeTable:
    """One published distribution: what it is of, and its quantiles; those that are missing are the last one again."""

    what: str
    mean: int  # bytes
    sizes: tuple[int, ...]

    def points(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Sizes and cumulative shares, the last one once."""
        count = len(self.sizes)
        return self.sizes, (*SHARES[: count - 1], 1.0)


SIZE_TABLES = {
    "memcached-etc": SizeTable(
        "values of Facebook's memcached pool ETC (Atikoglu et al., SIGMETRICS 2012)",
        185,
        (
            *(
                1,
                1,
                2,
                2,
                2,
                3,
                5,
                10,
                11,
                14,
                27,
                51,
                78,
                110,
                150,
                200,
                260,
                350,
                500,
                620,
                800,
                910,
                1100,
                1300,
                1500,
            ),
            *(1900, 2500, 3700, 4900, 6400, 9000, 12 * KB, 15 * KB, 27 * KB, 60 * KB, 100 * KB),
        ),
    ),
    "search-rpc": SizeTable(
        "remote procedure calls of Google's search",
        423,
        (
            *(2, 2, 2, 4, 34, 41, 53, 130, 170, 230, 270, 280, 300, 320, 350, 380, 410, 450, 500, 600, 880, 1100, 1400),
            *(
                2000,
                2400,
                3000,
                4000,
                7200,
                21 * KB,
                77 * KB,
                120 * KB,
                150 * KB,
                210 * KB,
                820 * KB,
                2800 * KB,
                3500 * KB,
            ),
        ),
    ),
    "datacentre-rpc": SizeTable(
        "all remote procedure calls in one of Google's data centres",
        2890,
        (
            *(
                3,
                3,
                33,
                59,
                73,
                84,
                100,
                130,
                150,
                190,
                260,
                280,
                310,
                350,
                400,
                460,
                570,
                880,
                1700,
                3000,
                5500,
                7100,
                9500,
            ),
            *(
                13 * KB,
                17 * KB,
                31 * KB,
                85 * KB,
                200 * KB,
                360 * KB,
                530 * KB,
                1300 * KB,
                2300 * KB,
                4 * MB,
                9700 * KB,
            ),
            *(14 * MB, 15 * MB),
        ),
    ),
    "hadoop": SizeTable(
        "flows of Facebook's Hadoop machines (Roy et al., SIGCOMM 2015)",
        121_849,
        (
            *(
                230,
                300,
                310,
                340,
                370,
                460,
                500,
                530,
                560,
                590,
                660,
                730,
                960,
                1600,
                6300,
                42 * KB,
                49 * KB,
                77 * KB,
                120 * KB,
            ),
            *(180 * KB, 270 * KB, 410 * KB, 820 * KB, 1600 * KB, 2 * MB, 3100 * KB, 5600 * KB, 7900 * KB, 8900 * KB),
            *(9500 * KB, 9800 * KB, 9900 * KB, 10 * MB),
        ),
    ),
    "web-search": SizeTable(
        "flows of a web search (Alizadeh et al., DCTCP, SIGCOMM 2010), packets of 1460 bytes",
        2_510_779,
        (
            *(
                1500,
                2900,
                5800,
                8800,
                19 * KB,
                23 * KB,
                28 * KB,
                38 * KB,
                48 * KB,
                59 * KB,
                71 * KB,
                110 * KB,
                190 * KB,
            ),
            *(
                580 * KB,
                970 * KB,
                1500 * KB,
                1900 * KB,
                3400 * KB,
                4900 * KB,
                15 * MB,
                19 * MB,
                21 * MB,
                23 * MB,
                25 * MB,
            ),
            *(26 * MB, 27 * MB, 28 * MB, 29 * MB),
        ),
    ),
    "cache-follower": SizeTable(
        "flows of Facebook's cache followers within a cluster (Roy et al., SIGCOMM 2015)",
        686_866,
        (
            *(
                68,
                220,
                290,
                320,
                370,
                440,
                560,
                700,
                1100,
                2700,
                28 * KB,
                130 * KB,
                210 * KB,
                300 * KB,
                550 * KB,
                1600 * KB,
            ),
            *(
                1900 * KB,
                2200 * KB,
                2400 * KB,
                2500 * KB,
                2700 * KB,
                2700 * KB,
                2800 * KB,
                2900 * KB,
                3 * MB,
                3100 * KB,
            ),
            *(3300 * KB, 3600 * KB, 3700 * KB, 3800 * KB),
        ),
    ),
    "web-server": SizeTable(
        "flows of Facebook's web servers within a cluster (Roy et al., SIGCOMM 2015)",
        62_229,
        (
            *(
                59,
                77,
                120,
                180,
                270,
                750,
                1000,
                1500,
                1900,
                2500,
                3400,
                4600,
                6500,
                9800,
                17 * KB,
                31 * KB,
                70 * KB,
                190 * KB,
            ),
            *(
                270 * KB,
                300 * KB,
                340 * KB,
                360 * KB,
                390 * KB,
                430 * KB,
                470 * KB,
                550 * KB,
                720 * KB,
                870 * KB,
                930 * KB,
            ),
            *(970 * KB, 990 * KB, 1 * MB),
        ),
    ),
}
