"""The formulas give what is published of them (numbers 8)."""

import math
import random

import pytest

from iosim import theory

# ---- open queues -----------------------------------------------------------------------------------------------------

ERLANG_C = [
    (1, (0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19)),
    (2, (0.33333333, 0.33333333), (0.71111111, 1.77777778), (0.85263158, 4.26315789), (0.92564103, 9.25641026)),
    (4, (0.17391304, 0.08695652), (0.59643247, 0.74554059), (0.78775326, 1.96938316), (0.89141900, 4.45709498)),
    (8, (0.05904399, 0.01476100), (0.45764493, 0.28602808), (0.70153299, 0.87691624), (0.84416863, 2.11042158)),
    (32, (0.00029106, 0.00001819), (0.16062321, 0.02509738), (0.45819662, 0.14318644), (0.69571011, 0.43481882)),
]


@pytest.mark.parametrize(("servers", "half", "most", "nine", "full"), ERLANG_C)
def test_who_waits_and_how_long_in_m_m_c(servers: int, half: object, most: object, nine: object, full: object) -> None:
    for load, published in zip((0.5, 0.8, 0.9, 0.95), (half, most, nine, full), strict=True):
        found = theory.erlang_c(servers, servers * load), theory.erlang_c_wait(servers, load)
        assert found == pytest.approx(published, abs=1e-8)


@pytest.mark.parametrize(
    ("servers", "offered", "lost"),
    [
        (1, 1, 0.5),
        (5, 3, 0.11005435),
        (10, 5, 0.01838457),
        (10, 8, 0.12166106),
        (20, 12, 0.00979564),
        (32, 25, 0.03081371),
        (64, 50, 0.00843943),
    ],
)
def test_who_finds_all_lines_busy_is_lost(servers: int, offered: float, lost: float) -> None:
    assert theory.erlang_b(servers, offered) == pytest.approx(lost, abs=1e-8)
    assert theory.bounded_queue(offered, servers, servers).blocked == pytest.approx(lost, abs=1e-8)


@pytest.mark.parametrize(
    ("load", "p95", "p99"),
    [(0.5, 5.991465, 9.210340), (0.8, 14.978661, 23.025851), (0.9, 29.957323, 46.051702), (0.95, 59.914645, 92.103404)],
)
def test_the_tail_of_m_m_1(load: float, p95: float, p99: float) -> None:
    mean = 1 / (1 - load)
    found = theory.exponential_quantile(mean, 0.95), theory.exponential_quantile(mean, 0.99)
    assert found == pytest.approx((p95, p99), abs=1e-5)


def test_a_quantile_of_the_wait_is_the_wait_that_so_many_exceed() -> None:
    """P(wait > t) = C exp(-c (1 - load) t)."""
    t = theory.wait_quantile(4, 0.8, 0.99)
    assert theory.erlang_c(4, 3.2) * math.exp(-4 * 0.2 * t) == pytest.approx(0.01)
    assert theory.wait_quantile(4, 0.8, 0.3) == 0


@pytest.mark.parametrize(
    ("load", "published"), [(0.3, 0.214286), (0.5, 0.5), (0.7, 1.166667), (0.8, 2), (0.9, 4.5), (0.95, 9.5)]
)
def test_constant_service_waits_half_as_long_as_exponential(load: float, published: float) -> None:
    assert theory.pollaczek_khinchine_wait(load, 1, 1) == pytest.approx(published, abs=1e-6)
    assert theory.pollaczek_khinchine_wait(load, 1, 2) == pytest.approx(load / (1 - load))


@pytest.mark.parametrize(
    ("share", "long", "waits"),
    [
        (0.1, 10, (1.229323, 2.868421, 6.692982, 11.473684, 25.815789)),
        (0.01, 100, (10.874731, 25.374372, 59.206868, 101.497487, 228.369347)),
        (0.01, 1000, (195.0018, 455.0041, 1061.676, 1820.016, 4095.037)),
    ],
)
def test_a_few_long_jobs_make_all_wait(share: float, long: float, waits: tuple[float, ...]) -> None:
    mean, square = 1 - share + share * long, 1 - share + share * long**2
    found = [theory.pollaczek_khinchine_wait(load, mean, square) for load in (0.3, 0.5, 0.7, 0.8, 0.9)]
    assert found == pytest.approx(waits, rel=1e-6)


def test_a_server_that_must_be_woken_makes_the_first_of_a_busy_period_exceptional() -> None:
    """Against a simulation by Lindley's recursion; without a cost it is M/G/1, and always awake it is a longer service."""
    assert theory.woken_server_wait(0.5, 1, 2, 0, 0) == 1
    draw = random.Random(1)
    wait = total = 0.0
    for _ in range(400_000):
        total += wait
        service = draw.expovariate(1) + (0.5 if wait == 0 else 0)
        wait = max(0.0, wait + service - draw.expovariate(0.5))
    assert total / 400_000 == pytest.approx(theory.woken_server_wait(0.5, 1, 2, 0.5, 0.25), rel=0.02)


@pytest.mark.parametrize(
    ("load", "time"), [(0.5, 1.425373), (0.7, 1.874567), (0.8, 2.352773), (0.9, 3.552125), (0.95, 5.541011)]
)
def test_the_shortest_remaining_time_first(load: float, time: float) -> None:
    assert theory.shortest_remaining_time(load) == pytest.approx(time, abs=1e-5)


# ---- classes, and room -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "means", "squares", "waits"),
    [
        ((0.4, 0.04), (1, 10), (2, 200), (7.333333, 36.666667)),
        ((0.45, 0.045), (1, 10), (1, 100), (4.5, 45)),
        ((0.3, 0.5), (1, 1), (2, 2), (1.142857, 5.714286)),
    ],
)
def test_urgent_ones_wait_only_for_who_is_being_served(
    rates: list[float], means: list[float], squares: list[float], waits: tuple[float, ...]
) -> None:
    assert theory.non_preemptive_waits(rates, means, squares) == pytest.approx(waits, abs=1e-6)


def test_urgent_ones_that_interrupt_don_t_wait_for_the_others_at_all() -> None:
    assert theory.preemptive_times((0.3, 0.5), (1, 1), (2, 2)) == pytest.approx((1.428571, 7.142857), abs=1e-6)
    assert theory.preemptive_times((0.4, 0.04), (1, 10), (2, 200)) == pytest.approx((1.666667, 53.333333), abs=1e-6)


@pytest.mark.parametrize(
    ("rate", "servers", "room", "blocked", "inside", "time", "throughput"),
    [
        (0.8, 1, 5, 0.08881950, 1.868332, 2.563065, 0.728944),
        (0.9, 1, 10, 0.05081373, 3.969441, 4.646601, 0.854268),
        (1.2, 1, 10, 0.19258650, 6.710709, 6.926138, 0.968896),
        (3.2, 4, 8, 0.06072846, 3.784701, 1.259188, 3.005669),
        (3.6, 4, 16, 0.02781882, 6.856569, 1.959103, 3.499852),
        (4.8, 4, 16, 0.17791993, 12.017269, 3.045443, 3.945984),
        (7.2, 8, 32, 0.00589265, 12.003064, 1.676974, 7.157573),
        (28.8, 32, 64, 0.00159590, 32.333788, 1.124496, 28.754038),
    ],
)
def test_room_for_so_many(
    rate: float, servers: int, room: int, blocked: float, inside: float, time: float, throughput: float
) -> None:
    it = theory.bounded_queue(rate, servers, room)
    assert (it.blocked, it.inside, it.time, it.throughput) == pytest.approx(
        (blocked, inside, time, throughput), abs=1e-6
    )


# ---- closed queues ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clients", "servers", "throughput", "latency"),
    [
        (1, 1, 0.090909, 1),
        (2, 1, 0.180328, 1.090909),
        (4, 1, 0.353337, 1.320644),
        (8, 1, 0.661682, 2.090408),
        (16, 1, 0.977698, 6.364969),
        (32, 1, 1, 22.000001),
        (64, 1, 1, 54),
        (16, 4, 1.452570, 1.014962),
        (32, 4, 2.844258, 1.250738),
        (32, 8, 2.908829, 1.000992),
        (64, 8, 5.769122, 1.093543),
    ],
)
def test_clients_that_think_and_servers(clients: int, servers: int, throughput: float, latency: float) -> None:
    assert theory.machine_repair(clients, servers, 10, 1) == pytest.approx((throughput, latency), abs=2e-6)


STATIONS = [
    *((n, 100, (5, 3, 2), x, r) for n, x, r in [(1, 0.009091, 10), (2, 0.018125, 10.345455), (4, 0.036, 11.111473)]),
    *((n, 100, (5, 3, 2), x, r) for n, x, r in [(8, 0.07078, 13.02683), (16, 0.133887, 19.504002)]),
    *((n, 100, (5, 3, 2), x, r) for n, x, r in [(32, 0.197556, 61.979439), (64, 0.2, 220)]),
    *((n, 0, (0.12, 0.05, 8.3), x, r) for n, x, r in [(1, 0.118064, 8.47), (2, 0.120443, 16.605), (4, 0.120482, 33.2)]),
    *((n, 0, (0.12, 0.05, 8.3), 0.120482, r) for n, r in [(8, 66.4), (16, 132.8)]),
    *((n, 0, (1, 1), n / (n + 1), n + 1) for n in (1, 2, 5, 50)),
]


@pytest.mark.parametrize(("clients", "think", "demands", "throughput", "latency"), STATIONS)
def test_stations_by_mean_value_analysis_and_by_product_form(
    clients: int, think: float, demands: tuple[float, ...], throughput: float, latency: float
) -> None:
    published = pytest.approx((throughput, latency), abs=1e-5, rel=3e-5)
    assert theory.mean_value_analysis(clients, think, demands) == published
    found = theory.closed_network(clients, think, demands, [1] * len(demands))
    assert (found.throughput, found.time) == published
    assert sum(found.inside) == pytest.approx(found.throughput * found.time)


def test_many_clients_don_t_overflow_the_product_form() -> None:
    found = theory.closed_network(3000, 5000.0, (1.0, 7.0, 2.0), (1, 8, 3))
    assert 0.59 < found.throughput < 0.6
    assert found.throughput * (5000 + found.time) == pytest.approx(3000)
    assert theory.closed_network(4000, 0.0, (1.0, 7.0), (1, 8)).throughput == pytest.approx(1)


# ---- bounds, scalability, switches, flash ----------------------------------------------------------------------------


def test_the_narrowest_resource_bounds_the_rate_and_tells_from_which_number_on_clients_wait() -> None:
    found = theory.bounds({"disk": 8.3, "bus": 0.05, "processors": 0.48}, {"disk": 1, "bus": 1, "processors": 4})
    assert found.bottleneck == "disk"
    assert found.rate == pytest.approx(1 / 8.3)
    assert [name for name, _ in found.order] == ["disk", "processors", "bus"]
    assert found.knee(10) == pytest.approx((10 + 8.83) / 8.3)
    assert found.throughput(1, 10) == pytest.approx(1 / 18.83)
    assert found.throughput(100, 10) == found.rate
    assert theory.bounds({}, {}).rate == math.inf
    assert theory.bounds({"disk": 2.0}, {"disk": 1}, alone=5.0).knee(5) == 5


@pytest.mark.parametrize(
    ("contention", "coherence", "speeds", "peak", "most"),
    [
        (0.02, 0.0005, (1.9589, 3.7523, 6.8493, 11.2676, 15.1229, 14.9673), 44.27, 15.6809),
        (0.05, 0.0001, (1.9044, 3.4746, 5.9014, 9.0192, 12.0791, 14.0560), 97.47, 14.4106),
        (0.1, 0.002, (1.8116, 3.0211, 4.4150, 5.3691, 5.2597, 4.1656), 21.21, 5.4689),
    ],
)
def test_how_far_it_scales(
    contention: float, coherence: float, speeds: tuple[float, ...], peak: float, most: float
) -> None:
    found = [theory.scalability(number, contention, coherence) for number in (2, 4, 8, 16, 32, 64)]
    assert found == pytest.approx(speeds, abs=1e-4)
    top = theory.scalability_peak(contention, coherence)
    assert top == pytest.approx(peak, abs=0.01)
    assert theory.scalability(top, contention, coherence) == pytest.approx(most, abs=1e-4)
    assert theory.scalability_peak(contention, 0) == math.inf


@pytest.mark.parametrize(
    ("ports", "share"),
    [(1, 1), (2, 0.75), (3, 0.682540), (4, 0.655242), (5, 0.639917), (6, 0.630150), (7, 0.623371), (8, 0.618390)],
)
def test_heads_of_line_keep_a_switch_from_its_full_speed(ports: int, share: float) -> None:
    assert theory.saturation(ports) == pytest.approx(share, abs=1e-6)


def test_collecting_the_oldest_block_costs_more_the_less_flash_there_is_to_spare() -> None:
    """At half as much again, x = exp(-(1 - x) 1.5) is 0.41719: 1 / (1 - x) = 1.7158."""
    found = [theory.fifo_write_amplification(1 + spare) for spare in (0.07, 0.28, 0.5, 9.0)]
    assert found == sorted(found, reverse=True)
    assert found[2] == pytest.approx(1.7158, abs=1e-4)
    assert found[3] == pytest.approx(1, abs=1e-3)
